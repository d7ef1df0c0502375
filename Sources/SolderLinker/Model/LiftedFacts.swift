import WebAssemblyFormat

/// What the first step of lifting found out about a finished module, beyond symbols and relocations.
struct LiftedFacts {
  /// For each global of the index space: its value, if that is known at link time; `nil` for variables.
  var globals: [SymbolicValue?] = []
  /// Globals of the index space that a relocation function sets: constants, unless something else sets them too.
  var assignedGlobals: [GlobalIndex: SymbolicValue] = [:]
  /// First symbol of each kind in the unit's symbol table: elements of one index space follow each other.
  var functionSymbols = SymbolIndex(0)
  var globalSymbols = SymbolIndex(0)
  var tableSymbols = SymbolIndex(0)
  var tagSymbols = SymbolIndex(0)
  /// The block of memory at `__memory_base`, of a shared library.
  var memoryBlock: MemoryBlock?
  /// Slots of the function table to reserve at `__table_base`, when code computes with that base.
  var tableBlockSize: UInt32 = 0
  var tableAlignment: UInt32 = 0
  /// The functions in those slots.
  var functionBlock = FunctionBlock()
  /// Whether an element segment of the block has items that are no functions, so that the block stays in one piece.
  var itemsNeedTableBlock = false
  /// Functions of the index space that the module wants called at start; see `StartOrder`.
  var relocationFunctions: [FunctionIndex] = []
  var constructors: [FunctionIndex] = []
  /// What a library wants called at the program's end.
  var destructors: FunctionIndex?
  var initializeTLS: FunctionIndex?
  /// Emscripten's function that allocates a thread's block and calls the other.
  var allocateTLS: FunctionIndex?
  /// The function that copied data for the first thread, and which nothing else may call: its segments have places.
  var dataSetUp: FunctionIndex?
  /// Whether it was made for memory that threads share.
  var isThreaded = false
  /// Whether something says that it has thread-local data.
  var hasThreadLocalData = false
  /// The name of thread-local data of a library for one thread, which has a single copy of it.
  var threadLocalOfOneThread: ByteString?
  /// The library's thread-local data, if it has some and how to set it up is known; not any more where it is an object's.
  var threadLocal: ThreadLocalFacts?
  /// The symbol of its thread-local data, where that has become an object's, which the next linker sets up.
  var threadLocalBlock: SymbolIndex?
  /// Functions of the index space that set up the data of a thread, which an object leaves to the next linker.
  var threadSetUp: [FunctionIndex] = []
  /// What keeps its thread-local data from being an object's: a function that sets it up, and the first statement of it that
  /// an object cannot say.
  var unsaidThreadLocal: KeptStartUpCode?
  /// The same where it is no single statement.
  var threadLocalObstacle: ThreadLocalObstacle?
  /// What the start function and the relocation functions may do, as far as they stay.
  var effects: [FunctionIndex: FunctionEffects] = [:]
  /// Code whose work was done by reading it; other code may turn out to need some of it all the same.
  var done = DoneCode()
  /// What stays of the start-up code, in the order in which it was read.
  var keptStartUpCode: [KeptStartUpCode] = []
  /// Symbols of exports that have the name of an import of the same module, which means something else; see
  /// `ResolvePass+OwnNames.swift`.
  var exportsOfImportedNames: [SymbolIndex] = []
  /// Symbols of a plain module's exports under names that mean something of the linker's to others.
  var privateExports: [SymbolIndex] = []
  /// What a plain module says of its memory.
  var memory = StaticMemory()
  /// Whether some of ``globals`` depend on where something is placed, so that code computes with constants of the link.
  var hasSymbolicGlobals: Bool { globals.contains { $0.map { $0.base != .number } ?? false } }
  /// Whether the module brings the stack pointer that everybody shares.
  var ownsStackPointer = false
}

/// The segment that stands for a library's block of memory, and its symbol.
struct MemoryBlock {
  let segment: SegmentIndex
  let symbol: SymbolIndex

  /// Its first byte.
  var base: SymbolicValue.Base { .memory(symbol: symbol) }
}

extension LiftedFacts {
  /// The symbol of a function.
  @inline(__always)
  func symbol(_ function: FunctionIndex) -> SymbolIndex { functionSymbols + function.rawValue }
  /// The symbol of a global.
  @inline(__always)
  func symbol(_ global: GlobalIndex) -> SymbolIndex { globalSymbols + global.rawValue }
  /// The global whose symbol this is, where it is one's.
  func global(of symbol: SymbolIndex) -> GlobalIndex? {
    symbol >= globalSymbols && symbol < globalSymbols + globals.count ? GlobalIndex(symbol - globalSymbols) : nil
  }

  /// The symbol of a table.
  @inline(__always)
  func symbol(_ table: TableIndex) -> SymbolIndex { tableSymbols + table.rawValue }
  /// The symbol of a tag.
  @inline(__always)
  func symbol(_ tag: TagIndex) -> SymbolIndex { tagSymbols + tag.rawValue }
}

/// Code of a module that goes, since its work was done by reading it; see `StartUpReader.swift`.
struct DoneCode {
  /// Functions of the index space of which nothing stays.
  var functions: Set<FunctionIndex> = []
  /// Of functions of which a part stays: the runs of instructions that go, by offset in the file.
  var runs: [FunctionIndex: [Range<Int>]] = [:]
  /// Calls of ``functions`` that go: offsets in the file of the function indices.
  var calls: Set<Int> = []
  /// Calls of functions in ``runs`` by start-up code that stays.
  var startUpCalls: Set<Int> = []

  var isEmpty: Bool { functions.isEmpty && runs.isEmpty }

  /// Something else than the start-up needs a function, and so the whole of it.
  mutating func restore(_ function: FunctionIndex) {
    functions.remove(function)
    // What it calls is not only called by the start-up any more.
    if runs.removeValue(forKey: function) != nil { startUpCalls.removeAll() }
  }
}

/// What of a library's start-up code stays: one function.
struct KeptStartUpCode {
  /// A statement that stays, by the instruction that is the reason.
  struct Statement {
    var offset: Int
    var opcode: Opcode
    var reason: StaticString
  }

  var function: FunctionIndex
  var name: ByteString
  /// Bytes of instructions that stay.
  var size = 0
  /// The first statements that stay for a reason of their own, of ``count``.
  var statements: [Statement] = []
  var count = 0
  /// Whether it is about relocation, rather than a start function that does what it likes.
  var relocates = false

  mutating func add(_ statement: Statement) {
    count += 1
    if statements.count < 8 { statements.append(statement) }
  }
}

/// What the second step of lifting, going through the code of a finished module, found out about the rest of it.
struct CodeFacts {
  /// Functions of the index space whose bodies go, because their work was done by reading them and nothing else needs
  /// them.
  var removedFunctions: Set<FunctionIndex> = []
  /// Symbols of functions that `ref.func` names in code, which must be declared somewhere.
  var namedFunctions: Set<SymbolIndex> = []
  /// Whether code names data segments (`memory.init`, `data.drop`, `array.new_data`).
  var namesSegments = false
  /// Tables of the index space whose slots code may fill with something else than segments do.
  var changedTables: Set<TableIndex> = []
  /// Tables of the index space to which code adds slots.
  var grownTables: Set<TableIndex> = []
  /// Element segments that code names (`table.init`, `elem.drop`, `array.new_elem`).
  var namedElements: Set<ElementIndex> = []
  /// Globals of the index space that code sets, other than the relocation functions that were read.
  var variables: Set<GlobalIndex> = []
  var catching = CatchingFunctions()
  /// Whether `__table_base` is used in another way than to name one slot, so that the block must stay in one piece.
  var needsTableBlock = false
  /// The first function, among those that the unit defines, that takes a slot that it has computed from a table, and
  /// where.
  var computedSlot: (function: Int, offset: Int)?
}

extension CodeFacts {
  /// Whether code may mean slots of a library's block by their order.
  func computesSlots(of unit: InputModule) -> Bool {
    computedSlot != nil
      && unit.elements.contains { element in
        guard case .block = element.placement else { return false }
        return !element.functions.isEmpty
      }
  }

  /// Whether code may write to slots of a library's block, or name several at once: then they mean more than their
  /// functions.
  func changesTableBlock(of unit: InputModule) -> Bool {
    !changedTables.isEmpty
      && unit.elements.contains { element in
        guard case .block = element.placement, let table = element.table else { return false }
        return changedTables.contains(table)
      }
  }
}
