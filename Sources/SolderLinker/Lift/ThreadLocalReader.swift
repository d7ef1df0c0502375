import WebAssemblyFormat

// Where a library has its thread-local data.
//
// A library made for shared memory keeps the initial thread-local data in a passive segment, and finds a thread's copy of
// it by a variable of its own, `__tls_base`. `__wasm_init_tls` sets that variable to a block of memory, copies the segment
// there and relocates it; but a library has that function only when its linker was asked to export it, under that name or
// by way of emscripten's `_emscripten_tls_init`. What it would do can also be had from elsewhere: since LLVM 15 the start
// function sets up the first thread in the same manner, in the library's own block; and before, the variable and the
// segment are known by name. So the facts are collected from all of these. What relocates the data in that case
// (`__wasm_apply_tls_relocs`) is known by name only.

/// Finds the thread-local data of a shared library.
struct ThreadLocalReader {
  private let unit: ModuleDraft
  private let facts: LiftedFacts
  /// Addresses that code puts into variables.
  private var assignments: [(global: GlobalIndex, value: SymbolicValue?)] = []
  /// A segment that code copies.
  private struct Copy {
    let segment: Int
    let target: SymbolicValue?
    let source: SymbolicValue?
    let count: SymbolicValue?
    /// The variable that was set right in front of it, to the same address.
    let base: GlobalIndex?
  }
  private var copies: [Copy] = []
  private var calls: [FunctionIndex] = []
  /// Whether code does something else.
  private var doesMore = false
  private var visited: Set<FunctionIndex> = []

  init(_ unit: ModuleDraft, _ facts: LiftedFacts) {
    self.unit = unit
    self.facts = facts
  }

  /// What was found, if the library has thread-local data that is known well enough.
  static func read(_ unit: ModuleDraft, _ facts: LiftedFacts) -> ThreadLocalFacts? {
    guard unit.isThreaded else { return nil }
    var reader = ThreadLocalReader(unit, facts)
    if let start = unit.startFunction { reader.visit(start) }
    let (assignments, copies) = (reader.assignments, reader.copies)
    if let function = reader.initializeFunction() {
      reader = ThreadLocalReader(unit, facts)
      reader.visit(function, followsCalls: false)
      guard let copy = reader.copies.first else { return nil }
      var result = ThreadLocalFacts(
        base: reader.assignments.first?.global, segment: SegmentIndex(copy.segment), size: reader.size(of: copy),
        initialize: function)
      result.calls = reader.calls.count
      result.doesMore = reader.doesMore || reader.assignments.count > 1 || reader.copies.count > 1
      result.leavesFirstThread = !reader.calls.isEmpty || result.doesMore
      result.isPlain = reader.isPlain(function, copy.segment, result.base)
      let first =
        result.base.map { base in assignments.first { $0.global == base }?.value }
        ?? copies.first { $0.segment == copy.segment }?.target
      reader.setFirstThread(first ?? nil, &result)
      // Nothing tells the linker's variable where the first thread has its copy.
      if result.base == nil { result.leavesFirstThread = true }
      return result
    }
    return reader.withoutFunction(assignments, copies)
  }

  /// Whether something says that there is thread-local data.
  static func hasData(_ unit: ModuleDraft) -> Bool {
    guard unit.isThreaded else { return false }
    if unit.dylink?.exportFlags.contains(where: { $0.flags.contains(.tls) }) ?? false { return true }
    return unit.segments.contains { $0.placement == .passive && $0.name == ".tdata" && $0.size > 0 }
  }

  // MARK: Functions

  private func initializeFunction() -> FunctionIndex? {
    if let function = facts.initializeTLS { return function }
    if let function = function(named: "__wasm_init_tls") { return function }
    // Emscripten's allocates the block and calls it.
    guard let allocate = facts.allocateTLS else { return nil }
    var reader = ThreadLocalReader(unit, facts)
    reader.visit(allocate, followsCalls: false)
    return reader.calls.first { callee in
      var reader = ThreadLocalReader(unit, facts)
      reader.visit(callee, followsCalls: false)
      return takesAddress(callee) && !reader.copies.isEmpty
    }
  }

  /// Whether a function that sets up a thread does so in the way of linkers: it puts its parameter into the variable, copies
  /// the whole segment there, and only then calls what relocates the copy.
  private func isPlain(_ function: FunctionIndex, _ segment: Int, _ base: GlobalIndex?) -> Bool {
    guard takesAddress(function), let base, var reader = unit.body(of: function) else { return false }
    /// The parameter is `nil`.
    var stack: [Int64?] = []
    var (isSet, isCopied) = (false, false)
    while let instruction = try? reader.next() {
      switch instruction.opcode {
      case .localGet where instruction.first == 0: stack.append(nil)
      case .i32Const: stack.append(instruction.first)
      case .globalSet:
        guard !isSet, instruction.first == Int64(base.rawValue), stack == [nil] else { return false }
        (isSet, stack) = (true, [])
      case .memoryInit:
        guard !isCopied, instruction.first == Int64(segment), stack == [nil, 0, Int64(unit.segments[segment].count)]
        else { return false }
        (isCopied, stack) = (true, [])
      case .call: if !isSet || !isCopied || !stack.isEmpty { return false }
      case .nop, .end: break
      default: return false
      }
    }
    return isSet && isCopied && stack.isEmpty && reader.depth == 0
  }

  private func takesAddress(_ function: FunctionIndex) -> Bool {
    let index = Int(function) - unit.functionImports.count
    guard index >= 0, index < unit.functions.count else { return false }
    guard let type = unit.types.functionType(unit.functions[index].type) else { return false }
    return type.results.isEmpty && Array(type.parameters) == [unit.addressWidth == 64 ? .i64 : .i32]
  }

  private func function(named name: StaticString) -> FunctionIndex? {
    unit.functions.firstIndex { $0.name == name }.map { FunctionIndex(unit.functionImports.count + $0) }
  }

  // MARK: Without a function that initialises

  private func withoutFunction(
    _ assignments: [(global: GlobalIndex, value: SymbolicValue?)],
    _ copies: [Copy]
  ) -> ThreadLocalFacts? {
    for copy in copies {
      // Variables that hold addresses of other data are set elsewhere.
      guard let base = copy.base else { continue }
      var result = ThreadLocalFacts(base: base, segment: SegmentIndex(copy.segment), size: size(of: copy))
      result.isPlain = copy.source == .number(0) && copy.count == .number(Int64(unit.segments[copy.segment].count))
      setFirstThread(assignments.first { $0.global == base }?.value, &result)
      addRelocationFunctions(&result)
      return result
    }
    guard let base = unit.globals.firstIndex(where: { $0.type.isMutable && $0.name == "__tls_base" }),
      let segment = unit.segments.firstIndex(where: { $0.placement == .passive && $0.name == ".tdata" })
    else { return nil }
    var result = ThreadLocalFacts(
      base: GlobalIndex(unit.globalImports.count + base), segment: SegmentIndex(segment),
      size: unit.segments[segment].size)
    result.leavesFirstThread = true
    addRelocationFunctions(&result)
    return result
  }

  private func addRelocationFunctions(_ result: inout ThreadLocalFacts) {
    var hasNames = false
    unit.names.forEachName(of: .function) { _, _ in hasNames = true }
    result.mayRelocate = !hasNames || !hasPaddedOperands
    for name in ["__wasm_apply_tls_relocs", "__wasm_apply_global_tls_relocs"] as [StaticString] {
      if let function = function(named: name) { result.relocationFunctions.append(function) }
    }
    if !result.relocationFunctions.isEmpty { result.leavesFirstThread = true }
  }

  /// Whether the code is as a linker left it. Nothing calls what relocates the data, so whoever removes what nothing calls
  /// removes it; and writes operands as short as they get.
  private var hasPaddedOperands: Bool {
    for index in unit.functions.indices {
      guard var reader = unit.body(of: FunctionIndex(unit.functionImports.count + index)) else { continue }
      while let instruction = try? reader.next() {
        let isIndex = instruction.opcode == .call || instruction.opcode == .globalGet
        if isIndex, instruction.operandLength == 5 { return true }
      }
    }
    return false
  }

  /// Linkers that leave the first thread alone put its data first.
  private func setFirstThread(_ value: SymbolicValue?, _ result: inout ThreadLocalFacts) {
    guard let value, value.base == facts.memoryBlock?.base else {
      result.leavesFirstThread = true
      return
    }
    result.firstThread = UInt64(bitPattern: value.addend)
    result.placesFirstThread = true
  }

  private func size(of copy: Copy) -> UInt64 {
    let size = unit.segments[copy.segment].size
    guard let count = copy.count, count.base == .number else { return size }
    return max(size, UInt64(UInt32(truncatingIfNeeded: count.addend)))
  }

  // MARK: Code

  /// Follows what a function computes, as far as that is plain: it forgets what it knows where code branches.
  private mutating func visit(_ function: FunctionIndex, followsCalls: Bool = true) {
    guard visited.insert(function).inserted, var reader = unit.body(of: function) else { return }
    var stack: [SymbolicValue?] = []
    var locals: [Int64: SymbolicValue] = [:]
    var last: (global: GlobalIndex, value: SymbolicValue?)?
    while let instruction = try? reader.next() {
      switch instruction.opcode {
      case .localGet: stack.append(locals[instruction.first])
      case .localSet, .localTee:
        locals[instruction.first] = stack.last ?? nil
        if instruction.opcode == .localSet { _ = stack.popLast() }
      case .globalSet:
        let assignment = (GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first)), stack.popLast() ?? nil)
        assignments.append(assignment)
        last = assignment
      case .memoryInit:
        let count = stack.popLast() ?? nil
        let source = stack.popLast() ?? nil
        let target = stack.popLast() ?? nil
        if let segment = Int(exactly: instruction.first), segment < unit.segments.count {
          let base = target == nil || last?.value != target ? nil : last?.global
          copies.append(Copy(segment: segment, target: target, source: source, count: count, base: base))
        }
        last = nil
      case .call:
        let callee = FunctionIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
        calls.append(callee)
        stack = []
        last = nil
        if followsCalls { visit(callee) }
      default: compute(instruction, &stack)
      }
    }
  }

  private mutating func compute(_ instruction: Instruction, _ stack: inout [SymbolicValue?]) {
    switch instruction.opcode {
    case .i32Const, .i64Const: stack.append(.number(instruction.first))
    case .globalGet:
      let index = Int(instruction.first)
      stack.append(index < facts.globals.count ? facts.globals[index] : nil)
    case .i32Add, .i64Add:
      let (right, left) = (stack.popLast() ?? nil, stack.popLast() ?? nil)
      stack.append(left.flatMap { left in right.flatMap { left + $0 } })
    case .nop, .end, .drop: break
    default:
      stack = []
      doesMore = true
    }
  }
}

extension ModuleDraft {
  /// Whether it was made for memory that threads share.
  var isThreaded: Bool { (memoryImports.first?.limits ?? memories.first?.limits)?.isShared ?? false }
}
