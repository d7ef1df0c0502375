import WebAssemblyFormat

/// Everything that is decided about the result, for the passes that write it. They only read it, on many threads.
///
/// What it is asked here it answers, or it reports an internal error: no answer is not zero.
///
/// A class, so that handing it on counts one reference and not those of its fifty arrays.
final class Program: Sendable {
  let resolution: Resolution
  let live: Liveness
  let memory: MemoryPlan
  let indices: IndexPlan
  /// By symbol.
  let values: [SymbolValue]
  let features: FeatureSet
  let options: LinkOptions
  let is64: Bool
  let errors = InternalErrors()

  init(
    resolution: Resolution, live: Liveness, memory: MemoryPlan, indices: IndexPlan, values: [SymbolValue],
    features: FeatureSet, options: LinkOptions, is64: Bool
  ) {
    self.resolution = resolution
    self.live = live
    self.memory = memory
    self.indices = indices
    self.values = values
    self.features = features
    self.options = options
    self.is64 = is64
  }

  func symbol(_ id: SymbolID) -> Symbol { resolution.table.symbols[id] }

  /// Whether a symbol is part of the result.
  func isPresent(_ id: SymbolID) -> Bool { values[Int(id)].isPresent }

  /// The index of a function, global, tag or table.
  func index(of id: SymbolID) -> UInt32 { values[Int(id)].index?.rawValue ?? missing("index", of: id) }

  /// The index of a symbol's definition, even where references go to an import.
  func ownIndex(of id: SymbolID) -> UInt32 {
    indices.ownIndex(of: symbol(id))?.rawValue ?? missing("definition", of: id)
  }

  /// The index of the global that holds an address.
  func addressGlobal(of id: SymbolID) -> OutputGlobalIndex {
    values[Int(id)].addressGlobal ?? missing("global with its address", of: id)
  }

  /// The table slot of a function, or 0 for a null pointer.
  func slot(of id: SymbolID) -> UInt32 {
    if let slot = values[Int(id)].slot { return slot.rawValue }
    return isNullPointer(id) ? 0 : missing("table slot", of: id)
  }

  /// Whether a function's address is the null pointer: of what is missing and may be, and until the loader knows better.
  func isNullPointer(_ id: SymbolID) -> Bool {
    let symbol = symbol(id)
    return symbol.has(.isStub) || symbol.isUndefined && symbol.isWeak || symbol.needsImportedAddress(options)
  }

  /// The address that a global holds: thread-local data of a result for one thread alone has one, and that of a library
  /// only at run time.
  func fixedAddress(of id: SymbolID) -> UInt64 {
    let symbol = symbol(id)
    if resolution.isInLibraryBlock(symbol) { return 0 }
    guard case .threadLocalOffset(let offset) = values[Int(id)].answer, !options.sharedMemory else {
      return address(of: id)
    }
    return memory.tlsAddress &+ offset
  }

  /// What code adds to `__tls_base`, which is a number in a result for one thread: there, a library's data is where all its
  /// data is.
  func threadLocalOffset(of id: SymbolID) -> UInt64 {
    let symbol = symbol(id)
    guard case .address(let address) = values[Int(id)].answer, options.compatibility.countsFromTLSBase,
      resolution.isThreadLocalOfOneThread(symbol)
    else { return address(of: id) }
    return address &- memory.tlsAddress
  }

  /// The variable that says where a thread has its copy of thread-local data; `nil` where the address is a constant.
  func variable(withAddressOf id: SymbolID, for unit: Unit) -> OutputGlobalIndex? {
    resolution.isAddressVariable(symbol(id), for: unit, options) ? addressGlobal(of: id) : nil
  }

  /// The variable to which code of a finished module adds where thread-local data is, in an object; `nil` for other data.
  func threadLocalBase(of id: SymbolID, for unit: Unit) -> OutputGlobalIndex? {
    // Asked about each operand: options are not passed on for those of objects, nor where none is made.
    guard unit.contracts.isRecovered, options.contract.isObject,
      resolution.countsFromBase(symbol(id), for: unit, options), let base = resolution.wellKnown.tlsBase,
      case .global(let index) = values[Int(base)].answer
    else { return nil }
    return index
  }

  /// The symbol that a relocation is about. An index of a global, of thread-local data of a finished module, is that of the
  /// variable which an object counts from there.
  func subject(of relocation: Relocation, in unit: Unit) -> SymbolID {
    let id = unit.symbolIDs[relocation.namedSymbol]
    guard relocation.kind == .globalIndexI32, resolution.countsFromBase(symbol(id), for: unit, options) else {
      return id
    }
    return resolution.wellKnown.tlsBase ?? id
  }

  /// The address of data, or its offset from `__tls_base`.
  func address(of id: SymbolID) -> UInt64 {
    let value = values[Int(id)]
    if let address = value.address { return address }
    switch value.answer {
    case .undefined:
      // Of data that is missing and may be, and until the loader knows better: null.
      return 0
    case .global:
      // An immutable global of a plain module is an address to everybody else.
      return constant(of: id) ?? missing("address", of: id)
    case .absent, .function, .tag, .table, .section, .address, .threadLocalOffset: return missing("address", of: id)
    }
  }

  /// The value of an immutable global of a plain module that is a plain number.
  private func constant(of id: SymbolID) -> UInt64? {
    let symbol = symbol(id)
    guard symbol.kind == .global, symbol.state == .defined, symbol.unit != .own else { return nil }
    let base = resolution.units[symbol.definer].bases.global
    var numbers = GlobalNumbers(resolution) { [self] place in
      let global = resolution.units[place.unit].bases.global + place.global
      return memory.decidedAddresses[global].map { .layout($0) } ?? .module
    }
    return numbers.number(of: .init(unit: symbol.definer, global: symbol.globalID - base))
  }

  /// The unit whose import of a global a symbol is, and what it says of it.
  func globalImport(of id: SymbolID) -> (unit: Unit, entry: Import)? {
    let symbol = symbol(id)
    guard symbol.kind == .global, let unit = resolution.units[symbol.unit], let index = symbol.imported else {
      return nil
    }
    return (unit, unit.globalImports[Int(index)])
  }

  // MARK: What is no symbol

  /// The index of a type.
  func index(of type: TypeID?) -> UInt32 {
    type.flatMap { indices.types.index(of: $0) } ?? missing("a type has no index", in: resolution.units[.own])
  }

  /// How many values a function takes and gives.
  func signature(of type: TypeID?) -> (parameters: Int, results: Int) {
    guard let type, let signature = resolution.types.functionType(of: type) else {
      let count: Int = missing("a function that is called has no signature", in: resolution.units[.own])
      return (count, count)
    }
    return (signature.parameters.count, signature.results.count)
  }

  /// The index of a type of a unit.
  func index(ofType type: TypeIndex, of unit: Unit) -> UInt32 {
    unit.typeIDs[checked: type].flatMap { indices.types.index(of: $0) }
      ?? missing("type \(type.rawValue) has no index", in: unit)
  }

  /// The first slot of a library's block.
  func tableBlock(of unit: Unit) -> SlotIndex {
    indices.tableBlocks[unit.index] ?? missing("its block of table slots has no place", in: unit)
  }

  /// The index of the table that function pointers index.
  var functionTable: OutputTableIndex {
    indices.functionTable ?? missing("function pointers have no table", in: resolution.units[.own])
  }

  /// The index of the memory in which the linker places data.
  var mainMemory: OutputMemoryIndex {
    resolution.memories.main ?? missing("data has no memory", in: resolution.units[.own])
  }

  /// The index of a data segment of a unit.
  func index(ofSegment segment: SegmentIndex, of unit: Unit) -> OutputSegmentIndex {
    index(ofSegment: unit.bases.segment + segment.rawValue, of: unit)
  }

  /// The index of a data segment that a unit has.
  func index(ofSegment segment: SegmentID, of unit: Unit) -> OutputSegmentIndex {
    memory.outputSegments[checked: segment]?.index
      ?? missing("data segment \(segment - unit.bases.segment) has no index", in: unit)
  }

  /// The index of an element segment of a unit.
  func index(ofElementSegment segment: ElementIndex, of unit: Unit) -> OutputElementIndex {
    indices.elementIndices[checked: unit.bases.element + segment.rawValue]?.index
      ?? missing("element segment \(segment.rawValue) has no index", in: unit)
  }

  /// The address of a library's block of memory.
  func blockAddress(of unit: Unit) -> UInt64 {
    guard let block = unit.lifted?.memoryBlock, live.segments[unit.bases.segment + block.segment.rawValue] else {
      return missing("its block of memory has no place", in: unit)
    }
    return memory.segmentAddresses[unit.bases.segment + block.segment.rawValue]
  }

  /// The address of the flag that tells threads whether memory has been initialised.
  var initMemoryFlag: UInt64 {
    memory.initMemoryFlag ?? missing("the flag of memory initialisation has no address", in: resolution.units[.own])
  }

  /// The index of a global that the conventions give a meaning, which is there whenever somebody asks.
  func index(of known: SymbolID?, _ name: StaticString) -> UInt32 {
    known.map { index(of: $0) } ?? missing("there is no \(name)", in: resolution.units[.own])
  }

  // MARK: No answer

  /// Reports that a symbol lacks something that it must have.
  func missing<Number: FixedWidthInteger>(_ what: String, of id: SymbolID) -> Number {
    let symbol = symbol(id)
    let file = resolution.units[symbol.unit]?.file.displayName ?? "command line"
    errors.report("\(file): symbol '\(symbol.name)' has no \(what) in the result")
    return 0
  }

  private func missing<Number: FixedWidthInteger>(_ what: String, in unit: Unit) -> Number {
    errors.report("\(unit.file.displayName): \(what) in the result")
    return 0
  }

  private func missing<Space>(_ what: String, of id: SymbolID) -> Index<Space> {
    Index(rawValue: missing(what, of: id))
  }

  private func missing<Space>(_ what: String, in unit: Unit) -> Index<Space> {
    Index(rawValue: missing(what, in: unit))
  }
}
