/// Numbers and names as WebAssembly writes them: the tests' own, so that a mistake in the linker's cannot hide itself.
extension [UInt8] {
  /// An unsigned LEB128 number, padded to `width` bytes if that is more than it needs.
  mutating func unsigned(_ value: UInt64, width: Int = 0) {
    var rest = value
    var count = 0
    repeat {
      count += 1
      let more = rest >> 7 != 0 || count < width
      append(UInt8(rest & 0x7f) | (more ? 0x80 : 0))
      rest >>= 7
    } while rest != 0 || count < width
  }

  mutating func unsigned(_ value: Int, width: Int = 0) { unsigned(UInt64(value), width: width) }

  /// A signed LEB128 number, padded to `width` bytes if that is more than it needs.
  mutating func signed(_ value: Int64, width: Int = 0) {
    var rest = value
    var count = 0
    while true {
      count += 1
      let low = UInt8(truncatingIfNeeded: rest & 0x7f)
      rest >>= 7
      let isWhole = (rest == 0 && low & 0x40 == 0) || (rest == -1 && low & 0x40 != 0)
      append(low | (isWhole && count >= width ? 0 : 0x80))
      if isWhole && count >= width { return }
    }
  }

  /// A little-endian number of `width` bytes.
  mutating func fixed(_ value: UInt64, width: Int) {
    for index in 0..<width { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }

  /// A name: the number of its bytes, and them.
  mutating func name(_ text: String) {
    unsigned(text.utf8.count)
    append(contentsOf: text.utf8)
  }

  /// Bytes with their number in front.
  mutating func sized(_ bytes: [UInt8]) {
    unsigned(bytes.count)
    append(contentsOf: bytes)
  }

  /// A vector: the number of elements, and each.
  mutating func list<Elements: Collection>(
    _ elements: Elements, _ write: (inout [UInt8], Elements.Element) -> Void
  ) {
    unsigned(elements.count)
    for element in elements { write(&self, element) }
  }
}
