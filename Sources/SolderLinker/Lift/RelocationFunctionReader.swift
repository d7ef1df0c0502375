import WebAssemblyFormat

// Turning run-time relocation into link-time relocation.
//
// A shared library cannot know where its data will be, so its linker wrote a function that stores every address into
// the data at start (`__wasm_apply_data_relocs`, thousands of `address := base + constant`), and another that sets
// globals (`__wasm_apply_global_relocs`). Producers put the call of these in different places: an export for the
// dynamic linker, the start section, or the beginning of the constructors. Reading such a function symbolically gives
// exactly the relocations it was made from; what cannot be read (a loop, a call of the host) is kept and runs at start.

/// Reads the relocation functions of a shared library into relocations of its data and values of its globals.
struct RelocationFunctionReader {
  let unit: ModuleDraft
  private var facts: LiftedFacts
  private var stores: [SymbolicEvaluator.Store] = []
  private var assigned: [UInt32: SymbolicValue] = [:]
  /// Instructions that may still be read: producers write each function once and call it once, so a few times the
  /// size of the code is plenty, and functions that call each other in a tree cost no more than that.
  private var budget: Int
  private lazy var piecesOverlap = findOverlapOfPieces()
  /// Whether the start function stays and may see, or change, what is relocated behind it.
  private var startSeesMemory = false
  private lazy var hasPassiveSegments = unit.segments.contains { $0.placement == .passive }

  init(_ unit: ModuleDraft) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
    budget = 1000 + 2 * (unit.code?.payload.remaining ?? 0)
  }

  func run() {
    var reader = self
    reader.readRoots()
    reader.addDataRelocations()
    for (global, value) in reader.assigned { reader.facts.assignedGlobals[global] = value }
    unit.lifted = reader.facts
  }

  /// In the order in which a loader has them run: the start function with the instantiation, then what relocates, then
  /// the constructors.
  private mutating func readRoots() {
    if let start = unit.startFunction {
      if read(start) {
        unit.startFunction = nil
      } else {
        readLeadingCalls(of: start)
        let effects = FunctionEffects(of: start, in: unit, removedCalls: facts.removedCalls)
        startSeesMemory = !effects.isDisjoint(with: [.readsMemory, .writesMemory, .leaves])
      }
    }
    var kept: [UInt32] = []
    for function in facts.relocationFunctions where !facts.readFunctions.contains(function) {
      if !read(function) {
        kept.append(function)
        facts.unreadable.append((function, name(of: function)))
      }
    }
    facts.constructors = callersOnly(facts.constructors)
    // Toolchains before 2020 had no export for it: the constructors call it first.
    for constructor in facts.constructors {
      readLeadingCalls(of: constructor, limit: facts.relocationFunctions.isEmpty && facts.readFunctions.isEmpty ? 1 : 0)
    }
    facts.relocationFunctions = kept
    dropEmptyConstructors()
    for function in kept + (unit.startFunction.map { [$0] } ?? []) {
      facts.effects[function] = FunctionEffects(of: function, in: unit, removedCalls: facts.removedCalls)
    }
  }

  /// Without those that another one calls: `_initialize` of a reactor calls `__wasm_call_ctors`.
  private func callersOnly(_ constructors: [UInt32]) -> [UInt32] {
    guard constructors.count > 1 else { return constructors }
    var called: Set<UInt32> = []
    for constructor in constructors where !called.contains(constructor) {
      called.formUnion(unit.callees(of: constructor).subtracting([constructor]))
    }
    return constructors.filter { !called.contains($0) }
  }

  /// A constructor without anything to do asks for nobody who calls it: every library has the function.
  private mutating func dropEmptyConstructors() {
    let empty = facts.constructors.filter { facts.readFunctions.contains($0) || isEmpty($0) }
    facts.readFunctions.formUnion(empty)
    facts.constructors.removeAll(where: empty.contains)
  }

  private func isEmpty(_ function: UInt32) -> Bool {
    guard var reader = unit.body(of: function) else { return false }
    while let instruction = try? reader.next() {
      switch instruction.opcode {
      case .nop: continue
      case .end where reader.depth == 0: return true
      case .call where facts.removedCalls.contains(instruction.operandOffset): continue
      default: return false
      }
    }
    return false
  }

  /// Reads functions that the body of `function` calls before it does anything else, and notes those calls as done.
  private mutating func readLeadingCalls(of function: UInt32, limit: Int = .max) {
    let index = Int(function) - unit.functionImports.count
    guard index >= 0, index < unit.functions.count else { return }
    var code = unit.file.reader(of: unit.functions[index].body)
    var nothing = IgnoringVisitor()
    guard (try? scanLocals(&code, &nothing)) != nil else { return }
    var reader = InstructionReader(code)
    var left = limit
    while let instruction = try? reader.next(), instruction.opcode == .call {
      let callee = UInt32(truncatingIfNeeded: instruction.first)
      if !facts.readFunctions.contains(callee) {
        guard left > 0, read(callee) else { return }
        left -= 1
      }
      facts.removedCalls.insert(instruction.operandOffset)
    }
  }

  /// Reads one function; its effects count only if all of them can be done at link time.
  private mutating func read(_ function: UInt32) -> Bool {
    var globals = facts.globals
    for (global, value) in assigned { globals[Int(global)] = value }
    var evaluator = SymbolicEvaluator(unit, globals: globals, budget: budget)
    let isRead = evaluator.read(function: function)
    budget = evaluator.budget
    guard isRead, evaluator.stores.allSatisfy(isRelocation),
      evaluator.stores.isEmpty || !hasPassiveSegments && !startSeesMemory,
      evaluator.clearedRanges.allSatisfy(isZeroAnyway),
      evaluator.stores.isEmpty || !piecesOverlap && !overlap(stores + evaluator.stores)
    else { return false }
    budget -= stores.count
    for (global, value) in evaluator.globalAssignments {
      guard assigned[global] == nil || assigned[global] == value else { return false }
      assigned[global] = value
    }
    stores += evaluator.stores
    facts.readFunctions.formUnion(evaluator.readFunctions)
    return true
  }

  /// Whether a store puts an address into the library's own block.
  private func isRelocation(_ store: SymbolicEvaluator.Store) -> Bool {
    guard store.address.base == .memory(symbol: facts.memoryBlockSymbol), store.address.addend >= 0,
      store.address.addend < 1 << 31
    else { return false }
    return store.value.base != .number
      && !(store.value.base == .tableBlock && symbol(atSlot: store.value.addend) == nil)
  }

  /// Whether clearing a range changes nothing, because memory is zero there when the program starts.
  private func isZeroAnyway(_ range: SymbolicEvaluator.ClearedRange) -> Bool {
    guard range.address.base == .memory(symbol: facts.memoryBlockSymbol), range.address.addend >= 0,
      range.count >= 0, range.count < 1 << 32, stores.isEmpty
    else { return false }
    let start = UInt64(range.address.addend)
    return unit.segments.allSatisfy { segment in
      guard case .inside(_, let offset) = segment.placement else { return true }
      return offset >= start + UInt64(range.count) || offset + UInt64(segment.count) <= start
    }
  }

  private func symbol(atSlot offset: Int64) -> UInt32? { facts.symbol(atSlot: offset, in: unit.elements) }

  private func name(of function: UInt32) -> ByteString {
    let name = unit.symbols[Int(facts.functionSymbols + function)].name
    return unit.exports.first { $0.kind == .function && $0.index == function }?.name ?? name
  }

  // MARK: Relocations

  private struct Site {
    var offset: UInt64
    var store: SymbolicEvaluator.Store
  }

  private mutating func addDataRelocations() {
    guard !stores.isEmpty else { return }
    var sites = stores.map { Site(offset: UInt64($0.address.addend), store: $0) }
    // Later stores to the same place win; the sort is stable because of the position.
    sites = sites.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }.map(\.element)
    var last: [Site] = []
    for site in sites {
      if last.last?.offset == site.offset { last.removeLast() }
      last.append(site)
    }
    addSegmentsForUninitialised(last)
    attach(last)
  }

  /// Whether two stores write some bytes in common but not the same ones, so that their order matters. A function that
  /// does this is better run than read.
  private func overlap(_ stores: [SymbolicEvaluator.Store]) -> Bool {
    func isApart(_ one: SymbolicEvaluator.Store, _ other: SymbolicEvaluator.Store) -> Bool {
      one.address.addend + Int64(one.width) <= other.address.addend
        || one.address.addend == other.address.addend && one.width == other.width
    }
    // Producers write them in the order of their addresses.
    if zip(stores, stores.dropFirst()).allSatisfy(isApart) { return false }
    let sorted = stores.sorted { ($0.address.addend, $0.width) < ($1.address.addend, $1.width) }
    return !zip(sorted, sorted.dropFirst()).allSatisfy(isApart)
  }

  private typealias Piece = (start: UInt64, end: UInt64, segment: Int)

  /// Pieces of the block that hold bytes, by their offset.
  private func pieces() -> [Piece] {
    var result: [Piece] = []
    for (index, segment) in unit.segments.enumerated() where segment.count > 0 {
      if case .inside(facts.memoryBlock, let offset) = segment.placement {
        result.append((offset, offset + UInt64(segment.count), index))
      }
    }
    return result.sorted { ($0.start, $0.segment) < ($1.start, $1.segment) }
  }

  /// Whether data segments overlap, so that which byte is initialised by which depends on their order.
  private func findOverlapOfPieces() -> Bool {
    let pieces = pieces()
    return zip(pieces, pieces.dropFirst()).contains { $0.end > $1.start }
  }

  /// Relocated places that no segment initialises get zero bytes of their own: never more than they need, since the
  /// bytes around them may belong to a piece.
  private func addSegmentsForUninitialised(_ sites: [Site]) {
    let pieces = pieces()
    var next = 0
    var run: (start: UInt64, end: UInt64)?
    func finish() {
      guard let (start, end) = run else { return }
      var segment = Segment(
        name: ByteString(".data"), size: end - start, content: unit.arena.zeros(Int(end - start)))
      segment.placement = .inside(segment: facts.memoryBlock, offset: start)
      unit.segments.append(segment)
      let block = Int(facts.memoryBlock)
      unit.segments[block].size = max(unit.segments[block].size, end)
      run = nil
    }
    for site in sites {
      let end = site.offset + UInt64(site.store.width)
      // The first piece that ends behind the run, or else behind the place.
      while next < pieces.count, pieces[next].end <= run?.end ?? site.offset { next += 1 }
      if let current = run, site.offset <= current.end + 64, next == pieces.count || pieces[next].start >= end {
        run = (current.start, max(current.end, end))
        continue
      }
      while next < pieces.count, pieces[next].end <= site.offset { next += 1 }
      if next < pieces.count, pieces[next].start <= site.offset, end <= pieces[next].end { continue }
      finish()
      run = (site.offset, end)
    }
    finish()
  }

  private func attach(_ sites: [Site]) {
    unit.declaredRelocations.segments = Array(repeating: RelocationRange(), count: unit.segments.count)
    var next = 0
    for piece in pieces() {
      let first = UInt32(unit.relocations.count)
      while next < sites.count, sites[next].offset < piece.start { next += 1 }
      while next < sites.count, sites[next].offset + UInt64(sites[next].store.width) <= piece.end {
        if let relocation = relocation(sites[next], from: piece.start) { unit.relocations.append(relocation) }
        next += 1
      }
      unit.declaredRelocations.segments[piece.segment] = RelocationRange(
        start: first, end: UInt32(unit.relocations.count))
    }
  }

  private func relocation(_ site: Site, from start: UInt64) -> Relocation? {
    let isWide = site.store.width == 8
    let kind: RelocationKind
    let target: UInt32
    var addend = site.store.value.addend
    switch site.store.value.base {
    case .memory(let symbol): (kind, target) = (isWide ? .memoryAddressI64 : .memoryAddressI32, symbol)
    case .slot(let symbol): (kind, target) = (isWide ? .tableIndexI64 : .tableIndexI32, symbol)
    case .tableBlock:
      guard let symbol = symbol(atSlot: addend) else { return nil }
      (kind, target, addend) = (isWide ? .tableIndexI64 : .tableIndexI32, symbol, 0)
    case .number: return nil
    }
    var relocation = Relocation(
      kind, at: UInt32(site.offset - start), width: site.store.width, target: target)
    unit.setAddend(addend, of: &relocation)
    return relocation
  }
}

extension LiftedFacts {
  /// The function symbol in a slot of the unit's block, which element segments fill.
  func symbol(atSlot offset: Int64, in elements: [ElementSegment]) -> UInt32? {
    for element in elements {
      guard case .block(let start) = element.placement, offset >= 0, UInt64(offset) >= start else { continue }
      let index = UInt64(offset) - start
      if index < UInt64(element.functions.count) {
        let function = element.functions[Int(index)]
        return function == none32 ? nil : functionSymbols + function
      }
    }
    return nil
  }
}
