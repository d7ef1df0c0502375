import Testing

/// What emscripten's JavaScript does for code that it compiled, where there is no JavaScript: `invoke_…`, and what EM_JS and
/// EM_ASM leave to it.
@Suite struct EmscriptenTests {
  private static let widths = [false, true]

  private static func word(_ is64: Bool) -> String { is64 ? "-mwasm64" : "-mwasm32" }

  /// `jump(x)` moves the stack pointer and jumps unless x is 0; `run(x)` calls it by way of `invoke_ii`, and gives 100 times
  /// what `__THREW__` is, what the call gave, and a million for a stack pointer that is not where it was.
  private static func object(is64: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let pointer = WasmType.address(is64: is64)
    let invoke = object.undefinedFunction("invoke_ii", [pointer, .i32], [.i32])
    let setThrew = object.undefinedFunction("setThrew", [pointer, .i32], [])
    let jump = object.undefinedFunction("_emscripten_throw_longjmp", [], [])
    let stack = object.undefinedGlobal("__stack_pointer", pointer, isMutable: true)
    let threw = object.undefinedData("__THREW__")
    let subtract: [WasmInstruction] = [.addressConst(16, is64: is64), is64 ? .i64Sub : .i32Sub]
    let add: [WasmInstruction] = [.addressConst(16, is64: is64), is64 ? .i64Add : .i32Add]
    let jumper = object.function(
      "jump", [.i32], [.i32],
      [.globalGet(stack)] + subtract + [.globalSet(stack), .localGet(0), .if()]
        + [.addressConst(5, is64: is64), .localGet(0), .call(setThrew), .call(jump), .end]
        + [.globalGet(stack)] + add + [.globalSet(stack), .i32Const(7)])
    let address: [WasmInstruction] =
      is64 ? [.address64(threw), .i64Load(), .i32WrapI64] : [.address(threw), .i32Load()]
    object.function(
      "run", [.i32], [.i32], locals: [pointer, .i32], flags: .exported,
      [
        .globalGet(stack), .localSet(1), is64 ? .constant(.tableIndexSLEB64, jumper) : .slot(jumper), .localGet(0),
        .call(invoke), .localSet(2), .globalGet(stack), .localGet(1), is64 ? .i64Eq : .i32Eq, .i32Eqz,
        .i32Const(1_000_000), .i32Mul, .localGet(2), .i32Add,
      ] + address + [.i32Const(100), .i32Mul, .i32Add])
    return object
  }

  /// The same as emscripten makes a side module of it.
  private static func library(is64: Bool) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let pointer = WasmType.address(is64: is64)
    let invoke = library.importFunction("env", "invoke_ii", [pointer, .i32], [.i32])
    let setThrew = library.importFunction("env", "setThrew", [pointer, .i32], [])
    let jump = library.importFunction("env", "_emscripten_throw_longjmp", [], [])
    library.importMemory("env", "memory", Limits(0, is64: is64))
    let stack = library.importGlobal("env", "__stack_pointer", pointer, isMutable: true)
    let threw = library.importGlobal("GOT.mem", "__THREW__", pointer, isMutable: true)
    let jumper = library.importGlobal("GOT.func", "jump", pointer, isMutable: true)
    let subtract: [WasmInstruction] = [.addressConst(16, is64: is64), is64 ? .i64Sub : .i32Sub]
    let add: [WasmInstruction] = [.addressConst(16, is64: is64), is64 ? .i64Add : .i32Add]
    library.function(
      [.i32], [.i32], export: "jump",
      [.globalGet(stack)] + subtract + [.globalSet(stack), .localGet(0), .if()]
        + [.addressConst(5, is64: is64), .localGet(0), .call(setThrew), .call(jump), .end]
        + [.globalGet(stack)] + add + [.globalSet(stack), .i32Const(7)])
    let load: [WasmInstruction] = is64 ? [.i64Load(), .i32WrapI64] : [.i32Load()]
    library.function(
      [.i32], [.i32], locals: [pointer, .i32], export: "run",
      [
        .globalGet(stack), .localSet(1), .globalGet(jumper), .localGet(0), .call(invoke), .localSet(2),
        .globalGet(stack), .localGet(1), is64 ? .i64Eq : .i32Eq, .i32Eqz, .i32Const(1_000_000), .i32Mul, .localGet(2),
        .i32Add, .globalGet(threw),
      ] + load + [.i32Const(100), .i32Mul, .i32Add])
    return library
  }

  // MARK: Trampolines

  @Test(arguments: widths) func callsThatAJumpLeaves(_ is64: Bool) async throws {
    for (name, contents) in [("a.o", Self.object(is64: is64)), ("a.so", Self.library(is64: is64))] {
      let words = [Self.word(is64), "--no-entry", "--export=run"]
      let older = try LinkInProcess([name: contents], words + [name])
      let bytes = try #require(older.bytes, "\(older.messages)")
      #expect(try ModuleDescription(bytes).imports.isEmpty)
      // The engine of the tests has only the newer instructions.
      let translated = try await linked(["m.wasm": bytes], "--translate-to-exnref")
      let newer = try await linked(
        [name: contents], words[0], words[1], words[2], "--translate-to-exnref", name)
      for result in [translated, newer] {
        #expect(try await result.call("run", 0) == "7", "\(name)")
        #expect(try await result.call("run", 3) == "500", "\(name)")
      }
    }
  }

  /// Another exception passes through, and so the trampoline is no handler of C++.
  @Test func otherExceptionsPass() async throws {
    var object = ModuleBuilder(object: true)
    let invoke = object.undefinedFunction("invoke_v", [.i32], [])
    let tag = object.symbol("own", .tag, index: object.tag([]), flags: .local)
    let thrower = object.function("throws", [], [], [.throw(tag)])
    object.function(
      "run", [], [.i32], flags: .exported,
      [
        .block(), .tryTable(nil, [.bytes([1, 0]), .relocated(.tagIndexLEB, tag.index, 0), .bytes([0])]), .slot(thrower),
        .call(invoke), .i32Const(1), .return, .end, .end, .i32Const(2),
      ])
    let result = try await linked(["a.o": object], "--no-entry")
    #expect(try await result.call("run") == "2")
  }

  @Test(arguments: widths) func definitionsWin(_ is64: Bool) async throws {
    let pointer = WasmType.address(is64: is64)
    var definition = ModuleBuilder(object: true, is64: is64)
    definition.function("invoke_ii", [pointer, .i32], [.i32], [.i32Const(9)])
    for order in [["a.o", "d.o"], ["d.o", "a.o"]] {
      let result = try await linked(
        ["a.o": Self.object(is64: is64), "d.o": definition], Self.word(is64), "--no-entry", "--translate-to-exnref",
        order[0], order[1])
      #expect(try await result.call("run", 3) == "9")
    }
  }

  /// Where what is missing may be the host's, it is.
  @Test func theHostMayHaveThem() async throws {
    var object = ModuleBuilder(object: true)
    let invoke = object.undefinedFunction("invoke_v", [.i32], [])
    object.function("run", [], [], flags: .exported, [.i32Const(1), .call(invoke)])
    for word in ["--import-undefined", "--allow-undefined"] {
      let result = try await linked(["a.o": object], "--no-entry", word)
      #expect(result.module.imports.map(\.name) == ["invoke_v"])
    }
  }

  @Test func onlyWhatIsOfTheConvention() throws {
    var object = ModuleBuilder(object: true)
    let invoke = object.undefinedFunction("invoke_ii", [.f64], [])
    object.function("run", [], [], flags: .exported, [.f64Const(1), .call(invoke)])
    try refused(["a.o": object], "--no-entry", mentions: ["undefined symbol", "invoke_ii"])
  }

  @Test func exceptionsInTheOlderWayAreNamed() throws {
    var library = ModuleBuilder(dylink: Dylink())
    let resume = library.importFunction("env", "__resumeException", [.i32], [])
    library.function([], [], export: "run", [.i32Const(0), .call(resume)])
    try refused(["a.so": library], "--no-entry", "--export=run", mentions: ["__resumeException", "-fwasm-exceptions"])
  }

  // MARK: JavaScript

  @Test(arguments: widths) func javaScriptStaysTheHosts(_ is64: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 40, memoryAlignment: 0), is64: is64)
    let text = "(int a)<::>{ return a; }"
    let same = library.importFunction("env", "same", [.i32], [.i32])
    let constant = library.importFunction("env", "emscripten_asm_const_int", [.i32, .i32, .i32], [.i32])
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), Array(text.utf8) + [0])
    library.global(.address(is64: is64), [.addressConst(4, is64: is64)], export: "__em_js__same")
    library.function([], [.i32], export: "run", [.i32Const(5), .call(same)])
    library.function([], [.i32], export: "asm", [.i32Const(1), .i32Const(2), .i32Const(3), .call(constant)])
    let result = try await linked(
      ["a.so": library], Self.word(is64), "--no-entry", "--export=run", "--export=asm", warnings: true)
    #expect(result.module.imports.map(\.name) == ["same", "emscripten_asm_const_int"])
    let warning = try #require(result.warnings.first)
    #expect(result.warnings.count == 1 && warning.contains("same: " + text.dropFirst(4)), "\(warning)")
    #expect(warning.contains("emscripten_asm_const_int"))
    #expect(result.module.exports.contains { $0.name == "__em_js__same" })
  }
}
