import WebAssemblyFormat

/// What a symbol is in the result: the one answer that everything that is written about it comes from.
///
/// It follows from half a dozen tables (definitions, what lives, addresses, indices, slots, merged strings) and is worked
/// out once for each symbol, into one row; whoever writes an address, an index or a slot looks there. Sixteen bytes: a link
/// has hundreds of thousands of symbols, and a relocation costs one look.
struct SymbolValue {
  enum Answer: Equatable {
    /// It is not part of the result: nothing that lives refers to it, or its definition was dropped.
    case absent
    /// Data that nothing defines, and that need not be defined: a weak reference, or one that the loader fills in.
    case undefined
    case address(UInt64)
    /// Counted from `__tls_base`.
    case threadLocalOffset(UInt64)
    case function(Function)
    case global(OutputGlobalIndex)
    case tag(OutputTagIndex)
    case table(OutputTableIndex)
    /// A custom section, of which the place tells more.
    case section
  }

  /// A function of the result, an import of it, or one that is only pointed to and is null.
  struct Function: Equatable {
    fileprivate let packedIndex: PackedIndex<OutputFunctions>
    fileprivate let packedSlot: PackedIndex<OutputSlots>

    /// `nil` for one that is only pointed to.
    @inline(__always)
    var index: OutputFunctionIndex? { packedIndex.index }
    /// Its place in the function table; `nil` when nothing needs one, or the pointer is null.
    @inline(__always)
    var slot: SlotIndex? { packedSlot.index }
  }

  let answer: Answer
  private let packedAddressGlobal: PackedIndex<OutputGlobals>

  fileprivate init(_ answer: Answer, addressGlobal: OutputGlobalIndex?) {
    self.answer = answer
    packedAddressGlobal = PackedIndex(addressGlobal)
  }

  /// Index of the global that holds the address, if there is one.
  @inline(__always)
  var addressGlobal: OutputGlobalIndex? { packedAddressGlobal.index }

  /// Whether it is part of the result.
  @inline(__always)
  var isPresent: Bool {
    if case .absent = answer { return false }
    return true
  }

  /// Index of the function, global, tag or table; `nil` for data and for what has none.
  var index: OutputIndex? {
    switch answer {
    case .function(let function): function.index.map { .function($0) }
    case .global(let index): .global(index)
    case .tag(let index): .tag(index)
    case .table(let index): .table(index)
    case .absent, .undefined, .address, .threadLocalOffset, .section: nil
    }
  }

  /// Index of a function; `nil` for everything else, and for one that is only pointed to.
  @inline(__always)
  var function: OutputFunctionIndex? {
    if case .function(let function) = answer { return function.index }
    return nil
  }

  /// Slot of a function in the table; `nil` for everything else, and without one.
  @inline(__always)
  var slot: SlotIndex? {
    if case .function(let function) = answer { return function.slot }
    return nil
  }

  /// Address of data, or its offset from `__tls_base`; `nil` for everything else, and for what is not defined.
  @inline(__always)
  var address: UInt64? {
    switch answer {
    case .address(let address), .threadLocalOffset(let address): address
    case .absent, .undefined, .function, .global, .tag, .table, .section: nil
    }
  }

  /// The values of all symbols.
  static func all(
    _ resolution: Resolution, _ live: Liveness, _ memory: MemoryPlan, _ indices: IndexPlan, _ options: LinkOptions,
    _ threads: Threads
  ) -> [SymbolValue] {
    let tables = SymbolTables(resolution, live, memory, indices, options)
    return threads.map(resolution.table.symbols.count, batch: 4096) { tables.value(of: SymbolID($0)) }
  }
}

/// The tables that ``SymbolValue`` comes from, taken out of the plans once: reaching through those for each symbol counts
/// references to all of their arrays, on two threads at the same time.
private struct SymbolTables: Sendable {
  let symbols: [Symbol]
  let live: Liveness
  let memory: MemoryPlan
  let indices: IndexPlan
  /// Whether thread-local data is known by its offset from `__tls_base`. One thread alone has its block where the segment
  /// is, and `__tls_base` says where that is.
  let offsetsThreadLocals: Bool
  /// Of each unit, whether its thread-local data is a block of its own.
  let hasThreadLocalBlock: [Bool]
  let addresses: DataAddresses

  init(
    _ resolution: Resolution, _ live: Liveness, _ memory: MemoryPlan, _ indices: IndexPlan, _ options: LinkOptions
  ) {
    symbols = resolution.table.symbols.values
    self.live = live
    self.memory = memory
    self.indices = indices
    hasThreadLocalBlock = resolution.units.map(\.contracts.hasThreadLocalBlock)
    offsetsThreadLocals = options.offsetsThreadLocals
    addresses = DataAddresses(memory)
  }

  func value(of id: SymbolID) -> SymbolValue {
    let global = indices.addressGlobalIndices.isEmpty ? nil : indices.addressGlobalIndices[id]
    return SymbolValue(answer(of: id), addressGlobal: global)
  }

  private func answer(of id: SymbolID) -> SymbolValue.Answer {
    let index = Int(id)
    // The usual cases first, which need few fields of the symbol: a definition in a file.
    if symbols[index].definition != nil, symbols[index].unit != .own, !symbols[index].has(.preemptible) {
      switch symbols[index].kind {
      case .function:
        let function = symbols[index].functionID
        guard live.functions[function] else { return .absent }
        return .function(
          .init(packedIndex: indices.functionIndices[function], packedSlot: indices.functionSlots[function]))
      case .data:
        let segment = symbols[index].segmentID
        return live.segments[segment]
          ? placed(addresses.address(of: symbols[index].value, in: segment), index) : .absent
      default: break
      }
    }
    return anyAnswer(symbols[index], id)
  }

  private func placed(_ address: UInt64, _ index: Int) -> SymbolValue.Answer {
    if symbols[index].isTLS, hasThreadLocalBlock[Int(symbols[index].definer)] {
      return .threadLocalOffset(symbols[index].value)
    }
    return symbols[index].isTLS && offsetsThreadLocals
      ? .threadLocalOffset(address &- memory.tlsAddress) : .address(address)
  }

  private func anyAnswer(_ symbol: Symbol, _ id: SymbolID) -> SymbolValue.Answer {
    if symbol.kind == .section { return .section }
    // What another name of an import was, the import's own symbol is.
    if symbol.state == .alias { return .absent }
    let index = indices.index(of: symbol, id)
    guard isPresent(symbol, id, hasIndex: index != nil) else { return .absent }
    switch symbol.kind {
    case .function:
      return .function(
        .init(packedIndex: PackedIndex(index?.function), packedSlot: PackedIndex(indices.slot(of: symbol, id))))
    case .global: return index?.global.map { .global($0) } ?? .absent
    case .tag: return index?.tag.map { .tag($0) } ?? .absent
    case .table: return index?.table.map { .table($0) } ?? .absent
    case .data:
      guard symbol.state == .defined else { return .undefined }
      return symbol.isAbsolute
        ? .address(symbol.value) : placed(addresses.address(of: symbol.value, in: symbol.segmentID), Int(id))
    case .section: return .section
    }
  }

  /// Whether a symbol is part of the result: what has an index, and of what has none, the linker's own addresses and null
  /// pointers, and what is live.
  private func isPresent(_ symbol: Symbol, _ id: SymbolID, hasIndex: Bool) -> Bool {
    if hasIndex { return true }
    if symbol.unit == .own, symbol.state == .defined { return symbol.kind == .data || symbol.has(.isStub) }
    return live.isLive(symbol, id)
  }
}
