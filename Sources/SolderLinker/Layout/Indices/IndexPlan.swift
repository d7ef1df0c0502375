import WebAssemblyFormat

/// What an export of the result names.
struct OutputExport {
  var name: ByteString
  var kind: ExternalKind
  var index: UInt32
  /// The symbol that is exported; `none32` for what a plain module exports, and for memories.
  var symbol = none32
}

/// An import of the result.
struct OutputImport {
  var module: ByteString
  var name: ByteString
  var kind: ExternalKind
  /// The symbol that became an import; `none32` for memories.
  var symbol: SymbolID
}

/// Index spaces, table slots, imports, exports and types of the result.
struct IndexPlan {
  var imports: [OutputImport] = []
  /// Symbols whose address the dynamic linker puts into an imported global, in order.
  var importedAddresses: [SymbolID] = []
  /// Index of each import, by symbol.
  var importIndices: [SymbolID: UInt32] = [:]
  var importCounts = ImportCounts()

  /// Functions, globals, tags and tables of the result behind the imported ones, in order.
  var functions: [ElementReference] = []
  var globals: [ElementReference] = []
  var tags: [ElementReference] = []
  var tables: [ElementReference] = []
  /// Index in the result of each element, numbered over all units.
  var functionIndices: [UInt32] = []
  var globalIndices: [UInt32] = []
  var tagIndices: [UInt32] = []
  var tableIndices: [UInt32] = []

  /// Symbols whose address a global of the result holds, in order, and the index of that global.
  var addressGlobals: [SymbolID] = []
  var addressGlobalIndices: [SymbolID: UInt32] = [:]
  /// Data symbols that are exported: each gets a global with its address.
  var exportedAddresses: [SymbolID] = []

  /// The function in each slot of the table, from slot 0 of what the linker fills; `none32` for an empty slot.
  var slots: [SymbolID] = []
  var firstSlot: UInt32 = 0
  /// Slot of each function: of those defined, numbered over all units, and of imported ones, by symbol.
  var functionSlots: [UInt32] = []
  var importSlots: [SymbolID: UInt32] = [:]
  /// First slot of each library's block.
  var tableBlocks: [UInt32: UInt32] = [:]
  /// Element segments that are kept, in order, and the index of each in the result, numbered over all units.
  var keptElements: [ElementReference] = []
  var elementIndices: [UInt32] = []
  /// Functions that only need a declaration, because `ref.func` names them.
  var declaredFunctions: [SymbolID] = []
  var tableLimits = Limits()
  /// The table that function pointers index, in the result; `nil` without one.
  var functionTable: UInt32?
  /// The same, as a symbol.
  var functionTableSymbol: SymbolID?

  var exports: [OutputExport] = []
  var types = OutputTypes()
  /// The function that runs at instantiation.
  var startFunction: SymbolID?
  /// All that runs at instantiation, in order.
  var startFunctions: [SymbolID] = []
  /// The functions that set up memory, as far as they are needed.
  var setUp = SetUpFunctions()
  /// What runs before the program.
  var start = StartOrder()
  /// The variable that says whether constructors have run, where they might be called again.
  var constructorsHaveRun: SymbolID?
  /// By unit: what sets up the thread-local data of libraries that leave the first thread's to the loader.
  var threadLocalSetUp: [UInt32: SymbolID] = [:]
  /// Exports whose function a wrapper replaces.
  var replacedExports: [ByteString: SymbolID] = [:]
  /// Functions that are not exported because a wrapper is.
  var wrapped: Set<SymbolID> = []
  /// What the linker adds and the host may see: start-up code where all is exported, wrappers of exports.
  var ownExports: [SymbolID] = []

  struct ImportCounts {
    var functions: UInt32 = 0
    var tables: UInt32 = 0
    var globals: UInt32 = 0
    var tags: UInt32 = 0
  }
}

/// An element of a unit: of which unit, and its index among those the unit defines.
struct ElementReference {
  var unit: UInt32
  var index: UInt32
}

/// The table slot that means "no slot".
let noSlot = UInt32.max
