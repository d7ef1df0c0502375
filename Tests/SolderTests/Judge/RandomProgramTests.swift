import Foundation
import Testing

/// Random C and C++ programs of several files, linked from a mix of objects, archives and shared libraries in the order of
/// chance, do what `wasm-ld` makes of their objects: a fixed few here, any number with `Scripts/judge-c`.
@Suite struct RandomProgramTests {
  @Test(arguments: [1, 101]) func programs(seed: Int) async throws {
    let run = try await execute(
      try Tool.python.path(), [Repository.root + "/Tests/Tools/random_c.py", "4", "\(seed)"],
      environment: WebAssemblyHost.environment.merging(["SOLDER": Solder.path]) { $1 })
    #expect(run.succeeded, "\(run.output)\(run.errors)")
  }

  /// Functions around the bases of libraries: any number with `Scripts/judge-folding`.
  @Test func folding() async throws {
    let run = try await execute(
      try Tool.python.path(), [Repository.root + "/Tests/Tools/random_folding.py", "12", "1"],
      environment: WebAssemblyHost.environment.merging(["SOLDER": Solder.path]) { $1 })
    #expect(run.succeeded, "\(run.output)\(run.errors)")
  }

  /// Their debug information, too: any number with `Scripts/judge-debug`.
  @Test func debugInformation() async throws {
    let run = try await execute(
      try Tool.python.path(), [Repository.root + "/Tests/Tools/random_debug.py", "6", "5040"],
      environment: WebAssemblyHost.environment.merging(["SOLDER": Solder.path]) { $1 })
    #expect(run.succeeded, "\(run.output)\(run.errors)")
  }

  /// Rust's and Swift's debug information, and that of clang in each variant; of all that is installed with
  /// `Scripts/producers`.
  @Test func everyLanguageKeepsItsLines() async throws {
    let toolchain = URL(filePath: try Tool.clang.path()).deletingLastPathComponent().path
    let path = "\(toolchain):/usr/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let run = try await execute(
      try Tool.python.path(),
      [Repository.root + "/Tests/Tools/producers.py", "debug information", "Rust|Embedded|LLVM 19[^,]*$"],
      environment: WebAssemblyHost.environment.merging(["SOLDER": Solder.path, "PATH": path]) { $1 })
    #expect(run.succeeded, "\(run.output)\(run.errors)")
    #expect(run.output.matches(of: /\| \d+ lines \|/).count == 3, "\(run.output)")
  }
}
