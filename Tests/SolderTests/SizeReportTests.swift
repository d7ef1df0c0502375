import Foundation
import SizeReport
import SolderCommandLine
import SolderLinker
import Synchronization
import Testing

/// `--size-report`, `--why-live` and `solder diff`: every byte is somebody's, and what is there has a reason.
@Suite struct SizeReportTests {
  private static func object(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object
  }

  private static let program = object { object in
    let helper = object.undefinedFunction("helper")
    let data = object.data("greeting", [1, 2, 3, 4])
    object.function("run", [], [.i32], flags: .exported, [.call(helper), .address(data)])
    object.function("unused", [], [], [])
  }

  private static let helper = object { $0.function("helper", [], [], []) }

  private static func library(_ name: String) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 64, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), Array(1...16))
    library.global(.i32, [.i32Const(8)], export: "table_of_\(name)")
    library.global(.i32, [.i32Const(32)], export: "zeros_of_\(name)")
    library.function([], [.i32], export: name, [.globalGet(base.memory), .i32Load()])
    return library
  }

  /// Links, and reads the report that it wrote.
  private func report(
    _ files: KeyValuePairs<String, any InputContents>, _ words: [String] = ["--no-entry"], fails: Bool = false
  ) throws -> (report: SizeReport, bytes: [UInt8]?, run: LinkInProcess) {
    let folder = try TemporaryFolder()
    let path = folder.file("size.json")
    let run = try LinkInProcess(files, words + ["--size-report=\(path)"])
    #expect((run.bytes == nil) == fails, "\(run.errors)")
    return (try SizeReport(json: [UInt8](Data(contentsOf: URL(filePath: path)))), run.bytes, run)
  }

  /// What holds of every report.
  private func check(_ report: SizeReport, _ bytes: [UInt8]?, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(report.size == bytes?.count, sourceLocation: sourceLocation)
    #expect(report.sections.reduce(0) { $0 + $1.size } == report.size, sourceLocation: sourceLocation)
    for (index, section) in report.sections.enumerated() {
      let sum = report.items.filter { $0.section == index }.reduce(0) { $0 + $1.size }
      #expect(sum == section.size, "\(section.name)", sourceLocation: sourceLocation)
    }
    for (index, item) in report.items.enumerated() {
      #expect(item.size >= 0 && !item.name.isEmpty, "\(item)", sourceLocation: sourceLocation)
      guard item.kind == .function || item.kind == .data else { continue }
      let first = report.items[report.chain(to: index)[0]]
      guard case .root = first.reason else {
        Issue.record("\(item.name) has no root", sourceLocation: sourceLocation)
        continue
      }
    }
  }

  private func chain(_ name: String, _ report: SizeReport) throws -> [String] {
    let item = try #require(report.items.firstIndex { $0.name == name })
    return report.chain(to: item).map { report.items[$0].name }
  }

  // MARK: Every kind of unit

  @Test func objectsAndArchives() throws {
    var archive = ArchiveBuilder()
    archive.add("helper.o", Self.helper)
    for files: KeyValuePairs<String, any InputContents> in [
      ["main.o": Self.program, "lib.a": archive], ["lib.a": archive, "main.o": Self.program],
      ["main.o": Self.program, "helper.o": Self.helper],
    ] {
      let (report, bytes, _) = try report(files)
      check(report, bytes)
      #expect(try chain("helper", report) == ["run", "helper"])
      #expect(try chain("greeting", report) == ["run", "greeting"])
      #expect(report.dropped.map(\.name) == ["unused"] && report.dropped.map(\.reason) == [.unused])
      let greeting = try #require(report.items.first { $0.name == "greeting" })
      #expect(greeting.size == 4 && greeting.memory == 4)
    }
    let (report, _, _) = try report(["main.o": Self.program, "lib.a": archive])
    #expect(report.units.map(\.member) == [nil, "helper.o"])
  }

  @Test func libraries() throws {
    let main = Self.object { object in
      let read = object.undefinedFunction("read", [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.call(read)])
    }
    for files: KeyValuePairs<String, any InputContents> in [
      ["main.o": main, "libr.so": Self.library("read")], ["libr.so": Self.library("read"), "main.o": main],
    ] {
      let (report, bytes, _) = try report(files)
      check(report, bytes)
      #expect(try chain("read", report) == ["run", "read"])
      #expect(try chain("table_of_read", report).starts(with: ["run", "read"]))
      let table = try #require(report.items.first { $0.name == "table_of_read" })
      #expect(table.size == 8 && table.memory == 8)
      let zeros = try #require(report.items.first { $0.name == "zeros_of_read" })
      #expect(zeros.size == 0 && zeros.memory == 32)
      let memory = report.items.filter { $0.kind == .data }.reduce(0) { $0 + $1.memory }
      #expect(memory == 64)
    }
  }

  @Test func modules() throws {
    var module = ModuleBuilder()
    let read = module.importFunction("env", "read", [], [.i32])
    module.memory(Limits(1), export: "memory")
    module.data(.at(16), [1, 2, 3])
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.function([], [.i32], export: "main", name: "main", [.call(read)])
    for files: KeyValuePairs<String, any InputContents> in [
      ["m.wasm": module, "libr.so": Self.library("read")], ["libr.so": Self.library("read"), "m.wasm": module],
    ] {
      let (report, bytes, _) = try report(files, [])
      check(report, bytes)
      #expect(try chain("read", report) == ["main", "read"])
    }
    let (alone, bytes, _) = try report(["m.wasm": module], [])
    check(alone, bytes)
    #expect(alone.items.contains { $0.name == "main" && $0.kind == .function })
  }

  @Test func withoutCollection() throws {
    let (report, bytes, _) = try report(
      ["main.o": Self.program, "helper.o": Self.helper], ["--no-entry", "--no-gc-sections"])
    check(report, bytes)
    #expect(report.dropped == [])
    #expect(report.items.first { $0.name == "unused" }?.reason == .root("--no-gc-sections"))
  }

  @Test func relocatableAndFolded() throws {
    let (object, objectBytes, _) = try report(["main.o": Self.program, "helper.o": Self.helper], ["-r"])
    check(object, objectBytes)
    let twins = Self.object { object in
      for name in ["one", "two"] { object.function(name, [], [.i32], flags: .exported, [.i32Const(7)]) }
    }
    let (folded, bytes, _) = try report(["twins.o": twins], ["--no-entry", "--icf=all"])
    check(folded, bytes)
    #expect(folded.dropped.map(\.reason) == [.folded])
  }

  // MARK: Failures

  @Test func aLinkThatFails() throws {
    let (report, _, run) = try report(["main.o": Self.program], fails: true)
    #expect(report.errors == run.errors && report.items == [])
    #expect(report.units.count == 1)
    // What is wrong with the command line is found before there is a link.
    let folder = try TemporaryFolder()
    let wrong = try LinkInProcess(
      ["main.o": Self.helper], ["--no-entri", "--size-report=\(folder.file("size.json"))"])
    #expect(wrong.bytes == nil && !FileManager.default.fileExists(atPath: folder.file("size.json")))
  }

  @Test func wrongOptions() throws {
    for word in ["--size-report=", "--size-report=x", "--size-report=-", "--size-report=x.txt"] {
      try refused(["a.o": Self.helper], "--no-entry", word, mentions: ["--size-report", ".html or .json"])
    }
    try refused(["a.o": Self.helper], "--no-entry", "--why-live=", mentions: ["--why-live"])
    for option in ["--size-report", "--why-live"] {
      let messages = Mutex<[String]>([])
      let diagnostics = Diagnostics { message in messages.withLock { $0.append(message.text) } }
      #expect(readCommandLine(["a.o", "-o", "b", option], diagnostics: diagnostics) == nil)
      #expect(messages.withLock { $0.contains("\(option): missing argument") })
    }
    for path in ["/nowhere/size.html", "/size.html/size.json"] {
      try refused(
        ["a.o": Self.helper], "--no-entry", "--size-report=\(path)", mentions: ["cannot open size report", path])
    }
    let folder = try TemporaryFolder()
    let path = folder.file("folder.html")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try refused(["a.o": Self.helper], "--no-entry", "--size-report=\(path)", mentions: ["Is a directory"])
  }

  // MARK: Why

  @Test func whyLive() throws {
    let files: KeyValuePairs<String, any InputContents> = ["main.o": Self.program, "helper.o": Self.helper]
    func why(_ name: String, _ words: String...) throws -> String {
      let run = try LinkInProcess(files, ["--no-entry", "--why-live=\(name)"] + words)
      #expect(run.bytes != nil)
      return run.notes.joined(separator: "\n").replacing(#//\S*/(?=[a-z]+\.o\b)/#, with: "")
    }
    #expect(try why("helper") == "run in main.o: exported\n  refers to helper in helper.o")
    #expect(try why("greeting") == "run in main.o: exported\n  refers to greeting in main.o")
    #expect(try why("run") == "run in main.o: exported")
    #expect(try why("unused").contains("'unused' is not in the result"))
    #expect(try why("nobody").contains("no input has a symbol 'nobody'"))
    let missing = try LinkInProcess(
      ["main.o": Self.program], ["--no-entry", "--allow-undefined", "--why-live=helper"])
    #expect(missing.notes.joined().contains("refers to helper, which the host provides"))
  }

  // MARK: Comparing

  private func diff(_ arguments: String...) async throws -> ProcessRun {
    try await execute(Solder.path, ["diff"] + arguments)
  }

  @Test func comparing() async throws {
    let folder = try TemporaryFolder()
    let (old, _, _) = try report(["main.o": Self.program, "helper.o": Self.helper])
    let larger = Self.object { object in
      object.function("helper", [], [], [.i32Const(1), .drop, .i32Const(1), .drop])
    }
    let (new, _, _) = try report(["main.o": Self.program, "helper.o": larger])
    let difference = SizeDifference(old, new)
    #expect(difference.new - difference.old == 6)
    #expect(difference.items.map(\.name) == ["helper [helper.o]"] && difference.items[0].growth == 6)
    #expect(difference.sections.map(\.name) == ["code"])
    #expect(SizeDifference(old, old).items == [])
    try folder.write(old.json, to: "old.json")
    try folder.write(new.json, to: "new.json")
    let text = try await diff(folder.file("old.json"), folder.file("new.json"))
    #expect(text.succeeded && text.output.contains("+6") && text.output.contains("helper [helper.o]"))
    let page = try await diff(folder.file("old.json"), folder.file("new.json"), "--html=\(folder.file("d.html"))")
    #expect(page.succeeded && page.output.isEmpty)
    #expect(try String(contentsOfFile: folder.file("d.html"), encoding: .utf8).contains("helper [helper.o]"))
  }

  @Test func comparingWhatIsNoReport() async throws {
    let folder = try TemporaryFolder()
    let (good, _, _) = try report(["helper.o": Self.helper])
    try folder.write(good.json, to: "good.json")
    var failed = good
    failed.errors = ["something"]
    try folder.write(failed.json, to: "failed.json")
    try folder.write("{}", to: "other.json")
    try folder.write("not JSON", to: "text.json")
    try folder.write(good.json.dropLast(100), to: "half.json")
    for (name, message) in [
      ("failed.json", "is the report of a link that failed"), ("other.json", "not a size report"),
      ("text.json", "not JSON"), ("half.json", "not JSON"), ("nothing.json", "No such file"),
    ] {
      let run = try await diff(folder.file("good.json"), folder.file(name))
      #expect(!run.succeeded && run.errors.contains(message), "\(run.errors)")
    }
    for (words, message) in [
      ([], "got 0"), (["a.json"], "got 1"), (["a", "b", "c"], "got 3"), (["--htlm=x"], "unknown argument"),
      (["a", "b", "--html="], "missing"), (["a", "b", "--html"], "missing"),
    ] {
      let run = try await execute(Solder.path, ["diff"] + words)
      #expect(!run.succeeded && run.errors.contains(message), "\(run.errors)")
    }
    let good2 = folder.file("good.json")
    let unwritable = try await diff(good2, good2, "--html=/nowhere/x.html")
    #expect(!unwritable.succeeded && unwritable.errors.contains("cannot open /nowhere/x.html"))
  }

  @Test func damagedJSON() {
    for text in [
      "", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "\"x", "\"\\q\"", "\"\\u12\"", "\"\\ud800\"", "1.5", "1e3", "-",
      "tru",
      "nul", "{}x", String(repeating: "[", count: 100_000), "99999999999999999999", "\"a\nb\"",
    ] {
      #expect(throws: SizeReportError.self, "\(text.prefix(20))") { try SizeReport(json: Array(text.utf8)) }
    }
    // Positions that are none.
    let head = #"{"format":"solder-size-report","version":1,"linker":"","output":"","size":1,"errors":[],"units":[],"#
    for items in [
      #""sections":[],"items":[{"kind":"data","name":"x","unit":0}],"dropped":[]}"#,
      #""sections":[],"items":[{"kind":"data","name":"x","because":1}],"dropped":[]}"#,
      #""sections":[],"items":[{"kind":"data","name":"x","because":-1}],"dropped":[]}"#,
      #""sections":[],"items":[{"kind":"nothing","name":"x"}],"dropped":[]}"#, #""sections":[],"items":[]}"#,
    ] {
      #expect(throws: SizeReportError.self) { try SizeReport(json: Array((head + items).utf8)) }
    }
    // Reasons that go round in circles end.
    let circle = #""sections":[],"items":[{"kind":"data","name":"x","because":0}],"dropped":[]}"#
    #expect(throws: Never.self) {
      let report = try SizeReport(json: Array((head + circle).utf8))
      #expect(report.chain(to: 0).count <= 2)
    }
  }

  @Test func jsonSaysTheSameAgain() throws {
    var report = SizeReport(output: "a\"\\\n\u{1}é.wasm", linker: "L")
    report.units = [.init(file: "</script><b>"), .init(file: "x", member: "m&")]
    report.sections = [.init(name: "code", size: 3)]
    report.items = [
      .init(.function, "f", symbol: "_f", unit: 1, section: 0, size: 3, reason: .root("the entry")),
      .init(.data, "d", memory: 7, reason: .item(0)),
    ]
    report.dropped = [.init(.data, "x", unit: nil, size: 9, .duplicate)]
    report.size = 3
    #expect(try SizeReport(json: report.json) == report)
    // No name becomes a part of the page.
    let page = String(decoding: ReportPage.page(of: report), as: UTF8.self)
    #expect(
      !page.contains("</script><b>")
        && page.contains("\\u003c/script>\\u003cb>".replacing("\\u003cb", with: "\\u003cb")))
  }
}
