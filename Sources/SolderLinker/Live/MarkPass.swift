import WebAssemblyFormat

/// Finds what the roots reach along relocations: the entry, exports, constructors, and whatever may not be stripped.
///
/// Without garbage collection everything is live, copies of a COMDAT group that lost to another file's among it: nothing
/// refers to these, but wasm-ld keeps them.
struct MarkPass {
  private let resolution: Resolution
  private let own: OwnUnit
  private let options: LinkOptions
  private let threads: Threads

  init(_ resolution: Resolution, _ own: OwnUnit, _ options: LinkOptions, _ threads: Threads) {
    self.resolution = resolution
    self.own = own
    self.options = options
    self.threads = threads
  }

  /// Runs the pass.
  func run() -> Liveness {
    var live = options.gcSections ? mark() : keepAll()
    if own.isFunctionTableWanted, let table = own.functionTable {
      live.tables[resolution.symbol(table).tableID] = true
    }
    live.hasConstructors = options.contract.callsConstructors && needsConstructors(live)
    if live.hasConstructors, let caller = resolution.wellKnown.callConstructors {
      live.markFunction(caller, resolution)
    } else if !options.gcSections, !keepsEmptyCaller {
      dropConstructors(&live)
    }
    return live
  }

  private func mark() -> Liveness {
    let state = MarkState(resolution, options, threads)
    defer { state.deallocate() }
    // A few thousand symbols are marked before another thread would have begun.
    let markers = min(threads.count, 1 + resolution.table.symbols.count / MarkState.slotsOfBlock)
    threads.forEach(markers) { _ in
      var marker = Marker(state)
      marker.run()
    }
    let bases = state.bases
    return Liveness(
      functions: Row(state.definitions.flags(0..<bases.segments)),
      segments: Row(state.definitions.flags(bases.segments..<bases.globals)),
      globals: Row(state.definitions.flags(bases.globals..<bases.tables)),
      tags: Row(state.definitions.flags(bases.tags..<bases.end)),
      tables: Row(state.definitions.flags(bases.tables..<bases.elements)),
      elements: Row(state.definitions.flags(bases.elements..<bases.tags)),
      referenced: state.symbols.flags(0..<state.symbols.count, mask: MarkState.referenced),
      unsettled: state.symbols.flags(0..<state.symbols.count, mask: MarkState.unsettled),
      units: state.units.flags(0..<state.units.count))
  }

  /// Whether constructors have a caller even if there are none.
  private var keepsEmptyCaller: Bool { resolution.inLinkOrder.allSatisfy(\.contracts.expectsConventions) }

  private func needsConstructors(_ live: Liveness) -> Bool {
    if options.isPositionIndependent || options.initExport != nil { return true }
    // wasm-ld keeps and calls an empty one where it drops nothing.
    if !options.gcSections, keepsEmptyCaller { return true }
    for unit in resolution.inLinkOrder {
      for function in unit.initFunctions {
        let id = unit.symbolIDs[function.symbol]
        if !resolution.isDiscarded(resolution.symbol(id)), live.isLive(resolution.symbol(id), id) { return true }
      }
      if live.units[Int(unit.index)], !unit.constructorsAtStart.isEmpty { return true }
    }
    return false
  }

  /// Finished modules ask for no constructors' caller that has nothing to call.
  private func dropConstructors(_ live: inout Liveness) {
    guard let caller = resolution.wellKnown.callConstructors else { return }
    let symbol = resolution.symbol(caller)
    guard symbol.unit == .own, symbol.isDefined, !symbol.has(.usedInRegularUnit), !symbol.isExported(options) else {
      return
    }
    live.functions[symbol.functionID] = false
  }

  /// Everything, but what was read and is written anew, and a stack that nobody asked for.
  private func keepAll() -> Liveness {
    func all<Space>(_ count: (Unit) -> Int) -> Row<Space, Bool> {
      Row(repeating: true, count: resolution.units.reduce(0) { $0 + count($1) })
    }
    var live = Liveness(
      functions: all(\.functions.count), segments: all(\.segments.count), globals: all(\.globals.count),
      tags: all(\.tags.count), tables: all(\.tables.count), elements: all(\.elements.count),
      referenced: Array(repeating: true, count: resolution.table.symbols.count),
      unsettled: resolution.table.symbols.values.map { $0.isUnsettled(options) },
      units: Array(repeating: true, count: resolution.units.count))
    for unit in resolution.units {
      for index in unit.codeFacts.removedFunctions where Int(index) >= unit.functionImports.count {
        live.functions[unit.bases.function + (Int(index) - unit.functionImports.count)] = false
      }
      // A declaration is written anew, unless code names the segment: it counts as one that was dropped.
      let named = unit.codeFacts.namedElements
      for (index, element) in unit.elements.enumerated()
      where element.isDeclarative && !named.contains(ElementIndex(index)) || !unit.contracts.keepsElementSegments {
        live.elements[unit.bases.element + index] = false
      }
    }
    if options.contract.isObject { dropFolded(&live) }
    leaveOwn(&live)
    if let stack = resolution.wellKnown.stackPointer, !resolution.needsStack {
      let symbol = resolution.symbol(stack)
      if symbol.isDefined, !symbol.isExported(options) { live.globals[symbol.globalID] = false }
    }
    return live
  }

  /// Of what was recovered, an object has no need for globals whose values are constants of the link, imported ones among
  /// them, nor for memory of which there is none.
  private func dropFolded(_ live: inout Liveness) {
    let recovered = resolution.inLinkOrder.filter(\.contracts.isRecovered)
    for unit in recovered {
      guard let facts = unit.lifted else { continue }
      for index in unit.globals.indices { live.globals[unit.bases.global + index] = false }
      for index in unit.globalImports.indices where facts.globals[index] != nil {
        live.referenced[Int(unit.symbolIDs[facts.symbol(GlobalIndex(index))])] = false
      }
      guard let block = facts.memoryBlock?.segment, unit.segments[Int(block)].size == 0 else { continue }
      live.segments[unit.bases.segment + block.rawValue] = false
    }
    for unit in recovered {
      for relocation in unit.relocations where relocation.kind.isGlobalOrAddress {
        if let symbol = relocation.symbol { keep(resolution.symbol(unit.symbolIDs[symbol]), &live) }
      }
      for (index, symbol) in unit.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
        keep(resolution.symbol(unit.symbolIDs[SymbolIndex(index)]), &live)
      }
    }
  }

  private func keep(_ symbol: Symbol, _ live: inout Liveness) {
    guard symbol.definition != nil else { return }
    if symbol.kind == .global { live.globals[symbol.globalID] = true }
    if symbol.kind == .data { live.segments[symbol.segmentID] = true }
  }

  /// Whether what the linker may have to add is in the result, the passes that follow find out. A name that files have
  /// for such a thing keeps it like everything else.
  private func leaveOwn(_ live: inout Liveness) {
    let unit = resolution.units[.own]
    for index in Int(own.firstFunction)..<unit.functions.count {
      live.functions[unit.bases.function + index] = false
    }
    for index in Int(own.firstGlobal)..<unit.globals.count { live.globals[unit.bases.global + index] = false }
    for index in Int(own.firstTable)..<unit.tables.count { live.tables[unit.bases.table + index] = false }
    for id in Int(own.firstSymbol)..<live.referenced.count { live.referenced[id] = false }
    for id in [own.setUp.applyDataRelocations, own.functionTable].compactMap({ $0 }) where id < own.firstSymbol {
      let symbol = resolution.symbol(id)
      guard symbol.isDefined else { continue }
      if symbol.kind == .table { live.tables[symbol.tableID] = true } else { live.markFunction(id, resolution) }
    }
  }
}

extension Resolution {
  /// Whether a symbol's definition belongs to a COMDAT group that lost to another file's, or is missing altogether.
  func isDiscarded(_ symbol: Symbol) -> Bool {
    if symbol.isLocal, symbol.isUndefined { return true }
    guard symbol.definition != nil else { return false }
    let unit = units[symbol.definer]
    switch symbol.kind {
    case .function:
      return unit.isDiscarded(comdat: unit.functions[symbol.functionID - unit.bases.function].comdat)
    case .data: return unit.isDiscarded(comdat: unit.segments[symbol.segmentID - unit.bases.segment].comdat)
    default: return false
    }
  }
}

extension RelocationKind {
  /// Whether the edit is about a global or data.
  fileprivate var isGlobalOrAddress: Bool {
    switch self {
    case .globalIndexLEB, .constantMemoryAddress, .memoryAddressI32, .memoryAddressI64, .memoryAddressLEB,
      .memoryAddressLEB64, .memoryAddressSLEB, .memoryAddressSLEB64:
      true
    default: false
    }
  }
}

extension Symbol {
  /// Whether a reference to the symbol can ask for more than its index or address; see ``RelocationScan``.
  func isUnsettled(_ options: LinkOptions) -> Bool {
    isUndefined || has(.provided) || isTLS || options.isPositionIndependent
  }
}
