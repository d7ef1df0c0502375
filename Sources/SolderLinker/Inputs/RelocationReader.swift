import WebAssemblyFormat

/// Decodes the relocation sections of an object and hands each function, segment and custom section its run
/// (tool-conventions, Linking.md, Relocation Sections).
///
/// Every offset, symbol and type is checked here once, so that whoever applies a relocation may trust it: those of a
/// section are in order and do not overlap, and each lies in one function, segment or custom section as a whole. Those
/// of functions whose COMDAT group was discarded are checked and not kept.
struct RelocationReader {
  private let unit: InputModule
  /// For each COMDAT group, whether its functions need no relocations because they are not in the result.
  private let discardedComdats: [Bool]
  private var relocations: [Relocation] = []
  private var ranges: UnitRelocations
  private let symbolKinds: [SymbolKind]
  private let entryKinds = EntryKind.all

  private init(_ unit: InputModule, discardedComdats: [Bool]) {
    self.unit = unit
    self.discardedComdats = discardedComdats
    ranges = UnitRelocations(declaredBy: unit)
    symbolKinds = unit.symbols.map(\.kind)
  }

  /// Decodes all relocations of an object.
  ///
  /// - Parameter keepsDiscarded: whether functions of discarded COMDAT groups may be in the result.
  /// - Throws: ``FormatError`` when an entry is damaged, out of order or out of range.
  static func read(_ unit: BoundModule, keepsDiscarded: Bool) throws(FormatError) -> UnitRelocations {
    var reader = RelocationReader(unit.module, discardedComdats: keepsDiscarded ? [] : unit.discardedComdats)
    try reader.reserve()
    try reader.readSections()
    reader.ranges.entries = reader.relocations
    return reader.ranges
  }

  /// Makes room for all entries at once: growing would copy a million of them.
  private mutating func reserve() throws(FormatError) {
    var total = relocations.count
    for section in unit.relocationSections {
      var reader = section
      _ = try reader.u32()
      total += try reader.count(minimumSize: 3)
    }
    relocations.reserveCapacity(total)
  }

  /// For each symbol, whether a call instruction of the object names it: as far as the relocations can be read, and
  /// whatever of the object is discarded, as in wasm-ld.
  static func directlyCalled(in unit: InputModule) -> [Bool] {
    var reader = RelocationReader(unit, discardedComdats: [])
    return reader.directlyCalled()
  }

  private mutating func directlyCalled() -> [Bool] {
    for section in unit.relocationSections {
      var reader = section
      guard let code = unit.code, let target = try? reader.u32(), code.index == Int(target) else { continue }
      try? readEntries(&reader, base: code.payload.offset, size: code.payload.remaining, discarded: [])
    }
    var called = [Bool](repeating: false, count: symbolKinds.count)
    for relocation in relocations where relocation.kind == .functionIndexLEB { called[Int(relocation.target)] = true }
    return called
  }

  /// Where functions of discarded COMDAT groups lie in the file, in ascending order.
  private func discardedFunctions() -> [Range<UInt32>] {
    guard discardedComdats.contains(true) else { return [] }
    var result: [Range<UInt32>] = []
    for function in unit.functions {
      guard let group = function.comdat.index, discardedComdats[Int(group)] else { continue }
      result.append(function.body.start..<(function.body.start + function.body.size))
    }
    return result
  }

  private mutating func readSections() throws(FormatError) {
    var targets: Set<UInt32> = []
    for section in unit.relocationSections {
      var reader = section
      let at = reader.offset
      let target = try reader.u32()
      guard targets.insert(target).inserted else {
        throw FormatError("a second section has relocations of section \(target)", at: at)
      }
      let first = UInt32(relocations.count)
      if let code = unit.code, code.index == Int(target) {
        try readEntries(
          &reader, base: code.payload.offset, size: code.payload.remaining, discarded: discardedFunctions())
        try divideAmongFunctions(from: first, at: at)
      } else if target == unit.dataSectionIndex {
        try readDataEntries(&reader, at: at)
      } else if let index = unit.customSections.index(ofSection: target) {
        try readEntries(&reader, base: 0, size: unit.customSections[index].content.remaining, discarded: [])
        ranges.customSections[index] = RelocationRange(start: first, end: UInt32(relocations.count))
      } else {
        throw FormatError("relocations of section \(target), which does not exist", at: at)
      }
    }
  }

  /// Reads the entries of one section; `base` is added to their offsets, and those inside `discarded` are dropped.
  private mutating func readEntries(
    _ reader: inout ByteReader, base: Int, size: Int, discarded: [Range<UInt32>]
  ) throws(FormatError) {
    let count = try reader.count(minimumSize: 3)
    let typeCount = unit.types.count
    // In registers.
    var entries = reader
    defer { reader = entries }
    var previous: UInt32 = 0
    var previousEnd = 0
    var nextDiscarded = 0
    for _ in 0..<count {
      let at = entries.offset
      let code = try entries.byte()
      guard Int(code) < entryKinds.count else { throw FormatError("unknown relocation type \(code)", at: at) }
      let entry = entryKinds[Int(code)]
      let offset = try entries.evenU32()
      let target = try entries.evenU32()
      guard offset >= previous, Int(offset) + Int(entry.width) <= size else {
        throw FormatError("relocation at \(offset) is out of order or out of range", at: at)
      }
      guard Int(offset) >= previousEnd else {
        throw FormatError("relocation at \(offset) overlaps the one at \(previous)", at: at)
      }
      previous = offset
      previousEnd = Int(offset) + Int(entry.width)
      guard Int(target) < (entry.kind == .typeIndexLEB ? typeCount : symbolKinds.count) else {
        throw FormatError("relocation refers to symbol or type \(target), which does not exist", at: at)
      }
      if entry.kind != .typeIndexLEB, entry.symbols >> symbolKinds[Int(target)].rawValue & 1 == 0 {
        throw FormatError("relocation \(entry.kind.conventionalName) refers to a symbol of the wrong kind", at: at)
      }
      var relocation = Relocation(
        entry.kind, at: offset + UInt32(truncatingIfNeeded: base), width: entry.width, target: target)
      if entry.hasAddend {
        let addend = try entries.s64()
        if let narrow = Int32(exactly: addend) {
          relocation.storedAddend = narrow
        } else {
          relocation.setAddend(addend, beside: &ranges.wideAddends)
        }
      }
      while nextDiscarded < discarded.count, discarded[nextDiscarded].upperBound <= relocation.offset {
        nextDiscarded += 1
      }
      if nextDiscarded < discarded.count, discarded[nextDiscarded].contains(relocation.offset) {
        guard UInt64(relocation.offset) + UInt64(entry.width) <= UInt64(discarded[nextDiscarded].upperBound) else {
          throw FormatError("relocation at \(offset) reaches beyond its function", at: at)
        }
        continue
      }
      relocations.append(relocation)
    }
  }

  private mutating func divideAmongFunctions(from first: UInt32, at: Int) throws(FormatError) {
    var next = Int(first)
    for index in unit.functions.indices {
      let body = unit.functions[index].body
      let start = Int(body.start)
      let range = try take(&next, in: start..<start + Int(body.size), "function", at: at)
      ranges.functions[index] = range
    }
    try checkAllTaken(next, "function", at: at)
  }

  /// The relocations from `next` on that lie in a fragment, which has to be the next one that any of them lies in.
  ///
  /// - Parameter fragment: where it is in the file.
  private func take(
    _ next: inout Int, in fragment: Range<Int>, _ what: StaticString, at: Int
  ) throws(FormatError) -> RelocationRange {
    let first = next
    if first < relocations.count, Int(relocations[first].offset) < fragment.lowerBound {
      throw FormatError("relocation is in no \(what)", at: at)
    }
    while next < relocations.count, Int(relocations[next].offset) < fragment.upperBound {
      guard Int(relocations[next].offset) + Int(relocations[next].width) <= fragment.upperBound else {
        throw FormatError("relocation reaches beyond its \(what)", at: at)
      }
      next += 1
    }
    return RelocationRange(start: UInt32(first), end: UInt32(next))
  }

  private func checkAllTaken(_ next: Int, _ what: StaticString, at: Int) throws(FormatError) {
    if next < relocations.count { throw FormatError("relocation is in no \(what)", at: at) }
  }

  /// Entries of the data section count from its payload; a segment wants them to count from its own first byte.
  private mutating func readDataEntries(_ reader: inout ByteReader, at: Int) throws(FormatError) {
    var payloadEnd = 0
    for segment in unit.segments where segment.count > 0 {
      payloadEnd = max(payloadEnd, segment.content.end)
    }
    let payload = unit.dataPayloadOffset
    var next = relocations.count
    try readEntries(&reader, base: payload, size: max(0, payloadEnd - payload), discarded: [])
    for index in unit.segments.indices where unit.segments[index].count > 0 {
      let segment = unit.segments[index]
      let start = segment.content.offset
      let range = try take(&next, in: start..<start + segment.count, "data segment", at: at)
      for relocation in range.indices { relocations[relocation].offset -= UInt32(start) }
      ranges.segments[index] = range
    }
    try checkAllTaken(next, "data segment", at: at)
  }
}

extension RelocationReader {
  /// What an entry of a relocation section looks like, and what it may refer to.
  private struct EntryKind {
    let kind: RelocationKind
    let width: UInt8
    let hasAddend: Bool
    /// A bit for each kind of symbol.
    let symbols: UInt8

    /// By number.
    static let all: [EntryKind] = (0...26).compactMap { RelocationKind(rawValue: $0) }.map { kind in
      EntryKind(
        kind: kind, width: UInt8(kind.width), hasAddend: kind.hasAddend,
        symbols: symbols(of: kind).reduce(0) { $0 | 1 << $1.rawValue })
    }

    private static func symbols(of kind: RelocationKind) -> [SymbolKind] {
      switch kind {
      case .functionIndexLEB, .functionIndexI32, .tableIndexSLEB, .tableIndexI32, .tableIndexRelativeSLEB,
        .tableIndexSLEB64, .tableIndexI64, .tableIndexRelativeSLEB64, .functionOffsetI32, .functionOffsetI64:
        [.function]
      case .globalIndexLEB, .globalIndexI32: [.global, .data, .function]
      case .tagIndexLEB: [.tag]
      case .tableNumberLEB: [.table]
      case .sectionOffsetI32: [.section]
      default: [.data]
      }
    }
  }
}
