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
    var files: [(name: String, room: Int, text: String)] = []
    for (room, folder) in RoomTests.rooms.enumerated() {
      for name in try RoomTests.sources(in: folder) {
        files.append((name, room, try String(contentsOfFile: "\(Repository.root)/Sources/\(name)", encoding: .utf8)))
      }
    }
    /// The lowest room in which each type is declared.
    var declared: [Substring: Int] = [:]
    let declaration =
      /(?m)^(?:(?:public|package|private|fileprivate|final|indirect|@\w+) )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
    for file in files {
      for match in file.text.matches(of: declaration) {
        declared[match.1] = min(declared[match.1] ?? file.room, file.room)
      }
    }
    for file in files {
      let code = file.text.replacing(/\/\/.*/, with: "").replacing(/"(?:[^"\\\n]|\\.)*"/, with: "")
      for name in Set(code.matches(of: /\b[A-Z]\w+/).map(\.output)) {
        guard let room = declared[name], room > file.room else { continue }
        Issue.record("\(file.name) uses \(name), which belongs to \(RoomTests.rooms[room])")
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
        for match in code.matches(of: /\.origin\b|\bisLifted\b|\boptions\.output\b/) {
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
      "ByteReader", "JSONReader", "ByteString", "ByteWriter", "LEB128", "CodeScanner", "CodePlaces", "InstructionTable",
      "Pool",
      "Text",
      "Demangler",
      "SHA1", "XXH3", "OutputRoom", "OutputImage",
      // Memory that stays, or that threads share.
      "Mapping", "NameArena", "TypeArena", "SharedBytes", "Threads", "ThreadPool", "DetachedThread", "Lock",
      "MergedStrings", "GrowingRow",
      "StringOrder",
      "Prefetch", "Marker", "Link", "DisplayNames", "InputBytes", "InputFile",
      // Calls of the system.
      "TemporaryFile", "OutputFile", "Diagnostics", "PassTimer", "WorkingFolder", "InputLoader", "CommandLine",
      // For C.
      "CStrings", "LinkObject", "CInterface",
    ]
    for name in try RoomTests.sources(in: "") {
      let text = try String(contentsOfFile: "\(Repository.root)/Sources/\(name)", encoding: .utf8)
      let code = text.replacing(/\/\/.*/, with: "").replacing(/"(?:[^"\\\n]|\\.)*"/, with: "")
      let type = name.split(separator: "/").last?.dropLast(".swift".count) ?? ""
      if code.contains(/\bunsafe\b/), !allowed.contains(String(type)) { Issue.record("\(name) has unsafe code") }
    }
  }

  private static func sources(in folder: String) throws -> [String] {
    let root = "\(Repository.root)/Sources"
    let all = try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
    return all.filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
  }
}
