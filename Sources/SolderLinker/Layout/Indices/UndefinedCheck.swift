import WebAssemblyFormat

// What is referred to and defined by nobody, and references that cannot be.

/// Functions that are missing, and allowed to be: a call of one traps.
struct MissingFunctions {
  /// The stub that stands in for each.
  fileprivate(set) var stubs: [SymbolID: SymbolID] = [:]
  /// The stubs, in the order in which relocations ask for them; one serves all functions of a signature.
  fileprivate(set) var order: [SymbolID] = []
}

/// Reports what relocations refer to in vain, in the order of the link.
///
/// Afterwards everything that the result refers to is defined, comes from outside, or is missing with permission.
struct UndefinedCheck {
  let resolution: Resolution
  let own: OwnUnit
  let rule: ImportRule
  let options: LinkOptions
  let diagnostics: Diagnostics

  /// Runs the pass; errors are in the diagnostics.
  consuming func run(_ demands: Demands) -> MissingFunctions {
    var missing = MissingFunctions()
    var undefined = UndefinedReport()
    var told: Set<SymbolID> = []
    for (unit, demand) in demands.inOrder {
      switch demand {
      case .definition(let id, _) where hasNothingInItsPlace(id):
        if told.insert(id).inserted { reportIndispensable(id, in: unit) }
      case .definition(let id, let function): note(id, function, in: unit, &undefined, &missing)
      case .impossible(let id, let kind, let reason): report(id, kind, reason, in: unit)
      case .slot, .addressGlobal: break
      }
    }
    undefined.finish(resolution, options, diagnostics)
    return missing
  }

  /// Whether the symbol may be missing as far as the options say, although nothing can stand for one of its kind.
  private func hasNothingInItsPlace(_ id: SymbolID) -> Bool {
    let symbol = resolution.symbol(id)
    guard options.unresolvedSymbols == .ignore || options.unresolvedSymbols == .warn, !options.importUndefined else {
      return false
    }
    switch symbol.kind {
    case .global, .tag, .table: return !rule.allowsUndefined(symbol)
    case .function, .data, .section: return false
    }
  }

  private func reportIndispensable(_ id: SymbolID, in unit: Unit) {
    let symbol = resolution.symbol(id)
    diagnostics.error(
      "\(unit.file.displayName): undefined symbol: \(options.displayName(of: symbol.name))"
        + "\n>>> a \(symbol.kind) has to be defined or imported (--import-undefined)", .undefinedSymbol,
      symbol: symbol.name, in: unit.file.displayName)
  }

  private func report(_ id: SymbolID, _ kind: RelocationKind, _ reason: InvalidReference, in unit: Unit) {
    let symbol = resolution.symbol(id).name
    let name = options.displayName(of: symbol)
    let head = "\(unit.file.displayName): relocation \(kind.conventionalName) cannot be used against"
    switch reason {
    case .outsideTLS(let segment):
      diagnostics.error(
        "\(head) `\(name)` in non-TLS section: \(segment)", .relocation, symbol: symbol, in: unit.file.displayName)
    case .needsPIC:
      diagnostics.error(
        "\(head) symbol `\(name)`; recompile with -fPIC", .relocation, symbol: symbol, in: unit.file.displayName)
    case .undefinedTLS:
      diagnostics.error("\(head) an undefined symbol `\(name)`", .relocation, symbol: symbol, in: unit.file.displayName)
    case .threadLocalOfLibrary:
      let owner = resolution.units[resolution.symbol(id).definer].file.displayName
      diagnostics.error(
        "\(head) thread-local `\(name)` of \(owner), which has an address in each thread; use -fPIC and a target whose "
          + "thread-local variables are found by the GOT", .relocation, symbol: symbol, in: unit.file.displayName, owner
      )
    case .notTLS:
      diagnostics.error("\(head) non-TLS symbol `\(name)`", .relocation, symbol: symbol, in: unit.file.displayName)
    case .undefinedRelative:
      diagnostics.error(
        "\(unit.file.displayName): relocation \(kind.conventionalName) is not supported against an undefined symbol "
          + "`\(name)`", .relocation, symbol: symbol, in: unit.file.displayName)
    }
  }

  private func note(
    _ id: SymbolID, _ function: DefinitionIndex?, in unit: Unit, _ report: inout UndefinedReport,
    _ missing: inout MissingFunctions
  ) {
    let symbol = resolution.symbol(id)
    if rule.allowsUndefined(symbol) {
      // Data that is allowed to be missing is at address 0.
      if !symbol.canBeImported, symbol.kind != .data {
        diagnostics.error(
          UndefinedReport.unknownSignature(symbol, unit, options), .undefinedSymbol, symbol: symbol.name,
          in: unit.file.displayName)
      }
      return
    }
    if options.speaksLikeWasmLD, !unit.contracts.reportsUndefinedTogether {
      let message = "\(unit.file.displayName): undefined symbol: \(options.displayName(of: symbol.name))"
      UndefinedReport.report(message, symbol.name, in: [unit.file.displayName], options, diagnostics)
      report.addHint(id)
    } else {
      report.add(id, unit, function, options)
    }
    guard symbol.kind == .function, options.unresolvedSymbols != .importDynamic, !options.importUndefined,
      missing.stubs[id] == nil, let stub = own.stub(for: symbol)
    else { return }
    missing.stubs[id] = stub
    if !missing.order.contains(stub) { missing.order.append(stub) }
  }
}

extension Resolution {
  /// Puts the stub in the place of each function that is missing.
  ///
  /// Until then these are undefined: what asked for their address before something called them has its slot or import.
  mutating func replace(_ missing: MissingFunctions) {
    for (id, stub) in missing.stubs {
      table.symbols[id].meaning = symbol(stub).meaning
      table.symbols[id].unit = .own
      table.symbols[id].attributes.insert(.isStub)
      table.symbols[id].flags.formUnion([.bindingLocal, .visibilityHidden])
    }
  }
}
