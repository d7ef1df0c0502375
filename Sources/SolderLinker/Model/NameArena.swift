import Synchronization
import WebAssemblyFormat

/// Memory for names and bytes that the linker makes up, which live as long as the arena.
final class NameArena: Sendable {
  private let blocks = Mutex<[UnsafeMutableBufferPointer<UInt8>]>([])

  deinit {
    blocks.withLock { blocks in
      for block in blocks { block.deallocate() }
    }
  }

  /// A copy of `text` in the arena.
  func intern(_ text: String) -> ByteString {
    let bytes = text.utf8
    return ByteString(allocate(bytes.count) { _ = $0.initialize(fromContentsOf: bytes) }, count: bytes.count)
  }

  /// `count` zero bytes that stay where they are.
  func zeros(_ count: Int) -> ByteReader {
    ByteReader(allocate(count) { $0.initialize(repeating: 0) }, 0..<count)
  }

  /// A copy of bytes that stay where they are.
  func copy(_ bytes: [UInt8]) -> ByteReader {
    ByteReader(allocate(bytes.count) { _ = $0.initialize(fromContentsOf: bytes) }, 0..<bytes.count)
  }

  /// - Parameter fill: initialises the bytes, which nothing changes afterwards.
  private func allocate(_ count: Int, _ fill: @Sendable (UnsafeMutableBufferPointer<UInt8>) -> Void) -> UnsafePointer<
    UInt8
  > {
    blocks.withLock { blocks in
      let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, count))
      fill(UnsafeMutableBufferPointer(rebasing: block[..<count]))
      blocks.append(block)
      return UnsafePointer(block.baseAddress!)
    }
  }
}
