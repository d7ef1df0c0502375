import WebAssemblyFormat

/// The unit of emscripten's trampolines, while the form of its code is to be chosen.
struct TrampolinePlace: Sendable {
  let unit: UnitID
  let maker: TrampolineModule
}

extension ResolvePass {
  /// Deals with what emscripten's JavaScript defines for the code that it compiled.
  mutating func replaceJavaScript(_ inputs: Inputs) {
    guard options.contract.standsAlone else { return }
    let undefined = resolver.table.slots.filter { id in
      let symbol = resolver.table.symbols[id]
      return symbol.isUndefined && symbol.has(.usedInRegularUnit) && !symbol.has(.mayImport)
        && !symbol.has(.forceImport)
    }
    if undefined.isEmpty { return }
    addTrampolines(undefined, inputs)
    importJavaScript(undefined)
  }

  /// Adds what it does where nobody else does it; see `TrampolineModule.swift`.
  private mutating func addTrampolines(_ undefined: [SymbolID], _ inputs: Inputs) {
    // What may be an import is the host's, which may be that JavaScript.
    guard options.unresolvedSymbols == .error, !options.importUndefined else { return }
    var missing = undefined.filter { id in
      let symbol = resolver.table.symbols[id]
      return symbol.importNames == nil
        && (symbol.name.hasPrefix("invoke_") || TrampolineModule.helpers.contains(symbol.name))
    }
    if missing.isEmpty { return }
    let allowed = AllowedUndefined.read(options, inputs, diagnostics, names)
    missing.removeAll { allowed.contains(resolver.table.symbols[$0].name) }
    let invokes = missing.compactMap { id -> TrampolineModule.Invoke? in
      let symbol = resolver.table.symbols[id]
      guard symbol.kind == .function, let type = symbol.type, resolver.types[type].isPlain,
        let type = resolver.types.functionType(of: type)
      else { return nil }
      return TrampolineModule.Invoke(symbol.name, type, is64: resolver.is64)
    }
    let needsHelpers = missing.contains { TrampolineModule.helpers.contains(resolver.table.symbols[$0].name) }
    guard !invokes.isEmpty || needsHelpers else { return }
    let maker = TrampolineModule(invokes: invokes, is64: resolver.is64, names: inputs.names, arena: names)
    trampolines = TrampolinePlace(unit: UnitID(resolver.units.count), maker: maker)
    resolver.add(maker.make(catching: .legacy).module)
  }
}
