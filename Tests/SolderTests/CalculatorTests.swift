import Foundation
import Testing

/// The compiler of `Examples/Calculator`, its C runtime library as a shared library, and wasi-libc: the project's typical user.
@Suite struct CalculatorTests {
  private static let folder = Repository.root + "/Examples/Calculator"

  /// The compiler, built once.
  private static let compiler = Task {
    try await require(Tool.swift.path(), ["build", "--quiet", "--package-path", folder])
    let binaries = try await require(Tool.swift.path(), ["build", "--package-path", folder, "--show-bin-path"])
    return binaries.trimmingCharacters(in: .whitespacesAndNewlines) + "/calc"
  }

  private static func files(_ folder: String, _ ending: String) throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/" + folder)
    return names.filter { $0.hasSuffix(ending) }.sorted().map { "\(Self.folder)/\(folder)/\($0)" }
  }

  private func runtime(_ variant: Variant) async throws -> String {
    var objects: [String] = []
    for source in try Self.files("Runtime", ".c") {
      objects.append(try await Toolchain.shared.object(source, variant.level + ["-fPIC"], by: variant.compiler))
    }
    return try await Toolchain.shared.sharedLibrary(
      "libcalcrt.so", objects, variant.linkFlags, by: variant.compiler.linker)
  }

  private func compile(_ source: String, _ options: [String] = []) async throws -> String {
    let output = try TemporaryFolder().file("program.wasm")
    try await require(Self.compiler.value, [source, "-o", output] + options)
    return output
  }

  private func expectedOutput(_ source: String) throws -> String {
    try String(contentsOfFile: String(source.dropLast(".calc".count)) + ".expected", encoding: .utf8)
  }

  private let libc = ["-L", Toolchain.libraries, "-lc"]

  @Test func everyProgram() async throws {
    let sources = try Self.files("Programs", ".calc")
    #expect(sources.count >= 5)
    for source in sources {
      let status: Int32 = source.hasSuffix("/exit.calc") ? 3 : 0
      for (options, name) in [([String](), ""), (["--runtime-module", "runtime"], "runtime=")] {
        let result = try await linkApart([compile(source, options), name + runtime(.plain)] + libc)
        let run = try await result.run()
        #expect(run.output == (try expectedOutput(source)), "\(source) \(run.errors)")
        #expect(run.ending == .exit(status), "\(source) \(run.errors)")
        #expect(result.module.imports.allSatisfy { $0.module == "wasi_snapshot_preview1" })
      }
    }
  }

  @Test(arguments: Variant.all) func theRuntimeInEveryVariant(_ variant: Variant) async throws {
    let source = Self.folder + "/Programs/tour.calc"
    let result = try await linkApart([compile(source), runtime(variant)] + libc)
    let run = try await result.run()
    #expect(run.output == (try expectedOutput(source)), "\(run.errors)")
    #expect(run.ending == .exit(0))
  }

  /// A program that runs in its start section: relocations are there before, and the host sees the memory.
  @Test func inTheStartSection() async throws {
    let source = Self.folder + "/Programs/functions.calc"
    let result = try await linkApart([compile(source, ["--entry", "section"]), runtime(.plain)] + libc)
    #expect(
      try await WebAssemblyHost.shared.invoke(result.path, []) == expectedOutput(source) + "instantiated\n")
  }
}
