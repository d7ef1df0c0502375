// What a unit has, as its file counts it.
//
// An index space begins with the imports, as in the file, and goes on with what the module defines. Where only one of the
// two is meant, a position among the imports or among the definitions of one kind is an index of another type.

/// Functions of a unit, the imported ones first.
enum UnitFunctions {}
/// Globals of a unit, the imported ones first.
enum UnitGlobals {}
/// Tables of a unit, the imported ones first.
enum UnitTables {}
/// Memories of a unit, the imported ones first.
enum UnitMemories {}
/// Tags of a unit, the imported ones first.
enum UnitTags {}
/// Types of a unit.
enum UnitTypes {}
/// Data segments of a unit.
enum UnitSegments {}
/// Element segments of a unit.
enum UnitElements {}
/// Symbols of a unit, in ``InputModule/symbols``.
enum UnitSymbols {}
/// COMDAT groups of a unit.
enum UnitComdats {}
/// What a unit imports, of one kind.
enum UnitImports {}
/// What a unit defines, of one kind: functions, globals, tags, tables, data segments, custom sections.
enum UnitDefinitions {}

/// Index of a function in the unit's index space.
typealias FunctionIndex = Index<UnitFunctions>
/// Index of a global in the unit's index space.
typealias GlobalIndex = Index<UnitGlobals>
/// Index of a table in the unit's index space.
typealias TableIndex = Index<UnitTables>
/// Index of a memory in the unit's index space.
typealias MemoryIndex = Index<UnitMemories>
/// Index of a tag in the unit's index space.
typealias TagIndex = Index<UnitTags>
/// Index of a data segment in the unit.
typealias SegmentIndex = Index<UnitSegments>
/// Index of an element segment in the unit.
typealias ElementIndex = Index<UnitElements>
/// Index of a type in the unit.
typealias TypeIndex = Index<UnitTypes>
/// Index of a symbol in the unit.
typealias SymbolIndex = Index<UnitSymbols>
/// Index of a COMDAT group in the unit.
typealias ComdatIndex = Index<UnitComdats>
/// Index of an import among those of its kind.
typealias ImportIndex = Index<UnitImports>
/// Index of a definition among those of its kind.
typealias DefinitionIndex = Index<UnitDefinitions>

extension MemoryIndex {
  /// The memory that code means without naming it.
  static var first: MemoryIndex { MemoryIndex(0) }
}

/// What can be imported and exported, by its index in the unit.
typealias UnitIndex = ExternalIndex<UnitFunctions, UnitTables, UnitMemories, UnitGlobals, UnitTags>
