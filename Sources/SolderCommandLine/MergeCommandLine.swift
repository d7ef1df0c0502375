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

  /// The text of `--help`.
  static func help(program: String) -> String {
    let command = program == "wasm-merge" ? program : "\(program) merge"
    return """
      Links modules, each of which others import from by the name that follows it.

      Usage: \(command) [options] <file> <name> [<file> <name>]... -o <output>

        -o, --output <file>            Write the output to this file
        -rec, --rename-export-conflicts
                                      Give a second export of one name another name: name_1 and so on
        -sec, --skip-export-conflicts  Keep only the first of several exports of one name
        -ism, --input-source-map <file>
                                      The source map of the module in front of it
        -osm, --output-source-map <file>
                                      Write the source maps of the modules, joined, to this file
        -osu, --output-source-map-url <url>
                                      Name the source map so in the result

      Options of Binaryen's tools for features, names and validation are accepted, and so are the options of
      '\(program == "wasm-merge" ? "solder" : program) --help'.

      """
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
    "--output-manifest": "manifests of wasm-split are not written",
  ]

  /// Options that Solder spells in another way.
  private static let renamed: [String: String] = [
    "--output": "-o", "-osm": "--source-map-output", "--output-source-map": "--source-map-output",
    "-osu": "--source-map-url", "--output-source-map-url": "--source-map-url",
  ]

  /// Tells options, values and modules with names apart.
  static func parse(_ words: [String], _ table: OptionTable, _ diagnostics: Diagnostics) -> [ParsedArgument] {
    var modules = Modules()
    var words = words[...]
    // What stands between source maps, which belong to the module in front of them.
    while let next = words.firstIndex(where: { ["-ism", "--input-source-map"].contains(name(of: $0)) }) {
      modules.add(table.parse(spelledOut(words[..<next], diagnostics), keepsEmpty: true))
      let option = words[next]
      words = words[(next + 1)...]
      guard let map = option.contains("=") ? String(option.drop { $0 != "=" }.dropFirst()) : words.popFirst() else {
        diagnostics.error("\(option): the file is missing")
        break
      }
      guard let path = modules.takeLast() else {
        diagnostics.error("\(name(of: option)) \(map): a source map follows the name of its module")
        continue
      }
      modules.result += table.parse(["--source-map=\(path)=\(map)"])
    }
    modules.add(table.parse(spelledOut(words, diagnostics), keepsEmpty: true))
    if let file = modules.file {
      diagnostics.error(
        "\(file): the module name is missing: each file is followed by the name that others import it by")
    }
    return modules.result
  }

  /// Files and names that come in turns, and options between them.
  private struct Modules {
    var result: [ParsedArgument] = []
    /// A file whose name has not come yet.
    var file: String?
    private var last: String?

    mutating func add(_ arguments: [ParsedArgument]) {
      for var argument in arguments {
        guard case .input = argument.kind else {
          result.append(argument)
          continue
        }
        if let path = file {
          argument.kind = .module(path: path)
          result.append(argument)
          (file, last) = (nil, path)
        } else {
          file = argument.value
        }
      }
    }

    /// The file of the last module, once.
    mutating func takeLast() -> String? {
      defer { last = nil }
      return file == nil ? last : nil
    }
  }

  private static func name(of word: String) -> String { String(word.prefix { $0 != "=" }) }

  /// The arguments without those of `wasm-merge` that Solder spells in another way or needs not.
  private static func spelledOut(_ words: ArraySlice<String>, _ diagnostics: Diagnostics) -> [String] {
    words.compactMap { word in
      let name = name(of: word)
      if let reason = missing[name] {
        diagnostics.error("\(name): \(reason)")
        return nil
      }
      if accepted.contains(word) || word.hasPrefix("--enable-") || word.hasPrefix("--disable-") { return nil }
      guard let own = renamed[name] else { return word }
      let value = word.dropFirst(name.count)
      return own == "-o" ? own + value.dropFirst() : own + value
    }
  }
}
