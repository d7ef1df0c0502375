import WebAssemblyFormat

/// Why each definition is live: the one that refers to it on the shortest way from a root.
///
/// ``MarkPass`` finds out on all threads what is live, and forgets the way. When a report asks for it, this goes along the
/// same relocations once more, on one thread, breadth first, and only to what is live. What it does not come to
/// (there is no garbage collection, or a thing stays with its file) is a root of its own.
struct LiveReasons {
  enum Reason {
    /// Wanted for itself.
    case root(String)
    /// Referred to by another definition.
    case definition(MarkedIndex)
  }

  private let resolution: Resolution
  private let live: Liveness
  private let options: LinkOptions
  private let bases: MarkState.Bases
  /// By definition, in the row in which they are marked.
  private var reasons: [Reason?]
  /// By symbol that nothing defines: who refers to it first.
  private var referrers: [SymbolID: MarkedIndex] = [:]
  private var queue: [MarkedIndex] = []
  private var owners: [UnitID] = []
  private var begun: [Bool]

  init(_ resolution: Resolution, _ live: Liveness, _ options: LinkOptions) {
    self.resolution = resolution
    self.live = live
    self.options = options
    bases = MarkState.Bases(resolution.units)
    reasons = Array(repeating: nil, count: bases.end)
    begun = Array(repeating: false, count: resolution.units.count)
    owners = LiveReasons.owners(resolution, bases)
    addRoots()
    follow()
    addRest()
  }

  subscript(definition: MarkedIndex) -> Reason? { reasons[Int(definition)] }

  /// Who refers first to a symbol that nothing defines.
  func referrer(of symbol: SymbolID) -> MarkedIndex? { referrers[symbol] }

  /// The unit that a definition belongs to.
  func owner(of definition: MarkedIndex) -> UnitID { owners[Int(definition)] }

  // MARK: Numbers

  /// Where a symbol is defined, if it is.
  func definition(of symbol: Symbol) -> MarkedIndex? {
    guard let index = symbol.definition, let range = bases.range(of: symbol.kind) else { return nil }
    return MarkedIndex(range.start + Int(index))
  }

  func definition(ofFunction index: Int, in unit: Unit) -> MarkedIndex { MarkedIndex(Int(unit.bases.function) + index) }

  func definition(ofSegment index: Int, in unit: Unit) -> MarkedIndex {
    MarkedIndex(bases.segments + Int(unit.bases.segment) + index)
  }

  func definition(ofGlobal index: Int, in unit: Unit) -> MarkedIndex {
    MarkedIndex(bases.globals + Int(unit.bases.global) + index)
  }

  func definition(ofTable index: Int, in unit: Unit) -> MarkedIndex {
    MarkedIndex(bases.tables + Int(unit.bases.table) + index)
  }

  func definition(ofTag index: Int, in unit: Unit) -> MarkedIndex {
    MarkedIndex(bases.tags + Int(unit.bases.tag) + index)
  }

  func definition(ofElement index: Int, in unit: Unit) -> MarkedIndex {
    MarkedIndex(bases.elements + Int(unit.bases.element) + index)
  }

  /// What kind of thing a definition is, and its position in its unit.
  func place(of definition: MarkedIndex) -> (kind: SymbolKind?, index: Int) {
    let number = Int(definition)
    let unit = resolution.units[owners[number]]
    switch number {
    case ..<bases.segments: return (.function, number - Int(unit.bases.function))
    case ..<bases.globals: return (.data, number - bases.segments - Int(unit.bases.segment))
    case ..<bases.tables: return (.global, number - bases.globals - Int(unit.bases.global))
    case ..<bases.elements: return (.table, number - bases.tables - Int(unit.bases.table))
    case ..<bases.tags: return (nil, number - bases.elements - Int(unit.bases.element))
    default: return (.tag, number - bases.tags - Int(unit.bases.tag))
    }
  }

  private static func owners(_ resolution: Resolution, _ bases: MarkState.Bases) -> [UnitID] {
    var owners = [UnitID](repeating: .own, count: bases.end)
    for unit in resolution.units {
      func fill(_ start: Int, _ count: Int) {
        for number in start..<start + count { owners[number] = unit.index }
      }
      fill(Int(unit.bases.function), unit.functions.count)
      fill(bases.segments + Int(unit.bases.segment), unit.segments.count)
      fill(bases.globals + Int(unit.bases.global), unit.globals.count)
      fill(bases.tables + Int(unit.bases.table), unit.tables.count)
      fill(bases.elements + Int(unit.bases.element), unit.elements.count)
      fill(bases.tags + Int(unit.bases.tag), unit.tags.count)
    }
    return owners
  }

  private func isLive(_ definition: MarkedIndex) -> Bool {
    let number = Int(definition)
    switch number {
    case ..<bases.segments: return live.functions.values[number]
    case ..<bases.globals: return live.segments.values[number - bases.segments]
    case ..<bases.tables: return live.globals.values[number - bases.globals]
    case ..<bases.elements: return live.tables.values[number - bases.tables]
    case ..<bases.tags: return live.elements.values[number - bases.elements]
    default: return live.tags.values[number - bases.tags]
    }
  }

  // MARK: Roots

  private mutating func addRoots() {
    let known = resolution.wellKnown
    if let entry = resolution.entry { reach(entry, .root("the entry")) }
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      if symbol.isRoot(options) {
        reach(id, .root("exported"))
      } else if symbol.flags.contains(.noStrip) {
        reach(id, .root("marked to be kept"))
      }
    }
    for entry in resolution.exportedImports { reach(entry.symbol, .root("exported")) }
    for unit in resolution.inLinkOrder where unit.isNamedExplicitly { begin(unit, nil) }
    for id in [known.callDestructors, known.destructorsOfAll?.program].compactMap({ $0 }) {
      reach(id, .root("called at the end"))
    }
    for id in [known.stackPointer, known.memoryBase, known.tableBase].compactMap({ $0 }) {
      reach(id, .root("needed by every program"))
    }
  }

  /// What stays with a unit that is part of the link, whether something refers to it or not.
  private mutating func begin(_ unit: Unit, _ first: MarkedIndex?) {
    guard !begun[Int(unit.index)] else { return }
    begun[Int(unit.index)] = true
    func reason(_ text: String) -> Reason { first.map { .definition($0) } ?? .root(text) }
    for function in unit.initFunctions { reach(unit.symbolIDs[function.symbol], reason("a constructor")) }
    for (index, segment) in unit.segments.enumerated() where segment.flags.contains(.retain) {
      reach(definition(ofSegment: index, in: unit), reason("marked to be kept"))
    }
    guard let facts = unit.lifted else { return }
    for index in unit.constructorsAtStart + facts.relocationFunctions {
      reach(unit.symbolIDs[facts.symbol(index)], reason("runs at start"))
    }
    if let start = unit.startFunction {
      reach(unit.symbolIDs[facts.symbol(start)], reason("the start function"))
    }
    if resolution.wellKnown.destructorsOfAll != nil, let destructors = resolution.destructors(of: unit) {
      reach(destructors, reason("called at the end"))
    }
    if let data = facts.threadLocal {
      reach(definition(ofSegment: Int(data.segment), in: unit), reason("thread-local data"))
    }
    if unit.contracts.keepsExports {
      for export in unit.exports {
        switch export.item {
        case .function(let index): reach(unit.symbolIDs[facts.symbol(index)], reason("exported"))
        case .global(let index): reach(unit.symbolIDs[facts.symbol(index)], reason("exported"))
        case .table(let index): reach(unit.symbolIDs[facts.symbol(index)], reason("exported"))
        case .tag(let index): reach(unit.symbolIDs[facts.symbol(index)], reason("exported"))
        case .memory: break
        }
      }
    }
    for (index, segment) in unit.segments.enumerated() {
      switch segment.placement {
      case .absolute, .kept:
        reach(definition(ofSegment: index, in: unit), reason("data of a module that keeps its memory"))
      default: break
      }
    }
    for (index, element) in unit.elements.enumerated() where !element.isDeclarative {
      reach(definition(ofElement: index, in: unit), reason("fills a table"))
    }
  }

  private mutating func addRest() {
    let text = options.gcSections ? "kept with its file" : "--no-gc-sections"
    for number in reasons.indices where reasons[number] == nil && isLive(MarkedIndex(number)) {
      reasons[number] = .root(owners[number] == .own ? "made by the linker" : text)
    }
  }

  // MARK: Following

  private mutating func reach(_ id: SymbolID, _ reason: Reason) {
    if let target = definition(of: resolution.symbol(id)) { return reach(target, reason) }
    if case .definition(let referrer) = reason, referrers[id] == nil { referrers[id] = referrer }
  }

  private mutating func reach(_ definition: MarkedIndex, _ reason: Reason) {
    guard reasons[Int(definition)] == nil, isLive(definition) else { return }
    reasons[Int(definition)] = reason
    queue.append(definition)
  }

  private mutating func follow() {
    var position = 0
    while position < queue.count {
      let definition = queue[position]
      position += 1
      let unit = resolution.units[owners[Int(definition)]]
      begin(unit, definition)
      followRelocations(of: definition, unit)
      followBlock(of: definition, unit)
    }
  }

  private mutating func followRelocations(of definition: MarkedIndex, _ unit: Unit) {
    let (kind, index) = place(of: definition)
    switch kind {
    case .function: follow(unit.functionRelocations[index], definition, unit)
    case .data:
      follow(unit.segmentRelocations[index], definition, unit)
      if case .kept(_, let offset) = unit.segments[index].placement { follow(offset.relocations, definition, unit) }
    case .global: follow(unit.globals[index].initializer.relocations, definition, unit)
    case .table:
      if let initializer = unit.tables[index].initializer { follow(initializer.relocations, definition, unit) }
    case nil:
      let element = unit.elements[index]
      if let offset = element.offset { follow(offset.relocations, definition, unit) }
      follow(element.items.relocations, definition, unit)
    case .tag, .section: break
    }
  }

  /// A library's block and the pieces of data in it live together.
  private mutating func followBlock(of definition: MarkedIndex, _ unit: Unit) {
    guard let block = unit.lifted?.memoryBlock?.segment, case (.data, let index) = place(of: definition) else { return }
    if index == Int(block) {
      for (piece, segment) in unit.segments.enumerated() {
        if case .inside(block, _) = segment.placement {
          reach(self.definition(ofSegment: piece, in: unit), .definition(definition))
        }
      }
    } else if case .inside(block, _) = unit.segments[index].placement {
      reach(self.definition(ofSegment: Int(block), in: unit), .definition(definition))
    }
  }

  private mutating func follow(_ range: RelocationRange, _ definition: MarkedIndex, _ unit: Unit) {
    for relocation in unit.relocations[Int(range.start)..<Int(range.end)] {
      switch relocation.kind {
      case .dataIndex: reach(self.definition(ofSegment: Int(relocation.target), in: unit), .definition(definition))
      case .elementIndex: reach(self.definition(ofElement: Int(relocation.target), in: unit), .definition(definition))
      default:
        if let symbol = relocation.symbol { reach(unit.symbolIDs[symbol], .definition(definition)) }
      }
    }
  }
}
