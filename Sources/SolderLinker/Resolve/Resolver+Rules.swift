import WebAssemblyFormat

// The rules by which one more mention of a name changes what it stands for.
//
// A mention is a definition or a reference, and what a name stands for so far is nothing, a reference, a promise of an
// archive, or a definition.
//
//  - A definition takes the place of nothing, of a reference and of a promise. Of two, the strong one wins over the weak;
//    of two that are alike the first wins among weak ones and among libraries, the program proper over a library, and two
//    strong ones of the program are an error (`shouldReplace`).
//  - A reference to a promise has the archive's member added, unless it is weak; the promise stays for the next one.
//  - A strong reference makes a weak one strong. Of references alone the first says the type, but a reference by address
//    has none, and what a module imports for code that calls it counts more than what only names it (`decidesImport`).
//  - Kinds must agree, where an immutable global of a finished module may be an address of data (`isAddressLike`). A name
//    that only the command line has mentioned has no kind, and takes that of the first definition.
//  - Functions of objects with another signature than the definition's are variants: calls of them trap, with a warning
//    (`Resolver+Variants.swift`). Types of finished modules are compared when everything is known, by the rules of an
//    engine (`ResolvePass+Checks.swift`).
//  - Some mentions stand apart: local names, libraries that stay outside of the result (they only provide what nobody
//    else has), libraries that are opened at run time (their definitions are nobody else's), whole modules with a name
//    (their exports are known by module and name, `ResolvePass+NamedModules.swift`).
extension Resolver {
  /// Adds one symbol of a unit.
  ///
  /// - Returns: the symbol of the link that the unit's symbol is, and the lazy file to extract, if it needs one.
  mutating func resolve(_ index: Int, of unit: BoundModule) -> (SymbolID, extract: LazyFileID?) {
    let symbol = unit.symbols[index]
    if unit.contracts.isLoadedAtRunTime { return (addProvided(index, of: unit), nil) }
    if unit.contracts.isOnlyOpened, let id = addOpened(index, of: unit) { return (id, nil) }
    if symbol.isLocal { return (addLocal(symbol, of: unit), nil) }
    if !symbol.isUndefined, !unit.isDiscarded(comdat: symbol.comdat) { return (addDefined(index, of: unit), nil) }
    return addUndefined(index, of: unit)
  }

  private mutating func addLocal(_ symbol: UnitSymbol, of unit: BoundModule) -> SymbolID {
    var local = makeSymbol(symbol, of: unit)
    local.attributes.insert(.usedInRegularUnit)
    return table.addUnnamed(local)
  }

  /// Takes what a unit says of a name for all that is known of it, but for what was asked of the name.
  mutating func restate(_ id: SymbolID, as symbol: UnitSymbol, of unit: BoundModule) {
    let kept = table.symbols[id].attributes
    table.symbols[id] = makeSymbol(symbol, of: unit)
    table.symbols[id].attributes.formUnion(kept)
  }

  private mutating func makeSymbol(_ symbol: UnitSymbol, of unit: BoundModule) -> Symbol {
    var result = Symbol(
      symbol, isDiscarded: unit.isDiscarded(comdat: symbol.comdat), unit: unit.index, typeIDs: unit.typeIDs)
    if unit.contracts.isLibraryToOthers { result.attributes.insert(.fromLibrary) }
    if symbol.isUndefined, !symbol.isPlainImport { result.importNames = addImportNames(of: symbol, in: unit) }
    return result
  }

  private func type(of symbol: UnitSymbol, in unit: BoundModule) -> TypeID? {
    symbol.type.map { unit.typeIDs[$0] }
  }

  /// The module and name of an undefined symbol's import.
  private func importEntry(of symbol: UnitSymbol, in unit: BoundModule) -> (module: ByteString, name: ByteString)? {
    guard let index = symbol.imported.map({ Int($0) }) else { return nil }
    func names(_ entry: Import) -> (module: ByteString, name: ByteString) { (entry.module, entry.name) }
    switch symbol.kind {
    case .function: return (unit.functionImports[index].module, unit.functionImports[index].name)
    case .global: return names(unit.globalImports[index])
    case .tag: return names(unit.tagImports[index])
    case .table: return names(unit.tableImports[index])
    case .data, .section: return nil
    }
  }

  private mutating func addImportNames(of symbol: UnitSymbol, in unit: BoundModule) -> ImportNamesID? {
    guard let entry = importEntry(of: symbol, in: unit) else { return nil }
    let isExplicit = symbol.flags.contains(.explicitName)
    if !isExplicit, entry.module == "env" { return nil }
    return table.importNames.append(ImportNames(module: entry.module, name: isExplicit ? entry.name : nil))
  }

  // MARK: Definitions

  private mutating func addDefined(_ index: Int, of unit: BoundModule) -> SymbolID {
    let symbol = unit.symbols[index]
    let (id, isNew) = table.insert(symbol, number: unit.nameNumbers[index].index, unit: unit.index)
    let definition = makeSymbol(symbol, of: unit)
    let existing = table.symbols[id]
    if isNew || !existing.hasKind {
      replace(id, with: definition)
      return id
    }
    table.symbols[id].attributes.insert(.usedInRegularUnit)
    guard existing.kind == symbol.kind || isAddressLike(existing, definition) || isApart(existing, definition) else {
      reportKindMismatch(existing, symbol.kind, unit, isDefinition: true)
      return id
    }
    let isFinished = existing.isDefined && units[existing.unit]?.contracts.needsExactTypes == true
    if symbol.kind == .function, let type = definition.type, let old = existing.type, type != old, !isFinished,
      unit.contracts.trapsWrongSignatures, mattersForCalls(existing, id)
    {
      return addVariantDefinition(definition, of: unit, existing: id)
    }
    if existing.state != .lazy { checkTypes(existing, id, definition, unit) }
    if shouldReplace(existing, by: definition, of: unit) {
      replace(id, with: definition)
      if isFinished { table.symbols[id].attributes.insert(.decidedLate) }
    }
    return id
  }

  /// Stores a definition, keeping what was asked of the name.
  mutating func replace(_ id: SymbolID, with definition: Symbol) {
    let kept = table.symbols[id].attributes.intersection([
      .traced, .forceExport, .isVariant, .unnamed, .decidedLate,
    ])
    table.symbols[id] = definition
    table.symbols[id].attributes.formUnion(kept)
    table.symbols[id].attributes.insert(.usedInRegularUnit)
    if kept.contains(.traced) { traceDefinition(definition) }
  }

  /// Tells of a definition whose name is traced. Only called then: a call of this has the resolver copied.
  func traceDefinition(_ symbol: Symbol) {
    diagnostics.message("\(displayName(ofUnit: symbol.unit)): definition of \(symbol.name)")
  }

  /// An immutable global of a finished module and a data symbol can both stand for an address.
  private func isAddressLike(_ one: Symbol, _ other: Symbol) -> Bool {
    func speaksOfAddresses(_ symbol: Symbol) -> Bool {
      units[symbol.unit]?.contracts.speaksOfAddresses == true
    }
    let kinds: Set<SymbolKind> = [one.kind, other.kind]
    return kinds == [.data, .global] && (speaksOfAddresses(one) || speaksOfAddresses(other))
  }

  /// Whether both are definitions of which one is a module's with a name of its own: that one has the export to itself,
  /// whatever the other one is.
  private func isApart(_ one: Symbol, _ other: Symbol) -> Bool {
    func isNamedModule(_ symbol: Symbol) -> Bool {
      units[symbol.unit]?.contracts.refusesOtherTypes == true && symbol.has(.fromLibrary)
    }
    return one.isDefined && other.isDefined && (isNamedModule(one) || isNamedModule(other))
  }

  func shouldReplace(_ existing: Symbol, by new: Symbol, of unit: BoundModule) -> Bool {
    // What a library provides at run time is defined, as far as a weak definition is concerned.
    if !existing.isDefined { return !(existing.has(.provided) && new.isWeak) }
    // As between objects, a strong definition wins over a weak one. Of two that are alike the first library wins, as in
    // dynamic linking, and the program proper wins over libraries.
    let (isOldLibrary, isNewLibrary) = (existing.has(.fromLibrary), new.has(.fromLibrary))
    if new.isWeak { return existing.isWeak && isOldLibrary && !isNewLibrary }
    if existing.isWeak { return true }
    if isNewLibrary { return false }
    if isOldLibrary { return true }
    if options.allowMultipleDefinitions { return false }
    reportDuplicate(existing, new, of: unit)
    return true
  }

  // MARK: References

  private mutating func addUndefined(_ index: Int, of unit: BoundModule) -> (SymbolID, extract: LazyFileID?) {
    let symbol = unit.symbols[index]
    let (id, isNew) = table.insert(symbol, number: unit.nameNumbers[index].index, unit: unit.index)
    if table.symbols[id].has(.traced) {
      diagnostics.message("\(unit.file.displayName): reference to \(demangled(symbol.name))")
    }
    table.symbols[id].attributes.insert(.usedInRegularUnit)
    if unit.contracts.leavesUndefinedToHost { table.symbols[id].attributes.insert(.mayImport) }
    if isNew || table.symbols[id].isUndefined && !table.symbols[id].hasKind {
      restate(id, as: symbol, of: unit)
      return (id, nil)
    }
    let existing = table.symbols[id]
    if let file = existing.lazyFile { return addReference(index, of: unit, to: id, promisedBy: file) }
    guard existing.kind == symbol.kind || isAddressLike(existing, makeSymbol(symbol, of: unit)) else {
      reportKindMismatch(existing, symbol.kind, unit, isDefinition: false)
      return (id, nil)
    }
    if decidesImport(index, of: unit, existing, id) {
      restate(id, as: symbol, of: unit)
      if !existing.isWeak { table.symbols[id].flags.remove(.bindingWeak) }
      return (id, nil)
    }
    return (addReference(index, of: unit, to: id), nil)
  }

  /// Adds a reference to a name that a lazy file would define; only a weak one does without the file.
  private mutating func addReference(
    _ index: Int, of unit: BoundModule, to id: SymbolID, promisedBy file: LazyFileID
  ) -> (SymbolID, extract: LazyFileID?) {
    let symbol = unit.symbols[index]
    let isWeak = symbol.isWeak && (symbol.kind == .function || symbol.kind == .data)
    if table.symbols[id].type != nil, symbol.kind == .function {
      // Others refer to it, and theirs may be another type.
      if !isWeak, !isExtracted(file) { table.symbols[id].meaning = .undefined }
      return (addReference(index, of: unit, to: id), isWeak ? nil : file)
    }
    if !isWeak, !isExtracted(file) {
      // Until the file is added, this reference is all that is known.
      restate(id, as: symbol, of: unit)
      return (id, file)
    }
    if isWeak { table.symbols[id].flags = .bindingWeak }
    table.symbols[id].kind = symbol.kind
    table.symbols[id].unit = unit.index
    table.symbols[id].type = type(of: symbol, in: unit)
    return (id, isWeak ? nil : file)
  }

  /// Whether a mention of what nobody defines so far says what is imported, and the one before does not: an address has
  /// no type, and a whole module has an import of its own where that of others is another one.
  private mutating func decidesImport(_ index: Int, of unit: BoundModule, _ existing: Symbol, _ id: SymbolID) -> Bool {
    let symbol = unit.symbols[index]
    guard existing.isUndefined, !existing.has(.provided), existing.kind == symbol.kind,
      let other = units[existing.unit]?.contracts,
      let old = externalType(of: existing), let type = importedType(of: symbol, in: unit), old != type,
      symbol.kind != .function || callsDirectly(index, of: unit)
    else { return false }
    if other.leavesUndefinedToHost { return !unit.contracts.leavesUndefinedToHost }
    return unit.contracts.leavesUndefinedToHost && symbol.kind == .function && other.trapsWrongSignatures
      && !mattersForCalls(existing, id)
  }

  /// Adds a reference to a name that is defined, or undefined so far.
  private mutating func addReference(_ index: Int, of unit: BoundModule, to id: SymbolID) -> SymbolID {
    let symbol = unit.symbols[index]
    let existing = table.symbols[id]
    if symbol.kind == .function, existing.kind == .function {
      let type = type(of: symbol, in: unit)
      if existing.type == nil { table.symbols[id].type = type }
      if let type, let old = existing.type, type != old, !symbol.isAddressOnly, unit.contracts.trapsWrongSignatures,
        callsDirectly(index, of: unit)
      {
        if existing.has(.provided) {
          if acceptsSignatures(existing, makeSymbol(symbol, of: unit)) { table.symbols[id].type = type }
          return id
        }
        return addVariantReference(symbol, of: unit, type: type, existing: id)
      }
      if existing.isUndefined { mergeImportNames(symbol, of: unit, into: id) }
    } else if existing.isDefined {
      checkTypes(existing, id, makeSymbol(symbol, of: unit), unit)
    }
    // A strong reference makes a weak undefined symbol strong, and a host import stays allowed.
    if existing.isUndefined, !existing.has(.provided) {
      if existing.isWeak, !symbol.isWeak { table.symbols[id].flags = symbol.flags }
      if existing.kind == .data, symbol.kind != .data {
        // The first mention was an address, this one says more.
        restate(id, as: symbol, of: unit)
      }
    }
    return id
  }

  /// Import attributes of several references to one name must agree.
  private mutating func mergeImportNames(_ symbol: UnitSymbol, of unit: BoundModule, into id: SymbolID) {
    guard let entry = importEntry(of: symbol, in: unit) else { return }
    let existing = table.symbols[id]
    var names = existing.importNames.map { table.importNames[$0] } ?? ImportNames()
    let first = displayName(ofUnit: existing.unit)
    if symbol.flags.contains(.explicitName) {
      if let name = names.name, name != entry.name {
        diagnostics.error(
          "import name mismatch for symbol: \(demangled(symbol.name))\n>>> \(said(false)) as \(name) in \(first)"
            + "\n>>> \(said(false)) as \(entry.name) in \(unit.file.displayName)", .importConflict, symbol: symbol.name,
          in: first, unit.file.displayName)
      }
      if names.name == nil { names.name = entry.name }
    }
    let module = names.module ?? ByteString("env")
    if existing.type != nil, module != entry.module {
      diagnostics.error(
        "import module mismatch for symbol: \(demangled(symbol.name))\n>>> \(said(false)) as \(module) in \(first)"
          + "\n>>> \(said(false)) as \(entry.module) in \(unit.file.displayName)", .importConflict, symbol: symbol.name,
        in: first, unit.file.displayName)
    }
    names.module = entry.module
    if let known = existing.importNames {
      table.importNames[known] = names
    } else if names.name != nil || entry.module != "env" {
      table.symbols[id].importNames = table.importNames.append(names)
    }
  }

  // MARK: Types

  private mutating func checkTypes(_ existing: Symbol, _ id: SymbolID, _ new: Symbol, _ unit: BoundModule) {
    guard existing.kind == new.kind, let other = units[existing.unit] else { return }
    // Of finished modules it matters who imports and who defines; see `ResolvePass+Checks.swift`.
    if unit.contracts.needsExactTypes || other.contracts.needsExactTypes { return }
    switch new.kind {
    case .global:
      guard let old = externalType(of: existing), let type = externalType(of: new), old != type else { return }
      diagnostics.error(
        "Global type mismatch: \(existing.name)\n>>> \(said(existing.isDefined)) as \(describe(old)) in "
          + "\(displayName(ofUnit: existing.unit))\n>>> \(said(new.isDefined)) as \(describe(type)) in \(unit.file.displayName)",
        .typeMismatch, symbol: existing.name, in: displayName(ofUnit: existing.unit), unit.file.displayName)
    case .tag:
      guard let old = existing.type, let type = new.type, old != type else { return }
      diagnostics.warn(
        "Tag signature mismatch: \(existing.name)\n>>> \(said(existing.isDefined)) as \(types.text(of: old)) in "
          + "\(displayName(ofUnit: existing.unit))\n>>> \(said(new.isDefined)) as \(types.text(of: type)) in \(unit.file.displayName)",
        .typeMismatch, symbol: existing.name, in: displayName(ofUnit: existing.unit), unit.file.displayName)
    default: break
    }
  }

  /// What a message says of a symbol: that it is defined, or only used; `wasm-ld` calls both defined.
  func said(_ isDefinition: Bool) -> String { isDefinition || options.speaksLikeWasmLD ? "defined" : "used" }

  func reportKindMismatch(_ existing: Symbol, _ kind: SymbolKind, _ unit: BoundModule, isDefinition: Bool) {
    diagnostics.error(
      "symbol type mismatch: \(demangled(existing.name))\n>>> \(said(existing.isDefined)) as \(existing.kind.conventionalName) in "
        + "\(displayName(ofUnit: existing.unit))\n>>> \(said(isDefinition)) as \(kind.conventionalName) in \(unit.file.displayName)",
      .typeMismatch, symbol: existing.name, in: displayName(ofUnit: existing.unit), unit.file.displayName)
  }

  func demangled(_ name: ByteString) -> String {
    options.displayName(of: name)
  }
}
