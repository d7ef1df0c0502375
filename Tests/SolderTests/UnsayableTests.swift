import Testing

/// What an object cannot say: `-r` refuses it and names the place.
@Suite struct UnsayableTests {
  private func library(_ body: String, more: String = "") async throws -> [UInt8] {
    try contents(of: try await Toolchain.shared.assembled("libbad.so", LiftingCase.library(body, more: more)))
  }

  private func module(_ body: String) async throws -> [UInt8] {
    try contents(of: try await Toolchain.shared.assembled("plain.wasm", "(module \(body))"))
  }

  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let body: String
    let mentions: [String]
  }

  static let libraries = [
    Sample(
      testDescription: "a start function", body: "(import \"env\" \"f\" (func $f)) (start $f)",
      mentions: ["'f' runs at start"]),
    Sample(
      testDescription: "relocation code that cannot be read",
      body: """
        (import "env" "where" (func $where (result i32)))
        (func (export "__wasm_apply_data_relocs") (i32.store (call $where) (global.get $mb)))
        """, mentions: ["'__wasm_apply_data_relocs' runs at start", "call at offset 0x", "imported function"]),
    Sample(testDescription: "a memory of its own", body: "(memory 1)", mentions: ["memory 1"]),
    Sample(
      testDescription: "a second memory", body: "(import \"host\" \"buffer\" (memory 1))", mentions: ["host.buffer"]),
    Sample(
      testDescription: "data at a fixed address", body: "(data (i32.const 4096) \"x\")",
      mentions: ["data segment 0", "fixed address 4096"]),
    Sample(
      testDescription: "passive data",
      body: "(data $d \"abc\") (func (export \"f\") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)))",
      mentions: ["data segment 'd' is passive"]),
    Sample(
      testDescription: "data that overlaps",
      body: "(data (global.get $mb) \"abcd\") (data (i32.add (global.get $mb) (i32.const 2)) \"xy\")",
      mentions: ["data segments 0 and 1 overlap"]),
    Sample(
      testDescription: "a passive element segment", body: "(elem func $f) (func $f)",
      mentions: ["element segment 0"]),
    Sample(
      testDescription: "an element segment that code names",
      body: """
        (elem $e (global.get $tb) func $f) (func $f)
        (func (export "drop") (elem.drop $e))
        """, mentions: ["function 'drop'", "names an element segment at offset 0x"]),
    Sample(
      testDescription: "a reference to a function",
      body: """
        (elem declare func $f) (func $f)
        (func (export "take") (drop (ref.func $f)))
        """, mentions: ["function 'take'", "reference to a function", "at offset 0x"]),
    Sample(
      testDescription: "a variable that begins with an address",
      body: """
        (global $g (mut i32) (global.get $mb))
        (func (export "next") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
        """, mentions: ["global 'g'", "initial value"]),
    Sample(
      testDescription: "a number that is added to a pointer in data",
      body: """
        (import "GOT.func" "f" (global $f (mut i32)))
        (func (export "__wasm_apply_data_relocs") (i32.store (global.get $mb) (i32.add (global.get $f) (i32.const 1))))
        """, mentions: ["computes with the slot of a function", "at offset 0x"]),
    Sample(
      testDescription: "an address that code sets",
      body: """
        (import "GOT.mem" "errno" (global $errno (mut i32)))
        (func (export "set") (global.set $errno (i32.const 1)))
        """, mentions: ["function 'set'", "GOT.mem.errno", "as a variable at offset 0x"]),
    Sample(
      testDescription: "a type beyond functions",
      body: """
        (type $pair (struct (field i32)))
        (func (export "make") (drop (struct.new $pair (i32.const 1))))
        """, mentions: ["function 'make'", "struct", "at offset 0x"]),
    Sample(
      testDescription: "another name for an import",
      body: "(import \"env\" \"f\" (func $f)) (export \"g\" (func $f))", mentions: ["'g'", "'f'"]),
    Sample(
      testDescription: "an address in front of its data", body: "(global (export \"before\") i32 (i32.const -8))",
      mentions: ["'before'", "outside"]),
  ]

  @Test(arguments: libraries) func ofALibrary(_ sample: Sample) async throws {
    let bytes = try await library(sample.body)
    try refused(
      ["libbad.so": bytes], "-r", mentions: ["libbad.so: cannot be written as an object: "] + sample.mentions)
  }

  static let modules = [
    Sample(
      testDescription: "data", body: "(memory (export \"memory\") 1) (data (i32.const 8) \"x\")",
      mentions: ["static memory"]),
    Sample(
      testDescription: "memory without a word about it", body: "(import \"env\" \"memory\" (memory 1))",
      mentions: ["static memory", "--heap-base=0"]),
    Sample(
      testDescription: "memory with an end",
      body: "(import \"env\" \"memory\" (memory 1)) (global (export \"__heap_base\") i32 (i32.const 4096))",
      mentions: ["ends at 4096"]),
    Sample(
      testDescription: "a table with functions", body: "(table 2 funcref) (elem (i32.const 1) $f) (func $f)",
      mentions: ["element segment 0", "slots from 1"]),
    Sample(testDescription: "a start function", body: "(func $s nop) (start $s)", mentions: ["'s' runs at start"]),
    Sample(
      testDescription: "a name of the linker's", body: "(func (export \"__wasm_call_ctors\"))",
      mentions: ["__wasm_call_ctors"]),
  ]

  @Test(arguments: modules) func ofAPlainModule(_ sample: Sample) async throws {
    let bytes = try await module(sample.body)
    try refused(
      ["plain.wasm": bytes], "-r", mentions: ["plain.wasm: cannot be written as an object: "] + sample.mentions)
  }

  @Test func aPlainModuleWithoutMemory() async throws {
    let bytes = try await module(
      """
      (import "env" "next" (func $next (param i32) (result i32)))
      (global $count (mut i32) (i32.const 0))
      (func (export "step") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.add (call $next (local.get 0)) (global.get $count)))
      """)
    let lifted = try await linked(["plain.wasm": bytes], "-r")
    var main = ModuleBuilder(object: true)
    main.function("next", [.i32], [.i32], [.localGet(0), .i32Const(2), .i32Mul])
    let result = try await linked(["main.o": main, "lifted.o": lifted.bytes], "--no-entry")
    #expect(try await result.call("step", 20) == "41")
  }

  @Test func aPlainModuleThatHasNothingInMemory() async throws {
    let bytes = try await module(
      """
      (import "env" "memory" (memory 0))
      (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))
      """)
    let lifted = try await linked(["plain.wasm": bytes], "-r", "--heap-base=0")
    var main = ModuleBuilder(object: true)
    let peek = main.undefinedFunction("peek", [.i32], [.i32])
    let value = main.data("value", [5, 0, 0, 0])
    main.function("go", [], [.i32], flags: .exported, [.address(value), .call(peek)])
    let result = try await linked(["main.o": main, "lifted.o": lifted.bytes], "--no-entry")
    #expect(try await result.call("go") == "5")
  }
}
