import WebAssemblyFormat

/// Bytes, or what is as plain, that grow at the end, one at a time, and belong to one writer. An array would ask at each of
/// them whether somebody shares it, which takes longer than the byte.
///
/// The memory has room for `capacity` elements, of which the first `count` were written; nobody else knows it, and it goes
/// with this.
@safe
struct GrowingRow<Element: BitwiseCopyable>: ~Copyable {
  private var start: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = capacity
    unsafe start = .allocate(capacity: capacity)
  }

  deinit { unsafe start.deallocate() }

  @inline(never)
  private mutating func grow(by length: Int) {
    let larger = max(2 * capacity, count + length, 64)
    let new = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    unsafe new.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = new
    capacity = larger
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(by: 1) }
    unsafe start[count] = element
    count &+= 1
  }

  /// The element at an index in front of `count`.
  @inline(__always)
  subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count)
    return unsafe start[index]
  }

  /// What was written.
  var array: [Element] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }
}

typealias GrowingBytes = GrowingRow<UInt8>

extension GrowingRow<UInt8> {
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
    if width == 4 {
      let number = UInt32(truncatingIfNeeded: value).littleEndian
      return unsafe UnsafeMutableRawPointer(start + offset).storeBytes(of: number, as: UInt32.self)
    }
    for index in 0..<width { unsafe start[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }

  /// Adds few bytes as they are: those of a reader from an offset on, up to where it stands.
  @inline(__always)
  mutating func append(few reader: ByteReader, from offset: Int) {
    precondition(offset >= 0 && offset <= reader.offset)
    let length = reader.offset &- offset
    if length <= 8, reader.end &- offset >= 8, capacity &- count >= 8 {
      // What is behind them is written over by what comes next, or not counted.
      let bytes = unsafe UnsafeRawPointer(reader.base + offset).loadUnaligned(as: UInt64.self)
      unsafe UnsafeMutableRawPointer(start + count).storeBytes(of: bytes, as: UInt64.self)
      count &+= length
      return
    }
    for place in offset..<reader.offset { append(unsafe reader.base[place]) }
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
