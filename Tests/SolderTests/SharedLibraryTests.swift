import Testing

/// A program with shared libraries behaves as the same sources linked by wasm-ld as plain objects.
@Suite struct SharedLibraryTests {
  @Test(arguments: Variant.all) func everyVariant(_ variant: Variant) async throws {
    let program = try await SharedProgram(variant)
    let result = try await linkApart(SharedProgram.command([program.main] + program.libraries))
    try await expectSameBehaviour(result.path, as: program.reference)
    expectFolded(result.module)
  }

  @Test func theReferenceItselfIsRight() async throws {
    let program = try await SharedProgram(.plain)
    let run = try await runCommand(program.reference)
    #expect(run.ending == .exit(42))
    #expect(
      run.output.hasPrefix("argc 1\nconstructors: 1 2 3 4; 107 117 137 167\naddress of alpha_next: set alpha 1 beta 1"))
    #expect(run.output.hasSuffix("log: last 260\n"))
  }

  @Test func compressedLibrariesAreSmaller() async throws {
    let padded = try await SharedProgram(.plain)
    let compressed = try await SharedProgram(Variant(compiler: .debian19, level: ["-O2"], isCompressed: true))
    #expect(try contents(of: compressed.alpha).count < contents(of: padded.alpha).count)
  }

  /// Objects and libraries in another order; constructors keep to what a library needs, which `needed` says here.
  @Test(arguments: [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]]) func everyOrder(_ order: [Int]) async throws {
    let chain = Toolchain.shared
    let program = try await SharedProgram(.plain)
    func object(_ name: String) async throws -> String {
      try await chain.object("shared/\(name).c", SharedProgram.warnings + ["-O2"] + libraryFlags)
    }
    let alpha = try await chain.sharedLibrary("libalpha.so", [object("alpha")], needed: [program.base])
    let beta = try await chain.sharedLibrary("libbeta.so", [object("beta")], needed: [program.base, alpha])
    let inputs = [program.main, program.base, alpha, beta]
    let result = try await linkApart(SharedProgram.command(order.map { inputs[$0] }))
    try await expectSameBehaviour(result.path, as: program.reference)
  }

  @Test func librariesOfDifferentCompilersMix() async throws {
    let old = try await SharedProgram(.plain)
    let new = try await SharedProgram(Variant(compiler: .toolchain, level: ["-Oz"], isCompressed: true))
    let result = try await linkApart(SharedProgram.command([old.main, new.base, old.alpha, new.beta]))
    try await expectSameBehaviour(result.path, as: old.reference)
  }

  @Test func someSourcesAsObjectsSomeAsLibraries() async throws {
    let program = try await SharedProgram(.plain)
    let alpha = try await Toolchain.shared.object("shared/alpha.c", SharedProgram.warnings + ["-O1"])
    // An object's constructors run after those of the libraries, so only the first lines differ from the reference.
    let result = try await linkApart(SharedProgram.command([program.main, alpha, program.base, program.beta]))
    let expected = try await runCommand(program.reference).output.split(separator: "\n").filter {
      $0.hasPrefix("address of")
    }
    let actual = try await runCommand(result.path).output.split(separator: "\n").filter { $0.hasPrefix("address of") }
    #expect(actual == expected)
    #expect(actual.count == 20)
  }

  @Test func positionIndependentObjectsLinkStatically() async throws {
    let program = try await SharedProgram(.plain)
    var objects: [String] = []
    for name in ["base", "alpha", "beta"] {
      objects.append(
        try await Toolchain.shared.object("shared/\(name).c", SharedProgram.warnings + ["-O2"] + libraryFlags))
    }
    let result = try await linkApart(SharedProgram.command(objects + [program.main]))
    try await expectSameBehaviour(result.path, as: program.reference)
  }

  @Test func librariesAreFoundByName() async throws {
    let program = try await SharedProgram(.plain)
    let folder = try TemporaryFolder()
    for (name, library) in [("base", program.base), ("alpha", program.alpha), ("beta", program.beta)] {
      try folder.write(contents(of: library), to: "lib\(name).so")
    }
    let result = try await linkApart(
      SharedProgram.command([program.main, "-L", folder.path, "-lbase", "-lalpha", "-lbeta"]))
    try await expectSameBehaviour(result.path, as: program.reference)
  }

  @Test func theResultRunsInAnotherRuntime() async throws {
    let program = try await SharedProgram(.plain)
    let result = try await linkApart(SharedProgram.command([program.main] + program.libraries))
    let expected = try await runCommand(program.reference)
    let actual = try await WebAssemblyHost.shared.run(result.path, [])
    #expect(actual.output == expected.output, "\(actual.errors)")
    #expect(actual.ending == .exit(42))
  }

  @Test func sameInputsGiveTheSameBytes() async throws {
    let program = try await SharedProgram(.plain)
    let arguments = try await SharedProgram.command([program.main] + program.libraries)
    let first = try await linkApart(arguments)
    for _ in 0..<4 {
      let again = try await linkApart(arguments)
      let isSame = again.bytes == first.bytes
      #expect(isSame)
    }
  }

  @Test func aWholeCommandIsAPlainModule() async throws {
    let program = try await SharedProgram(.plain)
    let result = try await linkApart([program.reference])
    try await expectSameBehaviour(result.path, as: program.reference)
  }

  @Test(arguments: [["-O0"], ["-O2"], ["-Oz"]], [Compiler.debian19, .toolchain])
  func librariesInCPlusPlus(_ level: [String], _ compiler: Compiler) async throws {
    let chain = Toolchain.shared
    let flags =
      level + [
        "-nostdinc++", "-isystem", Toolchain.sysroot + "/include/wasm32-wasi/c++/v1", "-std=c++20", "-fno-exceptions",
        "-fno-rtti", "-Wall", "-Wextra", "-Werror",
      ]
    let main = try await chain.object("cxx/main.cpp", flags, by: compiler)
    let libraries = [Toolchain.libraries + "/libc++.a", Toolchain.libraries + "/libc++abi.a"]
    let reference = try await chain.referenceCommand(
      "reference.wasm", [chain.object("cxx/shapes.cpp", flags, by: compiler), main] + libraries)
    let shapes = try await chain.sharedLibrary(
      "libshapes.so", [chain.object("cxx/shapes.cpp", flags + libraryFlags, by: compiler)], by: compiler.linker)
    let result = try await linkApart(SharedProgram.command([main, shapes] + libraries))
    try await expectSameBehaviour(result.path, as: reference)
    #expect(try await runCommand(reference).output.contains("round circle of area 27.000000"))
    expectFolded(result.module)
  }

  /// Libraries without a C library, in 32-bit and in 64-bit memory; clang 21 has 64-bit tables, clang 19 does not.
  @Test(arguments: ["wasm32", "wasm64"], Variant.all)
  func withoutACLibrary(_ target: String, _ variant: Variant) async throws {
    let program = try await WideProgram(target, variant)
    let result = try await linkApart(program.flags + [program.main] + program.libraries)
    let expected = try await WebAssemblyHost.shared.invoke(program.reference, [Call("_start")])
    let actual = try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
    #expect(actual == expected)
    #expect(expected.contains("host.show(13, 2)\nhost.show(20, 1006)"))
    #expect(result.module.memories.first?.is64Bit == (target == "wasm64"))
    expectFolded(result.module)
  }

  /// Every data relocation could be read, so nothing of them is left in the result, and types are not repeated.
  private func expectFolded(_ module: ModuleDescription, sourceLocation: SourceLocation = #_sourceLocation) {
    let left = module.functionNames.filter { $0.hasPrefix("__wasm_apply_") }
    #expect(left == [], sourceLocation: sourceLocation)
    #expect(Set(module.functionTypes).count == module.functionTypes.count, sourceLocation: sourceLocation)
    #expect(module.functionTypes.count > 3, sourceLocation: sourceLocation)
  }
}

/// The program of `Tests/Inputs/wide`.
struct WideProgram: Sendable {
  let main: String
  let libraries: [String]
  let reference: String
  /// What wasm-ld has to be told of the address width.
  let flags: [String]

  static func compilerFlags(_ target: String) -> [String] {
    ["--target=\(target)-unknown-unknown", "-ffreestanding", "-nostdlib", "-mbulk-memory"] + SharedProgram.warnings
  }

  init(_ target: String, _ variant: Variant) async throws {
    let chain = Toolchain.shared
    let compilerFlags = Self.compilerFlags(target) + variant.level
    flags = target == "wasm64" ? ["-mwasm64"] : []
    main = try await chain.object("wide/main.c", compilerFlags, by: variant.compiler)
    // wasm-ld 19 crashes when it compresses left.c for 64-bit memory.
    let linker: Tool = variant.isCompressed && target == "wasm64" ? .wasmLinker22 : variant.compiler.linker
    var libraries: [String] = []
    var objects: [String] = []
    for name in ["left", "right"] {
      let object = try await chain.object("wide/\(name).c", compilerFlags + libraryFlags, by: variant.compiler)
      libraries.append(
        try await chain.sharedLibrary("lib\(name).so", [object], flags + variant.linkFlags, by: linker)
      )
      objects.append(try await chain.object("wide/\(name).c", compilerFlags, by: variant.compiler))
    }
    self.libraries = libraries
    reference = try await chain.wasmLink("reference.wasm", flags, objects + [main], by: variant.compiler.linker)
  }
}
