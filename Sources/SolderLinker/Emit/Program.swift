import WebAssemblyFormat

/// Everything that is decided about the result, for the passes that write it. They only read it, on many threads.
///
/// A class, so that handing it on counts one reference and not those of its fifty arrays.
final class Program: @unchecked Sendable {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let indices: IndexPlan
  let features: FeatureSet
  let options: LinkOptions
  let is64: Bool

  init(
    resolution: Resolution, live: Liveness, memory: MemoryPlan, indices: IndexPlan, features: FeatureSet,
    options: LinkOptions, is64: Bool
  ) {
    self.resolution = resolution
    self.live = live
    self.memory = memory
    self.indices = indices
    self.features = features
    self.options = options
    self.is64 = is64
  }

  func symbol(_ id: SymbolID) -> Symbol { resolution.table.symbols[Int(id)] }

  func index(of id: SymbolID) -> UInt32 { indices.index(of: symbol(id), id) }

  /// The address of a data symbol, or of what stands for one; 0 for what is missing.
  func address(of symbol: Symbol) -> UInt64 {
    guard symbol.state == .defined else { return 0 }
    if symbol.kind == .data { return memory.address(of: symbol, offsetsThreadLocals: offsetsThreadLocals) }
    return symbol.kind == .global ? constantValue(of: symbol) ?? 0 : 0
  }

  /// The address that a global holds: thread-local data of a result for one thread alone has one.
  func fixedAddress(of symbol: Symbol) -> UInt64 {
    if resolution.isInLibraryBlock(symbol) { return 0 }
    guard symbol.isTLS, !options.sharedMemory else { return address(of: symbol) }
    return memory.address(of: symbol, offsetsThreadLocals: false)
  }

  /// Where thread-local data is in a thread's block, or in the library's part of it.
  func threadLocalOffset(of symbol: Symbol) -> UInt64 {
    resolution.isInLibraryBlock(symbol) ? symbol.value : address(of: symbol)
  }

  /// Whether thread-local data is known by its offset from `__tls_base`. One thread alone has its block where the segment
  /// is, and `__tls_base` says where that is.
  var offsetsThreadLocals: Bool { options.sharedMemory || options.compatibility.countsFromTLSBase }

  /// The value of an immutable global of a plain module that is a plain number: an address, to everybody else.
  private func constantValue(of symbol: Symbol) -> UInt64? {
    let unit = resolution.units[Int(symbol.unit)]
    guard unit.index != 0 else { return nil }
    let index = Int(symbol.element - unit.bases.global)
    if let address = memory.decidedAddresses[symbol.element] { return address }
    guard let value = SymbolicEvaluator(unit.file, globals: []).value(of: unit.globals[index].initializer) else {
      return nil
    }
    return UInt64(bitPattern: value.addend)
  }

  /// The table slot of a function symbol; 0, the null pointer, without one.
  func slot(of id: SymbolID) -> UInt32 { indices.slot(of: symbol(id), id) }

  func isLive(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    Program.isPresent(symbol, id, index: index(of: id), live)
  }

  /// Whether a symbol is part of the result; the linker's own are when they have an index.
  static func isPresent(_ symbol: Symbol, _ id: SymbolID, index: UInt32, _ live: Liveness) -> Bool {
    if symbol.unit == 0, symbol.state == .defined {
      return index != none32 || symbol.kind == .data || symbol.has(.isStub)
    }
    return live.isLive(symbol, id)
  }
}

extension MemoryPlan {
  /// The address of a data symbol; 0 for one that is missing.
  ///
  /// - Parameter offsetsThreadLocals: whether thread-local data is known by its offset from `__tls_base`.
  func address(of symbol: Symbol, offsetsThreadLocals: Bool) -> UInt64 {
    guard symbol.state == .defined else { return 0 }
    if symbol.element == none32 { return symbol.value }
    let address = address(segment: symbol.element, offset: symbol.value)
    return symbol.isTLS && offsetsThreadLocals ? address &- tlsAddress : address
  }
}

extension IndexPlan {
  /// The table slot of a function symbol; 0, the null pointer, without one.
  func slot(of symbol: Symbol, _ id: SymbolID) -> UInt32 {
    guard symbol.isDefined else { return importSlots[id] ?? 0 }
    let index = Int(symbol.element)
    guard symbol.kind == .function, index < functionSlots.count else { return 0 }
    let slot = functionSlots[index]
    return slot == noSlot ? 0 : slot
  }
}
