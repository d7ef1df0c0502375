import Foundation
import Testing

/// Names that the conventions give a meaning, and files that mean something else by them.
@Suite struct ConventionNameTests {
  // MARK: export_name in libraries

  private static var user: ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let helper = object.undefinedFunction("helper", [], [.i32])
    object.function("run", [], [.i32], flags: .exported, [.call(helper)])
    return object
  }

  /// An export whose name is not the function's own is an interface to the host; aliases and mangled names are not.
  @Test func exportsOfLibrariesThatAreNoSymbols() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    library.importFunction("env", "weak_alias", [], [.i32])
    func add(_ name: String, _ exports: [String], _ value: Int32) {
      let index = library.function([], [.i32], name: name, [.i32Const(value)])
      for export in exports { library.export(export, .function, index) }
    }
    add("face_f", ["demo:pkg/face#f"], 3)
    add("__wasm_export_hello", ["hello"], 5)
    add("plain_name", ["another_name"], 6)
    add("helper", ["helper"], 4)
    add("visible", ["visible", "alias_of_visible"], 7)
    add("__hidden", ["alias_of_hidden"], 8)
    add("real_weak", ["weak_alias"], 9)
    add("space::function(int)", ["_ZN5space8functionEi"], 10)
    add("crate::function", ["_RNvC5crate8function"], 11)
    add("both", ["both", "x-interface"], 12)
    let inputs = try InputSet([("main.o", Self.user), ("part.so", library)])
    for order in permutations(["main.o", "part.so"]) {
      let bytes = try #require(inputs.link(["--no-entry"] + order).bytes)
      let exports = Set(try ModuleDescription(bytes).exports.map(\.name))
      #expect(exports == ["memory", "run", "demo:pkg/face#f", "hello", "another_name", "x-interface"], "\(order)")
      let transcript = try await inputs.transcript(
        ["--no-entry"] + order, [Call("run"), Call("demo:pkg/face#f"), Call("hello"), Call("x-interface")])
      #expect(transcript == "run() = 4\ndemo:pkg/face#f() = 3\nhello() = 5\nx-interface() = 12")
    }
  }

  /// Without names, what can be no symbol is an interface; and a strong alias of a function that is not visible looks like one
  /// in any case.
  @Test(arguments: [false, true], [false, true]) func whatCannotBeToldApart(hasNames: Bool, is64: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    func add(_ name: String, _ export: String, _ value: Int32) {
      library.function([], [.i32], export: export, name: hasNames ? name : nil, [.i32Const(value)])
    }
    add("helper", "helper", 4)
    add("face_f", "demo:pkg/face#f", 3)
    add("not_visible", "strong_alias", 5)
    var user = ModuleBuilder(object: true, is64: is64)
    let helper = user.undefinedFunction("helper", [], [.i32])
    user.function("run", [], [.i32], flags: .exported, [.call(helper)])
    let inputs = try InputSet([("main.o", user), ("part.so", library)])
    for order in permutations(["main.o", "part.so"]) {
      let words = ["--no-entry"] + (is64 ? ["-mwasm64"] : []) + order
      let exports = Set(try ModuleDescription(inputs.link(words).bytes ?? []).exports.map(\.name))
      #expect(exports == Set(["memory", "run", "demo:pkg/face#f"] + (hasNames ? ["strong_alias"] : [])), "\(order)")
      #expect(
        try await inputs.transcript(words, [Call("run"), Call("demo:pkg/face#f")])
          == "run() = 4\ndemo:pkg/face#f() = 3")
    }
  }

  /// Real ones, as clang and wasm-ld make them.
  @Test func aRealLibraryExportsWhatItsObjectWould() async throws {
    let chain = Toolchain.shared
    let source = """
      __attribute__((export_name("demo:pkg/face#f"))) int face_f(void) { return 3; }
      int helper(void) { return 4; }
      int other(void) __attribute__((alias("helper")));
      """
    let part = try await chain.compiled("part", source, Toolchain.freestanding + libraryFlags)
    let library = try await chain.sharedLibrary("libpart.so", [part])
    let main = try await chain.compiled(
      "main", #"int helper(void); __attribute__((export_name("run"))) int run(void) { return helper(); }"#,
      Toolchain.freestanding)
    for inputs in [[main, library], [library, main]] {
      let result = try await link(["--no-entry"] + inputs)
      #expect(Set(result.module.exports.map(\.name)) == ["memory", "run", "demo:pkg/face#f"])
    }
  }

  // MARK: Libraries that are none any more

  @Test(arguments: ["env.__memory_base", "env.__table_base", "GOT.mem.x", "GOT.func.f"])
  func aLibraryWithoutItsSection(_ name: String) throws {
    let point = name.lastIndex(of: ".")!
    let parts = [String(name[..<point]), String(name[name.index(after: point)...])]
    var module = ModuleBuilder()
    module.importGlobal(parts[0], parts[1], .i32, isMutable: parts[0] != "env")
    module.function([], [.i32], export: "get", [.globalGet(0)])
    let inputs = try InputSet([("main.o", Self.user), ("stripped.so", module)])
    for words in [
      ["main.o", "stripped.so"], ["stripped.so", "main.o"], ["stripped.so"], ["x=stripped.so", "main.o"],
    ] {
      inputs.refuse(["--no-entry"] + words, ["stripped.so", "dylink.0", name])
    }
  }

  // MARK: Reserved names

  /// A plain module's functions of the linker's names are its own.
  @Test(arguments: ["object", "library"], [false, true])
  func aPlainModulesOwnConstructors(_ kind: String, hasConstructor: Bool) async throws {
    var program = ModuleBuilder()
    let twice = program.importFunction("env", "twice", [.i32], [.i32])
    program.memory(Limits(1), export: "memory")
    program.global(.i32, [.i32Const(1024)], export: "__heap_base")
    let state = program.global(.i32, isMutable: true, [.i32Const(0)])
    for name in ["__wasm_call_ctors", "__wasm_call_dtors", "__wasm_init_memory"] {
      program.function([], [], export: name, [.globalGet(state), .i32Const(1), .i32Add, .globalSet(state)])
    }
    program.function([], [.i32], export: "run", [.globalGet(state), .call(twice)])

    var part = kind == "object" ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink(memorySize: 4))
    if kind == "object" {
      let factor = part.global("factor", .i32, isMutable: true, [.i32Const(hasConstructor ? 0 : 2)])
      part.function("twice", [.i32], [.i32], [.localGet(0), .globalGet(factor), .i32Mul])
      let prepare = part.function(
        "prepare", flags: .local, [.globalGet(factor), .i32Const(2), .i32Add, .globalSet(factor)])
      if hasConstructor { part.constructor(prepare) }
    } else {
      let factor = part.global(.i32, isMutable: true, [.i32Const(hasConstructor ? 0 : 2)])
      part.function([.i32], [.i32], export: "twice", [.localGet(0), .globalGet(factor), .i32Mul])
      let code: [WasmInstruction] = [.globalGet(factor), .i32Const(2), .i32Add, .globalSet(factor)]
      part.function([], [], export: "__wasm_call_ctors", hasConstructor ? code : [])
    }
    let inputs = try InputSet([("program.wasm", program), ("part", part)])
    for order in permutations(["program.wasm", "part"]) {
      let transcript = try await inputs.transcript(order, [Call("run"), Call("__wasm_call_ctors"), Call("run")])
      #expect(transcript == "run() = 0\n__wasm_call_ctors() = None\nrun() = 2", "\(order)")
    }
    // Others import them by the module's name.
    var user = ModuleBuilder()
    let callee = user.importFunction("program", "__wasm_call_ctors")
    user.function([], [], export: "use", [.call(callee)])
    let named = try InputSet([("program.wasm", program), ("user.wasm", user), ("part", part)])
    for order in permutations(["program=program.wasm", "user.wasm", "part"]) {
      #expect(try await named.transcript(order, [Call("use"), Call("run")]) == "use() = None\nrun() = 2")
    }
  }

  /// What a library exports for its start-up has the convention's type.
  @Test(arguments: ["__wasm_call_ctors", "__wasm_apply_data_relocs", "__wasm_init_tls"])
  func aLibrarysStartUpOfAnotherType(_ name: String) throws {
    var library = ModuleBuilder(dylink: Dylink())
    library.function([.i32, .i32], [], export: name, [])
    library.function([], [.i32], export: "helper", [.i32Const(1)])
    let inputs = try InputSet([("main.o", Self.user), ("part.so", library)])
    for order in permutations(["main.o", "part.so"]) {
      inputs.refuse(["--no-entry"] + order, ["part.so", name, "(i32, i32) -> void"])
    }
  }

  @Test(arguments: ["library", "module"]) func aReservedNameImportedAsAnotherType(_ kind: String) throws {
    var module = kind == "library" ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
    let constructors = module.importFunction("env", "__wasm_call_ctors", [.i32], [])
    module.function([], [.i32], export: "helper", [.i32Const(1), .call(constructors), .i32Const(1)])
    let inputs = try InputSet([("main.o", Self.user), ("part", module)])
    for order in permutations(["main.o", "part"]) {
      inputs.refuse(["--no-entry"] + order, ["part", "__wasm_call_ctors", "(i32) -> void"])
    }
  }

  // MARK: Inputs with a name

  private static func program(importing module: String) -> ModuleBuilder {
    var program = ModuleBuilder()
    let present = program.importFunction(module, "present", [], [.i32])
    program.function([], [.i32], export: "run", [.call(present)])
    return program
  }

  /// A name from which nobody imports is likely misspelt.
  @Test func aNameFromWhichNobodyImports() async throws {
    var part = ModuleBuilder(dylink: Dylink())
    part.function([], [.i32], export: "present", [.i32Const(2)])
    var other = ModuleBuilder(dylink: Dylink())
    other.function([], [.i32], export: "absent", [.i32Const(2)])
    let inputs = try InputSet([
      ("program.wasm", Self.program(importing: "runtime")), ("part.so", part), ("other.so", other),
    ])
    func warnings(_ words: String...) -> [String] { inputs.link(words).warnings }
    for name in ["Runtime", "runtim", "runtimes", "rontime", "something"] {
      for order in permutations(["program.wasm", "\(name)=part.so"]) {
        let text = inputs.link(order).warnings.joined()
        for part in [name, "part.so", "runtime.present", "program.wasm"] {
          #expect(text.contains(part), "\(name): \(text)")
        }
      }
    }
    #expect(warnings("program.wasm", "Runtime=other.so").count == 1)
    // The right name, an unused one that has nothing to do with it, and a program that has a name itself.
    #expect(warnings("program.wasm", "runtime=part.so").isEmpty)
    #expect(warnings("program.wasm", "something=other.so").isEmpty)
    #expect(warnings("app=program.wasm", "runtime=part.so").isEmpty)
    #expect(warnings("app=program.wasm").isEmpty)
  }

  // MARK: Which definition wins

  /// Strong definitions win over weak ones; of two that are alike the first library's, and an object's over a library's.
  @Test func whichDefinitionWins() async throws {
    func library(_ value: Int32, isWeak: Bool) -> ModuleBuilder {
      var library = ModuleBuilder(dylink: Dylink())
      if isWeak { library.importFunction("env", "helper", [], [.i32]) }
      library.function([], [.i32], export: "helper", [.i32Const(value)])
      return library
    }
    for (firstIsWeak, secondIsWeak) in [(true, true), (true, false), (false, true), (false, false)] {
      let inputs = try InputSet([
        ("main.o", Self.user), ("1.so", library(1, isWeak: firstIsWeak)), ("2.so", library(2, isWeak: secondIsWeak)),
      ])
      for order in permutations(["main.o", "1.so", "2.so"]) {
        let first = order.first { $0.hasSuffix(".so") }!.prefix(1)
        let value = firstIsWeak == secondIsWeak ? first : firstIsWeak ? "2" : "1"
        #expect(try await inputs.transcript(["--no-entry"] + order, [Call("run")]) == "run() = \(value)", "\(order)")
      }
    }
    for (objectIsWeak, libraryIsWeak) in [(true, true), (true, false), (false, true), (false, false)] {
      var object = ModuleBuilder(object: true)
      object.function("helper", [], [.i32], flags: objectIsWeak ? .weak : [], [.i32Const(3)])
      let inputs = try InputSet([
        ("main.o", Self.user), ("helper.o", object), ("1.so", library(1, isWeak: libraryIsWeak)),
      ])
      for order in permutations(["main.o", "helper.o", "1.so"]) {
        let value = objectIsWeak && !libraryIsWeak ? 1 : 3
        #expect(try await inputs.transcript(["--no-entry"] + order, [Call("run")]) == "run() = \(value)", "\(order)")
      }
    }
  }

  // MARK: The order of --export

  /// Members that only `--export` asks for come in the order of wasm-ld's table of names.
  @Test(arguments: Reference.allCases) func membersByExports(_ release: Reference) async throws {
    let names =
      ["aa", "bb", "cc", "dd", "alpha", "beta", "gamma", "first_function", "_Z3fooi"] + (0..<40).map { "value_\($0)" }
    var archive = ArchiveBuilder()
    for (index, name) in names.enumerated() {
      var object = ModuleBuilder(object: true)
      object.function(name, [], [.i32], [.i32Const(Int32(index))])
      archive.add("\(name).o", object)
    }
    let folder = try TemporaryFolder()
    let path = try folder.write(archive.bytes, to: "lib.a")
    for count in [1, 4, 9, 12, 13, 25, 49] {
      for optional in [count, 3] {
        // The last, or every third, only if it is defined.
        let exports = names.suffix(count).reversed().enumerated().map { index, name in
          index % optional == optional - 1 ? "--export-if-defined=\(name)" : "--export=\(name)"
        }
        try await Differential(["--no-entry"] + exports + [path], release).expectIdentical()
      }
    }
  }

  /// What a program calls its bases, as one that exports all its symbols does, is not what position-independent objects
  /// count from.
  @Test(arguments: ["constant", "variable", "function"], [false, true])
  func basesThatAModuleExports(_ kind: String, is64: Bool) async throws {
    let address = WasmType.address(is64: is64)
    var program = ModuleBuilder(is64: is64)
    program.memory(Limits(2, is64: is64), export: "memory")
    program.global(address, [.addressConst(4096, is64: is64)], export: "__heap_base")
    for (name, value) in [("__memory_base", Int64(1000)), ("__table_base", 3)] {
      if kind == "function" {
        program.function(export: name, [])
      } else {
        program.global(address, isMutable: kind == "variable", [.addressConst(value, is64: is64)], export: name)
      }
    }
    var object = ModuleBuilder(object: true, is64: is64)
    let bases = ["__memory_base", "__table_base"].map { object.undefinedGlobal($0, address) }
    let data = object.data("number", [7, 0, 0, 0])
    let function = object.function("five", [], [.i32], [.i32Const(5)])
    let table = object.undefinedTable()
    let type = object.type([], [.i32])
    let add: WasmInstruction = is64 ? .i64Add : .i32Add
    object.function(
      "number_of_it", [], [.i32], flags: .exported,
      [
        .globalGet(bases[0]), .constant(is64 ? .memoryAddressRelativeSLEB64 : .memoryAddressRelativeSLEB, data), add,
        .i32Load(),
      ])
    object.function(
      "call", [], [.i32], flags: .exported,
      [
        .globalGet(bases[1]), .constant(is64 ? .tableIndexRelativeSLEB64 : .tableIndexRelativeSLEB, function), add,
        .callIndirect(objectType: type, table: table),
      ])
    let inputs = try InputSet([("program.wasm", program), ("user.o", object)])
    for order in permutations(["program.wasm", "user.o"]) {
      let words = ["--no-entry"] + (is64 ? ["-mwasm64"] : []) + order
      #expect(
        try await inputs.transcript(words, [Call("number_of_it"), Call("call")]) == "number_of_it() = 7\ncall() = 5")
    }
  }

  /// What the linker defines is data, or a global, and nothing else.
  @Test(arguments: [
    "__heap_base", "__heap_end", "__data_end", "__dso_handle", "__global_base", "__stack_high", "__memory_base",
    "__table_base", "__tls_base",
  ]) func namesOfTheLinkersAreOfItsKind(_ name: String) throws {
    for isCalled in [true, false] {
      var object = ModuleBuilder(object: true)
      let function = object.undefinedFunction(name, [], [])
      object.function(
        "run", [], isCalled ? [] : [.i32], flags: .exported, [isCalled ? .call(function) : .slot(function)])
      try refused(
        ["main.o": object], "--no-entry",
        mentions: [
          "symbol type mismatch: \(name)", "referred to as WASM_SYMBOL_TYPE_FUNCTION", "main.o", "by the linker",
        ])
    }
    guard name == "__tls_base" else { return }
    var object = ModuleBuilder(object: true)
    let data = object.undefinedData(name)
    object.function("run", [], [.i32], flags: .exported, [.address(data)])
    try refused(
      ["main.o": object], "--no-entry",
      mentions: ["symbol type mismatch: \(name)", "referred to as WASM_SYMBOL_TYPE_DATA", "main.o", "by the linker"])
  }
}
