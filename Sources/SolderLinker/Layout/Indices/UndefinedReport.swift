import WebAssemblyFormat

/// References of lifted units to symbols that nothing defines: one error for each symbol, with everybody who refers.
struct UndefinedReport {
  private var order: [SymbolID] = []
  private var referrers: [SymbolID: [String]] = [:]

  mutating func add(_ symbol: SymbolID, _ unit: Unit, _ function: DefinitionIndex?, _ options: LinkOptions) {
    if referrers[symbol] == nil { order.append(symbol) }
    var line = unit.file.displayName
    if let function {
      let name = unit.functions[Int(function)].name
      line +=
        name.isEmpty
        ? ":(function \(Int(function) + unit.functionImports.count))" : ":(\(options.displayName(of: name)))"
    }
    if referrers[symbol]?.contains(line) != true { referrers[symbol, default: []].append(line) }
  }

  /// What is wrong with importing a function of which only the address is known.
  static func unknownSignature(_ symbol: Symbol, _ unit: Unit, _ options: LinkOptions) -> String {
    "undefined symbol: \(options.displayName(of: symbol.name))\n>>> referenced by \(unit.file.displayName), which only takes "
      + "its address\n>>> it cannot be imported, because no input says its signature"
  }

  func finish(_ resolution: Resolution, _ diagnostics: Diagnostics, _ options: LinkOptions) {
    for id in order {
      let lines = (referrers[id] ?? []).map { "\n>>> referenced by \($0)" }.joined()
      let message = "undefined symbol: \(options.displayName(of: resolution.symbol(id).name))\(lines)"
      switch options.unresolvedSymbols {
      case .error where !options.writesDespiteErrors: diagnostics.error(message)
      case .error, .warn: diagnostics.warn(message)
      case .ignore, .importDynamic: break
      }
    }
  }
}
