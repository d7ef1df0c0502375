import Synchronization
import WebAssemblyFormat

/// The second step of lifting: finds the relocations in the bodies of functions.
///
/// Bodies are independent, so the code of a unit is divided into runs of functions, one task each; the runs are then
/// joined in order.
struct CodeLifter {
  /// A run of functions of one unit, and what was found in them.
  struct Task: Sendable {
    let unit: Unit
    let functions: Range<Int>
    /// Whether memory 0 of the unit becomes another memory of the result, so that accesses must name it.
    let movesMemory: Bool
  }

  struct Result: Sendable {
    var relocations: [Relocation] = []
    /// For each function of the run, its relocations among those of the run.
    var ranges: [RelocationRange] = []
    var assignedGlobals: Set<UInt32> = []
    var needsTableBlock = false
    var namedFunctions: Set<UInt32> = []
    /// Relocation functions that were read, but that code needs all the same.
    var neededFunctions: Set<UInt32> = []
    var namesSegments = false
    var namedElements: Set<UInt32> = []
    var error: FormatError?

    /// What was found since the last function began belongs to that.
    mutating func closeRange() {
      guard !ranges.isEmpty else { return }
      ranges[ranges.count - 1].end = UInt32(relocations.count)
    }
  }

  /// Divides the code of the units into tasks of about `bytes` bytes.
  static func tasks(for units: [Unit], memoryOwner: Unit?, bytes: Int = 1 << 16) -> [Task] {
    var tasks: [Task] = []
    for unit in units where unit.isLifted {
      let movesMemory = unit.origin == .plainModule && unit !== memoryOwner
      var start = 0
      var size = 0
      for (index, function) in unit.functions.enumerated() {
        size += Int(function.body.size)
        if size >= bytes {
          tasks.append(Task(unit: unit, functions: start..<index + 1, movesMemory: movesMemory))
          start = index + 1
          size = 0
        }
      }
      if start < unit.functions.count {
        tasks.append(Task(unit: unit, functions: start..<unit.functions.count, movesMemory: movesMemory))
      }
    }
    return tasks
  }

  /// Goes through the functions of all tasks.
  static func run(_ tasks: [Task], _ threads: Threads) -> [Result] {
    let results = ParallelBuffer(repeating: Result(), count: tasks.count)
    run(TaskQueue(tasks, tasks.indices.filter { !tasks[$0].movesMemory }, results), KeepsMemory.self, threads)
    run(TaskQueue(tasks, tasks.indices.filter { tasks[$0].movesMemory }, results), MovesMemory.self, threads)
    return results.take()
  }

  private static func run<Memory: MemoryPolicy>(_ queue: TaskQueue, _: Memory.Type, _ threads: Threads) {
    guard !queue.isEmpty else { return }
    threads.forEach(threads.count) { _ in
      // Each visitor takes tasks until there are no more.
      var first = CodeVisitor<Memory>(queue)
      var second = CodeVisitor<Memory>(queue)
      var third = CodeVisitor<Memory>(queue)
      var fourth = CodeVisitor<Memory>(queue)
      scanBodies(&first, &second, &third, &fourth)
    }
  }

  /// Joins the results of all tasks into their units.
  static func join(_ tasks: [Task], _ results: [Result], _ diagnostics: Diagnostics, _ threads: Threads) {
    var needed: [UInt32: Set<UInt32>] = [:]
    var first = 0
    while first < tasks.count {
      let unit = tasks[first].unit
      let end = tasks[first...].firstIndex { $0.unit !== unit } ?? tasks.count
      joinRelocations(of: unit, tasks[first..<end], results[first..<end], threads)
      first = end
    }
    for (task, result) in zip(tasks, results) {
      let unit = task.unit
      if let error = result.error {
        diagnostics.error(error, in: unit.file)
        continue
      }
      unit.lifted?.variables.formUnion(result.assignedGlobals)
      needed[unit.index, default: []].formUnion(result.neededFunctions)
      if result.needsTableBlock { unit.lifted?.needsTableBlock = true }
      if result.namesSegments { unit.lifted?.namesSegments = true }
      unit.lifted?.namedFunctions.formUnion(result.namedFunctions)
      unit.lifted?.namedElements.formUnion(result.namedElements)
    }
    var last: Unit?
    for task in tasks where task.unit !== last {
      scanNeededAfterAll(of: task.unit, needed[task.unit.index] ?? [], diagnostics)
      foldAssignedGlobals(of: task.unit)
      last = task.unit
    }
  }

  /// Puts the relocations of a unit's tasks one behind the other, and tells functions which are theirs.
  private static func joinRelocations(
    of unit: Unit, _ tasks: ArraySlice<Task>, _ results: ArraySlice<Result>, _ threads: Threads
  ) {
    let declared = unit.relocations
    var count = declared.count
    let starts = results.map { result in
      defer { count += result.relocations.count }
      return count
    }
    let total = count
    unit.relocations = Array(unsafeUninitializedCapacity: total) { buffer, initialized in
      _ = buffer[..<declared.count].initialize(fromContentsOf: declared)
      unit.functions.withUnsafeMutableBufferPointer { functions in
        // Each task has its own functions, and its own run of relocations.
        nonisolated(unsafe) let (buffer, functions) = (buffer, functions)
        threads.forEach(tasks.count) { index in
          let result = results[results.startIndex + index]
          let start = starts[index]
          _ = buffer[start..<start + result.relocations.count].initialize(fromContentsOf: result.relocations)
          for (function, range) in zip(tasks[tasks.startIndex + index].functions, result.ranges) {
            functions[function].body.relocations = RelocationRange(
              start: UInt32(start) + range.start, end: UInt32(start) + range.end)
          }
        }
      }
      initialized = total
    }
  }

  /// A relocation function that was read has done its work, and its body goes; unless something needs it that is no
  /// part of the start-up: an export of its own, a table, a pointer, a call from other code.
  private static func scanNeededAfterAll(of unit: Unit, _ called: Set<UInt32>, _ diagnostics: Diagnostics) {
    guard let facts = unit.lifted, !facts.readFunctions.isEmpty else { return }
    var needed = called.union(facts.readFunctions.intersection(unit.elements.flatMap(\.functions)))
    let first = UInt32(unit.functionImports.count)
    for symbol in unit.symbols where symbol.kind == .function && !symbol.isLocal && !symbol.isUndefined {
      if symbol.aliasOf == none32 { needed.insert(first + symbol.element) }
    }
    needed.formIntersection(facts.readFunctions)
    var waiting = needed.sorted()
    while let function = waiting.popLast() {
      unit.lifted?.readFunctions.remove(function)
      let index = Int(function - first)
      let result = run([Task(unit: unit, functions: index..<index + 1, movesMemory: false)], Threads(1))[0]
      if let error = result.error { return diagnostics.error(error, in: unit.file) }
      let start = UInt32(unit.relocations.count)
      unit.relocations += result.relocations
      unit.functions[index].body.relocations = RelocationRange(start: start, end: UInt32(unit.relocations.count))
      // The globals that it sets have these values already, so they do not become variables.
      if result.needsTableBlock { unit.lifted?.needsTableBlock = true }
      waiting += result.neededFunctions.subtracting(needed).sorted()
      needed.formUnion(result.neededFunctions)
    }
  }

  /// Whether the instruction with this operand is `global.get`.
  private static func operandIsRead(_ relocation: Relocation, of unit: Unit) -> Bool {
    unit.file.bytes.base[Int(relocation.offset) - 1] == 0x23
  }

  /// Globals that only a relocation function sets, once, are constants after all.
  private static func foldAssignedGlobals(of unit: Unit) {
    guard let facts = unit.lifted, !facts.assignedGlobals.isEmpty else { return }
    let exported = Set(unit.exports.filter { $0.kind == .global }.map(\.index))
    let constants = facts.assignedGlobals.filter { !facts.variables.contains($0.key) && !exported.contains($0.key) }
    for index in unit.relocations.indices where unit.relocations[index].kind == .globalIndexLEB {
      let target = unit.relocations[index].target
      guard target >= facts.globalSymbols, var value = constants[target - facts.globalSymbols] else { continue }
      if value.base == .tableBlock {
        if let symbol = facts.symbol(atSlot: value.addend, of: unit) {
          value = SymbolicValue(base: .slot(symbol: symbol), addend: 0)
        } else {
          unit.lifted?.needsTableBlock = true
        }
      }
      guard operandIsRead(unit.relocations[index], of: unit) else { continue }
      _ = unit.relocations[index].become(
        value, is64: unit.globalType(target - facts.globalSymbols)?.valueType == 0x7E)
    }
    // What is not folded, for whatever reason, has its value when the program starts.
    for (global, value) in facts.assignedGlobals { unit.lifted?.initialValues[global] = value }
  }
}

/// Whether accesses to memory 0 are relocations, decided when the scanner is compiled.
private protocol MemoryPolicy: SendableMetatype {
  static var isMoved: Bool { get }
}

private enum MovesMemory: MemoryPolicy {
  static var isMoved: Bool { true }
}

private enum KeepsMemory: MemoryPolicy {
  static var isMoved: Bool { false }
}

/// Tasks that visitors on all threads take from.
private final class TaskQueue: Sendable {
  let tasks: [CodeLifter.Task]
  let results: ParallelBuffer<CodeLifter.Result>
  /// Those of the tasks that are in the queue.
  private let selected: [Int]
  private let next = Atomic<Int>(0)

  init(_ tasks: [CodeLifter.Task], _ selected: [Int], _ results: ParallelBuffer<CodeLifter.Result>) {
    self.tasks = tasks
    self.selected = selected
    self.results = results
  }

  var isEmpty: Bool { selected.isEmpty }

  /// The index of the next task, which is the caller's alone.
  func take() -> Int? {
    let position = next.add(1, ordering: .relaxed).oldValue
    return position < selected.count ? selected[position] : nil
  }
}

/// Turns operands into relocations against the unit's symbols.
private struct CodeVisitor<Memory: MemoryPolicy>: BodyVisitor {
  static var wantsImplicitMemory: Bool { Memory.isMoved }

  let queue: TaskQueue
  /// The task that is worked on, and which functions of it are to come.
  private var task: Int?
  private var functions = 0..<0
  private var result = CodeLifter.Result()
  // What the task is about, looked up once: asking the unit for each operand costs a check for overlapping accesses each
  // time.
  private var unit: Unit?
  private var file = ByteReader(InputFile.noBytes, 0..<0)
  private var code: [Function] = []
  private var facts = LiftedFacts()
  private var functionSymbols: UInt32 = 0
  private var functionCount: UInt32 = 0
  private var importedFunctions: UInt32 = 0
  private var globalCount: UInt32 = 0
  private var tableCount = 0
  private var tagCount = 0
  private var typeCount = 0
  private var memoryCount = 0
  private var hasReadFunctions = false
  /// The global that was found to be assigned last: mostly it is the stack pointer, again.
  private var lastAssigned = none32
  /// An instruction at or before the one that is being reported, in the same body.
  private var lastInstruction = 0

  init(_ queue: TaskQueue) { self.queue = queue }

  // MARK: Bodies

  mutating func nextBody() -> ScannedBody? {
    while true {
      guard let index = functions.popFirst() else {
        finishTask()
        guard beginTask() else { return nil }
        continue
      }
      let start = UInt32(result.relocations.count)
      result.closeRange()
      result.ranges.append(RelocationRange(start: start, end: start))
      if hasReadFunctions, facts.readFunctions.contains(importedFunctions + UInt32(index)) { continue }
      let body = code[index].body
      var reader = ByteReader(file.base, Int(body.start)..<Int(body.start) + Int(body.size))
      if !reader.skipPlainLocals() {
        do throws(FormatError) {
          lastInstruction = reader.offset
          _ = try scanLocals(&reader, &self)
        } catch {
          fail(error)
          continue
        }
      }
      lastInstruction = reader.offset
      return ScannedBody(reader, readableEnd: file.end)
    }
  }

  mutating func fail(_ error: FormatError) {
    result.error = error
    functions = 0..<0
  }

  private mutating func finishTask() {
    guard let task else { return }
    result.closeRange()
    queue.results[task] = result
    result = CodeLifter.Result()
    self.task = nil
  }

  private mutating func beginTask() -> Bool {
    guard let index = queue.take() else { return false }
    let next = queue.tasks[index]
    task = index
    functions = next.functions
    lastAssigned = none32
    result.ranges.reserveCapacity(functions.count)
    if next.unit !== unit { use(next.unit) }
    let bytes = functions.reduce(0) { $0 + Int(code[$1].body.size) }
    result.relocations.reserveCapacity(bytes / 32)
    return true
  }

  private mutating func use(_ unit: Unit) {
    self.unit = unit
    file = unit.file.bytes
    code = unit.functions
    facts = unit.lifted ?? LiftedFacts()
    importedFunctions = UInt32(unit.functionImports.count)
    functionSymbols = facts.functionSymbols
    functionCount = UInt32(unit.functionImports.count + unit.functions.count)
    globalCount = UInt32(unit.globalImports.count + unit.globals.count)
    tableCount = unit.tableImports.count + unit.tables.count
    tagCount = unit.tagImports.count + unit.tags.count
    typeCount = unit.types.count
    memoryCount = unit.memoryImports.count + unit.memories.count
    hasReadFunctions = !facts.readFunctions.isEmpty
  }

  // MARK: Operands

  @inline(__always)
  mutating func operand(_ operand: Operand) throws(FormatError) {
    // Two of three are calls, and nearly all calls are of this kind.
    guard operand.opcode == .call, operand.value < functionCount, !hasReadFunctions else {
      return try anyOperand(operand)
    }
    result.relocations.append(
      Relocation(
        .functionIndexLEB, at: UInt32(truncatingIfNeeded: operand.offset),
        width: UInt8(truncatingIfNeeded: operand.length), target: functionSymbols + operand.value))
    lastInstruction = operand.instruction
  }

  private mutating func anyOperand(_ operand: Operand) throws(FormatError) {
    var relocation = Relocation(operand)
    switch operand.kind {
    case .function:
      guard operand.value < functionCount else { throw missing("function", operand) }
      relocation.target = facts.functionSymbols + operand.value
      if operand.opcode == .refFunc { result.namedFunctions.insert(relocation.target) }
      if hasReadFunctions, facts.readFunctions.contains(operand.value) {
        if facts.removedCalls.contains(operand.offset) {
          relocation.kind = .removedCall
        } else {
          result.neededFunctions.insert(operand.value)
        }
      }
    case .global:
      guard operand.value < globalCount else { throw missing("global", operand) }
      if operand.opcode == .globalGet, let value = facts.globals[Int(operand.value)] {
        relocation = constantRelocation(value, operand)
      } else {
        if operand.opcode != .globalGet, operand.value != lastAssigned {
          result.assignedGlobals.insert(operand.value)
          lastAssigned = operand.value
        }
        relocation.target = facts.globalSymbols + operand.value
      }
    case .table:
      guard Int(operand.value) < tableCount else { throw missing("table", operand) }
      relocation.target = facts.tableSymbols + operand.value
    case .tag:
      guard Int(operand.value) < tagCount else { throw missing("tag", operand) }
      relocation.target = facts.tagSymbols + operand.value
    case .type, .signedType:
      guard Int(operand.value) < typeCount else { throw missing("type", operand) }
    case .memory:
      guard Int(operand.value) < memoryCount else {
        throw missing("memory", operand)
      }
    case .data:
      guard Int(operand.value) < unit?.segments.count ?? 0 else { throw missing("data segment", operand) }
      result.namesSegments = true
    case .element:
      guard Int(operand.value) < unit?.elements.count ?? 0 else { throw missing("element segment", operand) }
      result.namedElements.insert(operand.value)
    case .implicitMemory: break
    }
    result.relocations.append(relocation)
    lastInstruction = operand.instruction
  }

  private func missing(_ what: String, _ operand: Operand) -> FormatError {
    FormatError("\(what) \(operand.value) does not exist", at: operand.offset)
  }

  /// `global.get` of a known value becomes the value.
  private mutating func constantRelocation(_ value: SymbolicValue, _ operand: Operand) -> Relocation {
    var relocation = Relocation(operand)
    relocation.target = facts.globalSymbols + operand.value
    guard let unit else { return relocation }
    var value = value
    if value.base == .tableBlock {
      if let slot = addedConstant(operand, in: unit), let symbol = facts.symbol(atSlot: slot, of: unit) {
        // `__table_base + slot` names one function: its slot, less what will be added.
        value = SymbolicValue(base: .slot(symbol: symbol), addend: -slot)
      } else {
        result.needsTableBlock = true
      }
    }
    _ = relocation.become(value, is64: unit.globalType(operand.value)?.valueType == 0x7E)
    return relocation
  }

  /// The constant that is added to a base right here, in either order.
  private func addedConstant(_ operand: Operand, in unit: Unit) -> Int64? {
    let bytes = unit.file.bytes
    func isAdd(at offset: Int) -> Bool { offset < bytes.end && [0x6A, 0x7C].contains(bytes.base[offset]) }
    if isAdd(at: operand.end), let before = constant(before: operand.instruction, bytes) {
      return isUsedAsItIs(behind: operand.end + 1, bytes) ? before : nil
    }
    guard let behind = constant(at: operand.end, bytes), isAdd(at: behind.end),
      isUsedAsItIs(behind: behind.end + 1, bytes)
    else { return nil }
    return behind.value
  }

  /// The number of the `i32.const` or `i64.const` right before an instruction.
  ///
  /// Code cannot be read backwards, so this goes forward from the last instruction that was reported.
  private func constant(before instruction: Int, _ bytes: ByteReader) -> Int64? {
    var reader = InstructionReader(ByteReader(bytes.base, lastInstruction..<instruction), isInsideBlocks: true)
    var last: Instruction?
    while reader.reader.offset < instruction, let next = try? reader.next() { last = next }
    guard let last, last.opcode == .i32Const || last.opcode == .i64Const else { return nil }
    return last.first
  }

  /// The number of the `i32.const` or `i64.const` at `offset`, and where it ends.
  private func constant(at offset: Int, _ bytes: ByteReader) -> (value: Int64, end: Int)? {
    var reader = ByteReader(bytes.base, offset..<bytes.end)
    guard let opcode = try? reader.byte(), opcode == 0x41 || opcode == 0x42, let value = try? reader.s64() else {
      return nil
    }
    return (value, reader.offset)
  }

  /// Whether the value on top of the stack before `offset` is used for what it is: the slot of one function. A compiler
  /// may go on computing with it (`slot + number` in a table of its own), which needs the neighbours in their places.
  ///
  /// Follows the stack as far as it is plain to see. What produces other values in between is left behind.
  private func isUsedAsItIs(behind offset: Int, _ bytes: ByteReader) -> Bool {
    var reader = InstructionReader(ByteReader(bytes.base, offset..<bytes.end))
    var above = 0
    for _ in 0..<32 {
      guard let instruction = try? reader.next() else { return true }
      switch instruction.opcode {
      case .localGet, .globalGet, .i32Const, .i64Const: above += 1
      case .i32Load, .i64Load, .i64ExtendI32Signed, .i64ExtendI32Unsigned, .i32WrapI64: break
      case .i32Add, .i64Add, .i32Sub, .i64Sub, .i32Mul, .i64Mul, .i32ShiftLeft, .i64ShiftLeft:
        if above <= 1 { return false }
        above -= 1
      default: return true
      }
    }
    return true
  }
}
