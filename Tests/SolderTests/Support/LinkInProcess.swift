import Foundation
import SolderCommandLine
import SolderLinker
import Synchronization
import Testing

/// What a test can give as a file: bytes, text, or what a builder makes.
protocol InputContents: Sendable { var fileBytes: [UInt8] { get } }

extension ModuleBuilder: InputContents { var fileBytes: [UInt8] { bytes } }
extension ArchiveBuilder: InputContents { var fileBytes: [UInt8] { bytes } }
extension [UInt8]: InputContents { var fileBytes: [UInt8] { self } }
extension String: InputContents { var fileBytes: [UInt8] { Array(utf8) } }

/// A link in this process: what the linker said, and the module if there is one. It costs a millisecond or less.
///
/// The command line is words as in a shell. A word that is the name of one of the files, or ends in `=` and such a name,
/// stands for that file's path; if no word does, all files follow the words in the order given. There is one thread unless
/// a word says otherwise, and no output file. Input that may bring the linker down belongs into a process of its own
/// (`link`, `linkFails`).
struct LinkInProcess: Sendable {
  /// The result, if there is one.
  let bytes: [UInt8]?
  let messages: [Diagnostic]
  let words: [String]

  var errors: [String] { messages.filter { $0.severity == .error }.map(\.text) }
  var warnings: [String] { messages.filter { $0.severity == .warning }.map(\.text) }
  /// Reports and lines of `--verbose`.
  var notes: [String] { messages.filter { $0.severity == .note || $0.severity == .log }.map(\.text) }

  init(_ files: KeyValuePairs<String, any InputContents>, _ words: [String], program: String = "solder") throws {
    let folder = try TemporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
    self.init(files.map(\.key), words, in: folder.path, program: program)
  }

  /// Links as a command line says, whose files are there.
  init(arguments: [String], program: String = "solder") {
    let messages = Mutex<[Diagnostic]>([])
    let diagnostics = Diagnostics { message in messages.withLock { $0.append(message) } }
    var arguments = arguments
    if !arguments.contains(where: { $0.hasPrefix("--threads") }) { arguments.append("--threads=1") }
    if !arguments.contains("-o") { arguments += ["-o", "result.wasm"] }
    var bytes: [UInt8]?
    if case .link(let options, _) = readCommandLine(arguments, program: program, diagnostics: diagnostics) {
      bytes = linkToBytes(options, diagnostics)
      if diagnostics.hasErrors { bytes = nil }
    }
    self.bytes = bytes
    words = arguments
    self.messages = messages.withLock { $0 }
  }

  /// Links files that are in a folder already.
  init(_ names: [String], _ words: [String], in folder: String, program: String = "solder") {
    // `merge` has to come first.
    let isMerge = words.first == "merge"
    var arguments = isMerge ? ["merge", "--threads=1"] : ["--threads=1"]
    var isNamed = isMerge
    for word in words.dropFirst(isMerge ? 1 : 0) {
      if names.contains(word) {
        arguments.append(folder + "/" + word)
        isNamed = true
      } else if let name = names.first(where: { word.hasSuffix("=" + $0) }) {
        arguments.append(word.dropLast(name.utf8.count) + folder + "/" + name)
        // `-oNAME` and options that take a file are not inputs.
        isNamed = isNamed || !word.hasPrefix("-")
      } else {
        arguments.append(word)
      }
    }
    if !isNamed { arguments += names.map { folder + "/" + $0 } }
    self.init(arguments: arguments, program: program)
  }
}

/// The result of a link in this process that succeeded.
struct LinkedInProcess: Sendable {
  let bytes: [UInt8]
  let module: ModuleDescription
  let warnings: [String]
  let notes: [String]

  /// Instantiates the module with hosts that write down how they are called, calls exports, and returns the transcript, as
  /// ``WebAssemblyHost/invoke(_:_:read:)`` does.
  func invoke(_ calls: [Call], read: [Range<Int>] = []) async throws -> String {
    try await WebAssemblyHost.shared.invoke(bytes, calls, read: read)
  }

  /// What one call of an export gives in a fresh instance.
  func call(_ name: String, _ arguments: Int...) async throws -> String {
    let transcript = try await invoke([Call(name, arguments)])
    let called = "\(name)(\(arguments.map(String.init).joined(separator: ", ")))"
    guard let line = transcript.split(separator: "\n").last(where: { $0.hasPrefix(called) }) else { return transcript }
    return String(line.dropFirst(called.count + 1).drop { $0 == "=" || $0 == " " })
  }
}

/// Links in this process, which has to succeed, and checks what holds of every result.
///
/// - Parameter warnings: whether the linker may warn.
func linked(
  _ files: KeyValuePairs<String, any InputContents>, _ words: String..., warnings: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> LinkedInProcess {
  try await succeeded(LinkInProcess(files, words), warnings: warnings, sourceLocation)
}

/// The same of files that are there, as a command line names them.
func linkedHere(
  _ arguments: [String], warnings: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> LinkedInProcess {
  try await succeeded(LinkInProcess(arguments: arguments), warnings: warnings, sourceLocation)
}

private func succeeded(
  _ run: LinkInProcess, warnings: Bool, _ sourceLocation: SourceLocation
) async throws -> LinkedInProcess {
  guard let bytes = run.bytes else { throw ToolFailure("\(run.words): \(run.errors.joined(separator: "\n"))") }
  if !warnings { #expect(run.warnings == [], "the linker warns", sourceLocation: sourceLocation) }
  try await WebAssemblyHost.shared.validate(bytes)
  let module = try ModuleDescription(bytes)
  // The last one leaves addresses to a loader.
  let isProgram = run.words.allSatisfy {
    ![
      "-r", "--relocatable", "-shared", "-pie", "--emit-relocs", "-q", "--unresolved-symbols=import-dynamic",
    ].contains($0)
  }
  if isProgram { expectExecutable(module, sourceLocation) }
  return LinkedInProcess(bytes: bytes, module: module, warnings: run.warnings, notes: run.notes)
}

/// Links in this process, which has to fail with messages that have every one of `mentions` in them.
///
/// - Returns: all errors.
@discardableResult
func refused(
  _ files: KeyValuePairs<String, any InputContents>, _ words: String..., mentions: [String],
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
  failed(try LinkInProcess(files, words), mentions, sourceLocation)
}

/// The same of files that are there, as a command line names them.
@discardableResult
func refusedHere(
  _ arguments: [String], mentions: [String], sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  failed(LinkInProcess(arguments: arguments), mentions, sourceLocation)
}

private func failed(_ run: LinkInProcess, _ mentions: [String], _ sourceLocation: SourceLocation) -> String {
  let errors = run.errors.joined(separator: "\n")
  #expect(run.bytes == nil, "it links: \(run.words)", sourceLocation: sourceLocation)
  for text in mentions {
    #expect(errors.contains(text), "no \"\(text)\" in: \(errors)", sourceLocation: sourceLocation)
  }
  return errors
}
