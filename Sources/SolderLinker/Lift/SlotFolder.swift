import WebAssemblyFormat

// Which functions code means by the slots that it computes.
//
// A library names a function by `__table_base + k`, and `CodeFolder` makes the function's slot of that where the sum
// stands alone, or where it knows what a local holds. Compilers go further: `base + (c ? 3 : 4)`, a sum that waits in a local, a base that several paths share.
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
//  - *Slots*: the sums, and what `CodeFolder` has found to be one. They may be whatever, as long as nothing adds to them.
//
// If every class is of one of these kinds, the code means single functions: bases and the additions go, and each offset
// becomes the slot of its function. If not, it means slots by their order, and nothing is changed.

/// Makes slots of functions of what a body computes from `__table_base`.
struct SlotFolder {
  private let unit: InputModule
  private let facts: LiftedFacts
  private var classes = ValueClasses()
  /// The instructions that matter: where they are, and whether what they leave has 64 bits.
  private var code: [Place] = []
  private var stack: [Int] = []
  private var frames: [Frame] = []
  /// Those of them whose exceptions have handlers.
  private var guarded: [Int] = []
  /// For each local, its value here; empty where the code is never reached.
  private var locals: [Int] = []
  /// Locals that were assigned, one after the other, since paths met last; and how often paths have met.
  private var assigned: [Int] = []
  private var allLocals: [Int] = []
  private var meetings = 0
  /// Among instructions that an edit replaces, what is on top of the stack.
  private var replacedValue = 0
  private var isReachable = true
  private var resultCount = 0
  private var frameCount = 0
  /// Comparing the locals of two paths, over all, so that no input takes forever.
  private var budget = 0

  /// An instruction, or several that an edit replaces.
  private struct Place {
    var range: Range<Int>
    var is64: Bool
    /// The number of a constant.
    var number: Int64
  }

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
    var handlers: Handlers?
    /// How much of what is assigned has come to the handlers: a local that comes again changes nothing.
    var seen: (meetings: Int, assigned: Int) = (-1, 0)
  }

  /// Where exceptions go that are thrown in a block.
  private struct Handlers {
    /// The number of the place where paths to the handlers of a `try` meet, and the locals there.
    var number: Int
    var joined: [Int]?
    /// Blocks around a `try_table` whose labels its exceptions go to, by how many blocks are around these.
    var targets: [Int] = []
  }

  init(_ unit: InputModule) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
  }

  /// The edits that leave nothing of `__table_base` in a body; `nil` if it does not mean single functions.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - folded: the edits of the body, with all that `CodeFolder` could do.
  ///   - namesFirst: whether `__table_base` itself names the function in the first slot. Where the block may stay together,
  ///     it does so all the same, and then it is also right for code that goes on computing where nobody sees it.
  mutating func edits(
    of body: ByteReader, _ function: Function, _ folded: ArraySlice<Relocation>, namesFirst: Bool
  ) -> [Relocation]? {
    guard let type = unit.types.functionType(function.type), let declared = declaredLocals(function) else { return nil }
    resultCount = type.results.count
    let localCount = type.parameters.count + declared
    guard localCount < 1 << 12, follow(body, localCount, folded) else { return nil }
    guard let kinds = classes.kinds(offsets: { [facts] in facts.symbol(atSlot: $0) != nil }) else { return nil }
    var edits: [Relocation] = []
    for (index, role) in classes.roles {
      let place = code[index]
      switch role {
      case .base(let value) where !kinds.isBase(value):
        guard namesFirst, let edit = slot(place) else { return nil }
        edits.append(edit)
      case .base(let value), .copy(let value):
        if kinds.isBase(value) { edits.append(.removal(of: place.range)) }
      case .sum(let left, let right):
        if kinds.isBase(left) || kinds.isBase(right) { edits.append(.removal(of: place.range)) }
      case .constant(let value):
        guard kinds.isOffset(value) else { continue }
        guard let edit = slot(place) else { return nil }
        edits.append(edit)
      case .slot:
        guard let edit = slot(place) else { return nil }
        edits.append(edit)
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

  /// The slot of the function that a number names; `nil` if there is none.
  private func slot(_ place: Place) -> Relocation? {
    facts.symbol(atSlot: place.number).map { symbol in
      Relocation(
        .constantTableIndex, at: UInt32(truncatingIfNeeded: place.range.lowerBound),
        width: UInt8(truncatingIfNeeded: place.range.count), target: symbol.rawValue,
        encoding: .constant(is64: place.is64))
    }
  }

  // MARK: Following

  private mutating func follow(_ body: ByteReader, _ localCount: Int, _ folded: ArraySlice<Relocation>) -> Bool {
    classes = ValueClasses()
    code.removeAll(keepingCapacity: true)
    stack.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    guarded.removeAll(keepingCapacity: true)
    allLocals = Array(0..<localCount)
    replaceLocals(allLocals.map { _ in classes.unknown() })
    isReachable = true
    frameCount = 0
    budget = 10_000_000
    var edits = folded[...]
    /// Where the instructions end that an edit replaces.
    var replaced = 0
    var reader = InstructionReader(body)
    while let instruction = try? reader.next() {
      if instruction.offset < replaced {
        assign(instruction)
        continue
      }
      while let edit = edits.first, Int(edit.offset) < instruction.offset { edits.removeFirst() }
      let place = code.count
      code.append(
        Place(
          range: instruction.offset..<instruction.end, is64: instruction.opcode == .i64Const, number: instruction.first)
      )
      if let edit = edits.first, Int(edit.offset) == instruction.offset, edit.encoding != .operand,
        !edit.encoding.isGlobalGet
      {
        replaced = Int(edit.end)
        guard followReplaced(edit, place) else { return false }
        assign(instruction)
        continue
      }
      guard follow(instruction, place), budget > 0, classes.joinCount < 1_000_000 else { return false }
      // Where a sum is made anew, `local.tee` has become `local.set`.
      if instruction.opcode == .localTee, let edit = edits.first, Int(edit.offset) == instruction.offset { _ = pop() }
    }
    return reader.depth == 0
  }

  /// Follows instructions that an edit replaces by a constant, or by nothing.
  private mutating func followReplaced(_ edit: Relocation, _ place: Int) -> Bool {
    guard edit.encoding.isConstant else { return true }
    code[place] = Place(
      range: Int(edit.offset)..<Int(edit.end), is64: edit.encoding == .constant64, number: Int64(edit.storedAddend))
    if !edit.isInTableBlock {
      stack.append(classes.unknown())
    } else if edit.hasWideAddend {
      return false
    } else if edit.storedAddend == 0, !isSum(Int(edit.offset)..<Int(edit.end)) {
      let value = classes.base()
      classes.roles.append((place, .base(value)))
      stack.append(value)
    } else {
      let value = classes.slot()
      classes.roles.append((place, .slot(value)))
      stack.append(value)
    }
    return true
  }

  /// Follows an assignment among instructions that an edit replaces, with what is on top of the stack there.
  private mutating func assign(_ instruction: Instruction) {
    let local = Int(truncatingIfNeeded: instruction.first)
    switch instruction.opcode {
    case .globalGet where facts.globals[checked: local]??.base == .tableBlock: replacedValue = classes.base()
    case .localGet where local < locals.count: replacedValue = locals[local]
    case .localSet where local < locals.count, .localTee where local < locals.count: set(local, replacedValue)
    case .localGet, .localSet, .localTee: break
    default: replacedValue = classes.unknown()
    }
  }

  /// Whether instructions that leave the first slot compute it, rather than read the base, here or by way of a local.
  private func isSum(_ range: Range<Int>) -> Bool {
    var reader = InstructionReader(unit.file.bytes[range], isInsideBlocks: true)
    while let instruction = try? reader.next() {
      let local = Int(truncatingIfNeeded: instruction.first)
      switch instruction.opcode {
      case .globalGet, .localSet, .localTee: continue
      case .localGet: if local < locals.count, classes.mayBeOther(locals[local]) { return true }
      default: return true
      }
    }
    return false
  }

  private mutating func set(_ local: Int, _ value: Int) {
    locals[local] = value
    assigned.append(local)
  }

  private mutating func replaceLocals(_ values: [Int]) {
    locals = values
    assigned.removeAll(keepingCapacity: true)
    meetings += 1
  }

  private mutating func pop() -> Int {
    // Outside of all blocks the whole stack is the function's.
    let isEmpty = frames.isEmpty ? stack.isEmpty : stack.count <= frames[frames.count - 1].height
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
      if local < locals.count { set(local, value) }
      classes.roles.append((index, .copy(value)))
      if instruction.opcode == .localTee { stack.append(value) }
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
      replaceLocals(entry)
      isReachable = true
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
    case .returnCall, .returnCallIndirect:
      guard let effect = unit.effect(ofCall: instruction) else { return false }
      for _ in 0..<effect.pops { classes.use(pop(), computes: false) }
      isReachable = false
    case .unreachable: isReachable = false
    case .tryTable:
      guard let labels = unit.catchLabels(of: instruction) else { return false }
      let targets = labels.filter { $0 < frames.count }.map { frames.count - 1 - $0 }
      for target in targets {
        for value in frames[target].label { classes.add(classes.unknown(), to: value) }
      }
      return open(instruction, Handlers(number: 0, targets: targets))
    case .try:
      frameCount += 1
      return open(instruction, Handlers(number: frameCount))
    case .catch, .catchAll: return handle(instruction)
    case .delegate:
      guard frames.last?.opcode == .try else { return false }
      close()
    case .throw, .throwRef, .rethrow:
      let count =
        instruction.opcode == .throw
        ? unit.valueCount(ofTag: instruction.first) : instruction.opcode == .throwRef ? 1 : 0
      guard let count else { return false }
      for _ in 0..<count { classes.use(pop(), computes: false) }
      throwException()
      isReachable = false
    default:
      guard let effect = unit.effect(of: instruction) else { return false }
      // Neighbours are found by sums and differences. Whoever mixes the bits of a pointer makes a number of it.
      let computes = instruction.opcode == .i32Sub || instruction.opcode == .i64Sub
      for _ in 0..<effect.pops { classes.use(pop(), computes: computes) }
      for _ in 0..<effect.pushes { stack.append(classes.unknown()) }
      if instruction.opcode == .call || instruction.opcode == .callIndirect { throwException() }
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

  private mutating func open(_ instruction: Instruction, _ handlers: Handlers? = nil) -> Bool {
    guard let arity = unit.arity(ofBlock: instruction) else { return false }
    if instruction.opcode == .if { classes.use(pop(), computes: false) }
    var parameters = pop(arity.pops)
    for value in parameters { classes.keep(value) }
    if instruction.opcode == .loop {
      // Each round may bring others along.
      parameters = parameters.map { value in
        let parameter = classes.phi(isRead: true)
        classes.add(value, to: parameter)
        return parameter
      }
    }
    let results = (0..<arity.pushes).map { _ in classes.phi(isRead: true) }
    for result in results { classes.keep(result) }
    let isLoop = instruction.opcode == .loop
    frameCount += 1
    var frame = Frame(
      number: frameCount, opcode: instruction.opcode, height: stack.count, results: results,
      label: isLoop ? parameters : results)
    if isLoop {
      budget -= locals.count
      replaceLocals(locals.map { classes.phi(of: $0) })
      frame.joined = locals
    }
    frame.handlers = handlers
    if instruction.opcode == .if { frame.entry = locals }
    // An `if` with parameters begins twice with them, which nobody writes.
    if instruction.opcode == .if, !parameters.isEmpty { return false }
    if handlers != nil { guarded.append(frames.count) }
    frames.append(frame)
    stack += parameters
    return true
  }

  private mutating func close() {
    end(frames.count - 1)
    if let entry = frames[frames.count - 1].entry { join(entry, at: frames.count - 1) }
    let frame = frames.removeLast()
    if guarded.last == frames.count { guarded.removeLast() }
    stack.removeLast(max(0, stack.count - frame.height))
    stack += frame.results
    // A loop's label is its beginning: its end is only reached from inside.
    if frame.opcode == .loop { return }
    isReachable = frame.joined != nil
    if let joined = frame.joined { replaceLocals(joined) }
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
  private mutating func join(_ locals: [Int], _ changed: ArraySlice<Int>? = nil, at frame: Int) {
    let (isLoop, number) = (frames[frame].opcode == .loop, frames[frame].number)
    // Taken out, so that they are not copied.
    var joined = frames[frame].joined.take()
    meet(locals, changed, &joined, number: isLoop ? nil : number)
    frames[frame].joined = joined
  }

  /// The locals where a path meets others.
  ///
  /// - Parameters:
  ///   - changed: the locals that have not come there yet; `nil` for all.
  ///   - number: of the place, where joins are made as paths come; `nil` where all of them exist.
  private mutating func meet(_ locals: [Int], _ changed: ArraySlice<Int>?, _ others: inout [Int]?, number: Int?) {
    guard var joined = others.take() else {
      budget -= locals.count
      others = locals
      return
    }
    let changed = changed ?? allLocals[...]
    budget -= changed.count
    for local in changed where joined[local] != locals[local] {
      if let number, !classes.isJoin(joined[local], of: number) {
        joined[local] = classes.phi(of: joined[local], frame: number)
      }
      classes.add(locals[local], to: joined[local])
    }
    others = joined
  }

  // MARK: Exceptions

  /// Something may be thrown here: it goes to a handler of any block around, as far as it is not known which.
  private mutating func throwException() {
    guard isReachable else { return }
    for frame in guarded {
      let seen = frames[frame].seen
      guard seen != (meetings, assigned.count), var handlers = frames[frame].handlers.take() else { continue }
      let changed = seen.meetings == meetings ? assigned[seen.assigned...] : nil
      for target in handlers.targets { join(locals, changed, at: target) }
      if frames[frame].opcode == .try { meet(locals, changed, &handlers.joined, number: handlers.number) }
      frames[frame].seen = (meetings, assigned.count)
      frames[frame].handlers = handlers
    }
  }

  /// A handler of a `try` begins, behind its body or another handler.
  private mutating func handle(_ instruction: Instruction) -> Bool {
    guard let frame = frames.last, frame.opcode == .try, let handlers = frame.handlers,
      let count = instruction.opcode == .catch ? unit.valueCount(ofTag: instruction.first) : 0
    else { return false }
    end(frames.count - 1)
    stack.removeLast(max(0, stack.count - frame.height))
    for _ in 0..<count { stack.append(classes.unknown()) }
    isReachable = handlers.joined != nil
    if let joined = handlers.joined { replaceLocals(joined) }
    return true
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
