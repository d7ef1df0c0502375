import Foundation
import SystemPackage
import Testing

@testable import SolderLinker

/// Source maps of modules that have nothing else are joined into one of the result.
@Suite struct SourceMapTests {
  /// A module whose function `name` gives a number, and a map in which each of its instructions is of a line of its own.
  private static func module(_ name: String, _ number: Int32, url: String?, names: String = "[]") throws -> (
    module: ModuleBuilder, map: String
  ) {
    var builder = ModuleBuilder()
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
    "{\"version\":3,\"mappings\":\"ggggggggggggggggggggg\"}",
  ])
  func whatIsNoMap(_ text: String) throws {
    #expect(throws: (any Error).self) { try Self.read(text) }
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
          : ["--source-map-output=" + folder.file("result.map"), "--source-map=two=" + folder.file("other.map")]))
    let url = try #require(result.module.sections.first { $0.name == "sourceMappingURL" })
    #expect(result.bytes[url.contents].dropFirst().elementsEqual("result.map".utf8))
    let map = try Self.read(String(decoding: contents(of: folder.file("result.map")), as: UTF8.self))
    #expect(map.sources.map { String(decoding: $0, as: UTF8.self) } == ["first.ts", "second.ts"])
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
      map.sources.map { String(decoding: $0, as: UTF8.self) } == ["../one/src/index.ts", "../two/src/index.ts"])
    #expect(map.ignored == [0, 1])
    #expect(Set(map.segments.compactMap(\.position?.source)) == [0, 1])
  }

  @Test(arguments: [
    ("a/b", "a/b", "x.ts", "x.ts"), ("a/b", "a", "x.ts", "b/x.ts"), ("a", "a/b", "../x.ts", "../../x.ts"),
    ("a", "a/b", "x.ts", "../x.ts"), ("", "out", "./src/x.ts", "../src/x.ts"), ("/p/a", "/p/b", "x.ts", "../a/x.ts"),
    ("a", "b", "/x.ts", "/x.ts"), ("a", "b", "dart:core/list.dart", "dart:core/list.dart"),
    ("./a/", "a", "x.ts", "x.ts"),
    ("a", "b", "webpack:///x.ts", "webpack:///x.ts"), ("a", "b", "~lib/x.ts", "../a/~lib/x.ts"),
  ])
  func namesOfSources(_ from: String, _ to: String, _ source: String, _ expected: String) {
    let moved = SourceFolders(FilePath(from), FilePath(to)).moved([Array(source.utf8)])
    #expect(moved.map { String(decoding: $0, as: UTF8.self) } == [expected])
  }

  @Test func namesOfSourcesAboveTheWorkingFolder() throws {
    let here = try #require(FilePath(".").absolute?.lastComponent?.string)
    let moved = SourceFolders(FilePath("a"), FilePath("../out")).moved([Array("x.ts".utf8)])
    #expect(moved.map { String(decoding: $0, as: UTF8.self) } == ["../\(here)/a/x.ts"])
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

  @Test func withoutAskingThereIsNoMap() async throws {
    let (first, _) = try Self.module("first", 7, url: "first.map")
    var other = ModuleBuilder()
    other.function([], [], export: "other", [])
    let result = try await linked(["first.wasm": first, "other.wasm": other], "--no-entry")
    #expect(!result.module.sections.contains { $0.name == "sourceMappingURL" })
  }
}
