import WebAssemblyFormat

/// Undefined symbols, each once, with some of those who refer to it and a hint at what may be meant.
struct UndefinedReport {
  /// Who refers to a symbol.
  private struct Referrers {
    /// The first few.
    var lines: [String] = []
    /// The functions they name.
    var functions: Set<ByteString> = []
    var more = 0
    /// Their files.
    var files: [String] = []
    /// Whether all of them are finished modules, which nobody can compile again.
    var areFinished = true
    /// Whether the symbol was reported already, so that only the hint is missing.
    var isReported = false
  }

  private static let most = 3
  private var order: [SymbolID] = []
  private var referrers: [SymbolID: Referrers] = [:]

  mutating func add(_ symbol: SymbolID, _ unit: Unit, _ function: DefinitionIndex?, _ options: LinkOptions) {
    if referrers[symbol] == nil { order.append(symbol) }
    var all = referrers[symbol] ?? Referrers()
    let file = unit.file.displayName
    if unit.contracts.hasRelocationSections { all.areFinished = false }
    if all.files.last != file, !all.files.contains(file) { all.files.append(file) }
    if all.lines.count == UndefinedReport.most {
      all.more += 1
    } else {
      let line = place(symbol, unit, function, options)
      if !all.lines.contains(line) { all.lines.append(line) }
      if let function { all.functions.insert(unit.functions[Int(function)].name) }
    }
    referrers[symbol] = all
  }

  /// Remembers a symbol that has been reported for a hint.
  mutating func addHint(_ symbol: SymbolID) {
    guard referrers[symbol] == nil else { return }
    order.append(symbol)
    referrers[symbol] = Referrers(isReported: true)
  }

  /// `file.o:(function)`, and the line of the source where debug information says so.
  private func place(
    _ symbol: SymbolID, _ unit: Unit, _ function: DefinitionIndex?, _ options: LinkOptions
  ) -> String {
    guard let function else { return unit.file.displayName }
    let name = unit.functions[Int(function)].name
    let shown =
      name.isEmpty ? "function \(Int(function) + unit.functionImports.count)" : options.displayName(of: name)
    let line = UndefinedReport.line(of: symbol, unit, function).map { " at \($0)" } ?? ""
    return "\(unit.file.displayName):(\(shown))\(line)"
  }

  private static func line(of symbol: SymbolID, _ unit: Unit, _ function: DefinitionIndex) -> String? {
    guard let lines = SourceLines(unit) else { return nil }
    let range = unit.functionRelocations[Int(function)]
    let reference = unit.relocations[range.indices].first { $0.symbol.map { unit.symbolIDs[$0] } == symbol }
    return reference.flatMap { lines.place(ofInstruction: Int($0.offset)) }
  }

  /// What is wrong with importing a function of which only the address is known.
  static func unknownSignature(_ symbol: Symbol, _ unit: Unit, _ options: LinkOptions) -> String {
    "undefined symbol: \(options.displayName(of: symbol.name))\n>>> referenced by \(unit.file.displayName), which only takes "
      + "its address\n>>> it cannot be imported, because no input says its signature"
  }

  /// Reports all of them.
  func finish(_ resolution: Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    guard !order.isEmpty, options.unresolvedSymbols != .ignore, options.unresolvedSymbols != .importDynamic else {
      return
    }
    let hints = SymbolHints(resolution, options)
    // Beyond the limit nothing is shown, and looking for hints takes time.
    let shown = options.diagnostics.errorLimit > 0 ? options.diagnostics.errorLimit : .max
    let limit = min(shown, SymbolHints.largestCount)
    for (position, id) in order.enumerated() {
      let symbol = resolution.symbol(id).name
      let name = options.displayName(of: symbol)
      guard let all = referrers[id] else { preconditionFailure("nobody refers to an undefined symbol") }
      let hint = position < limit ? hints.line(for: symbol, referrers: all.functions) : nil
      if all.isReported {
        if let hint { diagnostics.hint("undefined symbol \(name): \(hint)", .undefinedSymbol, symbol: symbol) }
        continue
      }
      var lines = all.lines.map { "referenced by \($0)" }
      if all.more > 0 { lines.append("referenced \(all.more) more \(all.more == 1 ? "time" : "times")") }
      if let hint { lines.append(hint) }
      UndefinedReport.report(
        "undefined symbol: \(name)" + lines.map { "\n>>> \($0)" }.joined(), symbol, in: all.files, options, diagnostics)
    }
    listStubs(resolution, options, diagnostics)
  }

  /// Libraries that were made for another C library want many a function that this one does not have: all of them, at once.
  private func listStubs(_ resolution: Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    let wanted = order.filter { referrers[$0].map { $0.areFinished && !$0.isReported } ?? false }
    guard wanted.count > 1, let first = wanted.first, options.unresolvedSymbols == .error else { return }
    let names = wanted.map { options.displayName(of: resolution.symbol($0).name) }
    diagnostics.hint(
      "only libraries refer to these: \(names.joined(separator: ", "))\n>>> --stub=NAME[=NUMBER] makes one a function that "
        + "gives a number, --stub-missing all of them functions that trap", .undefinedSymbol,
      symbol: resolution.symbol(first).name)
  }

  /// Reports one as the options say.
  static func report(
    _ message: String, _ symbol: ByteString, in files: [String], _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    switch options.unresolvedSymbols {
    case .error: diagnostics.error(message, .undefinedSymbol, symbol: symbol, in: files)
    case .warn: diagnostics.warn(message, .undefinedSymbol, symbol: symbol, in: files)
    case .ignore, .importDynamic: break
    }
  }
}
