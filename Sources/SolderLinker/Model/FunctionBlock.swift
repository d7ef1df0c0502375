import WebAssemblyFormat

/// The functions in the slots that a library fills at `__table_base`.
struct FunctionBlock {
  private struct Run {
    var start: UInt64
    var functions: [PackedIndex<UnitFunctions>]
  }

  /// By their starts; empty if some fill the same slots, so that their order decides.
  private var runs: [Run] = []
  /// Functions that are in several slots, each of which is a pointer of its own.
  private var repeated: Set<FunctionIndex> = []
  /// In an object: the further slots of such functions, which are those of forwarders.
  private(set) var forwarders: [Forwarder] = []

  /// A function that calls another one and does nothing else, so that there is a pointer of its own to that.
  struct Forwarder {
    let slot: UInt64
    /// What it calls.
    let function: FunctionIndex
    let symbol: SymbolIndex
  }

  init() {}

  init(_ elements: [ElementSegment]) {
    for element in elements where !element.functions.isEmpty {
      if case .block(let start) = element.placement { runs.append(Run(start: start, functions: element.functions)) }
    }
    runs.sort { $0.start < $1.start }
    let areApart = zip(runs, runs.dropFirst()).allSatisfy { $0.start + UInt64($0.functions.count) <= $1.start }
    if !areApart { runs = [] }
    let functions = runs.flatMap { $0.functions.compactMap(\.index) }.sorted()
    repeated = Set(zip(functions, functions.dropFirst()).lazy.filter { $0.0 == $0.1 }.map(\.0))
  }

  /// A slot takes a byte in a library, and a forwarder a thousand in the linker: of what some tool has left there are a few
  /// hundred.
  static let mostForwarders = 1 << 16

  /// Whether there would be more of them.
  private(set) var hasTooManyForwarders = false

  /// Gives each slot but the first of every function to a forwarder.
  ///
  /// - Parameter symbol: the symbol of the forwarder of a function, in a slot.
  mutating func addForwarders(_ symbol: (FunctionIndex, _ slot: UInt64) -> SymbolIndex) {
    if repeated.isEmpty { return }
    let slots = runs.lazy.flatMap(\.functions).count { [repeated] in $0.index.map(repeated.contains) ?? false }
    guard slots - repeated.count <= FunctionBlock.mostForwarders else {
      hasTooManyForwarders = true
      return
    }
    var seen: Set<FunctionIndex> = []
    for run in runs {
      for (position, function) in run.functions.enumerated() {
        guard let function = function.index, repeated.contains(function), !seen.insert(function).inserted else {
          continue
        }
        let slot = run.start + UInt64(position)
        forwarders.append(Forwarder(slot: slot, function: function, symbol: symbol(function, slot)))
      }
    }
    repeated = []
  }

  /// Whether some slots mean more than their functions.
  var repeatsFunctions: Bool { !repeated.isEmpty }

  /// The symbol of the forwarder that has a slot.
  fileprivate func forwarder(atSlot slot: Int64) -> SymbolIndex? {
    guard let slot = UInt64(exactly: slot) else { return nil }
    let index = forwarders.indices.partitionPoint { forwarders[$0].slot < slot }
    return forwarders[checked: index].flatMap { $0.slot == slot ? $0.symbol : nil }
  }

  /// The function, of the index space, whose only slot a slot is; `nil` if there is none, or nobody knows.
  fileprivate func only(atSlot slot: Int64) -> FunctionIndex? {
    function(atSlot: slot).flatMap { repeated.contains($0) ? nil : $0 }
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
  /// The symbol of the function that a slot of the unit's block stands for, and no other slot.
  func symbol(atSlot slot: Int64) -> SymbolIndex? {
    functionBlock.forwarder(atSlot: slot) ?? functionBlock.only(atSlot: slot).map { symbol($0) }
  }
}
