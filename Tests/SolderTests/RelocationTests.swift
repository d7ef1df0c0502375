import Testing

/// What the relocation code of a shared library says is in the result's data; code that cannot be read is kept and called.
@Suite struct RelocationTests {
  /// A library in text form whose `__wasm_apply_data_relocs` is `code`; its block has 64 bytes, `value` at 4.
  private func library(_ code: String, more: String = "") -> String {
    """
    (module
      (@dylink.0 (mem-info (memory 64 4) (table 2 0)))
      (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 0 funcref))
      (import "env" "__memory_base" (global $mb i32)) (import "env" "__table_base" (global $tb i32))
      (import "env" "__stack_pointer" (global $__stack_pointer (mut i32)))
      (import "GOT.mem" "program_value" (global $pv (mut i32))) (import "GOT.mem" "value" (global $own (mut i32)))
      (import "GOT.func" "program_function" (global $pf (mut i32))) (import "GOT.func" "value_of" (global $vo (mut i32)))
      (global $value i32 (i32.const 4))
      (export "value" (global $value)) (export "value_of" (func $value_of)) (export "word" (func $word))
      (export "__wasm_apply_data_relocs" (func $__wasm_apply_data_relocs)) (export "__wasm_call_ctors" (func $ctors))
      \(more)
      (elem (global.get $tb) $value_of $hidden)
      (data (global.get $mb) "\\01\\00\\00\\00\\2a\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00\\05\\00\\00\\00")
      (func $ctors)
      (func $value_of (result i32) (i32.load (i32.add (global.get $mb) (i32.const 4))))
      (func $hidden (result i32) (i32.const 77))
      (func $word (param i32) (result i32) (i32.load (i32.add (global.get $mb) (local.get 0))))
      (func $__wasm_apply_data_relocs \(code)))
    """
  }

  private let program = """
    int program_value[4] = {10, 11, 12, 13};
    int program_function(void) { return 66; }
    extern int value;
    int value_of(void);
    int word(int offset);
    __attribute__((import_module("host"), import_name("show"))) void show(int what, int value);
    void __wasm_call_ctors(void);
    void _start(void) {
      __wasm_call_ctors();
      show(0, value);
      show(1, value_of());
      show(8, *(int *)word(8));
      show(12, ((int (*)(void))word(12))());
      show(16, ((int (*)(void))word(16))());
      show(17, (void *)word(8) == &program_value[3]);
      show(18, (void *)word(12) == (void *)program_function);
      show(20, word(20) - (int)&value);
      show(24, word(24));
      show(28, word(28) ? ((int (*)(void))word(28))() : 0);
      show(29, (void *)word(28) == (void *)value_of);
    }
    """

  private func main() async throws -> String {
    try await Toolchain.shared.compiled("main", program, Toolchain.freestanding)
  }

  /// Offset 8: &program_value[3]; 12: program_function; 16: the own function at slot 1; 20: &value + 4; 28: value_of.
  private let transcript = """
    instantiated
    host.show(0, 42)
    host.show(1, 42)
    host.show(8, 13)
    host.show(12, 66)
    host.show(16, 77)
    host.show(17, 1)
    host.show(18, 1)
    host.show(20, 4)
    host.show(24, 0)
    host.show(28, 42)
    host.show(29, 1)
    _start() = None

    """

  struct Form: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    var more = ""
  }

  /// The ways in which producers write the same relocations.
  static let forms = [
    Form(
      testDescription: "as wasm-ld, the base first",
      code: """
        (i32.store (i32.add (global.get $mb) (i32.const 8)) (i32.add (global.get $pv) (i32.const 12)))
        (i32.store (i32.add (global.get $mb) (i32.const 12)) (global.get $pf))
        (i32.store (i32.add (global.get $mb) (i32.const 16)) (i32.add (global.get $tb) (i32.const 1)))
        (i32.store (i32.add (global.get $mb) (i32.const 20)) (i32.add (global.get $own) (i32.const 4)))
        (i32.store (i32.add (global.get $mb) (i32.const 28)) (global.get $vo))
        """),
    Form(
      testDescription: "the constant first, offsets in the stores",
      code: """
        (i32.store (i32.add (i32.const 8) (global.get $mb)) (i32.add (i32.const 12) (global.get $pv)))
        (i32.store offset=12 (global.get $mb) (global.get $pf))
        (i32.store offset=6 (i32.add (i32.const 10) (global.get $mb)) (i32.add (i32.const 1) (global.get $tb)))
        (i32.store offset=20 align=1 (global.get $mb) (i32.add (i32.const 8) (global.get $mb)))
        (i32.store offset=28 (global.get $mb) (i32.add (global.get $tb) (i32.const 0)))
        """),
    Form(
      testDescription: "the base in a local",
      code: """
        (local $base i32) (local $t i32)
        (local.set $base (global.get $mb))
        (i32.store offset=8 (local.get $base) (i32.add (global.get $pv) (i32.const 12)))
        (i32.store offset=12 (local.get $base) (global.get $pf))
        (i32.store (i32.add (local.tee $t (local.get $base)) (i32.const 16)) (i32.add (global.get $tb) (i32.const 1)))
        (i32.store offset=20 (local.get $t) (i32.add (i32.add (global.get $own) (i32.const 8)) (i32.const -4)))
        (i32.store offset=28 (local.get $base) (global.get $vo))
        nop
        """),
    Form(
      testDescription: "in other functions that it calls",
      code: "(call $part_one) (call $part_two)",
      more: """
        (func $part_one
          (i32.store offset=8 (global.get $mb) (i32.add (global.get $pv) (i32.const 12)))
          (i32.store offset=12 (global.get $mb) (global.get $pf)))
        (func $part_two
          (i32.store offset=16 (global.get $mb) (i32.add (global.get $tb) (i32.const 1)))
          (i32.store offset=20 (global.get $mb) (i32.add (global.get $own) (i32.const 4)))
          (i32.store offset=28 (global.get $mb) (global.get $vo)))
        """),
  ]

  @Test(arguments: forms) func readableFormsAreFolded(_ form: Form) async throws {
    let text = library(form.code, more: form.more)
    let library = try await Toolchain.shared.assembled("librelocated.so", text)
    let result = try await link([main(), library])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == transcript)
    #expect(!result.module.functionNames.contains("__wasm_apply_data_relocs"))
    #expect(!result.module.functionNames.contains("part_one"))
  }

  /// A loop that stores word 8 twelve times over, then the rest straight.
  private let loop = """
    (local $n i32)
    (local.set $n (i32.const 12))
    (loop $again
      (i32.store offset=8 (global.get $mb) (i32.add (global.get $pv) (local.get $n)))
      (i32.store offset=28 (global.get $mb) (global.get $vo))
      (br_if $again (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 4))) (i32.const 13))))
    (i32.store offset=12 (global.get $mb) (global.get $pf))
    (i32.store offset=16 (global.get $mb) (i32.add (global.get $tb) (i32.const 1)))
    (i32.store offset=20 (global.get $mb) (i32.add (global.get $own) (i32.const 4)))
    """

  @Test func aLoopIsKeptAndCalledFirst() async throws {
    let library = try await Toolchain.shared.assembled("liblooping.so", library(loop))
    let result = try await link([main(), library], warnings: true)
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == transcript)
    #expect(result.module.functionNames.contains { $0.hasPrefix("__wasm_apply_data_relocs") })
    let warning = "bytes of relocation code cannot be done at link time and run at start"
    #expect(result.errors.split(separator: "\n").filter { $0.contains(warning) }.count == 1)
    #expect(result.errors.contains("liblooping.so"))
    _ = try await link([main(), library, "--no-warn-start-up-code"])

    let verbose = try await link([main(), library, "--verbose"], warnings: true)
    let said = (verbose.output + verbose.errors).split(separator: "\n")
    #expect(said.contains { $0.contains("liblooping.so") && $0.contains("__wasm_apply_data_relocs") }, "\(said)")
  }

  /// Whoever needs whom: the constructor of one library sees the relocations of all.
  @Test func relocationsOfAllComeBeforeConstructors() async throws {
    let looping = try await Toolchain.shared.assembled("liblooping.so", library(loop))
    let source = """
      int word(int offset);
      __attribute__((import_module("host"), import_name("show"))) void show(int what, int value);
      __attribute__((constructor)) static void construct(void) { show(100, *(int *)word(8)); }
      """
    let eager = try await Toolchain.shared.sharedLibrary(
      "libeager.so", [Toolchain.shared.compiled("eager", source, Toolchain.freestanding + libraryFlags)])
    for order in [[eager, looping], [looping, eager]] {
      let result = try await link([main()] + order, warnings: true)
      let expected = transcript.replacing("instantiated\n", with: "instantiated\nhost.show(100, 13)\n")
      #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == expected)
    }
  }

  /// The relocations of a library may stand behind its start section, as wasm-ld puts those of globals.
  @Test func relocationsInTheStartSection() async throws {
    let text = library(Self.forms[0].code, more: "(start $__wasm_apply_data_relocs)")
      .replacing(#"(export "__wasm_apply_data_relocs" (func $__wasm_apply_data_relocs))"#, with: "")
    let library = try await Toolchain.shared.assembled("libstarting.so", text)
    let result = try await link([main(), library])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == transcript)
  }

  @Test func relocationsInTheConstructors() async throws {
    let text = library(Self.forms[0].code)
      .replacing(#"(export "__wasm_apply_data_relocs" (func $__wasm_apply_data_relocs))"#, with: "")
      .replacing("(func $ctors)\n", with: "(func $ctors (call $__wasm_apply_data_relocs))\n")
    let library = try await Toolchain.shared.assembled("libconstructing.so", text)
    let result = try await link([main(), library])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == transcript)
  }

  /// The section before `dylink.0` had another form: four numbers and the needed libraries.
  @Test func theOlderDylinkSection() async throws {
    let text = library(Self.forms[0].code)
      .replacing(
        "(@dylink.0 (mem-info (memory 64 4) (table 2 0)))",
        with: #"(@custom "dylink" (before first) "\40\04\02\00\00")"#)
    let library = try await Toolchain.shared.assembled("libolder.so", text)
    #expect(try ModuleDescription(contents(of: library)).sections.first?.name == "dylink")
    let result = try await link([main(), library])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("_start")]) == transcript)
  }

  @Test func namesOfEveryUnitSurvive() async throws {
    let program = try await SharedProgram(.plain)
    let result = try await link(SharedProgram.command([program.main] + program.libraries))
    let names = Set(result.module.functionNames)
    // Of the main object, of each library (also what it does not export), and of the C library.
    for name in [
      "visit", "program_log", "alpha_secret", "compare_through_beta", "beta_composition", "base_private", "qsort",
    ] {
      #expect(names.contains(name), "no \(name) in \(names.sorted())")
    }
    #expect(result.module.functionNames.count >= result.module.definedFunctionCount)
    #expect((result.module.names[7] ?? []).contains("__stack_pointer"))
  }

  /// wat2wasm names everything, so the lifted names can be compared with what the text says.
  @Test func namesOfGlobalsLocalsAndDataSurvive() async throws {
    let program = try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "value_of" (func $imported_function (result i32)))
        (memory $own_memory (export "memory") 1) (global $own_global (mut i32) (i32.const 4))
        (global (export "__heap_base") i32 (i32.const 64)) (data $own_data (i32.const 8) "x")
        (func (export "program_function") (result i32) (i32.const 1))
        (func $own_function (export "run") (param $own_parameter i32) (result i32) (local $own_local i32)
          (local.set $own_local (global.get $own_global))
          (i32.add (call $imported_function) (i32.add (local.get $own_parameter) (local.get $own_local)))))
      """)
    let text = library("").replacing(#"(import "GOT.mem" "program_value" (global $pv (mut i32)))"#, with: "")
    let library = try await Toolchain.shared.assembled("libnamed.so", text)
    let result = try await link([program, library])
    #expect(try await WebAssemblyHost.shared.invoke(result.path, [Call("run", 1)]) == "instantiated\nrun(1) = 47\n")
    let names = result.module.names
    #expect((names[1] ?? []).contains("own_function"))
    #expect((names[1] ?? []).contains("value_of"))
    #expect((names[2] ?? []).contains { $0.hasSuffix(" 0 own_parameter") })
    #expect((names[2] ?? []).contains { $0.hasSuffix(" 1 own_local") })
    #expect((names[7] ?? []).contains("own_global"))
    #expect((names[9] ?? []).contains("own_data"))
  }
}
