/// Reads the immediates of one instruction and reports the operands among them.
///
/// This is the complete account of every kind of immediates; the loop of `scanBodies` only short-cuts the simple and
/// frequent ones.
@frozen @usableFromInline
struct OperandCursor {
  @usableFromInline var reader: ByteReader
  @usableFromInline let opcode: Opcode
  @usableFromInline let instruction: Int

  /// A cursor at types in a declaration.
  @inlinable
  init(declarationAt reader: ByteReader) {
    self.reader = reader
    opcode = .localDeclaration
    instruction = reader.offset
  }

  /// Reads an opcode, prefix included.
  @inlinable
  init(_ reader: ByteReader) throws(FormatError) {
    var reader = reader
    instruction = reader.offset
    let byte = try reader.byte()
    if let start = Opcode.spaceStart(prefix: byte) {
      let number = try reader.u32()
      guard number < (byte == 0xFD ? 0x200 : 0x100) else {
        throw OperandCursor.unknownInstruction(prefix: byte, number: number, at: instruction)
      }
      opcode = Opcode(rawValue: UInt16(truncatingIfNeeded: start &+ number))
    } else {
      opcode = Opcode(rawValue: UInt16(byte))
    }
    self.reader = reader
  }

  @usableFromInline
  static func unknownInstruction(prefix: UInt8?, number: UInt32, at offset: Int) -> FormatError {
    let proposal =
      prefix == 0xFB && (0x80..<0xC0).contains(number) ? " (reference-typed strings are not supported)" : ""
    let prefix = prefix.map { "0x\(String($0, radix: 16)) " } ?? ""
    return FormatError("unknown instruction \(prefix)0x\(String(number, radix: 16))\(proposal)", at: offset)
  }

  /// Reads what follows the opcode.
  @inlinable
  mutating func immediates<V: OperandVisitor>(
    _ immediates: Immediates, _ nesting: inout Nesting, _ visitor: inout V
  ) throws(FormatError) {
    switch immediates {
    case .unknown:
      throw OperandCursor.unknownInstruction(prefix: opcode.prefix, number: opcode.number, at: instruction)
    case .none: if opcode == .throwRef { visitor.exceptionInstruction(opcode) }
    case .block, .loop, .if, .else, .try, .tryTable, .catch, .catchAll, .delegate, .end:
      try control(immediates, &nesting, &visitor)
    case .label, .local: try reader.skipLEB()
    case .i32, .i64: try reader.skipLEB(atMost: 10)
    case .function, .type, .table, .global, .tag, .memory, .data, .element:
      if let kind = immediates.singleIndex { try index(kind, &visitor) }
    case .labels: try labels()
    case .typeTable, .tableTable, .elementTable, .memoryMemory, .dataMemory, .typeField, .typeCount, .typeType,
      .typeData, .typeElement, .typeTag:
      try twoNumbers(immediates, &visitor)
    case .memoryArgument: try memoryArgument(&visitor)
    case .memoryArgumentLane:
      try memoryArgument(&visitor)
      try reader.skip(1)
    case .heapType: try heapType(&visitor)
    case .selectTypes:
      for _ in 0..<(try reader.count()) { try valueType(&visitor) }
    case .castBranch:
      try reader.skip(1)
      try reader.skipLEB()
      try heapType(&visitor)
      try heapType(&visitor)
    case .orderGlobal, .orderTable, .orderType, .orderTypeField:
      try reader.skip(1)
      try index(immediates == .orderGlobal ? .global : immediates == .orderTable ? .table : .type, &visitor)
      if immediates == .orderTypeField { try reader.skipLEB() }
    case .typeHandlers:
      try index(.type, &visitor)
      try handlers(&visitor)
    case .typeTagHandlers:
      try index(.type, &visitor)
      try index(.tag, &visitor)
      try handlers(&visitor)
    case .byte: try reader.skip(1)
    case .bytes4: try reader.skip(4)
    case .bytes8: try reader.skip(8)
    case .bytes16: try reader.skip(16)
    }
  }

  @inlinable
  mutating func index<V: OperandVisitor>(_ kind: OperandKind, _ visitor: inout V) throws(FormatError) {
    let start = reader.offset
    let value = try reader.u32()
    try visitor.operand(
      Operand(
        kind: kind, opcode: opcode, instruction: instruction, offset: start,
        length: reader.offset &- start, value: value))
  }

  @inlinable
  mutating func twoNumbers<V: OperandVisitor>(
    _ immediates: Immediates, _ visitor: inout V
  ) throws(FormatError) {
    let (first, second): (OperandKind, OperandKind?) =
      switch immediates {
      case .typeTable: (.type, .table)
      case .tableTable: (.table, .table)
      case .elementTable: (.element, .table)
      case .memoryMemory: (.memory, .memory)
      case .dataMemory: (.data, .memory)
      case .typeType: (.type, .type)
      case .typeData: (.type, .data)
      case .typeElement: (.type, .element)
      case .typeTag: (.type, .tag)
      default: (.type, nil)
      }
    try index(first, &visitor)
    if let second { try index(second, &visitor) } else { try reader.skipLEB() }
  }

  @inlinable
  mutating func labels() throws(FormatError) {
    let count = try reader.count()
    for _ in 0..<count { try reader.skipLEB() }
    try reader.skipLEB()
  }

  /// Reads an alignment, a memory index where bit 6 of the alignment announces one, and an offset of up to 64 bits.
  @inlinable
  mutating func memoryArgument<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    let start = reader.offset
    let alignment = try reader.u32()
    guard alignment < 0x80 else { throw FormatError("malformed alignment of a memory access", at: start) }
    if alignment & 0x20 != 0 { throw OperandCursor.unknownOrder(at: start) }
    if alignment & 0x40 != 0 {
      try index(.memory, &visitor)
    } else if V.wantsImplicitMemory {
      try visitor.operand(
        Operand(
          kind: .implicitMemory, opcode: opcode, instruction: instruction, offset: start,
          length: reader.offset &- start, value: alignment))
    }
    try reader.skipLEB(atMost: 10)
  }

  /// Reads a heap type: an abstract one, or a type index as a non-negative s33.
  @inlinable
  mutating func heapType<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    let start = reader.offset
    let value = try reader.s33()
    if value >= 0 { return try signedType(value, from: start, &visitor) }
    guard reader.offset &- start == 1 else { throw OperandCursor.unknownType(reader[start], at: start) }
    switch reader[start] {
    case 0x68...0x75: break
    case ValueType.exactPrefix: try index(.type, &visitor)
    case ValueType.sharedPrefix: try abstractHeapType()
    case let byte: throw OperandCursor.unknownType(byte, at: start)
    }
  }

  /// Reads what follows `shared` in a heap type.
  @inlinable
  mutating func abstractHeapType() throws(FormatError) {
    let start = reader.offset
    let byte = try reader.byte()
    guard (0x68...0x75).contains(byte) else { throw OperandCursor.unknownType(byte, at: start) }
  }

  /// Reads a value type, of which a reference may hold a heap type.
  @inlinable
  mutating func valueType<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    let start = reader.offset
    switch try reader.byte() {
    case 0x63, 0x64: try heapType(&visitor)
    case 0x68...0x75, 0x7B...0x7F: break
    case ValueType.sharedPrefix: try abstractHeapType()
    case let byte: throw OperandCursor.unknownType(byte, at: start)
    }
  }

  /// Reads a block type: nothing, a value type, or a type index as a non-negative s33.
  @inlinable
  mutating func blockType<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    guard let first = reader.peek() else { throw reader.unexpectedEnd() }
    if first == 0x40 { return try reader.skip(1) }
    if first & 0xC0 == 0x40 { return try valueType(&visitor) }
    let start = reader.offset
    let value = try reader.s33()
    guard value >= 0 else { throw OperandCursor.unknownType(first, at: start) }
    try signedType(value, from: start, &visitor)
  }

  @inlinable
  func signedType<V: OperandVisitor>(
    _ value: Int64, from start: Int, _ visitor: inout V
  ) throws(FormatError) {
    try visitor.operand(
      Operand(
        kind: .signedType, opcode: opcode, instruction: opcode == .localDeclaration ? start : instruction,
        offset: start, length: reader.offset &- start, value: UInt32(truncatingIfNeeded: value)))
  }

  @usableFromInline
  static func unknownOrder(at offset: Int) -> FormatError {
    FormatError("memory accesses with an order (shared-everything threads) are not supported", at: offset)
  }

  @usableFromInline
  static func unknownType(_ byte: UInt8, at offset: Int) -> FormatError {
    let proposal = (byte == 0x66 || byte == 0x67) ? " (reference-typed strings are not supported)" : ""
    return FormatError("unknown type 0x\(String(byte, radix: 16))\(proposal)", at: offset)
  }
}

// Blocks and handlers.
extension OperandCursor {
  @inlinable
  mutating func control<V: OperandVisitor>(
    _ immediates: Immediates, _ nesting: inout Nesting, _ visitor: inout V
  ) throws(FormatError) {
    switch immediates {
    case .if:
      try blockType(&visitor)
      nesting.open(Nesting.if)
    case .try:
      visitor.exceptionInstruction(opcode)
      try blockType(&visitor)
      nesting.open(Nesting.try)
    case .tryTable:
      visitor.exceptionInstruction(opcode)
      try blockType(&visitor)
      try catches(&visitor)
      nesting.open(Nesting.plain)
    case .else:
      guard nesting.isInside(Nesting.if) else { throw FormatError("else without if", at: instruction) }
      nesting.close()
      nesting.open(Nesting.plain)
    case .catch:
      guard nesting.isInside(Nesting.try) else { throw FormatError("catch without try", at: instruction) }
      try index(.tag, &visitor)
    case .catchAll:
      guard nesting.isInside(Nesting.try) else { throw FormatError("catch_all without try", at: instruction) }
    case .delegate:
      guard nesting.isInside(Nesting.try) else { throw FormatError("delegate without try", at: instruction) }
      _ = try reader.u32()
      nesting.close()
    case .end: nesting.close()
    default:
      try blockType(&visitor)
      nesting.open(Nesting.plain)
    }
  }

  /// Reads the clauses of `try_table`: catch and catch_ref name a tag, all four a label.
  @inlinable
  mutating func catches<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      let start = reader.offset
      let kind = try reader.byte()
      guard kind < 4 else { throw FormatError("unknown catch clause 0x\(String(kind, radix: 16))", at: start) }
      if kind < 2 { try index(.tag, &visitor) }
      try reader.skipLEB()
    }
  }

  /// Reads the clauses of `resume`: a tag and, unless it switches, a label.
  @inlinable
  mutating func handlers<V: OperandVisitor>(_ visitor: inout V) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      let start = reader.offset
      let kind = try reader.byte()
      guard kind < 2 else { throw FormatError("unknown handler 0x\(String(kind, radix: 16))", at: start) }
      try index(.tag, &visitor)
      if kind == 0 { try reader.skipLEB() }
    }
  }
}
