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
    guard options.unresolvedImports != .ignore else { return warnOfMistakes(imports, hosts) }
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

  /// Tells of imports from `env` for which an input has something that may be meant.
  private func warnOfMistakes(_ imports: Imports, _ hosts: Set<String>) {
    guard !hosts.contains("env") else { return }
    let wanted = imports.entries.filter { entry in
      entry.module == "env"
        && resolution.units[resolution.symbol(entry.symbol).unit]?.contracts.leavesUndefinedToHost == true
    }
    guard !wanted.isEmpty, resolution.linkOrder.count > 1 else { return }
    let hints = SymbolHints(resolution, options, whichNobodyUses: true)
    for entry in wanted.prefix(SymbolHints.largestCount) {
      guard let hint = hints.lineOfMistake(for: entry.symbol), let definer = resolution.symbol(entry.symbol).unit else {
        continue
      }
      let file = resolution.units[definer].file.displayName
      diagnostics.warn(
        "\(file): import left to the host: env.\(options.displayName(of: entry.name)) (\(entry.kind))\n>>> \(hint)\n"
          + ">>> --host-module=env says that the host is meant", .unresolvedImport, symbol: entry.name, in: file)
    }
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
