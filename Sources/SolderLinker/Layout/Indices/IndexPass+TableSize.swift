import WebAssemblyFormat

// How large the function table is.
//
// The linker's own table is as large as its slots ask for. A plain module's table keeps what it has; the linker's slots
// follow, and make it larger: by as many its maximum rises, so that the module can still add as many as before, but not
// above what there are numbers for, nor above the maximum that another module imports it with. Of a table of the host no
// more can be asked for than the import's maximum says.
extension IndexPass {
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
      plan.tableLimits =
        symbol.isDefined
        ? unit.tables[Int(symbol.element - unit.bases.table)].limits : unit.tableImports[Int(symbol.element)].limits
      if !plan.slots.isEmpty { growTable(of: unit, table, symbol, to: end) }
      return
    }
    plan.tableLimits = Limits(minimum: end)
    if symbol.isDefined, !options.growableTable { plan.tableLimits.maximum = end }
    plan.tableLimits.is64 = is64
  }

  private mutating func growTable(of unit: Unit, _ table: SymbolID, _ symbol: Symbol, to end: UInt64) {
    let declared = plan.tableLimits
    let file = unit.file.displayName
    plan.tableLimits.minimum = max(declared.minimum, end)
    guard symbol.isDefined else {
      if let maximum = declared.maximum, maximum < end {
        diagnostics.error(
          "\(file): imports a table of at most \(maximum) slots, but \(end) are needed (let the import have a larger maximum)"
        )
      }
      return
    }
    let bound = largestTable(table, besides: unit)
    if let (importer, maximum) = bound, maximum < end {
      diagnostics.error(
        "\(importer.file.displayName): imports a table of at most \(maximum) slots, but \(end) are needed (let the import "
          + "have a larger maximum)")
    }
    if let maximum = declared.maximum {
      let most = declared.is64 ? UInt64.max : UInt64(UInt32.max)
      let wanted = min(maximum.saturatingSum(UInt64(plan.slots.count)), bound?.maximum ?? most, most)
      plan.tableLimits.maximum = max(plan.tableLimits.minimum, maximum, wanted)
    }
    checkElements(of: table, declared)
  }

  /// The smallest maximum that a module imports a table with.
  private func largestTable(_ table: SymbolID, besides owner: Unit) -> (importer: Unit, maximum: UInt64)? {
    var smallest: (importer: Unit, maximum: UInt64)?
    forEachUse(of: table) { unit, index in
      guard unit !== owner, unit.contracts.keepsSlots, index < unit.tableImports.count,
        let maximum = unit.tableImports[index].limits.maximum, maximum < smallest?.maximum ?? .max
      else { return }
      smallest = (unit, maximum)
    }
    return smallest
  }

  /// A segment beyond its table makes the module fail to start; a table that became larger must not hide that.
  private func checkElements(of table: SymbolID, _ declared: Limits) {
    forEachUse(of: table) { unit, index in
      let values = KnownGlobals(resolution)
      for (position, element) in unit.elements.enumerated() where Int(element.table) == index {
        guard let offset = element.offset, let value = values.address(offset, in: unit) else { continue }
        let start = declared.is64 ? value : value & 0xFFFF_FFFF
        let end = start.saturatingSum(UInt64(element.count))
        if end > declared.minimum {
          diagnostics.error(
            "\(unit.file.displayName): element segment \(position) at [\(start), \(end)) lies beyond its table, which has "
              + "\(declared.minimum) slots: it could not start (let the table have more)")
        }
      }
    }
  }

  /// Finished modules that have a table in their index space, and its index there.
  private func forEachUse(of table: SymbolID, _ use: (Unit, Int) -> Void) {
    let target = resolution.symbol(table)
    for unit in resolution.inLinkOrder where unit.contracts.keepsPlaces {
      guard let facts = unit.lifted else { continue }
      for index in 0..<unit.tableImports.count + unit.tables.count {
        let symbol = resolution.symbol(unit.symbolIDs[Int(facts.tableSymbols) + index])
        if symbol.kind == .table, symbol.isDefined, symbol.element == target.element { use(unit, index) }
      }
    }
  }

  // MARK: Slots that are filled already

  /// What finished modules put into the slots of a plain module's table. Of several segments for one slot the last holds,
  /// in the order in which an engine would start the modules.
  mutating func keepPlainSlots() {
    guard let table = own.functionTable else { return }
    let symbol = resolution.symbol(table)
    guard symbol.unit != none32, symbol.unit != 0 else { return }
    let owner = resolution.units[Int(symbol.unit)]
    guard owner.contracts.keepsSlots else { return }
    let limits =
      symbol.isDefined
      ? owner.tables[Int(symbol.element - owner.bases.table)].limits : owner.tableImports[Int(symbol.element)].limits
    plan.firstSlot = max(plan.firstSlot, UInt32(clamping: limits.minimum))
    var filled: [(slot: UInt32, function: SymbolID)] = []
    var last: [UInt32: SymbolID] = [:]
    for unit in resolution.inLinkOrder where unit.contracts.keepsSlots {
      guard let facts = unit.lifted else { continue }
      for element in unit.elements where element.table != none32 {
        guard case .absolute(let start) = element.placement,
          unit.symbolIDs[Int(facts.tableSymbols + element.table)] == table
            || isSameTable(element.table, of: unit, symbol)
        else { continue }
        for (position, function) in element.functions.enumerated() {
          // Slot 0 is the null pointer of C.
          guard let slot = UInt32(exactly: start + UInt64(position)), slot > 0, slot != noSlot else { continue }
          last[slot] = function == none32 ? none32 : unit.symbolIDs[Int(facts.functionSymbols + function)]
          if let id = last[slot], id != none32, unit === owner { filled.append((slot, id)) }
        }
      }
    }
    for (slot, id) in filled where last[slot] == id && self.slot(of: id) == noSlot { setSlot(slot, of: id) }
  }

  private func isSameTable(_ index: UInt32, of unit: Unit, _ table: Symbol) -> Bool {
    guard let facts = unit.lifted else { return false }
    let symbol = resolution.symbol(unit.symbolIDs[Int(facts.tableSymbols + index)])
    return symbol.kind == .table && symbol.isDefined && table.isDefined && symbol.element == table.element
  }
}
