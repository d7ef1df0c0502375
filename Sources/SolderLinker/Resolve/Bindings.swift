import WebAssemblyFormat

/// What name resolution decided: the modules in the link, and the meaning of every name.
struct Bindings {
  var table: SymbolTable
  let types: TypeTable
  /// All modules, the linker's own first.
  let modules: [BoundModule]
  /// Where each of them stands among all.
  let places: [UnitPlace]
  /// Indices of the other modules, in the order of the link.
  let linkOrder: [UnitID]
  /// What the linker itself defines.
  let own: SyntheticFunctions
  let wellKnown: WellKnownSymbols
  let extractions: [Extraction]
  /// What the program starts with, where the link has it.
  let entry: SymbolID?
  /// Symbols that `--export` and its relatives name.
  let explicitExports: [ByteString]
  /// Names under which the result exports what it imports itself.
  let exportedImports: [ExportedImport]
  /// Which memory each memory of a module is.
  let memories: MemoryBinding
  /// The unit that finds libraries for the program, if it opens any.
  let dlopen: DlopenPlace?
  /// The unit of emscripten's trampolines, if there is one.
  let trampolines: TrampolinePlace?
  /// The unit of functions that stand in for others in further slots, if there is one.
  let forwarders: ForwarderPlace?
  /// The unit of functions that trap because nobody defines them.
  let stubs: UnitID?
  /// Relocations of objects that were decoded beside resolving, by module.
  let decoded: [UnitID: UnitRelocations]

  var inLinkOrder: some Sequence<BoundModule> { linkOrder.lazy.map { modules[$0] } }
}
