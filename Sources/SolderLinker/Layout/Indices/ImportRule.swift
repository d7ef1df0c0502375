import WebAssemblyFormat

/// Which symbols the result imports, and which may be undefined.
struct ImportRule {
  private let resolution: Resolution
  private let live: Liveness
  private let options: LinkOptions
  /// Names that `--allow-undefined-file` lists.
  private let allowedUndefined: Set<ByteString>
  /// Of a position-independent result, the symbols that some call names.
  private let calledSymbols: [Bool]

  init(_ resolution: Resolution, _ live: Liveness, _ options: LinkOptions, allowedUndefined: Set<ByteString>) {
    self.resolution = resolution
    self.live = live
    self.options = options
    self.allowedUndefined = allowedUndefined
    calledSymbols = options.isPositionIndependent ? ImportRule.calledSymbols(resolution) : []
  }

  private static func calledSymbols(_ resolution: Resolution) -> [Bool] {
    var isCalled = Array(repeating: false, count: resolution.table.symbols.count)
    for unit in resolution.inLinkOrder where unit.contracts.hasRelocationSections {
      let called = RelocationReader.directlyCalled(in: unit.module)
      for (index, id) in unit.symbolIDs.values.enumerated() where unit.symbols[index].kind == .function {
        if called[index] { isCalled[Int(id)] = true }
      }
    }
    return isCalled
  }

  /// Whether a symbol becomes an import, as wasm-ld decides it; what a plain module leaves open always does.
  func imports(_ id: SymbolID) -> Bool {
    let symbol = resolution.symbol(id)
    return symbol.canBeImported && live.isLive(symbol, id) && imports(symbol, id)
  }

  /// The same, of a symbol that is part of the result.
  func imports(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    guard symbol.has(.usedInRegularUnit) else { return false }
    if options.contract.weakMayBeReplaced, symbol.isWeak, !symbol.isUndefined, !symbol.isHidden { return true }
    guard symbol.isUndefined else { return false }
    if symbol.has(.mayImport) || symbol.has(.provided) { return true }
    if symbol.isWeak, options.contract.standsAlone, !symbol.has(.forceImport) {
      return false
    }
    // The address of a function that nobody calls comes by way of a global.
    if options.isPositionIndependent, symbol.kind == .function, !calledSymbols[Int(id)] { return false }
    if !options.contract.standsAlone || options.importUndefined
      || options.unresolvedSymbols == .importDynamic
    {
      return true
    }
    if allowedUndefined.contains(symbol.name) { return true }
    return resolution.table.isExplicitImport(symbol)
  }

  func allowsUndefined(_ symbol: Symbol) -> Bool {
    if symbol.has(.mayImport) || resolution.table.isExplicitImport(symbol) { return true }
    if symbol.kind == .function, options.importUndefined { return true }
    return allowedUndefined.contains(symbol.name)
  }
}
