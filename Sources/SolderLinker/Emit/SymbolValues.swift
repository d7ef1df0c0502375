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

  init(_ id: SymbolID, _ program: Program) {
    let symbol = program.symbol(id)
    kind = symbol.kind
    isDefined = symbol.isDefined
    isPresent = symbol.kind == .section || program.isLive(symbol, id)
    address = symbol.kind == .data ? program.address(of: symbol) : 0
    let index = isPresent ? program.indices.index(of: symbol, id) : none32
    self.index = index == none32 ? 0 : index
    slot = isPresent && symbol.kind == .function ? program.slot(of: id) : 0
    addressGlobal = program.indices.addressGlobalIndices.isEmpty ? 0 : program.indices.addressGlobalIndices[id] ?? 0
  }

  /// The values of all symbols.
  static func all(_ program: Program, _ threads: Threads) -> [SymbolValue] {
    threads.map(program.resolution.table.symbols.count, batch: 4096) { SymbolValue(SymbolID($0), program) }
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
