import WebAssemblyFormat

/// Numbers everything: imports first, then what is defined, in the order of the link; table slots, types and exports.
///
/// Afterwards every index of the result is final, and the only functions still without a body are the linker's own.
struct IndexPass {
  var resolution: Resolution
  let own: OwnUnit
  let live: Liveness
  let start: StartOrder
  let memory: MemoryPlan
  let options: LinkOptions
  let diagnostics: Diagnostics
  let threads: Threads
  let is64: Bool
  /// Names that `--allow-undefined-file` lists.
  let allowedUndefined: Set<ByteString>
  let features: FeatureSet
  var plan = IndexPlan()

  init(
    _ resolution: consuming Resolution, _ own: OwnUnit, _ live: Liveness, _ start: StartOrder, _ memory: MemoryPlan,
    options: LinkOptions, diagnostics: Diagnostics, threads: Threads, is64: Bool, allowedUndefined: Set<ByteString>,
    features: FeatureSet
  ) {
    self.own = own
    self.start = start
    self.features = features
    self.resolution = resolution
    self.live = live
    self.memory = memory
    self.options = options
    self.diagnostics = diagnostics
    self.threads = threads
    self.is64 = is64
    self.allowedUndefined = allowedUndefined
  }

  // What the steps leave for each other.

  /// Of a position-independent result, the symbols that some call names.
  var calledSymbols: [Bool] = []
  /// Imports by what the host sees of them: several symbols may be one import.
  var addedImports: [ImportKey: UInt32] = [:]
  /// Whether something needs the table of functions that nothing in a file refers to.
  var needsFunctionTable = false
  /// Globals that the linker's own code needs, beside those that something in a file refers to.
  var neededGlobals: Set<UInt32> = []
  var usedStubs: Set<SymbolID> = []
  var numberedAddressGlobals = 0
  /// Functions that the linker adds, in order: in front of all others, and behind them.
  var firstFunctions: [SymbolID] = []
  var lastFunctions: [SymbolID] = []

  struct ImportKey: Hashable {
    var module: ByteString
    var name: ByteString
    var kind: SymbolKind
    var type: UInt64
  }

  /// Runs the pass; errors are in the diagnostics.
  mutating func run() {
    findCalledSymbols()
    addImports()
    reserveSlots()
    scanRelocations()
    settleFunctionTable()
    limitFunctionTable()
    chooseSetUp()
    orderStart()
    numberElements()
    registerTypes()
    addExports()
  }

  /// For each symbol, whether it is of some kind. Most loops over all symbols want few of them, and looking for these
  /// on all threads keeps symbols of a hundred bytes out of the loop.
  func symbols(where predicate: @Sendable (Symbol) -> Bool) -> [Bool] {
    let symbols = resolution.table.symbols
    return threads.map(symbols.count, batch: 4096) { predicate(symbols[$0]) }
  }
}
