import WebAssemblyFormat

/// A data segment of the result, and what fills it.
struct OutputSegment {
  /// A run of bytes from one input segment.
  struct Piece {
    /// Index among the units, and of the segment in the unit.
    var unit: UInt32
    var segment: UInt32
    /// Offset in the output segment.
    var offset: UInt64
  }

  /// Merged strings in it.
  struct MergedRun {
    /// Offset in the output segment.
    var offset: UInt64
    var strings: MergedStrings
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
  /// A segment of a finished module that keeps its own way of saying where it goes.
  var kept: Piece?
  /// Whether it begins where the layout says (rather than at a kept expression, or nowhere).
  var isPlaced: Bool { kept == nil }
}

/// Null-terminated strings of many segments, each stored once; a string that ends another one shares its bytes.
///
/// The order is that of wasm-ld: strings are sorted by their reversed bytes, descending, so that each stands right
/// behind the longer ones that end in it.
struct MergedStrings {
  /// Where each string of an input segment went: sorted by offset in the segment.
  struct Map {
    var starts: [UInt32] = []
    var targets: [UInt32] = []
  }

  private(set) var bytes: [UInt8] = []
  /// By segment, numbered over all units.
  private(set) var maps: [UInt32: Map] = [:]

  /// Merges the strings of segments; each must end in a null byte.
  ///
  /// - Parameter segments: the number over all units and the bytes of each.
  init(_ segments: [(id: UInt32, bytes: UnsafeBufferPointer<UInt8>)]) {
    var table = NameTable(minimumCapacity: 1024)
    var slots: [[(start: UInt32, slot: Int)]] = []
    for (_, content) in segments {
      var list: [(start: UInt32, slot: Int)] = []
      var start = 0
      while start < content.count {
        var end = start
        while end < content.count, content[end] != 0 { end += 1 }
        let count = min(end + 1, content.count) - start
        let (slot, _) = table.insert(ByteString(content.baseAddress! + start, count: count))
        list.append((UInt32(start), slot))
        start += count
      }
      slots.append(list)
    }
    let offsets = place(table.names)
    for (segment, list) in zip(segments, slots) {
      maps[segment.id] = Map(starts: list.map(\.start), targets: list.map { offsets[$0.slot] })
    }
  }

  private mutating func place(_ strings: [ByteString]) -> [UInt32] {
    let order = strings.indices.sorted { MergedStrings.precedes(strings[$0], strings[$1]) }
    var offsets = [UInt32](repeating: 0, count: strings.count)
    var previous: ByteString?
    for index in order {
      let string = strings[index]
      if let previous, MergedStrings.ends(previous, with: string) {
        offsets[index] = UInt32(bytes.count - string.count)
        continue
      }
      offsets[index] = UInt32(bytes.count)
      bytes.append(contentsOf: string.bytes)
      previous = string
    }
    return offsets
  }

  private static func precedes(_ one: ByteString, _ other: ByteString) -> Bool {
    var left = one.count
    var right = other.count
    while left > 0, right > 0 {
      left -= 1
      right -= 1
      if one.start[left] != other.start[right] { return one.start[left] > other.start[right] }
    }
    return left > right
  }

  private static func ends(_ string: ByteString, with suffix: ByteString) -> Bool {
    guard suffix.count <= string.count else { return false }
    let start = string.count - suffix.count
    for index in 0..<suffix.count where string.start[start + index] != suffix.start[index] { return false }
    return true
  }

  /// Where the byte at `offset` of a segment went.
  func offset(of offset: UInt64, in segment: UInt32) -> UInt64 {
    guard let map = maps[segment], !map.starts.isEmpty else { return 0 }
    var low = 0
    var high = map.starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if UInt64(map.starts[middle]) <= offset { low = middle } else { high = middle }
    }
    return UInt64(map.targets[low]) &+ (offset &- UInt64(map.starts[low]))
  }
}
