import SystemPackage

/// Reports that are asked for by the name of a file; `-` is standard output.
enum TextReport {
  case whyExtract
  case map
  case dependencies

  private func path(_ options: LinkOptions) -> String? {
    switch self {
    case .whyExtract: options.whyExtractFile
    case .map: options.mapFile
    case .dependencies: options.dependencyFile
    }
  }

  private var description: String {
    switch self {
    case .whyExtract: "--why-extract= file "
    case .map: "map file "
    case .dependencies: "dependency file "
    }
  }

  /// Writes a report, if it was asked for; `text` ends in a line break.
  static func write(_ report: TextReport, _ options: LinkOptions, _ diagnostics: Diagnostics, _ text: () -> String) {
    guard let path = report.path(options), !path.isEmpty else { return }
    if path == "-" { return diagnostics.message(String(text().dropLast())) }
    do {
      try OutputFile.write(Array(text().utf8), to: path)
    } catch {
      diagnostics.error("cannot open \(report.description)\(path): \(error)", .cannotWrite, in: path)
    }
  }
}
