import WebAssemblyFormat

/// Turns operands into relocations against the unit's symbols.
struct CodeVisitor<Memory: MemoryPolicy>: BodyVisitor {
  static var wantsImplicitMemory: Bool { Memory.isMoved }

  private let lifter: CodeLifter
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
  private var functionSymbols: UInt32 = 0
  private var functionCount: UInt32 = 0
  private var importedFunctions: UInt32 = 0
  private var globalCount: UInt32 = 0
  private var tableCount = 0
  private var tagCount = 0
  private var typeCount = 0
  private var memoryCount = 0
  private var hasDoneCode = false
  /// The global that was found to be assigned last: mostly it is the stack pointer, again.
  private var lastAssigned = none32
  /// An instruction at or before the one that is being reported, in the same body.
  private var lastInstruction = 0

  init(_ lifter: CodeLifter) { self.lifter = lifter }

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
      if hasDoneCode, facts.done.functions.contains(importedFunctions + UInt32(index)) { continue }
      let body = code[index].body
      var reader = ByteReader(file.base, Int(body.start)..<Int(body.start) + Int(body.size))
      if hasDoneCode, let runs = facts.done.runs[importedFunctions + UInt32(index)] {
        scanWhatStays(reader, runs)
        continue
      }
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

  /// Scans the body of a function of which only a part stays.
  private mutating func scanWhatStays(_ body: ByteReader, _ runs: [Range<Int>]) {
    var reader = body
    do throws(FormatError) {
      lastInstruction = reader.offset
      _ = try scanLocals(&reader, &self)
      lastInstruction = reader.offset
      var visitor = PartVisitor(visitor: self, runs: runs)
      try scanInstructions(&reader, &visitor)
      visitor.finish()
      self = visitor.visitor
    } catch {
      fail(error)
    }
  }

  /// Instructions go, with the operands in them.
  fileprivate mutating func remove(_ run: Range<Int>) {
    // An edit says in one byte how long it is.
    for start in stride(from: run.lowerBound, to: run.upperBound, by: 255) {
      result.relocations.append(
        Relocation(
          .removedCall, at: UInt32(truncatingIfNeeded: start),
          width: UInt8(truncatingIfNeeded: min(run.upperBound - start, 255)), target: none32, encoding: .nothing))
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
    guard let (index, next) = lifter.take(Memory.self) else { return false }
    task = index
    functions = next.functions
    lastAssigned = none32
    result.ranges.reserveCapacity(functions.count)
    if next.unit !== unit { use(next) }
    if let last = functions.last {
      let (first, last) = (code[functions.lowerBound].body, code[last].body)
      result.relocations.reserveCapacity(Int(last.start + last.size - first.start) / 32)
    }
    return true
  }

  private mutating func use(_ task: CodeLifter.Task) {
    let unit = task.unit
    self.unit = unit
    file = unit.file.bytes
    code = unit.functions
    facts = unit.lifted ?? LiftedFacts()
    facts.done = task.done
    importedFunctions = UInt32(unit.functionImports.count)
    functionSymbols = facts.functionSymbols
    functionCount = UInt32(unit.functionImports.count + unit.functions.count)
    globalCount = UInt32(unit.globalImports.count + unit.globals.count)
    tableCount = unit.tableImports.count + unit.tables.count
    tagCount = unit.tagImports.count + unit.tags.count
    typeCount = unit.types.count
    memoryCount = unit.memoryImports.count + unit.memories.count
    hasDoneCode = !facts.done.isEmpty
  }

  // MARK: Operands

  @inline(__always)
  mutating func operand(_ operand: Operand) throws(FormatError) {
    // Two of three are calls, and nearly all calls are of this kind.
    guard operand.opcode == .call, operand.value < functionCount, !hasDoneCode else {
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
      if hasDoneCode, facts.done.functions.contains(operand.value) {
        if facts.done.calls.contains(operand.offset) {
          relocation.replaceInstruction(of: operand, by: .nothing)
          relocation.kind = .removedCall
        } else {
          result.neededFunctions.insert(operand.value)
        }
      } else if hasDoneCode, facts.done.runs[operand.value] != nil,
        !facts.done.startUpCalls.contains(operand.offset)
      {
        result.neededFunctions.insert(operand.value)
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
        if relocation.encoding.isGlobalGet { relocation.encoding = .globalGet(is64: isWide(operand.value)) }
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
      if let slot = addedConstant(operand, in: unit), let symbol = facts.symbol(atSlot: slot) {
        // `__table_base + slot` names one function: its slot, less what will be added.
        value = SymbolicValue(base: .slot(symbol: symbol), addend: 0 &- slot)
      } else {
        result.needsTableBlock = true
      }
    }
    let is64 = isWide(operand.value)
    relocation.encoding = .globalGet(is64: is64)
    _ = relocation.become(value, is64: is64)
    return relocation
  }

  private func isWide(_ global: UInt32) -> Bool { unit?.globalType(global)?.valueType == 0x7E }

  /// The constant that is added to a base right here, in either order.
  private func addedConstant(_ operand: Operand, in unit: InputModule) -> Int64? {
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

  mutating func finish() {
    for run in runs[next...] { visitor.remove(run) }
  }
}
