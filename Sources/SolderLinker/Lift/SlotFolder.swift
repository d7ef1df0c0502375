import WebAssemblyFormat

// Which functions code means by the slots that it computes.
//
// A library names a function by `__table_base + k`, and `CodeFolder` makes the function's slot of that where the sum
// stands alone. Compilers go further: `base + (c ? 3 : 4)`, a sum that waits in a local, a base that several paths share.
// Then it has to be known of every value of the function where it comes from and what it is used for, and that is found
// out here: it takes longer, and few functions need it.
//
// Values that are copies of each other are one *class*: what goes into a local and what is read from there, the two sides
// of a `select`, what the paths to a label bring along. Where paths meet, a local has a value of its own (φ), which joins
// the classes of what comes together only if it is read: locals are used again and again for other things. Three kinds of
// classes matter:
//
//  - *Bases*: all of it is `__table_base`, and is used for nothing but sums; or for none, and then it is the first slot.
//  - *Offsets*: all of it is constants, and is used for nothing but sums with bases.
//  - *Slots*: the sums. They may be whatever, as long as nothing adds to them.
//
// If every class is of one of these kinds, the code means single functions: bases and the additions go, and each offset
// becomes the slot of its function. If not, it means slots by their order, and nothing is changed.

/// Makes slots of functions of what a body computes from `__table_base`.
struct SlotFolder {
  private let unit: InputModule
  private let facts: LiftedFacts
  private let isTableBase: [Bool]
  private var classes = ValueClasses()
  private var code: [Instruction] = []
  private var stack: [Int] = []
  private var frames: [Frame] = []
  /// For each local, its value here; empty where the code is never reached.
  private var locals: [Int] = []
  private var isReachable = true
  private var resultCount = 0
  private var frameCount = 0
  /// Comparing the locals of two paths, over all, so that no input takes forever.
  private var budget = 0

  /// A block that is open.
  private struct Frame {
    /// Its number among all of the function.
    var number: Int
    var opcode: Opcode
    /// Values below it on the stack.
    var height: Int
    var results: [Int]
    /// What its label takes: its results, or of a loop its parameters.
    var label: [Int]
    /// The locals where paths to its end meet; of a loop, to its beginning.
    var joined: [Int]?
    /// The locals in front of an `if`.
    var entry: [Int]?
  }

  init(_ unit: InputModule) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
    isTableBase = facts.globals.map { $0 == SymbolicValue(base: .tableBlock, addend: 0) }
  }

  /// The edits that leave nothing of `__table_base` in a body; `nil` if it does not mean single functions.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - type: of the function, an index in the unit.
  ///   - namesFirst: whether `__table_base` itself names the function in the first slot. Where the block may stay together,
  ///     it does so all the same, and then it is also right for code that goes on computing where nobody sees it.
  mutating func edits(of body: ByteReader, _ function: Function, namesFirst: Bool) -> [Relocation]? {
    guard let type = unit.types.functionType(function.type), let declared = declaredLocals(function) else { return nil }
    resultCount = type.results.count
    let localCount = type.parameters.count + declared
    guard localCount < 1 << 12, follow(body, localCount) else { return nil }
    guard let kinds = classes.kinds(offsets: { [facts] in facts.symbol(atSlot: $0) != nil }) else { return nil }
    var edits: [Relocation] = []
    for (instruction, role) in classes.roles {
      switch role {
      case .base(let value) where !kinds.isBase(value):
        guard namesFirst, let symbol = facts.symbol(atSlot: 0) else { return nil }
        edits.append(slot(code[instruction], of: symbol, is64: isWide(code[instruction])))
      case .base(let value), .copy(let value):
        if kinds.isBase(value) { edits.append(removal(code[instruction])) }
      case .sum(let left, let right):
        if kinds.isBase(left) || kinds.isBase(right) { edits.append(removal(code[instruction])) }
      case .constant(let value):
        guard kinds.isOffset(value) else { continue }
        guard let symbol = facts.symbol(atSlot: code[instruction].first) else { return nil }
        edits.append(slot(code[instruction], of: symbol, is64: code[instruction].opcode == .i64Const))
      }
    }
    return edits
  }

  /// How many locals the body declares.
  private func declaredLocals(_ function: Function) -> Int? {
    var reader = unit.file.reader(of: function.body)
    guard let runs = try? reader.u32() else { return nil }
    var count = 0
    for _ in 0..<runs {
      guard let run = try? reader.u32(), (try? reader.valueType()) != nil else { return nil }
      count += Int(run)
    }
    return count
  }

  private func removal(_ instruction: Instruction) -> Relocation {
    Relocation(
      .removedCall, at: UInt32(truncatingIfNeeded: instruction.offset),
      width: UInt8(truncatingIfNeeded: instruction.end - instruction.offset), encoding: .nothing)
  }

  private func isWide(_ read: Instruction) -> Bool {
    unit.globalType(GlobalIndex(rawValue: UInt32(truncatingIfNeeded: read.first)))?.valueType == 0x7E
  }

  private func slot(_ instruction: Instruction, of symbol: SymbolIndex, is64: Bool) -> Relocation {
    Relocation(
      .constantTableIndex, at: UInt32(truncatingIfNeeded: instruction.offset),
      width: UInt8(truncatingIfNeeded: instruction.end - instruction.offset), target: symbol.rawValue,
      encoding: .constant(is64: is64))
  }

  // MARK: Following

  private mutating func follow(_ body: ByteReader, _ localCount: Int) -> Bool {
    classes = ValueClasses()
    code.removeAll(keepingCapacity: true)
    stack.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    locals = (0..<localCount).map { _ in classes.unknown() }
    isReachable = true
    frameCount = 0
    budget = 10_000_000
    var reader = InstructionReader(body)
    while let instruction = try? reader.next() {
      code.append(instruction)
      guard follow(instruction, code.count - 1), budget > 0, classes.joinCount < 1_000_000 else { return false }
    }
    return reader.depth == 0
  }

  private mutating func pop() -> Int {
    // Outside of all blocks the whole stack is the function's.
    let isEmpty = frames.last.map { stack.count <= $0.height } ?? stack.isEmpty
    if !isEmpty { return stack.removeLast() }
    // Only where the code is never reached.
    return classes.unknown()
  }

  private mutating func pop(_ count: Int) -> [Int] {
    var values: [Int] = []
    for _ in 0..<count { values.append(pop()) }
    return values.reversed()
  }

  /// Follows one instruction; `false` if it goes elsewhere in a way that is not followed.
  private mutating func follow(_ instruction: Instruction, _ index: Int) -> Bool {
    let local = Int(truncatingIfNeeded: instruction.first)
    switch instruction.opcode {
    case .localGet:
      guard local < locals.count else { return isReachable == false }
      let value = locals[local]
      classes.read(value)
      classes.roles.append((index, .copy(value)))
      stack.append(value)
    case .localSet, .localTee:
      let value = pop()
      if local < locals.count { locals[local] = value }
      classes.roles.append((index, .copy(value)))
      if instruction.opcode == .localTee { stack.append(value) }
    case .globalGet where local < isTableBase.count && isTableBase[local]:
      let value = classes.base()
      classes.roles.append((index, .base(value)))
      stack.append(value)
    case .i32Const, .i64Const:
      let value = classes.constant(instruction.first)
      classes.roles.append((index, .constant(value)))
      stack.append(value)
    case .i32Add, .i64Add:
      let (right, left) = (pop(), pop())
      let result = classes.sum(left, right)
      classes.roles.append((index, .sum(left, right)))
      stack.append(result)
    case .select:
      classes.use(pop(), computes: false)
      let (right, left) = (pop(), pop())
      classes.unite(left, right)
      classes.keep(left)
      stack.append(left)
    case .drop: classes.keep(pop())
    case .i32WrapI64, .i64ExtendI32Signed, .i64ExtendI32Unsigned:
      let value = pop()
      classes.keep(value)
      stack.append(value)
    default: return control(instruction)
    }
    return true
  }

  private mutating func control(_ instruction: Instruction) -> Bool {
    let label = Int(truncatingIfNeeded: instruction.first)
    switch instruction.opcode {
    case .block, .loop, .if: return open(instruction)
    case .else:
      guard let frame = frames.last, frame.opcode == .if, let entry = frame.entry else { return false }
      end(frames.count - 1)
      stack.removeLast(max(0, stack.count - frame.height))
      frames[frames.count - 1].entry = nil
      (locals, isReachable) = (entry, true)
    case .end:
      guard !frames.isEmpty else { return leave() }
      close()
    case .br:
      jump(label)
      isReachable = false
    case .brIf:
      classes.use(pop(), computes: false)
      jump(label)
    case .brTable:
      classes.use(pop(), computes: false)
      guard let labels = labels(instruction) else { return false }
      for label in labels { jump(label) }
      isReachable = false
    case .return: return leave()
    case .unreachable: isReachable = false
    default:
      guard let effect = unit.effect(of: instruction) else { return false }
      // Neighbours are found by sums and differences. Whoever mixes the bits of a pointer makes a number of it.
      let computes = instruction.opcode == .i32Sub || instruction.opcode == .i64Sub
      for value in pop(effect.pops) { classes.use(value, computes: computes) }
      for _ in 0..<effect.pushes { stack.append(classes.unknown()) }
    }
    return true
  }

  /// Returns: what is on top of the stack goes to the caller.
  private mutating func leave() -> Bool {
    useResults()
    isReachable = false
    return true
  }

  private mutating func useResults() {
    for value in stack.suffix(resultCount) { classes.use(value, computes: false) }
  }

  // MARK: Blocks

  private mutating func open(_ instruction: Instruction) -> Bool {
    guard let arity = unit.arity(ofBlock: instruction) else { return false }
    if instruction.opcode == .if { classes.use(pop(), computes: false) }
    let parameters = pop(arity.pops)
    for value in parameters { classes.keep(value) }
    let results = (0..<arity.pushes).map { _ in classes.phi(isRead: true) }
    for result in results { classes.keep(result) }
    let isLoop = instruction.opcode == .loop
    frameCount += 1
    var frame = Frame(
      number: frameCount, opcode: instruction.opcode, height: stack.count, results: results,
      label: isLoop ? parameters : results)
    if isLoop {
      budget -= locals.count
      locals = locals.map { classes.phi(of: $0) }
      frame.joined = locals
    }
    if instruction.opcode == .if { frame.entry = locals }
    // An `if` with parameters begins twice with them, which nobody writes.
    if instruction.opcode == .if, !parameters.isEmpty { return false }
    frames.append(frame)
    stack += parameters
    return true
  }

  private mutating func close() {
    end(frames.count - 1)
    if let entry = frames[frames.count - 1].entry { join(entry, at: frames.count - 1) }
    let frame = frames.removeLast()
    stack.removeLast(max(0, stack.count - frame.height))
    stack += frame.results
    // A loop's label is its beginning: its end is only reached from inside.
    if frame.opcode == .loop { return }
    isReachable = frame.joined != nil
    if let joined = frame.joined { locals = joined }
  }

  /// The values that fall out of a block's end become its results.
  private mutating func end(_ frame: Int) {
    guard isReachable else { return }
    for (result, value) in zip(frames[frame].results.reversed(), stack.reversed()) { classes.add(value, to: result) }
    if frames[frame].opcode != .loop { join(locals, at: frame) }
  }

  private mutating func jump(_ label: Int) {
    guard isReachable else { return }
    guard label < frames.count else {
      // The function's own: it returns.
      return useResults()
    }
    let frame = frames.count - 1 - label
    for (target, value) in zip(frames[frame].label.reversed(), stack.reversed()) { classes.add(value, to: target) }
    join(locals, at: frame)
  }

  /// Has a path with these locals meet the others at a label.
  private mutating func join(_ locals: [Int], at frame: Int) {
    budget -= locals.count
    guard var joined = frames[frame].joined else {
      frames[frame].joined = locals
      return
    }
    let (isLoop, number) = (frames[frame].opcode == .loop, frames[frame].number)
    for local in locals.indices where joined[local] != locals[local] {
      if !isLoop, !classes.isJoin(joined[local], of: number) {
        joined[local] = classes.phi(of: joined[local], frame: number)
      }
      classes.add(locals[local], to: joined[local])
    }
    frames[frame].joined = joined
  }

  private func labels(_ instruction: Instruction) -> Set<Int>? {
    var reader = unit.file.bytes[instruction.operandOffset..<instruction.end]
    guard let count = try? reader.u32() else { return nil }
    var labels: Set<Int> = []
    for _ in 0...count {
      guard let label = try? reader.u32() else { return nil }
      labels.insert(Int(label))
    }
    return labels
  }
}

extension InputModule {
  /// What an instruction takes from the stack and leaves there; `nil` for those that may go elsewhere.
  func effect(of instruction: Instruction) -> StackEffect? {
    if let effect = instruction.opcode.stackEffect { return effect }
    let imported = functionImports.count
    let type: TypeIndex
    switch instruction.opcode {
    case .call:
      guard instruction.first < imported + functions.count else { return nil }
      let index = Int(instruction.first)
      type = index < imported ? functionImports[index].type : functions[index - imported].type
    case .callIndirect: type = TypeIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
    default: return nil
    }
    guard let signature = types.functionType(type) else { return nil }
    let index = instruction.opcode == .callIndirect ? 1 : 0
    return StackEffect(signature.parameters.count + index, signature.results.count)
  }

  /// The parameters and results of a block; `nil` if they are not known.
  fileprivate func arity(ofBlock instruction: Instruction) -> StackEffect? {
    var reader = file.bytes[instruction.operandOffset..<instruction.end]
    guard let type = try? reader.s33() else { return nil }
    // 0x40, of seven bits with a sign, is nothing; other negative numbers are types of values.
    guard type >= 0 else { return StackEffect(0, type == -0x40 ? 0 : 1) }
    guard let signature = types.functionType(TypeIndex(rawValue: UInt32(truncatingIfNeeded: type))) else { return nil }
    return StackEffect(signature.parameters.count, signature.results.count)
  }
}
