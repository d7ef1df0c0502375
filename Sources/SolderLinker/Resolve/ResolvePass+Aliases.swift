import WebAssemblyFormat

// Symbols that stand for others: `--wrap`, and names that a unit exports for what it imports.
extension ResolvePass {
  struct Wrap {
    var original: SymbolID
    var real: SymbolID
    var wrapper: SymbolID
  }

  /// `--wrap=f`: references to `f` go to `__wrap_f`, those to `__real_f` go to `f`.
  mutating func referToWrappedSymbols() -> [Wrap] {
    var result: [Wrap] = []
    for name in Set(options.wrappedSymbols).sorted() {
      guard let original = resolver.table.find(names.intern(name)) else { continue }
      let symbol = resolver.table.symbols[Int(original)]
      func other(_ prefix: String) -> SymbolID {
        let (id, isNew) = resolver.table.insert(
          names.intern(prefix + name), kind: symbol.kind, flags: .undefined, unit: symbol.unit)
        if isNew {
          resolver.table.symbols[Int(id)].type = symbol.type
          resolver.table.symbols[Int(id)].element = none32
        }
        return id
      }
      let wrap = Wrap(original: original, real: other("__real_"), wrapper: other("__wrap_"))
      _ = resolver.reference(resolver.table.symbols[Int(wrap.wrapper)].name, from: "<internal>")
      result.append(wrap)
    }
    return result
  }

  /// Gives every unit symbol that is only another name the symbol it stands for.
  mutating func settleAliases(_ wraps: [Wrap]) {
    var redirected: [SymbolID: SymbolID] = boundImports
    for wrap in wraps {
      redirected[wrap.original] = wrap.wrapper
      redirected[wrap.real] = wrap.original
    }
    for id in resolver.table.symbols.indices where resolver.table.symbols[id].state == .alias {
      guard let target = target(ofAlias: SymbolID(id)) else {
        let symbol = resolver.table.symbols[id]
        diagnostics.error(
          "\(resolver.displayName(ofUnit: symbol.unit)): symbol '\(symbol.name)' is defined as an import of itself")
        continue
      }
      redirected[SymbolID(id)] = target
      if let slot = resolver.table.slot(of: resolver.table.symbols[id].name), resolver.table.slots[slot] == SymbolID(id)
      {
        resolver.table.makePrimary(target, slot: slot)
      }
    }
    guard !redirected.isEmpty else { return }
    // What another symbol stands for is no import any more, even where everything is kept.
    for id in boundImports.keys { resolver.table.symbols[Int(id)].attributes.remove(.usedInRegularUnit) }
    // Few are, of a hundred thousand, so most cost a look at one byte.
    var isRedirected = [Bool](repeating: false, count: resolver.table.symbols.count)
    for id in redirected.keys { isRedirected[Int(id)] = true }
    for unit in resolver.symbolIDs.indices {
      let symbolIDs = resolver.symbolIDs[unit]
      for (index, id) in symbolIDs.enumerated() where isRedirected[Int(id)] {
        if let target = redirected[id] { resolver.symbolIDs[unit][index] = target }
      }
    }
    for wrap in wraps {
      let table = resolver.table
      guard let originalSlot = table.slot(of: table.symbols[Int(wrap.original)].name),
        let realSlot = table.slot(of: table.symbols[Int(wrap.real)].name)
      else { continue }
      resolver.table.redirect(slot: realSlot, to: wrap.original)
      resolver.table.redirect(slot: originalSlot, to: wrap.wrapper)
      resolver.table.symbols[Int(wrap.wrapper)].attributes.insert(.usedInRegularUnit)
      resolver.table.symbols[Int(wrap.real)].attributes.remove(.usedInRegularUnit)
    }
  }

  /// What an alias stands for in the end; `nil` when it stands for itself.
  private func target(ofAlias id: SymbolID) -> SymbolID? {
    var current = id
    // One step that goes twice as far meets the other in every circle.
    var slow = id
    var isSlowStep = false
    while let next = step(fromAlias: current) {
      current = next
      if isSlowStep { slow = step(fromAlias: slow) ?? slow }
      if current == slow { return nil }
      isSlowStep.toggle()
    }
    return current
  }

  private func step(fromAlias id: SymbolID) -> SymbolID? {
    if let bound = boundImports[id] { return bound }
    let symbol = resolver.table.symbols[Int(id)]
    guard symbol.state == .alias else { return nil }
    return resolver.symbolIDs[Int(symbol.unit)][Int(symbol.element)]
  }
}
