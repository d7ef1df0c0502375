import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// How a process ended and what it wrote.
struct ProcessRun: Sendable {
  enum Ending: Sendable, Equatable {
    case exit(Int32)
    case signal(Int32)
    case timeLimit
  }

  let command: String
  let ending: Ending
  let output: String
  let errors: String

  var succeeded: Bool { ending == .exit(0) }
}

/// A tool that should have worked did not.
struct ToolFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  init(_ run: ProcessRun) { description = "\(run.command)\nended with \(run.ending)\n\(run.output)\(run.errors)" }
}

/// Lets only as many processes run at a time as there are processors; Swift Testing starts every test at once.
private actor ProcessSlots {
  static let shared = ProcessSlots()
  private var free = max(2, ProcessInfo.processInfo.activeProcessorCount)
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func give() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// Runs a tool to its end and returns how it ended; only a tool that cannot be started throws.
///
/// - Parameter timeLimit: after this time the process is killed and the ending is `.timeLimit`.
func execute(
  _ tool: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
  timeLimit: Duration = .seconds(300)
) async throws -> ProcessRun {
  await ProcessSlots.shared.take()
  do {
    let run = try await executeNow(tool, arguments, folder, environment, timeLimit)
    await ProcessSlots.shared.give()
    return run
  } catch {
    await ProcessSlots.shared.give()
    throw error
  }
}

/// Runs a tool that has to succeed and returns its standard output.
@discardableResult
func require(_ tool: String, _ arguments: [String], in folder: String? = nil) async throws -> String {
  let run = try await execute(tool, arguments, in: folder)
  guard run.succeeded else { throw ToolFailure(run) }
  return run.output
}

private func executeNow(
  _ tool: String, _ arguments: [String], _ folder: String?, _ environment: [String: String], _ timeLimit: Duration
) async throws -> ProcessRun {
  let configuration = subprocessConfiguration(tool, arguments, folder, environment)
  let command = ([tool] + arguments).joined(separator: " ")
  return try await withThrowingTaskGroup(of: ProcessRun?.self) { group in
    group.addTask {
      let limit = 64 << 20
      let result = try await Subprocess.run(
        configuration, input: .none, output: .bytes(limit: limit), error: .bytes(limit: limit))
      return ProcessRun(
        command: command, ending: ending(result.terminationStatus),
        output: String(decoding: result.standardOutput, as: UTF8.self),
        errors: String(decoding: result.standardError, as: UTF8.self))
    }
    group.addTask {
      try? await Task.sleep(for: timeLimit)
      return nil
    }
    let first = try await group.next() ?? nil
    group.cancelAll()
    return first ?? ProcessRun(command: command, ending: .timeLimit, output: "", errors: "")
  }
}

/// What both ways of running a process share: a killed process gets no time to say goodbye.
func subprocessConfiguration(
  _ tool: String, _ arguments: [String], _ folder: String?, _ environment: [String: String]
) -> Configuration {
  var options = PlatformOptions()
  options.teardownSequence = []
  var updates: [Environment.Key: String?] = [:]
  for (name, value) in environment { updates[Environment.Key(stringLiteral: name)] = value }
  return Configuration(
    executable: .path(FilePath(tool)), arguments: Arguments(arguments), environment: .inherit.updating(updates),
    workingDirectory: folder.map { FilePath($0) }, platformOptions: options)
}

private func ending(_ status: TerminationStatus) -> ProcessRun.Ending {
  switch status {
  case .exited(let code): .exit(code)
  case .signaled(let code): .signal(code)
  }
}
