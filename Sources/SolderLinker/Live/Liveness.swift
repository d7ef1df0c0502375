import WebAssemblyFormat

/// What the result keeps: one flag for each definition of all units, and for each symbol.
struct Liveness {
  var functions: Row<LinkFunctions, Bool>
  var segments: Row<LinkSegments, Bool>
  var globals: Row<LinkGlobals, Bool>
  var tags: Row<LinkTags, Bool>
  var tables: Row<LinkTables, Bool>
  var elements: Row<LinkElements, Bool>
  /// Symbols that something live refers to.
  var referenced: [Bool]
  /// Symbols that something live refers to, and of which a reference may ask for more than their index or address.
  var unsettled: [Bool]
  /// Units of which something is live; those named on the command line are from the beginning.
  var units: [Bool]
  /// Whether constructors have to be called.
  var hasConstructors = false

  /// Whether a symbol is part of the result.
  func isLive(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    guard symbol.definition != nil else { return referenced[Int(id)] }
    switch symbol.kind {
    case .function: return functions[symbol.functionID]
    case .data: return segments[symbol.segmentID]
    case .global: return globals[symbol.globalID]
    case .tag: return tags[symbol.tagID]
    case .table: return tables[symbol.tableID]
    case .section: return true
    }
  }

  /// Marks a function of the linker's own, which has no relocations.
  mutating func markFunction(_ id: SymbolID, _ resolution: Resolution) {
    let symbol = resolution.symbol(id)
    referenced[Int(id)] = true
    guard symbol.state == .defined, symbol.kind == .function, !isLive(symbol, id) else { return }
    functions[symbol.functionID] = true
    units[Int(symbol.definer)] = true
  }
}
