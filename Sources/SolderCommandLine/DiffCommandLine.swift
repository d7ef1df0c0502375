import SizeReport
import SolderLinker

/// `solder diff OLD.json NEW.json [--html=FILE]`: what grew between two reports of `--size-report`.
struct DiffCommandLine {
  let diagnostics: Diagnostics
  let program: String

  private var usage: String { "usage: \(program) diff OLD.json NEW.json [--html=FILE.html]" }

  func run(_ arguments: [String]) {
    if arguments.contains("--help") || arguments.contains("-h") { return diagnostics.print(usage + "\n") }
    var paths: [String] = []
    var page: String?
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--html" || argument.hasPrefix("--html=") {
        page = argument == "--html" ? rest.popFirst() ?? "" : String(argument.dropFirst("--html=".count))
        if page?.isEmpty ?? true { return diagnostics.error("--html: the name of a file is missing") }
      } else if argument.hasPrefix("-") {
        return diagnostics.error("unknown argument: \(argument)\n>>> \(usage)")
      } else {
        paths.append(argument)
      }
    }
    guard paths.count == 2 else {
      return diagnostics.error("two reports are compared, but got \(paths.count)\n>>> \(usage)")
    }
    let reports = paths.compactMap(read)
    guard reports.count == 2 else { return }
    let difference = SizeDifference(reports[0], reports[1])
    if let page {
      guard let problem = ReportOutput.write(ReportPage.page(of: difference, reports[0], reports[1]), to: page) else {
        return
      }
      return diagnostics.error("cannot open \(page): \(problem)", .cannotWrite, in: page)
    }
    diagnostics.print(difference.text)
  }

  private func read(_ path: String) -> SizeReport? {
    do throws(ResponseFileExpansion.Failure) {
      guard let bytes = try readWholeFile(path) else {
        diagnostics.error("cannot open \(path): No such file or directory", .cannotOpen, in: path)
        return nil
      }
      do throws(SizeReportError) {
        let report = try SizeReport(json: bytes)
        if report.errors.isEmpty { return report }
        diagnostics.error("\(path): is the report of a link that failed", .foreignFile, in: path)
      } catch {
        diagnostics.error("\(path): \(error.message)", .foreignFile, in: path)
      }
    } catch {
      diagnostics.error(error.text, .cannotOpen, in: path)
    }
    return nil
  }
}
