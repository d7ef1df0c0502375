import WebAssemblyFormat

// The unit that finds libraries and symbols for a running program, as an object that the linker makes.
//
// It is made twice. While names are resolved it is an object like others, with its functions and the names of the five that
// programs refer to; how many functions and segments it has is final then. When all names are known it is made again, with
// the tables, whose relocations name symbols of other units: those stand behind its own. For `dladdr` it is made once more
// when all addresses are known, with one table in another order.

/// The unit's own symbols, in their order.
struct DlopenSymbols {
  let groupCount: Int
  let destructorCount: Int
  let isShared: Bool

  subscript(function: DlopenFunction) -> SymbolIndex { SymbolIndex(function.rawValue) }

  private var firstConstructing: SymbolIndex { SymbolIndex(DlopenFunction.allCases.count) }
  /// The function that constructs a group of libraries.
  func constructing(_ group: Int) -> SymbolIndex { firstConstructing + group }
  /// The function that takes a library down if it was constructed.
  func destroying(_ library: Int) -> SymbolIndex { firstConstructing + groupCount + library }
  private var firstData: SymbolIndex { firstConstructing + groupCount + destructorCount }
  var names: SymbolIndex { firstData }
  var entries: SymbolIndex { firstData + 1 }
  var records: SymbolIndex { firstData + 2 }
  var scopes: SymbolIndex { firstData + 3 }
  var addresses: SymbolIndex { firstData + 4 }
  var texts: SymbolIndex { firstData + 5 }
  var state: SymbolIndex { firstData + 6 }
  /// What each thread has for itself.
  var thread: SymbolIndex { firstData + 7 }
  var functionTable: SymbolIndex { firstData + 8 }
  var threadBase: SymbolIndex? { isShared ? firstData + 9 : nil }
  /// How many these are, and so where those of other units begin.
  var count: Int { Int(firstData) + (isShared ? 10 : 9) }

  /// The segments of the first tables, in the order of their symbols.
  static let entriesSegment = 1
  static let addressesSegment = 4

  /// The type of constructors.
  var constructorType: TypeIndex { TypeIndex(DlopenFunction.allCases.count) }
}

/// Makes the unit.
struct DlopenModule {
  /// A symbol of another unit that a table or a function names.
  struct Target {
    let name: ByteString
    let kind: SymbolKind
  }

  let symbols: DlopenSymbols
  let is64: Bool
  /// The functions of the interface that take the place of a shared library's.
  let replacing: Set<DlopenFunction>
  let names: NameRegister
  /// Memory for what is made, which lives as long as the link.
  let arena: NameArena

  init(
    groupCount: Int, destructorCount: Int, is64: Bool, isShared: Bool, replacing: Set<DlopenFunction>,
    names: NameRegister, arena: NameArena
  ) {
    self.names = names
    self.arena = arena
    symbols = DlopenSymbols(groupCount: groupCount, destructorCount: destructorCount, isShared: isShared)
    self.is64 = is64
    self.replacing = replacing
  }

  /// - Parameters:
  ///   - contents: what can be opened and asked for.
  ///   - targets: the symbols behind the unit's own.
  ///   - order: the order of addresses, once it is known.
  /// - Returns: `nil` if there are more names than the tables can hold.
  func make(
    _ contents: DlopenContents, targets: [Target], order: DlopenOrder? = nil
  ) -> (module: InputModule, relocations: UnitRelocations)? {
    let tables = DlopenTables(contents, constructing: (0..<symbols.groupCount).map { symbols.constructing($0) })
    if tables.isTooLarge { return nil }
    let layout = DlopenLayout(
      isShared: symbols.isShared, libraryCount: contents.libraries.count, linkedCount: contents.linkedCount,
      libraryNameCount: tables.libraryNameCount, groupCount: symbols.groupCount,
      functionCount: tables.order.functions.count, dataCount: tables.order.data.count,
      blockCount: tables.order.blocks.count, firstBlock: tables.firstBlock)
    var writer = DlopenCode(
      layout: layout, symbols: symbols, threadLocals: tables.threadLocals, code: ObjectCode(is64: is64))
    writer.write()
    writer.writeConstructing(contents)
    writer.writeDestroying(contents)
    let code = writer.code
    let draft = ModuleDraft(origin: .object, file: InputFile(name: "<dlopen>", bytes: arena.copy(code.bytes)))
    draft.types = types()
    for index in code.functions.indices {
      let type = index < DlopenFunction.allCases.count ? TypeIndex(index) : symbols.constructorType
      draft.functions.append(code.function(index, type: type, name: name(ofFunction: index)))
    }
    var relocations = code.relocations
    var ranges: [RelocationRange] = []
    func segment(_ name: StaticString, _ bytes: [UInt8], size: Int? = nil, alignment: UInt32, _ own: [Relocation] = [])
    {
      draft.segments.append(
        Segment(
          name: ByteString(name), alignment: alignment, size: UInt64(size ?? bytes.count), content: arena.copy(bytes)))
      ranges.append(
        RelocationRange(start: UInt32(relocations.count), end: UInt32(relocations.count + own.count)))
      relocations += own
    }
    segment(".rodata.dlopen.names", tables.names.bytes, alignment: 0)
    segment(".rodata.dlopen.entries", tables.entries.bytes, alignment: 2, tables.entryRelocations)
    segment(".rodata.dlopen.libraries", tables.records.bytes, alignment: 2, tables.recordRelocations)
    segment(".rodata.dlopen.scopes", tables.scopes.bytes, alignment: 2)
    var addresses = ByteWriter()
    for entry in (order ?? tables.order).all { addresses.fixed32(UInt32(entry)) }
    segment(".rodata.dlopen.addresses", addresses.bytes, alignment: 2)
    segment(".rodata.dlopen.texts", DlopenText.bytes, alignment: 0)
    segment(".bss.dlopen.state", [], size: layout.stateSize, alignment: 2)
    segment(
      symbols.isShared ? ".tbss.dlopen.thread" : ".bss.dlopen.thread", [], size: DlopenLayout.threadSize, alignment: 2)
    if symbols.isShared {
      draft.segments[draft.segments.count - 1].flags.insert(.tls)
      draft.features = ["atomics", "bulk-memory"].map { TargetFeature(prefix: UInt8(ascii: "+"), name: ByteString($0)) }
    }
    declare(draft, targets)
    let module = InputModule(draft)
    var all = UnitRelocations(declaredBy: module)
    all.entries = relocations
    all.functions = code.ranges
    all.segments = ranges
    return (module, all)
  }

  private func name(ofFunction index: Int) -> ByteString {
    if let function = DlopenFunction(rawValue: index) { return function.name }
    let number = index - DlopenFunction.allCases.count
    return arena.intern(
      number < symbols.groupCount
        ? "__wasm_dl_construct_\(number)" : "__wasm_dl_destroy_\(number - symbols.groupCount)")
  }

  private func types() -> ParsedTypes {
    var section = ByteWriter()
    section.count(DlopenFunction.allCases.count + 1)
    for function in DlopenFunction.allCases {
      section.functionType(
        function.parameters.map { $0.type(is64: is64) }, function.results.map { $0.type(is64: is64) })
    }
    section.functionType([], [])
    return ParsedTypes(made: section, arena)
  }

  private func declare(_ draft: ModuleDraft, _ targets: [Target]) {
    for (index, function) in draft.functions.enumerated() {
      var flags = SymbolFlags.bindingLocal
      if let own = DlopenFunction(rawValue: index), DlopenFunction.interface.contains(own) {
        // Whoever else defines one keeps it.
        flags = replacing.contains(own) ? .visibilityHidden : [.visibilityHidden, .bindingWeak]
      }
      draft.symbols.append(
        UnitSymbol(kind: .function, .defined(DefinitionIndex(index)), flags: flags, name: function.name))
    }
    for (index, segment) in draft.segments.enumerated() {
      var symbol = UnitSymbol(
        kind: .data, .defined(DefinitionIndex(index)), flags: .bindingLocal, name: segment.name)
      symbol.size = segment.size
      draft.symbols.append(symbol)
    }
    draft.importFunctionTable(is64: is64)
    if symbols.isShared { draft.importPointer("__tls_base", is64: is64) }
    precondition(draft.symbols.count == symbols.count, "the symbols are those that the code names")
    for target in targets {
      draft.symbols.append(UnitSymbol(kind: target.kind, .undefined, flags: .undefined, name: target.name))
    }
    draft.completeSymbols()
    draft.nameNumbers = names.numbers(of: draft.symbols)
  }
}

extension DlopenCode {
  /// For each group: constructs it, unless that was done or is being done, behind those that it needs.
  mutating func writeConstructing(_ contents: DlopenContents) {
    for index in 0..<symbols.groupCount {
      code.begin()
      if let group = contents.groups[checked: index] {
        code.address(symbols.state, layout.constructed + index)
        code.loadByte()
        code.ifTrue()
        code.leave()
        code.end()
        code.address(symbols.state, layout.constructed + index)
        code.int(1)
        code.storeByte()
        for needed in group.needs { code.call(symbols.constructing(needed)) }
        for (function, results) in group.constructors {
          code.call(function)
          for _ in 0..<results { code.drop() }
        }
      }
      code.finish()
    }
  }

  /// For each library that has something to take down: does so if it was constructed.
  mutating func writeDestroying(_ contents: DlopenContents) {
    for index in 0..<symbols.destructorCount {
      code.begin()
      if let (function, group) = contents.destructors[checked: index] {
        code.address(symbols.state, layout.constructed + group)
        code.loadByte()
        code.ifTrue()
        code.call(function)
        code.end()
      }
      code.finish()
    }
  }
}
