/// Sets at random.
extension ModuleSet {
  init(seed: UInt64) {
    var generator = ModuleSetGenerator(seed: seed)
    self = generator.make()
  }
}

/// Makes modules one after the other; each may import what those before it export, under its type or a type that the
/// specification lets it have, and now and then under one that it does not.
private struct ModuleSetGenerator {
  typealias Value = ModuleSet.Value
  typealias Signature = ModuleSet.Signature
  typealias Entity = ModuleSet.Entity
  typealias EntityType = ModuleSet.EntityType

  private var random: SplitMix
  private var set = ModuleSet()
  private var module = ModuleSet.Module(name: "", isNamed: true)
  private var nextExport = 0
  /// What the slots of a table hold as far as it is known, by the table's own place.
  private var slots: [Place: [Int: Signature]] = [:]
  /// Whether an import may be wrong.
  private var hasMistake = false
  /// Whether start functions do only what cannot fail, so that there is something to compare behind them.
  private var isCareful = false

  private struct Place: Hashable {
    let module: Int
    let entity: Int
  }

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func make() -> ModuleSet {
    hasMistake = random.chance(12)
    isCareful = random.chance(85)
    makeFamilies()
    makeHosts()
    let count = random.pick([1, 2, 2, 2, 3, 3, 4, 5])
    for index in 0..<count {
      module = ModuleSet.Module(name: "m\(index)", isNamed: random.chance(85))
      module.hasNames = random.chance(50)
      module.padsOperands = random.chance(20)
      makeImports(index)
      makeDefinitions(index)
      makeSegments(index)
      makeExports(index)
      makeBodies(index)
      set.modules.append(module)
    }
    set.order = Array(0..<count).shuffled(using: &random)
    set.options = random.pick([
      [], [], ["--no-gc-sections"], ["--strip-all"], ["-O2"], ["--strip-all", "--compress-relocations"],
    ])
    if random.chance(80) { set.options.append("--extra-features=bulk-memory") }
    makeCalls()
    return set
  }

  // MARK: What is common to all modules

  private mutating func makeFamilies() {
    for index in 0..<random.below(4) {
      let open = set.families.indices.filter { !set.families[$0].isFinal }
      if !open.isEmpty, random.chance(70) {
        let parent = random.pick(open)
        var signature = set.families[parent].signature
        signature.family = index
        set.families.append(.init(parent: parent, isFinal: random.chance(30), signature: signature))
      } else {
        var signature = plainSignature()
        signature.family = index
        set.families.append(.init(parent: nil, isFinal: false, signature: signature))
      }
    }
  }

  private mutating func makeHosts() {
    for index in 0..<3 { set.hosts.append(.init(name: "f\(index)", type: .function(plainSignature()))) }
    set.hosts.append(.init(name: "m", type: .memory(Limits(2, 4))))
    set.hosts.append(.init(name: "t", type: .table(.funcref, Limits(6, 9))))
    set.hosts.append(.init(name: "g", type: .global(.i32, isMutable: false)))
    set.hosts.append(.init(name: "v", type: .global(random.pick([.i32, .i64]), isMutable: true)))
  }

  private mutating func number() -> Value { random.pick([.i32, .i32, .i32, .i64, .f32, .f64]) }

  private mutating func plainSignature() -> Signature {
    Signature(
      parameters: (0..<random.below(3)).map { _ in number() }, results: random.chance(80) ? [number()] : [])
  }

  private mutating func signature() -> Signature {
    set.families.isEmpty || random.chance(70) ? plainSignature() : random.pick(set.families).signature
  }

  private func isFamily(_ family: Int, below ancestor: Int) -> Bool {
    var current: Int? = family
    while let here = current {
      if here == ancestor { return true }
      current = set.families[here].parent
    }
    return false
  }

  // MARK: Imports

  private mutating func makeImports(_ index: Int) {
    var offers: [(module: String, name: String, entity: Entity)] = []
    for other in set.modules {
      for entity in other.entities { for name in entity.exports { offers.append((other.importName, name, entity)) } }
    }
    for _ in 0..<random.below(7) {
      if !offers.isEmpty, random.chance(80) {
        let offer = random.pick(offers)
        var entity = offer.entity
        entity.type = random.chance(hasMistake ? 25 : 0) ? wrong(entity.type) : weakened(entity.type)
        entity.source = (offer.module, hasMistake && random.chance(5) ? "missing" : offer.name)
        entity.exports = []
        entity.body = []
        entity.initial = .zero
        module.entities.append(entity)
      } else {
        addHostImport()
      }
    }
    if random.chance(30) { addHostImport() }
  }

  private mutating func addHostImport() {
    let place = random.below(set.hosts.count)
    let host = set.hosts[place]
    var entity = Entity(type: weakened(host.type), source: ("host", host.name))
    entity.root = (-1, place)
    // What the host has is in the judge.
    if host.name == "g" { entity.value = 3 }
    module.entities.append(entity)
  }

  /// A type with which this may be imported.
  private mutating func weakened(_ type: EntityType) -> EntityType {
    func weaker(_ limits: Limits) -> Limits {
      var limits = limits
      limits.minimum = UInt64(random.below(Int(limits.minimum) + 1))
      if let maximum = limits.maximum, !limits.isShared {
        limits.maximum = random.chance(40) ? nil : maximum + UInt64(random.below(3))
        if let pageSize = limits.pageSize, pageSize == 16, (limits.maximum ?? 0) > 65536 { limits.maximum = nil }
      }
      return limits
    }
    guard random.chance(60) else { return type }
    switch type {
    case .function(let signature):
      guard let family = signature.family else { return type }
      return .function(
        random.pick(
          set.families.indices.filter { isFamily(family, below: $0) }.map {
            set.families[$0].signature
          }))
    case .table(let value, let limits): return .table(value, weaker(limits))
    case .memory(let limits): return .memory(weaker(limits))
    case .global(.reference(let family), false):
      let ancestors = set.families.indices.filter { isFamily(family, below: $0) }
      return .global(random.chance(30) ? .funcref : .reference(random.pick(ancestors)), isMutable: false)
    default: return type
    }
  }

  /// A type with which this probably may not be imported.
  private mutating func wrong(_ type: EntityType) -> EntityType {
    func wronger(_ limits: Limits) -> Limits {
      var limits = limits
      switch random.below(4) {
      case 0:
        limits.minimum += 1
        if let maximum = limits.maximum { limits.maximum = max(maximum, limits.minimum) }
      case 1: limits.maximum = limits.minimum
      case 2: limits.is64.toggle()
      default: limits.maximum = limits.maximum.map { $0 + 1 } ?? limits.minimum + 1
      }
      return limits
    }
    switch type {
    case .function(var signature):
      if random.chance(30), !set.families.isEmpty { return .function(random.pick(set.families).signature) }
      if random.chance(30) {
        signature.family = nil
        return .function(signature)
      }
      return .function(plainSignature())
    case .table(let value, let limits):
      return random.chance(20)
        ? .table(value == .funcref ? .externref : .funcref, limits) : .table(value, wronger(limits))
    case .memory(let limits): return .memory(wronger(limits))
    case .global(let value, let isMutable):
      return random.chance(50) ? .global(value, isMutable: !isMutable) : .global(number(), isMutable: isMutable)
    case .tag: return .tag([number()])
    }
  }

  // MARK: Definitions

  private mutating func add(_ entity: Entity, _ index: Int) {
    var entity = entity
    entity.root = (index, module.entities.count)
    module.entities.append(entity)
  }

  private mutating func makeDefinitions(_ index: Int) {
    for _ in 0..<(random.chance(75) ? random.pick([1, 1, 1, 2, 3]) : 0) {
      add(Entity(type: .memory(memoryLimits())), index)
    }
    for _ in 0..<(random.chance(60) ? random.pick([1, 1, 2]) : 0) {
      let minimum = random.below(8)
      var limits = Limits(UInt64(minimum), random.chance(50) ? UInt64(minimum + random.below(5)) : nil)
      limits.is64 = random.chance(5)
      add(Entity(type: .table(random.chance(90) ? .funcref : .externref, limits)), index)
    }
    for _ in 0..<random.below(2) { add(Entity(type: .tag((0..<random.below(3)).map { _ in number() })), index) }
    // Functions first by their place, so that globals may refer to them.
    let first = module.entities.count
    for _ in 0..<(1 + random.below(6)) { add(Entity(type: .function(signature())), index) }
    for _ in 0..<random.below(6) { makeGlobal(index, functions: first) }
    let functions = places {
      if case .function(let signature) = $0.type { signature.parameters.isEmpty } else { false }
    }
    let starters = functions.filter {
      if case .function(let signature) = module.entities[$0].type {
        return signature.results.isEmpty && signature.parameters.isEmpty && signature.family == nil
      }
      return false
    }
    if random.chance(35) {
      if starters.isEmpty || isCareful || random.chance(70) {
        add(Entity(type: .function(Signature(parameters: [], results: []))), index)
        module.start = module.entities.count - 1
      } else {
        module.start = random.pick(starters)
      }
    }
  }

  private mutating func memoryLimits() -> Limits {
    if random.chance(8) {
      return Limits(UInt64(64 + random.below(100)), random.chance(50) ? 300 : nil, pageSize: 0)
    }
    let minimum = random.below(3)
    var limits = Limits(UInt64(minimum), random.chance(50) ? UInt64(minimum + random.below(3)) : nil)
    limits.is64 = random.chance(10)
    if random.chance(5) {
      limits.isShared = true
      limits.maximum = limits.maximum ?? limits.minimum + 1
    }
    return limits
  }

  private mutating func makeGlobal(_ index: Int, functions: Int) {
    let isMutable = random.chance(50)
    // Globals that an initialiser may read: immutable ones before this one.
    let readable = places { if case .global(_, false) = $0.type { true } else { false } }
    if random.chance(25) {
      let candidates = places { if case .function = $0.type { !$0.isIndirect } else { false } }
      guard !candidates.isEmpty else { return }
      let function = random.pick(candidates)
      guard case .function(let signature) = module.entities[function].type else { return }
      let value = signature.family.map { random.chance(60) ? Value.reference($0) : .funcref } ?? .funcref
      var entity = Entity(type: .global(value, isMutable: isMutable))
      if random.chance(80), random.chance(50) || module.entities[function].source == nil {
        entity.initial = .function(function)
      }
      return add(entity, index)
    }
    let value = number()
    var entity = Entity(type: .global(value, isMutable: isMutable), initial: .number(Int32(random.below(1000)) - 100))
    let same = readable.filter { if case .global(value, _) = module.entities[$0].type { true } else { false } }
    if !same.isEmpty, random.chance(50) {
      let other = random.pick(same)
      let number = Int32(random.below(50))
      entity.initial =
        ![.i32, .i64].contains(value)
        ? .global(other)
        : random.pick([
          .sum(other, number), .difference(other, number), .product(other, number), .global(other), .global(other),
        ])
    }
    if !isMutable, value == .i32 { entity.value = known(entity.initial) }
    add(entity, index)
  }

  private func known(_ initial: ModuleSet.Initial) -> Int32? {
    switch initial {
    case .number(let number): number
    case .global(let other): module.entities[other].value
    case .sum(let other, let number): module.entities[other].value.map { $0 &+ number }
    case .difference(let other, let number): module.entities[other].value.map { $0 &- number }
    case .product(let other, let number): module.entities[other].value.map { $0 &* number }
    case .zero, .function: nil
    }
  }

  private func places(_ isWanted: (Entity) -> Bool) -> [Int] {
    module.entities.indices.filter { isWanted(module.entities[$0]) }
  }

  private func places(_ kind: ModuleBuilder.Kind) -> [Int] { places { $0.type.kind == kind } }

  // MARK: Segments

  private mutating func makeSegments(_ index: Int) {
    // Only what does not call through tables itself gets into a table: that is decided here, before bodies are made.
    let functions = places(.function).filter { !module.entities[$0].isIndirect && $0 != module.start }
    let tables = places { if case .table(.funcref, _) = $0.type { true } else { false } }
    for _ in 0..<(random.chance(70) ? random.below(4) : 0) {
      var chosen: [Int?] = (0..<random.below(4)).map { _ in
        functions.isEmpty || random.chance(10) ? nil : random.pick(functions)
      }
      var segment = ModuleSet.Elements(place: random.chance(80) ? .passive : .declarative, functions: chosen)
      if !tables.isEmpty, random.chance(75) {
        let table = random.pick(tables)
        guard case .table(_, let limits) = module.entities[table].type else { continue }
        let room = Int(limits.minimum) - chosen.count
        if room < 0, !random.chance(5) { chosen.removeAll() }
        let offset = room <= 0 ? 0 : random.below(room + 1)
        segment = .init(place: .active(table: table, initial(offset, is64: limits.is64)), functions: chosen)
        let root = module.entities[table].root
        for (slot, function) in chosen.enumerated() {
          guard let function, case .function(let signature) = module.entities[function].type else { continue }
          slots[Place(module: root.module, entity: root.entity), default: [:]][offset + slot] = signature
        }
      }
      segment.isExpressions = random.chance(30)
      module.elements.append(segment)
    }
    let memories = places(.memory)
    for _ in 0..<(random.chance(80) ? random.below(4) : 0) {
      let bytes = (0..<random.below(12)).map { _ in UInt8(random.below(256)) }
      var segment = ModuleSet.Bytes(place: nil, bytes: bytes)
      if !memories.isEmpty, random.chance(75) {
        let memory = random.pick(memories)
        guard case .memory(let limits) = module.entities[memory].type else { continue }
        if limits.minimum == 0, !bytes.isEmpty, !random.chance(4) { continue }
        segment.place = (memory, initial(random.below(40), is64: limits.is64))
      }
      module.data.append(segment)
    }
  }

  /// An offset, possibly by way of an imported global that has this value.
  private mutating func initial(_ offset: Int, is64: Bool) -> ModuleSet.Initial {
    let known = places { entity in
      if case .global(.i32, false) = entity.type { return entity.value.map { $0 >= 0 && $0 <= offset } ?? false }
      return false
    }
    if !is64, !known.isEmpty, random.chance(60) {
      let global = random.pick(known)
      let rest = Int32(offset) - (module.entities[global].value ?? 0)
      return rest == 0 ? .global(global) : .sum(global, rest)
    }
    return .number(Int32(offset))
  }

  // MARK: Exports

  private mutating func makeExports(_ index: Int) {
    for place in module.entities.indices {
      let isImport = module.entities[place].source != nil
      let chance =
        switch module.entities[place].type.kind {
        case .function: isImport ? 15 : 60
        default: isImport ? 15 : 45
        }
      while random.chance(module.entities[place].exports.isEmpty ? chance : 10) {
        module.entities[place].exports.append("e\(nextExport)")
        nextExport += 1
      }
    }
  }

  // MARK: Code

  private mutating func makeBodies(_ index: Int) {
    let references = tableFunctions()
    for place in module.entities.indices {
      guard case .function = module.entities[place].type, module.entities[place].source == nil else { continue }
      let mayCallIndirectly = !references.contains(place)
      let isQuiet = isCareful && place == module.start
      for _ in 0..<random.below(7) {
        let before = module.entities[place]
        guard let step = step(place, mayCallIndirectly) else { continue }
        if module.isRisky(step) {
          // What calling it costs is forgotten as well.
          if isQuiet {
            module.entities[place] = before
            continue
          }
          module.entities[place].isRisky = true
        }
        module.entities[place].body.append(step)
      }
    }
  }

  /// Functions that are or may get into a table or a reference.
  private func tableFunctions() -> Set<Int> {
    var result: Set<Int> = []
    for segment in module.elements { result.formUnion(segment.functions.compactMap(\.self)) }
    for entity in module.entities { if case .function(let function) = entity.initial { result.insert(function) } }
    return result
  }

  private mutating func callable(_ caller: Int, _ mayCallIndirectly: Bool) -> Int? {
    let candidates = places(.function).filter {
      let entity = module.entities[$0]
      return (entity.source != nil || $0 < caller) && (mayCallIndirectly || !entity.isIndirect)
        && entity.cost + module.entities[caller].cost < 300
    }
    guard !candidates.isEmpty else { return nil }
    let callee = random.pick(candidates)
    module.entities[caller].cost += module.entities[callee].cost
    if module.entities[callee].isIndirect { module.entities[caller].isIndirect = true }
    return callee
  }

  private mutating func address(_ memory: Int) -> Int {
    random.chance(3) ? 65534 : random.below(48)
  }

  private mutating func step(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
    switch random.below(8) {
    case 0:
      let globals = places(.global)
      guard !globals.isEmpty else { return nil }
      return .readGlobal(random.pick(globals))
    case 1:
      let globals = places { if case .global(let value, true) = $0.type { !value.isReference } else { false } }
      guard !globals.isEmpty else { return nil }
      return .writeGlobal(random.pick(globals))
    case 2, 3: return callable(caller, mayCallIndirectly).map { .call($0) }
    case 4, 5: return memoryStep()
    case 6: return tableStep(caller, mayCallIndirectly)
    default: return referenceStep(caller, mayCallIndirectly)
    }
  }

  private mutating func memoryStep() -> ModuleSet.Step? {
    let memories = places(.memory)
    guard !memories.isEmpty else { return nil }
    let memory = random.pick(memories)
    let at = address(memory)
    switch random.below(11) {
    case 0, 1, 2: return .load(memory: memory, address: at)
    case 3, 4: return .store(memory: memory, address: at)
    case 5: return .memorySize(memory)
    case 6: return .memoryGrow(memory)
    case 7:
      guard !module.data.isEmpty else { return nil }
      let data = random.below(module.data.count)
      return .memoryInit(
        data: data, memory: memory, address: at, count: random.below(module.data[data].bytes.count + 1))
    case 8: return module.data.isEmpty ? nil : .dataDrop(random.below(module.data.count))
    case 9:
      return .memoryCopy(
        to: memory, from: random.pick(memories), address: at, source: random.below(40), count: random.below(8))
    default: return .memoryFill(memory, address: at, count: random.below(8))
    }
  }

  private mutating func tableStep(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
    let tables = places(.table)
    guard !tables.isEmpty else { return nil }
    let table = random.pick(tables)
    guard case .table(let value, let limits) = module.entities[table].type else { return nil }
    let slot = random.chance(4) ? 20 : random.below(max(1, Int(limits.minimum)))
    switch random.below(9) {
    case 0: return .tableSize(table)
    case 1: return .tableGrow(table)
    case 2: return .tableIsNull(table, slot: slot)
    case 3:
      let functions = tableFunctions().sorted()
      return .tableSet(
        table, slot: slot, function: value != .funcref || functions.isEmpty ? nil : random.pick(functions))
    case 4:
      guard value == .funcref, !module.elements.isEmpty else { return nil }
      let elements = random.below(module.elements.count)
      return .tableInit(
        elements: elements, table: table, slot: slot,
        count: random.below(module.elements[elements].functions.count + 1))
    case 5: return module.elements.isEmpty ? nil : .elemDrop(random.below(module.elements.count))
    case 6:
      let other = random.pick(tables)
      guard case .table(value, _) = module.entities[other].type else { return nil }
      return .tableCopy(to: table, from: other, slot: slot, source: 0, count: random.below(3))
    default:
      guard value == .funcref, mayCallIndirectly, module.entities[caller].cost < 200 else { return nil }
      let root = module.entities[table].root
      let known = slots[Place(module: root.module, entity: root.entity)] ?? [:]
      module.entities[caller].isIndirect = true
      module.entities[caller].cost += 100
      guard let (slot, signature) = known.sorted(by: { $0.key < $1.key }).randomElement(using: &random),
        random.chance(90)
      else { return .callIndirect(table: table, slot: slot, signature()) }
      return .callIndirect(table: table, slot: slot, signature)
    }
  }

  private mutating func referenceStep(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
    switch random.below(4) {
    case 0:
      let globals = places { if case .global(.funcref, true) = $0.type { true } else { false } }
      let functions = tableFunctions().sorted()
      guard !globals.isEmpty, !functions.isEmpty else { return nil }
      return .setReference(global: random.pick(globals), function: random.pick(functions))
    case 1:
      let globals = places { if case .global(.reference, _) = $0.type { true } else { false } }
      guard !globals.isEmpty, mayCallIndirectly, module.entities[caller].cost < 200 else { return nil }
      module.entities[caller].isIndirect = true
      module.entities[caller].cost += 100
      return .callReference(global: random.pick(globals))
    case 2:
      let tags = places(.tag)
      return tags.isEmpty ? .addNumber(Int32(random.below(99))) : .throwSometimes(random.pick(tags))
    default:
      let tags = places(.tag)
      guard !tags.isEmpty, let function = callable(caller, mayCallIndirectly) else { return nil }
      return .callAndCatch(function: function, tag: random.pick(tags))
    }
  }

  private mutating func makeCalls() {
    for module in set.modules {
      for entity in module.entities {
        guard case .function(let signature) = entity.type, let name = entity.exports.first else { continue }
        for _ in 0..<2 {
          set.calls.append(
            Call(
              name,
              signature.parameters.map { _ in
                random.pick([0, 1, 2, 7, -1, 1000, Int.random(in: -99...99, using: &random)])
              }))
        }
      }
    }
    set.calls.shuffle(using: &random)
  }
}
