import WebAssemblyFormat

extension SectionChunk {
  /// The bytes of a reader.
  init(_ reader: ByteReader) {
    self.init(bytes: [])
    reader.append(to: &bytes)
  }

  /// Overwrites a little-endian number of up to eight bytes.
  mutating func put(_ value: UInt64, width: Int, at offset: Int) {
    if source == nil {
      bytes.put(value, width: width, at: offset)
    } else if width == 4 {
      numbers.append(Number(offset: UInt32(offset), value: UInt32(truncatingIfNeeded: value)))
    } else {
      overwrites.append(Overwrite(offset: UInt32(offset), width: UInt8(width), value: value))
    }
  }

  /// Overwrites a byte.
  mutating func put(_ byte: UInt8, at offset: Int) { put(UInt64(byte), width: 1, at: offset) }

  /// Overwrites a LEB128 number, in as many bytes.
  ///
  /// - Returns: `false` when it needs more.
  mutating func put(number value: UInt64, width: Int, at offset: Int) -> Bool {
    guard LEB128.length(unsigned: value) <= width else { return false }
    for index in 0..<width {
      let more: UInt8 = index + 1 < width ? 0x80 : 0
      put(UInt8(truncatingIfNeeded: value >> UInt64(7 * index)) & 0x7F | more, at: offset + index)
    }
    return true
  }

  mutating func add(number value: UInt64, atLeast width: Int = 1) {
    let width = max(width, LEB128.length(unsigned: value))
    for index in 0..<width {
      let more: UInt8 = index + 1 < width ? 0x80 : 0
      let bits = index < 10 ? value >> UInt64(7 * index) : 0
      bytes.append(UInt8(truncatingIfNeeded: bits) & 0x7F | more)
    }
  }

  mutating func add(_ reader: ByteReader) { reader.append(to: &bytes) }

  mutating func add(_ relocation: Relocation?) {
    if let relocation { relocations.append(relocation) }
  }

  /// Puts relocations that were found out of order into it, and gives back the room that they do not take: it is needed
  /// for the next chunk, and new memory costs more than a copy.
  mutating func closeRelocations() {
    let isSorted = zip(relocations, relocations.dropFirst()).allSatisfy { $0.offset <= $1.offset }
    if !isSorted { relocations.sort { $0.offset < $1.offset } }
    (relocations, numbers) = (relocations.fitted, numbers.fitted)
  }

  /// The same, with numbers that were collected beside the chunk.
  mutating func close(_ collected: inout GrowingRow<Number>) {
    for number in numbers { collected.append(number) }
    numbers = collected.array
    closeRelocations()
  }
}
