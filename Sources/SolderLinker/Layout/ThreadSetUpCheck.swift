import WebAssemblyFormat

/// Thread-local data that no further thread would get its copy of.
///
/// Whoever starts a thread calls `__wasm_init_tls` for it, with a block of `__tls_size` bytes. Objects do so through the C
/// library, or leave it to the host, as wasm-ld has it. A whole module was linked with a `__wasm_init_tls` of its own, and
/// so was its size of a block: it does so for its own data only, and a host that calls what it exports does no more. The same
/// holds for a library whose code calls its own. Beside one, the linker's has to be called by an object, or by the host under
/// a name that is not the module's.
struct ThreadSetUpCheck {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let options: LinkOptions
  let diagnostics: Diagnostics

  func run() {
    guard options.sharedMemory, memory.tlsSize > 0, let id = resolution.wellKnown.initializeTLS,
      let module = resolution.inLinkOrder.first(where: \.contracts.keepsEntry)
        ?? resolution.inLinkOrder.first(where: startsThreads),
      let owner = resolution.inLinkOrder.first(where: { $0 !== module && hasThreadLocalData($0) })
    else { return }
    let symbol = resolution.symbol(id)
    let exporter = resolution.inLinkOrder.first { unit in
      unit.contracts.keepsExports && unit.exports.contains { $0.name == symbol.name }
    }
    let isSkipped = exporter != nil && options.exportConflicts == .skip
    // That all symbols are exported does not mean that the host calls them.
    if symbol.has(.forceExport), !isSkipped { return }
    if exporter == nil, symbol.has(.usedInRegularUnit), live.isLive(symbol, id) { return }
    let what =
      exporter.map { "\($0.file.displayName) exports a \(symbol.name) for its own" }
      ?? "\(module.file.displayName) does so for its own at most"
    let remedy =
      "pass --export=\(symbol.name)\(exporter == nil ? "" : " --rename-export-conflicts"), and let the host call that too for "
      + "each thread, with a block of __tls_size bytes; or link \(module.file.displayName) from objects"
    diagnostics.error(
      "\(owner.file.displayName): has thread-local data, of which nothing gives further threads a copy: \(what) (\(remedy))",
      .threads, symbol: symbol.name, in: owner.file.displayName, module.file.displayName)
  }

  /// Whether a library calls the function that sets up its thread-local data, but for the first thread.
  private func startsThreads(_ unit: Unit) -> Bool {
    guard let facts = unit.lifted, let initialize = facts.threadLocal?.initialize else { return false }
    let symbol = facts.symbol(initialize)
    func calls(_ index: Int, where isMeant: (SymbolIndex) -> Bool) -> Bool {
      unit.functionRelocations[index].indices.contains {
        unit.relocations[$0].kind == .functionIndexLEB && isMeant(unit.relocations[$0].namedSymbol)
      }
    }
    let imported = unit.functionImports.count
    let start = unit.startFunction.map { Int($0) - imported }
    return unit.functions.indices.contains { index in
      guard index != start, live.functions[unit.bases.function + index], calls(index, where: { $0 == symbol }) else {
        return false
      }
      let own = facts.symbol(FunctionIndex(imported + index))
      return !(start.map { $0 >= 0 && calls($0) { $0 == own } } ?? false)
    }
  }

  private func hasThreadLocalData(_ unit: Unit) -> Bool {
    if let data = unit.lifted?.threadLocal { return data.size > 0 && live.units[Int(unit.index)] }
    return unit.segments.indices.contains { index in
      unit.segments[index].isTLS && live.segments[unit.bases.segment + index]
    }
  }
}
