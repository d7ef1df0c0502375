/// Sets at random.
extension ModuleSet {
  init(seed: UInt64) {
    var generator = ModuleSetGenerator(seed: seed)
    self = generator.make()
  }
}

/// Makes modules one after the other; each may import what those before it export, under its type or a type that the
/// specification lets it have, and now and then under one that it does not.
struct ModuleSetGenerator {
  typealias Value = ModuleSet.Value
  typealias Signature = ModuleSet.Signature
  typealias Entity = ModuleSet.Entity
  typealias EntityType = ModuleSet.EntityType

  var random: SplitMix
  var set = ModuleSet()
  var module = ModuleSet.Module(name: "", isNamed: true)
  var nextExport = 0
  /// What the slots of a table hold as far as it is known, by the table's own place.
  var slots: [Place: [Int: Signature]] = [:]
  /// Whether an import may be wrong.
  var hasMistake = false
  /// Whether start functions do only what cannot fail, so that there is something to compare behind them.
  var isCareful = false

  struct Place: Hashable {
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

  mutating func makeFamilies() {
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

  mutating func makeHosts() {
    for index in 0..<3 { set.hosts.append(.init(name: "f\(index)", type: .function(plainSignature()))) }
    set.hosts.append(.init(name: "m", type: .memory(Limits(2, 4))))
    set.hosts.append(.init(name: "t", type: .table(.funcref, Limits(6, 9))))
    set.hosts.append(.init(name: "g", type: .global(.i32, isMutable: false)))
    set.hosts.append(.init(name: "v", type: .global(random.pick([.i32, .i64]), isMutable: true)))
  }

  mutating func number() -> Value { random.pick([.i32, .i32, .i32, .i64, .f32, .f64]) }

  mutating func plainSignature() -> Signature {
    Signature(
      parameters: (0..<random.below(3)).map { _ in number() }, results: random.chance(80) ? [number()] : [])
  }

  mutating func signature() -> Signature {
    set.families.isEmpty || random.chance(70) ? plainSignature() : random.pick(set.families).signature
  }

  func isFamily(_ family: Int, below ancestor: Int) -> Bool {
    var current: Int? = family
    while let here = current {
      if here == ancestor { return true }
      current = set.families[here].parent
    }
    return false
  }

  // MARK: Imports

  mutating func makeImports(_ index: Int) {
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

  mutating func addHostImport() {
    let place = random.below(set.hosts.count)
    let host = set.hosts[place]
    var entity = Entity(type: weakened(host.type), source: ("host", host.name))
    entity.root = (-1, place)
    // What the host has is in the judge.
    if host.name == "g" { entity.value = 3 }
    module.entities.append(entity)
  }

  /// A type with which this may be imported.
  mutating func weakened(_ type: EntityType) -> EntityType {
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
  mutating func wrong(_ type: EntityType) -> EntityType {
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
}
