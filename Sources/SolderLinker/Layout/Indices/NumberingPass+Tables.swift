import WebAssemblyFormat

// The order of tables in the result.
extension NumberingPass {
  mutating func numberTables() {
    var tables: [DefinitionReference] = []
    for unit in Array(resolution.inLinkOrder) + [resolution.units[.own]] {
      for index in unit.tables.indices where isPresent(table: unit.bases.table + index) {
        tables.append(DefinitionReference(unit: unit.index, index: UInt32(index)))
      }
    }
    // Code of old objects means table 0 without saying so.
    if resolution.units.contains(where: { $0.usesTableWithoutRelocations }),
      let table = table.symbol, resolution.symbol(table).isDefined
    {
      let definition = resolution.symbol(table).tableID
      if let position = tables.firstIndex(where: { resolution.units[$0.unit].bases.table + $0.index == definition }
      ) {
        tables.insert(tables.remove(at: position), at: 0)
        reportTableImportConflict()
      }
    }
    result.tables = tables
    for (position, table) in tables.enumerated() {
      let id = resolution.units[table.unit].bases.table + table.index
      result.tableIndices[id] = PackedIndex(imports.counts.tables + position)
    }
    if let table = table.symbol {
      let symbol = resolution.symbol(table)
      result.functionTable =
        symbol.isDefined ? result.tableIndices[symbol.tableID].index : imports.indices[table]?.table
    }
  }

  private func isPresent(table id: TableID) -> Bool {
    if live.tables[id] { return true }
    guard let table = table.symbol else { return false }
    let symbol = resolution.symbol(table)
    return symbol.isDefined && symbol.tableID == id && self.table.isNeeded
  }

  private func reportTableImportConflict() {
    guard let entry = imports.entries.first(where: { $0.kind == .table }) else { return }
    let symbol = resolution.symbol(entry.symbol)
    let file = resolution.units[symbol.unit]?.file.displayName ?? "<internal>"
    diagnostics.error(
      "object file not built with 'reference-types' feature conflicts with import of table \(symbol.name) by file \(file)",
      .features, symbol: symbol.name, in: file)
  }
}
