import WebAssemblyFormat

// Index spaces of the result. They begin with the imports.

/// Functions of the result.
enum OutputFunctions {}
/// Globals of the result.
enum OutputGlobals {}
/// Tables of the result.
enum OutputTables {}
/// Memories of the result.
enum OutputMemories {}
/// Tags of the result.
enum OutputTags {}
/// Types of the result.
enum OutputTypeSpace {}
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
typealias OutputTypeIndex = Index<OutputTypeSpace>
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
enum OutputIndex: Hashable, Sendable {
  case function(OutputFunctionIndex)
  case table(OutputTableIndex)
  case memory(OutputMemoryIndex)
  case global(OutputGlobalIndex)
  case tag(OutputTagIndex)

  var kind: ExternalKind {
    switch self {
    case .function: .function
    case .table: .table
    case .memory: .memory
    case .global: .global
    case .tag: .tag
    }
  }

  /// The number that is written.
  var rawValue: UInt32 {
    switch self {
    case .function(let index): index.rawValue
    case .table(let index): index.rawValue
    case .memory(let index): index.rawValue
    case .global(let index): index.rawValue
    case .tag(let index): index.rawValue
    }
  }

  var function: OutputFunctionIndex? { if case .function(let index) = self { index } else { nil } }
  var table: OutputTableIndex? { if case .table(let index) = self { index } else { nil } }
  var global: OutputGlobalIndex? { if case .global(let index) = self { index } else { nil } }
  var tag: OutputTagIndex? { if case .tag(let index) = self { index } else { nil } }
}
