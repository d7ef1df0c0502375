import SystemPackage

/// URLs that count from one folder, as they are said in another one.
struct SourceFolders {
  /// How to come from the second folder to the first, as a URL; `nil` when it is the same one.
  private let way: FilePath?

  init(_ from: FilePath, _ to: FilePath) {
    var (from, to) = (from.lexicallyNormalized(), to.lexicallyNormalized())
    // Only what is above the working folder, or has no common beginning, needs to know where that is.
    if from.isAbsolute != to.isAbsolute || to.components.first?.kind == .parentDirectory {
      (from, to) = (from.absolute ?? from, to.absolute ?? to)
    }
    let (inside, outside) = (from.components.map { $0 }, to.components.map { $0 })
    let common = zip(inside, outside).prefix { $0 == $1 }.count
    var way = FilePath()
    for _ in outside[common...] { way.append("..") }
    for component in inside[common...] { way.append(SourceFolders.percentEncoded(component.string)) }
    self.way = way.isEmpty ? nil : way
  }

  func moved(_ url: [UInt8]) -> [UInt8] {
    guard let way, !SourceFolders.isAbsolute(url) else { return url }
    return Array(way.pushing(FilePath(String(decoding: url, as: UTF8.self))).lexicallyNormalized().string.utf8)
  }

  /// Whether a URL does not count from where it stands: a path from the root, or a URL with a scheme.
  static func isAbsolute(_ source: [UInt8]) -> Bool {
    if source.first == UInt8(ascii: "/") { return true }
    guard let colon = source.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
    return source[..<colon].allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
  }

  /// The name of a file as a part of a URL: what has a meaning there, or cannot stand there, is written as `%` and two
  /// hexadecimal digits.
  static func percentEncoded(_ name: String) -> String {
    let kept = "!$&'()*+,-.;=@_~".utf8
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      if isLetter || isDigit || byte >= 0x80 || kept.contains(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension LinkOptions {
  /// The URL of the source map that the result names, if it names one. What the options do not say is where the map is, as
  /// it counts from the result.
  var writtenSourceMapURL: String? {
    if let sourceMapURL { return sourceMapURL }
    guard let map = sourceMapFile.map({ FilePath($0) }), let name = map.lastComponent?.string else { return nil }
    let folders = SourceFolders(map.removingLastComponent(), FilePath(outputPath).removingLastComponent())
    return String(decoding: folders.moved(Array(SourceFolders.percentEncoded(name).utf8)), as: UTF8.self)
  }
}
