import WebAssemblyFormat

// Line programs: which line each instruction is of (DWARF 5, 6.2).
//
// A table of lines is written as a program for a little machine, whose operations add rows or say what the next rows have
// in common. Of all of these only some advance the address; all others are copied, so that nothing else of the table can
// change. How far an operation advances is what changes with the code: an address in front of it and one behind it are
// places in a function, which are somewhere in the result, and their distance there is what is written.
//
// A sequence begins with an address and belongs to the function there. Compilers for WebAssembly begin one for each
// function, but other tools need not: a sequence that goes on into another function ends where that begins, and a new one
// begins, with all that the machine knows said again. One whose address is in no function was dropped when the file was
// made, and is copied.

/// Writes the line program of one unit anew.
struct LineProgram {
  private let file: DebugFile
  private let content: DebugContent
  private(set) var chunk = SectionChunk(bytes: [])

  // What the header says.
  private var end = 0
  private var opcodeBase: UInt8 = 13
  private var lineBase = 0
  private var lineRange = 1
  private var operandCounts: [UInt8] = []
  private var startsWithStatements = true

  // The machine.
  /// Where it is in the file's code, and which offset the result's table has reached; `nil` in sequences that are copied.
  private var place: CodePlace?
  private var written = 0
  /// Of the function of that place: how long it is in the file, and where its instructions went.
  private var size = 0
  private var cursor: BodyMaps.Cursor
  private var registers = Registers()

  /// What new sequences have to be told.
  private struct Registers {
    var line = 1
    var fileNumber: UInt64 = 1
    var column: UInt64 = 0
    var isStatement = true
    var isa: UInt64 = 0
  }

  init(_ file: DebugFile, _ content: DebugContent) {
    self.file = file
    self.content = content
    cursor = file.maps.cursor(inFunctionAt: nil)
  }

  /// Goes through the program that begins where the reader stands; it stands behind it afterwards.
  ///
  /// - Throws: ``FormatError`` for what is damaged, and for what is no program of WebAssembly.
  mutating func run(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader.offset
    chunk.bytes.reserveCapacity(256)
    let offsetSize = try readHeader(&reader, from: start)
    chunk.add(content.bytes[start..<reader.offset])
    file.carry(start..<reader.offset, of: content, to: 0, in: &chunk)
    registers.isStatement = startsWithStatements
    while reader.offset < end { try step(&reader) }
    let length = chunk.bytes.count - (offsetSize == 8 ? 12 : 4)
    chunk.put(UInt64(length), width: offsetSize, at: offsetSize == 8 ? 4 : 0)
  }

  // MARK: Header

  /// - Returns: how many bytes offsets have.
  private mutating func readHeader(_ reader: inout ByteReader, from start: Int) throws(FormatError) -> Int {
    let (unitEnd, offsetSize) = try reader.unitEnd()
    end = unitEnd
    var header = reader[reader.offset..<end]
    let version = Int(try header.fixed(2))
    guard (2...5).contains(version) else {
      throw FormatError("unknown version \(version) of a line program", at: header.offset - 2)
    }
    if version == 5 { try header.skip(2) }
    let length = try header.fixed(offsetSize)
    guard length <= UInt64(header.remaining) else { throw FormatError("header is too long", at: header.offset) }
    let first = header.offset + Int(length)
    let at = header.offset
    let unit = try header.byte()
    let operations = version < 4 ? 1 : try header.byte()
    guard unit == 1, operations == 1 else { throw FormatError("instructions are not counted in bytes", at: at) }
    startsWithStatements = try header.byte() != 0
    lineBase = Int(Int8(bitPattern: try header.byte()))
    lineRange = Int(try header.byte())
    guard lineRange > 0 else { throw FormatError("the range of lines is 0", at: header.offset - 1) }
    opcodeBase = try header.byte()
    guard opcodeBase > Operation.advanceFixed else {
      throw FormatError("operations that every version has are missing", at: header.offset - 1)
    }
    for _ in 1..<opcodeBase { operandCounts.append(try header.byte()) }
    if version == 5, file.isFinal {
      try readNames(&header, offsetSize, from: start)
      try readNames(&header, offsetSize, from: start)
    }
    reader = content.bytes[first..<end]
    return offsetSize
  }

  /// Directories or files of version 5, whose names may be in other sections.
  private mutating func readNames(
    _ header: inout ByteReader, _ offsetSize: Int, from start: Int
  ) throws(FormatError) {
    var forms: [DwarfForm] = []
    for _ in 0..<(try header.byte()) {
      try header.skipNumber()
      let at = header.offset
      guard let form = DwarfForm(rawValue: UInt16(clamping: try header.u64())) else {
        throw FormatError("unknown form", at: at)
      }
      forms.append(form)
    }
    let at = header.offset
    let count = try header.u64()
    guard count <= UInt64(header.remaining) else { throw FormatError("count \(count) is too large", at: at) }
    for _ in 0..<count {
      for form in forms {
        let at = header.offset
        switch form.layout {
        case .offset:
          let value = try header.fixed(offsetSize)
          guard let section = sectionOfNames(form) else { break }
          chunk.add(try file.relocation(of: value, into: section, at: at - start, of: header))
        case .bytes(let width): try header.skip(width)
        case .number: try header.skipNumber()
        case .string: try header.skipString()
        case .block(let width):
          let length = width == 0 ? try header.u64() : try header.fixed(width)
          try header.skip(Int(clamping: length))
        case .address, .indirect: throw FormatError("form has no place in a line program", at: at)
        }
      }
    }
  }

  private func sectionOfNames(_ form: DwarfForm) -> DebugSection? {
    switch form {
    case .stringOffset: .strings
    case .lineStringOffset: .lineStrings
    default: nil
    }
  }

  // MARK: Operations

  private enum Operation {
    static let extended: UInt8 = 0
    static let copy: UInt8 = 1
    static let advanceAddress: UInt8 = 2
    static let advanceLine: UInt8 = 3
    static let setFile: UInt8 = 4
    static let setColumn: UInt8 = 5
    static let negateStatement: UInt8 = 6
    static let addConstant: UInt8 = 8
    static let advanceFixed: UInt8 = 9
    static let setISA: UInt8 = 12

    // Extended ones.
    static let endSequence: UInt8 = 1
    static let setAddress: UInt8 = 2
  }

  private mutating func step(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader.offset
    let code = try reader.byte()
    if code >= opcodeBase { return special(code - opcodeBase) }
    var advance: Int?
    switch code {
    case Operation.extended: return try extended(&reader, from: start)
    case Operation.copy: row()
    case Operation.advanceAddress: advance = Int(clamping: try reader.u64())
    case Operation.addConstant: advance = Int(255 - opcodeBase) / lineRange
    case Operation.advanceFixed: advance = Int(try reader.fixed(2))
    case Operation.advanceLine: registers.line = registers.line &+ Int(truncatingIfNeeded: try reader.s64())
    case Operation.setFile: registers.fileNumber = try reader.u64()
    case Operation.setColumn: registers.column = try reader.u64()
    case Operation.negateStatement: registers.isStatement.toggle()
    case Operation.setISA: registers.isa = try reader.u64()
    default: for _ in 0..<operandCounts[Int(code) - 1] { try reader.skipNumber() }
    }
    if let advance, let place {
      move(from: place, by: advance)
    } else {
      chunk.add(content.bytes[start..<reader.offset])
    }
  }

  private mutating func extended(_ reader: inout ByteReader, from start: Int) throws(FormatError) {
    let length = try reader.u64()
    var operands = try reader.slice(Int(clamping: length))
    guard !operands.isAtEnd else {
      chunk.add(content.bytes[start..<reader.offset])
      return
    }
    switch try operands.byte() {
    case Operation.endSequence:
      if let place { addAdvance(to: place) }
      chunk.add(content.bytes[start..<reader.offset])
      place = nil
      registers = Registers()
      registers.isStatement = startsWithStatements
    case Operation.setAddress:
      let (at, width) = (operands.offset, operands.remaining)
      guard width == 4 || width == 8 else { throw FormatError("address of \(width) bytes", at: at) }
      let address = try operands.fixed(width)
      place = file.place(in: content, at: at, address)
      let target = chunk.bytes.count + at - start
      chunk.add(content.bytes[start..<reader.offset])
      if let place {
        enter(place)
        chunk.add(file.relocation(of: place, at: target, width: width))
      }
      file.carry(at..<at + width, of: content, to: target, in: &chunk)
    default: chunk.add(content.bytes[start..<reader.offset])
    }
  }

  /// A special opcode advances address and line, and adds a row.
  private mutating func special(_ adjusted: UInt8) {
    let (address, line) = (Int(adjusted) / lineRange, Int(adjusted) % lineRange)
    if let before = place {
      move(from: before, by: address)
      beginAtEnd()
      addSpecial(line)
    } else {
      chunk.bytes.append(adjusted + opcodeBase)
    }
    registers.line = registers.line &+ lineBase &+ line
  }

  /// Adds a row with an advance of the line, in as few bytes as can be.
  private mutating func addSpecial(_ line: Int) {
    guard let place else { return }
    let most = (255 - Int(opcodeBase) - line) / lineRange
    let constant = Int(255 - opcodeBase) / lineRange
    let target = cursor.offset(of: place.offset)
    var distance = target - written
    if distance > most, distance >= constant, distance - constant <= most {
      chunk.bytes.append(Operation.addConstant)
      (distance, written) = (distance - constant, written + constant)
    } else if distance > most {
      addAdvance(toOffset: target)
      distance = 0
    }
    chunk.bytes.append(UInt8(Int(opcodeBase) + line + distance * lineRange))
    written += distance
  }

  /// What has to be written before a row is added, unless that itself advances.
  private mutating func row() {
    beginAtEnd()
    if let place { addAdvance(to: place) }
  }

  /// - Parameter place: in the function where the machine is.
  private mutating func addAdvance(to place: CodePlace) { addAdvance(toOffset: cursor.offset(of: place.offset)) }

  private mutating func addAdvance(toOffset target: Int) {
    guard target > written else { return }
    chunk.bytes.append(Operation.advanceAddress)
    chunk.add(number: UInt64(target - written))
    written = target
  }

  /// Advances in the file's code; the result's table follows when there is a row to add.
  private mutating func move(from before: CodePlace, by distance: Int) {
    let (offset, overflow) = before.offset.addingReportingOverflow(distance)
    let target = before.moved(to: overflow ? .max : offset)
    if target.offset > size, let next = file.place(distance, behind: before, .end) {
      begin(next)
    } else {
      place = target
    }
  }

  /// A row at the very end of a function is about what follows.
  private mutating func beginAtEnd() {
    guard let before = place, before.offset >= size else { return }
    guard let next = file.place(0, behind: before, .begin), next.function != before.function else { return }
    begin(next)
  }

  // MARK: Sequences

  /// Goes to a place in another function.
  private mutating func enter(_ next: CodePlace) {
    place = next
    size = file.size(of: next)
    cursor = file.maps.cursor(inFunctionAt: next.position)
    written = cursor.offset(of: next.offset)
  }

  /// Ends the sequence with the function that it is in, and begins another one.
  private mutating func begin(_ next: CodePlace) {
    if let before = place {
      addAdvance(to: before.moved(to: size))
      chunk.bytes += [Operation.extended, 1, Operation.endSequence]
    }
    enter(next)
    chunk.bytes += [Operation.extended, 5, Operation.setAddress, 0, 0, 0, 0]
    chunk.add(file.relocation(of: next, at: chunk.bytes.count - 4, width: 4))
    if registers.fileNumber != 1 {
      chunk.bytes.append(Operation.setFile)
      chunk.add(number: registers.fileNumber)
    }
    if registers.column != 0 {
      chunk.bytes.append(Operation.setColumn)
      chunk.add(number: registers.column)
    }
    if registers.isStatement != startsWithStatements { chunk.bytes.append(Operation.negateStatement) }
    if registers.isa != 0 {
      chunk.bytes.append(Operation.setISA)
      chunk.add(number: registers.isa)
    }
    if registers.line != 1 {
      chunk.bytes.append(Operation.advanceLine)
      var writer = ByteWriter()
      writer.s64(Int64(registers.line &- 1))
      chunk.bytes += writer.bytes
    }
  }
}
