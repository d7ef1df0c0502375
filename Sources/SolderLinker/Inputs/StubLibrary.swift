import WebAssemblyFormat

/// A list of symbols that the host provides, each with the symbols that the host needs for it in turn.
///
/// The format is lld's: a first line `#STUB`, then lines `NAME` or `NAME: DEPENDENCY, DEPENDENCY`; `#` begins a comment.
struct StubLibrary {
  var displayName: String
  var symbols: [(name: ByteString, dependencies: [ByteString])] = []

  init(_ file: InputFile) {
    displayName = file.displayName
    let bytes = file.bytes
    let buffer = UnsafeBufferPointer(start: bytes.base, count: bytes.end)
    for line in buffer.split(separator: 0x0A) {
      let line = StubLibrary.trim(line)
      guard let first = line.first, first != UInt8(ascii: "#") else { continue }
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      let dependencies = parts.count > 1 ? parts[1].split(separator: UInt8(ascii: ",")).map(StubLibrary.trim) : []
      symbols.append(
        (StubLibrary.name(StubLibrary.trim(parts[0])), dependencies.filter { !$0.isEmpty }.map(StubLibrary.name)))
    }
  }

  private static func trim(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text = text.dropLast() }
    return text
  }

  private static func name(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> ByteString {
    ByteString(text.base.baseAddress! + text.startIndex, count: text.count)
  }
}
