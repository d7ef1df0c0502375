#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Inputs to begin with, of files that tests link.
enum Seeds {
  /// Writes an input for each file alone, for each with its neighbour, and some for rows of them.
  ///
  /// - Parameters:
  ///   - paths: the files; those that are used together are neighbours.
  ///   - folder: receives a folder for each target.
  static func write(_ paths: some Collection<String>, to folder: String) {
    let files = paths.compactMap { path in read(path).map { (path: path, bytes: $0) } }
    func put(_ target: String, _ name: String, _ bytes: [UInt8]) {
      unsafe mkdir("\(folder)/\(target)", 0o777)
      guard let file = unsafe fopen("\(folder)/\(target)/\(name)", "wb") else { return }
      unsafe fwrite(bytes, 1, bytes.count, file)
      unsafe fclose(file)
    }
    for (index, file) in files.enumerated() {
      let isArchive = file.bytes.starts(with: Array("!<arch>\n".utf8))
      put(isArchive ? "archive" : "unit", "\(index)", file.bytes)
      for target in ["link", "lift", "relocatable"] {
        put(target, "one-\(index)", FuzzFiles(choices: UInt16(index & 3), [(0, file.bytes)]).bytes)
        let near = files[index..<min(files.count, index + 2 + index % 3)].map { (flags: UInt8(0), bytes: $0.bytes) }
        let size = near.reduce(0) { $0 + $1.bytes.count }
        if near.count > 1, size < 60_000 { put(target, "row-\(index)", FuzzFiles(choices: 1, near).bytes) }
      }
      guard let sections = ModuleTree.sections(of: file.bytes) else { continue }
      for (number, section) in sections.enumerated() {
        guard case .sized(let head, let parts) = section else { continue }
        if head == [10], case .list(let bodies)? = parts.first {
          for (place, body) in bodies.prefix(40).enumerated() {
            guard case .sized(_, let content) = body, case .bytes(let code)? = content.first else { continue }
            // Behind the declarations of locals, if there are none or one.
            let locals = code.first == 1 ? 3 : 1
            put("code", "\(index)-\(place)", Array(code.dropFirst(locals)))
          }
        }
        _ = number
      }
      let debug = debugSections(file.bytes)
      if !debug.isEmpty { put("dwarf", "\(index)", FuzzFiles(choices: UInt16(index & 3), debug).bytes) }
      for (place, name) in mangledNames(file.bytes).prefix(60).enumerated() {
        put("demangle", "\(index)-\(place)", name)
      }
    }
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = unsafe fopen(path, "rb") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return count < bytes.count ? Array(bytes.prefix(count)) : nil
  }

  private static func debugSections(_ module: [UInt8]) -> [(flags: UInt8, bytes: [UInt8])] {
    (ModuleTree.sections(of: module) ?? []).compactMap { section in
      guard case .sized([0], let parts) = section else { return nil }
      var content: [UInt8] = []
      for part in parts { part.write(to: &content) }
      var reader = TreeReader(content[...])
      guard let name = reader.sized() else { return nil }
      return FuzzReaders.debugSectionNumber(String(decoding: name, as: UTF8.self)).map { ($0, Array(reader.rest)) }
    }
  }

  /// Words that begin as mangled names do.
  private static func mangledNames(_ bytes: [UInt8]) -> [[UInt8]] {
    var names: Set<[UInt8]> = []
    for start in bytes.indices.dropLast(2)
    where bytes[start] == 0x5F && (bytes[start + 1] == 0x5A || bytes[start + 1] == 0x52) {
      names.insert(Array(bytes[start...].prefix { $0 > 0x20 && $0 < 0x7F }.prefix(300)))
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
