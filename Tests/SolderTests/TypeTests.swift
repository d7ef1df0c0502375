import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// The content of a type section that lives as long as the test: nobody but it has the memory, which it frees.
@safe
private final class Section {
  private let start: UnsafeMutablePointer<UInt8>
  private let count: Int

  init(_ bytes: [UInt8]) {
    count = bytes.count
    unsafe start = .allocate(capacity: max(count, 1))
    for (index, byte) in bytes.enumerated() { unsafe (start + index).initialize(to: byte) }
  }

  deinit { unsafe start.deallocate() }

  func parse() throws(FormatError) -> ParsedTypes {
    var reader = unsafe ByteReader(start, 0..<count)
    return try ParsedTypes(section: &reader)
  }
}

extension TypeTable {
  fileprivate mutating func intern(_ bytes: [UInt8]) throws -> [TypeID] {
    let section = Section(bytes)
    defer { withExtendedLifetime(section) {} }
    return try intern(try section.parse())
  }
}

extension OutputTypes {
  fileprivate func bytes(_ table: TypeTable) -> [UInt8] {
    var writer = ByteWriter()
    write(to: &writer, of: table)
    return writer.bytes
  }
}

@Suite struct TypeTests {
  @Test func parsing() throws {
    let section = Section([
      0x05,
      0x60, 0x02, 0x7F, 0x7E, 0x01, 0x7D,
      0x60, 0x01, 0x70, 0x00,
      // rec: a struct that a final subtype extends, with a reference to the second.
      0x4E, 0x02,
      0x50, 0x00, 0x5F, 0x02, 0x63, 0x03, 0x01, 0x78, 0x00,
      0x4F, 0x01, 0x02, 0x5F, 0x02, 0x63, 0x03, 0x01, 0x78, 0x00,
      0x5E, 0x77, 0x01,
      0x5D, 0x00,
    ])
    let types = try section.parse()
    #expect(types.entries.map(\.kind) == [.function, .function, .structure, .structure, .array, .continuation])
    #expect(types.entries.map(\.group) == [0, 1, 2, 2, 3, 4])
    #expect(types.entries.map(\.isPlain) == [true, true, false, false, false, false])
    #expect(types.functionType(0)?.description == "(i32, i64) -> f32")
    #expect(types.functionType(1)?.description == "(funcref) -> void")
    #expect(types.functionType(2) == nil)
    #expect(types.functionType(6) == nil)
  }

  @Test func printing() throws {
    let section = Section([
      0x01,
      0x60, 0x06, 0x63, 0x05, 0x64, 0x70, 0x63, 0x6F, 0x71, 0x6C, 0x64, 0x00, 0x02, 0x7B, 0x69,
    ])
    let text = "((ref null 5), (ref func), externref, nullref, i31ref, (ref 0)) -> (v128, exnref)"
    #expect(throws: FormatError("type index 5 is out of range", at: 4)) { try section.parse() }
    var table = TypeTable()
    for _ in 0..<6 { _ = table.intern(parameters: Array(repeating: .i32, count: table.count), results: []) }
    let type = table.intern(
      parameters: [
        ValueType(reference: .concrete(5), isNullable: true), ValueType(reference: .abstract(0x70), isNullable: false),
        .externref, ValueType(reference: .abstract(0x71), isNullable: true),
        ValueType(reference: .abstract(0x6C), isNullable: true), ValueType(reference: .concrete(0), isNullable: false),
      ], results: [.v128, .exnref])
    #expect(table.describe(type) == text)
  }

  @Test(
    arguments: [
      ([0x01, 0x60, 0x01, 0x7F], "unexpected end"), ([0x01, 0x60, 0x00], "unexpected end"),
      ([0x01, 0x60, 0x00, 0x00, 0x00], "bytes behind the last type"),
      ([0x01, 0x61, 0x00], "unknown type definition 0x61"),
      ([0x01, 0x4D, 0x01, 0x5F, 0x00], "type index 1 is out of range"),
      ([0x01, 0x65, 0x50, 0x00, 0x5F, 0x00], "unknown type definition 0x50"),
      ([0x01, 0x4F, 0x01, 0x00, 0x5F, 0x00], "supertype 0 is not defined before type 0"),
      ([0x01, 0x60, 0x01, 0x64, 0x01, 0x00], "type index 1 is out of range"),
      ([0x01, 0x60, 0x01, 0x40, 0x00], "unknown type 0x40"), ([0x01, 0x5E, 0x7F, 0x02], "malformed mutability"),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x60], "count 4294967295 is larger than the rest of the section"),
      ([0x01, 0x4E, 0xFF, 0xFF, 0x03, 0x60], "count 65535 is larger than the rest of the section"),
    ] as [([UInt8], String)])
  func malformed(_ bytes: [UInt8], _ message: String) {
    let section = Section(bytes)
    #expect { try section.parse() } throws: { ($0 as? FormatError)?.message == message }
  }

  @Test func functionsMerge() throws {
    var table = TypeTable()
    let first = try table.intern([0x02, 0x60, 0x00, 0x00, 0x60, 0x01, 0x7F, 0x01, 0x7E])
    // The second file has them the other way round, once with a padded count, once with (ref null func) for funcref.
    let second = try table.intern([
      0x04, 0x60, 0x81, 0x00, 0x7F, 0x01, 0x7E, 0x60, 0x00, 0x00, 0x60, 0x01, 0x63, 0x70, 0x00, 0x60, 0x01, 0x70, 0x00,
    ])
    #expect(second[0] == first[1])
    #expect(second[1] == first[0])
    #expect(second[2] == second[3])
    #expect(table.intern(parameters: [.i32], results: [.i64]) == first[1])
    #expect(table.describe(first[1]) == "(i32) -> i64")
    // In a group of its own, final without supertypes: the same type. Open to subtypes: another.
    let third = try table.intern([
      0x03, 0x4E, 0x01, 0x60, 0x00, 0x00, 0x4F, 0x00, 0x60, 0x00, 0x00, 0x50, 0x00, 0x60, 0x00, 0x00,
    ])
    #expect(third[0] == first[0])
    #expect(third[1] == first[0])
    #expect(third[2] != first[0])
    #expect(table.describe(third[2]) == "() -> void")
  }

  @Test func groupsMerge() throws {
    // A list: struct { (ref null 0) mutable, i32 }, behind a different number of other types.
    let list: [UInt8] = [0x5F, 0x02, 0x63]
    let rest: [UInt8] = [0x01, 0x7F, 0x00]
    var table = TypeTable()
    let first = try table.intern([0x01] + list + [0x00] + rest)
    let second = try table.intern([0x02, 0x60, 0x00, 0x00] + list + [0x01] + rest)
    #expect(first[0] == second[1])
    // The same twice in one group is no longer the same, nor is one that refers to the first from outside.
    let pair = try table.intern([0x01, 0x4E, 0x02] + list + [0x00] + rest + list + [0x01] + rest)
    #expect(pair[0] != first[0] && pair[1] != first[0] && pair[0] != pair[1])
    let outside = try table.intern([0x02] + list + [0x00] + rest + list + [0x00] + rest)
    #expect(outside[0] == first[0] && outside[1] != first[0])
    // Groups of different size with equal beginnings.
    let again = try table.intern([0x01, 0x4E, 0x02] + list + [0x00] + rest + list + [0x01] + rest)
    #expect(again == pair)
  }

  @Test func subtypes() throws {
    var table = TypeTable()
    let ids = try table.intern([
      0x04, 0x50, 0x00, 0x5F, 0x00, 0x50, 0x01, 0x00, 0x5F, 0x00, 0x4F, 0x01, 0x01, 0x5F, 0x00, 0x50, 0x01, 0x00, 0x5E,
      0x7F, 0x00,
    ])
    #expect(table.isSubtype(ids[2], ids[0]))
    #expect(table.isSubtype(ids[1], ids[1]))
    #expect(!table.isSubtype(ids[0], ids[2]))
    #expect(!table.isSubtype(ids[3], ids[1]))
    #expect(table.supertype(of: ids[2]) == ids[1])
  }

  @Test func output() throws {
    var table = TypeTable()
    let ids = try table.intern([
      0x05,
      0x60, 0x01, 0x7F, 0x00,
      0x60, 0x00, 0x00,
      // Two structs that refer to each other, the second to the first function too.
      0x4E, 0x02, 0x5F, 0x01, 0x63, 0x03, 0x00, 0x5F, 0x02, 0x63, 0x02, 0x00, 0x64, 0x00, 0x01,
      // A function that takes the second struct.
      0x60, 0x01, 0x63, 0x03, 0x00,
      0x60, 0x01, 0x7E, 0x00,
    ])
    var output = OutputTypes()
    #expect(output.register(ids[1], of: table) == 0)
    #expect(output.register(ids[4], of: table) == 4)
    #expect(output.register(ids[5], of: table) == 5)
    #expect(output.register(ids[1], of: table) == 0)
    #expect(output.index(of: ids[0]) == 1)
    #expect(output.index(of: ids[3]) == 3)
    #expect(output.count == 6)
    #expect(
      output.bytes(table) == [
        0x05,
        0x60, 0x00, 0x00,
        0x60, 0x01, 0x7F, 0x00,
        0x4E, 0x02, 0x5F, 0x01, 0x63, 0x03, 0x00, 0x5F, 0x02, 0x63, 0x02, 0x00, 0x64, 0x01, 0x01,
        0x60, 0x01, 0x63, 0x03, 0x00,
        0x60, 0x01, 0x7E, 0x00,
      ])
    // Read back, they are the same types.
    var again = table
    let back = try again.intern(output.bytes(table))
    #expect(back == [ids[1], ids[0], ids[2], ids[3], ids[4], ids[5]])
    #expect(again.count == table.count)
  }

  @Test func longChain() throws {
    // 30,000 arrays, each of references to the one before: registering the last brings all, without recursion.
    var section = ByteWriter()
    section.count(30_000)
    section.raw([0x5E, 0x7F, 0x00])
    for index in 1..<30_000 {
      section.byte(0x5E)
      section.valueType(ValueType(reference: .concrete(UInt32(index - 1)), isNullable: true))
      section.byte(0)
    }
    var table = TypeTable()
    let ids = try table.intern(section.bytes)
    var output = OutputTypes()
    #expect(output.register(ids[29_999], of: table) == 29_999)
    #expect(output.bytes(table) == section.bytes)
  }

  @Test func copiesAreIndependent() throws {
    var first = TypeTable()
    _ = first.intern(parameters: [.i32], results: [])
    var second = first
    let inFirst = first.intern(parameters: [.i64], results: [])
    let inSecond = second.intern(parameters: [.f64], results: [])
    #expect(inFirst == inSecond)
    #expect(first.describe(inFirst) == "(i64) -> void")
    #expect(second.describe(inSecond) == "(f64) -> void")
  }

  @Test func anyBytes() {
    var random = SplitMix(seed: 5)
    let likely: [UInt8] = [0x60, 0x5F, 0x5E, 0x5D, 0x50, 0x4F, 0x4E, 0x63, 0x64, 0x7F, 0x70, 0x00, 0x01, 0x02, 0x80]
    var table = TypeTable()
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<30, using: &random)).map { _ in likely.randomElement(using: &random) ?? 0 }
      guard let ids = try? table.intern(bytes) else { continue }
      var output = OutputTypes()
      for id in ids { _ = output.register(id, of: table) }
      #expect((try? table.intern(output.bytes(table)))?.count == Int(output.count))
    }
  }
}
