import WebAssemblyFormat

/// What the linker may have to add to the result, beside what names ask for: declared before anything is marked, the
/// last functions and tables of its own unit and the last symbols of the link.
///
/// Nothing in a file can refer to these, so marking leaves them alone. Whether one is in the result follows from what
/// the passes behind marking find out, and it has an index then.
struct OwnUnit {
  /// The first function of the unit, the first table, and the first symbol of the link that are such.
  fileprivate(set) var firstFunction: UInt32
  fileprivate(set) var firstTable: UInt32
  fileprivate(set) var firstSymbol: SymbolID
  fileprivate(set) var setUp = SetUpFunctions()
  /// Calls all that has to run at instantiation when that is more than one function.
  fileprivate(set) var startAll: SymbolID?
  /// What traps in place of a missing function, by signature.
  fileprivate(set) var stubs: [TypeID: SymbolID] = [:]
  /// For each function that the host may call, in the order of names, what calls constructors and destructors around it.
  fileprivate(set) var wrappers: [ExportWrapper] = []
  /// What replaces the entry of a plain module.
  fileprivate(set) var entryWrapper: PlainEntry?
  /// Addresses that only an export asks for, by name. They take their place among names with their values.
  fileprivate(set) var addresses: [ByteString: SymbolID] = [:]
  /// The table of functions, should something need it; which it is does not depend on that.
  fileprivate(set) var functionTable: SymbolID?

  struct ExportWrapper {
    let function: SymbolID
    let wrapper: SymbolID
  }

  struct PlainEntry {
    let exportName: ByteString
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
  private let unit: Unit
  private var own: OwnUnit

  init(_ resolution: consuming Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    unit = resolution.units[0]
    own = OwnUnit(
      firstFunction: UInt32(unit.functions.count), firstTable: UInt32(unit.tables.count),
      firstSymbol: SymbolID(resolution.table.symbols.count))
    self.resolution = resolution
    self.options = options
    self.diagnostics = diagnostics
  }

  /// Runs the pass.
  ///
  /// - Returns: the resolution with the symbols of what was declared, and which those are.
  consuming func run() -> (Resolution, OwnUnit) {
    own.functionTable = declareFunctionTable()
    if options.output != .relocatable {
      declareStubs()
      declareSetUp()
      declareWrappers()
      declareAddresses()
      own.startAll = add("__wasm_start", .startAll)
    }
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
      name: resolution.synthetic.name(of: function), kind: .function, state: .defined, flags: .visibilityHidden,
      unit: 0, element: unit.bases.function + function)
    symbol.type = type
    return symbol
  }

  /// A call of a function that is allowed to be missing traps; one stub serves all of a signature.
  private mutating func declareStubs() {
    guard options.unresolvedSymbols != .error || options.writesDespiteErrors else { return }
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
    resolution.table.symbols[Int(existing)] = symbol
    return existing
  }

  // MARK: Wrappers

  /// Whether a start-up of the program's own calls the constructors, as crt1.o's does, or the host is to call them.
  private mutating func declareWrappers() {
    guard !options.isPositionIndependent else { return }
    if resolution.callsConstructorsItself(options) { return }
    if resolution.units.contains(where: { $0.origin == .plainModule }) {
      declareEntryWrapper()
    } else {
      declareExportWrappers()
    }
  }

  /// A plain module enters by `_start` or `_initialize`, if at all.
  private mutating func declareEntryWrapper() {
    guard let (entryUnit, export) = plainEntry() else { return }
    let entry = entryUnit.symbolIDs[Int((entryUnit.lifted?.functionSymbols ?? 0) + export.index)]
    let runsDestructors = export.name == "_start"
    let wrapper = add(
      "\(export.name).command_export", .entry(entry, runsDestructors: runsDestructors),
      type: resolution.symbol(entry).type ?? resolution.types.emptyFunction)
    own.entryWrapper = OwnUnit.PlainEntry(exportName: export.name, wrapper: wrapper)
  }

  private func plainEntry() -> (Unit, Export)? {
    for name in ["_start", "_initialize"] as [StaticString] {
      for unit in resolution.inLinkOrder where unit.origin == .plainModule {
        if let export = unit.exports.first(where: { $0.kind == .function && $0.name == name }) { return (unit, export) }
      }
    }
    return nil
  }

  /// Without a C start-up that calls constructors and destructors, every exported function does it itself.
  private mutating func declareExportWrappers() {
    let hasConstructors = resolution.inLinkOrder.contains { unit in
      !unit.initFunctions.isEmpty || unit.lifted?.constructors.isEmpty == false
    }
    guard hasConstructors || resolution.wellKnown.callDestructors != nil else { return }
    let slots = resolution.table.slots
    var isWrapped: Set<SymbolID> = []
    for id in slots {
      let symbol = resolution.symbol(id)
      // A name may stand twice in the table.
      guard symbol.kind == .function, symbol.state == .defined, symbol.isExported(options),
        isWrapped.insert(id).inserted
      else { continue }
      let unit = resolution.units[Int(symbol.unit)]
      let name = unit.exportNames[Int(symbol.element - unit.bases.function)] ?? symbol.name
      let wrapper = add(
        "\(symbol.name).command_export", .commandExport(id), type: symbol.type ?? resolution.types.emptyFunction,
        exportName: name)
      resolution.table.symbols[Int(wrapper)].flags = .exported
      own.wrappers.append(OwnUnit.ExportWrapper(function: id, wrapper: wrapper))
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
      Symbol(name: name, kind: .data, state: .undefined, flags: [], unit: 0, element: none32))
  }

  // MARK: The function table

  /// The table that function pointers index: a plain module's, the host's, or one of the linker's own.
  private mutating func declareFunctionTable() -> SymbolID? {
    if let table = resolution.wellKnown.indirectFunctionTable {
      if options.exportTable, resolution.symbol(table).isDefined {
        resolution.table.symbols[Int(table)].attributes.insert(.forceExport)
      }
      return table
    }
    let name = ByteString("__indirect_function_table")
    let existing = resolution.table.find(name)
    if let existing {
      let symbol = resolution.symbol(existing)
      if symbol.kind != .table {
        diagnostics.error("reserved symbol must be of type table: `\(name)`")
        return nil
      }
      if symbol.isDefined {
        diagnostics.error("reserved symbol must not be defined in input files: `\(name)`")
        return nil
      }
      if symbol.has(.mayImport) { return existing }
    }
    return options.importTable ? importTable(name, existing) : defineTable(name, existing)
  }

  private mutating func importTable(_ name: ByteString, _ existing: SymbolID?) -> SymbolID {
    if let existing {
      resolution.table.symbols[Int(existing)].attributes.insert(.forceImport)
      return existing
    }
    var symbol = Symbol(name: name, kind: .table, state: .undefined, flags: .undefined, unit: 0, element: none32)
    symbol.attributes = [.forceImport, .usedInRegularUnit]
    return resolution.table.addUnnamed(symbol)
  }

  private mutating func defineTable(_ name: ByteString, _ existing: SymbolID?) -> SymbolID {
    unit.tables.append(
      Table(limits: Limits(), elementType: 0x70, declaration: Fragment(), initializer: nil, name: name))
    var symbol = Symbol(
      name: name, kind: .table, state: .defined, flags: options.exportTable ? [] : .visibilityHidden, unit: 0,
      element: unit.bases.table + UInt32(unit.tables.count - 1))
    guard let existing else { return resolution.table.addUnnamed(symbol) }
    symbol.attributes = resolution.symbol(existing).attributes
    if options.exportTable { symbol.attributes.insert(.forceExport) }
    resolution.table.symbols[Int(existing)] = symbol
    return existing
  }
}

extension Resolution {
  /// Whether a start-up of the program's own calls the constructors, as crt1.o's does, or the host is to call them.
  func callsConstructorsItself(_ options: LinkOptions) -> Bool {
    let constructors = symbol(wellKnown.callConstructors)
    if constructors.has(.usedInRegularUnit) { return true }
    // A plain module knows nothing of constructors: that all symbols are exported does not mean that the host calls them.
    let hasPlainModule = units.contains { $0.origin == .plainModule }
    return constructors.isExported(options) && (!hasPlainModule || constructors.has(.forceExport))
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
