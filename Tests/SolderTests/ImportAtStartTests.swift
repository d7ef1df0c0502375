import Testing

/// What a finished module has run at start may be what it imports.
@Suite struct ImportAtStartTests {
  private static let kinds = ["start", "__wasm_call_ctors", "__wasm_apply_data_relocs"]

  private func library(_ kind: String, _ is64: Bool) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let imported = library.importFunction("env", "begin", [], [])
    if kind == "start" { library.start = imported } else { library.export(kind, .function, imported) }
    return library
  }

  private func program(_ is64: Bool) -> ModuleBuilder {
    var program = ModuleBuilder(object: true, is64: is64)
    program.function("_start", [], [], [])
    return program
  }

  @Test(arguments: kinds, [false, true]) func isAReference(_ kind: String, _ is64: Bool) async throws {
    var definer = ModuleBuilder(object: true, is64: is64)
    let note = definer.undefinedFunction("note", [.i32], [], module: "host", importName: "note")
    definer.function("begin", [], [], [.i32Const(5), .call(note)])
    let inputs = try InputSet([
      ("libstart.so", library(kind, is64)), ("program.o", program(is64)), ("definer.o", definer),
    ])
    let width = is64 ? ["-mwasm64"] : []
    for order in permutations(["libstart.so", "program.o"]) {
      let words = width + order
      let refused = inputs.link(words)
      #expect(refused.bytes == nil)
      for text in ["undefined symbol: begin", "libstart.so"] {
        #expect(refused.errors.joined().contains(text), "\(words): \(refused.errors)")
      }
      // It is the host's, or traps, where that is allowed.
      for (option, outcome) in [("--import-undefined", true), ("--unresolved-symbols=ignore-all", false)] {
        let run = inputs.link(words + [option])
        let bytes = try #require(run.bytes, "\(words) \(option): \(run.errors)")
        try await WebAssemblyHost.shared.validate(bytes)
        let imports = try ModuleDescription(bytes).imports.map(\.name)
        #expect(imports.contains("begin") == outcome, "\(words) \(option): \(imports)")
      }
    }
    for order in permutations(["libstart.so", "program.o", "definer.o"]) {
      let run = inputs.link(width + ["--no-warn-start-up-code"] + order)
      let bytes = try #require(run.bytes, "\(order): \(run.errors)")
      let transcript = try await WebAssemblyHost.shared.invoke(bytes, [Call("_start")])
      #expect(transcript.contains("note(5)"), "\(order): \(transcript)")
    }
  }
}
