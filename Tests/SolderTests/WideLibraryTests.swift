import Testing

/// Shared libraries with addresses of 64 bits.
@Suite struct WideLibraryTests {
  private static let flags = ["--target=wasm64", "-ffreestanding", "-O1"]

  private func library(_ linker: Tool, _ options: [String]) async throws -> String {
    let object = try await Toolchain.shared.compiled(
      "wide",
      """
      int data[4] = {1, 2, 3, 4};
      int *in_data = &data[2];
      static int hidden = 9;
      static int *to_hidden = &hidden;
      extern int outside[];
      extern int outside_function(int);
      int *to_outside = outside + 1;
      int exported(int x) { return x + *in_data; }
      static int local(int x) { return x * 2; }
      int (*to_exported)(int) = exported;
      int (*to_local)(int) = local;
      int (*to_function_outside)(int) = outside_function;
      int zeros[1000];
      int *get_data(void) { return data; }
      int (*pick(int i))(int) { return i == 0 ? exported : i == 1 ? local : outside_function; }
      int sum(int n) {
        int result = 0;
        for (int i = 0; i < 4; i++) result += data[i];
        return result + *to_hidden + *to_outside + to_exported(1) + to_local(2) + to_function_outside(3) + outside[0] + zeros[n];
      }
      __attribute__((constructor)) static void construct(void) { data[0] = 100; }
      int use_stack(int n) {
        volatile int numbers[16];
        int result = 0;
        for (int i = 0; i < 16; i++) numbers[i] = i * n;
        for (int i = 0; i < 16; i++) result += numbers[i];
        return result;
      }
      """, Self.flags + libraryFlags)
    return try await Toolchain.shared.sharedLibrary("libwide.so", [object], ["-mwasm64"] + options, by: linker)
  }

  static let linkers: [(Tool, [String])] = [
    (.wasmLinker19, []), (.wasmLinker, ["--strip-all"]), (.wasmLinker22, ["--compress-relocations", "--strip-debug"]),
  ]

  @Test(arguments: linkers, [[], ["-fPIC"]])
  func withAnObject(_ linker: (tool: Tool, options: [String]), _ independent: [String]) async throws {
    let object = try await Toolchain.shared.compiled(
      "main",
      """
      int outside[] = {7, 8};
      int outside_function(int x) { return x * 1000; }
      extern int data[];
      int *get_data(void); int (*pick(int))(int); int sum(int); int use_stack(int); int exported(int);
      __attribute__((import_module("host"), import_name("show"))) void show(int);
      void _start(void) {
        show(data[1]); show(get_data() == data);
        show(pick(0) == exported); show(pick(0)(1)); show(pick(1)(4)); show(pick(2) == outside_function); show(pick(2)(2));
        show(sum(3)); show(use_stack(2));
      }
      """, Self.flags + independent)
    let inputs = ["-mwasm64", object, try await library(linker.tool, linker.options)]
    let expected = [2, 1, 1, 4, 8, 1, 2000, 3141, 240].map { "host.show(\($0))\n" }.joined()
    for options in neutralOptions where !options.contains("--export-all") {
      let result = try await link(inputs + options)
      let transcript = try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")])
      #expect(transcript == "instantiated\n\(expected)_start() = None\n", "\(options)")
    }
  }

  static let program = """
    (module (import "env" "sum" (func $sum (param i32) (result i32)))
      (import "env" "pick" (func $pick (param i32) (result i64))) (import "env" "data" (global $data i64))
      (import "env" "get_data" (func $get_data (result i64))) (import "env" "use_stack" (func $use_stack (param i32) (result i32)))
      (memory (export "memory") i64 1) (table $t i64 3 funcref) (elem (table $t) (i64.const 1) func $own $outside)
      (type $f (func (param i32) (result i32))) (global (export "__heap_base") i64 (i64.const 1024))
      (global (export "outside") i64 (i64.const 16)) (data (i64.const 16) "\\07\\00\\00\\00\\08\\00\\00\\00")
      (func $own (result i32) (i32.const 3))
      (func $outside (export "outside_function") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 1000)))
      (func (export "run") (result i32) (call $sum (i32.const 3)))
      (func (export "same") (result i32) (i64.eq (call $get_data) (global.get $data)))
      (func (export "datum") (result i32) (i32.load (i64.add (global.get $data) (i64.const 4))))
      (func (export "pointer") (result i32) (i64.eq (call $pick (i32.const 2)) (i64.const 2)))
      (func (export "stack") (result i32) (call $use_stack (i32.const 2)))
      (func (export "calls") (result i32)
        (i32.add (call_indirect $t (type $f) (i32.const 1) (call $pick (i32.const 0)))
          (call_indirect $t (type $f) (i32.const 4) (call $pick (i32.const 1))))))
    """

  @Test(arguments: linkers) func withAPlainModule(_ linker: (tool: Tool, options: [String])) async throws {
    let inputs = [
      try await Toolchain.shared.assembled("program.wasm", Self.program),
      try await library(linker.tool, linker.options),
    ]
    let calls = ["run", "same", "datum", "pointer", "stack", "calls"].map { Call($0) }
    for options in neutralOptions {
      let result = try await link(inputs + options)
      let transcript = try await WebAssemblyHost.shared.invoke(result.path, calls)
      #expect(
        transcript
          == "instantiated\nrun() = 3141\nsame() = 1\ndatum() = 2\npointer() = 1\nstack() = 240\ncalls() = 12\n",
        "\(options)")
    }
  }

  /// Before LLVM 19 there were no tables with indices of 64 bits.
  @Test func aTableOf32BitsIsAnError() async throws {
    let library = try await Toolchain.shared.assembled(
      "libnarrow.so",
      """
      (module (@dylink.0 (mem-info (memory 0 0) (table 0 0)))
        (import "env" "memory" (memory i64 0)) (import "env" "__indirect_function_table" (table $table 0 funcref))
        (import "env" "__memory_base" (global $mb i64)) (import "GOT.func" "f" (global $f (mut i64)))
        (func (export "f")) (func (export "call") (call_indirect $table (i32.wrap_i64 (global.get $f)))))
      """)
    let program = try await Toolchain.shared.assembled(
      "program.wasm", #"(module (import "env" "call" (func $f)) (memory i64 1) (export "run" (func $f)))"#)
    try await linkFails([program, library], mentions: ["libnarrow.so", "indices of 32 bits", "has 64"])
  }

  /// A finished module says how wide addresses are, wherever it stands; objects alone need the option.
  @Test(arguments: [true, false]) func aFinishedModuleDecides(_ isLibrary: Bool) async throws {
    var object = ModuleBuilder(object: true, is64: true)
    let datum = object.data("datum", [7, 0, 0, 0])
    object.function("run", [], [.i32], flags: .exported, [.address64(datum), .i32Load()])
    var other = ModuleBuilder(dylink: isLibrary ? Dylink() : nil, is64: true)
    if isLibrary {
      other.importMemory("env", "memory", Limits(0, is64: true))
    } else {
      other.memory(Limits(1, is64: true), export: "memory")
      other.global(.i64, [.i64Const(64)], export: "__heap_base")
    }
    let files = try InputSet([("object.o", object), ("other", other)])
    for order in permutations(files.names) {
      #expect(try await files.transcript(["--no-entry"] + order, [Call("run")]) == "run() = 7")
    }
    files.refuse(["--no-entry", "object.o"], ["object.o: must specify -mwasm64"])
    files.refuse(["--no-entry", "-mwasm32"] + files.names, ["-mwasm64"])
  }
}
