import WebAssemblyFormat

/// Memory for names and bytes that the linker makes up, which live as long as the arena.
final class NameArena: Sendable {
  private let blocks = Locked<[Block]>([])

  /// A copy of `text` in the arena.
  func intern(_ text: String) -> ByteString {
    let bytes = text.utf8
    return unsafe ByteString(keep(Block(bytes.count) { _ = unsafe $0.initialize(fromContentsOf: bytes) }))
  }

  /// `count` zero bytes that stay where they are.
  func zeros(_ count: Int) -> ByteReader {
    unsafe keep(Block(count) { unsafe $0.initialize(repeating: 0) })
  }

  /// A copy of bytes that stay where they are.
  func copy(_ bytes: [UInt8]) -> ByteReader {
    unsafe keep(Block(bytes.count) { _ = unsafe $0.initialize(fromContentsOf: bytes) })
  }

  private func keep(_ block: Block) -> ByteReader {
    blocks.withLock { $0.append(block) }
    return block.bytes
  }

  /// Bytes that are written while the block is made, and never afterwards, and that stay as long as it does.
  @safe
  private final class Block: @unchecked Sendable {
    private let memory: UnsafeMutableBufferPointer<UInt8>
    private let count: Int

    /// - Parameter fill: initialises all bytes.
    init(_ count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
      self.count = count
      unsafe memory = .allocate(capacity: max(1, count))
      unsafe fill(UnsafeMutableBufferPointer(rebasing: memory[..<count]))
    }

    deinit { unsafe memory.deallocate() }

    /// Who keeps a reader keeps the arena, and so the block.
    var bytes: ByteReader { unsafe ByteReader(UnsafePointer(memory.baseAddress!), 0..<count) }
  }
}
