import WebAssemblyFormat

// What a function does, in a form that is the same for functions that do the same.
//
// Bytes alone do not tell: an operand may be padded or short, an address may have been read from a global that is a
// constant by now. So the bytes between edits are taken as they are, and each edit as what it means in the result: an
// address, the type, the global. What an edit says of another function is an edge, if that function may be folded too: two
// functions are identical only if the functions that they refer to are, which is for the whole partition to find out.
//
// An edit that is not understood means itself alone, so that its function is like no other.

/// Describes functions by what they do.
struct FunctionContents: Sendable {
  private let resolution: Resolution
  private let options: LinkOptions
  private let addresses: DataAddresses
  /// Number of each function that may be folded.
  private let candidates: Row<LinkFunctions, PackedIndex<Candidates>>
  /// Functions that keep the slots they have, of all functions; `nil` where all slots are told apart.
  private let pinned: Set<FunctionID>?
  /// Of symbols that become one import, the first for each other one.
  private let imports: [SymbolID: SymbolID]

  /// Functions that may be folded.
  enum Candidates {}

  /// - Parameter pinned: functions that have a slot which others know; `nil` where each function keeps a slot of its own.
  init(
    _ resolution: Resolution, _ memory: MemoryPlan, _ options: LinkOptions,
    candidates: Row<LinkFunctions, PackedIndex<Candidates>>, pinned: Set<FunctionID>?
  ) {
    self.resolution = resolution
    self.options = options
    addresses = DataAddresses(memory)
    self.candidates = candidates
    self.pinned = pinned
    imports = FunctionContents.sharedImports(resolution)
  }

  /// Functions that several units import from the host, by module and name, are a symbol in each and one import.
  private static func sharedImports(_ resolution: Resolution) -> [SymbolID: SymbolID] {
    struct Import: Hashable {
      var module: ByteString
      var name: ByteString
      var type: TypeID?
      /// What decides whether it is imported at all.
      var attributes: UInt16
      var isWeak: Bool
    }
    let deciding: Symbol.Attributes = [.usedInRegularUnit, .forceImport, .mayImport, .provided]
    var first: [Import: SymbolID] = [:]
    var shared: [SymbolID: SymbolID] = [:]
    for (index, symbol) in resolution.table.symbols.values.enumerated()
    where symbol.kind == .function && symbol.isUndefined && (symbol.has(.unnamed) || symbol.importNames != nil) {
      let (module, name) = resolution.table.importName(of: symbol)
      let key = Import(
        module: module, name: name, type: symbol.type,
        attributes: symbol.attributes.intersection(deciding).rawValue, isWeak: symbol.isWeak)
      let id = SymbolID(index)
      if let known = first[key] { shared[id] = known } else { first[key] = id }
    }
    return shared
  }

  /// What an edit means. The number is part of what is compared.
  private enum Meaning: UInt64 {
    case edge, slotEdge, function, slot
    case address32, address64, relativeAddress
    case globalAddress, definition, symbol
    case type, signedType, memory, memoryArgument, dataSegment, elementSegment, number32, number64
    case unknown
  }

  /// Describes a function.
  ///
  /// - Parameters:
  ///   - content: receives what it does, but for the functions it refers to, which are candidates.
  ///   - edges: receives those, in order.
  func describe(_ index: Int, of source: RelocatedUnit, _ content: inout ByteWriter, _ edges: inout [UInt32]) {
    let unit = source.unit
    let body = unit.body(ofFunction: index)
    let file = unit.file.bytes
    var edits = Edits()
    var copied = Int(body.start)
    for edit in source.relocations[body.relocations.indices] {
      content.raw(file[copied..<Int(edit.offset)])
      describe(edit, of: source, &content, &edits, &edges)
      copied = Int(edit.offset) + Int(edit.width)
    }
    content.raw(file[copied..<Int(body.start) + Int(body.size)])
    // Behind the bytes, and with their number last, so that one cannot be taken for the other.
    let count = content.count
    content.raw(edits.bytes)
    content.fixed32(UInt32(count))
    content.fixed32(unit.typeIDs[unit.functions[index].type].rawValue)
  }

  /// What the edits of a function mean, and between which bytes they stand.
  private struct Edits {
    var bytes = ByteWriter()

    mutating func add(_ meaning: Meaning, _ value: UInt64 = 0, _ addend: Int64 = 0, at position: Int) {
      bytes.fixed64(UInt64(position) << 8 | meaning.rawValue)
      bytes.fixed64(value)
      bytes.fixed64(UInt64(bitPattern: addend))
    }
  }

  // MARK: Edits

  private func describe(
    _ edit: Relocation, of source: RelocatedUnit, _ content: inout ByteWriter, _ edits: inout Edits,
    _ edges: inout [UInt32]
  ) {
    if edit.encoding == .nothing { return }
    // As if the address stayed where it was.
    if edit.encoding == .indexedSum || edit.encoding == .indexedOffset {
      return content.raw(source.unit.file.bytes[Int(edit.offset)..<Int(edit.end)])
    }
    let addend = source.unit.addend(of: edit)
    func add(_ meaning: Meaning, _ value: UInt64 = 0, _ addend: Int64 = 0) {
      edits.add(meaning, value, addend, at: content.count)
    }
    // An instruction that is replaced as a whole looks like one with an operand that is.
    let is64 = edit.encoding.is64
    switch edit.encoding {
    case .operand, .nothing, .indexedSum, .indexedOffset: break
    case .constant32, .constant64, .indexedBase32, .indexedBase64: content.byte(is64 ? 0x42 : 0x41)
    case .globalGet32, .globalGet64:
      let id = source.symbolIDs[edit.namedSymbol]
      if let address = address(of: resolution.symbol(id)) {
        content.byte(is64 ? 0x42 : 0x41)
        return add(is64 ? .address64 : .address32, address, 0)
      }
      content.byte(0x23)
      return describe(definition: id, add)
    }
    switch edit.kind {
    case .typeIndexLEB: return add(.type, UInt64(source.unit.typeIDs[edit.type].rawValue))
    case .signedTypeIndex: return add(.signedType, UInt64(source.unit.typeIDs[edit.type].rawValue))
    case .memoryIndex: return add(.memory, UInt64(resolution.memories.index(of: edit.memory, in: source.unit).rawValue))
    case .implicitMemory:
      return add(.memoryArgument, UInt64(resolution.memories.index(of: .first, in: source.unit).rawValue), addend)
    case .dataIndex: return add(.dataSegment, UInt64((source.unit.bases.segment + edit.target).rawValue))
    case .elementIndex: return add(.elementSegment, UInt64((source.unit.bases.element + edit.target).rawValue))
    case .constantNumber: return add(is64 ? .number64 : .number32, 0, addend)
    case .removedCall: return add(.unknown, UInt64(source.unit.index.rawValue), Int64(edit.offset))
    // The unit's own block of slots.
    case _ where edit.isInTableBlock:
      return add(.slot, 1 << 40 | UInt64(source.unit.index.rawValue), addend)
    default: break
    }
    let id = source.symbolIDs[edit.namedSymbol]
    let symbol = resolution.symbol(id)
    switch edit.kind {
    case .functionIndexLEB:
      guard let function = function(symbol) else { return add(.symbol, UInt64((imports[id] ?? id).rawValue)) }
      guard let candidate = candidates[function].index else { return add(.function, UInt64(function.rawValue)) }
      edges.append(candidate.rawValue)
      add(.edge)
    case .globalIndexLEB, .tagIndexLEB, .tableNumberLEB: describe(definition: id, add)
    case .tableIndexSLEB, .tableIndexSLEB64, .constantTableIndex:
      guard let function = function(symbol), !symbol.has(.isStub), !symbol.needsImportedAddress(options) else {
        return add(.slot, 1 << 41 | UInt64(id.rawValue), addend)
      }
      guard let pinned, !pinned.contains(function), let candidate = candidates[function].index else {
        return add(.slot, UInt64(function.rawValue), addend)
      }
      edges.append(candidate.rawValue)
      add(.slotEdge, 0, addend)
    case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressLEB64, .memoryAddressSLEB64, .constantMemoryAddress:
      guard let address = address(of: symbol) else { return add(.symbol, UInt64(id.rawValue), addend) }
      let isWide = is64 || edit.kind == .memoryAddressLEB64 || edit.kind == .memoryAddressSLEB64
      add(isWide ? .address64 : .address32, address &+ UInt64(bitPattern: addend))
    case .memoryAddressRelativeSLEB, .memoryAddressRelativeSLEB64:
      guard let address = address(of: symbol) else { return add(.symbol, UInt64(id.rawValue), addend) }
      add(.relativeAddress, address &+ UInt64(bitPattern: addend))
    default: add(.unknown, UInt64(edit.kind.rawValue) << 32 | UInt64(id.rawValue), addend)
    }
  }

  /// A global, tag or table, which several symbols may name; or a global that holds the address of something else.
  private func describe(definition id: SymbolID, _ add: (Meaning, UInt64, Int64) -> Void) {
    let symbol = resolution.symbol(id)
    switch symbol.kind {
    case .data, .function, .section: add(.globalAddress, UInt64(id.rawValue), 0)
    case .global, .tag, .table:
      guard let definition = symbol.definition, !symbol.has(.preemptible) else {
        return add(.symbol, UInt64(id.rawValue), 0)
      }
      add(.definition, UInt64(symbol.kind.rawValue) << 32 | UInt64(definition.rawValue), 0)
    }
  }

  // MARK: Symbols

  /// The function that a symbol stands for in the whole result.
  private func function(_ symbol: Symbol) -> FunctionID? {
    guard symbol.kind == .function, symbol.definition != nil, !symbol.has(.preemptible)
    else { return nil }
    return symbol.functionID
  }

  /// The address of data that is the same for all threads.
  private func address(of symbol: Symbol) -> UInt64? {
    guard symbol.kind == .data, symbol.state == .defined, !symbol.isTLS else { return nil }
    return symbol.isAbsolute ? symbol.value : addresses.address(of: symbol.value, in: symbol.segmentID)
  }
}
