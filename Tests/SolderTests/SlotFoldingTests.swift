import Testing

/// Functions that library code means by `__table_base + k`, in whatever way it computes that.
@Suite struct SlotFoldingTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// A body of `(param i32) (result i32)` with locals 1 to 4.
    let code: String
    let results: [String]
    /// Whether it means single functions, so that nothing of the base is left.
    var isFolded = true
    /// Whether that is plain also where the base itself might be passed on, so that functions nobody uses go.
    var keepsNoBlock = false
  }

  private static func call(_ slot: String) -> String { "(call_indirect (type $number) \(slot))" }

  static let samples = [
    Sample(
      testDescription: "a choice of two",
      code: call("(i32.add (global.get $tb) (select (i32.const 0) (i32.const 2) (local.get 0)))"),
      results: ["30", "10", "10"]),
    Sample(
      testDescription: "a choice of three, the base behind it",
      code: call(
        """
        (i32.add (select (i32.const 0) (select (i32.const 1) (i32.const 2) (i32.eq (local.get 0) (i32.const 1)))
          (i32.eqz (local.get 0))) (global.get $tb))
        """), results: ["10", "20", "30"]),
    Sample(
      testDescription: "the sum waits in a local",
      code: "(local.set 1 (i32.add (global.get $tb) (i32.const 1))) " + call("(local.get 1)"),
      results: ["20", "20", "20"]),
    Sample(
      testDescription: "each path sets it to another",
      code: """
        (if (local.get 0) (then (local.set 1 (i32.add (global.get $tb) (i32.const 1))))
          (else (local.set 1 (i32.add (global.get $tb) (i32.const 2)))))
        """ + call("(local.get 1)"), results: ["30", "20", "20"]),
    Sample(
      testDescription: "each path has another number, the base is shared",
      code: """
        (local.set 2 (global.get $tb))
        (block $b (local.set 1 (i32.const 0)) (br_if $b (local.get 0)) (local.set 1 (i32.const 2)))
        """ + call("(i32.add (local.get 2) (local.get 1))"), results: ["30", "10", "10"]),
    Sample(
      testDescription: "a block gives it",
      code: call(
        """
        (i32.add (global.get $tb) (block $b (result i32) (drop (br_if $b (i32.const 2) (local.get 0))) (i32.const 1)))
        """), results: ["20", "30", "30"]),
    Sample(
      testDescription: "a loop changes it",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        (loop $l
          (local.set 2 (i32.add (local.get 2) \(call("(local.get 1)"))))
          (local.set 1 (i32.add (global.get $tb) (i32.const 2)))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3))))
        (local.get 2)
        """, results: ["70", "70", "70"]),
    Sample(
      testDescription: "a base before a loop, whose local has other uses in it",
      code: """
        (local.set 2 (i32.const 5))
        (loop $l
          (local.set 4 (i32.add (local.get 4) (i32.mul (local.get 2) (i32.const 0))))
          (local.set 2 (global.get $tb))
          (local.set 4 (i32.add (local.get 4)
            \(call("(i32.add (local.get 2) (select (i32.const 0) (i32.const 1) (local.get 0)))"))))
          (local.set 2 (local.get 0))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 2))))
        (local.get 4)
        """, results: ["40", "20", "20"]),
    Sample(
      testDescription: "null or a function",
      code: """
        (local.set 1 (select (i32.add (global.get $tb) (i32.const 1)) (i32.const 0) (local.get 0)))
        (if (result i32) (local.get 1) (then \(call("(local.get 1)"))) (else (i32.const 7)))
        """, results: ["7", "20", "20"]),
    Sample(
      testDescription: "two pointers are compared",
      code: """
        (local.set 1 (i32.add (global.get $tb) (select (i32.const 0) (i32.const 1) (local.get 0))))
        (i32.eq (local.get 1) (i32.add (global.get $tb) (i32.const 0)))
        """, results: ["0", "1", "1"]),
    Sample(
      testDescription: "nothing runs behind a jump",
      code: """
        (block $b (br $b) (drop (i32.add (global.get $tb) (select (i32.const 0) (i32.const 1) (local.get 0)))))
        """ + call("(i32.add (global.get $tb) (i32.const 2))"), results: ["30", "30", "30"]),

    Sample(
      testDescription: "the bits of a pointer are mixed",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
        (i32.eqz (i32.xor (i32.xor (local.get 1) (local.get 0)) (i32.add (global.get $tb) (i32.const 1))))
        """, results: ["1", "0", "0"]),
    Sample(
      testDescription: "the bits of a pointer are chosen",
      code: "(i32.eq (i32.and (i32.add (global.get $tb) (i32.const 1)) (i32.const 255)) (i32.const 99))",
      results: ["0", "0", "0"], isFolded: false),
    Sample(
      testDescription: "the base is the first slot", code: call("(global.get $tb)"), results: ["10", "10", "10"]),
    Sample(
      testDescription: "the first slot or another",
      code: call("(select (global.get $tb) (i32.add (global.get $tb) (i32.const 1)) (local.get 0))"),
      results: ["20", "10", "10"]),
    Sample(
      testDescription: "a handler does not know how far it came",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        (block $h (try_table (catch_all $h)
          (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
          (call $throws (local.get 0))
          (local.set 1 (i32.add (global.get $tb) (i32.const 2)))))
        """ + call("(local.get 1)"), results: ["30", "20", "20"]),
    Sample(
      testDescription: "a number that a handler gets",
      code: """
        (local.set 2 (global.get $tb))
        (block $h (try_table (catch_all $h)
          (local.set 1 (i32.const 1))
          (call $throws (local.get 0))
          (local.set 1 (i32.const 2))))
        """ + call("(i32.add (local.get 2) (local.get 1))"), results: ["30", "20", "20"]),
    Sample(
      testDescription: "a pointer is thrown",
      code: """
        (block $h (result i32) (try_table (result i32) (catch $e $h)
          (throw $e (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0))))))
        (local.set 1)
        """ + call("(local.get 1)"), results: ["30", "20", "20"]),
    Sample(
      testDescription: "a handler in a loop that begins again",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        (loop $l
          (local.set 2 (i32.add (local.get 2) \(call("(local.get 1)"))))
          (local.set 3 (i32.add (local.get 3) (i32.const 1)))
          (try_table (catch_all $l)
            (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
            (call $throws (i32.lt_u (local.get 3) (i32.const 3)))
            (local.set 1 (i32.add (global.get $tb) (i32.const 2)))))
        (i32.add (local.get 2) \(call("(local.get 1)")))
        """, results: ["80", "80", "80"]),
    Sample(
      testDescription: "a tail call",
      code: """
        (return_call_indirect (type $number)
          (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0))))
        """, results: ["30", "20", "20"]),
    Sample(
      testDescription: "a loop takes a number",
      code: """
        (i32.const 0)
        (loop $l (param i32) (result i32)
          (local.set 1)
          (local.set 2 (i32.add (local.get 2) \(call("(i32.add (global.get $tb) (local.get 1))"))))
          (i32.const 2)
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3)))
          (drop) (local.get 2))
        """, results: ["70", "70", "70"]),
    Sample(
      testDescription: "the base that sums share is the first slot, too",
      code: """
        (local.set 2 (global.get $tb))
        (local.set 1 (i32.add (local.get 2) (i32.const 2)))
        (if (local.get 0) (then
          (local.set 2 (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0))))))
        (i32.add \(call("(local.get 1)")) \(call("(local.get 2)")))
        """, results: ["40", "50", "50"]),
    Sample(
      testDescription: "a sum that is the first slot waits in a local",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        (local.set 2 (select (local.get 1) (i32.add (global.get $tb) (i32.const 1)) (local.get 0)))
        (i32.add \(call("(local.get 2)")) \(call("(local.get 1)")))
        """, results: ["30", "20", "20"], keepsNoBlock: true),
    Sample(
      testDescription: "a choice that is added to an assignment of the base",
      code: """
        (i32.add
          \(call("(i32.add (local.tee 1 (global.get $tb)) (select (i32.const 0) (i32.const 2) (local.get 0)))"))
          \(call("(i32.add (local.get 1) (i32.const 1))")))
        """, results: ["50", "30", "30"]),
    Sample(
      testDescription: "the first slot by way of a local that a loop sets",
      code: """
        (loop $l
          (local.set 1 (global.get $tb))
          (local.set 2 (i32.add (local.get 2) \(call("(i32.add (local.get 1) (i32.const 0))"))))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3))))
        (local.get 2)
        """, results: ["30", "30", "30"], keepsNoBlock: true),

    Sample(
      testDescription: "a sum behind an assignment, whose local a handler takes for something else",
      code: """
        (block $h (try_table (catch_all $h)
          (local.set 3 \(call("(i32.add (local.tee 2 (global.get $tb)) (i32.const 1))")))
          (call $throws (local.get 0))
          (local.set 2 (i32.const 0))))
        (i32.add (local.get 3) (select (i32.const 1) (i32.const 2) (local.get 2)))
        """, results: ["22", "21", "21"]),
    Sample(
      testDescription: "a sum of a local that is something else later",
      code: """
        (local.set 2 (global.get $tb))
        (if (local.get 0) (then (return \(call("(i32.add (local.get 2) (i32.const 1))")))))
        (local.set 2 (i32.const 4))
        (loop $l
          (local.set 2 (i32.sub (local.get 2) (i32.const 1)))
          (br_if $l (i32.gt_u (local.get 2) (i32.const 3))))
        (local.get 2)
        """, results: ["3", "20", "20"]),
    Sample(
      testDescription: "a number that was computed with, and a slot",
      code: """
        (local.set 1 (i32.const 4))
        (local.set 2 (i32.mul (local.get 1) (i32.const 3)))
        (if (local.get 0) (then (local.set 1 (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0))))))
        (if (result i32) (local.get 0) (then \(call("(local.get 1)"))) (else (local.get 2)))
        """, results: ["12", "20", "20"]),
    Sample(
      testDescription: "a slot, and what computes with it or a number",
      code: """
        (local.set 1 (i32.const 4))
        (if (local.get 0) (then (local.set 1 (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0))))))
        (drop (i32.mul (local.get 1) (i32.const 3)))
        (if (result i32) (local.get 0) (then \(call("(local.get 1)"))) (else (local.get 1)))
        """, results: ["4", "20", "20"], isFolded: false),
    Sample(
      testDescription: "no exception passes what catches all",
      code: """
        (block $outer (try_table (catch_all $outer)
          (block $inner (try_table (catch_all $inner)
            (local.set 1 (global.get $tb))
            (local.set 3 \(call("(i32.add (local.get 1) (select (i32.const 1) (i32.const 2) (local.get 0)))")))
            (call $throws (local.get 0))))
          (local.set 1 (i32.const 7))
          (call $throws (local.get 0))))
        (i32.add (local.get 3) (i32.mul (local.get 1) (i32.const 3)))
        """, results: ["51", "41", "41"]),
    Sample(
      testDescription: "an exception passes what catches another",
      code: """
        (block $outer (try_table (catch_all $outer)
          (block $inner (try_table (catch $other $inner)
            (local.set 1 (global.get $tb))
            (local.set 3 \(call("(i32.add (local.get 1) (select (i32.const 1) (i32.const 2) (local.get 0)))")))
            (call $throws (local.get 0))))
          (local.set 1 (i32.const 7))
          (call $throws (local.get 0))))
        (i32.add (local.get 3) (i32.ge_s (local.get 1) (i32.const 0)))
        """, results: ["31", "21", "21"], isFolded: false),

    Sample(
      testDescription: "a handler computes with it",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        (block $h (try_table (catch_all $h)
          (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
          (call $throws (local.get 0))
          (local.set 1 (i32.const 0))
          (return (i32.const 5))))
        """ + call("(i32.add (local.get 1) (i32.const 1))"), results: ["5", "30", "30"], isFolded: false),
    Sample(
      testDescription: "the number is a variable",
      code: call("(i32.add (global.get $tb) (local.get 0))"), results: ["10", "20", "30"], isFolded: false),
    Sample(
      testDescription: "the sum is computed with",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 0)))
        """ + call("(i32.add (local.get 1) (local.get 0))"), results: ["10", "20", "30"], isFolded: false),
    Sample(
      testDescription: "the number has another use",
      code: """
        (local.set 1 (select (i32.const 1) (i32.const 2) (local.get 0)))
        (i32.add (local.get 1) \(call("(i32.add (global.get $tb) (local.get 1))")))
        """, results: ["32", "21", "21"], isFolded: false),
    Sample(
      testDescription: "the base has another use",
      code: """
        (local.set 1 (global.get $tb))
        (i32.add (i32.sub (local.get 1) (global.get $tb))
          \(call("(i32.add (local.get 1) (select (i32.const 0) (i32.const 1) (local.get 0)))")))
        """, results: ["20", "10", "10"], isFolded: false),
    Sample(
      testDescription: "one path has the base, the other a parameter",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
        (if (i32.eqz (local.get 0)) (then (local.set 1 (global.get $tb))))
        (local.set 2 (i32.add (local.get 1) (i32.const 1)))
        \(call("(local.get 2)"))
        """, results: ["20", "30", "30"], isFolded: false),
    Sample(
      testDescription: "a loop counts through the slots",
      code: """
        (local.set 1 (global.get $tb))
        (loop $l
          (local.set 2 (i32.add (local.get 2) \(call("(local.get 1)"))))
          (local.set 1 (i32.add (local.get 1) (i32.const 1)))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3))))
        (local.get 2)
        """, results: ["60", "60", "60"], isFolded: false),
    Sample(
      testDescription: "a slot that no function is in",
      code: """
        (if (result i32) (i32.eq (i32.add (global.get $tb) (i32.const 3)) (local.get 0))
          (then (i32.const 1)) (else (i32.const 2)))
        """, results: ["2", "2", "2"], isFolded: false),
  ]

  private func library(_ sample: Sample) async throws -> [UInt8] {
    let text = LiftingCase.library(
      """
      (type $number (func (result i32)))
      (elem (global.get $tb) func $zero $one $two)
      (func $zero (result i32) (i32.const 10)) (func $one (result i32) (i32.const 20))
      (func $two (result i32) (i32.const 30))
      (tag $e (param i32)) (tag $other)
      (func $throws (param i32) (if (local.get 0) (then (throw $e (local.get 0)))))
      (func $f (export "f") (param i32) (result i32) (local i32 i32 i32 i32) \(sample.code))
      """)
    return try contents(of: try await Toolchain.shared.assembled("libslots.so", text))
  }

  /// Has slots of its own in front, so that the base is not what it would be alone.
  private var object: ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let f = object.undefinedFunction("f", [.i32], [.i32])
    let other = object.function("other", [], [.i32], [.i32Const(77)])
    object.data("pointer", [0, 0, 0, 0], relocations: [DataRelocation(.tableIndexI32, at: 0, other)])
    object.function("run", [.i32], [.i32], flags: .exported, [.localGet(0), .call(f)])
    return object
  }

  @Test(arguments: samples) func meansFunctionsOrSlots(_ sample: Sample) async throws {
    let library = try await library(sample)
    let direct = try await linked(["main.o": object, "libslots.so": library], "--no-entry", "--no-gc-sections")
    for (argument, expected) in sample.results.enumerated() {
      #expect(try await direct.call("run", argument) == expected)
    }
    if sample.keepsNoBlock {
      let small = try await linked(["main.o": object, "libslots.so": library], "--no-entry")
      #expect(!small.module.functionNames.contains("two"))
    }
    guard sample.isFolded else {
      try refused(["libslots.so": library], "-r", mentions: ["libslots.so", "'f'", "__table_base", "at offset 0x"])
      return
    }
    let lifted = try await linked(["libslots.so": library], "-r")
    let result = try await linked(["main.o": object, "lifted.o": lifted.bytes], "--no-entry", "--no-gc-sections")
    for (argument, expected) in sample.results.enumerated() {
      #expect(try await result.call("run", argument) == expected)
    }
  }

  /// An exception that is delegated to a block passes the handlers between, which may catch all.
  @Test(arguments: [0, 1]) func delegatedExceptions(_ depth: Int) throws {
    var library = ModuleBuilder(dylink: Dylink(tableSize: 2))
    let throwing = library.importFunction("env", "throwing", [], [])
    let base = library.importMemoryAndBases()
    let type = library.type([], [.i32])
    let one = library.function([], [.i32], name: "one", [.i32Const(1)])
    library.element(.active([.globalGet(base.table)]), functions: [one, one])
    let call: [WasmInstruction] = [
      .globalGet(base.table), .localSet(1), .localGet(1), .i32Const(0), .i32Const(1), .localGet(0), .raw(0x1B), .i32Add,
      .callIndirect(type: type), .drop,
    ]
    // The outer handler computes with the local, which the inner one sets to zero.
    let inner: [WasmInstruction] =
      [.try()] + call + [.try(), .call(throwing), .delegate(depth), .i32Const(0), .localSet(1), .catchAll]
      + [.i32Const(0), .localSet(1), .end]
    library.function(
      [.i32], [.i32], locals: [.i32], export: "f",
      [.try(.i32)] + inner + [.i32Const(5), .catchAll, .localGet(1), .i32Const(3), .i32Mul, .end])
    let run = try LinkInProcess(["libdelegate.so": library], ["-r"])
    #expect((run.bytes != nil) == (depth == 0), "\(run.errors)")
  }
}
