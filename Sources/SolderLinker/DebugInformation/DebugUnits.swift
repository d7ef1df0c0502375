import WebAssemblyFormat

/// The units of entries of a file, and the tables of abbreviations that they use.
struct DebugUnits {
  struct Unit: Sendable {
    var content: DebugContent
    var header: DwarfUnitHeader
    /// Index of its table.
    var table: Int
  }

  struct Table: Sendable {
    /// Where it begins in `.debug_abbrev`.
    var offset: UInt64
    /// Where the next one begins at the latest, so that nothing is read for two of them.
    var end = UInt64.max
    /// The first unit that uses it.
    var content: DebugContent
    var header: DwarfUnitHeader
  }

  private(set) var units: [Unit] = []
  private(set) var tables: [Table] = []

  /// What tells entries apart: where the table begins, and what its values depend on.
  private struct Key: Hashable {
    var offset: UInt64
    var version: Int
    var offsetSize: Int
    var addressSize: Int
  }

  init(_ file: DebugFile) throws(DebugReading.Failure) {
    var known: [Key: Int] = [:]
    for content in file.contents where content.section == .info || content.section == .types {
      var reader = content.bytes
      while !reader.isAtEnd {
        let header = try DebugReading.inSection(content.section) { () throws(FormatError) in
          try DwarfUnitHeader(&reader, isTypes: content.section == .types)
        }
        let offset = try DebugReading.inSection(content.section) { () throws(FormatError) in
          try DebugUnits.offsetOfTable(header, content, file)
        }
        let key = Key(
          offset: offset, version: header.version, offsetSize: header.offsetSize, addressSize: header.addressSize)
        let table = known[key] ?? tables.count
        if table == tables.count {
          known[key] = table
          tables.append(Table(offset: offset, content: content, header: header))
        }
        units.append(Unit(content: content, header: header, table: table))
      }
    }
    let offsets = Set(tables.map(\.offset)).sorted()
    for index in tables.indices {
      let offset = tables[index].offset
      tables[index].end = offsets[checked: offsets.indices.partitionPoint { offsets[$0] <= offset }] ?? .max
    }
  }

  private static func offsetOfTable(
    _ header: DwarfUnitHeader, _ content: DebugContent, _ file: DebugFile
  ) throws(FormatError) -> UInt64 {
    guard let table = file[.abbreviations]?.bytes else {
      throw FormatError("there is no .debug_abbrev", at: header.abbreviationsField)
    }
    guard header.abbreviations < UInt64(table.count) else {
      throw FormatError("its abbreviations are beyond .debug_abbrev", at: header.abbreviationsField)
    }
    let relocation = file.relocation(in: content, at: header.abbreviationsField)
    return relocation.map { UInt64(bitPattern: file.unit.addend(of: $0)) } ?? header.abbreviations
  }
}

extension DebugUnits.Table {
  func task(in file: DebugFile) -> DebugReading.Task {
    let table = self
    return DebugReading.Task(section: content.section) { () throws(FormatError) in
      guard let bytes = file[.abbreviations]?.bytes else {
        throw FormatError("there is no .debug_abbrev", at: table.header.abbreviationsField)
      }
      let abbreviations: DwarfAbbreviations
      do throws(FormatError) {
        let end = min(bytes.end, Int(clamping: table.end))
        abbreviations = try DwarfAbbreviations(try bytes.part(from: table.offset, to: end))
      } catch {
        throw FormatError(
          ".debug_abbrev: \(error.message) (at offset \(error.offset) of that)", at: table.header.start)
      }
      return .table(try EntryTable(abbreviations, table.header))
    }
  }
}

extension DebugUnits.Unit {
  /// The unit as it is in the result, with all that its entries say of other sections.
  ///
  /// - Parameter number: of the unit in the file.
  func written(in file: DebugFile, _ number: Int, _ table: EntryTable) throws(FormatError) -> DebugReading.Written {
    var code = CodeCursor(file)
    let context = try UnitContext(header, content, table.abbreviations, &code)
    var walker = EntryWalker(file, content, context, number, table)
    try walker.run()
    return DebugReading.Written(
      index: content.index, start: header.start, chunk: walker.chunk, context: context, lists: walker.lists,
      uses: walker.uses, sequences: walker.sequences)
  }
}
