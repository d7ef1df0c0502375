import WebAssemblyFormat

/// Reads what makes a module a relocatable object: its `linking` section
/// (tool-conventions, Linking.md, Linking Metadata Section).
///
/// Symbols are needed to resolve names, so they are read with the file. Relocations are needed only of files that stay
/// in the link, so they are decoded later, in parallel: see `RelocationReader`.
struct ObjectReader {
  private let unit: ModuleDraft
  // Taken out of the unit while they are changed: reaching into an object costs a check each time.
  private var symbols: [UnitSymbol] = []
  private var segments: [Segment]
  private var functions: [Function]
  private let functionImports: [FunctionImport]

  init(_ unit: ModuleDraft) {
    self.unit = unit
    segments = unit.segments
    functions = unit.functions
    functionImports = unit.functionImports
  }

  /// Reads symbols, segment names, constructors and COMDAT groups.
  ///
  /// - Throws: ``FormatError`` when the section is damaged, or an index in it is out of range.
  mutating func read() throws(FormatError) {
    guard let section = unit.customSections.first(where: { $0.name == "linking" }) else { return }
    unit.segments = []
    unit.functions = []
    defer {
      unit.segments = segments
      unit.functions = functions
      unit.symbols = symbols
    }
    var reader = section.content
    let at = reader.offset
    let version = try reader.u32()
    guard version == 2 else { throw FormatError("unsupported version \(version) of the linking section", at: at) }
    for index in segments.indices { segments[index].placement = .free }
    while !reader.isAtEnd {
      let kind = try reader.byte()
      var content = try reader.slice(Int(try reader.u32()))
      switch kind {
      case 5: try readSegments(&content)
      case 6: try readInitFunctions(&content)
      case 7: try readComdats(&content)
      case 8: try readSymbols(&content)
      default: break
      }
    }
    for function in unit.initFunctions {
      guard Int(function.symbol) < symbols.count, symbols[Int(function.symbol)].kind == .function else {
        throw FormatError(
          "constructor \(function.symbol.rawValue) is not a function symbol", at: section.content.offset)
      }
    }
    nameDefinitions()
    try addLegacyTableSymbol(at: section.content.offset)
  }

  private mutating func readSegments(_ reader: inout ByteReader) throws(FormatError) {
    let at = reader.offset
    let count = try reader.count(minimumSize: 3)
    guard count <= segments.count else {
      throw FormatError("names for \(count) data segments of \(segments.count)", at: at)
    }
    for index in 0..<count {
      let name = try reader.name()
      let at = reader.offset
      let alignment = try reader.u32()
      guard alignment < 32 else { throw FormatError("alignment of 2^\(alignment) is too large", at: at) }
      var flags = SegmentFlags(rawValue: try reader.u32())
      // Objects from before the flag existed rely on the name.
      if name.hasPrefix(".tdata") || name.hasPrefix(".tbss") { flags.insert(.tls) }
      segments[index].name = name
      segments[index].alignment = alignment
      segments[index].flags = flags
    }
  }

  private func readInitFunctions(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      unit.initFunctions.append(
        InitFunction(priority: try reader.u32(), symbol: SymbolIndex(rawValue: try reader.u32())))
    }
  }

  private mutating func readComdats(_ reader: inout ByteReader) throws(FormatError) {
    var comdats = unit.comdats
    defer { unit.comdats = comdats }
    let count = try reader.count(minimumSize: 3)
    comdats.reserveCapacity(comdats.count + count)
    for _ in 0..<count {
      let group = PackedIndex(ComdatIndex(comdats.count))
      comdats.append(try reader.name())
      let place = reader.offset
      let flags = try reader.u32()
      guard flags == 0 else { throw FormatError("unknown flags \(flags) of a COMDAT group", at: place) }
      for _ in 0..<(try reader.count(minimumSize: 2)) {
        let at = reader.offset
        let kind = try reader.byte()
        let index = Int(try reader.u32())
        switch kind {
        case 0 where index < segments.count: segments[index].comdat = group
        case 1 where index >= functionImports.count && index - functionImports.count < functions.count:
          functions[index - functionImports.count].comdat = group
        case 5:
          guard let section = unit.customSections.index(ofSection: UInt32(index)) else {
            throw FormatError("COMDAT group of section \(index), which does not exist", at: at)
          }
          unit.customSections[section].comdat = group
        default: throw FormatError("COMDAT entry of kind \(kind) with index \(index) is out of range", at: at)
        }
      }
    }
  }

  // MARK: Symbols

  private mutating func readSymbols(_ reader: inout ByteReader) throws(FormatError) {
    let count = try reader.count(minimumSize: 3)
    symbols.reserveCapacity(symbols.count + count)
    for _ in 0..<count { symbols.append(try readSymbol(&reader)) }
  }

  private func readSymbol(_ reader: inout ByteReader) throws(FormatError) -> UnitSymbol {
    let at = reader.offset
    let code = try reader.byte()
    guard let kind = SymbolKind(rawValue: code) else { throw FormatError("unknown kind of symbol \(code)", at: at) }
    var symbol = UnitSymbol(
      kind: kind, .undefined, flags: SymbolFlags(rawValue: try reader.u32()), name: ByteString(""))
    switch kind {
    case .data:
      symbol.name = try reader.name()
      guard !symbol.isUndefined else { return symbol }
      let segment = try reader.u32()
      symbol.offset = try reader.u64()
      symbol.size = try reader.u64()
      if symbol.flags.contains(.absolute) {
        symbol.meaning = .absolute
      } else {
        guard Int(segment) < segments.count else {
          throw FormatError("symbol '\(symbol.name)' lies in segment \(segment), which does not exist", at: at)
        }
        let size = segments[Int(segment)].size
        guard symbol.offset <= size else {
          throw FormatError(
            "symbol '\(symbol.name)' begins at \(symbol.offset) of segment \(segment), which has \(size) bytes", at: at)
        }
        symbol.meaning = .defined(DefinitionIndex(rawValue: segment))
      }
    case .section:
      let index = try reader.u32()
      guard let section = unit.customSections.index(ofSection: index) else {
        throw FormatError("symbol of section \(index), which is not a custom section", at: at)
      }
      symbol.meaning = .defined(DefinitionIndex(section))
      symbol.name = unit.customSections[section].name
      symbol.flags.insert(.bindingLocal)
    case .function:
      try readDefinition(&reader, &symbol, imported: functionImports.count, defined: functions.count) {
        functionImports[$0].name
      }
    case .global:
      let imports = unit.globalImports
      try readDefinition(&reader, &symbol, imported: imports.count, defined: unit.globals.count) { imports[$0].name }
    case .tag:
      let imports = unit.tagImports
      try readDefinition(&reader, &symbol, imported: imports.count, defined: unit.tags.count) { imports[$0].name }
    case .table:
      let imports = unit.tableImports
      try readDefinition(&reader, &symbol, imported: imports.count, defined: unit.tables.count) { imports[$0].name }
    }
    return symbol
  }

  @inline(__always)
  private func readDefinition(
    _ reader: inout ByteReader, _ symbol: inout UnitSymbol, imported: Int, defined: Int,
    nameOfImport: (Int) -> ByteString
  ) throws(FormatError) {
    let at = reader.offset
    let index = Int(try reader.u32())
    if symbol.isUndefined {
      guard index < imported else { throw FormatError("undefined symbol of index \(index) is no import", at: at) }
      symbol.meaning = .imported(ImportIndex(index))
      symbol.name = symbol.flags.contains(.explicitName) ? try reader.name() : nameOfImport(index)
    } else {
      guard index >= imported, index - imported < defined else {
        throw FormatError("symbol of index \(index) is out of range", at: at)
      }
      symbol.meaning = .defined(DefinitionIndex(index - imported))
      symbol.name = try reader.name()
    }
  }

  /// Functions and globals are shown under the names of their symbols; the first symbol of several wins, and an
  /// export with the name of a function symbol says under which name the function is to be exported.
  private mutating func nameDefinitions() {
    for symbol in symbols {
      guard let definition = symbol.definition else { continue }
      let index = Int(definition)
      switch symbol.kind {
      case .function where functions[index].name.isEmpty: functions[index].name = symbol.name
      case .global where unit.globals[index].name.isEmpty: unit.globals[index].name = symbol.name
      case .table where unit.tables[index].name.isEmpty: unit.tables[index].name = symbol.name
      case .tag where unit.tags[index].name.isEmpty: unit.tags[index].name = symbol.name
      default: break
      }
    }
    let imported = functionImports.count
    for export in unit.exports {
      guard let function = export.function, Int(function) >= imported else { continue }
      let index = Int(function) - imported
      if index < functions.count { unit.exportNames[index] = export.name }
    }
  }

  /// Objects made without reference types import the function table but have no symbol for it, and do not record its
  /// uses. They get an undefined symbol that is always live; the table must then have number 0.
  private mutating func addLegacyTableSymbol(at offset: Int) throws(FormatError) {
    let tables = unit.tableImports.count + unit.tables.count
    let known = symbols.count { $0.kind == .table }
    if tables == known { return }
    guard known == 0 else {
      throw FormatError(
        "expected one symbol table entry for each of the \(tables) table(s) present, but got \(known) symbol(s) instead.",
        at: offset)
    }
    guard unit.tables.isEmpty else {
      throw FormatError("unexpected table definition(s) without corresponding symbol-table entries.", at: offset)
    }
    guard tables == 1 else {
      throw FormatError("multiple table imports, but no corresponding symbol-table entries.", at: offset)
    }
    let table = unit.tableImports[0]
    guard table.name == "__indirect_function_table", table.elementType == 0x70 else {
      throw FormatError("table import \(table.name) is missing a symbol table entry.", at: offset)
    }
    symbols.append(
      UnitSymbol(kind: .table, .imported(ImportIndex(0)), flags: [.undefined, .noStrip], name: table.name))
    unit.usesTableWithoutRelocations = true
  }
}
