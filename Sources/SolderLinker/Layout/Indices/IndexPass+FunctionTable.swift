import WebAssemblyFormat

// The function table: whose it is, and how large.
extension IndexPass {
  /// Provides the table if something needs it.
  mutating func resolveFunctionTable(isRequired: Bool) {
    if let table = resolution.wellKnown.indirectFunctionTable {
      // A plain module's table is kept for the libraries' functions once they have some.
      if isRequired || options.exportTable { markTable(table) }
      return
    }
    let name = ByteString("__indirect_function_table")
    let existing = resolution.table.find(name)
    if let existing {
      let symbol = resolution.symbol(existing)
      if symbol.kind != .table {
        diagnostics.error("reserved symbol must be of type table: `\(name)`")
        return
      }
      if symbol.isDefined {
        diagnostics.error("reserved symbol must not be defined in input files: `\(name)`")
        return
      }
      if symbol.has(.mayImport) {
        resolution.wellKnown.indirectFunctionTable = existing
        return
      }
    }
    let isLive = existing.map { live.referenced[Int($0)] } ?? false
    if options.importTable {
      guard let id = existing ?? (isRequired ? addTableSymbol(name) : nil) else { return }
      resolution.table.symbols[Int(id)].attributes.insert(.forceImport)
      if existing == nil { resolution.table.symbols[Int(id)].attributes.insert(.usedInRegularUnit) }
      if isRequired, Int(id) < live.referenced.count { live.referenced[Int(id)] = true }
      resolution.wellKnown.indirectFunctionTable = id
      // Relocations may be the first to show that the table is needed, when the other imports have been added.
      if hasAddedImports, shouldImport(id) { addImport(id) }
    } else if isLive || options.exportTable || isRequired {
      let id = existing ?? addTableSymbol(name)
      defineTable(id)
      resolution.wellKnown.indirectFunctionTable = id
    }
  }

  private mutating func addTableSymbol(_ name: ByteString) -> SymbolID {
    let id = resolution.table.insert(name, kind: .table, flags: .undefined, unit: 0).id
    while live.referenced.count <= Int(id) { live.referenced.append(true) }
    return id
  }

  private mutating func defineTable(_ id: SymbolID) {
    let unit = resolution.units[0]
    unit.tables.append(
      Table(
        limits: Limits(), elementType: 0x70, declaration: Fragment(), initializer: nil,
        name: ByteString("__indirect_function_table")))
    var symbol = Symbol(
      name: ByteString("__indirect_function_table"), kind: .table, state: .defined,
      flags: options.exportTable ? [] : .visibilityHidden, unit: 0,
      element: unit.bases.table + UInt32(unit.tables.count - 1))
    symbol.attributes = resolution.table.symbols[Int(id)].attributes
    if options.exportTable { symbol.attributes.insert(.forceExport) }
    resolution.table.symbols[Int(id)] = symbol
  }

  mutating func markTable(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      if Int(symbol.element) < live.tables.count { live.tables[Int(symbol.element)] = true }
      if options.exportTable { resolution.table.symbols[Int(id)].attributes.insert(.forceExport) }
    } else {
      live.referenced[Int(id)] = true
    }
  }

  /// The size of the table follows from its slots; a plain module's grows by what was added.
  mutating func limitFunctionTable() {
    guard let table = resolution.wellKnown.indirectFunctionTable else { return }
    let symbol = resolution.symbol(table)
    let end = UInt64(plan.firstSlot) + UInt64(plan.slots.count)
    if !plan.slots.isEmpty, end > UInt64(UInt32.max) {
      diagnostics.error("a table of \(end) slots is needed, which is more than a table can have")
      return
    }
    if symbol.unit != none32, symbol.unit != 0, resolution.units[Int(symbol.unit)].origin == .plainModule {
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
