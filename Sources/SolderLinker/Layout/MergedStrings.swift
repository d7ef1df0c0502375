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
// descending, each stands right behind the longer ones that end in it. So the strings of all segments are hashed by all
// threads, divided by hash into shards in which a thread alone finds the equal ones, divided again by their last
// characters into runs that a thread alone sorts, and at last copied, each to its place, by all threads.

/// Null-terminated strings of many segments, each stored once; a string that ends another one shares its bytes.
///
/// The order is that of wasm-ld.
struct MergedStrings {
  private(set) var bytes: [UInt8] = []
  /// Of every string of every segment, in order, where in the segment it begins and where it went.
  private var starts: [UInt32] = []
  private var targets: [UInt32] = []
  /// The strings of each segment are those from `firsts[p]` to `firsts[p + 1]`, where `p` is `positions[id - firstID]`.
  private var firsts: [UInt32] = []
  private var positions: [UInt32] = []
  private var firstID: UInt32 = 0

  /// Merges the strings of segments; each must end in a null byte.
  ///
  /// - Parameter segments: the number over all units and the bytes of each.
  init(_ segments: [(id: UInt32, bytes: UnsafeBufferPointer<UInt8>)], _ threads: Threads) {
    index(segments)
    var merger = StringMerger(segments.map(\.bytes), threads)
    merger.findEqual()
    merger.sort()
    (bytes, targets) = merger.place()
    (starts, firsts) = (merger.starts, merger.firsts)
  }

  private mutating func index(_ segments: [(id: UInt32, bytes: UnsafeBufferPointer<UInt8>)]) {
    guard let first = segments.lazy.map(\.id).min(), let last = segments.lazy.map(\.id).max() else { return }
    firstID = first
    positions = Array(repeating: none32, count: Int(last - first) + 1)
    for (position, segment) in segments.enumerated() { positions[Int(segment.id - first)] = UInt32(position) }
  }

  /// The strings of a segment, `nil` when it is not one of those that were merged.
  private func strings(of segment: UInt32) -> Range<Int>? {
    guard segment >= firstID, Int(segment - firstID) < positions.count else { return nil }
    let position = positions[Int(segment - firstID)]
    guard position != none32 else { return nil }
    return Int(firsts[Int(position)])..<Int(firsts[Int(position) + 1])
  }

  /// Whether a segment's strings are among these.
  func contains(segment: UInt32) -> Bool { strings(of: segment) != nil }

  /// Where the byte at `offset` of a segment went.
  func offset(of offset: UInt64, in segment: UInt32) -> UInt64 {
    guard let range = strings(of: segment), !range.isEmpty else { return 0 }
    var low = range.lowerBound
    var high = range.upperBound
    while high - low > 1 {
      let middle = (low + high) / 2
      if UInt64(starts[middle]) <= offset { low = middle } else { high = middle }
    }
    return UInt64(targets[low]) &+ (offset &- UInt64(starts[low]))
  }
}

/// The steps of merging.
private struct StringMerger {
  /// A string to be sorted.
  private struct Entry {
    /// The last eight bytes, the last of all first; zeros stand before a shorter one.
    var key: UInt64
    /// One of the occurrences of the string.
    var occurrence: UInt32
    /// Length in bytes; 0 for one that ends the string before it in the order.
    var count: UInt32
  }

  private let threads: Threads
  /// Every occurrence of a string, in the order of the segments.
  private var occurrences: [ByteString] = []
  private(set) var starts: [UInt32] = []
  private(set) var firsts: [UInt32] = [0]
  /// For each occurrence, the one that stands for all of the same bytes.
  private var representatives: [UInt32] = []
  private var entries: [Entry] = []
  /// Runs of entries that sort by their last characters already.
  private var runs: [Range<Int>] = []

  private static let shardBits: UInt32 = 6
  private static var shardCount: Int { 1 << Int(shardBits) }
  private static func shard(_ string: ByteString) -> Int { Int(string.hash >> (32 - shardBits)) }

  init(_ segments: [UnsafeBufferPointer<UInt8>], _ threads: Threads) {
    self.threads = threads
    // Nobody writes to what was mapped.
    nonisolated(unsafe) let segments = segments
    let split = threads.map(segments.count, batch: 16) { StringMerger.split(segments[$0]) }
    firsts.reserveCapacity(split.count + 1)
    let count = split.reduce(0) { $0 + $1.count }
    occurrences.reserveCapacity(count)
    starts.reserveCapacity(count)
    for (segment, strings) in zip(segments, split) {
      occurrences += strings
      starts += strings.lazy.map { UInt32(truncatingIfNeeded: $0.start - segment.baseAddress!) }
      firsts.append(UInt32(occurrences.count))
    }
  }

  private static func split(_ segment: UnsafeBufferPointer<UInt8>) -> [ByteString] {
    var strings: [ByteString] = []
    guard let base = segment.baseAddress else { return strings }
    var start = 0
    while start < segment.count {
      let end = memchr(base + start, 0, segment.count - start).map { UnsafeRawPointer($0) - UnsafeRawPointer(base) }
      let next = min(segment.count, (end ?? segment.count) + 1)
      strings.append(ByteString(base + start, count: next - start))
      start = next
    }
    return strings
  }

  // MARK: Equal strings

  /// Finds one occurrence of each string, shard by shard.
  mutating func findEqual() {
    let occurrences = occurrences
    let representatives = ParallelBuffer(repeating: UInt32(0), count: occurrences.count)
    let members = shards()
    let found = threads.map(members.count) { shard -> [Entry] in
      StringMerger.findEqual(members[shard], of: occurrences, representatives)
    }
    self.representatives = representatives.take()
    divide(found)
  }

  /// The occurrences of each shard.
  private func shards() -> [[UInt32]] {
    var counts = [Int](repeating: 0, count: StringMerger.shardCount)
    for string in occurrences { counts[StringMerger.shard(string)] += 1 }
    var members = counts.map { count -> [UInt32] in
      var list: [UInt32] = []
      list.reserveCapacity(count)
      return list
    }
    for (index, string) in occurrences.enumerated() { members[StringMerger.shard(string)].append(UInt32(index)) }
    return members
  }

  private static func findEqual(
    _ members: [UInt32], of occurrences: [ByteString], _ representatives: ParallelBuffer<UInt32>
  ) -> [Entry] {
    var entries: [Entry] = []
    var capacity = 16
    while capacity < members.count * 2 { capacity *= 2 }
    // Of each slot the hash and the occurrence plus one.
    var slots = [UInt64](repeating: 0, count: capacity)
    for member in members {
      let string = occurrences[Int(member)]
      var slot = Int(string.hash) & (capacity - 1)
      while true {
        let entry = slots[slot]
        if entry == 0 {
          slots[slot] = UInt64(string.hash) << 32 | UInt64(member + 1)
          representatives[Int(member)] = member
          entries.append(Entry(key: key(of: string), occurrence: member, count: UInt32(string.count)))
          break
        }
        if UInt32(truncatingIfNeeded: entry >> 32) == string.hash {
          let other = UInt32(truncatingIfNeeded: entry) - 1
          if occurrences[Int(other)] == string {
            representatives[Int(member)] = other
            break
          }
        }
        slot = (slot + 1) & (capacity - 1)
      }
    }
    return entries
  }

  private static func key(of string: ByteString) -> UInt64 {
    var key: UInt64 = 0
    for index in max(0, string.count - 8)..<string.count {
      key = key >> 8 | UInt64(string.start[index]) << 56
    }
    return key
  }

  // MARK: Order

  /// The last two bytes, of which the very last is null.
  private static func bucket(_ entry: Entry) -> Int { 0xFFFF - Int(entry.key >> 48) }

  /// Divides the strings by their last characters, descending.
  private mutating func divide(_ found: [[Entry]]) {
    var counts = [Int](repeating: 0, count: 1 << 16)
    for list in found { for entry in list { counts[StringMerger.bucket(entry)] += 1 } }
    var start = 0
    for bucket in counts.indices where counts[bucket] > 0 {
      runs.append(start..<start + counts[bucket])
      (counts[bucket], start) = (start, start + counts[bucket])
    }
    entries = Array(repeating: Entry(key: 0, occurrence: 0, count: 0), count: start)
    for list in found {
      for entry in list {
        let bucket = StringMerger.bucket(entry)
        entries[counts[bucket]] = entry
        counts[bucket] += 1
      }
    }
  }

  /// Sorts each run.
  mutating func sort() {
    let (occurrences, runs) = (occurrences, runs)
    // The longest first, so that no thread is left with a long one at the end.
    let order = runs.indices.sorted { (runs[$1].count, $0) < (runs[$0].count, $1) }
    entries.withUnsafeMutableBufferPointer { entries in
      // Runs do not overlap.
      nonisolated(unsafe) let entries = entries
      threads.forEach(order.count) { position in
        var run = UnsafeMutableBufferPointer(rebasing: entries[runs[order[position]]])
        run.sort { StringMerger.precedes($0, $1, occurrences) }
      }
    }
  }

  /// Whether a string comes before another in the order of reversed bytes, descending, the longer of two first.
  private static func precedes(_ one: Entry, _ other: Entry, _ occurrences: [ByteString]) -> Bool {
    if one.key != other.key { return one.key > other.key }
    let (left, right) = (occurrences[Int(one.occurrence)], occurrences[Int(other.occurrence)])
    var (leftEnd, rightEnd) = (left.count - 8, right.count - 8)
    while leftEnd > 0, rightEnd > 0 {
      leftEnd -= 1
      rightEnd -= 1
      if left.start[leftEnd] != right.start[rightEnd] { return left.start[leftEnd] > right.start[rightEnd] }
    }
    return leftEnd > rightEnd
  }

  // MARK: Places

  /// The bytes of all strings, and where each occurrence is in them.
  mutating func place() -> (bytes: [UInt8], targets: [UInt32]) {
    let (occurrences, entries, representatives) = (occurrences, entries, representatives)
    // A string that ends the one before it in the order ends the last one that was stored as well.
    let stored = threads.map(entries.count, batch: 1024) { position in
      position == 0 || !StringMerger.ends(entries[position - 1], with: entries[position], occurrences)
    }
    let offsets = ParallelBuffer(repeating: UInt32(0), count: entries.count)
    var size = 0
    var targets = [UInt32](repeating: 0, count: occurrences.count)
    for (position, entry) in entries.enumerated() {
      if stored[position] {
        offsets[position] = UInt32(truncatingIfNeeded: size)
        size += Int(entry.count)
      } else {
        offsets[position] = UInt32(truncatingIfNeeded: size - Int(entry.count))
      }
      targets[Int(entry.occurrence)] = offsets[position]
    }
    for index in targets.indices where representatives[index] != UInt32(index) {
      targets[index] = targets[Int(representatives[index])]
    }
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      // Each thread writes the strings that it copies.
      nonisolated(unsafe) let buffer = buffer
      threads.forEach(entries.count, batch: 1024) { position in
        guard stored[position] else { return }
        let string = occurrences[Int(entries[position].occurrence)]
        (buffer.baseAddress! + Int(offsets[position])).initialize(from: string.start, count: string.count)
      }
      count = size
    }
    _ = offsets.take()
    return (bytes, targets)
  }

  private static func ends(_ one: Entry, with other: Entry, _ occurrences: [ByteString]) -> Bool {
    let (string, suffix) = (occurrences[Int(one.occurrence)], occurrences[Int(other.occurrence)])
    let start = string.count - suffix.count
    return start >= 0 && memcmp(string.start + start, suffix.start, suffix.count) == 0
  }
}
