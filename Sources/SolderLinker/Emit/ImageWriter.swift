import WebAssemblyFormat

// Laying out the module.
//
// A section is small, and its bytes are made here, or it is large (code, data, custom sections that are copied), and only
// its size is known, from `CodePlan`, `DataParts` and `CustomPlan`: room is set aside, and a task for each run of functions
// or of data fills it when the image is written. So no byte of an input is copied before it goes into the file, and the
// order in which tasks run changes nothing. A region says which bytes of the file it fills; `OutputImage` checks that the
// regions neither overlap nor leave a gap, and whoever fills one can write nowhere else (`OutputRoom`). What comes out
// longer or shorter than it was measured is an internal error, and there is no file.
//
// With relocations in the result, their sections come behind those that they are about, and are made from the same edits.

/// Puts the sections one behind the other; what fills them is left to tasks, one a run of functions or of data.
struct ImageWriter {
  /// A section of the result: bytes that exist already, or room that tasks fill.
  private struct Section {
    var header: ByteWriter
    var contents: ByteWriter
    /// Bytes that tasks write behind `contents`.
    var reserved: UInt64 = 0
    var offset = 0
  }

  private let program: Program
  private let threads: Threads
  private let encoder: OperandEncoder
  private let small: SectionWriter
  let code: CodePlan
  private let parts: DataParts
  private let bodies: [[UInt8]]
  private var sections: [Section] = []
  private var regions: [OutputImage.Region] = []
  private var fileSize = 8
  private(set) var layout = ImageLayout()

  /// - Parameter bodies: of the linker's own functions, each with its size in front.
  init(
    _ program: Program, _ encoder: OperandEncoder, _ code: CodePlan, _ parts: DataParts, bodies: [[UInt8]],
    _ threads: Threads
  ) {
    self.program = program
    self.threads = threads
    self.code = code
    self.bodies = bodies
    self.parts = parts
    self.encoder = OperandEncoder(encoder, bodyOffsets: code.bodyOffsets)
    small = SectionWriter(program, encoder)
  }

  /// Bytes that exist already: of all sections but code, data and copied ones.
  var smallSize: Int { sections.reduce(0) { $0 + $1.contents.count } }

  /// Lays out the whole module; `nil` when it is larger than the format allows.
  mutating func layOut() -> OutputImage? {
    guard code.payloadSize < UInt64(UInt32.max) else { return nil }
    addSections()
    guard fileSize < Int(UInt32.max) else { return nil }
    addRegion(0..<8) { $0.write([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], at: 0) }
    for section in sections {
      let contents = section.offset + section.header.count
      addRegion(section.offset..<contents + section.contents.count) { window in
        window.write(section.header.bytes, at: section.offset)
        window.write(section.contents.bytes, at: contents)
      }
    }
    return OutputImage(count: fileSize, regions: regions, threads: threads, errors: program.errors)
  }

  /// The same result with its build ID, which is computed from all other bytes, so that they have to be there first.
  func identified(_ image: OutputImage) -> OutputImage {
    let identifier = BuildIDWriter(style: program.options.buildID)
    guard identifier.count > 0 else { return image }
    var bytes = image.filled()
    identifier.fill(&bytes, threads)
    return OutputImage(bytes, errors: program.errors)
  }

  private mutating func addRegion(_ range: Range<Int>, _ fill: @escaping @Sendable (OutputWindow) -> Void) {
    regions.append(OutputImage.Region(range: range, fill: fill))
  }

  private mutating func add(
    _ id: SectionID, _ contents: ByteWriter, reserved: UInt64 = 0, name: ByteString = ByteString("")
  ) {
    var prefix = ByteWriter()
    if id == .custom { prefix.name(name) }
    guard !contents.isEmpty || !prefix.isEmpty else { return }
    var header = ByteWriter()
    header.byte(id.rawValue)
    header.u64(UInt64(prefix.count + contents.count) + reserved)
    header.raw(prefix)
    let section = Section(header: header, contents: contents, reserved: reserved, offset: fileSize)
    let size = header.count + contents.count + Int(clamping: reserved)
    layout.sections.append(ImageLayout.Section(id: id, name: name, offset: fileSize, size: size))
    fileSize += size
    sections.append(section)
  }

  private mutating func addCustom(_ name: ByteString, _ contents: ByteWriter, reserved: UInt64 = 0) {
    add(.custom, contents, reserved: reserved, name: name)
  }

  private mutating func addCustom(_ name: ByteString, pieces: [ByteWriter]) {
    guard let first = pieces.first else { return }
    let rest = pieces.dropFirst()
    addCustom(name, first, reserved: rest.reduce(0) { $0 + UInt64($1.count) })
    var offset = reservedStart
    for piece in rest {
      let start = offset
      offset += piece.count
      addRegion(start..<offset) { $0.write(piece.bytes, at: start) }
    }
  }

  /// Where the bytes that tasks fill in the section added last begin.
  private var reservedStart: Int { fileSize - Int(sections[sections.count - 1].reserved) }

  private var lastSectionIndex: UInt32 { UInt32(sections.count - 1) }

  private mutating func addSections() {
    if program.needsDynamicLinking {
      addCustom(ByteString("dylink.0"), DylinkSectionWriter(program: program).contents())
    }
    add(.type, small.types())
    add(.import, small.imports())
    add(.function, small.functions())
    add(.table, small.tables())
    add(.memory, small.memories())
    add(.tag, small.tags())
    add(.global, small.globals())
    add(.export, small.exports())
    add(.start, small.start())
    add(.element, small.elements())
    addDataCount()
    for (name, contents) in encoder.custom.rewritten.annotations { addCustom(name, contents) }
    addCode()
    addData()
    addCustomSections()
    if program.options.keepsRelocations { addRelocatableSections() }
    addMetadata()
  }

  // MARK: Code

  private mutating func addCode() {
    let functions = program.indices.functions
    guard !functions.isEmpty else { return }
    var count = ByteWriter()
    count.count(functions.count)
    add(.code, count, reserved: code.payloadSize - UInt64(code.countLength))
    layout.code = lastSectionIndex
    let start = reservedStart - code.countLength
    var first = 0
    while first < functions.count {
      var last = first
      var size = 0
      while last < functions.count, size < 1 << 16 {
        size += Int(code.sizes[last])
        last += 1
      }
      addCodeTask(first..<last, at: start)
      first = last
    }
  }

  private mutating func addCodeTask(_ range: Range<Int>, at start: Int) {
    let writer = CodeWriter(program: program, encoder: encoder, code: code, bodies: bodies)
    let end = range.last.map { start + Int(code.offsets[$0]) + Int(code.sizes[$0]) } ?? start
    addRegion(start + Int(code.offsets[range.lowerBound])..<end) { writer.write(range, at: start, in: $0) }
  }

  // MARK: Data

  /// Code that names data segments needs their number in front of it.
  private mutating func addDataCount() {
    guard parts.count > 0, program.needsDataCount else { return }
    var writer = ByteWriter()
    writer.count(parts.count)
    add(.dataCount, writer)
  }

  private mutating func addData() {
    guard parts.count > 0 else { return }
    let segments = program.memory.segments
    var size: UInt64 = 0
    var headers: [ByteWriter] = []
    for (segment, ranges) in zip(segments, parts.ranges) {
      for range in ranges {
        let header = dataHeader(segment, range)
        headers.append(header)
        size += UInt64(header.count) + UInt64(range.count)
      }
    }
    var count = ByteWriter()
    count.count(parts.count)
    add(.data, count, reserved: size)
    layout.data = lastSectionIndex
    var offset = reservedStart
    let payload = offset - count.count
    var next = headers.makeIterator()
    for (segment, ranges) in zip(segments, parts.ranges) {
      var places: [ImageLayout.SegmentPlace] = []
      for range in ranges {
        guard let header = next.next() else { return program.errors.report("a data segment has no header") }
        places.append(
          ImageLayout.SegmentPlace(
            header: UInt64(offset - payload), contents: UInt64(offset - payload + header.count), range: range))
        addDataTasks(segment, range, header, at: offset)
        offset += header.count + range.count
      }
      layout.segments.append(places)
    }
  }

  private func dataHeader(_ segment: OutputSegment, _ range: Range<UInt64>) -> ByteWriter {
    var writer = ByteWriter()
    if segment.isPassive {
      writer.byte(1)
    } else if let kept = segment.kept {
      let unit = program.resolution.units[kept.unit]
      writeKeptHeader(unit, unit.segments[Int(kept.segment)], &writer)
    } else {
      writeActive(program.mainMemory, &writer)
      if program.options.isPositionIndependent, let base = program.resolution.wellKnown.memoryBase {
        writer.byte(0x23)
        writer.u32(program.index(of: base))
        if segment.address != 0 {
          writer.pointerConstant(segment.address, is64: program.is64)
          writer.byte(program.is64 ? 0x7C : 0x6A)
        }
      } else {
        let main = program.resolution.memories.mainMemory?.limits
        writer.pointerConstant(segment.address &+ range.lowerBound, is64: main?.is64 ?? program.is64)
      }
      writer.byte(0x0B)
    }
    writer.u64(UInt64(range.count))
    return writer
  }

  private func writeActive(_ memory: OutputMemoryIndex, _ writer: inout ByteWriter) {
    writer.byte(memory.rawValue == 0 ? 0 : 2)
    if memory.rawValue != 0 { writer.u32(memory.rawValue) }
  }

  private func writeKeptHeader(_ unit: Unit, _ segment: Segment, _ writer: inout ByteWriter) {
    switch segment.placement {
    case .kept(let memory, let offset):
      writeActive(program.resolution.memories.index(of: memory, in: unit), &writer)
      small.append(expression: offset, of: unit, to: &writer)
    case .absolute(let address):
      writeActive(program.resolution.memories.index(of: .first, in: unit), &writer)
      writer.pointerConstant(address, is64: unit.module.addressWidth == 64)
      writer.byte(0x0B)
    default: writer.byte(1)
    }
  }

  /// Adds tasks for a range of the bytes of a segment.
  private mutating func addDataTasks(
    _ segment: OutputSegment, _ range: Range<UInt64>, _ header: ByteWriter, at offset: Int
  ) {
    let pieces = segment.kept.map { [$0] } ?? segment.pieces
    if range != 0..<segment.size { return addDataTask(segment, pieces[...], range, range, header, at: offset) }
    let limit: UInt64 = 1 << 18
    var (first, start): (Int, UInt64) = (0, 0)
    // One task a run of pieces; each clears the gap in front of a piece.
    for (index, piece) in pieces.enumerated() {
      let size = segmentSize(piece)
      // A large piece that is only copied is divided.
      while size > limit, isOnlyCopied(piece), piece.offset + size - max(start, piece.offset) > 2 * limit {
        let end = max(start, piece.offset) + limit
        addDataTask(segment, pieces[first...index], start..<end, range, header, at: offset)
        (first, start) = (index, end)
      }
      let end = piece.offset + size
      if index + 1 - first >= 256 || end - start >= limit {
        addDataTask(segment, pieces[first...index], start..<end, range, header, at: offset)
        (first, start) = (index + 1, end)
      }
    }
    if start == 0 || start < segment.size {
      addDataTask(segment, pieces[first...], start..<segment.size, range, header, at: offset)
    }
  }

  /// - Parameters:
  ///   - range: which bytes of the segment, of those of `part`.
  ///   - header: of the data segment that consists of `part`.
  ///   - offset: where the header begins in the file.
  private mutating func addDataTask(
    _ segment: OutputSegment, _ pieces: ArraySlice<OutputSegment.Piece>, _ range: Range<UInt64>,
    _ part: Range<UInt64>, _ header: ByteWriter, at offset: Int
  ) {
    let writer = DataWriter(program: program, encoder: encoder)
    // Where the segment's first byte is, or would be.
    let content = offset + header.count - Int(part.lowerBound)
    let isFirst = range.lowerBound == part.lowerBound
    addRegion((isFirst ? offset : content + Int(range.lowerBound))..<content + Int(range.upperBound)) { window in
      if isFirst { window.write(header.bytes, at: offset) }
      writer.write(segment, pieces, range, at: content, in: window)
    }
  }

  private func isOnlyCopied(_ piece: OutputSegment.Piece) -> Bool {
    program.resolution.units[piece.unit].segmentRelocations[Int(piece.segment)].isEmpty
  }

  private func segmentSize(_ piece: OutputSegment.Piece) -> UInt64 {
    program.resolution.units[piece.unit].segments[Int(piece.segment)].size
  }

  // MARK: Custom sections

  private mutating func addCustomSections() {
    let encoder = self.encoder
    for output in encoder.custom.outputs {
      addCustom(output.name, ByteWriter(), reserved: output.size)
      layout.custom.append(lastSectionIndex)
      let start = reservedStart
      if let strings = output.strings { addCopy(of: strings.bytes, at: start) }
      let tombstone = output.tombstone
      for piece in output.pieces {
        let offset = start + Int(piece.offset)
        let unit = piece.unit
        if let rewritten = encoder.custom.rewritten[unit.bases.custom + piece.index] {
          add(rewritten, of: unit, at: offset, tombstone)
          continue
        }
        let content = unit.customSections[piece.index].content
        let relocations = unit.customRelocations[piece.index]
        addRegion(offset..<offset + content.remaining) { window in
          let room = window.room(at: offset, count: content.remaining)
          if !room.copy(content, from: content.offset, count: content.remaining, to: 0) {
            encoder.program.errors.report("\(unit.file.displayName): section '\(output.name)' has no room")
          }
          guard !relocations.isEmpty else { return }
          Patcher(unit, encoder).patchData(relocations, in: room, tombstone: tombstone)
        }
      }
    }
  }

  /// Adds a section of a unit that was written anew.
  private mutating func add(_ section: RewrittenSection, of unit: Unit, at start: Int, _ tombstone: Tombstone) {
    let encoder = self.encoder
    var offset = start
    for chunk in section.chunks {
      let place = offset
      offset += chunk.count
      addRegion(place..<offset) { window in
        let room = window.room(at: place, count: chunk.count)
        if !chunk.write(to: room, of: unit, encoder, tombstone) {
          encoder.program.errors.report("\(unit.file.displayName): a section that was written anew has no room")
        }
      }
    }
  }

  /// Adds bytes that exist, in regions small enough to be shared among the threads.
  private mutating func addCopy(of bytes: [UInt8], at start: Int) {
    let size = 1 << 17
    for first in stride(from: 0, to: bytes.count, by: size) {
      let part = first..<min(first + size, bytes.count)
      addRegion(start + part.lowerBound..<start + part.upperBound) {
        $0.write(bytes[part], at: start + part.lowerBound)
      }
    }
  }

  private mutating func addRelocatableSections() {
    let writer = RelocatableSections(encoder, layout)
    addCustom(ByteString("linking"), writer.linking())
    for (name, contents) in writer.relocations(code) { addCustom(name, contents) }
  }

  private mutating func addMetadata() {
    let options = program.options
    func isKept(_ name: String) -> Bool { !options.stripAll || options.keepSections.contains(name) }
    let metadata = MetadataSections(program: program)
    if isKept("name") {
      addCustom(ByteString("name"), pieces: NameSectionWriter(program, parts, threads).contents())
    }
    let producers = isKept("producers") ? metadata.producers() : ByteWriter()
    if !producers.isEmpty { addCustom(ByteString("producers"), producers) }
    let features = isKept("target_features") ? metadata.targetFeatures() : ByteWriter()
    if !features.isEmpty { addCustom(ByteString("target_features"), features) }
    if let url = options.writtenSourceMapURL {
      var contents = ByteWriter()
      contents.name(url)
      addCustom(ByteString("sourceMappingURL"), contents)
    }
    let identifier = BuildIDWriter(style: options.buildID).placeholder()
    if !identifier.isEmpty { addCustom(ByteString("build_id"), identifier) }
  }
}

/// Copies data and patches the addresses in it.
struct DataWriter {
  let program: Program
  let encoder: OperandEncoder

  /// Writes the pieces of an output segment, and zeros between them, for some bytes of its content.
  ///
  /// - Parameters:
  ///   - range: which bytes; no relocation reaches across its ends.
  ///   - content: where the content begins in the result.
  func write(
    _ segment: OutputSegment, _ pieces: ArraySlice<OutputSegment.Piece>, _ range: Range<UInt64>, at content: Int,
    in window: OutputWindow
  ) {
    guard !range.isEmpty else { return }
    let (start, end) = (range.lowerBound, range.upperBound)
    let room = window.room(at: content + Int(start), count: Int(end - start))
    /// Where a byte of the segment is in the room.
    func place(_ offset: UInt64) -> Int { Int(offset) - Int(start) }
    func check(_ isWritten: Bool) {
      if !isWritten { program.errors.report("segment '\(segment.name)' of the result has no room for all of its data") }
    }
    var position = start
    func clear(to limit: UInt64) {
      guard limit > position else { return }
      check(room.fill(Int(limit - position), with: 0, at: place(position)))
    }
    let units = program.resolution.units
    var patcher = Patcher(units[.own], encoder)
    for piece in pieces {
      let unit = units[piece.unit]
      let input = unit.segments[Int(piece.segment)]
      clear(to: piece.offset)
      let copied = (piece.offset..<piece.offset + UInt64(input.count)).clamped(to: range)
      if !copied.isEmpty {
        check(
          room.copy(
            input.content, from: input.content.offset + Int(copied.lowerBound - piece.offset), count: copied.count,
            to: place(copied.lowerBound)))
      }
      position = max(position, copied.upperBound)
      var relocations = unit.segmentRelocations[Int(piece.segment)]
      if relocations.isEmpty || copied.isEmpty { continue }
      let skipped = copied.lowerBound - piece.offset
      if copied.count != input.count {
        relocations = unit.relocations.part(of: relocations, in: skipped..<copied.upperBound - piece.offset)
      }
      if patcher.unit !== unit { patcher = Patcher(unit, encoder) }
      patcher.patchData(
        relocations, in: room.part(at: place(copied.lowerBound), count: copied.count), from: Int(skipped),
        address: segment.address &+ piece.offset)
    }
    clear(to: end)
    for run in segment.strings where run.offset >= start && run.offset < end {
      check(room.copy(run.strings.bytes[...], to: place(run.offset)))
    }
  }
}

extension SectionChunk {
  /// Writes it as it is in the result.
  ///
  /// - Returns: `false` when there is no room.
  func write(to room: OutputRoom, of unit: Unit, _ encoder: OperandEncoder, _ tombstone: Tombstone) -> Bool {
    let isWritten = write(to: room)
    if relocations.isEmpty, references.isEmpty { return isWritten }
    let patcher = Patcher(RelocatedUnit(unit, relocations), encoder)
    if let source {
      for references in references { patcher.patch(references, of: source, in: room) }
    }
    let all = RelocationRange(start: 0, end: UInt32(relocations.count))
    patcher.patchData(all, in: room, tombstone: tombstone)
    return isWritten
  }

  /// Writes what needs no look at the link.
  private func write(to room: OutputRoom) -> Bool {
    guard let source else { return room.copy(bytes[...], to: 0) }
    var isWritten = room.copy(source, from: source.offset, count: source.count, to: 0)
    for number in numbers { isWritten = room.write(fixed32: number.value, at: Int(number.offset)) && isWritten }
    for overwrite in overwrites {
      let place = Int(overwrite.offset)
      for index in 0..<Int(overwrite.width) {
        let byte = UInt8(truncatingIfNeeded: overwrite.value >> UInt64(8 * index))
        isWritten = room.write(byte, at: place + index) && isWritten
      }
    }
    return isWritten
  }
}
