import WebAssemblyFormat

/// What is special about a unit, decided once, where its file is read.
///
/// An object says what it needs with relocations and leaves the rest to the linker. A finished module does not, and each
/// thing that it takes for granted is a contract here. Passes behind the readers ask for contracts, and never for the kind
/// of file that they follow from.
struct Contracts: Sendable {
  // MARK: What it keeps

  /// Alone it is the result as it is: it lacks nothing that a link would add.
  let isComplete: Bool
  /// Its static data stays where it is in memory, and its memories are its own: one may become that of the program.
  let keepsMemory: Bool
  /// Its table's slots stay what they are; the table may become that of the program.
  let keepsSlots: Bool
  /// The result exports what it exports.
  let keepsExports: Bool
  /// Its start function and its entry (`_start`, `_initialize`) are the program's.
  let keepsEntry: Bool
  /// Its data segments say where they go.
  let keepsPlaces: Bool
  /// Its element segments are in the result; an object's slots follow from its relocations.
  let keepsElementSegments: Bool
  /// What its name section says goes into that of the result as it is written there.
  let keepsNames: Bool

  // MARK: What it relies on

  /// Operands may be of any length; an object's are padded by agreement.
  let mayChangeSize: Bool
  /// Relocations cover its custom sections, so that debug information stays true.
  let relocatesCustomSections: Bool
  /// What an object would say was recovered from what the module does, and may be more than an object can say.
  let isRecovered: Bool
  /// Relocations wait in sections of the file to be decoded.
  let hasRelocationSections: Bool
  /// An index of a global may name an address or a function, which wants a global that holds it.
  let wantsAddressGlobals: Bool
  /// Its code names memories by an index space of its own; an object's means the program's memory without naming it.
  let numbersMemories: Bool
  /// Which of its memories is the program's by convention: the one that a library imports as `env.memory`.
  let programMemory: MemoryIndex?
  /// The memory in which its data at fixed addresses lies: of the others, whose own memories these are, only data in the
  /// first is at an address that the link follows.
  var memoryOfFixedData: MemoryIndex { programMemory ?? .first }
  /// It has data, or code that uses data, in the memory of the program.
  let needsMainMemory: Bool
  /// The conventions promise it functions that call constructors, and a name section, even where these are empty.
  let expectsConventions: Bool
  /// Exports of agreed names (`__wasm_call_ctors`, `__wasm_apply_data_relocs`, `__wasm_init_tls`, …) set it up, in an
  /// order that its needs decide (tool-conventions, DynamicLinking.md).
  let isSetUpByExports: Bool
  /// What it imports and exports under the names of the dynamic linking conventions has the types that these say, and
  /// `GOT.*` imports are addresses (tool-conventions, DynamicLinking.md).
  let followsDynamicLinking: Bool
  /// Its thread-local data is a block of its own, from whose beginning it counts; an object's is part of the program's.
  let hasThreadLocalBlock: Bool
  /// It is there for what it exports: if it exports nothing, it was built in the wrong way.
  let isThereForOthers: Bool

  // MARK: When it is there

  /// It is there when the program has opened it: what it defines is nobody else's, as other libraries of the kind may
  /// define the same.
  let isOnlyOpened: Bool
  /// Its constructors run when it is opened for the first time.
  let isConstructedWhenOpened: Bool

  // MARK: What its names mean

  /// Whether other units see it as a library: a plain module with a name is one to those who import from it by that
  /// name.
  let isLibraryToOthers: Bool
  /// What it imports from `env` is what the input of that name exports, and not what any unit defines.
  let takesEnvForModule: Bool
  /// What nobody defines stays an import for the host.
  let leavesUndefinedToHost: Bool
  /// Mutable globals and tags of `env` that nobody defines are shared by all who import them.
  let sharesUndefined: Bool
  /// It stays outside of the result and is brought together with it at run time.
  let isLoadedAtRunTime: Bool
  /// Calls of a function whose definition has another signature are allowed, and trap.
  let trapsWrongSignatures: Bool
  /// An import has to be of the very type of the definition, or code would be invalid.
  let needsExactTypes: Bool
  /// A whole module, which an engine would not instantiate with an import of another type than it states.
  let refusesOtherTypes: Bool
  /// Signatures of its functions are compared unless `--no-shlib-sigcheck` says otherwise.
  let isCheckedByOption: Bool
  /// An immutable global of it is an address to others, and what it imports by address may be of any kind.
  let speaksOfAddresses: Bool
  /// It says which features it uses, and may not be linked with others that disallow them.
  let declaresFeatures: Bool
  /// It may have been compiled for threads, as it uses atomic instructions, or does not say.
  let mayKnowThreads: Bool
  /// Variables that it shares with the host need a host that can do so.
  let sharesVariablesByFeature: Bool
  /// An undefined symbol is told of once for the whole unit; an object's are told of one by one.
  let reportsUndefinedTogether: Bool
  /// What messages call it.
  let kindName: StaticString

  init(_ draft: ModuleDraft) {
    let origin = draft.origin
    let isObject = origin == .object
    let isPlainModule = origin == .plainModule
    let isLibrary = origin == .sharedLibrary
    let isFinished = isPlainModule || isLibrary
    isComplete = isPlainModule
    keepsMemory = isPlainModule
    keepsSlots = isPlainModule
    keepsExports = isPlainModule
    keepsEntry = isPlainModule
    keepsPlaces = isFinished
    keepsElementSegments = isFinished
    keepsNames = isFinished
    mayChangeSize = isFinished
    relocatesCustomSections = isObject
    isRecovered = isFinished
    hasRelocationSections = isObject
    wantsAddressGlobals = !isFinished
    numbersMemories = isFinished
    programMemory = isLibrary ? draft.libraryMemory : nil
    needsMainMemory = isObject || isLibrary && (programMemory != nil || draft.dylink.map { $0.memorySize > 0 } ?? false)
    expectsConventions = isObject
    isSetUpByExports = isLibrary
    followsDynamicLinking = isLibrary
    hasThreadLocalBlock = isLibrary && draft.lifted?.threadLocalBlock == nil
    isThereForOthers = isLibrary
    isLibraryToOthers = isLibrary || isPlainModule && draft.moduleName != nil
    takesEnvForModule = draft.takesEnvForModule
    leavesUndefinedToHost = isPlainModule
    sharesUndefined = isLibrary
    isLoadedAtRunTime = origin == .neededLibrary
    isOnlyOpened = draft.opening?.isOnly ?? false
    isConstructedWhenOpened = draft.opening.map { $0.isOnly && $0.constructs } ?? false
    trapsWrongSignatures = isObject
    needsExactTypes = isFinished
    refusesOtherTypes = isPlainModule
    isCheckedByOption = isLibrary
    speaksOfAddresses = isFinished
    declaresFeatures = isObject
    mayKnowThreads = draft.features.isEmpty || draft.features.contains { $0.name == "atomics" && $0.prefix != 0x2D }
    sharesVariablesByFeature = !isFinished
    reportsUndefinedTogether = isFinished
    kindName = isObject ? "an object" : isPlainModule ? "a whole module" : "a shared library"
  }
}
