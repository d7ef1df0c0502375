import WebAssemblyFormat

/// Decodes the relocations of all units in the link: those of objects one task a unit; those in the code of finished
/// modules were mostly found while names were resolved, and are joined here.
struct ReadRelocationsPass {
  private let bindings: Bindings
  private let diagnostics: Diagnostics
  private let threads: Threads
  private let options: LinkOptions

  init(_ bindings: Bindings, _ options: LinkOptions, _ diagnostics: Diagnostics, _ threads: Threads) {
    self.bindings = bindings
    self.diagnostics = diagnostics
    self.threads = threads
    self.options = options
  }

  /// Runs the pass; errors are in the diagnostics.
  ///
  /// - Parameter ahead: what was found before it was known which modules are in the link.
  /// - Returns: all units, in the order of the modules.
  func run(_ ahead: CodeLifter) -> [Unit] {
    let objects = decodeObjects()
    let finished = joinCode(ahead)
    let (modules, places) = (bindings.modules, bindings.places)
    return modules.indices.map { index in
      let id = UnitID(index)
      if id == .own { return bindings.own.frozen(at: places[index].bases) }
      let (relocations, code) = finished[id] ?? (objects[index], nil)
      return Unit(
        modules[index], at: places[index], relocations ?? UnitRelocations(declaredBy: modules[index].module),
        code: code ?? CodeFacts())
    }
  }

  /// The relocations of each object; `nil` for other modules, and for objects that are damaged.
  private func decodeObjects() -> [UnitRelocations?] {
    let modules = bindings.modules
    let keepsDiscarded = options.keepsDiscardedFunctions
    let errors = ParallelBuffer<FormatError?>(repeating: nil, count: modules.count)
    let results = threads.map(modules.count) { index -> UnitRelocations? in
      guard modules[index].contracts.hasRelocationSections else { return nil }
      if let decoded = bindings.decoded[UnitID(index)] { return decoded }
      do throws(FormatError) {
        return try RelocationReader.read(modules[index], keepsDiscarded: keepsDiscarded)
      } catch {
        errors[index] = error
        return nil
      }
    }
    let found = errors.take()
    for module in bindings.inLinkOrder {
      if let error = found[Int(module.index)] { diagnostics.error(error, in: module.file) }
    }
    return results
  }

  /// The relocations of each finished module, and what its code says.
  private func joinCode(_ ahead: CodeLifter) -> [UnitID: (UnitRelocations?, CodeFacts?)] {
    let memories = bindings.memories
    @Sendable func moves(_ module: BoundModule) -> Bool { memories.movesFirstMemory(of: module.index) }
    let finished = bindings.inLinkOrder.filter(\.contracts.isRecovered)
    // Members of archives, and modules whose memory turned out to be another than was taken for granted.
    let late = CodeLifter(
      finished.filter { !ahead.hasFound(in: $0.module, movesMemory: moves($0)) }.map { ($0.module, moves($0)) }, options
    )
    if !late.isEmpty { threads.forEach(threads.count) { _ in late.work() } }
    let joined = threads.map(finished.count) { index in
      let module = finished[index]
      let runs =
        ahead.take(foundIn: module.module, movesMemory: moves(module))
        ?? late.take(foundIn: module.module, movesMemory: moves(module))
      return LiftedRelocations(module.module, runs ?? [], movesMemory: moves(module), options, threads)
    }
    var result: [UnitID: (UnitRelocations?, CodeFacts?)] = [:]
    for (module, joined) in zip(finished, joined) {
      joined.report(to: diagnostics)
      result[module.index] = (joined.relocations, joined.code)
    }
    return result
  }
}
