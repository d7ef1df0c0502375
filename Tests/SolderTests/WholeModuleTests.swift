import Testing

/// Programs of compilers that write whole modules, in the shape in which they write them.
@Suite struct WholeModuleTests {
  // MARK: A run-time system, and several units under one name

  /// As OCaml's compiler has it: the run-time system is `env`, units are all `OCaml`, values are references of types that each
  /// module declares for itself, and strings are the host's.
  private static let runtime = """
    (module
      (type $block (array (mut (ref eq)))) (type $closure (sub (struct (field i32))))
      (type $function (sub final $closure (struct (field i32) (field (mut (ref eq))))))
      (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
      (tag $raised (export "ocaml_exception") (param (ref eq)))
      (global (export "unit") (ref eq) (ref.i31 (i32.const 0)))
      (func (export "field") (param (ref eq) i32) (result (ref eq))
        (array.get $block (ref.cast (ref $block) (local.get 0)) (local.get 1)))
      (func (export "apply") (param (ref eq)) (result (ref eq))
        (struct.get $function 1 (ref.cast (ref $function) (local.get 0))))
      (func (export "string_length") (param externref) (result i32) (call $length (local.get 0))))
    """
  private static let library = """
    (module
      (type $closure (sub (struct (field i32))))
      (type $function (sub final $closure (struct (field i32) (field (mut (ref eq))))))
      (type $block (array (mut (ref eq))))
      (import "env" "ocaml_exception" (tag $raised (param (ref eq))))
      (import "env" "string_length" (func $length (param externref) (result i32)))
      (global (export "pair_tag") i32 (i32.const 20))
      (func (export "pair") (param (ref eq) (ref eq)) (result (ref eq))
        (array.new_fixed $block 2 (local.get 0) (local.get 1)))
      (func (export "close") (param (ref eq)) (result (ref eq)) (struct.new $function (i32.const 1) (local.get 0)))
      (func (export "fail") (param (ref eq)) (throw $raised (local.get 0)))
      (func (export "length") (param externref) (result i32) (call $length (local.get 0))))
    """
  private static let program = """
    (module
      (import "env" "field" (func $field (param (ref eq) i32) (result (ref eq))))
      (import "env" "apply" (func $apply (param (ref eq)) (result (ref eq))))
      (import "env" "unit" (global $unit (ref eq)))
      (import "env" "ocaml_exception" (tag $raised (param (ref eq))))
      (import "OCaml" "pair" (func $pair (param (ref eq) (ref eq)) (result (ref eq))))
      (import "OCaml" "close" (func $close (param (ref eq)) (result (ref eq))))
      (import "OCaml" "fail" (func $fail (param (ref eq))))
      (import "OCaml" "pair_tag" (global $tag i32))
      (func $number (param (ref eq)) (result i32) (i31.get_s (ref.cast (ref i31) (local.get 0))))
      (func (export "run") (result i32)
        (i32.add (i32.add (global.get $tag)
          (call $number (call $field (call $pair (global.get $unit) (ref.i31 (i32.const 300))) (i32.const 1))))
          (i32.add
            (call $number (call $apply (call $close (ref.i31 (i32.const 4000)))))
            (call $number (block $caught (result (ref eq))
              (try_table (catch $raised $caught) (call $fail (ref.i31 (i32.const 50000))))
              (unreachable)))))))
    """

  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) func unitsUnderOneName(_ order: [Int]) async throws {
    let texts = [("env", Self.runtime), ("OCaml", Self.library), ("OCaml", Self.program)]
    var words = ["merge"]
    for place in order {
      words += [try await Toolchain.shared.assembled("unit\(place).wasm", texts[place].1), texts[place].0]
    }
    let result = try await linkedHere(words)
    #expect(result.module.imports.map(\.name) == ["length"])
    // The same types are one type: what one module makes, another takes.
    #expect(try await result.call("run") == "54320")
  }

  @Test(arguments: [false, true]) func inTwoSteps(_ runtimeFirst: Bool) async throws {
    let runtime = try await Toolchain.shared.assembled("runtime.wasm", Self.runtime)
    let library = try await Toolchain.shared.assembled("library.wasm", Self.library)
    let program = try await Toolchain.shared.assembled("program.wasm", Self.program)
    let folder = try TemporaryFolder()
    let first =
      runtimeFirst ? ["merge", runtime, "env", library, "OCaml"] : ["merge", library, "OCaml", program, "OCaml"]
    try folder.write(try await linkedHere(first).bytes, to: "first.wasm")
    let both = folder.file("first.wasm")
    // What has two names by now is given under both.
    let second =
      runtimeFirst ? ["merge", both, "env", both, "OCaml", program, "main"] : ["merge", runtime, "env", both, "OCaml"]
    guard !runtimeFirst else {
      // Two instances of one module: each with a tag of its own, so that the exception of one is not the other's.
      refusedHere(second, mentions: ["first.wasm"])
      return
    }
    #expect(try await linkedHere(second).call("run") == "54320")
  }

  // MARK: A C program with its memory, table and stack

  /// As emscripten writes a program that needs no JavaScript to move its stack: what the host calls, and what it gives.
  private static let standalone = """
    (module
      (import "env" "emscripten_notify_memory_growth" (func $grown (param i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "plugin" "scale" (func $scale (param i32) (result i32)))
      (memory (export "memory") 2 256)
      (table (export "__indirect_function_table") 3 3 funcref)
      (global $stack (mut i32) (i32.const 66560))
      (elem (i32.const 1) func $twice $scaled)
      (data (i32.const 1024) "\\07\\00\\00\\00")
      (type $unary (func (param i32) (result i32)))
      (func $twice (type $unary) (i32.mul (local.get 0) (i32.const 2)))
      (func $scaled (type $unary) (call $scale (local.get 0)))
      (func (export "_initialize") (i32.store (i32.const 1024) (i32.add (i32.const 1) (i32.load (i32.const 1024)))))
      (func (export "stackSave") (result i32) (global.get $stack))
      (func (export "stackRestore") (param i32) (global.set $stack (local.get 0)))
      (func (export "stackAlloc") (param i32) (result i32)
        (global.set $stack (i32.sub (global.get $stack) (local.get 0))) (global.get $stack))
      (func (export "dynCall_ii") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0)))
      (func (export "run") (result i32)
        (i32.add (i32.load (i32.const 1024)) (call_indirect (type $unary) (i32.const 10) (i32.const 2))))
      (func (export "quit") (call $exit (i32.const 0)))
      (func (export "grow") (call $grown (i32.const 0))))
    """
  private static let plugin = """
    (module
      (memory 1) (data (i32.const 1024) "\\05\\00\\00\\00")
      (table 2 funcref) (elem (i32.const 1) func $five)
      (type $number (func (result i32)))
      (func $five (type $number) (i32.load (i32.const 1024)))
      (func (export "scale") (param i32) (result i32)
        (i32.mul (local.get 0) (call_indirect (type $number) (i32.const 1)))))
    """

  @Test(arguments: [false, true]) func aProgramWithAPlugin(_ reversed: Bool) async throws {
    let program = try await Toolchain.shared.assembled("program.wasm", Self.standalone)
    let plugin = try await Toolchain.shared.assembled("plugin.wasm", Self.plugin)
    let pairs = [[program, "main"], [plugin, "plugin"]]
    let result = try await linkedHere(["merge"] + (reversed ? pairs.reversed() : pairs).flatMap { $0 })
    #expect(Set(result.module.imports.map(\.name)) == ["emscripten_notify_memory_growth", "proc_exit"])
    let calls = [
      Call("_initialize"), Call("run"), Call("dynCall_ii", 1, 21), Call("stackAlloc", 16), Call("stackSave"),
    ]
    let lines = try await WebAssemblyHost.shared.invoke(result.bytes, calls).split(separator: "\n").map(String.init)
    #expect(
      Array(lines.filter { $0 != "instantiated" }.suffix(4)) == [
        "run() = 58", "dynCall_ii(1, 21) = 42", "stackAlloc(16) = 66544", "stackSave() = 66544",
      ])
  }
}
