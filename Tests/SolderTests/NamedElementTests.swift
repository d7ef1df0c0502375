import Testing

/// Element segments that code names: whatever they are, and whatever is kept, they have an index.
@Suite struct NamedElementTests {
  @Test(arguments: [[], ["--no-gc-sections"]], [false, true])
  func everyKindThatCodeNames(words: [String], isShifted: Bool) async throws {
    var module = ModuleBuilder()
    module.memory(Limits(1), export: "memory")
    module.table(.funcref, Limits(4))
    let one = module.function([], [.i32], [.i32Const(1)])
    let declarative = module.element(.declarative, functions: [one])
    let empty = module.element(.declarative, functions: [])
    let passive = module.element(.passive, functions: [one])
    let active = module.element(.at(1), functions: [one])
    module.function(
      [], [.i32], export: "run",
      [.elemDrop(declarative), .elemDrop(empty), .elemDrop(active), .i32Const(0), .i32Const(0), .i32Const(1)] + [
        .tableInit(passive), .elemDrop(passive), .i32Const(7),
      ])
    var other = ModuleBuilder()
    other.table(.funcref, Limits(4))
    let two = other.function([], [.i32], export: "two", [.i32Const(2)])
    other.element(.declarative, functions: [two])
    other.element(.passive, functions: [two])
    other.function([], export: "drop", [.elemDrop(1)])
    for isFirst in [true, false] {
      let files: KeyValuePairs<String, any InputContents> =
        !isShifted
        ? ["m.wasm": module] : isFirst ? ["m.wasm": module, "o.wasm": other] : ["o.wasm": other, "m.wasm": module]
      let inputs = !isShifted ? ["m=m.wasm"] : isFirst ? ["m=m.wasm", "o=o.wasm"] : ["o=o.wasm", "m=m.wasm"]
      let run = try LinkInProcess(files, ["--export-if-defined=x"] + words + inputs)
      let bytes = try #require(run.bytes, "\(run.errors)")
      try await WebAssemblyHost.shared.validate(bytes)
      #expect(try await WebAssemblyHost.shared.invoke(bytes, [Call("run", [])], read: []).contains("7"))
    }
  }
}
