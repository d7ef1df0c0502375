import WebAssemblyFormat

// The function table: which function has which slot.
//
// A function pointer is a slot, and two pointers to one function must be equal, so every function has one slot: the one
// that its library's block, a plain module's table or another library's block already gives it, or else the next free
// one, in the order in which relocations ask for it. Only where code computes with numbers that nobody can tell from
// pointers (a plain module's table, a library's block that it needs in one piece) does a function have another slot as
// well, as it has when the same files are linked dynamically; and where a library's block has it in several slots, which
// are pointers that differ.

/// Gives functions their slots. Afterwards every function pointer has its number, and the table its size.
struct FunctionTablePass {
  private let resolution: Resolution
  private let own: OwnUnit
  private let live: Liveness
  /// What finished modules have in the table.
  private let plain: PlainTable?
  private let folds: FunctionFolds
  private let rule: ImportRule
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let is64: Bool
  private var table = FunctionTable()
  /// Whether a function pointer needs the table.
  private var isNeeded = false

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ start: StartOrder, _ folds: FunctionFolds,
    _ rule: ImportRule, options: LinkOptions, diagnostics: Diagnostics, is64: Bool
  ) {
    self.resolution = resolution
    self.own = own
    self.live = live
    plain = own.functionTable.map { PlainTable(resolution, $0, start.segments) }
    self.folds = folds
    self.rule = rule
    self.options = options
    self.diagnostics = diagnostics
    self.is64 = is64
    table.functionSlots = Row(repeating: .none, count: live.functions.count)
    table.firstSlot = SlotIndex(rawValue: UInt32(clamping: options.firstTableSlot))
  }

  /// Runs the pass; errors are in the diagnostics.
  consuming func run(_ demands: Demands, _ missing: MissingFunctions, _ addresses: AddressGlobals) -> FunctionTable {
    keepSlots()
    addSlots(demands, missing, addresses)
    settleTable()
    setLimits()
    return table
  }

  // MARK: The table

  /// Decides whether there is a table, now that it is known who needs it.
  private mutating func settleTable() {
    guard let id = own.functionTable else { return }
    let symbol = resolution.symbol(id)
    table.isAskedFor = live.isLive(symbol, id) || options.exportTable
    // One of the linker's own is there only if it has to be.
    if symbol.unit != .own || table.isAskedFor || isNeeded { table.symbol = id }
    table.isNeeded = table.isAskedFor || isNeeded
  }

  /// The size of the table follows from its slots; a plain module's grows by what was added.
  private mutating func setLimits() {
    guard let id = table.symbol else { return }
    let symbol = resolution.symbol(id)
    let end = UInt64(table.firstSlot.rawValue) + UInt64(table.slots.count)
    if !table.slots.isEmpty, end > UInt64(UInt32.max) {
      diagnostics.error("a table of \(end) slots is needed, which is more than a table can have", .table)
      return
    }
    plain?.checkLibraries(diagnostics)
    if !table.slots.isEmpty { plain?.checkBesideSlots(is64: is64, diagnostics) }
    if let plain, let declared = plain.declared {
      table.limits = plain.limits(declared, with: table.slots.count, end: end, diagnostics)
      return
    }
    table.limits = Limits(minimum: end)
    if symbol.isDefined, !options.growableTable, plain?.isGrown != true { table.limits.maximum = end }
    table.limits.is64 = is64
  }

  // MARK: Slots of finished modules

  /// Takes the slots that finished modules fill: a plain module's stay, a library's block is kept in one piece where
  /// its code computes with the block's first slot.
  private mutating func keepSlots() {
    keepPlainSlots()
    for unit in resolution.inLinkOrder {
      guard let facts = unit.lifted, live.units[Int(unit.index)], needsBlock(unit, facts) else { continue }
      guard let first = reserveBlock(of: facts.tableBlockSize, alignment: 1 << UInt64(facts.tableAlignment)) else {
        diagnostics.error(
          "\(unit.file.displayName): its block of \(facts.tableBlockSize) table slots, aligned to "
            + "\(1 << UInt64(facts.tableAlignment)), makes the table larger than \(FunctionTablePass.largestTable) slots",
          .table, in: unit.file.displayName)
        return
      }
      table.blocks[unit.index] = table.firstSlot + first
      fillBlock(of: unit, facts, from: first)
    }
    if !table.slots.isEmpty { isNeeded = true }
  }

  /// Whether something says where a library's block begins: its code, or a constant of its own that is in the result.
  private func needsBlock(_ unit: Unit, _ facts: LiftedFacts) -> Bool {
    unit.codeFacts.needsTableBlock
      || unit.globals.indices.contains { index in
        live.globals[unit.bases.global + index]
          && (facts.globals[checked: unit.globalImports.count + index] ?? nil)?.base == .tableBlock
      }
  }

  /// Fills a block that is kept in one piece, `first` counted from the first slot that the linker fills.
  private mutating func fillBlock(of unit: Unit, _ facts: LiftedFacts, from first: UInt32) {
    for element in unit.elements {
      guard case .block(let offset) = element.placement else { continue }
      for (position, function) in element.functions.enumerated() {
        guard let function = function.index else { continue }
        let id = unit.symbolIDs[facts.symbol(function)]
        let slot = first + UInt32(offset) + UInt32(position)
        let symbol = resolution.symbol(id)
        if symbol.has(.isStub) { continue }
        table.slots[Int(slot)] = PackedIndex(id)
        let existing = self.slot(of: id)
        // The library's own pointers are by its block, so everybody's are, whoever else has a slot for its function.
        let isOwn = symbol.isDefined && symbol.unit == unit.index
        let isInBlock = existing.map { $0 >= table.firstSlot + first } ?? false
        if existing == nil || isOwn && !isInBlock { setSlot(table.firstSlot + slot, of: id) }
      }
    }
  }

  /// The largest table that engines accept (WebAssembly JavaScript Interface, Implementation-defined Limits).
  static let largestTable: UInt64 = 10_000_000

  /// Reserves slots that follow each other.
  ///
  /// - Returns: the first of them, counted from the first that the linker fills; `nil` when the table becomes too large.
  private mutating func reserveBlock(of count: UInt32, alignment: UInt64) -> UInt32? {
    let start = UInt64(table.firstSlot.rawValue) + UInt64(table.slots.count)
    let aligned = (start + alignment - 1) & ~(alignment - 1)
    guard aligned + UInt64(count) <= FunctionTablePass.largestTable else { return nil }
    table.slots += Array(repeating: .none, count: Int(aligned - start))
    let first = UInt32(table.slots.count)
    table.slots += Array(repeating: .none, count: Int(count))
    return first
  }

  private mutating func keepPlainSlots() {
    guard let plain else { return }
    table.firstSlot = max(table.firstSlot, SlotIndex(rawValue: UInt32(clamping: plain.end)))
    for (slot, id) in plain.filledSlots where self.slot(of: id) == nil { setSlot(slot, of: id) }
  }

  // MARK: What relocations ask for

  private mutating func addSlots(_ demands: Demands, _ missing: MissingFunctions, _ addresses: AddressGlobals) {
    let ownAddresses = Set(addresses.own)
    var stubs: Set<SymbolID> = []
    for (_, demand) in demands.inOrder {
      switch demand {
      // From its first call on, a function that is missing is the stub, whose address is null.
      case .definition(let id, _): if missing.stubs[id] != nil { stubs.insert(id) }
      case .slot(let id): if !stubs.contains(id) { addSlot(id) }
      case .addressGlobal(let id):
        guard resolution.symbol(id).kind == .function, ownAddresses.contains(id) else { continue }
        isNeeded = true
        if !stubs.contains(id) { addSlot(id) }
      case .impossible: break
      }
    }
  }

  /// Gives a function the next free slot unless it has one.
  private mutating func addSlot(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    guard symbol.kind == .function, !symbol.has(.isStub), slot(of: id) == nil else { return }
    if symbol.isUndefined, symbol.isWeak, !rule.imports(id) { return }
    isNeeded = true
    let target = symbol.isDefined ? folds.pointerTarget(of: symbol.functionID) : nil
    if let target, let slot = table.functionSlots[target].index { return setSlot(slot, of: id) }
    // Where there are more than numbers for them, ``setLimits()`` refuses the table.
    let slot = SlotIndex(rawValue: table.firstSlot.rawValue &+ UInt32(truncatingIfNeeded: table.slots.count))
    setSlot(slot, of: id)
    if let target { table.functionSlots[target] = PackedIndex(slot) }
    table.slots.append(PackedIndex(id))
  }

  private func slot(of id: SymbolID) -> SlotIndex? { table.slot(of: resolution.symbol(id), id) }

  private mutating func setSlot(_ slot: SlotIndex, of id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.isDefined {
      table.functionSlots[symbol.functionID] = PackedIndex(slot)
    } else {
      table.importSlots[id] = slot
    }
  }
}
