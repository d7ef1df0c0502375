import WebAssemblyFormat

/// A module in the link, with all that is known of it when its relocations have been read. Every pass behind that works
/// on these, and none changes them.
final class Unit: Sendable, ModuleView {
  let module: InputModule
  /// Index among the units.
  let index: UnitID
  /// Index of its first defined function, segment, … among those of all units.
  let bases: DefinitionBases
  /// For each symbol, its index in the symbol table of the link.
  let symbolIDs: Row<UnitSymbols, SymbolID>
  /// For each type, its index among all types of the link.
  let typeIDs: Row<UnitTypes, TypeID>
  /// For each COMDAT group, whether another unit's group of that name was chosen instead.
  let discardedComdats: [Bool]

  // As the file has them, but for limits that other units raised.
  let tableImports: [Import]
  let tables: [Table]
  /// The same, but for initial values that start-up code gives them.
  let globals: [GlobalVariable]

  /// All relocations of the unit. A fragment names its own; those of functions, segments and custom sections follow.
  let relocations: [Relocation]
  private let wideAddends: [Int64]
  let functionRelocations: [RelocationRange]
  let segmentRelocations: [RelocationRange]
  let customRelocations: [RelocationRange]
  /// What the code of a finished module says of the rest of the unit.
  let codeFacts: CodeFacts

  /// - Parameters:
  ///   - module: what resolving names knows of it.
  ///   - place: the same, where all units have to be known.
  ///   - code: what its code was found to say, for a finished module.
  init(_ module: BoundModule, at place: UnitPlace, _ relocations: UnitRelocations, code: CodeFacts) {
    precondition(
      relocations.functions.count == module.functions.count && relocations.segments.count == module.segments.count
        && relocations.customSections.count == module.customSections.count)
    self.module = module.module
    index = module.index
    typeIDs = module.typeIDs
    discardedComdats = module.discardedComdats
    bases = place.bases
    symbolIDs = place.symbolIDs
    tableImports = place.limits.tableImports ?? module.tableImports
    tables = module.tables
    var globals = module.globals
    for value in relocations.initialValues { globals[value.global].initializer.relocations = value.relocations }
    self.globals = globals
    self.relocations = relocations.entries
    wideAddends = relocations.wideAddends
    functionRelocations = relocations.functions
    segmentRelocations = relocations.segments
    customRelocations = relocations.customSections
    codeFacts = code
  }

  /// What a function of a finished module is in the link.
  func id(of function: FunctionIndex) -> SymbolID {
    guard let facts = lifted else { preconditionFailure("an object's functions are known by its symbols") }
    return symbolIDs[facts.symbol(function)]
  }

  /// The constructors of a library that run before the program.
  var constructorsAtStart: [FunctionIndex] {
    contracts.isConstructedWhenOpened ? [] : lifted?.constructors ?? []
  }

  /// What a finished module has run before the program, as far as that is still to be done.
  var functionsAtStart: [FunctionIndex] {
    (constructorsAtStart + (lifted?.relocationFunctions ?? [])).filter { !codeFacts.removedFunctions.contains($0) }
      + (startFunction.map { [$0] } ?? [])
  }

  func addend(of relocation: Relocation) -> Int64 { relocation.addend(beside: wideAddends) }

  func isDiscarded(comdat: PackedIndex<UnitComdats>) -> Bool {
    comdat.index.map { discardedComdats[Int($0)] } ?? false
  }

  /// The body of a function, with its relocations.
  func body(ofFunction index: Int) -> Fragment {
    let body = functions[index].body
    return Fragment(start: body.start, size: body.size, relocations: functionRelocations[index])
  }
}

/// What is known of a unit when all names are resolved.
struct UnitPlace: Sendable {
  var bases = DefinitionBases()
  var symbolIDs = Row<UnitSymbols, SymbolID>()
  var limits = RaisedLimits()
}

/// The imported tables of a unit where others ask for more than it declares; `nil` where nothing changes.
struct RaisedLimits: Sendable {
  var tableImports: [Import]?
}
