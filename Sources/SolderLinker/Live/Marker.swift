import CPlatform
import WebAssemblyFormat

// How marking is shared among threads.
//
// What the roots reach does not depend on the order in which relocations are followed, so any thread may follow any of
// them. Every definition of every unit (a function, a segment, …) has a number and a byte; whoever changes that
// byte from 0 to 1 has to see to it that the definition's relocations are followed, and nobody else has. What a program
// refers to is all over it, so a thread collects definitions, as a bit each, and goes through those of one unit in order of
// their numbers until none is left: the unit's relocations and symbols then stay in the cache, and are read in the
// order in which they lie in memory.
//
// Functions, segments and symbols are structs of about a hundred bytes, and looking at one that is not in the cache is
// what takes time. So the few bytes of them that marking needs are copied into dense arrays first, in order, which the
// processor sees coming.

/// Marks on one thread, together with others.
struct Marker {
  private let state: MarkState
  private let units: [Unit]
  private let definitions: SharedBytes
  private let symbolMarks: SharedBytes
  private let targets: ParallelBuffer<MarkState.Target>
  private let relocations: ParallelBuffer<RelocationRange>
  private let bases: MarkState.Bases
  /// The definitions that this thread is to follow, a bit each; whether a unit may have some; and those units.
  private var pending: [UInt64]
  private var hasPending: [Bool]
  private var waiting: [UnitID] = []
  /// The unit whose definitions are being followed, which does not wait.
  private var current: UnitID?
  /// Definitions followed since work was given away last.
  private var followed = 0
  /// Units that this thread was the first to mark something of.
  private var begun: [UnitID] = []

  init(_ state: MarkState) {
    self.state = state
    units = state.resolution.units
    definitions = state.definitions
    symbolMarks = state.symbols
    targets = state.targets
    relocations = state.relocations
    bases = state.bases
    pending = Array(repeating: 0, count: (state.bases.end + 63) / 64)
    hasPending = Array(repeating: false, count: state.resolution.units.count)
  }

  /// Marks until no thread has anything left to do.
  mutating func run() {
    state.work.begin()
    while true {
      if let block = state.work.block() {
        markRoots(ofBlock: block)
      } else if let definitions = state.work.take() {
        for list in definitions {
          for definition in list.definitions { follow(Int(definition), list.unit) }
        }
      } else {
        return
      }
      drain()
    }
  }

  // MARK: Roots

  private mutating func markRoots(ofBlock block: Int) {
    if block == 0 { markWellKnown() }
    let (slots, places) = state.roots(ofBlock: block)
    let names = state.resolution.table.slots
    for slot in slots {
      let id = names[slot]
      if symbolMarks[Int(id)] & MarkState.kept != 0 { mark(id) }
    }
    for place in places {
      let unit = units[state.resolution.linkOrder[place]]
      if unit.isNamedExplicitly { markImplicit(unit) }
    }
  }

  private mutating func markWellKnown() {
    let known = state.resolution.wellKnown
    if let entry = state.resolution.entry { mark(entry) }
    if let destructors = known.callDestructors { mark(destructors) }
    if let program = known.destructorsOfAll?.program { mark(program) }
    for entry in state.resolution.exportedImports { mark(entry.symbol) }
    // A position-independent result imports its stack pointer only when code uses it.
    let needsStack = !state.options.isPositionIndependent && state.resolution.needsStack
    let stackPointer = needsStack ? known.stackPointer : nil
    for id in [stackPointer, known.memoryBase, known.tableBase].compactMap({ $0 }) { mark(id) }
  }

  /// Marks what belongs to a unit whether something refers to it or not.
  private mutating func markImplicit(_ unit: Unit) {
    for function in unit.initFunctions {
      let id = unit.symbolIDs[function.symbol]
      if !state.resolution.isDiscarded(state.resolution.symbol(id)) { mark(id) }
    }
    if state.hasRetained[Int(unit.index)] {
      for (index, segment) in unit.segments.enumerated() where segment.flags.contains(.retain) {
        markSegment(unit, index)
      }
    }
    if unit.usesTableWithoutRelocations, let last = unit.symbolIDs.values.last { mark(last) }
    if let facts = unit.lifted { markImplicit(unit, facts) }
  }

  /// What sets up thread-local data of a library: for other threads, and perhaps for the first.
  private mutating func markThreadLocal(_ data: ThreadLocalFacts, of unit: Unit, _ facts: LiftedFacts) {
    if let base = data.base { mark(unit.symbolIDs[facts.symbol(base)]) }
    guard state.options.sharedMemory || data.leavesFirstThread else { return }
    for function in data.relocationFunctions + (data.initialize.map { [$0] } ?? []) {
      mark(unit.symbolIDs[facts.symbol(function)])
    }
    markSegment(unit, Int(data.segment))
    // The first thread has its copy there, though no code may name it.
    if data.leavesFirstThread, let block = facts.memoryBlock { markSegment(unit, Int(block.segment)) }
  }

  private mutating func markImplicit(_ unit: Unit, _ facts: LiftedFacts) {
    func function(_ index: FunctionIndex) -> SymbolID { unit.symbolIDs[facts.symbol(index)] }
    for index in unit.functionsAtStart { mark(function(index)) }
    if state.resolution.wellKnown.destructorsOfAll != nil, let destructors = state.resolution.destructors(of: unit) {
      mark(destructors)
    }
    if let data = facts.threadLocal { markThreadLocal(data, of: unit, facts) }
    if unit.contracts.keepsExports {
      for export in unit.exports {
        switch export.item {
        case .function(let index): mark(function(index))
        case .global(let index): mark(unit.symbolIDs[facts.symbol(index)])
        case .table(let index): mark(unit.symbolIDs[facts.symbol(index)])
        case .tag(let index): mark(unit.symbolIDs[facts.symbol(index)])
        case .memory: break
        }
      }
    }
    for (index, segment) in unit.segments.enumerated() {
      switch segment.placement {
      case .absolute, .kept: markSegment(unit, index)
      default: break
      }
    }
    for (index, element) in unit.elements.enumerated() where !element.isDeclarative {
      switch element.placement {
      case .absolute: markElement(unit, index)
      case .block where unit.codeFacts.needsTableBlock: markElement(unit, index)
      case .kept where element.table != nil: markElement(unit, index)
      default: break
      }
    }
  }

  // MARK: Marking

  private mutating func mark(_ id: SymbolID) {
    symbolMarks[Int(id)] |= MarkState.referenced
    let target = targets[Int(id)]
    guard let definition = target.definition.index.map({ Int($0) }), definitions[definition] == 0 else { return }
    if state.units.claim(Int(target.unit)) { begun.append(target.unit) }
    if definition >= bases.segments, definition < bases.globals {
      let unit = units[target.unit]
      markSegment(unit, definition - bases.segments - Int(unit.bases.segment))
    } else if definitions.claim(definition), definition < bases.tags {
      follow(definition, target.unit)
    }
  }

  /// A block and the pieces of data in it live and die together.
  private mutating func markSegment(_ unit: Unit, _ index: Int) {
    let definition = bases.segments + Int(unit.bases.segment) + index
    guard definitions.claim(definition) else { return }
    follow(definition, unit.index)
    guard let facts = unit.lifted else { return }
    let segments = unit.segments
    if case .inside(let block, _) = segments[index].placement { markSegment(unit, Int(block)) }
    if let block = facts.memoryBlock?.segment, Int(block) == index {
      for (piece, segment) in segments.enumerated() {
        if case .inside(block, _) = segment.placement { markSegment(unit, piece) }
      }
    }
  }

  private mutating func markElement(_ unit: Unit, _ index: Int) {
    let definition = bases.elements + Int(unit.bases.element) + index
    if definitions.claim(definition) { follow(definition, unit.index) }
  }

  /// Makes sure that the relocations of a definition will be followed.
  private mutating func follow(_ definition: Int, _ unit: UnitID) {
    pending[definition >> 6] |= 1 << UInt64(definition & 63)
    guard !hasPending[Int(unit)] else { return }
    hasPending[Int(unit)] = true
    if unit != current { waiting.append(unit) }
  }

  // MARK: Following

  /// Units are followed in the order in which they were come across, so that many definitions of each have gathered.
  private mutating func drain() {
    var position = 0
    while true {
      if let unit = begun.popLast() {
        markImplicit(units[unit])
      } else if position < waiting.count {
        let unit = waiting[position]
        position += 1
        drain(units[unit], before: position)
      } else {
        waiting.removeAll(keepingCapacity: true)
        return
      }
    }
  }

  /// Follows all definitions of a unit that wait, and those that wait because of them.
  private mutating func drain(_ unit: Unit, before position: Int) {
    let source = RelocatedUnit(unit)
    let ranges = state.definitions(of: unit)
    current = unit.index
    while hasPending[Int(unit.index)] {
      hasPending[Int(unit.index)] = false
      for range in ranges where !range.isEmpty { sweep(range, of: source, before: position) }
    }
    current = nil
  }

  /// Follows definitions in the order of their numbers, those too that come to wait farther on.
  private mutating func sweep(_ range: Range<Int>, of source: RelocatedUnit, before position: Int) {
    let last = (range.upperBound - 1) >> 6
    for word in range.lowerBound >> 6...last {
      let mask = Marker.mask(word, range)
      if word < last {
        let next = pending[word + 1] & Marker.mask(word + 1, range)
        Marker.prefetchRelocations(next, word + 1, source.relocations, relocations, before: bases.globals)
      }
      while pending[word] & mask != 0 {
        let bit = (pending[word] & mask).trailingZeroBitCount
        pending[word] &= ~(1 << UInt64(bit))
        follow(definition: word << 6 | bit, of: source)
        followed += 1
      }
      if followed >= Marker.quantum, state.work.isWanted { share(from: position) }
    }
  }

  /// The bits of a word that stand for definitions in the range.
  private static func mask(_ word: Int, _ range: Range<Int>) -> UInt64 {
    let first = max(0, range.lowerBound - word << 6)
    let count = min(64, range.upperBound - word << 6) - first
    return (count == 64 ? .max : (1 << UInt64(count)) - 1) << UInt64(first)
  }

  /// Asks for the relocations of definitions before they are followed. Static, since a closure would copy the marker.
  private static func prefetchRelocations(
    _ bits: UInt64, _ word: Int, _ source: [Relocation], _ ranges: ParallelBuffer<RelocationRange>, before end: Int
  ) {
    var bits = bits
    unsafe source.withUnsafeBufferPointer { buffer in
      while bits != 0, let start = buffer.baseAddress {
        let definition = word << 6 | bits.trailingZeroBitCount
        bits &= bits - 1
        if definition < end { unsafe prefetch(start + Int(ranges[definition].start)) }
      }
    }
  }

  /// Definitions that a thread follows at least before it gives work away, and of which it gives none away.
  private static let quantum = 256

  /// Gives some of the work away: half of the units that wait, or half of what waits of this one.
  private mutating func share(from position: Int) {
    followed = 0
    var lists: [MarkWork.Definitions] = []
    let count = (waiting.count - position) / 2
    for unit in waiting.suffix(count) {
      let definitions = waitingDefinitions(of: unit)
      hasPending[Int(unit)] = false
      if let list = give(definitions[...], of: unit) { lists.append(list) }
    }
    waiting.removeLast(count)
    if lists.isEmpty, let current {
      let definitions = waitingDefinitions(of: current)
      if definitions.count > Marker.quantum, let list = give(definitions[(definitions.count / 2)...], of: current) {
        lists.append(list)
      }
    }
    if !lists.isEmpty { state.work.offer(lists) }
  }

  private mutating func give(_ definitions: ArraySlice<UInt32>, of unit: UnitID) -> MarkWork.Definitions? {
    for definition in definitions { pending[Int(definition) >> 6] &= ~(1 << UInt64(definition & 63)) }
    return definitions.isEmpty ? nil : MarkWork.Definitions(unit: unit, definitions: Array(definitions))
  }

  private func waitingDefinitions(of unit: UnitID) -> [UInt32] {
    var result: [UInt32] = []
    for range in state.definitions(of: units[unit]) where !range.isEmpty {
      for word in range.lowerBound >> 6...(range.upperBound - 1) >> 6 {
        var bits = pending[word] & Marker.mask(word, range)
        while bits != 0 {
          result.append(UInt32(word << 6 | bits.trailingZeroBitCount))
          bits &= bits - 1
        }
      }
    }
    return result
  }

  private mutating func follow(definition: Int, of source: RelocatedUnit) {
    if definition < bases.globals {
      follow(relocations[definition], of: source)
      guard source.unit.contracts.keepsPlaces, definition >= bases.segments else { return }
      let index = definition - bases.segments - Int(source.unit.bases.segment)
      if case .kept(_, let offset) = source.unit.segments[index].placement { follow(offset.relocations, of: source) }
    } else if definition < bases.tables {
      let index = definition - bases.globals - Int(source.unit.bases.global)
      follow(source.unit.globals[index].initializer.relocations, of: source)
    } else if definition < bases.elements {
      let index = definition - bases.tables - Int(source.unit.bases.table)
      if let initializer = source.unit.tables[index].initializer { follow(initializer.relocations, of: source) }
    } else {
      followElement(source, source.unit.elements[definition - bases.elements - Int(source.unit.bases.element)])
    }
  }

  private mutating func followElement(_ source: RelocatedUnit, _ element: ElementSegment) {
    let unit = source.unit
    if let facts = unit.lifted, let table = element.table {
      mark(unit.symbolIDs[facts.symbol(table)])
    }
    if let offset = element.offset { follow(offset.relocations, of: source) }
    follow(element.items.relocations, of: source)
  }

  private mutating func follow(_ range: RelocationRange, of source: RelocatedUnit) {
    var index = Int(range.start)
    let end = Int(range.end)
    while true {
      index = Marker.next(in: index..<end, of: source.relocations, source.symbolIDs, symbolMarks)
      guard index < end else { return }
      let edit = source.relocations[index]
      switch edit.kind {
      case .dataIndex: markSegment(source.unit, Int(edit.target))
      case .elementIndex: markElement(source.unit, Int(edit.target))
      default: mark(source.symbolIDs[edit.namedSymbol])
      }
      index += 1
    }
  }

  /// The first relocation that refers to something that may not be marked yet. Nearly all symbols are referred to many
  /// times, so this loop is where marking spends its time.
  private static func next(
    in range: Range<Int>, of relocations: [Relocation], _ symbolIDs: Row<UnitSymbols, SymbolID>, _ marks: SharedBytes
  ) -> Int {
    for index in range {
      let kind = relocations[index].kind
      switch kind {
      case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .implicitMemory, .constantNumber, .removedCall: continue
      case .dataIndex, .elementIndex: return index
      default:
        guard relocations[index].hasTarget else { continue }
        let mark = marks[Int(symbolIDs[relocations[index].namedSymbol])]
        if mark & MarkState.referenced != 0 { continue }
        // A stub's address is null, so pointing to it does not need the function. Counted from a base it is kept, as in
        // wasm-ld.
        if mark & MarkState.stub != 0, kind.isTableIndex, !kind.isRelativeToBase { continue }
        return index
      }
    }
    return range.upperBound
  }
}
