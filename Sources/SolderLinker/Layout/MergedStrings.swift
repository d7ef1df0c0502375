import WebAssemblyFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// Merging strings on all threads.
//
// Which strings there are decides the result, and not the order in which they are found: sorted by their reversed bytes,
// descending, each stands right behind the longer ones that end in it.
//
// Most strings of a link occur in many files, and comparing two costs a cache miss for each. So a batch of neighbouring
// segments is split, hashed and freed of repetitions by one thread, while the bytes are in its cache. What is left of all
// batches is divided by hash into shards, in each of which one thread finds the equal ones; then by the last characters
// into runs, each of which one thread sorts; and at last all threads copy the strings to their places.

/// A string of a segment: where in the segment it begins, and where it went.
private struct Occurrence {
  var start: UInt32 = 0
  var target: UInt32 = 0
}

/// Where the strings of one segment went, for whoever asks about many of them.
struct MergedStringPlace {
  fileprivate static let markShift: UInt64 = 6

  fileprivate let occurrences: [Occurrence]
  fileprivate let marks: [UInt32]
  fileprivate let ownMarks: Range<Int>
  /// Of its strings.
  fileprivate let end: Int

  /// Where the byte at `offset` of the segment went.
  @inline(__always)
  func offset(of offset: UInt64) -> UInt64 {
    let mark = min(Int(offset >> MergedStringPlace.markShift), ownMarks.count - 1)
    var string = Int(marks[ownMarks.lowerBound &+ mark])
    while string &+ 1 < end, UInt64(occurrences[string &+ 1].start) <= offset { string &+= 1 }
    return UInt64(occurrences[string].target) &+ (offset &- UInt64(occurrences[string].start))
  }
}

/// Null-terminated strings of many segments, each stored once; a string that ends another one shares its bytes.
///
/// The order is that of wasm-ld.
/// A class, so that passing it on does not count references to all of its arrays. `Space` says what the segments are: data
/// segments, or custom sections.
final class MergedStrings<Space>: Sendable {
  let bytes: [UInt8]
  /// The segments that were merged, in order.
  private enum MergedSegments {}

  /// Every string of every segment, in order.
  private let occurrences: [Occurrence]
  /// The strings of each segment are those from `firsts[p]` to `firsts[p + 1]`, where `p` is `positions[id - firstID]`.
  private let firsts: [UInt32]
  private let positions: [PackedIndex<MergedSegments>]
  private let firstID: Index<Space>
  /// The string to which the first of every 64 bytes of every segment belongs, and where each segment's marks begin:
  /// whoever looks for a byte begins there.
  private let marks: [UInt32]
  private let firstMarks: [Int]

  /// Merges the strings of segments; each must end in a null byte.
  ///
  /// - Parameter segments: the number over all units and the bytes of each.
  init(_ segments: [(id: Index<Space>, bytes: ByteReader)], _ threads: Threads) {
    firstID = segments.lazy.map { $0.id }.min() ?? Index(0)
    let count = segments.reduce(0) { [firstID] in max($0, $1.id - firstID + 1) }
    var positions = [PackedIndex<MergedSegments>](repeating: .none, count: count)
    for (position, segment) in segments.enumerated() {
      positions[segment.id - firstID] = PackedIndex(Index(position))
    }
    self.positions = positions

    var merger = StringMerger(segments.map { $0.bytes }, threads)
    merger.findEqual()
    merger.sort()
    let places = merger.place()
    bytes = merger.bytes(at: places)
    (firsts, occurrences) = merger.occurrences(at: places)
    (marks, firstMarks) = Self.mark(segments.map { $0.bytes.count }, firsts, occurrences, threads)
  }

  private static func mark(
    _ sizes: [Int], _ firsts: [UInt32], _ occurrences: [Occurrence], _ threads: Threads
  ) -> (marks: [UInt32], firstMarks: [Int]) {
    var firstMarks = [0]
    for size in sizes {
      firstMarks.append(firstMarks[firstMarks.count - 1] + (size >> Int(MergedStringPlace.markShift)) + 1)
    }
    let marks = ParallelBuffer(repeating: UInt32(0), count: firstMarks[sizes.count])
    threads.forEach(sizes.count, batch: 16) { [firstMarks] position in
      var string = firsts[position]
      let end = firsts[position + 1]
      for mark in firstMarks[position]..<firstMarks[position + 1] {
        let offset = UInt64(mark - firstMarks[position]) << MergedStringPlace.markShift
        while string + 1 < end, UInt64(occurrences[Int(string) + 1].start) <= offset { string += 1 }
        marks[mark] = string
      }
    }
    return (marks.take(), firstMarks)
  }

  /// The position of a segment, `nil` when it is not one of those that were merged.
  private func position(of segment: Index<Space>) -> Int? {
    guard segment >= firstID, segment - firstID < positions.count else { return nil }
    return positions[segment - firstID].index.map { Int($0) }
  }

  /// Where the byte at `offset` of a segment went; `nil` if its strings are not among these.
  func offset(of offset: UInt64, in segment: Index<Space>) -> UInt64? {
    guard position(of: segment) != nil else { return nil }
    // One that has no strings is where all begin.
    return place(of: segment)?.offset(of: offset) ?? 0
  }

  /// Where the strings of a segment went; `nil` for one without strings.
  func place(of segment: Index<Space>) -> MergedStringPlace? {
    guard let position = position(of: segment), firsts[position] < firsts[position + 1] else { return nil }
    return MergedStringPlace(
      occurrences: occurrences, marks: marks, ownMarks: firstMarks[position]..<firstMarks[position + 1],
      end: Int(firsts[position + 1]))
  }
}

/// The steps of merging.
private struct StringMerger {
  /// The strings of neighbouring segments.
  private struct Batch: Sendable {
    /// Each string once, in the order of their shards, and what ``StringOrder`` knows of each.
    var strings: [ByteString] = []
    var keys: [UInt64] = []
    /// Where each shard begins, and where the last one ends.
    var shards: [Int] = []
    /// For every string of every segment, in order, where in the segment it begins, and its index in `strings`.
    var starts: [UInt32] = []
    var indices: [UInt32] = []
    /// How many strings each segment has.
    var counts: [UInt32] = []
  }

  private let threads: Threads
  private let batches: [Batch]
  /// The strings of all batches, in a row, and where each batch begins.
  private var strings: [ByteString] = []
  private var bases: [Int] = []
  /// For each string, the one that stands for all of the same bytes.
  private var representatives: [UInt32] = []
  private var order: [StringOrder.Entry] = []
  /// Runs of `order` that sort by their last characters already.
  private var runs: [Range<Int>] = []

  /// How many parts the work is divided into: one when it is little.
  private let shardCount: Int

  private static func shard(_ string: ByteString, of count: Int) -> Int { Int(string.hash >> 26) & (count - 1) }

  private static let shardsOfManyStrings = 64
  /// Bytes that are enough for a batch.
  private static let batchSize = 1 << 17

  init(_ segments: [ByteReader], _ threads: Threads) {
    self.threads = threads
    var ranges: [Range<Int>] = []
    var (start, size) = (0, 0)
    for (index, segment) in segments.enumerated() {
      size += segment.count
      if size >= StringMerger.batchSize || index == segments.count - 1 {
        ranges.append(start..<index + 1)
        (start, size) = (index + 1, 0)
      }
    }
    let shardCount = ranges.count > 1 ? StringMerger.shardsOfManyStrings : 1
    self.shardCount = shardCount
    batches = threads.map(ranges.count) { [ranges] in StringMerger.split(segments[ranges[$0]], shardCount) }
    strings.reserveCapacity(batches.reduce(0) { $0 + $1.strings.count })
    for batch in batches {
      bases.append(strings.count)
      strings += batch.strings
    }
  }

  private static func split(_ segments: ArraySlice<ByteReader>, _ shardCount: Int) -> Batch {
    var batch = Batch()
    // Most strings of debug information are longer than this.
    let count = segments.reduce(0) { $0 + $1.count } / 24
    batch.starts.reserveCapacity(count)
    batch.indices.reserveCapacity(count)
    var table = NameTable(minimumCapacity: max(count, 1024))
    for segment in segments {
      let before = batch.starts.count
      var start = 0
      let first = segment.offset
      while start < segment.count {
        let next = segment.endOfString(from: first + start) - first
        batch.starts.append(UInt32(truncatingIfNeeded: start))
        batch.indices.append(UInt32(table.insert(ByteString(segment[first + start..<first + next])).slot))
        start = next
      }
      batch.counts.append(UInt32(batch.starts.count - before))
    }
    sort(table.names, into: &batch, shardCount)
    return batch
  }

  /// Puts the strings of a batch in the order of their shards.
  private static func sort(_ names: [ByteString], into batch: inout Batch, _ shardCount: Int) {
    var next = [Int](repeating: 0, count: shardCount)
    for name in names { next[shard(name, of: shardCount)] += 1 }
    var start = 0
    for shard in next.indices {
      batch.shards.append(start)
      (next[shard], start) = (start, start + next[shard])
    }
    batch.shards.append(start)
    var order = [UInt32](repeating: 0, count: names.count)
    var places = order
    for (index, name) in names.enumerated() {
      let shard = shard(name, of: shardCount)
      order[next[shard]] = UInt32(index)
      places[index] = UInt32(next[shard])
      next[shard] += 1
    }
    batch.strings = order.map { names[Int($0)] }
    batch.keys = batch.strings.map { StringOrder.key(of: $0) }
    for position in batch.indices.indices { batch.indices[position] = places[Int(batch.indices[position])] }
  }

  // MARK: Equal strings

  /// Finds one of each string, shard by shard.
  mutating func findEqual() {
    let (batches, bases) = (batches, bases)
    let representatives = ParallelBuffer(repeating: UInt32(0), count: strings.count)
    let found = threads.map(shardCount) { shard -> [StringOrder.Entry] in
      var table = NameTable(minimumCapacity: 1024)
      var entries: [StringOrder.Entry] = []
      for (batch, base) in zip(batches, bases) {
        for position in batch.shards[shard]..<batch.shards[shard + 1] {
          let index = UInt32(base + position)
          let (slot, isNew) = table.insert(batch.strings[position])
          if isNew { entries.append(StringOrder.Entry(key: batch.keys[position], index: index)) }
          representatives[Int(index)] = entries[slot].index
        }
      }
      return entries
    }
    self.representatives = representatives.take()
    divide(found)
  }

  // MARK: Order

  /// Divides the strings by their last characters, descending.
  private mutating func divide(_ found: [[StringOrder.Entry]]) {
    if found.count == 1 {
      order = found[0]
      runs = [0..<order.count]
      return
    }
    var next = [Int](repeating: 0, count: StringOrder.bucketCount)
    for list in found { for entry in list { next[entry.bucket] += 1 } }
    var start = 0
    for bucket in next.indices where next[bucket] > 0 {
      runs.append(start..<start + next[bucket])
      (next[bucket], start) = (start, start + next[bucket])
    }
    order = Array(repeating: StringOrder.Entry(), count: start)
    for list in found {
      for entry in list {
        order[next[entry.bucket]] = entry
        next[entry.bucket] += 1
      }
    }
  }

  /// Sorts each run.
  mutating func sort() {
    // The longest first, so that no thread is left with a long one at the end.
    let runs = runs.sorted { ($1.count, $0.lowerBound) < ($0.count, $1.lowerBound) }
    let sorter = StringOrder(strings)
    unsafe order.withUnsafeMutableBufferPointer { order in
      // Runs do not overlap.
      nonisolated(unsafe) let order = unsafe order
      threads.forEach(runs.count) { unsafe sorter.sort(UnsafeMutableBufferPointer(rebasing: order[runs[$0]])) }
    }
  }

  // MARK: Places

  /// Where each string goes, and by a string's place in the order, whether it is stored there.
  struct Places {
    fileprivate var size = 0
    fileprivate var isStored: [Bool] = []
    /// By string, for those that stand for others.
    fileprivate var offsets: [UInt32] = []
  }

  mutating func place() -> Places {
    let (strings, order) = (strings, order)
    var places = Places()
    // A string that ends the one before it in the order ends the last one that was stored as well.
    places.isStored = threads.map(order.count, batch: 1024) { position in
      position == 0
        || !StringMerger.ends(strings[Int(order[position - 1].index)], with: strings[Int(order[position].index)])
    }
    places.offsets = Array(repeating: 0, count: strings.count)
    for (position, entry) in order.enumerated() {
      let count = strings[Int(entry.index)].count
      if places.isStored[position] { places.size += count }
      places.offsets[Int(entry.index)] = UInt32(truncatingIfNeeded: places.size - count)
    }
    return places
  }

  private static func ends(_ string: ByteString, with suffix: ByteString) -> Bool {
    string.hasSuffix(suffix)
  }

  /// The bytes of all strings.
  func bytes(at places: Places) -> [UInt8] {
    let (strings, order) = (strings, order)
    return unsafe [UInt8](unsafeUninitializedCapacity: places.size) { buffer, count in
      // Each thread writes the strings that it copies; together they fill the buffer.
      nonisolated(unsafe) let buffer = unsafe buffer
      threads.forEach(order.count, batch: 1024) { position in
        guard places.isStored[position] else { return }
        let index = Int(order[position].index)
        let target = unsafe UnsafeMutableBufferPointer(rebasing: buffer[Int(places.offsets[index])...])
        _ = unsafe target.initialize(fromContentsOf: strings[index].bytes)
      }
      count = places.size
    }
  }

  /// For each segment its first string, and every string of every segment.
  func occurrences(at places: Places) -> (firsts: [UInt32], all: [Occurrence]) {
    let (batches, bases, representatives) = (batches, bases, representatives)
    var firsts: [UInt32] = [0]
    var begins: [Int] = []
    var total = 0
    for batch in batches {
      begins.append(total)
      for count in batch.counts {
        total += Int(count)
        firsts.append(UInt32(truncatingIfNeeded: total))
      }
    }
    let all = ParallelBuffer(repeating: Occurrence(), count: total)
    threads.forEach(batches.count) { [begins] number in
      let batch = batches[number]
      let own = batch.strings.indices.map { places.offsets[Int(representatives[bases[number] + $0])] }
      for position in batch.starts.indices {
        all[begins[number] + position] = Occurrence(
          start: batch.starts[position], target: own[Int(batch.indices[position])])
      }
    }
    return (firsts, all.take())
  }
}

extension ByteReader {
  /// Where the string that begins at an offset ends, behind its null byte.
  fileprivate func endOfString(from offset: Int) -> Int {
    precondition(offset >= 0 && offset <= end)
    // `memchr` looks at no byte behind the end.
    guard let zero = unsafe memchr(base + offset, 0, end - offset) else { return end }
    return unsafe UnsafeRawPointer(zero) - UnsafeRawPointer(base) + 1
  }
}
