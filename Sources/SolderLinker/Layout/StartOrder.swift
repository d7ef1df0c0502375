import WebAssemblyFormat

// What runs before the program, and in which order.
//
// The measure is a loader that takes one library after the other, those that are needed first. It instantiates a library,
// which runs its start function; it has the library relocate its data; and when this has been done for all, it calls their
// constructors in the same order. So here:
//
//  1. what the linker itself has to do: copy data into shared memory, relocate;
//  2. of each library its start function, then its relocation functions that could not be done at link time. Those of a
//     library without a start function have nothing to wait for and come first of all, since another library's start
//     function may use its data;
//  3. thread-local data of the first thread, where libraries leave that to the loader;
//  4. constructors, if nothing calls them later (see `StartUpRule`): a constructor may depend on relocations of a library
//     that needs it, so all of these are done. The C and C++ libraries' own come first, then those of the shared libraries,
//     then the program's, by priority;
//  5. start functions of plain modules, which may use all of that, each behind those of modules that it imports from, and
//     in front of it what `SegmentOrder` says has to be written only then.
//
// With threads, each of them instantiates the result. Start functions run in each, as a library's own sees to it that
// memory is set up once and that variables, which every thread has for itself, are set in all. Relocation functions change
// memory that is shared, and constructors do anything, so they run in the first thread, and the others wait.

/// Functions that run before the program.
struct StartOrder {
  /// What every instance runs, in this order.
  var inEachInstance: [SymbolID] = []
  /// What only the first of several threads runs, in this order, behind the former.
  var inFirstInstance: [SymbolID] = []
  /// Libraries whose thread-local data has to be set up for the first thread, with these.
  var firstThread: [UnitID] = []
  /// Constructors, in this order.
  var constructors: [SymbolID] = []
  /// Whether they run at instantiation.
  var runsConstructors = false
  /// Destructors of libraries, in this order; who calls them is in `ResolvePass+Destructors.swift`.
  var destructors: [SymbolID] = []
  /// Start functions of plain modules, and functions that write their late segments, in this order.
  var plainModules: [SymbolID] = []
  /// In which order segments of finished modules are written.
  var segments = SegmentOrder()

  /// Whether something runs in the first of several threads only.
  var needsFirstInstance: Bool { !inFirstInstance.isEmpty || !firstThread.isEmpty }

  /// The highest priority number of constructors that belong to the C and C++ libraries themselves: those run before
  /// the shared libraries, which may use them (GCC's documentation reserves 0 to 100 for the implementation).
  static let reservedPriority: UInt32 = 100

  init() {}

  init(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    let modules = resolution.modulesInStartOrder()
    segments = SegmentOrder(resolution, modules: modules, live, options, diagnostics)
    guard options.contract.callsConstructors else { return }
    let libraries = resolution.librariesInStartOrder().filter { live.units[Int($0.index)] }
    for unit in libraries {
      if let facts = unit.lifted { StartUpReport(unit, facts).write(diagnostics) }
    }
    if options.sharedMemory {
      for unit in libraries { addForThreads(unit, diagnostics) }
    } else {
      for unit in libraries where unit.startFunction == nil { inEachInstance += relocationFunctions(unit) }
      for unit in libraries {
        guard let start = unit.startFunction else { continue }
        inEachInstance += [StartOrder.symbol(unit, start)] + relocationFunctions(unit)
      }
    }
    if resolution.wellKnown.destructorsOfAll != nil {
      destructors = libraries.reversed().compactMap { resolution.destructors(of: $0) }
    }
    for unit in libraries where unit.lifted?.threadLocal?.leavesFirstThread == true { firstThread.append(unit.index) }
    if live.hasConstructors {
      let ofObjects = StartOrder.objectConstructors(resolution, live)
      constructors = ofObjects.filter { $0.priority <= StartOrder.reservedPriority }.map(\.symbol)
      for unit in libraries { constructors += StartOrder.libraryConstructors(unit) }
      constructors += ofObjects.filter { $0.priority > StartOrder.reservedPriority }.map(\.symbol)
      if case .instantiation = own.startUp.caller { runsConstructors = !constructors.isEmpty }
    }
    for unit in modules {
      if segments.isLate(unit), let write = own.segmentWriting[unit.index] { plainModules.append(write) }
      if let start = unit.startFunction { plainModules.append(StartOrder.symbol(unit, start)) }
    }
  }

  private static func symbol(_ unit: Unit, _ function: FunctionIndex) -> SymbolID {
    unit.id(of: function)
  }

  /// Constructors of a library; one that only relocated has been read and is gone.
  static func libraryConstructors(_ unit: Unit) -> [SymbolID] {
    unit.constructorsAtStart.filter { !unit.codeFacts.removedFunctions.contains($0) }.map { symbol(unit, $0) }
  }

  private func relocationFunctions(_ unit: Unit) -> [SymbolID] {
    (unit.lifted?.relocationFunctions ?? []).map { StartOrder.symbol(unit, $0) }
  }

  /// A library that was not made for threads does not expect to be instantiated in each; what its functions do decides
  /// where they belong.
  private mutating func addForThreads(_ unit: Unit, _ diagnostics: Diagnostics) {
    if let start = unit.startFunction {
      if unit.lifted?.isThreaded == true {
        inEachInstance.append(StartOrder.symbol(unit, start))
      } else {
        add(start, of: unit, diagnostics)
      }
    }
    for function in unit.lifted?.relocationFunctions ?? [] { add(function, of: unit, diagnostics) }
  }

  private mutating func add(_ function: FunctionIndex, of unit: Unit, _ diagnostics: Diagnostics) {
    let effects = unit.lifted?.effects[function] ?? .leaves
    if !effects.contains(.setsVariables) {
      inFirstInstance.append(StartOrder.symbol(unit, function))
    } else if effects.isDisjoint(with: [.writesMemory, .leaves]) {
      inEachInstance.append(StartOrder.symbol(unit, function))
    } else {
      let name = unit.exports.first { $0.function == function }?.name
      let what = name.map { "'\($0)'" } ?? "its start function"
      diagnostics.error(
        "\(unit.file.displayName): \(what) sets variables, which every thread has for itself, and memory, which threads "
          + "share (link the library with --shared-memory)", .threads, in: unit.file.displayName)
    }
  }

  /// The constructors that objects name, lowest priority first.
  static func objectConstructors(
    _ resolution: Resolution, _ live: Liveness
  ) -> [(priority: UInt32, symbol: SymbolID)] {
    var result: [(priority: UInt32, symbol: SymbolID)] = []
    for unit in resolution.inLinkOrder {
      for function in unit.initFunctions {
        let id = unit.symbolIDs[function.symbol]
        let symbol = resolution.symbol(id)
        // The COMDAT group of a local one may have lost to another file's.
        if symbol.isDefined || !symbol.isLocal, live.isLive(symbol, id) { result.append((function.priority, id)) }
      }
    }
    return result.enumerated().sorted { ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset) }
      .map(\.element)
  }

  /// The constructors that an object names: those of objects, and those of libraries where ``constructors`` has them, as
  /// far as priorities say so.
  static func initFunctions(_ resolution: Resolution, _ live: Liveness) -> [(priority: UInt32, symbol: SymbolID)] {
    var result = objectConstructors(resolution, live)
    var libraries: [(priority: UInt32, symbol: SymbolID)] = []
    for unit in resolution.librariesInStartOrder() where live.units[Int(unit.index)] {
      for id in libraryConstructors(unit) { libraries.append((reservedPriority + 1, id)) }
    }
    let position = result.firstIndex { $0.priority > reservedPriority } ?? result.count
    result.insert(contentsOf: libraries, at: position)
    return result
  }

  /// Reports constructors that nobody could call, because they want arguments.
  static func checkConstructors(
    _ resolution: Resolution, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    for (_, id) in objectConstructors(resolution, live) {
      let symbol = resolution.symbol(id)
      if let type = symbol.type, let signature = resolution.types.functionType(of: type), !signature.parameters.isEmpty
      {
        diagnostics.error(
          "constructor functions cannot take arguments: \(options.displayName(of: symbol.name))", .startUp,
          symbol: symbol.name)
      }
    }
  }
}
