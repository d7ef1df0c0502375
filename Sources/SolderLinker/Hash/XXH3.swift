/// XXH3, the 64-bit form without a seed: a fast hash that is not cryptographic
/// (xxHash, doc/xxhash_spec.md, "XXH3 Algorithm Overview").
///
/// Inputs are treated in four ways by their length. Up to 16 bytes are mixed in one step, up to 240 in steps of 16
/// bytes, and longer ones in stripes of 64 bytes that eight accumulators take up.
enum XXH3 {
  /// The hash of `bytes`.
  static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    let secret = XXH3.secret
    return unsafe hash(bytes.span.bytes, secret.span.bytes)
  }

  private static func hash(_ input: RawSpan, _ secret: RawSpan) -> UInt64 {
    switch input.byteCount {
    case 0...16: short(input, secret)
    case 17...128: medium(input, secret)
    case 129...240: upperMedium(input, secret)
    default: long(input, secret)
    }
  }

  private static let prime32: [UInt64] = [0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D]
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
  private static let mixPrime1: UInt64 = 0x1656_6791_9E37_79F9
  private static let mixPrime2: UInt64 = 0x9FB2_1C65_1E98_DF25

  /// The default secret of the specification.
  private static let secret: [UInt8] = [
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d,
    0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0,
    0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21, 0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0,
    0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b,
    0x1b, 0x53, 0x2e, 0xa3, 0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac,
    0xd8, 0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51,
    0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34,
    0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb, 0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49,
    0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e, 0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8,
    0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b,
    0x40, 0x7e,
  ]

  // MARK: Steps

  private static func read64(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
    // The span checks the offset, and all bytes make a number.
    UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  private static func read32(_ bytes: RawSpan, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private static func read8(_ bytes: RawSpan, _ offset: Int) -> UInt8 {
    unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

  /// The halves of the 128-bit product, joined by exclusive or.
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.low ^ product.high
  }

  private static func avalanche(_ hash: UInt64) -> UInt64 {
    var hash = hash
    hash ^= hash >> 37
    hash &*= mixPrime1
    return hash ^ hash >> 32
  }

  /// The final step of the older XXH64.
  private static func olderAvalanche(_ hash: UInt64) -> UInt64 {
    var hash = hash
    hash ^= hash >> 33
    hash &*= prime2
    hash ^= hash >> 29
    hash &*= prime3
    return hash ^ hash >> 32
  }

  private static func mix16(
    _ input: RawSpan, _ offset: Int, _ secret: RawSpan, _ secretOffset: Int
  ) -> UInt64 {
    fold(
      read64(input, offset) ^ read64(secret, secretOffset), read64(input, offset + 8) ^ read64(secret, secretOffset + 8)
    )
  }

  // MARK: Lengths

  private static func short(_ input: RawSpan, _ secret: RawSpan) -> UInt64 {
    let count = input.byteCount
    if count > 8 {
      let low = read64(secret, 24) ^ read64(secret, 32) ^ read64(input, 0)
      let high = read64(secret, 40) ^ read64(secret, 48) ^ read64(input, count - 8)
      return avalanche(UInt64(count) &+ low.byteSwapped &+ high &+ fold(low, high))
    }
    if count >= 4 {
      let joined = UInt64(read32(input, count - 4)) | UInt64(read32(input, 0)) << 32
      var hash = read64(secret, 8) ^ read64(secret, 16) ^ joined
      hash ^= rotate(hash, 49) ^ rotate(hash, 24)
      hash &*= mixPrime2
      hash ^= hash >> 35 &+ UInt64(count)
      hash &*= mixPrime2
      return hash ^ hash >> 28
    }
    if count > 0 {
      let joined =
        UInt64(read8(input, 0)) << 16 | UInt64(read8(input, count / 2)) << 24 | UInt64(read8(input, count - 1))
        | UInt64(count) << 8
      return olderAvalanche(joined ^ UInt64(read32(secret, 0) ^ read32(secret, 4)))
    }
    return olderAvalanche(read64(secret, 56) ^ read64(secret, 64))
  }

  private static func medium(_ input: RawSpan, _ secret: RawSpan) -> UInt64 {
    var hash = UInt64(input.byteCount) &* prime1
    // From both ends towards the middle.
    for step in 0...(input.byteCount - 1) / 32 {
      hash &+= mix16(input, 16 * step, secret, 32 * step)
      hash &+= mix16(input, input.byteCount - 16 * (step + 1), secret, 32 * step + 16)
    }
    return avalanche(hash)
  }

  private static func upperMedium(_ input: RawSpan, _ secret: RawSpan) -> UInt64 {
    var hash = UInt64(input.byteCount) &* prime1
    for step in 0..<8 { hash &+= mix16(input, 16 * step, secret, 16 * step) }
    hash = avalanche(hash)
    for step in 8..<input.byteCount / 16 { hash &+= mix16(input, 16 * step, secret, 16 * (step - 8) + 3) }
    hash &+= mix16(input, input.byteCount - 16, secret, 136 - 17)
    return avalanche(hash)
  }

  private static func long(_ input: RawSpan, _ secret: RawSpan) -> UInt64 {
    var lanes: InlineArray<8, UInt64> = [prime32[2], prime1, prime2, prime3, prime4, prime32[1], prime5, prime32[0]]
    func accumulate(_ offset: Int, _ secretOffset: Int) {
      for lane in 0..<8 {
        let value = read64(input, offset + 8 * lane)
        let key = value ^ read64(secret, secretOffset + 8 * lane)
        lanes[lane ^ 1] &+= value
        lanes[lane] &+= (key & 0xFFFF_FFFF) &* (key >> 32)
      }
    }
    let stripe = 64
    // Each stripe of a block begins eight bytes further in the secret.
    let stripesPerBlock = (secret.byteCount - stripe) / 8
    let stripes = (input.byteCount - 1) / stripe
    for index in 0..<stripes {
      accumulate(index * stripe, index % stripesPerBlock * 8)
      guard index % stripesPerBlock == stripesPerBlock - 1 else { continue }
      for lane in 0..<8 {
        lanes[lane] ^= lanes[lane] >> 47
        lanes[lane] ^= read64(secret, secret.byteCount - stripe + 8 * lane)
        lanes[lane] &*= prime32[0]
      }
    }
    accumulate(input.byteCount - stripe, secret.byteCount - stripe - 7)
    var hash = UInt64(input.byteCount) &* prime1
    for pair in 0..<4 {
      hash &+= fold(
        lanes[2 * pair] ^ read64(secret, 11 + 16 * pair), lanes[2 * pair + 1] ^ read64(secret, 11 + 16 * pair + 8))
    }
    return avalanche(hash)
  }
}
