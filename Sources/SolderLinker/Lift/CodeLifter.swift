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
    /// For each function of the run, how many relocations it has.
    var counts: [UInt32] = []
    var assignedGlobals: Set<UInt32> = []
    var needsTableBlock = false
    var namedFunctions: Set<UInt32> = []
    /// Relocation functions that were read, but that code needs all the same.
    var neededFunctions: Set<UInt32> = []
    var namesSegments = false
    var namedElements: Set<UInt32> = []
    var error: FormatError?
  }

  /// Divides the code of the units into tasks of about `bytes` bytes.
  static func tasks(for units: [Unit], memoryOwner: Unit?, bytes: Int = 1 << 18) -> [Task] {
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

  static func run(_ task: Task) -> Result {
    task.movesMemory
      ? run(task, CodeVisitor<MovesMemory>.self) : run(task, CodeVisitor<KeepsMemory>.self)
  }

  private static func run<Memory: MemoryPolicy>(_ task: Task, _: CodeVisitor<Memory>.Type) -> Result {
    var result = Result()
    guard let facts = task.unit.lifted else { return result }
    let bytes = task.functions.reduce(0) { $0 + Int(task.unit.functions[$1].body.size) }
    result.relocations.reserveCapacity(bytes / 8)
    var visitor = CodeVisitor<Memory>(task.unit, facts)
    let marks = OperandMarks()
    do {
      for index in task.functions {
        let before = visitor.relocations.count
        let function = UInt32(task.unit.functionImports.count + index)
        if !facts.readFunctions.contains(function) {
          var reader = task.unit.reader(of: task.unit.functions[index].body)
          _ = try scanLocals(&reader, &visitor)
          try scanCode(&reader, readableEnd: task.unit.file.bytes.end, marks, &visitor)
          guard reader.isAtEnd else { throw FormatError("code goes on behind its end", at: reader.offset) }
        }
        result.counts.append(UInt32(visitor.relocations.count - before))
      }
    } catch {
      result.error = error as? FormatError
    }
    result.relocations = visitor.relocations
    result.assignedGlobals = visitor.assignedGlobals
    result.needsTableBlock = visitor.needsTableBlock
    result.namedFunctions = visitor.namedFunctions
    result.neededFunctions = visitor.neededFunctions
    result.namesSegments = visitor.namesSegments
    result.namedElements = visitor.namedElements
    return result
  }

  /// Joins the results of all tasks into their units.
  static func join(_ tasks: [Task], _ results: [Result], _ diagnostics: Diagnostics) {
    var needed: [UInt32: Set<UInt32>] = [:]
    for (task, result) in zip(tasks, results) {
      let unit = task.unit
      if let error = result.error {
        diagnostics.error(error, in: unit.file)
        continue
      }
      var next = UInt32(unit.relocations.count)
      unit.relocations += result.relocations
      for (index, count) in zip(task.functions, result.counts) {
        unit.functions[index].body.relocations = RelocationRange(start: next, end: next + count)
        next += count
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
      let result = run(Task(unit: unit, functions: index..<index + 1, movesMemory: false))
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
private protocol MemoryPolicy {
  static var isMoved: Bool { get }
}

private enum MovesMemory: MemoryPolicy {
  static var isMoved: Bool { true }
}

private enum KeepsMemory: MemoryPolicy {
  static var isMoved: Bool { false }
}

/// Turns operands into relocations against the unit's symbols.
private struct CodeVisitor<Memory: MemoryPolicy>: OperandVisitor {
  static var wantsImplicitMemory: Bool { Memory.isMoved }

  let unit: Unit
  let facts: LiftedFacts
  let importedGlobals: Int
  let functionCount: UInt32
  let globalCount: UInt32
  // Counted once: asking the unit for each operand costs a check for overlapping accesses each time.
  let tableCount: Int
  let tagCount: Int
  let typeCount: Int
  let hasReadFunctions: Bool
  var relocations: [Relocation] = []
  var assignedGlobals: Set<UInt32> = []
  var needsTableBlock = false
  var neededFunctions: Set<UInt32> = []
  var namesSegments = false
  var namedElements: Set<UInt32> = []
  /// Symbols of functions that `ref.func` names.
  var namedFunctions: Set<UInt32> = []

  init(_ unit: Unit, _ facts: LiftedFacts) {
    self.unit = unit
    self.facts = facts
    importedGlobals = unit.globalImports.count
    functionCount = UInt32(unit.functionImports.count + unit.functions.count)
    globalCount = UInt32(unit.globalImports.count + unit.globals.count)
    tableCount = unit.tableImports.count + unit.tables.count
    tagCount = unit.tagImports.count + unit.tags.count
    typeCount = unit.types.count
    hasReadFunctions = !facts.readFunctions.isEmpty
  }

  mutating func operand(_ operand: Operand) throws(FormatError) {
    var relocation = Relocation(operand)
    switch operand.kind {
    case .function:
      guard operand.value < functionCount else { throw missing("function", operand) }
      relocation.target = facts.functionSymbols + operand.value
      if operand.opcode == .refFunc { namedFunctions.insert(relocation.target) }
      if hasReadFunctions, facts.readFunctions.contains(operand.value) {
        if facts.removedCalls.contains(operand.offset) {
          relocation.kind = .removedCall
        } else {
          neededFunctions.insert(operand.value)
        }
      }
    case .global:
      guard operand.value < globalCount else { throw missing("global", operand) }
      if operand.opcode == .globalGet, let value = facts.globals[Int(operand.value)] {
        relocation = constantRelocation(value, operand)
      } else {
        if operand.opcode != .globalGet { assignedGlobals.insert(operand.value) }
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
      guard Int(operand.value) < unit.memoryImports.count + unit.memories.count else {
        throw missing("memory", operand)
      }
    case .data:
      guard Int(operand.value) < unit.segments.count else { throw missing("data segment", operand) }
      namesSegments = true
    case .element:
      guard Int(operand.value) < unit.elements.count else { throw missing("element segment", operand) }
      namedElements.insert(operand.value)
    case .implicitMemory: break
    }
    relocations.append(relocation)
  }

  private func missing(_ what: String, _ operand: Operand) -> FormatError {
    FormatError("\(what) \(operand.value) does not exist", at: operand.offset)
  }

  /// `global.get` of a known value becomes the value.
  private mutating func constantRelocation(_ value: SymbolicValue, _ operand: Operand) -> Relocation {
    var relocation = Relocation(operand)
    var value = value
    if value.base == .tableBlock {
      if let slot = addedConstant(operand), let symbol = facts.symbol(atSlot: slot, of: unit) {
        // `__table_base + slot` names one function: its slot, less what will be added.
        value = SymbolicValue(base: .slot(symbol: symbol), addend: -slot)
      } else {
        needsTableBlock = true
      }
    }
    if !relocation.become(value, is64: unit.globalType(operand.value)?.valueType == 0x7E) {
      relocation.target = facts.globalSymbols + operand.value
    }
    return relocation
  }

  /// The constant that is added to a base right here, in either order.
  private func addedConstant(_ operand: Operand) -> Int64? {
    func isAdd(at offset: Int) -> Bool {
      offset < unit.file.bytes.end && [0x6A, 0x7C].contains(unit.file.bytes.base[offset])
    }
    if isAdd(at: operand.end), let before = constant(in: operand.previous..<operand.instruction) {
      return isUsedAsItIs(behind: operand.end + 1) ? before.value : nil
    }
    guard let behind = constant(in: operand.end..<unit.file.bytes.end), isAdd(at: behind.end),
      isUsedAsItIs(behind: behind.end + 1)
    else { return nil }
    return behind.value
  }

  /// The number of the `i32.const` or `i64.const` at the beginning of `range`, and where it ends.
  private func constant(in range: Range<Int>) -> (value: Int64, end: Int)? {
    var reader = ByteReader(unit.file.bytes.base, range)
    guard let opcode = try? reader.byte(), opcode == 0x41 || opcode == 0x42, let value = try? reader.s64() else {
      return nil
    }
    return (value, reader.offset)
  }

  /// Whether the value on top of the stack before `offset` is used for what it is: the slot of one function. A compiler
  /// may go on computing with it (`slot + number` in a table of its own), which needs the neighbours in their places.
  ///
  /// Follows the stack as far as it is plain to see. What produces other values in between is left behind.
  private func isUsedAsItIs(behind offset: Int) -> Bool {
    var reader = InstructionReader(ByteReader(unit.file.bytes.base, offset..<unit.file.bytes.end))
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
