import WebAssemblyFormat

/// What relocations write about a symbol: its address, its index, its slot.
///
/// A symbol has many relocations, and what they write follows from half a dozen tables. It is looked up once for each
/// symbol, into one row of sixteen bytes; a relocation then costs one look.
struct SymbolValue {
  /// The address of data; of everything else the index, and the slot in the upper half.
  private var content: UInt64 = 0
  /// Index of the global that holds the address; 0 without one.
  fileprivate(set) var addressGlobal: UInt32 = 0
  let kind: SymbolKind
  let isDefined: Bool
  /// Whether each thread has its own, so that only a global says where.
  fileprivate(set) var isInVariable = false
  /// Whether it is part of the result; sections always are.
  fileprivate(set) var isPresent = true

  fileprivate init(kind: SymbolKind, isDefined: Bool) {
    self.kind = kind
    self.isDefined = isDefined
  }

  /// Of data; 0 for everything else, and for what is missing.
  fileprivate(set) var address: UInt64 {
    get { kind == .data ? content : 0 }
    set { content = newValue }
  }

  /// Index of the function, global, tag or table; 0 without one.
  var index: UInt32 { kind == .data ? 0 : UInt32(truncatingIfNeeded: content) }

  /// Slot of a function in the table; 0 without one.
  var slot: UInt32 { kind == .data ? 0 : UInt32(truncatingIfNeeded: content >> 32) }

  fileprivate mutating func set(index: UInt32, slot: UInt32) { content = UInt64(slot) << 32 | UInt64(index) }

  /// The values of all symbols.
  static func all(_ program: Program, _ threads: Threads) -> [SymbolValue] {
    let tables = SymbolTables(program)
    return threads.map(program.resolution.table.symbols.count, batch: 4096) { tables.value(of: SymbolID($0)) }
  }
}

/// The tables that ``SymbolValue`` comes from, taken out of the program once: reaching through it for each symbol counts
/// references to all of their arrays, on two threads at the same time.
private struct SymbolTables: @unchecked Sendable {
  let symbols: [Symbol]
  let live: Liveness
  let memory: MemoryPlan
  let indices: IndexPlan
  let offsetsThreadLocals: Bool
  let hasThreads: Bool
  /// Of each unit, whether it is a shared library.
  let isLibrary: [Bool]
  /// For each segment of the result, its merged strings with their addresses.
  let strings: [[(address: UInt64, strings: MergedStrings)]]

  init(_ program: Program) {
    symbols = program.resolution.table.symbols
    live = program.live
    memory = program.memory
    indices = program.indices
    offsetsThreadLocals = program.offsetsThreadLocals
    hasThreads = program.options.sharedMemory
    isLibrary = program.resolution.units.map(\.contracts.isSetUpByExports)
    strings = memory.segments.map { segment in
      segment.strings.map { (segment.address &+ $0.offset, $0.strings) }
    }
  }

  func value(of id: SymbolID) -> SymbolValue {
    let index = Int(id)
    let kind = symbols[index].kind
    let state = symbols[index].state
    var value = SymbolValue(kind: kind, isDefined: state == .defined || state == .alias)
    if !indices.addressGlobalIndices.isEmpty { value.addressGlobal = indices.addressGlobalIndices[id] ?? 0 }
    let element = symbols[index].element
    // The usual cases first, which need few fields of the symbol: a definition in a file.
    if state == .defined, element != none32, symbols[index].unit != 0, !symbols[index].has(.preemptible) {
      switch kind {
      case .function:
        value.isPresent = live.functions[Int(element)]
        if value.isPresent {
          let slot = indices.functionSlots[Int(element)]
          value.set(index: noneAsZero(indices.functionIndices[Int(element)]), slot: noneAsZero(slot))
        }
        return value
      case .data:
        value.isPresent = live.segments[Int(element)]
        value.address = address(of: index, in: element)
        value.isInVariable =
          symbols[index].isTLS && (hasThreads || isLibrary[Int(symbols[index].unit)])
        return value
      default: break
      }
    }
    complete(&value, of: id)
    return value
  }

  private func noneAsZero(_ index: UInt32) -> UInt32 { index == none32 ? 0 : index }

  private func address(of index: Int, in segment: UInt32) -> UInt64 {
    let start = memory.segmentAddresses[Int(segment)]
    var address = start &+ symbols[index].value
    if start == MemoryPlan.mergedStrings {
      address = symbols[index].value
      let runs = strings[Int(memory.outputSegments[Int(segment)])]
      if let run = runs.first(where: { $0.strings.contains(segment: segment) }) {
        address = run.address &+ run.strings.offset(of: symbols[index].value, in: segment)
      }
    }
    return symbols[index].isTLS && offsetsThreadLocals ? address &- memory.tlsAddress : address
  }

  private func complete(_ value: inout SymbolValue, of id: SymbolID) {
    let symbol = symbols[Int(id)]
    if symbol.kind == .data { value.address = memory.address(of: symbol, offsetsThreadLocals: offsetsThreadLocals) }
    guard symbol.kind != .section else { return }
    let index = indices.index(of: symbol, id)
    value.isPresent = Program.isPresent(symbol, id, index: index, live)
    guard value.isPresent, symbol.kind != .data else { return }
    value.set(index: noneAsZero(index), slot: symbol.kind == .function ? indices.slot(of: symbol, id) : 0)
  }
}
