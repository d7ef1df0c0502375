import WebAssemblyFormat

/// Globals that hold an address, for code that reads it from there: the global offset table.
struct AddressGlobals {
  /// Symbols whose address a global of the result holds, in order.
  private(set) var own: [SymbolID] = []
  /// Symbols whose address the dynamic linker puts into an imported global, in order.
  private(set) var imported: [SymbolID] = []
  private var known: Set<SymbolID> = []

  /// Takes what relocations ask for.
  init(_ demands: Demands, _ missing: MissingFunctions, _ resolution: Resolution, _ options: LinkOptions) {
    var stubs: Set<SymbolID> = []
    for (_, demand) in demands.inOrder {
      switch demand {
      case .definition(let id, _): if missing.stubs[id] != nil { stubs.insert(id) }
      case .addressGlobal(let id):
        guard known.insert(id).inserted else { continue }
        // From its first call on, a function that is missing is the stub.
        if !stubs.contains(id), resolution.symbol(id).needsImportedAddress(options) {
          imported.append(id)
        } else {
          own.append(id)
        }
      case .slot, .impossible: break
      }
    }
  }

  /// Symbols that are exported because their address is imported: whoever fills it in must be able to find them.
  func exported(_ options: LinkOptions) -> [SymbolID] { options.isPositionIndependent ? imported : [] }

  func contains(_ id: SymbolID) -> Bool { known.contains(id) }
}
