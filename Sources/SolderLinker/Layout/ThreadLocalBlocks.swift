import WebAssemblyFormat

// Thread-local data of shared libraries.
//
// The main thread has a library's thread-local data where it lies in the library's block: the library's start function
// sees to that, or else the result's. For every other thread the program's start-up allocates `__tls_size` bytes and calls
// `__wasm_init_tls`, which knows of the program's own data only. So room for the libraries' follows there, and each library
// is given its part of it: by its own `__wasm_init_tls`, or by a function that does what that one would do.
//
// Whoever wants the address of another unit's thread-local variable finds it in a global, as code of objects does that
// was made for this. Every instance sets these when its thread is set up. See also `ThreadLocalReader`.

/// The part of each thread's block that belongs to a library.
struct ThreadLocalBlock {
  /// What sets it up, given its address.
  let initialize: SymbolID
  /// Where the part begins, counted from the beginning of the thread's block.
  let offset: UInt64
}

extension Resolution {
  /// Whether a symbol is thread-local data that a library has in a block of its own.
  func isInLibraryBlock(_ symbol: Symbol) -> Bool {
    symbol.isTLS && symbol.kind == .data && symbol.state == .defined
      && units[symbol.unit]?.contracts.hasThreadLocalBlock == true
  }

  /// Whether code of a finished module finds the address of data in a variable, as each thread has a copy of the data, or
  /// may have: of what an object does not define, the next link knows.
  func isAddressVariable(_ symbol: Symbol, for unit: Unit, _ options: LinkOptions) -> Bool {
    guard symbol.kind == .data, unit.contracts.isRecovered else { return false }
    if options.contract.isObject { return symbol.isUndefined && (symbol.isTLS || unit.contracts.mayKnowThreads) }
    return isOfEachThread(symbol, options)
  }

  /// Whether code of a finished module, in an object, adds to `__tls_base` where data of an object is: thread-local data
  /// that the object has.
  func countsFromBase(_ symbol: Symbol, for unit: Unit, _ options: LinkOptions) -> Bool {
    options.contract.isObject && symbol.kind == .data && symbol.isTLS && symbol.state == .defined
      && unit.contracts.isRecovered
  }

  /// How code of a finished module finds what a symbol stands for.
  func access(to symbol: Symbol?, by unit: Unit, _ options: LinkOptions) -> DataAccess {
    guard let symbol else { return .address }
    if countsFromBase(symbol, for: unit, options) { return .threadLocal }
    return isAddressVariable(symbol, for: unit, options) ? .variable : .address
  }

  /// Whether the address of data is another one for each thread, or is known only when a library's copy has been set up.
  func isOfEachThread(_ symbol: Symbol, _ options: LinkOptions) -> Bool {
    symbol.isTLS && (options.sharedMemory || isInLibraryBlock(symbol))
  }

  /// Whether a symbol is data of a library, which has none for each thread.
  func isThreadLocalOfOneThread(_ symbol: Symbol) -> Bool {
    symbol.kind == .data && symbol.state == .defined && !symbol.isTLS
      && units[symbol.unit]?.contracts.hasThreadLocalBlock == true
  }

  /// The variable from which a thread-local symbol counts.
  func threadLocalBase(of symbol: Symbol) -> SymbolID? {
    guard isInLibraryBlock(symbol) else { return wellKnown.tlsBase }
    return threadLocalBase(of: units[symbol.definer])
  }

  /// The variable that says where a thread's copy of a library's data is.
  func threadLocalBase(of unit: Unit) -> SymbolID? {
    guard let facts = unit.lifted, let data = facts.threadLocal else { return nil }
    return data.base.map { unit.symbolIDs[facts.symbol($0)] } ?? wellKnown.tlsBases[unit.index]
  }
}

extension OwnUnit {
  /// The function that sets up a thread's copy of a library's data, given its address.
  func threadLocalSetUp(of unit: Unit) -> SymbolID? {
    guard let facts = unit.lifted, let data = facts.threadLocal else { return nil }
    guard let function = data.initialize, data.base != nil else { return threadLocalSetUp[unit.index] }
    return unit.symbolIDs[facts.symbol(function)]
  }
}

extension MemoryPlan {
  /// Makes room in each thread's block for the thread-local data of libraries.
  mutating func placeThreadLocalBlocks(
    _ resolution: Resolution, _ own: OwnUnit, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    for unit in resolution.inLinkOrder where unit.contracts.hasThreadLocalBlock && live.units[Int(unit.index)] {
      guard let data = unit.lifted?.threadLocal, let initialize = own.threadLocalSetUp(of: unit) else {
        if unit.lifted?.hasThreadLocalData == true { reportUnknown(unit, diagnostics) }
        if options.sharedMemory, let name = unit.lifted?.threadLocalOfOneThread {
          diagnostics.error(
            "\(unit.file.displayName): thread-local '\(options.displayName(of: name))' would be one variable for all threads, "
              + "since the library was made for one (link the library with --shared-memory)", .threads, symbol: name,
            in: unit.file.displayName)
        }
        continue
      }
      guard options.sharedMemory else { continue }
      // Without names there is no telling whether something relocates the data.
      if data.mayRelocate { reportUnknown(unit, diagnostics) }
      if data.size == 0 { continue }
      let alignment = UInt64(1) << UInt64(min(unit.dylink?.memoryAlignment ?? 4, 31))
      let offset = (tlsSize + alignment - 1) & ~(alignment - 1)
      threadLocalBlocks.append(ThreadLocalBlock(initialize: initialize, offset: offset))
      tlsSize = offset &+ data.size
      tlsAlignment = max(tlsAlignment, alignment)
    }
  }

  private func reportUnknown(_ unit: Unit, _ diagnostics: Diagnostics) {
    diagnostics.error(
      "\(unit.file.displayName): has thread-local data, but nothing says how a thread gets its copy "
        + "(link the library with --export=__wasm_init_tls)", .threads, in: unit.file.displayName)
  }
}
