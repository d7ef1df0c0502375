import WebAssemblyFormat

/// Where data is, once memory is laid out: what stands in a segment with it, what is in a string that was merged where
/// that string went.
struct DataAddresses: Sendable {
  private let segmentAddresses: Row<LinkSegments, UInt64>
  private let outputSegments: Row<LinkSegments, PackedIndex<OutputSegments>>
  /// For each segment of the result, its merged strings with their addresses.
  private let strings: [[(address: UInt64, strings: MergedStrings<LinkSegments>)]]

  init(_ memory: MemoryPlan) {
    segmentAddresses = memory.segmentAddresses
    outputSegments = memory.outputSegments
    strings = memory.segments.map { segment in
      segment.strings.map { (segment.address &+ $0.offset, $0.strings) }
    }
  }

  /// The address of the byte at `offset` of a segment that is part of the result.
  @inline(__always)
  func address(of offset: UInt64, in segment: SegmentID) -> UInt64 {
    let start = segmentAddresses[segment]
    return start == MemoryPlan.mergedStrings ? address(ofString: offset, in: segment) : start &+ offset
  }

  private func address(ofString offset: UInt64, in segment: SegmentID) -> UInt64 {
    for run in outputSegments[segment].index.map({ strings[Int($0)] }) ?? [] {
      if let place = run.strings.offset(of: offset, in: segment) { return run.address &+ place }
    }
    preconditionFailure("internal error: segment \(segment.rawValue) of merged strings is no part of the result")
  }
}
