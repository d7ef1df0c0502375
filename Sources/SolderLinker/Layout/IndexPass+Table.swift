import WebAssemblyFormat

// The function table: which function has which slot.
//
// A function pointer is a slot, and two pointers to one function must be equal, so every function has one slot: the one
// that its library's block, a plain module's table or another library's block already gives it, or else the next free
// one, in the order in which relocations ask for it. Only where code computes with numbers that nobody can tell from
// pointers (a plain module's table, a library's block that it needs in one piece) does a function have another slot as
// well, as it has when the same files are linked dynamically.
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

  private mutating func markTable(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      if Int(symbol.element) < live.tables.count { live.tables[Int(symbol.element)] = true }
      if options.exportTable { resolution.table.symbols[Int(id)].attributes.insert(.forceExport) }
    } else {
      live.referenced[Int(id)] = true
    }
  }

  // MARK: Slots

  /// Takes the slots that finished modules fill: a plain module's stay, a library's block is kept in one piece where
  /// its code computes with the block's first slot.
  mutating func reserveSlots() {
    plan.functionSlots = Array(repeating: noSlot, count: live.functions.count + 4096)
    plan.firstSlot = UInt32(clamping: options.tableBase ?? 0)
    for unit in resolution.inLinkOrder where unit.origin == .plainModule { keepPlainSlots(unit) }
    for unit in resolution.inLinkOrder {
      guard let facts = unit.lifted, facts.needsTableBlock, live.units[Int(unit.index)] else { continue }
      guard let first = reserveBlock(of: facts.tableBlockSize, alignment: 1 << UInt64(facts.tableAlignment)) else {
        diagnostics.error(
          "\(unit.file.displayName): its block of \(facts.tableBlockSize) table slots, aligned to "
            + "\(1 << UInt64(facts.tableAlignment)), makes the table larger than \(IndexPass.largestTable) slots")
        return
      }
      plan.tableBlocks[unit.index] = plan.firstSlot + first
      fillBlock(of: unit, facts, from: first)
    }
    if !plan.slots.isEmpty { resolveFunctionTable(isRequired: true) }
  }

  /// Fills a block that is kept in one piece, `first` counted from the first slot that the linker fills.
  private mutating func fillBlock(of unit: Unit, _ facts: LiftedFacts, from first: UInt32) {
    for element in unit.elements {
      guard case .block(let offset) = element.placement else { continue }
      for (position, function) in element.functions.enumerated() where function != none32 {
        let id = unit.symbolIDs[Int(facts.functionSymbols + function)]
        let slot = first + UInt32(offset) + UInt32(position)
        let symbol = resolution.symbol(id)
        if symbol.has(.isStub) { continue }
        plan.slots[Int(slot)] = id
        let existing = self.slot(of: id)
        // The library's own pointers are by its block, so everybody's are, whoever else has a slot for its function.
        let isOwn = symbol.isDefined && symbol.unit == unit.index
        let isInBlock = existing != noSlot && existing >= plan.firstSlot + first
        if existing == noSlot || isOwn && !isInBlock { setSlot(plan.firstSlot + slot, of: id) }
      }
    }
  }

  /// The largest table that engines accept (WebAssembly JavaScript Interface, Implementation-defined Limits).
  static let largestTable: UInt64 = 10_000_000

  /// Reserves slots that follow each other.
  ///
  /// - Returns: the first of them, counted from the first that the linker fills; `nil` when the table becomes too large.
  private mutating func reserveBlock(of count: UInt32, alignment: UInt64) -> UInt32? {
    let start = UInt64(plan.firstSlot) + UInt64(plan.slots.count)
    let aligned = (start + alignment - 1) & ~(alignment - 1)
    guard aligned + UInt64(count) <= IndexPass.largestTable else { return nil }
    plan.slots += Array(repeating: none32, count: Int(aligned - start))
    let first = UInt32(plan.slots.count)
    plan.slots += Array(repeating: none32, count: Int(count))
    return first
  }

  private mutating func keepPlainSlots(_ unit: Unit) {
    guard let table = resolution.wellKnown.indirectFunctionTable, resolution.symbol(table).unit == unit.index,
      let facts = unit.lifted
    else { return }
    let symbol = resolution.symbol(table)
    let index: Int
    if symbol.isDefined {
      index = unit.tableImports.count + Int(symbol.element - unit.bases.table)
      plan.firstSlot = max(
        plan.firstSlot, UInt32(clamping: unit.tables[Int(symbol.element - unit.bases.table)].limits.minimum))
    } else {
      index = Int(symbol.element)
      plan.firstSlot = max(plan.firstSlot, UInt32(clamping: unit.tableImports[index].limits.minimum))
    }
    for element in unit.elements where Int(element.table) == index {
      guard case .absolute(let start) = element.placement else { continue }
      for (position, function) in element.functions.enumerated() where function != none32 {
        let id = unit.symbolIDs[Int(facts.functionSymbols + function)]
        // Slot 0 is the null pointer of C.
        let slot = start + UInt64(position)
        if slot > 0, slot < UInt64(noSlot), self.slot(of: id) == noSlot { setSlot(UInt32(slot), of: id) }
      }
    }
  }

  /// Gives a function the next free slot unless it has one.
  mutating func addSlot(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    guard symbol.kind == .function, !symbol.has(.isStub), slot(of: id) == noSlot else { return }
    if symbol.isUndefined, symbol.isWeak, !shouldImport(id) { return }
    if resolution.wellKnown.indirectFunctionTable == nil {
      resolveFunctionTable(isRequired: true)
    } else if let table = resolution.wellKnown.indirectFunctionTable {
      markTable(table)
    }
    setSlot(plan.firstSlot &+ UInt32(plan.slots.count), of: id)
    plan.slots.append(id)
  }

  func slot(of id: SymbolID) -> UInt32 {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      return Int(symbol.element) < plan.functionSlots.count ? plan.functionSlots[Int(symbol.element)] : noSlot
    }
    return plan.importSlots[id] ?? noSlot
  }

  private mutating func setSlot(_ slot: UInt32, of id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      while plan.functionSlots.count <= Int(symbol.element) { plan.functionSlots.append(noSlot) }
      plan.functionSlots[Int(symbol.element)] = slot
    } else {
      plan.importSlots[id] = slot
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

  // MARK: Element segments

  /// Numbers element segments that are kept, behind the one that fills the linker's slots, and finds functions that
  /// need a declaration.
  mutating func numberElementSegments() {
    var index = UInt32(slotRuns.count)
    // An object's segments only say which functions its code points to, as its relocations do.
    for unit in resolution.inLinkOrder where unit.isLifted {
      for (position, element) in unit.elements.enumerated() where live.elements[Int(unit.bases.element) + position] {
        if case .block = element.placement, !isNamedByCode(unit, position) { continue }
        plan.elementIndices[Int(unit.bases.element) + position] = index
        plan.keptElements.append(ElementReference(unit: unit.index, index: UInt32(position)))
        index += 1
      }
    }
    var declared: Set<SymbolID> = []
    for unit in resolution.inLinkOrder {
      for symbol in (unit.lifted?.namedFunctions ?? []).sorted() {
        let id = unit.symbolIDs[Int(symbol)]
        let target = resolution.symbol(id)
        let isPresent = target.isDefined ? live.isFunctionLive(target.element) : plan.importIndices[id] != nil
        if isPresent, slot(of: id) == noSlot, declared.insert(id).inserted { plan.declaredFunctions.append(id) }
      }
    }
  }

  /// Whether code copies from or drops an element segment that was made table slots.
  private func isNamedByCode(_ unit: Unit, _ position: Int) -> Bool {
    unit.lifted?.namedElements.contains(UInt32(position)) == true
  }

  /// Runs of filled slots: each becomes an active element segment.
  var slotRuns: [Range<Int>] { plan.slotRuns }
}

extension IndexPlan {
  /// Runs of slots that hold a function, each of which becomes an active element segment.
  var slotRuns: [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (index, id) in slots.enumerated() {
      if id == none32 {
        if let first = start { runs.append(first..<index) }
        start = nil
      } else if start == nil {
        start = index
      }
    }
    if let first = start { runs.append(first..<slots.count) }
    return runs
  }
}
