import SizeReport

/// Writes what takes the space of the result, as a page or as JSON (`--size-report`).
enum SizeReportFile {
  /// Writes the report of a link that succeeded, if one is asked for.
  static func write(_ options: LinkOptions, _ diagnostics: Diagnostics, _ report: () -> SizeReport) {
    write(options.sizeReportFiles, diagnostics, report)
  }

  private static func write(_ paths: [String], _ diagnostics: Diagnostics, _ report: () -> SizeReport) {
    if paths.isEmpty { return }
    let report = report()
    for path in paths {
      do {
        try OutputFile.write(path.hasSuffix(".json") ? report.json : ReportPage.page(of: report), to: path)
      } catch {
        diagnostics.error("cannot open size report \(path): \(error)", .cannotWrite, in: path)
      }
    }
  }

  /// Writes the report of a link that failed: the files, as far as they were found, and what went wrong.
  static func writeFailure(_ files: [InputFile], _ options: LinkOptions, _ diagnostics: Diagnostics) {
    // Of those that cannot be written, that is the error.
    let paths = options.sizeReportFiles.filter { (try? OutputFile.check($0)) != nil }
    write(paths, diagnostics) {
      var report = SizeReport(output: options.outputPath, linker: options.linkerName)
      report.errors = diagnostics.errorTexts
      report.units = files.map { SizeReport.Input(file: $0.path) }
      return report
    }
  }
}
