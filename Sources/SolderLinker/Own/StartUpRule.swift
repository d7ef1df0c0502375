import WebAssemblyFormat

// Who calls the constructors.
//
// A result's constructors run once, whatever it is entered by. The C library's `_start` and `_initialize` call
// `__wasm_call_ctors` themselves, and so may a host when the command line exports it: then there is nothing to add. For
// objects alone that do not, wasm-ld makes each exported function a program of its own, with constructors in front of it
// and destructors behind, and Solder does as it does. But a library's constructors run once when it is loaded, so as soon
// as a finished module is in the link, the objects' run once with them: in front of the entry, which is the command's
// `_start` (or what `--entry` names) or the reactor's `_initialize`; and in a result that has neither, at instantiation.
// A host whose functions need the memory cannot be called before the instance exists, so `--init-export` puts them into an
// exported function instead.
//
// Where more than one caller is possible, `__wasm_call_ctors` itself sees to it that the second call does nothing.

/// What calls the constructors of the result.
struct StartUpRule {
  enum Caller {
    /// The program itself, a host that was told to, or whoever loads a position-independent result.
    case program
    /// Every exported function, as wasm-ld has it for objects alone.
    case everyExport
    case entry(Entry)
    case instantiation
    /// Only the function that ``initExport`` names.
    case host
  }

  /// A function that the host enters the result by.
  struct Entry {
    let exportName: ByteString
    let function: SymbolID
    /// Whether the program has ended when the function returns.
    let isCommand: Bool
  }

  let caller: Caller
  /// The name of an exported function that calls constructors.
  let initExport: ByteString?
  /// Whether `__wasm_call_ctors` may be called more than once, so that it has to keep from doing its work again.
  let runsOnce: Bool

  init(_ resolution: Resolution, _ options: LinkOptions) {
    let constructors = resolution.wellKnown.callConstructors.map { resolution.symbol($0) }
    let hasModules = resolution.inLinkOrder.contains { !$0.contracts.expectsConventions }
    initExport = options.initExport.map { resolution.synthetic.names.intern($0) }
    let isExported = constructors?.isExported(options) ?? false
    // A finished module knows nothing of constructors: that all symbols are exported does not mean that the host calls
    // them.
    let isHostCalled = isExported && (!hasModules || constructors?.has(.forceExport) == true)
    if options.isPositionIndependent || constructors?.has(.usedInRegularUnit) == true || isHostCalled {
      caller = .program
      runsOnce = initExport != nil || hasModules && isExported
    } else if !hasModules && initExport == nil {
      caller = .everyExport
      runsOnce = false
    } else if let entry = resolution.startEntry(options) {
      caller = .entry(entry)
      runsOnce = true
    } else {
      caller = initExport == nil ? .instantiation : .host
      runsOnce = initExport != nil || isExported || options.sharedMemory
    }
  }
}

extension Resolution {
  /// What the host enters the result by: what `--entry` names, or else an export that has such a name by convention.
  fileprivate func startEntry(_ options: LinkOptions) -> StartUpRule.Entry? {
    // What is passed on from the host is nothing that can be wrapped.
    if let entry, symbol(entry).kind == .function, symbol(entry).state == .defined {
      let name = exportName(of: entry)
      return StartUpRule.Entry(exportName: name, function: entry, isCommand: name != "_initialize")
    }
    for name in [ByteString("_start"), ByteString("_initialize")] {
      guard let function = exportedFunction(name, options) else { continue }
      return StartUpRule.Entry(exportName: name, function: function, isCommand: name == "_start")
    }
    return nil
  }

  private func exportedFunction(_ name: ByteString, _ options: LinkOptions) -> SymbolID? {
    for unit in inLinkOrder where unit.contracts.keepsEntry {
      guard let facts = unit.lifted,
        let index = unit.exports.first(where: { $0.kind == .function && $0.name == name })?.function
      else { continue }
      return unit.symbolIDs[facts.symbol(index)]
    }
    return table.slots.first { id in
      let symbol = symbol(id)
      return symbol.kind == .function && symbol.state == .defined && symbol.isExported(options)
        && exportName(of: id) == name
    }
  }

  /// The name under which a defined function is exported.
  func exportName(of id: SymbolID) -> ByteString {
    let symbol = symbol(id)
    let unit = units[symbol.definer]
    return unit.exportNames[symbol.functionID - unit.bases.function] ?? symbol.name
  }
}
