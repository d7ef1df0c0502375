import WebAssemblyFormat

// What relocations ask for: slots, globals with addresses, types, stubs of what is missing; in the order of the link.
extension IndexPass {
  mutating func scanRelocations() {
    let parts = RelocationScan.parts(of: Array(resolution.inLinkOrder))
    let results = scan(parts)
    var undefined = UndefinedReport()
    for (unit, result) in zip(parts.lazy.map(\.unit), results) {
      for type in result.types { _ = plan.types.register(unit.typeIDs[Int(type)], of: resolution.types) }
      for demand in result.demands {
        switch demand {
        case .slot(let id): addSlot(id)
        case .addressGlobal(let id): addAddressGlobal(id)
        case .definition(let id, let function): noteUndefined(id, function, in: unit, &undefined)
        case .impossible(let id, let kind, let reason): report(id, kind, reason, in: unit)
        }
      }
    }
    undefined.finish(resolution, diagnostics, options)
  }

  private func scan(_ parts: [RelocationScan.Part]) -> [ScanResult] {
    let scan = RelocationScan(resolution: resolution, live: live, memory: memory, options: options)
    return threads.map(parts.count, batch: parts.count > 256 ? 4 : 1) { scan.scan(parts[$0]) }
  }

  private func report(_ id: SymbolID, _ kind: RelocationKind, _ reason: InvalidReference, in unit: Unit) {
    let name = options.displayName(of: resolution.symbol(id).name)
    let head = "\(unit.file.displayName): relocation \(kind.conventionalName) cannot be used against"
    switch reason {
    case .outsideTLS(let segment): diagnostics.error("\(head) `\(name)` in non-TLS section: \(segment)")
    case .needsPIC: diagnostics.error("\(head) symbol `\(name)`; recompile with -fPIC")
    case .undefinedTLS: diagnostics.error("\(head) an undefined symbol `\(name)`")
    case .threadLocalOfLibrary:
      let owner = resolution.units[Int(resolution.symbol(id).unit)].file.displayName
      diagnostics.error(
        "\(head) thread-local `\(name)` of \(owner), which has an address in each thread; use -fPIC and a "
          + "target whose thread-local variables are found by the GOT")
    case .notTLS: diagnostics.error("\(head) non-TLS symbol `\(name)`")
    case .undefinedRelative:
      diagnostics.error(
        "\(unit.file.displayName): relocation \(kind.conventionalName) is not supported against an undefined symbol "
          + "`\(name)`")
    }
  }

  private mutating func noteUndefined(
    _ id: SymbolID, _ function: UInt32, in unit: Unit, _ report: inout UndefinedReport
  ) {
    let symbol = resolution.symbol(id)
    if allowsUndefined(symbol) { return }
    if unit.contracts.reportsUndefinedTogether {
      report.add(id, unit, function, options)
    } else {
      let message = "\(unit.file.displayName): undefined symbol: \(options.displayName(of: symbol.name))"
      switch options.unresolvedSymbols {
      case .error where !options.writesDespiteErrors: diagnostics.error(message)
      case .error, .warn: diagnostics.warn(message)
      case .ignore, .importDynamic: break
      }
    }
    guard symbol.kind == .function, options.unresolvedSymbols != .importDynamic, !options.importUndefined,
      !symbol.has(.isStub)
    else { return }
    replaceWithStub(id)
  }

  /// A call of a function that is allowed to be missing traps.
  private mutating func replaceWithStub(_ id: SymbolID) {
    let type = resolution.symbol(id).type ?? resolution.types.emptyFunction
    guard let stub = own.stubs[type] else { return }
    if usedStubs.insert(stub).inserted { firstFunctions.append(stub) }
    resolution.table.symbols[Int(id)].state = .defined
    resolution.table.symbols[Int(id)].unit = 0
    resolution.table.symbols[Int(id)].element = resolution.symbol(stub).element
    resolution.table.symbols[Int(id)].attributes.insert(.isStub)
    resolution.table.symbols[Int(id)].flags.formUnion([.bindingLocal, .visibilityHidden])
  }
}
