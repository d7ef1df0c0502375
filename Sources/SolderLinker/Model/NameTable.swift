import WebAssemblyFormat

/// An open-addressed hash table from names to small numbers, made for hundreds of thousands of names.
///
/// An entry is eight bytes: the name's hash and a slot number plus one. The names themselves stay in `names`, by slot,
/// so that a probe touches one cache line and compares bytes only when the 32-bit hashes agree.
struct NameTable {
  private var entries: [UInt64]
  private(set) var names: [ByteString] = []
  private var mask: Int

  init(minimumCapacity: Int = 1024) {
    var capacity = 16
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    entries = Array(repeating: 0, count: capacity)
    mask = capacity - 1
    names.reserveCapacity(minimumCapacity)
  }

  var count: Int { names.count }

  /// The slot of a name, `nil` when it is not in the table.
  func find(_ name: ByteString) -> Int? {
    var position = Int(name.hash) & mask
    while true {
      let entry = entries[position]
      if entry == 0 { return nil }
      if UInt32(truncatingIfNeeded: entry >> 32) == name.hash {
        let slot = Int(UInt32(truncatingIfNeeded: entry)) - 1
        if names[slot] == name { return slot }
      }
      position = (position &+ 1) & mask
    }
  }

  /// Where a name probably is, `nil` where it probably is new: what the first entry says that its hash leads to.
  ///
  /// Who has several names asks this of all of them first, so that they wait for memory together.
  @inline(__always)
  func guess(_ name: ByteString) -> Int? {
    let entry = entries[Int(name.hash) & mask]
    guard entry != 0, UInt32(truncatingIfNeeded: entry >> 32) == name.hash else { return nil }
    return Int(UInt32(truncatingIfNeeded: entry)) - 1
  }

  /// The slot of a name, added when it is new, of which a guess was made before.
  @inline(__always)
  mutating func insert(_ name: ByteString, guess: Int?) -> Int {
    if let guess, names[guess] == name { return guess }
    return insert(name).slot
  }

  /// The slot of a name, added when it is new.
  mutating func insert(_ name: ByteString) -> (slot: Int, isNew: Bool) {
    var position = Int(name.hash) & mask
    while true {
      let entry = entries[position]
      if entry == 0 { break }
      if UInt32(truncatingIfNeeded: entry >> 32) == name.hash {
        let slot = Int(UInt32(truncatingIfNeeded: entry)) - 1
        if names[slot] == name { return (slot, false) }
      }
      position = (position &+ 1) & mask
    }
    let slot = names.count
    names.append(name)
    entries[position] = UInt64(name.hash) << 32 | UInt64(slot + 1)
    if names.count * 2 > entries.count { grow() }
    return (slot, true)
  }

  private mutating func grow() {
    var larger = [UInt64](repeating: 0, count: entries.count * 2)
    mask = larger.count - 1
    for entry in entries where entry != 0 {
      var position = Int(entry >> 32) & mask
      while larger[position] != 0 { position = (position &+ 1) & mask }
      larger[position] = entry
    }
    entries = larger
  }
}
