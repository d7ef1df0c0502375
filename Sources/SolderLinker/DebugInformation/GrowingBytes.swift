import WebAssemblyFormat

/// Bytes that grow at the end, one at a time, and belong to one writer. An array would ask at each byte whether somebody
/// shares it, which takes longer than the byte.
///
/// The memory has `capacity` bytes, of which the first `count` were written; nobody else knows it, and it goes with this.
@safe
struct GrowingBytes: ~Copyable {
  private var start: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = max(capacity, 64)
    unsafe start = .allocate(capacity: self.capacity)
  }

  deinit { unsafe start.deallocate() }

  @inline(never)
  private mutating func grow(by length: Int) {
    let larger = max(2 * capacity, count + length)
    let new = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    unsafe new.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = new
    capacity = larger
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    unsafe start[count] = byte
    count &+= 1
  }

  /// Adds bytes as they are.
  @inline(__always)
  mutating func append(_ bytes: ByteReader) {
    let length = bytes.remaining
    if length > capacity &- count { grow(by: length) }
    unsafe (start + count).update(from: bytes.base + bytes.offset, count: length)
    count &+= length
  }

  /// Overwrites a little-endian number of up to eight bytes.
  mutating func put(_ value: UInt64, width: Int, at offset: Int) {
    precondition(offset >= 0 && width >= 0 && width <= count - offset)
    for index in 0..<width { unsafe start[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }

  /// Adds few bytes as they are.
  @inline(__always)
  mutating func append(few bytes: ByteReader) {
    var place = bytes.offset
    while place < bytes.end {
      append(unsafe bytes.base[place])
      place &+= 1
    }
  }

  /// Adds an unsigned LEB128 number.
  @inline(__always)
  mutating func append(number value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// Adds a signed LEB128 number.
  mutating func append(signed value: Int64) {
    var rest = value
    while rest < -0x40 || rest >= 0x40 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest) & 0x7F)
  }

  /// What was written.
  var array: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }
}

extension [UInt8] {
  /// Overwrites a little-endian number of up to eight bytes.
  @inline(__always)
  mutating func put(_ value: UInt64, width: Int, at offset: Int) {
    precondition(offset >= 0 && width >= 0 && width <= count - offset)
    unsafe withUnsafeMutableBytes { bytes in
      if width == 4 {
        unsafe bytes.storeBytes(
          of: UInt32(truncatingIfNeeded: value).littleEndian, toByteOffset: offset, as: UInt32.self)
      } else {
        for index in 0..<width { unsafe bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
      }
    }
  }
}
