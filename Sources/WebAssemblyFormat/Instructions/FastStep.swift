/// How `scanBodies` steps over an instruction with a plain opcode, without looking closer.
///
/// Nearly every instruction is an opcode and zero, one or two LEB128 numbers that mean nothing to a linker. Those
/// share one piece of code without branches, and these are its inputs.
@frozen @usableFromInline
struct FastStep {
  /// The bits that end the instruction when they are 0 in its first eight bytes, the first byte lowest: where numbers
  /// follow, the highest of each byte that may be the last; else a bit of the opcode that is 0. Empty when the
  /// instruction needs a closer look.
  @usableFromInline let ends: UInt64
  /// What is added to the ``Tally``, and in the lowest bits what may not stand behind the opcode.
  @usableFromInline let bits: UInt64

  /// Bit 0: a memory argument, so that an alignment field of 0x40 or more needs a closer look.
  @inlinable static var notInMemoryArgument: UInt8 { 1 << 0 }
  /// Bit 1: a block type, so that anything but a plain value type or 0x40 needs a closer look.
  @inlinable static var notInBlockType: UInt8 { 1 << 1 }
  /// Bit 2: the first of two indices, so that one of more than a byte needs a closer look.
  @inlinable static var notInShortIndex: UInt8 { 1 << 2 }
  /// Bit 3: a prefix, so that anything but a conversion behind 0xFC needs a closer look.
  @inlinable static var notInConversion: UInt8 { 1 << 3 }

  /// - Parameter isMarked: Whether somebody wants to know of the instruction.
  ///
  /// What catches exceptions is looked at closely: visitors want to hear of that.
  init(opcode: UInt8, _ immediates: Immediates, isMarked: Bool) {
    let oneNumber: UInt64 = 0x8080_8080_8080_8000
    let secondNumber: UInt64 = 0x8080_8080_8080_0000
    let noNumber = UInt64(~opcode & (opcode &+ 1))
    let mark = isMarked ? Tally.mark : 0
    switch immediates {
    case .none where Opcode(rawValue: UInt16(opcode)) == .throwRef: (ends, bits) = (0, 0)
    case .none, .else: (ends, bits) = (noNumber, mark)
    case .local, .label, .i32, .i64: (ends, bits) = (oneNumber, mark)
    case .memoryArgument: (ends, bits) = (secondNumber, UInt64(FastStep.notInMemoryArgument) | mark)
    case .block, .loop, .if: (ends, bits) = (oneNumber, UInt64(FastStep.notInBlockType) | (Tally.block + mark))
    case .end: (ends, bits) = (noNumber, mark &- Tally.block)
    case .typeTable: (ends, bits) = (secondNumber, UInt64(FastStep.notInShortIndex) | mark)
    default:
      if opcode == 0xFC {
        (ends, bits) = (oneNumber, UInt64(FastStep.notInConversion))
      } else {
        (ends, bits) = immediates.singleIndex == nil ? (0, 0) : (oneNumber, mark)
      }
    }
  }

  /// Behind which opcodes a byte needs a closer look.
  static func excluded(_ byte: UInt8) -> UInt8 {
    var bits: UInt8 = 0
    if byte >= 0x40 { bits |= notInMemoryArgument }
    if byte != 0x40, !(0x68...0x7F).contains(byte) { bits |= notInBlockType }
    if byte >= 0x80 { bits |= notInShortIndex }
    if byte >= 8 { bits |= notInConversion }
    return bits
  }
}

/// What the innermost loop counts, all in one register: the blocks around an instruction, and the marks made since the
/// last report.
///
/// From the highest bit: 24 bits, one less than the number of blocks, the body included, so that the whole is negative
/// behind the body's `end`; 16 bits, the number of marks; and 24 bits in which the lowest bits of ``FastStep/bits`` add up
/// and which mean nothing. There are at most ``ScanLane/stretch`` instructions between two reports, so that no part runs
/// over into the next; only the blocks could, and 8,388,608 of them around each other count as the end.
@frozen @usableFromInline
struct Tally {
  @usableFromInline var bits: UInt64 = 0

  @inlinable static var block: UInt64 { 1 << 40 }
  @inlinable static var mark: UInt64 { 1 << 24 }

  @inlinable init() {}

  @inlinable @inline(__always)
  mutating func add(_ step: FastStep) { bits &+= step.bits }

  @inlinable @inline(__always)
  var isInsideBody: Bool { Int64(bitPattern: bits) >= 0 }

  /// Blocks around the instruction, the body included; 0 behind its `end`.
  @inlinable var depth: Int {
    get { Int(truncatingIfNeeded: Int64(bitPattern: bits) &>> 40) &+ 1 }
    set { bits = UInt64(truncatingIfNeeded: newValue &- 1) &<< 40 | bits & (Tally.block &- 1) }
  }

  @inlinable @inline(__always)
  var marks: Int { Int(UInt16(truncatingIfNeeded: bits &>> 24)) }

  @inlinable mutating func addMark() { bits &+= Tally.mark }

  @inlinable mutating func forgetMarks() { bits &= 0 &- Tally.block }
}
