import Foundation
import Testing

/// A release of wasm-ld, and the options by which solder takes its defaults.
enum Reference: String, CaseIterable, Sendable, CustomStringConvertible {
  case release19 = "19"
  case release21 = "21"
  case release22 = "22"

  var description: String { "wasm-ld \(rawValue)" }
  var linker: Tool {
    switch self {
    case .release19: .wasmLinker19
    case .release21: .wasmLinker
    case .release22: .wasmLinker22
    }
  }
  var compatibility: [String] { self == .release22 ? [] : ["--compat=\(rawValue)"] }
}

/// The same command line given to wasm-ld and to solder, each in a folder of its own; outputs are named `result.wasm`,
/// since the name section repeats that name.
struct Differential: Sendable {
  let folder: TemporaryFolder
  let referenceRun: ProcessRun
  let ownRun: ProcessRun

  var referencePath: String { folder.file("reference/result.wasm") }
  var ownPath: String { folder.file("own/result.wasm") }

  init(_ arguments: [String], _ reference: Reference) async throws {
    let folder = try TemporaryFolder()
    func run(_ linker: String, _ name: String, _ more: [String]) async throws -> ProcessRun {
      let place = folder.file(name)
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let run = try await execute(linker, more + arguments + ["-o", "result.wasm"], in: place)
      guard run.succeeded else { throw ToolFailure(run) }
      return run
    }
    self.folder = folder
    // Under wasm-ld's name its reports have wasm-ld's form.
    let ownLinker = folder.file("wasm-ld")
    try FileManager.default.createSymbolicLink(atPath: ownLinker, withDestinationPath: Solder.path)
    referenceRun = try await run(reference.linker.path(), "reference", [])
    ownRun = try await run(ownLinker, "own", reference.compatibility)
  }

  /// Expects every file that the two wrote to be the same byte for byte, and what they said to be the same.
  ///
  /// - Parameter except: tells the sections of the module, or other files, that may differ; all others have to be equal.
  func expectIdentical(except covers: ((String) -> Bool)? = nil, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("reference")).sorted()
    let own = try FileManager.default.contentsOfDirectory(atPath: folder.file("own")).sorted()
    #expect(names == own, "other files", sourceLocation: sourceLocation)
    for name in names {
      let expected = try Data(contentsOf: URL(filePath: folder.file("reference/" + name)))
      let actual = try Data(contentsOf: URL(filePath: folder.file("own/" + name)))
      let unexpected =
        expected == actual ? [] : try Self.differences(name, expected, actual).filter { covers?($0.section) != true }
      #expect(unexpected.isEmpty, "\(ownRun.command): \(unexpected)", sourceLocation: sourceLocation)
    }
    #expect(said(ownRun) == said(referenceRun), sourceLocation: sourceLocation)
  }

  /// What a linker said, without its own name and without the notes that solder adds.
  private func said(_ run: ProcessRun) -> [String] {
    let lines = (run.output + run.errors).split(separator: "\n")
    return lines.map { line in
      for name in ["solder: ", "wasm-ld: ", "wasm-ld-19: ", "wasm-ld-22: "] where line.hasPrefix(name) {
        return String(line.dropFirst(name.count))
      }
      return String(line)
    }.filter { !$0.hasPrefix("note: ") }
  }

  struct Difference: CustomStringConvertible {
    let section: String
    let detail: String
    var description: String { "\(section): \(detail)" }
  }

  /// The sections in which two modules differ; a file that is no module counts as one section. One that only one module has
  /// differs, and so does one at another place among those that both have.
  private static func differences(_ name: String, _ expected: Data, _ actual: Data) throws -> [Difference] {
    guard name.hasSuffix(".wasm") else { return [difference(name, expected[...], actual[...])] }
    let expectedBytes = [UInt8](expected)
    let actualBytes = [UInt8](actual)
    let left = try ModuleDescription(expectedBytes).sections
    let right = try ModuleDescription(actualBytes).sections
    func title(_ section: ModuleDescription.Section) -> String {
      section.identifier == 0 ? section.name : "section \(section.identifier)"
    }
    let leftTitles = left.map(title)
    let rightTitles = right.map(title)
    let lone = Set(leftTitles).symmetricDifference(rightTitles)
    guard leftTitles.filter({ !lone.contains($0) }) == rightTitles.filter({ !lone.contains($0) }) else {
      return [Difference(section: "sections", detail: "\(leftTitles) and \(rightTitles)")]
    }
    let common = zip(left.filter { !lone.contains(title($0)) }, right.filter { !lone.contains(title($0)) })
    return lone.sorted().map { Difference(section: $0, detail: "one module has none") }
      + common.compactMap { left, right in
        let one = expected[left.contents]
        let other = actual[right.contents]
        return one == other ? nil : difference(title(left), one, other)
      }
  }

  private static func difference(_ title: String, _ expected: Data, _ actual: Data) -> Difference {
    let offset = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    guard let offset else { return Difference(section: title, detail: "\(expected.count) and \(actual.count) bytes") }
    func excerpt(_ data: Data) -> String {
      let part = data.dropFirst(max(0, offset - 40)).prefix(80)
      return String(decoding: part.map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
        + " " + part.dropFirst(min(40, offset)).prefix(12).map { String($0, radix: 16) }.joined(separator: " ")
    }
    return Difference(
      section: title,
      detail: "\(expected.count) and \(actual.count) bytes, at \(offset) \(excerpt(expected)) and \(excerpt(actual))")
  }
}
