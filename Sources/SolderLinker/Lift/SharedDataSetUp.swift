import WebAssemblyFormat

// Data that the first of several threads copies into memory.
//
// Every thread instantiates the module anew, so a library for memory that threads share has no active data segments: they
// would undo what other threads did. wasm-ld (since LLVM 11) makes them passive and writes a start function,
// `__wasm_init_memory`: the thread that is first to set a flag copies each segment to its place and clears what else has
// to be zero; the others wait for it. That is how a finished module says where its data is when the program begins, and
// in the result of a link it is the linker's own business, as with objects.
//
// A function is taken for this only if it has exactly that shape, and copies each segment whole. It does the same for
// thread-local data of the first thread; then it is not, as more has to be done there than to place a segment, unless the
// library becomes an object: what the next linker makes of that data, it also sets up for the first thread.

/// Reads the function that sets up the data of a library for shared memory.
struct SharedDataSetUp {
  private let unit: ModuleDraft
  private let facts: LiftedFacts
  private var stack: [SymbolicValue] = []
  private var locals: [Int64: SymbolicValue] = [:]
  private var places: [(segment: Int, offset: UInt64)] = []
  /// Where it says that the first thread has its thread-local data, and where it copies that.
  private var threadLocal: (base: SymbolicValue?, copy: SymbolicValue?)

  private init(_ unit: ModuleDraft, _ facts: LiftedFacts) {
    self.unit = unit
    self.facts = facts
  }

  /// Places the segments that a function copies, if that and clearing memory is all it does.
  ///
  /// - Returns: whether nothing of it is left to do.
  static func perform(_ function: FunctionIndex, of unit: ModuleDraft, _ facts: LiftedFacts) -> Bool {
    var setUp = SharedDataSetUp(unit, facts)
    guard unit.isThreaded, !setUp.isNamed(function), let block = facts.memoryBlock, setUp.read(function) else {
      return false
    }
    for (segment, offset) in setUp.places {
      unit.segments[segment].placement = .inside(segment: block.segment, offset: offset)
    }
    return true
  }

  /// Whether somebody else may run it.
  private func isNamed(_ function: FunctionIndex) -> Bool {
    let symbol = facts.symbol(function)
    return unit.exports.contains { $0.function == function }
      || unit.relocations.contains { $0.kind == .functionIndexLEB && $0.symbol == symbol }
  }

  // MARK: Shape

  // Threads proposal, Instructions; here as ``Opcode`` numbers them.
  private static let notify = Opcode(rawValue: 0x300)
  private static let wait32 = Opcode(rawValue: 0x301)
  private static let atomicStore32 = Opcode(rawValue: 0x317)
  private static let compareExchange32 = Opcode(rawValue: 0x348)

  private static let enter: [(Opcode, Int64?)] = [
    (.block, nil), (.block, nil), (.block, nil), (.localGet, nil), (.i32Const, 0), (.i32Const, 1),
    (compareExchange32, nil), (.brTable, nil), (.end, nil),
  ]
  private static let leave: [(Opcode, Int64?)] = [
    (.localGet, nil), (.i32Const, 2), (atomicStore32, nil), (.localGet, nil), (.i32Const, -1), (notify, nil),
    (.drop, nil), (.br, 1), (.end, nil), (.localGet, nil), (.i32Const, 1), (.i64Const, -1), (wait32, nil), (.drop, nil),
    (.end, nil),
  ]

  private func matches(_ code: ArraySlice<Instruction>, _ shape: [(Opcode, Int64?)], flag: Int64) -> Bool {
    guard code.count == shape.count else { return false }
    return zip(code, shape).allSatisfy { instruction, part in
      instruction.opcode == part.0 && (part.1 == nil || part.1 == instruction.first)
        && (instruction.opcode != .localGet || instruction.first == flag)
    }
  }

  private mutating func read(_ function: FunctionIndex) -> Bool {
    guard var reader = unit.body(of: function) else { return false }
    var code: [Instruction] = []
    while code.count < 10_000, let instruction = try? reader.next() { code.append(instruction) }
    guard reader.depth == 0, let branch = code.firstIndex(where: { $0.opcode == .brTable }),
      hasThreeLabels(code[branch])
    else { return false }
    let enter = branch - Self.enter.count + 2
    let end = code.dropLast().lastIndex { $0.opcode != .dataDrop }.map { $0 + 1 } ?? 0
    let leave = end - Self.leave.count
    guard enter > 0, leave > branch + 1, code[enter - 1].opcode == .localSet else { return false }
    let flag = code[enter - 1].first
    guard matches(code[enter...branch + 1], Self.enter, flag: flag), matches(code[leave..<end], Self.leave, flag: flag)
    else { return false }
    for instruction in code[..<enter] + code[(branch + 2)..<leave] {
      guard follow(instruction) else { return false }
    }
    return stack.isEmpty && areApart && locals[flag]?.base == facts.memoryBlock?.base
      && (threadLocal.base == threadLocal.copy || facts.threadLocal?.base == nil)
  }

  /// Labels 0, 1 and 2: to do it, to wait, and that it is done.
  private func hasThreeLabels(_ branch: Instruction) -> Bool {
    Array(unit.file.bytes[branch.operandOffset..<branch.end]) == [2, 0, 1, 2]
  }

  // MARK: What it does

  private mutating func follow(_ instruction: Instruction) -> Bool {
    switch instruction.opcode {
    case .i32Const, .i64Const: stack.append(.number(instruction.first))
    case .globalGet:
      guard let value = facts.globals[checked: Int(instruction.first)] ?? nil else { return false }
      stack.append(value)
    case .localGet:
      guard let value = locals[instruction.first] else { return false }
      stack.append(value)
    case .localSet, .localTee:
      guard let value = stack.last else { return false }
      locals[instruction.first] = value
      if instruction.opcode == .localSet { stack.removeLast() }
    case .i32Add, .i64Add:
      guard let right = stack.popLast(), let left = stack.popLast(), let sum = left + right else { return false }
      stack.append(sum)
    case .globalSet:
      guard let base = facts.threadLocal?.base, facts.threadLocal?.symbol != nil,
        instruction.first == Int64(base.rawValue),
        threadLocal.base == nil, let value = stack.popLast(), value.base == facts.memoryBlock?.base
      else { return false }
      threadLocal.base = value
    case .memoryInit, .memoryFill:
      guard let count = stack.popLast(), let second = stack.popLast(), let target = stack.popLast(),
        second == .number(0), count.base == .number, target.base == facts.memoryBlock?.base
      else { return false }
      return instruction.opcode == .memoryFill || copy(instruction, to: target, count)
    default: return false
    }
    return true
  }

  private mutating func copy(_ instruction: Instruction, to target: SymbolicValue, _ count: SymbolicValue) -> Bool {
    guard let index = Int(exactly: instruction.first), index < unit.segments.count,
      Int64(unit.segments[index].count) == count.addend
    else { return false }
    if SegmentIndex(index) == facts.threadLocal?.segment {
      guard facts.threadLocal?.symbol != nil, threadLocal.copy == nil else { return false }
      threadLocal.copy = target
      return true
    }
    guard unit.segments[index].placement == .passive, !places.contains(where: { $0.segment == index }),
      let offset = UInt64(exactly: target.addend),
      let block = facts.memoryBlock,
      offset.saturatingSum(UInt64(unit.segments[index].count)) <= unit.segments[Int(block.segment)].size
    else { return false }
    places.append((index, offset))
    return true
  }

  private var areApart: Bool {
    let sorted = places.sorted { $0.offset < $1.offset }
    return zip(sorted, sorted.dropFirst()).allSatisfy {
      $0.offset + UInt64(unit.segments[$0.segment].count) <= $1.offset
    }
  }
}
