import WebAssemblyFormat

/// The names of a link and what they stand for.
///
/// `slots` is the name space in the order in which names first appeared: that order decides the order of imports and
/// exports. A slot names a symbol; symbols without a name in the link (local ones, and imports from the host by module
/// and name) exist only in `symbols`.
struct SymbolTable {
  var symbols = Row<LinkSymbols, Symbol>()
  var importNames = Row<LinkImportNames, ImportNames>()
  private(set) var slots: [SymbolID] = []
  /// Names that `--wrap` makes stand for another symbol, by slot.
  private var redirected: [NameSlot: SymbolID] = [:]
  private let names: NameRegister
  /// The slot of each name, by the name's number; none for those that have not appeared yet.
  private var slotOfName: [PackedIndex<LinkNameSlots>] = []
  /// Whether a COMDAT group was met, by the number of its name.
  private var hasComdat: [Bool] = []
  /// Symbols of the same name that differ in signature, by slot: the first is the one first seen.
  var variants: [NameSlot: [SymbolID]] = [:]
  /// Names whose definitions and references are to be reported.
  var traced: Set<ByteString> = []

  init(names: NameRegister, expectedNames: Int, expectedSymbols: Int) {
    self.names = names
    symbols.reserveCapacity(expectedSymbols)
    slots.reserveCapacity(expectedNames)
    slotOfName = Array(repeating: .none, count: names.numberLimit)
    hasComdat = Array(repeating: false, count: names.numberLimit)
  }

  /// No name has a higher number than those below this.
  var numberLimit: Int { names.numberLimit }

  /// The symbol that a name stands for, if the name occurs at all.
  func find(_ name: ByteString) -> SymbolID? { slot(of: name).map { redirected[$0] ?? slots[Int($0)] } }

  func find(_ name: StaticString) -> SymbolID? { find(ByteString(name)) }

  func slot(of name: ByteString) -> NameSlot? { names.find(name).flatMap(slot(ofNumber:)) }

  /// The symbol of the name with this number, if the name occurred.
  @inline(__always)
  func find(number: NameNumber) -> SymbolID? { slot(ofNumber: number).map { slots[Int($0)] } }

  @inline(__always)
  private func slot(ofNumber number: NameNumber) -> NameSlot? {
    Int(number) < slotOfName.count ? slotOfName[Int(number)].index : nil
  }

  /// The symbol of a name; a new one is undefined and has to be filled in by the caller.
  mutating func insert(_ name: ByteString, kind: SymbolKind, flags: SymbolFlags, unit: UnitID?) -> (
    id: SymbolID, isNew: Bool
  ) {
    insert(name, number: names.number(of: name), kind: kind, flags: flags, unit: unit)
  }

  /// The symbol of the name of a unit's symbol.
  mutating func insert(
    _ symbol: UnitSymbol, number: NameNumber?, unit: UnitID
  ) -> (id: SymbolID, isNew: Bool) {
    insert(
      symbol.name, number: number ?? names.number(of: symbol.name), kind: symbol.kind, flags: symbol.flags, unit: unit)
  }

  /// The same, of a name whose number is known.
  mutating func insert(
    _ name: ByteString, number: NameNumber, kind: SymbolKind, flags: SymbolFlags, unit: UnitID?
  ) -> (id: SymbolID, isNew: Bool) {
    if let id = find(number: number) { return (id, false) }
    var symbol = Symbol(name: name, kind: kind, .undefined, flags: flags, unit: unit)
    if !traced.isEmpty, traced.contains(name) { symbol.attributes.insert(.traced) }
    return (add(symbol, number: number), true)
  }

  /// Adds the name of a lazy file if it has not appeared yet, which is usual: of a large archive most is never needed.
  mutating func addLazy(_ name: ByteString, number: NameNumber, file: LazyFileID) -> Bool {
    guard traced.isEmpty, find(number: number) == nil else { return false }
    _ = add(Symbol(name: name, kind: .function, .lazy(file), flags: [], unit: nil), number: number)
    return true
  }

  /// Adds the symbol of a name that has not appeared yet.
  @inline(__always)
  mutating func add(_ symbol: Symbol, number: NameNumber) -> SymbolID {
    if Int(number) >= slotOfName.count {
      slotOfName.append(contentsOf: repeatElement(.none, count: Int(number) + 1 - slotOfName.count))
    }
    slotOfName[Int(number)] = PackedIndex(NameSlot(slots.count))
    let id = symbols.append(symbol)
    slots.append(id)
    return id
  }

  /// Adds a symbol that has no name in the link.
  @inline(__always)
  mutating func addUnnamed(_ symbol: Symbol) -> SymbolID {
    let id = symbols.append(symbol)
    symbols[id].attributes.insert(.unnamed)
    return id
  }

  /// Gives a symbol that was added without a name its own, which nothing else has: the last in the order of names.
  mutating func name(_ id: SymbolID) {
    let number = Int(names.number(of: symbols[id].name))
    if number >= slotOfName.count {
      slotOfName.append(contentsOf: repeatElement(.none, count: number + 1 - slotOfName.count))
    }
    slotOfName[number] = PackedIndex(NameSlot(slots.count))
    slots.append(id)
    symbols[id].attributes.remove(.unnamed)
    if traced.contains(symbols[id].name) { symbols[id].attributes.insert(.traced) }
  }

  /// Makes `id` what its name stands for.
  mutating func makePrimary(_ id: SymbolID, slot: NameSlot) { slots[Int(slot)] = id }

  /// Makes a name stand for another symbol; its own one keeps its place in the order.
  mutating func redirect(slot: NameSlot, to id: SymbolID) { redirected[slot] = id }

  /// Whether this is the first COMDAT group whose name has this number.
  mutating func addComdat(_ number: NameNumber) -> Bool {
    if Int(number) >= hasComdat.count {
      hasComdat.append(contentsOf: repeatElement(false, count: Int(number) + 1 - hasComdat.count))
    }
    defer { hasComdat[Int(number)] = true }
    return !hasComdat[Int(number)]
  }

  /// The module and name of an import for an undefined symbol.
  func importName(of symbol: Symbol) -> (module: ByteString, name: ByteString) {
    let names = symbol.importNames.map { importNames[$0] } ?? ImportNames()
    return (names.module ?? ByteString("env"), names.name ?? symbol.name)
  }

  /// Whether an undefined symbol was declared to be an import, under a name of its own.
  func isExplicitImport(_ symbol: Symbol) -> Bool {
    symbol.has(.forceImport) || symbol.importNames.map { importNames[$0].name != nil } ?? false
  }
}
