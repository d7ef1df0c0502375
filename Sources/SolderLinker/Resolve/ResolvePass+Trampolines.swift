import WebAssemblyFormat

/// The unit of emscripten's trampolines, while the form of its code is to be chosen.
struct TrampolinePlace: Sendable {
  let unit: UnitID
  let maker: TrampolineModule
}

extension ResolvePass {
  /// Adds what emscripten's JavaScript does where nobody else does it; see `TrampolineModule.swift`.
  mutating func addTrampolines(_ inputs: Inputs) {
    // What may be an import is the host's, which may be that JavaScript.
    guard options.contract.standsAlone, options.unresolvedSymbols == .error, !options.importUndefined else { return }
    var missing = resolver.table.slots.filter { isMissingTrampoline($0) }
    if missing.isEmpty { return }
    let allowed = AllowedUndefined.read(options, inputs, diagnostics, names)
    missing.removeAll { allowed.contains(resolver.table.symbols[Int($0)].name) }
    let invokes = missing.compactMap { id -> TrampolineModule.Invoke? in
      let symbol = resolver.table.symbols[Int(id)]
      guard symbol.kind == .function, let type = symbol.type, resolver.types[type].isPlain,
        let type = resolver.types.functionType(of: type)
      else { return nil }
      return TrampolineModule.Invoke(symbol.name, type, is64: resolver.is64)
    }
    let needsHelpers = missing.contains { TrampolineModule.helpers.contains(resolver.table.symbols[Int($0)].name) }
    guard !invokes.isEmpty || needsHelpers else { return }
    let maker = TrampolineModule(invokes: invokes, is64: resolver.is64, names: inputs.names, arena: names)
    trampolines = TrampolinePlace(unit: UnitID(resolver.units.count), maker: maker)
    resolver.add(maker.make(catching: .legacy).module)
  }

  private func isMissingTrampoline(_ id: SymbolID) -> Bool {
    let symbol = resolver.table.symbols[Int(id)]
    guard symbol.isUndefined, symbol.has(.usedInRegularUnit), !symbol.has(.mayImport), !symbol.has(.forceImport),
      symbol.importNames == nil
    else { return false }
    return symbol.name.hasPrefix("invoke_") || TrampolineModule.helpers.contains(symbol.name)
  }
}
