/// What a module of a random set defines, the segments that fill it, and what it exports.
extension ModuleSetGenerator {
  mutating func add(_ entity: Entity, _ index: Int) {
    var entity = entity
    entity.root = (index, module.entities.count)
    module.entities.append(entity)
  }

  mutating func makeDefinitions(_ index: Int) {
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

  mutating func memoryLimits() -> Limits {
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

  mutating func makeGlobal(_ index: Int, functions: Int) {
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

  func known(_ initial: ModuleSet.Initial) -> Int32? {
    switch initial {
    case .number(let number): number
    case .global(let other): module.entities[other].value
    case .sum(let other, let number): module.entities[other].value.map { $0 &+ number }
    case .difference(let other, let number): module.entities[other].value.map { $0 &- number }
    case .product(let other, let number): module.entities[other].value.map { $0 &* number }
    case .zero, .function: nil
    }
  }

  func places(_ isWanted: (Entity) -> Bool) -> [Int] {
    module.entities.indices.filter { isWanted(module.entities[$0]) }
  }

  func places(_ kind: ModuleBuilder.Kind) -> [Int] { places { $0.type.kind == kind } }

  // MARK: Segments

  mutating func makeSegments(_ index: Int) {
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
  mutating func initial(_ offset: Int, is64: Bool) -> ModuleSet.Initial {
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

  mutating func makeExports(_ index: Int) {
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
}
