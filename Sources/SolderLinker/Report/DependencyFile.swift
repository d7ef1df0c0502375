import WebAssemblyFormat

/// What the result was made from, as rules for `make` (`--dependency-file`), in the form that compilers write.
///
/// Each input also gets a rule without prerequisites, so that removing one is no error.
enum DependencyFile {
  static func text(_ inputs: Inputs, _ options: LinkOptions) -> String {
    let paths = inputs.paths.map(escaped)
    return "\(options.outputPath):" + paths.map { " \\\n  \($0)" }.joined() + "\n"
      + paths.map { "\n\($0):\n" }.joined()
  }

  /// A space is escaped by a backslash, which itself must be escaped; a number sign by a backslash; `$` by itself.
  private static func escaped(_ path: String) -> String {
    var result = ""
    var backslashes = 0
    for character in path {
      switch character {
      case "#": result += "\\"
      case "$": result += "$"
      case " ": result += String(repeating: "\\", count: backslashes + 1)
      default: break
      }
      backslashes = character == "\\" ? backslashes + 1 : 0
      result.append(character)
    }
    return result
  }
}
