import CPlatform
import WebAssemblyFormat

extension ByteReader {
  /// Asks for the memory at an offset before it is read. Nothing is read, whatever the offset.
  @inline(__always)
  func prefetch(at offset: Int) { unsafe CPlatform.prefetch(base + offset) }
}
