import WebAssemblyFormat

// One data segment for a position-independent result.
//
// Its memory begins at `__memory_base`, which only the loader knows. A segment at an offset from there needs an addition
// in a constant expression, which is an extension (extended-const). Without it there can be only one segment, at
// `__memory_base` itself; zero-initialised memory becomes part of it, and is written out.
extension MemoryPlan {
  /// The plan with all segments joined into the first, where the result can have only one; every address stays.
  consuming func combined(_ features: FeatureSet, _ options: LinkOptions) -> MemoryPlan {
    guard options.isPositionIndependent, !features.hasExtendedConst, !options.sharedMemory else { return self }
    combineSegments { options.compatibility.trimsZeros && $0.isBSS && !features.emitsBSS(options) }
    return self
  }

  /// - Parameter omits: tells the segments at the end that the file does not contain; they stay what they are.
  private mutating func combineSegments(omitting omits: (OutputSegment) -> Bool) {
    let omitted = segments.firstIndex(where: omits) ?? segments.count
    guard segments.count > 1, omitted > 0 else { return }
    var combined = OutputSegment(name: ByteString(".data"))
    let start = segments[0].address
    combined.address = start
    combined.size = segments[omitted - 1].address &+ segments[omitted - 1].size &- start
    for segment in segments[..<omitted] {
      let offset = segment.address &- start
      combined.alignment = max(combined.alignment, segment.alignment)
      combined.flags.formUnion(segment.flags)
      combined.pieces += segment.pieces.map { piece in
        var moved = piece
        moved.offset = offset &+ piece.offset
        return moved
      }
      combined.strings += segment.strings.map { run in
        var moved = run
        moved.offset = offset &+ run.offset
        return moved
      }
    }
    segments = [combined] + segments[omitted...]
    outputSegments.replaceAll { PackedIndex($0.index.map { OutputSegmentIndex(max(0, Int($0) - omitted + 1)) }) }
  }
}
