// Finding every operand in a body of code.
//
// A linker reads all code of all libraries, and nine instructions out of ten are none of its business. The loop here
// therefore does not decode: it loads eight bytes, finds in parallel where an instruction with no, one and two LEB128
// numbers would end, and lets a table entry for the opcode choose among the three. Block depth is kept the same way,
// by arithmetic on bits of that entry. What is left are two branches that are nearly always not taken (a closer look,
// the end) and one for what has to be reported.

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
  let table = InstructionTable.shared
  let base = reader.base
  let end = reader.end
  var offset = reader.offset
  var depth = 1
  var kinds = Nesting.plain
  while depth > 0 {
    let left = end &- offset
    let window = left >= 8 ? CodeWindow(base + offset) : CodeWindow(lastOf: base, offset, end)
    let step = table.fast[Int(window.opcode)]
    let length = window.length(step)
    let isSpecial = table.second[Int(window.second)] & step.bits != 0
    // Length 0 wraps around to a large number; 8 bytes are in the window.
    if length &- 1 < UInt64(truncatingIfNeeded: min(8, left)), !isSpecial {
      var isDone = true
      if step.bits & FastStep.reportsIf(V.self) != 0 {
        isDone = try window.report(step, length: length, at: offset, &visitor)
      }
      if isDone {
        depth &+= step.depthChange
        kinds = step.apply(to: kinds)
        offset &+= Int(truncatingIfNeeded: length)
        continue
      }
    }
    var nesting = Nesting(depth: depth, kinds: kinds)
    offset = try scanClosely(offset, reader, table, &nesting, &visitor)
    depth = nesting.depth
    kinds = nesting.kinds
  }
  reader.offset = offset
}

/// Steps over one instruction of any kind.
///
/// - Returns: The offset of the next one.
@inlinable @inline(never)
func scanClosely<V: OperandVisitor>(
  _ offset: Int, _ reader: ByteReader, _ table: InstructionTable, _ nesting: inout Nesting, _ visitor: inout V
) throws(FormatError) -> Int {
  var reader = reader
  reader.offset = offset
  guard offset < reader.end else { throw FormatError("code ends without end", at: offset) }
  var cursor = try OperandCursor(reader)
  try cursor.immediates(table[cursor.opcode], &nesting, &visitor)
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
  var cursor = OperandCursor(reader, opcode: .localDeclaration, instruction: reader.offset)
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

extension FastStep {
  /// The bits of steps that this visitor wants to hear of: a constant, once specialised.
  @inlinable @inline(__always)
  static func reportsIf<V: OperandVisitor>(_ visitor: V.Type) -> UInt16 {
    FastStep.reports | (V.wantsConstants ? FastStep.isConstant : 0)
      | (V.wantsImplicitMemory ? FastStep.notInMemoryArgument : 0)
  }

  /// Of an instruction that ``reports``: what its number names.
  @inlinable
  var operandKind: OperandKind {
    // Bits 12...15 were written from an `OperandKind`.
    unsafe unsafeBitCast(UInt8(truncatingIfNeeded: bits &>> 12), to: OperandKind.self)
  }

  @inlinable @inline(__always)
  var opened: UInt64 { UInt64(truncatingIfNeeded: bits &>> FastStep.openedKind) & 3 }
  @inlinable @inline(__always)
  var closed: UInt64 { UInt64(truncatingIfNeeded: bits &>> 7) & 1 }

  /// What is added to ``Nesting/depth``.
  @inlinable @inline(__always)
  var depthChange: Int { (opened == 0 ? 0 : 1) &- Int(truncatingIfNeeded: closed) }

  /// ``Nesting/kinds`` behind the instruction.
  @inlinable @inline(__always)
  func apply(to kinds: UInt64) -> UInt64 {
    ((kinds &<< (opened == 0 ? 0 : 2)) | opened) &>> (closed &* 2)
  }
}

/// Eight bytes of code, the first of which is an opcode.
@frozen @usableFromInline
struct CodeWindow {
  @usableFromInline let word: UInt64

  /// Loads eight bytes.
  @inlinable @inline(__always)
  init(_ start: UnsafePointer<UInt8>) {
    word = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
  }

  /// Loads the fewer than eight bytes from `offset` to `end`; what lies behind reads as zero.
  ///
  /// `0 <= offset <= end`, and bytes 0 to `end` are readable.
  @usableFromInline
  init(lastOf base: UnsafePointer<UInt8>, _ offset: Int, _ end: Int) {
    var bytes: UInt64 = 0
    for index in offset..<end { bytes |= UInt64(base[index]) &<< UInt64(truncatingIfNeeded: (index &- offset) &* 8) }
    word = bytes
  }

  @inlinable var opcode: UInt8 { UInt8(truncatingIfNeeded: word) }
  @inlinable var second: UInt8 { UInt8(truncatingIfNeeded: word &>> 8) }

  /// The length of the instruction, 0 if the fast path does not know it, and 9 if it does not end within the window.
  @inlinable @inline(__always)
  func length(_ step: FastStep) -> UInt64 {
    // One bit for every byte behind the opcode that ends a LEB128 number.
    let ends = ~word & 0x8080_8080_8080_8000
    let one = UInt64(truncatingIfNeeded: ends.trailingZeroBitCount) &>> 3 &+ 1
    let two = UInt64(truncatingIfNeeded: (ends & (ends &- 1)).trailingZeroBitCount) &>> 3 &+ 1
    let lengths = 1 | one &<< 8 | two &<< 16
    return lengths &>> UInt64(step.bits & FastStep.lengthShift) & 0xFF
  }

  /// Reports the instruction's number, or the memory argument that names no memory.
  ///
  /// - Returns: `false`, and nothing was reported, where the number does not fit its type.
  @inlinable @inline(__always)
  func report<V: OperandVisitor>(
    _ step: FastStep, length: UInt64, at offset: Int, _ visitor: inout V
  ) throws(FormatError) -> Bool {
    let opcode = Opcode(rawValue: UInt16(opcode))
    if step.bits & FastStep.reports != 0 {
      let value = number(length: length)
      guard length <= 6, value <= UInt64(UInt32.max) else { return false }
      try visitor.operand(
        Operand(
          kind: step.operandKind, opcode: opcode, instruction: offset, offset: offset &+ 1,
          length: Int(truncatingIfNeeded: length &- 1), value: UInt32(truncatingIfNeeded: value)))
    } else if V.wantsConstants, step.bits & FastStep.isConstant != 0 {
      // The sign is the highest bit that was encoded: seven for each byte.
      let unused = 64 &- 7 &* Int64(truncatingIfNeeded: length &- 1)
      let value = (Int64(bitPattern: number(length: length)) &<< unused) &>> unused
      guard opcode == .i64Const || (length <= 6 && value == Int64(Int32(truncatingIfNeeded: value))) else {
        return false
      }
      try visitor.constant(
        value, opcode: opcode, instruction: offset, end: offset &+ Int(truncatingIfNeeded: length))
    } else {
      try visitor.operand(
        Operand(
          kind: .implicitMemory, opcode: opcode, instruction: offset, offset: offset &+ 1, length: 1,
          value: UInt32(second)))
    }
    return true
  }

  /// The LEB128 number in the bytes from 1 up to `length`, without a sign.
  @inlinable @inline(__always)
  func number(length: UInt64) -> UInt64 {
    var bits = (word &>> 8) & ((1 &<< ((length &- 1) &* 8)) &- 1) & 0x007F_7F7F_7F7F_7F7F
    bits = (bits & 0x007F_007F_007F_007F) | (bits & 0x7F00_7F00_7F00_7F00) &>> 1
    bits = (bits & 0x0000_3FFF_0000_3FFF) | (bits & 0x3FFF_0000_3FFF_0000) &>> 2
    return (bits & 0x0FFF_FFFF) | (bits & 0x0FFF_FFFF_0000_0000) &>> 4
  }
}

/// Scans one value type, and reports the type that it names, if any.
///
/// - Throws: ``FormatError`` for an unknown type.
public func scanValueType<V: OperandVisitor>(
  _ reader: inout ByteReader, _ visitor: inout V
) throws(FormatError) {
  var cursor = OperandCursor(reader, opcode: .localDeclaration, instruction: reader.offset)
  try cursor.valueType(&visitor)
  reader = cursor.reader
}
