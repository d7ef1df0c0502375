import WebAssemblyFormat

// The usual cases of name resolution, which are nearly all: a local symbol, the first mention of a name, a reference to
// a name of the same kind and type, a definition of a name that was only referred to.
//
// A link has hundreds of thousands of symbols and this is done on one thread, so it is one loop that touches nothing
// but the unit's symbols and numbers of names, and the table. Whatever is not usual is left to the rules in
// `Resolver+Rules.swift`, which decide the usual cases in the same way, only slower.
extension Resolver {
  /// What the loop needs of a unit, taken out of it once.
  private struct PlainUnit {
    let symbols: [UnitSymbol]
    let nameNumbers: [PackedIndex<LinkNames>]
    let typeIDs: Row<UnitTypes, TypeID>
    let discardedComdats: [Bool]
    let index: UnitID
    /// Attributes of the symbols that it defines.
    let attributes: Symbol.Attributes
    /// Attributes of the symbols that it mentions first.
    let undefinedAttributes: Symbol.Attributes
    let leavesUndefinedToHost: Bool

    init(_ unit: BoundModule) {
      symbols = unit.symbols
      nameNumbers = unit.nameNumbers
      typeIDs = unit.typeIDs
      discardedComdats = unit.discardedComdats
      index = unit.index
      leavesUndefinedToHost = unit.contracts.leavesUndefinedToHost
      attributes = unit.contracts.isLibraryToOthers ? [.usedInRegularUnit, .fromLibrary] : .usedInRegularUnit
      undefinedAttributes = leavesUndefinedToHost ? attributes.union(.mayImport) : attributes
    }

    func isDiscarded(_ symbol: UnitSymbol) -> Bool {
      symbol.comdat.index.map { discardedComdats[Int($0)] } ?? false
    }
  }

  /// Adds symbols of a unit from position `start` on, up to the first that needs the rules in full.
  ///
  /// - Returns: the position of that symbol, or the number of symbols.
  mutating func addPlainSymbols(of unit: BoundModule, from start: Int) -> Int {
    guard !unit.contracts.isLoadedAtRunTime, !unit.contracts.isOnlyOpened, table.traced.isEmpty,
      options.whyExtractFile == nil
    else { return start }
    let plain = PlainUnit(unit)
    let position = Int(unit.index)
    var ids = symbolIDs[position]
    symbolIDs[position] = []
    defer { symbolIDs[position] = ids }
    for index in start..<plain.symbols.count {
      guard let id = addPlainSymbol(index, of: plain) else { return index }
      ids.append(id)
    }
    return plain.symbols.count
  }

  @inline(__always)
  private mutating func addPlainSymbol(_ index: Int, of unit: PlainUnit) -> SymbolID? {
    let symbol = unit.symbols[index]
    let isUndefined = symbol.isUndefined
    if isUndefined, !symbol.isPlainImport { return nil }
    let isDiscarded = unit.isDiscarded(symbol)
    if symbol.isLocal { return table.addUnnamed(make(symbol, isDiscarded: isDiscarded, of: unit)) }
    guard let number = unit.nameNumbers[index].index else { return nil }
    guard let id = table.find(number: number) else {
      return table.add(make(symbol, isDiscarded: isDiscarded, of: unit), number: number)
    }
    return isUndefined || isDiscarded
      ? addPlainReference(symbol, to: id, of: unit) : addPlainDefinition(symbol, to: id, of: unit)
  }

  @inline(__always)
  private func make(_ symbol: UnitSymbol, isDiscarded: Bool, of unit: PlainUnit) -> Symbol {
    var result = Symbol(symbol, isDiscarded: isDiscarded, unit: unit.index, typeIDs: unit.typeIDs)
    result.attributes =
      (symbol.isUndefined || isDiscarded) && !symbol.isLocal ? unit.undefinedAttributes : unit.attributes
    return result
  }

  /// A reference to a name that is known to be of the same kind and type changes nothing.
  @inline(__always)
  private mutating func addPlainReference(_ symbol: UnitSymbol, to id: SymbolID, of unit: PlainUnit) -> SymbolID? {
    let existing = table.symbols[id]
    guard existing.state != .lazy, existing.hasKind, existing.kind == symbol.kind, !unit.leavesUndefinedToHost else {
      return nil
    }
    guard hasPlainType(existing, symbol, of: unit) else { return nil }
    if existing.state == .undefined {
      guard existing.importNames == nil, symbol.isWeak || !existing.isWeak else { return nil }
    }
    if !existing.has(.usedInRegularUnit) { table.symbols[id].attributes.insert(.usedInRegularUnit) }
    return id
  }

  /// A definition takes the place of references to a name of the same kind and type, and of a lazy file's promise; a
  /// weak one gives way to another definition.
  @inline(__always)
  private mutating func addPlainDefinition(_ symbol: UnitSymbol, to id: SymbolID, of unit: PlainUnit) -> SymbolID? {
    let existing = table.symbols[id]
    if existing.hasKind {
      guard existing.kind == symbol.kind, hasPlainType(existing, symbol, of: unit) else { return nil }
      if existing.isDefined {
        guard symbol.isWeak, !existing.has(.fromLibrary) || unit.attributes.contains(.fromLibrary) else { return nil }
        if !existing.has(.usedInRegularUnit) { table.symbols[id].attributes.insert(.usedInRegularUnit) }
        return id
      }
      if existing.has(.provided) { return nil }
    }
    replace(id, with: make(symbol, isDiscarded: false, of: unit))
    return id
  }

  /// Whether both are data, or functions of one type.
  @inline(__always)
  private func hasPlainType(_ existing: Symbol, _ symbol: UnitSymbol, of unit: PlainUnit) -> Bool {
    switch symbol.kind {
    case .data: return true
    case .function:
      guard let type = symbol.type else { return false }
      return existing.type == unit.typeIDs[type]
    default: return false
    }
  }
}

extension Symbol {
  /// The meaning of a name of which a unit's symbol is the first mention.
  @inline(__always)
  init(_ symbol: UnitSymbol, isDiscarded: Bool, unit: UnitID, typeIDs: Row<UnitTypes, TypeID>) {
    let isUndefined = symbol.isUndefined || isDiscarded
    self.init(
      name: symbol.name, kind: symbol.kind, isDiscarded ? .undefined : symbol.meaning,
      flags: isUndefined ? symbol.flags.union(.undefined) : symbol.flags, unit: unit)
    value = symbol.offset
    size = symbol.size
    type = symbol.type.map { typeIDs[$0] }
  }
}
