/// One instruction with the numbers that follow its opcode.
@frozen
public struct Instruction: Sendable, Equatable {
  public let opcode: Opcode
  /// Offset of the opcode.
  public let offset: Int
  /// Offset of the next instruction.
  public var end: Int
  /// The first number: a constant (sign-extended; for floats the bits), an index, a label, of a memory access the
  /// constant offset (its bits, where it uses all 64); of a type in the code the type index, or the negative code of
  /// an abstract type.
  public var first: Int64
  /// The second number: of `call_indirect` the table, of `memory.init` and `memory.copy` the memory that is the
  /// second operand, of a memory access the exponent of its alignment. 0 where there is none.
  public var second: Int64
  /// Of a memory access, the memory.
  public var memory: UInt32
  /// Offset of the first byte behind the opcode.
  public let operandOffset: Int
  /// Number of bytes that the number in ``first`` takes when it comes right behind the opcode, padding included;
  /// otherwise of everything behind the opcode.
  public var operandLength: Int
}

/// Reads the instructions of one expression in their order, with their numbers.
///
/// For constant expressions and for code that is executed symbolically, where the scanner's operands are not enough.
/// Of `br_table`, `try_table`, `select` with types, `br_on_cast` and the like it only gives the extent, and of vector
/// constants too.
@frozen
public struct InstructionReader {
  /// Stands at the next instruction.
  public private(set) var reader: ByteReader
  private var nesting = Nesting()
  private let table = InstructionTable.shared

  /// - Parameters:
  ///   - reader: Stands at the first instruction; of a function body, behind the local declarations.
  ///   - isInsideBlocks: Whether it stands anywhere in a body instead, in blocks that are not known.
  public init(_ reader: ByteReader, isInsideBlocks: Bool = false) {
    self.reader = reader
    if isInsideBlocks { nesting = Nesting(depth: Int.max / 2, kinds: Nesting.forgotten) }
  }

  /// The number of blocks that are open, the expression itself included; 0 behind its `end`.
  public var depth: Int { nesting.depth }

  /// Reads one instruction; `nil` behind the `end` that closes the expression, which is itself returned.
  ///
  /// - Throws: ``FormatError`` as `scanInstructions` does.
  public mutating func next() throws(FormatError) -> Instruction? {
    guard nesting.depth > 0 else { return nil }
    guard !reader.isAtEnd else { throw FormatError("code ends without end", at: reader.offset) }
    if let plain = nextPlain() { return plain }
    var cursor = try OperandCursor(reader)
    let immediates = table[cursor.opcode]
    let start = cursor.reader.offset
    var result = Instruction(
      opcode: cursor.opcode, offset: reader.offset, end: start, first: 0, second: 0, memory: 0,
      operandOffset: start, operandLength: 0)
    if !(try result.readNumbers(immediates, &cursor.reader)) {
      var ignored = IgnoringVisitor()
      try cursor.immediates(immediates, &nesting, &ignored)
      result.operandLength = cursor.reader.offset - start
    }
    result.end = cursor.reader.offset
    reader = cursor.reader
    return result
  }

  /// The next instruction if its opcode takes one byte, and what follows is nothing, a number of at most four bytes or such
  /// an access to memory, as of nearly all; `nil`, and nothing was read, for any other.
  @inline(__always)
  private mutating func nextPlain() -> Instruction? {
    guard reader.remaining > 6 else { return nil }
    let opcode = Opcode(rawValue: UInt16(reader[reader.offset]))
    var rest = reader
    rest.offset &+= 1
    let start = rest.offset
    var (first, second): (Int64, Int64) = (0, 0)
    switch table[opcode] {
    case .none: break
    case .label, .local, .function, .type, .table, .global, .tag, .memory, .data, .element:
      guard let (bits, _) = rest.shortNumber() else { return nil }
      first = Int64(bits)
    case .i32, .i64:
      guard let (bits, length) = rest.shortNumber() else { return nil }
      let unused = 32 &- length &* 7
      first = Int64(Int32(bitPattern: bits &<< unused) &>> Int32(bitPattern: unused))
    case .memoryArgument:
      // Of memory 0, and without an order.
      second = Int64(reader[start])
      rest.offset &+= 1
      guard second < 0x20, let (bits, _) = rest.shortNumber() else { return nil }
      first = Int64(bits)
    default: return nil
    }
    let offset = reader.offset
    reader = rest
    return Instruction(
      opcode: opcode, offset: offset, end: rest.offset, first: first, second: second, memory: 0, operandOffset: start,
      operandLength: rest.offset &- start)
  }
}

extension Instruction {
  /// Reads the numbers of the kinds of immediates that have a place for them here; `false` for the others.
  fileprivate mutating func readNumbers(
    _ immediates: Immediates, _ reader: inout ByteReader
  ) throws(FormatError) -> Bool {
    let start = reader.offset
    switch immediates {
    case .label, .local, .function, .type, .table, .global, .tag, .memory, .data, .element:
      first = Int64(try reader.u32())
    case .i32: first = Int64(try reader.s32())
    case .i64: first = try reader.s64()
    case .bytes4: first = Int64(try reader.fixed32())
    case .bytes8:
      let low = try reader.fixed32()
      first = Int64(bitPattern: UInt64(low) | UInt64(try reader.fixed32()) << 32)
    case .byte: first = Int64(try reader.byte())
    case .heapType where reader.peek() != ValueType.sharedPrefix && reader.peek() != ValueType.exactPrefix:
      first = try reader.s33()
      guard first >= 0 || (-0x18 ... -0x0B).contains(first) else {
        throw OperandCursor.unknownType(reader[start], at: start)
      }
    case .typeTable, .tableTable, .elementTable, .memoryMemory, .dataMemory, .typeField, .typeCount, .typeType,
      .typeData, .typeElement, .typeTag:
      first = Int64(try reader.u32())
      operandLength = reader.offset - start
      second = Int64(try reader.u32())
      return true
    case .memoryArgument, .memoryArgumentLane:
      let alignment = try reader.u32()
      guard alignment < 0x80 else { throw FormatError("malformed alignment of a memory access", at: start) }
      if alignment & 0x20 != 0 { throw OperandCursor.unknownOrder(at: start) }
      second = Int64(alignment & 0x3F)
      if alignment & 0x40 != 0 { memory = try reader.u32() }
      first = Int64(bitPattern: try reader.u64())
      if immediates == .memoryArgumentLane { try reader.skip(1) }
    default: return false
    }
    operandLength = reader.offset - start
    return true
  }
}
