import Testing

/// Plain modules linked with each other and with libraries.
@Suite struct LiftingPlainTests {
  @Test(arguments: samples) func links(_ sample: LiftingCase) async throws {
    for options in neutralOptions { try await sample.check(options) }
  }

  static let library = LiftingCase.library(
    """
    (data (global.get $mb) "\\2a\\00\\00\\00") (elem (global.get $tb) $get)
    (func $get (export "get") (result i32) (i32.load (global.get $mb)))
    (func (export "pointer") (result i32) (i32.add (global.get $tb) (i32.const 0)))
    """)

  private static let filler = String(repeating: "x", count: 400)

  static let samples = [
    LiftingCase(
      testDescription: "a heap pointer that begins at __heap_base",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "get" (func $get (result i32))) MEMORY
            (global $next (mut i32) (global.get $__heap_base))
            (global $limit i32 (i32.add (global.get $__heap_base) (i32.const 16)))
            (func (export "run") (result i32)
              (i32.store (global.get $next) (i32.const -1)) (i32.store offset=12 (global.get $next) (i32.const -1))
              (i32.add (call $get) (i32.sub (global.get $limit) (global.get $next))))
            """)
        ), ("liblibrary.so", library),
      ], expected: ["run() = 58"]),
    LiftingCase(
      testDescription: "data at address 0, and a heap base of 64 bits",
      modules: [
        (
          "program.wasm",
          """
          (module (import "env" "get" (func $get (result i32))) (memory (export "memory") 1)
            (global $__heap_base (export "__heap_base") i64 (i64.const 512)) (data (i32.const 0) "\\05\\00\\00\\00")
            (func (export "run") (result i32) (i32.add (i32.load (i32.const 0)) (call $get)))
            (func (export "moved") (result i32) (i64.gt_u (global.get $__heap_base) (i64.const 512))))
          """
        ), ("liblibrary.so", library),
      ], calls: [Call("run"), Call("moved")], expected: ["run() = 47", "moved() = 1"]),
    LiftingCase(
      testDescription: "a module without memory and table, with a library that needs both",
      modules: [
        (
          "program.wasm",
          """
          (module (import "env" "get" (func $get (result i32))) (import "env" "pointer" (func $pointer (result i32)))
            (func (export "run") (result i32) (i32.add (call $get) (i32.eqz (call $pointer)))))
          """
        ), ("liblibrary.so", library),
      ], expected: ["run() = 42"]),
    LiftingCase(
      testDescription: "own names of the C library's functions, and all kinds of exports",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "get" (func $get (result i32))) (import "env" "use" (func $use (result i32)))
            (table $t (export "table") 1 8 funcref) MEMORY (tag $tag (export "tag") (param i32))
            (global (export "count") (mut i64) (i64.const 1)) (global $g (export "name") funcref (ref.func $malloc))
            (func $malloc (result i32) (i32.const 1)) (func $free (result i32) (i32.const 2))
            (export "again" (func $get))
            (func (export "run") (result i32) (i32.add (call $use) (i32.add (call $malloc) (call $free))))
            """)
        ), ("liblibrary.so", library),
        (
          "libuse.so",
          LiftingCase.library(
            """
            (import "env" "malloc" (func $malloc (result i32))) (func (export "use") (result i32) (call $malloc))
            """)
        ),
        ("libmalloc.so", LiftingCase.library(#"(func (export "malloc") (result i32) (i32.const 100))"#)),
      ], calls: [Call("run"), Call("again")], expected: ["run() = 103", "again() = 42"]),
    LiftingCase(
      testDescription: "two modules with a memory each",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "other" "read" (func $read (param i32) (result i32))) (import "env" "get" (func $get (result i32)))
            (import "other" "copy" (func $copy (result i32))) MEMORY (data (i32.const 8) "\\01\\00\\00\\00")
            (func (export "run") (result i32) (i32.add (i32.load (i32.const 8)) (i32.add (call $read (i32.const 8)) (call $get))))
            (func (export "copied") (result i32) (call $copy)) (func (export "size") (result i32) (memory.size))
            """)
        ),
        (
          "other=other.wasm",
          """
          (module (memory $m 3 9) (memory $second 2) (data (i32.const 8) "\\e8\\03\\00\\00") (data $late "\\04\\05\\06\\07")
            (data (memory $second) (i32.const 4) "\\01\\02\\03\\04")
            (func (export "read") (param i32) (result i32) (i32.load offset=0 align=1 (local.get 0)))
            (func (export "copy") (result i32)
              (memory.copy $m $second (i32.const 16) (i32.const 4) (i32.const 4))
              (memory.init $late (i32.const 18) (i32.const 0) (i32.const 2)) (data.drop $late)
              (memory.fill $second (i32.const 4) (i32.const 9) (i32.const 1)) (memory.copy (i32.const 17) (i32.const 19) (i32.const 1))
              (drop (memory.grow $second (i32.const 2))) (v128.store (i32.const 32) (v128.load (i32.const 16)))
              (drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 32) (i32.load8_u $second (i32.const 4)))
              (i32.add (i32.load (i32.const 32)) (i32.shl (i32.add (memory.size) (i32.mul (memory.size $second) (i32.const 16))) (i32.const 24)))))
          """
        ), ("liblibrary.so", library),
      ], calls: [Call("run"), Call("copied"), Call("size")],
      expected: ["run() = 1043", "copied() = \(0x0504_0509 + (4 + 64) << 24)", "size() = 3"]),
    LiftingCase(
      testDescription: "memory, table, globals and tag of another module by its name",
      modules: [
        (
          "program.wasm",
          """
          (module (import "parts" "m" (memory 1)) (import "parts" "t" (table 4 funcref)) (import "parts" "g" (global $g i32))
            (import "parts" "v" (global $v (mut i64))) (import "parts" "e" (tag $e (param i32))) (type $f (func (result i32)))
            (import "parts" "throw" (func $throw)) (global $derived i32 (i32.add (global.get $g) (i32.const 1)))
            (data (i32.const 100) "\\07\\00\\00\\00") (elem (i32.const 2) $mine) (func $mine (result i32) (i32.const 9))
            (func (export "run") (result i32) (i32.add (global.get $derived)
              (i32.add (i32.load (i32.const 100)) (i32.load (i32.const 200)))))
            (func (export "tables") (result i32) (i32.add (call_indirect (type $f) (i32.const 1)) (call_indirect (type $f) (i32.const 2))))
            (func (export "caught") (result i32)
              (block $value (result i32) (try_table (catch $e $value) (call $throw)) (i32.const 0)))
            (func (export "variable") (result i64) (global.set $v (i64.add (global.get $v) (i64.const 1))) (global.get $v)))
          """
        ),
        (
          "parts=parts.wasm",
          """
          (module (memory (export "m") 2) (table (export "t") 4 10 funcref) (global (export "g") i32 (i32.const 10))
            (global (export "v") (mut i64) (i64.const 5)) (tag $e (export "e") (param i32)) (data (i32.const 200) "\\03")
            (elem (i32.const 1) $own) (func $own (result i32) (i32.const 30))
            (func (export "throw") (throw $e (i32.const 77))))
          """
        ),
      ], calls: [Call("run"), Call("tables"), Call("caught"), Call("variable")],
      expected: ["run() = 21", "tables() = 39", "caught() = 77", "variable() = 6"]),
    LiftingCase(
      testDescription: "imports of memories and tables that grow by what is placed",
      modules: [
        (
          "program.wasm",
          """
          (module (import "parts" "m" (memory $m 3)) (import "parts" "second" (memory $second 4 9))
            (import "parts" "t" (table $t 10 funcref)) (import "parts" "u" (table $u 7 funcref))
            (import "env" "get" (func $get (result i32))) (import "env" "room" (func $room (result i32)))
            (elem (table $t) (i32.const 8) func $mine) (elem (table $u) (i32.const 6) func $mine)
            (func $mine (result i32) (i32.const 9)) (data (i32.const 200) "\(filler)") (data (memory $second) (i32.const 327676) "\\01")
            (func (export "run") (result i32) (i32.store (i32.const 196000) (i32.const 5)) (i32.load (i32.const 196000)))
            (func (export "pages") (result i32) (memory.size $second))
            (func (export "tables") (result i32)
              (i32.add (call_indirect $t (result i32) (i32.const 8)) (call_indirect $u (result i32) (i32.const 6))))
            (func (export "data") (result i32) (i32.add (call $get) (i32.load8_u (i32.const 500))))
            (func (export "room") (result i32) (call $room)))
          """
        ),
        (
          "parts=parts.wasm",
          """
          (module (memory (export "m") 3 4) (memory (export "second") 5 9) (table (export "t") 10 11 funcref)
            (table (export "u") 7 funcref) (global (export "__heap_base") i32 (i32.const 1024)))
          """
        ), ("liblibrary.so", library),
        (
          "liblarge.so",
          LiftingCase.library(
            """
            (func (export "room") (result i32)
              (i32.store (i32.add (global.get $mb) (i32.const 299996)) (i32.const 3)) (memory.size))
            """, memory: "300000 4")
        ),
      ], calls: [Call("run"), Call("pages"), Call("tables"), Call("data"), Call("room")],
      expected: ["run() = 5", "pages() = 5", "tables() = 18", "data() = \(42 + 120)", "room() = 9"]),
    LiftingCase(
      testDescription: "imports from env of the memory and the table of another module",
      modules: [
        (
          "program.wasm",
          """
          (module (memory (export "memory") 5) (table (export "t") 10 funcref)
            (func (export "size") (result i32) (memory.size)))
          """
        ),
        (
          "second.wasm",
          """
          (module (import "env" "memory" (memory 5)) (import "env" "t" (table $t 10 funcref))
            (import "env" "size" (func $size (result i32))) (elem (table $t) (i32.const 8) func $mine)
            (func $mine (result i32) (i32.const 9))
            (func (export "run") (result i32) (i32.add (call $size) (call_indirect $t (result i32) (i32.const 8)))))
          """
        ),
      ], expected: ["run() = 14"]),
    LiftingCase(
      testDescription: "recursive types and references across modules",
      modules: [
        (
          "program.wasm",
          """
          (module (rec (type $list (struct (field i32) (field (ref null $list)))) (type $f (func (param (ref null $list)) (result i32))))
            (type $unused (array i8)) (import "lists" "sum" (func $sum (type $f))) (elem declare func $sum)
            (import "lists" "cons" (func $cons (param i32 (ref null $list)) (result (ref $list))))
            (func (export "run") (result i32)
              (call_ref $f (call $cons (i32.const 1) (struct.new $list (i32.const 2) (ref.null $list))) (ref.func $sum))))
          """
        ),
        (
          "lists=lists.wasm",
          """
          (module (type $other (func)) (rec (type $l (struct (field i32) (field (ref null $l)))) (type $g (func (param (ref null $l)) (result i32))))
            (func $sum (export "sum") (type $g)
              (if (ref.is_null (local.get 0)) (then (return (i32.const 0))))
              (i32.add (struct.get $l 0 (local.get 0)) (return_call_helper (struct.get $l 1 (local.get 0)))))
            (func (export "cons") (param i32 (ref null $l)) (result (ref $l)) (struct.new $l (local.get 0) (local.get 1))))
          """.replacing("return_call_helper", with: "call $sum")
        ),
      ], expected: ["run() = 3"]),
    LiftingCase(
      testDescription: "a 64-bit table beside a library's",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            """
            (import "env" "get" (func $get (result i32))) (import "env" "pointer" (func $pointer (result i32)))
            (table i64 4 funcref) (elem (i64.const 2) func $own) MEMORY (func $own (result i32) (i32.const 6))
            (func (export "run") (result i32) (i32.add (call_indirect (result i32) (i64.const 2)) (call $get)))
            """)
        ), ("liblibrary.so", library),
        (
          "libcalling.so",
          LiftingCase.library(
            """
            (import "GOT.func" "get" (global $p (mut i32)))
            (func (export "indirect") (result i32) (call_indirect (result i32) (global.get $p)))
            """)
        ),
      ], expected: ["run() = 48"]),
  ]

  @Test func whatIsOfAnotherTypeIsAnError() async throws {
    let provider = #"(module (global (export "g") (mut i32) (i32.const 0)) (memory (export "m") 1))"#
    let imports = [
      (#"(import "parts" "g" (global i32))"#, "global type mismatch"),
      (#"(import "parts" "g" (global (mut i64)))"#, "global type mismatch"),
      (#"(import "parts" "n" (memory 1))"#, "exports no memory"),
    ]
    for (text, message) in imports {
      let use = text.contains("global") ? #"(export "e" (global 0))"# : ""
      let sample = LiftingCase(
        testDescription: "", modules: [("program.wasm", "(module \(text) \(use))"), ("parts=parts.wasm", provider)],
        expected: [])
      try await refusedHere(sample.arguments(), mentions: [message, "program.wasm", "parts.wasm"])
    }
  }

  /// Keeping everything is no reason for a stack pointer and constructors that nobody has.
  @Test func nothingIsAddedToPlainModules() async throws {
    let sample = LiftingCase(
      testDescription: "",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "g" (func $g (result i32))) MEMORY (func (export "run") (result i32) (call $g))"#)
        ), ("other=other.wasm", #"(module (func (export "g") (result i32) (i32.const 4)))"#),
      ], expected: ["run() = 4"])
    for options in [[], ["--no-gc-sections"]] {
      try await sample.check(options)
      let module = try await linkedHere(sample.arguments() + options).module
      #expect(module.globals.count == 1)
      #expect(module.definedFunctionCount == 2)
    }
  }

  /// One-byte operands that have to grow to two and three bytes.
  @Test(arguments: [200, 17_000]) func operandsGrow(_ count: Int) async throws {
    var many = "(memory (export \"m\") 1) (table $t 1 funcref)"
    // Engines take long to compile exported functions; 300 are enough for a second byte.
    let functions = min(count, 300)
    for index in 0..<functions { many += "(func (export \"f\(index)\") (result i32) (i32.const \(index)))" }
    for index in 0..<count {
      many += "(global (export \"g\(index)\") (mut i32) (i32.const \(index)))"
    }
    let last = count - 1
    let program = """
      (module (import "many" "f\(functions - 1)" (func $f (result i32))) (import "many" "g\(last)" (global $g (mut i32)))
        (type $pair (func (param i32 i32) (result i32 i32))) (type $own (func (result i32)))
        (memory 1) (table $table 2 funcref) (elem $table (i32.const 1) func $small)
        (func $small (result i32) (i32.const 7))
        (func $own (param i32) (result i32)
          (block $a (block $b (block $c (br_table $a $b $c (local.get 0))) (return (i32.const 3))) (return (i32.const 2))) (i32.const 1))
        (func (export "run") (result i32) (local $x i32) (local $y i32)
          (i32.store8 (i32.const 3) (i32.const 4))
          (block (type $pair) (param i32 i32) (result i32 i32) (i32.const 1) (i32.const 2))
          (local.set $x) (local.set $y)
          (i32.add (i32.add (call $f) (global.get $g)) (i32.add (i32.add (call $own (local.get $x)) (i32.load8_u (i32.const 3)))
            (call_indirect $table (type $own) (i32.const 1))))))
      """.replacing(
        "(block (type $pair) (param i32 i32) (result i32 i32) (i32.const 1) (i32.const 2))",
        with: "(i32.const 1) (i32.const 2) (block (type $pair) (param i32 i32) (result i32 i32))")
    let sample = LiftingCase(
      testDescription: "", modules: [("many=many.wasm", "(module \(many))"), ("program.wasm", program)],
      expected: ["run() = \(functions - 1 + last + 3 + 4 + 7)"])
    try await sample.check()
    try await sample.check(["--compress-relocations", "--strip-debug"])
  }
}
