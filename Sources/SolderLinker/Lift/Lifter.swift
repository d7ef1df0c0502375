import WebAssemblyFormat

// Lifting: finding out what a finished module would have said as an object.
//
// A relocatable object comes with a symbol table and with relocations. A shared library or a plain module has been
// through a linker or a compiler that left them out; but its imports and exports are names, every index in its code is
// known from the instruction set, and the dynamic linking convention says how a library speaks of addresses it does not
// know yet. From that the lifter makes the same symbols and relocations, in two steps:
//
//  1. `declare` runs with the reading of the file: symbols, the block of memory, the block of table slots, and the data
//     relocations that the library's own relocation functions perform. Name resolution needs no more than this.
//  2. `CodeLifter` goes through the bodies of functions, when it is known that the file stays in the link.
//
// The symbol table of a lifted unit begins with a local symbol for every place of its index spaces (all functions,
// then globals, tables, tags), so that an index in the code becomes a symbol by adding a constant. Names that others
// can refer to follow.

/// The first step of lifting; see the comment at the head of the file.
struct Lifter {
  let unit: ModuleDraft
  private var facts = LiftedFacts()
  /// Functions imported from `env`, by name.
  private var importedFunctions: [ByteString: FunctionIndex] = [:]
  /// Names of imports that the metadata calls weak, by module.
  private var weakImports: [ByteString: Set<ByteString>] = [:]
  private var exportFlags: [ByteString: SymbolFlags] = [:]

  /// Whether the module becomes an object.
  private let isForObject: Bool

  /// - Parameter forObject: whether the module becomes an object.
  init(_ unit: ModuleDraft, forObject: Bool = false) {
    self.unit = unit
    isForObject = forObject
    importedFunctions = Dictionary(
      unit.functionImports.enumerated().lazy.filter { $0.element.module == "env" }
        .map { ($0.element.name, FunctionIndex($0.offset)) },
      uniquingKeysWith: { first, _ in first })
    for entry in unit.dylink?.importFlags ?? [] where entry.flags.contains(.bindingWeak) {
      weakImports[entry.module, default: []].insert(entry.name)
    }
    for entry in unit.dylink?.exportFlags ?? [] { exportFlags[entry.name] = entry.flags }
  }

  /// Finds the symbols of the unit, its memory and its table slots.
  ///
  /// - Throws: ``FormatError`` for indices that are out of range.
  func declare() throws(FormatError) {
    var lifter = self
    try lifter.run()
  }

  private mutating func run() throws(FormatError) {
    try checkIndices()
    try checkIsNoLibrary()
    nameDefinitions()
    declareDefinitions()
    facts.globals = Array(repeating: nil, count: unit.globalImports.count + unit.globals.count)
    if unit.origin == .sharedLibrary {
      declareMemoryBlock()
      readImportedConstants()
      readDefinedConstants()
      placeThreadLocalData()
      placeLibrarySegments()
      placeLibraryElements()
    } else {
      facts.memory = StaticMemory(of: unit)
      readDefinedConstants()
      placePlainSegments()
      placePlainElements()
    }
    facts.functionBlock = FunctionBlock(unit.elements)
    if isForObject { declareForwarders() }
    nameFunctionsInGlobals()
    nameOperands()
    declareExports()
    declareDebugSections()
    if unit.origin == .sharedLibrary { readThreadLocalData() }
    unit.lifted = facts
    if unit.origin == .sharedLibrary {
      StartUpReader.run(unit)
    } else {
      findPlainConventions()
    }
  }

  /// Sections of debug information refer to each other.
  private func declareDebugSections() {
    for (index, section) in unit.customSections.enumerated() where section.name.hasPrefix(".debug_") {
      unit.symbols.append(
        UnitSymbol(kind: .section, .defined(DefinitionIndex(index)), flags: .bindingLocal, name: section.name))
    }
  }

  private mutating func readThreadLocalData() {
    facts.isThreaded = unit.isThreaded
    facts.hasThreadLocalData = ThreadLocalReader.hasData(unit)
    facts.threadLocal = ThreadLocalReader.read(unit, facts)
    if isForObject { placeThreadLocalSegment() }
  }

  /// In an object, thread-local data is a segment that the next linker copies for each thread.
  private mutating func placeThreadLocalSegment() {
    guard let data = facts.threadLocal, let block = facts.memoryBlock,
      unit.segments[Int(data.segment)].placement == .passive
    else { return }
    unit.segments[Int(data.segment)].placement = .free
    unit.segments[Int(data.segment)].flags.insert(.tls)
    unit.segments[Int(data.segment)].alignment = unit.segments[Int(block.segment)].alignment
    let definition = DefinitionIndex(rawValue: data.segment.rawValue)
    for (index, symbol) in unit.symbols.enumerated() where symbol.kind == .data && symbol.flags.contains(.tls) {
      if symbol.definition?.rawValue == block.segment.rawValue { unit.symbols[index].meaning = .defined(definition) }
    }
    facts.threadLocal?.symbol = SymbolIndex(unit.symbols.count)
    unit.symbols.append(
      UnitSymbol(
        kind: .data, .defined(definition), flags: [.bindingLocal, .tls], name: ByteString(".tdata")))
  }

  // MARK: Index spaces

  private func checkIndices() throws(FormatError) {
    let functions = unit.functionImports.count + unit.functions.count
    let globals = unit.globalImports.count + unit.globals.count
    for relocation in unit.relocations {
      let limit: Int
      switch relocation.kind {
      case .functionIndexLEB: limit = functions
      case .globalIndexLEB: limit = globals
      case .tableNumberLEB: limit = unit.tableImports.count + unit.tables.count
      case .typeIndexLEB, .signedTypeIndex: limit = unit.types.count
      case .tagIndexLEB: limit = unit.tagImports.count + unit.tags.count
      default: continue
      }
      guard Int(relocation.target) < limit else {
        throw FormatError("index \(relocation.target) does not exist", at: Int(relocation.offset))
      }
    }
    func check(_ index: UInt32, _ count: Int, _ what: String, _ place: Fragment?) throws(FormatError) {
      guard Int(index) >= count else { return }
      throw FormatError("\(what) \(index) does not exist", at: place.map { Int($0.start) } ?? unit.file.bytes.end)
    }
    let tables = unit.tableImports.count + unit.tables.count
    let memories = unit.memoryImports.count + unit.memories.count
    for element in unit.elements {
      guard let table = element.table else { continue }
      try check(table.rawValue, tables, "an element segment is for a table, but table", element.offset)
    }
    for segment in unit.segments {
      if case .kept(let memory, let offset) = segment.placement {
        try check(memory.rawValue, memories, "a data segment is for a memory, but memory", offset)
      }
    }
  }

  /// Operands of declarations and constant expressions were read as indices: makes them symbols, or constants.
  private func nameOperands() {
    for index in unit.relocations.indices {
      let target = unit.relocations[index].target
      switch unit.relocations[index].kind {
      case .functionIndexLEB: unit.relocations[index].target = facts.symbol(FunctionIndex(rawValue: target)).rawValue
      case .tableNumberLEB: unit.relocations[index].target = facts.symbol(TableIndex(rawValue: target)).rawValue
      case .tagIndexLEB: unit.relocations[index].target = facts.symbol(TagIndex(rawValue: target)).rawValue
      case .globalIndexLEB:
        let is64 = unit.globalType(GlobalIndex(rawValue: target))?.valueType == 0x7E
        if let value = facts.globals[Int(target)], unit.relocations[index].become(value, is64: is64) { continue }
        unit.relocations[index].target = facts.symbol(GlobalIndex(rawValue: target)).rawValue
        if unit.relocations[index].encoding.isGlobalGet { unit.relocations[index].encoding = .globalGet(is64: is64) }
      default: break
      }
    }
  }

  /// Gives functions, globals, tables, memories and tags the names of the name section.
  private func nameDefinitions() {
    func assign(_ subsection: NameSection.Subsection, imported: Int, count: Int, _ set: (Int, ByteString) -> Void) {
      for (index, name) in unit.names.names(of: subsection) where Int(index) >= imported {
        let defined = Int(index) - imported
        if defined < count { set(defined, name) }
      }
    }
    nameFunctions()
    assign(.global, imported: unit.globalImports.count, count: unit.globals.count) { unit.globals[$0].name = $1 }
    assign(.table, imported: unit.tableImports.count, count: unit.tables.count) { unit.tables[$0].name = $1 }
    assign(.memory, imported: unit.memoryImports.count, count: unit.memories.count) { unit.memories[$0].name = $1 }
    assign(.tag, imported: unit.tagImports.count, count: unit.tags.count) { unit.tags[$0].name = $1 }
    for (index, name) in unit.names.names(of: .data) where Int(index) < unit.segments.count {
      unit.segments[Int(index)].name = name
    }
  }

  /// Functions are many, so nothing is made of their names on the way.
  private func nameFunctions() {
    let imported = UInt32(unit.functionImports.count)
    var functions = unit.functions
    unit.functions = []
    unit.names.forEachName(of: .function) { index, name in
      if index >= imported, Int(index - imported) < functions.count { functions[Int(index - imported)].name = name }
    }
    unit.functions = functions
  }

  private mutating func declareDefinitions() {
    // An imported global may be an address, which is a symbol of its own; exports and sections of debug information follow.
    unit.symbols.reserveCapacity(
      unit.functionImports.count + unit.functions.count + 2 * unit.globalImports.count + unit.globals.count
        + unit.exports.count + unit.customSections.count + 64)
    facts.functionSymbols = SymbolIndex(0)
    declare(.function, unit.functionImports.map { ($0.module, $0.name) }, defined: unit.functions) { $0.name }
    facts.globalSymbols = SymbolIndex(unit.symbols.count)
    declare(.global, unit.globalImports.map { ($0.module, $0.name) }, defined: unit.globals) { $0.name }
    facts.tableSymbols = SymbolIndex(unit.symbols.count)
    declare(.table, unit.tableImports.map { ($0.module, $0.name) }, defined: unit.tables) { $0.name }
    facts.tagSymbols = SymbolIndex(unit.symbols.count)
    declare(.tag, unit.tagImports.map { ($0.module, $0.name) }, defined: unit.tags) { $0.name }
  }

  private func declare<Definition>(
    _ kind: SymbolKind, _ imports: [(module: ByteString, name: ByteString)], defined definitions: [Definition],
    name: (Definition) -> ByteString
  ) {
    for (index, entry) in imports.enumerated() {
      var flags: SymbolFlags = .undefined
      if isWeak(module: entry.module, name: entry.name) { flags.insert(.bindingWeak) }
      if entry.module != "env" || unit.takesEnvForModule {
        // An import from the host, or from an input of that name: known by module and name, not by name alone.
        flags.formUnion([.bindingLocal, .explicitName])
      }
      unit.symbols.append(UnitSymbol(kind: kind, .imported(ImportIndex(index)), flags: flags, name: entry.name))
    }
    var symbols = unit.symbols
    unit.symbols = []
    for (index, definition) in definitions.enumerated() {
      symbols.append(
        UnitSymbol(kind: kind, .defined(DefinitionIndex(index)), flags: .bindingLocal, name: name(definition)))
    }
    unit.symbols = symbols
  }

  private func isWeak(module: ByteString, name: ByteString) -> Bool {
    weakImports[module]?.contains(name) ?? false
  }

  // MARK: Exports

  /// Exports that every library has under the same name: its own business, called at start.
  private mutating func isPrivate(_ export: Export) -> Bool {
    guard unit.origin == .sharedLibrary, let function = export.function else { return false }
    let name = export.name
    if name == "__wasm_call_ctors" || name == "__post_instantiate" || name == "_initialize" {
      if !facts.constructors.contains(function) { facts.constructors.append(function) }
    } else if name == "__wasm_call_dtors" {
      // One that it imports is the program's.
      if Int(function) >= unit.functionImports.count { facts.destructors = function }
    } else if name == "__wasm_apply_data_relocs" || name == "__wasm_apply_relocs"
      || name == "__wasm_apply_global_relocs"
    {
      facts.relocationFunctions.append(function)
    } else if name == "__wasm_init_tls" {
      facts.initializeTLS = function
    } else if name == "_emscripten_tls_init" || name == "emscripten_tls_init" {
      facts.allocateTLS = function
    } else {
      return name.hasPrefix("__wasm_apply_") || name == "__wasm_init_memory" || name == "__wasm_start"
    }
    return true
  }

  /// Names that a plain module imports from `env`: what it exports under one of them is another thing.
  private var importedNames: Set<ByteString> {
    guard unit.origin == .plainModule else { return [] }
    var names = Set(importedFunctions.keys)
    for imports in [unit.globalImports, unit.tableImports, unit.tagImports] {
      for entry in imports where entry.module == "env" { names.insert(entry.name) }
    }
    return names
  }

  private mutating func declareExports() {
    let importedNames = importedNames
    let exportNames = ExportNames(unit, importedFunctions)
    for export in unit.exports where !isPrivate(export) {
      let spaces: (imports: Int, first: SymbolIndex, kind: SymbolKind)
      let index = Int(export.item.rawValue)
      switch export.kind {
      case .function: spaces = (unit.functionImports.count, facts.functionSymbols, .function)
      case .global: spaces = (unit.globalImports.count, facts.globalSymbols, .global)
      case .table: spaces = (unit.tableImports.count, facts.tableSymbols, .table)
      case .tag: spaces = (unit.tagImports.count, facts.tagSymbols, .tag)
      case .memory: continue
      }
      if export.kind == .global, unit.origin == .sharedLibrary, declareData(export) { continue }
      if export.kind == .table, isFunctionTable(export) { continue }
      let meaning: Meaning =
        index < spaces.imports
        ? .alias(spaces.first + index) : .defined(DefinitionIndex(index - spaces.imports))
      var symbol = UnitSymbol(kind: spaces.kind, meaning, flags: flags(of: export), name: export.name)
      if importedNames.contains(export.name) || unit.origin == .sharedLibrary && isImport(export, of: spaces.kind) {
        symbol.flags.insert(.bindingLocal)
        facts.exportsOfImportedNames.append(SymbolIndex(unit.symbols.count))
      } else if unit.origin == .plainModule, export.name.isLinkersOwn(sharesStack: facts.memory.sharesStack) {
        symbol.flags.insert(.bindingLocal)
        facts.privateExports.append(SymbolIndex(unit.symbols.count))
      } else if exportNames.contains(export) {
        symbol.flags.insert(.exported)
      }
      unit.symbols.append(symbol)
      if let function = export.function, index >= spaces.imports {
        let defined = index - spaces.imports
        if unit.functions[defined].name.isEmpty {
          unit.functions[defined].name = export.name
          unit.symbols[Int(facts.symbol(function))].name = export.name
        }
      }
    }
  }

  /// Whether a library only passes on what it imports from `env` under the same name: it defines nothing then.
  private func isImport(_ export: Export, of kind: SymbolKind) -> Bool {
    let index = Int(export.item.rawValue)
    if kind == .function {
      return unit.functionImports[checked: index].map { $0.module == "env" && $0.name == export.name } ?? false
    }
    let imports =
      kind == .global ? unit.globalImports : kind == .table ? unit.tableImports : unit.tagImports
    return imports[checked: index].map { $0.module == "env" && $0.name == export.name } ?? false
  }

  /// Whether a library shows the table that it shares with all others.
  private func isFunctionTable(_ export: Export) -> Bool {
    guard unit.origin == .sharedLibrary else { return false }
    let imported = unit.tableImports[checked: Int(export.item.rawValue)]
    return export.name == "__indirect_function_table"
      || imported.map { $0.module == "env" && $0.name == "__indirect_function_table" } ?? false
  }

  /// What the metadata says of an export. It does not say which functions are weak; but wasm-ld lets a library import
  /// those that it exports under the same name, so that another library's definition can take their place.
  private func flags(of export: Export) -> SymbolFlags {
    var flags = exportFlags[export.name] ?? []
    // For one thread alone it lies where all data lies.
    if !unit.isThreaded { flags.remove(.tls) }
    let isWeak =
      unit.origin == .sharedLibrary && export.function.map { Int($0) >= unit.functionImports.count } ?? false
      && importedFunctions[export.name] != nil
    return flags.intersection([.bindingWeak, .tls]).union(isWeak ? .bindingWeak : [])
  }

  /// An immutable integer global that a library exports is the address of data, counted from its block.
  private mutating func declareData(_ export: Export) -> Bool {
    guard let global = export.global else { return false }
    let index = Int(global) - unit.globalImports.count
    if index < 0 { return declareImportedAddress(export, facts.globals[Int(global)]) }
    guard !unit.globals[index].type.isMutable, let value = facts.globals[Int(global)] else { return false }
    if export.name.hasPrefix("__"), export.name.hasSuffix("base") { return true }
    // The linker's number, the same for all.
    if export.name == "__wasm_first_page_end" { return true }
    guard let block = facts.memoryBlock else { return false }
    var symbol = UnitSymbol(
      kind: .data, .defined(DefinitionIndex(rawValue: block.segment.rawValue)), flags: flags(of: export),
      name: export.name)
    if symbol.flags.contains(.tls), value.base == .number {
      // Counted from the thread's copy.
      symbol.offset = UInt64(bitPattern: value.addend)
      unit.symbols.append(symbol)
      return true
    }
    switch value.base {
    case .number, block.base:
      symbol.offset = UInt64(bitPattern: value.addend)
    case .memory(let target) where value.addend == 0: symbol.meaning = .alias(target)
    default: return false
    }
    if value.base != .number || value.addend >= 0 {
      // A symbol may lie beyond the block that the library declares; then the block is longer.
      let end = UInt64(clamping: value.addend)
      let segment = Int(block.segment)
      if end > unit.segments[segment].size, end < 1 << 31 { unit.segments[segment].size = end }
    }
    unit.symbols.append(symbol)
    return true
  }

  /// What a library imports as an address and exports again is another name for the data; its bases are its own business,
  /// and the address of a function is refused (`ConventionCheck.swift`).
  private mutating func declareImportedAddress(_ export: Export, _ value: SymbolicValue?) -> Bool {
    guard let value else { return false }
    if case .memory(let target) = value.base, value.base != facts.memoryBlock?.base,
      unit.symbols[Int(target)].name != export.name
    {
      unit.symbols.append(UnitSymbol(kind: .data, .alias(target), flags: flags(of: export), name: export.name))
    }
    return true
  }

  // MARK: Constants

  private mutating func readImportedConstants() {
    for (index, entry) in unit.globalImports.enumerated() {
      if entry.module == "GOT.mem" {
        facts.globals[index] = SymbolicValue(base: .memory(symbol: addressSymbol(.data, entry)), addend: 0)
      } else if entry.module == "GOT.func" {
        facts.globals[index] = SymbolicValue(base: .slot(symbol: addressSymbol(.function, entry)), addend: 0)
      } else if entry.module == "env" {
        if entry.name == "__memory_base" || entry.name == "__memory_base32" {
          facts.globals[index] = facts.memoryBlock.map { SymbolicValue(base: $0.base, addend: 0) }
        } else if entry.name == "__table_base" || entry.name == "__table_base32" {
          facts.globals[index] = SymbolicValue(base: .tableBlock, addend: 0)
        } else {
          continue
        }
      } else {
        continue
      }
      // The import is a constant now and asks nobody for a global of that name.
      unit.symbols[Int(facts.symbol(GlobalIndex(index)))].flags.formUnion([.bindingLocal, .bindingWeak])
    }
  }

  /// The symbol whose address a `GOT` import is; a function that is imported as well has one already.
  private func addressSymbol(_ kind: SymbolKind, _ entry: Import) -> SymbolIndex {
    if kind == .function, let function = importedFunctions[entry.name] { return facts.symbol(function) }
    let isWeak =
      isWeak(module: entry.module, name: entry.name) || self.isWeak(module: ByteString("env"), name: entry.name)
    unit.symbols.append(
      UnitSymbol(
        kind: kind, .undefined, flags: isWeak ? [.undefined, .bindingWeak] : .undefined, name: entry.name,
        isAddressOnly: true))
    return SymbolIndex(unit.symbols.count - 1)
  }

  /// Immutable globals whose initial value is known are constants.
  private mutating func readDefinedConstants() {
    var evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    for (index, global) in unit.globals.enumerated()
    where !global.type.isMutable && (global.type.valueType == 0x7F || global.type.valueType == 0x7E) {
      let position = unit.globalImports.count + index
      // Where the heap begins is for the linker to say.
      if facts.memory.isDecidedByLayout(position) { continue }
      facts.globals[position] = evaluator.value(of: global.initializer)
      evaluator.globals[position] = facts.globals[position]
    }
  }

  /// A library for one thread has its thread-local data among all other. Its code counts from `__tls_base`, or finds the
  /// data by constants of its own (`GOT.data.internal.x`), to which wasm-ld (14 to 22) forgets to add where the library's
  /// block is: as an object's, they count from there. Without names they are known as the only numbers that nobody sees.
  private mutating func placeThreadLocalData() {
    guard !unit.isThreaded, let block = facts.memoryBlock else { return }
    facts.threadLocalOfOneThread = unit.dylink?.exportFlags.first { $0.flags.contains(.tls) }?.name
    let base = unit.exports.first { $0.name == "__tls_base" }?.global
    let exported = Set(unit.exports.lazy.filter { $0.name != "__tls_base" }.compactMap(\.global))
    for (index, global) in unit.globals.enumerated() {
      let position = unit.globalImports.count + index
      guard facts.globals[position]?.base == .number, !exported.contains(GlobalIndex(position)),
        global.name == "__tls_base" || base == GlobalIndex(position) || global.name.hasPrefix("GOT.data.internal.")
          || global.name.isEmpty && facts.threadLocalOfOneThread != nil
      else { continue }
      facts.globals[position]?.base = block.base
      facts.threadLocalOfOneThread = facts.threadLocalOfOneThread ?? global.name
    }
  }

  /// A constant that counts from the block of table slots names the function that is there (`GOT.func.internal.f`), unless
  /// it is the base itself under another name.
  private mutating func nameFunctionsInGlobals() {
    for (index, global) in unit.globals.enumerated() {
      let position = unit.globalImports.count + index
      guard let value = facts.globals[position], value.base == .tableBlock,
        value.addend != 0 || global.name.hasPrefix("GOT.func."), let symbol = facts.symbol(atSlot: value.addend)
      else { continue }
      facts.globals[position] = SymbolicValue(base: .slot(symbol: symbol), addend: 0)
    }
  }

  // MARK: Memory

  private mutating func declareMemoryBlock() {
    let dylink = unit.dylink ?? DylinkSection()
    var block = Segment(
      name: ByteString(".data"), size: dylink.memorySize, content: InputFile.nothing)
    block.alignment = dylink.hasMemoryInformation ? dylink.memoryAlignment : 4
    let index = SegmentIndex(unit.segments.count)
    unit.segments.append(block)
    facts.memoryBlock = MemoryBlock(segment: index, symbol: SymbolIndex(unit.symbols.count))
    unit.symbols.append(
      UnitSymbol(
        kind: .data, .defined(DefinitionIndex(rawValue: index.rawValue)), flags: .bindingLocal, name: block.name))
  }

  /// Active segments of a library are pieces of its block, which grows if it is shorter than its data.
  private func placeLibrarySegments() {
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    guard let memoryBlock = facts.memoryBlock else { return }
    let block = Int(memoryBlock.segment)
    for index in unit.segments.indices where index != block {
      guard case .kept(let memory, let offset) = unit.segments[index].placement, memory == unit.libraryMemory,
        let value = evaluator.value(of: offset)
      else { continue }
      switch value.base {
      case memoryBlock.base:
        let start = UInt64(truncatingIfNeeded: value.addend) & 0xFFFF_FFFF
        unit.segments[index].placement = .inside(segment: memoryBlock.segment, offset: start)
        unit.segments[block].size = max(unit.segments[block].size, start + unit.segments[index].size)
      case .number: unit.segments[index].placement = .absolute(UInt64(bitPattern: value.addend))
      default: break
      }
    }
  }

  private mutating func placePlainSegments() {
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    let mask: UInt64 = unit.addressWidth == 64 ? .max : 0xFFFF_FFFF
    for index in unit.segments.indices {
      guard case .kept(memory: .first, let offset) = unit.segments[index].placement,
        let value = evaluator.value(of: offset), value.base == .number
      else { continue }
      unit.segments[index].placement = .absolute(UInt64(bitPattern: value.addend) & mask)
    }
  }

  // MARK: Table

  private mutating func placeLibraryElements() {
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    if let dylink = unit.dylink {
      (facts.tableBlockSize, facts.tableAlignment) = (dylink.tableSize, dylink.tableAlignment)
    }
    for index in unit.elements.indices {
      let element = unit.elements[index]
      guard element.table == TableIndex(0), let offset = element.offset, let value = evaluator.value(of: offset),
        value.base == .tableBlock, value.addend >= 0, value.addend < 1 << 31
      else { continue }
      facts.tableBlockSize = max(facts.tableBlockSize, UInt32(clamping: value.addend + Int64(element.count)))
      if element.holdsFunctions {
        unit.elements[index].placement = .block(offset: UInt64(value.addend))
      } else {
        facts.itemsNeedTableBlock = true
      }
    }
  }

  /// A symbol of an object has one slot, so the further slots of a function are those of functions that call it
  /// (`ForwarderModule.swift`).
  private mutating func declareForwarders() {
    facts.functionBlock.addForwarders { [unit, facts] function, _ in
      // Whoever makes them names them.
      unit.symbols.append(
        UnitSymbol(
          kind: .function, .undefined, flags: [.bindingLocal, .undefined],
          name: unit.symbols[Int(facts.symbol(function))].name))
      return SymbolIndex(unit.symbols.count - 1)
    }
  }

  private mutating func placePlainElements() {
    let evaluator = SymbolicEvaluator(unit.file, globals: facts.globals)
    for index in unit.elements.indices {
      let element = unit.elements[index]
      guard element.table == TableIndex(0), element.holdsFunctions, let offset = element.offset,
        let value = evaluator.value(of: offset), value.base == .number, value.addend >= 0
      else { continue }
      unit.elements[index].placement = .absolute(slot: UInt64(value.addend))
    }
  }

  // MARK: Plain modules

  /// The stack that everybody shares, if the module brings one.
  private mutating func findPlainConventions() {
    if facts.memory.sharesStack, let mark = facts.memory.stackPointer {
      let index = Int(mark.global) - unit.globalImports.count
      facts.ownsStackPointer = true
      if !unit.exports.contains(where: { $0.kind == .global && $0.name == "__stack_pointer" }) {
        unit.symbols.append(
          UnitSymbol(
            kind: .global, .defined(DefinitionIndex(index)), flags: [], name: ByteString("__stack_pointer")))
      }
    }
    // Its globals stay variables to everybody else: the host may look at them.
    facts.globals = Array(repeating: nil, count: facts.globals.count)
    unit.lifted = facts
  }
}
