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
struct LineProgram: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private var bytes: GrowingBytes
  private var relocations: [Relocation] = []
  /// Where sequences went, of which entries may say where they begin; offsets count from the program's first byte.
  private(set) var map = OffsetMap()
  /// Where they begin in the section.
  private(set) var sequenceStarts: [Int] = []
  /// Where the one that is being read begins, in the section and in the result.
  private var sequence = (start: 0, target: 0)

  private var start = 0
  // What the header says.
  private var end = 0
  private var opcodeBase: UInt8 = 13
  private var lineBase = 0
  private var lineRange = 1
  private var operandCounts: [UInt8] = []
  private var startsWithStatements = true
  /// How far each special operation advances the address.
  private var advances: [UInt8] = []

  // The machine.
  /// Stands in the function where it is.
  private var code: CodeCursor
  /// In that function; `nil` in sequences that are copied.
  private var function: CodePlace?
  /// How far it is in that function in the file, how long that is there, and which offset the result's table has reached.
  private var offset = 0
  private var size = 0
  private var written = 0
  private var registers = Registers()
  /// How many bytes addresses have.
  private var addressWidth = 4

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
    code = CodeCursor(file)
    bytes = GrowingBytes(capacity: 0)
  }

  /// Reads the program that a reader stands in front of.
  ///
  /// - Returns: what it is in the result.
  /// - Throws: ``FormatError`` for what is damaged, and for what is no program of WebAssembly.
  mutating func run(_ reader: ByteReader) throws(FormatError) -> SectionChunk {
    var reader = reader
    let start = reader.offset
    self.start = start
    let offsetSize = try readHeader(&reader, from: start)
    // Most operations stay as long as they were, or become shorter.
    bytes = GrowingBytes(capacity: end - start + 64)
    bytes.append(content.bytes[start..<reader.offset])
    carry(start..<reader.offset, to: 0)
    registers.isStatement = startsWithStatements
    sequence = (reader.offset, bytes.count)
    while reader.offset < end {
      let at = reader.offset
      let code = try reader.byte()
      if code >= opcodeBase {
        special(code &- opcodeBase)
      } else if code == Operation.advanceLine {
        registers.line = registers.line &+ Int(truncatingIfNeeded: try reader.s64())
        bytes.append(few: reader, from: at)
      } else if code == Operation.copy, function != nil {
        row()
        bytes.append(code)
      } else if code == Operation.advanceAddress, function != nil {
        let advance = try reader.u64()
        // So no sum of advances is beyond what can be counted.
        guard advance <= UInt64(UInt32.max) else { throw FormatError("advance of \(advance) bytes in code", at: at) }
        move(by: Int(advance))
      } else {
        try step(code, at, &reader)
      }
    }
    if sequence.start < end { endSequence(at: end) }
    var chunk = SectionChunk(bytes: bytes.array, relocations: relocations.fitted)
    let length = chunk.bytes.count - (offsetSize == 8 ? 12 : 4)
    chunk.put(UInt64(length), width: offsetSize, at: offsetSize == 8 ? 4 : 0)
    return chunk
  }

  private mutating func carry(_ range: Range<Int>, to place: Int) {
    if file.isFinal { return }
    var chunk = SectionChunk(bytes: [])
    file.carry(range, of: content, to: place, in: &chunk)
    relocations += chunk.relocations
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
    for code in 0...255 - opcodeBase { advances.append(UInt8(Int(code) / lineRange)) }
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
          if let relocation = try file.relocation(of: value, into: section, at: at - start, of: header) {
            relocations.append(relocation)
          }
        case .bytes(let width): try header.skip(width)
        case .number: try header.skipNumber()
        case .string: try header.skipString()
        case .block(let width):
          let length = width == 0 ? try header.u64() : try header.fixed(width)
          try header.skip(Int(clamping: length))
        case .address, .sum, .indirect: throw FormatError("form has no place in a line program", at: at)
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

  /// An operation that is not one of the usual ones, behind whose code the reader stands.
  private mutating func step(_ code: UInt8, _ start: Int, _ reader: inout ByteReader) throws(FormatError) {
    var advance: Int?
    switch code {
    case Operation.extended: return try extended(&reader, from: start)
    // Elsewhere, where the address matters.
    case Operation.copy: break
    case Operation.advanceAddress: try reader.skipNumber()
    case Operation.addConstant: advance = constantAdvance
    case Operation.advanceFixed: advance = Int(try reader.fixed(2))
    case Operation.setFile: registers.fileNumber = try reader.u64()
    case Operation.setColumn: registers.column = try reader.u64()
    case Operation.negateStatement: registers.isStatement.toggle()
    case Operation.setISA: registers.isa = try reader.u64()
    default: for _ in 0..<operandCounts[Int(code) - 1] { try reader.skipNumber() }
    }
    if let advance, function != nil {
      move(by: advance)
    } else {
      bytes.append(few: reader, from: start)
    }
  }

  private var constantAdvance: Int { Int(255 - opcodeBase) / lineRange }

  private mutating func extended(_ reader: inout ByteReader, from start: Int) throws(FormatError) {
    let length = try reader.u64()
    var operands = try reader.slice(Int(clamping: length))
    guard !operands.isAtEnd else { return bytes.append(content.bytes[start..<reader.offset]) }
    switch try operands.byte() {
    case Operation.endSequence:
      if function != nil { addAdvance() }
      bytes.append(few: reader, from: start)
      function = nil
      registers = Registers()
      registers.isStatement = startsWithStatements
      endSequence(at: reader.offset)
    case Operation.setAddress:
      let (at, width) = (operands.offset, operands.remaining)
      guard width == 4 || width == 8 else { throw FormatError("address of \(width) bytes", at: at) }
      addressWidth = width
      let address = try operands.fixed(width)
      if let function, file.isFinal {
        // Further on in the function, or at its end: who adds a row, or ends the sequence, advances.
        if let further = code.offset(of: address, in: function), further >= offset {
          offset = further
          return
        }
        if let next = code.place(in: content, at: at, address), next.function != function.function {
          return begin(next)
        }
      }
      let target = bytes.count + at - start
      bytes.append(few: reader, from: start)
      if let place = code.place(in: content, at: at, address) {
        enter(place)
        relocate(place, at: target, width)
      } else {
        function = nil
      }
      carry(at..<at + width, to: target)
    default: bytes.append(content.bytes[start..<reader.offset])
    }
  }

  // MARK: Rows

  /// A special operation advances address and line, and adds a row.
  @inline(__always)
  private mutating func special(_ adjusted: UInt8) {
    let advance = Int(advances[Int(adjusted)])
    let line = Int(adjusted) &- advance &* lineRange
    if function != nil {
      let end = offset.addingReportingOverflow(advance)
      if !end.overflow, end.partialValue < size {
        offset = end.partialValue
      } else {
        move(by: advance)
        beginAtEnd()
      }
      addSpecial(line)
    } else {
      bytes.append(adjusted &+ opcodeBase)
    }
    registers.line = registers.line &+ lineBase &+ line
  }

  /// Adds a row with an advance of the line, in as few bytes as can be.
  @inline(__always)
  private mutating func addSpecial(_ line: Int) {
    let target = code.offset(at: offset)
    let distance = target &- written
    let operation = Int(opcodeBase) &+ line &+ distance &* lineRange
    if 0...255 ~= distance, operation <= 255 {
      bytes.append(UInt8(truncatingIfNeeded: operation))
      written = target
    } else {
      addLongSpecial(line, target)
    }
  }

  private mutating func addLongSpecial(_ line: Int, _ target: Int) {
    let most = (255 - Int(opcodeBase) - line) / lineRange
    var distance = target - written
    if distance >= constantAdvance, distance - constantAdvance <= most {
      bytes.append(Operation.addConstant)
      (distance, written) = (distance - constantAdvance, written + constantAdvance)
    } else {
      addAdvance(to: target)
      distance = 0
    }
    bytes.append(UInt8(Int(opcodeBase) + line + distance * lineRange))
    written += distance
  }

  /// What has to be written before a row is added, unless that itself advances.
  @inline(__always)
  private mutating func row() {
    if offset >= size { beginAtEnd() }
    addAdvance()
  }

  @inline(__always)
  private mutating func addAdvance() { addAdvance(to: code.offset(at: offset)) }

  @inline(__always)
  private mutating func addAdvance(to target: Int) {
    guard target > written else { return }
    bytes.append(Operation.advanceAddress)
    bytes.append(number: UInt64(target - written))
    written = target
  }

  /// Advances in the file's code; the result's table follows when there is a row to add.
  @inline(__always)
  private mutating func move(by distance: Int) {
    let target = offset.addingReportingOverflow(distance)
    let end = target.overflow ? Int.max : target.partialValue
    if end > size, let function, let next = code.place(distance, behind: function.moved(to: offset), .end) {
      begin(next)
    } else {
      offset = end
    }
  }

  /// A row at the very end of a function is about what follows.
  private mutating func beginAtEnd() {
    guard let function, offset >= size else { return }
    guard let next = code.place(0, behind: function.moved(to: offset), .begin), next.function != function.function
    else { return }
    begin(next)
  }

  // MARK: Sequences

  /// Notes where a sequence of the file went, which ends at an offset of the section.
  private mutating func endSequence(at offset: Int) {
    map.add(
      UInt32(sequence.start - start)..<UInt32(offset - start), length: bytes.count - sequence.target)
    sequenceStarts.append(sequence.start)
    sequence = (offset, bytes.count)
  }

  /// Goes to a place in another function.
  private mutating func enter(_ next: CodePlace) {
    function = next
    offset = next.offset
    size = code.size(of: next)
    code.enter(next)
    written = code.offset(at: offset)
  }

  /// Writes the address that the sequence begins with.
  private mutating func relocate(_ place: CodePlace, at offset: Int, _ width: Int) {
    if let number = code.number(of: place, to: written) {
      bytes.put(number, width: width, at: offset)
    } else if let relocation = code.relocation(of: place, to: written, at: offset, width: width) {
      relocations.append(relocation)
    }
  }

  /// Ends the sequence with the function that it is in, and begins another one.
  private mutating func begin(_ next: CodePlace) {
    if function != nil {
      addAdvance(to: code.offset(at: size))
      for byte in [Operation.extended, 1, Operation.endSequence] { bytes.append(byte) }
    }
    enter(next)
    for byte in [Operation.extended, UInt8(1 + addressWidth), Operation.setAddress] { bytes.append(byte) }
    for _ in 0..<addressWidth { bytes.append(0) }
    relocate(next, at: bytes.count - addressWidth, addressWidth)
    if registers.fileNumber != 1 {
      bytes.append(Operation.setFile)
      bytes.append(number: registers.fileNumber)
    }
    if registers.column != 0 {
      bytes.append(Operation.setColumn)
      bytes.append(number: registers.column)
    }
    if registers.isStatement != startsWithStatements { bytes.append(Operation.negateStatement) }
    if registers.isa != 0 {
      bytes.append(Operation.setISA)
      bytes.append(number: registers.isa)
    }
    if registers.line != 1 {
      bytes.append(Operation.advanceLine)
      bytes.append(signed: Int64(registers.line &- 1))
    }
  }
}
