import WebAssemblyFormat

/// Reads the debug information of files, and writes those of its sections anew that speak of code, of data or of each
/// other.
///
/// In each step, what is to be read of all files is one row of tasks, so that many small files occupy all threads as one
/// large one does. What a task finds goes to its file, in order.
struct DebugReader {
  private let threads: Threads
  private var readings: [DebugReading]

  init(_ files: [DebugFile], _ threads: Threads) {
    self.threads = threads
    readings = files.map { DebugReading($0) }
  }

  /// - Returns: for each file its sections by their indices in the unit, or what is damaged or not known.
  mutating func run() -> [Result<[(index: Int, section: RewrittenSection)], DebugReading.Failure>] {
    for step in DebugReading.Step.allCases { run(step) }
    return readings.map { reading in
      reading.failure.map { .failure($0) } ?? .success(reading.sections())
    }
  }

  /// Whether the entries of some unit of a file are in another file, after ``run()``.
  func hasSkeletons(_ file: Int) -> Bool { readings[file].hasSkeletons }

  private mutating func run(_ step: DebugReading.Step) {
    let planned = threads.map(readings.count) { [readings] in readings[$0].tasks(step) }
    var row: [DebugReading.Task] = []
    var counts: [Int] = []
    for (number, planned) in planned.enumerated() {
      switch planned {
      case .success(let tasks):
        row += tasks
        counts.append(tasks.count)
      case .failure(let failure):
        if readings[number].failure == nil { readings[number].failure = failure }
        counts.append(0)
      }
    }
    let results = threads.map(row.count) { [row] in row[$0].result }
    var next = 0
    for (number, count) in counts.enumerated() {
      readings[number].take(results[next..<next + count])
      next += count
    }
  }
}

/// How far the debug information of one file has been read.
struct DebugReading: Sendable {
  /// What is wrong with a section; then nothing of the file's debug information can be trusted.
  struct Failure: Error {
    var section: DebugSection
    var error: FormatError
  }

  /// What is read one after the other.
  enum Step: CaseIterable {
    /// Abbreviations, each table once.
    case abbreviations
    /// Entries, unit by unit, which tell what lists and addresses are about; and all that is understood alone.
    case entries
    case lists
    case addresses
  }

  /// Something that is read on its own.
  struct Task: Sendable {
    let section: DebugSection
    let run: @Sendable () throws(FormatError) -> Part

    var result: Result<Part, Failure> {
      do throws(FormatError) { return .success(try run()) } catch {
        return .failure(Failure(section: section, error: error))
      }
    }
  }

  /// What a task finds.
  enum Part: Sendable {
    case table(EntryTable)
    case written(Written)
  }

  /// Some bytes of a section, as they are in the result.
  struct Written: Sendable {
    /// Index of the section among the unit's custom sections, and where the bytes begin in it.
    var index: Int
    var start = 0
    var chunk: SectionChunk
    /// Where they went; offsets count from the first of them.
    var map = OffsetMap()
    /// Of a unit of entries.
    var context: UnitContext?
    var lists: [ListReference] = []
    var uses: [AddressUse] = []
    var sequences: [SequenceReference] = []
    /// Of a line program: where sequences begin in the section.
    var sequenceStarts: [Int] = []
  }

  private let file: DebugFile
  fileprivate(set) var failure: Failure?
  private var tables: [EntryTable] = []
  private var written: [Written] = []

  fileprivate init(_ file: DebugFile) { self.file = file }

  fileprivate mutating func take(_ results: ArraySlice<Result<Part, Failure>>) {
    for result in results where failure == nil {
      switch result {
      case .success(.table(let table)): tables.append(table)
      case .success(.written(let part)): written.append(part)
      case .failure(let failure): self.failure = failure
      }
    }
  }

  fileprivate var hasSkeletons: Bool { written.contains { $0.context?.isSkeleton == true } }

  fileprivate func tasks(_ step: Step) -> Result<[Task], Failure> {
    if failure != nil { return .success([]) }
    do throws(Failure) {
      switch step {
      case .abbreviations: return .success(try DebugUnits(file).tables.map { $0.task(in: file) })
      case .entries: return .success(try entryTasks())
      case .lists: return .success(try listTasks())
      case .addresses: return .success(addressTasks())
      }
    } catch {
      return .failure(error)
    }
  }

  /// The sections that are written anew, each of its parts.
  fileprivate func sections() -> [(index: Int, section: RewrittenSection)] {
    var parts: [Int: [Written]] = [:]
    for part in written { parts[part.index, default: []].append(part) }
    return parts.keys.sorted().map { index in
      var map = OffsetMap()
      let own = parts[index] ?? []
      for part in own { map.append(part.map, behind: UInt32(part.start)) }
      return (index, RewrittenSection(own.map(\.chunk), map))
    }
  }

  static func inSection<R>(_ section: DebugSection, _ body: () throws(FormatError) -> R) throws(Failure) -> R {
    do throws(FormatError) { return try body() } catch { throw Failure(section: section, error: error) }
  }
}

// MARK: Entries, and what is understood alone

extension DebugReading {
  private func entryTasks() throws(Failure) -> [Task] {
    var tasks: [Task] = []
    let (file, tables) = (file, tables)
    for (number, unit) in try DebugUnits(file).units.enumerated() {
      tasks.append(
        Task(section: unit.content.section) { () throws(FormatError) in
          try .written(unit.written(in: file, number, tables[unit.table]))
        })
    }
    for content in file.contents {
      switch content.section {
      case .line: tasks += try lineTasks(content)
      case .stringOffsets, .addressRanges, .names, .publicNames, .publicTypes, .gnuPublicNames, .gnuPublicTypes,
        .macros:
        tasks.append(
          Task(section: content.section) { () throws(FormatError) in
            var table = TableSection(file, content)
            try table.run()
            return .written(Written(index: content.index, chunk: table.chunk))
          })
      case .frame:
        tasks.append(
          Task(section: content.section) { () throws(FormatError) in
            var frames = FrameSection(file, content)
            try frames.run()
            return .written(Written(index: content.index, chunk: frames.chunk, map: frames.map))
          })
      case .info, .types, .abbreviations, .strings, .lineStrings, .addresses, .macroInformation, .ranges, .rangeLists,
        .locations, .locationLists:
        break
      }
    }
    return tasks
  }

  private func lineTasks(_ content: DebugContent) throws(Failure) -> [Task] {
    let file = file
    return try DebugReading.unitRanges(content).map { range in
      Task(section: content.section) { () throws(FormatError) in
        var program = LineProgram(file, content)
        let chunk = try program.run(content.bytes[range])
        return .written(
          Written(
            index: content.index, start: range.lowerBound, chunk: chunk, map: program.map,
            sequenceStarts: program.sequenceStarts))
      }
    }
  }

  /// The units of a section, each of which begins with its length.
  private static func unitRanges(_ content: DebugContent) throws(Failure) -> [Range<Int>] {
    try inSection(content.section) { () throws(FormatError) in
      var (ranges, reader): ([Range<Int>], ByteReader) = ([], content.bytes)
      while !reader.isAtEnd {
        let start = reader.offset
        reader.offset = try reader.unitEnd().end
        ranges.append(start..<reader.offset)
      }
      return ranges
    }
  }
}

// MARK: Lists and addresses

extension DebugReading {
  /// By unit.
  private var contexts: [UnitContext] { written.compactMap(\.context) }

  /// The lists of a section that entries refer to, in its order.
  private func lists(in section: DebugSection) -> [ListReference] {
    var lists: [ListReference] = []
    lists.reserveCapacity(written.reduce(0) { $0 + $1.lists.count })
    for part in written {
      for list in part.lists where list.section == section { lists.append(list) }
    }
    func isInOrder(_ first: ListReference, _ second: ListReference) -> Bool {
      (first.offset, first.unit) < (second.offset, second.unit)
    }
    let isSorted = zip(lists, lists.dropFirst()).allSatisfy { !isInOrder($1, $0) }
    if !isSorted { lists.sort(by: isInOrder) }
    return lists
  }

  /// A reference to lines that is none of a sequence would be one to something else in a program that is written anew.
  private func checkSequences() throws(Failure) {
    for part in written where !part.sequences.isEmpty {
      let starts = Set(written.lazy.flatMap(\.sequenceStarts))
      for part in written {
        guard let wrong = part.sequences.first(where: { !starts.contains(Int(clamping: $0.offset)) }) else { continue }
        let section = file.contents.first { $0.index == part.index }?.section ?? .info
        throw Failure(
          section: section,
          error: FormatError("no sequence of lines begins at offset \(wrong.offset) of .debug_line", at: wrong.place))
      }
      return
    }
  }

  private func listTasks() throws(Failure) -> [Task] {
    try checkSequences()
    let (file, contexts) = (file, contexts)
    var tasks: [Task] = []
    for content in file.contents {
      switch content.section {
      case .ranges, .locations:
        let own = withSplitLists(lists(in: content.section), of: content)
        for (range, part) in DebugReading.partsOfPairs(content, own) {
          tasks.append(
            Task(section: content.section) { () throws(FormatError) in
              var section = PairLists(file, content, contexts)
              let chunk = try section.chunk(range, own[part])
              return .written(
                Written(index: content.index, start: range.lowerBound, chunk: chunk, uses: section.uses))
            })
        }
      case .rangeLists, .locationLists:
        let own = lists(in: content.section)
        var first = 0
        for range in try DebugReading.unitRanges(content) {
          let start = first
          while first < own.count, own[first].offset < range.upperBound { first += 1 }
          let part = start..<first
          tasks.append(
            Task(section: content.section) { () throws(FormatError) in
              var section = EncodedLists(file, content, contexts)
              var reader = content.bytes[range]
              try section.run(&reader, own[part])
              return .written(
                Written(
                  index: content.index, start: range.lowerBound, chunk: section.chunk, map: section.map,
                  uses: section.uses))
            })
        }
      default: break
      }
    }
    return tasks
  }

  /// Some lists, and those of ranges that entries in other files refer to (`-gsplit-dwarf` with version 4): one behind the
  /// other from where such a unit says, up to the next one's.
  private func withSplitLists(_ lists: [ListReference], of content: DebugContent) -> [ListReference] {
    guard content.section == .ranges else { return lists }
    let units = contexts.enumerated().compactMap { number, context in
      context.splitRangesBase.flatMap { Int(exactly: $0) }.map { (base: $0, number: number, context: context) }
    }.filter { $0.base <= content.bytes.count }.sorted { ($0.base, $0.number) < ($1.base, $1.number) }
    if units.isEmpty { return lists }
    let known = Set(lists.lazy.map(\.offset))
    var result = lists
    for (index, unit) in units.enumerated() {
      let end = index + 1 < units.count ? units[index + 1].base : content.bytes.count
      let width = unit.context.header.addressSize
      var reader = content.bytes[unit.base..<end]
      while let list = nextList(in: content, &reader, width) {
        if known.contains(list) { continue }
        result.append(ListReference(section: .ranges, offset: UInt64(list), unit: unit.number))
      }
    }
    return result.sorted { ($0.offset, $0.unit) < ($1.offset, $1.unit) }
  }

  /// Steps over a list of pairs.
  ///
  /// - Returns: where it begins; `nil` where there is no whole one.
  private func nextList(in content: DebugContent, _ reader: inout ByteReader, _ width: Int) -> Int? {
    let start = reader.offset
    while let begin = try? reader.fixed(width), let end = try? reader.fixed(width) {
      let isZero = begin == 0 && end == 0
      if isZero, file.relocation(in: content, at: reader.offset - 2 * width) == nil { return start }
    }
    return nil
  }

  /// Divides a section at beginnings of lists.
  private static func partsOfPairs(
    _ content: DebugContent, _ lists: [ListReference]
  ) -> [(range: Range<Int>, lists: Range<Int>)] {
    let size = content.bytes.count
    var parts: [(range: Range<Int>, lists: Range<Int>)] = []
    var (start, first) = (0, 0)
    for (index, list) in lists.enumerated() where list.offset - start >= 1 << 16 && list.offset < size {
      parts.append((start..<list.offset, first..<index))
      (start, first) = (list.offset, index)
    }
    parts.append((start..<size, first..<(lists.firstIndex { $0.offset >= size } ?? lists.count)))
    return parts
  }

  private func addressTasks() -> [Task] {
    guard let content = file[.addresses] else { return [] }
    let (file, contexts, uses) = (file, contexts, written.flatMap(\.uses))
    let lists = written.filter { $0.context?.isSkeleton == true }.compactMap { part in
      part.lists.first { $0.section == .ranges || $0.section == .rangeLists }
    }
    return [
      Task(section: .addresses) { () throws(FormatError) in
        let skeletons = try SkeletonCode.find(contexts, lists, file)
        var section = AddressSection(file, content)
        try section.run(uses, skeletons: skeletons)
        return .written(Written(index: content.index, chunk: section.chunk))
      }
    ]
  }
}
