import Testing

/// An error says in which file, archive member and section something is wrong, where in it, and what ought to be there.
@Suite struct ErrorPlaceTests {
  /// A file with one thing wrong, and what the message has to have.
  struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let mentions: [String]

    var testDescription: String { name }
  }

  private static func module(_ sections: (id: UInt8, content: [UInt8])...) -> [UInt8] {
    var bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    for (id, content) in sections {
      bytes.append(id)
      bytes.sized(content)
    }
    return bytes
  }

  private static func custom(_ name: String, _ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.name(name)
    return bytes + content
  }

  private static let type: (id: UInt8, content: [UInt8]) = (1, [1, 0x60, 0, 0])
  private static let function: (id: UInt8, content: [UInt8]) = (3, [1, 0])

  static let samples: [Sample] = [
    Sample(name: "section beyond the end", bytes: module(type) + [3, 50, 1], mentions: ["0x"]),
    Sample(name: "type that is none", bytes: module((1, [1, 0x21, 0, 0])), mentions: ["section TYPE", "0x", "type"]),
    Sample(
      name: "count of imports", bytes: module((2, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F])),
      mentions: ["section IMPORT", "0x", "count"]),
    Sample(
      name: "kind of an import", bytes: module((2, [1, 1, 0x61, 1, 0x62, 9, 0])), mentions: ["section IMPORT", "0x"]),
    Sample(
      name: "number that is too long", bytes: module((3, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0])),
      mentions: ["section FUNCTION", "0x", "LEB128"]),
    Sample(name: "function of no type", bytes: module(type, (3, [1, 5]), (10, [1, 2, 0, 0x0B])), mentions: ["0x"]),
    Sample(
      name: "bodies and functions", bytes: module(type, function, (10, [2, 2, 0, 0x0B, 2, 0, 0x0B])), mentions: ["0x"]),
    Sample(
      name: "body beyond the end", bytes: module(type, function, (10, [1, 99, 0, 0x0B])),
      mentions: ["section CODE", "0x"]),
    Sample(name: "global without end", bytes: module((6, [1, 0x7F, 0, 0x41, 1])), mentions: ["section GLOBAL", "0x"]),
    Sample(
      name: "data beyond the end", bytes: module((5, [1, 0, 1]), (11, [1, 0, 0x41, 0, 0x0B, 50, 1])),
      mentions: ["section DATA", "0x"]),
    Sample(
      name: "export of what is not there", bytes: module((7, [1, 1, 0x61, 0, 4]), (10, [0])),
      mentions: ["section EXPORT", "0x", "export 'a'"]),
    Sample(
      name: "element segment for no table", bytes: module((9, [1, 2, 7, 0x41, 0, 0x0B, 0, 0]), (10, [0])),
      mentions: ["section ELEM", "0x", "table 7"]),
    Sample(
      name: "data segment for no memory", bytes: module((11, [1, 2, 5, 0x41, 0, 0x0B, 0])),
      mentions: ["section DATA", "0xd", "memory 5"]),
    Sample(
      name: "symbol beyond its segment",
      bytes: module(
        (11, [1, 0, 0x41, 0, 0x0B, 1, 0x78]), (0, custom("linking", [2, 8, 8, 1, 1, 0, 1, 0x64, 0, 5, 1]))),
      mentions: ["section linking", "0x", "symbol 'd' begins at 5"]),
    Sample(
      name: "flags of a group", bytes: module(type, (0, custom("linking", [2, 7, 5, 1, 1, 0x67, 7, 0]))),
      mentions: ["section linking", "0x", "flags 7"]),
    Sample(
      name: "constructor that is no function", bytes: module(type, (0, custom("linking", [2, 6, 3, 1, 1, 7]))),
      mentions: ["section linking", "0x", "constructor 7"]),
    Sample(name: "version of linking", bytes: module(type, (0, custom("linking", [9]))), mentions: ["version"]),
    Sample(
      name: "symbol table", bytes: module(type, (0, custom("linking", [2, 8, 4, 1, 9, 0, 0]))),
      mentions: ["section linking", "0x", "symbol"]),
    Sample(
      name: "library", bytes: module((0, custom("dylink.0", [1, 9, 0, 0]))), mentions: ["section dylink.0", "0x"]),
  ]

  @Test func aMemberThatIsCutShort() throws {
    var archive = ArchiveBuilder()
    var object = ModuleBuilder(object: true)
    object.function("f", [], [], [])
    archive.add("member.o", object)
    try refused(
      ["library.a": Array(archive.bytes.dropLast(10))], "--whole-archive",
      mentions: ["library.a: archive member of \(object.bytes.count) bytes is longer than the rest of the file", "0x"])
  }

  @Test(arguments: samples) func aFileAndAMember(_ sample: Sample) throws {
    let errors = try refused(["damaged.wasm": sample.bytes], mentions: ["damaged.wasm"] + sample.mentions)
    // The same of a member of an archive, with both names; its offsets count from the member's first byte.
    var archive = ArchiveBuilder()
    archive.add("member.o", sample.bytes)
    archive.hasIndex = false
    let inside = try refused(
      ["library.a": archive], "--whole-archive", mentions: ["library.a(member.o)"] + sample.mentions)
    #expect(inside.contains(errors.drop { $0 != ":" }), "\(errors) but in an archive \(inside)")
  }
}
