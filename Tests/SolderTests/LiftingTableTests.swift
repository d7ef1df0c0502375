import Testing

/// Table slots, function pointers and segments of lifted units.
@Suite struct LiftingTableTests {
  @Test(arguments: pointers + segments + variables) func links(_ sample: LiftingCase) async throws {
    for options in neutralOptions { try await sample.check(options) }
  }

  private static func caller(_ imports: String = "", _ more: String = "") -> String {
    LiftingCase.program(
      """
      \(imports)
      (import "env" "pick" (func $pick (param i32) (result i32))) (type $f (func (result i32)))
      (table $table 2 funcref) MEMORY
      (func (export "call") (param i32) (result i32) (call_indirect (type $f) (call $pick (local.get 0))))
      (func (export "pointer") (param i32) (result i32) (call $pick (local.get 0))) \(more)
      """)
  }

  static let functions = """
    (type $f (func (result i32)))
    (func $zero (type $f) (i32.const 50)) (func $one (type $f) (i32.const 51)) (func $two (type $f) (i32.const 52))
    (func $three (type $f) (i32.const 53))
    """

  private static func picker(_ expression: String, _ globals: String = "") -> LiftingCase {
    LiftingCase(
      testDescription: "\(expression) \(globals)",
      modules: [
        ("program.wasm", caller()),
        (
          "libpick.so",
          LiftingCase.library(
            """
            \(globals) \(functions) (elem (global.get $tb) $zero $one $two $three)
            (func (export "pick") (param $n i32) (result i32) (local $base i32) \(expression))
            """)
        ),
      ], calls: (0..<4).map { Call("call", $0) }, expected: (0..<4).map { "call(\($0)) = \(50 + $0)" })
  }

  /// The first slot in constants and variables of the library's own.
  static let variables = [
    picker("(i32.add (global.get $own) (local.get $n))", "(global $own i32 (global.get $tb))"),
    picker("(i32.add (global.get $own) (local.get $n))", "(global $own (mut i32) (global.get $tb))"),
    picker(
      "(global.set $own (i32.add (global.get $tb) (local.get $n))) (global.get $own)",
      "(global $own (mut i32) (i32.add (global.get $tb) (i32.const 1))) (global $idle i32 (global.get $tb))"),
  ]

  /// A library whose block stays in one piece, with functions that others point to as well.
  private static let wholeBlock = LiftingCase.library(
    """
    \(functions) (export "zero" (func $zero)) (export "two" (func $two)) (elem (global.get $tb) $zero $one $two $zero)
    (func (export "pick") (param $n i32) (result i32) (local $base i32)
      (local.set $base (global.get $tb)) (i32.add (local.get $base) (local.get $n)))
    """)
  private static let byName = LiftingCase.library(
    """
    (import "GOT.func" "zero" (global $zero (mut i32))) (import "GOT.func" "two" (global $two (mut i32)))
    (func (export "other") (param $n i32) (result i32)
      (select (global.get $two) (global.get $zero) (local.get 0)))
    """)
  /// Another one that has one of them in a block of its own.
  private static let lists = LiftingCase.library(
    """
    (import "env" "two" (func $two (result i32))) (elem (global.get $tb) $two)
    (func (export "listed") (param $n i32) (result i32) (call_indirect (result i32) (i32.add (global.get $tb) (local.get $n))))
    """)

  /// Whoever points to a function of a block points to its place there.
  private static func whole(_ libraries: [(String, String)], table: String) -> LiftingCase {
    let more = """
      (func (export "equal") (param i32 i32) (result i32) (i32.eq (call $pick (local.get 0)) (call $other (local.get 1))))
      \(table)
      """
    let imports =
      #"(import "env" "other" (func $other (param i32) (result i32)))"#
      + ["zero", "two"].map {
        #"(import "env" "\#($0)" (func $\#($0) (result i32)))"#
      }.joined()
    return LiftingCase(
      testDescription: "a block that stays whole: \(libraries.map(\.0)) \(table)",
      modules: [("program.wasm", caller(imports, more).replacing("$table 2 funcref", with: "$table 4 funcref"))]
        + libraries,
      calls: [
        Call("call", 0), Call("call", 2), Call("call", 3), Call("equal", 0, 0), Call("equal", 2, 1),
        Call("equal", 1, 1),
      ],
      expected: [
        "call(0) = 50", "call(2) = 52", "call(3) = 50", "equal(0, 0) = 1", "equal(2, 1) = 1", "equal(1, 1) = 0",
      ])
  }

  static let pointers = [
    picker("(i32.add (global.get $tb) (local.get $n))"),
    picker("(i32.add (local.get $n) (global.get $tb))"),
    picker("(local.set $base (global.get $tb)) (i32.add (local.get $base) (local.get $n))"),
    picker("(i32.add (local.get $n) (i32.add (global.get $tb) (i32.const 0)))"),
    picker("(i32.add (i32.add (i32.const 0) (global.get $tb)) (local.get $n))"),
    picker(
      "(i32.sub (i32.add (i32.add (global.get $tb) (i32.const 2)) (i32.sub (local.get $n) (i32.const 1))) (i32.const 1))"
    ),
    picker(
      """
      (if (i32.eqz (local.get $n)) (then (return (i32.add (global.get $tb) (i32.const 0)))))
      (if (i32.eq (local.get $n) (i32.const 1)) (then (return (i32.add (i32.const 1) (global.get $tb)))))
      (local.set $base (i32.add (global.get $tb) (i32.const 2)))
      (select (local.get $base) (i32.add (global.get $tb) (i32.const 3)) (i32.eq (local.get $n) (i32.const 2)))
      """),
    LiftingCase(
      testDescription: "one function in several places of several libraries",
      modules: [
        (
          "program.wasm",
          caller(
            #"(import "env" "other" (func $other (param i32) (result i32)))"#,
            """
            (func (export "equal") (param i32 i32) (result i32)
              (i32.eq (call $pick (local.get 0)) (call $other (local.get 1))))
            """)
        ),
        (
          "libpick.so",
          LiftingCase.library(
            """
            (import "env" "shared" (func $shared (result i32))) (import "GOT.func" "shared" (global $p (mut i32)))
            \(functions) (elem (global.get $tb) $shared $zero $zero $shared)
            (func (export "pick") (param $n i32) (result i32)
              (if (i32.eqz (local.get 0)) (then (return (i32.add (global.get $tb) (i32.const 0)))))
              (if (i32.eq (local.get 0) (i32.const 1)) (then (return (i32.add (global.get $tb) (i32.const 3)))))
              (if (i32.eq (local.get 0) (i32.const 2)) (then (return (global.get $p))))
              (i32.add (global.get $tb) (i32.const 1)))
            """)
        ),
        (
          "libother.so",
          LiftingCase.library(
            """
            (import "env" "shared" (func $shared (result i32))) (elem (global.get $tb) $shared $mine)
            (func $mine (export "shared_again") (result i32) (i32.const 1))
            (func (export "other") (param $n i32) (result i32) (i32.add (global.get $tb) (i32.const 0)))
            """)
        ),
        ("libshared.so", LiftingCase.library(#"(func (export "shared") (result i32) (i32.const 77))"#)),
      ],
      calls: [
        Call("call", 0), Call("call", 3), Call("equal", 0, 0), Call("equal", 1, 0), Call("equal", 2, 0),
        Call("equal", 3, 0),
      ],
      expected: [
        "call(0) = 77", "call(3) = 50", "equal(0, 0) = 1", "equal(1, 0) = 0", "equal(2, 0) = 1", "equal(3, 0) = 0",
      ]),
    whole([("libpick.so", wholeBlock), ("libother.so", byName)], table: ""),
    whole([("libother.so", byName), ("libpick.so", wholeBlock)], table: ""),
    whole([("libpick.so", wholeBlock), ("libother.so", byName)], table: "(elem (i32.const 1) $two $zero)"),
    whole([("liblists.so", lists), ("libpick.so", wholeBlock), ("libother.so", byName)], table: ""),
    LiftingCase(
      testDescription: "null entries, and items as expressions",
      modules: [
        ("program.wasm", caller()),
        (
          "libpick.so",
          LiftingCase.library(
            """
            \(functions) (elem (offset (global.get $tb)) funcref (ref.null func) (ref.func $one) (ref.null func) (ref.func $three))
            (func (export "pick") (param $n i32) (result i32) (i32.add (global.get $tb) (local.get $n)))
            """)
        ),
      ], calls: [Call("call", 1), Call("call", 2), Call("call", 3)],
      expected: ["call(1) = 51", "call(2) fails: uninitialized element", "call(3) = 53"]),
    LiftingCase(
      testDescription: "two element segments, not in order",
      modules: [
        ("program.wasm", caller()),
        (
          "libpick.so",
          LiftingCase.library(
            """
            \(functions) (elem (offset (i32.add (global.get $tb) (i32.const 2))) $two $three) (elem (global.get $tb) $zero $one)
            (func (export "pick") (param $n i32) (result i32) (i32.add (global.get $tb) (local.get $n)))
            """, table: "0 0")
        ),
      ], calls: [Call("call", 0), Call("call", 3)], expected: ["call(0) = 50", "call(3) = 53"]),
  ]

  static let segments = [
    LiftingCase(
      testDescription: "passive element segments, and active ones that code names",
      modules: [
        ("program.wasm", caller()),
        (
          "libpick.so",
          LiftingCase.library(
            """
            \(functions) (elem $active (global.get $tb) $zero $one) (elem $passive func $three $two)
            (table $own 4 funcref)
            (func (export "pick") (param $n i32) (result i32)
              (elem.drop $active) (table.init $table $active (i32.const 0) (i32.const 0) (i32.const 0))
              (table.init $own $passive (i32.const 2) (i32.const 0) (i32.const 2))
              (table.copy $table $own (global.get $tb) (i32.const 2) (i32.const 2))
              (i32.add (global.get $tb) (local.get $n)))
            """)
        ),
      ], calls: [Call("call", 0), Call("call", 1)], expected: ["call(0) = 53", "call(1) = 52"]),
    LiftingCase(
      testDescription: "passive data segments beside zero-initialised data",
      modules: [
        (
          "program.wasm",
          LiftingCase.program(
            #"(import "env" "f" (func $f (result i32))) MEMORY (func (export "run") (result i32) (call $f))"#)
        ),
        (
          "libpassive.so",
          LiftingCase.library(
            """
            (data $active (global.get $mb) "\\01\\00\\00\\00") (data $one "\\00\\10\\00\\00") (data $two "\\00\\20\\00\\00")
            (func (export "f") (result i32)
              (data.drop $active) (memory.init $two (i32.add (global.get $mb) (i32.const 8)) (i32.const 0) (i32.const 4))
              (memory.init $one (i32.add (global.get $mb) (i32.const 12)) (i32.const 0) (i32.const 4)) (data.drop $one)
              (i32.add (i32.load (global.get $mb))
                (i32.sub (i32.load offset=8 (global.get $mb)) (i32.load offset=12 (global.get $mb)))))
            """)
        ),
      ], expected: ["run() = 4097"]),
  ]

  /// The object's `.bss` takes no place among the segments of the result.
  @Test func passiveSegmentsBesideAnObjectsZeroes() async throws {
    let object = try await Toolchain.shared.compiled(
      "zeroes",
      """
      int zeroes[100]; int ones[2] = {1, 1}; int f(void);
      int run(int n) { return f() + zeroes[n] + ones[n]; }
      """, Toolchain.freestanding)
    let library = try await Toolchain.shared.assembled("libpassive.so", Self.segments[1].modules[1].text)
    let result = try await linkedHere([object, library, "--no-entry", "--export=run"])
    #expect(
      try await WebAssemblyHost.shared.invoke(result.bytes, [Call("run", 0)]) == "instantiated\nrun(0) = 4098\n")
  }
}
