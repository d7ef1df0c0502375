import Testing

/// Plain modules that import a name from `env` and export the same name: two things, as in a wrapper around a function.
@Suite struct ImportedNameTests {
  @Test(arguments: samples) func links(_ sample: LiftingCase) async throws {
    for options in neutralOptions { try await sample.check(options) }
  }

  /// Exports an `f` that adds 1 to what the imported one gives.
  static let wrapper = LiftingCase.program(
    """
    (import "env" "f" (func $f (param i32) (result i32))) MEMORY
    (func (export "f") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0))))
    (func (export "run") (result i32) (call $f (i32.const 5)))
    """)
  static let library = LiftingCase.library(
    #"(func (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 10)))"#)
  static let user = LiftingCase.library(
    """
    (import "env" "f" (func $f (param i32) (result i32))) (import "GOT.func" "f" (global $p (mut i32)))
    (type $f (func (param i32) (result i32)))
    (func $start (export "_initialize") (global.set $sp (global.get $sp)))
    (func (export "used") (result i32) (i32.add (call $f (i32.const 7)) (call_indirect (type $f) (i32.const 100) (global.get $p))))
    """)
  static let caller = LiftingCase.program(
    #"(import "env" "used" (func $used (result i32))) (func (export "use") (result i32) (call $used))"#)

  /// What a module imports from `env` is what the input of that name has, whoever else has it, in any order.
  @Test(arguments: ["module", "library", "object"]) func theInputCalledEnv(_ kind: String) async throws {
    var importer = ModuleBuilder()
    let f = importer.importFunction("env", "f", [], [.i32])
    let g = kind == "module" ? importer.importGlobal("env", "g", .i32) : nil
    let other = importer.importFunction("env", "elsewhere", [], [.i32])
    importer.function(
      [], [.i32], export: "run",
      [.call(f), .call(other), .i32Add] + (g.map { [.globalGet($0), .i32Add] } ?? [.i32Const(20), .i32Add]))
    func definer(_ value: Int32, _ kind: String, _ more: String? = nil) -> ModuleBuilder {
      var unit =
        switch kind {
        case "module": ModuleBuilder()
        case "library": ModuleBuilder(dylink: Dylink())
        default: ModuleBuilder(object: true)
        }
      let functions = [("f", value)] + (more.map { [($0, Int32(100))] } ?? [])
      for (name, value) in functions {
        if kind == "object" {
          unit.function(name, [], [.i32], [.i32Const(value)])
        } else {
          unit.function([], [.i32], export: name, [.i32Const(value)])
        }
      }
      if kind == "module" { unit.global(.i32, [.i32Const(value * 10)], export: "g") }
      return unit
    }
    for second in ["module", "library"] {
      let inputs = try InputSet([
        ("importer.wasm", importer), ("meant", definer(2, kind)), ("other", definer(1, second, "elsewhere")),
      ])
      for order in permutations(["importer.wasm", "env=meant", "x=other"]) {
        let run = inputs.link(order + ["--rename-export-conflicts"])
        let bytes = try #require(run.bytes, "\(kind) \(order): \(run.errors)")
        #expect(
          try await WebAssemblyHost.shared.invoke(bytes, [Call("run")]) == "instantiated\nrun() = 122\n",
          "\(kind) \(order)")
      }
    }
  }

  static let samples = [
    LiftingCase(
      testDescription: "a wrapper around a library's function, which other libraries call",
      modules: [
        ("program.wasm", wrapper), ("libf.so", library), ("libuser.so", user), ("caller=caller.wasm", caller),
      ], calls: [Call("run"), Call("f", 5), Call("use")], expected: ["run() = 50", "f(5) = 51", "use() = 1072"]),
    LiftingCase(
      testDescription: "the library first, and a module with a name",
      modules: [
        ("libf.so", library), ("app=program.wasm", wrapper), ("libuser.so", user), ("caller=caller.wasm", caller),
      ], calls: [Call("run"), Call("f", 5), Call("use")], expected: ["run() = 50", "f(5) = 51", "use() = 1070"]),
    LiftingCase(
      testDescription: "nobody else defines it",
      modules: [("program.wasm", wrapper), ("libuser.so", user), ("caller=caller.wasm", caller)],
      calls: [Call("run"), Call("use")],
      expected: ["env.f(5)", "run() = 0", "env.f(7)", "env.f(100)", "use() = 2"]),
    LiftingCase(
      testDescription: "two wrappers, around the function of a third module that imports one of them by its name",
      modules: [
        ("program.wasm", wrapper),
        (
          "second=second.wasm",
          """
          (module (import "env" "f" (func $f (param i32) (result i32)))
            (func (export "f") (param i32) (result i32) (i32.mul (i32.const 3) (call $f (local.get 0)))))
          """
        ),
        (
          "env=third.wasm",
          """
          (module (import "second" "f" (func $f (param i32) (result i32)))
            (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 100)))
            (func (export "third") (result i32) (call $f (i32.const 2))))
          """
        ),
      ], options: ["--skip-export-conflicts"], calls: [Call("run"), Call("f", 5), Call("third")],
      expected: ["run() = 105", "f(5) = 106", "third() = 306"]),
    LiftingCase(
      testDescription: "an import that is exported again, under its own and under each other's name",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "f" (func $f (param i32) (result i32))) (export "f" (func $f))
            (import "env" "left" (func $left (result i32))) (import "env" "right" (func $right (result i32)))
            (export "left" (func $right)) (export "right" (func $left)) MEMORY
            """)
        ), ("libf.so", library),
        ("libleft.so", LiftingCase.library(#"(func (export "left") (result i32) (i32.const 8))"#)),
      ], calls: [Call("f", 5), Call("right"), Call("left")],
      expected: ["f(5) = 50", "right() = 8", "env.right()", "left() = 0"]),
    LiftingCase(
      testDescription: "globals, tags and an export of another kind",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "g" (global $g i32)) (import "env" "e" (tag $e (param i32)))
            (import "env" "throw" (func $throw)) (import "env" "k" (func $k (result i32))) MEMORY
            (global (export "g") i32 (i32.const 9)) (tag (export "e") (param i32)) (global (export "k") i32 (i32.const 6))
            (func (export "run") (result i32) (global.get $g))
            (func (export "caught") (result i32)
              (block $value (result i32) (try_table (catch $e $value) (call $throw)) (i32.const 0)))
            (func (export "kind") (result i32) (call $k))
            """)
        ),
        (
          "parts=parts.wasm",
          """
          (module (global (export "g") i32 (i32.const 10)) (tag $e (export "e") (param i32))
            (func (export "throw") (throw $e (i32.const 77))) (func (export "k") (result i32) (i32.const 5)))
          """
        ),
      ], options: ["--skip-export-conflicts"], calls: [Call("run"), Call("caught"), Call("kind")],
      expected: ["run() = 10", "caught() = 77", "kind() = 5"]),
  ]

  /// A definition in an object has the name to itself; a weak one only has to be there.
  @Test(arguments: [("", 200), ("__attribute__((weak))", 201)], ["object", "archive"])
  func wrapsAnObjectsFunction(_ attribute: (text: String, used: Int), _ form: String) async throws {
    let object = try await Toolchain.shared.compiled(
      "f", "\(attribute.text) int f(int x) { return x * 100; } int use(void) { return f(2); }",
      Toolchain.freestanding + ["-fno-inline"])
    let input = form == "object" ? object : try await Toolchain.shared.archive("libf.a", [object])
    let module = try await Toolchain.shared.assembled("program.wasm", Self.wrapper)
    for inputs in [[module, input], [input, module]] {
      let result = try await link(inputs + ["--export=use"])
      let transcript = try await WebAssemblyHost.shared.invoke(result.path, [Call("run"), Call("f", 5), Call("use")])
      #expect(transcript == "instantiated\nrun() = 500\nf(5) = 501\nuse() = \(attribute.used)\n")
    }
  }
}
