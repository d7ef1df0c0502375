import Testing

/// Whole modules and their names, as `wasm-merge` takes them: which export has a name, where an import goes, and what the
/// host has to give.
@Suite struct MergeTests {
  /// `main` gives `value`; `call` calls the import, if there is one.
  private func module(
    _ value: Int32, from module: String? = nil, _ name: String = "main", exports: [String] = ["main"]
  ) -> ModuleBuilder {
    var builder = ModuleBuilder()
    let imported = module.map { builder.importFunction($0, name, [], [.i32]) }
    let own = builder.function([], [.i32], [.i32Const(value)])
    for name in exports { builder.export(name, .function, own) }
    if let imported { builder.function([], [.i32], export: "call", [.call(imported)]) }
    return builder
  }

  private func names(_ result: LinkedInProcess) -> [String] { result.module.exports.map(\.name) }

  // MARK: Exports of one name

  @Test(arguments: [true, false]) func conflictsAreErrors(_ merges: Bool) throws {
    let files: KeyValuePairs<String, any InputContents> = ["a.wasm": module(1), "b.wasm": module(2)]
    let mentions = ["a.wasm", "b.wasm", "'main'", "--rename-export-conflicts", "--skip-export-conflicts"]
    if merges {
      try refused(files, "merge", "a.wasm", "a", "b.wasm", "b", mentions: mentions)
    } else {
      try refused(files, "a=a.wasm", "b=b.wasm", mentions: mentions)
    }
  }

  @Test(arguments: ["--skip-export-conflicts", "-sec"]) func skipped(_ option: String) async throws {
    let files: KeyValuePairs<String, any InputContents> = ["a.wasm": module(1), "b.wasm": module(2)]
    let first = try await linked(files, "merge", "a.wasm", "a", "b.wasm", "b", option)
    #expect(names(first) == ["main"])
    #expect(try await first.call("main") == "1")
    let second = try await linked(files, "merge", option, "b.wasm", "b", "a.wasm", "a")
    #expect(try await second.call("main") == "2")
  }

  @Test(arguments: ["--rename-export-conflicts", "-rec"]) func renamed(_ option: String) async throws {
    let result = try await linked(
      ["a.wasm": module(1), "b.wasm": module(2), "c.wasm": module(3)], "merge", "a.wasm", "a", "b.wasm", "b", "c.wasm",
      "c",
      option)
    #expect(names(result) == ["main", "main_1", "main_2"])
    let transcript = try await result.invoke([Call("main"), Call("main_1"), Call("main_2")])
    for line in ["main() = 1", "main_1() = 2", "main_2() = 3"] { #expect(transcript.contains(line), "\(transcript)") }
  }

  /// A new name is none that any module uses, before or behind.
  @Test(arguments: [false, true]) func renamedBesideGivenNames(_ last: Bool) async throws {
    let (a, b, c) = (module(1), module(2), module(3, exports: ["main_1", "main_2"]))
    let order = last ? ["a.wasm", "a", "b.wasm", "b", "c.wasm", "c"] : ["c.wasm", "c", "a.wasm", "a", "b.wasm", "b"]
    let result = try await linked(
      ["a.wasm": a, "b.wasm": b, "c.wasm": c], "merge", order[0], order[1], order[2], order[3], order[4], order[5],
      "-rec")
    #expect(Set(names(result)) == ["main", "main_1", "main_2", "main_3"])
    #expect(try await result.call("main_1") == "3")
    #expect(try await result.call("main_3") == "2")
  }

  /// Functions that do the same are two things to the host, also where the result has one body for both.
  @Test func conflictsAreDecidedBeforeFolding() async throws {
    let files: KeyValuePairs<String, any InputContents> = ["a.wasm": module(1), "b.wasm": module(1)]
    try refused(files, "--icf=all", "a=a.wasm", "b=b.wasm", mentions: ["a.wasm", "b.wasm", "'main'"])
    let result = try await linked(files, "--icf=all", "-rec", "a=a.wasm", "b=b.wasm")
    #expect(names(result) == ["main", "main_1"] && result.module.definedFunctionCount == 1)
    #expect(try await result.call("main_1") == "1")
  }

  @Test func oneThingUnderOneNameIsNoConflict() async throws {
    var second = ModuleBuilder()
    let main = second.importFunction("a", "main", [], [.i32])
    second.export("main", .function, main)
    let result = try await linked(["a.wasm": module(1), "b.wasm": second], "merge", "b.wasm", "b", "a.wasm", "a")
    #expect(names(result) == ["main"])
  }

  @Test func kindsConflictToo() throws {
    var second = ModuleBuilder()
    second.memory(Limits(1), export: "main")
    try refused(
      ["a.wasm": module(1), "b.wasm": second], "merge", "a.wasm", "a", "b.wasm", "b",
      mentions: ["memory", "function", "a.wasm", "b.wasm"])
  }

  // MARK: Where imports go

  /// `env` is a module like any other: what another one exports does not count.
  @Test func envIsAModule() async throws {
    let files: KeyValuePairs<String, any InputContents> = [
      "a.wasm": module(1), "b.wasm": module(2, from: "env", exports: ["other"]),
    ]
    let open = try await linked(files, "merge", "a.wasm", "a", "b.wasm", "b")
    #expect(open.module.imports.map(\.description) == ["env.main (function)"])
    let closed = try await linked(files, "merge", "a.wasm", "env", "b.wasm", "b")
    #expect(closed.module.imports.isEmpty)
    #expect(try await closed.call("call") == "1")
    // Outside of `merge`, `env` is where everybody's names are.
    let linked = try await linked(files, "a=a.wasm", "b=b.wasm")
    #expect(linked.module.imports.isEmpty)
  }

  /// Memories follow the same rule.
  @Test func memoriesOfEnv() async throws {
    var owner = ModuleBuilder()
    owner.memory(Limits(1), export: "memory")
    var user = ModuleBuilder()
    user.importMemory("env", "memory", Limits(1))
    user.function([], [.i32], export: "size", [.memorySize()])
    let files: KeyValuePairs<String, any InputContents> = ["owner.wasm": owner, "user.wasm": user]
    let open = try await linked(files, "merge", "user.wasm", "u", "owner.wasm", "o")
    #expect(open.module.imports.map(\.description) == ["env.memory (memory)"])
    let closed = try await linked(files, "merge", "user.wasm", "u", "owner.wasm", "env")
    #expect(closed.module.imports.isEmpty)
  }

  /// Empty names, names and paths with any characters, and several files under one name.
  @Test(arguments: ["", "a=b", "ö/\"", "-"]) func anyName(_ name: String) async throws {
    let result = try await linked(
      ["a.wasm": module(1), "b.wasm": module(2, from: name, exports: ["other"])], "merge", "b.wasm", "b", "a.wasm", name
    )
    #expect(result.module.imports.isEmpty)
    #expect(try await result.call("call") == "1")
  }

  @Test func emptyNameByOption() async throws {
    let result = try await linked(
      ["a.wasm": module(1), "b.wasm": module(2, from: "", exports: ["other"])], "b=b.wasm", "=a.wasm")
    #expect(try await result.call("call") == "1")
  }

  @Test(arguments: [false, true]) func severalFilesUnderOneName(_ reversed: Bool) async throws {
    let files: KeyValuePairs<String, any InputContents> = [
      "a.wasm": module(1, exports: ["one"]), "b.wasm": module(2, exports: ["two"]),
      "c.wasm": module(3, from: "lib", "two", exports: ["three"]),
    ]
    let result =
      reversed
      ? try await linked(files, "merge", "c.wasm", "c", "b.wasm", "lib", "a.wasm", "lib")
      : try await linked(files, "merge", "a.wasm", "lib", "b.wasm", "lib", "c.wasm", "c")
    #expect(result.module.imports.isEmpty)
    #expect(try await result.call("call") == "2")
  }

  /// Of several files under one name each starts behind those that have what it imports, and not behind all of them.
  @Test(arguments: [false, true]) func filesUnderOneNameStartInOrder(_ reversed: Bool) async throws {
    func module(adding value: Int32, to get: String?, _ name: String) -> ModuleBuilder {
      var module = ModuleBuilder()
      let last = get.map { module.importFunction("lib", $0, [], [.i32]) }
      let state = module.global(.i32, isMutable: true, [.i32Const(0)])
      let sum: [WasmInstruction] = last.map { [.call($0), .i32Const(value), .i32Add] } ?? [.i32Const(value)]
      module.start = module.function([], [], sum + [.globalSet(state)])
      module.function([], [.i32], export: name, [.globalGet(state)])
      return module
    }
    let files: KeyValuePairs<String, any InputContents> = [
      "a.wasm": module(adding: 1, to: "two", "one"), "b.wasm": module(adding: 10, to: "three", "two"),
      "c.wasm": module(adding: 100, to: nil, "three"),
    ]
    let words = ["a.wasm", "lib", "b.wasm", "lib", "c.wasm", "lib"]
    let result =
      reversed
      ? try await linked(files, "merge", words[4], words[5], words[2], words[3], words[0], words[1])
      : try await linked(files, "merge", words[0], words[1], words[2], words[3], words[4], words[5])
    #expect(try await result.call("one") == "111")
  }

  @Test func memoriesStayPrivate() async throws {
    func owner(_ value: UInt8, _ name: String) -> ModuleBuilder {
      var module = ModuleBuilder()
      module.memory(Limits(1))
      module.data(.at(0), [value])
      module.function([], [.i32], export: name, [.i32Const(0), .i32Load8()])
      return module
    }
    let result = try await linked(
      ["a.wasm": owner(1, "one"), "b.wasm": owner(2, "two")], "merge", "a.wasm", "a", "b.wasm", "b")
    #expect(try await result.call("one") == "1")
    #expect(try await result.call("two") == "2")
  }

  /// What a module imports under its own name is its own, also where it is the only one.
  @Test(arguments: [["merge", "a.wasm", "a"], ["a=a.wasm"]]) func importsFromItself(_ words: [String]) async throws {
    let folder = try TemporaryFolder()
    try folder.write(module(7, from: "a").bytes, to: "a.wasm")
    let result = try await linkedHere(words.map { $0.replacing("a.wasm", with: folder.file("a.wasm")) })
    #expect(result.module.imports.isEmpty)
    #expect(try await result.call("call") == "7")
  }

  // MARK: The command line

  @Test func optionsOfWasmMerge() async throws {
    let result = try await linked(
      ["a.wasm": module(1)], "merge", "-g", "--all-features", "--enable-gc", "--disable-simd", "a.wasm", "a",
      "--no-validation")
    #expect(try await result.call("main") == "1")
  }

  @Test(arguments: [
    (["merge", "a.wasm"], ["a.wasm", "module name is missing"]), (["merge", "-S", "a.wasm", "a"], ["-S", "binary"]),
    (["merge", "--input-source-map=x", "a.wasm", "a"], ["--input-source-map x", "follows the name of its module"]),
    (["merge", "a.wasm", "-ism", "x", "a"], ["-ism x", "follows the name of its module"]),
    (["merge", "a.wasm", "a", "-ism", "x", "-ism", "y"], ["-ism y", "follows the name of its module"]),
    (["merge", "--output-manifest=x", "a.wasm", "a"], ["manifest"]),
    (["merge", "--enabel", "a.wasm", "a"], ["--enabel"]),
    (["merge"], ["no input files"]),
    (["--unresolved-imports=maybe", "a.wasm"], ["--unresolved-imports", "maybe", "ignore, mistakes, warn, error"]),
    (["--unresolved-imports=", "a.wasm"], ["--unresolved-imports"]),
  ]) func wrongCommandLines(_ words: [String], _ mentions: [String]) throws {
    let run = try LinkInProcess(["a.wasm": module(1)], words)
    #expect(run.bytes == nil)
    for mention in mentions { #expect(run.errors.joined().contains(mention), "\(run.errors)") }
  }

  // MARK: Imports that stay

  private let wanting: KeyValuePairs<String, any InputContents> = [
    "a.wasm": {
      var module = ModuleBuilder()
      let clock = module.importFunction("wasi_snapshot_preview1", "clock", [], [.i32])
      let level = module.importGlobal("game", "level", .i32)
      module.importMemory("host", "memory", Limits(1))
      module.function([], [.i32], export: "run", [.call(clock), .globalGet(level), .i32Add])
      return module
    }()
  ]

  @Test func unresolvedImportsAreTheHosts() async throws {
    let result = try await linked(wanting)
    #expect(result.module.imports.count == 3)
  }

  @Test(arguments: ["warn", "error"]) func unresolvedImportsAreReported(_ choice: String) throws {
    let run = try LinkInProcess(wanting, ["--unresolved-imports=\(choice)", "--host-module=wasi_snapshot_preview1"])
    let texts = choice == "warn" ? run.warnings : run.errors
    #expect(texts.count == 2, "\(texts)")
    for mention in ["a.wasm", "game.level (global)", "host.memory (memory)", "--host-module=game"] {
      #expect(texts.joined().contains(mention), "\(texts)")
    }
    #expect((run.bytes == nil) == (choice == "error"))
  }

  @Test func hostModulesAreNotReported() async throws {
    let result = try await linked(
      wanting, "--unresolved-imports=error", "--host-module=wasi_snapshot_preview1", "--host-module", "game",
      "--host-module=host")
    #expect(result.module.imports.count == 3)
  }
}
