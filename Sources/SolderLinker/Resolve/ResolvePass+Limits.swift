import WebAssemblyFormat

// A module that imports a table says how large it has to be at least, and writes there before its code could make it
// larger. Where several import one from the host, it has to satisfy them all: its minimum is the largest and its maximum the
// smallest of theirs.
extension ResolvePass {
  /// Makes imported tables what all plain modules that import them ask for.
  ///
  /// - Returns: by unit, where that changes what it declares.
  func raisedLimits() -> [RaisedLimits] {
    var result = [RaisedLimits](repeating: RaisedLimits(), count: resolver.units.count)
    for unit in resolver.units where unit.contracts.keepsSlots {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.tableImports.enumerated() {
        let symbol = resolver.table.symbols[Int(resolver.id(Int(facts.tableSymbols) + index, of: unit))]
        guard symbol.kind == .table, symbol.isUndefined, let first = symbol.unit, let imported = symbol.imported else {
          continue
        }
        let owner = resolver.units[first]
        if result[Int(first)].narrowTable(Int(imported), of: owner, to: entry.limits) { continue }
        report(
          "table type", entry.name, resolver.describe(resolver.externalType(of: entry, in: unit)), unit,
          resolver.externalType(of: symbol).map { resolver.describe($0) } ?? "unknown", symbol, isError: true)
      }
    }
    return result
  }
}

extension RaisedLimits {
  /// - Returns: `false` if no table can be what both ask for.
  fileprivate mutating func narrowTable(_ index: Int, of module: BoundModule, to wanted: Limits) -> Bool {
    var imports = tableImports ?? module.tableImports
    let limits = imports[index].limits
    imports[index].limits.minimum = max(limits.minimum, wanted.minimum)
    imports[index].limits.maximum = [limits.maximum, wanted.maximum].compactMap { $0 }.min()
    tableImports = imports
    return imports[index].limits.maximum ?? .max >= imports[index].limits.minimum
  }
}
