import WebAssemblyFormat

// What runs before the program, and in which order.
//
// At instantiation: library by library its start function, then every relocation that could not be done at link time, as
// when a loader instantiates it; of all libraries before any constructor, since that may depend on the relocations of a
// library that needs it. Constructors follow, a
// library's behind those of the libraries it needs. They may call the host, and the host can only see the memory when
// the instance exists, so they run from the program's entry where it has one: `_start` and `_initialize` of the C
// library call `__wasm_call_ctors` themselves, and the entry of a plain module gets a wrapper. Only a program without
// an entry runs them at instantiation.

/// Orders libraries so that each stands behind those it needs.
struct LibraryOrder {
  private let resolution: Resolution
  private let units: [Unit]
  private var declared: [[Int]]
  private var used: [[Int]]

  init(_ resolution: Resolution) {
    self.resolution = resolution
    units = resolution.inLinkOrder.filter { $0.contracts.isSetUpByExports }
    declared = Array(repeating: [], count: units.count)
    used = Array(repeating: [], count: units.count)
    var byName: [String: Int] = [:]
    var byUnit: [UInt32: Int] = [:]
    for (index, unit) in units.enumerated() {
      byName[unit.file.baseName] = index
      byUnit[unit.index] = index
    }
    for (index, unit) in units.enumerated() {
      declared[index] = (unit.dylink?.needed ?? []).compactMap { byName[$0.description] }.filter { $0 != index }
      var seen: Set<Int> = []
      for (symbol, id) in zip(unit.symbols, unit.symbolIDs) where symbol.isUndefined {
        let target = resolution.symbol(id)
        guard target.isDefined, let other = byUnit[target.unit], other != index, seen.insert(other).inserted else {
          continue
        }
        used[index].append(other)
      }
    }
  }

  /// The libraries in that order; where they need each other in a circle, the order of the command line decides.
  func sorted() -> [Unit] {
    // What a library declares counts more than what it happens to use: a use that closes a circle does not count.
    let byDeclaration = units.indices.map { reachable(from: $0, along: [declared]) }
    let byAnything = units.indices.map { reachable(from: $0, along: [declared, used]) }
    let edges = units.indices.map { index in
      declared[index].filter { !byDeclaration[$0].contains(index) }
        + used[index].filter { !byAnything[$0].contains(index) }
    }
    var state = [UInt8](repeating: 0, count: units.count)
    var result: [Unit] = []
    for root in units.indices where state[root] == 0 {
      var stack: [(node: Int, next: Int)] = [(root, 0)]
      state[root] = 1
      while let (node, next) = stack.last {
        if next < edges[node].count {
          stack[stack.count - 1].next += 1
          let target = edges[node][next]
          if state[target] == 0 {
            state[target] = 1
            stack.append((target, 0))
          }
        } else {
          result.append(units[node])
          stack.removeLast()
        }
      }
    }
    return result
  }

  private func reachable(from start: Int, along graphs: [[[Int]]]) -> Set<Int> {
    var result: Set<Int> = []
    var queue = graphs.flatMap { $0[start] }
    while let node = queue.popLast() {
      if result.insert(node).inserted { queue += graphs.flatMap { $0[node] } }
    }
    return result
  }
}

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
    let libraries = LibraryOrder(resolution).sorted().filter { live.units[Int($0.index)] }
    func symbol(_ unit: Unit, _ function: UInt32) -> SymbolID {
      unit.symbolIDs[Int(unit.lifted?.functionSymbols ?? 0) + Int(function)]
    }
    for unit in libraries {
      guard let facts = unit.lifted else { continue }
      StartUpReport(unit, facts).write(diagnostics)
      if let start = unit.startFunction { atInstantiation.append(symbol(unit, start)) }
      atInstantiation += facts.relocationFunctions.map { symbol(unit, $0) }
    }
    let own = StartOrder.objectConstructors(resolution, live)
    constructors = own.filter { $0.priority <= StartOrder.reservedPriority }.map(\.symbol)
    for unit in libraries { constructors += libraryConstructors(unit).map { symbol(unit, $0) } }
    constructors += own.filter { $0.priority > StartOrder.reservedPriority }.map(\.symbol)
  }

  /// Constructors of a library; one that only relocated has been read and is gone.
  private func libraryConstructors(_ unit: Unit) -> [UInt32] {
    guard let facts = unit.lifted else { return [] }
    return facts.constructors.filter { !unit.codeFacts.removedFunctions.contains($0) }
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
