import WebAssemblyFormat

/// The link map (`-Map`, `--print-map`): sections of the result, what they consist of, and the symbols there, each with
/// address, place in the file and size.
///
/// The form is wasm-ld's, to the column, with one peculiarity: places inside a section count as if the section had no
/// header.
struct LinkMap {
  private let program: Program
  private let layout: ImageLayout
  private let code: CodePlan
  private let places: SymbolPlaces

  init(_ program: Program, _ layout: ImageLayout, _ code: CodePlan) {
    self.program = program
    self.layout = layout
    self.code = code
    places = SymbolPlaces(program)
  }

  /// The whole map.
  func text() -> String {
    var lines = "    Addr      Off     Size Out     In      Symbol\n"
    for (index, section) in layout.sections.enumerated() {
      lines += line(nil, UInt64(section.offset), UInt64(section.size), indent: 0, title(of: section))
      if UInt32(index) == layout.code {
        lines += functions(at: UInt64(section.offset))
      } else if UInt32(index) == layout.data {
        lines += segments(at: UInt64(section.offset))
      } else if section.id == .global {
        lines += globals()
      }
    }
    return lines
  }

  private func title(of section: ImageLayout.Section) -> String {
    section.id == .custom ? "CUSTOM(\(section.name))" : section.id.conventionalName
  }

  private func functions(at start: UInt64) -> String {
    var lines = ""
    for (position, reference) in program.indices.functions.enumerated() {
      let unit = program.resolution.units[reference.unit]
      let place = start + UInt64(code.offsets[position])
      let size = UInt64(code.sizes[position])
      // A stub stands under the name of the symbol that it is for.
      let stub = unit.index == .own ? program.resolution.synthetic.symbolNames[reference.index] : nil
      let name = stub?.description ?? unit.reportName(ofFunction: Int(reference.index))
      lines += line(nil, place, size, indent: 8, "\(unit.file.displayName):(\(name))")
      for id in places.symbols(of: unit.bases.function + reference.index) {
        // What is missing is there under its name, without a size.
        lines += line(nil, place, program.isMissing(id) ? 0 : size, indent: 16, displayName(id))
      }
    }
    return lines
  }

  private func segments(at start: UInt64) -> String {
    var lines = ""
    for (segment, places) in zip(program.memory.segments, layout.segments) {
      let header = start + (places.first?.header ?? 0)
      lines += line(
        segment.address, header, segment.size, indent: 0, segment.name.isEmpty ? "data" : segment.name.description)
      var merged = segment.strings[...]
      let contents = places.map { place in
        var place = place
        place.contents += start
        return place
      }
      for piece in segment.pieces {
        while let first = merged.first, first.offset <= piece.offset {
          lines += self.strings(merged.removeFirst(), of: segment, at: contents)
        }
        lines += self.piece(piece, of: segment, at: contents)
      }
      for rest in merged { lines += strings(rest, of: segment, at: contents) }
    }
    for unit in program.resolution.inLinkOrder { lines += zeros(of: unit) }
    return lines
  }

  /// Names in the part of a library's block that no data fills.
  private func zeros(of unit: Unit) -> String {
    guard let block = unit.lifted?.memoryBlock?.segment, !program.options.contract.isObject else { return "" }
    let id = unit.bases.segment + block.rawValue
    let symbols = places.symbols(in: id)
    guard !symbols.isEmpty, program.live.segments[id] else { return "" }
    let address = program.memory.segmentAddresses[id]
    let size = unit.segments[Int(block)].size
    var lines = line(address, 0, size, indent: 8, "\(unit.file.displayName):(block of memory)")
    for symbol in symbols {
      lines += line(address &+ symbol.offset, 0, symbol.size, indent: 16, displayName(symbol.symbol))
    }
    return lines
  }

  /// Where something is in the file; what takes no bytes there is shown at 0, as in wasm-ld.
  private static func fileOffset(_ places: [ImageLayout.SegmentPlace], _ offset: UInt64) -> UInt64 {
    if places.count == 1, let place = places.first { return place.contents &+ offset &- place.range.lowerBound }
    // The last that begins in front of it.
    let next = places.indices.partitionPoint { places[$0].range.lowerBound <= offset }
    guard next > 0, places[next - 1].range.contains(offset) else { return 0 }
    return places[next - 1].contents + offset - places[next - 1].range.lowerBound
  }

  private func strings(
    _ run: OutputSegment.MergedRun, of segment: OutputSegment, at contents: [ImageLayout.SegmentPlace]
  ) -> String {
    line(
      segment.address + run.offset, LinkMap.fileOffset(contents, run.offset), UInt64(run.strings.bytes.count),
      indent: 8,
      "<internal>:(\(run.name))")
  }

  private func piece(_ piece: OutputSegment.Piece, of segment: OutputSegment, at contents: [ImageLayout.SegmentPlace])
    -> String
  {
    let unit = program.resolution.units[piece.unit]
    let input = unit.segments[Int(piece.segment)]
    func file(_ offset: UInt64) -> UInt64 {
      guard contents.count > 1 else { return LinkMap.fileOffset(contents, piece.offset) &+ offset }
      return LinkMap.fileOffset(contents, piece.offset &+ offset)
    }
    let title = "\(unit.file.displayName):(\(unit.reportName(ofSegment: Int(piece.segment))))"
    var lines = line(segment.address + piece.offset, file(0), input.size, indent: 8, title)
    for symbol in places.symbols(in: unit.bases.segment + piece.segment) {
      let address = segment.address &+ piece.offset &+ symbol.offset
      lines += line(address, file(symbol.offset), symbol.size, indent: 16, displayName(symbol.symbol))
    }
    return lines
  }

  private func globals() -> String {
    var lines = ""
    for (position, reference) in program.indices.globals.enumerated() {
      let name = program.resolution.units[reference.unit].reportName(ofGlobal: Int(reference.index))
      let index = UInt64((program.indices.importCounts.globals + position).rawValue)
      lines += line(index, 0, 0, indent: 8, name)
    }
    return lines
  }

  private func displayName(_ id: SymbolID) -> String {
    program.options.displayName(of: program.symbol(id).name)
  }

  private func line(_ address: UInt64?, _ offset: UInt64, _ size: UInt64, indent: Int, _ text: String) -> String {
    let first = address.map { padded($0) } ?? "       -"
    return "\(first) \(padded(offset)) \(padded(size)) \(String(repeating: " ", count: indent))\(text)\n"
  }

  private func padded(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: " ", count: max(0, 8 - digits.count)) + digits
  }
}
