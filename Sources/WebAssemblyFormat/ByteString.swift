/// A string of bytes inside a mapped file: a name, compared and hashed without a copy.
///
/// Names in WebAssembly are UTF-8, but nothing here depends on it; ``description`` repairs what is not.
/// The memory belongs to a mapped file or an arena that lives as long as the link.
@frozen
public struct ByteString: @unchecked Sendable {
  public let start: UnsafePointer<UInt8>
  @usableFromInline let storedCount: UInt32
  /// A hash of the bytes, the same on every machine and in every run.
  public let hash: UInt32

  /// The `count` bytes from `start` on.
  @inlinable
  public init(_ start: UnsafePointer<UInt8>, count: Int) {
    self.start = start
    self.storedCount = UInt32(truncatingIfNeeded: count)
    self.hash = ByteString.hash(start, count)
  }

  /// A string literal as bytes.
  public init(_ literal: StaticString) {
    self.init(literal.utf8Start, count: literal.utf8CodeUnitCount)
  }

  /// Length in bytes.
  @inlinable public var count: Int { Int(storedCount) }
  @inlinable public var isEmpty: Bool { storedCount == 0 }
  @inlinable public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

  /// Multiply-and-fold over eight bytes at a time: names are long in C++ and Rust.
  @inlinable
  static func hash(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
    let raw = UnsafeRawPointer(start)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: count)
    var position = 0
    while position &+ 8 <= count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      state = product.high ^ product.low
      position &+= 8
    }
    var tail: UInt64 = 0
    var shift: UInt64 = 0
    while position < count {
      tail |= UInt64(start[position]) &<< shift
      shift &+= 8
      position &+= 1
    }
    let product = (state ^ tail).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    let folded = product.high ^ product.low
    return UInt32(truncatingIfNeeded: folded ^ (folded >> 32))
  }

  public func hasSuffix(_ suffix: StaticString) -> Bool {
    let length = suffix.utf8CodeUnitCount
    guard length <= count else { return false }
    for index in 0..<length where start[count - length + index] != suffix.utf8Start[index] { return false }
    return true
  }

  public func hasPrefix(_ prefix: StaticString) -> Bool {
    let length = prefix.utf8CodeUnitCount
    guard length <= count else { return false }
    for index in 0..<length where start[index] != prefix.utf8Start[index] { return false }
    return true
  }
}

extension ByteString: Hashable {
  @inlinable
  public static func == (left: ByteString, right: ByteString) -> Bool {
    guard left.hash == right.hash, left.storedCount == right.storedCount else { return false }
    if left.start == right.start { return true }
    for index in 0..<left.count where left.start[index] != right.start[index] { return false }
    return true
  }

  @inlinable
  public static func == (left: ByteString, right: StaticString) -> Bool {
    guard left.count == right.utf8CodeUnitCount else { return false }
    for index in 0..<left.count where left.start[index] != right.utf8Start[index] { return false }
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
