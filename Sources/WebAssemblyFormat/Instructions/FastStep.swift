/// How `scanBodies` steps over a plain opcode without looking closer, packed into 32 bits.
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
  /// Bit 30, and bits 30 and 31: what is added to the number of blocks, 1 and -1.
  @inlinable static var opens: UInt32 { 1 << 30 }
  @inlinable static var closes: UInt32 { 3 << 30 }

  init(_ immediates: Immediates) {
    bits =
      switch immediates {
      case .none, .else: FastStep.hasNoNumber
      case .local, .label, .i32, .i64: 0
      case .memoryArgument: FastStep.hasTwoNumbers | FastStep.accessesMemory | FastStep.notInMemoryArgument
      case .block, .loop, .if, .try: FastStep.notInBlockType | FastStep.opens
      case .end: FastStep.hasNoNumber | FastStep.closes
      default: immediates.singleIndex == nil ? FastStep.needsCloserLook : FastStep.isMarked
      }
  }

  /// What is added to ``Nesting/depth``.
  @inlinable @inline(__always)
  var depthChange: Int { Int(Int32(bitPattern: bits) &>> 30) }
}
