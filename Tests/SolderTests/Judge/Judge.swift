import Foundation
import SolderLinker

/// A set of files made at random, which can be linked, judged and made smaller.
protocol JudgedSet: Sendable {
  init(seed: UInt64)
  var files: [(name: String, builder: ModuleBuilder)] { get }
  /// The words of the command line, with files by name.
  var words: [String] { get }
  /// Whether anything is left to link.
  var isEmpty: Bool { get }
  /// What `Tests/Tools/separate_instantiation.py` is asked.
  func question(_ seed: UInt64, _ files: [String: [UInt8]], _ run: LinkInProcess) -> JudgeQuestion
  /// All ways to leave out one thing; each says whether it changed anything.
  var reductions: [(inout Self) -> Bool] { get }
  /// The set for people: what is in each file, and the command line.
  var text: String { get }
}

enum JudgeQuestion: Encodable, Sendable {
  case modules(ModuleSet.Question)
  case libraries(LibrarySet.Question)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .modules(let question): try question.encode(to: encoder)
    case .libraries(let question): try question.encode(to: encoder)
    }
  }
}

struct Verdict: Codable, Sendable {
  var seed: UInt64
  var outcome: String
  var detail: String

  var isDifference: Bool { outcome == "differs" }
  /// What kind of difference it is, for the minimiser.
  var kind: String {
    if detail.contains(" separately, ") { return "an observation" }
    if detail.hasPrefix("start-up") { return "start-up" }
    // Without paths and numbers, which differ from set to set.
    return detail.split(separator: " ").filter { !$0.contains("/") }.joined(separator: " ").filter { !$0.isNumber }
  }
}

/// Links sets in this process and has `Tests/Tools/separate_instantiation.py` compare the results with what an engine does
/// that instantiates the modules one by one.
struct Judge: Sendable {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func question(_ set: some JudgedSet, seed: UInt64) throws -> JudgeQuestion {
    var files: [String: [UInt8]] = [:]
    for (name, builder) in set.files {
      let bytes = builder.bytes
      files[name] = bytes
      try folder.write(bytes, to: name)
    }
    return set.question(seed, files, LinkInProcess(files.keys.sorted(), set.words, in: folder.path))
  }

  func verdict(_ set: some JudgedSet, seed: UInt64) async throws -> Verdict {
    let verdicts = try await WebAssemblyHost.shared.judge([question(set, seed: seed)])
    guard let verdict = verdicts.first else { throw ToolFailure("no verdict") }
    return verdict
  }

  /// The sets of these seeds, linked.
  ///
  /// - Parameter isAt: is told each seed before its set is linked, in case the linker brings the process down.
  func questions<Set: JudgedSet>(
    _ type: Set.Type, _ seeds: Range<UInt64>, isAt: (UInt64) throws -> Void
  ) throws -> [JudgeQuestion] {
    try seeds.map { seed in
      try isAt(seed)
      return try question(Set(seed: seed), seed: seed)
    }
  }

  /// The least that is left of a set when whatever does not matter for this difference is taken away.
  func minimised<Set: JudgedSet>(_ set: Set, _ verdict: Verdict) async throws -> (Set, Verdict) {
    var last = verdict
    let best = try await set.minimised { smaller in
      let next = try await self.verdict(smaller, seed: verdict.seed)
      guard next.isDifference, next.kind == verdict.kind else { return false }
      last = next
      return true
    }
    return (best, last)
  }

  /// The least of a set that brings the linker down, which runs in a process of its own here.
  func minimisedCrash<Set: JudgedSet>(_ set: Set) async throws -> Set {
    try await set.minimised { smaller in
      for (name, builder) in smaller.files { try folder.write(builder.bytes, to: name) }
      let run = try await execute(Solder.path, smaller.words + ["-o", "result.wasm"], in: folder.path)
      return if case .exit = run.ending { false } else { true }
    }
  }
}

extension JudgedSet {
  /// The least that is left when everything is left out without which `matters` still holds.
  func minimised(_ matters: (Self) async throws -> Bool) async throws -> Self {
    var best = self
    var isSmaller = true
    while isSmaller {
      isSmaller = false
      for change in best.reductions {
        var smaller = best
        guard change(&smaller), !smaller.isEmpty, try await matters(smaller) else { continue }
        best = smaller
        isSmaller = true
      }
    }
    return best
  }
}
