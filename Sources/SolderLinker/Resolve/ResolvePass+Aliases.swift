import WebAssemblyFormat

// Symbols that stand for others: `--wrap`, names that a unit exports for what it imports, and imports that a named input
// satisfies.
//
// A name may stand for a name that stands for another one, through any number of units: a module imports what a second
// one exports, which that imports from a third. Each is followed to its end here, before anything asks what it is, and
// from then on there are two cases. The end is defined: then an alias is a definition like any other, with a name and
// flags of its own and the same element. Or it is not: then everybody who means the alias means that import, and a
// result that exports the alias exports the import (``ExportedImport``). A chain that comes back to itself never says what
// is meant.
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
      // As wasm-ld has it: who wraps `__wasm_call_ctors` calls it himself.
      resolver.table.symbols[original].attributes.insert(.usedInRegularUnit)
      let symbol = resolver.table.symbols[original]
      func other(_ prefix: String) -> SymbolID {
        let (id, isNew) = resolver.table.insert(
          names.intern(prefix + name), kind: symbol.kind, flags: .undefined, unit: symbol.unit)
        if isNew {
          resolver.table.symbols[id].type = symbol.type
        }
        return id
      }
      let wrap = Wrap(original: original, real: other("__real_"), wrapper: other("__wrap_"))
      _ = resolver.reference(resolver.table.symbols[wrap.wrapper].name, from: "<internal>")
      result.append(wrap)
    }
    return result
  }

  /// Follows every symbol that stands for another to its end, and gives units' symbols what they mean.
  mutating func settleAliases(_ wraps: [Wrap]) {
    var ends = findEnds()
    for (id, end) in ends where resolver.table.symbols[id].state == .alias {
      if define(id, as: end) { ends[id] = nil } else { exportedAliases.append(id) }
    }
    // What another symbol stands for is no import any more, even where everything is kept.
    for id in boundImports.keys { resolver.table.symbols[id].attributes.remove(.usedInRegularUnit) }
    aliasEnds = ends
    var redirected = ends
    for wrap in wraps {
      redirected[wrap.original] = ends[wrap.wrapper] ?? wrap.wrapper
      redirected[wrap.real] = ends[wrap.original] ?? wrap.original
    }
    redirect(redirected)
    for wrap in wraps {
      guard let originalSlot = resolver.table.slot(of: resolver.table.symbols[wrap.original].name),
        let realSlot = resolver.table.slot(of: resolver.table.symbols[wrap.real].name)
      else { continue }
      // Who means the original by its other name is nobody.
      if !resolver.table.symbols[wrap.real].has(.usedInRegularUnit),
        !resolver.table.symbols[wrap.original].isDefined
      {
        resolver.table.symbols[wrap.original].attributes.remove(.usedInRegularUnit)
      }
      resolver.table.redirect(slot: realSlot, to: wrap.original)
      resolver.table.redirect(slot: originalSlot, to: wrap.wrapper)
      resolver.table.symbols[wrap.wrapper].attributes.insert(.usedInRegularUnit)
      resolver.table.symbols[wrap.real].attributes.remove(.usedInRegularUnit)
    }
  }

  private mutating func redirect(_ redirected: [SymbolID: SymbolID]) {
    guard !redirected.isEmpty else { return }
    // Few are, of a hundred thousand, so most cost a look at one byte.
    var isRedirected = [Bool](repeating: false, count: resolver.table.symbols.count)
    for id in redirected.keys { isRedirected[Int(id)] = true }
    for unit in resolver.symbolIDs.indices {
      let symbolIDs = resolver.symbolIDs[unit]
      for (index, id) in symbolIDs.enumerated() where isRedirected[Int(id)] {
        if let target = redirected[id] { resolver.symbolIDs[unit][index] = target }
      }
    }
  }

  /// What each symbol that stands for another means in the end.
  private func findEnds() -> [SymbolID: SymbolID] {
    var ends: [SymbolID: SymbolID] = [:]
    var failed: Set<SymbolID> = []
    let aliases = resolver.table.symbols.values.enumerated().filter { $1.state == .alias }.map { SymbolID($0.offset) }
    for id in boundImports.keys.sorted() + aliases {
      var path: [SymbolID] = []
      var onPath: Set<SymbolID> = []
      var current = id
      while ends[current] == nil, let next = step(from: current), !failed.contains(current) {
        guard onPath.insert(current).inserted else {
          report(cycle: path.drop { $0 != current })
          failed.formUnion(path)
          break
        }
        path.append(current)
        current = next
      }
      if failed.contains(current) { continue }
      let end = ends[current] ?? current
      for passed in path { ends[passed] = end }
    }
    return ends
  }

  private func report(cycle: ArraySlice<SymbolID>) {
    guard let first = cycle.first else { return }
    func name(_ id: SymbolID) -> String {
      let symbol = resolver.table.symbols[id]
      let names = resolver.table.importName(of: symbol)
      let isNamed = symbol.isUndefined && symbol.importNames != nil
      return isNamed ? "\(names.module).\(names.name)" : resolver.demangled(symbol.name)
    }
    let symbol = resolver.table.symbols[first]
    var message =
      "\(resolver.displayName(ofUnit: symbol.unit)): symbol '\(symbol.name)' is defined as an import of itself"
    for (id, next) in zip(cycle, Array(cycle.dropFirst()) + [first]) {
      message +=
        "\n>>> '\(name(id))' in \(resolver.displayName(ofUnit: resolver.table.symbols[id].unit)) is '\(name(next))'"
    }
    diagnostics.error(message, .circularImport, symbol: symbol.name, in: resolver.displayName(ofUnit: symbol.unit))
  }

  private func step(from id: SymbolID) -> SymbolID? {
    if let bound = boundImports[id] { return bound }
    let symbol = resolver.table.symbols[id]
    guard case .alias(let target) = symbol.meaning else { return nil }
    return resolver.symbolIDs[Int(symbol.definer)][Int(target)]
  }

  /// Makes an alias a definition of what it stands for, if that is defined.
  ///
  /// - Returns: `false` if it is not.
  private mutating func define(_ id: SymbolID, as end: SymbolID) -> Bool {
    let target = resolver.table.symbols[end]
    guard target.state == .defined else { return false }
    var symbol = resolver.table.symbols[id]
    symbol.kind = target.kind
    symbol.meaning = target.meaning
    symbol.unit = target.unit
    symbol.value &+= target.value
    symbol.size = target.size
    symbol.type = target.type
    symbol.flags.formUnion(target.flags.intersection([.tls, .absolute]))
    symbol.attributes.insert(.isAlias)
    symbol.attributes.formUnion(target.attributes.intersection(.isStub))
    resolver.table.symbols[id] = symbol
    return true
  }

  /// Names that the result exports for what it imports itself.
  func exportedImports() -> [ExportedImport] {
    exportedAliases.sorted().compactMap { id in
      let symbol = resolver.table.symbols[id]
      guard let end = aliasEnds[id], symbol.isExported(options) else { return nil }
      return ExportedImport(name: symbol.name, symbol: end)
    }
  }
}

/// A name under which the result exports what it imports from the host.
struct ExportedImport {
  let name: ByteString
  let symbol: SymbolID
}
