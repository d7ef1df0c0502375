import WebAssemblyFormat

/// A list of symbols that the host provides, each with the symbols that the host needs for it in turn.
///
/// The format is lld's: a first line `#STUB`, then lines `NAME` or `NAME: DEPENDENCY, DEPENDENCY`; `#` begins a comment.
struct StubLibrary {
  var displayName: String
  var symbols: [(name: ByteString, dependencies: [ByteString])] = []

  init(_ file: InputFile) {
    displayName = file.displayName
    for line in file.bytes.split(separator: 0x0A) {
      let line = StubLibrary.trim(line)
      guard let first = line.first, first != UInt8(ascii: "#") else { continue }
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      let dependencies = parts.count > 1 ? parts[1].split(separator: UInt8(ascii: ",")).map(StubLibrary.trim) : []
      symbols.append(
        (ByteString(StubLibrary.trim(parts[0])), dependencies.filter { !$0.isEmpty }.map { ByteString($0) }))
    }
  }

  private static func trim(_ text: ByteReader) -> ByteReader {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text = text.dropLast() }
    return text
  }
}
