import WebAssemblyFormat

/// What a function that the linker makes does. Its bytes are written when all indices are known.
enum SyntheticBody {
  /// Traps: stands in for a function that is missing.
  case trap
  /// Calls all constructors.
  case callConstructors
  /// Calls the program's destructors, then those of all libraries.
  case callDestructors
  /// Copies passive segments and clears zero-initialised memory, once for all threads.
  case initializeMemory
  /// Sets up a thread's block of thread-local data.
  case initializeTLS
  case applyDataRelocations
  case applyGlobalRelocations
  case applyTLSRelocations
  case applyGlobalTLSRelocations
  /// Calls these functions in order.
  case callAll([SymbolID])
  /// Sets up a thread's block for a library that has no function for that.
  case initializeLibraryTLS(unit: UnitID)
  /// Writes the late segments of a module.
  case writeSegments(of: UnitID)
  /// Does what only the first of several threads may do at instantiation.
  case firstInstance
  /// Calls all that runs at instantiation, in order.
  case startAll
  /// Runs constructors, then the exported function, then destructors.
  case commandExport(SymbolID)
  /// Runs constructors, then the entry, then, of a command, destructors.
  case entry(SymbolID, runsDestructors: Bool)
}

/// What the linker's own unit declares, while it is being added to.
struct OwnDeclarations: Sendable {
  /// For each type, its index among all types of the link.
  var typeIDs = Row<UnitTypes, TypeID>()
  var globalImports: [Import] = []
  var functions: [Function] = []
  var tables: [Table] = []
  var globals: [GlobalVariable] = []
  var tags: [Tag] = []
  /// By function: the name that its export must have.
  var exportNames: [Int: ByteString] = [:]
}

/// The linker's own unit: what it declares, and what its functions do.
struct SyntheticFunctions: Sendable {
  var unit = OwnDeclarations()
  let names: NameArena
  private(set) var bodies: [SyntheticBody] = []
  /// The name of the symbol that each function stands in for, where the function shows another.
  private(set) var symbolNames: [UInt32: ByteString] = [:]

  init(names: NameArena) { self.names = names }

  /// Adds a function and returns its index in the unit.
  mutating func add(_ body: SyntheticBody, named name: String, type: TypeID, exportName: ByteString? = nil) -> UInt32 {
    unit.functions.append(
      Function(type: unit.typeIDs.append(type), body: Extent(), start: 0, name: names.intern(name)))
    if let exportName { unit.exportNames[unit.functions.count - 1] = exportName }
    bodies.append(body)
    return UInt32(unit.functions.count - 1)
  }

  /// Adds a function that only traps, in place of a symbol that is missing.
  mutating func addTrap(for symbol: Symbol, named name: String, type: TypeID) -> UInt32 {
    let function = add(.trap, named: name, type: type)
    symbolNames[function] = symbol.name
    return function
  }

  func name(of function: UInt32) -> ByteString { unit.functions[Int(function)].name }

  /// What the unit declares so far, as if a file said it.
  func module() -> InputModule {
    let draft = ModuleDraft(origin: .synthetic, file: InputFile(name: "<internal>", bytes: InputFile.nothing))
    draft.globalImports = unit.globalImports
    draft.functions = unit.functions
    draft.tables = unit.tables
    draft.globals = unit.globals
    draft.tags = unit.tags
    draft.exportNames = unit.exportNames
    return InputModule(draft)
  }

  /// The unit as it is now, which has no relocations.
  func frozen(at bases: DefinitionBases) -> Unit {
    let module = module()
    return Unit(
      BoundModule(module, index: .own, typeIDs: unit.typeIDs, discardedComdats: []), at: UnitPlace(bases: bases),
      UnitRelocations(declaredBy: module), code: CodeFacts())
  }
}
