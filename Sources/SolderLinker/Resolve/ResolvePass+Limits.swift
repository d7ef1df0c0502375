import WebAssemblyFormat

// A module that imports a table says how large it has to be at least, and writes there before its code could make it
// larger. Where another unit's table becomes that import, its minimum rises.
extension ResolvePass {
  /// Raises tables to what plain modules that import them ask for.
  ///
  /// - Returns: by unit, where that changes what it declares.
  func raisedLimits() -> [RaisedLimits] {
    var result = [RaisedLimits](repeating: RaisedLimits(), count: resolver.units.count)
    for unit in resolver.units where unit.contracts.keepsSlots {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.tableImports.enumerated() {
        let symbol = resolver.table.symbols[Int(resolver.id(Int(facts.tableSymbols) + index, of: unit))]
        guard symbol.kind == .table, symbol.unit != none32, symbol.element != none32 else { continue }
        let owner = resolver.units[Int(symbol.unit)]
        if symbol.isUndefined {
          result[Int(symbol.unit)].raiseImportedTable(Int(symbol.element), of: owner, to: entry.limits.minimum)
        } else if owner.contracts.keepsSlots {
          result[Int(symbol.unit)].raiseTable(Int(symbol.element), of: owner, to: entry.limits.minimum)
        }
      }
    }
    return result
  }
}

extension RaisedLimits {
  fileprivate mutating func raiseImportedTable(_ index: Int, of module: BoundModule, to minimum: UInt64) {
    var imports = tableImports ?? module.tableImports
    imports[index].limits.raise(to: minimum)
    tableImports = imports
  }

  /// - Parameter index: among the tables that the module defines.
  fileprivate mutating func raiseTable(_ index: Int, of module: BoundModule, to minimum: UInt64) {
    var tables = tables ?? module.tables
    tables[index].limits.raise(to: minimum)
    self.tables = tables
  }
}

extension Limits {
  /// Makes the minimum at least this; the maximum makes room for that.
  fileprivate mutating func raise(to minimum: UInt64) {
    self.minimum = max(self.minimum, minimum)
    if let maximum { self.maximum = max(maximum, self.minimum) }
  }
}
