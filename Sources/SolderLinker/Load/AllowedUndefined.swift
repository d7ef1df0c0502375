import WebAssemblyFormat

/// Names that may stay undefined, one a line: from the files of `--allow-undefined-file`, and for an archive `libx.a` from
/// a file `libx.imports` beside it.
enum AllowedUndefined {
  static func read(
    _ options: LinkOptions, _ inputs: Inputs, _ diagnostics: Diagnostics, _ names: NameArena
  ) -> Set<ByteString> {
    var result: Set<ByteString> = []
    for path in options.allowUndefinedFiles + inputs.importLists {
      do {
        let file = try InputFile(path: path)
        for line in file.bytes.split(separator: 0x0A) {
          let text = String(decoding: line, as: UTF8.self).trimmingSpaces()
          if !text.isEmpty, !text.hasPrefix("#") { result.insert(names.intern(text)) }
        }
      } catch {
        diagnostics.error("cannot open \(path): \(error)", .cannotOpen, in: path)
      }
    }
    return result
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
      return ""
    }
    return String(self[first...last])
  }
}
