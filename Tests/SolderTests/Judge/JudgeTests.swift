import Foundation
import Testing

/// Separate instantiation is the judge of linked modules and libraries: what an engine or a dynamic loader does with a set
/// one by one, the linked result does, and what the engine refuses, the linker refuses.
///
/// `Scripts/judge` asks for more sets, from another seed, and has the differences written down.
@Suite struct JudgeTests {
  private struct Request {
    var count: UInt64 = 300
    var seed: UInt64 = 1
    /// Where differences are written.
    var folder: String?
    /// A set that brings the linker down.
    var crash: UInt64?

    init() {
      let environment = ProcessInfo.processInfo.environment
      if let count = environment["JUDGE_COUNT"].flatMap({ UInt64($0) }) { self.count = count }
      if let seed = environment["JUDGE_SEED"].flatMap({ UInt64($0) }) { self.seed = seed }
      folder = environment["JUDGE_KEEP"]
      crash = environment["JUDGE_CRASH"].flatMap { UInt64($0) }
    }
  }

  @Test func setsOfPlainModules() async throws { try await judge(ModuleSet.self) }

  @Test func setsOfLibraries() async throws { try await judge(LibrarySet.self) }

  private func judge<Set: JudgedSet>(_ type: Set.Type) async throws {
    let request = Request()
    let judge = try Judge()
    if let seed = request.crash, let folder = request.folder {
      try keep(try await judge.minimisedCrash(Set(seed: seed)), "the linker crashes", seed, in: folder)
      return
    }
    var outcomes: [String: Int] = [:]
    var kinds: [String: Int] = [:]
    let end = request.seed + request.count
    func take(_ verdicts: [Verdict]) async throws {
      for verdict in verdicts {
        outcomes[verdict.outcome, default: 0] += 1
        guard verdict.isDifference else { continue }
        kinds[verdict.kind, default: 0] += 1
        guard let folder = request.folder else {
          Issue.record("seed \(verdict.seed): \(verdict.detail)")
          continue
        }
        guard kinds[verdict.kind] ?? 0 <= (verdict.kind == "an observation" ? 12 : 2) else { continue }
        let (set, last) = try await judge.minimised(Set(seed: verdict.seed), verdict)
        try keep(set, last.detail, verdict.seed, in: folder)
      }
    }
    // Sets are linked here while those before them are judged in another process.
    var judged: Task<[Verdict], any Error>?
    for first in stride(from: request.seed, to: end, by: 20) {
      let questions = try judge.questions(type, first..<min(first + 20, end)) { seed in
        guard let folder = request.folder else { return }
        try Data("\(seed)".utf8).write(to: URL(filePath: folder + "/seed"))
      }
      if let judged { try await take(judged.value) }
      judged = Task { try await WebAssemblyHost.shared.judge(questions) }
    }
    if let judged { try await take(judged.value) }
    if request.folder != nil { print("seeds \(request.seed)..<\(end): \(outcomes), differences: \(kinds)") }
    #expect(kinds.isEmpty)
  }

  /// Writes a set into a folder of its own.
  private func keep(_ set: some JudgedSet, _ about: String, _ seed: UInt64, in folder: String) throws {
    let place = folder + "/\(seed)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    for (name, builder) in set.files { try Data(builder.bytes).write(to: URL(filePath: place + "/" + name)) }
    try "\(about)\n\n\(set.text)".write(toFile: place + "/about.txt", atomically: true, encoding: .utf8)
  }
}
