import WebAssemblyFormat

// The linker's own functions that set up memory and relocate.
extension IndexPass {
  mutating func addInitFunctions() {
    guard options.output != .relocatable else { return }
    addDataRelocations()
    if memory.segments.contains(where: { features.needsCode(toInitialize: $0, options) }) {
      resolution.wellKnown.initializeMemory = addInitFunction("__wasm_init_memory", .initializeMemory)
    }
    if options.sharedMemory {
      if resolution.wellKnown.initializeMemory != nil { markThreadBase() }
      addThreadRelocations()
    }
    if options.isPositionIndependent, !features.hasExtendedConst,
      plan.addressGlobals.contains(where: { !resolution.symbol($0).isTLS })
    {
      let id = addInitFunction("__wasm_apply_global_relocs", .applyGlobalRelocations)
      resolution.wellKnown.applyGlobalRelocations = id
    }
    if let relocate = resolution.wellKnown.applyGlobalRelocations, let copy = resolution.wellKnown.initializeMemory {
      resolution.wellKnown.start = addInitFunction("__wasm_start", .callAll([relocate, copy]))
    }
  }

  /// Each thread's block of thread-local data is relocated when it is set up.
  private mutating func addThreadRelocations() {
    if plan.addressGlobals.contains(where: { resolution.symbol($0).isTLS }) {
      let id = addInitFunction("__wasm_apply_global_tls_relocs", .applyGlobalTLSRelocations)
      resolution.wellKnown.applyGlobalTLSRelocations = id
      markThreadBase()
    }
    let hasRelocations = memory.segments.contains { segment in
      segment.flags.contains(.tls)
        && segment.pieces.contains { piece in
          !resolution.units[Int(piece.unit)].segments[Int(piece.segment)].relocations.isEmpty
        }
    }
    if hasRelocations {
      resolution.wellKnown.applyTLSRelocations = addInitFunction("__wasm_apply_tls_relocs", .applyTLSRelocations)
    }
  }

  /// `--export-all` means these too.
  private mutating func addInitFunction(_ name: String, _ body: SyntheticBody) -> SymbolID {
    let id = addFunction(name, body)
    if options.exportAll { plan.ownExports.append(id) }
    return id
  }

  private mutating func markThreadBase() {
    if let id = resolution.wellKnown.tlsBase { live.markGlobal(resolution.symbol(id).element) }
  }

  /// Later releases make the function that relocates data only when there is something to relocate.
  private mutating func addDataRelocations() {
    let name = ByteString("__wasm_apply_data_relocs")
    guard options.relocatesDataAtRunTime, options.compatibility.omitsEmptyDataRelocations,
      resolution.table.find(name).map({ resolution.symbol($0).isUndefined }) ?? true, hasDataRelocations
    else { return }
    let function = resolution.synthetic.add(
      .applyDataRelocations, named: name.description, type: resolution.types.emptyFunction)
    let id = resolution.table.insert(name, kind: .function, flags: .exported, unit: 0).id
    var symbol = Symbol(
      name: name, kind: .function, state: .defined, flags: .exported, unit: 0,
      element: resolution.units[0].bases.function + function)
    symbol.type = resolution.types.emptyFunction
    resolution.table.symbols[Int(id)] = symbol
    resolution.wellKnown.applyDataRelocations = id
  }

  private var hasDataRelocations: Bool {
    memory.segments.contains { segment in
      guard !options.sharedMemory || !segment.flags.contains(.tls) else { return false }
      return segment.pieces.contains { piece in
        let unit = resolution.units[Int(piece.unit)]
        return unit.segments[Int(piece.segment)].relocations.indices.contains { index in
          let id = unit.symbolIDs[Int(unit.relocations[index].target)]
          return options.isPositionIndependent
            || !resolution.symbol(id).isDefined && plan.addressGlobalIndices[id] != nil
        }
      }
    }
  }

  mutating func addFunction(_ name: String, _ body: SyntheticBody) -> SymbolID {
    addFunction(name, body, type: resolution.types.emptyFunction)
  }

  mutating func addFunction(
    _ name: String, _ body: SyntheticBody, type: TypeID, exportName: ByteString? = nil
  ) -> SymbolID {
    let function = resolution.synthetic.add(body, named: name, type: type, exportName: exportName)
    var symbol = Symbol(
      name: resolution.synthetic.name(of: function), kind: .function, state: .defined, flags: .visibilityHidden,
      unit: 0, element: resolution.units[0].bases.function + function)
    symbol.type = type
    return resolution.table.addUnnamed(symbol)
  }
}
