import WebAssemblyFormat

/// What the segments of one unit add to those of the result.
///
/// Found for all units at the same time, so that joining the segments of the link, in order, needs no look at the input
/// segments themselves.
struct SegmentContribution {
  struct Piece {
    /// Index in the unit.
    var segment: UInt32
    /// Index in ``SegmentContribution/names``.
    var name: UInt32
    var size: UInt64
    /// Log2 of the alignment in bytes.
    var alignment: UInt32
    var flags: SegmentFlags
    /// Whether it belongs to a COMDAT group.
    var isGrouped: Bool
    /// Whether it consists of strings that may be merged.
    var isMergeable: Bool
  }

  /// Names of segments of the result, each once.
  private(set) var names: [ByteString] = []
  private(set) var pieces: [Piece] = []

  init(_ unit: Unit, _ live: [Bool], _ options: LinkOptions) {
    let segments = unit.segments
    let base = Int(unit.bases.segment)
    let block = unit.isLifted ? unit.lifted?.memoryBlock : nil
    var index = NameIndex()
    for position in segments.indices where live[base + position] {
      guard segments[position].placement == .free, block != UInt32(position) else { continue }
      let name = SegmentContribution.outputName(segments[position].name, segments[position].flags, options)
      pieces.append(
        Piece(
          segment: UInt32(position), name: index.find(name, &names), size: segments[position].size,
          alignment: segments[position].alignment, flags: segments[position].flags,
          isGrouped: segments[position].comdat != none32,
          isMergeable: SegmentContribution.isMergeable(segments[position], options)))
    }
  }

  private static func isMergeable(_ segment: Segment, _ options: LinkOptions) -> Bool {
    options.optimizationLevel > 0 && segment.flags.contains(.strings) && segment.alignment == 0 && segment.count > 0
  }

  /// Segments of one kind share a name; thread-local data and its zero-initialised part are one block.
  private static func outputName(_ name: ByteString, _ flags: SegmentFlags, _ options: LinkOptions) -> ByteString {
    if flags.contains(.tls) { return threadLocal }
    guard options.mergeDataSegments else { return name }
    for kind in merged where name.hasPrefix(kind.prefix) { return kind.name }
    return name
  }

  private static let threadLocal = ByteString(".tdata")
  private static let merged: [(prefix: StaticString, name: ByteString)] = [
    (".text.", ByteString(".text")), (".data.", ByteString(".data")), (".bss.", ByteString(".bss")),
    (".rodata.", ByteString(".rodata")),
  ]

  /// Finds a name among those of a unit: most units have a handful of names, and a finished module's may all differ.
  private struct NameIndex {
    private var byName: [ByteString: UInt32] = [:]
    private static let fewNames = 8

    mutating func find(_ name: ByteString, _ names: inout [ByteString]) -> UInt32 {
      if let found = names.prefix(NameIndex.fewNames).firstIndex(of: name) { return UInt32(found) }
      if let found = byName[name] { return found }
      let index = UInt32(names.count)
      names.append(name)
      if names.count > NameIndex.fewNames { byName[name] = index }
      return index
    }
  }
}

/// A segment of the result while its pieces are collected.
struct FormedSegment {
  var result: OutputSegment
  private(set) var pieces: [(unit: UInt32, piece: SegmentContribution.Piece)] = []

  init(result: OutputSegment) { self.result = result }

  mutating func add(_ piece: SegmentContribution.Piece, of unit: UInt32) {
    result.alignment = max(result.alignment, piece.alignment)
    result.flags.formUnion(piece.flags)
    pieces.append((unit, piece))
  }
}
