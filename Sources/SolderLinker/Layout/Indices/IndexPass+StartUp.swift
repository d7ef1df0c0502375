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
    if options.isPositionIndependent || resolution.callsConstructorsItself(options) {
      // The program's own start-up calls them.
    } else if resolution.units.contains(where: { $0.origin == .plainModule }) {
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
    let setUp = plan.setUp.start ?? plan.setUp.applyGlobalRelocations ?? plan.setUp.initializeMemory
    plan.startFunctions = (setUp.map { [$0] } ?? []) + functions
    if plan.startFunctions.count > 1, let all = own.startAll {
      plan.startFunction = all
      lastFunctions.append(all)
    } else {
      plan.startFunction = plan.startFunctions.first
    }
  }

  /// A plain module enters by `_start` or `_initialize`, if at all: constructors run there, when the host can see the
  /// memory.
  private mutating func wrapPlainEntry(_ order: inout StartOrder) {
    guard live.hasConstructors || resolution.wellKnown.callDestructors != nil else { return }
    if let entry = own.entryWrapper {
      lastFunctions.append(entry.wrapper)
      plan.replacedExports[entry.exportName] = entry.wrapper
    } else if live.hasConstructors {
      order.atInstantiation.append(resolution.wellKnown.callConstructors)
    }
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func wrapCommandExports() {
    guard !plan.constructors.isEmpty || resolution.wellKnown.callDestructors != nil else { return }
    plan.wrapped = Set(own.wrappers.map(\.function))
    lastFunctions += own.wrappers.map(\.wrapper)
    plan.ownExports += own.wrappers.map(\.wrapper)
  }
}
