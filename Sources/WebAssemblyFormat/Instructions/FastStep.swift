/// How `scanCode` steps over a plain opcode without looking closer, packed into 32 bits.
///
/// Nearly every instruction is an opcode and zero, one or two LEB128 numbers that mean nothing to a linker. Those
/// share one piece of code without branches, and these are its inputs.
@frozen @usableFromInline
struct FastStep {
  @usableFromInline let bits: UInt32

  /// Bit 0: the fast path does not know this opcode.
  @inlinable static var needsCloserLook: UInt32 { 1 << 0 }
  /// Bit 1: a memory argument, so that an alignment field of 0x40 or more needs a closer look.
  @inlinable static var notInMemoryArgument: UInt32 { 1 << 1 }
  /// Bit 2: a block type, so that anything but a plain value type or 0x40 needs a closer look.
  @inlinable static var notInBlockType: UInt32 { 1 << 2 }
  /// Bit 3: its one number is an operand.
  @inlinable static var isMarked: UInt32 { 1 << 3 }
  /// Bit 4: a memory access, which is an operand to those who want that.
  @inlinable static var accessesMemory: UInt32 { 1 << 4 }
  /// Bit 5: two numbers follow.
  @inlinable static var hasTwoNumbers: UInt32 { 1 << 5 }
  /// Bit 7: no number follows. In this place the bit says, among the bits that tell where numbers end, that the
  /// opcode itself is the end.
  @inlinable static var hasNoNumber: UInt32 { 1 << 7 }
  // Bits 8...13: by how much to shift ``Nesting/kinds`` up, 16...21: and down again; 24 and 25: the kind that this
  // instruction opens; 30 and 31: what is added to ``Nesting/depth``, a number from -1 to 1.

  init(_ immediates: Immediates) {
    bits =
      switch immediates {
      case .none: FastStep.hasNoNumber
      case .local, .label, .i32, .i64: 0
      case .memoryArgument: FastStep.hasTwoNumbers | FastStep.accessesMemory | FastStep.notInMemoryArgument
      case .block, .loop: FastStep.opening(Nesting.plain)
      case .if: FastStep.opening(Nesting.if)
      case .try: FastStep.opening(Nesting.try)
      case .end: FastStep.hasNoNumber | 2 << 16 | 3 << 30
      default: immediates.singleIndex == nil ? FastStep.needsCloserLook : FastStep.isMarked
      }
  }

  private static func opening(_ kind: UInt64) -> UInt32 {
    FastStep.notInBlockType | 2 << 8 | UInt32(kind) << 24 | 1 << 30
  }

  /// What is added to ``Nesting/depth``.
  @inlinable @inline(__always)
  var depthChange: Int { Int(Int32(bitPattern: bits) &>> 30) }

  /// ``Nesting/kinds`` behind the instruction.
  @inlinable @inline(__always)
  func apply(to kinds: UInt64) -> UInt64 {
    // The masking shifts take six bits each.
    ((kinds &<< UInt64(bits &>> 8)) | UInt64(bits &>> 24) & 3) &>> UInt64(bits &>> 16)
  }
}
