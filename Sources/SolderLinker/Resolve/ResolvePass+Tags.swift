import WebAssemblyFormat

extension ResolvePass {
  /// Tags of `env` that nobody defines and libraries import are shared by all who import them: position-independent code
  /// leaves the definition of `__cpp_exception` to whoever brings the modules together.
  mutating func defineSharedTags() {
    let own = resolver.units[0]
    for unit in resolver.units where unit.origin == .sharedLibrary && !unit.tagImports.isEmpty {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.tagImports.enumerated() where entry.module == "env" {
        let id = Int(unit.symbolIDs[Int(facts.tagSymbols) + index])
        let symbol = resolver.table.symbols[id]
        guard symbol.isUndefined, symbol.kind == .tag, !symbol.has(.mayImport), boundImports[SymbolID(id)] == nil else {
          continue
        }
        own.typeIDs.append(unit.typeIDs[Int(entry.type)])
        own.tags.append(Tag(type: UInt32(own.typeIDs.count - 1), name: symbol.name))
        resolver.table.symbols[id].state = .defined
        resolver.table.symbols[id].flags = .visibilityHidden
        resolver.table.symbols[id].unit = 0
        resolver.table.symbols[id].element = UInt32(own.tags.count - 1)
        resolver.table.symbols[id].type = unit.typeIDs[Int(entry.type)]
      }
    }
  }
}
