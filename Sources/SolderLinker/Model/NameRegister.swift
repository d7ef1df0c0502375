import WebAssemblyFormat

// Numbers for names.
//
// Resolving names has to follow the order of the command line on one thread, but looking names up does not: whoever
// reads a file enters its names here while they are still in the cache, and from then on a name is a number. Which
// number depends on who came first; nothing but the place in an array by that number may depend on it.

/// All names of a link, each with a number, entered by all threads.
///
/// The names are divided by their hashes among tables with a lock each. A file's names are sorted by table first, so
/// that a lock is taken once for several names and threads seldom meet.
final class NameRegister: Sendable {
  private static let bits: UInt32 = 5
  private let shards = (0..<(1 << bits)).map { _ in Locked(NameTable(minimumCapacity: 16)) }

  private static func shard(of name: ByteString) -> Int { Int(name.hash >> (32 - bits)) }

  private static func number(slot: Int, shard: Int) -> NameNumber {
    NameNumber(rawValue: UInt32(truncatingIfNeeded: slot << Int(bits) | shard))
  }

  private static func slot(of number: NameNumber) -> Int { Int(number) >> Int(bits) }

  /// More than any number given so far.
  var numberLimit: Int {
    shards.reduce(0) { max($0, $1.withLock { $0.count }) } << Int(NameRegister.bits)
  }

  /// The number of a name, if it was entered.
  func find(_ name: ByteString) -> NameNumber? {
    let shard = NameRegister.shard(of: name)
    return shards[shard].withLock { $0.find(name) }.map { NameRegister.number(slot: $0, shard: shard) }
  }

  /// The number of a name.
  func number(of name: ByteString) -> NameNumber {
    let shard = NameRegister.shard(of: name)
    return NameRegister.number(slot: shards[shard].withLock { $0.insert(name).slot }, shard: shard)
  }

  /// The numbers of the symbols' names, by symbol; none for local ones, whose names mean nothing to others.
  func numbers(of symbols: [UnitSymbol]) -> [PackedIndex<LinkNames>] {
    numbers(symbols.count) { symbols[$0].isLocal ? nil : symbols[$0].name }
  }

  /// The numbers of names, in their order.
  func numbers(of names: [ByteString]) -> [NameNumber] {
    numbers(names.count) { names[$0] }.map { number in
      guard let number = number.index else { preconditionFailure("every name was entered") }
      return number
    }
  }

  @inline(__always)
  private func numbers(_ count: Int, _ name: (Int) -> ByteString?) -> [PackedIndex<LinkNames>] {
    var result = [PackedIndex<LinkNames>](repeating: .none, count: count)
    // Counting sort: where each table's names begin, and their positions in that order.
    var ends = [Int](repeating: 0, count: shards.count)
    for index in 0..<count {
      if let name = name(index) { ends[NameRegister.shard(of: name)] += 1 }
    }
    var total = 0
    for shard in ends.indices {
      let size = ends[shard]
      ends[shard] = total
      total += size
    }
    var sorted = [UInt32](repeating: 0, count: total)
    for index in 0..<count {
      guard let name = name(index) else { continue }
      let shard = NameRegister.shard(of: name)
      sorted[ends[shard]] = UInt32(truncatingIfNeeded: index)
      ends[shard] += 1
    }
    func enter(_ shard: Int, into table: inout NameTable) {
      let positions = (shard == 0 ? 0 : ends[shard - 1])..<ends[shard]
      for position in positions {
        let index = Int(sorted[position])
        guard let name = name(index), let guess = table.guess(name) else { continue }
        result[index] = PackedIndex(NameRegister.number(slot: guess, shard: shard))
      }
      for position in positions {
        let index = Int(sorted[position])
        guard let name = name(index) else { continue }
        let slot = table.insert(name, guess: result[index].index.map(NameRegister.slot))
        result[index] = PackedIndex(NameRegister.number(slot: slot, shard: shard))
      }
    }
    // Tables that another thread is using come last, by when it is done with them.
    var busy: [Int] = []
    for shard in shards.indices where ends[shard] > (shard == 0 ? 0 : ends[shard - 1]) {
      if shards[shard].withLockIfAvailable({ enter(shard, into: &$0) }) == nil { busy.append(shard) }
    }
    for shard in busy { shards[shard].withLock { enter(shard, into: &$0) } }
    return result
  }
}
