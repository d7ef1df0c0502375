// Finding every operand in the body of a function.
//
// A linker reads all code of all libraries, and nine instructions out of ten are none of its business. The loop here
// therefore does not decode: it loads eight bytes, finds in parallel where an instruction with no, one and two LEB128
// numbers would end, and lets a table entry for the opcode choose among the three. Block depth is kept the same way,
// by arithmetic on bits of that entry.
//
// What costs is not the arithmetic but branches that the processor cannot foresee, and which instruction comes next
// it cannot foresee at all. So instructions with operands are not reported where they are met. Their offsets are
// noted, without a branch: every instruction is written to the end of a list, and the list grows by the bit of the
// table entry that says whether the instruction matters. Decoding the list is a second, equally short loop. What is
// left in the first are two branches that are nearly always not taken: a closer look, and the end.

/// Scans the code of a function, up to and including the `end` that closes it, and reports its operands to `visitor`:
/// a fast `scanInstructions`.
///
/// - Parameters:
///   - reader: Stands behind the local declarations, and afterwards behind the `end`.
///   - readableEnd: One past the last readable byte of the file, which may lie beyond the reader's end. Instructions
///     less than eight bytes in front of it are scanned the slow way.
///   - marks: Scratch memory.
/// - Throws: ``FormatError`` as `scanInstructions` does, if not always the first of several.
@inlinable
public func scanCode<V: OperandVisitor>(
  _ reader: inout ByteReader, readableEnd: Int, _ marks: borrowing OperandMarks, _ visitor: inout V
) throws(FormatError) {
  let table = InstructionTable.shared
  let last = min(reader.end, readableEnd &- 8)
  var lane = ScanLane(reader, marks)
  while lane.nesting.depth > 0 {
    // An instruction with an operand has at least two bytes, so this many cannot overflow the marks.
    let limit = min(last, lane.offset &+ OperandMarks.capacity)
    guard lane.offset < limit else { break }
    while lane.offset < limit, lane.nesting.depth > 0 {
      if !lane.step(reader.base, table, V.self) { try lane.stepClosely(reader, marks, &visitor) }
    }
    try lane.checkEnd(reader)
    try lane.report(reader, marks, &visitor)
  }
  reader.offset = lane.offset
  while lane.nesting.depth > 0 {
    let instruction = reader.offset
    reader.offset = try scanInstruction(reader, previous: lane.previous, &lane.nesting, &visitor)
    lane.previous = instruction
  }
}

/// Room for the places of instructions that name something.
public struct OperandMarks: ~Copyable {
  /// How many there is room for; a few more are written to the end and not kept.
  @inlinable static var capacity: Int { 4096 }
  @usableFromInline let start: UnsafeMutablePointer<OperandMark>

  public init() { start = .allocate(capacity: OperandMarks.capacity + 1) }

  deinit { start.deallocate() }
}

/// Where an instruction with operands is, and the one before it, counted from the first instruction of the function.
@frozen @usableFromInline
struct OperandMark {
  @usableFromInline let instruction: UInt32
  @usableFromInline let previous: UInt32

  @inlinable @inline(__always)
  init(instruction: Int, previous: Int) {
    self.instruction = UInt32(truncatingIfNeeded: instruction)
    self.previous = UInt32(truncatingIfNeeded: previous)
  }
}

/// How far the scan of one function is.
///
/// Invariant: `next` lies between the start of the marks and ``OperandMarks/capacity`` behind it, since between two
/// reports at most that many bytes are scanned. ``step(_:_:_:)`` reads eight bytes at ``offset``; whoever calls it has
/// made sure that they are readable.
@frozen @usableFromInline
struct ScanLane {
  /// Offset of the first instruction, which marks count from.
  @usableFromInline let origin: Int
  @usableFromInline var offset: Int
  @usableFromInline var previous: Int
  @usableFromInline var nesting = Nesting()
  /// Where the next mark goes.
  @usableFromInline var next: UnsafeMutablePointer<OperandMark>

  @inlinable
  init(_ reader: ByteReader, _ marks: borrowing OperandMarks) {
    origin = reader.offset
    offset = reader.offset
    previous = reader.offset
    next = marks.start
  }

  /// Steps over one instruction.
  ///
  /// - Returns: `false`, and nothing was done, for an instruction that needs a closer look.
  @inlinable @inline(__always)
  mutating func step<V: OperandVisitor>(
    _ base: UnsafePointer<UInt8>, _ table: InstructionTable, _ visitor: V.Type
  ) -> Bool {
    let word = UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    let step = table.fast[Int(UInt8(truncatingIfNeeded: word))]
    let second = table.second[Int(UInt8(truncatingIfNeeded: word &>> 8))]
    // One bit for every byte that may end the instruction: the opcode, or behind it the ends of LEB128 numbers.
    var ends = (~word & 0x8080_8080_8080_8000) | UInt64(step.bits & FastStep.hasNoNumber)
    ends &= ends &- UInt64(step.bits &>> 5 & 1)
    if UInt32(second) & step.bits != 0 || ends == 0 { return false }
    // At most one mark for each instruction, so there is room; see the invariant.
    next.pointee = OperandMark(instruction: offset &- origin, previous: previous &- origin)
    let isMarked = V.wantsImplicitMemory ? (step.bits &>> 3 | step.bits &>> 4) & 1 : step.bits &>> 3 & 1
    next += Int(isMarked)
    nesting.depth &+= step.depthChange
    nesting.kinds = step.apply(to: nesting.kinds)
    previous = offset
    offset &+= (ends.trailingZeroBitCount &>> 3) &+ 1
    return true
  }

  /// Steps over one instruction of any kind.
  @inlinable @inline(never)
  mutating func stepClosely<V: OperandVisitor>(
    _ reader: ByteReader, _ marks: borrowing OperandMarks, _ visitor: inout V
  ) throws(FormatError) {
    var body = reader
    body.offset = offset
    let instruction = offset
    let opcode = body.base[offset]
    switch opcode {
    case 0x43: offset &+= 5  // f32.const
    case 0x44: offset &+= 9  // f64.const
    case 0xFC where body.base[offset &+ 1] < 8: offset &+= 2  // conversions; the byte is in the window
    case 0x0E:  // br_table
      body.offset &+= 1
      for _ in 0..<(try body.count()) { try body.skipLEB() }
      try body.skipLEB()
      offset = body.offset
    case 0x11, 0x13:  // call_indirect, return_call_indirect
      body.offset &+= 1
      try body.skipLEB()
      try body.skipLEB()
      next.pointee = OperandMark(instruction: offset &- origin, previous: previous &- origin)
      next += 1
      offset = body.offset
    default:
      try report(reader, marks, &visitor)
      offset = try scanInstruction(body, previous: previous, &nesting, &visitor)
    }
    previous = instruction
  }

  /// Reports the operands of the marked instructions, and forgets the marks.
  @inlinable @inline(never)
  mutating func report<V: OperandVisitor>(
    _ reader: ByteReader, _ marks: borrowing OperandMarks, _ visitor: inout V
  ) throws(FormatError) {
    let table = InstructionTable.shared
    var mark = marks.start
    while mark < next {
      let instruction = origin &+ Int(mark.pointee.instruction)
      let previous = origin &+ Int(mark.pointee.previous)
      // A marked instruction was stepped over, so that eight bytes are readable here.
      let window = CodeWindow(reader.base + instruction)
      if let operand = window.operand(table, at: instruction, previous: previous) {
        try visitor.operand(operand)
      } else {
        var reader = reader
        reader.offset = instruction
        var nesting = Nesting()
        _ = try scanInstruction(reader, previous: previous, &nesting, &visitor)
      }
      mark += 1
    }
    next = marks.start
  }

  /// - Throws: ``FormatError`` if the last instruction goes on behind the end of the function.
  @inlinable
  func checkEnd(_ reader: ByteReader) throws(FormatError) {
    if offset > reader.end { throw FormatError("unexpected end", at: reader.end) }
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

  /// The operand of an instruction whose one number is an index; `nil` for any other, and for a malformed number.
  @inlinable @inline(__always)
  func operand(_ table: InstructionTable, at instruction: Int, previous: Int) -> Operand? {
    let opcode = UInt8(truncatingIfNeeded: word)
    let kind = table.operandKinds[Int(opcode)]
    let ends = ~word & 0x8080_8080_8080_8000
    let length = UInt64(truncatingIfNeeded: ends.trailingZeroBitCount) &>> 3
    guard kind != 0xFF, length <= 5 else { return nil }
    let value = number(length: length)
    guard value <= UInt64(UInt32.max) else { return nil }
    return Operand(
      // Other than 0xFF, entries were written from an `OperandKind`.
      kind: unsafe unsafeBitCast(kind, to: OperandKind.self), opcode: Opcode(rawValue: UInt16(opcode)),
      instruction: instruction, previous: previous, offset: instruction &+ 1,
      length: Int(truncatingIfNeeded: length), value: UInt32(truncatingIfNeeded: value))
  }

  /// The LEB128 number of up to five bytes behind the opcode, without a sign.
  @inlinable @inline(__always)
  func number(length: UInt64) -> UInt64 {
    var bits = (word &>> 8) & ((1 &<< (length &* 8)) &- 1) & 0x007F_7F7F_7F7F_7F7F
    bits = (bits & 0x007F_007F_007F_007F) | (bits & 0x7F00_7F00_7F00_7F00) &>> 1
    bits = (bits & 0x0000_3FFF_0000_3FFF) | (bits & 0x3FFF_0000_3FFF_0000) &>> 2
    return (bits & 0x0FFF_FFFF) | (bits & 0x0FFF_FFFF_0000_0000) &>> 4
  }
}
