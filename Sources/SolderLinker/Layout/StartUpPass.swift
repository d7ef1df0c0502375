import WebAssemblyFormat

/// What runs at instantiation and around the host's calls, and which of the linker's own functions that takes.
struct StartUp {
  /// The function that runs at instantiation.
  var function: SymbolID?
  /// All that runs at instantiation, in order.
  var functions: [SymbolID] = []
  /// Constructors in the order of their calls.
  var constructors: [SymbolID] = []
  /// The functions that set up memory, as far as they are needed.
  var setUp = SetUpFunctions()
  /// Whether the linker's own code sets `__tls_base`.
  var needsThreadBase = false
  /// Functions that the linker adds, in order: in front of all others, and behind them.
  var firstFunctions: [SymbolID] = []
  var lastFunctions: [SymbolID] = []
  /// Exports of plain modules whose function a wrapper replaces.
  var replacedExports: [ByteString: SymbolID] = [:]
  /// Functions that are not exported because a wrapper is.
  var wrapped: Set<SymbolID> = []
  /// Functions that the linker adds and the host may see: set-up where all is exported, wrappers of exports.
  var exports: [SymbolID] = []
}

/// Decides what calls the constructors, and what runs at instantiation.
///
/// Afterwards it is known which of the functions that the linker declared are in the result.
struct StartUpPass {
  let resolution: Resolution
  let own: OwnUnit
  let live: Liveness
  let memory: MemoryPlan
  let addresses: AddressGlobals
  let features: FeatureSet
  let options: LinkOptions
  let diagnostics: Diagnostics
  var result = StartUp()

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ memory: MemoryPlan, _ addresses: AddressGlobals,
    _ features: FeatureSet, options: LinkOptions, diagnostics: Diagnostics
  ) {
    self.resolution = resolution
    self.own = own
    self.live = live
    self.memory = memory
    self.addresses = addresses
    self.features = features
    self.options = options
    self.diagnostics = diagnostics
  }

  /// Runs the pass; errors are in the diagnostics.
  consuming func run() -> StartUp {
    StartOrder.checkConstructors(resolution, live, options, diagnostics)
    guard options.contract.callsConstructors else {
      return result
    }
    chooseSetUp()
    var order = StartOrder(resolution, live, diagnostics)
    result.constructors = live.hasConstructors ? order.constructors : []
    if options.isPositionIndependent || resolution.callsConstructorsItself(options) {
      // The program's own start-up calls them.
    } else if resolution.units.contains(where: \.contracts.keepsEntry) {
      wrapPlainEntry(&order)
    } else {
      wrapCommandExports()
    }
    // The start functions of plain modules are the last: they may use the libraries.
    setStart(order.atInstantiation + plainStartFunctions())
    return result
  }

  private func plainStartFunctions() -> [SymbolID] {
    resolution.inLinkOrder.compactMap { unit in
      guard unit.contracts.keepsEntry, let start = unit.startFunction, let facts = unit.lifted else { return nil }
      return unit.symbolIDs[Int(facts.functionSymbols + start)]
    }
  }

  private mutating func setStart(_ functions: [SymbolID]) {
    let setUp = result.setUp.start ?? result.setUp.applyGlobalRelocations ?? result.setUp.initializeMemory
    result.functions = (setUp.map { [$0] } ?? []) + functions
    if result.functions.count > 1, let all = own.startAll {
      result.function = all
      result.lastFunctions.append(all)
    } else {
      result.function = result.functions.first
    }
  }

  /// A plain module enters by `_start` or `_initialize`, if at all: constructors run there, when the host can see the
  /// memory.
  private mutating func wrapPlainEntry(_ order: inout StartOrder) {
    guard live.hasConstructors || resolution.wellKnown.callDestructors != nil else { return }
    if let entry = own.entryWrapper {
      result.lastFunctions.append(entry.wrapper)
      result.replacedExports[entry.exportName] = entry.wrapper
    } else if live.hasConstructors, let caller = resolution.wellKnown.callConstructors {
      order.atInstantiation.append(caller)
    }
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func wrapCommandExports() {
    guard !result.constructors.isEmpty || resolution.wellKnown.callDestructors != nil else { return }
    result.wrapped = Set(own.wrappers.map(\.function))
    result.lastFunctions += own.wrappers.map(\.wrapper)
    result.exports += own.wrappers.map(\.wrapper)
  }
}
