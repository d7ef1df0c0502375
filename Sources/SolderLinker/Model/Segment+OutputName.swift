import WebAssemblyFormat

extension Segment {
  /// The name of the segment of the result that an object's segment goes into: segments of one kind share a name;
  /// thread-local data and its zero-initialised part are one block.
  func outputName(_ options: LinkOptions) -> ByteString {
    if flags.contains(.tls) { return Segment.threadLocal }
    guard options.mergeDataSegments else { return name }
    for kind in Segment.merged where name.hasPrefix(kind.prefix) { return kind.name }
    return name
  }

  private static let threadLocal = ByteString(".tdata")
  private static let merged: [(prefix: StaticString, name: ByteString)] = [
    (".text.", ByteString(".text")), (".data.", ByteString(".data")), (".bss.", ByteString(".bss")),
    (".rodata.", ByteString(".rodata")),
  ]
}
