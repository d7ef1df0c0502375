/// The table of instructions in the form that the scanner reads: plain bytes behind pointers.
///
/// Made once from ``InstructionRun/all`` and never freed. A scan fetches ``shared`` once and keeps the pointers in
/// registers, so that the inner loop pays neither for the check of a lazy global nor for an array's bounds.
@frozen
public struct InstructionTable: @unchecked Sendable {
  /// ``Opcode/limit`` bytes: the raw value of ``Immediates`` of each opcode.
  @usableFromInline let immediates: UnsafePointer<UInt8>
  /// 256 entries: how the fast path steps over each plain opcode; see ``FastStep``.
  @usableFromInline let fast: UnsafePointer<FastStep>
  /// 256 entries: of which kinds of immediates this value of the byte after the opcode ends the fast path, as
  /// ``FastStep/notInMemoryArgument`` and ``FastStep/notInBlockType``.
  @usableFromInline let second: UnsafePointer<UInt16>

  public static let shared = InstructionTable()

  private init() {
    let immediates = UnsafeMutablePointer<UInt8>.allocate(capacity: Opcode.limit)
    immediates.initialize(repeating: Immediates.unknown.rawValue, count: Opcode.limit)
    for run in InstructionRun.all {
      (immediates + Int(run.first)).update(repeating: run.immediates.rawValue, count: run.mnemonics.count)
    }
    let fast = UnsafeMutablePointer<FastStep>.allocate(capacity: 256)
    let second = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
    for byte in 0..<256 {
      (fast + byte).initialize(to: FastStep(Immediates(rawValue: immediates[byte]) ?? .unknown))
      let isBlockType = byte == 0x40 || (0x68...0x7F).contains(byte)
      let isPlainAlignment = byte < 0x40
      (second + byte).initialize(
        to: (isPlainAlignment ? 0 : FastStep.notInMemoryArgument) | (isBlockType ? 0 : FastStep.notInBlockType))
    }
    self.immediates = UnsafePointer(immediates)
    self.fast = UnsafePointer(fast)
    self.second = UnsafePointer(second)
  }

  /// The immediates of an opcode.
  @inlinable
  subscript(opcode: Opcode) -> Immediates {
    guard Int(opcode.rawValue) < Opcode.limit else { return .unknown }
    // Every byte of the table was written from an `Immediates`.
    return unsafe unsafeBitCast(immediates[Int(opcode.rawValue)], to: Immediates.self)
  }
}

/// How the scanner steps over a plain opcode without looking closer, packed into sixteen bits.
///
/// Nearly every instruction is an opcode and zero, one or two LEB128 numbers that mean nothing to a linker. Those
/// share one piece of code without branches, and these are its inputs.
@frozen @usableFromInline
struct FastStep {
  @usableFromInline let bits: UInt16

  /// Bits 0...4: by how much to shift the packed lengths (8 bits for each) of an opcode with 0, 1, 2 numbers. A shift
  /// of 24 yields length 0, which no instruction has: the fast path does not know this opcode.
  @inlinable static var lengthShift: UInt16 { 0x1F }
  /// Bits 5 and 6: the ``Nesting`` kind that this instruction opens; 0 where it opens nothing.
  @inlinable static var openedKind: UInt16 { 5 }
  /// Bit 7: this instruction is `end`.
  @inlinable static var closes: UInt16 { 1 << 7 }
  /// Bit 8: its one number is to be reported, as the ``OperandKind`` in bits 12...15.
  @inlinable static var reports: UInt16 { 1 << 8 }
  /// Bit 9: a constant, reported where the visitor wants those.
  @inlinable static var isConstant: UInt16 { 1 << 9 }
  /// Bit 10: a memory argument, so that an alignment field of 0x40 or more needs a closer look.
  @inlinable static var notInMemoryArgument: UInt16 { 1 << 10 }
  /// Bit 11: a block type, so that anything but a plain value type or 0x40 needs a closer look.
  @inlinable static var notInBlockType: UInt16 { 1 << 11 }

  init(_ immediates: Immediates) {
    bits =
      switch immediates {
      case .none: 0
      case .local, .label: 8
      case .i32, .i64: 8 | FastStep.isConstant
      case .memoryArgument: 16 | FastStep.notInMemoryArgument
      case .block, .loop: 8 | FastStep.notInBlockType | UInt16(Nesting.plain) << FastStep.openedKind
      case .if: 8 | FastStep.notInBlockType | UInt16(Nesting.if) << FastStep.openedKind
      case .try: 8 | FastStep.notInBlockType | UInt16(Nesting.try) << FastStep.openedKind
      case .end: FastStep.closes
      default:
        if let kind = immediates.singleIndex { 8 | FastStep.reports | UInt16(kind.rawValue) << 12 } else { 24 }
      }
  }
}

extension Immediates {
  /// What the number names, of an instruction whose immediate is one index.
  @inlinable
  var singleIndex: OperandKind? {
    switch self {
    case .function: .function
    case .type: .type
    case .table: .table
    case .global: .global
    case .tag: .tag
    case .memory: .memory
    case .data: .data
    case .element: .element
    default: nil
    }
  }
}
