import WebAssemblyFormat

/// What the relocations of one unit, or of some of its functions, ask for, in the order in which they do.
struct ScanResult: Sendable {
  /// Types that code names, by index in the unit, each once.
  var types: [TypeIndex] = []
  var demands: [Demand] = []
}

/// What a relocation asks for, or is wrong with it.
enum Demand: Sendable {
  /// A slot of the function table, once for each function.
  case slot(SymbolID)
  /// A global that holds the address, once for each symbol.
  case addressGlobal(SymbolID)
  /// A definition that there is none of; with the function that refers to it, of those that the unit defines; `nil` for
  /// data.
  case definition(SymbolID, function: DefinitionIndex?)
  /// Nothing: it cannot be.
  case impossible(SymbolID, RelocationKind, InvalidReference)
}

enum InvalidReference {
  case needsPIC
  case undefinedTLS
  case notTLS
  /// Counted from a base that is the result's own.
  case undefinedRelative
  /// Thread-local data of a library, of which only code can find a thread's copy.
  case threadLocalOfLibrary
  /// Thread-local data that an object placed in a segment of this name.
  case outsideTLS(segment: ByteString)
}

/// Looks at the relocations of everything live, one task a unit or some thousand functions of it: which functions need a
/// table slot, which addresses a global, which types are used, and what is missing.
struct RelocationScan {
  let resolution: Resolution
  let live: Liveness
  /// Functions that are not in the result, and whose relocations ask for what those of identical ones ask for.
  let folds: FunctionFolds
  let memory: MemoryPlan
  let options: LinkOptions

  /// The relocations of one task.
  struct Part: Sendable {
    let unit: Unit
    let functions: Range<Int>
    /// Whether everything but functions belongs to it.
    let hasRest: Bool
  }

  /// Divides units into parts, in order. What several parts of a unit ask for, each tells.
  static func parts(of units: [Unit], functions limit: Int = 8192) -> [Part] {
    units.flatMap { unit in
      let count = unit.functions.count
      return stride(from: 0, through: max(0, count - 1), by: limit).map { first in
        Part(unit: unit, functions: first..<min(first + limit, count), hasRest: first + limit >= count)
      }
    }
  }

  func scan(_ part: Part) -> ScanResult {
    let unit = part.unit
    var result = ScanResult()
    var seen = Seen(unit)
    let source = RelocatedUnit(unit)
    let functions = unit.functionRelocations
    for index in part.functions where live.functions[unit.bases.function + index] {
      if folds.contains(unit.bases.function + index) { continue }
      scan(functions[index], of: source, function: DefinitionIndex(index), &seen, &result)
    }
    if part.hasRest { scanRest(of: source, &seen, &result) }
    return result
  }

  private func scanRest(of source: RelocatedUnit, _ seen: inout Seen, _ result: inout ScanResult) {
    let unit = source.unit
    let segments = unit.segments
    for index in segments.indices where live.segments[unit.bases.segment + index] {
      scan(unit.segmentRelocations[index], of: source, function: nil, &seen, &result)
      if case .kept(_, let offset) = segments[index].placement {
        scan(offset.relocations, of: source, function: nil, &seen, &result)
      }
    }
    if unit.contracts.relocatesCustomSections {
      // Debug information keeps nothing alive, so it demands nothing where only what lives is kept.
      if options.gcSections { return }
      for (index, section) in unit.customSections.enumerated() where !unit.isDiscarded(comdat: section.comdat) {
        scan(unit.customRelocations[index], of: source, function: nil, &seen, &result)
      }
    } else {
      scanDeclarations(of: source, &seen, &result)
      scanStartUp(of: unit, &result)
    }
  }

  /// What runs at start may be what the unit imports; no relocation says so.
  private func scanStartUp(of unit: Unit, _ result: inout ScanResult) {
    guard unit.contracts.isRecovered, live.units[Int(unit.index)] else { return }
    for id in unit.functionsAtStart.map(unit.id(of:)) {
      let symbol = resolution.symbol(id)
      if isMissing(symbol), !symbol.isWeak { result.demands.append(.definition(id, function: nil)) }
    }
  }

  private func scanDeclarations(of source: RelocatedUnit, _ seen: inout Seen, _ result: inout ScanResult) {
    let unit = source.unit
    func scan(_ fragment: Fragment) {
      self.scan(fragment.relocations, of: source, function: nil, &seen, &result)
    }
    for (index, global) in unit.globals.enumerated() where live.globals[unit.bases.global + index] {
      scan(global.declaration)
      scan(global.initializer)
    }
    for (index, table) in unit.tables.enumerated() where live.tables[unit.bases.table + index] {
      scan(table.declaration)
      if let initializer = table.initializer { scan(initializer) }
    }
    for (index, element) in unit.elements.enumerated() where live.elements[unit.bases.element + index] {
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
    var globalIndices: [Bool]

    init(_ unit: Unit) {
      types = Array(repeating: false, count: unit.types.count)
      slots = Array(repeating: false, count: unit.symbols.count)
      globals = Array(repeating: false, count: unit.symbols.count)
      globalIndices = globals
    }

    /// The first relocation that may ask for something that has not been noted. Most refer to what is there, or repeat
    /// what others asked for, so this loop is where scanning spends its time.
    func next(
      in range: Range<Int>, of relocations: [Relocation], _ symbolIDs: Row<UnitSymbols, SymbolID>, unsettled: [Bool]
    ) -> Int {
      for index in range {
        let target = relocations[index].target
        switch relocations[index].kind {
        case .typeIndexLEB, .signedTypeIndex:
          if types[Int(target)] { continue }
        case .memoryIndex, .implicitMemory, .dataIndex, .elementIndex, .constantNumber, .removedCall, .sectionOffsetI32:
          continue
        case .memoryAddressTLSSLEB, .memoryAddressTLSSLEB64:
          if !relocations[index].hasTarget { continue }
        case .globalIndexLEB, .globalIndexI32:
          if !relocations[index].hasTarget
            || globalIndices[Int(target)] && !unsettled[Int(symbolIDs[relocations[index].namedSymbol])]
          {
            continue
          }
        case .tableIndexSLEB, .tableIndexI32, .tableIndexRelativeSLEB, .tableIndexSLEB64, .tableIndexI64,
          .tableIndexRelativeSLEB64, .constantTableIndex:
          if !relocations[index].hasTarget
            || slots[Int(target)] && !unsettled[Int(symbolIDs[relocations[index].namedSymbol])]
          {
            continue
          }
        default:
          if !relocations[index].hasTarget || !unsettled[Int(symbolIDs[relocations[index].namedSymbol])] { continue }
        }
        return index
      }
      return range.upperBound
    }
  }

  private func scan(
    _ range: RelocationRange, of source: RelocatedUnit, function: DefinitionIndex?, _ seen: inout Seen,
    _ result: inout ScanResult
  ) {
    var index = Int(range.start)
    let end = Int(range.end)
    while true {
      index = seen.next(in: index..<end, of: source.relocations, source.symbolIDs, unsettled: live.unsettled)
      guard index < end else { return }
      note(source.relocations[index], of: source, function: function, &seen, &result)
      index += 1
    }
  }

  private func note(
    _ relocation: Relocation, of source: RelocatedUnit, function: DefinitionIndex?, _ seen: inout Seen,
    _ result: inout ScanResult
  ) {
    let target = Int(relocation.target)
    if relocation.kind == .typeIndexLEB || relocation.kind == .signedTypeIndex {
      seen.types[target] = true
      result.types.append(relocation.type)
      return
    }
    let id = source.symbolIDs[relocation.namedSymbol]
    let symbol = resolution.symbol(id)
    if relocation.kind.isTableIndex {
      if !seen.slots[target], !symbol.needsImportedAddress(options) {
        seen.slots[target] = true
        result.demands.append(.slot(id))
      }
    } else if relocation.kind == .globalIndexLEB || relocation.kind == .globalIndexI32 {
      seen.globalIndices[target] = true
      if symbol.kind != .global, !seen.globals[target], source.unit.contracts.wantsAddressGlobals {
        seen.globals[target] = true
        result.demands.append(.addressGlobal(id))
      }
    }
    if relocation.kind == .constantMemoryAddress, function != nil,
      resolution.isAddressVariable(symbol, for: source.unit, options)
    {
      if !seen.globals[target] {
        seen.globals[target] = true
        result.demands.append(.addressGlobal(id))
      }
    } else if symbol.isTLS, symbol.kind == .data, !resolution.countsFromBase(symbol, for: source.unit, options) {
      checkThreadLocal(relocation, symbol, id, source.unit, &result)
    }
    check(relocation, symbol, id, source.unit, function, &seen, &result)
  }

  /// Thread-local data of a library, and everybody's as a library sees it, has its address in a variable.
  private func checkThreadLocal(
    _ relocation: Relocation, _ symbol: Symbol, _ id: SymbolID, _ unit: Unit, _ result: inout ScanResult
  ) {
    let isOfLibrary = resolution.isInLibraryBlock(symbol)
    guard isOfLibrary || options.sharedMemory && !unit.contracts.wantsAddressGlobals,
      relocation.kind != .globalIndexLEB,
      relocation.kind != .globalIndexI32
    else { return }
    result.demands.append(.impossible(id, relocation.kind, .threadLocalOfLibrary))
  }

  private func check(
    _ relocation: Relocation, _ symbol: Symbol, _ id: SymbolID, _ unit: Unit, _ function: DefinitionIndex?,
    _ seen: inout Seen,
    _ result: inout ScanResult
  ) {
    if relocation.kind == .memoryAddressTLSSLEB || relocation.kind == .memoryAddressTLSSLEB64 {
      if !symbol.isDefined {
        result.demands.append(.impossible(id, relocation.kind, .undefinedTLS))
      } else if options.sharedMemory || options.contract.isObject && resolution.isThreadLocalOfOneThread(symbol),
        !symbol.isTLS
      {
        result.demands.append(.impossible(id, relocation.kind, .notTLS))
      } else if options.sharedMemory, let segment = ordinarySegment(of: symbol) {
        result.demands.append(.impossible(id, relocation.kind, .outsideTLS(segment: segment)))
      }
    }
    // Data that a member offers is not imported.
    let isOffered = symbol.has(.offered) && symbol.kind == .data
    let isImported = symbol.isUndefined && !isOffered && options.unresolvedSymbols == .importDynamic
    if options.isPositionIndependent || isImported {
      switch relocation.kind {
      case .tableIndexSLEB, .tableIndexSLEB64, .memoryAddressSLEB, .memoryAddressLEB, .memoryAddressSLEB64,
        .memoryAddressLEB64:
        result.demands.append(.impossible(id, relocation.kind, .needsPIC))
      case .tableIndexI32, .tableIndexI64, .memoryAddressI32, .memoryAddressI64:
        if symbol.needsImportedAddress(options), !seen.globals[Int(relocation.target)] {
          seen.globals[Int(relocation.target)] = true
          result.demands.append(.addressGlobal(id))
        }
      default: break
      }
    }
    guard isMissing(symbol) else { return }
    if relocation.kind.isRelativeToBase, options.compatibility.rejectsRelativeUndefined {
      result.demands.append(.impossible(id, relocation.kind, .undefinedRelative))
    }
    if !symbol.isWeak { result.demands.append(.definition(id, function: function)) }
  }

  /// Whether the symbol is to be defined, and is not.
  private func isMissing(_ symbol: Symbol) -> Bool {
    symbol.isUndefined && options.contract.settlesUndefined && !symbol.has(.provided)
  }

  /// The name of the segment of the result that holds a symbol's data, if that is not the thread-local one.
  private func ordinarySegment(of symbol: Symbol) -> ByteString? {
    guard symbol.kind == .data, symbol.definition != nil else { return nil }
    guard let output = memory.outputSegments[symbol.segmentID].index, !memory.segments[Int(output)].flags.contains(.tls)
    else { return nil }
    return memory.segments[Int(output)].name
  }
}

extension Symbol {
  /// Whether only the dynamic linker knows the address.
  func needsImportedAddress(_ options: LinkOptions) -> Bool {
    if has(.provided) { return true }
    guard options.isPositionIndependent || options.unresolvedSymbols == .importDynamic else { return false }
    if isHidden || isLocal { return false }
    if isDefined, !options.contract.weakMayBeReplaced || options.bindsSymbolsLocally { return false }
    return true
  }
}
