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
}
