import WebAssemblyFormat

/// Why each archive member was taken (`--why-extract`): who referred to which symbol of it.
enum WhyExtract {
  /// A line for each member, behind one with the names of the columns.
  static func text(_ bindings: Bindings, _ options: LinkOptions) -> String {
    var lines = "reference\textracted\tsymbol\n"
    for entry in bindings.extractions {
      let name = bindings.table.symbols[Int(entry.symbol)].name
      lines += "\(entry.referrer)\t\(entry.file)\t\(options.displayName(of: name))\n"
    }
    return lines
  }
}
