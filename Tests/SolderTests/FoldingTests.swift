import Testing

/// Code of libraries computes addresses from a base that is a constant of the link: what of that folds, and what stays.
@Suite struct FoldingTests {
  private static let common = """
    (type $number (func (result i32))) (tag $e)
    (elem (global.get $tb) func $zero $one $two)
    (func $zero (result i32) (i32.const 10)) (func $one (result i32) (i32.const 20)) (func $two (result i32) (i32.const 30))
    (func $same (param i32) (result i32) (local.get 0))
    (func (export "base") (result i32) (global.get $mb))
    (data (global.get $mb) "\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00")
    """

  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    /// What `f` gives for 0 and for 1.
    let zero: Int
    let one: Int
  }

  static let samples = [
    Sample(
      testDescription: "a sum",
      code: "(i32.load (i32.add (global.get $mb) (i32.const 4)))", zero: 2, one: 2),
    Sample(
      testDescription: "the constant first, and a difference",
      code: "(i32.load (i32.sub (i32.add (i32.const 12) (global.get $mb)) (i32.const 8)))", zero: 2, one: 2),
    Sample(
      testDescription: "a base that several computations share",
      code: """
        (local.set 1 (global.get $mb))
        (i32.add (i32.load (i32.add (local.get 1) (i32.const 4))) (i32.load (i32.add (local.get 1) (i32.const 8))))
        """, zero: 5, one: 5),
    Sample(
      testDescription: "a base that is noted on the way",
      code: """
        (i32.load (i32.add (local.tee 1 (global.get $mb)) (i32.const 4)))
        (i32.add (i32.load (i32.add (i32.const 8) (local.get 1))))
        """, zero: 5, one: 5),
    Sample(
      testDescription: "one path sets it, the other does not",
      code: """
        (if (local.get 0) (then (local.set 1 (global.get $mb))))
        (if (result i32) (i32.eqz (local.get 1)) (then (i32.const 7))
          (else (i32.load (i32.add (local.get 1) (i32.const 4)))))
        """, zero: 7, one: 2),
    Sample(
      testDescription: "both paths set it, to the same",
      code: """
        (if (local.get 0) (then (local.set 1 (global.get $mb))) (else (local.set 1 (global.get $mb))))
        (i32.load (i32.add (local.get 1) (i32.const 8)))
        """, zero: 3, one: 3),
    Sample(
      testDescription: "both paths set it, to something else",
      code: """
        (if (local.get 0) (then (local.set 1 (global.get $mb))) (else (local.set 1 (i32.add (global.get $mb) (i32.const 4)))))
        (i32.load (i32.add (local.get 1) (i32.const 8)))
        """, zero: 4, one: 3),
    Sample(
      testDescription: "across a loop that does not touch it",
      code: """
        (local.set 1 (global.get $mb))
        (loop $l
          (local.set 2 (i32.add (local.get 2) (i32.load (i32.add (local.get 1) (i32.const 4)))))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 3))))
        (local.get 2)
        """, zero: 6, one: 6),
    Sample(
      testDescription: "a loop that moves it",
      code: """
        (local.set 1 (global.get $mb))
        (loop $l
          (local.set 2 (i32.add (local.get 2) (i32.load (i32.add (local.get 1) (i32.const 0)))))
          (local.set 1 (i32.add (local.get 1) (i32.const 4)))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 4))))
        (local.get 2)
        """, zero: 10, one: 10),
    Sample(
      testDescription: "a loop that sets it at its end",
      code: """
        (loop $l
          (if (local.get 1) (then (local.set 2 (i32.load (i32.add (local.get 1) (i32.const 4))))))
          (local.set 1 (global.get $mb))
          (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (i32.const 2))))
        (local.get 2)
        """, zero: 2, one: 2),
    Sample(
      testDescription: "a handler does not know how far it came",
      code: """
        (local.set 1 (global.get $mb))
        (block $h
          (try_table (catch_all $h)
            (local.set 1 (i32.add (global.get $mb) (i32.const 4)))
            (if (local.get 0) (then (throw $e)))
            (local.set 1 (i32.add (global.get $mb) (i32.const 8)))))
        (i32.load (i32.add (local.get 1) (i32.const 0)))
        """, zero: 3, one: 2),
    Sample(
      testDescription: "a jump out of the middle",
      code: """
        (local.set 1 (global.get $mb))
        (block $b
          (br_if $b (local.get 0))
          (local.set 1 (i32.add (local.get 1) (i32.const 4))))
        (i32.load (i32.add (local.get 1) (i32.const 4)))
        """, zero: 3, one: 2),
    Sample(
      testDescription: "a table of jumps",
      code: """
        (local.set 1 (i32.const 5))
        (block $b (block $a (br_table $a $b (local.get 0))) (local.set 1 (i32.sub (global.get $mb) (global.get $mb))))
        (local.get 1)
        """, zero: 0, one: 5),
    Sample(
      testDescription: "a base that is passed on",
      code:
        "(i32.load (i32.add (call $same (local.tee 1 (global.get $mb))) (i32.sub (i32.const 4) (i32.sub (local.get 1) (global.get $mb)))))",
      zero: 2, one: 2),
    Sample(
      testDescription: "a base in a parameter",
      code: "(local.set 0 (i32.add (i32.shl (local.get 0) (i32.const 2)) (global.get $mb))) (i32.load (local.get 0))",
      zero: 1, one: 2),
    Sample(
      testDescription: "a choice between two numbers",
      code: "(i32.load (i32.add (global.get $mb) (select (i32.const 4) (i32.const 12) (local.get 0))))", zero: 4, one: 2
    ),
    Sample(
      testDescription: "a choice between two numbers, one inside of the other's condition",
      code: """
        (local.set 1 (global.get $mb))
        (i32.load (i32.add (local.get 1) (select (i32.const 4) (i32.const 12)
          (i32.gt_u (i32.load (i32.add (local.get 1) (select (i32.const 0) (i32.const 8) (local.get 0)))) (i32.const 1)))))
        """, zero: 2, one: 4),
    Sample(
      testDescription: "a choice that is added to what a local is set to",
      code: """
        (local.set 2 (i32.load (i32.add (local.tee 1 (global.get $mb)) (select (i32.const 4) (i32.const 12) (local.get 0)))))
        (local.set 2 (i32.add (local.get 2) (i32.sub (call $same (local.get 1)) (call $same (local.get 1)))))
        (i32.sub (i32.add (local.get 2) (call $same (local.get 1))) (local.get 1))
        """, zero: 4, one: 2),
    Sample(
      testDescription: "a choice between something else",
      code: """
        (i32.load (i32.add (global.get $mb) (select (local.get 0) (i32.const 12) (i32.const 0))))
        """, zero: 4, one: 4),
    Sample(
      testDescription: "a sum behind an assignment that must stay",
      code: """
        (local.set 2 (i32.load (i32.add (local.tee 1 (global.get $mb)) (i32.sub (i32.const 1000000) (i32.const 999996)))))
        (local.set 3 (i32.add (i32.sub (i32.add (local.tee 1 (global.get $mb)) (i32.const 1000000)) (i32.const 999996))
          (i32.const 8)))
        (if (local.get 0) (then (local.set 1 (i32.const 1))))
        (i32.add (i32.load (local.get 3)) (i32.sub (local.get 2) (i32.eq (local.get 1) (i32.const 1))))
        """, zero: 6, one: 5),
    Sample(
      testDescription: "a slot of the table in a local",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 2)))
        (i32.add (call_indirect (type $number) (local.get 1)) (call_indirect (type $number) (local.get 1)))
        """, zero: 60, one: 60),
    Sample(
      testDescription: "a slot of the table in a local, to which something is added",
      code: """
        (local.set 1 (i32.add (global.get $tb) (i32.const 1)))
        (call_indirect (type $number) (i32.add (local.get 1) (local.get 0)))
        """, zero: 20, one: 30),
    Sample(
      testDescription: "a slot of the table, to which something is added that takes long to compute",
      code: """
        (call_indirect (type $number) (i32.add (i32.add (global.get $tb) (i32.const 0))
          (i32.and (i32.mul (call $same (local.get 0)) (i32.const 3)) (i32.const 1))))
        """, zero: 10, one: 20),
  ]

  @Test(arguments: samples, [[], ["--compress-relocations", "--strip-debug"]])
  func isFoldedOrStays(_ sample: Sample, _ options: [String]) async throws {
    let code = "(func (export \"f\") (param i32) (result i32) (local i32 i32 i32) \(sample.code))"
    let library = try await Toolchain.shared.assembled("libfold.so", LiftingCase.library(Self.common + code))
    let arguments = [library, "--no-entry", "--export=f"] + options
    let folder = try TemporaryFolder()
    let path = folder.file("result.wasm")
    let run = try await execute(Solder.path, arguments + ["-o", path], in: folder.path, timeLimit: .seconds(60))
    #expect(run.succeeded && run.errors == "", "\(run.errors)")
    try await WebAssemblyHost.shared.validate(path)
    let transcript = try await WebAssemblyHost.shared.invoke(path, [Call("f", 0), Call("f", 1)])
    #expect(transcript == "instantiated\nf(0) = \(sample.zero)\nf(1) = \(sample.one)\n")
  }

  /// Position-independent code becomes as short as if it had been compiled for its place.
  @Test func noAdditionIsLeft() async throws {
    func size(_ code: String) async throws -> Int {
      let text = LiftingCase.library(Self.common + "(func (export \"f\") (result i32) (local i32) \(code))")
      let library = try await Toolchain.shared.assembled("libshort.so", text)
      return try await link([library, "--no-entry", "--export=f", "--strip-all"]).bytes.count
    }
    let short = try await size(
      """
      (i32.add (i32.load (i32.add (global.get $mb) (i32.const 4))) (i32.load (i32.add (global.get $mb) (i32.const 8))))
      """)
    let placed = try await size("(i32.add (i32.load (i32.const 65540)) (i32.load (global.get $mb)))")
    let shared = try await size(
      """
      (local.set 0 (global.get $mb))
      (i32.add (i32.load (i32.add (local.get 0) (i32.const 4))) (i32.load (i32.add (local.get 0) (i32.const 8))))
      """)
    #expect(shared == short)
    #expect(short == placed)
  }

  /// A branch on a cast brings another value to the end of a block.
  @Test(arguments: [0x18, 0x19, 0x25, 0x26] as [UInt8]) func branchesOnCasts(_ number: UInt8) throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16))
    let base = library.importMemoryAndBases()
    library.function(
      [], [.i32], locals: [.i32], export: "f",
      [
        .raw(0x02, 0x6E), .i32Const(4), .localSet(0), .raw(0xD0, 0x6E), .raw(0xFB, number, 0x03, 0x00, 0x6E, 0x6E),
        .drop,
        .globalGet(base.memory), .localSet(0), .raw(0xD0, 0x6E), .end, .drop, .localGet(0), .i32Const(8), .i32Add,
      ])
    let run = try LinkInProcess(["libcast.so": library], ["--no-entry", "--export=f"])
    let bytes = try #require(run.bytes, "\(run.errors)")
    let sum: [UInt8] = [0x20, 0x00, 0x41, 0x08, 0x6A]
    #expect(bytes.indices.contains { bytes[$0...].starts(with: sum) })
  }

  // MARK: Random code

  /// Random code that computes with a base, in the text format; `BASE` stands for the base, and `T` for its type.
  private struct Generator {
    var random: SplitMix
    /// The locals that are used, of which the first is the parameter.
    let locals: [Int]
    let isWide: Bool
    let isFlat: Bool

    mutating func pick(_ count: Int) -> Int { random.below(count) }
    mutating func local() -> Int { locals[pick(locals.count)] }

    /// The lowest bits of an expression, to branch on.
    mutating func bits(_ mask: Int, _ depth: Int = 2) -> String {
      let value = "(T.and \(expression(depth)) (T.const \(mask)))"
      return isWide ? "(i32.wrap_i64 \(value))" : value
    }

    mutating func expression(_ depth: Int = 0) -> String {
      switch pick(depth > 3 ? 6 : 20) {
      case 0: return "BASE"
      case 1: return "(T.const \(pick(80)))"
      case 2: return "(local.get \(local()))"
      case 3: return "(T.add BASE (T.const \(pick(60))))"
      case 4: return "(T.add (local.get \(local())) (T.const \(pick(40))))"
      case 5: return "(T.sub (T.add (T.const \(pick(9000))) (local.get \(local()))) (T.const \(pick(9000))))"
      case 6, 7: return "(local.tee \(local()) \(expression(depth + 1)))"
      case 8:
        return "(\(isWide ? "i64.load32_u" : "i32.load") (T.add BASE (T.and \(expression(depth + 1)) (T.const 12))))"
      case 9: return "(T.sub \(expression(depth + 1)) \(expression(depth + 1)))"
      case 10 where !isFlat:
        return "(if (result T) \(bits(1, depth + 1)) (then \(expression(depth + 1))) (else \(expression(depth + 1))))"
      case 11: return "(T.add (T.const \(pick(9))) (local.tee \(local()) BASE))"
      case 12: return "(T.add (local.tee \(local()) (T.add BASE (T.const \(pick(9))))) (T.const \(pick(9))))"
      case 14: return "(T.add BASE \(choice(depth)))"
      case 15: return "(T.add (local.get \(local())) \(choice(depth)))"
      case 16:
        return "(T.add (local.tee \(local()) BASE) \(pick(2) == 0 ? choice(depth) : "(T.const \(pick(2_000_000)))"))"
      case 17, 18: return "(\(isWide ? "i64.load32_u" : "i32.load") \(element(depth + 1)))"
      case 13: return "(T.add (T.const \(pick(300))) (T.sub (T.add (T.const \(pick(99))) BASE) (T.const \(pick(300)))))"
      default: return "(T.mul \(expression(depth + 1)) \(expression(depth + 1)))"
      }
    }

    /// The address of one of the numbers at the base, or of what lies near, by an index that may be known to be small.
    mutating func element(_ depth: Int) -> String {
      let tables = [
        "(T.add BASE (T.const \(8 + pick(16))))", "(local.get $table)",
        "(T.add (local.get $table) (T.const \(pick(9))))",
        "(local.tee $table (T.add BASE (T.const 12)))", "(local.get $table)",
      ]
      let (table, index) = (tables[pick(tables.count)], index(depth))
      return pick(2) == 0 ? "(T.add \(table) \(index))" : "(T.add \(index) \(table))"
    }

    /// A number between -8 and 16.
    mutating func index(_ depth: Int) -> String {
      switch pick(depth > 3 ? 4 : 9) {
      case 0, 1: "(local.get $index)"
      case 2: "(T.const \(pick(12)))"
      case 3: "(T.sub (T.const 0) (T.const \(pick(9))))"
      case 4: "(T.and \(expression(depth + 1)) (T.const \(pick(16))))"
      case 5: "(T.shl (T.load8_u (T.add BASE (T.and \(expression(depth + 1)) (T.const 15)))) (T.const 2))"
      case 6: "(local.tee $index \(index(depth + 1)))"
      case 7: "(select (T.const \(pick(16))) (local.get $index) \(bits(1, depth + 1)))"
      default: "(T.shr_u \(expression(depth + 1)) (T.const \(isWide ? 60 : 28)))"
      }
    }

    mutating func choice(_ depth: Int) -> String {
      "(select (T.const \(pick(60))) (T.const \(pick(9000))) \(bits(1, depth + 1)))"
    }

    mutating func statement(_ depth: Int = 0) -> String {
      switch pick(depth > 2 ? 7 : 15) {
      case 0, 1: return "(local.set \(local()) BASE)"
      case 2, 3: return "(local.set \(local()) \(expression()))"
      case 4: return "(local.set \(local()) (T.add (local.get \(local())) (T.const \(pick(9)))))"
      case 5: return "(call $note (T.sub \(expression()) BASE))"
      case 6: return "(local.set \(local()) (local.get \(local())))"
      case 7: return "(block \(statements(depth + 1)) (br_if 0 \(bits(1))) \(statements(depth + 1)))"
      case 8: return "(if \(bits(1)) (then \(statements(depth + 1))) (else \(statements(depth + 1))))"
      case 9:
        return "(loop (if (i32.eqz (global.get $fuel)) (then (return (T.const 7)))) "
          + "(global.set $fuel (i32.sub (global.get $fuel) (i32.const 1))) \(statements(depth + 1)) "
          + "(br_if 0 \(bits(1))) \(statements(depth + 1)))"
      case 10:
        return "(block (try_table (catch_all 0) \(statements(depth + 1)) (if \(bits(1)) (then (throw $e))) "
          + "\(statements(depth + 1))))"
      case 11: return "(block (block (br_table 0 1 0 \(bits(3)))) \(statements(depth + 1)))"
      case 12: return "(local.set $index \(index(depth)))"
      case 13: return "(T.store\(isWide ? "32" : "") \(element(depth)) \(expression(depth)))"
      default: return "(if \(bits(1)) (then \(statements(depth + 1)) (return (local.get \(local())))))"
      }
    }

    mutating func statements(_ depth: Int = 0) -> String {
      (0...pick(3)).map { _ in statement(depth) }.joined(separator: " ")
    }
  }

  struct Shape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// How many locals are declared, and which of them are used.
    var declared = 5
    var used = Array(0...5)
    /// How many statements a function has, at least.
    var length = 1
    /// Whether all of them are outside of blocks.
    var isFlat = false
    var isWide = false
  }

  static let shapes = [
    Shape(testDescription: "a few locals"),
    Shape(testDescription: "locals with large numbers", declared: 300, used: [0, 1, 127, 128, 255, 300]),
    Shape(testDescription: "many assignments", length: 150),
    Shape(testDescription: "no blocks", length: 12, isFlat: true),
    Shape(testDescription: "many locals", declared: 60, used: Array(0...60), length: 60),
    Shape(testDescription: "addresses of 64 bits", isWide: true),
    Shape(testDescription: "addresses of 64 bits, no blocks", length: 12, isFlat: true, isWide: true),
  ]

  /// Code that reads the base where it computes with it, and code that gets it from a function, do the same.
  @Test(arguments: shapes, 0..<4) func randomCodeDoesTheSame(_ shape: Shape, _ seed: Int) async throws {
    var generator = Generator(
      random: SplitMix(seed: UInt64(seed)), locals: shape.used, isWide: shape.isWide, isFlat: shape.isFlat)
    let functions = (0..<12).map { index in
      let code = (0..<shape.length).map { _ in shape.isFlat ? generator.statement(3) : generator.statements() }
      return "(func $f\(index) (param T) (result T) (local\(String(repeating: " T", count: shape.declared))) "
        + "(local $index T) (local $table T) (local.set $table (T.add BASE (T.const 8))) "
        + "(global.set $fuel (i32.const 40)) (global.set $h (T.const 1)) \(code.joined(separator: " ")) "
        + "(call $note (local.get \(generator.local()))) (T.add (global.get $h) \(generator.expression())))"
    }
    let exports = functions.indices.map { index in
      shape.isWide
        ? "(func (export \"f\(index)\") (param i32) (result i32) "
          + "(i32.wrap_i64 (call $f\(index) (i64.extend_i32_u (local.get 0)))))"
        : "(export \"f\(index)\" (func $f\(index)))"
    }
    let text = """
      (tag $e) (global $fuel (mut i32) (i32.const 0)) (global $h (mut T) (T.const 0))
      (data (global.get $mb) "\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00")
      (func $note (param T) (global.set $h (T.add (T.mul (global.get $h) (T.const 31)) (local.get 0))))
      (func $base (result T) (global.get $mb)) \((functions + exports).joined(separator: "\n"))
      """.replacing("T.", with: shape.isWide ? "i64." : "i32.").replacing(/\bT\b/, with: shape.isWide ? "i64" : "i32")
    var transcripts: [String] = []
    for base in ["(global.get $mb)", "(call $base)"] {
      let body = text.replacing("BASE", with: base)
      let wide = """
        (module (@dylink.0 (mem-info (memory 64 4))) (import "env" "memory" (memory i64 0))
          (import "env" "__memory_base" (global $mb i64)) \(body))
        """
      let library = try await Toolchain.shared.assembled(
        "librandom.so", shape.isWide ? wide : LiftingCase.library(body))
      let options = ["--no-entry"] + (shape.isWide ? ["-mwasm64"] : [])
      let exports = functions.indices.map { "--export=f\($0)" }
      let calls = functions.indices.flatMap { index in [0, 1, 6].map { Call("f\(index)", $0) } }
      let result = try await linkedHere([library] + options + exports)
      transcripts.append(try await result.invoke(calls))
      // As an object, with short operands, and with functions that are the same only once.
      let folder = try TemporaryFolder()
      let lifted = try await linkedHere([library, "-r"] + options.dropFirst())
      let object = try folder.write(lifted.bytes, to: "lifted.o")
      transcripts.append(try await linkedHere([object] + options + exports).invoke(calls))
      let short = ["-O2", "--compress-relocations", "--strip-all", "--icf=all"]
      transcripts.append(try await linkedHere([library] + options + exports + short).invoke(calls))
    }
    #expect(transcripts.allSatisfy { $0 == transcripts[0] })
  }
}
