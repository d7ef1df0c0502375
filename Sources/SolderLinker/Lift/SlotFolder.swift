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
//  - *Bases*: all of it is `__table_base`, and is used for nothing but sums.
//  - *Offsets*: all of it is constants, and is used for nothing but sums with bases.
//  - *Slots*: the sums, and what `CodeFolder` has found to be one. They may be whatever, as long as nothing adds to them.
//
// If every class is of one of these kinds, the code means single functions: bases and the additions go, and each offset
// becomes the slot of its function. If not, it means slots by their order, and nothing is changed. Compilers keep many things in
// one local, though, and its class is all of them where a handler reads it. So a base that is more than that is the first slot,
// as long as nothing adds to it, wherever it goes; but a number that is added right where it was just assigned or read, and is
// nothing else there, makes a slot.
//
// Nearly all values of a function have nothing to do with any of this, so only some locals are *followed*: those to which
// slots go right where they are computed, at first. What else goes to a local, or comes from one, is noted with the class
// that it meets there. If that class turns out to matter, the local is followed as well, in another round. In the last
// round nothing that matters goes to a local that is not followed.

/// Makes slots of functions of what a body computes from `__table_base`.
struct SlotFolder {
  /// A value on the stack, or in a local.
  enum Value: Equatable {
    /// Nothing is known of it, and nothing it meets matters so far.
    case unknown
    /// What a local has that is not followed.
    case local(Int)
    /// What the instruction of a step pushes, a constant.
    case number(step: Int)
    case known(ValueClasses.Value)
  }

  /// A block that is open.
  struct Frame {
    /// Its number among all of the function.
    var number: Int
    var opcode: Opcode
    /// Values below it on the stack.
    var height: Int
    /// Where the values of its label and its results begin among ``values``: of a loop, parameters and results, of any
    /// other, results alone.
    var firstValue: Int
    var labelCount: Int
    var resultCount: Int
    /// Where its locals begin among ``joined``: those where paths to its end meet (of a loop, to its beginning), those
    /// in front of an `if`, those where paths to the handlers of a `try` meet.
    var firstJoined: Int
    /// Whether a path has come to the label, to the handlers.
    var isJoined = false
    var isHandled = false
    /// Whether it is an `if` without `else` so far.
    var hasEntry = false
    /// The number of the place where paths to the handlers of a `try` meet.
    var handlers: Int?
    /// Labels that the exceptions of a `try_table` go to, by how many blocks are around these.
    var targets: [Int] = []
    /// Where exceptions go from it.
    var escape = SlotSteps.Escape.further
    /// What had changed when an exception went to its handlers last.
    var seen = 0
  }

  let unit: InputModule
  private let facts: LiftedFacts
  var classes = ValueClasses()
  private(set) var code: SlotSteps
  var stack: [Value] = []
  var frames: [Frame] = []
  /// Those of them whose exceptions have handlers, and how many there were so far.
  var guarded: [Int] = []
  var guardedCount = 0
  /// Labels and results of the blocks that are open; `nil` if no path has brought one.
  var values: [Value?] = []
  var joined: [Value] = []
  /// For each local that is followed, its value here.
  var locals: [Value] = []
  /// Counts up when one of them changes.
  var changes = 0
  /// The locals that are followed, and by the local's index, where they stand among these.
  private var followed: [Int] = []
  private var slots: [Int?] = []
  /// Values that went to a local that is not followed, or met what came from one.
  private var met: [(local: Int, value: ValueClasses.Value)] = []
  /// Among instructions that an edit replaces, what is on top of the stack.
  private var replacedValue = Value.unknown
  var isReachable = true
  var resultCount = 0
  var frameCount = 0
  /// Steps, and locals of two paths that are compared, over all rounds, so that no input takes forever.
  var budget = 0

  /// Whether `__table_base` itself names the function in the first slot. Where the block may stay together, it does so all
  /// the same, and then it is also right for code that goes on computing where nobody sees it.
  private let namesFirst: Bool

  /// - Parameter forObject: whether the block cannot stay together.
  init(_ unit: InputModule, forObject: Bool) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
    code = SlotSteps(unit, forObject: forObject)
    namesFirst = forObject
  }

  /// The edits that leave nothing of `__table_base` in a body; `nil` if it does not mean single functions.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - folded: the edits of the body, with all that `CodeFolder` could do.
  mutating func edits(
    of body: ByteReader, _ function: Function, _ folded: ArraySlice<Relocation>
  ) -> [Relocation]? {
    var whole = unit.file.reader(of: function.body)
    guard let type = unit.types.functionType(function.type), let declared = try? whole.skipLocals() else { return nil }
    resultCount = type.results.count
    let localCount = type.parameters.count + Int(declared)
    guard localCount < 1 << 12, code.read(body, localCount: localCount, folded) else { return nil }
    for local in followed { slots[local] = nil }
    followed.removeAll(keepingCapacity: true)
    if slots.count < localCount { slots += Array(repeating: nil, count: localCount - slots.count) }
    for local in code.firstLocals { addFollowed(local) }
    budget = 10_000_000
    repeat {
      guard followSteps() else { return nil }
    } while followMore()
    guard let kinds = classes.kinds(offsets: { [facts] in facts.symbol(atSlot: $0) != nil }) else { return nil }
    return edits(kinds)
  }

  private func edits(_ kinds: ValueClasses.Kinds) -> [Relocation]? {
    var edits: [Relocation] = []
    for (index, role) in classes.roles {
      let step = code.steps[index]
      switch role {
      case .base(let value) where !kinds.isBase(value):
        guard namesFirst, let edit = slot(step) else { return nil }
        edits.append(edit)
      case .base(let value), .copy(let value):
        if kinds.isBase(value) { edits.append(.removal(of: step.range)) }
      case .sum(let left, let right):
        if kinds.isBase(left) || kinds.isBase(right) { edits.append(.removal(of: step.range)) }
      case .constant(let value):
        guard kinds.isOffset(value) else { continue }
        guard let edit = slot(step) else { return nil }
        edits.append(edit)
      case .slot:
        guard let edit = slot(step) else { return nil }
        edits.append(edit)
      case .slotOfBase(let value):
        guard let edit = slot(code.steps[index - 1]) else { return nil }
        edits += [edit, .removal(of: step.range)]
        if !kinds.isBase(value) { edits.append(dropping(code.steps[index - 2])) }
      }
    }
    return edits
  }

  /// What leaves nothing on the stack of a step that reads a local, or assigns it and leaves the value there.
  private func dropping(_ step: SlotStep) -> Relocation {
    step.kind == .tee ? .setAlone(at: step.range.lowerBound) : .removal(of: step.range)
  }

  /// The slot of the function that a number names; `nil` if there is none.
  private func slot(_ step: SlotStep) -> Relocation? {
    facts.symbol(atSlot: step.number).map { symbol in
      Relocation(
        .constantTableIndex, at: step.start, width: UInt8(truncatingIfNeeded: step.range.count),
        target: symbol.rawValue, encoding: .constant(is64: step.is64))
    }
  }

  // MARK: Locals

  private mutating func addFollowed(_ local: Int) {
    guard slots[local] == nil else { return }
    slots[local] = followed.count
    followed.append(local)
  }

  /// Follows locals that matter as well.
  ///
  /// - Returns: Whether there are some, so that another round is needed.
  private mutating func followMore() -> Bool {
    let count = followed.count
    classes.noteWhatMatters()
    for (local, value) in met where classes.matters(value) { addFollowed(local) }
    return followed.count > count
  }

  /// - Returns: the value, which may have got a class.
  @discardableResult
  private mutating func set(_ local: Int, _ value: Value) -> Value {
    guard let slot = slots[local] else {
      if case .known(let value) = value { met.append((local, value)) }
      return value
    }
    let value = value == .unknown ? value : .known(known(value))
    locals[slot] = value
    changes += 1
    return value
  }

  private func value(ofLocal local: Int) -> Value { slots[local].map { locals[$0] } ?? .local(local) }

  mutating func replaceLocals(_ first: Int) {
    for slot in locals.indices { locals[slot] = joined[first + slot] }
    changes += 1
  }

  // MARK: Values

  /// The class of a value, which gets one if it has none.
  mutating func known(_ value: Value) -> ValueClasses.Value {
    switch value {
    case .known(let value): return value
    case .unknown: return classes.unknown()
    case .local(let local):
      let value = classes.unknown()
      met.append((local, value))
      return value
    case .number(let step):
      let value = classes.constant(code.steps[step].number)
      classes.roles.append((step, .constant(value)))
      return value
    }
  }

  /// A value that is either of two.
  mutating func either(_ first: Value, _ second: Value) -> Value {
    switch (first, second) {
    case (.known, _), (_, .known): break
    case (.unknown, _), (_, .unknown): return .unknown
    default: break
    }
    let (first, second) = (known(first), known(second))
    classes.unite(first, second)
    return .known(first)
  }

  mutating func use(_ value: Value, computes: Bool = false) {
    if case .known(let value) = value { classes.use(value, computes: computes) }
  }

  mutating func keep(_ value: Value) {
    if case .known(let value) = value { classes.keep(value) }
  }

  mutating func pop() -> Value {
    // Outside of all blocks the whole stack is the function's.
    let isEmpty = frames.isEmpty ? stack.isEmpty : stack.count <= frames[frames.count - 1].height
    // Empty it is only where the code is never reached.
    return isEmpty ? .unknown : stack.removeLast()
  }

  // MARK: Steps

  private mutating func followSteps() -> Bool {
    classes.removeAll()
    stack.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    guarded.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    joined.removeAll(keepingCapacity: true)
    locals.removeAll(keepingCapacity: true)
    met.removeAll(keepingCapacity: true)
    for _ in followed { locals.append(.unknown) }
    isReachable = true
    frameCount = 0
    guardedCount = 0
    changes = 1
    budget -= code.steps.count
    for index in code.steps.indices {
      guard follow(index), budget > 0, classes.joinCount < 1_000_000 else { return false }
    }
    return true
  }

  /// Follows one step; `false` if it goes elsewhere in a way that is not followed.
  private mutating func follow(_ index: Int) -> Bool {
    let step = code.steps[index]
    switch step.kind {
    case .effect, .arithmetic, .call:
      for _ in 0..<step.pops { use(pop(), computes: step.kind == .arithmetic) }
      for _ in 0..<step.pushes { stack.append(.unknown) }
      if step.kind == .call { throwException() }
    case .get:
      let value = value(ofLocal: Int(step.number))
      if case .known(let known) = value {
        classes.read(known)
        classes.roles.append((index, .copy(known)))
      }
      stack.append(value)
    case .set, .tee:
      let value = set(Int(step.number), pop())
      if case .known(let known) = value { classes.roles.append((index, .copy(known))) }
      if step.kind == .tee { stack.append(value) }
    case .number: stack.append(.number(step: index))
    case .sum:
      let (right, left) = (pop(), pop())
      switch (left, right) {
      case (.known(let base), .number(index - 1)) where isSlot(of: base, index):
        classes.roles.append((index, .slotOfBase(base)))
        stack.append(.known(classes.slot()))
      case (.known, _), (_, .known):
        let (left, right) = (known(left), known(right))
        classes.roles.append((index, .sum(left, right)))
        stack.append(.known(classes.sum(left, right)))
      default: stack.append(.unknown)
      }
    case .choice:
      use(pop())
      let (right, left) = (pop(), pop())
      let value = either(left, right)
      keep(value)
      stack.append(value)
    case .drop: keep(pop())
    case .conversion:
      let value = pop()
      keep(value)
      stack.append(value)
    case .constant: stack.append(.unknown)
    case .slot: addSlot(index, step)
    case .insideBase: replacedValue = .known(classes.base())
    case .insideGet: replacedValue = value(ofLocal: Int(step.number))
    case .insideSet: set(Int(step.number), replacedValue)
    case .insideOther: replacedValue = .unknown
    case .control: return control(step)
    }
    return true
  }

  /// Whether a sum is the slot of a function, of a base that is nothing else and comes right from a local, and a number.
  private func isSlot(of base: ValueClasses.Value, _ index: Int) -> Bool {
    guard classes.isBase(base), let local = code.steps[checked: index - 2], local.kind == .get || local.kind == .tee
    else {
      return false
    }
    return slot(code.steps[index - 1]) != nil
  }

  /// Adds what an edit leaves that names a slot, or the base.
  private mutating func addSlot(_ index: Int, _ step: SlotStep) {
    let value: ValueClasses.Value
    if step.number == 0, !isSum(behind: index, step) {
      value = classes.base()
      classes.roles.append((index, .base(value)))
    } else {
      value = classes.slot()
      classes.roles.append((index, .slot(value)))
    }
    stack.append(.known(value))
  }

  /// Whether instructions that leave the first slot compute it, rather than read the base, here or by way of a local.
  private func isSum(behind index: Int, _ step: SlotStep) -> Bool {
    for inside in code.steps[(index + 1)...] {
      guard inside.end <= step.end else { break }
      switch inside.kind {
      case .insideBase, .insideSet: continue
      case .insideGet:
        guard case .known(let value) = value(ofLocal: Int(inside.number)), !classes.mayBeOther(value) else {
          return true
        }
      default: return true
      }
    }
    return false
  }
}
