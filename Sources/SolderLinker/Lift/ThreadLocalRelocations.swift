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
//
// An object leaves all of it to the next linker, which has one variable for the data of all files. There the library's own
// is `__tls_base` and a constant, and so is each variable with the address of such data (`__wasm_apply_global_tls_relocs`).
// Nothing of what sets up a thread may be left, nor needed by other code; what is, `ObjectFormatCheck` tells of.

/// Reads what relocates a thread's copy of a library's data.
struct ThreadLocalRelocations {
  private let unit: ModuleDraft
  private var facts: LiftedFacts
  private var data: ThreadLocalFacts
  private var stores: [PerformedStores.Store] = []
  /// Variables that hold addresses in the copy, of an object.
  private var addresses: [GlobalIndex: SymbolicValue] = [:]
  /// The first that could not be done.
  private var unsaid: KeptStartUpCode?
  private var budget: Int

  /// Reads it, if the unit has such data, and tells the unit.
  ///
  /// - Parameter ordinary: the stores that relocate ordinary data.
  static func run(_ unit: ModuleDraft, behind ordinary: [PerformedStores.Store]) {
    guard let facts = unit.lifted, let data = facts.threadLocal else { return }
    var reader = ThreadLocalRelocations(unit, facts, data)
    let calls = reader.read()
    if data.symbol != nil { reader.leaveToLinker(calls, ordinary) }
    unit.lifted = reader.facts
    DataRelocations(unit, reader.facts)?.add(reader.stores, to: Int(data.segment))
  }

  private init(_ unit: ModuleDraft, _ facts: LiftedFacts, _ data: ThreadLocalFacts) {
    self.unit = unit
    self.facts = facts
    self.data = data
    budget = unit.readingBudget
  }

  private typealias Calls = [(callee: FunctionIndex, offset: Int)]

  /// - Returns: the functions that what sets up a thread calls.
  private mutating func read() -> Calls {
    let calls = data.initialize.map(plainCalls) ?? []
    var done: Set<FunctionIndex> = []
    for function in Set(calls.map(\.callee) + data.relocationFunctions).sorted() where relocate(by: function) {
      done.insert(function)
    }
    guard !done.isEmpty else { return calls }
    facts.done.functions.formUnion(done)
    facts.done.calls.formUnion(calls.lazy.filter { done.contains($0.callee) }.map(\.offset))
    data.relocationFunctions.removeAll(where: done.contains)
    let isAllDone = data.relocationFunctions.isEmpty && calls.allSatisfy { done.contains($0.callee) }
    if isAllDone, data.calls == calls.count, !data.doesMore { data.leavesFirstThread = !data.placesFirstThread }
    facts.threadLocal = data
    return calls
  }

  /// Forgets all that sets up the data: in an object that is the next linker's, if nothing of it is left.
  private mutating func leaveToLinker(_ calls: Calls, _ ordinary: [PerformedStores.Store]) {
    let obstacle = obstacle(calls, ordinary)
    guard unsaid == nil, obstacle == nil, let symbol = data.symbol else {
      (facts.unsaidThreadLocal, facts.threadLocalObstacle) = (unsaid, obstacle)
      return
    }
    if let base = data.base {
      facts.assignedGlobals[base] = SymbolicValue(base: .memory(symbol: symbol), addend: 0)
    }
    facts.assignedGlobals.merge(addresses) { $1 }
    facts.threadSetUp = [data.initialize, facts.allocateTLS].compactMap { $0 }
    facts.done.functions.formUnion(facts.threadSetUp)
    facts.threadLocal = nil
    facts.threadLocalBlock = symbol
    facts.hasThreadLocalData = false
  }

  /// What is no single statement, and keeps the next linker from doing what the library does.
  private func obstacle(_ calls: Calls, _ ordinary: [PerformedStores.Store]) -> ThreadLocalObstacle? {
    func isOfFirstThread(_ store: PerformedStores.Store) -> Bool {
      data.placesFirstThread && store.offset < data.firstThread + data.size
        && store.offset + UInt64(store.width) > data.firstThread
    }
    if data.doesMore || calls.count != data.calls { return .more }
    if !data.isPlain || data.size != unit.segments[Int(data.segment)].size { return .copy }
    if data.mayRelocate { return .unknownRelocation }
    if !calls.allSatisfy({ facts.done.functions.contains($0.callee) }) { return .more }
    if let function = data.relocationFunctions.first { return .relocation(function) }
    return ordinary.contains(where: isOfFirstThread) ? .firstThread : nil
  }

  /// Functions without parameters and results that a function calls outside of blocks.
  private func plainCalls(in function: FunctionIndex) -> Calls {
    guard var reader = unit.body(of: function) else { return [] }
    var calls: Calls = []
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
    let copy = SymbolicValue(base: .memory(symbol: data.symbol ?? facts.symbol(base)), addend: 0)
    var known = [base: copy]
    // Where code sets one of these once more, the object is refused.
    if data.symbol != nil {
      known.merge(facts.assignedGlobals.filter { $0.value.base != .number }) { first, _ in first }
    }
    let context = StartUpReader(unit, with: known)
    let before = stores.count
    var statement = StartUpStatement(at: 0)
    while body.next(context, &budget, into: &statement) {
      guard statement.reason == nil, statement.call == nil, add(statement, function, copy) else {
        note(statement, of: function)
        stores.removeSubrange(before...)
        return false
      }
    }
    guard areApart else {
      note(statement, of: function)
      stores.removeSubrange(before...)
      return false
    }
    return true
  }

  private mutating func add(_ statement: StartUpStatement, _ function: FunctionIndex, _ copy: SymbolicValue) -> Bool {
    for action in statement.actions {
      if case .set(let global, let value) = action, data.symbol != nil, isFree(global, for: value) {
        addresses[global] = value
        continue
      }
      guard case .store(let address, let value, let width) = action, address.base == copy.base,
        let offset = UInt64(exactly: address.addend),
        offset.saturatingSum(UInt64(width)) <= UInt64(unit.segments[Int(data.segment)].count), value.base != copy.base,
        value.base != .tableBlock || facts.functionBlock.function(atSlot: value.addend) != nil
      else { return false }
      stores.append(.init(offset: offset, value: value, width: width, function: function))
    }
    return true
  }

  /// Whether a variable may have a value from the beginning: nothing gave it another one.
  private func isFree(_ global: GlobalIndex, for value: SymbolicValue) -> Bool {
    guard Int(global) >= unit.globalImports.count, facts.globals[checked: Int(global)] == .some(nil),
      global != data.base
    else { return false }
    return (addresses[global] ?? facts.assignedGlobals[global] ?? value) == value
  }

  private mutating func note(_ statement: StartUpStatement, of function: FunctionIndex) {
    guard unsaid == nil else { return }
    unsaid = KeptStartUpCode(function: function, name: unit.symbols[Int(facts.symbol(function))].name)
    unsaid?.add(
      statement.reason
        ?? .init(
          offset: statement.lastInstruction, opcode: statement.lastOpcode,
          reason: "it is no store of a known value into the copy that a thread has"))
  }

  /// Whether no two stores have a byte in common.
  private var areApart: Bool {
    let sorted = stores.sorted { $0.offset < $1.offset }
    return zip(sorted, sorted.dropFirst()).allSatisfy { $0.offset + UInt64($0.width) <= $1.offset }
  }
}
