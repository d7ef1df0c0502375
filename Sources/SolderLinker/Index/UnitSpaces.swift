// What a unit has, as its file counts it.
//
// An index space begins with the imports, as in the file, and goes on with what the module defines. Where only one of the
// two is meant, a position among the imports or among the definitions of one kind is an index of another type.

/// Types of a unit.
enum UnitTypes {}
/// Symbols of a unit, in ``InputModule/symbols``.
enum UnitSymbols {}
/// COMDAT groups of a unit.
enum UnitComdats {}
/// What a unit imports, of one kind.
enum UnitImports {}
/// What a unit defines, of one kind: functions, globals, tags, tables, data segments, custom sections.
enum UnitDefinitions {}

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
