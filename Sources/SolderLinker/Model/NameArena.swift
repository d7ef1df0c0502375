import WebAssemblyFormat

/// Memory for names that the linker makes up, which live as long as the link.
final class NameArena: @unchecked Sendable {
  // Written only by passes that run on one thread.
  private var blocks: [UnsafeMutableBufferPointer<UInt8>] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// A copy of `text` in the arena.
  func intern(_ text: String) -> ByteString {
    var text = text
    return text.withUTF8 { bytes in
      let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
      _ = block.initialize(fromContentsOf: bytes)
      blocks.append(block)
      return ByteString(UnsafePointer(block.baseAddress!), count: bytes.count)
    }
  }

  /// `count` zero bytes that stay where they are.
  func zeros(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, count))
    block.initialize(repeating: 0)
    blocks.append(block)
    return block.baseAddress!
  }
}
