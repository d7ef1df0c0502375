import WebAssemblyFormat

/// A unit with debug information: its sections, what addresses in them mean, and what they are in the result.
///
/// Two kinds of units come here, and what reads their sections need not know which it has. A finished module has final
/// numbers: an address of code is an offset in its code section, and names the function that is there. An object has
/// relocations, of which those that are about code know the function and an offset in it. In both cases the answer is a
/// ``CodePlace``, and what is written is a relocation.
final class DebugFile: Sendable {
  let unit: Unit
  let program: Program
  let maps: BodyMaps
  /// Of the unit itself.
  let bodies: UnitBodies
  let contents: [DebugContent]
  /// What folding took from the functions of a finished module.
  let lost: LostLocations
  /// The first section of each kind, by its number.
  private let first: [Int?]
  /// A section of a finished module that references go to.
  struct Target {
    let symbol: SymbolIndex
    let count: Int
  }
  /// Of a finished module, the first section of each kind, by its number.
  let targets: [Target?]
  /// What is asked for with every address: how an address of a function is named in a relocation.
  let firstFunction: FunctionID
  let firstFunctionSymbol: SymbolIndex?
  /// What addresses of a library's data count from.
  private let memoryBase: SymbolicValue.Base?
  /// The thread-local data of a library, where that becomes an object's.
  let threadLocalBlock: SymbolIndex?
  /// Offset in the file of the code section's payload, from which addresses of code count.
  let codeStart: Int
  /// Whether addresses are numbers, and not relocations.
  let isFinal: Bool
  /// Whether the result has relocations, so that nothing may be written as the number that it is.
  let keepsRelocations: Bool

  init(_ unit: Unit, _ program: Program, _ maps: BodyMaps, _ bodies: UnitBodies, _ lost: LostLocations) {
    self.unit = unit
    self.program = program
    self.maps = maps
    self.bodies = bodies
    self.lost = lost
    isFinal = unit.contracts.isRecovered
    keepsRelocations = program.options.keepsRelocations
    codeStart = unit.module.oldCodePayload?.lowerBound ?? 0
    var contents: [DebugContent] = []
    var first = [Int?](repeating: nil, count: DebugSection.allCases.count)
    for (index, custom) in unit.customSections.enumerated() where !unit.isDiscarded(comdat: custom.comdat) {
      guard let section = DebugSection(custom.name) else { continue }
      if first[section.rawValue] == nil { first[section.rawValue] = contents.count }
      contents.append(DebugContent(section: section, index: index, bytes: custom.content.asFile))
    }
    self.contents = contents
    self.first = first
    firstFunction = unit.bases.function
    firstFunctionSymbol = unit.lifted?.symbol(FunctionIndex(unit.functionImports.count))
    memoryBase = unit.lifted?.memoryBlock?.base
    threadLocalBlock = unit.lifted?.threadLocalBlock
    var symbols: [Int: SymbolIndex] = [:]
    if isFinal {
      for (index, symbol) in unit.symbols.enumerated() where symbol.kind == .section {
        if let section = symbol.definition { symbols[Int(section)] = SymbolIndex(index) }
      }
    }
    targets = first.map { place in
      guard let place, let symbol = symbols[contents[place].index] else { return nil }
      return Target(symbol: symbol, count: contents[place].bytes.count)
    }
  }

  /// The section of a kind, if there is one.
  subscript(section: DebugSection) -> DebugContent? { first[section.rawValue].map { contents[$0] } }

  // MARK: Relocations that an object has

  private var relocationRanges: [RelocationRange] { unit.customRelocations }

  /// The relocation of an object at an offset of a section.
  func relocation(in content: DebugContent, at offset: Int) -> Relocation? {
    if isFinal { return nil }
    let place = firstRelocation(in: content, from: offset)
    let end = relocationRanges[content.index].indices.upperBound
    return place < end && Int(unit.relocations[place].offset) == offset ? unit.relocations[place] : nil
  }

  private func firstRelocation(in content: DebugContent, from offset: Int) -> Int {
    relocationRanges[content.index].indices.partitionPoint { Int(unit.relocations[$0].offset) < offset }
  }

  /// Adds the relocations that an object has for some bytes of a section, which stand at `place` of the chunk.
  func carry(_ range: Range<Int>, of content: DebugContent, to place: Int, in chunk: inout SectionChunk) {
    if isFinal { return }
    var next = firstRelocation(in: content, from: range.lowerBound)
    let end = relocationRanges[content.index].indices.upperBound
    while next < end, Int(unit.relocations[next].offset) < range.upperBound {
      var relocation = unit.relocations[next]
      next += 1
      relocation.offset = UInt32(place + Int(relocation.offset) - range.lowerBound)
      if relocation.kind == .functionOffsetI32 || relocation.kind == .functionOffsetI64, !relocation.hasWideAddend,
        let function = function(of: relocation)
      {
        relocation.storedAddend = Int32(
          clamping: maps.offset(of: Int(relocation.storedAddend), inFunctionAt: maps.position(of: function)))
      }
      chunk.relocations.append(relocation)
    }
  }

  private func function(of relocation: Relocation) -> FunctionID? {
    let symbol = program.symbol(unit.symbolIDs[relocation.namedSymbol])
    return symbol.isDefined && symbol.kind == .function ? symbol.functionID : nil
  }

  /// The place in code that the relocation of an object at an offset of a section is about.
  func relocatedPlace(in content: DebugContent, at offset: Int) -> CodePlace? {
    guard let relocation = relocation(in: content, at: offset),
      relocation.kind == .functionOffsetI32 || relocation.kind == .functionOffsetI64,
      let function = function(of: relocation)
    else { return nil }
    return CodePlace(
      function: function, offset: Int(unit.addend(of: relocation)),
      position: PackedIndex(maps.position(of: function).map { Index($0) }))
  }

  // MARK: Data and sections

  /// Whether an address is what linkers write in place of that of what they dropped.
  static func isDropped(_ address: UInt64) -> Bool {
    address == UInt64(UInt32.max) || address == UInt64(UInt32.max) - 1 || address >= UInt64.max - 1
  }

  /// The relocation of an address of a library's data, which counts from its block of memory; `nil` for others, whose data
  /// stays where it is.
  func relocation(ofData address: UInt64, at offset: Int, width: Int) -> Relocation? {
    guard isFinal, let memoryBase, let addend = Int32(exactly: address) else { return nil }
    return relocation(of: SymbolicValue(base: memoryBase, addend: Int64(addend)), at: offset, width: width)
  }

  /// The relocation of an address in memory.
  func relocation(of value: SymbolicValue, at offset: Int, width: Int) -> Relocation? {
    guard case .memory(let symbol) = value.base, let addend = Int32(exactly: value.addend) else { return nil }
    var relocation = Relocation(
      width == 8 ? .memoryAddressI64 : .memoryAddressI32, at: UInt32(offset), width: UInt8(width),
      target: symbol.rawValue)
    relocation.storedAddend = addend
    return relocation
  }

  /// The relocation of an offset into another section of a finished module; `nil` where that is not there.
  ///
  /// - Throws: ``FormatError`` when the section has no such offset.
  func relocation(
    of offset: UInt64, into section: DebugSection, at place: Int, of reader: ByteReader
  ) throws(FormatError) -> Relocation? {
    guard let target = targets[section.rawValue] else { return nil }
    guard let relocation = target.relocation(of: offset, at: place) else {
      throw FormatError("offset \(offset) is beyond \(section.name)", at: reader.offset)
    }
    return relocation
  }
}

extension DebugFile.Target {
  /// The relocation of an offset into the section; `nil` when it has no such offset.
  @inline(__always)
  func relocation(of offset: UInt64, at place: Int) -> Relocation? {
    guard offset <= UInt64(count), let addend = Int32(exactly: offset) else { return nil }
    var relocation = Relocation(.sectionOffsetI32, at: UInt32(place), width: 4, target: symbol.rawValue)
    relocation.storedAddend = addend
    return relocation
  }
}
