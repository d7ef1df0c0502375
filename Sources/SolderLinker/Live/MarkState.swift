import WebAssemblyFormat

/// All definitions that are marked, of all units and kinds in one row.
enum Marked {}

typealias MarkedIndex = Index<Marked>

/// What the threads that mark share.
struct MarkState: Sendable {
  /// Where the definitions of each kind begin, in one row.
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

    /// The numbers of the definitions that symbols of a kind stand for.
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
  /// Whether each definition is live.
  let definitions: SharedBytes
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
  let work: MarkWork

  /// Something live refers to the symbol.
  static let referenced: UInt8 = 1
  /// A reference to the symbol may ask for more than its index or address.
  static let unsettled: UInt8 = 2
  static let stub: UInt8 = 4
  /// The symbol is exported, or may not be stripped.
  static let kept: UInt8 = 8

  /// Where a symbol is defined, if it is: its definition among all that are marked, and the unit.
  struct Target {
    var definition: PackedIndex<Marked>
    var unit: UnitID
  }

  static let slotsOfBlock = 4096
  static let unitsOfBlock = 16

  init(_ resolution: Resolution, _ options: LinkOptions, _ threads: Threads) {
    self.resolution = resolution
    self.options = options
    bases = Bases(resolution.units)
    definitions = SharedBytes(repeating: 0, count: bases.end)
    units = SharedBytes(repeating: 0, count: resolution.units.count)
    symbols = SharedBytes(repeating: 0, count: resolution.table.symbols.count)
    targets = ParallelBuffer(repeating: Target(definition: .none, unit: .own), count: resolution.table.symbols.count)
    relocations = ParallelBuffer(repeating: RelocationRange(), count: bases.globals)
    hasRetained = ParallelBuffer(repeating: false, count: resolution.units.count)
    for unit in resolution.units where unit.isNamedExplicitly { units[Int(unit.index)] = 1 }
    work = MarkWork(
      blockCount: 1 + MarkState.blocks(resolution.table.slots.count, MarkState.slotsOfBlock)
        + MarkState.blocks(resolution.linkOrder.count, MarkState.unitsOfBlock))
    let table = resolution.table.symbols.values
    threads.forEach(MarkState.blocks(table.count, MarkState.slotsOfBlock)) { [self] block in
      let first = block * MarkState.slotsOfBlock
      for id in first..<min(first + MarkState.slotsOfBlock, table.count) { take(table[id], id) }
    }
    threads.forEach(resolution.units.count, batch: MarkState.unitsOfBlock) { [self] in take(resolution.units[$0]) }
  }

  private func take(_ symbol: Symbol, _ id: Int) {
    var bits: UInt8 = symbol.isUnsettled(options) ? MarkState.unsettled : 0
    if symbol.has(.isStub) { bits |= MarkState.stub }
    if symbol.flags.contains(.noStrip) || symbol.isRoot(options) { bits |= MarkState.kept }
    if bits != 0 { symbols[id] = bits }
    guard let index = symbol.definition, let (base, end) = bases.range(of: symbol.kind) else { return }
    let definition = base + Int(index)
    assert(definition < end)
    targets[id] = Target(definition: PackedIndex(MarkedIndex(definition)), unit: symbol.definer)
  }

  private func take(_ unit: Unit) {
    let ranges = unit.functionRelocations
    var definition = Int(unit.bases.function)
    for index in ranges.indices {
      relocations[definition] = ranges[index]
      definition += 1
    }
    let segments = unit.segments
    definition = bases.segments + Int(unit.bases.segment)
    for index in segments.indices {
      relocations[definition] = unit.segmentRelocations[index]
      if segments[index].flags.contains(.retain) { hasRetained[Int(unit.index)] = true }
      definition += 1
    }
  }

  /// The numbers of a unit's definitions that have relocations.
  func definitions(of unit: Unit) -> [Range<Int>] {
    func range(_ start: Int, _ count: Int) -> Range<Int> { start..<start + count }
    return [
      range(Int(unit.bases.function), unit.functions.count),
      range(bases.segments + Int(unit.bases.segment), unit.segments.count),
      range(bases.globals + Int(unit.bases.global), unit.globals.count),
      range(bases.tables + Int(unit.bases.table), unit.tables.count),
      range(bases.elements + Int(unit.bases.element), unit.elements.count),
    ]
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
    definitions.deallocate()
    units.deallocate()
    symbols.deallocate()
    targets.deallocate()
    relocations.deallocate()
    hasRetained.deallocate()
  }
}
