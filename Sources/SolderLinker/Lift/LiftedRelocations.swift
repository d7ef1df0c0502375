import WebAssemblyFormat

/// Joins what ``CodeLifter`` found in the code of a finished module, and what its declarations and data say, into the
/// relocations of its unit.
struct LiftedRelocations {
  private let unit: InputModule
  private let facts: LiftedFacts
  /// What was found, until it is joined.
  private var runs: [(functions: Range<Int>, result: CodeLifter.Result)]
  private(set) var relocations: UnitRelocations
  private(set) var code = CodeFacts()
  private var done: DoneCode
  private let movesMemory: Bool
  private let options: LinkOptions
  private var errors: [LiftError] = []

  private enum LiftError {
    case damage(FormatError)
    /// Code calls a function that sets up the data of the first thread.
    case dataSetUp(FunctionIndex)
  }

  /// - Parameters:
  ///   - runs: runs of functions, in order, with what was found in each.
  ///   - movesMemory: whether its memory 0 is another memory of the result.
  init(
    _ unit: InputModule, _ runs: [(functions: Range<Int>, result: CodeLifter.Result)], movesMemory: Bool,
    _ options: LinkOptions, _ threads: Threads
  ) {
    self.unit = unit
    self.runs = runs
    self.movesMemory = movesMemory
    self.options = options
    facts = unit.lifted ?? LiftedFacts()
    done = facts.done
    relocations = UnitRelocations(declaredBy: unit)
    code.needsTableBlock =
      facts.itemsNeedTableBlock
      || facts.functionBlock.repeatsFunctions && relocations.entries.contains(where: \.isInTableBlock)
    join(threads)
  }

  /// Reports what is wrong with the code.
  func report(to diagnostics: Diagnostics) {
    for error in errors {
      switch error {
      case .damage(let error): diagnostics.error(error, in: unit.file)
      case .dataSetUp(let function):
        diagnostics.error(
          "\(unit.file.displayName): code calls function \(function.rawValue), which sets up the data of the first thread when the "
            + "library is loaded, a second time", .threads, in: unit.file.displayName)
      }
    }
  }

  private mutating func join(_ threads: Threads) {
    joinRelocations(threads)
    var needed: Set<FunctionIndex> = []
    for (_, result) in runs {
      if let error = result.error {
        errors.append(.damage(error))
        continue
      }
      needed.formUnion(result.neededFunctions)
      add(result)
    }
    runs = []
    scanNeededAfterAll(needed)
    if code.changesTableBlock(of: unit) || code.computesSlots(of: unit) { code.needsTableBlock = true }
    code.removedFunctions = done.functions
    readVariables()
    foldAssignedGlobals()
  }

  /// Adds what code says of the rest of the unit.
  private mutating func add(_ result: CodeLifter.Result) {
    code.variables.formUnion(result.assignedGlobals)
    if result.needsTableBlock { code.needsTableBlock = true }
    if code.computedSlot == nil { code.computedSlot = result.computedSlot }
    if result.namesSegments { code.namesSegments = true }
    code.namedFunctions.formUnion(result.namedFunctions)
    code.namedElements.formUnion(result.namedElements)
    code.changedTables.formUnion(result.changedTables)
    code.grownTables.formUnion(result.grownTables)
    code.catching.append(result.catching)
  }

  /// Puts the relocations of all runs one behind the other, and tells which function each belongs to.
  private mutating func joinRelocations(_ threads: Threads) {
    var count = relocations.entries.count
    let starts = runs.map { run in
      defer { count += run.result.relocations.count }
      return count
    }
    relocations.entries = threads.joined([relocations.entries] + runs.map(\.result.relocations))
    for (run, start) in zip(runs, starts) {
      for (function, range) in zip(run.functions, run.result.ranges) {
        relocations.functions[function] = RelocationRange(
          start: UInt32(start) + range.start, end: UInt32(start) + range.end)
      }
    }
  }

  /// A relocation function that was read has done its work, and its body goes, or a part of it; unless something needs
  /// it that is no part of the start-up: an export of its own, a table, a pointer, a call from other code.
  private mutating func scanNeededAfterAll(_ called: Set<FunctionIndex>) {
    guard !done.isEmpty else { return }
    let changed = done.functions.union(done.runs.keys)
    var needed = called.union(changed.intersection(unit.elements.flatMap { $0.functions.compactMap(\.index) }))
    let first = FunctionIndex(unit.functionImports.count)
    for symbol in unit.symbols where symbol.kind == .function && !symbol.isLocal && !symbol.isUndefined {
      guard let function = symbol.definition, changed.contains(first + function.rawValue) else { continue }
      needed.insert(first + function.rawValue)
    }
    needed.formIntersection(changed)
    if let function = facts.dataSetUp, needed.contains(function) {
      return errors.append(.dataSetUp(function))
    }
    var waiting = needed.sorted()
    while let function = waiting.popLast() {
      done.restore(function)
      let index = function - first
      let lifter = CodeLifter(unit, functions: index..<index + 1, movesMemory: movesMemory, done: done, options)
      lifter.work()
      guard let result = lifter.take(foundIn: unit, movesMemory: movesMemory)?.first?.result else { continue }
      if let error = result.error { return errors.append(.damage(error)) }
      let start = UInt32(relocations.entries.count)
      relocations.entries += result.relocations
      relocations.functions[index] = RelocationRange(start: start, end: UInt32(relocations.entries.count))
      add(result)
      waiting += result.neededFunctions.subtracting(needed).sorted()
      needed.formUnion(result.neededFunctions)
    }
  }

  /// Globals that only a relocation function sets, once, are constants after all.
  private mutating func foldAssignedGlobals() {
    guard !facts.assignedGlobals.isEmpty else { return }
    let exported = Set(unit.exports.compactMap(\.global))
    let constants = facts.assignedGlobals.filter { !code.variables.contains($0.key) && !exported.contains($0.key) }
    for index in relocations.entries.indices where relocations.entries[index].kind == .globalIndexLEB {
      guard let global = facts.global(of: relocations.entries[index].namedSymbol), let value = constants[global] else {
        continue
      }
      let settled = settled(value)
      guard relocations.entries[index].encoding.isGlobalGet else { continue }
      _ = relocations.entries[index].become(
        settled, is64: unit.globalType(global)?.valueType == 0x7E)
    }
    // What is not folded, for whatever reason, has its value when the program starts.
    for (global, value) in facts.assignedGlobals.sorted(by: { $0.key < $1.key }) { begin(global, with: settled(value)) }
  }

  /// A global that the unit defines begins with a value, in place of that which is written.
  private mutating func begin(_ global: GlobalIndex, with value: SymbolicValue) {
    let index = Int(global) - unit.globalImports.count
    guard let written = unit.globals[checked: index]?.initializer, written.size > 0 else { return }
    let first = UInt32(relocations.entries.count)
    // All of the expression but its end.
    let code = Int(written.start)..<Int(written.start + written.size - 1)
    for start in stride(from: code.lowerBound, to: code.upperBound, by: FlowStep.longest) {
      relocations.entries.append(.removal(of: start..<min(start + FlowStep.longest, code.upperBound)))
    }
    relocations.entries[Int(first)].become(
      value, is64: unit.globalType(global)?.valueType == 0x7E, beside: &relocations.wideAddends)
    relocations.initialValues.append(
      (index, RelocationRange(start: first, end: UInt32(relocations.entries.count))))
  }

  /// What code does with a slot in a variable, nobody knows.
  private mutating func readVariables() {
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    for global in unit.globals where global.type.isMutable && global.type.isInteger {
      if evaluator.value(of: global.initializer)?.base == .tableBlock { code.needsTableBlock = true }
    }
  }

  /// A number that counts from the library's block of table slots, as the slot that it is; or else the block has to stay.
  private mutating func settled(_ value: SymbolicValue) -> SymbolicValue {
    guard value.base == .tableBlock else { return value }
    if let symbol = facts.symbol(atSlot: value.addend) {
      return SymbolicValue(base: .slot(symbol: symbol), addend: 0)
    }
    code.needsTableBlock = true
    return value
  }
}
