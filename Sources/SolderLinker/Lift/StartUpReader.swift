import WebAssemblyFormat

// Doing at link time what a shared library does at start.
//
// A shared library cannot know where its data will be, so its linker wrote a function that stores every address into
// the data at start (`__wasm_apply_data_relocs`, thousands of `address := base + constant`), and another that sets
// globals (`__wasm_apply_global_relocs`). Producers put the call of these in different places: an export for the
// dynamic linker, the start section, or the beginning of the constructors. Reading such a function symbolically gives
// exactly the relocations it was made from.
//
// Functions are read in the order in which a loader would run them: the start function, which may set globals that the
// others read, then those for globals, then those for data. A function is read statement by statement: a statement is a
// run of instructions that begins and ends with an empty stack. A statement is *done* at link time if it only stores
// known values at known places of the library's own block, or sets globals to known values. Any other *stays*, and with
// it what has to come after it: statements that touch a place which a statement that stays touches, and those that
// compute the locals it reads. Whoever stays and may do anything (a call of the host, say) keeps everything that
// follows it. What stays of a function is its body without the instructions of what is done.
//
// So the result is right if done statements may be done before all others, and are not missed where they were. Beyond
// that, a function that turns out to be needed as a whole (it is exported, or in a table, or other code calls it) gets
// its body back, and does its work twice. That changes nothing, since no place is written by two functions, and no global
// is read before it is set: see ``PerformedStores`` and ``canSet``.

extension ModuleDraft {
  /// How many instructions and locals reading start-up code may look at, so that no input takes forever.
  var readingBudget: Int {
    guard let code else { return 0 }
    return 100_000 + 4 * code.payload.remaining
  }
}

/// Reads the start-up code of a shared library into relocations of its data and values of its globals.
struct StartUpReader {
  enum Outcome {
    /// All of the function is done.
    case done
    /// Some of it stays.
    case stays
    /// It was not read: it may do anything.
    case unread
  }

  let unit: ModuleDraft
  private(set) var facts: LiftedFacts
  private(set) var performed = PerformedStores()
  private var kept = KeptEffects()
  /// What each global of the index space holds at this point of the start-up; `nil` if that is not known.
  private(set) var globals: [SymbolicValue?]
  /// Variables that statements that are done have read.
  private var readGlobals: Set<GlobalIndex> = []
  private var outcomes: [FunctionIndex: Outcome] = [:]
  private var isReading: Set<FunctionIndex> = []
  /// Functions that are called more than once, or call themselves.
  private var whole: Set<FunctionIndex> = []
  /// Calls in what stays of a function, by the function that calls.
  private var keptCalls: [FunctionIndex: [Int]] = [:]
  private var relocates = false
  /// Instructions and locals that may still be looked at, so that no input takes forever.
  private var budget: Int
  /// Whether it is known which bytes are where in the block when the start-up begins.
  private lazy var canStore =
    !unit.segments.contains { $0.placement == .passive } && !findOverlapOfPieces()
    && unit.libraryMemory != nil

  init(_ unit: ModuleDraft) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
    budget = unit.readingBudget
    globals = facts.globals
    // When the start-up begins, variables have the values they are declared with.
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    for (index, global) in unit.globals.enumerated() where global.type.isMutable {
      guard global.type.valueType == 0x7F || global.type.valueType == 0x7E else { continue }
      globals[unit.globalImports.count + index] = evaluator.value(of: global.initializer)
    }
  }

  /// A reader for other code than the start-up's: nothing is known of variables, but of some.
  init(_ unit: ModuleDraft, with values: [GlobalIndex: SymbolicValue]) {
    self.init(unit)
    globals = facts.globals
    for (global, value) in values where Int(global) < globals.count { globals[Int(global)] = value }
  }

  /// Reads everything, and tells the unit.
  static func run(_ unit: ModuleDraft) {
    var reader = StartUpReader(unit)
    reader.readRoots()
    reader.finish()
    unit.lifted = reader.facts
    DataRelocations(unit, reader.facts)?.add(reader.performed.stores)
    ThreadLocalRelocations.run(unit, behind: reader.performed.stores)
  }

  // MARK: In the order of a loader

  private mutating func readRoots() {
    if let start = unit.startFunction, read(start) == .done { unit.startFunction = nil }
    relocates = true
    let isForGlobals = facts.relocationFunctions.map { name(of: $0) == "__wasm_apply_global_relocs" }
    let functions = zip(facts.relocationFunctions, isForGlobals)
    let ordered = functions.filter(\.1).map(\.0) + functions.filter { !$0.1 }.map(\.0)
    facts.relocationFunctions = ordered.filter { read($0) != .done }
    // Constructors run when those of other libraries have, which may have set what they could reach.
    for index in unit.globals.indices {
      let global = GlobalIndex(unit.globalImports.count + index)
      if unit.globals[index].type.isMutable, facts.assignedGlobals[global] == nil { globals[Int(global)] = nil }
    }
    // Toolchains before 2020 had no export for it: the constructors call it first.
    let hasNone = facts.relocationFunctions.isEmpty && facts.done.isEmpty
    let constructors = Set(facts.constructors)
    facts.constructors = callersOnly(facts.constructors)
    for constructor in facts.constructors {
      readLeadingCalls(of: constructor, limit: hasNone ? 1 : 0, except: constructors)
    }
  }

  /// Reads what a constructor calls first, which may be a function that relocates, and may be a constructor like others: that
  /// is what it is if nothing of it is done.
  private mutating func readLeading(_ function: FunctionIndex) -> Outcome {
    let (stores, kept) = (performed.stores.count, facts.keptStartUpCode.count)
    relocates = false
    defer { relocates = true }
    let outcome = read(function)
    guard performed.stores.count > stores else { return outcome }
    for index in facts.keptStartUpCode.indices[kept...] { facts.keptStartUpCode[index].relocates = true }
    return outcome
  }

  /// Reads functions that the body of `function` calls before it does anything else, and notes those calls as done.
  private mutating func readLeadingCalls(
    of function: FunctionIndex, limit: Int, except constructors: Set<FunctionIndex>
  ) {
    let index = Int(function) - unit.functionImports.count
    guard index >= 0, index < unit.functions.count, outcomes[function] == nil else { return }
    var code = unit.file.reader(of: unit.functions[index].body)
    guard (try? code.skipLocals()) != nil else { return }
    var reader = InstructionReader(code)
    var left = limit
    while let instruction = try? reader.next(), instruction.opcode == .call {
      let callee = FunctionIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
      if outcomes[callee] == nil {
        guard left > 0, isPlain(callee), !constructors.contains(callee) else { return }
        left -= 1
      } else if !facts.done.functions.contains(callee) {
        return
      }
      guard readLeading(callee) == .done else { return }
      facts.done.calls.insert(instruction.operandOffset)
    }
  }

  private mutating func finish() {
    for (function, calls) in keptCalls where outcomes[function] == .stays { facts.done.startUpCalls.formUnion(calls) }
    dropEmptyConstructors()
    for function in facts.relocationFunctions + (unit.startFunction.map { [$0] } ?? []) {
      facts.effects[function] = FunctionEffects(of: function, in: unit, without: facts.done)
    }
  }

  /// Without those that another one calls: `_initialize` of a reactor calls `__wasm_call_ctors`.
  private func callersOnly(_ constructors: [FunctionIndex]) -> [FunctionIndex] {
    guard constructors.count > 1 else { return constructors }
    var called: Set<FunctionIndex> = []
    for constructor in constructors where !called.contains(constructor) {
      called.formUnion(unit.callees(of: constructor).subtracting([constructor]))
    }
    return constructors.filter { !called.contains($0) }
  }

  /// A constructor without anything to do asks for nobody who calls it: every library has the function.
  private mutating func dropEmptyConstructors() {
    let empty = facts.constructors.filter { facts.done.functions.contains($0) || isEmpty($0) }
    facts.done.functions.formUnion(empty)
    facts.constructors.removeAll(where: empty.contains)
  }

  private func isEmpty(_ function: FunctionIndex) -> Bool {
    guard isPlain(function), outcomes[function] == nil, var reader = unit.body(of: function) else { return false }
    while let instruction = try? reader.next() {
      switch instruction.opcode {
      case .nop: continue
      case .end where reader.depth == 0: return true
      case .call where facts.done.calls.contains(instruction.operandOffset): continue
      default: return false
      }
    }
    return false
  }

  private func name(of function: FunctionIndex) -> ByteString {
    let name = unit.symbols[Int(facts.symbol(function))].name
    return unit.exports.first { $0.function == function }?.name ?? name
  }

  /// Whether the unit defines a function that takes and gives nothing.
  private func isPlain(_ function: FunctionIndex) -> Bool {
    let index = Int(function) - unit.functionImports.count
    return index >= 0 && index < unit.functions.count && unit.types.isEmptyFunction(unit.functions[index].type)
  }

  // MARK: Functions

  /// Reads one function at this point of the start-up.
  mutating func read(_ function: FunctionIndex, depth: Int = 0) -> Outcome {
    guard isPlain(function), depth < 64 else { return giveUp(function) }
    if isReading.contains(function) { return giveUp(function) }
    if let outcome = outcomes[function] {
      // What was done once is done; with other code in between, it has to be done again.
      return outcome == .done && kept.isEmpty ? .done : giveUp(function)
    }
    if performed.stores.isEmpty, kept.isEmpty, SharedDataSetUp.perform(function, of: unit, facts) {
      facts.done.functions.insert(function)
      facts.dataSetUp = function
      outcomes[function] = .done
      return .done
    }
    isReading.insert(function)
    defer { isReading.remove(function) }
    guard var body = StartUpBody(unit, function, &budget) else { return giveUp(function) }
    let isRelocating = relocates
    if name(of: function).hasPrefix("__wasm_apply_") { relocates = true }
    var report = KeptStartUpCode(function: function, name: name(of: function))
    // Handing on the budget as a part of this would copy all of it for every statement.
    var left = budget
    var statement = StartUpStatement(at: 0)
    while body.next(self, &left, into: &statement) {
      budget = left
      settle(statement, &body, &report, depth: depth)
      left = budget
    }
    budget = left
    report.relocates = relocates
    relocates = isRelocating
    return conclude(body, report)
  }

  /// The function runs as it is, at this point and wherever else it is called.
  private mutating func giveUp(_ function: FunctionIndex) -> Outcome {
    whole.insert(function)
    facts.done.functions.remove(function)
    facts.done.runs[function] = nil
    outcomes[function] = .unread
    touchEverything()
    return .unread
  }

  private mutating func touchEverything() {
    kept.touchEverything()
    for index in globals.indices where isVariable(index) { globals[index] = nil }
  }

  private func isVariable(_ global: Int) -> Bool {
    facts.globals[global] == nil
  }

  private mutating func conclude(_ body: StartUpBody, _ report: KeptStartUpCode) -> Outcome {
    let function = body.function
    let (runs, keptSize) = body.conclude()
    var report = report
    report.size = keptSize
    if report.size == 0, !whole.contains(function) {
      facts.done.functions.insert(function)
      outcomes[function] = .done
      return .done
    }
    facts.keptStartUpCode.append(report)
    if whole.contains(function) { return giveUp(function) }
    // Without runs too: who calls this at run time needs the whole of what it calls.
    facts.done.runs[function] = runs
    outcomes[function] = .stays
    return .stays
  }

  // MARK: Statements

  /// Decides whether a statement is done or stays.
  private mutating func settle(
    _ statement: StartUpStatement, _ body: inout StartUpBody, _ report: inout KeptStartUpCode, depth: Int
  ) {
    if let callee = statement.call {
      let outcome = read(callee, depth: depth + 1)
      if outcome != .done {
        keptCalls[body.function, default: []].append(statement.callOffset)
        body.keep(statement)
        if outcome == .unread {
          report.add(.init(offset: statement.range.lowerBound, opcode: .call, reason: "the function cannot be read"))
        }
      }
      return
    }
    if let reason = statement.reason ?? perform(statement, body.function) {
      report.add(reason)
      keep(statement)
      body.keep(statement)
    } else {
      body.remove(statement)
    }
  }

  private mutating func keep(_ statement: StartUpStatement) {
    if statement.touchesEverything { touchEverything() }
    for range in statement.touched { kept.touchMemory(range) }
    for global in statement.readGlobals { kept.touchGlobal(global) }
    for global in statement.unknownGlobals {
      kept.touchGlobal(global)
      if Int(global) < globals.count, isVariable(Int(global)) { globals[Int(global)] = nil }
    }
    for action in statement.actions {
      switch action {
      case .store(let address, _, let width): kept.touchMemory(place(address, Int64(width)))
      case .clear(let address, let count): kept.touchMemory(place(address, count))
      case .set(let global, let value):
        kept.touchGlobal(global)
        if isVariable(Int(global)) { globals[Int(global)] = value }
      }
    }
  }

  /// Where in the unit's block an access goes; `nil` if it goes elsewhere, or may.
  func place(_ address: SymbolicValue?, _ count: Int64) -> Range<Int64>? {
    guard let address, let block = facts.memoryBlock, address.base == block.base, address.addend >= 0, count >= 0
    else { return nil }
    let (end, overflow) = address.addend.addingReportingOverflow(count)
    guard !overflow, end <= Int64(clamping: unit.segments[Int(block.segment)].size), end <= 1 << 31 else {
      return nil
    }
    return address.addend..<end
  }

  /// Does what a statement does; or says why that cannot be. Then it stays, and what was done of it is done again.
  private mutating func perform(_ statement: StartUpStatement, _ function: FunctionIndex) -> KeptStartUpCode.Statement?
  {
    func because(_ reason: StaticString) -> KeptStartUpCode.Statement {
      .init(offset: statement.lastInstruction, opcode: statement.lastOpcode, reason: reason)
    }
    for action in statement.actions {
      switch action {
      case .store(let address, let value, let width):
        guard let place = place(address, Int64(width)) else {
          return because("the place is not known to be in the library's data")
        }
        guard canStore else {
          return because("which data segment is there depends on code")
        }
        guard value.base != .tableBlock || facts.functionBlock.function(atSlot: value.addend) != nil else {
          return because("the value is no address that a relocation can name")
        }
        let store = PerformedStores.Store(
          offset: UInt64(place.lowerBound), value: value, width: width, function: function)
        guard !kept.touches(place), performed.add(store) else {
          return because("other start-up code may use this place before")
        }
      case .clear(let address, let count):
        guard let place = place(address, count), isZero(place), !kept.touches(place),
          performed.clear(place, function: function)
        else {
          return because("the memory may be something else than zero")
        }
      case .set(let global, let value):
        guard canSet(global, to: value, in: statement) else {
          return because("other start-up code may use this global before")
        }
      }
    }
    for global in statement.readGlobals where isVariable(Int(global)) { readGlobals.insert(global) }
    for case .set(let global, let value) in statement.actions {
      globals[Int(global)] = value
      facts.assignedGlobals[global] = value
    }
    return nil
  }

  /// Whether a global may have a value from the beginning.
  private func canSet(_ global: GlobalIndex, to value: SymbolicValue, in statement: StartUpStatement) -> Bool {
    guard !kept.touches(global: global), isVariable(Int(global)), Int(global) >= unit.globalImports.count else {
      return false
    }
    if let assigned = facts.assignedGlobals[global] { return assigned == value }
    return globals[Int(global)] == value || !readGlobals.contains(global) && !statement.readGlobals.contains(global)
  }

  /// Whether memory is zero in a range of the block when the program starts.
  private func isZero(_ range: Range<Int64>) -> Bool {
    unit.segments.allSatisfy { segment in
      guard case .inside(_, let offset) = segment.placement else { return true }
      return offset >= UInt64(range.upperBound) || offset + UInt64(segment.count) <= UInt64(range.lowerBound)
    }
  }

  /// Whether data segments overlap, so that which byte is initialised by which depends on their order.
  private func findOverlapOfPieces() -> Bool {
    guard let block = facts.memoryBlock else { return false }
    let pieces = unit.pieces(ofBlock: block.segment)
    return zip(pieces, pieces.dropFirst()).contains { $0.end > $1.start }
  }
}
