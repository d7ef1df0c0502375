import WebAssemblyFormat

/// One file in the link, of whatever kind, as an object would describe it.
///
/// This is the model that every pass behind the inputs works on. A relocatable object says all this itself; for a
/// shared library or a plain module the lifter finds it out. Index spaces of the unit (functions, globals, tags,
/// tables, memories) begin with its imports, as in the file; `functions`, `globals`, … hold those it defines.
///
/// Parallel loops give each unit to one thread at a time, and between loops only one thread runs; that is what makes
/// sharing units between threads safe.
final class Unit: @unchecked Sendable {
  enum Origin {
    /// Made by the linker itself.
    case synthetic
    case object
    case sharedLibrary
    case plainModule
    /// A shared library that stays one: the result is linked with it at run time.
    case neededLibrary
  }

  let origin: Origin
  /// The mapped file; for an archive's member, the member.
  let file: InputFile
  /// The module name under which other units import from it (`NAME=FILE`).
  var moduleName: ByteString?

  // MARK: What the file declares

  var types = ParsedTypes()
  var functionImports: [FunctionImport] = []
  var tableImports: [Import] = []
  var memoryImports: [Import] = []
  var globalImports: [Import] = []
  var tagImports: [Import] = []
  var functions: [Function] = []
  var tables: [Table] = []
  var memories: [Memory] = []
  var globals: [GlobalVariable] = []
  var tags: [Tag] = []
  var exports: [Export] = []
  var startFunction: UInt32?
  /// By function that the unit defines: the name that its export must have (`export_name` attribute), which may be
  /// empty. Few have one.
  var exportNames: [Int: ByteString] = [:]
  var segments: [Segment] = []
  var elements: [ElementSegment] = []
  var customSections: [CustomSection] = []
  var features: [TargetFeature] = []
  var producers: ByteReader?
  var names = NameSection()
  var dylink: DylinkSection?

  /// The code section's payload, if there is one, and its index among the sections.
  var code: Section?
  var dataSectionIndex: UInt32 = none32
  /// Offset of the data section's payload in the file.
  var dataPayloadOffset = 0
  /// Relocation sections of an object, not yet decoded, each with the section that it speaks of.
  var relocationSections: [ByteReader] = []

  // MARK: What linking works on

  var symbols: [UnitSymbol] = []
  /// For each symbol, the number of its name among all names of the link; `none32` for local symbols.
  var nameNumbers: [UInt32] = []
  /// For each COMDAT group, the number of its name.
  var comdatNumbers: [UInt32] = []
  var comdats: [ByteString] = []
  var initFunctions: [InitFunction] = []
  var relocations: [Relocation] = []
  var wideAddends: [Int64] = []
  /// Operands of an object are padded by agreement; those of a lifted unit may be of any length.
  var mayChangeSize = false
  /// Memory for bytes and names that the file does not have.
  let arena = NameArena()
  /// What lifting found beyond symbols and relocations.
  var lifted: LiftedFacts?

  private var directlyCalled: [Bool]?
  private var hasDecodedRelocations = false

  // MARK: Where it stands in the link

  /// Index among the units.
  var index: UInt32 = 0
  /// Index of its first defined function, segment, … among those of all units.
  var bases = ElementBases()
  /// For each symbol, its index in the symbol table of the link.
  var symbolIDs: [SymbolID] = []
  /// For each type, its index among all types of the link.
  var typeIDs: [TypeID] = []
  /// For each COMDAT group, whether another unit's group of that name was chosen instead.
  var discardedComdats: [Bool] = []
  /// Whether nothing can keep the functions of a discarded COMDAT group, so that their relocations are not needed.
  var dropsDiscardedFunctions = false
  /// Whether the file was named on the command line, so that its constructors run even if nothing refers to it.
  var isNamedExplicitly = true
  /// Whether code refers to table 0 without saying so, as objects made without reference types do.
  var usesTableWithoutRelocations = false

  init(origin: Origin, file: InputFile) {
    self.origin = origin
    self.file = file
  }

  /// Bits of an address, where the file says so: by its first memory, or by the type of `__memory_base`.
  var addressWidth: Int? {
    if let memory = memoryImports.first?.limits ?? memories.first?.limits { return memory.is64 ? 64 : 32 }
    if let base = globalImports.first(where: { $0.name == "__memory_base" }) {
      return base.global.valueType == 0x7E ? 64 : 32
    }
    return nil
  }

  /// Whether the unit was a finished module, whose symbols and relocations were recovered.
  var isLifted: Bool { origin == .sharedLibrary || origin == .plainModule }

  /// Whether other units see it as a library: a plain module with a name is one to those who import from it by that
  /// name.
  var isLibraryToOthers: Bool { origin == .sharedLibrary || origin == .plainModule && moduleName != nil }

  func addend(of relocation: Relocation) -> Int64 {
    relocation.hasWideAddend ? wideAddends[Int(relocation.storedAddend)] : Int64(relocation.storedAddend)
  }

  /// Stores `addend` in `relocation`, beside it where it is too wide.
  func setAddend(_ addend: Int64, of relocation: inout Relocation) {
    if let narrow = Int32(exactly: addend) {
      relocation.storedAddend = narrow
      relocation.hasWideAddend = false
    } else {
      relocation.storedAddend = Int32(wideAddends.count)
      relocation.hasWideAddend = true
      wideAddends.append(addend)
    }
  }

  func isDiscarded(comdat: UInt32) -> Bool {
    comdat != none32 && Int(comdat) < discardedComdats.count && discardedComdats[Int(comdat)]
  }

  /// Whether a call instruction names the function symbol `index`, so that its signature matters.
  ///
  /// Only asked when signatures disagree, which is rare: relocations may have to be decoded for it.
  func callsDirectly(_ index: Int) -> Bool {
    if origin != .object { return !symbols[index].isAddressOnly }
    if directlyCalled == nil {
      var reader = RelocationReader(self)
      directlyCalled = reader.directlyCalled()
    }
    return directlyCalled![index]
  }

  /// Decodes an object's relocation sections, unless that has been done.
  ///
  /// - Throws: ``FormatError`` when an entry is damaged.
  func decodeRelocations() throws(FormatError) {
    guard origin == .object, !hasDecodedRelocations else { return }
    var reader = RelocationReader(self)
    try reader.read()
    // Not before: whoever asked first may have ignored the error.
    hasDecodedRelocations = true
  }

  /// Copies into each symbol what resolving names has to know of its element, so that it needs no look at that.
  func completeSymbols() {
    var symbols = self.symbols
    self.symbols = []
    let (functions, segments) = (functions, segments)
    let (functionImports, tagImports) = (functionImports, tagImports)
    for index in symbols.indices {
      let element = Int(symbols[index].element)
      let isUndefined = symbols[index].isUndefined
      if isUndefined { symbols[index].isPlainImport = isPlainImport(symbols[index], functionImports) }
      guard symbols[index].element != none32, symbols[index].aliasOf == none32 else { continue }
      switch symbols[index].kind {
      case .function where isUndefined: symbols[index].type = functionImports[element].type
      case .function:
        symbols[index].type = functions[element].type
        symbols[index].comdat = functions[element].comdat
      case .tag: symbols[index].type = isUndefined ? tagImports[element].type : tags[element].type
      case .data where !isUndefined:
        symbols[index].comdat = segments[element].comdat
        if segments[element].isTLS { symbols[index].flags.insert(.tls) }
      default: break
      }
    }
    for index in symbols.indices where symbols[index].aliasOf != none32 {
      symbols[index].type = symbols[Int(symbols[index].aliasOf)].type
    }
    self.symbols = symbols
  }

  private func isPlainImport(_ symbol: UnitSymbol, _ functionImports: [FunctionImport]) -> Bool {
    guard symbol.element != none32 else { return true }
    if symbol.flags.contains(.explicitName) { return false }
    let index = Int(symbol.element)
    switch symbol.kind {
    case .function: return functionImports[index].module == "env"
    case .global: return globalImports[index].module == "env"
    case .tag: return tagImports[index].module == "env"
    case .table: return tableImports[index].module == "env"
    case .data, .section: return true
    }
  }

  /// The type of a global of the unit's index space.
  func globalType(_ index: UInt32) -> GlobalType? {
    if Int(index) < globalImports.count { return globalImports[Int(index)].global }
    let defined = Int(index) - globalImports.count
    return defined < globals.count ? globals[defined].type : nil
  }
}

/// Offsets of a unit's elements in the flat arrays over all units.
struct ElementBases {
  var function: UInt32 = 0
  var segment: UInt32 = 0
  var global: UInt32 = 0
  var tag: UInt32 = 0
  var table: UInt32 = 0
  var memory: UInt32 = 0
  var custom: UInt32 = 0
  var element: UInt32 = 0
}
