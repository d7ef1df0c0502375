import WebAssemblyFormat

/// Index spaces, table slots, imports, exports and types of the result, and what runs at start: all that the passes behind
/// the layout of memory found out, for those that write.
struct IndexPlan: Sendable {
  let folds: FunctionFolds
  let table: FunctionTable
  let addresses: AddressGlobals
  let imported: Imports
  let startUp: StartUp
  let numbering: Numbering
  let types: OutputTypes
  let exported: Exports
}

// The names under which the passes that write know them.
extension IndexPlan {
  var imports: [OutputImport] { imported.entries }
  var importIndices: [SymbolID: OutputIndex] { imported.indices }
  var importCounts: Imports.Counts { imported.counts }
  var importedAddresses: [SymbolID] { addresses.imported }
  var addressGlobals: [SymbolID] { addresses.own }
  var addressGlobalIndices: [SymbolID: OutputGlobalIndex] { numbering.addressGlobals }

  var functions: [DefinitionReference] { numbering.functions }
  var globals: [DefinitionReference] { numbering.globals }
  var tags: [DefinitionReference] { numbering.tags }
  var tables: [DefinitionReference] { numbering.tables }
  var functionIndices: Row<LinkFunctions, PackedIndex<OutputFunctions>> { numbering.functionIndices }
  var globalIndices: Row<LinkGlobals, PackedIndex<OutputGlobals>> { numbering.globalIndices }
  var tagIndices: Row<LinkTags, PackedIndex<OutputTags>> { numbering.tagIndices }
  var tableIndices: Row<LinkTables, PackedIndex<OutputTables>> { numbering.tableIndices }
  var keptElements: [DefinitionReference] { numbering.keptElements }
  var elementIndices: Row<LinkElements, PackedIndex<OutputElements>> { numbering.elementIndices }
  var declaredFunctions: [SymbolID] { numbering.declaredFunctions }
  var functionTable: OutputTableIndex? { numbering.functionTable }

  var slots: [PackedIndex<LinkSymbols>] { table.slots }
  var slotRuns: [Range<Int>] { table.runs }
  var firstSlot: SlotIndex { table.firstSlot }
  var functionSlots: Row<LinkFunctions, PackedIndex<OutputSlots>> { table.functionSlots }
  var importSlots: [SymbolID: SlotIndex] { table.importSlots }
  var tableBlocks: [UnitID: SlotIndex] { table.blocks }
  var tableLimits: Limits { table.limits }
  var functionTableSymbol: SymbolID? { table.symbol }

  var exports: [OutputExport] { exported.entries }
  var exportedAddresses: [SymbolID] { exported.addresses }
  var wrapped: Set<SymbolID> { startUp.wrapped }
  var setUp: SetUpFunctions { startUp.setUp }
  var startFunction: SymbolID? { startUp.function }
  var startFunctions: [SymbolID] { startUp.functions }
  var start: StartOrder { startUp.order }
  var constructorsHaveRun: SymbolID? { startUp.constructorsHaveRun }
  var threadLocalSetUp: [UnitID: SymbolID] { startUp.threadLocalSetUp }

  /// The index of a symbol's definition in the result, or of its import; `nil` if it has none.
  func index(of symbol: Symbol, _ id: SymbolID) -> OutputIndex? { numbering.index(of: symbol, id, imported) }

  /// The index of a symbol's definition, even where references go to an import.
  func ownIndex(of symbol: Symbol) -> OutputIndex? { numbering.ownIndex(of: symbol) }

  /// The table slot of a function symbol, if it has one.
  func slot(of symbol: Symbol, _ id: SymbolID) -> SlotIndex? { table.slot(of: symbol, id) }
}

/// A function, segment, global, … of a unit: of which unit, and its index among those the unit defines.
struct DefinitionReference {
  var unit: UnitID
  var index: UInt32
}
