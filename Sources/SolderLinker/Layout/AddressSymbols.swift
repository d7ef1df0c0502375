import WebAssemblyFormat

/// Gives the addresses that the linker defines their values, and defines the bounds of segments.
enum AddressSymbols {
  static func define(
    _ resolution: inout Resolution, _ own: OwnUnit, _ memory: MemoryPlan, _ options: LinkOptions,
    _ diagnostics: Diagnostics
  ) {
    for (address, id) in resolution.wellKnown.addresses {
      let value: UInt64 =
        switch address {
        case .dsoHandle, .globalBase: memory.dataStart
        case .dataEnd: memory.dataEnd
        case .stackLow: memory.stackLow
        case .stackHigh: memory.stackPointer
        case .heapBase: memory.heapBase
        case .heapEnd: memory.heapEnd
        case .memoryBase: 0
        case .tableBase: options.firstTableSlot
        case .firstPageEnd: options.pageSize
        }
      resolution.table.symbols[id].value = value
    }
    defer { checkExports(&resolution, options, diagnostics) }
    guard options.contract.definesOwnSymbols else { return }
    if options.exportAll, let flag = memory.initMemoryFlag {
      let name = ByteString("__wasm_init_memory_flag")
      if let id = resolution.table.find(name) ?? self.name(name, &resolution, own) {
        resolution.table.symbols[id].defineAbsoluteData(flag)
      }
    }
    for segment in memory.segments where segment.isPlaced && segment.name.isIdentifier {
      defineBound("__start_", of: segment, segment.address, &resolution, own)
      defineBound("__stop_", of: segment, segment.address &+ segment.size, &resolution, own)
    }
  }

  private static func defineBound(
    _ prefix: String, of segment: OutputSegment, _ address: UInt64, _ resolution: inout Resolution, _ own: OwnUnit
  ) {
    let name = resolution.synthetic.names.intern(prefix + segment.name.description)
    let id: SymbolID
    if let found = resolution.table.find(name) {
      guard !resolution.symbol(found).isDefined else { return }
      id = found
    } else {
      guard let added = self.name(name, &resolution, own) else { return }
      id = added
    }
    resolution.table.symbols[id].defineAbsoluteData(address)
    if resolution.explicitExports.contains(name) {
      resolution.table.symbols[id].attributes.insert(.forceExport)
    }
  }

  /// Gives a name to the symbol that was declared for it, if one was.
  private static func name(_ name: ByteString, _ resolution: inout Resolution, _ own: OwnUnit) -> SymbolID? {
    guard let id = own.addresses[name] else { return nil }
    resolution.table.name(id)
    return id
  }

  /// Symbols that have to be exported must exist by now, or come from a library that the result needs.
  private static func checkExports(
    _ resolution: inout Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    let missing = options.exports.map { resolution.synthetic.names.intern($0) }.filter { name in
      guard let id = resolution.table.find(name) else { return true }
      return !resolution.symbol(id).isDefined && !resolution.symbol(id).has(.provided)
    }
    guard !missing.isEmpty, options.unresolvedSymbols == .error || options.unresolvedSymbols == .warn else { return }
    let hints = SymbolHints(resolution, options)
    for (position, name) in missing.enumerated() {
      let hint = position < SymbolHints.largestCount ? hints.lineOfRequest(for: name) : nil
      let message = "symbol exported via --export not found: \(name)"
      diagnostics.report(
        isError: options.unresolvedSymbols == .error, message, hint: hint, about: "--export=\(name)", .undefinedSymbol,
        symbol: name, as: options)
    }
  }
}
