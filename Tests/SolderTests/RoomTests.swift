import Foundation
import Testing

/// The folders of the linker are rooms that stand on each other: a file may use what its own room and those below it
/// declare, and nothing of those above. What is declared is found by its text, which is all that this takes.
@Suite struct RoomTests {
  /// From the bottom up.
  private static let rooms = [
    "WebAssemblyFormat", "Demangling", "JSON", "SizeReport", "SolderLinker/Hash", "SolderLinker/Threads",
    "SolderLinker/Index",
    "SolderLinker/Options", "SolderLinker/Diagnostics",
    "SolderLinker/Types", "SolderLinker/Model", "SolderLinker/Inputs", "SolderLinker/Lift", "SolderLinker/Load",
    "SolderLinker/MadeObjects", "SolderLinker/Resolve", "SolderLinker/Own", "SolderLinker/Live", "SolderLinker/Layout",
    "SolderLinker/Emit",
    "SolderLinker/DebugInformation", "SolderLinker/Synthesise",
    "SolderLinker/Report",
  ]

  @Test func noRoomUsesOneAboveIt() throws {
    let files = try RoomTests.code()
    let declared = RoomTests.lowest(RoomTests.typeDeclaration, in: files)
    for file in files {
      for name in Set(file.text.matches(of: /\b[A-Z]\w+/).map(\.output)) {
        guard let room = declared[name], room > file.room else { continue }
        Issue.record("\(file.name) uses \(name), which belongs to \(RoomTests.rooms[room])")
      }
    }
  }

  /// The same of what rooms add to types of lower ones, and of the standard library's: no room uses a member that only those
  /// above it declare.
  @Test func noRoomUsesAMemberFromAboveIt() throws {
    let files = try RoomTests.code()
    let anywhere = RoomTests.lowest(/(?m)^ *(?:@?\w+(?:\([^)\n]*\))? )*(?:func|var|let|case) (\w+)/, in: files)
    let types = RoomTests.lowest(RoomTests.typeDeclaration, in: files)
    var added: Set<Substring> = []
    for file in files {
      for body in file.text.matches(of: /(?m)^extension (\w+)[^\n]*\{\n((?:  .*\n|\n)*)\}/) {
        guard types[body.1].map({ $0 < file.room }) ?? true else { continue }
        for member in body.2.matches(of: /(?m)^  (?:@\w+(?:\([^)\n]*\))? )*(?:\w+ )*?(?:func|var|let) (\w+)/) {
          added.insert(member.1)
        }
      }
    }
    #expect(added.count > 50)
    for file in files {
      for name in Set(file.text.matches(of: /\.(\w+)/).map(\.1)).intersection(added) {
        guard let room = anywhere[name], room > file.room else { continue }
        Issue.record("\(file.name) uses .\(name), which belongs to \(RoomTests.rooms[room])")
      }
    }
  }

  /// Every folder of the linker is a room, but for the catalogue of its documentation.
  @Test func everyFolderIsARoom() throws {
    let path = "\(Repository.root)/Sources/SolderLinker"
    for name in try FileManager.default.contentsOfDirectory(atPath: path)
    where !name.hasSuffix(".swift") && !name.hasSuffix(".docc") {
      #expect(RoomTests.rooms.contains("SolderLinker/\(name)"))
    }
  }

  /// What is special about a unit, or about the result, is a contract with a name; only those who read files know what
  /// kind of file it was, and only the options what kind of result is made.
  @Test func nothingBehindReadingAsksForKinds() throws {
    let reading = try #require(RoomTests.rooms.firstIndex(of: "SolderLinker/Load"))
    for folder in RoomTests.rooms[(reading + 1)...] {
      for name in try RoomTests.sources(in: folder) {
        let text = try String(contentsOfFile: "\(Repository.root)/Sources/\(name)", encoding: .utf8)
        let code = text.replacing(/\/\/.*/, with: "")
        for match in code.matches(
          of: /\.origin\b|\bisLifted\b|\boptions\.output\b|\boutput [!=]= \.|\blifted [!=]= nil/)
        {
          Issue.record("\(name) asks for \(match.output)")
        }
      }
    }
  }

  /// What is unsafe stands behind few types, whose invariants are written next to them: readers and writers of bytes, the
  /// innermost loops, memory that threads share, and calls of the system. Another file wants a reason, and a line here.
  @Test func unsafeCodeStandsBehindFewTypes() throws {
    let allowed: Set<String> = [
      // Bytes, and the innermost loops over them.
      "WebAssemblyFormat/ByteReader", "WebAssemblyFormat/ByteString", "WebAssemblyFormat/ByteWriter",
      "WebAssemblyFormat/LEB128", "WebAssemblyFormat/Instructions/CodePlaces",
      "WebAssemblyFormat/Instructions/CodeScanner", "WebAssemblyFormat/Instructions/InstructionTable",
      "Demangling/Demangler", "Demangling/Pool", "Demangling/Text", "JSON/JSONReader", "SolderLinker/Hash/SHA1",
      "SolderLinker/Hash/XXH3", "SolderLinker/Emit/OutputRoom", "SolderLinker/Emit/OutputImage",
      // Memory that stays, or that threads share.
      "SolderLinker/Model/GrowingRow", "SolderLinker/Model/InputFile", "SolderLinker/Model/KeepForEver",
      "SolderLinker/Model/Mapping", "SolderLinker/Model/NameArena", "SolderLinker/Model/Prefetch",
      "SolderLinker/Types/TypeArena", "SolderLinker/Options/DisplayNames", "SolderLinker/Options/InputBytes",
      "SolderLinker/Layout/MergedStrings", "SolderLinker/Layout/StringOrder", "SolderLinker/Live/Marker",
      "SolderLinker/Live/SharedBytes", "SolderLinker/Threads/DetachedThread", "SolderLinker/Threads/Lock",
      "SolderLinker/Threads/Threads",
      // Calls of the system.
      "SolderLinker/Diagnostics/Diagnostics", "SolderLinker/Emit/OutputFile", "SolderLinker/Emit/TemporaryFile",
      "SolderLinker/Load/InputLoader", "SolderLinker/Load/WorkingFolder", "SolderLinker/Report/PassTimer",
      "SolderCommandLine/CommandLine",
      // For C.
      "SolderC/CInterface", "SolderC/CStrings", "SolderC/LinkObject",
    ]
    var unsafe: Set<String> = []
    for name in try RoomTests.sources(in: "") {
      let text = try String(contentsOfFile: "\(Repository.root)/Sources/\(name)", encoding: .utf8)
      let code = text.replacing(/\/\/.*/, with: "").replacing(/"(?:[^"\\\n]|\\.)*"/, with: "")
      if code.contains(/\bunsafe\b/) { unsafe.insert(String(name.drop { $0 == "/" }.dropLast(".swift".count))) }
    }
    #expect(unsafe == allowed)
  }

  private static var typeDeclaration: Regex<(Substring, Substring)> {
    /(?m)^(?:(?:public|package|private|fileprivate|final|indirect|@\w+) )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
  }

  /// The files of all rooms, without comments and texts.
  private static func code() throws -> [(name: String, room: Int, text: String)] {
    try rooms.enumerated().flatMap { room, folder in
      try sources(in: folder).map { name in
        let text = try String(contentsOfFile: "\(Repository.root)/Sources/\(name)", encoding: .utf8)
        return (
          name, room,
          text.replacing(/(?s)"""\n.*?"""/, with: "").replacing(/\/\/.*/, with: "")
            .replacing(/"(?:[^"\\\n]|\\.)*"/, with: "")
        )
      }
    }
  }

  /// The lowest room in which each name is declared.
  private static func lowest(
    _ declaration: Regex<(Substring, Substring)>, in files: [(name: String, room: Int, text: String)]
  ) -> [Substring: Int] {
    var rooms: [Substring: Int] = [:]
    for file in files {
      for match in file.text.matches(of: declaration) { rooms[match.1] = min(rooms[match.1] ?? file.room, file.room) }
    }
    return rooms
  }

  private static func sources(in folder: String) throws -> [String] {
    let root = "\(Repository.root)/Sources"
    let all = try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
    return all.filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
  }
}
