import WebAssemblyFormat

// The function table: whose it is, and how large.
extension IndexPass {
  /// Whether the result has the table, or imports it.
  func isTableNeeded(_ table: SymbolID) -> Bool {
    let symbol = resolution.symbol(table)
    if needsFunctionTable || live.isLive(symbol, table) { return true }
    return options.exportTable && (symbol.isDefined || table == resolution.wellKnown.indirectFunctionTable)
  }

  /// Decides whether there is a table, now that it is known who needs it.
  mutating func settleFunctionTable() {
    guard let table = own.functionTable else { return }
    let symbol = resolution.symbol(table)
    if symbol.unit == 0, !isTableNeeded(table) { return }
    plan.functionTableSymbol = table
    if symbol.has(.unnamed), symbol.unit == 0, symbol.isDefined, options.exportTable || options.exportAll {
      plan.ownExports.append(table)
    }
    // Relocations may be the first to show that the table is needed, when the other imports have been added.
    if shouldImport(table) { addImport(table) }
  }

  /// The size of the table follows from its slots; a plain module's grows by what was added.
  mutating func limitFunctionTable() {
    guard let table = plan.functionTableSymbol else { return }
    let symbol = resolution.symbol(table)
    let end = UInt64(plan.firstSlot) + UInt64(plan.slots.count)
    if !plan.slots.isEmpty, end > UInt64(UInt32.max) {
      diagnostics.error("a table of \(end) slots is needed, which is more than a table can have")
      return
    }
    if symbol.unit != none32, symbol.unit != 0, resolution.units[Int(symbol.unit)].contracts.keepsSlots {
      let unit = resolution.units[Int(symbol.unit)]
      var limits =
        symbol.isDefined
        ? unit.tables[Int(symbol.element - unit.bases.table)].limits : unit.tableImports[Int(symbol.element)].limits
      if !plan.slots.isEmpty {
        limits.minimum = max(limits.minimum, end)
        if let maximum = limits.maximum { limits.maximum = max(limits.minimum, maximum &+ UInt64(plan.slots.count)) }
      }
      plan.tableLimits = limits
      return
    }
    plan.tableLimits = Limits(minimum: end)
    if symbol.isDefined, !options.growableTable { plan.tableLimits.maximum = end }
    plan.tableLimits.is64 = is64
  }
}
