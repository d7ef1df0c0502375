import WebAssemblyFormat

/// Gives the addresses that the linker defines their values, and defines the bounds of segments.
enum AddressSymbols {
  static func define(
    _ resolution: inout Resolution, _ memory: MemoryPlan, _ options: LinkOptions, _ diagnostics: Diagnostics
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
        case .tableBase: options.tableBase ?? 0
        case .firstPageEnd: options.pageSize
        }
      resolution.table.symbols[Int(id)].value = value
    }
    guard options.output != .relocatable else { return }
    if options.exportAll, let flag = memory.initMemoryFlag {
      let name = ByteString("__wasm_init_memory_flag")
      let id = resolution.table.insert(name, kind: .data, flags: .visibilityHidden, unit: 0).id
      resolution.table.symbols[Int(id)].defineAbsoluteData(flag)
    }
    for segment in memory.segments where segment.isPlaced && isIdentifier(segment.name) {
      defineBound("__start_", of: segment, segment.address, &resolution, options)
      defineBound("__stop_", of: segment, segment.address &+ segment.size, &resolution, options)
    }
    checkExports(&resolution, options, diagnostics)
  }

  private static func defineBound(
    _ prefix: String, of segment: OutputSegment, _ address: UInt64, _ resolution: inout Resolution,
    _ options: LinkOptions
  ) {
    let name = resolution.synthetic.names.intern(prefix + segment.name.description)
    let isExported = resolution.explicitExports.contains(name)
    let id: SymbolID
    if let found = resolution.table.find(name) {
      guard !resolution.symbol(found).isDefined else { return }
      id = found
    } else {
      guard isExported || options.exportAll else { return }
      id = resolution.table.insert(name, kind: .data, flags: [], unit: 0).id
    }
    resolution.table.symbols[Int(id)].defineAbsoluteData(address)
    if isExported {
      resolution.table.symbols[Int(id)].attributes.insert(.forceExport)
    }
  }

  /// Symbols that have to be exported must exist by now.
  private static func checkExports(
    _ resolution: inout Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics
  ) {
    for name in options.exports {
      if let id = resolution.table.find(resolution.synthetic.names.intern(name)), resolution.symbol(id).isDefined {
        continue
      }
      let message = "symbol exported via --export not found: \(name)"
      switch options.unresolvedSymbols {
      case .error: diagnostics.error(message)
      case .warn: diagnostics.warn(message)
      case .ignore, .importDynamic: break
      }
    }
  }

  private static func isIdentifier(_ name: ByteString) -> Bool {
    guard let first = name.bytes.first, !(first >= 0x30 && first <= 0x39) else { return false }
    return name.bytes.allSatisfy {
      $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A
    }
  }
}
