import WebAssemblyFormat

// One data segment for a position-independent result.
//
// Its memory begins at `__memory_base`, which only the loader knows. A segment at an offset from there needs an addition
// in a constant expression, which is an extension (extended-const). Without it there can be only one segment, at
// `__memory_base` itself; zero-initialised memory becomes part of it, and is written out.
extension MemoryPlan {
  /// Joins all segments into the first; every address stays.
  mutating func combineSegments() {
    guard segments.count > 1, let first = segments.first, let last = segments.last else { return }
    var combined = OutputSegment(name: ByteString(".data"))
    combined.address = first.address
    combined.size = last.address &+ last.size &- first.address
    for segment in segments {
      let offset = segment.address &- first.address
      combined.alignment = max(combined.alignment, segment.alignment)
      combined.flags.formUnion(segment.flags)
      combined.pieces += segment.pieces.map { piece in
        var moved = piece
        moved.offset = offset &+ piece.offset
        return moved
      }
      combined.strings += segment.strings.map { (offset &+ $0.offset, $0.strings) }
    }
    segments = [combined]
    for index in outputSegments.indices where outputSegments[index] != none32 { outputSegments[index] = 0 }
  }
}
