import WebAssemblyFormat

// The `build_id` section (tool-conventions, BuildId.md): bytes that tell one result from another, so that debug
// information that was split off can be found again.
//
// It is the last section. The identifier is computed from all bytes of the result, with spaces in its own place, so it
// is filled in when everything else is written. Large results are hashed in pieces of a mebibyte, on all threads, and
// then the hashes of the pieces.
struct BuildIDWriter {
  let style: BuildID

  private static let pieceSize = 1 << 20
  /// The name space of version 5 identifiers, which `wasm-ld` chose at random.
  private static let nameSpace: [UInt8] = [
    0xA1, 0xFA, 0x48, 0x2D, 0x0E, 0x22, 0x03, 0x8D, 0x33, 0x8B, 0x52, 0x1C, 0xD6, 0xD2, 0x12, 0xB2,
  ]

  /// Bytes of the identifier.
  var count: Int {
    switch style {
    case .none: 0
    case .fast, .uuid: 16
    case .sha1: 20
    case .bytes(let bytes): bytes.count
    }
  }

  /// The content of the section, with spaces for the identifier.
  func placeholder() -> ByteWriter {
    var writer = ByteWriter()
    guard style != .none else { return writer }
    writer.count(count)
    for _ in 0..<count { writer.byte(UInt8(ascii: " ")) }
    return writer
  }

  /// Writes the identifier to the end of a result that is otherwise complete.
  func fill(_ image: inout [UInt8], _ threads: Threads) {
    let identifier: [UInt8]
    switch style {
    case .none: return
    case .bytes(let bytes): identifier = bytes
    case .sha1: identifier = hash(image, threads, SHA1.digest)
    case .fast:
      identifier = universal(
        version: 5, from: BuildIDWriter.nameSpace + hash(image, threads, fastDigest))
    case .uuid: identifier = universal(version: 4, from: nil)
    }
    guard image.count >= identifier.count else { return }
    image.replaceSubrange((image.count - identifier.count)..., with: identifier)
  }

  private func fastDigest(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let hash = XXH3.hash(bytes)
    return stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: hash >> $0) }
  }

  private func hash(
    _ image: [UInt8], _ threads: Threads,
    _ digest: @escaping @Sendable (ArraySlice<UInt8>) -> [UInt8]
  ) -> [UInt8] {
    let pieceSize = BuildIDWriter.pieceSize
    let pieces = (image.count + pieceSize - 1) / pieceSize
    let digests = threads.map(pieces) { index in
      let start = index * pieceSize
      return digest(image[start..<min(start + pieceSize, image.count)])
    }
    return digest(digests.flatMap { $0 }[...])
  }

  /// A universally unique identifier (RFC 9562): of a name by its hash, or random.
  private func universal(version: UInt8, from name: [UInt8]?) -> [UInt8] {
    var bytes: [UInt8]
    if let name {
      bytes = Array(SHA1.digest(name[...])[..<16])
    } else {
      var generator = SystemRandomNumberGenerator()
      bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
    bytes[6] = version << 4 | bytes[6] & 0x0F
    bytes[8] = bytes[8] & 0x3F | 0x80
    return bytes
  }
}
