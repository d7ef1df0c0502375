import WebAssemblyFormat

/// Resolves all names, in the order in which `wasm-ld` does: the linker's own symbols, the files, what the command line
/// asks for, then what is left undefined.
///
/// Afterwards every symbol of every unit has its ``SymbolID``, no symbol is lazy or an alias, and no archive member is
/// added any more.
struct ResolvePass {
  var resolver: Resolver
  var known = WellKnownSymbols()
  /// The unit that finds libraries for the program.
  var dlopen: DlopenPlace?
  /// The unit of emscripten's trampolines.
  var trampolines: TrampolinePlace?
  /// The unit of functions that stand in for others in further slots.
  var forwarders: ForwarderPlace?
  /// The unit of functions that trap because nobody defines them.
  var stubs: UnitID?
  /// Whether the result itself calls the destructors.
  var wrapsDestructors = false
  let options: LinkOptions
  let diagnostics: Diagnostics
  let names: NameArena
  private let threads: Threads
  private let is64: Bool
  private let keepsEntry: Bool

  init(_ inputs: Inputs, options: LinkOptions, diagnostics: Diagnostics, names: NameArena, threads: Threads) {
    self.options = options
    self.threads = threads
    self.diagnostics = diagnostics
    self.names = names
    is64 = inputs.width.is64
    keepsEntry = inputs.units.contains(where: \.contracts.keepsEntry)
    resolver = Resolver(options: options, diagnostics: diagnostics, names: names, inputs: inputs)
    resolver.requestedExports = Set((options.exports + options.exportsIfDefined).map { names.intern($0) })
    resolver.table.traced = Set(options.tracedSymbols.map { names.intern($0) })
    resolver.opened = OpenedLibraries(inputs.units)
    resolver.hasOwnStackPointer = inputs.units.contains { $0.lifted?.ownsStackPointer == true }
  }

  /// Runs the pass; `nil` when there were errors that leave nothing to go on with.
  mutating func run(_ inputs: Inputs) -> Bindings? {
    resolver.addSyntheticSymbols(&known, is64: is64)
    addFiles(inputs)
    if diagnostics.hasErrors { return nil }
    let exports =
      StringMapOrder.sorted((options.exportsIfDefined + options.exports).map { names.intern($0) })
      + ResolvePass.componentExports(inputs)
    for name in options.undefinedSymbols { _ = resolver.reference(names.intern(name), from: "<internal>") }
    for name in exports { _ = resolver.reference(name, from: "--export") }
    referToEntry()
    referToDestructors()
    if diagnostics.hasErrors { return nil }
    bindExportsOfImportedNames()
    let wraps = referToWrappedSymbols()
    resolver.extractNamedMembers()
    processStubLibraries(inputs.stubLibraries)
    resolver.extractNamedMembers()
    replaceJavaScript(inputs)
    addDlopen(inputs.names)
    bindOpened()
    bindNamedModules()
    bindFunctionTable()
    bindDestructors()
    resolver.addOptionalSymbols(&known, is64: is64)
    defineSharedGlobals()
    defineSharedTags()
    addStubs(inputs.names)
    addForwarders(inputs.names)
    resolver.settleVariants()
    if diagnostics.hasErrors { return nil }
    settleAliases(wraps)
    for name in exports { exportIfDefined(name) }
    trapUndefinedWeakFunctions()
    completeForObject()
    unhideEntry()
    demoteLazySymbols()
    checkBindings()
    let conventions = ConventionCheck(resolver.types, is64: is64, diagnostics)
    for unit in resolver.units { conventions.check(unit) }
    let memories = MemoryBindingPass(resolver.units.map(\.module), options, names, diagnostics).run()
    checkAddresses(memories)
    let (limits, bases) = (raisedLimits(), numberDefinitions())
    if diagnostics.hasErrors { return nil }
    let places = resolver.units.indices.map {
      UnitPlace(bases: bases[$0], symbolIDs: Row(resolver.symbolIDs[$0]), limits: limits[$0])
    }
    return Bindings(
      table: resolver.table, types: resolver.types, modules: resolver.units, places: places,
      linkOrder: resolver.linkOrder, own: resolver.own, wellKnown: known, extractions: resolver.extractions,
      entry: entrySymbol, explicitExports: exports, exportedImports: exportedImports(), memories: memories,
      dlopen: dlopen, trampolines: trampolines, forwarders: forwarders, stubs: stubs, decoded: decoded)
  }

  /// Relocations of objects that were decoded meanwhile, by unit.
  private var decoded: [UnitID: UnitRelocations] = [:]

  /// Symbols that are worth threads of their own for their units' relocations.
  private static let manySymbols = 10_000

  private mutating func addFiles(_ inputs: Inputs) {
    // The code of finished modules gives the other threads enough to do.
    if threads.count > 1, inputs.symbolCount > ResolvePass.manySymbols,
      !inputs.units.contains(where: \.contracts.isRecovered)
    {
      resolver.decoders = RelocationDecoders(threads, keepsDiscarded: options.keepsDiscardedFunctions)
    }
    for input in inputs.order where !resolver.isOver {
      switch input {
      case .unit(let index): resolver.add(inputs.units[index])
      case .lazy(let index): resolver.addLazy(LazyFileID(index))
      }
    }
    decoded = resolver.decoders?.finish() ?? [:]
    resolver.decoders = nil
  }

  /// What wraps the result to a component calls `cabi_realloc` wherever a value needs memory (component model, Canonical
  /// ABI). Where it is exported under its own name, a library does not say whether that is for the host or for others; but
  /// a library that brings the type of a component says what is made.
  private static func componentExports(_ inputs: Inputs) -> [ByteString] {
    let isComponent = inputs.units.contains { unit in
      unit.contracts.isSetUpByExports && unit.customSections.contains { $0.name.hasPrefix("component-type") }
    }
    return isComponent ? [ByteString("cabi_realloc")] : []
  }

  // MARK: What the command line asks for

  private mutating func referToEntry() {
    guard options.contract.hasEntry, let entry = options.entry else { return }
    let id = resolver.reference(names.intern(entry), from: "--entry")
    if let id, resolver.table.symbols[id].isDefined {
      resolver.table.symbols[id].attributes.insert(.forceExport)
      entrySymbol = id
    } else if !keepsEntry || options.entryIsExplicit {
      reportMissingEntry(entry)
    }
  }

  private func reportMissingEntry(_ entry: String) {
    let head = "entry symbol not defined"
    // What sets a library up is its entry: without one, its constructors would be lost.
    let isLibrary = options.contract.isSetUpByEntry
    let remedy = "a library is set up by __wasm_call_ctors: pass --entry=__wasm_call_ctors"
    let hint = isLibrary ? nil : SymbolHints(resolver, options, names).lineOfRequest(for: names.intern(entry))
    diagnostics.report(
      isLibrary && !options.speaksLikeWasmLD
        ? "\(head) (\(remedy)): \(entry)" : "\(head) (pass --no-entry to suppress): \(entry)",
      hint: isLibrary && options.speaksLikeWasmLD ? remedy : hint, about: entry, .missingEntry, symbol: entry,
      as: options)
  }

  private var entrySymbol: SymbolID?

  private mutating func unhideEntry() {
    guard let entrySymbol else { return }
    resolver.table.symbols[entrySymbol].flags.remove(.visibilityHidden)
  }

  private mutating func exportIfDefined(_ name: ByteString) {
    guard let id = resolver.table.find(name), resolver.table.symbols[id].isDefined else { return }
    resolver.table.symbols[id].attributes.insert(.forceExport)
  }

  // MARK: Imports by module name

  /// Imports that a named input satisfies, by their symbols.
  var boundImports: [SymbolID: SymbolID] = [:]
  /// What each symbol that stands for another one means in the end, but for aliases of what is defined.
  var aliasEnds: [SymbolID: SymbolID] = [:]
  /// Addresses that whole modules share with others.
  var sharedAddresses: [SharedAddress] = []
  /// Aliases of what nothing defines.
  var exportedAliases: [SymbolID] = []
  /// Functions that trap in place of calls with another signature than the definition's.
  var mismatchStubs: [MismatchStub: SymbolID] = [:]

  /// A plain module's table of functions becomes that of the whole program: one that is exported under the agreed name,
  /// or else that of a module without a name, or else the first. With `--import-table`, and where a module imports one under
  /// the agreed name, that is the host's, and each module keeps its own.
  private mutating func bindFunctionTable() {
    let name = ByteString("__indirect_function_table")
    guard let (unit, index) = plainFunctionTable(exportedAs: name), let facts = unit.lifted else { return }
    if options.importTable {
      if unit.exports.contains(where: { $0.kind == .table && $0.name == name }) {
        diagnostics.error(
          "\(unit.file.displayName): exports a table \(name) of its own, which --import-table wants from the host",
          .table,
          symbol: name, in: unit.file.displayName)
      }
      return
    }
    if let id = resolver.table.find(name), resolver.table.symbols[id].isUndefined,
      resolver.table.symbols[id].has(.mayImport)
    {
      return
    }
    let own = resolver.id(Int(facts.symbol(TableIndex(unit.tableImports.count + index))), of: unit)
    known.indirectFunctionTable = own
    if options.exportTable, unit.exports.allSatisfy({ $0.kind != .table || $0.name != name }) {
      return nameFunctionTable(own, name)
    }
    guard let id = resolver.table.find(name) else { return }
    if resolver.table.symbols[id].isDefined, resolver.table.symbols[id].unit == unit.index {
      known.indirectFunctionTable = id
      return
    }
    boundImports[id] = own
    if let slot = resolver.table.slot(of: name) { resolver.table.makePrimary(own, slot: slot) }
  }

  /// Gives a module's table the agreed name as well, under which the host is to see it.
  private mutating func nameFunctionTable(_ own: SymbolID, _ name: ByteString) {
    var symbol = resolver.table.symbols[own]
    let (id, _) = resolver.table.insert(name, kind: .table, flags: [], unit: symbol.unit)
    symbol.name = name
    symbol.flags = []
    symbol.attributes = resolver.table.symbols[id].attributes.union(.isAlias)
    resolver.table.symbols[id] = symbol
    known.indirectFunctionTable = id
  }

  private func plainFunctionTable(exportedAs name: ByteString) -> (BoundModule, index: Int)? {
    var best: (rank: Int, unit: BoundModule, index: Int)?
    for unit in resolver.units where unit.contracts.keepsSlots {
      let exported = unit.exports.first { $0.kind == .table && $0.name == name }
      for (index, table) in unit.tables.enumerated() where table.elementType == 0x70 && table.limits.is64 == is64 {
        let isExported = exported?.table == TableIndex(unit.tableImports.count + index)
        let rank = isExported ? 0 : unit.moduleName == nil ? 1 : 2
        if rank < best?.rank ?? .max { best = (rank, unit, index) }
      }
    }
    return best.map { ($0.unit, $0.index) }
  }

  // MARK: What is left undefined

  /// Globals of `env` that are mutable, that libraries import and nobody defines are shared by all who import them.
  private mutating func defineSharedGlobals() {
    guard options.contract.standsAlone else { return }
    for unit in resolver.units where unit.contracts.sharesUndefined && !unit.globalImports.isEmpty {
      guard let facts = unit.lifted else { continue }
      for (index, entry) in unit.globalImports.enumerated() where entry.module == "env" && entry.global.isMutable {
        let id = resolver.id(Int(facts.globalSymbols) + index, of: unit)
        let symbol = resolver.table.symbols[id]
        guard symbol.isUndefined, symbol.kind == .global, !symbol.has(.mayImport), symbol.unit != .own,
          boundImports[id] == nil, (0x7B...0x7F).contains(entry.global.valueType)
        else { continue }
        resolver.defineGlobal(id, entry.global)
        resolver.table.symbols[id].attributes.insert(.decidedLate)
      }
    }
  }

  /// A weak function that nothing defines has address 0; calls of it run into a trap.
  private mutating func trapUndefinedWeakFunctions() {
    guard options.contract.standsAlone else { return }
    for id in resolver.table.slots {
      let symbol = resolver.table.symbols[id]
      guard symbol.isWeak, symbol.isUndefined || symbol.state == .lazy, symbol.kind == .function,
        symbol.has(.usedInRegularUnit), symbol.type != nil,
        !symbol.has(.forceImport), !symbol.has(.mayImport)
      else { continue }
      resolver.makeTrap(id, named: "undefined_weak:\(resolver.demangled(symbol.name))")
      resolver.table.symbols[id].flags.insert(.visibilityHidden)
    }
  }

  /// A lazy symbol that only weak references mention stays undefined.
  private mutating func demoteLazySymbols() {
    for id in resolver.table.symbols.indices where resolver.table.symbols[id].state == .lazy {
      resolver.table.symbols[id].meaning = .undefined
      resolver.table.symbols[id].attributes.insert(.offered)
      // The flags that wasm-ld gives it, which a dynamic linker gets to see; another link needs more.
      resolver.table.symbols[id].flags = options.keepsRelocations ? [.undefined, .bindingWeak] : .bindingWeak
    }
  }

  // MARK: Stub libraries

  /// Symbols that a stub library names are imported from the host; what the host needs in turn is exported.
  private mutating func processStubLibraries(_ libraries: [StubLibrary]) {
    var addedAny = true
    while addedAny {
      addedAny = false
      for library in libraries {
        for entry in library.symbols {
          guard let id = resolver.table.find(entry.name) else { continue }
          if resolver.table.symbols[id].isUndefined {
            if importFromHost(id, entry.dependencies, library) { addedAny = true }
          } else if resolver.table.symbols[id].has(.traced) {
            diagnostics.message("\(library.displayName): stub symbol not needed: \(entry.name)")
          }
        }
        if importByImportName(library) { addedAny = true }
      }
    }
  }

  /// Symbols that are imported under another name than their own are looked up by that.
  private mutating func importByImportName(_ library: StubLibrary) -> Bool {
    var addedAny = false
    for id in resolver.table.slots {
      let symbol = resolver.table.symbols[id]
      guard symbol.isUndefined, let names = symbol.importNames, let name = resolver.table.importNames[names].name,
        let entry = library.symbols.first(where: { $0.name == name })
      else { continue }
      if importFromHost(id, entry.dependencies, library) { addedAny = true }
    }
    return addedAny
  }

  /// Leaves a symbol to the host, and gives the host what it needs for that.
  ///
  /// - Returns: whether files were added.
  private mutating func importFromHost(
    _ id: SymbolID, _ dependencies: [ByteString], _ library: StubLibrary
  ) -> Bool {
    let symbol = resolver.table.symbols[id]
    guard !symbol.has(.forceImport) else { return false }
    resolver.table.symbols[id].attributes.insert(.forceImport)
    if symbol.has(.traced) { diagnostics.message("\(library.displayName): importing \(symbol.name)") }
    var addedAny = false
    for dependency in dependencies where exportDependency(dependency, of: symbol.name, library) { addedAny = true }
    return addedAny
  }

  private mutating func exportDependency(_ name: ByteString, of symbol: ByteString, _ library: StubLibrary) -> Bool {
    guard let id = resolver.table.find(name), !resolver.table.symbols[id].isUndefined else {
      diagnostics.error(
        "\(library.displayName): undefined symbol: \(resolver.demangled(name)). Required by \(resolver.demangled(symbol))",
        .undefinedSymbol, symbol: name, in: library.displayName)
      return false
    }
    resolver.table.symbols[id].attributes.insert(.forceExport)
    if resolver.table.symbols[id].has(.traced) {
      diagnostics.message(
        "\(library.displayName): exported \(resolver.demangled(name)) due to import of \(resolver.demangled(symbol))")
    }
    guard resolver.table.symbols[id].state == .lazy else { return false }
    _ = resolver.reference(name, from: library.displayName)
    return true
  }

  // MARK: Numbers

  /// Numbers the functions, segments, … of all units in one row, the linker's own last because it still makes more.
  private mutating func numberDefinitions() -> [DefinitionBases] {
    var all = [DefinitionBases](repeating: DefinitionBases(), count: resolver.units.count)
    var bases = DefinitionBases()
    for unit in resolver.units.dropFirst() {
      all[Int(unit.index)] = bases
      bases.function = bases.function + unit.functions.count
      bases.segment = bases.segment + unit.segments.count
      bases.global = bases.global + unit.globals.count
      bases.tag = bases.tag + unit.tags.count
      bases.table = bases.table + unit.tables.count
      bases.custom = bases.custom + unit.customSections.count
      bases.element = bases.element + unit.elements.count
    }
    all[0] = bases
    for index in resolver.table.symbols.indices {
      let symbol = resolver.table.symbols[index]
      guard let definition = symbol.definition else { continue }
      resolver.table.symbols[index].meaning = .defined(definition + all[Int(symbol.definer)].base(of: symbol.kind))
    }
    return all
  }
}
