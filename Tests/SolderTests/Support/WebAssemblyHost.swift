import Foundation
import Subprocess

/// wasmtime, by way of `Tests/Tools/webassembly-host.py`: validates, assembles and calls exports in one long-lived process,
/// where code has only so many instructions; runs WASI commands in processes of their own.
actor WebAssemblyHost {
  static let shared = WebAssemblyHost()

  private static let script = Repository.root + "/Tests/Tools/webassembly-host.py"
  /// Where Python finds wasmtime; and it is to leave nothing among the sources.
  static let environment = [
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": [Repository.cache + "/python", ProcessInfo.processInfo.environment["PYTHONPATH"] ?? ""]
      .filter { !$0.isEmpty }.joined(separator: ":"),
  ]

  private struct Request: Encodable {
    var id: Int
    /// A path or, after `base64:`, a module.
    var validate: String?
    var assemble: String?
    var to: String?
    var invoke: Invocation?
    var judge: [JudgeQuestion]?
  }

  struct Invocation: Codable, Sendable {
    /// A path or, after `base64:`, a module.
    var module: String
    var calls: [[Word]]
    var read: [[Int]]
  }

  /// A name or a number.
  enum Word: Codable, Sendable {
    case name(String)
    case number(Int)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      self = try (try? container.decode(Int.self)).map(Word.number) ?? .name(container.decode(String.self))
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .name(let name): try container.encode(name)
      case .number(let number): try container.encode(number)
      }
    }
  }

  private struct Answer: Codable {
    var id: Int
    var error: String?
    var transcript: String?
    var verdicts: [Verdict]?
  }

  private var lines: AsyncStream<String>.Continuation?
  private var waiting: [Int: CheckedContinuation<Answer, any Error>] = [:]
  private var lastIdentifier = 0

  /// Throws what wasmtime says against the module, if anything.
  func validate(_ path: String) async throws {
    let answer = try await ask { Request(id: $0, validate: path) }
    if let error = answer.error { throw ToolFailure("\(path) is not valid: \(error)") }
  }

  /// Throws what wasmtime says against the module, if anything.
  func validate(_ bytes: [UInt8]) async throws {
    let answer = try await ask { Request(id: $0, validate: Self.encoded(bytes)) }
    if let error = answer.error { throw ToolFailure("the result is not valid: \(error)") }
  }

  /// Compares links with separate instantiation; see `Tests/Tools/separate_instantiation.py`.
  func judge(_ questions: [JudgeQuestion]) async throws -> [Verdict] {
    let answer = try await ask { Request(id: $0, judge: questions) }
    guard let verdicts = answer.verdicts else { throw ToolFailure("the judge: \(answer.error ?? "")") }
    return verdicts
  }

  private static func encoded(_ bytes: [UInt8]) -> String { "base64:" + Data(bytes).base64EncodedString() }

  /// Writes the binary form of a module in text form, with all proposals and `(@dylink.0 …)`.
  func assemble(_ text: String, to path: String) async throws {
    let answer = try await ask { Request(id: $0, assemble: text, to: path) }
    if let error = answer.error { throw ToolFailure("wat2wasm: \(error)\n\(text)") }
  }

  /// Instantiates a module with hosts that write down how they are called, calls exports, and returns the transcript.
  func invoke(_ module: String, _ calls: [Call], read: [Range<Int>] = []) async throws -> String {
    let invocation = Invocation(
      module: module, calls: calls.map(\.words),
      read: read.map { [$0.lowerBound, $0.count] })
    let answer = try await ask { Request(id: $0, invoke: invocation) }
    guard let transcript = answer.transcript else { throw ToolFailure("\(module.prefix(200)): \(answer.error ?? "")") }
    return transcript
  }

  /// The same with a module that is in no file.
  func invoke(_ module: [UInt8], _ calls: [Call], read: [Range<Int>] = []) async throws -> String {
    try await invoke(Self.encoded(module), calls, read: read)
  }

  /// Runs a WASI command in wasmtime.
  ///
  /// - Parameter folders: what it sees of the file system: folders, each with the name that it has there.
  nonisolated func run(
    _ module: String, _ arguments: [String], folders: [String: String] = [:], environment: [String: String] = [:]
  ) async throws -> ProcessRun {
    let options = folders.map { "--dir=\($0)::\($1)" } + environment.map { "--env=\($0)=\($1)" }
    return try await execute(
      try Tool.python.path(), [Self.script, "run"] + options.sorted() + [module] + arguments,
      environment: Self.environment)
  }

  private func ask(_ request: (Int) -> Request) async throws -> Answer {
    if lines == nil { try start() }
    lastIdentifier += 1
    let identifier = lastIdentifier
    let line = String(decoding: try JSONEncoder().encode(request(identifier)), as: UTF8.self)
    return try await withCheckedThrowingContinuation {
      waiting[identifier] = $0
      lines?.yield(line + "\n")
    }
  }

  private func start() throws {
    let (requests, continuation) = AsyncStream<String>.makeStream()
    lines = continuation
    let python = try Tool.python.path()
    let configuration = subprocessConfiguration(python, [Self.script, "serve"], nil, Self.environment)
    Task.detached {
      do {
        let result = try await Subprocess.run(
          configuration, input: .inputWriter, output: .sequence, error: .string(limit: 1 << 20)
        ) { execution in
          async let reading: Void = {
            for try await line in execution.standardOutput.strings() { await self.receive(line) }
            // It ended: nobody reads requests any more.
            continuation.finish()
          }()
          for await line in requests { _ = try await execution.standardInputWriter.write(line) }
          try await reading
        }
        await self.stop(ToolFailure("\(python) ended: \(result.terminationStatus) \(result.standardError)"))
      } catch {
        await self.stop(error)
      }
    }
  }

  private func receive(_ line: String) {
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(line.utf8)) else { return }
    waiting.removeValue(forKey: answer.id)?.resume(returning: answer)
  }

  private func stop(_ error: any Error) {
    for continuation in waiting.values { continuation.resume(throwing: error) }
    waiting = [:]
    lines = nil
  }
}

/// A call of an export with integer arguments.
struct Call: Sendable {
  let name: String
  let arguments: [Int]

  init(_ name: String, _ arguments: Int...) { self.init(name, arguments) }

  init(_ name: String, _ arguments: [Int]) {
    self.name = name
    self.arguments = arguments
  }

  /// As requests have it.
  var words: [WebAssemblyHost.Word] { [.name(name)] + arguments.map { .number($0) } }
}
