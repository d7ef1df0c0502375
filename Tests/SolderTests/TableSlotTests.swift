import Testing

/// Libraries whose slots mean more than their functions: several slots of one function, and code that writes to slots,
/// names several at once, or computes with them.
@Suite struct TableSlotTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The functions in the slots: `$seven`, `$eight` and `$nine` give their numbers.
    var slots: String
    let code: String
    let result: Int
    /// Whether there is no such object, or a part of the reason.
    var refusal: String? = "slots of the function table"
  }

  private static func slot(_ number: Int) -> String { "(i32.add (global.get $tb) (i32.const \(number)))" }
  private static func call(_ number: Int) -> String { "(call_indirect (type $number) \(slot(number)))" }
  /// The numbers of three slots.
  private static func digits(_ first: Int, _ second: Int, _ third: Int) -> String {
    "(i32.add (i32.mul (i32.add (i32.mul \(call(first)) (i32.const 10)) \(call(second))) (i32.const 10)) \(call(third)))"
  }

  private static let apart = "$seven $eight $nine"
  private static let repeated = "$eight $eight $seven $seven $nine"

  static let samples = [
    Sample(
      testDescription: "table.fill", slots: apart,
      code: "(table.fill $table \(slot(1)) (table.get $table (global.get $tb)) (i32.const 2)) \(digits(0, 1, 2))",
      result: 777),
    Sample(
      testDescription: "table.set", slots: apart,
      code: "(table.set $table \(slot(1)) (table.get $table \(slot(2)))) \(digits(0, 1, 2))", result: 799),
    Sample(
      testDescription: "table.copy to its own table", slots: apart,
      code: "(table.copy $own $table (i32.const 0) \(slot(0)) (i32.const 3)) "
        + "(call_indirect $own (type $number) (i32.const 2))", result: 9),
    Sample(
      testDescription: "table.init", slots: apart,
      code: "(table.init $table $passive (global.get $tb) (i32.const 0) (i32.const 3)) \(digits(0, 1, 2))", result: 987),
    Sample(
      testDescription: "one of two slots is set", slots: repeated,
      code: "(table.set $table \(slot(1)) (table.get $table \(slot(2)))) \(digits(0, 1, 2))", result: 877),
    Sample(
      testDescription: "one of two slots is cleared", slots: repeated,
      code: "(table.set $table \(slot(1)) (ref.null func)) \(call(0))", result: 8),
    Sample(
      testDescription: "slots are copied", slots: repeated,
      code: "(table.copy $table $table \(slot(1)) \(slot(4)) (i32.const 1)) \(digits(0, 1, 4))", result: 899),
    Sample(
      testDescription: "two slots of one function differ", slots: repeated,
      code: "(i32.add (i32.eq \(slot(0)) \(slot(1))) (i32.mul (i32.eq \(slot(0)) \(slot(0))) (i32.const 2)))",
      result: 2,
      refusal: nil),
    Sample(
      testDescription: "a slot in data is one of two", slots: repeated,
      code: "(i32.eq (i32.load (global.get $mb)) \(slot(2)))", result: 0,
      refusal: nil),
    Sample(
      testDescription: "a slot in data is the other of two", slots: repeated,
      code:
        "(i32.add (i32.eq (i32.load (global.get $mb)) \(slot(3))) (call_indirect (type $number) (i32.load (global.get $mb))))",
      result: 8, refusal: nil),
    Sample(
      testDescription: "slots in their order", slots: apart, code: "(i32.gt_u \(slot(2)) \(slot(1)))", result: 1),
    Sample(
      testDescription: "slots of 64 bits in their order", slots: apart,
      code: "(i64.lt_s (i64.extend_i32_u \(slot(0))) (i64.extend_i32_u \(slot(2))))", result: 1),
    Sample(
      testDescription: "products", slots: apart,
      code: "(i32.sub (i32.mul \(slot(2)) (i32.const 4)) (i32.mul \(slot(1)) (i32.const 4)))", result: 4),
    Sample(
      testDescription: "shifts", slots: apart,
      code: "(i32.sub (i32.shl \(slot(2)) (i32.const 2)) (i32.shl \(slot(1)) (i32.const 2)))", result: 4),
    Sample(
      testDescription: "bits", slots: apart,
      code: "(i32.sub (i32.and \(slot(2)) (i32.const 255)) (i32.and (global.get $tb) (i32.const 255)))", result: 2),
    Sample(
      testDescription: "the upper half of a number, and the lower one", slots: apart,
      code:
        "(i64.store (global.get $mb) (i64.or (i64.shl (i64.extend_i32_u \(slot(1))) (i64.const 32)) (i64.const 5))) "
        + "(call_indirect (type $number) (i32.load (i32.add (global.get $mb) (i32.const 4)))) "
        + "(i64.store (global.get $mb) (i64.or (i64.extend_i32_u \(slot(2))) (i64.shl (i64.const 7) (i64.const 32)))) "
        + "(call_indirect (type $number) (i32.load (global.get $mb))) i32.add", result: 17, refusal: nil),
    Sample(
      testDescription: "shifted further", slots: apart,
      code: "(i64.eqz (i64.shl (i64.extend_i32_u \(slot(2))) (i64.const 33)))", result: 0),
    Sample(
      testDescription: "the size of the table", slots: apart, code: "(i32.lt_u \(slot(2)) (table.size $table))",
      result: 1),
    Sample(
      testDescription: "one function each, as they are", slots: apart, code: digits(2, 0, 1), result: 978, refusal: nil),
    Sample(
      testDescription: "a repeated function that is only called", slots: repeated, code: digits(0, 1, 4), result: 889,
      refusal: nil),
  ]

  private func library(_ sample: Sample) async throws -> String {
    let relocates = sample.testDescription.hasPrefix("a slot in data")
    let text = LiftingCase.library(
      """
      (type $number (func (result i32))) (table $own 4 funcref)
      (elem (table $table) (global.get $tb) func \(sample.slots))
      (func $seven (type $number) (i32.const 7)) (func $eight (type $number) (i32.const 8))
      (func $nine (type $number) (i32.const 9)) \(sample.code.contains("$passive") ? "(elem $passive func $nine $eight $seven)" : "")
      (data (global.get $mb) "\\00\\00\\00\\00")
      (func (export "f") (result i32) \(sample.code))
      \(relocates ? "(func (export \"__wasm_apply_data_relocs\") (i32.store (global.get $mb) \(Self.slot(3))))" : "")
      """, table: "5 0")
    return try await Toolchain.shared.assembled("libslots.so", text)
  }

  /// An object that takes the addresses of functions before the library does, and after.
  private var object: ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let f = object.undefinedFunction("f", [], [.i32])
    let others = (0..<2).map { number in
      object.function("other\(number)", [], [.i32], [.i32Const(Int32(number))])
    }
    object.function("run", [], [.i32], others.flatMap { [.slot($0), .drop] } + [.call(f)])
    return object
  }

  @Test(arguments: samples) func isAsInALoader(_ sample: Sample) async throws {
    let library = try await library(sample)
    let folder = try TemporaryFolder()
    let object = try folder.write(object.bytes, to: "main.o")
    for options in [
      [], ["--icf=safe"], ["--no-gc-sections"], ["-O2", "--compress-relocations", "--strip-all"],
      ["--unresolved-symbols=import-dynamic"],
    ] {
      for inputs in [[object, library], [library, object]] {
        let result = try await linkedHere(
          ["--no-entry", "--export=run"] + options + inputs, warnings: options.contains { $0.hasSuffix("dynamic") })
        #expect(try await result.call("run") == "\(sample.result)", "\(options) \(inputs)")
      }
    }
    let lifted = LinkInProcess(arguments: ["-r", library])
    if let refusal = sample.refusal {
      #expect(lifted.errors.contains { $0.contains(refusal) }, "\(lifted.errors)")
    } else {
      let bytes = try #require(lifted.bytes)
      let again = try folder.write(bytes, to: "lifted.o")
      let result = try await linkedHere(["--no-entry", "--export=run", object, again])
      #expect(try await result.call("run") == "\(sample.result)")
    }
  }

  /// Code of a library that makes the table larger finds that it may.
  @Test(arguments: [true, false]) func aLibraryMayAddSlots(_ grows: Bool) async throws {
    let grown = "(call_indirect (type $number) (table.grow $table (ref.func $seven) (i32.const 1)))"
    let library = try await Toolchain.shared.assembled(
      "libgrow.so",
      LiftingCase.library(
        """
        (type $number (func (result i32))) (func $seven (type $number) (i32.const 7)) (elem declare func $seven)
        (func (export "f") (result i32) \(grows ? grown : "(i32.const 7)"))
        """))
    let folder = try TemporaryFolder()
    let object = try folder.write(object.bytes, to: "main.o")
    let result = try await linkedHere(["--no-entry", "--export=run", "--export-table", object, library])
    #expect(try await result.call("run") == "7")
    #expect((result.module.tables.first?.maximum == nil) == grows)
  }
}
