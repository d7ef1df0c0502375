/// A string of bytes inside a mapped file: a name, compared and hashed without a copy.
///
/// Names in WebAssembly are UTF-8, but nothing here depends on it; ``description`` repairs what is not.
/// The memory from `start` on belongs to a mapped file or an arena that lives as long as the link, and nobody writes to
/// it; whoever makes a string from a pointer vouches for `count` readable bytes there. Every load below is of these.
@frozen @safe
public struct ByteString: @unchecked Sendable {
  public let start: UnsafePointer<UInt8>
  @usableFromInline let storedCount: UInt32
  /// A hash of the bytes, the same on every machine and in every run.
  public let hash: UInt32

  /// The `count` bytes from `start` on.
  @inlinable
  public init(_ start: UnsafePointer<UInt8>, count: Int) {
    unsafe self.start = unsafe start
    self.storedCount = UInt32(truncatingIfNeeded: count)
    self.hash = unsafe ByteString.hash(start, count)
  }

  /// The bytes that a reader has not read.
  @inlinable
  public init(_ reader: ByteReader) { unsafe self.init(reader.base + reader.offset, count: reader.remaining) }

  /// A string literal as bytes.
  public init(_ literal: StaticString) {
    unsafe self.init(literal.utf8Start, count: literal.utf8CodeUnitCount)
  }

  /// Length in bytes.
  @inlinable public var count: Int { Int(storedCount) }
  @inlinable public var isEmpty: Bool { storedCount == 0 }
  /// The bytes as a collection, and to read.
  @inlinable public var bytes: ByteReader { unsafe ByteReader(start, 0..<count) }

  /// The byte at a position.
  ///
  /// - Precondition: `0 <= index < count`.
  @inlinable
  public subscript(index: Int) -> UInt8 {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "index is out of range")
    return unsafe start[index]
  }

  /// Multiply-and-fold over sixteen bytes at a time: names are long in C++ and Rust. The last sixteen overlap those
  /// before, so that no byte is read alone but in names of up to three.
  @inlinable
  static func hash(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
    let raw = unsafe UnsafeRawPointer(start)
    func word(_ offset: Int) -> UInt64 {
      unsafe UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    func half(_ offset: Int) -> UInt64 {
      unsafe UInt64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: count)
    var (first, last): (UInt64, UInt64) = (0, 0)
    if count > 16 {
      var position = 0
      while position &+ 16 < count {
        state = fold(word(position) ^ 0xD6E8_FEB8_6659_FD93, word(position &+ 8) ^ state)
        position &+= 16
      }
      (first, last) = (word(count &- 16), word(count &- 8))
    } else if count >= 8 {
      (first, last) = (word(0), word(count &- 8))
    } else if count >= 4 {
      (first, last) = (half(0), half(count &- 4))
    } else if count > 0 {
      first = unsafe UInt64(start[0]) | UInt64(start[count &>> 1]) &<< 8 | UInt64(start[count &- 1]) &<< 16
    }
    let folded = fold(fold(first ^ 0xD6E8_FEB8_6659_FD93, last ^ state), 0xA076_1D64_78BD_642F)
    return UInt32(truncatingIfNeeded: folded ^ (folded >> 32))
  }

  /// The two halves of a product, one over the other, and over the factors: or all bytes in which nobody sees a pattern
  /// would have one hash behind eight that make a factor zero.
  @inlinable @inline(__always)
  static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return (product.high ^ left) ^ (product.low ^ right)
  }

  /// Calls `body` with the bytes, which stay where they are.
  @inlinable
  public func withBuffer<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    unsafe body(UnsafeBufferPointer(start: start, count: count))
  }

  public func hasSuffix(_ suffix: ByteString) -> Bool {
    guard suffix.count <= count else { return false }
    return unsafe ByteString.areEqual(start + (count - suffix.count), suffix.start, suffix.count)
  }

  public func hasSuffix(_ suffix: StaticString) -> Bool {
    let length = suffix.utf8CodeUnitCount
    guard length <= count else { return false }
    for index in 0..<length where unsafe start[count - length + index] != suffix.utf8Start[index] { return false }
    return true
  }

  public func hasPrefix(_ prefix: StaticString) -> Bool {
    let length = prefix.utf8CodeUnitCount
    guard length <= count else { return false }
    for index in 0..<length where unsafe start[index] != prefix.utf8Start[index] { return false }
    return true
  }
}

extension ByteString: Hashable {
  @inlinable
  public static func == (left: ByteString, right: ByteString) -> Bool {
    guard left.hash == right.hash, left.storedCount == right.storedCount else { return false }
    return unsafe left.start == right.start || ByteString.areEqual(left.start, right.start, left.count)
  }

  /// Whether `count` bytes are equal: eight at a time, the last eight of them perhaps a second time.
  @inlinable
  static func areEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard count >= 8 else {
      for index in 0..<count where unsafe left[index] != right[index] { return false }
      return true
    }
    let (one, other) = unsafe (UnsafeRawPointer(left), UnsafeRawPointer(right))
    var position = 0
    while position &+ 8 < count {
      let word = unsafe one.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      if unsafe word != other.loadUnaligned(fromByteOffset: position, as: UInt64.self) { return false }
      position &+= 8
    }
    let last = count &- 8
    return unsafe one.loadUnaligned(fromByteOffset: last, as: UInt64.self)
      == other.loadUnaligned(fromByteOffset: last, as: UInt64.self)
  }

  @inlinable
  public static func == (left: ByteString, right: StaticString) -> Bool {
    guard left.count == right.utf8CodeUnitCount else { return false }
    for index in 0..<left.count where unsafe left.start[index] != right.utf8Start[index] { return false }
    return true
  }

  @inlinable
  public static func != (left: ByteString, right: StaticString) -> Bool { !(left == right) }

  @inlinable
  public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

extension ByteString: CustomStringConvertible {
  public var description: String { String(decoding: bytes, as: UTF8.self) }
}
