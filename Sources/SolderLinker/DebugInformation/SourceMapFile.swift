import SystemPackage
import WebAssemblyFormat

/// Where the source map of a module is, and what it is called.
struct SourceMapFile {
  let file: InputFile
  let name: String
  /// From which names of sources count: where the map is, or the module that it is in; `nil` for what is in no folder.
  let folder: FilePath?

  /// The map of a unit: the one that the options give for it, or the one that it names itself.
  ///
  /// - Parameters:
  ///   - used: the names for which options gave a map that was found.
  ///   - warn: told why a map cannot be read.
  static func find(
    _ unit: Unit, _ program: Program, _ used: inout Set<String>, warn: (String) -> Void
  ) -> SourceMapFile? {
    let path = FilePath(unit.file.path)
    let names = [unit.moduleName?.description, unit.file.path, path.lastComponent?.string].compactMap { $0 }
    for name in names {
      guard let file = program.options.sourceMaps[name] else { continue }
      used.insert(name)
      return open(FilePath(file), warn)
    }
    guard let section = unit.customSections.first(where: { $0.name == "sourceMappingURL" }) else { return nil }
    var content = section.content.asFile
    guard let url = try? content.name().description else {
      warn("the URL of its source map is damaged")
      return nil
    }
    if url.hasPrefix("data:") {
      guard let bytes = data(of: url) else {
        warn("the data in the URL of its source map is damaged")
        return nil
      }
      return SourceMapFile(
        file: InputFile(name: "source map", bytes: program.resolution.synthetic.names.copy(bytes)), name: "source map",
        folder: path.removingLastComponent())
    }
    let isFile = url.hasPrefix("file://")
    if url.contains("://"), !isFile {
      warn("its source map is at \(url); --source-map=\(path.lastComponent?.string ?? "NAME")=FILE gives it")
      return nil
    }
    guard let name = percentDecoded((isFile ? String(url.dropFirst(7)) : url).utf8) else {
      warn("the URL of its source map is damaged")
      return nil
    }
    return open(path.removingLastComponent().pushing(FilePath(String(decoding: name, as: UTF8.self))), warn)
  }

  private static func open(_ path: FilePath, _ warn: (String) -> Void) -> SourceMapFile? {
    do {
      return SourceMapFile(
        file: try InputFile(path: path.string), name: path.string, folder: path.removingLastComponent())
    } catch {
      warn("cannot open its source map \(path): \(error)")
      return nil
    }
  }

  // MARK: URLs

  /// What a `data:` URL carries (RFC 2397): bytes in base 64, or a text in which some are percent-encoded.
  static func data(of url: String) -> [UInt8]? {
    guard let comma = url.utf8.firstIndex(of: UInt8(ascii: ",")) else { return nil }
    let text = url.utf8[comma...].dropFirst()
    return url[..<comma].hasSuffix(";base64") ? base64(text) : percentDecoded(text)
  }

  /// The bytes that a text in base 64 stands for.
  static func base64(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var (bytes, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for byte in text where byte != UInt8(ascii: "=") {
      guard let digit = SourceMap.digit(byte) else { return nil }
      (bits, count) = (bits << 6 | UInt32(digit), count + 6)
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }

  /// The bytes of a URL in which some are written as `%` and two hexadecimal digits.
  static func percentDecoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var (bytes, rest): ([UInt8], Int) = ([], 0)
    for byte in text {
      if rest == 0 {
        if byte == UInt8(ascii: "%") { rest = 2 } else { bytes.append(byte) }
        continue
      }
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      if rest == 2 { bytes.append(UInt8(digit) << 4) } else { bytes[bytes.count - 1] |= UInt8(digit) }
      rest -= 1
    }
    return rest == 0 ? bytes : nil
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
    for component in inside[common...] { way.append(SourceMapFile.percentEncoded(component.string)) }
    self.way = way.isEmpty ? nil : way
  }

  func moved(_ url: [UInt8]) -> [UInt8] {
    guard let way, !SourceMap.isAbsolute(url) else { return url }
    return Array(way.pushing(FilePath(String(decoding: url, as: UTF8.self))).lexicallyNormalized().string.utf8)
  }
}

extension LinkOptions {
  /// The URL of the source map that the result names, if it names one. What the options do not say is where the map is, as
  /// it counts from the result.
  var writtenSourceMapURL: String? {
    if let sourceMapURL { return sourceMapURL }
    guard let map = sourceMapFile.map({ FilePath($0) }), let name = map.lastComponent?.string else { return nil }
    let folders = SourceFolders(map.removingLastComponent(), FilePath(outputPath).removingLastComponent())
    return String(decoding: folders.moved(Array(SourceMapFile.percentEncoded(name).utf8)), as: UTF8.self)
  }
}
