import Foundation
import Testing

/// What newer proposals add to the format is carried through: types, kinds of imports, instructions.
///
/// A module without names that is taken apart and put together again has to be the same bytes; behind another module,
/// whose types, imports, functions and globals come first, it has to be what the assembler makes of the two as one text.
@Suite struct ProposalTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The fields of the module.
    let text: String
    /// Fields as they stand behind the other module, if other numbers are in them.
    var behind: String?
    /// Types as they stand in the result of the two; the other module's, and then those of `behind`, unless given.
    var types = "(type (func)) (type (func (param f64 f64 f64)))"
    /// Where the two types of the other module stand among them.
    var firstTypes = (0, 1)
  }

  static let samples = [
    Sample(
      testDescription: "wide arithmetic",
      text: """
        (func (export "f") (param i64 i64 i64 i64) (result i64 i64)
          (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
        """),
    Sample(
      testDescription: "memory control",
      text: #"(memory (export "m") 1) (func (export "f") (memory.discard (i32.const 0) (i32.const 0)))"#),
    Sample(
      testDescription: "custom page sizes", text: #"(memory (export "m") 100 (pagesize 1)) (func (export "f"))"#),
    Sample(
      testDescription: "exact references",
      text: """
        (type (struct))
        (func (export "f") (param (ref (exact 0)) (ref null (exact 0))) (result anyref) (local.get 0))
        """,
      behind: """
        (type (struct))
        (func (export "f") (param (ref (exact 2)) (ref null (exact 2))) (result anyref) (local.get 0))
        """),
    Sample(
      testDescription: "descriptors", text: descriptorTypes + descriptors, behind: descriptors,
      types: descriptorTypes + "(type (func)) (type (func (param f64 f64 f64)))", firstTypes: (2, 3)),
    Sample(
      testDescription: "shared functions, globals and tables",
      text: """
        (type (shared (func (param i32) (result i32))))
        (global (export "g") (shared mut i32) (i32.const 1)) (table (export "t") shared 1 (ref null (shared func)))
        (func (export "f") (type 0) (i32.add (global.atomic.get seqcst 0) (local.get 0)))
        """,
      behind: """
        (type (shared (func (param i32) (result i32))))
        (global (export "g") (shared mut i32) (i32.const 1)) (table (export "t") shared 1 (ref null (shared func)))
        (func (export "f") (type 2) (i32.add (global.atomic.get seqcst 1) (local.get 0)))
        """),
    Sample(
      testDescription: "shared structures, by name and abstract",
      text: "(type (shared (struct (field (mut i32)))))" + sharedStructure, behind: sharedStructure,
      types: "(type (shared (struct (field (mut i32))))) (type (func)) (type (func (param f64 f64 f64)))",
      firstTypes: (1, 2)),
    Sample(
      testDescription: "stack switching",
      text: "(type (func)) (type (cont 0))" + switching(0), behind: switching(2),
      types: "(type (func)) (type (cont 0)) (type (func (param f64 f64 f64)))", firstTypes: (0, 2)),
  ]

  private static let descriptorTypes =
    "(rec (type (descriptor 1) (struct (field i32))) (type (describes 0) (struct)))"
  private static let descriptors = """
    (func (export "f") (param (ref null (exact 1))) (result (ref null 0))
      (struct.new_desc 0 (i32.const 1) (local.get 0)))
    (func (export "g") (param (ref null 0)) (result (ref null 1)) (ref.get_desc 0 (local.get 0)))
    (func (export "c") (param (ref null 0) (ref null 1)) (result (ref null 0))
      (ref.cast_desc_eq (ref null 0) (local.get 0) (local.get 1)))
    """

  private static let sharedStructure = """
    (func (export "f") (param (ref null 0) (ref null (shared any)) (ref (shared any))) (result i32)
      (struct.atomic.rmw.add acqrel 0 0 (local.get 0) (i32.const 1)))
    """

  private static func switching(_ function: Int) -> String {
    """
    (tag (type 0)) (func (type 0) (suspend 0)) (elem declare func \(function))
    (func (export "f")
      (block (result (ref 1)) (resume 1 (on 0 0) (cont.new 1 (ref.func \(function)))) (return))
      (drop))
    """
  }

  /// What stands before: types, an import, a function and a global.
  private static func first(_ types: (Int, Int)) -> String {
    """
    (import "host" "h" (func (type \(types.0))))
    (func (export "pre") (type \(types.1)) (call 0)) (global (export "prg") i32 (i32.const 1))
    """
  }

  private func assembled(_ name: String, _ text: String) async throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: try await Toolchain.shared.assembled(name, "(module \(text))"))))
  }

  private func bytes(_ files: KeyValuePairs<String, any InputContents>, _ words: [String]) throws -> [UInt8] {
    let run = try LinkInProcess(files, words + ["--no-gc-sections", "--strip-all"])
    return try #require(run.bytes, "\(run.errors)")
  }

  @Test(arguments: samples) func alone(_ sample: Sample) async throws {
    let module = try await assembled("alone.wasm", sample.text)
    #expect(try bytes(["m.wasm": module], []) == module)
  }

  @Test(arguments: samples) func behindAnother(_ sample: Sample) async throws {
    let module = try await assembled("second.wasm", sample.text)
    let first = try await assembled(
      "first.wasm", "(type (func)) (type (func (param f64 f64 f64)))" + Self.first((0, 1)))
    let both = try await assembled(
      "both.wasm", sample.types + Self.first(sample.firstTypes) + (sample.behind ?? sample.text))
    #expect(try bytes(["a.wasm": first, "b.wasm": module], ["a.wasm", "b=b.wasm"]) == both)
  }

  // MARK: Imports

  /// Imports that share the module, or the type as well, become the usual ones, which every engine takes.
  @Test(arguments: [
    #"(import "m" (item "a" (func)) (item "b" (global i32))) (func (export "f") (call 0) (drop (global.get 0)))"#,
    #"(import "m" (item "a") (item "b") (func (param i32))) (func (export "f") (call 1 (i32.const 1)))"#,
    #"(import "m" (item "a") (item "b") (memory 1)) (export "memory" (memory 0)) (func (export "f") (drop (memory.size 1)))"#,
    #"(import "m" (item "a") (item "b") (table 1 (ref null any))) (func (export "f") (drop (table.get 1 (i32.const 0))))"#,
  ]) func compactImports(_ text: String) async throws {
    let usual = text.replacing(
      #"(import "m" (item "a" (func)) (item "b" (global i32)))"#,
      with: #"(import "m" "a" (func)) (import "m" "b" (global i32))"#
    )
    .replacing(#/\(import "m" \(item "a"\) \(item "b"\) (\([a-z]* (?:\([^()]*\)|[^()]*)+\))\)/#) { match in
      #"(import "m" "a" \#(match.1)) (import "m" "b" \#(match.1))"#
    }
    #expect(usual != text)
    let compact = try await assembled("compact.wasm", text)
    let result = try bytes(["m.wasm": compact], [])
    #expect(result == (try await assembled("usual.wasm", usual)))
  }

  @Test(
    arguments: [
      [1, 0x6D, 0, 0x7F, 1, 1, 0x61, 9, 0], [1, 0x6D, 0, 0x7E, 9, 0, 1, 1, 0x61], [1, 0x6D, 0, 0x7F, 0xFF, 0xFF, 3],
      [1, 0x6D, 0, 0x7E, 0, 0, 0xFF, 0xFF, 3, 1, 0x61], [1, 0x6D, 0, 0x7E], [1, 0x6D, 0, 0x7D, 0],
    ] as [[UInt8]]) func damagedCompactImports(_ imports: [UInt8]) throws
  {
    let type: [UInt8] = [1, 4, 1, 0x60, 0, 0]
    let section = [2, UInt8(imports.count + 1), 1] + imports
    try refused(["m.wasm": [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] + type + section], mentions: ["m.wasm"])
  }

  /// An import of an exact type stays one, and a definition has to have that very type.
  @Test(arguments: [false, true]) func exactImports(_ definerFirst: Bool) async throws {
    let types = "(type (sub (func))) (type (sub final 0 (func)))"
    let user = try await assembled(
      "exact.wasm", types + #"(import "d" "f" (func (exact (type 0)))) (func (export "run") (call 0)) (func (type 1))"#)
    #expect(try bytes(["u.wasm": user], []) == user)
    let words = definerFirst ? ["d=d.wasm", "u.wasm"] : ["u.wasm", "d=d.wasm"]
    let same = try await assembled("same.wasm", types + #"(func (export "f") (type 0))"#)
    _ = try bytes(["u.wasm": user, "d.wasm": same], words)
    let below = try await assembled("below.wasm", types + #"(func (export "f") (type 1))"#)
    let run = try LinkInProcess(["u.wasm": user, "d.wasm": below], words)
    #expect(run.bytes == nil && run.errors.joined().contains("u.wasm") && run.errors.joined().contains("d.wasm"))
  }

  @Test(arguments: [false, true]) func sharedGlobalsMatchSharedOnes(_ definerFirst: Bool) async throws {
    let user = try await assembled("sharing.wasm", #"(import "d" "g" (global (shared mut i32))) (func (export "run"))"#)
    let words = definerFirst ? ["d=d.wasm", "u.wasm"] : ["u.wasm", "d=d.wasm"]
    let shared = try await assembled("shared.wasm", #"(global (export "g") (shared mut i32) (i32.const 1))"#)
    _ = try bytes(["u.wasm": user, "d.wasm": shared], words)
    let own = try await assembled("own.wasm", #"(global (export "g") (mut i32) (i32.const 1))"#)
    let run = try LinkInProcess(["u.wasm": user, "d.wasm": own], words)
    #expect(run.bytes == nil && run.errors.joined().contains("shared mut i32"), "\(run.errors)")
  }

  // MARK: What is not known

  @Test(
    arguments: [
      ([0xFB, 0x80, 0x01], "reference-typed strings"), ([0x41, 0, 0x28, 0x22, 0], "shared-everything threads"),
      ([0xFC, 0x7F], "unknown instruction 0xfc 0x7f"), ([0x02, 0x67, 0x0B], "reference-typed strings"),
    ] as [([UInt8], String)]) func unknownInstructions(_ code: [UInt8], _ mention: String) throws
  {
    var module = ModuleBuilder()
    module.memory(Limits(1))
    module.function([], [], export: "run", [.raw(code)])
    try refused(["m.wasm": module, "n.wasm": ModuleBuilder()], mentions: ["m.wasm", mention])
  }
}
