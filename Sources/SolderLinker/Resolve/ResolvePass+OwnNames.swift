import WebAssemblyFormat

// Plain modules that export a name which they import from `env`.
//
// For an object or a shared library a name is one thing. A plain module has two name spaces: what it imports as `env.f`
// is whatever somebody else calls `f`, and what it exports as `f` is its own; most of all it may be a wrapper around
// the other one, as an allocator that counts and passes on. So its import never means its own export. It goes to the `f`
// of another unit, and stays an import from the host where there is none. Its export competes for the name like any other
// definition: it takes the place of a library's, so that libraries call the wrapper, but not of an object's or another
// plain module's, which have the name to themselves. Where several modules wrap one name, the first calls the second,
// and the last calls what they wrap.
extension ResolvePass {
  /// An export that has the name of an import of its module.
  private struct OwnExport {
    let unit: UnitID
    let symbol: SymbolID
  }

  /// Gives names that a plain module both imports and exports their two meanings.
  mutating func bindExportsOfImportedNames() {
    /// By what the imports of a name are, the exports of that name in the order of the link.
    var exports: [SymbolID: [OwnExport]] = [:]
    for index in resolver.linkOrder {
      let unit = resolver.units[index]
      for position in unit.lifted?.exportsOfImportedNames ?? [] {
        guard let imported = resolver.table.find(unit.symbols[Int(position)].name) else { continue }
        exports[imported, default: []].append(
          OwnExport(unit: index, symbol: resolver.symbolIDs[Int(index)][Int(position)]))
      }
    }
    guard !exports.isEmpty else { return }
    /// What references to a name become: in the modules that wrap it, and everywhere else.
    var wrapped: [UnitID: [SymbolID: SymbolID]] = [:]
    var names: [SymbolID: SymbolID] = [:]
    for (imported, all) in exports {
      let exports = all.filter { !isImport($0, imported) && isSameKind($0, imported) }
      var next = imported
      for export in exports.reversed() {
        wrapped[export.unit, default: [:]][imported] = next
        next = export.symbol
      }
      if let first = exports.first, takesName(first, from: imported) {
        names[imported] = first.symbol
        giveName(to: first.symbol, from: imported)
      }
    }
    for unit in resolver.units {
      let own = wrapped[unit.index] ?? [:]
      let symbolIDs = resolver.symbolIDs[Int(unit.index)]
      for (index, id) in symbolIDs.enumerated() {
        if let target = own[id] ?? names[id] { resolver.symbolIDs[Int(unit.index)][index] = target }
      }
    }
  }

  /// Whether what a module exports under the name is its import.
  private func isImport(_ export: OwnExport, _ imported: SymbolID) -> Bool {
    let symbol = resolver.table.symbols[export.symbol]
    guard case .alias(let target) = symbol.meaning else { return false }
    return resolver.symbolIDs[Int(export.unit)][Int(target)] == imported
  }

  /// Whether one can take the place of the other; an immutable global is an address as well.
  private func isSameKind(_ export: OwnExport, _ imported: SymbolID) -> Bool {
    let (kind, other) = (
      resolver.table.symbols[export.symbol].kind, resolver.table.symbols[imported].kind
    )
    return kind == other || kind == .global && other == .data
  }

  /// Whether the export, rather than what its module imports, is what others mean by the name.
  private func takesName(_ export: OwnExport, from imported: SymbolID) -> Bool {
    let existing = resolver.table.symbols[imported]
    if !existing.isDefined || existing.isWeak { return true }
    guard existing.has(.fromLibrary) else { return false }
    if !resolver.table.symbols[export.symbol].has(.fromLibrary) { return true }
    let first = resolver.linkOrder.first { $0 == export.unit || $0 == existing.definer }
    return first == export.unit && first != existing.definer
  }

  private mutating func giveName(to export: SymbolID, from imported: SymbolID) {
    let existing = resolver.table.symbols[imported]
    guard let slot = resolver.table.slot(of: existing.name) else { return }
    resolver.table.makePrimary(export, slot: slot)
    resolver.table.symbols[imported].attributes.insert(.unnamed)
    resolver.table.symbols[imported].attributes.remove(.forceExport)
    resolver.table.symbols[export].attributes.remove(.unnamed)
    resolver.table.symbols[export].attributes.formUnion(existing.attributes.intersection([.traced, .forceExport]))
    resolver.table.symbols[export].flags.remove(.bindingLocal)
  }
}
