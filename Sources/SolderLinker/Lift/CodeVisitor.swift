import WebAssemblyFormat

/// Turns operands into relocations against the unit's symbols.
struct CodeVisitor<Memory: MemoryPolicy>: BodyVisitor {
  static var wantsImplicitMemory: Bool { Memory.isMoved }

  private let lifter: CodeLifter
  private let row: Int
  /// What was found in the tasks that are done.
  private(set) var finished: [(task: Int, result: CodeLifter.Result)] = []
  /// The task that is worked on, and which functions of it are to come.
  private var task: Int?
  private var functions = 0..<0
  private var result = CodeLifter.Result()
  // What the task is about, looked up once: asking the unit for each operand costs a check for overlapping accesses each
  // time.
  private var unit: InputModule?
  private var file = InputFile.nothing
  private var code: [Function] = []
  private var facts = LiftedFacts()
  private var functionSymbols = SymbolIndex(0)
  private var functionCount: UInt32 = 0
  private var firstDefined = FunctionIndex(0)
  private var globals: [GlobalRead] = []
  private var tableCount = 0
  private var tagCount = 0
  private var typeCount = 0
  private var memoryCount = 0
  private var segmentCount = 0
  private var elementCount = 0
  /// Whether some code is left out, and among which functions.
  private var doneFunctions = FunctionIndex(0)..<FunctionIndex(0)
  /// The global that was found to be assigned last: mostly it is the stack pointer, again.
  private var lastAssigned: GlobalIndex?
  /// Whether the body that is scanned reads a base.
  private var mayFold = false
  /// Where it reads globals of known values to which numbers may be added, or which go to a local.
  private var uses = ReusedRow<UInt32>()
  /// Where the body that is scanned takes slots from a table that it may have computed.
  private var slotUses: [UInt32] = []
  private var folder: CodeFolder?
  private var slotFolder: SlotFolder?
  private var isForObject = false
  private var movesAddresses = false
  /// The function that is scanned, among those that the unit defines.
  private var current = 0

  /// - Parameter row: which tasks it works on.
  init(_ lifter: CodeLifter, row: Int) {
    self.lifter = lifter
    self.row = row
  }

  // MARK: Bodies

  mutating func nextBody() -> ScannedBody? {
    while true {
      guard let index = functions.popFirst() else {
        finishTask()
        guard beginTask() else { return nil }
        continue
      }
      forgetUses()
      let start = UInt32(result.relocations.count)
      result.closeRange()
      result.ranges.append(RelocationRange(start: start, end: start))
      let isDone = doneFunctions.contains(firstDefined + index)
      if isDone, facts.done.functions.contains(firstDefined + index) { continue }
      current = index
      let body = code[index].body
      var reader = file[Int(body.start)..<Int(body.start) + Int(body.size)]
      if isDone, let runs = facts.done.runs[firstDefined + index] {
        scanWhatStays(reader, runs)
        continue
      }
      if !reader.skipPlainLocals() {
        do throws(FormatError) {
          _ = try scanLocals(&reader, &self)
        } catch {
          fail(error)
          continue
        }
      }
      return ScannedBody(reader, readableEnd: file.end)
    }
  }

  /// Another body begins.
  @inline(__always)
  private mutating func forgetUses() {
    if !slotUses.isEmpty { slotUses.removeAll(keepingCapacity: true) }
    if uses.isEmpty { return }
    uses.removeAll()
    mayFold = false
  }

  /// Folds what the body computes from a base.
  mutating func endBody(_ body: ScannedBody, _ places: CodePlaces) {
    foldBody(body, places)
    guard !slotUses.isEmpty, result.computedSlot == nil, let range = result.ranges.last else { return }
    let edits = result.relocations[Int(range.start)...]
    // Mostly what is computed is the slot of one function, which folding knows.
    if !isForObject, slotUses.allSatisfy({ edits.isKnown(inFrontOf: $0) }) { return }
    var slots = ComputedSlots(body.reader, edits)
    if let place = slots.first(followsLocals: isForObject) { result.computedSlot = (current, place) }
  }

  private mutating func foldBody(_ body: ScannedBody, _ places: CodePlaces) {
    guard mayFold, let range = result.ranges.last else { return }
    let first = Int(range.start)
    // The unit is shared by all threads: whoever takes it for each body makes them wait for each other.
    if folder == nil, let unit { folder = CodeFolder(unit, movesAddresses: movesAddresses) }
    let needsTableBlock = folder?.fold(body.reader, places, uses, &result.relocations, from: first)
    guard needsTableBlock == true, let unit else { return }
    if !foldSlots(unit, body, from: first) { result.needsTableBlock = true }
  }

  /// Looks at the whole function for what it means by slots of the table.
  ///
  /// - Parameter first: where the relocations of the body begin among those of the run.
  private mutating func foldSlots(_ unit: InputModule, _ body: ScannedBody, from first: Int) -> Bool {
    var slots = slotFolder ?? SlotFolder(unit, forObject: isForObject)
    defer { slotFolder = slots }
    let folded = result.relocations[first...]
    guard let edits = slots.edits(of: body.reader, code[current], folded) else { return false }
    let replaced = Set(edits.map(\.offset))
    let rest = folded.filter { !replaced.contains($0.offset) }
    if rest.contains(where: { $0.isInTableBlock }) { return false }
    result.relocations.replaceSubrange(first..., with: (rest + edits).sorted { $0.offset < $1.offset })
    return true
  }

  /// Scans the body of a function of which only a part stays.
  private mutating func scanWhatStays(_ body: ByteReader, _ runs: [Range<Int>]) {
    var reader = body
    do throws(FormatError) {
      _ = try scanLocals(&reader, &self)
      var visitor = PartVisitor(visitor: self, runs: runs)
      try scanInstructions(&reader, &visitor)
      visitor.finish()
      self = visitor.visitor
      // Other bodies are folded; here the runs that go are in the way.
      if mayFold, result.relocations.contains(where: { $0.isInTableBlock }) {
        result.needsTableBlock = true
      }
    } catch {
      fail(error)
    }
  }

  /// Instructions go, with the operands in them.
  fileprivate mutating func remove(_ run: Range<Int>) {
    for start in stride(from: run.lowerBound, to: run.upperBound, by: FlowStep.longest) {
      result.relocations.append(.removal(of: start..<min(start + FlowStep.longest, run.upperBound)))
    }
  }

  mutating func fail(_ error: FormatError) {
    result.error = error
    functions = 0..<0
  }

  private mutating func finishTask() {
    guard let task else { return }
    result.closeRange()
    finished.append((task, result))
    result = CodeLifter.Result()
    self.task = nil
  }

  private mutating func beginTask() -> Bool {
    guard let (index, next) = lifter.take(row: row) else { return false }
    task = index
    functions = next.functions
    lastAssigned = nil
    result.ranges.reserveCapacity(functions.count)
    if next.unit !== unit { use(next) }
    if let last = functions.last {
      let (first, last) = (code[functions.lowerBound].body, code[last].body)
      // Folding edits reads of locals, too.
      result.relocations.reserveCapacity(Int(last.start + last.size - first.start) / (next.folds ? 20 : 32))
    }
    return true
  }

  private mutating func use(_ task: CodeLifter.Task) {
    let unit = task.unit
    self.unit = unit
    folder = nil
    slotFolder = nil
    file = unit.file.bytes
    code = unit.functions
    facts = unit.lifted ?? LiftedFacts()
    facts.done = task.done
    firstDefined = FunctionIndex(unit.functionImports.count)
    functionSymbols = facts.functionSymbols
    functionCount = UInt32(unit.functionImports.count + unit.functions.count)
    globals = GlobalRead.all(of: unit, facts)
    tableCount = unit.tableImports.count + unit.tables.count
    tagCount = unit.tagImports.count + unit.tags.count
    typeCount = unit.types.count
    memoryCount = unit.memoryImports.count + unit.memories.count
    segmentCount = unit.segments.count
    elementCount = unit.elements.count
    isForObject = task.isForObject
    movesAddresses = task.movesAddresses
    let done = facts.done.functions.union(facts.done.runs.keys)
    doneFunctions = FunctionIndex(0)..<FunctionIndex(0)
    if let first = done.min(), let last = done.max() { doneFunctions = first..<last + 1 }
  }

  // MARK: Operands

  @inline(__always)
  mutating func operand(_ operand: Operand) throws(FormatError) {
    // Two of three are calls, and nearly all calls are of this kind.
    guard operand.opcode == .call, operand.value < functionCount,
      !doneFunctions.contains(FunctionIndex(rawValue: operand.value))
    else {
      if operand.opcode == .globalGet, Int(operand.value) < globals.count { return readGlobal(operand) }
      return try anyOperand(operand)
    }
    result.relocations.append(
      Relocation(
        .functionIndexLEB, at: UInt32(truncatingIfNeeded: operand.offset),
        width: UInt8(truncatingIfNeeded: operand.length), target: (functionSymbols + operand.value).rawValue))
  }

  private mutating func anyOperand(_ operand: Operand) throws(FormatError) {
    var relocation = Relocation(operand)
    switch operand.kind {
    case .function:
      guard operand.value < functionCount else { throw missing("function", operand) }
      let function = FunctionIndex(rawValue: operand.value)
      relocation.target = facts.symbol(function).rawValue
      if operand.opcode == .refFunc { result.namedFunctions.insert(relocation.namedSymbol) }
      let mayBeDone = doneFunctions.contains(function)
      if mayBeDone, facts.done.functions.contains(function) {
        if facts.done.calls.contains(operand.offset) {
          relocation.replaceInstruction(of: operand, by: .nothing)
          relocation.kind = .removedCall
        } else {
          result.neededFunctions.insert(function)
        }
      } else if mayBeDone, facts.done.runs[function] != nil,
        !facts.done.startUpCalls.contains(operand.offset)
      {
        result.neededFunctions.insert(function)
      }
    case .global:
      guard Int(operand.value) < globals.count else { throw missing("global", operand) }
      if operand.opcode == .globalGet { return readGlobal(operand) }
      let global = GlobalIndex(rawValue: operand.value)
      if global != lastAssigned {
        result.assignedGlobals.insert(global)
        lastAssigned = global
      }
      relocation.target = facts.symbol(global).rawValue
    case .table:
      guard Int(operand.value) < tableCount else { throw missing("table", operand) }
      let table = TableIndex(rawValue: operand.value)
      if operand.opcode.changesTable { result.changedTables.insert(table) }
      if operand.opcode == .tableGrow { result.grownTables.insert(table) }
      noteSlot(operand)
      relocation.target = facts.symbol(table).rawValue
    case .tag:
      guard Int(operand.value) < tagCount else { throw missing("tag", operand) }
      relocation.target = facts.symbol(TagIndex(rawValue: operand.value)).rawValue
    case .type, .signedType:
      guard Int(operand.value) < typeCount else { throw missing("type", operand) }
      noteSlot(operand)
    case .memory:
      guard Int(operand.value) < memoryCount else {
        throw missing("memory", operand)
      }
    case .data:
      guard Int(operand.value) < segmentCount else { throw missing("data segment", operand) }
      result.namesSegments = true
    case .element:
      guard Int(operand.value) < elementCount else { throw missing("element segment", operand) }
      result.namedElements.insert(ElementIndex(rawValue: operand.value))
    case .implicitMemory: break
    }
    result.relocations.append(relocation)
  }

  /// Notes that a slot is taken from a table, if what stands in front may be an instruction that computes.
  private mutating func noteSlot(_ operand: Operand) {
    guard operand.opcode.takesSlot, operand.instruction > 1 else { return }
    let last = Opcode(rawValue: UInt16(file[operand.instruction - 1]))
    var start = operand.instruction - 2
    while start > 0, file[start] >= 0x80 { start -= 1 }
    let isSum = last.computesWithNumbers || last.changesWidth || file[start] == 0x22
    if isSum || isForObject { slotUses.append(UInt32(truncatingIfNeeded: operand.instruction)) }
  }

  mutating func exceptionInstruction(_ opcode: Opcode) {
    if let form = ExceptionForm(opcode) { result.catching.note(current, form) }
  }

  private func missing(_ what: String, _ operand: Operand) -> FormatError {
    FormatError("\(what) \(operand.value) does not exist", at: operand.offset)
  }

  /// Whether a value goes into a local, or may be part of a sum: only then there is something to fold.
  private func isUsedInSum(_ operand: Operand) -> Bool {
    guard operand.end < file.end else { return false }
    switch Opcode(rawValue: UInt16(file[operand.end])) {
    // An index, and not what is stored there.
    case .localGet:
      return movesAddresses && operand.end + 2 < file.end && !(0x36...0x3E).contains(file[operand.end + 2])
    case .localSet, .localTee, .globalGet, .i32Const, .i64Const, .i32Add, .i32Sub, .i64Add, .i64Sub: return true
    default: return false
    }
  }

  /// `global.get` of a known value becomes the value.
  @inline(__always)
  private mutating func readGlobal(_ operand: Operand) {
    let read = globals[Int(operand.value)]
    result.relocations.append(read.edit(of: operand))
    guard read.value != .plain, read.value == .tableBase || isUsedInSum(operand) else { return }
    mayFold = true
    uses.append(UInt32(truncatingIfNeeded: operand.instruction))
  }
}

/// Passes on the operands of a body outside of runs of instructions that go.
private struct PartVisitor<Memory: MemoryPolicy>: OperandVisitor {
  static var wantsImplicitMemory: Bool { Memory.isMoved }

  var visitor: CodeVisitor<Memory>
  let runs: [Range<Int>]
  private var next = 0

  init(visitor: CodeVisitor<Memory>, runs: [Range<Int>]) {
    self.visitor = visitor
    self.runs = runs
  }

  mutating func operand(_ operand: Operand) throws(FormatError) {
    while next < runs.count, runs[next].upperBound <= operand.instruction {
      visitor.remove(runs[next])
      next += 1
    }
    if next < runs.count, runs[next].contains(operand.instruction) { return }
    try visitor.operand(operand)
  }

  mutating func exceptionInstruction(_ opcode: Opcode) { visitor.exceptionInstruction(opcode) }

  mutating func finish() {
    for run in runs[next...] { visitor.remove(run) }
  }
}

extension ArraySlice<Relocation> {
  /// Whether one of these edits of a body, which are in order, replaces the instruction right in front of another one.
  fileprivate func isKnown(inFrontOf instruction: UInt32) -> Bool {
    let next = indices.partitionPoint { self[$0].offset < instruction }
    guard next > startIndex else { return false }
    return self[next - 1].encoding != .operand && self[next - 1].end == instruction
  }
}
