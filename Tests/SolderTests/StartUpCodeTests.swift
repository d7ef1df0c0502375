import Testing

/// Start-up code of libraries, done at link time as far as it can be.
@Suite struct StartUpCodeTests {
  private static let common = """
    (import "host" "value" (func $value (result i32)))
    (global $g (mut i32) (i32.const 7)) (global $h (mut i32) (i32.const 0))
    (func (export "word") (param i32) (result i32) (i32.load (i32.add (global.get $mb) (local.get 0))))
    (func (export "offset") (param i32) (result i32)
      (i32.sub (i32.load (i32.add (global.get $mb) (local.get 0))) (global.get $mb)))
    (func (export "g") (result i32) (global.get $g))
    (func (export "h") (result i32) (global.get $h))
    """

  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    /// Bytes of instructions that stay; `nil` if the whole of it is done.
    var kept: Int?
    let calls: [Call]
    let expected: [String]
  }

  static let samples = [
    Sample(
      testDescription: "the start function sets what the relocations read",
      code: """
        (start $begin) (func $begin (global.set $h (i32.add (global.get $mb) (i32.const 16))))
        (func (export "__wasm_apply_data_relocs")
          (i32.store (i32.add (global.get $mb) (i32.const 4)) (global.get $h))
          (i32.store offset=8 (global.get $mb) (global.get $g)))
        """, calls: [Call("offset", 4), Call("word", 8)], expected: ["offset(4) = 16", "word(8) = 7"]),
    Sample(
      testDescription: "a later store to the same place, from another function",
      code: """
        (start $begin) (func $begin (i32.store (global.get $mb) (i32.const 5)))
        (func (export "__wasm_apply_data_relocs") (i32.store (global.get $mb) (i32.add (global.get $mb) (i32.const 12))))
        """, kept: 10, calls: [Call("offset", 0)], expected: ["offset(0) = 12"]),
    Sample(
      testDescription: "how far two addresses are from each other",
      code: """
        (func (export "__wasm_apply_data_relocs")
          (i32.store offset=4 (global.get $mb) (i32.sub (i32.add (global.get $mb) (i32.const 9)) (global.get $mb)))
          (i32.store offset=8 (global.get $mb) (i32.sub (global.get $tb) (i32.add (global.get $tb) (i32.const 3)))))
        """, calls: [Call("word", 4), Call("word", 8)], expected: ["word(4) = 9", "word(8) = -3"]),
    Sample(
      testDescription: "what is loaded is stored",
      code: """
        (func (export "__wasm_apply_data_relocs")
          (i32.store (global.get $mb) (i32.add (global.get $mb) (i32.const 1)))
          (i32.store offset=4 (global.get $mb) (i32.load offset=32 (global.get $mb)))
          (i32.store offset=32 (global.get $mb) (i32.const 3))
          (i32.store offset=36 (global.get $mb) (i32.const 4)))
        (data (i32.add (global.get $mb) (i32.const 32)) "\\2a\\00\\00\\00")
        """, kept: 17, calls: [Call("offset", 0), Call("word", 4), Call("word", 32), Call("word", 36)],
      expected: ["offset(0) = 1", "word(4) = 42", "word(32) = 3", "word(36) = 4"]),
    Sample(
      testDescription: "a local that two statements share, one of which stays",
      code: """
        (func (export "__wasm_apply_data_relocs") (local $p i32)
          (i32.store offset=4 (global.get $mb) (i32.const 6))
          (local.set $p (i32.add (global.get $mb) (i32.const 8)))
          (i32.store (local.get $p) (i32.load offset=12 (global.get $mb)))
          (i32.store offset=8 (local.get $p) (local.get $p)))
        """, kept: 17, calls: [Call("word", 4), Call("word", 8), Call("offset", 16)],
      expected: ["word(4) = 6", "word(8) = 0", "offset(16) = 8"]),
    Sample(
      testDescription: "a function that sets a global that it reads, and that runs again",
      code: """
        (func $next (export "again") (global.set $g (i32.add (global.get $g) (i32.const 1))))
        (func (export "__wasm_apply_data_relocs") (call $next) (i32.store (global.get $mb) (global.get $g)))
        """, kept: 9, calls: [Call("g"), Call("word", 0), Call("again"), Call("g")],
      expected: ["g() = 8", "word(0) = 8", "again() = None", "g() = 9"]),
    Sample(
      testDescription: "one branch returns",
      code: """
        (func (export "__wasm_apply_data_relocs")
          (i32.store (global.get $mb) (i32.const 1))
          (if (i32.load offset=8 (global.get $mb)) (then (return)))
          (i32.store offset=4 (global.get $mb) (i32.const 2)))
        (data (i32.add (global.get $mb) (i32.const 8)) "\\01\\00\\00\\00")
        """, kept: 16, calls: [Call("word", 0), Call("word", 4)], expected: ["word(0) = 1", "word(4) = 0"]),
    Sample(
      testDescription: "code that jumps, and a store in 64 bits of a number",
      code: """
        (func (export "__wasm_apply_data_relocs")
          (i64.store (global.get $mb) (i64.const 0x0000000500000006))
          (block (br_if 0 (i32.eqz (i32.load offset=40 (global.get $mb)))) (i32.store offset=16 (global.get $mb) (i32.const 1)))
          (global.set $h (i32.const 3)))
        """, kept: 18, calls: [Call("word", 0), Call("word", 4), Call("word", 16), Call("h")],
      expected: ["word(0) = 6", "word(4) = 5", "word(16) = 0", "h() = 3"]),
  ]

  @Test(arguments: samples, [[], ["--compress-relocations", "--strip-debug"], ["--no-gc-sections"]])
  func isDoneOrStays(_ sample: Sample, _ options: [String]) async throws {
    let library = try await Toolchain.shared.assembled("libstart.so", LiftingCase.library(Self.common + sample.code))
    let exports = Set(sample.calls.map(\.name)).sorted().map { "--export=\($0)" }
    let result = try await link([library, "--no-entry"] + exports + options, warnings: sample.kept != nil)
    let lines = try await WebAssemblyHost.shared.invoke(result.path, sample.calls).split(separator: "\n").map(
      String.init)
    #expect(lines.filter { $0 != "instantiated" } == sample.expected)
    if let kept = sample.kept {
      #expect(result.errors.contains("libstart.so: \(kept) bytes of relocation code"), "\(result.errors)")
    } else {
      #expect(!result.module.functionNames.contains { $0.hasPrefix("__wasm_apply") || $0 == "begin" })
    }
  }

  /// A variable that start-up code sets, and other code too, begins with the address of something that nobody else refers to.
  @Test(arguments: [["lib.so", "main.o"], ["main.o", "lib.so"]]) func whatAVariableBeginsWith(_ order: [String])
    async throws
  {
    let library = try await Toolchain.shared.assembled(
      "lib.so",
      LiftingCase.library(
        """
        (import "GOT.func" "own" (global $own (mut i32))) (import "GOT.func" "other" (global $other (mut i32)))
        (import "GOT.mem" "datum" (global $datum (mut i32))) (import "GOT.func" "missing" (global $missing (mut i32)))
        (type $number (func (result i32))) (elem (global.get $tb) func $first)
        (global $a (mut i32) (i32.const 0)) (global $b (mut i32) (i32.const 1)) (global $c (mut i32) (i32.const 2))
        (global $d (mut i32) (i32.const 3)) (global $e (mut i32) (i32.const 4)) (global $f (mut i32) (i32.const 5))
        (func (export "own") (result i32) (i32.const 1)) (func $first (result i32) (i32.const 2))
        (func (export "__wasm_apply_global_relocs")
          (global.set $a (global.get $own)) (global.set $b (global.get $tb)) (global.set $c (global.get $other))
          (global.set $d (i32.add (global.get $datum) (i32.const 4))) (global.set $e (global.get $missing))
          (global.set $f (i32.const 1234567)))
        (func (export "reset") (global.set $a (i32.const 0)) (global.set $b (i32.const 0)) (global.set $c (i32.const 0))
          (global.set $d (i32.const 0)) (global.set $e (i32.const 0)) (global.set $f (i32.const 0)))
        (func (export "sum") (result i32)
          (i32.add (call_indirect (type $number) (global.get $a)) (call_indirect (type $number) (global.get $b)))
          (i32.add (call_indirect (type $number) (global.get $c)) (i32.load (global.get $d)))
          (i32.add (i32.mul (global.get $e) (i32.const 100000)) (global.get $f)) i32.add i32.add)
        """, table: "1 0", more: "(import-info \"GOT.func\" \"missing\" binding-weak)"))
    var main = ModuleBuilder(object: true)
    main.function("other", [], [.i32], [.i32Const(30)])
    main.data("datum", [1, 0, 0, 0, 44, 1, 0, 0])
    let path = try TemporaryFolder().write(main.bytes, to: "main.o")
    for options in [[], ["--no-gc-sections"], ["--icf=safe"]] {
      let result = try await linkedHere(
        ["--no-entry", "--export=sum", "--export=reset"] + options + order.map { $0 == "lib.so" ? library : path })
      #expect(try await result.call("sum") == "1234900")
    }
    refusedHere(["-r", library], mentions: ["lib.so", "the initial value of global", "is an address"])
  }

  /// A number that the linker defines makes no library larger.
  @Test func theLinkersOwnNumbers() async throws {
    let library = try await Toolchain.shared.assembled(
      "libpage.so",
      LiftingCase.library(
        """
        (global (export "__wasm_first_page_end") i32 (i32.const 65536)) (global (export "last") i32 (i32.const 8))
        (func (export "f") (result i32) (global.get $mb))
        """, memory: "8 2"))
    let lifted = LinkInProcess(arguments: ["-r", library])
    let bytes = try #require(lifted.bytes, "\(lifted.errors)")
    #expect(bytes.count < 1000)
  }
}
