import WebAssemblyFormat

extension Resolver {
  /// Adds a name that a needed library provides. It replaces no definition of the link's own, but one that a member of an
  /// archive would have.
  mutating func addProvided(_ index: Int, of unit: BoundModule) -> SymbolID {
    let symbol = unit.symbols[index]
    let (id, isNew) = table.insert(symbol, number: unit.nameNumbers[index].index, unit: unit.index)
    let existing = table.symbols[id]
    if !isNew {
      let isLazy = existing.state == .lazy
      guard isLazy || existing.isUndefined, !existing.has(.provided) else { return id }
      if symbol.kind == .function, existing.kind != .function, !isLazy {
        reportKindMismatch(existing, symbol.kind, unit, isDefinition: true)
        return id
      }
    }
    var provided = Symbol(
      name: symbol.name, kind: symbol.kind, .undefined, flags: symbol.flags, unit: unit.index)
    provided.attributes = existing.attributes.union(.provided)
    provided.importNames = existing.importNames
    if symbol.kind == .function {
      provided.type = symbol.definition.map { unit.typeIDs[unit.functions[Int($0)].type] }
      if !isNew, let type = existing.type, type != provided.type, mattersForCalls(existing, id) {
        if acceptsSignatures(existing, provided) { provided.type = type }
      }
    }
    table.symbols[id] = provided
    if provided.has(.traced) { traceDefinition(provided) }
    return id
  }

  /// Whether a call may have another signature than the library's function: an error unless it was allowed.
  func acceptsSignatures(_ first: Symbol, _ second: Symbol) -> Bool {
    if options.checksSharedLibrarySignatures { reportSignatureMismatch(first, second, isError: true) }
    return !options.checksSharedLibrarySignatures
  }
}
