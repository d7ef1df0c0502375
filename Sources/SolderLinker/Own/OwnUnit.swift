import WebAssemblyFormat

/// What the linker may have to add to the result, beside what names ask for: declared before anything is marked, the
/// last functions and tables of its own unit and the last symbols of the link.
///
/// Nothing in a file can refer to these, so marking leaves them alone. Whether one is in the result follows from what
/// the passes behind marking find out, and it has an index then.
struct OwnUnit {
  /// The first function of the unit, the first table, the first global, and the first symbol of the link that are such.
  fileprivate(set) var firstFunction: UInt32
  fileprivate(set) var firstTable: UInt32
  fileprivate(set) var firstGlobal: UInt32
  fileprivate(set) var firstSymbol: SymbolID
  fileprivate(set) var setUp = SetUpFunctions()
  /// Calls all that has to run at instantiation when that is more than one function.
  fileprivate(set) var startAll: SymbolID?
  /// What traps in place of a missing function, by signature.
  fileprivate var stubs: [TypeID: SymbolID] = [:]
  fileprivate let emptyFunction: TypeID
  /// For each function that the host may call, in the order of names, what calls constructors and destructors around it.
  fileprivate(set) var wrappers: [ExportWrapper] = []
  /// What calls constructors; see the comment there.
  fileprivate(set) var startUp: StartUpRule
  /// What replaces the entry, and calls constructors around it.
  fileprivate(set) var entryWrapper: SymbolID?
  /// The function that `--init-export` asks for.
  fileprivate(set) var initExport: SymbolID?
  /// The variable that says whether constructors have run.
  fileprivate(set) var constructorsHaveRun: SymbolID?
  /// What only the first of several threads runs at instantiation.
  fileprivate(set) var firstInstance: SymbolID?
  /// By unit: what sets up the thread-local data of a library that has no function for that.
  fileprivate(set) var threadLocalSetUp: [UnitID: SymbolID] = [:]
  /// By unit: what writes segments of a module behind other modules' start functions.
  fileprivate(set) var segmentWriting: [UnitID: SymbolID] = [:]
  /// Addresses that only an export asks for, by name. They take their place among names with their values.
  fileprivate(set) var addresses: [ByteString: SymbolID] = [:]
  /// The table of functions, should something need it; which it is does not depend on that.
  fileprivate(set) var functionTable: SymbolID?
  /// Whether an object asks for it, though no code of its own may name it.
  fileprivate(set) var isFunctionTableWanted = false

  /// What traps in place of a function that is missing.
  func stub(for symbol: Symbol) -> SymbolID? { stubs[symbol.type ?? emptyFunction] }

  struct ExportWrapper {
    let function: SymbolID
    let wrapper: SymbolID
  }
}

/// The functions that set up memory and relocate, as far as there are any.
struct SetUpFunctions {
  var applyDataRelocations: SymbolID?
  var initializeMemory: SymbolID?
  var applyGlobalTLSRelocations: SymbolID?
  var applyTLSRelocations: SymbolID?
  var applyGlobalRelocations: SymbolID?
  /// Relocates, then sets up memory.
  var start: SymbolID?
}

/// Declares all that the linker may have to add.
///
/// Afterwards the numbers of functions, globals, tags, tables and symbols of the link are final. Bodies follow when
/// indices and addresses are known.
struct OwnUnitPass {
  private var resolution: Resolution
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  /// The linker's own unit, as far as names asked for it.
  private let unit: Unit
  private let is64: Bool
  private var own: OwnUnit

  init(_ resolution: consuming Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics, is64: Bool) {
    self.is64 = is64
    let rule = StartUpRule(copy resolution, options)
    unit = resolution.units[.own]
    let firstSymbol = SymbolID(resolution.table.symbols.count)
    self.resolution = resolution
    own = OwnUnit(
      firstFunction: UInt32(unit.functions.count), firstTable: UInt32(unit.tables.count),
      firstGlobal: UInt32(unit.globals.count), firstSymbol: firstSymbol,
      emptyFunction: self.resolution.types.emptyFunction, startUp: rule)
    self.options = options
    self.diagnostics = diagnostics
  }

  /// Runs the pass.
  ///
  /// - Returns: the resolution with the symbols of what was declared, and which those are.
  consuming func run() -> (Resolution, OwnUnit) {
    own.functionTable = declareFunctionTable()
    if options.contract.definesOwnSymbols {
      declareStubs()
      declareSetUp()
      declareWrappers()
      declareAddresses()
      declareThreadLocalSetUp()
      declareSegmentWriting()
      own.firstInstance = add("__wasm_init_libraries", .firstInstance)
      markPreemptible()
      own.startAll = add("__wasm_start", .startAll)
    }
    resolution.completeOwnUnit()
    return (resolution, own)
  }

  // MARK: Functions

  private mutating func add(_ name: String, _ body: SyntheticBody) -> SymbolID {
    add(name, body, type: resolution.types.emptyFunction)
  }

  private mutating func add(
    _ name: String, _ body: SyntheticBody, type: TypeID, exportName: ByteString? = nil
  ) -> SymbolID {
    resolution.table.addUnnamed(function(name, body, type: type, exportName: exportName))
  }

  private mutating func function(
    _ name: String, _ body: SyntheticBody, type: TypeID, exportName: ByteString? = nil
  ) -> Symbol {
    let function = resolution.synthetic.add(body, named: name, type: type, exportName: exportName)
    var symbol = Symbol(
      name: resolution.synthetic.name(of: function), kind: .function,
      .defined(DefinitionIndex(rawValue: (unit.bases.function + function).rawValue)), flags: .visibilityHidden,
      unit: .own)
    symbol.type = type
    return symbol
  }

  /// A call of a function that is allowed to be missing traps; one stub serves all of a signature.
  private mutating func declareStubs() {
    guard options.unresolvedSymbols != .error else { return }
    for id in resolution.table.symbols.indices {
      let symbol = resolution.table.symbols[id]
      guard symbol.isUndefined, symbol.kind == .function else { continue }
      let type = symbol.type ?? resolution.types.emptyFunction
      if own.stubs[type] == nil { own.stubs[type] = add("undefined_stub", .trap, type: type) }
    }
  }

  private mutating func declareSetUp() {
    own.setUp.applyDataRelocations = declareDataRelocations()
    own.setUp.initializeMemory = add("__wasm_init_memory", .initializeMemory)
    own.setUp.applyGlobalTLSRelocations = add("__wasm_apply_global_tls_relocs", .applyGlobalTLSRelocations)
    own.setUp.applyTLSRelocations = add("__wasm_apply_tls_relocs", .applyTLSRelocations)
    own.setUp.applyGlobalRelocations = add("__wasm_apply_global_relocs", .applyGlobalRelocations)
    if let relocate = own.setUp.applyGlobalRelocations, let copy = own.setUp.initializeMemory {
      own.setUp.start = add("__wasm_start", .callAll([relocate, copy]))
    }
  }

  /// Later releases make the function that relocates data only when there is something to relocate; earlier ones had it
  /// among the first symbols.
  private mutating func declareDataRelocations() -> SymbolID? {
    let name = ByteString("__wasm_apply_data_relocs")
    guard options.relocatesDataAtRunTime, options.compatibility.omitsEmptyDataRelocations else { return nil }
    let existing = resolution.table.find(name)
    if let existing, !resolution.symbol(existing).isUndefined { return nil }
    var symbol = function(name.description, .applyDataRelocations, type: resolution.types.emptyFunction)
    symbol.flags = .exported
    guard let existing else { return resolution.table.addUnnamed(symbol) }
    resolution.table.symbols[existing] = symbol
    return existing
  }

  // MARK: Wrappers

  private mutating func declareWrappers() {
    let rule = own.startUp
    switch rule.caller {
    case .program, .instantiation, .host: break
    case .everyExport: declareExportWrappers()
    case .entry(let entry):
      own.entryWrapper = add(
        "\(entry.exportName).command_export", .entry(entry.function, runsDestructors: entry.isCommand),
        type: resolution.symbol(entry.function).type ?? resolution.types.emptyFunction)
    }
    if rule.runsOnce, !options.sharedMemory {
      own.constructorsHaveRun = addGlobal("__wasm_constructors_have_run", GlobalType(valueType: 0x7F, isMutable: true))
    }
    if let name = rule.initExport { declareInitExport(name) }
  }

  private mutating func declareInitExport(_ name: ByteString) {
    guard let constructors = resolution.wellKnown.callConstructors else { return }
    if name == resolution.symbol(constructors).name {
      resolution.table.symbols[constructors].attributes.insert(.forceExport)
      return
    }
    if let exporter = resolution.exporter(of: name, options) {
      diagnostics.error(
        "--init-export=\(name): \(exporter.file.displayName) exports something of that name already", .exportConflict,
        symbol: name, in: exporter.file.displayName)
      return
    }
    own.initExport = add(
      name.description, .callAll([constructors]), type: resolution.types.emptyFunction, exportName: name)
  }

  private mutating func addGlobal(_ name: StaticString, _ type: GlobalType) -> SymbolID {
    let name = ByteString(name)
    resolution.synthetic.unit.globals.append(
      GlobalVariable(type: type, declaration: Fragment(), initializer: Fragment(), name: name))
    return resolution.table.addUnnamed(
      Symbol(
        name: name, kind: .global,
        .defined(
          DefinitionIndex(rawValue: (unit.bases.global + (resolution.synthetic.unit.globals.count - 1)).rawValue)),
        flags: .visibilityHidden, unit: .own))
  }

  /// Libraries export no function that sets up their thread-local data unless they were asked to.
  private mutating func declareThreadLocalSetUp() {
    let type = resolution.types.intern(parameters: [is64 ? .i64 : .i32], results: [])
    for unit in resolution.inLinkOrder {
      guard let data = unit.lifted?.threadLocal, data.initialize == nil || data.base == nil else { continue }
      if data.base == nil {
        resolution.wellKnown.tlsBases[unit.index] = addGlobal(
          "__tls_base", GlobalType(valueType: is64 ? 0x7E : 0x7F, isMutable: true))
      }
      own.threadLocalSetUp[unit.index] = add("__wasm_init_tls", .initializeLibraryTLS(unit: unit.index), type: type)
    }
  }

  /// Which of them are needed follows from the order in which modules start.
  private mutating func declareSegmentWriting() {
    let modules = resolution.inLinkOrder.filter { $0.contracts.keepsEntry }
    guard modules.count > 1, modules.contains(where: { $0.startFunction != nil }) else { return }
    for module in modules where !module.segments.isEmpty || !module.elements.isEmpty {
      own.segmentWriting[module.index] = add("__wasm_init_segments", .writeSegments(of: module.index))
    }
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func declareExportWrappers() {
    let hasConstructors = resolution.inLinkOrder.contains { unit in
      !unit.initFunctions.isEmpty || !unit.constructorsAtStart.isEmpty
    }
    guard hasConstructors || resolution.wellKnown.callDestructors != nil else { return }
    var isWrapped: Set<SymbolID> = []
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      // A name may stand twice in the table.
      guard symbol.kind == .function, symbol.state == .defined, symbol.isExported(options),
        isWrapped.insert(id).inserted
      else { continue }
      declareExportWrapper(of: id)
    }
    if let relocate = own.setUp.applyDataRelocations, isWrapped.insert(relocate).inserted {
      declareExportWrapper(of: relocate)
    }
  }

  private mutating func declareExportWrapper(of id: SymbolID) {
    let symbol = resolution.symbol(id)
    let wrapper = add(
      "\(symbol.name).command_export", .commandExport(id), type: symbol.type ?? resolution.types.emptyFunction,
      exportName: resolution.exportName(ofFunction: symbol))
    resolution.table.symbols[wrapper].flags = .exported
    own.wrappers.append(OwnUnit.ExportWrapper(function: id, wrapper: wrapper))
  }

  /// A weak definition that a shared library exports is imported as well: another module's may win when it is loaded.
  private mutating func markPreemptible() {
    guard options.contract.weakMayBeReplaced else { return }
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      guard symbol.isDefined, symbol.isWeak, !symbol.isHidden, symbol.kind != .data, symbol.has(.usedInRegularUnit)
      else { continue }
      resolution.table.symbols[id].attributes.insert(.preemptible)
    }
  }

  // MARK: Addresses

  /// Bounds of segments (`__start_NAME`, `__stop_NAME`) that exist because they are exported.
  private mutating func declareAddresses() {
    for name in resolution.explicitExports where name.hasPrefix("__start_") || name.hasPrefix("__stop_") {
      declareAddress(name)
    }
    guard options.exportAll else { return }
    if options.sharedMemory { declareAddress(ByteString("__wasm_init_memory_flag")) }
    var seen: Set<ByteString> = []
    for unit in resolution.inLinkOrder {
      for segment in unit.segments {
        let name = segment.placement == .free ? segment.outputName(options) : segment.name
        guard name.isIdentifier, seen.insert(name).inserted else { continue }
        for prefix in ["__start_", "__stop_"] {
          declareAddress(resolution.synthetic.names.intern(prefix + name.description))
        }
      }
    }
  }

  private mutating func declareAddress(_ name: ByteString) {
    guard resolution.table.find(name) == nil, own.addresses[name] == nil else { return }
    own.addresses[name] = resolution.table.addUnnamed(
      Symbol(name: name, kind: .data, .undefined, flags: [], unit: .own))
  }

  // MARK: The function table

  /// The table that function pointers index: a plain module's, the host's, or one of the linker's own.
  private mutating func declareFunctionTable() -> SymbolID? {
    if let table = resolution.wellKnown.indirectFunctionTable {
      if options.exportTable, resolution.symbol(table).isDefined {
        resolution.table.symbols[table].attributes.insert(.forceExport)
      }
      return table
    }
    let name = ByteString("__indirect_function_table")
    let existing = resolution.table.find(name)
    if let existing {
      let symbol = resolution.symbol(existing)
      if symbol.kind != .table {
        diagnostics.error("reserved symbol must be of type table: `\(name)`", .reservedSymbol, symbol: name)
        return nil
      }
      if symbol.isDefined {
        diagnostics.error(
          "reserved symbol must not be defined in input files: `\(name)`", .reservedSymbol, symbol: name)
        return nil
      }
      if symbol.has(.mayImport) { return existing }
    }
    return options.importTable ? importTable(name, existing) : defineTable(name, existing)
  }

  private mutating func importTable(_ name: ByteString, _ existing: SymbolID?) -> SymbolID {
    if let existing {
      resolution.table.symbols[existing].attributes.insert(.forceImport)
      return existing
    }
    var symbol = Symbol(name: name, kind: .table, .undefined, flags: .undefined, unit: .own)
    symbol.attributes = [.forceImport, .usedInRegularUnit]
    return resolution.table.addUnnamed(symbol)
  }

  private mutating func defineTable(_ name: ByteString, _ existing: SymbolID?) -> SymbolID {
    resolution.synthetic.unit.tables.append(
      Table(limits: Limits(), elementType: 0x70, declaration: Fragment(), initializer: nil, name: name))
    var symbol = Symbol(
      name: name, kind: .table,
      .defined(DefinitionIndex(rawValue: (unit.bases.table + (resolution.synthetic.unit.tables.count - 1)).rawValue)),
      flags: options.exportTable ? [] : .visibilityHidden, unit: .own)
    guard let existing else { return resolution.table.addUnnamed(symbol) }
    symbol.attributes = resolution.symbol(existing).attributes
    own.isFunctionTableWanted = resolution.symbol(existing).flags.contains(.noStrip)
    if options.exportTable { symbol.attributes.insert(.forceExport) }
    resolution.table.symbols[existing] = symbol
    return existing
  }
}

extension Resolution {
  /// The unit that exports something under this name, in the result.
  fileprivate func exporter(of name: ByteString, _ options: LinkOptions) -> Unit? {
    let plain = inLinkOrder.first { unit in
      unit.contracts.keepsExports && unit.exports.contains { $0.name == name }
    }
    if let plain { return plain }
    let found = table.slots.first { id in
      let symbol = symbol(id)
      guard symbol.isExported(options) else { return false }
      return symbol.name == name || symbol.kind == .function && symbol.state == .defined && exportName(of: id) == name
    }
    return found.map { units[symbol($0).definer] }
  }
}

extension ByteString {
  /// Whether it is an identifier of C: only such a segment's bounds have names.
  var isIdentifier: Bool {
    guard let first = bytes.first, !(first >= 0x30 && first <= 0x39) else { return false }
    return bytes.allSatisfy {
      $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A
    }
  }
}
