import Testing

/// Whole modules of other compilers, with shared libraries and alone.
@Suite struct PlainModuleTests {
  private func library(_ name: String = "liblibrary.so") async throws -> String {
    let object = try await Toolchain.shared.object("plain/library.c", Toolchain.freestanding + libraryFlags)
    return try await Toolchain.shared.sharedLibrary(name, [object])
  }

  /// A program with static data in [16, 1024), a stack in [1024, 32768) and its heap from 32768 on.
  private func program(
    _ from: String = "env", heapBase: String = #"(global (export "__heap_base") i32 (i32.const 32768))"#
  ) -> String {
    """
    (module
      (import "\(from)" "library_apply" (func $apply (param i32 i32) (result i32)))
      (import "\(from)" "library_pick" (func $pick (param i32) (result i32)))
      (import "\(from)" "library_pointed" (func $pointed (param i32) (result i32)))
      (import "\(from)" "library_address" (func $address (param i32) (result i32)))
      (import "\(from)" "library_greeting" (func $greeting (result i32)))
      (import "\(from)" "library_stack" (func $stack (result i32)))
      (import "\(from)" "library_zeros" (func $zeros (result i32)))
      (import "\(from)" "library_wide" (func $wide (param i64 f64) (result i64)))
      (import "host" "show" (func $show (param i32)))
      (import "host" "print_string" (func $print (param i32)))
      (type $unary (func (param i32) (result i32)))
      (memory (export "memory") 1)
      (table $table 5 funcref)
      (elem (i32.const 1) $negate $increment)
      (global $__stack_pointer (mut i32) (i32.const 32768))
      \(heapBase)
      (global $count (export "count") (mut i32) (i32.const 3))
      (data (i32.const 16) "text of the program\\00")
      (data (i32.const 1000) "\\2a\\00\\00\\00")
      (start $begin)
      (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))
      (func $increment (param i32) (result i32) (i32.add (i32.const 1) (local.get 0)))
      (func $begin
        (global.set $count (call $pointed (i32.const 0)))
        (call $print (i32.const 16)))
      (func (export "apply") (param i32 i32) (result i32) (call $apply (local.get 0) (local.get 1)))
      (func (export "picked") (param i32 i32) (result i32)
        (call_indirect (type $unary) (local.get 1) (call $pick (local.get 0))))
      (func (export "apply_picked") (param i32 i32) (result i32)
        (call $apply (call $pick (local.get 0)) (local.get 1)))
      (func (export "same_twice") (param i32) (result i32)
        (i32.eq (call $pick (local.get 0)) (call $pick (local.get 0))))
      (func (export "pointed") (param i32) (result i32) (call $pointed (local.get 0)))
      (func (export "change") (param i32 i32) (i32.store (call $address (local.get 0)) (local.get 1)))
      (func (export "greet") (call $print (call $greeting)) (call $print (i32.const 16)))
      (func (export "stack_is_ours") (result i32)
        (local $at i32)
        (local.set $at (call $stack))
        (i32.and (i32.ge_u (local.get $at) (i32.const 1024)) (i32.lt_u (local.get $at) (i32.const 32768))))
      (func (export "zeros") (result i32) (call $zeros))
      (func (export "wide") (param i64) (result i64) (call $wide (local.get 0) (f64.const 2.75)))
      (func (export "datum") (result i32) (i32.load (i32.const 1000)))
      (func (export "lowest_library_address") (result i32)
        (i32.ge_u (call $address (i32.const 0)) (i32.const 32768)))
      (func (export "show") (call $show (global.get $count))))
    """
  }

  private let calls = [
    Call("apply", 1, 5), Call("apply", 2, 5), Call("picked", 0, 7), Call("picked", 1, 7), Call("apply_picked", 1, 9),
    Call("same_twice", 0), Call("pointed", 0), Call("pointed", 1), Call("pointed", 2), Call("change", 0, 55),
    Call("change", 1, 66), Call("pointed", 1), Call("greet"), Call("stack_is_ours"), Call("zeros"), Call("zeros"),
    Call("wide", 40), Call("datum"), Call("lowest_library_address"), Call("show"),
  ]

  private let transcript = """
    string: text of the program
    instantiated
    apply(1, 5) = 96
    apply(2, 5) = 108
    picked(0, 7) = 21
    picked(1, 7) = 49
    apply_picked(1, 9) = 184
    same_twice(0) = 1
    pointed(0) = 2
    pointed(1) = 103
    pointed(2) = 1
    change(0, 55) = None
    change(1, 66) = None
    pointed(1) = 66
    string: text of the library
    string: text of the program
    greet() = None
    stack_is_ours() = 1
    zeros() = 0
    zeros() = 70000
    wide(40) = 42
    datum() = 42
    lowest_library_address() = 1
    host.show(2)
    show() = None

    """

  @Test func importsFromEnv() async throws {
    let program = try await Toolchain.shared.assembled("program.wasm", program())
    let result = try await link([program, library()])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, calls) == transcript)
    #expect(result.module.imports.map(\.description) == ["host.show (function)", "host.print_string (function)"])
    expectHeapBehindData(result.module)
  }

  @Test func importsFromANameGivenToTheLibrary() async throws {
    let program = try await Toolchain.shared.assembled("program.wasm", program("mathematics"))
    let result = try await link([program, "mathematics=" + library()])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, calls) == transcript)
    #expect(result.module.imports.map(\.description) == ["host.show (function)", "host.print_string (function)"])
  }

  @Test func theLibraryMayComeFirst() async throws {
    let program = try await Toolchain.shared.assembled("program.wasm", program())
    let result = try await link([library(), program])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, calls) == transcript)
  }

  /// `__heap_base` may be a global's name instead of an export, or an import.
  @Test func heapBaseByName() async throws {
    let named =
      #"(global $__heap_base i32 (i32.const 32768)) (func (export "heap") (result i32) (global.get $__heap_base))"#
    let program = try await Toolchain.shared.assembled("program.wasm", program(heapBase: named))
    let result = try await link([program, library()])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, calls) == transcript)
    let heap = try await WebAssemblyHost.shared.invoke(result.path, [Call("heap")])
    let value = Int(heap.split(separator: " ").last!.dropLast()) ?? 0
    #expect(value >= 32768 + 70000, "\(heap)")
  }

  @Test func heapBaseAsAnImport() async throws {
    // Without a number of its own such a program has to say some other way where its data ends: its segments end at 1004,
    // and it asks for all of its memory from the linker.
    let text = """
      (module
        (import "env" "__heap_base" (global $heap i32))
        (import "env" "library_pointed" (func $pointed (param i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 1000) "\\2a\\00\\00\\00")
        (func (export "heap_is_free") (result i32)
          (i32.and (i32.ge_u (global.get $heap) (i32.const 70000))
            (i32.eqz (i32.load (global.get $heap)))))
        (func (export "pointed") (result i32) (call $pointed (i32.const 0)))
        (func (export "datum") (result i32) (i32.load (i32.const 1000))))
      """
    let program = try await Toolchain.shared.assembled("program.wasm", text)
    let result = try await link([program, library()])
    let calls = [Call("heap_is_free"), Call("pointed"), Call("datum")]
    #expect(
      try await WebAssemblyHost.shared.invoke(result.path, calls)
        == "instantiated\nheap_is_free() = 1\npointed() = 2\ndatum() = 42\n")
    #expect(result.module.imports.isEmpty)
  }

  /// With `_start`, constructors wait until the host can see the memory.
  @Test func constructorsRunFromTheEntry() async throws {
    let source = """
      __attribute__((import_module("host"), import_name("print_string"))) void print_string(const char *text);
      __attribute__((constructor)) static void construct(void) { print_string("constructor"); }
      void library_touch(void) { print_string("library"); }
      """
    let object = try await Toolchain.shared.compiled("talking", source, Toolchain.freestanding + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary("libtalking.so", [object])
    for entry in ["_start", "_initialize"] {
      let program = try await Toolchain.shared.assembled(
        "program.wasm",
        """
        (module (import "env" "library_touch" (func $touch)) (import "host" "begun" (func $begun))
          (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
          (start $begun) (func (export "\(entry)") (call $touch)))
        """)
      let result = try await link([program, library])
      #expect(
        try await WebAssemblyHost.shared.invoke(result.path, [Call(entry)])
          == "host.begun()\ninstantiated\nstring: constructor\nstring: library\n\(entry)() = None\n")
    }
  }

  @Test func withoutAStackPointerALibraryGetsAStack() async throws {
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "library_stack" (func $stack (result i32)))
        (memory (export "memory") 1 1000) (global (export "__heap_base") i32 (i32.const 2048))
        (func (export "stack_is_elsewhere") (result i32) (i32.ge_u (call $stack) (i32.const 2048))))
      """)
    let result = try await link([program, library(), "-z", "stack-size=131072"])
    #expect(
      try await WebAssemblyHost.shared.invoke(result.path, [Call("stack_is_elsewhere")])
        == "instantiated\nstack_is_elsewhere() = 1\n")
    let memory = try #require(result.module.memories.first)
    #expect(memory.maximum == 1000)
    #expect(memory.minimum * 65536 >= 2048 + 131072)
    expectHeapBehindData(result.module)
  }

  @Test func whatNobodyOffersStaysAnImport() async throws {
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "library_square" (func $square (param i32) (result i32)))
        (import "env" "missing" (func $missing (param i32)))
        (import "elsewhere" "library_square" (func $other (param i32) (result i32)))
        (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
        (func (export "run") (call $missing (call $other (call $square (i32.const 5))))))
      """)
    let result = try await link([program, library()])
    #expect(
      try await WebAssemblyHost.shared.invoke(result.path, [Call("run")])
        == "instantiated\nelsewhere.library_square(25)\nenv.missing(0)\nrun() = None\n")
  }

  @Test func whatANamedInputDoesNotOfferIsAnError() async throws {
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "mathematics" "library_cube" (func $cube (param i32) (result i32)))
        (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
        (func (export "run") (result i32) (call $cube (i32.const 5))))
      """)
    try await linkFails(
      [program, "mathematics=" + library()],
      mentions: ["program.wasm", "undefined symbol", "mathematics", "library_cube", "liblibrary.so"])
  }

  @Test func whatALibraryMissesIsAnErrorWithEveryReferrer() async throws {
    var libraries: [String] = []
    for name in ["one", "two"] {
      let source = "int nowhere(int); int \(name)(void) { return nowhere(1); }"
      let object = try await Toolchain.shared.compiled(name, source, Toolchain.freestanding + libraryFlags)
      libraries.append(try await Toolchain.shared.sharedLibrary("lib\(name).so", [object]))
    }
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "one" (func $one (result i32))) (import "env" "two" (func $two (result i32)))
        (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
        (func (export "run") (result i32) (i32.add (call $one) (call $two))))
      """)
    try await linkFails(
      [program] + libraries, mentions: ["undefined symbol", "nowhere", "libone.so", "libtwo.so"])
    for option in ["--import-undefined", "--allow-undefined"] {
      let result = try await link([program] + libraries + [option])
      #expect(
        try await WebAssemblyHost.shared.invoke(result.path, [Call("run")])
          == "instantiated\nenv.nowhere(1)\nenv.nowhere(1)\nrun() = 0\n")
    }
  }

  @Test func memoryIsRaisedAsNeeded() async throws {
    let program = try await Toolchain.shared.assembled("program.wasm", program())
    let result = try await link([program, library()])
    let memory = try #require(result.module.memories.first)
    #expect(memory.minimum >= 2, "the library's 70,000 bytes do not fit into the program's one page")
    #expect(result.module.tables.count == 1)
    #expect((result.module.tables.first?.minimum ?? 0) >= 7)
  }

  @Test func severalPlainModulesAndALibraryOfTheSameName() async throws {
    let chain = Toolchain.shared
    let provider = try await chain.assembled(
      "provider.wasm",
      #"(module (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))"#)
    let program = try await chain.assembled(
      "program.wasm",
      """
      (module (import "provider" "twice" (func $twice (param i32) (result i32)))
        (import "library" "library_square" (func $square (param i32) (result i32)))
        (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64))
        (func (export "run") (param i32) (result i32) (call $twice (call $square (local.get 0)))))
      """)
    let result = try await link([program, "provider=" + provider, "library=" + library()])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("run", 6)]) == "instantiated\nrun(6) = 72\n")
    #expect(result.module.imports.isEmpty)
  }

  private func expectHeapBehindData(_ module: ModuleDescription, sourceLocation: SourceLocation = #_sourceLocation) {
    let heap = module.exportedConstant("__heap_base") ?? 0
    #expect(heap >= 70000, "the heap begins at \(heap)", sourceLocation: sourceLocation)
    #expect(UInt64(heap) <= (module.memories.first?.minimum ?? 0) * 65536, sourceLocation: sourceLocation)
  }
}
