// Finding every operand in the bodies of functions.
//
// A linker reads all code of all libraries, and nine instructions out of ten are none of its business. The loop here
// therefore does not decode: it loads eight bytes, and a table entry for the opcode says which of their bits tell where
// the instruction ends (`FastStep`).
//
// Two things cost more than that arithmetic. Branches that the processor cannot foresee: it never knows which
// instruction comes next. So instructions with operands are not reported where they are met; their places are noted,
// without a branch: every instruction is written to the end of a list, and the list grows by what the table entry says:
// one if the instruction matters, none if not. Decoding the list is a second, equally short loop. And waiting:
// where an instruction begins is known only when the one before it has been loaded, looked up and measured, one after
// the other, while most of the processor has nothing to do. So four bodies are scanned at the same time, one
// instruction of each in turn.

/// A function's body to scan.
public struct ScannedBody {
  /// Stands behind the local declarations.
  public let reader: ByteReader
  /// One past the last readable byte, which may lie beyond the end of the body.
  @usableFromInline let readableEnd: Int

  /// - Parameters:
  ///   - reader: Stands behind the local declarations, and ends with the body.
  ///   - readableEnd: Offset one past the last byte that may be read, at least that of the reader's end.
  @inlinable
  public init(_ reader: ByteReader, readableEnd: Int) {
    self.reader = reader
    self.readableEnd = readableEnd
  }
}

/// Somebody who has bodies to scan and wants to see their operands: all of one body, in their order, before the next
/// body is asked for.
public protocol BodyVisitor: OperandVisitor {
  /// The next body; `nil` when there is none left.
  mutating func nextBody() -> ScannedBody?

  /// Called when the body has been scanned to its end. Does nothing unless defined otherwise.
  ///
  /// - Parameter places: empty unless they are wanted.
  mutating func endBody(_ body: ScannedBody, _ places: CodePlaces)

  /// Called when the body cannot be scanned, or ``OperandVisitor/operand(_:)`` threw, with the reason. The rest of the
  /// body is passed over.
  mutating func fail(_ error: FormatError)
}

extension BodyVisitor {
  @inlinable
  public mutating func endBody(_ body: ScannedBody, _ places: CodePlaces) {}
}

/// Scans the bodies of four visitors at the same time, each up to and including the `end` that closes it, which must
/// be its last byte.
///
/// Nothing is validated beyond what is needed to find the operands: types, the ranges of indices, and whether an `else`
/// stands in an `if`, are not looked at (WebAssembly 3.0, Binary Format, Instructions).
///
/// - Parameter notesPlaces: Whether ``CodePlaces`` are wanted.
@inlinable
public func scanBodies<V: BodyVisitor>(
  _ first: inout V, _ second: inout V, _ third: inout V, _ fourth: inout V, notesPlaces: Bool = false
) {
  let table =
    V.wantsImplicitMemory
    ? notesPlaces ? InstructionTable.withBoth : InstructionTable.withImplicitMemory
    : notesPlaces ? InstructionTable.withPlaces : InstructionTable.shared
  unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * ScanLane.markCapacity) { marks in
    guard let marks = marks.baseAddress else { return }
    var one = unsafe ScanLane(marks, &first)
    var two = unsafe ScanLane(marks + ScanLane.markCapacity, &second)
    var three = unsafe ScanLane(marks + 2 * ScanLane.markCapacity, &third)
    var four = unsafe ScanLane(marks + 3 * ScanLane.markCapacity, &fourth)
    while !one.isDone, !two.isDone, !three.isDone, !four.isDone {
      switch unsafe stepTogether(&one.cursor, &two.cursor, &three.cursor, &four.cursor, table, marks) {
      case 0: one.attend(table, &first)
      case 1: two.attend(table, &second)
      case 2: three.attend(table, &third)
      default: four.attend(table, &fourth)
      }
    }
    one.finish(table, &first)
    two.finish(table, &second)
    three.finish(table, &third)
    four.finish(table, &fourth)
  }
}

/// Steps over one instruction of each body in turn.
///
/// - Parameter marks: room for the marks of all four, ``ScanLane/markCapacity`` each.
/// - Returns: Which of them needs attention.
@inlinable @inline(never)
func stepTogether(
  _ first: inout ScanCursor, _ second: inout ScanCursor, _ third: inout ScanCursor, _ fourth: inout ScanCursor,
  _ table: InstructionTable, _ marks: UnsafeMutablePointer<UInt32>
) -> Int {
  // In registers.
  var (one, two, three, four) = (first, second, third, fourth)
  defer { (first, second, third, fourth) = (one, two, three, four) }
  while true {
    if unsafe !one.step(table, marks) { return 0 }
    if unsafe !two.step(table, marks + ScanLane.markCapacity) { return 1 }
    if unsafe !three.step(table, marks + 2 * ScanLane.markCapacity) { return 2 }
    if unsafe !four.step(table, marks + 3 * ScanLane.markCapacity) { return 3 }
  }
}

/// Where the scan of one body is, as far as the innermost loop wants to know it.
///
/// Invariant: eight bytes are readable at every place before `limit`, and there is room for a mark for each byte from
/// `position` to `limit`, and one more.
@frozen @safe @usableFromInline
struct ScanCursor {
  /// The next instruction.
  @usableFromInline var position: UnsafePointer<UInt8>
  @usableFromInline var limit: UnsafePointer<UInt8>
  @usableFromInline var tally = Tally()

  @inlinable
  init(_ position: UnsafePointer<UInt8>) {
    unsafe self.position = unsafe position
    unsafe limit = unsafe position
  }

  /// Steps over one instruction.
  ///
  /// - Parameter marks: where the marks of this body go: the lower halves of the addresses of instructions with
  ///   operands.
  /// - Returns: `false`, and nothing was done, behind the `end`, at the limit, and at an instruction that needs a closer
  ///   look.
  @inlinable @inline(__always)
  mutating func step(_ table: InstructionTable, _ marks: UnsafeMutablePointer<UInt32>) -> Bool {
    guard unsafe position < limit, tally.isInsideBody else { return false }
    let word = unsafe UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
    let step = unsafe table.fast[Int(UInt8(truncatingIfNeeded: word))]
    let excluded = unsafe table.excluded[Int(UInt8(truncatingIfNeeded: word &>> 8))]
    let ends = ~word & step.ends
    guard excluded & UInt8(truncatingIfNeeded: step.bits) == 0, ends != 0 else { return false }
    unsafe marks[tally.marks] = unsafe UInt32(truncatingIfNeeded: UInt(bitPattern: position))
    tally.add(step)
    unsafe position += (ends.trailingZeroBitCount &>> 3) &+ 1
    return true
  }
}

/// One row of bodies that are scanned one after the other.
///
/// Invariant: `marks` has room for ``markCapacity`` marks that no other row writes, and the cursor is inside the body or at
/// its end, whose bytes up to ``ScannedBody/readableEnd`` are readable.
@safe @usableFromInline
struct ScanLane {
  @usableFromInline var cursor: ScanCursor
  /// The body, with its first instruction as ``ByteReader/offset``.
  @usableFromInline var body: ScannedBody
  @usableFromInline let marks: UnsafeMutablePointer<UInt32>
  @usableFromInline var places = CodePlaces()
  @usableFromInline var isDone = false

  /// Bytes of code between two reports: no more marks than that can come up.
  @inlinable static var stretch: Int { 4096 }
  /// Behind the last mark, one more is written that may not count.
  @inlinable static var markCapacity: Int { stretch + 1 }

  /// - Parameter marks: Room for ``markCapacity`` marks.
  @inlinable
  init<V: BodyVisitor>(_ marks: UnsafeMutablePointer<UInt32>, _ visitor: inout V) {
    unsafe self.marks = unsafe marks
    // An empty body, until there is one.
    let nowhere = unsafe UnsafePointer(UnsafeRawPointer(marks).assumingMemoryBound(to: UInt8.self))
    body = unsafe ScannedBody(ByteReader(nowhere, 0..<0), readableEnd: 0)
    cursor = unsafe ScanCursor(nowhere)
    beginBody(&visitor)
  }

  /// Scans all bodies that are left.
  @inlinable
  mutating func finish<V: BodyVisitor>(_ table: InstructionTable, _ visitor: inout V) {
    while !isDone {
      var cursor = cursor
      while unsafe cursor.step(table, marks) {}
      self.cursor = cursor
      attend(table, &visitor)
    }
  }

  /// Does what the innermost loop could not.
  @inlinable @inline(never)
  mutating func attend<V: BodyVisitor>(_ table: InstructionTable, _ visitor: inout V) {
    do throws(FormatError) {
      if unsafe cursor.position < cursor.limit, cursor.tally.isInsideBody { return try stepClosely(table, &visitor) }
      guard offset <= body.reader.end else { throw FormatError("unexpected end", at: body.reader.end) }
      try report(table, &visitor)
      if cursor.tally.isInsideBody, offset < body.readableEnd &- 8, offset < body.reader.end { return extendLimit() }
      try scanRest(table, &visitor)
      guard offset == body.reader.end else { throw FormatError("code goes on behind its end", at: offset) }
      visitor.endBody(body, places)
    } catch {
      visitor.fail(error)
    }
    beginBody(&visitor)
  }

  @inlinable
  mutating func beginBody<V: BodyVisitor>(_ visitor: inout V) {
    guard let next = visitor.nextBody() else {
      isDone = true
      return
    }
    body = next
    cursor = unsafe ScanCursor(body.reader.base + body.reader.offset)
    places.begin(origin: unsafe UInt32(truncatingIfNeeded: UInt(bitPattern: body.reader.base)))
    extendLimit()
  }

  /// Offset in the file of the next instruction.
  @inlinable var offset: Int { unsafe cursor.position - body.reader.base }

  /// Lets the innermost loop go on; there are no marks at this time.
  @inlinable
  mutating func extendLimit() {
    let end = min(body.reader.end, body.readableEnd &- 8, offset &+ ScanLane.stretch)
    unsafe cursor.limit = unsafe body.reader.base + max(offset, end)
  }

  /// Steps over one instruction of any kind.
  @inlinable @inline(never)
  mutating func stepClosely<V: BodyVisitor>(
    _ table: InstructionTable, _ visitor: inout V
  ) throws(FormatError) {
    var reader = body.reader
    reader.offset = offset &+ 1
    switch unsafe cursor.position[0] {
    case 0x43: unsafe cursor.position += 5  // f32.const
    case 0x44: unsafe cursor.position += 9  // f64.const
    case 0x0E:  // br_table
      if table.notesPlaces { mark() }
      for _ in 0..<(try reader.count()) { try reader.skipLEB() }
      try reader.skipLEB()
      unsafe cursor.position = unsafe reader.base + reader.offset
    case 0x11, 0x13:  // call_indirect, return_call_indirect
      try reader.skipLEB()
      try reader.skipLEB()
      mark()
      unsafe cursor.position = unsafe reader.base + reader.offset
    default:
      try report(table, &visitor)
      try scanOne(table, &visitor)
    }
  }

  /// Marks the next instruction. There is room, since fewer marks were made than bytes passed.
  @inlinable
  mutating func mark() {
    unsafe marks[cursor.tally.marks] = unsafe UInt32(truncatingIfNeeded: UInt(bitPattern: cursor.position))
    cursor.tally.addMark()
  }

  /// Scans what is too close to the end of the file for the innermost loop.
  @inlinable
  mutating func scanRest<V: BodyVisitor>(_ table: InstructionTable, _ visitor: inout V) throws(FormatError) {
    while cursor.tally.isInsideBody { try scanOne(table, &visitor) }
  }

  @inlinable
  mutating func scanOne<V: BodyVisitor>(_ table: InstructionTable, _ visitor: inout V) throws(FormatError) {
    var reader = body.reader
    reader.offset = offset
    if table.notesPlaces { places.note(reader) }
    var nesting = Nesting(depth: cursor.tally.depth, kinds: Nesting.forgotten)
    let next = try scanInstruction(reader, &nesting, &visitor)
    unsafe cursor.position = unsafe reader.base + next
    cursor.tally.depth = nesting.depth
  }

  /// Reports the operands of the marked instructions, and forgets the marks.
  @inlinable
  mutating func report<V: BodyVisitor>(_ table: InstructionTable, _ visitor: inout V) throws(FormatError) {
    let base = unsafe body.reader.base
    var count = cursor.tally.marks
    if table.notesPlaces { count = unsafe places.sift(marks, count: count, base: base, roles: table.roles) }
    cursor.tally.forgetMarks()
    let first = unsafe UInt32(truncatingIfNeeded: UInt(bitPattern: base + body.reader.offset))
    for index in 0..<count {
      let instruction = unsafe body.reader.offset &+ Int(marks[index] &- first)
      // Marked instructions lie before the limit, so eight bytes are readable.
      let window = unsafe CodeWindow(base + instruction)
      if let operand = window.operand(table, at: instruction) {
        try visitor.operand(operand)
      } else if let (type, table) = window.indirectCall(at: instruction) {
        try visitor.operand(type)
        try visitor.operand(table)
      } else if window.isIndirectCall {
        try reportIndirectCall(window.opcode, at: instruction, &visitor)
      } else {
        var reader = body.reader
        reader.offset = instruction
        var nesting = Nesting()
        _ = try scanInstruction(reader, &nesting, &visitor)
      }
    }
  }
}

extension ScanLane {
  /// Reports the type and the table of a `call_indirect` or `return_call_indirect` whose numbers have more than one byte, as
  /// linkers write them.
  @inlinable
  func reportIndirectCall<V: BodyVisitor>(
    _ opcode: Opcode, at instruction: Int, _ visitor: inout V
  ) throws(FormatError) {
    var reader = body.reader
    reader.offset = instruction &+ 1
    let type = try reader.u32()
    let middle = reader.offset
    try visitor.operand(
      Operand(
        kind: .type, opcode: opcode, instruction: instruction, offset: instruction &+ 1,
        length: middle &- instruction &- 1, value: type))
    let table = try reader.u32()
    try visitor.operand(
      Operand(
        kind: .table, opcode: opcode, instruction: instruction, offset: middle, length: reader.offset &- middle,
        value: table))
  }
}

/// Eight bytes of code, the first of which is an opcode.
@frozen @usableFromInline
struct CodeWindow {
  @usableFromInline let word: UInt64

  /// Loads eight bytes.
  @inlinable @inline(__always)
  init(_ start: UnsafePointer<UInt8>) {
    word = unsafe UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
  }

  @inlinable @inline(__always)
  var opcode: Opcode { Opcode(rawValue: UInt16(truncatingIfNeeded: word & 0xFF)) }

  /// Whether it is a `call_indirect` or `return_call_indirect`.
  @inlinable @inline(__always)
  var isIndirectCall: Bool { opcode == .callIndirect || opcode == .returnCallIndirect }

  /// The operand of an instruction whose one number is an index; `nil` for any other, and for a malformed number.
  @inlinable @inline(__always)
  func operand(_ table: InstructionTable, at instruction: Int) -> Operand? {
    let opcode = UInt8(truncatingIfNeeded: word)
    let kind = unsafe table.operandKinds[Int(opcode)]
    let ends = ~word & 0x8080_8080_8080_8000
    let length = UInt64(truncatingIfNeeded: ends.trailingZeroBitCount) &>> 3
    guard kind != 0xFF, length <= 5 else { return nil }
    let value = number(length: length)
    guard value <= UInt64(UInt32.max) else { return nil }
    return Operand(
      // Other than 0xFF, entries were written from an `OperandKind`.
      kind: unsafe unsafeBitCast(kind, to: OperandKind.self), opcode: Opcode(rawValue: UInt16(opcode)),
      instruction: instruction, offset: instruction &+ 1, length: Int(truncatingIfNeeded: length),
      value: UInt32(truncatingIfNeeded: value))
  }

  /// The type and the table of a `call_indirect` or `return_call_indirect`, each of one byte; `nil` for any other
  /// instruction.
  @inlinable @inline(__always)
  func indirectCall(at instruction: Int) -> (type: Operand, table: Operand)? {
    guard isIndirectCall, word & 0x80_8000 == 0 else { return nil }
    func operand(_ kind: OperandKind, _ place: Int) -> Operand {
      Operand(
        kind: kind, opcode: opcode, instruction: instruction, offset: instruction &+ place, length: 1,
        value: UInt32(truncatingIfNeeded: word &>> UInt64(8 * place) & 0x7F))
    }
    return (operand(.type, 1), operand(.table, 2))
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
