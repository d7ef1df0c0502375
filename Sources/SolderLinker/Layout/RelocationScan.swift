import WebAssemblyFormat

/// What the relocations of one unit ask for, in the order in which they do.
struct ScanResult: Sendable {
  /// Types that code names, by index in the unit, each once.
  var types: [UInt32] = []
  var demands: [Demand] = []
}

/// What a relocation asks for, or is wrong with it.
enum Demand: Sendable {
  /// A slot of the function table, once for each function.
  case slot(SymbolID)
  /// A global that holds the address, once for each symbol.
  case addressGlobal(SymbolID)
  /// A definition that there is none of; with the function that refers to it (`none32` for data).
  case definition(SymbolID, function: UInt32)
  /// Nothing: it cannot be.
  case impossible(SymbolID, RelocationKind, InvalidReference)
}

enum InvalidReference {
  case needsPIC
  case undefinedTLS
  case notTLS
  /// Thread-local data that an object placed in a segment of this name.
  case outsideTLS(segment: ByteString)
}

/// Looks at the relocations of everything live, one task a unit: which functions need a table slot, which addresses a
/// global, which types are used, and what is missing.
struct RelocationScan {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let options: LinkOptions

  func scan(_ unit: Unit) -> ScanResult {
    var result = ScanResult()
    var seen = Seen(unit)
    for (index, function) in unit.functions.enumerated() where live.functions[Int(unit.bases.function) + index] {
      scan(function.body.relocations, of: unit, function: UInt32(index), &seen, &result)
    }
    for (index, segment) in unit.segments.enumerated() where live.segments[Int(unit.bases.segment) + index] {
      scan(segment.relocations, of: unit, function: none32, &seen, &result)
      if case .kept(_, let offset) = segment.placement {
        scan(offset.relocations, of: unit, function: none32, &seen, &result)
      }
    }
    if unit.origin == .object {
      // Debug information keeps nothing alive, so it demands nothing where only what lives is kept.
      if options.gcSections { return result }
      for section in unit.customSections where !unit.isDiscarded(comdat: section.comdat) {
        scan(section.relocations, of: unit, function: none32, &seen, &result)
      }
    } else {
      scanDeclarations(of: unit, &seen, &result)
    }
    return result
  }

  private func scanDeclarations(of unit: Unit, _ seen: inout Seen, _ result: inout ScanResult) {
    func scan(_ fragment: Fragment) {
      self.scan(fragment.relocations, of: unit, function: none32, &seen, &result)
    }
    for (index, global) in unit.globals.enumerated() where live.globals[Int(unit.bases.global) + index] {
      scan(global.declaration)
      scan(global.initializer)
    }
    for (index, table) in unit.tables.enumerated() where live.tables[Int(unit.bases.table) + index] {
      scan(table.declaration)
      if let initializer = table.initializer { scan(initializer) }
    }
    for (index, element) in unit.elements.enumerated() where live.elements[Int(unit.bases.element) + index] {
      if let offset = element.offset { scan(offset) }
      if let type = element.elementType { scan(type) }
      scan(element.items)
    }
    for entry in unit.globalImports + unit.tableImports { scan(entry.declaration) }
  }

  /// What has been noted of a unit's symbols and types already.
  private struct Seen {
    var types: [Bool]
    var slots: [Bool]
    var globals: [Bool]

    init(_ unit: Unit) {
      types = Array(repeating: false, count: unit.types.count)
      slots = Array(repeating: false, count: unit.symbols.count)
      globals = Array(repeating: false, count: unit.symbols.count)
    }
  }

  private func scan(
    _ range: RelocationRange, of unit: Unit, function: UInt32, _ seen: inout Seen, _ result: inout ScanResult
  ) {
    guard !range.isEmpty else { return }
    let relocations = unit.relocations
    let symbolIDs = unit.symbolIDs
    let unsettled = live.unsettled
    for index in range.indices {
      let relocation = relocations[index]
      let target = Int(relocation.target)
      switch relocation.kind {
      case .typeIndexLEB, .signedTypeIndex:
        if !seen.types[target] {
          seen.types[target] = true
          result.types.append(relocation.target)
        }
        continue
      case .memoryIndex, .implicitMemory, .dataIndex, .elementIndex, .constantNumber, .removedCall, .sectionOffsetI32:
        continue
      default: break
      }
      guard relocation.target != none32 else { continue }
      let id = symbolIDs[target]
      // Most references are to something that is there, and ask for nothing.
      if !unsettled[Int(id)] {
        if !relocation.kind.asksForMore || relocation.kind.isTableIndex && seen.slots[target] { continue }
      }
      let symbol = resolution.symbol(id)
      if relocation.kind.isTableIndex {
        if !seen.slots[target], !needsImportedAddress(symbol) {
          seen.slots[target] = true
          result.demands.append(.slot(id))
        }
      } else if relocation.kind == .globalIndexLEB || relocation.kind == .globalIndexI32, symbol.kind != .global {
        if !seen.globals[target], !unit.isLifted {
          seen.globals[target] = true
          result.demands.append(.addressGlobal(id))
        }
      }
      check(relocation, symbol, id, unit, function, &seen, &result)
    }
  }

  private func check(
    _ relocation: Relocation, _ symbol: Symbol, _ id: SymbolID, _ unit: Unit, _ function: UInt32, _ seen: inout Seen,
    _ result: inout ScanResult
  ) {
    if relocation.kind == .memoryAddressTLSSLEB || relocation.kind == .memoryAddressTLSSLEB64 {
      if !symbol.isDefined {
        result.demands.append(.impossible(id, relocation.kind, .undefinedTLS))
      } else if options.sharedMemory, !symbol.isTLS {
        result.demands.append(.impossible(id, relocation.kind, .notTLS))
      } else if options.sharedMemory, let segment = ordinarySegment(of: symbol) {
        result.demands.append(.impossible(id, relocation.kind, .outsideTLS(segment: segment)))
      }
    }
    if options.isPositionIndependent || symbol.isUndefined && options.unresolvedSymbols == .importDynamic {
      switch relocation.kind {
      case .tableIndexSLEB, .tableIndexSLEB64, .memoryAddressSLEB, .memoryAddressLEB, .memoryAddressSLEB64,
        .memoryAddressLEB64:
        result.demands.append(.impossible(id, relocation.kind, .needsPIC))
      case .tableIndexI32, .tableIndexI64, .memoryAddressI32, .memoryAddressI64:
        if needsImportedAddress(symbol), !seen.globals[Int(relocation.target)] {
          seen.globals[Int(relocation.target)] = true
          result.demands.append(.addressGlobal(id))
        }
      default: break
      }
    }
    if symbol.isUndefined, options.output != .relocatable, !symbol.isWeak, !symbol.has(.provided) {
      result.demands.append(.definition(id, function: function))
    }
  }

  /// The name of the segment of the result that holds a symbol's data, if that is not the thread-local one.
  private func ordinarySegment(of symbol: Symbol) -> ByteString? {
    guard symbol.kind == .data, symbol.element != none32 else { return nil }
    let output = memory.outputSegments[Int(symbol.element)]
    guard output != none32, !memory.segments[Int(output)].flags.contains(.tls) else { return nil }
    return memory.segments[Int(output)].name
  }

  /// Whether only the dynamic linker knows the address.
  func needsImportedAddress(_ symbol: Symbol) -> Bool {
    if symbol.has(.provided) { return true }
    guard options.isPositionIndependent || options.unresolvedSymbols == .importDynamic else { return false }
    if symbol.isHidden || symbol.isLocal { return false }
    if symbol.isDefined, options.output != .shared || options.bindsSymbolsLocally { return false }
    return true
  }
}

extension RelocationKind {
  /// Whether a relocation may ask for more than the index or the address of something that is there.
  fileprivate var asksForMore: Bool {
    switch self {
    case .globalIndexLEB, .globalIndexI32, .memoryAddressTLSSLEB, .memoryAddressTLSSLEB64: true
    default: isTableIndex
    }
  }
}
