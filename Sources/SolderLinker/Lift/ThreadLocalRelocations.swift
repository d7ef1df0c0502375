import WebAssemblyFormat

// Relocating thread-local data at link time.
//
// A thread's copy of a library's thread-local data begins as a copy of a passive segment; then `__wasm_apply_tls_relocs`
// stores addresses into it, as `__wasm_apply_data_relocs` does for ordinary data. Most are the same for all threads, so
// they can stand in the segment. An address of thread-local data itself is another one in each thread: that store stays.
//
// The function is known by its name, or because what sets up a thread calls it. It is read like start-up code, with the
// variable that says where the copy is as one more place. What it does must not depend on anything but constants of the
// link, and the stores must not overlap; otherwise all of it stays. Storing once more what is there already changes
// nothing, so code that calls the function on its own may have it whole.

/// Reads what relocates a thread's copy of a library's data.
struct ThreadLocalRelocations {
  private let unit: ModuleDraft
  private var facts: LiftedFacts
  private var data: ThreadLocalFacts
  private var stores: [PerformedStores.Store] = []
  private var budget: Int

  /// Reads it, if the unit has such data, and tells the unit.
  static func run(_ unit: ModuleDraft) {
    guard let facts = unit.lifted, let data = facts.threadLocal else { return }
    var reader = ThreadLocalRelocations(unit, facts, data)
    reader.read()
    unit.lifted = reader.facts
    DataRelocations(unit, reader.facts)?.add(reader.stores, to: Int(data.segment))
  }

  private init(_ unit: ModuleDraft, _ facts: LiftedFacts, _ data: ThreadLocalFacts) {
    self.unit = unit
    self.facts = facts
    self.data = data
    budget = unit.readingBudget
  }

  private mutating func read() {
    let calls = data.initialize.map(plainCalls) ?? []
    var done: Set<FunctionIndex> = []
    for function in Set(calls.map(\.callee) + data.relocationFunctions).sorted() where relocate(by: function) {
      done.insert(function)
    }
    guard !done.isEmpty else { return }
    facts.done.functions.formUnion(done)
    facts.done.calls.formUnion(calls.lazy.filter { done.contains($0.callee) }.map(\.offset))
    data.relocationFunctions.removeAll(where: done.contains)
    let isAllDone = data.relocationFunctions.isEmpty && calls.allSatisfy { done.contains($0.callee) }
    if isAllDone, data.calls == calls.count, !data.doesMore { data.leavesFirstThread = !data.placesFirstThread }
    facts.threadLocal = data
  }

  /// Functions without parameters and results that a function calls outside of blocks.
  private func plainCalls(in function: FunctionIndex) -> [(callee: FunctionIndex, offset: Int)] {
    guard var reader = unit.body(of: function) else { return [] }
    var calls: [(callee: FunctionIndex, offset: Int)] = []
    while let instruction = try? reader.next() {
      guard instruction.opcode == .call, reader.depth == 1 else { continue }
      let callee = FunctionIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
      let index = Int(callee) - unit.functionImports.count
      if index >= 0, index < unit.functions.count, unit.types.isEmptyFunction(unit.functions[index].type) {
        calls.append((callee, instruction.operandOffset))
      }
    }
    return calls
  }

  /// Does what a function does, if all of it is known; else nothing.
  private mutating func relocate(by function: FunctionIndex) -> Bool {
    guard function != data.initialize, !facts.done.functions.contains(function), facts.done.runs[function] == nil,
      !facts.constructors.contains(function), !facts.relocationFunctions.contains(function),
      unit.startFunction != function, var body = StartUpBody(unit, function, &budget)
    else { return false }
    // Without the variable no function that takes nothing can do it.
    guard let base = data.base else { return false }
    let copy = SymbolicValue(base: .memory(symbol: facts.symbol(base)), addend: 0)
    let context = StartUpReader(unit, with: copy, in: base)
    let before = stores.count
    var statement = StartUpStatement(at: 0)
    while body.next(context, &budget, into: &statement) {
      guard statement.reason == nil, statement.call == nil, add(statement, function, copy) else {
        stores.removeSubrange(before...)
        return false
      }
    }
    guard areApart else {
      stores.removeSubrange(before...)
      return false
    }
    return true
  }

  private mutating func add(_ statement: StartUpStatement, _ function: FunctionIndex, _ copy: SymbolicValue) -> Bool {
    for action in statement.actions {
      guard case .store(let address, let value, let width) = action, address.base == copy.base,
        let offset = UInt64(exactly: address.addend),
        offset.saturatingSum(UInt64(width)) <= UInt64(unit.segments[Int(data.segment)].count), value.base != copy.base,
        value.base != .tableBlock || facts.functionBlock.function(atSlot: value.addend) != nil
      else { return false }
      stores.append(.init(offset: offset, value: value, width: width, function: function))
    }
    return true
  }

  /// Whether no two stores have a byte in common.
  private var areApart: Bool {
    let sorted = stores.sorted { $0.offset < $1.offset }
    return zip(sorted, sorted.dropFirst()).allSatisfy { $0.offset + UInt64($0.width) <= $1.offset }
  }
}
