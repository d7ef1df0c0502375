import Foundation
import Testing

/// The options of wasm-ld mean what they mean to it: the same object gives the same outline.
@Suite struct OptionTests {
  private func object(_ level: String = "-O1", _ flags: [String] = []) async throws -> String {
    try await Toolchain.shared.object(
      "objects/options.c", ["--target=wasm32-unknown-unknown", "-ffreestanding", level] + flags)
  }

  /// What an option can change of a module, as lines to compare.
  private func outline(_ module: ModuleDescription) -> [String] {
    // There only with a certain set of target features.
    let varying: Set<String> = ["__stack_pointer"]
    var lines = module.imports.map { "import \($0) \(describe($0.limits))" }
    for export in module.exports where !varying.contains(export.name) {
      let value = module.exportedConstant(export.name).map { " = \($0)" } ?? ""
      lines.append("export \(export.name) \(export.kind)\(value)")
    }
    lines += module.memories.map { "memory \(describe($0))" } + module.tables.map { "table \(describe($0))" }
    lines += Set(module.functionNames).map { "function \($0)" }
    lines += module.customSections.map(\.name).filter { $0 == "name" || $0.hasPrefix(".debug") }.map { "section \($0)" }
    return lines.sorted()
  }

  private func describe(_ limits: ModuleDescription.Limits?) -> String {
    limits.map { "\($0.minimum) \($0.maximum.map(String.init) ?? "-") \($0.isShared) \($0.is64Bit)" } ?? ""
  }

  static let combinations: [[String]] = [
    [], ["--no-entry"], ["--entry=other_entry"], ["--entry", "other_entry"], ["-e", "other_entry"],
    ["--export=exported"], ["--export", "value", "--export=exported"], ["--export=value"],
    ["--export-if-defined=exported", "--export-if-defined=nowhere"], ["--export-dynamic"], ["-E"], ["--export-all"],
    ["--export-all", "--no-gc-sections"], ["--no-gc-sections"], ["--gc-sections"],
    ["--no-gc-sections", "--gc-sections"],
    ["--strip-debug"], ["-S"], ["--strip-all"], ["-s"], ["-z", "stack-size=131072"], ["-zstack-size=4096"],
    ["--stack-first"], ["--stack-first", "-z", "stack-size=8192"], ["--no-stack-first", "--global-base=4096"],
    ["--global-base=70000", "--export=value"], ["--initial-memory=1048576"], ["--max-memory=2097152"],
    ["--initial-memory=1048576", "--max-memory=1048576"], ["--import-memory"], ["--import-memory=module,memory"],
    ["--export-memory"], ["--export-memory=store"], ["--import-memory", "--export-memory"],
    ["--import-memory", "--export-memory=store"], ["--import-table"], ["--export-table"], ["--growable-table"],
    ["--initial-heap=131072"], ["--no-growable-memory"], ["--undefined=hidden", "--export=hidden"],
  ]

  @Test(arguments: combinations) func asWasmLinker(_ options: [String]) async throws {
    let places = ["__data_end", "__heap_base", "__heap_end", "__global_base", "__stack_low", "__stack_high"]
      .map { "--export-if-defined=" + $0 }
    for inputs in [[try await object()], [try await object("-O2", ["-g"])]] {
      let reference = try await Toolchain.shared.wasmLink(
        "reference.wasm", options + places, inputs, by: .wasmLinker22)
      let expected = outline(try ModuleDescription(contents(of: reference)))
      let result = try await linkApart(inputs + options + places)
      let actual = outline(result.module)
      let missing = expected.filter { !actual.contains($0) }
      let added = actual.filter { !expected.contains($0) }
      #expect(missing == [], "only in wasm-ld's result")
      #expect(added == [], "only in solder's result")
      guard !options.contains(where: { $0.hasPrefix("--import-memory") }), result.module.export("_start") != nil else {
        continue
      }
      #expect(
        try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
          == WebAssemblyHost.shared.invoke(reference, [Call("_start")]))
    }
  }

  @Test(arguments: [
    (["--export=nowhere"], ["symbol exported via --export not found: nowhere"]),
    (["--entry=nowhere"], ["entry symbol not defined", "nowhere"]),
    (["--initial-memory=65536"], ["initial memory too small"]),
    (["--initial-memory=65535"], ["initial memory must be", "aligned"]),
    (["--max-memory=65536"], ["maximum memory too small"]),
    (["--max-memory=65535"], ["maximum memory must be", "aligned"]),
    (["--no-such-option"], ["unknown argument", "--no-such-option"]),
    (["--initial-memory=many"], ["many"]),
    (["-z", "stack-size=large"], ["large"]),
    (["-lnowhere"], ["nowhere"]),
    (["@nowhere.rsp"], ["nowhere.rsp"]),
  ])
  func wrongValues(_ options: [String], _ mentions: [String]) async throws {
    try await linkFails([object()] + options, mentions: mentions)
  }

  @Test func noInputIsAnError() async throws {
    try await linkFails([], mentions: ["no input files"])
  }

  /// Options that choose functions reach into shared libraries.
  @Test func librariesLoseWhatNothingReaches() async throws {
    let program = try await SharedProgram(.plain)
    let arguments = try await SharedProgram.command([program.main] + program.libraries)
    let source = """
      static int buried(int x) { return x * 5; }
      int never_called(int x) { return buried(x) + buried(x + 1); }
      int library_value = 6;
      int called(int x) { return x + library_value; }
      """
    let extra = try await Toolchain.shared.sharedLibrary(
      "libextra.so", [Toolchain.shared.compiled("extra", source, Toolchain.wasi + ["-O0"] + libraryFlags)])

    let collected = try await linkApart(arguments + [extra])
    for name in ["never_called", "buried", "called"] { #expect(!collected.module.functionNames.contains(name)) }
    let kept = try await linkApart(arguments + [extra, "--no-gc-sections"])
    for name in ["never_called", "buried", "called"] { #expect(kept.module.functionNames.contains(name)) }
    try await expectSameBehaviour(kept.path, as: program.reference)

    let exported = try await linkApart(arguments + [extra, "--export=called", "--export=library_value"])
    #expect(exported.module.functionNames.contains("called"))
    #expect(!exported.module.functionNames.contains("never_called"))
    #expect(exported.module.export("called")?.kind == .function)
    #expect(exported.module.export("library_value")?.kind == .global)
    try await expectSameBehaviour(exported.path, as: program.reference)

    let everything = try await linkApart(arguments + [extra, "--export-dynamic"])
    #expect(everything.module.export("never_called") != nil)
    #expect(everything.module.export("alpha_next") != nil)
    #expect(everything.module.export("__wasm_call_ctors") == nil)
  }

  @Test(arguments: [
    ["--strip-debug"], ["--strip-all"], ["--stack-first"], ["--global-base=65536"], ["-z", "stack-size=1048576"],
    ["--initial-memory=4194304"], ["--max-memory=8388608"], ["--no-gc-sections"],
    ["--growable-table"],
    ["--initial-memory=8388608", "--max-memory=8388608"],
  ])
  func librariesLinkUnderOptions(_ options: [String]) async throws {
    let program = try await SharedProgram(Variant(compiler: .debian19, level: ["-O2", "-g"], isCompressed: false))
    let result = try await linkApart(SharedProgram.command([program.main] + program.libraries) + options)
    try await expectSameBehaviour(result.path, as: program.reference)
    let custom = result.module.customSections.map(\.name)
    let memory = try #require(result.module.memories.first)
    switch options[0] {
    case "--strip-debug": #expect(custom.contains("name") && !custom.contains { $0.hasPrefix(".debug") })
    case "--strip-all": #expect(!custom.contains("name") && !custom.contains { $0.hasPrefix(".debug") })
    case "--initial-memory=4194304": #expect(memory == .init(minimum: 64, maximum: nil))
    case "--max-memory=8388608": #expect(memory.maximum == 128)
    case "--initial-memory=8388608": #expect(memory == .init(minimum: 128, maximum: 128))
    case "--growable-table": #expect(result.module.tables.first?.maximum == nil)
    default: break
    }
  }

  @Test func importedMemoryHoldsTheLibraries() async throws {
    let program = try await WideProgram("wasm32", .plain)
    let result = try await linkApart(
      [program.main] + program.libraries + ["--import-memory=host,memory", "--export-memory"])
    let memory = try #require(result.module.imports.first { $0.kind == .memory })
    #expect(memory.module == "host" && memory.name == "memory")
    #expect((memory.limits?.minimum ?? 0) * 65536 >= 150000)
    let expected = try await WebAssemblyHost.shared.invoke(program.reference, [Call("_start")])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == expected)
  }

  @Test func traceListsWhatIsLinked() async throws {
    let program = try await SharedProgram(.plain)
    for option in ["--trace", "-t"] {
      let result = try await linkApart(SharedProgram.command([program.main] + program.libraries) + [option])
      for file in [Toolchain.startup, program.main, program.base, program.alpha, program.beta] {
        #expect(result.output.contains(file), "no \(file) in \(result.output)")
      }
      #expect(result.output.contains("libc.a(qsort.o)"), "\(result.output)")
      #expect(!result.output.contains("libc.a(regcomp.o)"), "a member that is not pulled is not listed")
    }
  }

  @Test func helpAndVersion() async throws {
    let help = try await execute(Solder.path, ["--help"])
    #expect(help.succeeded)
    for option in [
      "--entry", "--no-entry", "--export", "--export-if-defined", "--export-dynamic", "--export-all", "--gc-sections",
      "--strip-debug", "--strip-all", "--stack-first", "--global-base", "--initial-memory", "--max-memory",
      "--import-memory", "--export-memory", "--trace", "--verbose", "--version", "--help",
    ] {
      #expect(help.output.contains(option), "no \(option) in the help")
    }
    let version = try await execute(Solder.path, ["--version"])
    #expect(version.succeeded)
    #expect(version.output.lowercased().contains("solder"))
    #expect(version.output.contains { $0.isNumber })
  }

  @Test func theOutputMayComeFirstAndIsNeeded() async throws {
    let folder = try TemporaryFolder()
    let run = try await execute(Solder.path, ["-o", folder.file("first.wasm"), object()])
    #expect(run.succeeded, "\(run.errors)")
    try await WebAssemblyHost.shared.validate(folder.file("first.wasm"))
    let unnamed = try await execute(Solder.path, [object()], in: folder.path)
    #expect(unnamed.ending == .exit(1))
    #expect(unnamed.errors.contains("no output file specified"), "\(unnamed.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["first.wasm"])
  }
}
