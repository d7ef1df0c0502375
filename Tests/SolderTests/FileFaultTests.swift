import Foundation
import SolderLinker
import Synchronization
import Testing

/// Files that are not what one expects while a link runs: pipes, files that shrink, names that are taken, signals.
@Suite struct FileFaultTests {
  /// Links in process; the bytes, or the errors.
  private func link(_ inputs: [String], exports: [String] = ["answer"]) -> Result<[UInt8], ToolFailure> {
    var options = LinkOptions()
    options.inputs = inputs.map { InputArgument(.file($0)) }
    options.entryPoint = .none
    options.exports = exports
    let messages = Mutex("")
    let bytes = linkToBytes(options, Diagnostics(sink: { message in messages.withLock { $0 += message.text + "\n" } }))
    return bytes.map { .success($0) } ?? .failure(ToolFailure(messages.withLock { $0 }))
  }

  /// A named pipe that gives these bytes to whoever opens it first.
  private func pipe(_ bytes: [UInt8], in folder: TemporaryFolder, name: String) throws -> String {
    let path = folder.file(name)
    guard unsafe mkfifo(path, 0o600) == 0 else { throw ToolFailure("mkfifo: \(errno)") }
    Thread.detachNewThread { try? Data(bytes).write(to: URL(filePath: path), options: []) }
    return path
  }

  private func object() async throws -> String {
    try await Toolchain.shared.compiled(
      "answer", "int big[100000] = {1}; int answer(void) { return big[0] + 41; }", Toolchain.freestanding)
  }

  @Test func aPipeIsAnInputLikeAnyFile() async throws {
    let object = try await object()
    let bytes = try contents(of: object)
    let folder = try TemporaryFolder()
    let fromFile = try link([object]).get()
    #expect(try link([pipe(bytes, in: folder, name: "object")]).get() == fromFile)
    // More than a pipe holds, and an archive.
    let archive = folder.file("answer.a")
    try await require(Tool.archiver.path(), ["rcs", archive, object])
    let fromArchive = try link([archive]).get()
    #expect(try link([pipe(contents(of: archive), in: folder, name: "archive")]).get() == fromArchive)
    let empty = link([try pipe([], in: folder, name: "empty")])
    #expect(throws: ToolFailure.self) { try empty.get() }
  }

  #if os(Linux)
    /// Runs solder on an object and on a pipe that nobody has written to; calls `act` with its process number and the
    /// pipe as soon as it has mapped the object.
    private func run(
      _ object: String, in folder: TemporaryFolder, act: (pid_t, String) throws -> Void
    ) async throws -> ProcessRun {
      let path = folder.file("late")
      guard unsafe mkfifo(path, 0o600) == 0 else { throw ToolFailure("mkfifo: \(errno)") }
      let arguments = ["--no-entry", "--export=answer", "--threads=1", object, path, "-o", folder.file("out.wasm")]
      let number = try TemporaryFolder().file("number")
      async let run = execute(
        "/bin/sh", ["-c", "echo $$ >\(number); exec \"$@\"", "sh", Solder.path] + arguments, timeLimit: .seconds(60))
      // Other tests' processes may have to end before this one begins; from then on it has a minute.
      var begun = 0
      while begun < 3000 {
        try await Task.sleep(for: .milliseconds(20))
        guard let text = try? String(contentsOfFile: number, encoding: .utf8),
          let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { continue }
        begun += 1
        // To the end: such a file claims no size, and reading it as a string stops behind a page.
        guard let maps = try? FileHandle(forReadingAtPath: "/proc/\(process)/maps")?.readToEnd(),
          String(decoding: maps, as: UTF8.self).contains(object)
        else { continue }
        try act(process, path)
        return try await run
      }
      throw ToolFailure("solder did not map \(object)")
    }

    @Test func anInputThatBecomesShorterIsAnError() async throws {
      let folder = try TemporaryFolder()
      let object = try folder.write(contents(of: await object()), to: "shrinking.o")
      let late = try contents(of: await Toolchain.shared.compiled("late", "int late;", Toolchain.freestanding))
      let run = try await run(object, in: folder) { _, pipe in
        #expect(unsafe truncate(object, 0) == 0)
        try Data(late).write(to: URL(filePath: pipe), options: [])
      }
      #expect(run.ending == .exit(1))
      #expect(run.errors.contains("shrinking.o: became shorter while it was read"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.file("out.wasm")))
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aSignalEndsTheLinkAndLeavesNothing(_ signal: Int32) async throws {
      let folder = try TemporaryFolder()
      let object = try folder.write(contents(of: await object()), to: "waiting.o")
      let run = try await run(object, in: folder) { process, _ in kill(process, signal) }
      #expect(run.ending == .signal(signal))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["late", "waiting.o"])
    }

  #endif

  /// A member of a thin archive that the link does not need, but a reproduction would.
  @Test func aReproductionSaysWhatItCannotRead() throws {
    let folder = try TemporaryFolder()
    var program = ModuleBuilder(object: true)
    program.function("run", [], [], flags: .exported, [])
    var archive = ArchiveBuilder()
    archive.isThin = true
    archive.add("member", [], symbols: ["unneeded"])
    try folder.write(program.bytes, to: "program.o")
    try folder.write(archive.bytes, to: "thin.a")
    try FileManager.default.createDirectory(atPath: folder.file("member"), withIntermediateDirectories: true)
    let run = LinkInProcess(
      ["program.o", "thin.a"], ["--no-entry", "--reproduce=\(folder.file("all.tar"))", "program.o", "thin.a"],
      in: folder.path)
    #expect(run.bytes == nil)
    #expect(
      run.errors.contains { $0.hasPrefix("--reproduce: cannot read") && $0.contains("/member:") }, "\(run.errors)")
  }

  @Test func aReportThatCannotBeWrittenLeavesTheOldOutput() async throws {
    let object = try await object()
    for option in [
      "-Map=/nowhere/map", "--dependency-file=/nowhere/list", "--why-extract=/nowhere/why",
      "--time-trace=/nowhere/times",
    ] {
      try await linkFails(["--no-entry", object, option], mentions: ["/nowhere/"])
    }
  }

  @Test func theOutputMayBeAnInput() async throws {
    let folder = try TemporaryFolder()
    let object = try folder.write(contents(of: await object()), to: "both.o")
    let other = try TemporaryFolder().file("both.o")
    for output in [other, object] {
      let run = try await execute(Solder.path, ["--no-entry", "--export=answer", object, "-o", output])
      #expect(run.succeeded, "\(run.errors)")
    }
    #expect(try contents(of: object) == contents(of: other))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["both.o"])
  }

  /// One function that does nothing, with sections twice or out of their order.
  @Test func everySectionComesOnceAndInItsPlace() throws {
    let type: [UInt8] = [1, 4, 1, 0x60, 0, 0]
    let function: [UInt8] = [3, 2, 1, 0]
    let memory: [UInt8] = [5, 3, 1, 0, 1]
    let code: [UInt8] = [10, 4, 1, 2, 0, 0x0B]
    let data: [UInt8] = [11, 7, 1, 0, 0x41, 0, 0x0B, 1, 0x78]
    let linking: [UInt8] = [0, 9, 7] + Array("linking".utf8) + [2]
    let folder = try TemporaryFolder()
    func result(_ sections: [[UInt8]]) throws -> String {
      let path = try folder.write([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] + sections.flatMap { $0 }, to: "odd.wasm")
      do {
        _ = try link([path], exports: []).get()
        return ""
      } catch {
        return error.description
      }
    }
    let sound = [type, function, memory, code, data]
    #expect(try result(sound) == "")
    #expect(try result(sound + [linking]) == "")
    for tail in [[], [linking]] {
      for index in sound.indices {
        var twice = sound
        twice.insert(sound[index], at: index)
        #expect(try result(twice + tail).contains("odd.wasm: second"))
        guard index > 0 else { continue }
        var swapped = sound
        swapped.swapAt(index, index - 1)
        #expect(try result(swapped + tail).contains("odd.wasm: out of order"))
      }
    }
    #expect(try result(sound + [linking, linking]).contains("second section of that name"))
  }

  /// What a constant expression cannot hold is refused, whatever becomes of it.
  @Test(
    arguments: [
      [0x3F, 0x09], [0x41, 0x00, 0x40, 0x09], [0x23, 0x09], [0x10, 0x09], [0x20, 0x09], [0x41, 0x00, 0x28, 0x02, 0x00],
      [0x3F, 0x00], [0xD2, 0x09], [0xFB, 0x01, 0x09], [0x41, 0x00, 0xFB, 0x07, 0x09],
    ] as [[UInt8]]) func onlyConstantInstructionsAreConstant(_ expression: [UInt8]) throws
  {
    let initializer = [1, 0x7F, 0] + expression + [0x0B]
    let bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 5, 3, 1, 0, 1, 6, UInt8(initializer.count)] + initializer
    let path = try TemporaryFolder().write(bytes, to: "odd.wasm")
    #expect(throws: ToolFailure.self) { try link([path], exports: []).get() }
  }
}
