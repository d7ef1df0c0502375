import WebAssemblyFormat

/// A module together with what a pass found out about it: it passes on what the file says.
protocol ModuleView {
  var module: InputModule { get }
}

extension ModuleView {
  var contracts: Contracts { module.contracts }
  var file: InputFile { module.file }
  var moduleName: ByteString? { module.moduleName }
  var isNamedExplicitly: Bool { module.isNamedExplicitly }
  var types: ParsedTypes { module.types }
  var functionImports: [FunctionImport] { module.functionImports }
  var tableImports: [Import] { module.tableImports }
  var memoryImports: [Import] { module.memoryImports }
  var globalImports: [Import] { module.globalImports }
  var tagImports: [Import] { module.tagImports }
  var importedModules: [ByteString] { module.importedModules }
  var functions: [Function] { module.functions }
  var tables: [Table] { module.tables }
  var memories: [Memory] { module.memories }
  var globals: [GlobalVariable] { module.globals }
  var tags: [Tag] { module.tags }
  var exports: [Export] { module.exports }
  var startFunction: FunctionIndex? { module.startFunction }
  var exportNames: [Int: ByteString] { module.exportNames }
  var segments: [Segment] { module.segments }
  var elements: [ElementSegment] { module.elements }
  var customSections: [CustomSection] { module.customSections }
  var features: [TargetFeature] { module.features }
  var producers: ByteReader? { module.producers }
  var names: NameSection { module.names }
  var dylink: DylinkSection? { module.dylink }
  var symbols: [UnitSymbol] { module.symbols }
  var nameNumbers: [PackedIndex<LinkNames>] { module.nameNumbers }
  var comdats: [ByteString] { module.comdats }
  var initFunctions: [InitFunction] { module.initFunctions }
  var lifted: LiftedFacts? { module.lifted }
  var usesTableWithoutRelocations: Bool { module.usesTableWithoutRelocations }

  func globalType(_ index: GlobalIndex) -> GlobalType? { module.globalType(index) }
}

extension Array where Element: ModuleView {
  /// The unit at its place among all units.
  @inline(__always)
  subscript(unit: UnitID) -> Element {
    get { self[Int(unit)] }
    set { self[Int(unit)] = newValue }
  }

  /// The same, where there may be none.
  subscript(unit: UnitID?) -> Element? { unit.map { self[Int($0)] } }
}

extension InputModule {
  /// The names of modules that it imports from, some more than once.
  var importedModules: [ByteString] {
    functionImports.map(\.module)
      + [tableImports, memoryImports, globalImports, tagImports].flatMap { $0.map(\.module) }
  }
}
