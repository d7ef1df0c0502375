import Foundation
import SolderCommandLine
import SolderLinker
import Synchronization
import Testing

/// The program under test.
enum Solder {
  /// `SOLDER` in the environment, or the product beside the test bundle.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["SOLDER"] { return path }
    var folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appending(path: "solder").path
      if FileManager.default.isExecutableFile(atPath: candidate), !isFolder(candidate) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    return Repository.root + "/.build/debug/solder"
  }()

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}

/// A successful link: the module, which is valid and keeps what DESIGN.md promises of every result.
struct Linked: Sendable {
  let path: String
  let bytes: [UInt8]
  let module: ModuleDescription
  /// Standard output and standard error of the linker.
  let output: String
  let errors: String

  init(path: String, run: ProcessRun) throws {
    self.path = path
    self.bytes = try contents(of: path)
    self.module = try ModuleDescription(bytes)
    self.output = run.output
    self.errors = run.errors
  }

  /// Runs the result as a WASI command in wasmkit.
  func run(_ arguments: [String] = []) async throws -> ProcessRun { try await runCommand(path, arguments) }
}

/// Runs a WASI command in wasmkit, the toolchain's own runtime.
func runCommand(_ path: String, _ arguments: [String] = []) async throws -> ProcessRun {
  try await execute(Tool.wasmkit.path(), ["run", path] + arguments)
}

/// Where a link takes place: in this process, or in one of its own, as the program under test. That is for input which may
/// bring the linker down, and for real programs: it may be a release build, and this one is not.
enum Place {
  case here
  case apart
}

/// Links in this process into a file, which has to succeed, and checks what holds of every result.
///
/// - Parameter warnings: whether the linker may write to standard error.
func link(
  _ arguments: [String], in folder: TemporaryFolder? = nil, warnings: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Linked {
  try await link(arguments, in: folder, warnings, .here, sourceLocation)
}

/// The same in a process of its own.
func linkApart(
  _ arguments: [String], warnings: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Linked {
  try await link(arguments, in: nil, warnings, .apart, sourceLocation)
}

private func link(
  _ arguments: [String], in folder: TemporaryFolder?, _ warnings: Bool, _ place: Place,
  _ sourceLocation: SourceLocation
) async throws -> Linked {
  let folder = try folder ?? TemporaryFolder()
  let path = folder.file("result.wasm")
  let run = try await solder(arguments + ["-o", path], in: folder, place)
  guard run.succeeded else { throw ToolFailure(run) }
  if !warnings { #expect(run.errors == "", "the linker warns", sourceLocation: sourceLocation) }
  let result = try Linked(path: path, run: run)
  try await WebAssemblyHost.shared.validate(path)
  expectExecutable(result.module, sourceLocation)
  return result
}

/// Runs the linker.
private func solder(_ arguments: [String], in folder: TemporaryFolder, _ place: Place) async throws -> ProcessRun {
  switch place {
  case .apart: return try await execute(Solder.path, arguments, in: folder.path, timeLimit: .seconds(120))
  case .here: return linkHere(arguments)
  }
}

/// What the program would do, but for other arguments than those of a link.
private func linkHere(_ arguments: [String]) -> ProcessRun {
  let said = Mutex((output: "", errors: ""))
  let diagnostics = Diagnostics(program: "solder") { message in
    said.withLock {
      if message.severity == .note {
        $0.output += message.rendered
      } else {
        $0.errors += message.rendered
      }
    }
  }
  var isLinked = false
  if case .link(let options, _) = readCommandLine(arguments, program: "solder", diagnostics: diagnostics) {
    isLinked = SolderLinker.link(options, diagnostics) != nil
  }
  let text = said.withLock { $0 }
  return ProcessRun(
    command: (["solder"] + arguments).joined(separator: " "), ending: .exit(isLinked && !diagnostics.hasErrors ? 0 : 1),
    output: text.output, errors: text.errors)
}

/// What DESIGN.md says under "What holds of every result".
func expectExecutable(_ module: ModuleDescription, _ sourceLocation: SourceLocation) {
  for entity in module.imports {
    #expect(!entity.module.hasPrefix("GOT."), "import of \(entity)", sourceLocation: sourceLocation)
    let isBase = ["__memory_base", "__table_base", "__memory_base32", "__table_base32", "__tls_base"].contains(
      entity.name)
    #expect(!(entity.module == "env" && isBase), "import of \(entity)", sourceLocation: sourceLocation)
  }
  for section in module.customSections {
    #expect(!section.name.hasPrefix("dylink"), "a section \(section.name)", sourceLocation: sourceLocation)
    #expect(
      section.name != "linking" && !section.name.hasPrefix("reloc."), "a section \(section.name)",
      sourceLocation: sourceLocation)
  }
  for entity in module.exports {
    #expect(entity.name != "__wasm_apply_data_relocs", "export of \(entity)", sourceLocation: sourceLocation)
  }
}

/// Links with solder, which has to fail as a user wants it: exit code 1, a message under the program's name that has every one of
/// `mentions` in it, and an older output file left as it was.
///
/// - Returns: the whole of standard error.
@discardableResult
func linkFails(
  _ arguments: [String], mentions: [String], in folder: TemporaryFolder? = nil, place: Place = .here,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> String {
  let folder = try folder ?? TemporaryFolder()
  let path = try folder.write("as it was", to: "result.wasm")
  let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  let run = try await solder(arguments + ["-o", path], in: folder, place)
  #expect(run.ending == .exit(1), "\(run.command): \(run.errors)", sourceLocation: sourceLocation)
  #expect(run.errors.hasPrefix("solder: error: "), "\(run.errors)", sourceLocation: sourceLocation)
  for text in mentions {
    #expect(run.errors.contains(text), "no \"\(text)\" in: \(run.errors)", sourceLocation: sourceLocation)
  }
  #expect(
    try contents(of: path) == Array("as it was".utf8), "the output file was touched", sourceLocation: sourceLocation)
  let after = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  #expect(before == after, "files were left behind", sourceLocation: sourceLocation)
  return run.errors
}
