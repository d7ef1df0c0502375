import WebAssemblyFormat

extension IndexPlan {
  /// The index of a symbol's element in the result, `none32` if it has none.
  func index(of symbol: Symbol, _ id: SymbolID) -> UInt32 {
    guard symbol.state == .defined, symbol.element != none32, !symbol.has(.preemptible) else {
      return importIndices[id] ?? none32
    }
    return ownIndex(of: symbol)
  }

  /// The index of a defined symbol's element, even where references go to an import.
  func ownIndex(of symbol: Symbol) -> UInt32 {
    switch symbol.kind {
    case .function: return functionIndices[Int(symbol.element)]
    case .global: return globalIndices[Int(symbol.element)]
    case .tag: return tagIndices[Int(symbol.element)]
    case .table: return tableIndices[Int(symbol.element)]
    case .data, .section: return none32
    }
  }
}
