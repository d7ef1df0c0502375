import WebAssemblyFormat

// Which functions are needed that set up memory and relocate.
extension IndexPass {
  mutating func chooseSetUp() {
    guard options.contract.definesOwnSymbols else { return }
    let declared = own.setUp
    if let id = declared.applyDataRelocations, hasDataRelocations {
      // It is exported always, under the name that it has among names or, if nobody knows it, as the linker's own.
      if resolution.symbol(id).has(.unnamed) { plan.ownExports.append(id) }
      plan.setUp.applyDataRelocations = id
      firstFunctions.append(id)
    }
    if memory.segments.contains(where: { features.needsCode(toInitialize: $0, options) }) {
      plan.setUp.initializeMemory = choose(declared.initializeMemory)
    }
    let relocatesLibraries = plan.addressGlobals.contains { resolution.isInLibraryBlock(resolution.symbol($0)) }
    if options.sharedMemory || relocatesLibraries {
      if plan.setUp.initializeMemory != nil { needThreadBase() }
      chooseThreadRelocations()
    }
    if options.isPositionIndependent, !features.hasExtendedConst,
      plan.addressGlobals.contains(where: { !resolution.symbol($0).isTLS })
    {
      plan.setUp.applyGlobalRelocations = choose(declared.applyGlobalRelocations)
    }
    if plan.setUp.applyGlobalRelocations != nil, plan.setUp.initializeMemory != nil {
      plan.setUp.start = choose(declared.start)
    }
  }

  /// Each thread's block of thread-local data is relocated when it is set up.
  private mutating func chooseThreadRelocations() {
    if plan.addressGlobals.contains(where: { resolution.symbol($0).isTLS }) {
      plan.setUp.applyGlobalTLSRelocations = choose(own.setUp.applyGlobalTLSRelocations)
      needThreadBase()
    }
    let hasRelocations = memory.segments.contains { segment in
      segment.flags.contains(.tls)
        && segment.pieces.contains { piece in
          !resolution.units[Int(piece.unit)].segmentRelocations[Int(piece.segment)].isEmpty
        }
    }
    if hasRelocations { plan.setUp.applyTLSRelocations = choose(own.setUp.applyTLSRelocations) }
  }

  private mutating func needThreadBase() {
    if let id = resolution.wellKnown.tlsBase { neededGlobals.insert(resolution.symbol(id).element) }
  }

  /// `--export-all` means these too.
  private mutating func choose(_ id: SymbolID?) -> SymbolID? {
    guard let id else { return nil }
    firstFunctions.append(id)
    if options.exportAll { plan.ownExports.append(id) }
    return id
  }

  private var hasDataRelocations: Bool {
    memory.segments.contains { segment in
      guard !options.sharedMemory || !segment.flags.contains(.tls) else { return false }
      return segment.pieces.contains { piece in
        let unit = resolution.units[Int(piece.unit)]
        return unit.segmentRelocations[Int(piece.segment)].indices.contains { index in
          let id = unit.symbolIDs[Int(unit.relocations[index].target)]
          return options.isPositionIndependent
            || !resolution.symbol(id).isDefined && plan.addressGlobalIndices[id] != nil
        }
      }
    }
  }
}
