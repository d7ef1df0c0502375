import Foundation
import Testing

/// CPython from its shared libraries: forty thousand data relocations, start functions that set globals, thousands of
/// functions in tables. All of it is done at link time.
@Suite struct CPythonTests {
  /// A release as the package componentize-py has it.
  private enum Release: String, CaseIterable {
    /// Built with LLVM 16 for WASI as it was before components.
    case python311 = "3.11"
    /// Built with LLVM 22, for components.
    case python314 = "3.14"

    var folder: String { Repository.cache + "/cpython/" + rawValue }

    var libraries: [String] {
      let names: [String] =
        switch self {
        case .python311: ["libpython", "libc", "libwasi-emulated-signal"]
        case .python314:
          ["libpython3.14", "libc"]
            + ["signal", "getpid", "mman", "process-clocks"].map { "libwasi-emulated-" + $0 }
        }
      return names.map { "\(folder)/\($0).so" }
    }

    /// What stands on the command line of a Python interpreter.
    func inputs() async throws -> [String] {
      let main = try await Toolchain.shared.object("cpython/main.c", ["-O2", "-Wall", "-Wextra", "-Werror"])
      let rest = ["libwasi-emulated-getpid.a", "libwasi-emulated-process-clocks.a"].map {
        Toolchain.libraries + "/" + $0
      }
      return try await [Toolchain.startup, main] + libraries + rest + [Toolchain.libc, Toolchain.shared.builtins()]
        + ["-z", "stack-size=8388608"]
    }
  }

  private static let output = """
    [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    {"pi": 3.141593, "point": "Point(1, 2)"}
    world hello [('a', 5), ('b', 2)]
    caught: integer division or modulo by zero
    1606938044258990275541962092341162602522202993782792835301376 ['a', 'b'] ['one', 'two']
    c0092bb6b9204eefaa96892bdfc41616c8aa456d971ff7872cd03104c66c8c2a 1.000

    """

  @Test(arguments: [
    [], ["--icf=safe"], ["--icf=all", "--compress-relocations", "--strip-all", "-O2"], ["--no-gc-sections"],
  ])
  func runsAScript(_ options: [String]) async throws {
    let result = try await linkApart(options + Release.python311.inputs())
    expectNothingLeft(result.module)
    try await expectScript(result.path)
  }

  /// Every library as an object, linked by whoever links objects.
  @Test(arguments: Reference.allCases) func asObjectsInAnyLinker(_ reference: Reference) async throws {
    let folder = try TemporaryFolder()
    var inputs = try await Release.python311.inputs()
    for (index, input) in inputs.enumerated() where input.hasSuffix(".so") {
      inputs[index] = folder.file("lifted-\(index).o")
      try await require(Solder.path, ["-r", input, "-o", inputs[index]])
    }
    let result = folder.file("result.wasm")
    try await require(reference.linker.path(), inputs + ["-o", result])
    try await expectScript(result)
  }

  private func expectScript(_ path: String) async throws {
    let run = try await WebAssemblyHost.shared.run(
      path, ["/script/script.py", "one", "two"],
      folders: [Release.python311.folder + "/lib": "/lib/python3.11", Repository.inputs + "/cpython": "/script"],
      environment: ["PYTHONHOME": "/", "PYTHONDONTWRITEBYTECODE": "1"])
    #expect(run.output == Self.output, "\(run.errors)")
  }

  @Test func aNewerRelease() async throws {
    // One of the libraries that it needs is not part of the package.
    let result = try await linkApart(Release.python314.inputs(), warnings: true)
    expectNothingLeft(result.module)
    #expect(!result.errors.contains("relocation code"))
    let inputs = try Release.python314.libraries.reduce(0) { try $0 + contents(of: $1).count }
    #expect(result.bytes.count < inputs)
  }

  /// Its random numbers are seeded with the address of a function, and its parser keeps many things in one local.
  @Test func aNewerReleaseAsObjects() async throws {
    let folder = try TemporaryFolder()
    var inputs = try await Release.python314.inputs()
    for (index, input) in inputs.enumerated() where input.hasSuffix(".so") {
      inputs[index] = folder.file("lifted-\(index).o")
      try await require(Solder.path, ["-r", input, "-o", inputs[index]])
    }
    let result = try await linkApart(inputs, warnings: true)
    expectNothingLeft(result.module)
  }

  /// No code relocates anything, and nothing runs at instantiation.
  private func expectNothingLeft(_ module: ModuleDescription) {
    #expect(module.start == nil)
    #expect(module.functionNames.filter { $0.hasPrefix("__wasm_apply") || $0.hasPrefix("__wasm_start") } == [])
  }
}
