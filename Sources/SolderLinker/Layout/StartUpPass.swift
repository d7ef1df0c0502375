import WebAssemblyFormat

/// What runs at instantiation and around the host's calls, and which of the linker's own functions that takes.
struct StartUp {
  /// The function that runs at instantiation.
  var function: SymbolID?
  /// All that runs at instantiation, in order.
  var functions: [SymbolID] = []
  /// What runs before the program.
  var order = StartOrder()
  /// The variable that says whether constructors have run, where they might be called again.
  var constructorsHaveRun: SymbolID?
  /// By unit: what sets up the thread-local data of libraries that leave the first thread's to the loader.
  var threadLocalSetUp: [UnitID: SymbolID] = [:]
  /// The functions that set up memory, as far as they are needed.
  var setUp = SetUpFunctions()
  /// Globals that the linker's own code needs, beside those that something in a file refers to; numbered over all units.
  var neededGlobals: Set<GlobalID> = []
  /// Functions that the linker adds, in order: in front of all others, and behind them.
  var firstFunctions: [SymbolID] = []
  var lastFunctions: [SymbolID] = []
  /// Exports whose function a wrapper replaces.
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
  let order: StartOrder
  let memory: MemoryPlan
  let addresses: AddressGlobals
  let features: FeatureSet
  let options: LinkOptions
  let diagnostics: Diagnostics
  var result = StartUp()

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ order: StartOrder, _ memory: MemoryPlan,
    _ addresses: AddressGlobals, _ features: FeatureSet, options: LinkOptions, diagnostics: Diagnostics
  ) {
    self.resolution = resolution
    self.own = own
    self.live = live
    self.order = order
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
    result.order = order
    chooseCaller()
    if let id = own.constructorsHaveRun, live.hasConstructors {
      result.neededGlobals.insert(resolution.symbol(id).globalID)
      result.constructorsHaveRun = id
    }
    setUpThreadLocalData()
    listFunctions()
    return result
  }

  /// What calls constructors; see `StartUpRule`.
  private mutating func chooseCaller() {
    let hasWork = live.hasConstructors || resolution.wellKnown.callDestructors != nil
    switch own.startUp.caller {
    case .everyExport: wrapCommandExports()
    case .entry(let entry):
      guard hasWork, let wrapper = own.entryWrapper else { break }
      result.lastFunctions.append(wrapper)
      result.replacedExports[entry.exportName] = wrapper
    case .program, .instantiation, .host: break
    }
    if let id = own.initExport {
      result.lastFunctions.append(id)
      result.exports.append(id)
    }
  }

  private mutating func setUpThreadLocalData() {
    for index in order.firstThread {
      result.threadLocalSetUp[index] = own.threadLocalSetUp(of: resolution.units[index])
    }
    let needed = Set(memory.threadLocalBlocks.map(\.initialize) + result.threadLocalSetUp.values)
    result.lastFunctions += own.threadLocalSetUp.values.filter(needed.contains).sorted()
    for (unit, base) in resolution.wellKnown.tlsBases where own.threadLocalSetUp[unit].map(needed.contains) ?? false {
      result.neededGlobals.insert(resolution.symbol(base).globalID)
    }
  }

  /// All that runs at instantiation, in order; see `StartOrder`.
  private mutating func listFunctions() {
    var functions: [SymbolID] = []
    if let own = result.setUp.start ?? result.setUp.applyGlobalRelocations ?? result.setUp.initializeMemory {
      functions.append(own)
    }
    functions += order.inEachInstance
    if order.needsFirstInstance, let first = own.firstInstance {
      functions.append(first)
      result.lastFunctions.append(first)
    }
    // Objects alone leave the first thread's to whoever calls `__wasm_init_tls`, as in wasm-ld.
    if let relocate = result.setUp.applyGlobalTLSRelocations,
      resolution.inLinkOrder.contains(where: { !$0.contracts.wantsAddressGlobals })
    {
      functions.append(relocate)
    }
    if order.runsConstructors, let caller = resolution.wellKnown.callConstructors { functions.append(caller) }
    functions += order.plainModules
    let written = Set(own.segmentWriting.values)
    result.lastFunctions += order.plainModules.filter(written.contains)
    result.functions = functions
    if functions.count > 1, let all = own.startAll {
      result.function = all
      result.lastFunctions.append(all)
    } else {
      result.function = functions.first
    }
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func wrapCommandExports() {
    guard !order.constructors.isEmpty || resolution.wellKnown.callDestructors != nil else { return }
    let wrappers = own.wrappers.filter {
      $0.function != own.setUp.applyDataRelocations || result.setUp.applyDataRelocations != nil
    }
    result.wrapped = Set(wrappers.map(\.function))
    result.lastFunctions += wrappers.map(\.wrapper)
    result.exports = result.exports.filter { !result.wrapped.contains($0) } + wrappers.map(\.wrapper)
  }
}
