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
  var nesting = Nesting()
  while true {
    let window = CodeWindow(base, offset, end)
    let step = table.fast[Int(window.opcode)]
    let length = window.length(step)
    let isSpecial = (table.second[Int(window.second)] & step.bits) != 0
    if length &- 1 >= UInt64(truncatingIfNeeded: min(8, end &- offset)) || isSpecial
      || (V.wantsImplicitMemory && step.bits & FastStep.notInMemoryArgument != 0)
    {
      try scanClosely(&offset, reader, table, &nesting, &visitor)
    } else {
      let next = offset &+ Int(truncatingIfNeeded: length)
      if step.bits & FastStep.reports != 0 {
        let value = window.unsigned(length: length)
        if length > 6 || value > UInt64(UInt32.max) {
          try scanClosely(&offset, reader, table, &nesting, &visitor)
          continue
        }
        try visitor.operand(
          Operand(
            kind: step.operandKind, opcode: Opcode(rawValue: UInt16(window.opcode)), instruction: offset,
            offset: offset &+ 1, length: Int(truncatingIfNeeded: length &- 1),
            value: UInt32(truncatingIfNeeded: value)))
      } else if V.wantsConstants, step.bits & FastStep.isConstant != 0 {
        try scanClosely(&offset, reader, table, &nesting, &visitor)
        continue
      }
      nesting.apply(step)
      offset = next
    }
    if nesting.depth == 0 { break }
  }
  reader.offset = offset
}

/// Steps over one instruction of any kind.
@inlinable
func scanClosely<V: OperandVisitor>(
  _ offset: inout Int, _ reader: ByteReader, _ table: InstructionTable, _ nesting: inout Nesting,
  _ visitor: inout V
) throws(FormatError) {
  var reader = reader
  reader.offset = offset
  guard offset < reader.end else { throw FormatError("code ends without end", at: offset) }
  var cursor = try OperandCursor(reader)
  try cursor.immediates(table[cursor.opcode], &nesting, &visitor)
  offset = cursor.reader.offset
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

extension Nesting {
  @inlinable @inline(__always)
  mutating func apply(_ step: FastStep) {
    let kind = UInt64(step.bits >> FastStep.openedKind) & 3
    let opens: UInt64 = kind == 0 ? 0 : 1
    let closes = UInt64(step.bits >> 7) & 1
    depth = depth &+ Int(truncatingIfNeeded: opens) &- Int(truncatingIfNeeded: closes)
    kinds = ((kinds &<< (opens &* 2)) | kind) &>> (closes &* 2)
  }
}

extension FastStep {
  /// Of an instruction that ``reports``: what its number names.
  @inlinable
  var operandKind: OperandKind {
    // Bits 12...15 were written from an `OperandKind`.
    unsafe unsafeBitCast(UInt8(truncatingIfNeeded: bits &>> 12), to: OperandKind.self)
  }
}

/// Eight bytes of code, the first of which is an opcode.
@frozen @usableFromInline
struct CodeWindow {
  @usableFromInline let word: UInt64

  /// Loads the bytes from `offset` on; what lies behind `end` reads as zero.
  ///
  /// `0 <= offset <= end`, and bytes 0 to `end` are readable.
  @inlinable @inline(__always)
  init(_ base: UnsafePointer<UInt8>, _ offset: Int, _ end: Int) {
    let left = end &- offset
    if left >= 8 {
      word = UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    } else if end >= 8 {
      // The last eight bytes, with those before `offset` shifted out (all of them when nothing is left).
      let last = UInt64(littleEndian: UnsafeRawPointer(base + (end &- 8)).loadUnaligned(as: UInt64.self))
      word = last >> UInt64(truncatingIfNeeded: (8 &- left) &* 8)
    } else {
      var bytes: UInt64 = 0
      for index in 0..<left { bytes |= UInt64(base[offset &+ index]) &<< UInt64(truncatingIfNeeded: index &* 8) }
      word = bytes
    }
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

  /// The LEB128 number in the bytes 1 up to `length`.
  @inlinable @inline(__always)
  func unsigned(length: UInt64) -> UInt64 {
    var bits = (word &>> 8) & ((1 &<< ((length &- 1) &* 8)) &- 1) & 0x007F_7F7F_7F7F_7F7F
    bits = (bits & 0x007F_007F_007F_007F) | (bits & 0x7F00_7F00_7F00_7F00) &>> 1
    bits = (bits & 0x0000_3FFF_0000_3FFF) | (bits & 0x3FFF_0000_3FFF_0000) &>> 2
    return (bits & 0x0FFF_FFFF) | (bits & 0x0FFF_FFFF_0000_0000) &>> 4
  }
}
