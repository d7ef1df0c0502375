import WebAssemblyFormat

/// What the first step of lifting found out about a finished module, beyond symbols and relocations.
struct LiftedFacts {
  /// For each global of the index space: its value, if that is known at link time; `nil` for variables.
  var globals: [SymbolicValue?] = []
  /// Globals of the index space that a relocation function sets: constants, unless something else sets them too.
  var assignedGlobals: [UInt32: SymbolicValue] = [:]
  /// First symbol of each kind in the unit's symbol table: elements of one index space follow each other.
  var functionSymbols: UInt32 = 0
  var globalSymbols: UInt32 = 0
  var tableSymbols: UInt32 = 0
  var tagSymbols: UInt32 = 0
  /// The segment that stands for the block of memory at `__memory_base`, and its symbol.
  var memoryBlock = none32
  var memoryBlockSymbol = none32
  /// Slots of the function table to reserve at `__table_base`, when code computes with that base.
  var tableBlockSize: UInt32 = 0
  var tableAlignment: UInt32 = 0
  /// Whether an element segment of the block has items that are no functions, so that the block stays in one piece.
  var itemsNeedTableBlock = false
  /// Functions of the index space that the module wants called at start; see `StartOrder`.
  var relocationFunctions: [UInt32] = []
  var constructors: [UInt32] = []
  var initializeTLS: UInt32?
  /// Emscripten's function that allocates a thread's block and calls the other.
  var allocateTLS: UInt32?
  /// The library's thread-local data, if it has some and how to set it up is known.
  var threadLocal: ThreadLocalFacts?
  /// Whether it was made for memory that threads share.
  var isThreaded = false
  /// Whether something says that it has thread-local data.
  var hasThreadLocalData = false
  /// What the start function and the relocation functions may do, as far as they stay.
  var effects: [UInt32: FunctionEffects] = [:]
  /// Functions whose work was done by reading them; code may turn out to need some all the same, see
  /// ``CodeFacts/removedFunctions``.
  var readFunctions: Set<UInt32> = []
  /// Calls of those that go: offsets in the file of the function indices.
  var removedCalls: Set<Int> = []
  /// Functions that relocate but could not be read, with why.
  var unreadable: [(function: UInt32, name: ByteString)] = []
  /// Symbols of exports that have the name of an import of the same module, which means something else; see
  /// `ResolvePass+OwnNames.swift`.
  var exportsOfImportedNames: [UInt32] = []
  /// What a plain module says of its memory.
  var memory = StaticMemory()
  /// Whether the module brings the stack pointer that everybody shares.
  var ownsStackPointer = false
}

/// What the second step of lifting, going through the code of a finished module, found out about the rest of it.
struct CodeFacts {
  /// Functions of the index space whose bodies go, because their work was done by reading them and nothing else needs
  /// them.
  var removedFunctions: Set<UInt32> = []
  /// Values at start of globals of the index space that a relocation function sets.
  var initialValues: [UInt32: SymbolicValue] = [:]
  /// Symbols of functions that `ref.func` names in code, which must be declared somewhere.
  var namedFunctions: Set<UInt32> = []
  /// Whether code names data segments (`memory.init`, `data.drop`, `array.new_data`).
  var namesSegments = false
  /// Element segments that code names (`table.init`, `elem.drop`, `array.new_elem`).
  var namedElements: Set<UInt32> = []
  /// Globals of the index space that code sets, other than the relocation functions that were read.
  var variables: Set<UInt32> = []
  /// Whether `__table_base` is used in another way than to name one slot, so that the block must stay in one piece.
  var needsTableBlock = false
}
