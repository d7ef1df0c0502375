import Foundation

/// Collects results and prints the tables.
struct Report {
  private struct Row {
    var cells: [String]
  }

  private let options: BenchmarkOptions
  private let tools: Tools
  private var targets: [Row] = []
  private var measurements: [Row] = []
  private var notes: [String] = []
  private(set) var problems: [String] = []
  /// The cases in which a check failed: their ratios may compare different work.
  private var failedCases: Set<Int> = []
  /// Seconds for each number of things.
  private var growth: [(thing: String, count: Int, own: Medians, peer: Medians?)] = []

  /// Wall times mean little when others keep the processors busy: then the load exceeds one, and the CPU ratio tells
  /// more.
  private let startLoad = Self.load()

  init(_ options: BenchmarkOptions, _ tools: Tools) {
    self.options = options
    self.tools = tools
  }

  private static func load() -> String {
    var load = 0.0
    return getloadavg(&load, 1) == 1 ? String(format: "%.1f", load) : "unknown"
  }

  mutating func add(problem: String) { problems.append(problem) }

  mutating func add(problem: String? = nil, note: String? = nil, _ benchmark: Benchmark) {
    let title = "\(benchmark.number). \(benchmark.title): "
    if let problem {
      problems.append(title + problem)
      failedCases.insert(benchmark.number)
    }
    if let note { notes.append(title + note) }
  }

  mutating func add(_ benchmark: Benchmark, _ medians: [String: Medians]) {
    for target in benchmark.targets {
      guard let own = medians[target.contestant], let other = medians[target.against] else { continue }
      let ratio = target.quantity == .wall ? own.wall / other.wall : own.peakMemory / other.peakMemory
      addTarget(
        benchmark.number, target.title, "\(target.against) \(target.quantity.rawValue)", ratio,
        target.quantity == .wall ? own.processor / other.processor : nil, target)
    }
    let peer = medians[Benchmark.wasmLD]
    let floor = medians[Benchmark.cat]
    for contestant in benchmark.contestants {
      guard let own = medians[contestant.name] else { continue }
      measurements.append(
        Row(cells: [
          "\(benchmark.number)", benchmark.title, contestant.name, milliseconds(own.wall),
          milliseconds(own.processor), String(format: "%.1f", own.peakMemory / 1_048_576),
          peer.map { decimal(own.wall / $0.wall) } ?? "", floor.map { decimal(own.wall / $0.wall) } ?? "",
        ]))
    }
    if let (thing, count) = benchmark.growth, let own = medians[Benchmark.solder] {
      growth.append((thing, count, own, peer))
    }
  }

  /// The ratio of the times a thing takes where there are most and fewest of them.
  mutating func addGrowth() {
    var things: [String] = []
    for entry in growth where !things.contains(entry.thing) { things.append(entry.thing) }
    for thing in things {
      let entries = growth.filter { $0.thing == thing }
      guard let first = entries.first, let last = entries.last, last.count > first.count else { continue }
      func ratio(_ first: Double, _ last: Double, _ counts: (Int, Int)) -> Double {
        (last / Double(counts.1)) / (first / Double(counts.0))
      }
      let counts = (first.count, last.count)
      let target = Target(
        title: "growth", quantity: .wall, contestant: Benchmark.solder, against: "", must: 1.15, aim: 1.0)
      addTarget(
        9, "growth", "time per \(thing), \(last.count) against \(first.count)",
        ratio(first.own.wall, last.own.wall, counts), ratio(first.own.processor, last.own.processor, counts), target)
      if let firstPeer = first.peer, let lastPeer = last.peer {
        let wall = decimal(ratio(firstPeer.wall, lastPeer.wall, counts))
        let processor = decimal(ratio(firstPeer.processor, lastPeer.processor, counts))
        notes.append("9. growth: wasm-ld's ratio per \(thing) is \(wall), of CPU time \(processor)")
      }
    }
  }

  mutating func add(_ benchmark: Benchmark, _ target: SizeTarget, ratio: Double) {
    addTarget(
      benchmark.number, target.title, target.against, ratio, nil, must: target.must, aim: target.aim, digits: 3)
  }

  private mutating func addTarget(
    _ number: Int, _ title: String, _ against: String, _ ratio: Double, _ processorRatio: Double?, _ target: Target
  ) {
    addTarget(number, title, against, ratio, processorRatio, must: target.must, aim: target.aim)
  }

  private mutating func addTarget(
    _ number: Int, _ title: String, _ against: String, _ ratio: Double, _ processorRatio: Double?, must: Double,
    aim: Double, digits: Int = 2
  ) {
    var verdict = ratio <= aim ? "aim met" : ratio <= must ? "must met" : "missed"
    if failedCases.contains(number) { verdict += ", but a check failed" }
    targets.append(
      Row(cells: [
        "\(number)", title, against, String(format: "%.\(digits)f", ratio), "≤ \(must)", "≤ \(aim)", verdict,
        processorRatio.map(decimal) ?? "",
      ]))
  }

  private func milliseconds(_ seconds: Double) -> String { String(format: "%.1f", seconds * 1000) }

  private func decimal(_ value: Double) -> String { String(format: "%.2f", value) }

  // MARK: Output

  private static let targetTitles = ["case", "what", "against", "ratio", "must", "aim", "result", "CPU ratio"]
  private static let measurementTitles = [
    "case", "inputs", "program", "wall ms", "CPU ms", "peak MiB", "wall / wasm-ld", "wall / cat",
  ]

  private var header: [String] {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return [
      "solder: \(tools.solderVersion)", "wasm-ld: \(tools.wasmLDVersion)",
      "\(processors) processors, medians of \(options.rounds) runs or more",
      "load average \(startLoad) at the start, \(Self.load()) at the end",
    ]
  }

  var text: String {
    var lines = header
    for (titles, rows) in [(Self.targetTitles, targets), (Self.measurementTitles, measurements)] where !rows.isEmpty {
      lines.append("")
      let all = [titles] + rows.map(\.cells)
      let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
      for row in all {
        let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        lines.append(cells.joined(separator: "  "))
      }
    }
    lines.append("")
    lines += notes
    lines += problems.map { "PROBLEM: " + $0 }
    return lines.joined(separator: "\n")
  }

  var markdown: String {
    var lines = header.map { "- " + $0 }
    for (titles, rows) in [(Self.targetTitles, targets), (Self.measurementTitles, measurements)] where !rows.isEmpty {
      lines.append("")
      lines.append("| " + titles.joined(separator: " | ") + " |")
      lines.append("|" + titles.map { _ in "---|" }.joined())
      lines += rows.map { "| " + $0.cells.joined(separator: " | ") + " |" }
    }
    lines.append("")
    lines += notes.map { "- " + $0 }
    lines += problems.map { "- **Problem**: " + $0 }
    return lines.joined(separator: "\n") + "\n"
  }
}
