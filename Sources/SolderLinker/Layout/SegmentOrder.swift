import WebAssemblyFormat

// In which order active segments are written, and which of them only behind another module's start function.
//
// An engine that instantiates whole modules one by one writes each one's element and data segments and then runs its start
// function, before it comes to the next. A result writes all of its active segments before it runs anything. That is the
// same as long as
//
//  - segments of several modules stand in the order in which the modules start, as one may write over another's; and
//  - no start function runs in between that could see, change or enlarge what a later module's segments write to.
//
// Otherwise the later module's segments are late: they are passive, and code writes them (`memory.init`, `table.init`)
// in front of the module's own start function. What a start function reaches is not followed through its code: it is
// every memory and table of the modules that have started by then, whose functions it may have got hold of, and
// what the host owns as soon as one of them can call the host. A module's own memory and table are its own until it is
// there, so that modules which only write to what they define have no late segments.
//
// What comes behind a late segment in the same memory or table is late as well, as it may write over it.
//
// A segment that may lie outside of its memory or table traps where the engine would come to it, for what start functions
// did by then the host has seen. Nothing else depends on that, so where the inputs do not allow bulk memory, whose
// instructions late segments take, such a segment stays active; one that a start function could see is an error.

/// The order of segments of finished modules.
struct SegmentOrder {
  /// All units in the order of the link, but those that start as programs do in the order in which they start.
  private(set) var units: [Unit]
  /// Active segments that code writes.
  private(set) var lateData: Set<SegmentID> = []
  private(set) var lateElements: Set<ElementID> = []

  /// Whether code writes a unit's segments, or some of them.
  func isLate(_ unit: Unit) -> Bool {
    unit.segments.indices.contains { lateData.contains(unit.bases.segment + $0) }
      || unit.elements.indices.contains { lateElements.contains(unit.bases.element + $0) }
  }

  init() { units = [] }

  /// - Parameter modules: those that start as programs do, in the order in which they start.
  init(_ resolution: Resolution, modules: [Unit], _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics)
  {
    units = Array(resolution.inLinkOrder)
    guard modules.count > 1 else { return }
    var next = modules.makeIterator()
    for (position, unit) in units.enumerated() where unit.contracts.keepsEntry {
      if let module = next.next() { units[position] = module }
    }
    guard options.contract.callsConstructors else { return }
    let allowsBulkMemory = options.allowsBulkMemory(resolution)
    var reached = ReachedSpaces(resolution)
    var (starter, added): (Unit?, Int) = (nil, 0)
    for (position, module) in modules.enumerated() {
      if let starter {
        findLate(module, &reached, behind: starter, live, allowsBulkMemory, diagnostics)
        if isLate(module) { checkUsers(of: module, resolution, diagnostics) }
      }
      guard module.startFunction != nil else { continue }
      for started in modules[added...position] { reached.add(started) }
      (starter, added) = (module, position + 1)
    }
  }

  private mutating func findLate(
    _ module: Unit, _ reached: inout ReachedSpaces, behind starter: Unit, _ live: Liveness, _ allowsBulkMemory: Bool,
    _ diagnostics: Diagnostics
  ) {
    func isLate(_ written: WrittenRange, _ what: @autoclosure () -> String) -> Bool {
      let isReached = reached.contains(written.space)
      if allowsBulkMemory || !isReached { return isReached || allowsBulkMemory && !written.isInside }
      diagnostics.error(
        "\(module.file.displayName): \(what()) is written behind the start function of "
          + "\(starter.file.displayName), which may use what it writes to; that takes the feature "
          + "'bulk-memory' (pass --extra-features=bulk-memory)", .startUp, in: module.file.displayName,
        starter.file.displayName)
      return false
    }
    for (index, segment) in module.segments.enumerated() {
      let id = module.bases.segment + index
      guard live.segments[id], let range = reached.range(of: segment, in: module) else { continue }
      if isLate(range, "data segment \(segment.name.isEmpty ? "\(index)" : segment.name.description)") {
        lateData.insert(id)
        reached.add(range.space)
      }
    }
    for (index, segment) in module.elements.enumerated() {
      let id = module.bases.element + index
      guard live.elements[id], let range = reached.range(of: segment, in: module) else { continue }
      if isLate(range, "element segment \(index)") {
        lateElements.insert(id)
        reached.add(range.space)
      }
    }
  }

  /// Code of libraries and constructors of objects run before all start functions, and may not find the module without its
  /// data.
  private func checkUsers(of module: Unit, _ resolution: Resolution, _ diagnostics: Diagnostics) {
    for unit in resolution.inLinkOrder where !unit.contracts.keepsEntry {
      for (position, symbol) in unit.symbols.enumerated() where symbol.isUndefined {
        let target = resolution.symbol(unit.symbolIDs[SymbolIndex(position)])
        guard target.isDefined, target.unit == module.index else { continue }
        return diagnostics.error(
          "\(unit.file.displayName): uses '\(symbol.name)' of \(module.file.displayName), whose segments are written behind "
            + "start functions that run later (let no module that \(module.file.displayName) imports from have a start "
            + "function)", .startUp, symbol: symbol.name, in: unit.file.displayName, module.file.displayName)
      }
    }
  }
}

/// What an active segment writes to, and whether it surely lies inside of it.
private struct WrittenRange {
  let space: ReachedSpaces.Space
  let isInside: Bool
}

/// The memories and tables that start functions may use.
private struct ReachedSpaces {
  enum Space: Hashable {
    case memory(OutputMemoryIndex)
    case table(TableID)
    case tableOfHost(HostName)
  }

  private let resolution: Resolution
  private var values: KnownGlobals
  private var spaces: Set<Space> = []
  private var callsHost = false

  init(_ resolution: Resolution) {
    self.resolution = resolution
    values = KnownGlobals(resolution)
  }

  /// Takes what a module has, which is there from its instantiation on.
  mutating func add(_ module: Unit) {
    for memory in resolution.memories.indices(in: module) { spaces.insert(.memory(memory)) }
    guard let facts = module.lifted else { return }
    for table in 0..<module.tableImports.count + module.tables.count {
      spaces.insert(self.table(TableIndex(table), facts, module))
    }
    callsHost =
      callsHost
      || module.functionImports.indices.contains {
        resolution.symbol(module.symbolIDs[facts.symbol(FunctionIndex($0))]).isUndefined
      }
  }

  mutating func add(_ space: Space) { spaces.insert(space) }

  func contains(_ space: Space) -> Bool { spaces.contains(space) || callsHost && isOfHost(space) }

  private func isOfHost(_ space: Space) -> Bool {
    switch space {
    case .memory(let memory): resolution.memories.memories[Int(memory)].isImported
    case .table: false
    case .tableOfHost: true
    }
  }

  private func table(_ index: TableIndex, _ facts: LiftedFacts, _ module: Unit) -> Space {
    let symbol = resolution.symbol(module.symbolIDs[facts.symbol(index)])
    if symbol.isDefined { return .table(symbol.tableID) }
    return .tableOfHost(module.tableImports[Int(index)].hostName)
  }

  /// What an active data segment writes to; `nil` for others.
  mutating func range(of segment: Segment, in module: Unit) -> WrittenRange? {
    let (memory, start): (MemoryIndex, UInt64?)
    switch segment.placement {
    case .absolute(let address): (memory, start) = (module.contracts.memoryOfFixedData, address)
    case .kept(let own, let offset): (memory, start) = (own, values.address(offset, in: module))
    case .free, .inside, .passive: return nil
    }
    let index = resolution.memories.index(of: memory, in: module)
    let declared = resolution.memories.memories[Int(index)].limits ?? module.module.memoryLimits(memory)
    let size = declared.minimum.saturatingProduct(declared.pageSize)
    return WrittenRange(
      space: .memory(index),
      isInside: isInside(start, segment.size, is64: declared.is64, size))
  }

  /// The same of an element segment.
  mutating func range(of segment: ElementSegment, in module: Unit) -> WrittenRange? {
    guard let index = segment.table, let facts = module.lifted, let offset = segment.offset else { return nil }
    let space = table(index, facts, module)
    let declared: Limits
    if case .table(let id) = space {
      let owner = resolution.units[resolution.symbol(module.symbolIDs[facts.symbol(index)]).definer]
      declared = owner.tables[id - owner.bases.table].limits
    } else {
      declared = module.tableImports[Int(index)].limits
    }
    return WrittenRange(
      space: space,
      isInside: isInside(
        values.address(offset, in: module), UInt64(segment.count), is64: declared.is64, declared.minimum))
  }

  private func isInside(_ start: UInt64?, _ count: UInt64, is64: Bool, _ size: UInt64) -> Bool {
    guard let start else { return false }
    return (is64 ? start : start & 0xFFFF_FFFF).saturatingSum(count) <= size
  }
}

extension LinkOptions {
  /// Whether the result may use instructions of the bulk memory proposal: the command line says so, or an input does, or
  /// an input uses it.
  fileprivate func allowsBulkMemory(_ resolution: Resolution) -> Bool {
    let name = "bulk-memory"
    if let features { return features.contains(name) || extraFeatures.contains(name) }
    return extraFeatures.contains(name)
      || resolution.inLinkOrder.contains { unit in
        unit.features.contains { $0.prefix != UInt8(ascii: "-") && $0.name == ByteString("bulk-memory") }
          || unit.usesBulkMemory
      }
  }
}

extension Unit {
  fileprivate var usesBulkMemory: Bool {
    module.hasDataCount || codeFacts.namesSegments || !codeFacts.namedElements.isEmpty
      || segments.contains { $0.placement == .passive } || elements.contains { $0.table == nil }
  }
}
