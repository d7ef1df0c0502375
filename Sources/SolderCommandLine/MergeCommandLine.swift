import SolderLinker

/// The command line of Binaryen's `wasm-merge`: files and the names under which others import from them, in turns.
///
///     solder merge main.wasm main runtime.wasm env -o program.wasm
///
/// It is `solder main=main.wasm env=runtime.wasm`, whatever characters are in the names, and the options of `wasm-merge`
/// are taken beside Solder's. A program that is called `wasm-merge` understands it without the word `merge`.
enum MergeCommandLine {
  /// The arguments of `wasm-merge`; `nil` if this is another command line.
  static func arguments(_ arguments: [String], program: String) -> [String]? {
    if program == "wasm-merge" { return arguments }
    return arguments.first == "merge" ? Array(arguments.dropFirst()) : nil
  }

  /// Options that say what Solder does anyway: the features of a result are those of its inputs, and names stay.
  private static let accepted: Set<String> = [
    "-g", "--debuginfo", "-all", "--all-features", "-mvpf", "--mvp-features", "--detect-features", "-q", "--quiet",
    "-n",
    "--no-validation",
  ]

  /// Options that Solder has nothing for, and what to do instead.
  private static let missing: [String: String] = [
    "-S": "the result is binary; `wasm-tools print` shows it as text",
    "--emit-text": "the result is binary; `wasm-tools print` shows it as text",
    "-ism": "source maps are not joined", "--input-source-map": "source maps are not joined",
    "-osm": "source maps are not joined", "--output-source-map": "source maps are not joined",
    "-osu": "source maps are not joined", "--output-source-map-url": "source maps are not joined",
    "--output-manifest": "manifests of wasm-split are not written",
  ]

  /// Tells options, values and modules with names apart.
  static func parse(_ words: [String], _ table: OptionTable, _ diagnostics: Diagnostics) -> [ParsedArgument] {
    var result: [ParsedArgument] = []
    var file: String?
    for var argument in table.parse(spelledOut(words, diagnostics), keepsEmpty: true) {
      guard case .input = argument.kind else {
        result.append(argument)
        continue
      }
      if let path = file {
        argument.kind = .module(path: path)
        result.append(argument)
        file = nil
      } else {
        file = argument.value
      }
    }
    if let file {
      diagnostics.error(
        "\(file): the module name is missing: each file is followed by the name that others import it by")
    }
    return result
  }

  /// The arguments without those of `wasm-merge` that Solder spells in another way or needs not.
  private static func spelledOut(_ words: [String], _ diagnostics: Diagnostics) -> [String] {
    words.compactMap { word in
      let name = word.prefix { $0 != "=" }
      if let reason = missing[String(name)] {
        diagnostics.error("\(name): \(reason)")
        return nil
      }
      if accepted.contains(word) || word.hasPrefix("--enable-") || word.hasPrefix("--disable-") { return nil }
      if word == "--output" { return "-o" }
      return word.hasPrefix("--output=") ? "-o" + word.dropFirst("--output=".count) : word
    }
  }
}
