import WebAssemblyFormat

/// What the result keeps: one flag for each element of all units, and for each symbol.
struct Liveness {
  var functions: [Bool]
  var segments: [Bool]
  var globals: [Bool]
  var tags: [Bool]
  var tables: [Bool]
  var elements: [Bool]
  /// Symbols that something live refers to.
  var referenced: [Bool]
  /// Units of which something is live; those named on the command line are from the beginning.
  var units: [Bool]
  /// Whether constructors have to be called.
  var hasConstructors = false

  /// Whether a symbol is part of the result.
  func isLive(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    guard symbol.state == .defined, symbol.element != none32 else { return isMarked(referenced, id) }
    switch symbol.kind {
    case .function: return isMarked(functions, symbol.element)
    case .data: return isMarked(segments, symbol.element)
    case .global: return isMarked(globals, symbol.element)
    case .tag: return isMarked(tags, symbol.element)
    case .table: return isMarked(tables, symbol.element)
    case .section: return true
    }
  }

  /// The linker's own elements are numbered last and may be newer than the flags: those are live.
  private func isMarked(_ flags: [Bool], _ id: UInt32) -> Bool { Int(id) >= flags.count || flags[Int(id)] }

  func isFunctionLive(_ id: UInt32) -> Bool { isMarked(functions, id) }
  func isGlobalLive(_ id: UInt32) -> Bool { isMarked(globals, id) }
  func isTableLive(_ id: UInt32) -> Bool { isMarked(tables, id) }
}

extension Symbol {
  /// Whether the result exports it.
  func isExported(_ options: LinkOptions) -> Bool {
    guard isDefined, !isLocal, !has(.unnamed) else { return false }
    // A shared library exports weak definitions in case the dynamic linker chooses them.
    if options.output == .shared, isWeak, !isHidden { return true }
    if options.exportAll || options.exportDynamic && !isHidden { return true }
    return has(.forceExport) || flags.contains(.exported)
  }
}

/// Finds what the roots reach along relocations: the entry, exports, constructors, and whatever may not be stripped.
///
/// Without garbage collection everything is live, copies of a COMDAT group that lost to another file's among it: nothing
/// refers to these, but wasm-ld keeps them.
struct MarkPass {
  /// Something live whose relocations are still to be followed. Names its unit by number: a reference would be counted
  /// up and down for each.
  private struct Chunk {
    enum Kind {
      case function
      case segment
      case global
      case table
      case element
    }
    var kind: Kind
    var unit: UInt32
    var index: UInt32

    init(_ kind: Kind, _ unit: Unit, _ index: Int) {
      self.kind = kind
      self.unit = unit.index
      self.index = UInt32(index)
    }
  }

  private let resolution: Resolution
  private let options: LinkOptions
  private(set) var live: Liveness
  private var queue: [Chunk] = []

  init(_ resolution: Resolution, _ options: LinkOptions) {
    self.resolution = resolution
    self.options = options
    let all = !options.gcSections
    func flags(_ count: (Unit) -> Int) -> [Bool] {
      Array(repeating: all, count: resolution.units.reduce(0) { $0 + count($1) })
    }
    live = Liveness(
      functions: flags(\.functions.count), segments: flags(\.segments.count), globals: flags(\.globals.count),
      tags: flags(\.tags.count), tables: flags(\.tables.count), elements: flags(\.elements.count),
      referenced: Array(repeating: all, count: resolution.table.symbols.count),
      units: resolution.units.map { all || $0.isNamedExplicitly })
  }

  /// Runs the pass.
  mutating func run() -> Liveness {
    if options.gcSections {
      markRoots()
      drain()
    } else {
      dropLifted()
    }
    live.hasConstructors = options.output != .relocatable && needsConstructors()
    if live.hasConstructors { mark(resolution.wellKnown.callConstructors) }
    return live
  }

  // MARK: Roots

  private mutating func markRoots() {
    let known = resolution.wellKnown
    if let entry = resolution.entry { mark(entry) }
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      if symbol.flags.contains(.noStrip) || symbol.isExported(options) { mark(id) }
    }
    if let destructors = known.callDestructors { mark(destructors) }
    // A position-independent result imports its stack pointer only when code uses it.
    let stackPointer = options.isPositionIndependent || !resolution.needsStack ? nil : known.stackPointer
    for id in [stackPointer, known.memoryBase, known.tableBase].compactMap({ $0 }) { mark(id) }
    for unit in resolution.inLinkOrder where live.units[Int(unit.index)] { markImplicit(unit) }
  }

  /// Marks what belongs to a unit whether something refers to it or not.
  private mutating func markImplicit(_ unit: Unit) {
    for function in unit.initFunctions {
      let id = unit.symbolIDs[Int(function.symbol)]
      if !isDiscarded(resolution.symbol(id)) { mark(id) }
    }
    for (index, segment) in unit.segments.enumerated() where segment.flags.contains(.retain) {
      markSegment(unit, index)
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

  private func isDiscarded(_ symbol: Symbol) -> Bool {
    if symbol.isLocal, symbol.isUndefined { return true }
    guard symbol.state == .defined, symbol.element != none32, symbol.unit != none32 else { return false }
    let unit = resolution.units[Int(symbol.unit)]
    let index = Int(symbol.element - unit.bases.base(of: symbol.kind))
    switch symbol.kind {
    case .function: return unit.isDiscarded(comdat: unit.functions[index].comdat)
    case .data: return unit.isDiscarded(comdat: unit.segments[index].comdat)
    default: return false
    }
  }

  // MARK: Marking

  private mutating func mark(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    guard symbol.state == .defined else {
      live.referenced[Int(id)] = true
      return
    }
    guard symbol.element != none32 else {
      live.referenced[Int(id)] = true
      return
    }
    if live.isLive(symbol, id) {
      live.referenced[Int(id)] = true
      return
    }
    live.referenced[Int(id)] = true
    let unit = resolution.units[Int(symbol.unit)]
    if !live.units[Int(unit.index)] {
      live.units[Int(unit.index)] = true
      markImplicit(unit)
    }
    let index = Int(symbol.element - unit.bases.base(of: symbol.kind))
    switch symbol.kind {
    case .function:
      live.functions[Int(symbol.element)] = true
      queue.append(Chunk(.function, unit, index))
    case .data: markSegment(unit, index)
    case .global:
      live.globals[Int(symbol.element)] = true
      queue.append(Chunk(.global, unit, index))
    case .tag: live.tags[Int(symbol.element)] = true
    case .table:
      live.tables[Int(symbol.element)] = true
      queue.append(Chunk(.table, unit, index))
    case .section: break
    }
  }

  /// A block and the pieces of data in it live and die together.
  private mutating func markSegment(_ unit: Unit, _ index: Int) {
    let id = Int(unit.bases.segment) + index
    guard !live.segments[id] else { return }
    live.segments[id] = true
    queue.append(Chunk(.segment, unit, index))
    if case .inside(let block, _) = unit.segments[index].placement { markSegment(unit, Int(block)) }
    if let facts = unit.lifted, facts.memoryBlock == UInt32(index) {
      for (piece, segment) in unit.segments.enumerated() {
        if case .inside(facts.memoryBlock, _) = segment.placement { markSegment(unit, piece) }
      }
    }
  }

  private mutating func markElement(_ unit: Unit, _ index: Int) {
    let id = Int(unit.bases.element) + index
    guard !live.elements[id] else { return }
    live.elements[id] = true
    queue.append(Chunk(.element, unit, index))
  }

  private mutating func drain() {
    while let chunk = queue.popLast() {
      let unit = resolution.units[Int(chunk.unit)]
      let index = Int(chunk.index)
      switch chunk.kind {
      case .function: follow(unit.functions[index].body.relocations, of: unit)
      case .segment:
        follow(unit.segments[index].relocations, of: unit)
        if case .kept(_, let offset) = unit.segments[index].placement { follow(offset.relocations, of: unit) }
      case .global: follow(unit.globals[index].initializer.relocations, of: unit)
      case .table:
        if let initializer = unit.tables[index].initializer { follow(initializer.relocations, of: unit) }
      case .element: followElement(unit, unit.elements[index])
      }
    }
  }

  private mutating func followElement(_ unit: Unit, _ element: ElementSegment) {
    if let facts = unit.lifted, element.table != none32 {
      mark(unit.symbolIDs[Int(facts.tableSymbols + element.table)])
    }
    if let offset = element.offset { follow(offset.relocations, of: unit) }
    follow(element.items.relocations, of: unit)
  }

  private mutating func follow(_ range: RelocationRange, of unit: Unit) {
    guard !range.isEmpty else { return }
    let relocations = unit.relocations
    let symbolIDs = unit.symbolIDs
    for index in range.indices {
      let relocation = relocations[index]
      switch relocation.kind {
      case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .implicitMemory, .constantNumber, .removedCall: continue
      case .dataIndex: markSegment(unit, Int(relocation.target))
      case .elementIndex: markElement(unit, Int(relocation.target))
      default:
        guard relocation.target != none32 else { continue }
        let id = symbolIDs[Int(relocation.target)]
        // Nearly all symbols are referred to many times.
        if live.referenced[Int(id)] { continue }
        // A stub's address is null, so pointing to it does not need the function.
        if relocation.kind.isTableIndex, resolution.symbol(id).has(.isStub) { continue }
        mark(id)
      }
    }
  }

  // MARK: The rest

  private func needsConstructors() -> Bool {
    if options.isPositionIndependent { return true }
    // wasm-ld keeps and calls an empty one where it drops nothing.
    if !options.gcSections, !resolution.units.contains(where: \.isLifted) { return true }
    for unit in resolution.inLinkOrder {
      for function in unit.initFunctions {
        let id = unit.symbolIDs[Int(function.symbol)]
        if !isDiscarded(resolution.symbol(id)), live.isLive(resolution.symbol(id), id) { return true }
      }
      if let facts = unit.lifted, live.units[Int(unit.index)], !facts.constructors.isEmpty { return true }
    }
    return false
  }

  /// Drops what was read and is written anew.
  private mutating func dropLifted() {
    for unit in resolution.units {
      for (index, _) in unit.functions.enumerated()
      where unit.lifted?.readFunctions.contains(UInt32(unit.functionImports.count + index)) ?? false {
        live.functions[Int(unit.bases.function) + index] = false
      }
      for (index, element) in unit.elements.enumerated() where element.isDeclarative || unit.origin == .object {
        live.elements[Int(unit.bases.element) + index] = false
      }
    }
  }
}
