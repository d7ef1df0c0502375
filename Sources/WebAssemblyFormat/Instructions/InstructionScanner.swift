// Finding the operands in constant expressions and declarations. For function bodies see `scanBodies`.

/// Scans one expression, up to and including the `end` that closes it, and reports its operands to `visitor`.
///
/// The reader stands behind that `end` afterwards. Nothing is validated beyond what is needed to find the operands:
/// types and the ranges of indices are not looked at (WebAssembly 3.0, Binary Format, Instructions).
///
/// - Throws: ``FormatError`` for an unknown instruction, malformed immediates, wrong nesting, or when the bytes end
///   before the expression does; and what the visitor throws.
@inlinable
public func scanInstructions<V: OperandVisitor>(
  _ reader: inout ByteReader, _ visitor: inout V
) throws(FormatError) {
  var nesting = Nesting()
  while nesting.depth > 0 { reader.offset = try scanInstruction(reader, &nesting, &visitor) }
}

/// Scans one constant expression as `scanInstructions` does, of which every instruction must be one that a constant
/// expression may have (WebAssembly 3.0, Validation, Constant Expressions).
///
/// - Throws: ``FormatError`` also for an instruction that is not constant.
public func scanConstantExpression<V: OperandVisitor>(
  _ reader: inout ByteReader, _ visitor: inout V
) throws(FormatError) {
  var nesting = Nesting()
  while nesting.depth > 0 {
    let opcode = try OperandCursor(reader).opcode
    guard opcode.isConstant else {
      throw FormatError("a constant expression cannot have the instruction \(opcode)", at: reader.offset)
    }
    reader.offset = try scanInstruction(reader, &nesting, &visitor)
  }
}

extension Opcode {
  /// Whether a constant expression may have the instruction.
  var isConstant: Bool {
    switch self {
    case .end, .i32Const, .i64Const, .f32Const, .f64Const, .v128Const, .refNull, .refFunc, .globalGet: return true
    case .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul: return true
    default: break
    }
    guard prefix == 0xFB else { return false }
    switch number {
    // struct.new, struct.new_default; array.new, array.new_default, array.new_fixed.
    case 0x00, 0x01, 0x06, 0x07, 0x08: return true
    // any.convert_extern, extern.convert_any, ref.i31.
    case 0x1A, 0x1B, 0x1C: return true
    default: return false
    }
  }
}

/// Steps over one instruction of any kind.
///
/// - Returns: The offset of the next one.
@inlinable @inline(never)
func scanInstruction<V: OperandVisitor>(
  _ reader: ByteReader, _ nesting: inout Nesting, _ visitor: inout V
) throws(FormatError) -> Int {
  guard reader.offset < reader.end else { throw FormatError("code ends without end", at: reader.offset) }
  var cursor = try OperandCursor(reader)
  try cursor.immediates(InstructionTable.shared[cursor.opcode], &nesting, &visitor)
  return cursor.reader.offset
}

/// Scans the local declarations at the head of a function body, and reports the types that they name.
///
/// - Returns: The number of locals declared.
/// - Throws: ``FormatError`` for an unknown type, or for more than 2³² - 1 locals.
@inlinable
public func scanLocals<V: OperandVisitor>(
  _ reader: inout ByteReader, _ visitor: inout V
) throws(FormatError) -> UInt32 {
  var cursor = OperandCursor(declarationAt: reader)
  var total: UInt32 = 0
  for _ in 0..<(try cursor.reader.count(minimumSize: 2)) {
    let start = cursor.reader.offset
    let (sum, overflow) = total.addingReportingOverflow(try cursor.reader.u32())
    guard !overflow else { throw FormatError("too many locals", at: start) }
    total = sum
    try cursor.valueType(&visitor)
  }
  reader = cursor.reader
  return total
}

extension ByteReader {
  /// Steps over the local declarations at the head of a function body.
  ///
  /// - Returns: the number of locals declared.
  /// - Throws: ``FormatError`` for an unknown type, or for more than 2³² - 1 locals.
  @inlinable @discardableResult
  public mutating func skipLocals() throws(FormatError) -> UInt32 {
    var ignored = IgnoringVisitor()
    return try scanLocals(&self, &ignored)
  }

  /// Steps over the usual local declarations at the head of a function body: none, or one group of up to 127 locals of
  /// a numeric type.
  ///
  /// - Returns: `false`, and nothing was read, if they are any others.
  @inlinable @inline(__always)
  public mutating func skipPlainLocals() -> Bool {
    guard remaining > 3 else { return false }
    let groups = self[offset]
    guard groups <= 1 else { return false }
    guard groups == 0 || self[offset &+ 1] < 0x80 && (0x7C...0x7F).contains(self[offset &+ 2]) else { return false }
    offset &+= groups == 0 ? 1 : 3
    return true
  }
}

/// Scans one value type, and reports the type that it names, if any.
///
/// - Throws: ``FormatError`` for an unknown type.
public func scanValueType<V: OperandVisitor>(
  _ reader: inout ByteReader, _ visitor: inout V
) throws(FormatError) {
  var cursor = OperandCursor(declarationAt: reader)
  try cursor.valueType(&visitor)
  reader = cursor.reader
}
