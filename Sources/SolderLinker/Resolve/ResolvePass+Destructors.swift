import WebAssemblyFormat

// Who calls the destructors.
//
// What a C or C++ program has to do at its end is registered by its constructors (`__cxa_atexit`), and done by its C
// library: by `exit`, or by `__wasm_call_dtors`, which the start-up code of a command calls behind `main`, and which
// wasm-ld calls behind every export of a command that has no such code. A shared library exports a `__wasm_call_dtors`
// when it has a C library of its own, as libc.so itself does: with a list and with streams of its own. So it is that
// library's business, as its `__wasm_call_ctors` is: it takes nobody's place, and nobody takes its. Did it satisfy the
// program's reference, the order of the command line would decide whether the program's own C library comes in from its
// archive, or its streams are never flushed.
//
// As soon as a library has destructors, the name means all that there are to everybody who calls it: the program's first,
// then those of the libraries, each before those of the libraries that it needs, so that everything is taken down in the
// reverse order of its construction. Nobody calls them in a result that never ends, a reactor or one that is set up
// when it is instantiated; a host may, if `--export=__wasm_call_dtors` shows them.

/// The destructors of a program with libraries that have some.
struct DestructorsOfAll {
  /// What is destroyed first: the program's own.
  let program: SymbolID?
}

extension ResolvePass {
  private static let destructors = ByteString("__wasm_call_dtors")

  /// `__wasm_call_dtors` is defined by the C library, and called by the wrappers around a command's exports unless the
  /// program calls constructors and destructors itself.
  mutating func referToDestructors() {
    guard options.contract.callsDestructors, let caller = known.callConstructors else { return }
    let constructors = resolver.table.symbols[caller]
    guard !constructors.has(.usedInRegularUnit), options.entry != "__wasm_call_ctors",
      !resolver.requestedExports.contains(ByteString("__wasm_call_ctors"))
    else { return }
    wrapsDestructors = true
    guard let id = resolver.reference(Self.destructors, from: "<internal>"),
      resolver.table.symbols[id].isDefined, checkDestructors(id)
    else { return }
    known.callDestructors = id
  }

  private mutating func checkDestructors(_ id: SymbolID) -> Bool {
    let symbol = resolver.table.symbols[id]
    if symbol.kind != .function {
      diagnostics.error("__wasm_call_dtors must be a function", .reservedSymbol, symbol: "__wasm_call_dtors")
      return false
    }
    if symbol.type != resolver.types.emptyFunction {
      diagnostics.error(
        "__wasm_call_dtors must have no argument or return values", .reservedSymbol, symbol: "__wasm_call_dtors")
      return false
    }
    return true
  }

  /// Gives the name the meaning that it has with libraries that have destructors. No file is added any more.
  mutating func bindDestructors() {
    let units = resolver.linkOrder.map { resolver.units[$0] }.filter { $0.lifted?.destructors != nil }
    guard !units.isEmpty else { return }
    if !options.contract.definesOwnSymbols { return nameDestructors(of: units) }
    let existing = resolver.table.find(Self.destructors)
    let isMentioned = existing.map { resolver.table.symbols[$0].has(.usedInRegularUnit) } ?? false
    guard wrapsDestructors || isMentioned || resolver.requestedExports.contains(Self.destructors) else { return }
    defineDestructorsOfAll(existing)
  }

  private mutating func defineDestructorsOfAll(_ existing: SymbolID?) {
    var program: SymbolID?
    var flags = SymbolFlags.visibilityHidden
    if let existing, resolver.table.symbols[existing].isDefined {
      guard checkDestructors(existing) else { return }
      var symbol = resolver.table.symbols[existing]
      flags = symbol.flags
      symbol.attributes.remove(.forceExport)
      symbol.flags.formUnion(.visibilityHidden)
      program = resolver.table.addUnnamed(symbol)
    }
    let id = resolver.addFunction("__wasm_call_dtors", .callDestructors, resolver.types.emptyFunction)
    resolver.table.symbols[id].flags = flags
    known.destructorsOfAll = DestructorsOfAll(program: program)
    if wrapsDestructors { known.callDestructors = id }
  }

  /// An object has no other way to say what its destructors are than the name, which is one function's.
  private mutating func nameDestructors(of units: [BoundModule]) {
    for unit in units {
      guard let facts = unit.lifted, let function = facts.destructors else { continue }
      let own = resolver.id(Int(facts.symbol(function)), of: unit)
      var symbol = resolver.table.symbols[own]
      symbol.name = Self.destructors
      symbol.flags.remove(.bindingLocal)
      symbol.attributes.remove(.unnamed)
      let (id, isNew) = resolver.table.insert(Self.destructors, kind: .function, flags: .undefined, unit: unit.index)
      let existing = resolver.table.symbols[id]
      if !isNew, existing.isDefined {
        diagnostics.error(
          "\(unit.file.displayName): __wasm_call_dtors is defined in \(resolver.displayName(ofUnit: existing.unit)) too, "
            + "and one object cannot say that both have to be called (link without -r, or one by one)", .objectFormat,
          symbol: Self.destructors,
          in: unit.file.displayName, resolver.displayName(ofUnit: existing.unit))
        continue
      }
      symbol.attributes.formUnion(existing.attributes)
      resolver.table.symbols[id] = symbol
    }
  }
}
