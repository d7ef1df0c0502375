import Foundation
import SystemPackage
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// Source maps of modules that have nothing else are joined into one of the result.
@Suite struct SourceMapTests {
  /// A module whose function `name` gives a number, and a map in which each of its instructions is of a line of its own.
  private static func module(_ name: String, _ number: Int32, url: String?, isLibrary: Bool = false) throws -> (
    module: ModuleBuilder, map: String
  ) {
    var builder = isLibrary ? ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0)) : ModuleBuilder()
    builder.function([], [.i32], export: name, [.i32Const(number), .i32Const(1), .i32Add])
    if let url {
      builder.customs.append(.init(name: "sourceMappingURL", bytes: [UInt8(url.utf8.count)] + Array(url.utf8)))
    }
    let code = try #require(ModuleDescription(builder.bytes).sections.first { $0.identifier == 10 }).contents.lowerBound
    var map = SourceMap()
    map.sources = [Array("\(name).ts".utf8)]
    map.contents = [Array("text of \"\(name)\"\n".utf8)]
    // Behind the count, the size, and the declarations of locals.
    let offsets = [code + 3, code + 3 + (number > 63 ? 3 : 2), code + 5 + (number > 63 ? 3 : 2)]
    for (line, offset) in offsets.enumerated() {
      map.segments.append(
        .init(offset: UInt32(offset), position: .init(source: 0, line: line + Int(number), column: 4, name: nil)))
    }
    return (builder, String(decoding: map.text(file: name), as: UTF8.self))
  }

  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func mapsAreReadAsTheyAreWritten() throws {
    let (_, text) = try Self.module("first", 7, url: nil)
    let map = try Self.read(text)
    #expect(map.sources == [Array("first.ts".utf8)])
    #expect(map.contents == [Array("text of \"first\"\n".utf8)])
    #expect(map.segments.count == 3)
    #expect(map.segments.map(\.position?.line) == [7, 8, 9])
    #expect(String(decoding: map.text(file: "first"), as: UTF8.self) == text)
  }

  private static func read(_ text: String) throws -> SourceMap {
    let arena = NameArena()
    return try withExtendedLifetime(arena) { try SourceMap(arena.copy(Array(text.utf8))) }
  }

  @Test(arguments: [
    "", "[]", "{}", "{\"version\":2,\"mappings\":\"\"}", "{\"version\":3}", "{\"version\":3,\"mappings\":\"A;A\"}",
    "{\"version\":3,\"mappings\":\"AAAA\"}", "{\"version\":3,\"mappings\":\"!\"}", "{\"version\":3,\"mappings\":\"D\"}",
    "{\"version\":3,\"sections\":[{}]}",
    "{\"version\":3,\"sections\":[{\"offset\":{\"line\":1,\"column\":0},\"map\":{\"version\":3,\"mappings\":\"A\"}}]}",
    "{\"version\":3,\"names\":[\"\\ud8\"]}", "{\"version\":3,\"mappings\":\"AA\"}",
    "{\"version\":3,\"x\":\(String(repeating: "[", count: 100_000))",
    "{\"version\":3,\"mappings\":\"ggggggggggggggggggggg\"}", "{\"version\":3,\"mappings\":\";;A\"}",
    "{\"version\":3,\"x\":1-2,\"mappings\":\"\"}", "{\"version\":3,\"x\":-,\"mappings\":\"\"}",
    "{\"version\":3,\"x\":1.,\"mappings\":\"\"}", "{\"version\":3,\"x\":1e,\"mappings\":\"\"}",
    "{\"version\":3,\"x\":,\"mappings\":\"\"}",
  ])
  func whatIsNoMap(_ text: String) throws {
    #expect(throws: (any Error).self) { try Self.read(text) }
  }

  @Test(arguments: [
    "1", "-0", "-1.5e+3", "2E9", "0.25", "\"1,2\"", "null", "true", #"{"a":1,"b":[2,3]}"#, "[1,2,[3,-4],5]", "[]", "{}",
  ])
  func whatNobodyKnowsIsSteppedOver(_ value: String) throws {
    let map = try Self.read(
      #"{"version":3,"x":\#(value),"y":[\#(value),\#(value)] ,"sources":["a"],"mappings":"CAAA"}"#)
    #expect(map.sources == [Array("a".utf8)])
    #expect(map.segments == [.init(offset: 1, position: .init(source: 0, line: 0, column: 0, name: nil))])
  }

  @Test func whatIsEmptyIsNothingWrong() throws {
    let map = try Self.read(
      "\u{FEFF}" + #"{"version":3,"sources":[null,"a"],"sourcesContent":null,"names":null,"ignoreList":null,"#
        + #""sourceRoot":"src","mappings":",CAAA,,CCAA,;;,;"}"#)
    #expect(map.sources == [nil, Array("src/a".utf8)])
    #expect(map.contents == [nil, nil])
    #expect(map.segments.map(\.offset) == [1, 2] && map.segments.map(\.position?.source) == [0, 1])
    #expect(String(decoding: map.text(file: ""), as: UTF8.self).contains(#""sources":[null,"src/a"]"#))
    #expect(try Self.read(#"{"version":3,"sources":null,"mappings":";"}"#).segments.isEmpty)
  }

  @Test(arguments: [false, true]) func joinedOverModules(_ likeWasmMerge: Bool) async throws {
    let (first, firstMap) = try Self.module("first", 7, url: "first.map")
    let (second, secondMap) = try Self.module(
      "second", 100, url: "data:application/json;base64," + Self.base64(try Self.module("second", 100, url: nil).map))
    let folder = try TemporaryFolder()
    try folder.write(first.bytes, to: "first.wasm")
    try folder.write(firstMap, to: "first.map")
    try folder.write(second.bytes, to: "second.wasm")
    // The section moves the code behind it, so that the map in it counts wrong: one that is given comes first.
    try folder.write(secondMap, to: "other.map")
    let result = try await linkedHere(
      [
        "merge", folder.file("first.wasm"), "one", folder.file("second.wasm"), "two",
      ]
        + (likeWasmMerge
          ? ["-ism", folder.file("other.map"), "-osm", folder.file("result.map")]
          : ["--source-map-output=" + folder.file("result.map"), "--source-map=two=" + folder.file("other.map")])
        + ["-o", folder.file("result.wasm")])
    let url = try #require(result.module.sections.first { $0.name == "sourceMappingURL" })
    #expect(result.bytes[url.contents].dropFirst().elementsEqual("result.map".utf8))
    let map = try Self.read(String(decoding: contents(of: folder.file("result.map")), as: UTF8.self))
    #expect(map.sources.map { String(decoding: $0 ?? [], as: UTF8.self) } == ["first.ts", "second.ts"])
    // Each instruction has the line that it had.
    var lines: [Int: UInt8] = [:]
    for segment in map.segments {
      if let position = segment.position { lines[position.line] = result.bytes[Int(segment.offset)] }
    }
    #expect(lines == [7: 0x41, 8: 0x41, 9: 0x6A, 100: 0x41, 101: 0x41, 102: 0x6A])
  }

  private static func base64(_ text: String) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var result = ""
    var (bits, count) = (0, 0)
    for byte in text.utf8 {
      (bits, count) = (bits << 8 | Int(byte), count + 8)
      while count >= 6 {
        count -= 6
        result.append(digits[bits >> count & 63])
      }
    }
    if count > 0 { result.append(digits[bits << (6 - count) & 63]) }
    return result
  }

  @Test func aMapThatConsistsOfMaps() throws {
    let part = { (start: Int, source: String) in
      #"{"offset":{"line":0,"column":\#(start)},"map":{"version":3,"sources":["\#(source)"],"names":["n"],"#
        + #""sourcesContent":["\#(source)"],"ignoreList":[0],"mappings":"EACAA"}}"#
    }
    let map = try Self.read(#"{"version":3,"sections":[\#(part(10, "a")),\#(part(20, "b"))]}"#)
    #expect(map.sources == [Array("a".utf8), Array("b".utf8)])
    #expect(map.names.count == 2 && map.ignored == [0, 1])
    #expect(map.contents == map.sources)
    #expect(
      map.segments == [
        .init(offset: 12, position: .init(source: 0, line: 1, column: 0, name: 0)),
        .init(offset: 22, position: .init(source: 1, line: 1, column: 0, name: 1)),
      ])
  }

  @Test func whatAPartHasTooMuchIsNotOfTheNext() throws {
    let map = try Self.read(
      #"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":{"version":3,"sources":["a"],"ignoreList":[1],"#
        + #""sourcesContent":["a","more"],"mappings":"AAAA"}},"#
        + #"{"offset":{"line":0,"column":9},"map":{"version":3,"sources":["b"],"sourcesContent":["b"],"mappings":""}}]}"#
    )
    #expect(map.sources == [Array("a".utf8), Array("b".utf8)] && map.contents == map.sources && map.ignored.isEmpty)
  }

  @Test func aPartThatConsistsOfParts() {
    let inner = #"{"version":3,"sections":[]}"#
    let error = #expect(throws: FormatError.self) {
      try Self.read(#"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":\#(inner)}]}"#)
    }
    #expect(error?.message == "a part of it consists of parts")
  }

  @Test func sourcesWithoutANameStayThoseOfTheirModules() async throws {
    let folder = try TemporaryFolder()
    var arguments = ["--no-entry", "--source-map-output=" + folder.file("out.map")]
    for (name, number) in [("one", Int32(7)), ("two", 9)] {
      let (module, map) = try Self.module(name, number, url: "\(name).map")
      try folder.write(module.bytes, to: "\(name).wasm")
      let contents = #"["text of \"\#(name)\"\u000a"]"#
      try folder.write(
        map.replacing("[\"\(name).ts\"]", with: "[null]").replacing(contents, with: "[null]"), to: "\(name).map")
      arguments.append(folder.file("\(name).wasm"))
    }
    let result = try await linkedHere(arguments)
    #expect(result.warnings.isEmpty)
    let map = try Self.read(String(decoding: contents(of: folder.file("out.map")), as: UTF8.self))
    #expect(map.sources == [nil, nil] && map.contents == [nil, nil])
    #expect(Set(map.segments.compactMap(\.position?.source)) == [0, 1])
  }

  @Test func theSourcesOfTwoFoldersAreTwoSources() async throws {
    let folder = try TemporaryFolder()
    var arguments = ["--no-entry", "--source-map-output=" + folder.file("out/result.map")]
    for (place, number) in [("one", Int32(7)), ("two", 9)] {
      let (module, map) = try Self.module(place, number, url: "the%20map.json")
      try FileManager.default.createDirectory(atPath: folder.file(place), withIntermediateDirectories: false)
      try folder.write(module.bytes, to: "\(place)/\(place).wasm")
      // Both come from a file of the same name, which debuggers step over.
      try folder.write(
        map.replacing("\(place).ts", with: "src/index.ts").replacing("\"names\"", with: "\"ignoreList\":[0],\"names\""),
        to: "\(place)/the map.json")
      arguments.append(folder.file("\(place)/\(place).wasm"))
    }
    try FileManager.default.createDirectory(atPath: folder.file("out"), withIntermediateDirectories: false)
    let result = try await linkedHere(arguments)
    #expect(result.warnings.isEmpty)
    let map = try Self.read(String(decoding: contents(of: folder.file("out/result.map")), as: UTF8.self))
    #expect(
      map.sources.map { String(decoding: $0 ?? [], as: UTF8.self) } == ["../one/src/index.ts", "../two/src/index.ts"])
    #expect(map.ignored == [0, 1])
    #expect(Set(map.segments.compactMap(\.position?.source)) == [0, 1])
  }

  @Test(arguments: [
    ("a/b", "a/b", "x.ts", "x.ts"), ("a/b", "a", "x.ts", "b/x.ts"), ("a", "a/b", "../x.ts", "../../x.ts"),
    ("a", "a/b", "x.ts", "../x.ts"), ("", "out", "./src/x.ts", "../src/x.ts"), ("/p/a", "/p/b", "x.ts", "../a/x.ts"),
    ("a", "b", "/x.ts", "/x.ts"), ("a", "b", "dart:core/list.dart", "dart:core/list.dart"),
    ("./a/", "a", "x.ts", "x.ts"),
    ("a", "b", "webpack:///x.ts", "webpack:///x.ts"), ("a", "b", "~lib/x.ts", "../a/~lib/x.ts"),
    ("my src#1", "out", "x%20y.ts", "../my%20src%231/x%20y.ts"),
  ])
  func namesOfSources(_ from: String, _ to: String, _ source: String, _ expected: String) {
    let moved = SourceFolders(FilePath(from), FilePath(to)).moved(Array(source.utf8))
    #expect(String(decoding: moved, as: UTF8.self) == expected)
  }

  @Test(arguments: [
    ("r.wasm", "r.map", "r.map"), ("r.wasm", "out/deep.map", "out/deep.map"), ("out/r.wasm", "r.map", "../r.map"),
    ("/p/bin/r.wasm", "/p/maps/r.map", "../maps/r.map"), ("a/r.wasm", "./a/r.map", "r.map"),
    ("r.wasm", "my map#1.json", "my%20map%231.json"), ("r.wasm", "100%/a:b?.map", "100%25/a%3Ab%3F.map"),
    ("r.wasm", "é/[x].map", "é/%5Bx%5D.map"),
  ])
  func theURLCountsFromTheResult(_ output: String, _ map: String, _ expected: String) {
    var options = LinkOptions()
    #expect(options.writtenSourceMapURL == nil)
    (options.outputPath, options.sourceMapFile) = (output, map)
    #expect(options.writtenSourceMapURL == expected)
    options.sourceMapURL = "https://example.org/#map"
    #expect(options.writtenSourceMapURL == "https://example.org/#map")
  }

  @Test func aMapInAnotherFolderIsFoundByItsURL() async throws {
    let (first, firstMap) = try Self.module("first", 7, url: "first.map")
    let folder = try TemporaryFolder()
    try folder.write(first.bytes, to: "first.wasm")
    try folder.write(firstMap, to: "first.map")
    for place in ["maps of #1", "again"] {
      try FileManager.default.createDirectory(atPath: folder.file(place), withIntermediateDirectories: false)
    }
    let once = try await linkedHere([
      folder.file("first.wasm"), "--no-entry", "--source-map-output=" + folder.file("maps of #1/100%.map"),
      "-o", folder.file("once.wasm"),
    ])
    try folder.write(once.bytes, to: "once.wasm")
    // Read once more, from where the result is.
    let again = try await linkedHere([
      folder.file("once.wasm"), "--no-entry", "--source-map-output=" + folder.file("again/again.map"),
    ])
    #expect(once.warnings.isEmpty && again.warnings.isEmpty)
    let map = try Self.read(String(decoding: contents(of: folder.file("again/again.map")), as: UTF8.self))
    #expect(map.sources == [Array("../first.ts".utf8)])
    #expect(Set(map.segments.compactMap(\.position?.line)) == [7, 8, 9])
  }

  @Test func namesOfSourcesAboveTheWorkingFolder() throws {
    let here = try #require(FilePath(".").absolute?.lastComponent?.string)
    let moved = SourceFolders(FilePath("a"), FilePath("../out")).moved(Array("x.ts".utf8))
    #expect(String(decoding: moved, as: UTF8.self) == "../\(SourceFolders.percentEncoded(here))/a/x.ts")
  }

  @Test(arguments: [
    ("data:application/json;charset=utf-8;base64,QUI=", "AB"), ("data:application/json,%7Bx%7d", "{x}"), ("data:,", ""),
  ])
  func dataOfURLs(_ url: String, _ expected: String) {
    #expect(SourceMapFile.data(of: url) == Array(expected.utf8))
  }

  @Test(arguments: ["data:application/json", "data:,%", "data:,%7", "data:,%7x", "data:;base64,?"])
  func damagedURLs(_ url: String) { #expect(SourceMapFile.data(of: url) == nil) }

  @Test func aMapThatDoesNotFitIsLeftOut() async throws {
    let (first, _) = try Self.module("first", 7, url: "first.map")
    let folder = try TemporaryFolder()
    try folder.write(first.bytes, to: "first.wasm")
    for text in ["no map", "{\"version\":3,\"sources\":[\"a\"],\"mappings\":\"ggggDAAA\"}"] {
      try folder.write(text, to: "first.map")
      let result = try await linkedHere(
        [folder.file("first.wasm"), "--no-entry", "--source-map-output=" + folder.file("result.map")], warnings: true)
      #expect(result.warnings.count == 1 && result.warnings[0].contains("first.wasm"))
      #expect(result.warnings[0].contains("the source map is left out"))
    }
  }

  @Test func aNameThatMeansTwoFiles() async throws {
    let folder = try TemporaryFolder()
    var words = ["--no-entry", "--source-map-output=" + folder.file("result.map"), "-o", folder.file("result.wasm")]
    for (name, number) in [("one", Int32(7)), ("two", 9)] {
      let (module, map) = try Self.module(name, number, url: nil)
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: false)
      try folder.write(module.bytes, to: "\(name)/m.wasm")
      try folder.write(map, to: "\(name).map")
      words.append(folder.file("\(name)/m.wasm"))
    }
    let refused = LinkInProcess(arguments: words + ["--source-map=m.wasm=" + folder.file("one.map")])
    #expect(refused.errors.count == 1 && refused.bytes == nil)
    for mention in ["m.wasm means", folder.file("one/m.wasm"), folder.file("two/m.wasm")] {
      #expect(refused.errors.first?.contains(mention) == true, "\(refused.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("result.map")))
    // A path means one of them, and the name the other.
    for second in [folder.file("two/m.wasm"), "m.wasm"] {
      let first = "--source-map=" + folder.file("one/m.wasm") + "=" + folder.file("one.map")
      _ = try await linkedHere(words + [first, "--source-map=\(second)=" + folder.file("two.map")])
      let map = try Self.read(String(decoding: contents(of: folder.file("result.map")), as: UTF8.self))
      #expect(map.sources == [Array("one.ts".utf8), Array("two.ts".utf8)])
    }
  }

  /// No name means one of two members of one name.
  @Test func twoMembersOfOneName() throws {
    let folder = try TemporaryFolder()
    var archive = ArchiveBuilder()
    for (name, number) in [("one", Int32(7)), ("two", 9)] {
      let (module, map) = try Self.module(name, number, url: nil, isLibrary: true)
      archive.add("same.so", module)
      try folder.write(map, to: "\(name).map")
    }
    try folder.write(archive.bytes, to: "libboth.a")
    for name in ["libboth.a", "libboth.a(same.so)"] {
      let refused = LinkInProcess(arguments: [
        "--whole-archive", folder.file("libboth.a"), "--no-entry", "-o", folder.file("result.wasm"),
        "--source-map-output=" + folder.file("result.map"), "--source-map=\(name)=" + folder.file("one.map"),
      ])
      #expect(refused.errors.count == 1 && refused.errors[0].contains("no name means one alone"), "\(refused.errors)")
    }
  }

  @Test func membersOfArchives() async throws {
    let folder = try TemporaryFolder()
    var archive = ArchiveBuilder()
    for (name, number) in [("one", Int32(7)), ("two", 9)] {
      let (module, map) = try Self.module(name, number, url: nil, isLibrary: true)
      archive.add("\(name).so", module)
      try folder.write(map, to: "\(name).map")
    }
    try folder.write(archive.bytes, to: "libboth.a")
    let words = [
      folder.file("libboth.a"), "--no-entry", "--source-map-output=" + folder.file("result.map"),
      "-o", folder.file("result.wasm"), "--export=one",
    ]
    func sources(_ options: [String]) async throws -> [[UInt8]?] {
      _ = try await linkedHere(words + options)
      return try Self.read(String(decoding: contents(of: folder.file("result.map")), as: UTF8.self)).sources
    }
    let one = folder.file("one.map")
    let (first, second) = (Array("one.ts".utf8), Array("two.ts".utf8))
    #expect(try await sources(["--source-map=libboth.a=" + one]) == [first])
    let refused = LinkInProcess(arguments: words + ["--export=two", "--source-map=libboth.a=" + one])
    #expect(refused.errors.count == 1 && refused.errors.first?.contains("libboth.a(one.so)") == true)
    for prefix in ["", folder.file("")] {
      let options = ["one", "two"].map { "--source-map=\(prefix)libboth.a(\($0).so)=" + folder.file("\($0).map") }
      #expect(try await sources(["--export=two"] + options) == [first, second])
    }
  }

  @Test func ofAnObjectThatNamesOne() async throws {
    let folder = try TemporaryFolder()
    let (library, map) = try Self.module("first", 7, url: nil, isLibrary: true)
    try folder.write(library.bytes, to: "first.so")
    try folder.write(map, to: "first.map")
    let made = try await linkedHere([
      "-r", folder.file("first.so"), "--source-map=first.so=" + folder.file("first.map"),
      "--source-map-output=" + folder.file("first.o.map"), "-o", folder.file("first.o"),
    ])
    #expect(made.module.sections.contains { $0.name == "sourceMappingURL" })
    try folder.write(made.bytes, to: "first.o")
    // Its map is true of the object alone.
    let words = [folder.file("first.o"), "--no-entry", "--export=first", "-o", folder.file("result.wasm")]
    for more in [[], ["-r"]] {
      let result = try await linkedHere(words.filter { more.isEmpty || !$0.hasPrefix("--no") } + more)
      #expect(!result.module.sections.contains { $0.name == "sourceMappingURL" })
    }
    let asked = try await linkedHere(words + ["--source-map-output=" + folder.file("result.map")], warnings: true)
    #expect(asked.warnings.count == 1 && asked.warnings.first?.contains("first.o: source maps of objects") == true)
  }

  @Test func withoutAskingThereIsNoMap() async throws {
    let (first, _) = try Self.module("first", 7, url: "first.map")
    var other = ModuleBuilder()
    other.function([], [], export: "other", [])
    let result = try await linked(["first.wasm": first, "other.wasm": other], "--no-entry")
    #expect(!result.module.sections.contains { $0.name == "sourceMappingURL" })
  }

  /// Whoever asks what a link reads is told of maps, too.
  @Test func mapsAreWhatALinkReads() async throws {
    let folder = try TemporaryFolder()
    for (name, url) in [("first", "first.map"), ("second", nil)] {
      let (module, map) = try Self.module(name, 5, url: url)
      try folder.write(module.bytes, to: "\(name).wasm")
      try folder.write(Array(map.utf8), to: "\(name).map")
    }
    let (first, second) = (folder.file("first.map"), folder.file("second.map"))
    let words = [
      folder.file("first.wasm"), folder.file("second.wasm"), "--no-entry", "-o", folder.file("result.wasm"),
      "--source-map", folder.file("second.wasm") + "=" + second,
    ]
    let run = LinkInProcess(
      arguments: words + [
        "--source-map-output=" + folder.file("result.map"), "--dependency-file=" + folder.file("rules"),
        "--reproduce=" + folder.file("all.tar"),
      ])
    #expect(run.bytes != nil, "\(run.messages)")
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: folder.file(name))), as: UTF8.self)
    }
    let (rules, archive) = (try text("rules"), try text("all.tar"))
    for map in [first, second] {
      #expect(rules.contains(" \\\n  \(map)") && rules.contains("\n\(map):\n"))
      #expect(archive.contains(try text(map == first ? "first.map" : "second.map")))
    }
    let place = folder.path.dropFirst()
    #expect(archive.contains("--source-map \(place)/second.wasm=\(place)/second.map\n"))
    // Nor does the map of the result take the place of an input.
    let refused = LinkInProcess(arguments: words + ["--source-map-output=" + folder.path + "/./first.wasm"])
    #expect(refused.bytes == nil && refused.errors.contains { $0.contains("both an input and the source map") })
  }
}
