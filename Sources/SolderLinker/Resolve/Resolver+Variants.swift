import WebAssemblyFormat

// Functions whose references and definition disagree about the signature.
//
// A call with the wrong signature would make the module invalid, so wasm-ld, and Solder for objects, keep one symbol
// for each signature of a name, warn, and let calls with another signature than the definition's run into a function
// that traps. References that do not call (they take the address) may differ freely.
extension Resolver {
  /// Whether the signature of an existing symbol matters: it is defined, or something calls it.
  mutating func mattersForCalls(_ existing: Symbol, _ id: SymbolID) -> Bool {
    if existing.isDefined { return true }
    for index in 1..<units.count where units[index].contracts.trapsWrongSignatures {
      for (position, symbol) in symbolIDs[index].enumerated() where symbol == id {
        if callsDirectly(position, of: units[index]) { return true }
      }
    }
    return false
  }

  /// A definition of another signature than what was seen before becomes the name's primary symbol.
  mutating func addVariantDefinition(_ definition: Symbol, of unit: BoundModule, existing id: SymbolID) -> SymbolID {
    let (variant, isNew) = variant(of: id, type: definition.type!, template: definition)
    if isNew || shouldReplace(table.symbols[id], by: definition, of: unit) {
      let attributes = table.symbols[variant].attributes
      table.symbols[variant] = definition
      table.symbols[variant].attributes.formUnion(attributes)
      table.symbols[variant].attributes.insert(.usedInRegularUnit)
    }
    if let slot = table.slot(of: definition.name) { table.makePrimary(variant, slot: slot) }
    table.symbols[id].attributes.insert(.isVariant)
    return variant
  }

  /// A call with another signature refers to a variant of its own.
  mutating func addVariantReference(
    _ symbol: UnitSymbol, of unit: BoundModule, type: TypeID, existing id: SymbolID
  ) -> SymbolID {
    let existing = table.symbols[id]
    if !existing.isDefined, !mattersForCalls(existing, id) {
      // So far the name was only pointed to: this call decides the signature.
      restate(id, as: symbol, of: unit)
      let isImport = units[existing.unit]?.contracts.needsExactTypes == true
      if isImport, !existing.isWeak { table.symbols[id].flags.remove(.bindingWeak) }
      if existing.lazyFile != nil {
        (table.symbols[id].meaning, table.symbols[id].flags) = (existing.meaning, existing.flags)
      }
      return id
    }
    // That it is called in another way does not change what is wanted of the name.
    if existing.isUndefined, existing.isWeak, !symbol.isWeak { table.symbols[id].flags.remove(.bindingWeak) }
    var reference = Symbol(
      name: symbol.name, kind: .function, symbol.isUndefined ? symbol.meaning : .undefined,
      flags: symbol.flags.union(.undefined), unit: unit.index)
    reference.type = type
    return variant(of: id, type: type, template: reference).id
  }

  private mutating func variant(of id: SymbolID, type: TypeID, template: Symbol) -> (id: SymbolID, isNew: Bool) {
    guard let slot = table.slot(of: template.name) else { return (id, false) }
    var variants = table.variants[slot] ?? [id]
    if let found = variants.first(where: { table.symbols[$0].type == type }) {
      table.variants[slot] = variants
      return (found, false)
    }
    var symbol = template
    symbol.attributes.formUnion([.isVariant, .usedInRegularUnit])
    let new = SymbolID(table.symbols.count)
    table.symbols.append(symbol)
    variants.append(new)
    table.variants[slot] = variants
    return (new, true)
  }

  /// Reports disagreements and turns every variant but the definition into a function that traps. References of finished
  /// modules are to the definition in any case; whether they can be is another question.
  mutating func settleVariants() {
    /// What variants become in finished modules, and everywhere.
    var inModules: [SymbolID: SymbolID] = [:]
    var everywhere: [SymbolID: SymbolID] = [:]
    defer { redirectVariants(inModules, everywhere) }
    for slot in table.variants.keys.sorted() {
      let variants = table.variants[slot] ?? []
      guard let defined = variants.first(where: { table.symbols[$0].isDefined }) else {
        reportSignatureMismatch(table.symbols[variants[0]], table.symbols[variants[1]], isError: true)
        return
      }
      for variant in variants where variant != defined {
        let symbol = table.symbols[variant]
        let definition = table.symbols[defined]
        if let type = symbol.type, let definedType = definition.type, types.isSubtype(definedType, type) {
          everywhere[variant] = defined
          continue
        }
        inModules[variant] = defined
        let isLibrary = units[definition.unit]?.contracts.isCheckedByOption == true
        if !isLibrary || options.checksSharedLibrarySignatures {
          reportSignatureMismatch(symbol, definition, isError: false)
        }
        let name = "signature_mismatch:" + demangled(symbol.name)
        makeTrap(variant, named: name)
      }
    }
  }

  private mutating func redirectVariants(_ inModules: [SymbolID: SymbolID], _ everywhere: [SymbolID: SymbolID]) {
    guard !inModules.isEmpty || !everywhere.isEmpty else { return }
    for unit in units {
      let ids = symbolIDs[Int(unit.index)]
      for (index, id) in ids.enumerated() {
        guard let target = everywhere[id] ?? (unit.contracts.needsExactTypes ? inModules[id] : nil) else { continue }
        symbolIDs[Int(unit.index)][index] = target
      }
    }
  }

  func reportSignatureMismatch(_ one: Symbol, _ other: Symbol, isError: Bool) {
    func line(_ symbol: Symbol) -> String {
      let type = symbol.type.map { types.text(of: $0) } ?? "unknown"
      return "\n>>> \(said(symbol.isDefined)) as \(type) in \(displayName(ofUnit: symbol.unit))"
    }
    let message = "function signature mismatch: \(demangled(one.name))\(line(one))\(line(other))"
    if isError {
      diagnostics.error(
        message, .signatureMismatch, symbol: one.name, in: displayName(ofUnit: one.unit),
        displayName(ofUnit: other.unit))
    } else {
      diagnostics.warn(
        message, .signatureMismatch, symbol: one.name, in: displayName(ofUnit: one.unit),
        displayName(ofUnit: other.unit))
    }
  }

  /// Turns a symbol into a definition that only traps: calls validate, and its address is the null pointer.
  mutating func makeTrap(_ id: SymbolID, named name: String) {
    var symbol = table.symbols[id]
    let function = own.addTrap(for: symbol, named: name, type: symbol.type ?? types.emptyFunction)
    symbol.name = own.name(of: function)
    symbol.meaning = .defined(DefinitionIndex(rawValue: function))
    symbol.flags = [.bindingLocal]
    symbol.unit = .own
    symbol.attributes.insert(.isStub)
    symbol.importNames = nil
    table.symbols[id] = symbol
    traceOwnDefinition(of: id)
  }
}
