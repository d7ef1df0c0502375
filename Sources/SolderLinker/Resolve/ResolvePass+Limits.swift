import WebAssemblyFormat

// A module that imports a table says how large it has to be at least, and writes there before its code could make it
// larger. Where another unit's table becomes that import, its minimum rises.
extension ResolvePass {
  /// Raises tables to what plain modules that import them ask for.
  mutating func raiseLimits() {
    guard hasPlainModule else { return }
    for unit in resolver.units where unit.origin == .plainModule {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.tableImports.enumerated() {
        let symbol = resolver.table.symbols[Int(unit.symbolIDs[Int(facts.tableSymbols) + index])]
        guard symbol.kind == .table, symbol.unit != none32, symbol.element != none32 else { continue }
        let owner = resolver.units[Int(symbol.unit)]
        if symbol.isUndefined {
          owner.tableImports[Int(symbol.element)].limits.raise(to: entry.limits.minimum)
        } else if owner.origin == .plainModule {
          owner.tables[Int(symbol.element)].limits.raise(to: entry.limits.minimum)
        }
      }
    }
  }
}

extension Limits {
  /// Makes the minimum at least this; the maximum makes room for that.
  fileprivate mutating func raise(to minimum: UInt64) {
    self.minimum = max(self.minimum, minimum)
    if let maximum { self.maximum = max(maximum, self.minimum) }
  }
}
