import WebAssemblyFormat

/// The names of a link and what they stand for.
///
/// `slots` is the name space in the order in which names first appeared: that order decides the order of imports and
/// exports. A slot names a symbol; symbols without a name in the link (local ones, and imports from the host by module
/// and name) exist only in `symbols`.
struct SymbolTable {
  var symbols: [Symbol] = []
  var importNames: [ImportNames] = []
  private(set) var slots: [SymbolID] = []
  /// Names that `--wrap` makes stand for another symbol, by slot.
  private var redirected: [Int: SymbolID] = [:]
  private var names: NameTable
  private var comdats = NameTable()
  /// Symbols of the same name that differ in signature, by slot: the first is the one first seen.
  var variants: [Int: [SymbolID]] = [:]
  /// Names whose definitions and references are to be reported.
  var traced: Set<ByteString> = []

  init(expectedNames: Int) {
    names = NameTable(minimumCapacity: expectedNames)
    symbols.reserveCapacity(expectedNames)
    slots.reserveCapacity(expectedNames)
  }

  /// The symbol that a name stands for, if the name occurs at all.
  func find(_ name: ByteString) -> SymbolID? { names.find(name).map { redirected[$0] ?? slots[$0] } }

  func find(_ name: StaticString) -> SymbolID? { find(ByteString(name)) }

  func slot(of name: ByteString) -> Int? { names.find(name) }

  /// The symbol of a name; a new one is undefined and has to be filled in by the caller.
  mutating func insert(_ name: ByteString, kind: SymbolKind, flags: SymbolFlags, unit: UInt32) -> (
    id: SymbolID, isNew: Bool
  ) {
    let (slot, isNew) = names.insert(name)
    if !isNew { return (slots[slot], false) }
    let id = SymbolID(symbols.count)
    var symbol = Symbol(name: name, kind: kind, state: .undefined, flags: flags, unit: unit, element: none32)
    if !traced.isEmpty, traced.contains(name) { symbol.attributes.insert(.traced) }
    symbols.append(symbol)
    slots.append(id)
    return (id, true)
  }

  /// Adds a symbol that has no name in the link.
  mutating func addUnnamed(_ symbol: Symbol) -> SymbolID {
    var symbol = symbol
    symbol.attributes.insert(.unnamed)
    symbols.append(symbol)
    return SymbolID(symbols.count - 1)
  }

  /// Makes `id` what its name stands for.
  mutating func makePrimary(_ id: SymbolID, slot: Int) { slots[slot] = id }

  /// Makes a name stand for another symbol; its own one keeps its place in the order.
  mutating func redirect(slot: Int, to id: SymbolID) { redirected[slot] = id }

  /// Whether this is the first COMDAT group of its name.
  mutating func addComdat(_ name: ByteString) -> Bool { comdats.insert(name).isNew }

  /// The module and name of an import for an undefined symbol.
  func importName(of symbol: Symbol) -> (module: ByteString, name: ByteString) {
    let names = symbol.importNames == none32 ? ImportNames() : importNames[Int(symbol.importNames)]
    return (names.module ?? ByteString("env"), names.name ?? symbol.name)
  }

  /// Whether an undefined symbol was declared to be an import, under a name of its own.
  func isExplicitImport(_ symbol: Symbol) -> Bool {
    symbol.has(.forceImport) || (symbol.importNames != none32 && importNames[Int(symbol.importNames)].name != nil)
  }
}
