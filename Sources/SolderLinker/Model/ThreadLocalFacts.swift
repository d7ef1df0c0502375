/// What a library has to do for its thread-local data.
struct ThreadLocalFacts {
  /// The variable that says where a thread's copy is, in the index space of globals; `nil` if nothing of the library reads
  /// it, and a tool has removed it: then the linker has one.
  var base: GlobalIndex?
  /// The segment with the initial data.
  var segment: SegmentIndex
  /// The symbol of that segment, in an object.
  var symbol: SymbolIndex?
  /// Bytes that each thread needs.
  var size: UInt64
  /// The function that sets up a thread, given the address of its block; in the index space.
  var initialize: FunctionIndex?
  /// Functions that relocate a thread's copy, where no ``initialize`` calls them.
  var relocationFunctions: [FunctionIndex] = []
  /// Where the first thread has its data, counted from the library's block.
  var firstThread: UInt64 = 0
  /// How many functions ``initialize`` calls.
  var calls = 0
  /// Whether ``initialize`` does more than to set the variable, to copy and to call: a tool may have put what it called
  /// into it.
  var doesMore = false
  /// Whether it is plain that a thread's copy is the whole segment, in the block that it was given, whose address the variable
  /// has before anything is called: what the next linker does of itself for the data of an object.
  var isPlain = true
  /// Whether the start function copies the first thread's data to where it is.
  var placesFirstThread = false
  /// Whether something might relocate a thread's copy that has no name.
  var mayRelocate = false
  /// Whether the start function leaves something to do for the first thread.
  var leavesFirstThread = false
}

/// What keeps a library's thread-local data from being an object's.
enum ThreadLocalObstacle {
  /// Nothing says what relocates it.
  case unknownRelocation
  /// Not all of it is copied, or not where the next linker would copy it.
  case copy
  /// What sets it up does more than to copy and to relocate it.
  case more
  /// What relocates it runs at another time as well.
  case relocation(FunctionIndex)
  /// Code stores into the copy of the first thread alone.
  case firstThread
}
