import WebAssemblyFormat

/// An ``InputModule`` that is being read: its reader's alone, and so of one thread at a time.
///
/// The properties are those of the module, where they are explained.
final class ModuleDraft {
  let origin: InputModule.Origin
  let file: InputFile
  let moduleName: ByteString?
  let isNamedExplicitly: Bool
  /// Its imports from `env` are from a module of that name.
  let takesEnvForModule: Bool
  /// How the program can open it, if it can.
  let opening: Opening?

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
  var startFunction: FunctionIndex?
  var hasDataCount = false
  var exportNames: [Int: ByteString] = [:]
  var segments: [Segment] = []
  var elements: [ElementSegment] = []
  var customSections: [CustomSection] = []
  var features: [TargetFeature] = []
  var producers: ByteReader?
  var names = NameSection()
  var dylink: DylinkSection?
  var code: Section?
  var dataSectionIndex: UInt32?
  var dataPayloadOffset = 0
  var relocationSections: [ByteReader] = []
  var translation: CodeTranslation?

  var symbols: [UnitSymbol] = []
  var nameNumbers: [PackedIndex<LinkNames>] = []
  var comdatNumbers: [NameNumber] = []
  var comdats: [ByteString] = []
  var initFunctions: [InitFunction] = []
  var declaredRelocations = DeclaredRelocations()
  var lifted: LiftedFacts?
  var usesTableWithoutRelocations = false
  /// Memory for bytes that the file does not have.
  let arena = NameArena()

  init(
    origin: InputModule.Origin, file: InputFile, moduleName: ByteString? = nil, isNamedExplicitly: Bool = true,
    takesEnvForModule: Bool = false, opening: Opening? = nil
  ) {
    self.opening = opening
    self.takesEnvForModule = takesEnvForModule
    self.origin = origin
    self.file = file
    self.moduleName = moduleName
    self.isNamedExplicitly = isNamedExplicitly
  }

  var isLifted: Bool { origin.isLifted }

  var addressWidth: Int? {
    if let memory = memoryImports.first?.limits ?? memories.first?.limits { return memory.is64 ? 64 : 32 }
    if let base = globalImports.first(where: { $0.name == "__memory_base" }) {
      return base.global.valueType == 0x7E ? 64 : 32
    }
    return nil
  }

  /// The memory that a shared library imports as the program's (tool-conventions, DynamicLinking.md).
  var libraryMemory: MemoryIndex? {
    memoryImports.firstIndex { $0.module == "env" && $0.name == "memory" }.map { MemoryIndex($0) }
  }

  /// The type of a global of the module's index space.
  func globalType(_ index: GlobalIndex) -> GlobalType? {
    if Int(index) < globalImports.count { return globalImports[Int(index)].global }
    let defined = Int(index) - globalImports.count
    return defined < globals.count ? globals[defined].type : nil
  }

  /// Stores `addend` in `relocation`, beside it where it is too wide.
  func setAddend(_ addend: Int64, of relocation: inout Relocation) {
    relocation.setAddend(addend, beside: &declaredRelocations.wideAddends)
  }

  var relocations: [Relocation] {
    _read { yield declaredRelocations.entries }
    _modify { yield &declaredRelocations.entries }
  }

  /// Copies into each symbol what resolving names has to know of its definition, so that it needs no look at that.
  func completeSymbols() {
    var symbols = self.symbols
    self.symbols = []
    let (functions, segments) = (functions, segments)
    let (functionImports, tagImports) = (functionImports, tagImports)
    for index in symbols.indices {
      if symbols[index].isUndefined { symbols[index].isPlainImport = isPlainImport(symbols[index], functionImports) }
      switch (symbols[index].kind, symbols[index].meaning) {
      case (.function, .imported(let entry)): symbols[index].type = functionImports[Int(entry)].type
      case (.function, .defined(let function)):
        symbols[index].type = functions[Int(function)].type
        symbols[index].comdat = functions[Int(function)].comdat
      case (.tag, .imported(let entry)): symbols[index].type = tagImports[Int(entry)].type
      case (.tag, .defined(let tag)): symbols[index].type = tags[Int(tag)].type
      case (.data, .defined(let segment)):
        symbols[index].comdat = segments[Int(segment)].comdat
        if segments[Int(segment)].isTLS { symbols[index].flags.insert(.tls) }
      default: break
      }
    }
    for index in symbols.indices {
      if let aliased = symbols[index].aliased { symbols[index].type = symbols[Int(aliased)].type }
    }
    self.symbols = symbols
  }

  private func isPlainImport(_ symbol: UnitSymbol, _ functionImports: [FunctionImport]) -> Bool {
    guard let entry = symbol.imported else { return true }
    if symbol.flags.contains(.explicitName) { return false }
    let index = Int(entry)
    switch symbol.kind {
    case .function: return functionImports[index].module == "env"
    case .global: return globalImports[index].module == "env"
    case .tag: return tagImports[index].module == "env"
    case .table: return tableImports[index].module == "env"
    case .data, .section: return true
    }
  }
}
