import WebAssemblyFormat

/// Reports what whole modules still want of the host, if the user asks for that (`--unresolved-imports`).
///
/// To an object, an import that says which module it is from is deliberate. A whole module says so of everything, and
/// whether somebody forgot an input or the host is meant only the user knows. Without being asked, the linker tells of
/// what is likely a mistake: an input has nearly what is wanted, and nobody uses that.
struct HostImportCheck {
  let resolution: Resolution
  let options: LinkOptions
  let diagnostics: Diagnostics

  /// Looks at the imports of the result.
  consuming func run(_ imports: Imports) {
    let hosts = Set(options.hostModules)
    switch options.unresolvedImports {
    case .ignore: return
    case .mistakes: return warnOfMistakes(imports, hosts)
    case .warn, .error: break
    }
    for entry in imports.entries {
      let symbol = resolution.symbol(entry.symbol)
      guard let definer = symbol.unit else { continue }
      report(entry.module, entry.name, entry.kind, resolution.units[definer], hosts)
    }
    for (index, memory) in resolution.memories.memories.enumerated() {
      guard let host = memory.hostName, index < resolution.memories.importCount else { continue }
      let importer = resolution.inLinkOrder.first { unit in
        unit.memoryImports.contains { $0.module == host.module && $0.name == host.name }
      }
      if let importer { report(host.module, host.name, .memory, importer, hosts) }
    }
  }

  /// Tells of imports for which an input has something that may be meant.
  private func warnOfMistakes(_ imports: Imports, _ hosts: Set<String>) {
    let wanted = imports.leftToHost(resolution).filter { !hosts.contains($0.module.description) }
    warnOfNames(wanted.filter { $0.module == "env" })
    warnOfModules(wanted.filter { $0.module != "env" && !HostImportCheck.isOfHosts($0.module) })
  }

  /// Modules that are no input's by agreement: the host's interface to a system, and what the engine has itself.
  private static func isOfHosts(_ module: ByteString) -> Bool {
    ["wasi", "wasm:", "GOT."].contains { module.bytes.starts(with: $0.utf8) }
  }

  /// Of imports from `env`: a name that nearly is another's.
  private func warnOfNames(_ wanted: [OutputImport]) {
    let hasOthers =
      resolution.linkOrder.count > 1
      || resolution.table.slots.contains { id in
        resolution.symbol(id).has(.offered)
      }
    guard !wanted.isEmpty, hasOthers else { return }
    let hints = SymbolHints(resolution, options, whichNobodyUses: true)
    for entry in wanted.prefix(SymbolHints.largestCount) {
      guard let importer = resolution.units[resolution.symbol(entry.symbol).unit],
        let hint = hints.lineOfMistake(for: resolution.symbol(entry.symbol).name, importer: importer.index)
      else { continue }
      warn(entry, importer, hint)
    }
  }

  /// Of imports from another module: exactly one input has all that is wanted from there, was not given the name, and is
  /// not known by another one.
  private func warnOfModules(_ wanted: [OutputImport]) {
    guard !wanted.isEmpty else { return }
    var definers: [ByteString: [(unit: UnitID, id: SymbolID)]] = [:]
    for entry in wanted { definers[entry.name] = [] }
    for unit in resolution.inLinkOrder where unit.moduleName == nil {
      for (index, symbol) in unit.symbols.enumerated() where !symbol.isUndefined && !symbol.isLocal {
        definers[symbol.name]?.append((unit.index, unit.symbolIDs[SymbolIndex(index)]))
      }
    }
    // Of each module the first import, and who has them all.
    var modules: [(first: OutputImport, owner: UnitID?)] = []
    var places: [ByteString: Int] = [:]
    for entry in wanted {
      let owner = owner(of: entry, definers[entry.name] ?? [])
      if let place = places[entry.module] {
        if modules[place].owner != owner { modules[place].owner = nil }
      } else {
        places[entry.module] = modules.count
        modules.append((entry, owner))
      }
    }
    var known: [UnitID: Set<UnitID>] = [:]
    for case (let entry, let owner?) in modules {
      guard let importer = resolution.units[resolution.symbol(entry.symbol).unit] else { continue }
      if known[importer.index] == nil { known[importer.index] = definersKnown(to: importer) }
      if known[importer.index]?.contains(owner) == true { continue }
      let file = resolution.units[owner].file.displayName
      warn(entry, importer, "did you mean \(entry.module)=\(file): \(file) has that")
    }
  }

  /// The units of which one imports something: it knows by which names.
  private func definersKnown(to unit: Unit) -> Set<UnitID> {
    Set(
      unit.symbols.indices.lazy.filter { unit.symbols[$0].isUndefined }.compactMap { index in
        resolution.symbol(unit.symbolIDs[SymbolIndex(index)]).unit
      })
  }

  /// The one unit beside the importer's own that defines an import, as it is wanted.
  private func owner(of entry: OutputImport, _ definers: [(unit: UnitID, id: SymbolID)]) -> UnitID? {
    let wanted = resolution.symbol(entry.symbol)
    let others = definers.filter { $0.unit != wanted.unit }
    guard others.count == 1, let other = others.first else { return nil }
    let defined = resolution.symbol(other.id)
    guard defined.kind == wanted.kind, defined.isDefined else { return nil }
    if wanted.kind == .function {
      guard let type = defined.type, let wantedType = wanted.type, resolution.types.isSubtype(type, wantedType) else {
        return nil
      }
    }
    return other.unit
  }

  private func warn(_ entry: OutputImport, _ importer: Unit, _ hint: String) {
    let file = importer.file.displayName
    diagnostics.warn(
      "\(file): import left to the host: \(entry.module).\(options.displayName(of: entry.name)) (\(entry.kind))\n>>> \(hint)\n"
        + ">>> --host-module=\(entry.module) says that the host is meant", .unresolvedImport, symbol: entry.name,
      in: file)
  }

  /// The file of another unit that defines something of this name.
  private func definer(of name: ByteString, for unit: Unit) -> String? {
    guard let id = resolution.table.find(resolution.synthetic.names.intern(name.description)) else { return nil }
    let symbol = resolution.symbol(id)
    guard symbol.isDefined, let definer = resolution.units[symbol.unit], definer.index != .own, definer !== unit else {
      return nil
    }
    return definer.file.displayName
  }

  private func report(
    _ module: ByteString, _ name: ByteString, _ kind: ExternalKind, _ unit: Unit, _ hosts: Set<String>
  ) {
    guard unit.contracts.leavesUndefinedToHost, !hosts.contains(module.description) else { return }
    let owner = definer(of: name, for: unit)
    let hint = owner.map { "\n>>> \($0) defines it: written \(module)=\($0), it can be imported from there" } ?? ""
    let text =
      "\(unit.file.displayName): unresolved import: \(module).\(options.displayName(of: name)) (\(kind))\n"
      + ">>> no input provides it; --host-module=\(module) says that the host does\(hint)"
    if options.unresolvedImports == .error {
      diagnostics.error(text, .unresolvedImport, symbol: name, in: unit.file.displayName)
    } else {
      diagnostics.warn(text, .unresolvedImport, symbol: name, in: unit.file.displayName)
    }
  }
}
