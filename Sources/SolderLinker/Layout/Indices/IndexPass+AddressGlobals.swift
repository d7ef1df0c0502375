import WebAssemblyFormat

// Globals that hold an address: the global offset table of a position-independent result.
extension IndexPass {
  mutating func addAddressGlobal(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    if symbol.needsImportedAddress(options) {
      guard plan.addressGlobalIndices[id] == nil else { return }
      plan.addressGlobalIndices[id] = next(\.globals)
      plan.importedAddresses.append(id)
      // Whoever fills in the address must be able to find the symbol.
      if options.isPositionIndependent { resolution.table.symbols[Int(id)].attributes.insert(.forceExport) }
      return
    }
    guard plan.addressGlobalIndices[id] == nil else { return }
    plan.addressGlobalIndices[id] = none32  // Numbered with the globals.
    plan.addressGlobals.append(id)
    if symbol.kind == .function {
      needsFunctionTable = true
      addSlot(id)
    }
  }
}
