import WebAssemblyFormat

/// Numbers everything: imports first, then what is defined, in the order of the link; table slots, types and exports.
///
/// Afterwards every index of the result is final, and the only functions still without a body are the linker's own.
struct IndexPass {
  var resolution: Resolution
  var live: Liveness
  let memory: MemoryPlan
  let options: LinkOptions
  let diagnostics: Diagnostics
  let threads: Threads
  let is64: Bool
  /// Names that `--allow-undefined-file` lists.
  let allowedUndefined: Set<ByteString>
  let features: FeatureSet
  var plan = IndexPlan()

  init(
    _ resolution: consuming Resolution, _ live: Liveness, _ memory: MemoryPlan, options: LinkOptions,
    diagnostics: Diagnostics, threads: Threads, is64: Bool, allowedUndefined: Set<ByteString>, features: FeatureSet
  ) {
    self.features = features
    self.resolution = resolution
    self.live = live
    self.memory = memory
    self.options = options
    self.diagnostics = diagnostics
    self.threads = threads
    self.is64 = is64
    self.allowedUndefined = allowedUndefined
  }

  /// Of a position-independent result, the symbols that some call names.
  private var calledSymbols: [Bool] = []

  private mutating func findCalledSymbols() {
    guard options.isPositionIndependent else { return }
    calledSymbols = Array(repeating: false, count: resolution.table.symbols.count)
    for unit in resolution.inLinkOrder where unit.origin == .object {
      for (index, id) in unit.symbolIDs.enumerated() where unit.symbols[index].kind == .function {
        if unit.callsDirectly(index) { calledSymbols[Int(id)] = true }
      }
    }
  }

  /// Runs the pass; errors are in the diagnostics.
  mutating func run() {
    findCalledSymbols()
    resolveFunctionTable(isRequired: false)
    addImports()
    numberMemories()
    reserveSlots()
    scanRelocations()
    limitFunctionTable()
    addInitFunctions()
    numberElements()
    orderStart()
    registerTypes()
    addExports()
  }

  // MARK: Imports

  private mutating func addImports() {
    if let table = resolution.wellKnown.indirectFunctionTable, shouldImport(table) { addImport(table) }
    let canOverride = options.output == .shared
    let candidates = symbols { $0.kind != .data && ($0.isUndefined || canOverride && $0.isWeak) }
    for id in resolution.table.slots where candidates[Int(id)] && shouldImport(id) { addImport(id) }
    for id in candidates.indices where candidates[id] {
      let symbol = resolution.table.symbols[id]
      if symbol.has(.unnamed), symbol.isUndefined, shouldImport(SymbolID(id)) { addImport(SymbolID(id)) }
    }
    hasAddedImports = true
  }

  /// For each symbol, whether it is of some kind. Most loops over all symbols want few of them, and looking for these
  /// on all threads keeps symbols of a hundred bytes out of the loop.
  func symbols(where predicate: @Sendable (Symbol) -> Bool) -> [Bool] {
    let symbols = resolution.table.symbols
    return threads.map(symbols.count, batch: 4096) { predicate(symbols[$0]) }
  }

  private struct ImportKey: Hashable {
    var module: ByteString
    var name: ByteString
    var kind: SymbolKind
    var type: UInt64
  }

  /// Imports by what the host sees of them: several symbols may be one import.
  private var addedImports: [ImportKey: UInt32] = [:]
  private(set) var hasAddedImports = false

  mutating func addImport(_ id: SymbolID) {
    guard plan.importIndices[id] == nil else { return }
    let symbol = resolution.symbol(id)
    let (module, name) = resolution.table.importName(of: symbol)
    let key = ImportKey(module: module, name: name, kind: symbol.kind, type: typeKey(of: symbol))
    if let index = addedImports[key] {
      plan.importIndices[id] = index
      return
    }
    let kind: ExternalKind
    let index: UInt32
    switch symbol.kind {
    case .function: (kind, index) = (.function, next(\.functions))
    case .global: (kind, index) = (.global, next(\.globals))
    case .tag: (kind, index) = (.tag, next(\.tags))
    case .table: (kind, index) = (.table, next(\.tables))
    case .data, .section: return
    }
    if symbol.isDefined { resolution.table.symbols[Int(id)].attributes.insert(.preemptible) }
    addedImports[key] = index
    plan.importIndices[id] = index
    plan.imports.append(OutputImport(module: module, name: name, kind: kind, symbol: id))
  }

  private mutating func next(_ count: WritableKeyPath<IndexPlan.ImportCounts, UInt32>) -> UInt32 {
    defer { plan.importCounts[keyPath: count] += 1 }
    return plan.importCounts[keyPath: count]
  }

  private func typeKey(of symbol: Symbol) -> UInt64 {
    if let type = symbol.type { return UInt64(type.rawValue) }
    guard symbol.unit != none32, symbol.element != none32 else { return 0 }
    let unit = resolution.units[Int(symbol.unit)]
    switch symbol.kind {
    case .global:
      let type = unit.globalImports[Int(symbol.element)].global
      return UInt64(type.valueType) << 1 | (type.isMutable ? 1 : 0)
    case .table: return UInt64(unit.tableImports[Int(symbol.element)].elementType)
    default: return 0
    }
  }

  /// Whether a symbol becomes an import, as wasm-ld decides it; what a plain module leaves open always does.
  func shouldImport(_ id: SymbolID) -> Bool {
    let symbol = resolution.symbol(id)
    guard symbol.kind != .data, live.isLive(symbol, id), symbol.has(.usedInRegularUnit) else { return false }
    if options.output == .shared, symbol.isWeak, !symbol.isUndefined, !symbol.isHidden { return true }
    guard symbol.isUndefined else { return false }
    if symbol.has(.mayImport) || symbol.has(.provided) { return true }
    if symbol.isWeak, options.output != .relocatable, !options.isPositionIndependent, !symbol.has(.forceImport) {
      return false
    }
    // The address of a function that nobody calls comes by way of a global.
    if options.isPositionIndependent, symbol.kind == .function, !calledSymbols[Int(id)] { return false }
    if options.isPositionIndependent || options.output == .relocatable || options.importUndefined
      || options.unresolvedSymbols == .importDynamic
    {
      return true
    }
    if allowedUndefined.contains(symbol.name) { return true }
    return resolution.table.isExplicitImport(symbol)
  }

  private func allowsUndefined(_ symbol: Symbol) -> Bool {
    if symbol.has(.mayImport) || resolution.table.isExplicitImport(symbol) { return true }
    if symbol.kind == .function, options.importUndefined { return true }
    return allowedUndefined.contains(symbol.name)
  }

  // MARK: Scanning

  private mutating func scanRelocations() {
    let parts = RelocationScan.parts(of: Array(resolution.inLinkOrder))
    let results = scan(parts)
    var undefined = UndefinedReport()
    for (unit, result) in zip(parts.lazy.map(\.unit), results) {
      for type in result.types { _ = plan.types.register(unit.typeIDs[Int(type)], of: resolution.types) }
      for demand in result.demands {
        switch demand {
        case .slot(let id): addSlot(id)
        case .addressGlobal(let id): addAddressGlobal(id)
        case .definition(let id, let function): noteUndefined(id, function, in: unit, &undefined)
        case .impossible(let id, let kind, let reason): report(id, kind, reason, in: unit)
        }
      }
    }
    undefined.finish(resolution, diagnostics, options)
  }

  private func scan(_ parts: [RelocationScan.Part]) -> [ScanResult] {
    let scan = RelocationScan(resolution: resolution, live: live, memory: memory, options: options)
    return threads.map(parts.count, batch: parts.count > 256 ? 4 : 1) { scan.scan(parts[$0]) }
  }

  private func report(_ id: SymbolID, _ kind: RelocationKind, _ reason: InvalidReference, in unit: Unit) {
    let name = options.displayName(of: resolution.symbol(id).name)
    let head = "\(unit.file.displayName): relocation \(kind.conventionalName) cannot be used against"
    switch reason {
    case .outsideTLS(let segment): diagnostics.error("\(head) `\(name)` in non-TLS section: \(segment)")
    case .needsPIC: diagnostics.error("\(head) symbol `\(name)`; recompile with -fPIC")
    case .undefinedTLS: diagnostics.error("\(head) an undefined symbol `\(name)`")
    case .notTLS: diagnostics.error("\(head) non-TLS symbol `\(name)`")
    case .undefinedRelative:
      diagnostics.error(
        "\(unit.file.displayName): relocation \(kind.conventionalName) is not supported against an undefined symbol "
          + "`\(name)`")
    }
  }

  private mutating func noteUndefined(
    _ id: SymbolID, _ function: UInt32, in unit: Unit, _ report: inout UndefinedReport
  ) {
    let symbol = resolution.symbol(id)
    if allowsUndefined(symbol) { return }
    if unit.isLifted {
      report.add(id, unit, function, options)
    } else {
      let message = "\(unit.file.displayName): undefined symbol: \(options.displayName(of: symbol.name))"
      switch options.unresolvedSymbols {
      case .error where !options.writesDespiteErrors: diagnostics.error(message)
      case .error, .warn: diagnostics.warn(message)
      case .ignore, .importDynamic: break
      }
    }
    guard symbol.kind == .function, options.unresolvedSymbols != .importDynamic, !options.importUndefined,
      !symbol.has(.isStub)
    else { return }
    replaceWithStub(id)
  }

  /// A call of a function that is allowed to be missing traps; one stub serves all of a signature.
  private mutating func replaceWithStub(_ id: SymbolID) {
    let type = resolution.table.symbols[Int(id)].type ?? resolution.types.emptyFunction
    let function: UInt32
    if let stub = undefinedStubs[type] {
      function = stub
    } else {
      function = resolution.synthetic.add(.trap, named: "undefined_stub", type: type)
      undefinedStubs[type] = function
    }
    resolution.table.symbols[Int(id)].state = .defined
    resolution.table.symbols[Int(id)].unit = 0
    resolution.table.symbols[Int(id)].element = resolution.units[0].bases.function + function
    resolution.table.symbols[Int(id)].attributes.insert(.isStub)
    resolution.table.symbols[Int(id)].flags.formUnion([.bindingLocal, .visibilityHidden])
  }

  private var undefinedStubs: [TypeID: UInt32] = [:]

  // MARK: Addresses held by globals

  private mutating func addAddressGlobal(_ id: SymbolID) {
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
      resolveFunctionTable(isRequired: true)
      addSlot(id)
    }
  }

  // MARK: Functions of the linker

  private mutating func addInitFunctions() {
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

  // MARK: Numbering

  private mutating func numberElements() {
    let units = [resolution.units[0]] + resolution.inLinkOrder
    plan.functionIndices = Array(repeating: none32, count: live.functions.count + 4096)
    plan.globalIndices = Array(repeating: none32, count: live.globals.count + 16)
    plan.tagIndices = Array(repeating: none32, count: live.tags.count)
    plan.tableIndices = Array(repeating: none32, count: live.tables.count + 1)
    plan.elementIndices = Array(repeating: none32, count: live.elements.count)
    for unit in units {
      let base = unit.bases.function
      for index in unit.functions.indices where live.isFunctionLive(base + UInt32(index)) {
        numberFunction(unit.index, base, index)
      }
    }
    numberedFunctions = plan.functions.count
    for unit in units {
      for index in unit.globals.indices where live.isGlobalLive(unit.bases.global + UInt32(index)) {
        numberGlobal(ElementReference(unit: unit.index, index: UInt32(index)))
      }
    }
    for id in plan.addressGlobals {
      plan.addressGlobalIndices[id] =
        plan.importCounts.globals + UInt32(plan.globals.count) + UInt32(numberedAddressGlobals)
      numberedAddressGlobals += 1
    }
    for unit in units {
      for index in unit.tags.indices where live.tags[Int(unit.bases.tag) + index] {
        plan.tagIndices[Int(unit.bases.tag) + index] = plan.importCounts.tags + UInt32(plan.tags.count)
        plan.tags.append(ElementReference(unit: unit.index, index: UInt32(index)))
      }
    }
    numberTables()
    numberElementSegments()
  }

  private var numberedAddressGlobals = 0
  /// How many functions were there when elements were numbered; the linker adds some of its own later.
  private var numberedFunctions = 0

  mutating func numberFunction(_ unit: Unit, _ index: Int) { numberFunction(unit.index, unit.bases.function, index) }

  private mutating func numberFunction(_ unit: UInt32, _ base: UInt32, _ index: Int) {
    let id = Int(base) + index
    while plan.functionIndices.count <= id { plan.functionIndices.append(none32) }
    plan.functionIndices[id] = plan.importCounts.functions + UInt32(plan.functions.count)
    plan.functions.append(ElementReference(unit: unit, index: UInt32(index)))
  }

  /// Numbers a global behind those that its initial value names, since a constant expression may only name globals that
  /// come before it; a module may have imported them from one that follows in the link.
  private mutating func numberGlobal(_ global: ElementReference) {
    var stack: [(global: ElementReference, next: Int)] = [(global, 0)]
    var begun: Set = [Int(resolution.units[Int(global.unit)].bases.global + global.index)]
    while let (current, next) = stack.last {
      let unit = resolution.units[Int(current.unit)]
      let id = Int(unit.bases.global + current.index)
      let relocations = unit.globals[Int(current.index)].initializer.relocations
      guard plan.globalIndices[id] == none32, Int(relocations.start) + next < Int(relocations.end) else {
        stack.removeLast()
        guard plan.globalIndices[id] == none32 else { continue }
        plan.globalIndices[id] = plan.importCounts.globals + UInt32(plan.globals.count)
        plan.globals.append(current)
        continue
      }
      stack[stack.count - 1].next += 1
      let relocation = unit.relocations[Int(relocations.start) + next]
      guard relocation.kind == .globalIndexLEB else { continue }
      let symbol = resolution.symbol(unit.symbolIDs[Int(relocation.target)])
      guard symbol.kind == .global, symbol.isDefined, plan.globalIndices[Int(symbol.element)] == none32 else {
        continue
      }
      if !begun.insert(Int(symbol.element)).inserted {
        diagnostics.error("\(unit.file.displayName): the initial value of a global depends on itself")
        return
      }
      let owner = resolution.units[Int(symbol.unit)]
      stack.append((ElementReference(unit: owner.index, index: symbol.element - owner.bases.global), 0))
    }
  }

  private mutating func numberTables() {
    var tables: [ElementReference] = []
    for unit in Array(resolution.inLinkOrder) + [resolution.units[0]] {
      for index in unit.tables.indices where live.isTableLive(unit.bases.table + UInt32(index)) {
        tables.append(ElementReference(unit: unit.index, index: UInt32(index)))
      }
    }
    // Code of old objects means table 0 without saying so.
    if resolution.units.contains(where: { $0.usesTableWithoutRelocations }),
      let table = resolution.wellKnown.indirectFunctionTable, resolution.symbol(table).isDefined
    {
      let element = resolution.symbol(table).element
      if let position = tables.firstIndex(where: { resolution.units[Int($0.unit)].bases.table + $0.index == element }) {
        tables.insert(tables.remove(at: position), at: 0)
        reportTableImportConflict()
      }
    }
    plan.tables = tables
    for (position, table) in tables.enumerated() {
      let id = Int(resolution.units[Int(table.unit)].bases.table + table.index)
      while plan.tableIndices.count <= id { plan.tableIndices.append(none32) }
      plan.tableIndices[id] = plan.importCounts.tables + UInt32(position)
    }
    if let table = resolution.wellKnown.indirectFunctionTable {
      let symbol = resolution.symbol(table)
      plan.functionTable = symbol.isDefined ? plan.tableIndices[Int(symbol.element)] : plan.importIndices[table]
    }
  }

  private func reportTableImportConflict() {
    guard let entry = plan.imports.first(where: { $0.kind == .table }) else { return }
    let symbol = resolution.symbol(entry.symbol)
    let file = symbol.unit == none32 ? "<internal>" : resolution.units[Int(symbol.unit)].file.displayName
    diagnostics.error(
      "object file not built with 'reference-types' feature conflicts with import of table \(symbol.name) by file \(file)"
    )
  }

  /// Memories: the first is everybody's; a second plain module keeps one of its own.
  private mutating func numberMemories() {
    let owner = resolution.memoryOwner
    let ownerImports = !(owner?.memoryImports.isEmpty ?? true)
    let hasImportedFirst = options.memoryImport != nil || ownerImports
    plan.importCounts.memories = hasImportedFirst ? 1 : 0
    // Imported memories come first, so imports of all modules are numbered before any definition.
    var defined: [(unit: Unit, index: Int)] = []
    for unit in resolution.inLinkOrder where unit.isLifted {
      var indices = [UInt32](repeating: 0, count: unit.memoryImports.count + unit.memories.count)
      let isOwner = unit === owner
      if unit.origin == .plainModule {
        for index in unit.memoryImports.indices where !(isOwner && index == 0) {
          let entry = unit.memoryImports[index]
          if resolution.boundMemories[MemoryReference(unit: unit.index, index: UInt32(index))] != nil { continue }
          if !isOwner, entry.module == "env" { continue }
          indices[index] = next(\.memories)
          plan.importedMemories.append(ElementReference(unit: unit.index, index: UInt32(index)))
        }
        for index in unit.memories.indices where !(isOwner && !ownerImports && index == 0) {
          defined.append((unit, index))
        }
      }
      plan.memoryIndices[unit.index] = indices
    }
    var nextIndex = plan.importCounts.memories + (hasImportedFirst ? 0 : 1)
    for (unit, index) in defined {
      plan.memoryIndices[unit.index]?[unit.memoryImports.count + index] = nextIndex
      plan.memories.append(ElementReference(unit: unit.index, index: UInt32(index)))
      nextIndex += 1
    }
    for (reference, target) in resolution.boundMemories {
      guard let index = plan.memoryIndices[target.unit]?[Int(target.index)] else { continue }
      plan.memoryIndices[reference.unit]?[Int(reference.index)] = index
    }
  }

  // MARK: Types

  private mutating func registerTypes() {
    for entry in plan.imports {
      if let type = resolution.symbol(entry.symbol).type { _ = plan.types.register(type, of: resolution.types) }
    }
    for types in typesOfNumberedFunctions() {
      for type in types { _ = plan.types.register(type, of: resolution.types) }
    }
    for function in plan.functions[numberedFunctions...] {
      let unit = resolution.units[Int(function.unit)]
      let type = unit.typeIDs[Int(unit.functions[Int(function.index)].type)]
      _ = plan.types.register(type, of: resolution.types)
    }
    for tag in plan.tags {
      let unit = resolution.units[Int(tag.unit)]
      _ = plan.types.register(unit.typeIDs[Int(unit.tags[Int(tag.index)].type)], of: resolution.types)
    }
  }

  /// The types of functions by unit, in the order of the functions, each once.
  private func typesOfNumberedFunctions() -> [[TypeID]] {
    let units = resolution.units
    let functions = plan.functions[..<numberedFunctions]
    var runs: [Range<Int>] = []
    for position in functions.indices where position == 0 || functions[position - 1].unit != functions[position].unit {
      if let last = runs.popLast() { runs.append(last.lowerBound..<position) }
      runs.append(position..<numberedFunctions)
    }
    return threads.map(runs.count, batch: 4) { [runs] run in
      let unit = units[Int(functions[runs[run].lowerBound].unit)]
      let (own, typeIDs) = (unit.functions, unit.typeIDs)
      var seen = [Bool](repeating: false, count: typeIDs.count)
      var types: [TypeID] = []
      for function in functions[runs[run]] {
        let type = Int(own[Int(function.index)].type)
        if !seen[type] {
          seen[type] = true
          types.append(typeIDs[type])
        }
      }
      return types
    }
  }
}

extension Liveness {
  mutating func markGlobal(_ id: UInt32) {
    if Int(id) < globals.count { globals[Int(id)] = true }
  }
}
