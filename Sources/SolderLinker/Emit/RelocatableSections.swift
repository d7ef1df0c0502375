import WebAssemblyFormat

// What makes a result linkable again (`--relocatable`), or tells tools which of its bytes are addresses
// (`--emit-relocs`): the `linking` section with symbols, segments, constructors and COMDAT groups, and for every section
// with relocations one that lists them (tool-conventions, Linking.md).
//
// The relocations of the inputs are copied, with three things renumbered: where they are, which symbol or type they
// name, and offsets into custom sections, which were joined. The bytes they speak of hold final values all the same, as
// if the result were never linked again.

/// The symbol table of a relocatable result: named symbols in the order of the link's names, then the local ones of each
/// file, then one for every custom section.
struct OutputSymbols {
  /// The symbols, and behind them, as `none32`, the custom sections.
  private(set) var entries: [SymbolID] = []
  /// Index of each symbol in the table, by ID.
  private var indices: [UInt32]
  private let firstSection: UInt32

  init(_ program: Program) {
    let resolution = program.resolution
    var entries: [SymbolID] = []
    var indices = Array(repeating: none32, count: resolution.table.symbols.count)
    func add(_ id: SymbolID) {
      indices[Int(id)] = UInt32(entries.count)
      entries.append(id)
    }
    func isPresent(_ symbol: Symbol, _ id: SymbolID) -> Bool {
      // A stub that is only pointed to has no function: its address is null.
      if symbol.has(.isStub), program.indices.ownIndex(of: symbol) == nil { return false }
      return program.isPresent(id)
    }
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      if symbol.has(.usedInRegularUnit), !symbol.has(.provided), isPresent(symbol, id), indices[Int(id)] == none32 {
        add(id)
      }
    }
    for unit in resolution.inLinkOrder {
      for id in unit.symbolIDs {
        let symbol = resolution.symbol(id)
        // A stub for a missing function is local to each file that refers to it.
        let isStub = symbol.has(.isStub)
        guard symbol.isLocal || isStub, symbol.isDefined, symbol.kind != .section else { continue }
        if indices[Int(id)] == none32 || isStub, isPresent(symbol, id) { add(id) }
      }
    }
    firstSection = UInt32(entries.count)
    self.entries = entries
    self.indices = indices
  }

  /// The index of the symbol of a unit, or of the custom section that it stands for.
  func index(of id: SymbolID, _ program: Program, _ custom: CustomPlan) -> UInt32 {
    let symbol = program.symbol(id)
    guard symbol.kind == .section else { return indices[Int(id)] }
    let output = custom.outputIndex(ofSection: symbol.customSectionID)
    return output == none32 ? none32 : firstSection + output
  }
}

/// Writes the `linking` section and those with relocations.
struct RelocatableSections {
  private let program: Program
  private let custom: CustomPlan
  private let places: ImageLayout
  private let symbols: OutputSymbols

  init(_ program: Program, _ custom: CustomPlan, _ places: ImageLayout) {
    self.program = program
    self.custom = custom
    self.places = places
    symbols = OutputSymbols(program)
  }

  /// The payloads of all `reloc.` sections behind their names.
  func relocations(functionOffsets: [UInt32]) -> [(ByteString, ByteWriter)] {
    var sections: [(ByteString, ByteWriter)] = []
    func append(_ name: String, of index: UInt32?, _ fill: (inout RelocationSection) -> Void) {
      guard let index else { return }
      var section = RelocationSection(program, symbols, custom)
      fill(&section)
      if section.isEmpty { return }
      sections.append((program.resolution.synthetic.names.intern("reloc.\(name)"), section.contents(of: index)))
    }
    append("CODE", of: places.code) { section in
      for (position, reference) in program.indices.functions.enumerated() {
        let unit = program.resolution.units[reference.unit]
        let function = unit.functions[Int(reference.index)]
        section.add(
          unit.functionRelocations[Int(reference.index)], of: unit, countedFrom: UInt64(function.start),
          at: UInt64(functionOffsets[position]))
      }
    }
    append("DATA", of: places.data) { section in
      for (segment, place) in zip(program.memory.segments, places.segments) {
        guard let place else { continue }
        for piece in segment.pieces {
          let unit = program.resolution.units[piece.unit]
          let relocations = unit.segmentRelocations[Int(piece.segment)]
          section.add(relocations, of: unit, countedFrom: 0, at: place.contents &+ piece.offset)
        }
      }
    }
    for (output, index) in zip(custom.outputs, places.custom) {
      append(output.name.description, of: index) { section in
        for piece in output.pieces {
          let relocations = piece.unit.customRelocations[piece.index]
          section.add(relocations, of: piece.unit, countedFrom: 0, at: piece.offset)
        }
      }
    }
    return sections
  }

  private enum Subsection: UInt8 {
    case segments = 5
    case initFunctions = 6
    case comdats = 7
    case symbolTable = 8
  }

  private enum ComdatKind: UInt8 {
    case data = 0
    case function = 1
  }

  /// The content of the `linking` section.
  func linking() -> ByteWriter {
    var writer = ByteWriter(capacity: symbols.entries.count * 24)
    writer.u32(2)
    append(.symbolTable, count: symbols.entries.count + places.custom.count, &writer) { writer in
      for id in symbols.entries { write(program.symbol(id), id, &writer) }
      for index in places.custom {
        writer.byte(SymbolKind.section.rawValue)
        writer.u32(SymbolFlags.bindingLocal.rawValue)
        writer.u32(index)
      }
    }
    append(.segments, count: program.memory.segments.count, &writer) { writer in
      for segment in program.memory.segments {
        writer.name(segment.name)
        writer.u32(segment.alignment)
        // wasm-ld leaves all flags out: the name tells thread-local data, and strings are merged already. What has to
        // be kept would get lost that way.
        writer.u32(segment.flags.intersection(.retain).rawValue)
      }
    }
    let constructors = StartOrder.objectConstructors(program.resolution, program.live)
    append(.initFunctions, count: constructors.count, &writer) { writer in
      for (priority, id) in constructors {
        writer.u32(priority)
        writer.u32(symbols.index(of: id, program, custom))
      }
    }
    let groups = comdats()
    append(.comdats, count: groups.count, &writer) { writer in
      for (name, members) in groups {
        writer.name(name)
        writer.u32(0)
        writer.count(members.count)
        for (kind, index) in members {
          writer.byte(kind.rawValue)
          writer.u32(index)
        }
      }
    }
    return writer
  }

  private func append(
    _ subsection: Subsection, count: Int, _ writer: inout ByteWriter, _ body: (inout ByteWriter) -> Void
  ) {
    guard count > 0 else { return }
    writer.byte(subsection.rawValue)
    writer.sized { writer in
      writer.count(count)
      body(&writer)
    }
  }

  private func write(_ symbol: Symbol, _ id: SymbolID, _ writer: inout ByteWriter) {
    writer.byte(symbol.kind.rawValue)
    // A wrapper is exported in place of the function.
    let isWrapped = program.indices.wrapped.contains(id)
    let flags = isWrapped ? symbol.flags.union(.visibilityHidden).subtracting(.exported) : symbol.flags
    writer.u32(flags.rawValue)
    if symbol.kind == .data {
      writer.name(symbol.name)
      guard symbol.isDefined else { return }
      if symbol.isAbsolute {
        writer.u32(0)
        writer.u64(symbol.value)
      } else {
        let segment = program.index(ofSegment: symbol.segmentID, of: program.resolution.units[symbol.definer])
        writer.u32(segment.rawValue)
        writer.u64(program.address(of: id) &- program.memory.segments[Int(segment)].address)
      }
      writer.u64(symbol.size)
    } else {
      writer.u32(symbol.isDefined ? program.ownIndex(of: id) : program.index(of: id))
      if symbol.isDefined || symbol.flags.contains(.explicitName) { writer.name(symbol.name) }
    }
  }

  /// COMDAT groups by name, each with its functions and segments.
  private func comdats() -> [(ByteString, [(ComdatKind, UInt32)])] {
    var groups: [ByteString: [(ComdatKind, UInt32)]] = [:]
    for (position, reference) in program.indices.functions.enumerated() {
      let unit = program.resolution.units[reference.unit]
      let group = unit.functions[Int(reference.index)].comdat
      guard group != none32 else { continue }
      let index = (program.indices.importCounts.functions + position).rawValue
      groups[unit.comdats[Int(group)], default: []].append((.function, index))
    }
    for (index, segment) in program.memory.segments.enumerated() {
      // Merged strings belong to no group.
      guard let first = segment.pieces.first, segment.strings.first?.offset != 0 else { continue }
      let unit = program.resolution.units[first.unit]
      let group = unit.segments[Int(first.segment)].comdat
      if group != none32 { groups[unit.comdats[Int(group)], default: []].append((.data, UInt32(index))) }
    }
    return groups.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }.map { ($0.key, $0.value) }
  }
}

/// The content of one `reloc.` section.
struct RelocationSection {
  private let program: Program
  private let symbols: OutputSymbols
  private let custom: CustomPlan
  private var count = 0
  private var entries = ByteWriter()

  var isEmpty: Bool { count == 0 }

  init(_ program: Program, _ symbols: OutputSymbols, _ custom: CustomPlan) {
    self.program = program
    self.symbols = symbols
    self.custom = custom
  }

  /// Adds the relocations of a fragment of a unit.
  ///
  /// - Parameters:
  ///   - start: where the relocations' offsets count from.
  ///   - place: where that is in the payload of the section of the result.
  mutating func add(_ range: RelocationRange, of unit: Unit, countedFrom start: UInt64, at place: UInt64) {
    for index in range.indices {
      let relocation = unit.relocations[index]
      let target: UInt32
      if relocation.kind == .typeIndexLEB {
        target = program.index(ofType: relocation.target, of: unit)
      } else {
        target = symbols.index(of: unit.symbolIDs[Int(relocation.target)], program, custom)
        if omits(relocation.kind, target) { continue }
      }
      entries.byte(relocation.kind.rawValue)
      entries.u64(UInt64(relocation.offset) &- start &+ place)
      entries.u32(target)
      if relocation.kind.hasAddend { entries.s64(addend(of: relocation, in: unit)) }
      count += 1
    }
  }

  /// Whether the symbol was collected as garbage. wasm-ld takes section symbols for garbage too, which are never marked.
  private func omits(_ kind: RelocationKind, _ target: UInt32) -> Bool {
    guard program.options.compatibility.omitsRelocationsOfGarbage else { return false }
    return target == none32 || kind == .sectionOffsetI32 && program.options.gcSections
  }

  private func addend(of relocation: Relocation, in unit: Unit) -> Int64 {
    let addend = unit.addend(of: relocation)
    guard relocation.kind == .sectionOffsetI32 else { return addend }
    let section = program.symbol(unit.symbolIDs[Int(relocation.target)]).customSectionID
    return Int64(bitPattern: custom.offset(of: UInt64(bitPattern: addend), inSection: section))
  }

  /// The payload, for the section of this index in the result.
  func contents(of section: UInt32) -> ByteWriter {
    var writer = ByteWriter(capacity: entries.count + 10)
    writer.u32(section)
    writer.count(count)
    writer.raw(entries)
    return writer
  }
}
