import WebAssemblyFormat

// The function table: which function has which slot.
//
// A function pointer is a slot, and two pointers to one function must be equal, so every function has one slot: the one
// that its library's block, a plain module's table or another library's block already gives it, or else the next free
// one, in the order in which relocations ask for it. Only where code computes with numbers that nobody can tell from
// pointers (a plain module's table, a library's block that it needs in one piece) does a function have another slot as
// well, as it has when the same files are linked dynamically.
extension IndexPass {
  /// Takes the slots that finished modules fill: a plain module's stay, a library's block is kept in one piece where
  /// its code computes with the block's first slot.
  mutating func reserveSlots() {
    plan.functionSlots = Array(repeating: noSlot, count: live.functions.count)
    plan.firstSlot = UInt32(clamping: options.tableBase ?? 0)
    for unit in resolution.inLinkOrder where unit.contracts.keepsSlots { keepPlainSlots(unit) }
    for unit in resolution.inLinkOrder {
      guard let facts = unit.lifted, unit.codeFacts.needsTableBlock, live.units[Int(unit.index)] else { continue }
      guard let first = reserveBlock(of: facts.tableBlockSize, alignment: 1 << UInt64(facts.tableAlignment)) else {
        diagnostics.error(
          "\(unit.file.displayName): its block of \(facts.tableBlockSize) table slots, aligned to "
            + "\(1 << UInt64(facts.tableAlignment)), makes the table larger than \(IndexPass.largestTable) slots")
        return
      }
      plan.tableBlocks[unit.index] = plan.firstSlot + first
      fillBlock(of: unit, facts, from: first)
    }
    if !plan.slots.isEmpty { needsFunctionTable = true }
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
    guard let table = own.functionTable, resolution.symbol(table).unit == unit.index,
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
    needsFunctionTable = true
    setSlot(plan.firstSlot &+ UInt32(plan.slots.count), of: id)
    plan.slots.append(id)
  }

  func slot(of id: SymbolID) -> UInt32 { plan.slot(of: resolution.symbol(id), id) ?? noSlot }

  private mutating func setSlot(_ slot: UInt32, of id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      plan.functionSlots[Int(symbol.element)] = slot
    } else {
      plan.importSlots[id] = slot
    }
  }
}
