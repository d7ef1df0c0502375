/// Sets at random.
extension LibrarySet {
  init(seed: UInt64) {
    var generator = LibrarySetGenerator(seed: seed)
    self = generator.make()
  }
}

private struct LibrarySetGenerator {
  private var random: SplitMix
  private var set = LibrarySet()
  /// Names of data, and whether they are numbers.
  private var numberNames: [String] = []
  private var threadNames: [String] = []

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func make() -> LibrarySet {
    set.is64 = random.chance(20)
    set.isThreaded = random.chance(25)
    let count = random.pick([1, 2, 2, 3, 3, 4, 5])
    for index in 0..<(3 + random.below(8)) {
      set.functions["f\(index)"] = .init(parameters: random.below(3), rank: random.below(5))
    }
    if random.chance(40) {
      set.functions["w"] = .init(parameters: 1, rank: 0)
      set.weak = ["w"]
      set.missing = ["w"]
    }
    if random.chance(40) {
      set.functions["x"] = .init(parameters: 1, rank: 0)
      set.weak.append("x")
    }
    if random.chance(30) { set.missingData = ["n"] }
    // One set in six is a tangle of libraries that need each other.
    let isTangled = random.chance(16)
    for index in 0..<count { makeLibrary(index, of: count, chanceOfLater: isTangled ? 60 : 8) }
    set.order = Array(0..<count).shuffled(using: &random)
    defineAll()
    makeCells()
    if set.isThreaded { makeThreadCells() }
    passOnData()
    settleRelocations()
    for index in 0..<count { makeCode(index) }
    set.options = random.pick([
      [], [], ["--no-gc-sections"], ["--strip-all"], ["-O2"], ["--strip-all", "--compress-relocations"], ["--icf=all"],
      ["--export-all"],
    ])
    if !set.isThreaded, random.chance(35) { makeProgram() }
    makeCalls()
    return set
  }

  private mutating func makeLibrary(_ index: Int, of count: Int, chanceOfLater: Int) {
    var library = LibrarySet.Library(name: "lib\(index).so")
    for other in 0..<count where other != index && random.chance(other < index ? 35 : chanceOfLater) {
      library.needed.append(other)
    }
    library.alignment = random.pick([2, 3, 4, 4, 6, 9])
    if set.is64 { library.alignment = max(library.alignment, 3) }
    library.relocation = random.pick([.exported, .exported, .exported, .fromStart, .fromConstructors])
    if set.isThreaded, library.relocation == .fromStart { library.relocation = .exported }
    library.isLegacy = random.chance(10) && set.weak.isEmpty && set.missingData.isEmpty && !set.isThreaded
    library.padsOperands = random.chance(50)
    library.hasNames = random.chance(50)
    library.globals = (0..<random.below(3)).map { _ in Int32(random.below(100)) }
    set.libraries.append(library)
  }

  /// Gives every name a definition, and some of them two.
  private mutating func defineAll() {
    for name in set.functions.keys.sorted() where !set.missing.contains(name) {
      guard let function = set.functions[name] else { continue }
      for _ in 0..<(random.chance(12) ? 2 : 1) {
        let library = random.below(set.libraries.count)
        let isKnown = set.libraries[library].functions.contains { $0.exports.contains(name) }
        if isKnown { continue }
        // One function may have several names.
        let other = set.libraries[library].functions.firstIndex {
          $0.parameters == function.parameters && $0.rank == function.rank
        }
        if let other, random.chance(25) {
          set.libraries[library].functions[other].exports.append(name)
        } else {
          set.libraries[library].functions.append(
            .init(parameters: function.parameters, rank: function.rank, exports: [name]))
        }
      }
    }
    for index in set.libraries.indices {
      for _ in 0..<random.below(3) {
        set.libraries[index].functions.append(.init(parameters: random.below(3), rank: random.below(3)))
      }
      set.libraries[index].functions.shuffle(using: &random)
      let leaves = set.libraries[index].functions.indices.filter { set.libraries[index].functions[$0].rank == 0 }
      if !leaves.isEmpty { set.libraries[index].slots = (0..<random.below(4)).map { _ in random.pick(leaves) } }
      set.libraries[index].hasOwnMemory = random.chance(15)
      if !leaves.isEmpty, random.chance(15) {
        set.libraries[index].ownSlots = (0...random.below(3)).map { _ in random.pick(leaves) }
      }
      set.libraries[index].lends = random.chance(25)
    }
    // A library may export what it imports under a name of its own.
    for index in set.libraries.indices where random.chance(15) {
      let name = random.pick(set.functions.keys.filter { $0.hasPrefix("f") }.sorted())
      let alias = "r\(index)"
      set.libraries[index].reexports.append((alias, name))
      set.functions[alias] = set.functions[name]
    }
  }

  private mutating func makeCells() {
    for index in set.libraries.indices {
      for place in 0..<random.below(7) {
        set.libraries[index].cells.append(.number(Int32(random.below(10000))))
        guard random.chance(55) else { continue }
        let isSecond = !numberNames.isEmpty && random.chance(10)
        let name = isSecond ? random.pick(numberNames) : "d\(index)_\(place)"
        if set.libraries[index].exports.contains(where: { $0.name == name }) { continue }
        set.libraries[index].exports.append((name, place))
        numberNames.append(name)
      }
    }
    for index in set.libraries.indices where set.libraries[index].cells.count > 1 && random.chance(20) {
      set.libraries[index].secondSegment = 1 + random.below(set.libraries[index].cells.count - 1)
    }
    let leaves = set.functions.keys.filter { set.functions[$0]?.rank == 0 && !set.weak.contains($0) }.sorted()
    for index in set.libraries.indices {
      let numbers = set.libraries[index].cells.count
      for _ in 0..<random.below(6) {
        switch random.below(4) {
        case 0 where numbers > 0: set.libraries[index].cells.append(.pointer(random.below(numbers)))
        case 1 where !numberNames.isEmpty: set.libraries[index].cells.append(.pointerTo(random.pick(numberNames)))
        case 2 where !set.libraries[index].slots.isEmpty:
          set.libraries[index].cells.append(.slot(random.below(set.libraries[index].slots.count)))
        case 3 where !leaves.isEmpty: set.libraries[index].cells.append(.slotOf(random.pick(leaves)))
        default: break
        }
      }
    }
  }

  private mutating func makeThreadCells() {
    for index in set.libraries.indices where random.chance(70) {
      set.libraries[index].threadSetUp = random.pick([.exported, .exported, .named, .allocating])
      set.libraries[index].startsFirstThread = random.chance(70)
      switch set.libraries[index].threadSetUp {
      case .named:
        // Otherwise nobody can tell whether something was removed that relocates the data.
        set.libraries[index].hasNames = true
        set.libraries[index].padsOperands = true
      case .exported: set.libraries[index].isOptimized = random.chance(40)
      case .allocating: break
      }
      for place in 0..<(1 + random.below(4)) {
        set.libraries[index].threadCells.append(.number(Int32(random.below(10000))))
        guard random.chance(55) else { continue }
        let isSecond = !threadNames.isEmpty && random.chance(10)
        let name = isSecond ? random.pick(threadNames) : "u\(index)_\(place)"
        if set.libraries[index].threadExports.contains(where: { $0.name == name }) { continue }
        set.libraries[index].threadExports.append((name, place))
        threadNames.append(name)
      }
    }
    for index in set.libraries.indices where !set.libraries[index].threadCells.isEmpty && random.chance(40) {
      let numbers = set.libraries[index].cells.indices.filter { set.libraries[index].cells[$0].isNumber }
      if !numbers.isEmpty { set.libraries[index].threadCells.append(.pointer(random.pick(numbers))) }
      if !numberNames.isEmpty { set.libraries[index].threadCells.append(.pointerTo(random.pick(numberNames))) }
    }
  }

  /// A step that uses thread-local data; a quiet one uses only the library's own.
  private mutating func threadStep(_ index: Int, isQuiet: Bool) -> LibrarySet.Step? {
    let library = set.libraries[index]
    let numbers = library.threadCells.indices.filter { library.threadCells[$0].isNumber }
    let pointers = library.threadCells.indices.filter { library.threadCells[$0].isPointer }
    switch random.below(isQuiet ? 2 : 6) {
    case 0 where !numbers.isEmpty: return .loadThread(random.pick(numbers))
    case 1 where !numbers.isEmpty: return .storeThread(random.pick(numbers))
    case 2 where !pointers.isEmpty: return .loadThroughThread(random.pick(pointers))
    case 3 where !threadNames.isEmpty: return .loadThreadName(random.pick(threadNames))
    case 4 where !threadNames.isEmpty: return .storeThreadName(random.pick(threadNames))
    case 5 where !threadNames.isEmpty && !numbers.isEmpty:
      return .isThreadAddress(name: random.pick(threadNames), cell: random.pick(numbers))
    default: return nil
    }
  }

  /// A library may export data that it imports under a name of its own, also what another one passed on.
  private mutating func passOnData() {
    for index in set.libraries.indices {
      if !set.libraries[index].isLegacy, !set.isThreaded, random.chance(20) {
        set.libraries[index].threadLocal = Set(
          set.libraries[index].exports.filter { _ in random.chance(40) }.map(\.name))
      }
      if !threadNames.isEmpty, random.chance(20) {
        set.libraries[index].dataReexports.append(("z\(index)", random.pick(threadNames)))
        threadNames.append("z\(index)")
      }
      guard !numberNames.isEmpty, random.chance(20) else { continue }
      set.libraries[index].dataReexports.append(("q\(index)", random.pick(numberNames)))
      numberNames.append("q\(index)")
    }
    for index in set.libraries.indices {
      for cell in set.libraries[index].cells.indices {
        guard case .pointerTo = set.libraries[index].cells[cell], random.chance(20) else { continue }
        set.libraries[index].cells[cell] = .pointerTo(random.pick(numberNames))
      }
    }
  }

  /// A loader knows the addresses of names only after it has instantiated all libraries.
  private mutating func settleRelocations() {
    for index in set.libraries.indices where set.libraries[index].relocation == .fromStart {
      let namesOthers = set.libraries[index].cells.contains {
        switch $0 {
        case .pointerTo, .slotOf: true
        default: false
        }
      }
      if namesOthers { set.libraries[index].relocation = .exported }
    }
  }

  // MARK: Code

  private mutating func makeCode(_ index: Int) {
    for place in set.libraries[index].functions.indices {
      let rank = set.libraries[index].functions[place].rank
      for _ in 0..<random.below(6) {
        guard let step = step(index, rank) else { continue }
        set.libraries[index].functions[place].body.append(step)
      }
    }
    // What runs before the program touches only what is the library's own: in which order libraries do that is theirs.
    if random.chance(40) { set.libraries[index].constructor = quietSteps(index) + [.host(100 + index)] }
    if random.chance(20) { set.libraries[index].destructor = quietSteps(index) + [.host(300 + index)] }
    // What a thread does whenever it instantiates a library, no loader does for it.
    if !set.isThreaded, random.chance(20) { set.libraries[index].start = quietSteps(index) + [.host(200 + index)] }
  }

  private mutating func quietSteps(_ index: Int) -> [LibrarySet.Step] {
    let library = set.libraries[index]
    let numbers = library.cells.indices.filter { library.cells[$0].isNumber }
    return (0..<random.below(4)).map { _ in
      if set.isThreaded, random.chance(30), let step = threadStep(index, isQuiet: true) { return step }
      return switch random.below(3) {
      case 0 where !numbers.isEmpty: .load(random.pick(numbers))
      case 1 where !numbers.isEmpty: .store(random.pick(numbers))
      case 2 where !library.globals.isEmpty:
        random.chance(50)
          ? .readGlobal(random.below(library.globals.count)) : .writeGlobal(random.below(library.globals.count))
      default: .number(Int32(random.below(100)))
      }
    }
  }

  private mutating func step(_ index: Int, _ rank: Int) -> LibrarySet.Step? {
    let library = set.libraries[index]
    func cells(_ isWanted: (LibrarySet.Cell) -> Bool) -> [Int] {
      library.cells.indices.filter { isWanted(library.cells[$0]) }
    }
    let numbers = cells(\.isNumber)
    if set.isThreaded, random.chance(30), let step = threadStep(index, isQuiet: false) { return step }
    switch random.below(rank == 0 ? 15 : 25) {
    case 0, 1: return numbers.isEmpty ? nil : .load(random.pick(numbers))
    case 2: return numbers.isEmpty ? nil : .store(random.pick(numbers))
    case 3:
      let pointers = cells(\.isPointer)
      return pointers.isEmpty ? nil : .loadThrough(random.pick(pointers))
    case 4: return numberNames.isEmpty ? nil : .loadName(random.pick(numberNames))
    case 5: return numberNames.isEmpty ? nil : .storeName(random.pick(numberNames))
    case 6: return .stack
    case 7:
      guard !library.globals.isEmpty else { return nil }
      let global = random.below(library.globals.count)
      return random.chance(50) ? .readGlobal(global) : .writeGlobal(global)
    case 8:
      for cell in library.cells.indices.shuffled(using: &random) {
        switch library.cells[cell] {
        case .pointerTo(let name): return .isAddress(name: name, cell: cell)
        case .slotOf(let name): return .isSlot(name: name, cell: cell)
        default: break
        }
      }
      return nil
    // A function of rank 0 calls nothing that there is.
    case 9:
      if !set.missingData.isEmpty, random.chance(50) { return .isNullData(random.pick(set.missingData)) }
      let names = rank == 0 ? set.missing : set.weak
      return names.isEmpty ? .number(Int32(random.below(1000))) : .isNull(random.pick(names))
    case 10: return .readShared
    case 11: return .writeShared
    case 12: return library.hasOwnMemory ? .loadOwnMemory(random.below(40)) : nil
    case 13: return library.hasOwnMemory ? .storeOwnMemory(random.below(40)) : nil
    case 14: return borrow(index, callsTables: rank > 0)
    default: return call(library, rank)
    }
  }

  /// A step that uses what a library in front of this one lends.
  private mutating func borrow(_ index: Int, callsTables: Bool) -> LibrarySet.Step? {
    let lenders = set.order.prefix { $0 != index }.filter { set.libraries[$0].lends }
    guard !lenders.isEmpty else { return nil }
    let other = random.pick(Array(lenders))
    let lender = set.libraries[other]
    switch random.below(5) {
    case 0 where !lender.globals.isEmpty: return .readVariable(of: other, random.below(lender.globals.count))
    case 1 where !lender.globals.isEmpty: return .writeVariable(of: other, random.below(lender.globals.count))
    case 2 where lender.hasOwnMemory: return .loadMemory(of: other, random.below(40))
    case 3 where lender.hasOwnMemory: return .storeMemory(of: other, random.below(40))
    case 4 where callsTables && !lender.ownSlots.isEmpty:
      return .callTableOf(other, slot: random.below(lender.ownSlots.count))
    default: return nil
    }
  }

  /// A step of a function that may call others.
  private mutating func call(_ library: LibrarySet.Library, _ rank: Int) -> LibrarySet.Step? {
    func names(_ isWanted: (LibrarySet.FunctionName) -> Bool) -> [String] {
      set.functions.filter { isWanted($0.value) && !set.weak.contains($0.key) }.keys.sorted()
    }
    switch random.below(10) {
    case 0, 1:
      let lower = library.functions.indices.filter { library.functions[$0].rank < rank }
      return lower.isEmpty ? nil : .call(random.pick(lower))
    case 2, 3:
      let lower = names { $0.rank < rank }
      return lower.isEmpty ? nil : .callName(random.pick(lower))
    case 4:
      let leaves = names { $0.rank == 0 }
      return leaves.isEmpty ? nil : .callAddress(random.pick(leaves))
    case 5:
      return library.slots.isEmpty ? nil : .callTable(random.below(library.slots.count), isVariable: random.chance(50))
    case 6:
      for cell in library.cells.indices.shuffled(using: &random) {
        switch library.cells[cell] {
        case .slot(let slot):
          return .callSlot(cell: cell, parameters: library.functions[library.slots[slot]].parameters)
        case .slotOf(let name): return .callSlot(cell: cell, parameters: set.functions[name]?.parameters ?? 0)
        default: break
        }
      }
      return nil
    case 7: return random.chance(30) ? .throwSometimes : .host(random.below(50))
    case 8:
      let lower = names { $0.rank < rank }
      return lower.isEmpty ? nil : .callAndCatch(random.pick(lower))
    default: return library.ownSlots.isEmpty ? nil : .callOwnTable(random.below(library.ownSlots.count))
    }
  }

  private mutating func makeProgram() {
    var program = LibrarySet.Program(isFirst: random.chance(60))
    let names = set.functions.keys.filter { !set.weak.contains($0) }.sorted()
    for index in 0..<(1 + random.below(3)) {
      var function = LibrarySet.Function(parameters: random.below(3), rank: 9, exports: ["p\(index)"])
      for _ in 0..<(1 + random.below(4)) {
        switch random.below(4) {
        case 0: function.body.append(.loadOwn(random.below(100)))
        case 1: function.body.append(.storeOwn(16 + random.below(400)))
        default: function.body.append(.callName(random.pick(names)))
        }
      }
      program.functions.append(function)
    }
    set.program = program
  }

  private mutating func makeCalls() {
    var names = Set(set.functionNames).sorted().map { ($0, set.functions[$0]?.parameters ?? 0) }
    for function in set.program?.functions ?? [] { names.append((function.exports[0], function.parameters)) }
    for (name, parameters) in names {
      for _ in 0..<2 {
        set.calls.append(Call(name, (0..<parameters).map { _ in random.pick([0, 1, 5, -3, 1 << 20]) }))
      }
    }
    set.calls.shuffle(using: &random)
  }
}
