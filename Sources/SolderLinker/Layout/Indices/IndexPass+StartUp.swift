import WebAssemblyFormat

// Start-up: what calls constructors, and what runs at instantiation.
extension IndexPass {
  /// Decides what calls the constructors, and what runs at instantiation.
  mutating func orderStart() {
    StartOrder.checkConstructors(resolution, live, options, diagnostics)
    guard options.contract.callsConstructors else { return }
    plan.start = start
    let hasWork = live.hasConstructors || resolution.wellKnown.callDestructors != nil
    switch own.startUp.caller {
    case .everyExport: wrapCommandExports()
    case .entry(let entry):
      guard hasWork, let wrapper = own.entryWrapper else { break }
      lastFunctions.append(wrapper)
      plan.replacedExports[entry.exportName] = wrapper
    case .program, .instantiation, .host: break
    }
    if let id = own.initExport {
      lastFunctions.append(id)
      plan.ownExports.append(id)
    }
    if let id = own.constructorsHaveRun, live.hasConstructors {
      neededGlobals.insert(resolution.symbol(id).element)
      plan.constructorsHaveRun = id
    }
    setUpThreadLocalData()
    listStartFunctions()
  }

  private mutating func setUpThreadLocalData() {
    for index in start.firstThread {
      plan.threadLocalSetUp[index] = own.threadLocalSetUp(of: resolution.units[Int(index)])
    }
    let needed = Set(memory.threadLocalBlocks.map(\.initialize) + plan.threadLocalSetUp.values)
    lastFunctions += own.threadLocalSetUp.values.filter(needed.contains).sorted()
  }

  /// All that runs at instantiation, in order; see `StartOrder`.
  private mutating func listStartFunctions() {
    var functions: [SymbolID] = []
    if let own = plan.setUp.start ?? plan.setUp.applyGlobalRelocations ?? plan.setUp.initializeMemory {
      functions.append(own)
    }
    functions += start.inEachInstance
    if start.needsFirstInstance, let first = own.firstInstance {
      functions.append(first)
      lastFunctions.append(first)
    }
    if let relocate = plan.setUp.applyGlobalTLSRelocations,
      plan.addressGlobals.contains(where: { resolution.isInLibraryBlock(resolution.symbol($0)) })
    {
      functions.append(relocate)
    }
    if start.runsConstructors { functions.append(resolution.wellKnown.callConstructors) }
    functions += start.plainModules
    plan.startFunctions = functions
    if functions.count > 1, let all = own.startAll {
      plan.startFunction = all
      lastFunctions.append(all)
    } else {
      plan.startFunction = functions.first
    }
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func wrapCommandExports() {
    guard !start.constructors.isEmpty || resolution.wellKnown.callDestructors != nil else { return }
    plan.wrapped = Set(own.wrappers.map(\.function))
    lastFunctions += own.wrappers.map(\.wrapper)
    plan.ownExports += own.wrappers.map(\.wrapper)
  }
}
