import WebAssemblyFormat

/// Globals that hold an address, for code that reads it from there: the global offset table.
struct AddressGlobals {
  /// Symbols whose address a global of the result holds, in order.
  private(set) var own: [SymbolID] = []
  /// Symbols whose address the dynamic linker puts into an imported global, in order.
  private(set) var imported: [SymbolID] = []
  private var known: Set<SymbolID> = []

  /// Takes what relocations ask for.
  init(_ demands: Demands, _ resolution: Resolution, _ options: LinkOptions) {
    for case (_, .addressGlobal(let id)) in demands.inOrder where known.insert(id).inserted {
      if resolution.symbol(id).needsImportedAddress(options) { imported.append(id) } else { own.append(id) }
    }
  }

  /// Symbols that are exported because their address is imported: whoever fills it in must be able to find them.
  func exported(_ options: LinkOptions) -> [SymbolID] { options.isPositionIndependent ? imported : [] }

  func contains(_ id: SymbolID) -> Bool { known.contains(id) }
}
