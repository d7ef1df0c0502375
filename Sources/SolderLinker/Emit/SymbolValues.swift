import WebAssemblyFormat

/// What relocations write about a symbol: its address, its index, its slot.
///
/// A symbol has many relocations, and what they write follows from half a dozen tables. It is looked up once for each
/// symbol, into one row of half a cache line; a relocation then costs one look.
struct SymbolValue {
  /// Of data; 0 for everything else, and for what is missing.
  var address: UInt64
  /// Index of the function, global, tag or table; 0 without one.
  var index: UInt32
  /// Slot of a function in the table; 0 without one.
  var slot: UInt32
  /// Index of the global that holds the address; 0 without one.
  var addressGlobal: UInt32
  var kind: SymbolKind
  var isDefined: Bool
  /// Whether it is part of the result; sections always are.
  var isPresent: Bool

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

  init(_ program: Program) {
    symbols = program.resolution.table.symbols
    live = program.live
    memory = program.memory
    indices = program.indices
    offsetsThreadLocals = program.offsetsThreadLocals
  }

  func value(of id: SymbolID) -> SymbolValue {
    let symbol = symbols[Int(id)]
    var value = SymbolValue(
      address: 0, index: 0, slot: 0, addressGlobal: 0, kind: symbol.kind, isDefined: symbol.isDefined, isPresent: true)
    if symbol.kind == .data { value.address = memory.address(of: symbol, offsetsThreadLocals: offsetsThreadLocals) }
    if !indices.addressGlobalIndices.isEmpty { value.addressGlobal = indices.addressGlobalIndices[id] ?? 0 }
    guard symbol.kind != .section else { return value }
    let index = indices.index(of: symbol, id)
    value.isPresent = Program.isPresent(symbol, id, index: index, live)
    guard value.isPresent else { return value }
    value.index = index == none32 ? 0 : index
    if symbol.kind == .function { value.slot = indices.slot(of: symbol, id) }
    return value
  }
}

/// A unit whose relocations are being applied, with the arrays that every relocation looks into taken out of the
/// object: reaching into an object costs a check for overlapping accesses each time.
struct RelocatedUnit {
  let unit: Unit
  let relocations: [Relocation]
  let symbolIDs: [SymbolID]

  init(_ unit: Unit) {
    self.unit = unit
    relocations = unit.relocations
    symbolIDs = unit.symbolIDs
  }
}
