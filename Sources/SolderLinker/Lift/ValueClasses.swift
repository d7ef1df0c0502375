// Which values of a function are copies of each other, and what they are used for; see `SlotFolder.swift`.
//
// A class says what can be left out: if all that a local may be is a base, nobody needs the local. What a value is used for is
// asked of itself and of where it goes: a number that was computed with does not say so of a slot that meets it later.

/// Classes of values, found by uniting (Tarjan, Efficiency of a good but not linear set union algorithm, 1975).
struct ValueClasses {
  /// A value, by its number.
  typealias Value = Int

  /// What an instruction has to do with values.
  enum Role {
    case base(Int)
    /// It only moves a value.
    case copy(Int)
    case constant(Int)
    case sum(Int, Int)
    /// It is the slot of a function.
    case slot(Int)
    /// It adds the number right in front of it to a base, which stands right in front of that: so it is the slot of a function,
    /// whatever else the base is used for.
    case slotOfBase(Int)
  }

  /// Where the values of a class come from, and what they are used for.
  private struct Traits: OptionSet {
    let rawValue: UInt8
    static let base = Traits(rawValue: 1)
    static let constant = Traits(rawValue: 2)
    /// It comes from a sum, or from what nothing is known of.
    static let other = Traits(rawValue: 4)
    /// Instructions move it that cannot be left out.
    static let isKept = Traits(rawValue: 8)
    /// Something uses it as it is.
    static let isUsed = Traits(rawValue: 16)
    /// Something computes with it, beyond sums with bases.
    static let isComputedWith = Traits(rawValue: 32)
    /// It has slots, or what is added to bases.
    static let matters = Traits(rawValue: 64)
  }

  /// A value that is whatever the paths to a place bring along.
  private struct Join {
    var isRead: Bool
    /// The place, where it was made as paths came.
    let frame: Int?
    /// The last of what it may be, among ``joined``.
    var last: Int?
  }

  /// What each instruction, by its number, has to do with values.
  var roles: [(instruction: Int, role: Role)] = []
  private var parents: [Int] = []
  private var traits: [Traits] = []
  private var joins: [Join] = []
  /// For each value, its number among the joins.
  private var joinNumbers: [Int?] = []
  /// What joins may be, each with the one before it of the same join.
  private var joined: [(value: Int, previous: Int?)] = []
  private var sums: [(left: Int, right: Int, result: Int)] = []
  private var slots: [Int] = []
  private var bases: Set<Int> = []
  /// Values that something computes with, beyond sums with bases.
  private var computed: [Int] = []
  /// Where values go as they are, beyond where they have been.
  private var flows: [(from: Int, to: Int)] = []
  private var constants: [(value: Int, number: Int64)] = []

  /// How many places there are where paths meet.
  var joinCount: Int { joins.count }

  /// Forgets all.
  mutating func removeAll() {
    roles.removeAll(keepingCapacity: true)
    parents.removeAll(keepingCapacity: true)
    traits.removeAll(keepingCapacity: true)
    joins.removeAll(keepingCapacity: true)
    joinNumbers.removeAll(keepingCapacity: true)
    joined.removeAll(keepingCapacity: true)
    sums.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    bases.removeAll(keepingCapacity: true)
    computed.removeAll(keepingCapacity: true)
    flows.removeAll(keepingCapacity: true)
    constants.removeAll(keepingCapacity: true)
  }

  // MARK: Values

  private mutating func add(_ traits: Traits) -> Int {
    parents.append(parents.count)
    self.traits.append(traits)
    joinNumbers.append(nil)
    return parents.count - 1
  }

  private mutating func addJoin(isRead: Bool, frame: Int?) -> Int {
    let value = add([])
    joinNumbers[value] = joins.count
    joins.append(Join(isRead: isRead, frame: frame, last: nil))
    return value
  }

  private mutating func append(_ value: Int, to join: Int) {
    joined.append((value, joins[join].last))
    joins[join].last = joined.count - 1
  }

  /// What a join may be, behind what is there.
  private func values(of join: Join, _ values: inout [Int]) {
    var next = join.last
    while let index = next {
      values.append(joined[index].value)
      next = joined[index].previous
    }
  }

  mutating func unknown() -> Int { add(.other) }

  mutating func base() -> Int {
    bases.insert(parents.count)
    return add(.base)
  }

  /// Whether a value is a base, and nothing else on any path.
  func isBase(_ value: Int) -> Bool { bases.contains(value) }

  /// The slot of a function.
  mutating func slot() -> Int {
    slots.append(parents.count)
    return add(.other)
  }

  mutating func constant(_ number: Int64) -> Int {
    constants.append((parents.count, number))
    return add(.constant)
  }

  mutating func sum(_ left: Int, _ right: Int) -> Int {
    let result = add(.other)
    sums.append((left, right, result))
    return result
  }

  /// A value that may be any of several, which ``add(_:to:)`` tells.
  mutating func phi(isRead: Bool) -> Int { addJoin(isRead: isRead, frame: nil) }

  /// The same of a local where paths meet, which matters only if it is read.
  mutating func phi(of value: Int, frame: Int? = nil) -> Int {
    let phi = addJoin(isRead: false, frame: frame)
    append(value, to: joins.count - 1)
    return phi
  }

  /// Whether a value is where paths meet at the end of this block.
  func isJoin(_ value: Int, of frame: Int) -> Bool {
    guard let join = joinNumbers[value] else { return false }
    return joins[join].frame == frame
  }

  /// Another value that a value may be.
  mutating func add(_ value: Int, to phi: Int) {
    guard let join = joinNumbers[phi] else { return }
    if !joins[join].isRead { return append(value, to: join) }
    read(value)
    pass(value, to: phi)
  }

  /// A local is read: it is everything that it may be.
  mutating func read(_ value: Int) {
    var waiting = [value]
    while let value = waiting.popLast() {
      guard let join = joinNumbers[value], !joins[join].isRead else { continue }
      joins[join].isRead = true
      let first = waiting.count
      values(of: joins[join], &waiting)
      joins[join].last = nil
      for other in waiting[first...] { pass(other, to: value) }
    }
  }

  /// Whether a value may be something else than a base, on some path.
  func mayBeOther(_ value: Int) -> Bool {
    var waiting = [value]
    var seen: Set<Int> = []
    while let value = waiting.popLast() {
      guard seen.insert(value).inserted else { continue }
      if let join = joinNumbers[value], !joins[join].isRead {
        values(of: joins[join], &waiting)
      } else if traits[root(value)].contains(.other) {
        return true
      }
    }
    return false
  }

  // MARK: Classes

  private func root(_ value: Int) -> Int {
    var value = value
    while parents[value] != value { value = parents[value] }
    return value
  }

  /// A value is one of two.
  mutating func unite(_ left: Int, _ right: Int) {
    pass(left, to: right)
    flows.append((right, left))
  }

  /// A value goes to where it may be one of several.
  private mutating func pass(_ value: Int, to place: Int) {
    flows.append((value, place))
    merge(place, value)
  }

  private mutating func merge(_ left: Int, _ right: Int) {
    let (left, right) = (shortened(left), shortened(right))
    guard left != right else { return }
    parents[right] = left
    traits[left].formUnion(traits[right])
  }

  /// The root, to which everything on the way points from now on.
  private mutating func shortened(_ value: Int) -> Int {
    let root = root(value)
    var value = value
    while parents[value] != root, value != root { (value, parents[value]) = (parents[value], root) }
    return root
  }

  private mutating func note(_ traits: Traits, of value: Int) { self.traits[shortened(value)].formUnion(traits) }

  /// A value is moved by an instruction that stays.
  mutating func keep(_ value: Int) { note(.isKept, of: value) }

  mutating func use(_ value: Int, computes: Bool) {
    note(computes ? .isComputedWith : .isUsed, of: value)
    if computes { computed.append(value) }
  }

  /// The values that some values are, wherever they go.
  private func reached(from values: some Sequence<Int>) -> [Bool] {
    var starts = [Int](repeating: 0, count: parents.count + 1)
    for flow in flows { starts[flow.from + 1] += 1 }
    for index in starts.indices.dropFirst() { starts[index] += starts[index - 1] }
    var targets = [Int](repeating: 0, count: flows.count)
    var next = starts
    for flow in flows {
      targets[next[flow.from]] = flow.to
      next[flow.from] += 1
    }
    var isReached = [Bool](repeating: false, count: parents.count)
    var waiting: [Int] = []
    for value in values where !isReached[value] {
      isReached[value] = true
      waiting.append(value)
    }
    while let value = waiting.popLast() {
      for target in targets[starts[value]..<starts[value + 1]] where !isReached[target] {
        isReached[target] = true
        waiting.append(target)
      }
    }
    return isReached
  }

  // MARK: Kinds

  /// Finds the classes that matter: those of bases, of slots, and of what is added to bases.
  mutating func noteWhatMatters() {
    for value in slots { note(.matters, of: value) }
    for sum in sums where traits[root(sum.left)].contains(.base) || traits[root(sum.right)].contains(.base) {
      for value in [sum.left, sum.right, sum.result] { note(.matters, of: value) }
    }
  }

  /// Whether the class of a value matters, after ``noteWhatMatters()``.
  func matters(_ value: Value) -> Bool { !traits[root(value)].isDisjoint(with: [.base, .matters]) }

  /// The classes that matter.
  struct Kinds {
    fileprivate let classes: ValueClasses
    fileprivate let bases: Set<Int>
    fileprivate let offsets: Set<Int>

    /// Whether it is a base that sums begin with; any other is the first slot itself.
    func isBase(_ value: Int) -> Bool { bases.contains(classes.root(value)) }
    func isOffset(_ value: Int) -> Bool { offsets.contains(classes.root(value)) }
  }

  /// Tells the kinds of classes; `nil` if a base, an offset or a slot is used for something else.
  ///
  /// - Parameter offsets: whether there is a function in a slot.
  mutating func kinds(offsets isOffset: (Int64) -> Bool) -> Kinds? {
    for value in parents.indices { _ = shortened(value) }
    var (bases, offsets, slots, computed): (Set<Int>, Set<Int>, [Int], [Int]) = ([], [], self.slots, self.computed)
    let (traits, parents) = (traits, parents)
    func isOnlyBase(_ root: Int) -> Bool { traits[root].subtracting(.matters) == .base }
    let mayBeBase = reached(from: self.bases)
    for sum in sums {
      switch (mayBeBase[sum.left], mayBeBase[sum.right]) {
      case (true, true): return nil
      case (false, false): computed += [sum.left, sum.right]
      case (let isLeft, _):
        bases.insert(root(isLeft ? sum.left : sum.right))
        offsets.insert(root(isLeft ? sum.right : sum.left))
        slots.append(sum.result)
      }
    }
    // What is left of a base whose sums were folded.
    for value in parents.indices where parents[value] == value && isOnlyBase(value) { bases.insert(value) }
    for value in bases where !isOnlyBase(value) { return nil }
    // Any other base is the first slot.
    let first = self.bases.filter { !bases.contains(root($0)) }
    guard first.isEmpty || isOffset(0) else { return nil }
    let isComputedWith = Set(computed.map { root($0) })
    for value in offsets {
      guard traits[value].subtracting([.isKept, .matters]) == .constant, !isComputedWith.contains(value) else {
        return nil
      }
    }
    let isSlot = reached(from: slots + first)
    if computed.contains(where: { isSlot[$0] }) { return nil }
    for (value, number) in constants where offsets.contains(root(value)) && !isOffset(number) { return nil }
    return Kinds(classes: self, bases: bases, offsets: offsets)
  }
}
