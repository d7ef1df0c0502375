import WebAssemblyFormat

/// The symbol table of a relocatable result: named symbols in the order of the link's names, what finished modules import
/// by module and name, then the local ones of each file, then one for every custom section.
struct OutputSymbols {
  /// The symbols; those of the custom sections follow.
  private(set) var entries: [SymbolID] = []
  /// Symbols that finished modules export to the host, whatever else they are.
  private var exported: Set<SymbolID> = []
  /// Data that a library defines and reads by its name all the same, as it does with what is weak.
  private var overridable: Set<SymbolID> = []
  /// The function table, where finished modules have it: for function pointers, wasm-ld makes one only if its symbol says
  /// that it is to be kept, as compilers have it, and asks only the first file that has the symbol.
  private var neededTable: SymbolID?
  /// Index of each symbol in the table, by ID.
  private var indices: [PackedIndex<OutputSymbolSpace>]
  private var firstSection = OutputSymbolIndex(0)

  init(_ program: Program, _ custom: CustomPlan) {
    indices = Array(repeating: .none, count: program.resolution.table.symbols.count)
    addNamed(program)
    addImports(program)
    addLocal(program, custom)
    firstSection = OutputSymbolIndex(entries.count)
    if program.resolution.inLinkOrder.contains(where: \.contracts.isRecovered) {
      neededTable = program.indices.functionTableSymbol
    }
    for unit in program.resolution.inLinkOrder where unit.contracts.followsDynamicLinking {
      let read = Set(unit.globalImports.filter { $0.module == "GOT.mem" }.map(\.name))
      for (index, symbol) in unit.symbols.enumerated() where symbol.kind == .data && !symbol.isUndefined {
        let id = unit.symbolIDs[SymbolIndex(index)]
        let isOwn = !symbol.isLocal && program.symbol(id).unit == unit.index
        if isOwn, read.contains(symbol.name) { overridable.insert(id) }
      }
    }
    for unit in program.resolution.inLinkOrder where unit.contracts.keepsExports {
      for (index, symbol) in unit.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
        exported.insert(unit.symbolIDs[SymbolIndex(index)])
      }
    }
  }

  private mutating func add(_ id: SymbolID) {
    indices[Int(id)] = PackedIndex(OutputSymbolIndex(entries.count))
    entries.append(id)
  }

  private func isPresent(_ symbol: Symbol, _ id: SymbolID, _ program: Program) -> Bool {
    // A stub that is only pointed to has no function: its address is null.
    if symbol.has(.isStub), program.indices.ownIndex(of: symbol) == nil { return false }
    return program.isPresent(id)
  }

  private mutating func addNamed(_ program: Program) {
    for id in program.resolution.table.slots {
      let symbol = program.symbol(id)
      if symbol.has(.usedInRegularUnit), !symbol.has(.provided), isPresent(symbol, id, program),
        indices[Int(id)] == .none
      {
        add(id)
      }
    }
  }

  private mutating func addLocal(_ program: Program, _ custom: CustomPlan) {
    for unit in program.resolution.inLinkOrder {
      let superfluous = unit.contracts.isRecovered ? superfluousSymbols(of: unit, program, custom) : []
      for id in unit.symbolIDs.values where !superfluous.contains(id) {
        let symbol = program.symbol(id)
        // A stub for a missing function is local to each file that refers to it; where one took the name, the definition
        // is a variant of it.
        let isStub = symbol.has(.isStub)
        guard symbol.isLocal || isStub || symbol.has(.isVariant), symbol.isDefined, symbol.kind != .section else {
          continue
        }
        if indices[Int(id)] == .none || isStub, isPresent(symbol, id, program) { add(id) }
      }
    }
  }

  /// A finished module has a symbol for every entry of its index spaces, so that operands become symbols without a look:
  /// those that nothing refers to are not needed where the same thing has a name.
  private func superfluousSymbols(
    of unit: Unit, _ program: Program, _ custom: CustomPlan
  ) -> Set<SymbolID> {
    var isNamed: Set<Definition> = []
    for id in unit.symbolIDs.values {
      let symbol = program.symbol(id)
      if !symbol.isLocal, symbol.state == .defined { isNamed.insert(Definition(symbol)) }
    }
    var result: Set<SymbolID> = []
    for id in unit.symbolIDs.values {
      let symbol = program.symbol(id)
      if symbol.isLocal, symbol.state == .defined, isNamed.contains(Definition(symbol)) { result.insert(id) }
    }
    for edit in unit.relocations { edit.symbol.map { _ = result.remove(unit.symbolIDs[$0]) } }
    for edit in custom.rewritten.relocations(of: unit) { result.remove(unit.symbolIDs[edit.namedSymbol]) }
    for id in StartOrder.libraryConstructors(unit) { result.remove(id) }
    return result
  }

  /// What a symbol stands for.
  private struct Definition: Hashable {
    let kind: SymbolKind
    let meaning: Meaning

    init(_ symbol: Symbol) { (kind, meaning) = (symbol.kind, symbol.meaning) }
  }

  /// What finished modules import by module and name: several of their symbols may be one import.
  private mutating func addImports(_ program: Program) {
    var known: [OutputIndex: OutputSymbolIndex] = [:]
    for (index, symbol) in program.resolution.table.symbols.values.enumerated() where symbol.has(.unnamed) {
      guard symbol.isUndefined, let position = program.indices.importIndices[SymbolID(index)] else { continue }
      if let first = known[position] {
        indices[index] = PackedIndex(first)
      } else {
        known[position] = OutputSymbolIndex(entries.count)
        add(SymbolID(index))
      }
    }
  }

  /// The index of the symbol of a unit, or of the custom section that it stands for; `nil` if it is not there.
  func index(of id: SymbolID, _ program: Program, _ custom: CustomPlan) -> OutputSymbolIndex? {
    let symbol = program.symbol(id)
    guard symbol.kind == .section else { return indices[Int(id)].index }
    return custom.outputIndex(ofSection: symbol.customSectionID).map { firstSection + $0.rawValue }
  }

  /// What the table says of a symbol.
  func flags(of id: SymbolID, _ program: Program) -> SymbolFlags {
    let symbol = program.symbol(id)
    // What was undefined may have been given a definition, such as a stub that traps.
    let flags = symbol.isDefined ? symbol.flags.subtracting(.undefined) : symbol.flags
    // A wrapper is exported in place of the function.
    if program.indices.wrapped.contains(id) { return flags.union(.visibilityHidden).subtracting(.exported) }
    if overridable.contains(id) { return flags.union(.bindingWeak) }
    if id == neededTable { return flags.union(.noStrip) }
    return exported.contains(id) ? flags.union(.exported) : flags
  }
}
