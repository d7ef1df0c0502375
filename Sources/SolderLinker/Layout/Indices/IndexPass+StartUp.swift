import WebAssemblyFormat

// Start-up: what calls constructors, and what runs at instantiation.
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
}
