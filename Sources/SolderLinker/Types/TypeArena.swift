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
  mutating func copy(_ bytes: ByteReader) -> ByteString {
    if bytes.count > current.capacity - used || !isKnownUniquelyReferenced(&current) {
      full.append(current)
      current = Block(capacity: max(bytes.count, 1 << 14))
      used = 0
    }
    let start = unsafe current.start + used
    unsafe start.update(from: bytes.base + bytes.offset, count: bytes.count)
    used += bytes.count
    return unsafe ByteString(start, count: bytes.count)
  }

  /// Copies what a writer holds into the arena.
  mutating func copy(_ writer: ByteWriter) -> ByteString {
    writer.withReader { copy($0) }
  }

  /// `capacity` initialised bytes from `start` on, of which an arena writes those that it has not given out.
  @safe
  private final class Block: @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>
    let capacity: Int

    init(capacity: Int) {
      self.capacity = capacity
      unsafe start = .allocate(capacity: capacity)
      unsafe start.initialize(repeating: 0, count: capacity)
    }

    deinit { unsafe start.deallocate() }
  }
}
