import WebAssemblyFormat

/// What the result keeps: one flag for each definition of all units, and for each symbol.
struct Liveness {
  var functions: [Bool]
  var segments: [Bool]
  var globals: [Bool]
  var tags: [Bool]
  var tables: [Bool]
  var elements: [Bool]
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
    guard symbol.state == .defined, symbol.definition != none32 else { return referenced[Int(id)] }
    switch symbol.kind {
    case .function: return functions[Int(symbol.definition)]
    case .data: return segments[Int(symbol.definition)]
    case .global: return globals[Int(symbol.definition)]
    case .tag: return tags[Int(symbol.definition)]
    case .table: return tables[Int(symbol.definition)]
    case .section: return true
    }
  }

  /// Marks a function of the linker's own, which has no relocations.
  mutating func markFunction(_ id: SymbolID, _ resolution: Resolution) {
    let symbol = resolution.symbol(id)
    referenced[Int(id)] = true
    guard symbol.state == .defined, symbol.kind == .function, !isLive(symbol, id) else { return }
    functions[Int(symbol.definition)] = true
    units[Int(symbol.definer)] = true
  }
}
