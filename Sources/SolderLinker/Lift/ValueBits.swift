import WebAssemblyFormat

// Which bits of a value may be set.
//
// Nobody has to know what an index is to know that it is small: a byte that was loaded, what a mask left of a number, the
// outcome of a comparison. A set of bits says so, and where paths meet, the sets unite, as sets of assignments do in
// `LocalFlow`. No value is larger than all of its bits taken as a number. What is not known may have any bit.

/// Bits of values that may be set.
enum ValueBits {
  static let unknown: UInt64 = .max
  /// Those of 32 bits.
  static let narrow: UInt64 = 0xFFFF_FFFF

  /// All bits that a number may have that is not larger than this one.
  private static func upTo(_ number: UInt64) -> UInt64 {
    number == 0 ? 0 : .max &>> UInt64(number.leadingZeroBitCount)
  }

  private static func upTo(_ result: (partialValue: UInt64, overflow: Bool), _ width: UInt64) -> UInt64 {
    result.overflow || result.partialValue > width ? unknown : upTo(result.partialValue)
  }

  /// The bits of what an instruction makes of two numbers.
  ///
  /// - Parameter number: the right one, if that is known.
  @inline(__always)
  fileprivate static func result(
    of opcode: UInt8, _ left: UInt64, _ right: UInt64, _ number: UInt64?, is64: Bool
  ) -> UInt64 {
    let width: UInt64 = is64 ? .max : narrow
    let (left, right) = (left & width, right & width)
    // Instructions of 64 bits are in the order of those of 32.
    switch is64 ? opcode &- 0x12 : opcode {
    case 0x6A: return upTo(left.addingReportingOverflow(right), width)
    case 0x6C: return upTo(left.multipliedReportingOverflow(by: right), width)
    // div_u, and rem_u, of which nothing is larger than either.
    case 0x6E: return upTo(left)
    case 0x70: return upTo(min(left, right))
    case 0x71: return left & right
    case 0x72, 0x73: return left | right
    case 0x74: return number.map { left &<< ($0 & (is64 ? 63 : 31)) & width } ?? unknown
    // What has no sign is shifted as if it could not have one.
    case 0x75 where left > width >> 1: return unknown
    case 0x75, 0x76: return number.map { left &>> ($0 & (is64 ? 63 : 31)) } ?? upTo(left)
    default: return unknown
    }
  }

  /// The bits of what an instruction makes of one value.
  @inline(__always)
  fileprivate static func result(of opcode: UInt8, _ value: UInt64) -> UInt64 {
    switch opcode {
    // eqz, clz, ctz, popcnt.
    case 0x45, 0x50: 1
    case 0x67...0x69: 0x3F
    case 0x79...0x7B: 0x7F
    // load8_u, load16_u, load32_u.
    case 0x2D, 0x31: 0xFF
    case 0x2F, 0x33: 0xFFFF
    case 0x35: narrow
    // i32.wrap_i64, i64.extend_i32_u, i64.extend_i32_s.
    case 0xA7, 0xAD: value & narrow
    case 0xAC where value & 0x8000_0000 == 0: value & narrow
    default: unknown
    }
  }
}

/// Follows the bits of values on the stack through instructions that stand behind each other, as far as these are of the
/// usual kinds.
struct BitStack {
  /// What was pushed and is there, as far as there is room.
  private var bits = SIMD8<UInt64>()
  /// The numbers of which the mask has a bit.
  private var numbers = SIMD8<UInt64>()
  private var known: UInt8 = 0
  private(set) var count = 0

  /// The bits of what is on top.
  var top: UInt64? { count > 0 ? bits[count - 1] : nil }

  mutating func removeAll() { count = 0 }

  /// - Returns: `false` if there is no room.
  @inline(__always)
  private mutating func push(_ value: UInt64, isNumber: Bool = false) -> Bool {
    guard count < 8 else { return false }
    bits[count] = value
    numbers[count] = value
    known = known & ~(1 &<< UInt8(count)) | (isNumber ? 1 : 0) &<< UInt8(count)
    count += 1
    return true
  }

  @inline(__always)
  private mutating func pop() -> UInt64 {
    guard count > 0 else { return ValueBits.unknown }
    count -= 1
    return bits[count]
  }

  /// Follows an instruction.
  ///
  /// - Parameters:
  ///   - file: of the body, which is read beyond its end.
  ///   - place: where it is; where the next one is, then.
  ///   - local: tells the bits of a local that an instruction at an offset reads.
  /// - Returns: How many values it takes that were there before; `nil` if it is of another kind, and was not followed.
  @inline(__always)
  mutating func follow(_ file: ByteReader, at place: inout Int, local: (Int, UInt32) -> UInt64) -> Int? {
    // No instruction that is followed ends a body, and none is longer.
    guard place + 24 < file.end else { return nil }
    let opcode = file[place]
    let before = count
    switch opcode {
    case 0x20:
      guard let (index, end) = file.shortSigned(at: place + 1), end <= place + 3 else { return nil }
      guard push(local(place, UInt32(truncatingIfNeeded: index) & (end == place + 2 ? 0x7F : 0x3FFF))) else {
        return nil
      }
      place = end
      return 0
    case 0x22:
      guard let (_, end) = file.shortSigned(at: place + 1) else { return nil }
      place = end
      if before == 0, !push(ValueBits.unknown) { return nil }
      return before == 0 ? 1 : 0
    case 0x23:
      guard let (_, end) = file.shortSigned(at: place + 1), push(ValueBits.unknown) else { return nil }
      place = end
      return 0
    case 0x41, 0x42:
      guard let (number, end) = file.shortSigned(at: place + 1) else { return nil }
      let value = UInt64(bitPattern: number) & (opcode == 0x41 ? ValueBits.narrow : .max)
      guard push(value, isNumber: true) else { return nil }
      place = end
      return 0
    case 0x28...0x35:
      guard let operand = file.plainOffset(ofAccessAt: place) else { return nil }
      place = operand.upperBound
      fallthrough
    case 0x45, 0x50, 0x67...0x69, 0x79...0x7B, 0xA7, 0xAC, 0xAD, 0xC0...0xC4:
      if opcode > 0x35 { place += 1 }
      guard push(ValueBits.result(of: opcode, pop())) else { return nil }
      return before == 0 ? 1 : 0
    case 0x46...0x4F, 0x51...0x5A:
      place += 1
      _ = (pop(), pop())
      guard push(1) else { return nil }
    case 0x6A...0x78, 0x7C...0x8A:
      place += 1
      let number = count > 0 && known &>> UInt8(count - 1) & 1 != 0 ? numbers[count - 1] : nil
      let (right, left) = (pop(), pop())
      guard push(ValueBits.result(of: opcode, left, right, number, is64: opcode >= 0x7C)) else { return nil }
    case 0x1B:
      place += 1
      _ = pop()
      guard push(pop() | pop()) else { return nil }
      return max(0, 3 - before)
    default: return nil
    }
    return max(0, 2 - before)
  }
}

extension ByteReader {
  /// Where the offset is of an access to memory 0 by an instruction of one byte, if it is as short as nearly all.
  @inline(__always)
  func plainOffset(ofAccessAt place: Int) -> Range<Int>? {
    guard place + 8 < end, self[place + 1] < 0x20 else { return nil }
    for length in 1...4 where self[place + 1 + length] < 0x80 { return place + 2..<place + 2 + length }
    return nil
  }
}
