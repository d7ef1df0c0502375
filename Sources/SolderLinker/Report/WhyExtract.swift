import WebAssemblyFormat

/// Why each archive member was taken (`--why-extract`): who referred to which symbol of it, and how that one came to be there.
enum WhyExtract {
  /// A line for each member, behind one with the names of the columns. The last column, which wasm-ld has not, is the way
  /// from what the command line names.
  static func text(_ bindings: Bindings, _ options: LinkOptions) -> String {
    let hasChains = !options.speaksLikeWasmLD
    var referrers: [String: String] = [:]
    for entry in bindings.extractions where referrers[entry.file] == nil { referrers[entry.file] = entry.referrer }
    var lines = "reference\textracted\tsymbol\(hasChains ? "\tchain" : "")\n"
    for entry in bindings.extractions {
      lines += "\(entry.referrer)\t\(entry.file)\t\(options.displayName(of: entry.name))"
      if hasChains { lines += "\t\(chain(to: entry.file, from: entry.referrer, referrers))" }
      lines += "\n"
    }
    return lines
  }

  /// The files from one that the command line names to one that was taken.
  private static func chain(to file: String, from referrer: String, _ referrers: [String: String]) -> String {
    var chain = [file, referrer]
    // Two members of one name may seem to refer to each other.
    while let next = referrers[chain[chain.count - 1]], !chain.contains(next) { chain.append(next) }
    return chain.reversed().joined(separator: " -> ")
  }
}
