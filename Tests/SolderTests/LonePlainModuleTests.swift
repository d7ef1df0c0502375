import Testing

/// A plain module linked alone is asked nothing, and comes out behaving as before, whatever it contains.
@Suite struct LonePlainModuleTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let calls: [Call]
    let text: String
    var testDescription: String { name }

    init(_ name: String, _ calls: [Call], _ text: String) {
      self.name = name
      self.calls = calls
      self.text = text
    }
  }

  @Test(arguments: samples) func behavesAsBefore(_ sample: Sample) async throws {
    let module = try await Toolchain.shared.assembled("module.wasm", sample.text)
    let before = try ModuleDescription(contents(of: module))
    let result = try await link([module])
    let expected = try await WebAssemblyHost.shared.invoke(module, sample.calls)
    #expect(!expected.contains("instantiation fails") || sample.calls.isEmpty, "\(expected)")
    #expect(try await WebAssemblyHost.shared.invoke(result.path, sample.calls) == expected)
    #expect(result.module.imports.map(\.description) == before.imports.map(\.description))
    #expect(result.module.imports.map(\.limits) == before.imports.map(\.limits))
    #expect(result.module.exports.map { "\($0.name) \($0.kind)" } == before.exports.map { "\($0.name) \($0.kind)" })
    #expect(result.module.customSections.map(\.name) == before.customSections.map(\.name))
    #expect(result.module.memories == before.memories)
    #expect(result.module.tables == before.tables)
  }

  static let samples = [
    Sample(
      "mvp", [Call("run", 4), Call("run", 9), Call("bad")],
      """
      (module (type $binary (func (param i32 i32) (result i32)))
        (import "host" "show" (func $show (param i32)))
        (import "env" "puts" (func $puts (param i32) (result i32)))
        (memory (export "memory") 2 5) (table (export "table") 3 8 funcref) (elem (i32.const 0) $add $subtract)
        (global $state (export "state") (mut i32) (i32.const 5)) (global (export "version") i32 (i32.const 7))
        (data (i32.const 8) "abcdefgh") (start $begin)
        (func $begin (global.set $state (i32.load8_u (i32.const 9))) (call $show (global.get $state)))
        (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func $subtract (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
        (func $unreached (result f32) (f32.const 1.5))
        (func (export "run") (param $n i32) (result i32) (local $sum i32)
          (block $done (loop $more (br_if $done (i32.eqz (local.get $n)))
            (local.set $sum (call_indirect (type $binary) (local.get $sum) (local.get $n)
              (i32.rem_u (local.get $n) (i32.const 2))))
            (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $more)))
          (drop (call $puts (local.get $sum)))
          (local.get $sum))
        (func (export "bad") (call_indirect (type $binary) (i32.const 1) (i32.const 2) (i32.const 2)) drop))
      """),
    Sample("empty", [], "(module)"),
    Sample(
      "no memory, exports of imports", [Call("again", 3)],
      """
      (module (import "a" "f" (func $f (param i32))) (import "a" "g" (global $g i32)) (import "a" "m" (memory 1 3))
        (import "a" "t" (table 2 20 funcref))
        (export "again" (func $f)) (export "once more" (func $f)) (export "global" (global $g)) (export "m" (memory 0))
        (export "t" (table 0)))
      """),
    Sample(
      "garbage collected types", [Call("sum", 10), Call("cast"), Call("fails"), Call("i31", -5)],
      """
      (module
        (rec (type $list (sub (struct (field $head i32) (field $tail (ref null $list))))) (type $other (struct (field i64))))
        (type $longer (sub final $list (struct (field $head i32) (field $tail (ref null $list)) (field f64))))
        (type $bytes (array (mut i8)))
        (global $shared (ref null $list) (struct.new $list (i32.const 7) (ref.null $list)))
        (func $cons (param i32 (ref null $list)) (result (ref $list)) (struct.new $list (local.get 0) (local.get 1)))
        (func (export "sum") (param $n i32) (result i32) (local $list (ref null $list)) (local $sum i32)
          (local.set $list (global.get $shared))
          (loop $more (local.set $list (call $cons (local.get $n) (local.get $list)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (block $done (loop $walk
            (local.set $sum (i32.add (local.get $sum) (struct.get $list $head (br_on_null $done (local.get $list)))))
            (local.set $list (struct.get $list $tail (local.get $list))) (br $walk)) unreachable)
          (local.get $sum))
        (func (export "cast") (result i32) (local $array (ref $bytes))
          (local.set $array (array.new_fixed $bytes 3 (i32.const 1) (i32.const 2) (i32.const 250)))
          (i32.add (array.get_u $bytes (local.get $array) (i32.const 2))
            (ref.test (ref $longer) (struct.new $longer (i32.const 1) (ref.null $list) (f64.const 2)))))
        (func (export "fails") (result i32)
          (struct.get $list $head (ref.cast (ref $longer) (global.get $shared))))
        (func (export "i31") (param i32) (result i32) (i31.get_s (ref.i31 (local.get 0)))))
      """),
    Sample(
      "several memories", [Call("copy"), Call("grow"), Call("sizes")],
      """
      (module (memory $one (export "one") 1) (memory $two 2 9) (memory $three (export "three") 0)
        (data (memory $two) (i32.const 100) "\\01\\02\\03\\04") (data $later "later")
        (func (export "copy") (result i32)
          (memory.copy $one $two (i32.const 8) (i32.const 100) (i32.const 4))
          (memory.init $two $later (i32.const 0) (i32.const 1) (i32.const 2)) (data.drop $later)
          (i32.add (i32.load $one (i32.const 8)) (i32.load8_u $two (i32.const 1))))
        (func (export "grow") (result i32) (memory.grow $three (i32.const 1)))
        (func (export "sizes") (result i32 i32 i32) (memory.size $one) (memory.size $two) (memory.size $three)))
      """),
    Sample(
      "exceptions", [Call("catch", 3), Call("catch", 0), Call("escapes")],
      """
      (module (tag $number (export "number") (param i32)) (tag $plain)
        (func $risky (param i32) (if (local.get 0) (then (throw $number (i32.add (local.get 0) (i32.const 40)))))
          (throw $plain))
        (func (export "catch") (param i32) (result i32)
          (block $any (block $value (result i32) (try_table (catch $number $value) (catch_all $any)
            (call $risky (local.get 0))) (i32.const 1) return) return) (i32.const -1))
        (func (export "escapes") (throw $plain)))
      """),
    Sample(
      "vectors", [Call("lanes"), Call("relaxed")],
      """
      (module (memory 1) (data (i32.const 0) "\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\0f\\10")
        (global $v (mut v128) (v128.const i32x4 1 2 3 4))
        (func (export "lanes") (result i32 i32)
          (global.set $v (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (global.get $v) (v128.load (i32.const 0))))
          (i32x4.extract_lane 2 (global.get $v))
          (i8x16.extract_lane_u 5 (v128.load8_lane offset=3 7 (i32.const 0) (global.get $v))))
        (func (export "relaxed") (result i32)
          (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 9.5))))))
      """),
    Sample(
      "threads", [Call("add", 5), Call("add", 6), Call("notify")],
      """
      (module (memory (export "memory") 1 4 shared) (data $d "\\07") (start $begin)
        (func $begin (memory.init $d (i32.const 16) (i32.const 0) (i32.const 1)) (atomic.fence))
        (func (export "add") (param i32) (result i32) (i32.atomic.rmw.add (i32.const 16) (local.get 0)))
        (func (export "notify") (result i32) (memory.atomic.notify (i32.const 16) (i32.const 1))))
      """),
    Sample(
      "tail calls and function references", [Call("even", 100000), Call("reference", 4), Call("table")],
      """
      (module (type $f (func (param i32) (result i32))) (table $t 4 10 funcref) (table $u (export "u") 2 externref)
        (table $typed 1 (ref $f) (ref.func $double))
        (elem $passive func $double $even) (elem declare func $odd)
        (func $even (export "even") (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (return (i32.const 1)))) (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
        (func $odd (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (return (i32.const 0)))) (return_call $even (i32.sub (local.get 0) (i32.const 1))))
        (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export "reference") (param i32) (result i32)
          (i32.add (call_ref $f (local.get 0) (ref.func $odd)) (call_ref $f (local.get 0) (table.get $typed (i32.const 0)))))
        (func (export "table") (result i32 i32)
          (table.init $t $passive (i32.const 1) (i32.const 0) (i32.const 2)) (elem.drop $passive)
          (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))
          (drop (table.grow $u (ref.null extern) (i32.const 3)))
          (call_indirect $t (type $f) (i32.const 21) (i32.const 0)) (table.size $u)))
      """),
    Sample(
      "64-bit memory and table", [Call("load"), Call("call"), Call("size")],
      """
      (module (type $f (func (result i32))) (memory (export "memory") i64 1 70000) (table i64 2 funcref)
        (elem (i64.const 1) func $seven) (data (i64.const 65528) "\\01\\02\\03\\04\\05\\06\\07\\08")
        (func $seven (result i32) (i32.const 7))
        (func (export "load") (result i64) (i64.load offset=65520 (i64.const 8)))
        (func (export "call") (result i32) (call_indirect (type $f) (i64.const 1)))
        (func (export "size") (result i64) (memory.size)))
      """),
    Sample(
      "constant expressions", [Call("sum"), Call("byte")],
      """
      (module (import "host" "base" (global $base i32)) (memory 1) (table 30 funcref)
        (global $twice i32 (i32.mul (global.get $base) (i32.const 2)))
        (global $wide i64 (i64.add (i64.const 5) (i64.const -6))) (global $f (export "f") funcref (ref.func $g))
        (data (i32.add (global.get $base) (i32.const 3)) "x") (elem (offset (global.get $twice)) $g)
        (func $g (result i32) (i32.const 4))
        (func (export "sum") (result i32) (i32.add (global.get $twice) (call_indirect (result i32) (global.get $twice))))
        (func (export "byte") (result i32) (i32.load8_u (i32.const 10))))
      """),
    Sample(
      "several values, repeated types, sections of its own", [Call("swap", 1, 2), Call("loop", 5)],
      """
      (module (type $c (func (param i32 i32) (result i32)))
        (type $a (func (param i32 i32) (result i32 i32))) (type $b (func (param i32 i32) (result i32 i32)))
        (@custom "notes" "whatever is in here")
        (func $first (type $a) (local.get 1) (local.get 0)) (func $second (type $b) (call $first (local.get 0) (local.get 1)))
        (func (export "swap") (type $b) (call $second (local.get 0) (local.get 1)))
        (func (export "loop") (param i32) (result i32)
          (local.get 0) (i32.const 1)
          (loop (type $c) (param i32 i32) (result i32) (drop))))
      """),
    Sample(
      "traps at start", [],
      "(module (func $begin unreachable) (start $begin) (func (export \"f\")))"),
  ]

  /// Many imports of one function, the last of which is exported, while nothing is left out.
  @Test func exportsOneOfManyImports() async throws {
    var module = ModuleBuilder()
    let imports = (0..<40).map { _ in module.importFunction("host", "note", [.i32], []) }
    module.export("shown", .function, imports[39])
    let result = try await linked(["module.wasm": module], "--no-gc-sections", "--strip-debug")
    #expect(try await result.invoke([Call("shown", 3)]) == "instantiated\nhost.note(3)\nshown(3) = None\n")
  }
}
