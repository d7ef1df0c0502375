import WebAssemblyFormat

/// Bytes that stay where they are as long as the arena, or a copy of it, lives.
///
/// What has been written is never written again: a copy of the arena that goes on writing does so in a block of its
/// own, so that copies may be used by several threads.
struct TypeArena: Sendable {
  private var current = Block(capacity: 1 << 14)
  private var used = 0
  private var full: [Block] = []

  /// Copies bytes into the arena.
  mutating func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> ByteString {
    if bytes.count > current.capacity - used || !isKnownUniquelyReferenced(&current) {
      full.append(current)
      current = Block(capacity: max(bytes.count, 1 << 14))
      used = 0
    }
    let start = current.start + used
    if let source = bytes.baseAddress { start.update(from: source, count: bytes.count) }
    used += bytes.count
    return ByteString(start, count: bytes.count)
  }

  /// Copies what a writer holds into the arena.
  mutating func copy(_ writer: ByteWriter) -> ByteString {
    writer.bytes.withUnsafeBufferPointer { copy($0) }
  }

  private final class Block: @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>
    let capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      start = .allocate(capacity: capacity)
      start.initialize(repeating: 0, count: capacity)
    }

    deinit { start.deallocate() }
  }
}
