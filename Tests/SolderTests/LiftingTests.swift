import Testing

/// Modules in text form, linked and run.
struct LiftingCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The text of each input, by the argument that names it (`library.so`, `NAME=module.wasm`).
  var modules: [(argument: String, text: String)]
  var options: [String] = []
  var calls: [Call] = [Call("run")]
  /// Whether the linker may warn.
  var warnings = false
  /// What running gives, without the line that says that the module was instantiated.
  var expected: [String]

  /// A shared library: the imports that all of them have, and `body`.
  static func library(
    _ body: String, memory: String = "64 4", table: String = "4 0", more: String = ""
  ) -> String {
    """
    (module
      (@dylink.0 (mem-info (memory \(memory)) (table \(table))) \(more))
      (import "env" "memory" (memory 0)) (import "env" "__indirect_function_table" (table $table 0 funcref))
      (import "env" "__memory_base" (global $mb i32)) (import "env" "__table_base" (global $tb i32))
      (import "env" "__stack_pointer" (global $sp (mut i32)))
      \(body))
    """
  }

  /// A plain module with a page of memory, of which the linker may use all behind byte 256.
  static func program(_ body: String, memory: String = #"(memory (export "memory") 1)"#) -> String {
    #"(module \#(body) )"#.replacing(
      "MEMORY", with: memory + #" (global $__heap_base (export "__heap_base") i32 (i32.const 256))"#)
  }

  func arguments() async throws -> [String] {
    var result: [String] = []
    for (argument, text) in modules {
      let parts = argument.split(separator: "=").map(String.init)
      let path = try await Toolchain.shared.assembled(parts[parts.count - 1], text)
      result.append(parts.count == 2 ? parts[0] + "=" + path : path)
    }
    return result + options
  }

  /// Links with one and with two threads, which must not differ, and runs the result.
  func check(_ more: [String] = [], sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let arguments = try await arguments() + more
    let result = try await linkedHere(arguments + ["--threads=1"], warnings: warnings, sourceLocation: sourceLocation)
    let parallel = try await linkedHere(arguments + ["--threads=2"], warnings: warnings, sourceLocation: sourceLocation)
    #expect(result.bytes == parallel.bytes, sourceLocation: sourceLocation)
    let transcript = try await WebAssemblyHost.shared.invoke(result.bytes, calls)
    let lines = transcript.split(separator: "\n").map(String.init)
    #expect(lines.filter { $0 != "instantiated" } == expected, "\(more)", sourceLocation: sourceLocation)
  }
}

/// The ways in which an option may change the result without changing what it does.
let neutralOptions = [
  [], ["--no-gc-sections"], ["--compress-relocations", "--strip-debug"], ["--strip-all"], ["--export-all"],
]

/// What real libraries do beyond the convention (DESIGN: "Things real libraries do that a linker must survive").
@Suite struct LiftingTests {
  @Test(arguments: memory + names + globals) func links(_ sample: LiftingCase) async throws {
    for options in neutralOptions { try await sample.check(options) }
  }

  static let user = LiftingCase.program(
    """
    (import "env" "get" (func $get (param i32) (result i32))) MEMORY
    (func (export "run") (result i32) (call $get (i32.const 80)))
    (func (export "first") (result i32) (call $get (i32.const 0)))
    """)

  static let memory = [
    LiftingCase(
      testDescription: "data longer than the declared block",
      modules: [
        ("program.wasm", user),
        (
          "liblong.so",
          LiftingCase.library(
            """
            (data (i32.add (global.get $mb) (i32.const 76)) "\\00\\00\\00\\00\\2a\\00\\00\\00") (data (global.get $mb) "\\07")
            (func (export "get") (param i32) (result i32) (i32.load (i32.add (global.get $mb) (local.get 0))))
            """, memory: "8 2")
        ),
        ("libother.so", LiftingCase.library(#"(data (global.get $mb) "\ff\ff\ff\ff\ff\ff\ff\ff")"#, memory: "8 0")),
      ], calls: [Call("run"), Call("first")], expected: ["run() = 42", "first() = 7"]),
    LiftingCase(
      testDescription: "a symbol beyond the block",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "beyond" (global $beyond i32)) (import "env" "start" (global $start i32)) MEMORY
            (func (export "run") (result i32) (i32.sub (global.get $beyond) (global.get $start)))
            (func (export "inside") (result i32) (i32.le_u (global.get $beyond) (global.get $__heap_base)))
            """)
        ),
        (
          "libbeyond.so",
          LiftingCase.library(
            """
            (global (export "start") i32 (i32.const 0)) (global (export "beyond") i32 (i32.const 1000))
            (data (global.get $mb) "x")
            """, memory: "16 0")
        ),
      ], calls: [Call("run"), Call("inside")], expected: ["run() = 1000", "inside() = 1"]),
    LiftingCase(
      testDescription: "a block without a memory import",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "where" (func $where (result i32))) (import "env" "block" (global $block i32)) MEMORY
            (func (export "run") (result i32) (i32.eq (call $where) (global.get $block)))
            (func (export "free") (result i32) (i32.ge_u (call $where) (i32.const 256)))
            """)
        ),
        (
          "libblock.so",
          """
          (module (@dylink.0 (mem-info (memory 64 4) (table 0 0))) (import "env" "__memory_base" (global $mb i32))
            (global (export "block") i32 (i32.const 0)) (func (export "where") (result i32) (global.get $mb)))
          """
        ),
      ], calls: [Call("run"), Call("free")], expected: ["run() = 1", "free() = 1"]),
    LiftingCase(
      testDescription: "no memory information",
      modules: [
        ("program.wasm", user), ("libother.so", "(module (@dylink.0 (mem-info)))"),
        (
          "libnothing.so",
          """
          (module (@dylink.0 (needed "libother.so")) (import "env" "__memory_base" (global $mb i32))
            (import "env" "memory" (memory 0)) (data (global.get $mb) "\\09")
            (func (export "get") (param i32) (result i32)
              (i32.add (i32.load8_u (global.get $mb)) (i32.load (i32.add (global.get $mb) (i32.const 4))))))
          """
        ),
      ], calls: [Call("run")], expected: ["run() = 9"]),
    LiftingCase(
      testDescription: "the older section, without a list of needed libraries",
      modules: [
        ("program.wasm", user),
        (
          "libolder.so",
          """
          (module (@custom "dylink" (before first) "\\08\\02\\00\\00") (import "env" "__memory_base" (global $mb i32))
            (import "env" "memory" (memory 0)) (data (global.get $mb) "\\09")
            (func (export "get") (param i32) (result i32) (i32.load8_u (global.get $mb))))
          """
        ),
      ], calls: [Call("run")], expected: ["run() = 9"]),
    LiftingCase(
      testDescription: "overlapping data segments and relocations over their ends",
      modules: [
        ("program.wasm", user),
        (
          "liboverlap.so",
          LiftingCase.library(
            """
            (data (global.get $mb) "\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a")
            (data (i32.add (global.get $mb) (i32.const 2)) "\\33\\44\\55\\66")
            (func (export "get") (param i32) (result i32)
              (i32.add (i32.load (i32.add (global.get $mb) (i32.const 0)))
                (i32.sub (i32.load (i32.add (global.get $mb) (i32.const 4))) (global.get $mb))))
            (func (export "__wasm_apply_data_relocs")
              (i32.store offset=4 (global.get $mb) (i32.add (global.get $mb) (i32.const 1))))
            """)
        ),
      ], calls: [Call("run")], warnings: true, expected: ["run() = \(0x4433_0201 + 1)"]),
    LiftingCase(
      testDescription: "relocated words between bytes that are not",
      modules: [
        ("program.wasm", user),
        (
          "libgaps.so",
          LiftingCase.library(
            """
            (data (i32.add (global.get $mb) (i32.const 16)) "\\01\\02\\03\\04")
            (data (i32.add (global.get $mb) (i32.const 32)) "\\05\\06")
            (func $at (param i32) (result i32) (i32.sub (i32.load (i32.add (global.get $mb) (local.get 0))) (global.get $mb)))
            (func (export "get") (param i32) (result i32)
              (if (i32.eqz (local.get 0))
                (then (return (i32.add
                  (i32.load (i32.add (global.get $mb) (i32.const 16))) (i32.load16_u (i32.add (global.get $mb) (i32.const 32)))))))
              (i32.add (i32.add (call $at (i32.const 8)) (call $at (i32.const 12)))
                (i32.add (call $at (i32.const 24)) (call $at (i32.const 34)))))
            (func (export "__wasm_apply_data_relocs")
              (i32.store offset=8 (global.get $mb) (i32.add (global.get $mb) (i32.const 1)))
              (i32.store offset=12 (global.get $mb) (i32.add (global.get $mb) (i32.const 2)))
              (i32.store offset=24 (global.get $mb) (i32.add (global.get $mb) (i32.const 4)))
              (i32.store offset=34 align=2 (global.get $mb) (i32.add (global.get $mb) (i32.const 8))))
            """)
        ),
      ], calls: [Call("run"), Call("first")], expected: ["run() = 15", "first() = \(0x0403_0201 + 0x0605)"]),
    LiftingCase(
      testDescription: "stores that overlap, and a 64-bit store of an address",
      modules: [
        ("program.wasm", user),
        (
          "libstores.so",
          LiftingCase.library(
            """
            (func $at (param i32) (result i32) (i32.sub (i32.load (i32.add (global.get $mb) (local.get 0))) (global.get $mb)))
            (func (export "get") (param i32) (result i32)
              (if (i32.eqz (local.get 0)) (then (return (i32.wrap_i64 (i64.shr_u (i64.load offset=16 (global.get $mb)) (i64.const 32))))))
              (i32.add (call $at (i32.const 8)) (i32.add (call $at (i32.const 12)) (call $at (i32.const 16)))))
            (func (export "__wasm_apply_data_relocs")
              (i32.store offset=12 (global.get $mb) (global.get $tb))
              (i64.store offset=8 (global.get $mb) (i64.extend_i32_u (i32.add (global.get $mb) (i32.const 5))))
              (i32.store offset=12 (global.get $mb) (i32.add (global.get $mb) (i32.const 7)))
              (i64.store offset=16 (global.get $mb) (i64.extend_i32_u (i32.add (global.get $mb) (i32.const 9)))))
            """)
        ),
      ], calls: [Call("run"), Call("first")], warnings: true, expected: ["run() = 21", "first() = 0"]),
    LiftingCase(
      testDescription: "relocations beyond all initialised bytes, under the older name",
      modules: [
        ("program.wasm", user),
        (
          "libbss.so",
          LiftingCase.library(
            """
            (func (export "get") (param i32) (result i32) (i32.sub (i32.load offset=60 (global.get $mb)) (global.get $mb)))
            (func (export "__wasm_apply_relocs") (call $one))
            (func $one (call $two)) (func $two
              (i32.store offset=60 (global.get $mb) (i32.add (global.get $mb) (i32.const 3))))
            """)
        ),
      ], expected: ["run() = 3"]),
    LiftingCase(
      testDescription: "a relocation function that others need too",
      modules: [
        ("program.wasm", user),
        (
          "libneeded.so",
          LiftingCase.library(
            """
            (table $own 1 funcref) (type $void (func)) (elem (table $own) (i32.const 0) func $third)
            (global $changing (mut i32) (i32.const 0))
            (func (export "get") (param i32) (result i32)
              (i32.store offset=8 (global.get $mb) (i32.const 0)) (call $first) (call_indirect $own (type $void) (i32.const 0))
              (i32.add (global.get $changing)
                (i32.sub (i32.load offset=8 (global.get $mb)) (global.get $mb))))
            (func $first (export "relocate_again") (i32.store offset=8 (global.get $mb) (i32.add (global.get $mb) (i32.const 6))))
            (func $third (global.set $changing (i32.const 7)))
            (func (export "__wasm_apply_data_relocs") (call $first) (call $third))
            """)
        ),
        (
          "libcaller.so",
          LiftingCase.library(
            #"(import "env" "relocate_again" (func $again)) (func (export "call_again") (call $again))"#)
        ),
      ], expected: ["run() = 13"]),
  ]

  static let names = [
    LiftingCase(
      testDescription: "an import exported under another name, along two libraries",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "third_name" (func $third (result i32))) (import "env" "pointer" (func $pointer (result i32)))
            (type $f (func (result i32))) (table $table 1 funcref) MEMORY
            (func (export "first_name") (result i32) (i32.const 5))
            (func (export "run") (result i32) (i32.add (call $third) (call_indirect (type $f) (call $pointer))))
            """)
        ),
        (
          "libtwo.so",
          LiftingCase.library(
            #"(import "env" "second_name" (func $f (result i32))) (export "third_name" (func $f))"#)
        ),
        (
          "libone.so",
          LiftingCase.library(
            """
            (import "env" "first_name" (func $f (result i32))) (import "GOT.func" "third_name" (global $p (mut i32)))
            (export "second_name" (func $f)) (func (export "pointer") (result i32) (global.get $p))
            """)
        ),
      ], expected: ["run() = 10"]),
    LiftingCase(
      testDescription: "importing its own symbols",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "check" (func $f (result i32))) MEMORY (func (export "run") (result i32) (call $f))"#)
        ),
        (
          "libself.so",
          LiftingCase.library(
            """
            (import "env" "value_of" (func $imported (result i32))) (import "GOT.func" "value_of" (global $p (mut i32)))
            (import "GOT.mem" "value" (global $v (mut i32))) (type $f (func (result i32)))
            (global (export "value") i32 (i32.const 8)) (data (i32.add (global.get $mb) (i32.const 8)) "\\09\\00\\00\\00")
            (func $own (export "value_of") (result i32) (i32.load (global.get $v)))
            (func (export "check") (result i32)
              (i32.add (i32.add (call $imported) (call $own)) (call_indirect (type $f) (global.get $p))))
            """)
        ),
      ], expected: ["run() = 27"]),
    LiftingCase(
      testDescription: "one function under several names of which one is another unit's",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "one" (func $one (result i32))) (import "env" "two" (func $two (result i32)))
            (import "env" "inside" (func $inside (result i32))) (import "env" "same" (func $same (result i32))) MEMORY
            (func (export "run") (result i32) (i32.add (i32.mul (call $one) (i32.const 100))
              (i32.add (i32.mul (call $two) (i32.const 10)) (call $inside))))
            (func (export "pointers") (result i32) (call $same))
            """)
        ),
        ("libwinner.so", LiftingCase.library(#"(func (export "one") (result i32) (i32.const 1))"#)),
        (
          "libseveral.so",
          LiftingCase.library(
            """
            (import "GOT.func" "one" (global $p1 (mut i32))) (import "GOT.func" "two" (global $p2 (mut i32)))
            (elem (global.get $tb) $own)
            (func $own (export "one") (export "two") (export "three") (result i32) (i32.const 2))
            (func (export "inside") (result i32) (call $own))
            (func (export "same") (result i32) (i32.add (i32.eq (global.get $p1) (global.get $p2))
              (i32.mul (i32.const 10) (i32.eq (global.get $p2) (i32.add (global.get $tb) (i32.const 0))))))
            """)
        ),
      ], calls: [Call("run"), Call("pointers")], expected: ["run() = 122", "pointers() = 10"]),
    LiftingCase(
      testDescription: "two imports that share a name",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "both" (func $f (result i32))) MEMORY (func (export "run") (result i32) (call $f))"#)
        ),
        (
          "libhost.so",
          LiftingCase.library(
            """
            (import "env" "f" (func $f (result i32))) (import "host" "f" (func $h (param i32) (result i32)))
            (func (export "both") (result i32) (i32.add (call $f) (call $h (i32.const 3))))
            """)
        ),
        ("libf.so", LiftingCase.library(#"(func (export "f") (result i32) (i32.const 6))"#)),
      ], expected: ["host.f(3)", "run() = 6"]),
    LiftingCase(
      testDescription: "weak functions that nobody defines",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "addresses" (func $f (result i32))) (import "env" "call_weak" (func $g)) MEMORY
            (func (export "run") (result i32) (call $f)) (func (export "call") (call $g))
            """)
        ),
        (
          "libweak.so",
          LiftingCase.library(
            """
            (import "env" "f" (func $f)) (import "GOT.func" "f" (global $pf (mut i32)))
            (import "GOT.mem" "v" (global $pv (mut i32))) (import "GOT.func" "g" (global $pg (mut i32)))
            (func (export "addresses") (result i32) (i32.or (global.get $pf) (i32.or (global.get $pv) (global.get $pg))))
            (func (export "call_weak") (call $f))
            (elem (global.get $tb) $f)
            """, more: #"(import-info "env" "f" 1) (import-info "env" "v" 1) (import-info "env" "g" 1)"#)
        ),
      ], calls: [Call("run"), Call("call")],
      expected: ["run() = 0", "call() fails: wasm `unreachable` instruction executed"]),
    LiftingCase(
      testDescription: "a reference to an import that became a definition",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "call" (func $f (result i32))) MEMORY (func (export "run") (result i32) (call $f))"#)
        ),
        (
          "libreference.so",
          LiftingCase.library(
            """
            (type $t (func (result i32))) (import "env" "elsewhere" (func $f (type $t))) (elem declare func $f $own)
            (global $kept (mut (ref null $t)) (ref.func $own)) (func $own (type $t) (i32.const 40))
            (func (export "call") (result i32) (i32.add (call_ref $t (ref.func $f)) (call_ref $t (global.get $kept))))
            """)
        ),
        ("libelsewhere.so", LiftingCase.library(#"(func (export "elsewhere") (result i32) (i32.const 2))"#)),
      ], expected: ["run() = 42"]),
  ]

  static let globals = [
    LiftingCase(
      testDescription: "mutable globals of env that nobody defines are shared",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "set" (func $set)) (import "env" "get" (func $get (result f64))) MEMORY
            (func (export "run") (result f64) (call $set) (call $get))
            """)
        ),
        (
          "libset.so",
          LiftingCase.library(
            """
            (import "env" "a" (global $a (mut i32))) (import "env" "b" (global $b (mut i64)))
            (import "env" "c" (global $c (mut f64)))
            (func (export "set") (global.set $a (i32.const 1)) (global.set $b (i64.const 20)) (global.set $c (f64.const 300)))
            """)
        ),
        (
          "libget.so",
          LiftingCase.library(
            """
            (import "env" "c" (global $c (mut f64))) (import "env" "a" (global $a (mut i32)))
            (import "env" "b" (global $b (mut i64)))
            (func (export "get") (result f64) (f64.add (global.get $c) (f64.add
              (f64.convert_i32_s (global.get $a)) (f64.convert_i64_s (global.get $b)))))
            """)
        ),
      ], expected: ["run() = 321.0"]),
    LiftingCase(
      testDescription: "globals set by the relocation of globals",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "check" (func $f (result i32))) (import "env" "change_it" (func $g (result i32))) MEMORY
            (func (export "run") (result i32) (call $f)) (func (export "change") (result i32) (call $g))
            """)
        ),
        (
          "libglobals.so",
          LiftingCase.library(
            """
            (elem (global.get $tb) $a $b) (type $t (func (result i32)))
            (global $address (mut i32) (i32.const 0)) (global $slot (mut i32) (i32.const 0))
            (global $shown (mut i32) (i32.const 0)) (global $variable (mut i32) (i32.const 0))
            (export "shown" (global $shown))
            (func $a (type $t) (i32.const 1)) (func $b (type $t) (i32.const 2))
            (func $__wasm_apply_global_relocs
              (global.set $address (i32.add (global.get $mb) (i32.const 12)))
              (global.set $shown (global.get $address)) (global.set $variable (global.get $address))
              (global.set $slot (i32.add (global.get $tb) (i32.const 1))))
            (start $__wasm_apply_global_relocs)
            (func (export "check") (result i32)
              (i32.add (i32.mul (i32.const 100) (call_indirect (type $t) (global.get $slot)))
                (i32.add (i32.sub (global.get $address) (global.get $mb)) (i32.sub (global.get $shown) (global.get $variable)))))
            (func (export "change_it") (result i32)
              (global.set $variable (i32.add (global.get $variable) (i32.const 1)))
              (i32.sub (global.get $variable) (global.get $address)))
            """)
        ),
      ], calls: [Call("run"), Call("change"), Call("change")],
      expected: ["run() = 212", "change() = 1", "change() = 2"]),
    LiftingCase(
      testDescription: "constructors rely on a heap that a start function set up",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "result" (func $f (result i32))) MEMORY (func (export "run") (result i32) (call $f))"#)
        ),
        (
          "libneeding.so",
          LiftingCase.library(
            """
            (import "env" "allocate" (func $allocate (result i32))) (global $at (mut i32) (i32.const 0))
            (func (export "__wasm_call_ctors") (global.set $at (call $allocate)))
            (func (export "result") (result i32) (global.get $at))
            """)
        ),
        (
          "libheap.so",
          LiftingCase.library(
            """
            (global $next (mut i32) (i32.const 0)) (start $begin) (func $begin
              (loop $again (global.set $next (i32.add (global.get $next) (i32.const 8)))
                (br_if $again (i32.lt_u (global.get $next) (i32.const 1000)))))
            (func (export "allocate") (result i32) (global.set $next (i32.add (global.get $next) (i32.const 4))) (global.get $next))
            """)
        ),
      ], expected: ["run() = 1004"]),
  ]

  @Test func anImmutableGlobalThatNobodyDefinesIsAnError() async throws {
    let library = try await Toolchain.shared.assembled(
      "libmissing.so",
      LiftingCase.library(
        #"(import "env" "limit" (global $l i32)) (func (export "get") (param i32) (result i32) (global.get $l))"#))
    let program = try await Toolchain.shared.assembled("program.wasm", Self.user)
    refusedHere([program, library], mentions: ["undefined symbol", "limit", "libmissing.so"])
  }

  @Test func importsThatAreEachOtherAreAnError() async throws {
    let one = LiftingCase.library(#"(import "env" "b" (func $f)) (export "a" (func $f))"#)
    let two = LiftingCase.library(#"(import "env" "a" (func $f)) (export "b" (func $f))"#)
    let program = LiftingCase.program(#"(import "env" "a" (func $f)) MEMORY (func (export "run") (call $f))"#)
    let sample = LiftingCase(
      testDescription: "", modules: [("program.wasm", program), ("libone.so", one), ("libtwo.so", two)], expected: [])
    try await refusedHere(sample.arguments(), mentions: ["import of itself", "libone.so"])
  }
}
