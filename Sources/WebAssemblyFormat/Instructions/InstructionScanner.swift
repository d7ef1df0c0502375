// Finding the operands in constant expressions and declarations. For function bodies see `scanCode`.

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
  var previous = reader.offset
  while nesting.depth > 0 {
    let instruction = reader.offset
    reader.offset = try scanInstruction(reader, previous: previous, &nesting, &visitor)
    previous = instruction
  }
}

/// Steps over one instruction of any kind.
///
/// - Returns: The offset of the next one.
@inlinable @inline(never)
func scanInstruction<V: OperandVisitor>(
  _ reader: ByteReader, previous: Int, _ nesting: inout Nesting, _ visitor: inout V
) throws(FormatError) -> Int {
  guard reader.offset < reader.end else { throw FormatError("code ends without end", at: reader.offset) }
  var cursor = try OperandCursor(reader, previous: previous)
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
