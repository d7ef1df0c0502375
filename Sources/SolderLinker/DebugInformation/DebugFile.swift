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
  let contents: [DebugContent]
  /// The first section of each kind, by its number.
  private let first: [Int?]
  /// Of a finished module, the symbol and the length of the first section of each kind, by its number.
  private let targets: [(symbol: SymbolIndex, count: Int)?]
  /// What is asked for with every address: the functions, and how an address of one is named in a relocation.
  private let functions: [Function]
  private let firstFunction: FunctionID
  private let firstFunctionSymbol: SymbolIndex?
  /// What addresses of a library's data count from.
  private let memoryBase: SymbolicValue.Base?
  /// Offset in the file of the code section's payload, from which addresses of code count.
  private let codeStart: Int
  /// Whether addresses are numbers, and not relocations.
  let isFinal: Bool
  /// By function.
  private let lost: [LostLocations?]

  init(_ unit: Unit, _ program: Program, _ maps: BodyMaps, _ threads: Threads) {
    self.unit = unit
    self.program = program
    self.maps = maps
    isFinal = unit.contracts.isRecovered
    lost = isFinal ? threads.map(unit.functions.count, batch: 256) { LostLocations(unit, $0) } : []
    codeStart = unit.module.code?.payload.offset ?? 0
    var contents: [DebugContent] = []
    var first = [Int?](repeating: nil, count: DebugSection.allCases.count)
    for (index, custom) in unit.customSections.enumerated() where !unit.isDiscarded(comdat: custom.comdat) {
      guard let section = DebugSection(custom.name) else { continue }
      if first[section.rawValue] == nil { first[section.rawValue] = contents.count }
      contents.append(DebugContent(section: section, index: index, bytes: custom.content.asFile))
    }
    self.contents = contents
    self.first = first
    functions = unit.functions
    firstFunction = unit.bases.function
    firstFunctionSymbol = unit.lifted?.symbol(FunctionIndex(unit.functionImports.count))
    memoryBase = unit.lifted?.memoryBlock?.base
    var symbols: [Int: SymbolIndex] = [:]
    if isFinal {
      for (index, symbol) in unit.symbols.enumerated() where symbol.kind == .section {
        if let section = symbol.definition { symbols[Int(section)] = SymbolIndex(index) }
      }
    }
    targets = first.map { place in
      guard let place, let symbol = symbols[contents[place].index] else { return nil }
      return (symbol, contents[place].bytes.count)
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
    let range = relocationRanges[content.index].indices
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if Int(unit.relocations[middle].offset) < offset { low = middle + 1 } else { high = middle }
    }
    return low
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
    let symbol = program.symbol(unit.symbolIDs[relocation.symbol])
    return symbol.isDefined && symbol.kind == .function ? symbol.functionID : nil
  }

  // MARK: Code

  /// The place in code that an address is, which stands at an offset of a section; `nil` for one that is in no function,
  /// as of what was dropped when the file was made.
  func place(
    in content: DebugContent, at offset: Int, _ address: UInt64, _ edge: CodePlace.Edge = .begin,
    near function: CodePlace? = nil
  ) -> CodePlace? {
    if isFinal { return place(of: address, edge, near: function) }
    guard let relocation = relocation(in: content, at: offset),
      relocation.kind == .functionOffsetI32 || relocation.kind == .functionOffsetI64,
      let function = self.function(of: relocation)
    else { return nil }
    return CodePlace(
      function: function, offset: Int(unit.addend(of: relocation)), position: maps.position(of: function))
  }

  private func place(of address: UInt64, _ edge: CodePlace.Edge, near: CodePlace?) -> CodePlace? {
    guard address < UInt64(UInt32.max) else { return nil }
    let offset = Int(address) + codeStart
    if let near {
      let body = functions[near.function - firstFunction].body
      let inside = offset - Int(body.start)
      if inside >= 0, inside <= Int(body.size) {
        return CodePlace(function: near.function, offset: inside, position: near.position)
      }
    }
    // The last function that begins there or before.
    var (low, high) = (0, functions.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(functions[middle].start) <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    var index = low - 1
    // Where a function ends, the next one begins.
    if edge == .end, Int(functions[index].start) == offset, index > 0 { index -= 1 }
    let inside = offset - Int(functions[index].body.start)
    guard inside <= Int(functions[index].body.size) else { return nil }
    let function = firstFunction + index
    return CodePlace(function: function, offset: inside, position: maps.position(of: function))
  }

  /// How many bytes a place is into the body of its function in the result.
  func offset(of place: CodePlace) -> Int { maps.offset(of: place.offset, inFunctionAt: place.position) }

  /// How far what was `distance` bytes behind a place is behind it in the result.
  func distance(from place: CodePlace, _ distance: Int) -> Int {
    let (end, overflow) = place.offset.addingReportingOverflow(distance)
    if overflow { return distance }
    guard isFinal, let position = place.position else {
      return offset(of: place.moved(to: end)) - offset(of: place)
    }
    let body = functions[place.function - firstFunction].body
    if end <= Int(body.size) { return offset(of: place.moved(to: end)) - offset(of: place) }
    let address = UInt64(clamping: Int(body.start) + end - codeStart)
    guard let target = self.place(of: address, .end, near: nil), let other = target.position else { return distance }
    return maps.start(ofFunctionAt: other) + offset(of: target) - maps.start(ofFunctionAt: position)
      - offset(of: place)
  }

  /// What the function of a place lost.
  func lostLocations(at place: CodePlace?) -> LostLocations? {
    place.flatMap { lost[checked: $0.function - unit.bases.function] ?? nil }
  }

  /// How long the body of the function is in the file.
  func size(of place: CodePlace) -> Int {
    isFinal ? Int(functions[place.function - firstFunction].body.size) : .max
  }

  /// The place that is so many bytes behind another one in the file, if it is in a function of a finished module.
  func place(_ distance: Int, behind place: CodePlace, _ edge: CodePlace.Edge) -> CodePlace? {
    guard isFinal else { return nil }
    let start = Int(functions[place.function - firstFunction].body.start) - codeStart
    let (offset, overflow) = (start + place.offset).addingReportingOverflow(distance)
    return overflow ? nil : self.place(of: UInt64(clamping: offset), edge, near: nil)
  }

  /// The relocation of an address of code in a finished module.
  func relocation(of place: CodePlace, at offset: Int, width: Int) -> Relocation? {
    guard isFinal, let firstFunctionSymbol else { return nil }
    var relocation = Relocation(
      width == 8 ? .functionOffsetI64 : .functionOffsetI32, at: UInt32(offset), width: UInt8(width),
      target: (firstFunctionSymbol + UInt32(place.function - firstFunction)).rawValue)
    relocation.storedAddend = Int32(clamping: self.offset(of: place))
    return relocation
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
    guard offset <= UInt64(target.count), let addend = Int32(exactly: offset) else {
      throw FormatError("offset \(offset) is beyond \(section.name)", at: reader.offset)
    }
    var relocation = Relocation(.sectionOffsetI32, at: UInt32(place), width: 4, target: target.symbol.rawValue)
    relocation.storedAddend = addend
    return relocation
  }
}

/// A place in the code of a file.
struct CodePlace: Equatable {
  /// Whether something begins at an address, or ends there.
  enum Edge { case begin, end }

  let function: FunctionID
  /// Counted from the first byte of the body; negative for the number in front that tells its size.
  let offset: Int
  /// Of the function in the result, if it is there.
  let position: Int?

  func moved(to offset: Int) -> CodePlace { CodePlace(function: function, offset: offset, position: position) }
}
