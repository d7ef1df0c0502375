/// SHA-1 (FIPS 180-4, section 6.1), as build identifiers use it: not for anything that has to resist an attacker.
enum SHA1 {
  /// The digest of `bytes`, twenty bytes long.
  static func digest(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var state: InlineArray<5, UInt32> = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    let whole = bytes.count / 64 * 64
    var offset = 0
    let content = unsafe bytes.span.bytes
    while offset < whole {
      compress(&state, content, offset)
      offset += 64
    }
    // The rest, a bit that ends it, zeros, and the length in bits, big-endian.
    var tail = Array(bytes.dropFirst(whole))
    tail.append(0x80)
    while tail.count % 64 != 56 { tail.append(0) }
    let bits = UInt64(bytes.count) * 8
    for shift in stride(from: UInt64(56), through: 0, by: -8) { tail.append(UInt8(truncatingIfNeeded: bits >> shift)) }
    for offset in stride(from: 0, to: tail.count, by: 64) { unsafe compress(&state, tail.span.bytes, offset) }
    var digest: [UInt8] = []
    for index in 0..<5 {
      for shift in [24, 16, 8, 0] as [UInt32] { digest.append(UInt8(truncatingIfNeeded: state[index] >> shift)) }
    }
    return digest
  }

  private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }

  private static func compress(_ state: inout InlineArray<5, UInt32>, _ bytes: RawSpan, _ start: Int) {
    var schedule = InlineArray<80, UInt32>(repeating: 0)
    for index in 0..<16 {
      // The span checks the offset, and all bytes make a number.
      let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)
      schedule[index] = UInt32(bigEndian: word)
    }
    for index in 16..<80 {
      schedule[index] = rotate(
        schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16], 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for index in 0..<80 {
      let mixed: UInt32
      let constant: UInt32
      switch index / 20 {
      case 0: (mixed, constant) = (b & c | ~b & d, 0x5A82_7999)
      case 1: (mixed, constant) = (b ^ c ^ d, 0x6ED9_EBA1)
      case 2: (mixed, constant) = (b & c | b & d | c & d, 0x8F1B_BCDC)
      default: (mixed, constant) = (b ^ c ^ d, 0xCA62_C1D6)
      }
      let next = rotate(a, 5) &+ mixed &+ e &+ constant &+ schedule[index]
      (a, b, c, d, e) = (next, a, rotate(b, 30), c, d)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }
}
