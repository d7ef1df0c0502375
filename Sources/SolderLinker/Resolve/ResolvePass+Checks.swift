import WebAssemblyFormat

// Whether every reference can be what its name came to mean.
//
// While files are added, objects are compared with each other by wasm-ld's rules (`Resolver+Rules.swift`). Everything that
// involves a finished module is compared here, when each name has been followed to its end: so it does not matter who
// came first, nor by which way a reference found its definition. Types are compared by `ImportMatching.swift`; a
// reference without a type of its own asks for a kind:
//
// | reference | may be |
// |---|---|
// | of an object or library to data (`GOT.mem.x`) | data; an immutable global whose value is known and as wide as an address |
// | of an object or library to a function (a call, `GOT.func.f`) | a function |
// | of a library or module to a global | a global of a matching type; data, if it is immutable and as wide as an address |
// | to a tag, to a table | one of a matching type |
//
// A call with another signature than the definition's cannot be linked as it is. Where an object is on one of the two
// sides it is what wasm-ld makes of it between objects, a warning and a function that traps; a whole module's import, or
// one library's of another, has to match, as an engine would insist when it instantiates them.
extension ResolvePass {
  /// Checks all references that involve finished modules.
  mutating func checkBindings() {
    let needExactTypes = resolver.units.map(\.contracts.needsExactTypes)
    guard needExactTypes.contains(true) || !boundImports.isEmpty else { return }
    for index in resolver.linkOrder {
      let unit = resolver.units[index]
      if unit.contracts.needsExactTypes { checkImports(of: unit) }
      checkSymbols(of: unit, needExactTypes)
    }
  }

  // MARK: Imports of finished modules

  private mutating func checkImports(of unit: BoundModule) {
    guard let facts = unit.lifted else { return }
    for (index, entry) in unit.functionImports.enumerated() {
      if entry.isExact { checkExact(entry, Int(facts.functionSymbols) + index, of: unit) }
      check(
        Int(facts.functionSymbols) + index, index, .function(unit.typeIDs[entry.type]), entry.module, entry.name,
        of: unit)
    }
    for (first, imports) in [
      (facts.globalSymbols, unit.globalImports), (facts.tableSymbols, unit.tableImports),
      (facts.tagSymbols, unit.tagImports),
    ] {
      for (index, entry) in imports.enumerated() {
        // What turned out to be an address is no import any more.
        if entry.kind == .global, facts.globals[index] != nil { continue }
        let wanted = resolver.externalType(of: entry, in: unit)
        check(Int(first) + index, index, wanted, entry.module, entry.name, of: unit)
      }
    }
  }

  /// An import of this very type: the definition has to have it, and so has what the host gives.
  private mutating func checkExact(_ entry: FunctionImport, _ position: Int, of unit: BoundModule) {
    let id = resolver.id(position, of: unit)
    let symbol = resolver.table.symbols[id]
    guard symbol.kind == .function else { return }
    if symbol.isUndefined {
      resolver.table.symbols[id].attributes.insert(.exactType)
      return
    }
    let wanted = unit.typeIDs[entry.type]
    if let type = symbol.type, type != wanted, resolver.types.isSubtype(type, wanted) {
      reportMismatch(.function(wanted), entry.name, in: unit, .function(type), symbol)
    }
  }

  private mutating func check(
    _ position: Int, _ index: Int, _ wanted: ExternalType, _ module: ByteString, _ name: ByteString,
    of unit: BoundModule
  ) {
    let id = resolver.id(position, of: unit)
    let symbol = resolver.table.symbols[id]
    guard kind(of: wanted) == symbol.kind else {
      if symbol.kind == .data, isAddressType(wanted) { return noteAddress(name, of: symbol, in: unit) }
      if canSeparate(symbol, module, name, position, of: unit) { return importSeparately(position, index, of: unit) }
      return reportKind(symbol, name, wanted: wanted, in: unit)
    }
    guard let type = resolver.externalType(of: symbol), !matches(type, wanted, symbol, unit) else { return }
    if canSeparate(symbol, module, name, position, of: unit) { return importSeparately(position, index, of: unit) }
    if case .function(let wanted) = wanted {
      replaceCall(at: position, of: unit, wanted, symbol, id, isDefined: symbol.isDefined)
    } else {
      reportMismatch(wanted, name, in: unit, type, symbol)
    }
  }

  /// Whether a definition, or the same import of others, is what an import asks for.
  private func matches(_ type: ExternalType, _ wanted: ExternalType, _ symbol: Symbol, _ unit: BoundModule) -> Bool {
    if case .table(let element, let limits) = type, case .table(let wantedElement, let bounds) = wanted {
      // Where the linker fills the table or the host gives it, it becomes as large as anybody wants it to be.
      let isGrown = symbol.isUndefined || symbol.unit == .own || !unit.contracts.refusesOtherTypes
      if isGrown { return element == wantedElement && limits.is64 == bounds.is64 }
    }
    return resolver.types.matches(type, wanted)
  }

  private func kind(of type: ExternalType) -> SymbolKind {
    switch type {
    case .function: .function
    case .tag: .tag
    case .global: .global
    case .table: .table
    case .memory: .section
    }
  }

  /// Whether an import of this type can be the address of data.
  private func isAddressType(_ type: ExternalType) -> Bool {
    type == .global(resolver.is64 ? .i64 : .i32, isMutable: false)
  }

  /// Whether an import can stay one of its own: the host may have it, and no other unit passes on something under the name.
  private func canSeparate(
    _ symbol: Symbol, _ module: ByteString, _ name: ByteString, _ position: Int, of unit: BoundModule
  ) -> Bool {
    symbol.isUndefined && resolver.table.importName(of: symbol) == (module, name)
      && unit.contracts.leavesUndefinedToHost && !unit.symbols[position].isLocal
      && !symbol.has(.unnamed)
  }

  /// A name that nobody defines stays an import of every whole module, as the module states it: only the host knows whether
  /// it can be all of them.
  private mutating func importSeparately(_ position: Int, _ index: Int, of unit: BoundModule) {
    let stated = unit.symbols[position]
    var symbol = Symbol(
      name: stated.name, kind: stated.kind, .imported(ImportIndex(index)), flags: stated.flags, unit: unit.index)
    symbol.type = stated.type.map { unit.typeIDs[$0] }
    symbol.attributes = [.usedInRegularUnit, .mayImport]
    resolver.symbolIDs[Int(unit.index)][position] = resolver.table.addUnnamed(symbol)
  }

  // MARK: References without a type

  /// Checks references to data and to addresses of functions, and those of objects to what finished modules define.
  private mutating func checkSymbols(of unit: BoundModule, _ needExactTypes: [Bool]) {
    let symbols = unit.symbols
    for position in symbols.indices {
      let stated = symbols[position]
      if stated.isLocal || unit.contracts.needsExactTypes && !stated.isAddressOnly { continue }
      let id = resolver.id(position, of: unit)
      let symbol = resolver.table.symbols[id]
      // Where another definition has the name, the unit's own one is a reference.
      guard stated.isUndefined || unit.isDiscarded(comdat: stated.comdat) || symbol.unit != unit.index else { continue }
      if stated.kind == .data, symbol.kind != .data, symbol.kind != .function,
        symbol.isUndefined || importerOfShared(symbol) != nil
      {
        // What nobody defines the host gives to those who import it, or it is a variable of them all, but data of nobody.
        reportKind(symbol, stated.name, wanted: nil, in: unit, .data)
        continue
      }
      let isIndirect = standsForAnother(stated, symbol)
      guard isIndirect || symbol.state == .defined,
        isIndirect || unit.contracts.needsExactTypes || needExactTypes[Int(symbol.definer)] || symbol.has(.decidedLate)
      else { continue }
      checkReference(stated, position, of: unit, symbol, id)
    }
  }

  /// Whether a reference came to what it means by way of another name, so that nobody has compared the two: a name that a
  /// unit exports for what it imports, or an import from an input of that name.
  private func standsForAnother(_ stated: UnitSymbol, _ symbol: Symbol) -> Bool {
    if symbol.isUndefined { return stated.name != symbol.name || symbol.has(.unnamed) }
    return symbol.has(.isAlias) || stated.flags.contains(.explicitName)
  }

  private mutating func checkReference(
    _ stated: UnitSymbol, _ position: Int, of unit: BoundModule, _ symbol: Symbol, _ id: SymbolID
  ) {
    guard stated.kind == symbol.kind else {
      switch (stated.kind, symbol.kind) {
      case (.data, .global) where resolver.isAddress(symbol): return noteAddress(stated.name, of: symbol, in: unit)
      case (.global, .data) where resolver.importedType(of: stated, in: unit).map(isAddressType) ?? false:
        return noteAddress(stated.name, of: symbol, in: unit)
      default: return reportKind(symbol, stated.name, wanted: nil, in: unit, stated.kind)
      }
    }
    guard !unit.contracts.needsExactTypes else { return }
    if stated.kind == .function {
      guard let wanted = stated.type.map({ unit.typeIDs[$0] }), let type = symbol.type else { return }
      guard type != wanted, !resolver.types.isSubtype(type, wanted), resolver.callsDirectly(position, of: unit) else {
        return
      }
      // What a module passes on to the host has a definition for everybody else.
      replaceCall(at: position, of: unit, wanted, symbol, id, isDefined: true)
    } else if let wanted = resolver.importedType(of: stated, in: unit), let type = resolver.externalType(of: symbol),
      !matches(type, wanted, symbol, unit)
    {
      reportMismatch(wanted, stated.name, in: unit, type, symbol)
    }
  }

  // MARK: Addresses in several memories

  /// An address that goes between a whole module, as a global, and others, as data.
  struct SharedAddress {
    let name: ByteString
    let user: UnitID
    let definer: UnitID
  }

  private mutating func noteAddress(_ name: ByteString, of symbol: Symbol, in unit: BoundModule) {
    guard symbol.state == .defined, symbol.unit != .own else { return }
    sharedAddresses.append(SharedAddress(name: name, user: unit.index, definer: symbol.definer))
  }

  /// Data of objects and libraries is in the program's memory: what a module with other memories takes for an address
  /// there, or gives for one, is none.
  func checkAddresses(_ memories: MemoryBinding) {
    guard let main = memories.main else { return }
    for address in sharedAddresses {
      let isModuleUser = resolver.units[address.user].contracts.keepsMemory
      let (user, definer) = (address.user, address.definer)
      let (module, partner) = isModuleUser ? (user, definer) : (definer, user)
      let own = memories.indices(in: module)
      guard resolver.units[module].contracts.keepsMemory, !own.isEmpty, !own.contains(main) else { continue }
      let (file, other) = (resolver.displayName(ofUnit: module), resolver.displayName(ofUnit: partner))
      diagnostics.error(
        "\(other): the address \(resolver.demangled(address.name)), which \(file) \(isModuleUser ? "imports" : "exports") as a "
          + "global, is one in the program's memory, which is none of \(file) (let it import env.memory)", .memory,
        symbol: address.name, in: other, file)
    }
    for unit in resolver.units where unit.contracts.keepsMemory {
      let own = memories.indices(in: unit.index)
      guard !own.isEmpty, !own.contains(main), let facts = unit.lifted else { continue }
      for (index, entry) in unit.globalImports.enumerated() {
        let id = resolver.id(Int(facts.globalSymbols) + index, of: unit)
        let symbol = resolver.table.symbols[id]
        guard symbol.unit == .own, symbol.state == .defined,
          symbol.kind == .data || id == known.stackPointer || id == known.tlsBase
        else { continue }
        let file = unit.file.displayName
        diagnostics.error(
          "\(file): imports \(entry.module).\(entry.name), an address in the program's memory, which is none of \(file) (let it "
            + "import env.memory, or define \(entry.name) itself)", .memory, symbol: entry.name, in: file)
      }
    }
  }

  // MARK: Calls of another signature

  /// Lets a call that cannot be right run into a function of its signature that traps.
  private mutating func replaceCall(
    at position: Int, of unit: BoundModule, _ wanted: TypeID, _ symbol: Symbol, _ id: SymbolID, isDefined: Bool
  ) {
    let stub = MismatchStub(definition: id, type: wanted)
    let isError = refusesMismatch(in: unit, symbol, isDefined: isDefined)
    if let known = mismatchStubs[stub], !isError {
      resolver.symbolIDs[Int(unit.index)][position] = known
      return
    }
    var reference = Symbol(
      name: symbol.name, kind: .function, .undefined, flags: .undefined, unit: unit.index)
    reference.type = wanted
    reference.attributes = [.usedInRegularUnit, .isVariant]
    let new = SymbolID(resolver.table.symbols.count)
    if tellsOfMismatch(in: unit, symbol, isDefined: isDefined) { report(reference, of: unit, symbol, isError: isError) }
    if isError { return }
    resolver.table.symbols.append(reference)
    let name = symbol.has(.isStub) ? "\(symbol.name)" : "signature_mismatch:\(resolver.demangled(symbol.name))"
    resolver.makeTrap(new, named: name)
    mismatchStubs[stub] = new
    resolver.symbolIDs[Int(unit.index)][position] = new
  }

  /// Whether anybody wants to know of two signatures of a name that do not match.
  private func tellsOfMismatch(in unit: BoundModule, _ symbol: Symbol, isDefined: Bool) -> Bool {
    // A weak function that nothing defines may have as many signatures as it likes.
    if symbol.has(.isStub) { return false }
    let definer = resolver.units[symbol.unit]?.contracts
    let isOptional = unit.contracts.isCheckedByOption || definer?.isCheckedByOption ?? false
    return options.checksSharedLibrarySignatures || !isDefined || !isOptional
  }

  /// Whether it is an error that they do not, and not something that traps when it is called.
  private func refusesMismatch(in unit: BoundModule, _ symbol: Symbol, isDefined: Bool) -> Bool {
    guard tellsOfMismatch(in: unit, symbol, isDefined: isDefined), !options.writesDespiteErrors else { return false }
    let definer = resolver.units[symbol.unit]?.contracts
    let involvesObject =
      !unit.contracts.refusesOtherTypes
      && (unit.contracts.trapsWrongSignatures || definer?.trapsWrongSignatures ?? false)
    return !(isDefined && involvesObject)
  }

  private func report(_ reference: Symbol, of unit: BoundModule, _ symbol: Symbol, isError: Bool) {
    if unit.contracts.needsExactTypes {
      report(
        "function signature", symbol.name, reference.type.map { resolver.types.text(of: $0) } ?? "unknown", unit,
        symbol.type.map { resolver.types.text(of: $0) } ?? "unknown", symbol, isError: isError)
    } else {
      resolver.reportSignatureMismatch(reference, symbol, isError: isError)
    }
  }

  // MARK: Messages

  private func reportMismatch(
    _ wanted: ExternalType, _ name: ByteString, in unit: BoundModule, _ type: ExternalType, _ symbol: Symbol
  ) {
    let what =
      switch wanted {
      case .function: "function signature"
      case .global: "global type"
      case .table: "table type"
      case .tag: "tag signature"
      case .memory: "memory type"
      }
    report(what, name, resolver.describe(wanted), unit, resolver.describe(type), symbol, isError: true)
  }

  func report(
    _ what: String, _ name: ByteString, _ wanted: String, _ unit: BoundModule, _ defined: String, _ symbol: Symbol,
    isError: Bool
  ) {
    let importer = symbol.isUndefined ? resolver.displayName(ofUnit: symbol.unit) : importerOfShared(symbol)
    let file = importer ?? resolver.displayName(ofUnit: symbol.unit)
    let message =
      "\(what) mismatch: \(resolver.demangled(name))\n>>> imported as \(wanted) in \(unit.file.displayName)"
      + "\n>>> \(importer == nil ? "defined" : "imported") as \(defined) in \(file)"
    let code: Diagnostic.Code = what == "function signature" ? .signatureMismatch : .typeMismatch
    if isError {
      diagnostics.error(message, code, symbol: name, in: unit.file.displayName, file)
    } else {
      diagnostics.warn(message, code, symbol: name, in: unit.file.displayName, file)
    }
  }

  /// A file that imports what the linker defines for all who import it.
  private func importerOfShared(_ symbol: Symbol) -> String? {
    guard symbol.unit == .own, symbol.kind == .global || symbol.kind == .tag else { return nil }
    let importer = resolver.linkOrder.first { index in
      let unit = resolver.units[index]
      return unit.contracts.sharesUndefined
        && (symbol.kind == .tag ? unit.tagImports : unit.globalImports).contains {
          $0.name == symbol.name && $0.module == "env"
        }
    }
    return importer.map { resolver.displayName(ofUnit: $0) }
  }

  private func reportKind(
    _ symbol: Symbol, _ name: ByteString, wanted: ExternalType?, in unit: BoundModule, _ kind: SymbolKind? = nil
  ) {
    func text(_ kind: SymbolKind, _ type: ExternalType?) -> String {
      kind.conventionalName + (type.map { " \(resolver.describe($0))" } ?? "")
    }
    let reference = wanted.map { text(self.kind(of: $0), $0) } ?? text(kind ?? symbol.kind, nil)
    let importer = symbol.isUndefined ? resolver.displayName(ofUnit: symbol.unit) : importerOfShared(symbol)
    let isConstant = kind == .data && symbol.kind == .global && importer == nil
    let file = importer ?? resolver.displayName(ofUnit: symbol.unit)
    diagnostics.error(
      "symbol type mismatch: \(resolver.demangled(name))\n>>> referred to as \(reference) in \(unit.file.displayName)"
        + "\n>>> \(importer == nil ? "defined" : "imported") as "
        + "\(text(symbol.kind, resolver.externalType(of: symbol))) in \(file)"
        + (isConstant ? ", which is \(whyNoAddress(symbol))" : ""),
      .typeMismatch, symbol: name, in: unit.file.displayName, file)
  }

  /// Why a global cannot be taken for the address of data.
  private func whyNoAddress(_ symbol: Symbol) -> String {
    guard let unit = resolver.units[symbol.unit], let facts = unit.lifted, let definition = symbol.definition,
      let value = facts.globals[checked: unit.globalImports.count + Int(definition)] ?? nil,
      case .memory(let target) = value.base
    else { return "no constant address" }
    return
      "an address beside \(resolver.demangled(unit.symbols[Int(target)].name)), and data has a place in the file that "
      + "defines it (export it there)"
  }
}

/// A function that traps in place of one whose type is another.
struct MismatchStub: Hashable {
  let definition: SymbolID
  let type: TypeID
}
