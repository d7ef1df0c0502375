import WebAssemblyFormat

// The order in which wasm-ld takes the names of `--export-if-defined` and `--export`.
//
// It puts them, the former first, into a hash table of LLVM's (`StringMap`, llvm/ADT/StringMap.h) and goes through that, so
// the order in which members of archives are added for them is that of the table: hashes are XXH3 cut to 32 bits, slots are
// probed at growing distances, and the table doubles when it is three quarters full. This is that table, as far as its
// order goes.
enum StringMapOrder {
  /// The names, each once, in the order of such a table into which they were put one by one.
  static func sorted(_ names: [ByteString]) -> [ByteString] {
    var slots = [ByteString?](repeating: nil, count: 16)
    var count = 0
    for name in names {
      let slot = slot(for: name, in: slots)
      guard slots[slot] == nil else { continue }
      slots[slot] = name
      count += 1
      guard count * 4 > slots.count * 3 else { continue }
      let old = slots
      slots = [ByteString?](repeating: nil, count: old.count * 2)
      for case let name? in old { slots[self.slot(for: name, in: slots)] = name }
    }
    return slots.compactMap { $0 }
  }

  /// The slot where a name is, or is to go.
  private static func slot(for name: ByteString, in slots: [ByteString?]) -> Int {
    let mask = slots.count - 1
    var slot = Int(UInt32(truncatingIfNeeded: XXH3.hash(Array(name.bytes)[...]))) & mask
    var distance = 1
    while let other = slots[slot], other != name {
      slot = (slot + distance) & mask
      distance += 1
    }
    return slot
  }
}
