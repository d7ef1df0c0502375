import Testing

/// Real programs with identical functions folded: no larger, and as they were.
@Suite struct IdenticalFunctionProgramTests {
  @Test(arguments: RealProgram.allCases, ["safe", "all"])
  func programs(_ program: RealProgram, _ mode: String) async throws {
    let inputs = try await program.inputs(.optimized)
    let plain = try await linkApart(inputs)
    let folded = try await linkApart(["--icf=\(mode)"] + inputs)
    #expect(folded.bytes.count <= plain.bytes.count)
    try await expectSameBehaviour(folded.path, as: plain.path, program.arguments)
    let output = try await runCommand(folded.path, program.arguments).output
    #expect(output.contains(program.expectedOutput))
  }

  /// Each library has its own copies of what headers define.
  @Test(arguments: Compiler.allCases) func librariesInCPlusPlus(_ compiler: Compiler) async throws {
    let chain = Toolchain.shared
    let flags = [
      "-O2", "-nostdinc++", "-isystem", Toolchain.sysroot + "/include/wasm32-wasi/c++/v1", "-std=c++20",
      "-fno-exceptions",
    ]
    var libraries: [String] = []
    for (name, start) in [("first", 1), ("second", 2)] {
      let object = try await chain.object(
        "cxx/places.cpp", flags + libraryFlags + ["-DNAME=\(name)", "-DSTART=\(start)"], by: compiler)
      libraries.append(try await chain.sharedLibrary("lib\(name).so", [object], by: compiler.linker))
    }
    let main = try await chain.object("cxx/places.cpp", flags, by: compiler)
    let inputs = try await SharedProgram.command(
      [main] + libraries + [Toolchain.libraries + "/libc++.a", Toolchain.libraries + "/libc++abi.a"])
    let plain = try await linkApart(["--strip-all"] + inputs)
    let folded = try await linkApart(["--strip-all", "--icf=safe"] + inputs)
    try await expectSameBehaviour(folded.path, as: plain.path)
    #expect(folded.module.definedFunctionCount < plain.module.definedFunctionCount)
    #expect(folded.bytes.count < plain.bytes.count)
  }
}
