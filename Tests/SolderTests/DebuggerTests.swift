import Testing

/// What a person sees of a program that has libraries in it: in an engine's message about a trap, and in a debugger.
@Suite struct DebuggerTests {
  private static let script = Repository.root + "/Tests/Tools/debugged.py"

  private func program(_ build: DebugInformationTests.Build, _ options: [String] = []) async throws
    -> LinkedDebugProgram
  {
    let inputs = try await build.inputs()
    return try await LinkedDebugProgram(
      [inputs.object] + inputs.libraries, ["--no-entry", "--export=start"] + options)
  }

  /// A trap names the line of each function on the way to it: in a library, in another one, in the object.
  @Test(arguments: DebugInformationTests.Build.all, [[], ["-O2", "--icf=all"]])
  func aTrapNamesItsLine(_ build: DebugInformationTests.Build, _ options: [String]) async throws {
    let run = try await execute(
      Tool.python.path(), [Self.script, program(build, options).path, "start", "77"],
      environment: WebAssemblyHost.environment)
    #expect(run.errors.contains("wasm trap: wasm `unreachable` instruction executed"), "\(run.errors)")
    #expect(run.errors.contains(#/ other\n\s+at \S+second\.o\.c:7:/#), "\(run.errors)")
    #expect(run.errors.contains(#/ start\n\s+at \S+main\.o\.c:4:/#), "\(run.errors)")
  }

  #if os(Linux)
    /// A debugger stops at a line of a library, and shows the variables and who called.
    @Test(arguments: DebugInformationTests.Build.all.filter { $0.flags.contains("-O0") })
    func aBreakpointStopsInALibrary(_ build: DebugInformationTests.Build) async throws {
      let path = try await program(build).path
      let names = try await require(Tool.debugReader.path(), ["--debug-line", path])
        .matches(of: /name: "(\S*first\.o\.c)"/)
      let file = try #require(names.first).1.split(separator: "/").last ?? ""
      // What Python's name stands for may be a script.
      let python = try await require(Tool.python.path(), ["-c", "import sys; print(sys.executable, end='')"])
      let commands = [
        "set breakpoint pending on", "set debuginfod enabled off", "break \(file):12", "run",
        "echo at the line\\n", "info args", "info locals", "continue", "echo once more\\n", "info locals",
        "backtrace 2",
      ]
      let run = try await execute(
        Tool.debugger.path(),
        ["-batch", "-nx"] + commands.flatMap { ["-ex", $0] } + ["--args", python, Self.script, path, "start", "5"],
        environment: WebAssemblyHost.environment)
      let shown = run.output.split(separator: "at the line\n")
      #expect(
        shown.count == 2 && shown[0].contains(/Breakpoint 1, run \(n=5\) at \S*first\.o\.c:12\n/), "\(run.output)")
      let values = (shown.last ?? "").split(separator: "once more\n")
      #expect(values.count == 2 && values[0].hasPrefix("n = 5\n"), "\(run.output)")
      #expect(values[0].contains("\ni = 0\n") && values[0].contains("\nsum = 1\n"), "\(run.output)")
      #expect((values.last ?? "").contains("i = 1\n") && (values.last ?? "").contains("sum = 5\n"), "\(run.output)")
      #expect((values.last ?? "").contains(/#1 .* in start \(.*\) at \S*main\.o\.c:3\n/), "\(run.output)")
    }
  #endif
}
