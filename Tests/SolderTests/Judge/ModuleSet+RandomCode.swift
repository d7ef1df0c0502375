/// The bodies of a random set's functions, and how the host calls them.
extension ModuleSetGenerator {
  mutating func makeBodies(_ index: Int) {
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
  func tableFunctions() -> Set<Int> {
    var result: Set<Int> = []
    for segment in module.elements { result.formUnion(segment.functions.compactMap(\.self)) }
    for entity in module.entities { if case .function(let function) = entity.initial { result.insert(function) } }
    return result
  }

  mutating func callable(_ caller: Int, _ mayCallIndirectly: Bool) -> Int? {
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

  mutating func address(_ memory: Int) -> Int {
    random.chance(3) ? 65534 : random.below(48)
  }

  mutating func step(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
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

  mutating func memoryStep() -> ModuleSet.Step? {
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

  mutating func tableStep(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
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

  mutating func referenceStep(_ caller: Int, _ mayCallIndirectly: Bool) -> ModuleSet.Step? {
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

  mutating func makeCalls() {
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
