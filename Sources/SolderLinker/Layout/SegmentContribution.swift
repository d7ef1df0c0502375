import WebAssemblyFormat

/// What the segments of one unit add to those of the result.
///
/// Found for all units at the same time, so that joining the segments of the link, in order, needs no look at the input
/// segments themselves.
struct SegmentContribution {
  /// A segment that goes into the result.
  struct Piece {
    var size: UInt64
    /// Index in the unit.
    var segment: UInt32
    /// Log2 of the alignment in bytes.
    var alignment: UInt8
    /// Whether it consists of strings that may be merged.
    var isMergeable: Bool
  }

  /// The segments that go into the same one of the result.
  struct Run {
    /// Its name.
    var name: ByteString
    /// Whether it is a segment of the result by itself, whatever its name.
    var isAlone: Bool
    /// Of ``SegmentContribution/pieces``, in the order of the unit.
    fileprivate(set) var pieces = 0..<0
    /// Log2 of the strictest alignment.
    fileprivate(set) var alignment: UInt32 = 0
    fileprivate(set) var flags: SegmentFlags = []
    fileprivate(set) var mergeableCount = 0
  }

  /// In the order of the unit, by the first segment of each.
  private(set) var runs: [Run] = []
  private(set) var pieces: [Piece] = []

  init(_ unit: Unit, _ live: Row<LinkSegments, Bool>, _ options: LinkOptions) {
    let segments = unit.segments
    let base = unit.bases.segment
    let block = unit.lifted?.memoryBlock?.segment
    var index = RunIndex()
    var found: [(run: Int, piece: Piece)] = []
    found.reserveCapacity(segments.count)
    for position in segments.indices where live[base + position] {
      guard segments[position].placement == .free, block != SegmentIndex(position) else { continue }
      let segment = segments[position]
      let name = segment.outputName(options)
      // An object's groups must be selectable by whoever links it next.
      let isAlone = options.contract.keepsGroups && segment.comdat != .none
      let run = index.find(name, isAlone: isAlone, &runs)
      let piece = Piece(
        size: segment.size, segment: UInt32(position), alignment: UInt8(clamping: segment.alignment),
        isMergeable: unit.segmentRelocations[position].isEmpty && SegmentContribution.isMergeable(segment, options))
      runs[run].add(piece, flags: segment.flags)
      found.append((run, piece))
    }
    sort(found)
  }

  /// Puts the pieces in the order of their runs.
  private mutating func sort(_ found: [(run: Int, piece: Piece)]) {
    var next: [Int] = []
    var start = 0
    for run in runs.indices {
      next.append(start)
      let end = start + runs[run].pieces.count
      runs[run].pieces = start..<end
      start = end
    }
    pieces = Array(repeating: Piece(size: 0, segment: 0, alignment: 0, isMergeable: false), count: found.count)
    for (run, piece) in found {
      pieces[next[run]] = piece
      next[run] += 1
    }
  }

  private static func isMergeable(_ segment: Segment, _ options: LinkOptions) -> Bool {
    options.optimizationLevel > 0 && segment.flags.contains(.strings) && segment.alignment == 0 && segment.count > 0
  }

  /// Finds the run of a name: most units have a handful of names, and a finished module's may all differ.
  private struct RunIndex {
    private var byName: [ByteString: Int] = [:]
    private static let few = 8

    mutating func find(_ name: ByteString, isAlone: Bool, _ runs: inout [Run]) -> Int {
      if !isAlone {
        if let found = runs.prefix(RunIndex.few).firstIndex(where: { $0.name == name && !$0.isAlone }) { return found }
        if let found = byName[name] { return found }
        if runs.count >= RunIndex.few { byName[name] = runs.count }
      }
      runs.append(Run(name: name, isAlone: isAlone))
      return runs.count - 1
    }
  }
}

extension SegmentContribution.Run {
  /// Counts a piece, whose place among the others is found later.
  fileprivate mutating func add(_ piece: SegmentContribution.Piece, flags: SegmentFlags) {
    pieces = 0..<pieces.count + 1
    alignment = max(alignment, UInt32(piece.alignment))
    self.flags.formUnion(flags)
    if piece.isMergeable { mergeableCount += 1 }
  }
}

/// A segment of the result while its pieces are collected.
struct FormedSegment {
  var result: OutputSegment
  /// The pieces of each unit, by the unit's position in the order of the link.
  private(set) var runs: [(position: Int, pieces: Range<Int>)] = []
  private(set) var count = 0
  private(set) var mergeableCount = 0

  init(result: OutputSegment) { self.result = result }

  mutating func add(_ run: SegmentContribution.Run, ofUnitAt position: Int) {
    result.alignment = max(result.alignment, run.alignment)
    result.flags.formUnion(run.flags)
    runs.append((position, run.pieces))
    count += run.pieces.count
    mergeableCount += run.mergeableCount
  }
}
