import WebAssemblyFormat

/// A data segment of the result, and what fills it.
struct OutputSegment {
  /// A run of bytes from one input segment.
  struct Piece {
    /// Index among the units, and of the segment in the unit.
    var unit: UnitID
    var segment: UInt32
    /// Offset in the output segment.
    var offset: UInt64
  }

  /// Merged strings in it.
  struct MergedRun {
    /// Offset in the output segment.
    var offset: UInt64
    var strings: MergedStrings<LinkSegments>
    /// The output segment for which they were merged, before it was combined with others.
    var name: ByteString
  }

  var name: ByteString
  /// Address of its first byte; of thread-local data, of the initial copy.
  var address: UInt64 = 0
  var size: UInt64 = 0
  /// Log2 of its alignment.
  var alignment: UInt32 = 0
  var flags: SegmentFlags = []
  var pieces: [Piece] = []
  /// Strings of mergeable input segments.
  var strings: [MergedRun] = []
  var isPassive = false
  /// Zero-initialised: takes memory but no bytes of the file, unless something forces it to.
  var isBSS = false
  /// A library's, which may be written as several, without its zeros.
  var mayBeDivided = false
  /// A segment of a finished module that keeps its own way of saying where it goes.
  var kept: Piece?
  /// Whether it is the initial thread-local data of objects. A library's has its own way.
  var isThreadLocal: Bool { kept == nil && name == ".tdata" }
  /// Whether it begins where the layout says (rather than at a kept expression, or nowhere).
  var isPlaced: Bool { kept == nil }
}
