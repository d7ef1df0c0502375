import Testing
import WebAssemblyFormat

/// Looking for bytes, and numbers of several bytes, several at a time: the same as one by one.
@Suite struct ByteSearchTests {
  private func read<Result>(_ bytes: [UInt8], _ body: (ByteReader) throws -> Result) rethrows -> Result {
    try reading(bytes) { try body($0) }
  }

  @Test func longNumbers() {
    var random = SplitMix(seed: 3)
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      let last = bytes.prefix(10).firstIndex { $0 < 0x80 } ?? bytes.prefix(10).endIndex - 1
      return bytes[...last].reversed().reduce(0) { $0 << 7 | UInt64($1 & 0x7F) }
    }
    for round in 0..<4000 {
      let choice: [UInt8] = [0x41, 0xC1, 0x00, 0x05, 0x80, 0x84, 0xFF, 0x7F]
      let bytes = (0...random.below(round % 8 == 0 ? 400 : 40)).map { _ in
        round % 2 == 0 && random.below(4) > 0 ? 0 : random.pick(choice)
      }
      let start = random.below(bytes.count)
      let first = random.pick(
        bytes.indices.map { number(bytes[$0...]) }.filter { $0 >= 1 << 14 } + [1 << 14, 0x10_0000, 0x1FC000])
      let range = first..<first + random.pick([0, 1, 0x4000, 0x8000, 0x1F_0000, 0x40_0000])
      let expected = (start..<bytes.count).first { range.contains(number(bytes[$0...])) }
      #expect(read(bytes) { $0.firstNumber(in: range, from: start) } == expected)
    }
  }

  @Test func zeros() {
    var random = SplitMix(seed: 2)
    for _ in 0..<2000 {
      var bytes: [UInt8] = []
      for _ in 0...random.below(5) {
        bytes += [UInt8](repeating: 0, count: random.below(40)) + [UInt8](repeating: 1, count: random.below(3))
      }
      let start = random.below(bytes.count + 1)
      let range = start..<start + random.below(bytes.count - start + 1)
      var expected: Range<Int>?
      for place in range where expected == nil && bytes[place] == 0 {
        let end = (place..<range.upperBound).first { bytes[$0] != 0 } ?? range.upperBound
        if end - place >= 16 { expected = place..<end }
      }
      guard !bytes.isEmpty else { continue }
      #expect(read(bytes) { $0.firstZeros(atLeast: 16, in: range) } == expected)
    }
  }

  @Test(arguments: [4, 8]) func words(_ width: Int) {
    var random = SplitMix(seed: UInt64(width))
    for _ in 0..<2000 {
      let bytes = (0...random.below(50)).map { _ in UInt8(random.below(2)) }
      let start = random.below(width)
      let words = stride(from: start, through: bytes.count - width, by: width).map { place in
        (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
      }
      let first = random.pick(words + [0, 1, 0x0101, 0x0100_0001])
      let range = first..<first + random.pick([1, 2, 0x100, 0x10000, 0x1_0000_0000])
      #expect(
        read(bytes) { $0.lowestWord(in: range, width: width, from: start) } == words.filter(range.contains).min())
    }
  }

  /// However a number is padded, and whatever stands behind it.
  @Test func numbersOfAnyWidth() throws {
    var random = SplitMix(seed: 2)
    for _ in 0..<4000 {
      let value = Int32(truncatingIfNeeded: random.next()) >> Int32(random.below(32))
      for isSigned in [false, true] {
        let number = isSigned ? UInt64(bitPattern: Int64(value)) : UInt64(UInt32(bitPattern: value))
        var groups: [UInt8] = []
        var rest = number
        let shortest =
          isSigned ? LEB128.length(signed: Int64(bitPattern: number)) : LEB128.length(unsigned: number)
        for _ in 0..<shortest + random.below(6 - shortest) {
          groups.append(UInt8(truncatingIfNeeded: rest) | 0x80)
          rest = isSigned ? UInt64(bitPattern: Int64(bitPattern: rest) >> 7) : rest >> 7
        }
        groups[groups.count - 1] &= 0x7F
        let bytes = groups + (0..<random.below(9)).map { _ in UInt8(random.below(256)) }
        try read(bytes) { reader in
          var reader = reader
          let found = isSigned ? try reader.s32() : Int32(bitPattern: try reader.u32())
          #expect(found == value)
          #expect(reader.offset == groups.count)
        }
      }
    }
  }

  /// Five bytes have room for 35 bits, of which a number of 32 must not use the last three.
  @Test func numbersThatAreTooLarge() {
    for last: UInt8 in [0x10, 0x1F, 0x70, 0x7F] {
      let bytes: [UInt8] = [0x80, 0x80, 0x80, 0x80, last, 0, 0, 0, 0]
      #expect(throws: FormatError.self) {
        try read(bytes) { reader in
          var reader = reader
          _ = try reader.u32()
        }
      }
    }
    for last: UInt8 in [0x08, 0x0F, 0x10, 0x70, 0x77] {
      let bytes: [UInt8] = [0x80, 0x80, 0x80, 0x80, last, 0, 0, 0, 0]
      #expect(throws: FormatError.self) {
        try read(bytes) { reader in
          var reader = reader
          _ = try reader.s32()
        }
      }
    }
  }
}
