import WebAssemblyFormat

// Imports: what is left undefined and the host may provide, in the order of the names; one import for all who mean the
// same.
extension IndexPass {
  mutating func addImports() {
    if let table = own.functionTable, shouldImport(table) { addImport(table) }
    let canOverride = options.contract.weakMayBeReplaced
    let candidates = symbols { $0.kind != .data && ($0.isUndefined || canOverride && $0.isWeak) }
    for id in resolution.table.slots where candidates[Int(id)] && shouldImport(id) { addImport(id) }
    for id in candidates.indices where candidates[id] {
      let symbol = resolution.table.symbols[id]
      if symbol.has(.unnamed), symbol.isUndefined, shouldImport(SymbolID(id)) { addImport(SymbolID(id)) }
    }
  }

  mutating func addImport(_ id: SymbolID) {
    guard plan.importIndices[id] == nil else { return }
    let symbol = resolution.symbol(id)
    let (module, name) = resolution.table.importName(of: symbol)
    let key = ImportKey(module: module, name: name, kind: symbol.kind, type: typeKey(of: symbol))
    if let index = addedImports[key] {
      plan.importIndices[id] = index
      return
    }
    let kind: ExternalKind
    let index: UInt32
    switch symbol.kind {
    case .function: (kind, index) = (.function, next(\.functions))
    case .global: (kind, index) = (.global, next(\.globals))
    case .tag: (kind, index) = (.tag, next(\.tags))
    case .table: (kind, index) = (.table, next(\.tables))
    case .data, .section: return
    }
    if symbol.isDefined { resolution.table.symbols[Int(id)].attributes.insert(.preemptible) }
    addedImports[key] = index
    plan.importIndices[id] = index
    plan.imports.append(OutputImport(module: module, name: name, kind: kind, symbol: id))
  }

  mutating func next(_ count: WritableKeyPath<IndexPlan.ImportCounts, UInt32>) -> UInt32 {
    defer { plan.importCounts[keyPath: count] += 1 }
    return plan.importCounts[keyPath: count]
  }

  private func typeKey(of symbol: Symbol) -> UInt64 {
    if let type = symbol.type { return UInt64(type.rawValue) }
    guard symbol.unit != none32, symbol.element != none32 else { return 0 }
    let unit = resolution.units[Int(symbol.unit)]
    switch symbol.kind {
    case .global:
      let type = unit.globalImports[Int(symbol.element)].global
      return UInt64(type.valueType) << 1 | (type.isMutable ? 1 : 0)
    case .table: return UInt64(unit.tableImports[Int(symbol.element)].elementType)
    default: return 0
    }
  }

  /// Whether a symbol becomes an import, as wasm-ld decides it; what a plain module leaves open always does.
  func shouldImport(_ id: SymbolID) -> Bool {
    let symbol = resolution.symbol(id)
    guard symbol.kind != .data, symbol.has(.usedInRegularUnit),
      live.isLive(symbol, id) || id == own.functionTable && isTableNeeded(id)
    else { return false }
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

  mutating func findCalledSymbols() {
    guard options.isPositionIndependent else { return }
    calledSymbols = Array(repeating: false, count: resolution.table.symbols.count)
    for unit in resolution.inLinkOrder where unit.contracts.hasRelocationSections {
      let called = RelocationReader.directlyCalled(in: unit.module)
      for (index, id) in unit.symbolIDs.enumerated() where unit.symbols[index].kind == .function {
        if called[index] { calledSymbols[Int(id)] = true }
      }
    }
  }
}
