import WebAssemblyFormat

// Which bits of a value may be set.
//
// Nobody has to know what an index is to know that it is small: a byte that was loaded, what a mask left of a number, the
// outcome of a comparison. A set of bits says so, and where paths meet, the sets unite, as sets of assignments do in
// `LocalFlow`. No value is larger than all of its bits taken as a number. What is not known may have any bit.

/// The bits of a value that may be set.
struct ValueBits {
  var bits: UInt64
  /// The number, if it is one.
  var number: UInt64?

  init(_ bits: UInt64) { self.bits = bits }
  init(number: UInt64) { (bits, self.number) = (number, number) }

  static let unknown: UInt64 = .max
  /// Those of 32 bits.
  fileprivate static let narrow: UInt64 = 0xFFFF_FFFF

  /// All bits that a number may have that is not larger than this one.
  fileprivate static func upTo(_ number: UInt64) -> UInt64 {
    number == 0 ? 0 : .max &>> UInt64(number.leadingZeroBitCount)
  }
}

/// Follows the bits of values on the stack through instructions that stand behind each other.
struct BitStack {
  private let unit: InputModule
  /// What was pushed and is there, of which the last is on top.
  private(set) var values: [ValueBits] = []

  init(_ unit: InputModule) { self.unit = unit }

  mutating func removeAll() { values.removeAll(keepingCapacity: true) }

  private mutating func pop() -> UInt64 { values.popLast()?.bits ?? ValueBits.unknown }

  /// Follows an instruction.
  ///
  /// - Parameter local: tells the bits of a local that it reads.
  /// - Returns: How many values it takes that were there before; `nil` if it may go elsewhere.
  mutating func follow(_ instruction: Instruction, local: (Instruction) -> UInt64) -> Int? {
    guard let effect = unit.effect(of: instruction) else { return nil }
    let missing = max(0, effect.pops - values.count)
    let opcode = instruction.opcode.rawValue
    switch opcode {
    case 0x20: values.append(ValueBits(local(instruction)))
    case 0x22: if values.isEmpty { values.append(ValueBits(ValueBits.unknown)) }
    case 0x41: values.append(ValueBits(number: UInt64(UInt32(truncatingIfNeeded: instruction.first))))
    case 0x42: values.append(ValueBits(number: UInt64(bitPattern: instruction.first)))
    case 0x45...0x66, 0x67...0x69, 0x79...0x7B, 0x28...0x35, 0xA7, 0xAC, 0xAD: unary(opcode, effect)
    case 0x6A, 0x6C, 0x6E, 0x70...0x76: binary(opcode, is64: false)
    case 0x7C, 0x7E, 0x80, 0x82...0x88: binary(opcode, is64: true)
    case 0x1B:
      _ = pop()
      values.append(ValueBits(pop() | pop()))
    default:
      values.removeLast(min(effect.pops, values.count))
      for _ in 0..<effect.pushes { values.append(ValueBits(ValueBits.unknown)) }
    }
    return missing
  }

  /// Comparisons, loads and conversions; what they take is one value, or two.
  private mutating func unary(_ opcode: UInt16, _ effect: StackEffect) {
    let value = pop()
    if effect.pops > 1 { _ = pop() }
    let bits: UInt64
    switch opcode {
    case 0x45...0x66: bits = 1
    case 0x67...0x69: bits = 0x3F
    case 0x79...0x7B: bits = 0x7F
    // load8_u, load16_u, load32_u.
    case 0x2D, 0x31: bits = 0xFF
    case 0x2F, 0x33: bits = 0xFFFF
    case 0x35: bits = ValueBits.narrow
    // i32.wrap_i64, i64.extend_i32_u.
    case 0xA7, 0xAD: bits = value & ValueBits.narrow
    case 0xAC where value & 0x8000_0000 == 0: bits = value & ValueBits.narrow
    default: bits = ValueBits.unknown
    }
    values.append(ValueBits(bits))
  }

  private mutating func binary(_ opcode: UInt16, is64: Bool) {
    let width: UInt64 = is64 ? .max : ValueBits.narrow
    let number = values.last?.number
    let (right, left) = (pop() & width, pop() & width)
    let bits: UInt64
    // Instructions of 64 bits are in the order of those of 32.
    switch is64 ? opcode - 0x12 : opcode {
    case 0x6A: bits = BitStack.upTo(left.addingReportingOverflow(right), width)
    case 0x6C: bits = BitStack.upTo(left.multipliedReportingOverflow(by: right), width)
    // div_u, and rem_u, of which nothing is larger than either.
    case 0x6E: bits = ValueBits.upTo(left)
    case 0x70: bits = ValueBits.upTo(min(left, right))
    case 0x71: bits = left & right
    case 0x72, 0x73: bits = left | right
    case 0x74: bits = number.map { left &<< ($0 & (is64 ? 63 : 31)) & width } ?? ValueBits.unknown
    // What has no sign is shifted as if it could not have one.
    case 0x75 where left > width >> 1: bits = ValueBits.unknown
    case 0x75, 0x76: bits = number.map { left &>> ($0 & (is64 ? 63 : 31)) } ?? ValueBits.upTo(left)
    default: bits = ValueBits.unknown
    }
    values.append(ValueBits(bits))
  }

  private static func upTo(_ result: (partialValue: UInt64, overflow: Bool), _ width: UInt64) -> UInt64 {
    result.overflow || result.partialValue > width ? ValueBits.unknown : ValueBits.upTo(result.partialValue)
  }
}
