import WebAssemblyFormat

/// Reads the debug information of one file, and writes those of its sections anew that speak of code, of data or of each
/// other: first the entries, unit by unit, which tell what everything else is about.
struct DebugReader {
  /// What is wrong with a section.
  struct Failure: Error {
    var section: DebugSection
    var error: FormatError
  }

  private let file: DebugFile
  private let threads: Threads

  init(_ file: DebugFile, _ threads: Threads) {
    self.file = file
    self.threads = threads
  }

  /// A unit of entries, before and after it is read.
  private struct Unit: Sendable {
    var content: DebugContent
    var context: UnitContext
    var abbreviations: DwarfAbbreviations
  }

  private struct Walked: Sendable {
    var chunk: SectionChunk
    var lists: [ListReference]
    var uses: [AddressUse]
  }

  /// - Returns: the sections by their indices in the unit.
  /// - Throws: what is damaged or not known; then nothing of the file's debug information can be trusted.
  func read() throws(Failure) -> [(index: Int, section: RewrittenSection)] {
    var result: [(Int, RewrittenSection)] = []
    let units = try findUnits()
    let contexts = units.map(\.context)
    let walked = try parallel(units.map(\.content.section)) { number throws(FormatError) in
      var walker = try EntryWalker(file, units[number].content, contexts[number], number, units[number].abbreviations)
      try walker.run()
      return Walked(chunk: walker.chunk, lists: walker.lists, uses: walker.uses)
    }
    for content in file.contents where content.section == .info || content.section == .types {
      let chunks = units.indices.filter { units[$0].content.index == content.index }.map { walked[$0].chunk }
      result.append((content.index, RewrittenSection(chunks, OffsetMap())))
    }
    let lists = walked.flatMap(\.lists).sorted { ($0.offset, $0.unit) < ($1.offset, $1.unit) }
    var uses = walked.flatMap(\.uses)
    for content in file.contents {
      let own = lists.filter { $0.section == content.section }
      switch content.section {
      case .line: result.append((content.index, try readLines(content)))
      case .ranges, .locations: result.append((content.index, try readPairs(content, own, contexts, &uses)))
      case .rangeLists, .locationLists: result.append((content.index, try readLists(content, own, contexts, &uses)))
      case .stringOffsets, .addressRanges, .names, .publicNames, .publicTypes, .gnuPublicNames, .gnuPublicTypes,
        .macros:
        let chunk = try inSection(content.section) { () throws(FormatError) in
          var table = TableSection(file, content)
          try table.run()
          return table.chunk
        }
        result.append((content.index, RewrittenSection([chunk], OffsetMap())))
      case .info, .types, .abbreviations, .strings, .lineStrings, .addresses, .macroInformation, .frame: break
      }
    }
    if let content = file[.addresses] {
      let chunk = try inSection(.addresses) { () throws(FormatError) in
        let skeletons = try SkeletonCode.find(contexts, lists, file)
        var section = AddressSection(file, content)
        try section.run(uses, skeletons: skeletons)
        return section.chunk
      }
      result.append((content.index, RewrittenSection([chunk], OffsetMap())))
    }
    return result
  }

  private func inSection<R>(
    _ section: DebugSection, _ body: () throws(FormatError) -> R
  ) throws(Failure) -> R {
    do throws(FormatError) { return try body() } catch { throw Failure(section: section, error: error) }
  }

  /// The results of `body` for each part of some sections, by number, on all threads.
  private func parallel<R: Sendable>(
    _ sections: [DebugSection], _ body: @Sendable (Int) throws(FormatError) -> R
  ) throws(Failure) -> [R] {
    let results = threads.map(sections.count) { number -> Result<R, FormatError> in
      do throws(FormatError) { return .success(try body(number)) } catch { return .failure(error) }
    }
    var values: [R] = []
    values.reserveCapacity(sections.count)
    for (number, result) in results.enumerated() {
      switch result {
      case .success(let value): values.append(value)
      case .failure(let error): throw Failure(section: sections[number], error: error)
      }
    }
    return values
  }

  // MARK: Units

  private func findUnits() throws(Failure) -> [Unit] {
    var places: [(content: DebugContent, header: DwarfUnitHeader)] = []
    for content in file.contents where content.section == .info || content.section == .types {
      try inSection(content.section) { () throws(FormatError) in
        var reader = content.bytes
        while !reader.isAtEnd {
          places.append((content, try DwarfUnitHeader(&reader, isTypes: content.section == .types)))
        }
      }
    }
    return try parallel(places.map(\.content.section)) {
      [file, places] number throws(FormatError) in
      let (content, header) = places[number]
      guard let table = file[.abbreviations]?.bytes else {
        throw FormatError("there is no .debug_abbrev", at: header.abbreviationsField)
      }
      guard header.abbreviations < UInt64(table.count) else {
        throw FormatError("its abbreviations are beyond .debug_abbrev", at: header.abbreviationsField)
      }
      let offset = file.relocation(in: content, at: header.abbreviationsField).map { file.unit.addend(of: $0) }
      let abbreviations: DwarfAbbreviations
      do throws(FormatError) {
        abbreviations = try DwarfAbbreviations(
          try table.part(from: offset.map { UInt64(bitPattern: $0) } ?? header.abbreviations))
      } catch {
        throw FormatError(".debug_abbrev: \(error.message) (at offset \(error.offset) of that)", at: header.start)
      }
      return Unit(
        content: content, context: try UnitContext(header, content, abbreviations, file), abbreviations: abbreviations)
    }
  }

  // MARK: Lines

  private func readLines(_ content: DebugContent) throws(Failure) -> RewrittenSection {
    var starts: [Int] = []
    try inSection(content.section) { () throws(FormatError) in
      var reader = content.bytes
      while !reader.isAtEnd {
        starts.append(reader.offset)
        reader.offset = try reader.unitEnd().end
      }
    }
    let chunks = try parallel(starts.map { _ in content.section }) { [file, starts] number throws(FormatError) in
      var reader = content.bytes[starts[number]..<content.bytes.end]
      var program = LineProgram(file, content)
      try program.run(&reader)
      return program.chunk
    }
    var map = OffsetMap()
    for (number, chunk) in chunks.enumerated() {
      let end = number + 1 < starts.count ? starts[number + 1] : content.bytes.end
      map.add(UInt32(starts[number])..<UInt32(end), length: chunk.bytes.count)
    }
    return RewrittenSection(chunks, map)
  }

  // MARK: Lists

  /// Divides the section at beginnings of lists into parts that threads take.
  private func readPairs(
    _ content: DebugContent, _ lists: [ListReference], _ contexts: [UnitContext], _ uses: inout [AddressUse]
  ) throws(Failure) -> RewrittenSection {
    let size = content.bytes.count
    var parts: [(range: Range<Int>, lists: Range<Int>)] = []
    var (start, first) = (0, 0)
    for (index, list) in lists.enumerated() where list.offset - start >= 1 << 16 && list.offset < size {
      parts.append((start..<list.offset, first..<index))
      (start, first) = (list.offset, index)
    }
    parts.append((start..<size, first..<(lists.firstIndex { $0.offset >= size } ?? lists.count)))
    let done = try parallel(parts.map { _ in content.section }) { [file, parts] number throws(FormatError) in
      var section = PairLists(file, content, contexts)
      let chunk = try section.chunk(parts[number].range, lists[parts[number].lists])
      return (chunk, section.uses)
    }
    uses += done.flatMap(\.1)
    return RewrittenSection(done.map(\.0), OffsetMap())
  }

  private func readLists(
    _ content: DebugContent, _ lists: [ListReference], _ contexts: [UnitContext], _ uses: inout [AddressUse]
  ) throws(Failure) -> RewrittenSection {
    var parts: [(range: Range<Int>, lists: Range<Int>)] = []
    try inSection(content.section) { () throws(FormatError) in
      var reader = content.bytes
      var first = 0
      while !reader.isAtEnd {
        let start = reader.offset
        reader.offset = try reader.unitEnd().end
        var last = first
        while last < lists.count, lists[last].offset < reader.offset { last += 1 }
        parts.append((start..<reader.offset, first..<last))
        first = last
      }
    }
    let done = try parallel(parts.map { _ in content.section }) { [file, parts] number throws(FormatError) in
      var reader = content.bytes[parts[number].range]
      var section = EncodedLists(file, content, contexts)
      try section.run(&reader, lists[parts[number].lists])
      return (section.chunk, section.map, section.uses)
    }
    var map = OffsetMap()
    for (part, (_, own, _)) in zip(parts, done) { map.append(own, behind: UInt32(part.range.lowerBound)) }
    uses += done.flatMap(\.2)
    return RewrittenSection(done.map(\.0), map)
  }
}
