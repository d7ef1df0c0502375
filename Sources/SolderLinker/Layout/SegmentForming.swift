import WebAssemblyFormat

/// Forms the data segments of the result: input segments of one kind are joined in the order of the link, and the kinds
/// follow each other as in wasm-ld (thread-local, read-only, data, others, zero-initialised).
struct SegmentForming {
  private let resolution: Resolution
  private let live: Liveness
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let threads: Threads
  /// Of each unit, the number of its first segment over all units.
  private let segmentBases: [SegmentID]
  /// What was formed, in order, without addresses.
  private(set) var segments: [OutputSegment] = []
  /// For each input segment, numbered over all units, the index of the one it went to.
  private(set) var outputSegments: Row<LinkSegments, PackedIndex<OutputSegments>>
  /// The same length; ``MemoryPlan/mergedStrings`` for strings that were merged, 0 for the others.
  private(set) var segmentAddresses: Row<LinkSegments, UInt64>

  init(
    _ resolution: Resolution, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics, _ threads: Threads
  ) {
    self.resolution = resolution
    self.live = live
    self.options = options
    self.diagnostics = diagnostics
    self.threads = threads
    segmentBases = resolution.units.map(\.bases.segment)
    segmentAddresses = Row(repeating: 0, count: live.segments.count)
    outputSegments = Row(repeating: .none, count: live.segments.count)
    formSegments()
  }

  /// Joins the segments of one kind, in the order of the link.
  private mutating func formSegments() {
    let units = Array(resolution.inLinkOrder)
    let contributions = contributions(of: units)
    var formed: [FormedSegment] = []
    var byName: [ByteString: Int] = [:]
    for (position, contribution) in contributions.enumerated() {
      for run in contribution.runs {
        let output: Int
        if !run.isAlone, let found = byName[run.name] {
          output = found
        } else {
          output = formed.count
          formed.append(FormedSegment(result: makeSegment(run.name)))
          if !run.isAlone { byName[run.name] = output }
        }
        formed[output].add(run, ofUnitAt: position)
      }
    }
    let ranks = formed.map { rank($0.result.name) }
    let order = formed.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
    for (index, position) in order.enumerated() { finish(formed[position], index, units, contributions) }
  }

  private func contributions(of units: [Unit]) -> [SegmentContribution] {
    let (live, options) = (live.segments, options)
    return threads.map(units.count, batch: 8) { SegmentContribution(units[$0], live, options) }
  }

  private func makeSegment(_ name: ByteString) -> OutputSegment {
    var segment = OutputSegment(name: name)
    segment.isPassive = options.sharedMemory
    segment.isBSS = options.contract.formsSegments && name.hasPrefix(".bss")
    return segment
  }

  private func rank(_ name: ByteString) -> Int {
    if name.hasPrefix(".tdata") { return 0 }
    if name.hasPrefix(".rodata") { return 1 }
    if name.hasPrefix(".data") { return 2 }
    if name.hasPrefix(".bss") { return 4 }
    return 3
  }

  /// Gives the pieces of a segment their offsets; mergeable strings become one run where the first of them stands.
  private mutating func finish(
    _ formed: FormedSegment, _ index: Int, _ units: [Unit], _ contributions: [SegmentContribution]
  ) {
    var output = formed.result
    let packed = PackedIndex(OutputSegmentIndex(index))
    let merged = mergedStrings(of: formed, units, contributions)
    output.pieces.reserveCapacity(formed.count - formed.mergeableCount)
    for run in formed.runs {
      let unit = units[run.position].index
      let base = segmentBases[Int(unit)]
      for piece in contributions[run.position].pieces[run.pieces] {
        let id = base + piece.segment
        outputSegments[id] = packed
        guard !piece.isMergeable else {
          segmentAddresses[id] = MemoryPlan.mergedStrings
          if output.strings.isEmpty, let merged {
            output.strings = [OutputSegment.MergedRun(offset: output.size, strings: merged, name: output.name)]
            output.size += UInt64(merged.bytes.count)
          }
          continue
        }
        output.size = output.size.aligned(to: 1 << UInt64(piece.alignment))
        output.pieces.append(OutputSegment.Piece(unit: unit, segment: piece.segment, offset: output.size))
        output.size &+= piece.size
      }
    }
    segments.append(output)
  }

  private func mergedStrings(
    of formed: FormedSegment, _ units: [Unit], _ contributions: [SegmentContribution]
  ) -> MergedStrings<LinkSegments>? {
    guard formed.mergeableCount > 0 else { return nil }
    var strings: [(id: SegmentID, bytes: ByteReader)] = []
    strings.reserveCapacity(formed.mergeableCount)
    for run in formed.runs {
      let unit = units[run.position]
      let (segments, base) = (unit.segments, unit.bases.segment)
      for piece in contributions[run.position].pieces[run.pieces] where piece.isMergeable {
        let segment = segments[Int(piece.segment)]
        if segment.content.last != 0 {
          diagnostics.error(
            "\(unit.file.displayName):(\(segment.name)): string is not null terminated", .malformedInput,
            in: unit.file.displayName)
        }
        strings.append((base + piece.segment, segment.content))
      }
    }
    return MergedStrings(strings, threads)
  }
}
