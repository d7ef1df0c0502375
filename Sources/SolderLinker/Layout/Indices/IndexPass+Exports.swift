import WebAssemblyFormat

// Exports: what the host sees.
extension IndexPass {
  mutating func addExports() {
    guard options.contract.exportsSymbols else { return }
    var names: Set<ByteString> = []
    for unit in resolution.inLinkOrder where unit.contracts.keepsExports { exportPlain(unit, &names) }
    if let name = memoryExportName(names) {
      names.insert(name)
      plan.exports.append(OutputExport(name: name, kind: .memory, index: resolution.memories.main ?? 0))
    }
    let exported = symbols { [options] in $0.state == .defined && $0.isExported(options) }
    for id in resolution.table.slots where exported[Int(id)] && !plan.wrapped.contains(id) { export(id, &names) }
    for id in plan.ownExports { export(id, &names) }
  }

  private func memoryExportName(_ names: Set<ByteString>) -> ByteString? {
    guard let name = options.memoryExport.map({ resolution.synthetic.names.intern($0) }), !names.contains(name) else {
      return nil
    }
    guard resolution.memories.main != nil else { return nil }
    let exportsOwn = plan.exports.contains { $0.kind == .memory }
    return exportsOwn && name == "memory" ? nil : name
  }

  private mutating func exportPlain(_ unit: Unit, _ names: inout Set<ByteString>) {
    guard let facts = unit.lifted else { return }
    for entry in unit.exports {
      let index: UInt32
      switch entry.kind {
      case .memory: index = resolution.memories.index(of: entry.index, in: unit)
      case .function:
        index = self.index(
          of: plan.replacedExports[entry.name] ?? unit.symbolIDs[Int(facts.functionSymbols + entry.index)])
      case .global: index = self.index(of: unit.symbolIDs[Int(facts.globalSymbols + entry.index)])
      case .table: index = self.index(of: unit.symbolIDs[Int(facts.tableSymbols + entry.index)])
      case .tag: index = self.index(of: unit.symbolIDs[Int(facts.tagSymbols + entry.index)])
      }
      guard index != none32 else { continue }
      guard names.insert(entry.name).inserted else {
        // The same thing under the same name is there already.
        if plan.exports.contains(where: { $0.name == entry.name && $0.kind == entry.kind && $0.index == index }) {
          continue
        }
        diagnostics.warn(
          "\(unit.file.displayName): export '\(entry.name)' is left out, because another module exports that name")
        continue
      }
      plan.exports.append(OutputExport(name: entry.name, kind: entry.kind, index: index))
    }
  }

  private mutating func export(_ id: SymbolID, _ names: inout Set<ByteString>) {
    let symbol = resolution.symbol(id)
    let isOwn = symbol.has(.unnamed)
    guard symbol.state == .defined, isOwn || symbol.isExported(options),
      isOwn || isPresent(symbol, id)
    else { return }
    var name = symbol.name
    var index: UInt32
    let kind: ExternalKind
    let unit = resolution.units[Int(symbol.unit)]
    switch symbol.kind {
    case .function:
      name = unit.exportNames[Int(symbol.element - unit.bases.function)] ?? name
      (kind, index) = (.function, plan.replacedExports[name].map { self.index(of: $0) } ?? plan.ownIndex(of: symbol))
    case .global:
      // The linker's own variables are exported only on request: the host may not support mutable ones.
      if unit.index == 0, unit.globals[Int(symbol.element - unit.bases.global)].type.isMutable,
        !symbol.has(.forceExport),
        !(options.compatibility.exportsOwnMutableGlobals && features.hasMutableGlobals)
      {
        return
      }
      (kind, index) = (.global, self.index(of: id))
    case .tag: (kind, index) = (.tag, self.index(of: id))
    case .table: (kind, index) = (.table, self.index(of: id))
    case .data:
      kind = .global
      index =
        plan.importCounts.globals
        + UInt32(plan.globals.count + plan.addressGlobals.count + plan.exportedAddresses.count)
    case .section: return
    }
    guard index != none32, names.insert(name).inserted else { return }
    if symbol.kind == .data { plan.exportedAddresses.append(id) }
    plan.exports.append(OutputExport(name: name, kind: kind, index: index, symbol: id))
  }

  /// Whether data is in the result; everything else is if it has an index.
  private func isPresent(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    symbol.kind != .data || symbol.isAbsolute || live.isLive(symbol, id)
  }

  /// The index of a symbol's element in the result, `none32` if it has none.
  func index(of id: SymbolID) -> UInt32 { plan.index(of: resolution.symbol(id), id) }
}
