/// A set of shared libraries, and perhaps a whole module that uses them: what the judge of libraries makes at random.
///
/// Names mean what they mean to a dynamic loader: the first definition in the order of the command line. Every function
/// name has a rank, and functions call only names of a lower one, so that nothing recurs; those of rank 0 call nothing
/// and are the only ones that are called through a table.
struct LibrarySet: Sendable {
  var is64 = false
  /// Whether all is made for shared memory, on which a second thread instantiates everything once more.
  var isThreaded = false
  var libraries: [Library] = []
  var program: Program?
  /// What the function names are: the same in every library that defines or imports one.
  var functions: [String: FunctionName] = [:]
  /// Names that everybody imports weakly, and those of them that nobody defines.
  var weak: [String] = []
  var missing: [String] = []
  /// Data that is imported weakly and that nobody defines.
  var missingData: [String] = []
  /// The order of the command line.
  var order: [Int] = []
  var options: [String] = []
  var calls: [Call] = []

  struct FunctionName: Sendable {
    var parameters: Int
    var rank: Int
  }

  enum Cell: Sendable {
    case number(Int32)
    /// The address of another cell of this library, which is a number.
    case pointer(Int)
    /// The address of a name's cell, which is a number.
    case pointerTo(String)
    /// The slot of a place in this library's table block.
    case slot(Int)
    /// The slot of a name's function.
    case slotOf(String)

    var isNumber: Bool { if case .number = self { true } else { false } }

    var isPointer: Bool {
      switch self {
      case .pointer, .pointerTo: true
      default: false
      }
    }

    var isSlot: Bool {
      switch self {
      case .slot, .slotOf: true
      default: false
      }
    }
  }

  struct Function: Sendable {
    var parameters: Int
    var rank: Int
    var exports: [String] = []
    var body: [Step] = []
  }

  /// Who calls the function that relocates the data.
  enum Relocation: Sendable { case exported, fromStart, fromConstructors }

  /// How a thread's copy of thread-local data is made: by an exported function, by one that only has a name, or by one
  /// that allocates it, too.
  enum ThreadSetUp: Sendable { case exported, named, allocating }

  struct Library: Sendable {
    var name: String
    var needed: [Int] = []
    var alignment = 4
    var cells: [Cell] = []
    /// Names of cells.
    var exports: [(name: String, cell: Int)] = []
    var functions: [Function] = []
    /// The table block, of own functions of rank 0.
    var slots: [Int] = []
    var globals: [Int32] = []
    /// A memory and a table of its own beside those that all share; the table holds own functions of rank 0.
    var hasOwnMemory = false
    var ownSlots: [Int] = []
    /// Whether others see its variables, and that memory and table: those behind it on the command line use them.
    var lends = false
    /// Where a second data segment begins, as the number of a cell.
    var secondSegment: Int?
    var constructor: [Step]?
    var start: [Step]?
    var relocation = Relocation.exported
    /// Functions that are imported, and exported again under another name.
    var reexports: [(name: String, of: String)] = []
    /// The same for data.
    var dataReexports: [(name: String, of: String)] = []
    /// Names of data that the library says is thread-local: for one thread, that says nothing.
    var threadLocal: Set<String> = []
    /// Data of which each thread has its own, which no cell points to; names of its numbers.
    var threadCells: [Cell] = []
    var threadExports: [(name: String, cell: Int)] = []
    var threadSetUp = ThreadSetUp.exported
    /// Whether the start function sets up the first thread.
    var startsFirstThread = true
    /// Whether a tool has put what relocates a thread's copy into what makes it, and removed a variable that nobody reads.
    var isOptimized = false
    var destructor: [Step]?
    var isLegacy = false
    var padsOperands = false
    var hasNames = false
    var isRemoved = false
  }

  /// A whole module with a memory of its own and exported functions that use the libraries.
  struct Program: Sendable {
    var functions: [Function] = []
    var isFirst = true
  }

  enum Step: Sendable {
    case number(Int32)
    case load(Int)
    case store(Int)
    case loadThrough(Int)
    case callSlot(cell: Int, parameters: Int)
    case loadName(String)
    case storeName(String)
    case call(Int)
    case callName(String)
    case callAddress(String)
    case callTable(Int, isVariable: Bool)
    case isAddress(name: String, cell: Int)
    case isSlot(name: String, cell: Int)
    case isNull(String)
    case isNullData(String)
    /// Thread-local data, by the library's own variable or by the global offset table.
    case loadThread(Int)
    case storeThread(Int)
    case loadThroughThread(Int)
    case loadThreadName(String)
    case storeThreadName(String)
    case isThreadAddress(name: String, cell: Int)
    case stack
    case readGlobal(Int)
    case writeGlobal(Int)
    case host(Int)
    /// A variable of `env` that nobody defines and all share.
    case readShared
    case writeShared
    /// Throws the tag that all share when the lowest bit of the result is set.
    case throwSometimes
    case callAndCatch(String)
    case loadOwnMemory(Int)
    case storeOwnMemory(Int)
    case callOwnTable(Int)
    /// The same of another library.
    case readVariable(of: Int, Int)
    case writeVariable(of: Int, Int)
    case loadMemory(of: Int, Int)
    case storeMemory(of: Int, Int)
    case callTableOf(Int, slot: Int)
    /// Program only: its own memory.
    case loadOwn(Int)
    case storeOwn(Int)
  }
}
