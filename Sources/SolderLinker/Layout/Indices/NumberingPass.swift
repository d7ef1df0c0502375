import WebAssemblyFormat

// Index spaces of the result.
//
// An index is a position: imports stand first, in the order in which names appeared, then what is defined. Two results
// are the same bytes only if they agree on every position, so all orders here are wasm-ld's: the linker's own functions
// and globals first, then each unit's in the order of the link; tables the other way round. Three kinds of things do not
// come from units: stubs and the functions that set up memory follow the linker's first functions, wrappers and the
// function that starts everything come last of all, and globals that hold addresses follow all other globals.
//
// What marking left out has no index. What the linker may add has one if a pass before this chose it.

/// Index spaces of the result behind the imports.
struct Numbering {
  /// Functions, globals, tags and tables of the result behind the imported ones, in order.
  var functions: [DefinitionReference] = []
  var globals: [DefinitionReference] = []
  var tags: [DefinitionReference] = []
  var tables: [DefinitionReference] = []
  /// Index in the result of each definition, numbered over all units.
  var functionIndices = Row<LinkFunctions, PackedIndex<OutputFunctions>>()
  var globalIndices = Row<LinkGlobals, PackedIndex<OutputGlobals>>()
  var tagIndices = Row<LinkTags, PackedIndex<OutputTags>>()
  var tableIndices = Row<LinkTables, PackedIndex<OutputTables>>()
  /// Index of each global that holds an address, imported or not, by symbol.
  var addressGlobals: [SymbolID: OutputGlobalIndex] = [:]
  /// Element segments that are kept, in order, and the index of each in the result, numbered over all units.
  var keptElements: [DefinitionReference] = []
  var elementIndices = Row<LinkElements, PackedIndex<OutputElements>>()
  /// Functions that only need a declaration, because `ref.func` names them.
  var declaredFunctions: [SymbolID] = []
  /// The table that function pointers index; `nil` without one.
  var functionTable: OutputTableIndex?
}

/// Numbers everything that the result defines.
struct NumberingPass {
  let resolution: Resolution
  let live: Liveness
  let folds: FunctionFolds
  let table: FunctionTable
  let addresses: AddressGlobals
  let imports: Imports
  let startUp: StartUp
  /// Of functions that are missing, the stubs that stand in.
  let stubs: [SymbolID]
  let diagnostics: Diagnostics
  var result: Numbering

  init(
    _ resolution: Resolution, _ live: Liveness, _ folds: FunctionFolds, _ missing: MissingFunctions,
    _ table: FunctionTable,
    _ addresses: AddressGlobals, _ imports: Imports, _ startUp: StartUp, _ diagnostics: Diagnostics
  ) {
    self.resolution = resolution
    self.live = live
    self.folds = folds
    self.table = table
    self.addresses = addresses
    self.imports = imports
    self.startUp = startUp
    self.diagnostics = diagnostics
    stubs = missing.order
    result = Numbering(
      functionIndices: Row(repeating: .none, count: live.functions.count),
      globalIndices: Row(repeating: .none, count: live.globals.count),
      tagIndices: Row(repeating: .none, count: live.tags.count),
      tableIndices: Row(repeating: .none, count: live.tables.count), addressGlobals: imports.addressGlobals,
      elementIndices: Row(repeating: .none, count: live.elements.count))
  }

  /// Runs the pass; errors are in the diagnostics.
  consuming func run() -> Numbering {
    numberFunctions()
    numberGlobals()
    numberTags()
    numberTables()
    numberElementSegments()
    return result
  }

  private var units: [Unit] { [resolution.units[.own]] + resolution.inLinkOrder }

  // MARK: Functions

  private mutating func numberFunctions() {
    numberFunctions(of: resolution.units[.own])
    for id in stubs + startUp.firstFunctions { numberFunction(id) }
    for unit in resolution.inLinkOrder { numberFunctions(of: unit) }
    for id in startUp.lastFunctions { numberFunction(id) }
    for (folded, kept) in folds.all { result.functionIndices[folded] = result.functionIndices[kept] }
  }

  /// Numbers what is live of a unit's functions.
  private mutating func numberFunctions(of unit: Unit) {
    for index in unit.functions.indices where live.functions[unit.bases.function + index] {
      if folds.contains(unit.bases.function + index) { continue }
      number(functionOf: unit.index, unit.bases.function, index)
    }
  }

  /// Numbers one of the linker's own functions, which may be live because a file knows its name.
  private mutating func numberFunction(_ id: SymbolID) {
    let (function, base) = (resolution.symbol(id).functionID, resolution.units[.own].bases.function)
    if result.functionIndices[function] == .none { number(functionOf: .own, base, function - base) }
  }

  private mutating func number(functionOf unit: UnitID, _ base: FunctionID, _ index: Int) {
    result.functionIndices[base + index] = PackedIndex(imports.counts.functions + result.functions.count)
    result.functions.append(DefinitionReference(unit: unit, index: UInt32(index)))
  }

  // MARK: Globals and tags

  private mutating func numberGlobals() {
    for unit in units {
      for index in unit.globals.indices where isPresent(global: unit.bases.global + index) {
        numberGlobal(DefinitionReference(unit: unit.index, index: UInt32(index)))
      }
    }
    let first = imports.counts.globals + result.globals.count
    for (position, id) in addresses.own.enumerated() { result.addressGlobals[id] = first + position }
  }

  private mutating func numberTags() {
    for unit in units {
      for index in unit.tags.indices where live.tags[unit.bases.tag + index] {
        result.tagIndices[unit.bases.tag + index] = PackedIndex(imports.counts.tags + result.tags.count)
        result.tags.append(DefinitionReference(unit: unit.index, index: UInt32(index)))
      }
    }
  }

  private func isPresent(global id: GlobalID) -> Bool {
    live.globals[id] || startUp.neededGlobals.contains(id)
  }

  /// Numbers a global behind those that its initial value names, since a constant expression may only name globals that
  /// come before it; a module may have imported them from one that follows in the link.
  private mutating func numberGlobal(_ global: DefinitionReference) {
    var stack: [(global: DefinitionReference, next: Int)] = [(global, 0)]
    var begun: Set = [resolution.units[global.unit].bases.global + global.index]
    while let (current, next) = stack.last {
      let unit = resolution.units[current.unit]
      let id = unit.bases.global + current.index
      let relocations = unit.globals[Int(current.index)].initializer.relocations
      guard result.globalIndices[id] == .none, Int(relocations.start) + next < Int(relocations.end) else {
        stack.removeLast()
        guard result.globalIndices[id] == .none else { continue }
        result.globalIndices[id] = PackedIndex(imports.counts.globals + result.globals.count)
        result.globals.append(current)
        continue
      }
      stack[stack.count - 1].next += 1
      let relocation = unit.relocations[Int(relocations.start) + next]
      guard relocation.kind == .globalIndexLEB else { continue }
      let symbol = resolution.symbol(unit.symbolIDs[relocation.namedSymbol])
      guard symbol.kind == .global, symbol.isDefined, result.globalIndices[symbol.globalID] == .none else {
        continue
      }
      if !begun.insert(symbol.globalID).inserted {
        diagnostics.error(
          "\(unit.file.displayName): the initial value of a global depends on itself", .malformedInput,
          in: unit.file.displayName)
        return
      }
      let owner = resolution.units[symbol.definer]
      stack.append((DefinitionReference(unit: owner.index, index: UInt32(symbol.globalID - owner.bases.global)), 0))
    }
  }
}

extension Numbering {
  /// The index of a symbol's definition in the result, or of its import; `nil` if it has none.
  func index(of symbol: Symbol, _ id: SymbolID, _ imports: Imports) -> OutputIndex? {
    // A tag that is imported as well is a library's own all the same, as in wasm-ld.
    guard symbol.definition != nil, !symbol.has(.preemptible) || symbol.kind == .tag else {
      return imports.indices[id]
    }
    return ownIndex(of: symbol)
  }

  /// The index of a symbol's definition, even where references go to an import.
  func ownIndex(of symbol: Symbol) -> OutputIndex? {
    switch symbol.kind {
    case .function: functionIndices[symbol.functionID].index.map { .function($0) }
    case .global: globalIndices[symbol.globalID].index.map { .global($0) }
    case .tag: tagIndices[symbol.tagID].index.map { .tag($0) }
    case .table: tableIndices[symbol.tableID].index.map { .table($0) }
    case .data, .section: nil
    }
  }
}
