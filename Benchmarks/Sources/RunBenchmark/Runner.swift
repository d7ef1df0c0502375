import Foundation

/// What one run took.
struct Measurement {
  var status: Int
  /// Seconds.
  var wall: Double
  var processor: Double
  /// Bytes.
  var peakMemory: Double
}

/// The medians of all runs of a command.
struct Medians {
  var wall: Double
  var processor: Double
  var peakMemory: Double

  init(_ runs: [Measurement]) {
    func median(_ values: [Double]) -> Double {
      let sorted = values.sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
    wall = median(runs.map(\.wall))
    processor = median(runs.map(\.processor))
    peakMemory = median(runs.map(\.peakMemory))
  }
}

/// Makes the inputs of a case, runs its commands in turn, checks the results.
struct Runner {
  private let options: BenchmarkOptions
  private let tools: Tools

  init(_ options: BenchmarkOptions, _ tools: Tools) {
    self.options = options
    self.tools = tools
  }

  func run(_ benchmark: Benchmark, _ report: inout Report) throws {
    FileHandle.standardError.write(Data("\(benchmark.number). \(benchmark.title)\n".utf8))
    let inputs = try inputFolder(benchmark)
    let outputs = tools.folder.appendingPathComponent("out").absoluteURL
    try? FileManager.default.removeItem(at: outputs)

    var failed: Set<String> = []
    for folder in Set(benchmark.contestants.map(\.folder) + ["wasm-ld"]) {
      let folder = outputs.appendingPathComponent(folder)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    for contestant in benchmark.contestants {
      let (result, output) = try measure(contestant, inputs, outputs)
      if result.status != 0 {
        failed.insert(contestant.name)
        report.add(
          problem: contestant.name == Benchmark.wasmMerge ? nil : "failed with status \(result.status)",
          note: "\(contestant.name) failed: \(output.prefix(500))", benchmark)
      }
    }
    let check = Check(tools, outputs, inputs)
    if !failed.contains(Benchmark.solder) { try check.run(benchmark, failed, &report) }

    var runs: [String: [Measurement]] = [:]
    if !options.isQuick {
      let rounds = options.rounds * benchmark.roundFactor
      for round in 0..<rounds {
        // Another one begins each time.
        let count = benchmark.contestants.count
        for position in 0..<count {
          let contestant = benchmark.contestants[(position + round) % count]
          guard !failed.contains(contestant.name) else { continue }
          let (result, _) = try measure(contestant, inputs, outputs)
          runs[contestant.name, default: []].append(result)
        }
      }
    }
    report.add(benchmark, runs.mapValues { Medians($0) })
    try? FileManager.default.removeItem(at: outputs)
  }

  private func measure(
    _ contestant: Contestant, _ inputs: URL, _ outputs: URL
  ) throws -> (Measurement, String) {
    let output = outputs.appendingPathComponent(contestant.folder + "/result.wasm").path
    let result = outputs.appendingPathComponent("result.txt")
    // Every run makes its file anew.
    try? FileManager.default.removeItem(atPath: output)
    var command = [tools.measure, result.path, contestant.writesToStandardOutput ? output : "-"] + contestant.command
    if !contestant.writesToStandardOutput { command += ["-o", output] }
    let (_, text) = try execute(command, in: inputs)
    let fields = try String(contentsOf: result, encoding: .utf8).split(whereSeparator: \.isWhitespace)
      .compactMap { Double($0) }
    guard fields.count == 4 else { throw BenchmarkError("measure failed: \(text)") }
    return (
      Measurement(status: Int(fields[0]), wall: fields[1], processor: fields[2], peakMemory: fields[3]), text
    )
  }

  // MARK: Inputs

  /// The folder with the case's inputs, made when they are not there or were made by another generator.
  private func inputFolder(_ benchmark: Benchmark) throws -> URL {
    let folder = tools.folder.appendingPathComponent(benchmark.folder).absoluteURL
    let stamp = folder.appendingPathComponent("stamp.txt")
    let generated = try ([fingerprint(tools.generator)] + (benchmark.generate ?? [])).joined(separator: " ")
    if (try? String(contentsOf: stamp, encoding: .utf8)) != generated {
      try? FileManager.default.removeItem(at: folder)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      if let arguments = benchmark.generate {
        let (status, output) = try execute([tools.generator] + arguments + ["--output", folder.path])
        guard status == 0 else { throw BenchmarkError("generate-inputs failed: \(output)") }
      }
      try benchmark.prepare(folder)
      try generated.write(to: stamp, atomically: true, encoding: .utf8)
    } else if benchmark.generate?.first == "objects" || benchmark.generate == nil {
      // Several cases share the folder; the rest of the preparation is quick.
      try benchmark.prepare(folder)
    }
    return folder
  }

  /// Tells one build of the generator from another (FNV-1a).
  private func fingerprint(_ file: String) throws -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    try Data(contentsOf: URL(fileURLWithPath: file)).withUnsafeBytes { bytes in
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return String(hash, radix: 16)
  }
}
