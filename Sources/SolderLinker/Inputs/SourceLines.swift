import WebAssemblyFormat

// Which line of which source file an instruction of a file is of, for messages (DWARF 2 to 5, "Line Number Information").
//
// Addresses in a line table are offsets in the code section: in an object's relocations will change them, and until then
// they are written there. Only messages ask, about a few places, so a table is read from its beginning each time, and whatever is not
// as it should be is no answer: a message without a line is as good as before.

/// The line table of a unit.
struct SourceLines {
  private let unit: Unit
  private let codeStart: Int
  private let lines: ByteReader
  private let lineStrings: ByteReader
  private let strings: ByteReader

  /// The line table of a unit; `nil` if it has none.
  init?(_ unit: Unit) {
    func section(_ name: StaticString) -> ByteReader? { unit.customSections.first { $0.name == name }?.content }
    guard let code = unit.module.oldCodePayload, let lines = section(".debug_line") else { return nil }
    codeStart = code.lowerBound
    self.unit = unit
    self.lines = lines
    lineStrings = section(".debug_line_str") ?? InputFile.nothing
    strings = section(".debug_str") ?? InputFile.nothing
  }

  /// ` (file.c:12)` for an instruction at an offset in the file of a unit; nothing where nothing is said of it.
  static func suffix(ofInstruction offset: Int, in unit: Unit) -> String {
    SourceLines(unit)?.place(ofInstruction: offset).map { " (\($0))" } ?? ""
  }

  /// `file.c:12` for an instruction at an offset in the file; `nil` where nothing is said of it.
  func place(ofInstruction place: Int) -> String? {
    let place = unit.oldPlace(of: place)
    guard place >= codeStart else { return nil }
    let offset = UInt64(place - codeStart)
    var reader = lines
    while !reader.isAtEnd {
      do throws(FormatError) {
        var table = try LineTable(&reader, lineStrings, strings)
        if let line = try table.place(of: offset) { return line }
      } catch {
        return nil
      }
    }
    return nil
  }
}

/// The table of one compilation unit.
private struct LineTable {
  private var program: ByteReader
  private let isLong: Bool
  private let version: UInt64
  private let lineStrings: ByteReader
  private let strings: ByteReader
  private var folders: [String] = []
  private var files: [(name: String, folder: Int)] = []
  private var instructionLength = 1
  private var lineBase: Int64 = 0
  private var lineRange: UInt8 = 1
  private var operandCounts: [UInt8] = []

  /// A row of the table: from its address on, up to that of the next one.
  private struct Row {
    var address: UInt64 = 0
    var file = 1
    var line: Int64 = 1
  }

  /// Reads the header; the reader is behind the whole table afterwards.
  init(_ reader: inout ByteReader, _ lineStrings: ByteReader, _ strings: ByteReader) throws(FormatError) {
    self.lineStrings = lineStrings
    self.strings = strings
    let first = UInt64(try reader.fixed32())
    isLong = first == 0xFFFF_FFFF
    let length = isLong ? try reader.fixed64() : first
    guard length <= UInt64(reader.remaining) else { throw FormatError("line table is too long", at: reader.offset) }
    var table = try reader.slice(Int(length))
    version = try table.fixed(2)
    guard 2...5 ~= version else { throw FormatError("unknown version of a line table", at: table.offset) }
    if version == 5 { try table.skip(2) }
    let headerLength = try table.fixed(isLong ? 8 : 4)
    guard headerLength <= UInt64(table.remaining) else {
      throw FormatError("header of a line table is too long", at: table.offset)
    }
    var header = try table.slice(Int(headerLength))
    program = table
    instructionLength = Int(try header.byte())
    if version >= 4 { try header.skip(1) }
    try header.skip(1)
    lineBase = Int64(Int8(bitPattern: try header.byte()))
    lineRange = try header.byte()
    guard lineRange > 0 else { throw FormatError("line range is 0", at: header.offset) }
    let opcodeBase = try header.byte()
    for _ in 1..<max(1, opcodeBase) { operandCounts.append(try header.byte()) }
    if version == 5 { try readNames(&header) } else { try readOldNames(&header) }
  }

  private static func text(_ reader: inout ByteReader) throws(FormatError) -> String {
    var bytes: [UInt8] = []
    while true {
      let byte = try reader.byte()
      if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }

  // MARK: Names

  private mutating func readOldNames(_ header: inout ByteReader) throws(FormatError) {
    folders = [""]
    while let next = header.peek(), next != 0 { folders.append(try LineTable.text(&header)) }
    try header.skip(1)
    files = [("", 0)]
    while let next = header.peek(), next != 0 {
      let name = try LineTable.text(&header)
      files.append((name, Int(clamping: try header.u64())))
      _ = try header.u64()
      _ = try header.u64()
    }
  }

  private mutating func readNames(_ header: inout ByteReader) throws(FormatError) {
    folders = try entries(&header).map(\.name)
    files = try entries(&header)
  }

  /// A table of names as version 5 describes it: the forms of the columns first.
  private func entries(_ header: inout ByteReader) throws(FormatError) -> [(name: String, folder: Int)] {
    var columns: [(content: UInt64, form: UInt64)] = []
    for _ in 0..<(try header.byte()) { columns.append((try header.u64(), try header.u64())) }
    let count = try header.u64()
    guard count <= UInt64(header.remaining) else { throw FormatError("too many names", at: header.offset) }
    var entries: [(name: String, folder: Int)] = []
    for _ in 0..<count {
      var entry = (name: "", folder: 0)
      for column in columns {
        switch try value(column.form, &header) {
        case .text(let text): if column.content == 1 { entry.name = text }
        case .number(let number): if column.content == 2 { entry.folder = Int(clamping: number) }
        }
      }
      entries.append(entry)
    }
    return entries
  }

  private enum Value {
    case text(String)
    case number(UInt64)
  }

  /// A value of the forms that line tables use (DWARF 5, 6.2.4.1).
  private func value(_ form: UInt64, _ header: inout ByteReader) throws(FormatError) -> Value {
    switch form {
    case 0x08: return .text(try LineTable.text(&header))
    case 0x0E, 0x1F:
      let offset = try header.fixed(isLong ? 8 : 4)
      var strings = form == 0x0E ? self.strings : lineStrings
      try strings.skip(Int(clamping: offset))
      return .text(try LineTable.text(&strings))
    case 0x0B: return .number(try header.fixed(1))
    case 0x05: return .number(try header.fixed(2))
    case 0x06: return .number(try header.fixed(4))
    case 0x07: return .number(try header.fixed(8))
    case 0x0F: return .number(try header.u64())
    case 0x1E:
      try header.skip(16)
      return .number(0)
    case 0x09:
      try header.skip(Int(clamping: try header.u64()))
      return .number(0)
    default: throw FormatError("unknown form of a name", at: header.offset)
    }
  }

  private func title(of row: Row) -> String? {
    guard files.indices.contains(row.file), row.line > 0 else { return nil }
    let file = files[row.file]
    // The first folder is the one in which the compiler ran.
    let isRelative = file.folder == 0 || file.name.hasPrefix("/") || !folders.indices.contains(file.folder)
    return "\(isRelative ? file.name : "\(folders[file.folder])/\(file.name)"):\(row.line)"
  }

  // MARK: The program

  /// Runs the program up to the row that an address belongs to.
  mutating func place(of address: UInt64) throws(FormatError) -> String? {
    var row = Row()
    var last: Row?
    /// Adds a row, and tells whether the one in front of it is the one that is looked for.
    func ends(_ last: Row?, _ next: Row) -> Bool {
      guard let last else { return false }
      return last.address <= address && address < next.address
    }
    let opcodeBase = UInt8(clamping: operandCounts.count + 1)
    // No code is at 0, where linkers put what they dropped.
    var isDropped = false
    while !program.isAtEnd {
      let opcode = try program.byte()
      var isRow = false
      switch opcode {
      case 0:
        let length = try program.u64()
        guard length > 0, length <= UInt64(program.remaining) else {
          throw FormatError("operation of a line table is too long", at: program.offset)
        }
        var operands = try program.slice(Int(length))
        switch try operands.byte() {
        case 1:
          if ends(last, row), let last { return title(of: last) }
          (row, last) = (Row(), nil)
        case 2:
          row.address = try operands.fixed(min(8, operands.remaining))
          isDropped = row.address == 0
        default: break
        }
      case 1 where opcodeBase > 1: isRow = true
      case 2 where opcodeBase > 2: row.address &+= try program.u64() &* UInt64(instructionLength)
      case 3 where opcodeBase > 3: row.line &+= try program.s64()
      case 4 where opcodeBase > 4: row.file = Int(clamping: try program.u64())
      case 8 where opcodeBase > 8: row.address &+= UInt64((255 - opcodeBase) / lineRange) &* UInt64(instructionLength)
      case 9 where opcodeBase > 9: row.address &+= try program.fixed(2)
      case _ where opcode < opcodeBase:
        for _ in 0..<operandCounts[Int(opcode) - 1] { _ = try program.u64() }
      default:
        let special = opcode - opcodeBase
        row.address &+= UInt64(special / lineRange) &* UInt64(instructionLength)
        row.line &+= lineBase + Int64(special % lineRange)
        isRow = true
      }
      guard isRow, !isDropped else { continue }
      if ends(last, row), let last { return title(of: last) }
      last = row
    }
    return nil
  }
}
