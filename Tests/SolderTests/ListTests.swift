import Foundation
import Testing

/// Maps, lists of what was dropped and extracted, traces, and the line that tells how far a link is.
@Suite struct ListTests {
  private static func object(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object
  }

  private static let caller = object { object in
    let read = object.undefinedFunction("read", [], [.i32])
    object.function("run", [], [.i32], flags: .exported, [.call(read)])
    object.function("unused", [], [], [])
  }

  private static let library: ModuleBuilder = {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 64, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), Array(1...16))
    library.global(.i32, [.i32Const(8)], export: "entries")
    library.global(.i32, [.i32Const(32)], export: "zeros")
    library.function([], [.i32], export: "read", name: "read", [.globalGet(base.memory), .i32Load()])
    library.function([], [], [])
    return library
  }()

  private static func mapped(_ files: KeyValuePairs<String, any InputContents>, _ words: String...) throws -> [String] {
    let run = try LinkInProcess(files, ["--no-entry", "--print-map"] + words)
    #expect(run.bytes != nil, "\(run.errors)")
    return run.notes.joined(separator: "\n").split(separator: "\n").map(String.init)
  }

  @Test func mapOfLibraries() throws {
    for files: KeyValuePairs<String, any InputContents> in [
      ["main.o": Self.caller, "libr.so": Self.library], ["libr.so": Self.library, "main.o": Self.caller],
    ] {
      let lines = try Self.mapped(files)
      #expect(Set(lines).count == lines.count, "a line twice: \(lines)")
      #expect(lines.count { $0.hasSuffix("        read") } == 1)
      #expect(lines.contains { $0.hasSuffix(" entries") } && lines.contains { $0.hasSuffix(" zeros") })
      #expect(!lines.contains { $0.hasSuffix("()") || $0.hasSuffix(":()") })
    }
    // Addresses are those of the block and what is in it.
    let lines = try Self.mapped(["main.o": Self.caller, "libr.so": Self.library])
    func address(_ name: String) throws -> Int {
      let line = try #require(lines.first { $0.hasSuffix(" \(name)") })
      return try #require(Int(line.split(separator: " ")[0], radix: 16))
    }
    #expect(try address("zeros") - address("entries") == 24)
  }

  @Test func mapWithoutNames() throws {
    var module = ModuleBuilder()
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.global(.i32, isMutable: true, [.i32Const(1)])
    module.data(.at(16), [1, 2])
    module.function([], [], [])
    module.function([], [], export: "run", [.call(0)])
    let lines = try Self.mapped(["m.wasm": module], "--initial-heap=65536")
    #expect(!lines.contains { $0.hasSuffix("()") || $0.hasSuffix(" ") })
    #expect(lines.contains { $0.hasSuffix("(function 0)") })
  }

  @Test func droppedWithSizes() throws {
    let files: KeyValuePairs<String, any InputContents> = ["main.o": Self.caller, "libr.so": Self.library]
    let notes = try LinkInProcess(files, ["--no-entry", "--print-gc-sections"]).notes.joined(separator: "\n")
    #expect(notes.contains(#/main\.o:\(unused\), 3 bytes/#))
    #expect(notes.contains(#/libr\.so:\(function 1\), 3 bytes/#), "\(notes)")
    #expect(!notes.contains(":()"))
    let voice = try LinkInProcess(files, ["--no-entry", "--print-gc-sections"], program: "wasm-ld").notes
    #expect(voice.contains { $0.hasSuffix("main.o:(unused)") })
  }

  @Test func chainsOfExtraction() throws {
    var archive = ArchiveBuilder()
    archive.add(
      "one.o",
      Self.object { object in
        let two = object.undefinedFunction("two", [], [.i32])
        object.function("one", [], [.i32], [.call(two)])
      })
    archive.add("two.o", Self.object { $0.function("two", [], [.i32], [.i32Const(2)]) })
    let main = Self.object { object in
      let one = object.undefinedFunction("one", [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.call(one)])
    }
    let files: KeyValuePairs<String, any InputContents> = ["main.o": main, "lib.a": archive]
    let run = try LinkInProcess(files, ["--no-entry", "--why-extract=-"])
    let text = run.notes.joined(separator: "\n").replacing(#//\S*/(?=[a-z]+\.(o|a)\b)/#, with: "")
    #expect(
      text.split(separator: "\n") == [
        "reference\textracted\tsymbol\tchain", "main.o\tlib.a(one.o)\tone\tmain.o -> lib.a(one.o)",
        "lib.a(one.o)\tlib.a(two.o)\ttwo\tmain.o -> lib.a(one.o) -> lib.a(two.o)",
      ])
    let voice = try LinkInProcess(files, ["--no-entry", "--why-extract=-"], program: "wasm-ld")
    #expect(voice.notes.joined().hasPrefix("reference\textracted\tsymbol\n"))
  }

  @Test func tracedNamesThatNobodyHas() throws {
    let files: KeyValuePairs<String, any InputContents> = ["main.o": Self.caller, "libr.so": Self.library]
    let notes = try LinkInProcess(files, ["--no-entry", "-y", "nobody", "--trace-symbol=read"]).notes
    #expect(notes.filter { $0.contains("no input has a symbol") } == ["--trace-symbol: no input has a symbol 'nobody'"])
    #expect(notes.contains { $0.hasSuffix("main.o: reference to read") })
    let voice = try LinkInProcess(files, ["--no-entry", "-y", "nobody"], program: "wasm-ld").notes
    #expect(voice.isEmpty)
  }

  /// A link that waits for its input, on a terminal.
  @Test func progressOnATerminal() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.object { $0.function("run", [], [], flags: .exported, []) }.bytes, to: "object")
    let script = """
      import os, pty, sys, threading, time
      os.mkfifo('in.o')
      def feed():
        time.sleep(float(sys.argv[2]))
        open('in.o', 'wb').write(open('object', 'rb').read())
      threading.Thread(target=feed).start()
      sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.argv[1], '--no-entry', 'in.o', '-o', 'out.wasm'])))
      """
    let slow = try await execute(Tool.python.path(), ["-c", script, Solder.path, "1.5"], in: folder.path)
    #expect(slow.succeeded && slow.output.contains("solder: read inputs (0.5 s)"), "\(slow.output)")
    #expect(slow.output.hasSuffix("\r\u{1B}[K"))
    try FileManager.default.removeItem(atPath: folder.file("in.o"))
    let fast = try await execute(Tool.python.path(), ["-c", script, Solder.path, "0"], in: folder.path)
    #expect(fast.succeeded && fast.output.isEmpty, "\(fast.output)")
  }
}
