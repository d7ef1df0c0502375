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

  /// Their debug information, too: any number with `Scripts/judge-debug`.
  @Test func debugInformation() async throws {
    let run = try await execute(
      try Tool.python.path(), [Repository.root + "/Tests/Tools/random_debug.py", "6", "5040"],
      environment: WebAssemblyHost.environment.merging(["SOLDER": Solder.path]) { $1 })
    #expect(run.succeeded, "\(run.output)\(run.errors)")
  }
}
