import WebAssemblyFormat

extension ResolvePass {
  /// Tags of `env` that nobody defines and libraries import are shared by all who import them: position-independent code
  /// leaves the definition of `__cpp_exception` to whoever brings the modules together.
  mutating func defineSharedTags() {
    for unit in resolver.units where unit.contracts.sharesUndefined && !unit.tagImports.isEmpty {
      guard let facts = unit.lifted else { continue }
      let symbolIDs = resolver.symbolIDs[Int(unit.index)]
      for (index, entry) in unit.tagImports.enumerated() where entry.module == "env" {
        let id = symbolIDs[Int(facts.tagSymbols) + index]
        let symbol = resolver.table.symbols[id]
        guard symbol.isUndefined, symbol.kind == .tag, !symbol.has(.mayImport), boundImports[id] == nil else {
          continue
        }
        let type = unit.typeIDs[entry.tagType]
        resolver.own.unit.tags.append(Tag(type: resolver.own.unit.typeIDs.append(type), name: symbol.name))
        resolver.table.symbols[id].flags = .visibilityHidden
        resolver.table.symbols[id].unit = .own
        resolver.table.symbols[id].meaning = .defined(DefinitionIndex(resolver.own.unit.tags.count - 1))
        resolver.table.symbols[id].type = type
        resolver.table.symbols[id].attributes.insert(.decidedLate)
      }
    }
  }
}
