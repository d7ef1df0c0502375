import WebAssemblyFormat

// Which functions are needed that set up memory and relocate.
extension StartUpPass {
  mutating func chooseSetUp() {
    let declared = own.setUp
    if let id = declared.applyDataRelocations, hasDataRelocations {
      // It is exported always, under the name that it has among names or, if nobody knows it, as the linker's own.
      if resolution.symbol(id).has(.unnamed) { result.exports.append(id) }
      result.setUp.applyDataRelocations = id
      result.firstFunctions.append(id)
    }
    if memory.segments.contains(where: { features.needsCode(toInitialize: $0, options) }) {
      result.setUp.initializeMemory = choose(declared.initializeMemory)
    }
    let relocatesLibraries = addresses.own.contains { resolution.isInLibraryBlock(resolution.symbol($0)) }
    if options.sharedMemory || relocatesLibraries {
      if result.setUp.initializeMemory != nil { needThreadBase() }
      chooseThreadRelocations()
    }
    if options.isPositionIndependent, !features.hasExtendedConst,
      addresses.own.contains(where: { !resolution.symbol($0).isTLS })
    {
      result.setUp.applyGlobalRelocations = choose(declared.applyGlobalRelocations)
    }
    if result.setUp.applyGlobalRelocations != nil, result.setUp.initializeMemory != nil {
      result.setUp.start = choose(declared.start)
    }
  }

  /// Each thread's block of thread-local data is relocated when it is set up.
  private mutating func chooseThreadRelocations() {
    if addresses.own.contains(where: { resolution.symbol($0).isTLS }) {
      result.setUp.applyGlobalTLSRelocations = choose(own.setUp.applyGlobalTLSRelocations)
      needThreadBase()
    }
    let hasRelocations = memory.segments.contains { segment in
      segment.flags.contains(.tls)
        && segment.pieces.contains { piece in
          !resolution.units[piece.unit].segmentRelocations[Int(piece.segment)].isEmpty
        }
    }
    if hasRelocations { result.setUp.applyTLSRelocations = choose(own.setUp.applyTLSRelocations) }
  }

  private mutating func needThreadBase() {
    if let id = resolution.wellKnown.tlsBase { result.neededGlobals.insert(resolution.symbol(id).globalID) }
  }

  /// `--export-all` means these too.
  private mutating func choose(_ id: SymbolID?) -> SymbolID? {
    guard let id else { return nil }
    result.firstFunctions.append(id)
    if options.exportAll { result.exports.append(id) }
    return id
  }

  private var hasDataRelocations: Bool {
    memory.segments.contains { segment in
      guard !options.sharedMemory || !segment.flags.contains(.tls) else { return false }
      return segment.pieces.contains { piece in
        let unit = resolution.units[piece.unit]
        return unit.segmentRelocations[Int(piece.segment)].indices.contains { index in
          guard let id = unit.relocations[index].symbol.map({ unit.symbolIDs[$0] }) else { return false }
          return options.isPositionIndependent
            || !resolution.symbol(id).isDefined && addresses.contains(id)
        }
      }
    }
  }
}
