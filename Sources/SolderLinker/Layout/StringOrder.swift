import WebAssemblyFormat

/// Sorts strings by their reversed bytes, descending, so that each stands right behind the longer ones that end in it.
///
/// Eight bytes of a string are one number. Long lists are sorted by that number, digit by digit, and what is equal then by
/// the eight bytes before; short ones by comparing.
struct StringOrder: Sendable {
  struct Entry {
    /// Eight bytes, those nearest to the end of the string in the highest digits; zeros stand for what is before its
    /// beginning.
    fileprivate(set) var key: UInt64 = 0
    /// Index of the string.
    private(set) var index: UInt32 = 0

    init() {}

    init(key: UInt64, index: UInt32) {
      self.key = key
      self.index = index
    }

    /// Where the last two bytes, of which the very last is null, place the string among all.
    var bucket: Int { StringOrder.bucketCount - 1 - Int(key >> 48) }
  }

  static let bucketCount = 1 << 16

  private let strings: [ByteString]
  /// Lists shorter than this are sorted by comparing.
  private static let fewEntries = 64
  /// After this many times eight equal bytes, too.
  private static let depthLimit = 16

  init(_ strings: [ByteString]) { self.strings = strings }

  /// Sorts entries. No two may be of equal strings.
  ///
  /// A buffer and not an array, since several threads sort runs of one array: each sorts entries that are there until it
  /// has, and that nobody else reads or writes meanwhile.
  func sort(_ entries: UnsafeMutableBufferPointer<Entry>) {
    var scratch: [Entry] = []
    if entries.count >= StringOrder.fewEntries { scratch = Array(repeating: Entry(), count: entries.count) }
    unsafe sort(entries, &scratch, depth: 0)
  }

  private func sort(_ entries: UnsafeMutableBufferPointer<Entry>, _ scratch: inout [Entry], depth: Int) {
    guard entries.count >= StringOrder.fewEntries, depth < StringOrder.depthLimit else {
      var entries = unsafe entries
      unsafe entries.sort { precedes($0, $1, depth: depth) }
      return
    }
    for shift in stride(from: UInt64(0), to: 64, by: 8) { unsafe StringOrder.sort(entries, &scratch, shift: shift) }
    var start = 0
    while start < entries.count {
      var end = start + 1
      while end < entries.count, unsafe entries[end].key == entries[start].key { end += 1 }
      if end > start + 1 {
        let group = unsafe UnsafeMutableBufferPointer(rebasing: entries[start..<end])
        for position in group.indices {
          unsafe group[position].key = unsafe StringOrder.key(of: strings[Int(group[position].index)], depth: depth + 1)
        }
        unsafe sort(group, &scratch, depth: depth + 1)
      }
      start = end
    }
  }

  /// Sorts by one digit of the keys, descending, and leaves the order of those that agree in it.
  private static func sort(_ entries: UnsafeMutableBufferPointer<Entry>, _ scratch: inout [Entry], shift: UInt64) {
    var next = [Int](repeating: 0, count: 256)
    for position in entries.indices { next[255 - Int(unsafe entries[position].key >> shift & 255)] += 1 }
    var start = 0
    for digit in next.indices {
      if next[digit] == entries.count { return }
      (next[digit], start) = (start, start + next[digit])
    }
    for position in entries.indices {
      let entry = unsafe entries[position]
      let digit = 255 - Int(entry.key >> shift & 255)
      scratch[next[digit]] = entry
      next[digit] += 1
    }
    for position in entries.indices { unsafe entries[position] = scratch[position] }
  }

  /// The eight bytes that `depth` times eight bytes follow, as ``Entry`` wants them.
  static func key(of string: ByteString, depth: Int = 0) -> UInt64 {
    let end = string.count - depth * 8
    if end >= 8, let low = string.bytes.fixed32(at: end - 8), let high = string.bytes.fixed32(at: end - 4) {
      return UInt64(high) << 32 | UInt64(low)
    }
    guard end > 0 else { return 0 }
    var key: UInt64 = 0
    for index in 0..<end { key = key >> 8 | UInt64(string[index]) << 56 }
    return key
  }

  private func precedes(_ one: Entry, _ other: Entry, depth: Int) -> Bool {
    if one.key != other.key { return one.key > other.key }
    let (left, right) = (strings[Int(one.index)], strings[Int(other.index)])
    var (leftEnd, rightEnd) = (left.count - depth * 8 - 8, right.count - depth * 8 - 8)
    while leftEnd > 0, rightEnd > 0 {
      leftEnd -= 1
      rightEnd -= 1
      if left[leftEnd] != right[rightEnd] { return left[leftEnd] > right[rightEnd] }
    }
    return leftEnd > rightEnd
  }
}
