import WebAssemblyFormat

// Start-up and exports: what the host sees and calls.
extension IndexPass {
  /// Decides what calls the constructors, and what runs at instantiation.
  mutating func orderStart() {
    StartOrder.checkConstructors(resolution, live, options, diagnostics)
    guard options.output != .relocatable else {
      plan.constructors = []
      return
    }
    var order = StartOrder(resolution, live, diagnostics)
    plan.constructors = live.hasConstructors ? order.constructors : []
    let constructors = resolution.symbol(resolution.wellKnown.callConstructors)
    let hasPlainModule = resolution.units.contains { $0.origin == .plainModule }
    // A plain module knows nothing of constructors: that all symbols are exported does not mean that the host calls them.
    let isExported = constructors.isExported(options) && (!hasPlainModule || constructors.has(.forceExport))
    let isCalled = constructors.has(.usedInRegularUnit) || isExported
    if options.isPositionIndependent || isCalled {
      // The program's own start-up calls them.
    } else if hasPlainModule {
      wrapPlainEntry(&order)
    } else {
      wrapCommandExports()
    }
    // The start functions of plain modules are the last: they may use the libraries.
    setStart(order.atInstantiation + plainStartFunctions())
  }

  private func plainStartFunctions() -> [SymbolID] {
    resolution.inLinkOrder.compactMap { unit in
      guard unit.origin == .plainModule, let start = unit.startFunction, let facts = unit.lifted else { return nil }
      return unit.symbolIDs[Int(facts.functionSymbols + start)]
    }
  }

  private mutating func setStart(_ functions: [SymbolID]) {
    let known = resolution.wellKnown
    let own = known.start ?? known.applyGlobalRelocations ?? known.initializeMemory
    let functions = (own.map { [$0] } ?? []) + functions
    if functions.count <= 1 {
      plan.startFunction = functions.first
    } else {
      plan.startFunction = addFunction("__wasm_start", .callAll(functions))
      numberFunction(resolution.units[0], resolution.units[0].functions.count - 1)
    }
  }

  /// A plain module enters by `_start` or `_initialize`, if at all: constructors run there, when the host can see the
  /// memory.
  private mutating func wrapPlainEntry(_ order: inout StartOrder) {
    guard live.hasConstructors || resolution.wellKnown.callDestructors != nil else { return }
    let constructors = live.hasConstructors ? [resolution.wellKnown.callConstructors] : []
    guard let (unit, export) = plainEntry() else {
      order.atInstantiation += constructors
      return
    }
    let entry = unit.symbolIDs[Int((unit.lifted?.functionSymbols ?? 0) + export.index)]
    var wrapper = EntryWrapper(before: constructors, entry: entry, after: [])
    if export.name == "_start", let destructors = resolution.wellKnown.callDestructors { wrapper.after = [destructors] }
    let type = resolution.symbol(entry).type ?? resolution.types.emptyFunction
    let id = addFunction("\(export.name).command_export", .entry(wrapper), type: type)
    numberFunction(resolution.units[0], resolution.units[0].functions.count - 1)
    plan.replacedExports[export.name] = id
  }

  private func plainEntry() -> (Unit, Export)? {
    for name in ["_start", "_initialize"] as [StaticString] {
      for unit in resolution.inLinkOrder where unit.origin == .plainModule {
        if let export = unit.exports.first(where: { $0.kind == .function && $0.name == name }) { return (unit, export) }
      }
    }
    return nil
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func wrapCommandExports() {
    guard !plan.constructors.isEmpty || resolution.wellKnown.callDestructors != nil else { return }
    let exported = symbols { [options] in
      $0.kind == .function && $0.state == .defined && $0.isExported(options)
    }
    for id in resolution.table.slots where exported[Int(id)] {
      let symbol = resolution.symbol(id)
      // A name may stand twice in the table.
      guard symbol.isExported(options) else { continue }
      let unit = resolution.units[Int(symbol.unit)]
      let name = unit.exportNames[Int(symbol.element - unit.bases.function)] ?? symbol.name
      let wrapper = addFunction(
        "\(symbol.name).command_export", .commandExport(id), type: symbol.type ?? resolution.types.emptyFunction,
        exportName: name)
      numberFunction(resolution.units[0], resolution.units[0].functions.count - 1)
      resolution.table.symbols[Int(wrapper)].flags = .exported
      resolution.table.symbols[Int(id)].flags.insert(.visibilityHidden)
      resolution.table.symbols[Int(id)].flags.remove(.exported)
      resolution.table.symbols[Int(id)].attributes.remove(.forceExport)
      plan.ownExports.append(wrapper)
    }
  }

  // MARK: Exports

  mutating func addExports() {
    guard options.output != .relocatable else { return }
    var names: Set<ByteString> = []
    for unit in resolution.inLinkOrder where unit.origin == .plainModule { exportPlain(unit, &names) }
    if let name = memoryExportName(names) {
      names.insert(name)
      plan.exports.append(OutputExport(name: name, kind: .memory, index: 0))
    }
    let exported = symbols { [options] in $0.state == .defined && $0.isExported(options) }
    for id in resolution.table.slots where exported[Int(id)] { export(id, &names) }
    for id in plan.ownExports { export(id, &names) }
  }

  private func memoryExportName(_ names: Set<ByteString>) -> ByteString? {
    guard let name = options.memoryExport.map({ resolution.synthetic.names.intern($0) }), !names.contains(name) else {
      return nil
    }
    guard resolution.needsMainMemory else { return nil }
    let exportsOwn = plan.exports.contains { $0.kind == .memory }
    return exportsOwn && name == "memory" ? nil : name
  }

  private mutating func exportPlain(_ unit: Unit, _ names: inout Set<ByteString>) {
    guard let facts = unit.lifted else { return }
    for entry in unit.exports {
      if names.contains(entry.name) {
        diagnostics.warn(
          "\(unit.file.displayName): export '\(entry.name)' is left out, because another module exports that name")
        continue
      }
      let index: UInt32
      switch entry.kind {
      case .memory: index = plan.memoryIndices[unit.index]?[Int(entry.index)] ?? 0
      case .function:
        index = self.index(
          of: plan.replacedExports[entry.name] ?? unit.symbolIDs[Int(facts.functionSymbols + entry.index)])
      case .global: index = self.index(of: unit.symbolIDs[Int(facts.globalSymbols + entry.index)])
      case .table: index = self.index(of: unit.symbolIDs[Int(facts.tableSymbols + entry.index)])
      case .tag: index = self.index(of: unit.symbolIDs[Int(facts.tagSymbols + entry.index)])
      }
      guard index != none32 else { continue }
      names.insert(entry.name)
      plan.exports.append(OutputExport(name: entry.name, kind: entry.kind, index: index))
    }
  }

  private mutating func export(_ id: SymbolID, _ names: inout Set<ByteString>) {
    let symbol = resolution.symbol(id)
    let isOwn = symbol.has(.unnamed)
    guard symbol.state == .defined, isOwn || symbol.isExported(options),
      isOwn || isPresent(symbol, id)
    else { return }
    var name = symbol.name
    var index: UInt32
    let kind: ExternalKind
    let unit = resolution.units[Int(symbol.unit)]
    switch symbol.kind {
    case .function:
      name = unit.exportNames[Int(symbol.element - unit.bases.function)] ?? name
      (kind, index) = (.function, plan.ownIndex(of: symbol))
    case .global:
      // The linker's own variables are exported only on request: the host may not support mutable ones.
      if unit.index == 0, unit.globals[Int(symbol.element - unit.bases.global)].type.isMutable,
        !symbol.has(.forceExport),
        !(options.compatibility.exportsOwnMutableGlobals && features.hasMutableGlobals)
      {
        return
      }
      (kind, index) = (.global, self.index(of: id))
    case .tag: (kind, index) = (.tag, self.index(of: id))
    case .table: (kind, index) = (.table, self.index(of: id))
    case .data:
      kind = .global
      index =
        plan.importCounts.globals
        + UInt32(plan.globals.count + plan.addressGlobals.count + plan.exportedAddresses.count)
    case .section: return
    }
    guard index != none32, names.insert(name).inserted else { return }
    if symbol.kind == .data { plan.exportedAddresses.append(id) }
    plan.exports.append(OutputExport(name: name, kind: kind, index: index, symbol: id))
  }

  private func isPresent(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    if symbol.element != none32 {
      switch symbol.kind {
      case .function: return live.isFunctionLive(symbol.element)
      case .global: return live.isGlobalLive(symbol.element)
      case .table: return live.isTableLive(symbol.element)
      default: break
      }
    } else if Int(id) >= live.referenced.count {
      return true
    }
    return live.isLive(symbol, id) || symbol.isAbsolute
  }

  /// The index of a symbol's element in the result, `none32` if it has none.
  func index(of id: SymbolID) -> UInt32 { plan.index(of: resolution.symbol(id), id) }
}

extension IndexPlan {
  /// The index of a symbol's element in the result, `none32` if it has none.
  func index(of symbol: Symbol, _ id: SymbolID) -> UInt32 {
    guard symbol.state == .defined, symbol.element != none32, !symbol.has(.preemptible) else {
      return importIndices[id] ?? none32
    }
    return ownIndex(of: symbol)
  }

  /// The index of a defined symbol's element, even where references go to an import.
  func ownIndex(of symbol: Symbol) -> UInt32 {
    switch symbol.kind {
    case .function: return Int(symbol.element) < functionIndices.count ? functionIndices[Int(symbol.element)] : none32
    case .global: return Int(symbol.element) < globalIndices.count ? globalIndices[Int(symbol.element)] : none32
    case .tag: return tagIndices[Int(symbol.element)]
    case .table: return Int(symbol.element) < tableIndices.count ? tableIndices[Int(symbol.element)] : none32
    case .data, .section: return none32
    }
  }
}
