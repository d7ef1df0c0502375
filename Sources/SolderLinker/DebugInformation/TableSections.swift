import WebAssemblyFormat

// Tables: sections that consist of addresses and offsets in places that a header tells. None of them changes its length.

/// Finds what refers to something in a section of tables.
struct TableSection: ~Copyable {
  private let file: DebugFile
  private let content: DebugContent
  private var code: CodeCursor
  private(set) var chunk: SectionChunk

  init(_ file: DebugFile, _ content: DebugContent) {
    self.file = file
    self.content = content
    code = CodeCursor(file)
    chunk = SectionChunk(content.bytes)
  }

  /// Goes through the section.
  ///
  /// - Throws: ``FormatError`` for what is damaged.
  mutating func run() throws(FormatError) {
    var reader = content.bytes
    switch content.section {
    case .stringOffsets: while !reader.isAtEnd { try readStringOffsets(&reader) }
    case .addressRanges: while !reader.isAtEnd { try readAddressRanges(&reader) }
    case .names: while !reader.isAtEnd { try readNames(&reader) }
    case .publicNames, .publicTypes, .gnuPublicNames, .gnuPublicTypes:
      while !reader.isAtEnd { try readPublicNames(&reader) }
    case .macros: while !reader.isAtEnd { try readMacros(&reader) }
    default: break
    }
    file.carry(0..<content.bytes.count, of: content, to: 0, in: &chunk)
    chunk.closeRelocations()
  }

  /// Relocates an offset into another section, and steps over it.
  private mutating func takeOffset(
    into section: DebugSection, _ width: Int, _ reader: inout ByteReader
  ) throws(FormatError) {
    let at = reader.offset
    chunk.add(try file.relocation(of: try reader.fixed(width), into: section, at: at, of: reader))
  }

  /// Offsets of strings (DWARF 5, 7.26).
  private mutating func readStringOffsets(_ reader: inout ByteReader) throws(FormatError) {
    let (end, width) = try reader.unitEnd()
    var unit = reader[reader.offset..<end]
    guard try unit.fixed(2) == 5 else { throw FormatError("unknown version of string offsets", at: unit.offset - 2) }
    try unit.skip(2)
    while unit.remaining >= width { try takeOffset(into: .strings, width, &unit) }
    reader.offset = end
  }

  /// Which unit has which code (DWARF 5, 6.1.2), and with LLVM also which data: nothing but the number tells. Code is whole
  /// functions.
  private mutating func readAddressRanges(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader.offset
    let (end, width) = try reader.unitEnd()
    var unit = reader[reader.offset..<end]
    guard try unit.fixed(2) == 2 else { throw FormatError("unknown version of ranges", at: unit.offset - 2) }
    try takeOffset(into: .info, width, &unit)
    let size = Int(try unit.byte())
    guard size == 4 || size == 8 else { throw FormatError("addresses of \(size) bytes", at: unit.offset - 1) }
    try unit.skip(1)
    let misaligned = (unit.offset - start) % (2 * size)
    if misaligned > 0 { try unit.skip(2 * size - misaligned) }
    while unit.remaining >= 2 * size {
      let at = unit.offset
      let (address, length) = (try unit.fixed(size), try unit.fixed(size))
      guard let count = Int(exactly: length) else { continue }
      guard let place = code.place(in: content, at: at, address), !file.isFinal || isCode(place, count) else {
        if file.isFinal, count > 0, !DebugFile.isDropped(address) {
          chunk.add(file.relocation(ofData: address, at: at, width: size))
        }
        continue
      }
      code.write(place, at: at, width: size, to: &chunk)
      let moved = code.distance(from: place, count)
      if moved != count { chunk.put(UInt64(bitPattern: Int64(moved)), width: size, at: at + size) }
    }
    reader.offset = end
  }

  /// Whether a place is the beginning of a function of a finished module, and so many bytes behind it one ends.
  private mutating func isCode(_ place: CodePlace, _ count: Int) -> Bool {
    guard place.offset <= 0, let end = code.place(count, behind: place, .end) else { return false }
    return end.offset == code.size(of: end)
  }

  /// The index of names (DWARF 5, 6.1.1.4).
  private mutating func readNames(_ reader: inout ByteReader) throws(FormatError) {
    let (end, width) = try reader.unitEnd()
    var unit = reader[reader.offset..<end]
    guard try unit.fixed(2) == 5 else { throw FormatError("unknown version of names", at: unit.offset - 2) }
    try unit.skip(2)
    var counts: [Int] = []
    for _ in 0..<7 { counts.append(Int(try unit.fixed(4))) }
    try unit.skip(counts[6])
    for _ in 0..<counts[0] { try takeOffset(into: .info, width, &unit) }
    for _ in 0..<counts[1] { try takeOffset(into: file[.types] == nil ? .info : .types, width, &unit) }
    try unit.skip(8 * counts[2])
    try unit.skip(4 * counts[3])
    if counts[3] > 0 { try unit.skip(4 * counts[4]) }
    for _ in 0..<counts[4] { try takeOffset(into: .strings, width, &unit) }
    reader.offset = end
  }

  /// The older index of names (DWARF 4, 6.1.1), and GNU's.
  private mutating func readPublicNames(_ reader: inout ByteReader) throws(FormatError) {
    let (end, width) = try reader.unitEnd()
    var unit = reader[reader.offset..<end]
    guard try unit.fixed(2) == 2 else { throw FormatError("unknown version of names", at: unit.offset - 2) }
    try takeOffset(into: .info, width, &unit)
    reader.offset = end
  }

  /// The macros of a unit (DWARF 5, 6.3).
  private mutating func readMacros(_ reader: inout ByteReader) throws(FormatError) {
    let at = reader.offset
    let version = try reader.fixed(2)
    guard version == 4 || version == 5 else { throw FormatError("unknown version \(version) of macros", at: at) }
    let flags = try reader.byte()
    let width = flags & 1 == 0 ? 4 : 8
    if flags & 2 != 0 { try takeOffset(into: .line, width, &reader) }
    guard flags & 4 == 0 else { throw FormatError("macros of a vendor", at: at) }
    while true {
      let at = reader.offset
      let code = try reader.byte()
      switch code {
      case 0: return
      case 1, 2:
        try reader.skipNumber()
        try reader.skipString()
      case 3, 0x0B, 0x0C:
        try reader.skipNumber()
        try reader.skipNumber()
      case 4: break
      case 5, 6:
        try reader.skipNumber()
        try takeOffset(into: .strings, width, &reader)
      case 7: try takeOffset(into: .macros, width, &reader)
      case 8, 9:
        try reader.skipNumber()
        try reader.skip(width)
      case 0x0A: try reader.skip(width)
      default: throw FormatError("unknown kind \(code) of a macro", at: at)
      }
    }
  }
}
