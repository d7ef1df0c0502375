import Foundation

/// Checks what the linkers made: that it validates, that it is what wasm-ld makes or at least prints the same.
struct Check {
  private let tools: Tools
  private let outputs: URL
  private let inputs: URL

  init(_ tools: Tools, _ outputs: URL, _ inputs: URL) {
    self.tools = tools
    self.outputs = outputs
    self.inputs = inputs
  }

  private func path(_ name: String) -> String { outputs.appendingPathComponent(name).path }

  func run(_ benchmark: Benchmark, _ failed: Set<String>, _ report: inout Report) throws {
    let output = path("solder/result.wasm")
    if let validator = tools.validator {
      let (status, message) = try execute(validator + [output])
      if status != 0 { report.add(problem: "does not validate: \(message)", benchmark) }
    } else {
      report.add(note: "not validated: there is no node or wasmtime", benchmark)
    }
    let peer = path("wasm-ld/result.wasm")
    if benchmark.contestants.contains(where: { $0.name == Benchmark.wasmLD }), !failed.contains(Benchmark.wasmLD) {
      if let difference = try Comparison.difference(output, peer) {
        report.add(problem: "differs from wasm-ld's: \(difference)", benchmark)
      } else {
        report.add(note: "equal to wasm-ld's, byte for byte", benchmark)
      }
    }
    if benchmark.contestants.contains(where: { $0.name == Benchmark.solderOneThread }),
      let difference = try Comparison.difference(path("solder-1/result.wasm"), output)
    {
      report.add(problem: "one thread and two make different results: \(difference)", benchmark)
    }
    if let reference = benchmark.reference {
      let (status, message) = try execute(reference + ["-o", peer], in: inputs)
      if status != 0 { report.add(problem: "wasm-ld cannot link the reference: \(message.prefix(500))", benchmark) }
    }
    if benchmark.leavesNothingForStart {
      if try Comparison.size(of: output, ["start"]) > 0 { report.add(problem: "has a start function", benchmark) }
      if try Data(contentsOf: URL(fileURLWithPath: output)).range(of: Data("__wasm_apply_".utf8)) != nil {
        report.add(problem: "relocates at start", benchmark)
      }
    }
    if let target = benchmark.sizeTarget {
      let others = target.inputs.isEmpty ? [peer] : target.inputs
      let size = try others.reduce(0) { try $0 + Comparison.size(of: $1, ["code", "data"]) }
      report.add(benchmark, target, ratio: Double(try Comparison.size(of: output, ["code", "data"])) / Double(size))
    }
    guard benchmark.isProgram, FileManager.default.fileExists(atPath: peer) else { return }
    guard let runner = tools.wasiRunner else {
      report.add(problem: "not run: there is no node, wasmtime or wasmkit", benchmark)
      return
    }
    let own = try execute(runner + [output])
    let other = try execute(runner + [peer])
    if other.status != 0 {
      report.add(problem: "wasm-ld's result does not run: \(other.output)", benchmark)
    } else if own.status != 0 || own.output != other.output {
      report.add(problem: "prints \(own.output.prefix(300)), wasm-ld's result prints \(other.output)", benchmark)
    } else {
      report.add(note: "runs, and prints what wasm-ld's result does", benchmark)
      if benchmark.comparesRunTime, let target = benchmark.sizeTarget, let counter = tools.instructionCounter {
        let counts = try [output, peer].map { Double(try execute(counter + [$0]).output) ?? .nan }
        report.add(
          benchmark,
          SizeTarget(title: target.title, against: "wasm-ld, objects: instructions that run", must: 1.01, aim: 1.0),
          ratio: counts[0] / counts[1])
      }
    }
  }
}

/// Compares two modules.
enum Comparison {
  private struct Section {
    var name: String
    var contents: Data
  }

  /// Nothing when the files are the same, else which sections differ and by how much.
  static func difference(_ first: String, _ second: String) throws -> String? {
    let firstBytes = try Data(contentsOf: URL(fileURLWithPath: first))
    let secondBytes = try Data(contentsOf: URL(fileURLWithPath: second))
    if firstBytes == secondBytes { return nil }
    let firstSections = sections(firstBytes)
    let secondSections = sections(secondBytes)
    let names = firstSections.map(\.name)
    guard names == secondSections.map(\.name) else {
      return "sections \(names.joined(separator: " ")) against \(secondSections.map(\.name).joined(separator: " "))"
    }
    var differences: [String] = []
    for (own, other) in zip(firstSections, secondSections) where own.contents != other.contents {
      let same = zip(own.contents, other.contents).prefix { $0 == $1 }.count
      let sizes =
        own.contents.count == other.contents.count
        ? "\(own.contents.count) bytes" : "\(own.contents.count) against \(other.contents.count) bytes"
      differences.append("\(own.name) (\(sizes)) from byte \(same) on")
    }
    return differences.isEmpty ? "encoding of section sizes" : differences.joined(separator: ", ")
  }

  /// Bytes of some sections of a module.
  static func size(of file: String, _ names: Set<String>) throws -> Int {
    sections(try Data(contentsOf: URL(fileURLWithPath: file))).reduce(0) {
      $0 + (names.contains($1.name) ? $1.contents.count : 0)
    }
  }

  private static func sections(_ file: Data) -> [Section] {
    let titles = [
      "custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data",
      "data count", "tag",
    ]
    var result: [Section] = []
    var offset = 8
    func number() -> Int {
      var value = 0
      var shift = 0
      while offset < file.count, shift < 35 {
        let byte = file[offset]
        offset += 1
        value |= Int(byte & 0x7f) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      return value
    }
    while offset < file.count {
      let identifier = Int(file[offset])
      offset += 1
      let size = number()
      let end = min(offset + size, file.count)
      var name = identifier < titles.count ? titles[identifier] : "section \(identifier)"
      if identifier == 0 {
        let length = number()
        name = String(decoding: file[offset..<min(offset + length, end)], as: UTF8.self)
        offset = min(offset + length, end)
      }
      result.append(Section(name: name, contents: file[offset..<end]))
      offset = end
    }
    return result
  }
}
