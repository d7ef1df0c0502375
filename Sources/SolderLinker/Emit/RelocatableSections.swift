import WebAssemblyFormat

// What makes a result linkable again (`--relocatable`), or tells tools which of its bytes are addresses
// (`--emit-relocs`): the `linking` section with symbols, segments, constructors and COMDAT groups, and for every section
// with relocations one that lists them (tool-conventions, Linking.md).
//
// The relocations of the inputs are written, with three things renumbered: where they are, which symbol or type they
// name, and offsets into custom sections, which were joined. Those of finished modules are edits of more kinds than
// objects have relocations, and take the form of one (``ObjectForm``). The bytes they speak of hold final values all the
// same, as if the result were never linked again.

/// Writes the `linking` section and those with relocations.
struct RelocatableSections {
  private let program: Program
  private let encoder: OperandEncoder
  private let custom: CustomPlan
  private let places: ImageLayout
  private let symbols: OutputSymbols

  init(_ encoder: OperandEncoder, _ places: ImageLayout) {
    program = encoder.program
    self.encoder = encoder
    custom = encoder.custom
    self.places = places
    symbols = OutputSymbols(program, encoder.custom)
  }

  /// The payloads of all `reloc.` sections behind their names.
  func relocations(_ code: CodePlan) -> [(ByteString, ByteWriter)] {
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
        if unit.contracts.isRecovered {
          let size = CodePlan.bodySize(ofTotal: Int(code.sizes[position]))
          let start = code.offsets[position] + code.sizes[position] - UInt32(size)
          section.add(unit.body(ofFunction: Int(reference.index)), Patcher(unit, encoder), at: UInt64(start))
          continue
        }
        let function = unit.functions[Int(reference.index)]
        section.add(
          unit.functionRelocations[Int(reference.index)], of: unit, countedFrom: UInt64(function.start),
          at: UInt64(code.offsets[position]))
      }
    }
    append("DATA", of: places.data) { section in
      for (segment, segmentPlaces) in zip(program.memory.segments, places.segments) {
        // What is to be patched is not divided.
        guard let place = segmentPlaces.first else { continue }
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
          if let rewritten = custom.rewritten[piece.unit.bases.custom + piece.index] {
            var place = piece.offset
            for chunk in rewritten.chunks {
              section.add(chunk.relocations[...], of: piece.unit, countedFrom: 0, at: place)
              place += UInt64(chunk.count)
            }
            continue
          }
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
    let constructors = StartOrder.initFunctions(program.resolution, program.live)
    append(.initFunctions, count: constructors.count, &writer) { writer in
      for (priority, id) in constructors {
        writer.u32(priority)
        writer.u32(symbols.index(of: id, program, custom)?.rawValue ?? program.missing("symbol table entry", of: id))
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
    let flags = symbols.flags(of: id, program)
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
      if symbol.isDefined || flags.contains(.explicitName) { writer.name(symbol.name) }
    }
  }

  /// COMDAT groups by name, each with its functions and segments.
  private func comdats() -> [(ByteString, [(ComdatKind, UInt32)])] {
    var groups: [ByteString: [(ComdatKind, UInt32)]] = [:]
    for (position, reference) in program.indices.functions.enumerated() {
      let unit = program.resolution.units[reference.unit]
      guard let group = unit.functions[Int(reference.index)].comdat.index else { continue }
      let index = (program.indices.importCounts.functions + position).rawValue
      groups[unit.comdats[Int(group)], default: []].append((.function, index))
    }
    for (index, segment) in program.memory.segments.enumerated() {
      // Merged strings belong to no group.
      guard let first = segment.pieces.first, segment.strings.first?.offset != 0 else { continue }
      let unit = program.resolution.units[first.unit]
      let group = unit.segments[Int(first.segment)].comdat.index
      if let group { groups[unit.comdats[Int(group)], default: []].append((.data, UInt32(index))) }
    }
    return groups.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }.map { ($0.key, $0.value) }
  }
}
