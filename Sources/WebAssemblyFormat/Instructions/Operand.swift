/// The index space that an operand names.
@frozen
public enum OperandKind: UInt8, Sendable {
  case function, table, memory, global, tag
  /// A type index, encoded as u32.
  case type
  /// A type index in a block type, heap type or value type, encoded as a non-negative s33.
  case signedType
  case data, element
  /// A memory argument that has no memory index, and so means memory 0. ``Operand/offset`` and ``Operand/length``
  /// give the alignment field and ``Operand/value`` is what it holds: to name another memory, a linker sets its bit 6
  /// and inserts the index behind it.
  case implicitMemory
}

/// A number in code that names something outside its function, and where it stands.
@frozen
public struct Operand: Sendable {
  public let kind: OperandKind
  public let opcode: Opcode
  /// Offset of the instruction's opcode; in local declarations, of the operand itself.
  public let instruction: Int
  /// Offset of the operand's first byte.
  public let offset: Int
  /// Number of bytes that the operand takes, padding included.
  public let length: Int
  public let value: UInt32

  @inlinable
  public init(
    kind: OperandKind, opcode: Opcode, instruction: Int, offset: Int, length: Int, value: UInt32
  ) {
    self.kind = kind
    self.opcode = opcode
    self.instruction = instruction
    self.offset = offset
    self.length = length
    self.value = value
  }

  /// Offset one past the operand; of the next instruction where this is the last or only operand.
  @inlinable public var end: Int { offset &+ length }
}

/// Somebody who wants to see the operands of a piece of code, in their order.
///
/// The scanner is generic over its visitor and meant to be specialised: the static requirements are constants that
/// remove whole branches from it.
public protocol OperandVisitor {
  /// Whether memory arguments without a memory index are reported, as ``OperandKind/implicitMemory``. `false` unless
  /// defined otherwise.
  static var wantsImplicitMemory: Bool { get }

  /// Called for every operand that names something in an index space of the module.
  mutating func operand(_ operand: Operand) throws(FormatError)

  /// Called for what tells how code catches exceptions: `try`, `try_table`, `throw_ref`. Does nothing unless defined
  /// otherwise.
  mutating func exceptionInstruction(_ opcode: Opcode)
}

extension OperandVisitor {
  @inlinable public static var wantsImplicitMemory: Bool { false }
  @inlinable public mutating func exceptionInstruction(_ opcode: Opcode) {}
}

/// Wants nothing: for stepping over operands.
///
/// It has a byte of its own, since of a thing without a size the thread sanitizer takes all for the same one, and reports
/// every two that are changed at a time.
public struct IgnoringVisitor: OperandVisitor {
  @usableFromInline var room: UInt8 = 0
  @inlinable public init() {}
  @inlinable public mutating func operand(_ operand: Operand) throws(FormatError) {}
}
