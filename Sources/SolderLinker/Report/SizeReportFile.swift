import SizeReport

/// Writes what takes the space of the result, as a page or as JSON (`--size-report`).
enum SizeReportFile {
  /// Writes the report of a link that succeeded.
  static func write(_ report: SizeReport, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    guard let path = options.sizeReportFile else { return }
    do {
      try OutputFile.write(path.hasSuffix(".json") ? report.json : ReportPage.page(of: report), to: path)
    } catch {
      diagnostics.error("cannot open size report \(path): \(error)", .cannotWrite, in: path)
    }
  }

  /// Writes the report of a link that failed: the files, as far as they were found, and what went wrong.
  static func writeFailure(_ files: [InputFile], _ options: LinkOptions, _ diagnostics: Diagnostics) {
    guard options.sizeReportFile != nil else { return }
    var report = SizeReport(output: options.outputPath, linker: options.linkerName)
    report.errors = diagnostics.errorTexts
    report.units = files.map { SizeReport.Input(file: $0.path) }
    write(report, options, diagnostics)
  }
}
