import Testing

/// Random start-up code of a library, of which some can be done at link time: the result is what running all of it in its
/// place gives, which is what happens when the code gets its base from a function, so that nothing of it can be read.
@Suite struct RandomStartUpTests {
  /// Code in the text format; `BASE` stands for the base.
  private struct Generator {
    var random: SplitMix
    /// Functions that may be called: each only calls those before it, most of the time.
    var functions = 0

    mutating func pick(_ count: Int) -> Int { random.below(count) }

    /// Mostly inside of the 64 bytes of the library, and aligned.
    mutating func offset() -> Int { random.chance(70) ? 4 * pick(16) : pick(72) }

    mutating func value(_ depth: Int = 0) -> String {
      switch pick(depth > 1 ? 6 : 10) {
      case 0: return "(i32.const \(pick(1000)))"
      case 1: return "BASE"
      case 2: return "(global.get $g\(pick(2)))"
      case 3: return "(local.get \(pick(2)))"
      case 4: return "SLOT"
      case 5: return "MISSING"
      case 6: return "(i32.load offset=\(offset()) BASE)"
      case 7: return "(i32.add \(value(depth + 1)) \(value(depth + 1)))"
      case 8: return "(i32.sub \(value(depth + 1)) (i32.const \(pick(40))))"
      default: return "(i32.add BASE (i32.const \(pick(64))))"
      }
    }

    mutating func address() -> (address: String, offset: Int) {
      switch pick(8) {
      case 0...3: return ("BASE", offset())
      case 4, 5: return ("(i32.add BASE (i32.const \(offset())))", 0)
      case 6: return ("(i32.add (i32.const \(offset())) BASE)", 4)
      default: return ("(i32.add BASE (i32.and \(value()) (i32.const 60)))", 0)
      }
    }

    mutating func statement(_ depth: Int = 0) -> String {
      let (address, offset) = address()
      switch pick(depth > 1 ? 12 : 16) {
      case 0...5: return "(i32.store offset=\(offset) \(address) \(value()))"
      case 6: return "(i64.store offset=\(offset) align=1 \(address) (i64.const \(pick(1 << 40))))"
      case 7: return "(global.set $g\(pick(2)) \(value()))"
      case 8: return "(local.set \(pick(2)) \(value()))"
      case 9: return "(memory.fill \(address) (i32.const \(random.chance(80) ? 0 : 1)) (i32.const \(pick(20))))"
      case 10: return "(i32.store\(random.chance(50) ? 8 : 16) offset=\(offset) \(address) \(value()))"
      case 11: return "(i64.store\(8 << pick(3)) offset=\(offset) \(address) (i64.const \(pick(1 << 40) - 1 << 39)))"
      case 12: return functions > 0 ? "(call $h\(pick(functions)))" : "(nop)"
      case 13: return "(if \(value()) (then \(statements(depth + 1))))"
      case 14: return "(block \(statements(depth + 1)) (br_if 0 \(value())) \(statements(depth + 1)))"
      default: return random.chance(20) ? "(if \(value()) (then (return)))" : "(drop \(value()))"
      }
    }

    mutating func statements(_ depth: Int = 0) -> String {
      (0...pick(depth == 0 ? 6 : 2)).map { _ in statement(depth) }.joined(separator: " ")
    }
  }

  @Test(arguments: 0..<60) func theSameAsRunningIt(_ seed: Int) async throws {
    var generator = Generator(random: SplitMix(seed: UInt64(seed)))
    var code = ""
    for index in 0..<3 {
      code += "(func $h\(index) (local i32 i32) \(generator.statements()))\n"
      generator.functions = index + 1
    }
    let roles = [
      "(func (export \"__wasm_apply_data_relocs\")", "(func $begin", "(func (export \"__wasm_apply_global_relocs\")",
      "(func (export \"__wasm_call_ctors\")",
    ]
    for (index, role) in roles.enumerated() where index == 0 || generator.random.chance(50) {
      code += "\(role) (local i32 i32) \(generator.statements()))\n" + (index == 1 ? "(start $begin)\n" : "")
    }
    let again = generator.random.chance(30) ? "(call $h0)" : ""
    let text = """
      (import "GOT.func" "base" (global $slot (mut i32))) (import "GOT.mem" "missing" (global $missing (mut i32)))
      (global $g0 (mut i32) (i32.const 5)) (global $g1 (mut i32) (i32.const 0))
      (data (global.get $mb) "\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00")
      (data (i32.add (global.get $mb) (i32.const 32)) "\\05\\00\\00\\00\\06\\00\\00\\00")
      (func $base (export "base") (result i32) (global.get $mb)) (func (export "again") \(again))
      (func $getslot (result i32) (global.get $slot)) (func $getmissing (result i32) (global.get $missing))
      (func (export "g0") (result i32) (global.get $g0)) (func (export "g1") (result i32) (global.get $g1))
      (func (export "word") (param i32) (result i32) (i32.load (i32.add (global.get $mb) (local.get 0)))) \(code)
      """
    let words = (0..<16).map { Call("word", 4 * $0) } + [Call("g0"), Call("g1")]
    let calls = words + [Call("again")] + words
    var transcripts: [String] = []
    for way in ["global.get $", "call $get"] {
      let code = text.replacing("BASE", with: way == "call $get" ? "(call $base)" : "(global.get $mb)")
        .replacing("SLOT", with: "(\(way)slot)").replacing("MISSING", with: "(\(way)missing)")
      let library = try await Toolchain.shared.assembled(
        "libstart.so", LiftingCase.library(code, more: "(import-info \"GOT.mem\" \"missing\" binding-weak)"))
      let result = try await link(
        [library, "--no-entry", "--no-warn-start-up-code"] + ["again", "g0", "g1", "word"].map { "--export=\($0)" })
      transcripts.append(try await WebAssemblyHost.shared.invoke(result.path, calls))
    }
    #expect(transcripts[0] == transcripts[1], "\(text)")
  }
}
