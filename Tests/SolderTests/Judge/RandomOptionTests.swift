import Foundation
import Testing

/// Random command lines over objects and archives: `wasm-ld` of LLVM 19, 21 and 22 and solder say and write the same.
@Suite struct RandomOptionTests {
  @Test(arguments: [1, 20_001]) func commandLines(_ seed: Int) async throws {
    let environment = try [
      "SOLDER": Solder.path, "CLANG": Tool.clang.path(), "WASM_LD_19": Tool.wasmLinker19.path(),
      "WASM_LD_21": Tool.wasmLinker.path(), "WASM_LD_22": Tool.wasmLinker22.path(),
    ]
    let run = try await execute(
      try Tool.python.path(), [Repository.root + "/Tests/Tools/random_options.py", "150", "\(seed)"],
      environment: environment.merging(WebAssemblyHost.environment) { $1 })
    #expect(run.ending == .exit(0), "\(run.output)\(run.errors)")
  }
}
