import WebAssemblyFormat

/// What live relocations ask for, in the order of the link.
struct Demands {
  fileprivate let parts: [(unit: Unit, result: ScanResult)]

  /// Looks at all live relocations.
  init(
    _ resolution: Resolution, _ live: Liveness, _ folds: FunctionFolds, _ memory: MemoryPlan, _ options: LinkOptions,
    _ threads: Threads
  ) {
    let scan = RelocationScan(resolution: resolution, live: live, folds: folds, memory: memory, options: options)
    let parts = RelocationScan.parts(of: Array(resolution.inLinkOrder))
    let results = threads.map(parts.count, batch: parts.count > 256 ? 4 : 1) { scan.scan(parts[$0]) }
    self.parts = zip(parts, results).map { ($0.unit, $1) }
  }

  var inOrder: some Sequence<(unit: Unit, demand: Demand)> {
    parts.lazy.flatMap { part in part.result.demands.lazy.map { (part.unit, $0) } }
  }

  /// The types that code names.
  var types: some Sequence<TypeID> {
    parts.lazy.flatMap { part in part.result.types.lazy.map { part.unit.typeIDs[$0] } }
  }
}
