import Testing

/// Stand-ins for what nobody defines (`--stub`, `--stub-missing`).
@Suite struct StubTests {
  private static let widths = [false, true]

  /// An object that calls, points to and reads what it does not define.
  private static func object(is64: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let number = object.undefinedFunction("number", [.f64, .i32], [.i64])
    let real = object.undefinedFunction("real", [], [.f64])
    let nothing = object.undefinedFunction("nothing", [.i32], [])
    let data = object.undefinedData("data")
    object.function("run", [], [.i64], flags: .exported, [.f64Const(1), .i32Const(2), .call(number)])
    object.function("half", [], [.i64], flags: .exported, [.call(real), .i64ReinterpretF64])
    object.function("silent", [], [.i32], flags: .exported, [.i32Const(1), .call(nothing), .i32Const(6)])
    object.function(
      "read", [], [.i64], flags: .exported, [is64 ? .address64(data) : .address(data), .i64Load()])
    return object
  }

  @Test(arguments: widths) func givesNumbers(_ is64: Bool) async throws {
    let object = Self.object(is64: is64)
    let width = is64 ? "-mwasm64" : "-mwasm32"
    let result = try await linked(
      ["a.o": object], width, "--no-entry", "--stub=number=-7", "--stub=real=0x10", "--stub=nothing", "--stub",
      "data=5",
      "--stub=nobody")
    #expect(try await result.call("run") == "-7")
    #expect(try await result.call("half") == String(Int64(bitPattern: 16.0.bitPattern)))
    #expect(try await result.call("silent") == "6")
    #expect(try await result.call("read") == "5")
    try refused(["a.o": object], width, "--no-entry", "--stub=number=x", mentions: ["--stub", "'x'"])
  }

  /// Any definition takes its place: of an object, a library, a whole module, an archive's member.
  @Test(arguments: widths) func definitionsWin(_ is64: Bool) async throws {
    var object = ModuleBuilder(object: true, is64: is64)
    let value = object.undefinedFunction("value", [], [.i32])
    object.function("run", [], [.i32], flags: .exported, [.call(value)])
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    library.function([], [.i32], export: "value", [.i32Const(3)])
    var definition = ModuleBuilder(object: true, is64: is64)
    definition.function("value", [], [.i32], [.i32Const(3)])
    var module = ModuleBuilder(is64: is64)
    module.function([], [.i32], export: "value", [.i32Const(3)])
    let width = is64 ? "-mwasm64" : "-mwasm32"
    for files in [["x.so": library], ["x.o": definition], ["x.wasm": module]] as [KeyValuePairs<String, ModuleBuilder>]
    {
      for options in [["--stub=value=4", "--stub-missing"], ["--stub-missing", "--stub=value=4"]] {
        let (name, contents) = files[0]
        let result = try await linked(
          [name: contents, "a.o": object], width, "--no-entry", options[0], options[1])
        #expect(try await result.call("run") == "3")
      }
    }
  }

  @Test(arguments: widths) func missingFunctionsTrapByName(_ is64: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let absent = library.importFunction("env", "absent", [], [.i32])
    library.importFunction("env", "unused", [], [])
    let host = library.importFunction("host", "given", [], [.i32])
    library.function([], [.i32], export: "run", [.call(absent)])
    library.function([], [.i32], export: "other", [.call(host)])
    let width = is64 ? "-mwasm64" : "-mwasm32"
    try refused(["x.so": library], width, "--no-entry", "--export=run", mentions: ["undefined symbol", "absent"])
    let result = try await linked(
      ["x.so": library], width, "--no-entry", "--export=run", "--export=other", "--stub-missing", warnings: true)
    let warning = try #require(result.warnings.first)
    #expect(result.warnings.count == 1 && warning.hasSuffix(": absent"))
    #expect(result.module.functionNames.contains("missing:absent"))
    #expect(try await result.call("run").contains("unreachable"))
    #expect(result.module.imports.map(\.name) == ["given"])
  }

  /// Libraries that want much: all names stand in one place, however many errors are shown.
  @Test func whatLibrariesWantIsListedOnce() throws {
    var library = ModuleBuilder(dylink: Dylink())
    let wanted = (0..<3).map { library.importFunction("env", "wanted\($0)", [], []) }
    library.function([], [], export: "run", wanted.map { .call($0) })
    let words = ["--no-entry", "--export=run", "--error-limit=1"]
    let run = try LinkInProcess(["x.so": library], words)
    let note = try #require(run.notes.first { $0.contains("--stub-missing") }, "\(run.messages)")
    #expect(note.contains("wanted0, wanted1, wanted2") && note.contains("--stub=NAME"))
    // An object's author can do otherwise.
    var object = ModuleBuilder(object: true)
    let functions = (0..<3).map { object.undefinedFunction("wanted\($0)", [], []) }
    object.function("run", [], [], flags: .exported, functions.map { .call($0) })
    #expect(try LinkInProcess(["a.o": object], words).notes.allSatisfy { !$0.contains("--stub") })
  }

  /// What is weak stays null, and what may be a whole module's import from the host stays one.
  @Test func leavesWhatMayBeMissing() async throws {
    var object = ModuleBuilder(object: true)
    let weak = object.undefinedFunction("weak", [], [], flags: .weak)
    object.function("run", [], [.i32], flags: .exported, [.slot(weak)])
    var module = ModuleBuilder()
    let host = module.importFunction("env", "hosted", [], [])
    module.function([], [], export: "go", [.call(host)])
    let result = try await linked(["a.o": object, "m.wasm": module], "--no-entry", "--stub-missing")
    #expect(try await result.call("run") == "0")
    #expect(result.module.imports.map(\.name) == ["hosted"])
    // But a number may be given for either.
    let stubbed = try await linked(
      ["a.o": object, "m.wasm": module], "--no-entry", "--stub=weak", "--stub=hosted")
    #expect(try await stubbed.call("run") == "1")
    #expect(stubbed.module.imports.isEmpty)
  }
}
