import WebAssemblyFormat

// What runs before the program, and in which order.
//
// At instantiation: every relocation of every library that could not be done at link time, since a constructor may
// depend on the relocations of a library that needs it; then the libraries' start functions. Constructors follow, a
// library's behind those of the libraries it needs. They may call the host, and the host can only see the memory when
// the instance exists, so they run from the program's entry where it has one: `_start` and `_initialize` of the C
// library call `__wasm_call_ctors` themselves, and the entry of a plain module gets a wrapper. Only a program without
// an entry runs them at instantiation.

/// Functions that run before the program.
struct StartOrder {
  /// At instantiation, in this order.
  var atInstantiation: [SymbolID] = []
  /// Constructors, in this order.
  var constructors: [SymbolID] = []

  /// The highest priority number of constructors that belong to the C and C++ libraries themselves: those run before
  /// the shared libraries, which may use them (GCC's documentation reserves 0 to 100 for the implementation).
  static let reservedPriority: UInt32 = 100

  init(_ resolution: Resolution, _ live: Liveness, _ diagnostics: Diagnostics) {
    let libraries = resolution.librariesInStartOrder().filter { live.units[Int($0.index)] }
    func symbol(_ unit: Unit, _ function: UInt32) -> SymbolID {
      unit.symbolIDs[Int(unit.lifted?.functionSymbols ?? 0) + Int(function)]
    }
    var late: [SymbolID] = []
    for unit in libraries {
      guard let facts = unit.lifted else { continue }
      for (_, name) in facts.unreadable {
        diagnostics.log("\(unit.file.displayName): \(name) cannot be read and is called at start")
      }
      let relocations = facts.relocationFunctions.map { symbol(unit, $0) }
      // Passive segments are copied by the start function, and would overwrite what was relocated before.
      if unit.segments.contains(where: { $0.placement == .passive }) {
        late += relocations
      } else {
        atInstantiation += relocations
      }
    }
    for unit in libraries {
      if let start = unit.startFunction { atInstantiation.append(symbol(unit, start)) }
    }
    atInstantiation += late
    let own = StartOrder.objectConstructors(resolution, live)
    constructors = own.filter { $0.priority <= StartOrder.reservedPriority }.map(\.symbol)
    for unit in libraries { constructors += libraryConstructors(unit).map { symbol(unit, $0) } }
    constructors += own.filter { $0.priority > StartOrder.reservedPriority }.map(\.symbol)
  }

  /// Constructors of a library; one that only relocated has been read and is gone.
  private func libraryConstructors(_ unit: Unit) -> [UInt32] {
    guard let facts = unit.lifted else { return [] }
    return facts.constructors.filter { !facts.readFunctions.contains($0) }
  }

  /// The constructors that objects name, lowest priority first.
  static func objectConstructors(
    _ resolution: Resolution, _ live: Liveness
  ) -> [(priority: UInt32, symbol: SymbolID)] {
    var result: [(priority: UInt32, symbol: SymbolID)] = []
    for unit in resolution.inLinkOrder {
      for function in unit.initFunctions {
        let id = unit.symbolIDs[Int(function.symbol)]
        let symbol = resolution.symbol(id)
        // The COMDAT group of a local one may have lost to another file's.
        if symbol.isDefined || !symbol.isLocal, live.isLive(symbol, id) { result.append((function.priority, id)) }
      }
    }
    return result.enumerated().sorted { ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset) }
      .map(\.element)
  }

  /// Reports constructors that nobody could call, because they want arguments.
  static func checkConstructors(
    _ resolution: Resolution, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    for (_, id) in objectConstructors(resolution, live) {
      let symbol = resolution.symbol(id)
      if let type = symbol.type, let signature = resolution.types.functionType(of: type), !signature.parameters.isEmpty
      {
        diagnostics.error("constructor functions cannot take arguments: \(options.displayName(of: symbol.name))")
      }
    }
  }
}
