import Testing

/// Slots of a library that leave the function which has their address, and are computed with where they are called: they
/// keep their order, and an object, which has no form for it, is refused.
@Suite struct ComputedSlotTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Functions, of which `f` gives a number.
    let code: String
    let result: Int
    /// The function and the instruction that an object is refused for.
    var refusal: String? = "'at' computes which slot of the function table it takes at offset 0x"
    /// Whether only a program of an object tells, since the value went through a local.
    var isInLocal = false
  }

  private static let second = "(i32.add (global.get $tb) (i32.const 1))"

  static let samples = [
    Sample(
      testDescription: "a parameter and a number",
      code: """
        (func $at (param i32 i32) (result i32) (call_indirect (type $number) (i32.add (local.get 0) (local.get 1))))
        (func (export "f") (result i32) (call $at \(second) (i32.const 1)))
        """, result: 3),
    Sample(
      testDescription: "a tail call",
      code: """
        (func $at (param i32 i32) (result i32) (return_call_indirect (type $number) (i32.sub (local.get 0) (local.get 1))))
        (func (export "f") (result i32) (call $at \(second) (i32.const 1)))
        """, result: 1),
    Sample(
      testDescription: "a slot in memory",
      code: """
        (func $at (result i32) (call_indirect (type $number) (i32.add (i32.load (global.get $mb)) (i32.const 1))))
        (func (export "f") (result i32) (i32.store (global.get $mb) \(second)) (call $at))
        """, result: 3),
    Sample(
      testDescription: "more bits meanwhile",
      code: """
        (func $at (param i64) (result i32)
          (call_indirect (type $number) (i32.wrap_i64 (i64.add (local.get 0) (i64.const 1)))))
        (func (export "f") (result i32) (call $at (i64.extend_i32_u \(second))))
        """, result: 3),
    Sample(
      testDescription: "a sum that is kept as well",
      code: """
        (func $at (param i32) (result i32)
          (call_indirect (type $number) (local.tee 0 (i32.add (local.get 0) (i32.const 1)))))
        (func (export "f") (result i32) (call $at \(second)))
        """, result: 3),
    Sample(
      testDescription: "a slot that is read",
      code: """
        (func $at (param i32) (result i32) (ref.is_null (table.get $table (i32.add (local.get 0) (i32.const 1)))))
        (func (export "f") (result i32) (call $at \(second)))
        """, result: 0),
    Sample(
      testDescription: "a local",
      code: """
        (func $at (param i32) (result i32) (local i32)
          (local.set 1 (i32.add (local.get 0) (i32.const 1))) (call_indirect (type $number) (local.get 1)))
        (func (export "f") (result i32) (call $at \(second)))
        """, result: 3, isInLocal: true),
    Sample(
      testDescription: "a local that a loop counts",
      code: """
        (func $at (param i32) (result i32) (local i32)
          (block (loop (local.set 1 (i32.add (local.get 1) (call_indirect (type $number) (local.get 0))))
            (br_if 1 (i32.gt_u (local.get 1) (i32.const 4)))
            (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))
          (local.get 1))
        (func (export "f") (result i32) (call $at \(second)))
        """, result: 5, isInLocal: true),
    Sample(
      testDescription: "a local that is a number on another path",
      code: """
        (func $at (param i32 i32) (result i32)
          (block (block (br_if 0 (local.get 1)) (local.set 0 (i32.add (local.get 1) (i32.const 1))) (br 1))
            (return (call_indirect (type $number) (local.get 0))))
          (local.get 0))
        (func (export "f") (result i32) (call $at \(second) (i32.const 1)))
        """, result: 2, refusal: nil),
    Sample(
      testDescription: "a local that is a number later, and read from memory in each round",
      code: """
        (func $at (param i32) (result i32) (local i32 i32)
          (loop (local.set 2 (i32.load (global.get $mb)))
            (local.set 1 (i32.add (local.get 1) (call_indirect (type $number) (local.get 2))))
            (local.set 2 (i32.add (local.get 1) (i32.const 1))) (br_if 0 (i32.lt_u (local.get 2) (i32.const 4))))
          (local.get 1))
        (func (export "f") (result i32) (i32.store (global.get $mb) \(second)) (call $at (i32.const 0)))
        """, result: 4, refusal: nil),
    Sample(
      testDescription: "a local that is a number for a while, and read from memory when the loop begins anew",
      code: """
        (func $at (param i32) (result i32) (local i32)
          (loop (local.set 1 (i32.add (local.get 1) (call_indirect (type $number) (local.get 0))))
            (local.set 0 (i32.add (local.get 1) (i32.const 1))) (drop (i32.load (local.get 0)))
            (local.set 0 (i32.load (global.get $mb))) (br_if 0 (i32.lt_u (local.get 1) (i32.const 4))))
          (local.get 1))
        (func (export "f") (result i32) (i32.store (global.get $mb) \(second)) (call $at \(second)))
        """, result: 4, refusal: nil),
    Sample(
      testDescription: "a local that is a number where one path begins the loop anew",
      code: """
        (func $at (param i32) (result i32) (local i32)
          (loop (local.set 1 (i32.add (local.get 1) (call_indirect (type $number) (local.get 0))))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (block (br_if 1 (i32.lt_u (local.get 1) (i32.const 4)))) (local.set 0 (i32.load (global.get $mb)))
            (br_if 0 (i32.lt_u (local.get 1) (i32.const 8))))
          (local.get 1))
        (func (export "f") (result i32) (i32.store (global.get $mb) \(second)) (call $at \(second)))
        """, result: 9, isInLocal: true),
    Sample(
      testDescription: "a seed",
      code: """
        (func (export "f") (result i32)
          (i32.store (global.get $mb) (i32.xor (i32.const 0x55555555) \(second)))
          (i32.ne (i32.load (global.get $mb)) (i32.const 0x55555555)))
        """, result: 1, refusal: nil),
    Sample(
      testDescription: "mixed and restored, and added to on one path",
      code: """
        (func (export "f") (result i32) (local i32)
          (local.set 0 (i32.xor (i32.xor \(second) (i32.const 5)) (i32.const 5)))
          (if (i32.load (global.get $mb)) (then (local.set 0 (i32.add (local.get 0) (i32.const 1)))))
          (call_indirect (type $number) (local.get 0)))
        """, result: 2, refusal: "slots of the function table"),
    Sample(
      testDescription: "a sum of which folding knows what it is",
      code: """
        (func $at (param i32) (result i32)
          (call_indirect (type $number) (i32.add (global.get $tb) (select (i32.const 1) (i32.const 2) (local.get 0)))))
        (func (export "f") (result i32) (call $at (i32.const 1)))
        """, result: 2, refusal: nil),
  ]

  @Test(arguments: samples) func keepTheirOrder(_ sample: Sample) async throws {
    let library = try await Toolchain.shared.assembled(
      "libslots.so",
      LiftingCase.library(
        """
        (type $number (func (result i32))) (elem (table $table) (global.get $tb) func $one $two $three)
        (func $one (type $number) (i32.const 1)) (func $two (type $number) (i32.const 2))
        (func $three (type $number) (i32.const 3)) (data (global.get $mb) "\\00\\00\\00\\00\\00\\00\\00\\00") \(sample.code)
        """, table: "3 0"))
    let lifted = LinkInProcess(arguments: ["-r", library])
    if let refusal = sample.refusal {
      #expect(lifted.errors.contains { $0.contains(refusal) }, "\(lifted.errors)")
    } else {
      let object = try TemporaryFolder().write(try #require(lifted.bytes, "\(lifted.errors)"), to: "lifted.o")
      let result = try await linkedHere(["--no-entry", "--export=f", object])
      #expect(try await result.call("f") == "\(sample.result)")
    }
    if sample.isInLocal { return }
    for options in [[], ["--icf=all"], ["-O2", "--compress-relocations", "--strip-all"], ["--no-gc-sections"]] {
      let result = try await linkedHere(["--no-entry", "--export=f", library] + options)
      #expect(try await result.call("f") == "\(sample.result)", "\(options)")
    }
  }

  /// Calls of one local with many assignments, in many loops, are not looked at for ever.
  @Test(arguments: [100, 2_000]) func manyCallsAndLoops(_ count: Int) throws {
    var library = ModuleBuilder(dylink: Dylink(tableSize: 1))
    let base = library.importMemoryAndBases()
    let number = library.type([], [])
    let step: [WasmInstruction] = [.loop(), .localGet(1), .callIndirect(type: number), .localGet(0), .localSet(1)]
    let function = library.function(
      [.i32], [], locals: [.i32], export: "f",
      Array(repeating: step, count: count).flatMap { $0 } + Array(repeating: .end, count: count))
    library.element(.active([.globalGet(base.table)]), functions: [function])
    let run = try LinkInProcess(["libmany.so": library], ["-r"])
    #expect((run.bytes != nil) == (count == 100), "\(run.errors)")
  }
}
