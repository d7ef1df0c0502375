import WebAssemblyFormat

/// The functions in the slots that a library fills at `__table_base`.
struct FunctionBlock {
  private struct Run {
    var start: UInt64
    var functions: [PackedIndex<UnitFunctions>]
  }

  /// By their starts; empty if some fill the same slots, so that their order decides.
  private var runs: [Run] = []

  init() {}

  init(_ elements: [ElementSegment]) {
    for element in elements where !element.functions.isEmpty {
      if case .block(let start) = element.placement { runs.append(Run(start: start, functions: element.functions)) }
    }
    runs.sort { $0.start < $1.start }
    let areApart = zip(runs, runs.dropFirst()).allSatisfy { $0.start + UInt64($0.functions.count) <= $1.start }
    if !areApart { runs = [] }
  }

  /// The function, of the index space, in a slot; `nil` if there is none, or nobody knows.
  func function(atSlot slot: Int64) -> FunctionIndex? {
    guard let slot = UInt64(exactly: slot) else { return nil }
    let next = runs.indices.partitionPoint { runs[$0].start <= slot }
    guard next > 0, slot - runs[next - 1].start < UInt64(runs[next - 1].functions.count) else { return nil }
    return runs[next - 1].functions[Int(slot - runs[next - 1].start)].index
  }
}

extension LiftedFacts {
  /// The function symbol in a slot of the unit's block.
  func symbol(atSlot slot: Int64) -> SymbolIndex? { functionBlock.function(atSlot: slot).map { symbol($0) } }
}
