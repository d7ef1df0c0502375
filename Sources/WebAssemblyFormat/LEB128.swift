/// Writing LEB128 numbers (WebAssembly 3.0, Binary Format, Values, Integers).
///
/// The functions that write return the number of bytes written; the caller provides for the room, at most
/// ``maximumLength`` bytes or the width asked for.
public enum LEB128 {
  /// The most bytes that a 64-bit number takes.
  @inlinable public static var maximumLength: Int { 10 }

  /// Number of bytes of the shortest unsigned encoding.
  @inlinable
  public static func length(unsigned value: UInt64) -> Int {
    // One byte more than a seventh of the highest bit's number, which up to 63 is as much as nine parts of 64.
    let highestBit = 63 &- (value | 1).leadingZeroBitCount
    return (highestBit &* 9 &+ 73) &>> 6
  }

  /// Number of bytes of the shortest signed encoding.
  @inlinable
  public static func length(signed value: Int64) -> Int {
    // One bit more than the magnitude: the sign.
    length(unsigned: UInt64(bitPattern: value ^ (value &>> 63)) &<< 1)
  }

  /// Writes the shortest unsigned encoding.
  @inlinable @discardableResult
  public static func write(unsigned value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var rest = value
    var count = 0
    while rest >= 0x80 {
      unsafe target[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest &>>= 7
      count &+= 1
    }
    unsafe target[count] = UInt8(truncatingIfNeeded: rest)
    return count &+ 1
  }

  /// Writes the shortest signed encoding.
  @inlinable @discardableResult
  public static func write(signed value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var rest = value
    var count = 0
    while rest < -64 || rest > 63 {
      unsafe target[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest &>>= 7
      count &+= 1
    }
    unsafe target[count] = UInt8(truncatingIfNeeded: rest) & 0x7F
    return count &+ 1
  }

  /// Writes an unsigned number padded to `width` bytes: 5 for 32-bit numbers and 10 for 64-bit ones in relocatable
  /// code.
  ///
  /// - Precondition: `width >= length(unsigned: value)`.
  @inlinable
  public static func write(unsigned value: UInt64, width: Int, to target: UnsafeMutablePointer<UInt8>) {
    precondition(width >= length(unsigned: value), "number does not fit into the width")
    var rest = value
    for index in 0..<(width &- 1) {
      unsafe target[index] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest &>>= 7
    }
    unsafe target[width &- 1] = UInt8(truncatingIfNeeded: rest)
  }

  /// Writes a signed number padded to `width` bytes.
  ///
  /// - Precondition: `width >= length(signed: value)`.
  @inlinable
  public static func write(signed value: Int64, width: Int, to target: UnsafeMutablePointer<UInt8>) {
    precondition(width >= length(signed: value), "number does not fit into the width")
    var rest = value
    for index in 0..<(width &- 1) {
      unsafe target[index] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest &>>= 7
    }
    unsafe target[width &- 1] = UInt8(truncatingIfNeeded: rest) & 0x7F
  }

  /// Writes the low 35 bits of a number padded to five bytes, as operands of 32 bits stand in relocatable code. A signed
  /// number is passed with its sign extended.
  ///
  /// Without a loop: the groups of seven bits are moved to their bytes in one register.
  @inlinable @inline(__always)
  public static func write(fiveBytes value: UInt64, to target: UnsafeMutablePointer<UInt8>) {
    let low = UInt32(truncatingIfNeeded: value)
    let groups = low & 0x7F | low &<< 1 & 0x7F00 | low &<< 2 & 0x7F_0000 | low &<< 3 & 0x7F00_0000
    unsafe UnsafeMutableRawPointer(target).storeBytes(of: (groups | 0x8080_8080).littleEndian, as: UInt32.self)
    unsafe target[4] = UInt8(truncatingIfNeeded: value &>> 28) & 0x7F
  }
}
