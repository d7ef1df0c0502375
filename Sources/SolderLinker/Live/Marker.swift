import CPrefetch
import WebAssemblyFormat

// How marking is shared among threads.
//
// What the roots reach does not depend on the order in which relocations are followed, so any thread may follow any of
// them. Every element of every unit (a chunk: a function, a segment, …) has a number and a byte; whoever changes that
// byte from 0 to 1 has to see to it that the chunk's relocations are followed, and nobody else has. What a program
// refers to is all over it, so a thread collects chunks by unit, in lists that go through one array with a place for
// each chunk, and follows those of one unit in one go: the unit's relocations and symbols then stay in the cache.
//
// Functions, segments and symbols are structs of about a hundred bytes, and looking at one that is not in the cache is
// what takes time. So the few bytes of them that marking needs are copied into dense arrays first, in order, which the
// processor sees coming.

/// What the threads that mark share.
struct MarkState: @unchecked Sendable {
  /// Where the chunks of each kind begin, in one row.
  struct Bases {
    var segments = 0
    var globals = 0
    var tables = 0
    var elements = 0
    var tags = 0
    var end = 0

    init(_ units: [Unit]) {
      for unit in units {
        segments += unit.functions.count
        globals += unit.segments.count
        tables += unit.globals.count
        elements += unit.tables.count
        tags += unit.elements.count
        end += unit.tags.count
      }
      globals += segments
      tables += globals
      elements += tables
      tags += elements
      end += tags
    }

    /// The numbers of the chunks that symbols of a kind stand for.
    func range(of kind: SymbolKind) -> (start: Int, end: Int)? {
      switch kind {
      case .function: (0, segments)
      case .data: (segments, globals)
      case .global: (globals, tables)
      case .table: (tables, elements)
      case .tag: (tags, end)
      case .section: nil
      }
    }
  }

  let resolution: Resolution
  let options: LinkOptions
  let bases: Bases
  /// Whether each chunk is live.
  let chunks: SharedBytes
  /// Whether something of each unit is.
  let units: SharedBytes
  /// Of each symbol, the bits below.
  let symbols: SharedBytes
  /// The definition of each symbol.
  let targets: ParallelBuffer<Target>
  /// Relocations of each function and segment.
  let relocations: ParallelBuffer<RelocationRange>
  /// For each unit, whether one of its segments is kept even if nothing refers to it.
  let hasRetained: ParallelBuffer<Bool>
  /// For each chunk of a list, the next one; the thread that has the list owns it.
  let next: ParallelBuffer<UInt32>
  let work: MarkWork

  /// Something live refers to the symbol.
  static let referenced: UInt8 = 1
  /// A reference to the symbol may ask for more than its index or address.
  static let unsettled: UInt8 = 2
  static let stub: UInt8 = 4
  /// The symbol is exported, or may not be stripped.
  static let kept: UInt8 = 8

  /// Where a symbol is defined: the number of the chunk, `none32` for none, and the unit.
  struct Target {
    var chunk: UInt32
    var unit: UInt32
  }

  static let slotsOfBlock = 4096
  static let unitsOfBlock = 16

  init(_ resolution: Resolution, _ options: LinkOptions, _ threads: Threads) {
    self.resolution = resolution
    self.options = options
    bases = Bases(resolution.units)
    chunks = SharedBytes(repeating: 0, count: bases.end)
    units = SharedBytes(repeating: 0, count: resolution.units.count)
    symbols = SharedBytes(repeating: 0, count: resolution.table.symbols.count)
    next = ParallelBuffer(repeating: none32, count: bases.end)
    targets = ParallelBuffer(repeating: Target(chunk: none32, unit: 0), count: resolution.table.symbols.count)
    relocations = ParallelBuffer(repeating: RelocationRange(), count: bases.globals)
    hasRetained = ParallelBuffer(repeating: false, count: resolution.units.count)
    for unit in resolution.units where unit.isNamedExplicitly { units[Int(unit.index)] = 1 }
    work = MarkWork(
      blockCount: 1 + MarkState.blocks(resolution.table.slots.count, MarkState.slotsOfBlock)
        + MarkState.blocks(resolution.linkOrder.count, MarkState.unitsOfBlock))
    let table = resolution.table.symbols
    threads.forEach(MarkState.blocks(table.count, MarkState.slotsOfBlock)) { [self] block in
      let first = block * MarkState.slotsOfBlock
      for id in first..<min(first + MarkState.slotsOfBlock, table.count) { take(table[id], id) }
    }
    threads.forEach(resolution.units.count, batch: MarkState.unitsOfBlock) { [self] in take(resolution.units[$0]) }
  }

  private func take(_ symbol: Symbol, _ id: Int) {
    var bits: UInt8 = symbol.isUnsettled(options) ? MarkState.unsettled : 0
    if symbol.has(.isStub) { bits |= MarkState.stub }
    if symbol.flags.contains(.noStrip) || symbol.isExported(options) { bits |= MarkState.kept }
    if bits != 0 { symbols[id] = bits }
    guard symbol.state == .defined, symbol.element != none32, let (base, end) = bases.range(of: symbol.kind) else {
      return
    }
    // The linker's own elements are numbered last and may be newer than the flags: those are live.
    let chunk = base + Int(symbol.element)
    if chunk < end { targets[id] = Target(chunk: UInt32(chunk), unit: symbol.unit) }
  }

  private func take(_ unit: Unit) {
    let functions = unit.functions
    var chunk = Int(unit.bases.function)
    for index in functions.indices {
      relocations[chunk] = functions[index].body.relocations
      chunk += 1
    }
    let segments = unit.segments
    chunk = bases.segments + Int(unit.bases.segment)
    for index in segments.indices {
      relocations[chunk] = segments[index].relocations
      if segments[index].flags.contains(.retain) { hasRetained[Int(unit.index)] = true }
      chunk += 1
    }
  }

  private static func blocks(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }

  /// The slots and the places in the link order that a block of roots consists of; the first has neither.
  func roots(ofBlock block: Int) -> (slots: Range<Int>, units: Range<Int>) {
    func range(_ block: Int, _ size: Int, _ count: Int) -> Range<Int> {
      min(block * size, count)..<min((block + 1) * size, count)
    }
    let slotBlocks = MarkState.blocks(resolution.table.slots.count, MarkState.slotsOfBlock)
    if block == 0 { return (0..<0, 0..<0) }
    if block <= slotBlocks {
      return (range(block - 1, MarkState.slotsOfBlock, resolution.table.slots.count), 0..<0)
    }
    return (0..<0, range(block - 1 - slotBlocks, MarkState.unitsOfBlock, resolution.linkOrder.count))
  }

  consuming func deallocate() {
    chunks.deallocate()
    units.deallocate()
    symbols.deallocate()
    next.deallocate()
    targets.deallocate()
    relocations.deallocate()
    hasRetained.deallocate()
  }
}

/// Marks on one thread, together with others.
struct Marker {
  private let state: MarkState
  private let units: [Unit]
  private let chunks: SharedBytes
  private let symbolMarks: SharedBytes
  private let targets: ParallelBuffer<MarkState.Target>
  private let relocations: ParallelBuffer<RelocationRange>
  private let next: ParallelBuffer<UInt32>
  private let bases: MarkState.Bases
  /// By unit, the first of its chunks that this thread is to follow, and the units that have some.
  private var heads: [UInt32]
  private var waiting: [UInt32] = []
  /// Chunks of one unit that are being followed.
  private var batch: [UInt32] = []
  /// Units that this thread was the first to mark something of.
  private var begun: [UInt32] = []

  init(_ state: MarkState) {
    self.state = state
    units = state.resolution.units
    chunks = state.chunks
    symbolMarks = state.symbols
    targets = state.targets
    relocations = state.relocations
    next = state.next
    bases = state.bases
    heads = Array(repeating: none32, count: state.resolution.units.count)
  }

  /// Marks until no thread has anything left to do.
  mutating func run() {
    state.work.begin()
    while true {
      if let block = state.work.block() {
        markRoots(ofBlock: block)
      } else if let chunks = state.work.take() {
        for list in chunks { accept(list) }
      } else {
        return
      }
      drain()
    }
  }

  /// Takes over a list of another thread. Several threads may have given chunks of the same unit.
  private mutating func accept(_ list: MarkWork.Chunks) {
    var last = Int(list.head)
    if heads[Int(list.unit)] == none32 {
      waiting.append(list.unit)
    } else {
      while next[last] != none32 { last = Int(next[last]) }
      next[last] = heads[Int(list.unit)]
    }
    heads[Int(list.unit)] = list.head
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
      let unit = units[Int(state.resolution.linkOrder[place])]
      if unit.isNamedExplicitly { markImplicit(unit) }
    }
  }

  private mutating func markWellKnown() {
    let known = state.resolution.wellKnown
    if let entry = state.resolution.entry { mark(entry) }
    if let destructors = known.callDestructors { mark(destructors) }
    // A position-independent result imports its stack pointer only when code uses it.
    let needsStack = !state.options.isPositionIndependent && state.resolution.needsStack
    let stackPointer = needsStack ? known.stackPointer : nil
    for id in [stackPointer, known.memoryBase, known.tableBase].compactMap({ $0 }) { mark(id) }
  }

  /// Marks what belongs to a unit whether something refers to it or not.
  private mutating func markImplicit(_ unit: Unit) {
    for function in unit.initFunctions {
      let id = unit.symbolIDs[Int(function.symbol)]
      if !state.resolution.isDiscarded(state.resolution.symbol(id)) { mark(id) }
    }
    if state.hasRetained[Int(unit.index)] {
      for (index, segment) in unit.segments.enumerated() where segment.flags.contains(.retain) {
        markSegment(unit, index)
      }
    }
    if unit.usesTableWithoutRelocations, let last = unit.symbolIDs.last { mark(last) }
    if let facts = unit.lifted { markImplicit(unit, facts) }
  }

  private mutating func markImplicit(_ unit: Unit, _ facts: LiftedFacts) {
    func function(_ index: UInt32) -> SymbolID { unit.symbolIDs[Int(facts.functionSymbols + index)] }
    for index in facts.constructors + facts.relocationFunctions where !facts.readFunctions.contains(index) {
      mark(function(index))
    }
    if let start = unit.startFunction { mark(function(start)) }
    if state.options.sharedMemory, let initialize = facts.initializeTLS { mark(function(initialize)) }
    if unit.origin == .plainModule {
      for export in unit.exports {
        switch export.kind {
        case .function: mark(function(export.index))
        case .global: mark(unit.symbolIDs[Int(facts.globalSymbols + export.index)])
        case .table: mark(unit.symbolIDs[Int(facts.tableSymbols + export.index)])
        case .tag: mark(unit.symbolIDs[Int(facts.tagSymbols + export.index)])
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
      case .block where facts.needsTableBlock: markElement(unit, index)
      case .kept where element.table != none32: markElement(unit, index)
      default: break
      }
    }
  }

  // MARK: Marking

  private mutating func mark(_ id: SymbolID) {
    symbolMarks[Int(id)] |= MarkState.referenced
    let target = targets[Int(id)]
    let chunk = Int(target.chunk)
    guard target.chunk != none32, chunks[chunk] == 0 else { return }
    if state.units.claim(Int(target.unit)) { begun.append(target.unit) }
    if chunk >= bases.segments, chunk < bases.globals {
      let unit = units[Int(target.unit)]
      markSegment(unit, chunk - bases.segments - Int(unit.bases.segment))
    } else if chunks.claim(chunk), chunk < bases.tags {
      follow(chunk, target.unit)
    }
  }

  /// A block and the pieces of data in it live and die together.
  private mutating func markSegment(_ unit: Unit, _ index: Int) {
    let chunk = bases.segments + Int(unit.bases.segment) + index
    guard chunks.claim(chunk) else { return }
    follow(chunk, unit.index)
    guard unit.isLifted, let facts = unit.lifted else { return }
    let segments = unit.segments
    if case .inside(let block, _) = segments[index].placement { markSegment(unit, Int(block)) }
    if facts.memoryBlock == UInt32(index) {
      for (piece, segment) in segments.enumerated() {
        if case .inside(facts.memoryBlock, _) = segment.placement { markSegment(unit, piece) }
      }
    }
  }

  private mutating func markElement(_ unit: Unit, _ index: Int) {
    let chunk = bases.elements + Int(unit.bases.element) + index
    if chunks.claim(chunk) { follow(chunk, unit.index) }
  }

  /// Makes sure that the relocations of a chunk will be followed.
  private mutating func follow(_ chunk: Int, _ unit: UInt32) {
    let head = heads[Int(unit)]
    if head == none32 { waiting.append(unit) }
    next[chunk] = head
    heads[Int(unit)] = UInt32(chunk)
  }

  // MARK: Following

  /// Units are followed in the order in which they were come across, so that many chunks of each have gathered.
  private mutating func drain() {
    var position = 0
    while true {
      if let unit = begun.popLast() {
        markImplicit(units[Int(unit)])
      } else if position < waiting.count {
        // A unit may stand in the list twice, or be given away.
        let unit = waiting[position]
        position += 1
        if heads[Int(unit)] != none32 { drain(units[Int(unit)], before: position) }
      } else {
        waiting.removeAll(keepingCapacity: true)
        return
      }
    }
  }

  private mutating func drain(_ unit: Unit, before position: Int) {
    let source = RelocatedUnit(unit)
    let number = Int(unit.index)
    while heads[number] != none32 {
      takeBatch(number)
      source.relocations.withUnsafeBufferPointer { buffer in
        for index in batch.indices {
          if let ahead = batch[checked: index + 8], ahead < bases.globals {
            prefetch(buffer.baseAddress.map { $0 + Int(relocations[Int(ahead)].start) })
          }
          follow(chunk: Int(batch[index]), of: source)
        }
      }
      if state.work.isWanted { share(number, from: position) }
    }
  }

  /// Takes chunks off the list of a unit, and puts them in order: the relocations of neighbours are neighbours.
  private mutating func takeBatch(_ number: Int) {
    batch.removeAll(keepingCapacity: true)
    var chunk = heads[number]
    while chunk != none32, batch.count < Marker.quantum {
      batch.append(chunk)
      chunk = next[Int(chunk)]
    }
    heads[number] = chunk
    batch.sort()
  }

  /// Chunks that a thread follows without asking whether another one needs work.
  private static let quantum = 256

  /// Gives some of the work away: half of the units that wait, or what this unit has beyond some chunks.
  private mutating func share(_ number: Int, from position: Int) {
    var lists: [MarkWork.Chunks] = []
    let count = (waiting.count - position) / 2
    for unit in waiting.suffix(count) where Int(unit) != number && heads[Int(unit)] != none32 {
      lists.append(MarkWork.Chunks(unit: unit, head: heads[Int(unit)]))
      heads[Int(unit)] = none32
    }
    waiting.removeLast(count)
    if lists.isEmpty {
      var last = heads[number]
      for _ in 1..<Marker.quantum where last != none32 { last = next[Int(last)] }
      if last != none32, next[Int(last)] != none32 {
        lists.append(MarkWork.Chunks(unit: UInt32(number), head: next[Int(last)]))
        next[Int(last)] = none32
      }
    }
    if !lists.isEmpty { state.work.offer(lists) }
  }

  private mutating func follow(chunk: Int, of source: RelocatedUnit) {
    if chunk < bases.globals {
      follow(relocations[chunk], of: source)
      guard source.unit.isLifted, chunk >= bases.segments else { return }
      let index = chunk - bases.segments - Int(source.unit.bases.segment)
      if case .kept(_, let offset) = source.unit.segments[index].placement { follow(offset.relocations, of: source) }
    } else if chunk < bases.tables {
      let index = chunk - bases.globals - Int(source.unit.bases.global)
      follow(source.unit.globals[index].initializer.relocations, of: source)
    } else if chunk < bases.elements {
      let index = chunk - bases.tables - Int(source.unit.bases.table)
      if let initializer = source.unit.tables[index].initializer { follow(initializer.relocations, of: source) }
    } else {
      followElement(source, source.unit.elements[chunk - bases.elements - Int(source.unit.bases.element)])
    }
  }

  private mutating func followElement(_ source: RelocatedUnit, _ element: ElementSegment) {
    let unit = source.unit
    if let facts = unit.lifted, element.table != none32 {
      mark(unit.symbolIDs[Int(facts.tableSymbols + element.table)])
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
      let target = Int(source.relocations[index].target)
      switch source.relocations[index].kind {
      case .dataIndex: markSegment(source.unit, target)
      case .elementIndex: markElement(source.unit, target)
      default: mark(source.symbolIDs[target])
      }
      index += 1
    }
  }

  /// The first relocation that refers to something that may not be marked yet. Nearly all symbols are referred to many
  /// times, so this loop is where marking spends its time.
  private static func next(
    in range: Range<Int>, of relocations: [Relocation], _ symbolIDs: [SymbolID], _ marks: SharedBytes
  ) -> Int {
    for index in range {
      let kind = relocations[index].kind
      switch kind {
      case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .implicitMemory, .constantNumber, .removedCall: continue
      case .dataIndex, .elementIndex: return index
      default:
        let target = relocations[index].target
        guard target != none32 else { continue }
        let mark = marks[Int(symbolIDs[Int(target)])]
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
