// What the link has: its symbols and units, and what units define, in one row for all units.
//
// A unit counts its own functions, segments, … from 0; ``DefinitionBases`` say where they begin among those of all units.
// What a pass finds out about each is a ``Row``, which only takes the indices of its kind.

/// Symbols of the link, in ``SymbolTable/symbols``.
enum LinkSymbols {}
/// Units of the link, in the order in which names were resolved.
enum LinkUnits {}

/// Index of a symbol in the link's ``SymbolTable``.
typealias SymbolID = Index<LinkSymbols>
/// Index of a unit in the link.
typealias UnitID = Index<LinkUnits>

extension UnitID {
  /// The linker's own unit, which comes first.
  static var own: UnitID { UnitID(rawValue: 0) }
}

/// Types of the link, in ``TypeTable``.
enum LinkTypes {}

/// Index of a type of the whole link. Equal ones are equal types.
typealias TypeID = Index<LinkTypes>

/// Functions that units define, of all units in one row.
enum LinkFunctions {}
/// Data segments of all units in one row.
enum LinkSegments {}
/// Globals that units define, of all units in one row.
enum LinkGlobals {}
/// Tags that units define, of all units in one row.
enum LinkTags {}
/// Tables that units define, of all units in one row.
enum LinkTables {}
/// Element segments of all units in one row.
enum LinkElements {}
/// Custom sections of all units in one row.
enum LinkCustomSections {}

/// Index of a function that a unit defines, among those of all units.
typealias FunctionID = Index<LinkFunctions>
/// Index of a data segment among those of all units.
typealias SegmentID = Index<LinkSegments>
/// Index of a global that a unit defines, among those of all units.
typealias GlobalID = Index<LinkGlobals>
/// Index of a tag that a unit defines, among those of all units.
typealias TagID = Index<LinkTags>
/// Index of a table that a unit defines, among those of all units.
typealias TableID = Index<LinkTables>
/// Index of an element segment among those of all units.
typealias ElementID = Index<LinkElements>
/// Index of a custom section among those of all units.
typealias CustomSectionID = Index<LinkCustomSections>

/// Modules and names of imports, in ``SymbolTable/importNames``.
enum LinkImportNames {}
/// Lazy files, in ``Inputs/lazyFiles``.
enum LinkLazyFiles {}

/// Names of the link, as ``NameRegister`` counts them.
enum LinkNames {}
/// Names that appeared while names were resolved, in that order; see ``SymbolTable/slots``.
enum LinkNameSlots {}

/// Number of a name. Which it is depends on who came first.
typealias NameNumber = Index<LinkNames>
/// Place of a name among those that appeared.
typealias NameSlot = Index<LinkNameSlots>
/// Index of an import's module and name.
typealias ImportNamesID = Index<LinkImportNames>
/// Index of a lazy file.
typealias LazyFileID = Index<LinkLazyFiles>
