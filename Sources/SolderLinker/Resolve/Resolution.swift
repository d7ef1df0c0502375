import WebAssemblyFormat

/// The units of the link and what their names mean.
///
/// Behind resolution it grows by what the linker makes itself: tables of what is opened, trampolines, forwarders, its own unit; then
/// addresses of the layout get their values, and what is missing with permission becomes a stub. Each of these passes
/// takes it over and gives it on. What a file says, and what a name means that a file defines, none of them changes.
struct Resolution {
  var table: SymbolTable
  var types: TypeTable
  /// All units, the linker's own first.
  private(set) var units: [Unit]
  /// Indices of the other units, in the order of the link.
  let linkOrder: [UnitID]
  /// What the linker itself defines, of which the first unit is made.
  var synthetic: SyntheticFunctions
  var wellKnown: WellKnownSymbols
  /// What the program starts with, where the link has it.
  let entry: SymbolID?
  /// Symbols that `--export` and its relatives name.
  let explicitExports: [ByteString]
  /// Names under which the result exports what it imports itself.
  let exportedImports: [ExportedImport]
  /// The unit that finds libraries for the program, if it opens any.
  var dlopen: DlopenPlace?
  /// The unit of emscripten's trampolines, if there is one.
  let trampolines: TrampolinePlace?
  /// The unit of functions that stand in for others in further slots, if there is one.
  let forwarders: ForwarderPlace?
  /// The unit of functions that trap because nobody defines them.
  let stubs: UnitID?
  /// Of libraries that are taken down only if they were opened: what sees to that.
  var guardedDestructors: [UnitID: SymbolID] = [:]
  /// Which memory each memory of a unit is.
  let memories: MemoryBinding

  init(_ bindings: consuming Bindings, _ units: [Unit]) {
    table = bindings.table
    types = bindings.types
    self.units = units
    linkOrder = bindings.linkOrder
    synthetic = bindings.own
    wellKnown = bindings.wellKnown
    entry = bindings.entry
    explicitExports = bindings.explicitExports
    exportedImports = bindings.exportedImports
    memories = bindings.memories
    dlopen = bindings.dlopen
    trampolines = bindings.trampolines
    forwarders = bindings.forwarders
    stubs = bindings.stubs
  }

  var inLinkOrder: some Sequence<Unit> { linkOrder.lazy.map { units[$0] } }

  /// Shared libraries that the result needs at run time.
  var neededLibraries: some Sequence<Unit> { units.lazy.filter { $0.contracts.isLoadedAtRunTime } }
  /// Relocations of all units, once they have been read.
  var relocationCount: Int { units.reduce(0) { $0 + $1.relocations.count } }

  func symbol(_ id: SymbolID) -> Symbol { table.symbols[id] }

  /// The name under which a function that is defined is exported: its `export_name`, but for other names of it.
  func exportName(ofFunction symbol: Symbol) -> ByteString {
    if symbol.has(.isAlias) { return symbol.name }
    let unit = units[symbol.definer]
    return unit.exportNames[symbol.functionID - unit.bases.function] ?? symbol.name
  }

  /// Completes a unit that the linker makes, whose symbols and definitions stay what they are.
  ///
  /// - Parameter targets: what its symbols behind its own are.
  mutating func replace(
    _ index: UnitID, by module: InputModule, _ relocations: UnitRelocations, targets: [SymbolID]
  ) {
    let unit = units[index]
    units[index] = Unit(
      BoundModule(module, index: index, typeIDs: unit.typeIDs, discardedComdats: []),
      at: UnitPlace(bases: unit.bases, symbolIDs: Row(unit.symbolIDs.values + targets)), relocations, code: CodeFacts())
  }

  /// What takes a library down at the end of the program; `nil` if there is nothing to do.
  func destructors(of unit: Unit) -> SymbolID? {
    guard let function = unit.lifted?.destructors else { return nil }
    return guardedDestructors[unit.index] ?? unit.id(of: function)
  }

  /// Makes the linker's own unit of all that has been added to it.
  mutating func completeOwnUnit() { units[.own] = synthetic.frozen(at: units[.own].bases) }
}

extension GlobalNumbers {
  /// The numbers that globals hold when all names are known.
  init(_ resolution: Resolution, decision: @escaping (Place) -> Decision) {
    self.init(
      module: { resolution.units[$0].module },
      definition: { unit, index in
        let unit = resolution.units[unit]
        guard let facts = unit.lifted else { return nil }
        let symbol = resolution.symbol(unit.symbolIDs[facts.symbol(index)])
        guard symbol.kind == .global, symbol.state == .defined, symbol.unit != .own else { return nil }
        return Place(unit: symbol.definer, global: symbol.globalID - resolution.units[symbol.definer].bases.global)
      }, decision: decision)
  }
}

/// Symbols that the conventions give a meaning (tool-conventions, Linking.md and BasicCABI.md), where the link has them.
struct WellKnownSymbols {
  var callConstructors: SymbolID?
  var callDestructors: SymbolID?
  var destructorsOfAll: DestructorsOfAll?
  var stackPointer: SymbolID?
  var memoryBase: SymbolID?
  var tableBase: SymbolID?
  var tlsBase: SymbolID?
  /// The same for libraries that do not have that variable any more.
  var tlsBases: [UnitID: SymbolID] = [:]
  var tlsSize: SymbolID?
  var tlsAlign: SymbolID?
  var initializeTLS: SymbolID?
  var initializeMemory: SymbolID?
  var applyDataRelocations: SymbolID?
  var applyGlobalRelocations: SymbolID?
  var applyTLSRelocations: SymbolID?
  var applyGlobalTLSRelocations: SymbolID?
  var start: SymbolID?
  var initMemoryFlag: SymbolID?
  var indirectFunctionTable: SymbolID?
  /// Linker-defined addresses that something asked for, by name.
  var addresses: [AddressSymbol: SymbolID] = [:]
}

/// Addresses that the linker defines when something refers to them.
enum AddressSymbol: CaseIterable {
  case dsoHandle, dataEnd, stackLow, stackHigh, globalBase, heapBase, heapEnd, memoryBase, tableBase, firstPageEnd

  var name: ByteString {
    switch self {
    case .dsoHandle: ByteString("__dso_handle")
    case .dataEnd: ByteString("__data_end")
    case .stackLow: ByteString("__stack_low")
    case .stackHigh: ByteString("__stack_high")
    case .globalBase: ByteString("__global_base")
    case .heapBase: ByteString("__heap_base")
    case .heapEnd: ByteString("__heap_end")
    case .memoryBase: ByteString("__memory_base")
    case .tableBase: ByteString("__table_base")
    case .firstPageEnd: ByteString("__wasm_first_page_end")
    }
  }
}

extension Resolver {
  /// Adds symbols that the linker itself defines, before any file.
  mutating func addSyntheticSymbols(_ known: inout WellKnownSymbols, is64: Bool) {
    guard options.contract.definesOwnSymbols else { return }
    known.callConstructors = addFunction("__wasm_call_ctors", .callConstructors, types.emptyFunction)
    let pointer: UInt8 = is64 ? 0x7E : 0x7F
    if options.isPositionIndependent {
      known.stackPointer = addUndefinedGlobal(
        "__stack_pointer", GlobalType(valueType: pointer, isMutable: true))
      known.memoryBase = addUndefinedGlobal(
        "__memory_base", GlobalType(valueType: pointer, isMutable: false))
      known.tableBase = addUndefinedGlobal("__table_base", GlobalType(valueType: pointer, isMutable: false))
    } else if !hasOwnStackPointer {
      let id = addGlobal("__stack_pointer", GlobalType(valueType: pointer, isMutable: true))
      if options.compatibility.stackPointerIsVisible { table.symbols[id].flags.remove(.visibilityHidden) }
      known.stackPointer = id
    }
    if options.sharedMemory {
      known.tlsBase = addGlobal("__tls_base", GlobalType(valueType: pointer, isMutable: true))
      known.tlsSize = addGlobal("__tls_size", GlobalType(valueType: pointer, isMutable: false))
      known.tlsAlign = addGlobal("__tls_align", GlobalType(valueType: pointer, isMutable: false))
      let type = types.intern(parameters: [is64 ? .i64 : .i32], results: [])
      known.initializeTLS = addFunction("__wasm_init_tls", .initializeTLS, type)
    }
    if options.relocatesDataAtRunTime, !options.compatibility.omitsEmptyDataRelocations {
      let id = addFunction("__wasm_apply_data_relocs", .applyDataRelocations, types.emptyFunction)
      table.symbols[id].flags = .exported
      known.applyDataRelocations = id
    }
  }

  /// A hidden function that the linker defines.
  mutating func addFunction(
    _ name: StaticString, _ body: SyntheticBody, _ type: TypeID
  ) -> SymbolID {
    let (id, _) = table.insert(ByteString(name), kind: .function, flags: .visibilityHidden, unit: .own)
    let function = own.add(body, named: name.description, type: type)
    var symbol = Symbol(
      name: ByteString(name), kind: .function, .defined(DefinitionIndex(rawValue: function)),
      flags: .visibilityHidden, unit: .own)
    symbol.type = type
    symbol.attributes = table.symbols[id].attributes
    table.symbols[id] = symbol
    traceOwnDefinition(of: id)
    return id
  }

  private mutating func addGlobal(_ name: StaticString, _ type: GlobalType) -> SymbolID {
    let (id, _) = table.insert(ByteString(name), kind: .global, flags: .visibilityHidden, unit: .own)
    defineGlobal(id, type)
    return id
  }

  /// Makes an undefined symbol a global variable of the linker's.
  mutating func defineGlobal(_ id: SymbolID, _ type: GlobalType) {
    let name = table.symbols[id].name
    own.unit.globals.append(GlobalVariable(type: type, declaration: Fragment(), initializer: Fragment(), name: name))
    var symbol = Symbol(
      name: name, kind: .global, .defined(DefinitionIndex(own.unit.globals.count - 1)), flags: .visibilityHidden,
      unit: .own)
    symbol.attributes = table.symbols[id].attributes
    table.symbols[id] = symbol
    traceOwnDefinition(of: id)
  }

  /// Tells of a name that the linker itself defines, if it is to be traced (`--trace-symbol`).
  func traceOwnDefinition(of id: SymbolID) {
    let symbol = table.symbols[id]
    if symbol.has(.traced) { diagnostics.message("<internal>: definition of \(symbol.name)") }
  }

  private mutating func addUndefinedGlobal(
    _ name: StaticString, _ type: GlobalType
  ) -> SymbolID {
    own.unit.globalImports.append(
      Import(module: ByteString("env"), name: ByteString(name), kind: .global, global: type))
    let (id, _) = table.insert(ByteString(name), kind: .global, flags: .undefined, unit: .own)
    table.symbols[id].meaning = .imported(ImportIndex(own.unit.globalImports.count - 1))
    table.symbols[id].attributes.insert([.usedInRegularUnit, .mayImport])
    if table.symbols[id].has(.traced) { diagnostics.message("<internal>: reference to \(name)") }
    return id
  }

  /// Defines the addresses of the layout that something refers to; their values follow with the layout.
  mutating func addOptionalSymbols(_ known: inout WellKnownSymbols, is64: Bool) {
    guard options.contract.definesOwnSymbols else { return referToThreadLocalBase(&known, is64: is64) }
    for address in AddressSymbol.allCases {
      switch address {
      case .dsoHandle: break
      case .firstPageEnd where !options.compatibility.definesFirstPageEnd: continue
      case .dataEnd where !options.contract.definesDataEnd: continue
      case .dataEnd, .firstPageEnd: break
      default: if options.isPositionIndependent { continue }
      }
      if let id = addOptionalData(address.name) { known.addresses[address] = id }
    }
    if !options.sharedMemory, let id = table.find("__tls_base"), !table.symbols[id].isDefined {
      guard isReferred(to: id, as: [.global]) else { return }
      defineGlobal(id, GlobalType(valueType: is64 ? 0x7E : 0x7F, isMutable: false))
      known.tlsBase = id
    }
  }

  /// Finished modules that become objects count from the variable that the next linker has for all thread-local data.
  private mutating func referToThreadLocalBase(_ known: inout WellKnownSymbols, is64: Bool) {
    guard units.contains(where: \.contracts.isRecovered),
      table.symbols.values.contains(where: { $0.isTLS && $0.kind == .data && $0.state == .defined })
    else { return }
    if let id = table.find("__tls_base"), table.symbols[id].kind == .global, table.symbols[id].imported != nil {
      known.tlsBase = id
    } else {
      known.tlsBase = addUndefinedGlobal("__tls_base", GlobalType(valueType: is64 ? 0x7E : 0x7F, isMutable: true))
    }
  }

  /// Whether a name that the linker defines is referred to as what it is; if not, that is an error.
  private func isReferred(to id: SymbolID, as kinds: [SymbolKind]) -> Bool {
    let symbol = table.symbols[id]
    // What libraries import is looked at by ``ConventionCheck``.
    guard symbol.hasKind, !kinds.contains(symbol.kind), units[symbol.unit]?.contracts.followsDynamicLinking != true
    else { return true }
    let file = displayName(ofUnit: symbol.unit)
    diagnostics.error(
      "symbol type mismatch: \(symbol.name)\n>>> referred to as \(symbol.kind.conventionalName) in \(file)"
        + "\n>>> defined as \(kinds[0].conventionalName) by the linker", .typeMismatch, symbol: symbol.name, in: file)
    return false
  }

  /// Defines a data symbol that something refers to, or that is to be exported.
  mutating func addOptionalData(_ name: ByteString) -> SymbolID? {
    let id: SymbolID
    if let found = table.find(name) {
      // A global is what an immutable global of a finished module is: it stands for an address.
      guard !table.symbols[found].isDefined, isReferred(to: found, as: [.data, .global]) else { return nil }
      id = found
    } else {
      guard options.exportAll || requestedExports.contains(name) else { return nil }
      id = table.insert(name, kind: .data, flags: [], unit: .own).id
    }
    table.symbols[id].defineAbsoluteData(0)
    traceOwnDefinition(of: id)
    return id
  }
}

extension Symbol {
  /// Makes the symbol data at an address that the linker chose.
  mutating func defineAbsoluteData(_ address: UInt64) {
    kind = .data
    meaning = .absolute
    flags = [.visibilityHidden, .absolute]
    unit = .own
    value = address
    size = 0
    importNames = nil
    attributes.insert(.referenced)
  }
}
