// Index spaces of the result. They begin with the imports.

/// Functions of the result.
enum OutputFunctions {}
/// Functions of the result that are no imports, whose bodies the code section has.
enum OutputBodies {}
/// Globals of the result.
enum OutputGlobals {}
/// Tables of the result.
enum OutputTables {}
/// Memories of the result.
enum OutputMemories {}
/// Tags of the result.
enum OutputTags {}
/// Element segments of the result.
enum OutputElements {}
/// Data segments of the result.
enum OutputSegments {}
/// Custom sections of the result that are copied from the inputs.
enum OutputCustomSections {}
/// Symbols of a result that is an object.
enum OutputSymbolSpace {}
/// Slots of the table that function pointers index.
enum OutputSlots {}

typealias OutputFunctionIndex = Index<OutputFunctions>
typealias OutputGlobalIndex = Index<OutputGlobals>
typealias OutputTableIndex = Index<OutputTables>
typealias OutputMemoryIndex = Index<OutputMemories>
typealias OutputTagIndex = Index<OutputTags>
typealias OutputElementIndex = Index<OutputElements>
typealias OutputSegmentIndex = Index<OutputSegments>
typealias OutputCustomIndex = Index<OutputCustomSections>
typealias OutputSymbolIndex = Index<OutputSymbolSpace>
/// A function pointer: the slot of the function.
typealias SlotIndex = Index<OutputSlots>

extension OutputMemoryIndex {
  /// The memory that code means without naming it.
  static var first: OutputMemoryIndex { OutputMemoryIndex(0) }
}

/// What can be imported and exported, by its index in the result.
typealias OutputIndex = ExternalIndex<OutputFunctions, OutputTables, OutputMemories, OutputGlobals, OutputTags>
