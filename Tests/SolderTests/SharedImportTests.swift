import Testing

/// Variables and tags of `env` that nobody defines: where a library imports one, all who do have one for all of them.
@Suite struct SharedImportTests {
  private enum Thing: CaseIterable { case variable, tag }

  /// Reads or throws what `env` has under the name `x`, by an export that is called like the file.
  private func user(_ name: String, library: Bool, _ thing: Thing, _ type: WasmType) -> ModuleBuilder {
    var module = ModuleBuilder(dylink: library ? Dylink() : nil, object: !library)
    let zero: WasmInstruction = type == .i32 ? .i32Const(0) : .i64Const(0)
    switch (thing, library) {
    case (.variable, true):
      let x = module.importGlobal("env", "x", type, isMutable: true)
      module.function([], [type], export: name, [.globalGet(x)])
    case (.variable, false):
      let x = module.undefinedGlobal("x", type, isMutable: true)
      module.function(name, [], [type], flags: .exported, [.globalGet(x)])
    case (.tag, true):
      module.function([], [], export: name, [zero, .throw(module.importTag("env", "x", [type]))])
    case (.tag, false):
      let x = module.symbol("x", .tag, index: module.importTag("env", "x", [type]), flags: .undefined)
      module.function(name, [], [], flags: .exported, [zero, .throw(x)])
    }
    return module
  }

  @Test(arguments: [true, false]) func oneForAll(_ isFirstALibrary: Bool) async throws {
    for thing in Thing.allCases {
      for (type, fits) in [(WasmType.i32, true), (.i64, false)] {
        let files = try InputSet([
          ("one.file", user("one", library: isFirstALibrary, thing, .i32)),
          ("two.so", user("two", library: true, thing, type)),
        ])
        for order in permutations(files.names) {
          let words = ["--no-entry", "--export=one", "--export=two"] + order
          guard fits else {
            files.refuse(words, ["mismatch: x", "one", "two.so", "i32", "i64"])
            continue
          }
          let run = files.link(words)
          #expect(run.errors == [], "\(thing), \(order)")
          let module = try ModuleDescription(run.bytes ?? [])
          #expect(!module.imports.contains { $0.name == "x" }, "\(thing), \(order)")
          try await WebAssemblyHost.shared.validate(run.bytes ?? [])
        }
      }
    }
  }

  /// What the linker itself defines is what it makes of it, as in wasm-ld: a result for one thread has a constant there.
  @Test func aVariableOfTheLinkers() async throws {
    var object = ModuleBuilder(object: true)
    let base = object.undefinedGlobal("__tls_base", .i32, isMutable: true)
    object.function("run", [], [.i32], flags: .exported, [.globalGet(base), .drop, .i32Const(3)])
    let library = user("two", library: true, .variable, .i32)
    _ = try await linked(["object.o": object, "two.so": library], "--no-entry", "--export=two")
  }
}
