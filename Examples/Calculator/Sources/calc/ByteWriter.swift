/// Builds the bytes of a WebAssembly binary (core specification, chapter 5).
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ byte: UInt8) {
    bytes.append(byte)
  }

  mutating func append(_ more: some Sequence<UInt8>) {
    bytes.append(contentsOf: more)
  }

  /// An unsigned LEB128 integer.
  mutating func unsigned(_ value: Int) {
    var rest = UInt64(value)
    repeat {
      let low = UInt8(rest & 0x7f)
      rest >>= 7
      bytes.append(rest == 0 ? low : low | 0x80)
    } while rest != 0
  }

  /// A signed LEB128 integer.
  mutating func signed(_ value: Int) {
    var rest = value
    while true {
      let low = UInt8(truncatingIfNeeded: rest) & 0x7f
      rest >>= 7
      if rest == 0 && low & 0x40 == 0 || rest == -1 && low & 0x40 != 0 {
        bytes.append(low)
        return
      }
      bytes.append(low | 0x80)
    }
  }

  /// The eight bytes of an f64, little-endian.
  mutating func float(_ value: Double) {
    let pattern = value.bitPattern
    for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: pattern >> shift)) }
  }

  /// A length and that many bytes of UTF-8.
  mutating func name(_ name: String) {
    unsigned(name.utf8.count)
    append(name.utf8)
  }

  /// A count and that many items.
  mutating func vector<Item>(_ items: [Item], _ write: (inout ByteWriter, Item) -> Void) {
    unsigned(items.count)
    for item in items { write(&self, item) }
  }

  /// What `write` writes, behind its length in bytes.
  mutating func sized(_ write: (inout ByteWriter) -> Void) {
    var content = ByteWriter()
    write(&content)
    unsigned(content.bytes.count)
    append(content.bytes)
  }

  /// A section: its identifier, its size, what `write` writes.
  mutating func section(_ identifier: UInt8, _ write: (inout ByteWriter) -> Void) {
    byte(identifier)
    sized(write)
  }
}
