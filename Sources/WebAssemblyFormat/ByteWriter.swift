/// Bytes that grow at the end: a section's content while it is being written.
public struct ByteWriter: Sendable {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// A writer with room for `capacity` bytes.
  public init(capacity: Int) {
    bytes.reserveCapacity(capacity)
  }

  /// Number of bytes written, and so the position of the next one.
  public var count: Int { bytes.count }
  public var isEmpty: Bool { bytes.isEmpty }

  /// Calls `body` with what was written, which stays there as long as the call takes.
  public func withReader<Result>(_ body: (ByteReader) -> Result) -> Result {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return body(ByteString("").bytes) }
      return unsafe body(ByteReader(start, 0..<buffer.count))
    }
  }

  /// Forgets what was written and keeps the room for it.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  public mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// Writes an unsigned LEB128 number.
  public mutating func u32(_ value: UInt32) { u64(UInt64(value)) }

  /// Writes an unsigned LEB128 number.
  public mutating func u64(_ value: UInt64) {
    if value < 0x80 { return bytes.append(UInt8(truncatingIfNeeded: value)) }
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: LEB128.maximumLength) { room in
      guard let start = room.baseAddress else { return }
      unsafe bytes.append(contentsOf: room[..<LEB128.write(unsigned: value, to: start)])
    }
  }

  /// Writes an unsigned LEB128 number padded to `width` bytes.
  ///
  /// - Precondition: `width` is at least its length.
  public mutating func u64(_ value: UInt64, width: Int) {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width) { room in
      guard let start = room.baseAddress else { return }
      unsafe LEB128.write(unsigned: value, width: width, to: start)
      unsafe bytes.append(contentsOf: room)
    }
  }

  /// Writes a count or an index.
  ///
  /// - Precondition: `0 <= value < 2³²`.
  public mutating func count(_ value: Int) { u32(UInt32(value)) }

  /// Writes a signed LEB128 number.
  public mutating func s32(_ value: Int32) { s64(Int64(value)) }

  /// Writes a signed LEB128 number of 33 bits, as type indices are encoded in heap types and block types.
  ///
  /// - Precondition: `-2³² <= value < 2³²`.
  public mutating func s33(_ value: Int64) {
    precondition(value >> 32 == 0 || value >> 32 == -1)
    s64(value)
  }

  /// Writes a signed LEB128 number.
  public mutating func s64(_ value: Int64) {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: LEB128.maximumLength) { room in
      guard let start = room.baseAddress else { return }
      unsafe bytes.append(contentsOf: room[..<LEB128.write(signed: value, to: start)])
    }
  }

  /// Writes a little-endian number of four bytes.
  public mutating func fixed32(_ value: UInt32) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes a little-endian number of eight bytes.
  public mutating func fixed64(_ value: UInt64) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  public mutating func raw(_ content: ByteReader) {
    // A buffer is copied at once, other collections byte by byte.
    _ = unsafe content.withContiguousStorageIfAvailable { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  public mutating func raw(_ array: [UInt8]) { bytes.append(contentsOf: array) }

  /// Writes what another writer holds.
  public mutating func raw(_ other: ByteWriter) { bytes.append(contentsOf: other.bytes) }

  /// Writes a name: the number of its bytes, and them.
  public mutating func name(_ name: ByteString) {
    count(name.count)
    raw(name.bytes)
  }

  /// Writes a name: the number of its bytes in UTF-8, and them.
  public mutating func name(_ name: String) {
    count(name.utf8.count)
    bytes.append(contentsOf: name.utf8)
  }

  /// Writes what `body` writes, with its length in bytes in front, in the shortest encoding.
  ///
  /// May be nested; the length's bytes are inserted afterwards, so large contents are moved once a level.
  public mutating func sized<E: Error>(_ body: (inout ByteWriter) throws(E) -> Void) throws(E) {
    let start = bytes.count
    // One byte is reserved; what more the length needs is inserted when it is known.
    bytes.append(0)
    try body(&self)
    let length = UInt64(bytes.count - start - 1)
    let width = LEB128.length(unsigned: length)
    if width > 1 { bytes.insert(contentsOf: repeatElement(0, count: width - 1), at: start) }
    patch(at: start, unsigned: length, width: width)
  }

  /// Overwrites `width` bytes at `position` with a padded unsigned LEB128 number.
  ///
  /// - Precondition: those bytes have been written, and the number fits.
  public mutating func patch(at position: Int, unsigned value: UInt64, width: Int) {
    precondition(position >= 0 && width > 0 && position + width <= bytes.count)
    unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe LEB128.write(unsigned: value, width: width, to: start + position)
    }
  }

  /// Overwrites `width` bytes at `position` with a padded signed LEB128 number.
  ///
  /// - Precondition: those bytes have been written, and the number fits.
  public mutating func patch(at position: Int, signed value: Int64, width: Int) {
    precondition(position >= 0 && width > 0 && position + width <= bytes.count)
    unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      unsafe LEB128.write(signed: value, width: width, to: start + position)
    }
  }

  /// Overwrites four bytes at `position` with a little-endian number.
  ///
  /// - Precondition: those bytes have been written.
  public mutating func patch(at position: Int, fixed32 value: UInt32) {
    precondition(position >= 0 && position + 4 <= bytes.count)
    for index in 0..<4 { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt32(index * 8)) }
  }
}
