import Testing

/// Exceptions that cross the borders of lifted units: all of them have to mean the same tag.
@Suite struct LiftedExceptionTests {
  @Test(arguments: samples) func links(_ sample: LiftingCase) async throws {
    for options in neutralOptions { try await sample.check(options) }
  }

  private static let catching = """
    (import "env" "e" (tag $e (param i32))) (import "env" "throw" (func $throw (param i32)))
    (func (export "CATCH") (param i32) (result i32)
      (block $value (result i32) (try_table (catch $e $value) (call $throw (local.get 0))) (i32.const 0)))
    """

  private static func catches(_ name: String) -> String { catching.replacing("CATCH", with: name) }

  static let samples = [
    LiftingCase(
      testDescription: "a tag of one library, caught by another and by the program",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "theirs" (func $theirs (param i32) (result i32))) \(catches("mine"))
            MEMORY (func (export "run") (param i32) (result i32) (call $theirs (local.get 0)))
            """)
        ),
        (
          "libthrow.so",
          LiftingCase.library(
            #"(tag $e (export "e") (param i32)) (func (export "throw") (param i32) (throw $e (local.get 0)))"#)
        ), ("libcatch.so", LiftingCase.library(catches("theirs"))),
      ], calls: [Call("run", 42), Call("mine", 9)], expected: ["run(42) = 42", "mine(9) = 9"]),
    LiftingCase(
      testDescription: "a tag that libraries import and nobody defines",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "theirs" (func $theirs (param i32) (result i32)))
            MEMORY (func (export "run") (param i32) (result i32) (call $theirs (local.get 0)))
            """)
        ),
        (
          "libthrow.so",
          LiftingCase.library(
            """
            (import "env" "e" (tag $e (param i32))) (func (export "throw") (param i32) (throw $e (local.get 0)))
            """)
        ), ("libcatch.so", LiftingCase.library(catches("theirs"))),
      ], calls: [Call("run", 42)], expected: ["run(42) = 42"]),
  ]

  private func object(_ name: String, _ source: String, _ flags: [String] = []) async throws -> String {
    // wasmtime knows the newer of the two kinds of instructions.
    try await Toolchain.shared.compiled(
      name, source,
      ["-x", "c++"] + Toolchain.freestanding + ["-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false"] + flags,
      by: .toolchain)
  }

  /// Position-independent code leaves `__cpp_exception` to others; other code defines it.
  @Test(arguments: [Tool.wasmLinker19, .wasmLinker22], [[], ["-fPIC"]])
  func compiledExceptions(_ linker: Tool, _ independent: [String]) async throws {
    let library = try await object(
      "thrower",
      """
      extern "C" {
      int back(int); void raise(int);
      int throws_above_5(int x) { if (x > 5) raise(x); return x; }
      int catches(int x) { try { return back(x); } catch (...) { return 2000; } }
      }
      """, libraryFlags)
    let program = try await object(
      "main",
      """
      extern "C" {
      int last;
      void raise(int value) { last = value; __builtin_wasm_throw(0, &last); }
      void *__cxa_begin_catch(void *thrown) noexcept { return thrown; }
      void __cxa_end_catch() noexcept {}
      int throws_above_5(int); int catches(int);
      int back(int x) { if (x > 7) raise(x); return throws_above_5(x); }
      __attribute__((export_name("run"))) int run(int x) { try { return catches(x); } catch (...) { return -1; } }
      __attribute__((export_name("own"))) int own(int x) {
        try { return throws_above_5(x); } catch (...) { return 500 + last; }
      }
      }
      """, independent)
    let inputs = [
      "--no-entry", program, try await Toolchain.shared.sharedLibrary("libthrower.so", [library], by: linker),
    ]
    let calls = [Call("run", 3), Call("run", 6), Call("run", 9), Call("own", 2), Call("own", 8)]
    for options in neutralOptions {
      let result = try await linkedHere(inputs + options)
      #expect(
        try await WebAssemblyHost.shared.invoke(result.bytes, calls)
          == "instantiated\nrun(3) = 3\nrun(6) = 2000\nrun(9) = 2000\nown(2) = 2\nown(8) = 508\n", "\(options)")
    }
  }
}
