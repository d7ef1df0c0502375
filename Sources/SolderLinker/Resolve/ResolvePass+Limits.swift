import WebAssemblyFormat

// A module that imports a table says how large it has to be at least, and writes there before its code could make it
// larger. Where several import one from the host, be it by way of another module that passes it on, it has to satisfy them
// all: its minimum is the largest and its maximum the smallest of theirs.
extension ResolvePass {
  /// A table of the host, and the imports of units that are it.
  private struct HostTable {
    var limits: Limits
    let symbol: Symbol
    var imports: [(unit: UnitID, index: Int)] = []

    /// - Returns: `false` if no table can be what both ask for.
    mutating func join(_ wanted: Limits) -> Bool {
      limits.minimum = max(limits.minimum, wanted.minimum)
      limits.maximum = [limits.maximum, wanted.maximum].compactMap { $0 }.min()
      return limits.is64 == wanted.is64 && limits.minimum <= limits.maximum ?? .max
    }
  }

  /// Makes imported tables what all plain modules that import them ask for.
  ///
  /// - Returns: by unit, where that changes what it declares.
  func raisedLimits() -> [RaisedLimits] {
    var result = [RaisedLimits](repeating: RaisedLimits(), count: resolver.units.count)
    for table in hostTables().values {
      for (unit, index) in table.imports {
        var imports = result[Int(unit)].tableImports ?? resolver.units[unit].tableImports
        imports[index].limits = table.limits
        result[Int(unit)].tableImports = imports
      }
    }
    return result
  }

  private func hostTables() -> [HostName: HostTable] {
    var tables: [HostName: HostTable] = [:]
    for unit in resolver.units where unit.contracts.keepsSlots {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.tableImports.enumerated() {
        let symbol = resolver.table.symbols[resolver.id(Int(facts.tableSymbols) + index, of: unit)]
        guard symbol.kind == .table, symbol.isUndefined, let first = symbol.unit, let imported = symbol.imported else {
          continue
        }
        let names = resolver.table.importName(of: symbol)
        let name = HostName(module: names.module, name: names.name)
        // The same symbol may have been met by way of another module.
        let declared = resolver.units[first].tableImports[Int(imported)].limits
        var table = tables[name] ?? HostTable(limits: declared, symbol: symbol)
        table.imports.append((first, Int(imported)))
        if !table.join(declared) || !table.join(entry.limits) {
          report(
            "table type", entry.name, resolver.describe(resolver.externalType(of: entry, in: unit)), unit,
            resolver.externalType(of: table.symbol).map { resolver.describe($0) } ?? "unknown", table.symbol,
            isError: true)
        }
        tables[name] = table
      }
    }
    return tables
  }
}
