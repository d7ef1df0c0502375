import Foundation
import Testing

/// The table of kinds in `Docs/Inputs.md` names tests that there are.
@Suite struct InputTableTests {
  @Test func everyCellNamesATest() throws {
    let document = try String(contentsOfFile: Repository.root + "/Docs/Inputs.md", encoding: .utf8)
    var suites: [String: String] = [:]
    let folder = Repository.root + "/Tests/SolderTests"
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name.hasSuffix(".swift") {
      let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
      for match in text.matches(of: /@Suite\b[^\n]*struct (\w+)/) { suites[String(match.1)] = text }
    }
    let rows = document.split(separator: "\n").filter { $0.hasPrefix("|") }
    var count = 0
    for row in rows {
      // A test without a suite is one of the suite that the row named last.
      var suite: String?
      for match in row.matches(of: /`(\w+Tests)?[.\/]?([a-z]\w*)?`/) {
        if let named = match.1 {
          suite = String(named)
          #expect(suites[String(named)] != nil, "no suite \(named): \(row)")
        }
        guard let test = match.2, let suite, let text = suites[suite], match.1 != nil || test.contains(/[A-Z]/) else {
          continue
        }
        #expect(text.contains("func \(test)("), "no test \(suite).\(test)")
        count += 1
      }
    }
    #expect(count > 40)
  }
}
