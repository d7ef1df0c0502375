import Foundation
import Testing

/// Signatures that do not agree.
@Suite struct SignatureTests {
  private func object(_ name: String, _ source: String, _ flags: [String] = []) async throws -> String {
    try await Toolchain.shared.compiled(name, source, Toolchain.freestanding + flags)
  }

  private func library(_ name: String, _ source: String) async throws -> String {
    try await Toolchain.shared.sharedLibrary("lib\(name).so", [object(name, source, libraryFlags)])
  }

  /// Between an object and a library, in either direction and order, it is as between objects.
  @Test(arguments: [[], ["--no-shlib-sigcheck"], ["--no-gc-sections"]])
  func anObjectAndALibraryDisagree(_ options: [String]) async throws {
    let host = #"__attribute__((import_module("host"), import_name("show"))) void show(int);"#
    let definer = try await object(
      "main",
      "\(host) int use(void); void shared(long long a, double b) {} void _start(void) { show(use() == 0); }")
    let using = try await library("using", "int shared(int); int use(void) { return shared(1); }")
    let caller = try await object(
      "caller", "\(host) int shared(int); void _start(void) { show(1); show(shared(1)); }")
    let defining = try await library("defining", "void shared(long long a, double b) {}")
    let position = try await object(
      "position", "\(host) int shared(int); void _start(void) { show(1); show(shared(1)); }", ["-fPIC"])
    for inputs in [[definer, using], [caller, defining], [position, defining]] {
      for order in [inputs, inputs.reversed()] {
        let result = try await link(order + options, warnings: true)
        let isTold = options != ["--no-shlib-sigcheck"]
        #expect(result.errors.contains("warning: function signature mismatch: shared") == isTold)
        for text in ["(i32) -> i32", "(i64, f64) -> void", ".o", ".so"] where isTold {
          #expect(result.errors.contains(text), "no \"\(text)\" in \(result.errors)")
        }
        let transcript = try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
        #expect(transcript.contains("_start() fails: "))
      }
    }
  }

  @Test func twoLibrariesDisagree() async throws {
    let main = try await object("main", "int use(void); void _start(void) { use(); }")
    let one = try await library("using", "int shared(float); int use(void) { return shared(1); }")
    let other = try await library("defining", "int shared(int x) { return x; }")
    try await linkFails(
      [main, one, other], mentions: ["shared", "(f32) -> i32", "(i32) -> i32", "libdefining.so", "libusing.so"])
  }

  @Test func aPlainModuleAndALibraryDisagree() async throws {
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "shared" (func $shared (param i64 i64) (result i32)))
        (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
        (func (export "run") (result i32) (call $shared (i64.const 1) (i64.const 2))))
      """)
    let library = try await library("defining", "int shared(int x) { return x; }")
    try await linkFails(
      [program, library], mentions: ["shared", "(i64, i64) -> i32", "(i32) -> i32", "program.wasm", "libdefining.so"])
  }

  /// Objects follow wasm-ld: a warning, and a stub that traps when it is called.
  @Test func objectsGetAWarningAndATrap() async throws {
    let main = try await object(
      "main",
      """
      __attribute__((import_module("host"), import_name("show"))) void show(int);
      int shared(int); void _start(void) { show(1); show(shared(1)); }
      """)
    let other = try await object("other", "void shared(long long a, double b) {}")
    let result = try await link([main, other], warnings: true)
    for text in [
      "warning: function signature mismatch: shared", "(i32) -> i32", "(i64, f64) -> void", "main.o", "other.o",
    ] {
      #expect(result.errors.contains(text), "no \"\(text)\" in \(result.errors)")
    }
    let reference = try await Toolchain.shared.wasmLink("reference.wasm", [], [main, other])
    let transcript = try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
    #expect(transcript == (try await WebAssemblyHost.shared.invoke(reference, [Call("_start")])))
    #expect(transcript.contains("host.show(1)\n_start() fails: "))
  }

  @Test func fatalWarningsMakeItAnError() async throws {
    let main = try await object("main", "int shared(int); void _start(void) { shared(1); }")
    let other = try await object("other", "void shared(long long a, double b) {}")
    try await linkFails([main, other, "--fatal-warnings"], mentions: ["function signature mismatch: shared"])
  }

  @Test func equalTypesOfDifferentUnitsAreOne() async throws {
    let main = try await object(
      "main", "int one(int); int two(int); int three(int x) { return one(x) + two(x); } void _start(void) { three(1); }"
    )
    let one = try await library("one", "int one(int x) { return x + 1; }")
    let two = try await library("two", "int three(int); int two(int x) { return x > 9 ? three(x) : 2; }")
    let result = try await link([main, one, two])
    let unary: [UInt8] = [0x60, 1, 0x7f, 1, 0x7f]
    #expect(result.module.functionTypes.count { $0 == unary } == 1)
  }

  /// Groups of recursive types are equal when their structure is.
  @Test func equalGroupsOfTypesAreOne() async throws {
    let types =
      "(rec (type $tree (struct (field (ref null $leaf)) (field i32))) (type $leaf (struct (field (ref null $tree)))))"
    let chain = Toolchain.shared
    let maker = try await chain.assembled(
      "maker.wasm",
      "(module \(types) (func (export \"make\") (param i32) (result (ref $tree)) (struct.new $tree (ref.null $leaf) (local.get 0))))"
    )
    let taker = try await chain.assembled(
      "taker.wasm",
      """
      (module (type $unrelated (array i8)) \(types) (import "maker" "make" (func $make (param i32) (result (ref $tree))))
        (func (export "run") (param i32) (result i32) (struct.get $tree 1 (call $make (local.get 0)))))
      """)
    let result = try await link([taker, "maker=" + maker])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("run", 8)]) == "instantiated\nrun(8) = 8\n")
    #expect(result.module.imports.isEmpty)
  }
}
