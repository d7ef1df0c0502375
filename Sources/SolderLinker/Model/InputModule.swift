import WebAssemblyFormat

/// What one file says, of whatever kind, as an object would say it. Nothing changes it once it is read.
///
/// A relocatable object says all this itself; for a shared library or a plain module the first step of lifting finds it
/// out. Index spaces (functions, globals, tags, tables, memories) begin with the imports, as in the file; `functions`,
/// `globals`, … hold those that the module defines.
///
/// Readers fill a ``ModuleDraft``. What passes find out about a module is their own: the resolver's ``BoundModule``, and
/// behind the pass that reads relocations the ``Unit``.
final class InputModule: Sendable {
  enum Origin: Sendable {
    /// Made by the linker itself.
    case synthetic
    case object
    case sharedLibrary
    case plainModule
    /// A shared library that stays one: the result is linked with it at run time.
    case neededLibrary

    /// Whether it is a finished module, whose symbols and relocations are recovered.
    var isLifted: Bool { self == .sharedLibrary || self == .plainModule }
  }

  /// What it was read as; passes behind the readers ask for ``contracts``.
  let origin: Origin
  /// The mapped file; for an archive's member, the member.
  let file: InputFile
  /// The module name under which other units import from it (`NAME=FILE`).
  let moduleName: ByteString?
  /// How the program can open it, if it can.
  let opening: Opening?
  /// Whether the file was named on the command line, so that its constructors run even if nothing refers to it.
  let isNamedExplicitly: Bool

  // MARK: What the file declares

  let types: ParsedTypes
  let functionImports: [FunctionImport]
  let tableImports: [Import]
  let memoryImports: [Import]
  let globalImports: [Import]
  let tagImports: [Import]
  let functions: [Function]
  let tables: [Table]
  let memories: [Memory]
  let globals: [GlobalVariable]
  let tags: [Tag]
  let exports: [Export]
  let startFunction: FunctionIndex?
  /// Whether it has a data count section, which came with bulk memory.
  let hasDataCount: Bool
  /// By function that the module defines: the name that its export must have (`export_name` attribute), which may be
  /// empty. Few have one.
  let exportNames: [Int: ByteString]
  let segments: [Segment]
  let elements: [ElementSegment]
  let customSections: [CustomSection]
  let features: [TargetFeature]
  let producers: ByteReader?
  let names: NameSection
  let dylink: DylinkSection?
  /// The code section's payload, if there is one, and its index among the sections.
  let code: Section?
  let dataSectionIndex: UInt32?
  /// Offset of the data section's payload in the file.
  let dataPayloadOffset: Int
  /// Relocation sections of an object, not yet decoded, each with the section that it speaks of.
  let relocationSections: [ByteReader]
  /// Where code was in the file if it was translated, in which all else that the file says of places in it counts.
  let translation: CodeTranslation?
  /// Bits of an address, where the file says so: by its first memory, or by the type of `__memory_base`.
  let addressWidth: Int?

  // MARK: What linking works on

  let symbols: [UnitSymbol]
  /// For each symbol, the number of its name among all names of the link; none for local symbols.
  let nameNumbers: [PackedIndex<LinkNames>]
  /// For each COMDAT group, the number of its name.
  let comdatNumbers: [NameNumber]
  let comdats: [ByteString]
  let initFunctions: [InitFunction]
  /// Relocations that are known without decoding relocation sections or going through code: those of a finished
  /// module's declarations and data.
  let declaredRelocations: DeclaredRelocations
  /// What is special about it.
  let contracts: Contracts
  /// What lifting found beyond symbols and relocations.
  let lifted: LiftedFacts?
  /// Whether code refers to table 0 without saying so, as objects made without reference types do.
  let usesTableWithoutRelocations: Bool
  /// Memory for bytes that the file does not have, to which segments point.
  private let arena: NameArena

  init(_ draft: ModuleDraft) {
    origin = draft.origin
    file = draft.file
    moduleName = draft.moduleName
    isNamedExplicitly = draft.isNamedExplicitly
    opening = draft.opening
    types = draft.types
    functionImports = draft.functionImports
    tableImports = draft.tableImports
    memoryImports = draft.memoryImports
    globalImports = draft.globalImports
    tagImports = draft.tagImports
    functions = draft.functions
    tables = draft.tables
    memories = draft.memories
    globals = draft.globals
    tags = draft.tags
    exports = draft.exports
    startFunction = draft.startFunction
    hasDataCount = draft.hasDataCount
    exportNames = draft.exportNames
    segments = draft.segments
    elements = draft.elements
    customSections = draft.customSections
    features = draft.features
    producers = draft.producers
    names = draft.names
    dylink = draft.dylink
    code = draft.code
    dataSectionIndex = draft.dataSectionIndex
    dataPayloadOffset = draft.dataPayloadOffset
    relocationSections = draft.relocationSections
    translation = draft.translation
    addressWidth = draft.addressWidth
    symbols = draft.symbols
    nameNumbers = draft.nameNumbers
    comdatNumbers = draft.comdatNumbers
    comdats = draft.comdats
    initFunctions = draft.initFunctions
    declaredRelocations = draft.declaredRelocations
    contracts = Contracts(draft)
    lifted = draft.lifted
    usesTableWithoutRelocations = draft.usesTableWithoutRelocations
    arena = draft.arena
  }

  /// Whether it is a finished module, whose symbols and relocations are recovered.
  var isLifted: Bool { origin.isLifted }

  /// Limits of a memory of the module's index space.
  func memoryLimits(_ index: MemoryIndex) -> Limits {
    let index = Int(index)
    return index < memoryImports.count ? memoryImports[index].limits : memories[index - memoryImports.count].limits
  }

  /// The type of a global of the module's index space.
  func globalType(_ index: GlobalIndex) -> GlobalType? {
    if Int(index) < globalImports.count { return globalImports[Int(index)].global }
    let defined = Int(index) - globalImports.count
    return defined < globals.count ? globals[defined].type : nil
  }
}
