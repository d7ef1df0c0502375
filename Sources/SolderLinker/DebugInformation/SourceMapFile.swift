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
  ///   - used: the names for which options gave a map, and the inputs that have them.
  ///   - warn: told why a map cannot be read.
  static func find(
    _ unit: Unit, _ program: Program, _ used: inout [String: [InputFile]], warn: (String) -> Void
  ) -> SourceMapFile? {
    let path = FilePath(unit.file.path)
    for name in names(of: unit) {
      guard let file = program.options.sourceMaps[name] else { continue }
      // The same file under two module names is one.
      let isKnown = used[name, default: []].contains { other in
        other.displayName == unit.file.displayName && other.bytes.asFile.elementsEqual(unit.file.bytes.asFile)
      }
      if !isKnown { used[name, default: []].append(unit.file) }
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

  /// How options may name a unit: by its module name, or by its file; a member of an archive as messages name it, or by
  /// the archive if no other member comes from that.
  private static func names(of unit: Unit) -> [String] {
    let file = unit.file.displayName
    let last = FilePath(unit.file.path).lastComponent?.string
    let member = last.map { $0 + file.dropFirst(unit.file.path.count) }
    return [unit.moduleName?.description, file, member, unit.file.path, last].compactMap { $0 }
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
}
