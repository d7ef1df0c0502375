import Foundation
import SolderLinker
import Synchronization
import Testing

@testable import SolderCommandLine

/// What the linker says of mistakes that people make: in files, in command lines, in what they call things.
@Suite struct MistakeTests {
  private static func object(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object
  }

  private static func definer(_ name: String) -> ModuleBuilder {
    object { $0.function(name, [], [.i32], flags: .exported, [.i32Const(1)]) }
  }

  private static func caller(_ name: String) -> ModuleBuilder {
    object { object in
      let missing = object.undefinedFunction(name, [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.call(missing)])
    }
  }

  private static func library(_ change: (inout ModuleBuilder) -> Void = { _ in }) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    change(&library)
    return library
  }

  private static func archive(_ name: String, _ module: ModuleBuilder) -> ArchiveBuilder {
    var archive = ArchiveBuilder()
    archive.add(name, module)
    return archive
  }

  /// A whole module that imports a function.
  private static func importer(_ module: String, _ name: String, _ result: WasmType = .i32) -> ModuleBuilder {
    var builder = ModuleBuilder()
    let imported = builder.importFunction(module, name, [], [result])
    builder.memory(Limits(1), export: "memory")
    builder.global(.i32, [.i32Const(1024)], export: "__heap_base")
    builder.function([], [result], export: "run", [.call(imported)])
    return builder
  }

  private func link(
    _ files: KeyValuePairs<String, any InputContents>, _ words: [String] = ["--no-entry"], as program: String = "solder"
  ) throws -> LinkInProcess {
    try LinkInProcess(files, words, program: program)
  }

  // MARK: The command line

  private static func read(_ words: [String], as program: String = "solder") -> (text: String?, errors: [String]) {
    let errors = Mutex<[String]>([])
    let diagnostics = Diagnostics(program: program) { message in errors.withLock { $0.append(message.text) } }
    guard case .print(let text) = readCommandLine(words, program: program, diagnostics: diagnostics) else {
      return (nil, errors.withLock { $0 })
    }
    return (text, errors.withLock { $0 })
  }

  @Test func help() {
    let full = Self.read(["--help"]).text ?? ""
    #expect(full.contains("--export-all") && !full.contains("--as-needed"))
    #expect(Self.read(["-h"]).text == full)
    #expect(Self.read(["--help-hidden"]).text?.contains("--as-needed") == true)
    for words in [["merge", "--help"], ["merge", "-h"]] {
      #expect(Self.read(words).text?.contains("Usage: solder merge") == true)
    }
    // wasm-ld has neither.
    for word in ["-h", "--help-hidden", "--start-group", "--output=x"] {
      #expect(Self.read([word], as: "wasm-ld").errors.first == "unknown argument: \(word)")
    }
  }

  @Test func nearCommands() throws {
    #expect(Self.read(["mrege", "a.wasm", "a"]).errors == ["no such command: mrege, did you mean 'merge'"])
    #expect(Self.read(["diff2", "a.json"]).errors == ["no such command: diff2, did you mean 'diff'"])
    // A file of such a name is a file.
    #expect(try link(["mergd": Self.definer("run")]).bytes != nil)
  }

  @Test func optionsOfOthers() throws {
    let object = Self.definer("run")
    #expect(
      try link(["a.o": object], ["--no-entry", "--start-group", "a.o", "--end-group", "--output=x"]).bytes != nil)
    let stack = try link(["a.o": object], ["--no-entry", "-z", "stacksize=65536"])
    #expect(stack.warnings == ["unknown -z value: stacksize=65536\n>>> did you mean '-z stack-size='"])
    let voice = try link(["a.o": object], ["--no-entry", "-z", "stacksize=65536"], as: "wasm-ld")
    #expect(voice.warnings == ["unknown -z value: stacksize=65536"])
    #expect(try link(["a.o": object], ["a.o", "-llibc.a"]).errors[0].hasSuffix("did you mean -lc"))
  }

  @Test func resultsOfOneName() throws {
    let object = Self.definer("run")
    let folder = try TemporaryFolder()
    let path = folder.file("out")
    let run = try link(["a.o": object], ["--no-entry", "-Map=\(path).json", "--size-report=\(folder.path)/./out.json"])
    #expect(run.errors.contains { $0.contains("is both the map file and the size report") }, "\(run.errors)")
    // A page and JSON are two reports.
    #expect(
      try link(["a.o": object], ["--no-entry", "--size-report=\(path).json", "--size-report=\(path).html"]).bytes != nil
    )
    #expect(
      FileManager.default.fileExists(atPath: path + ".json") && FileManager.default.fileExists(atPath: path + ".html"))
    #expect(try link(["a.o": object], ["--no-entry", "--size-report=/nowhere/x.json"]).errors.count == 1)
  }

  @Test func placesOfTheStack() throws {
    let object = Self.object { $0.function("run", [], [.i32], flags: .exported, [.address($0.data("x", [1]))]) }
    let message = "--global-base cannot be less than stack size when --stack-first is used"
    let run = try link(["a.o": object], ["--no-entry", "--global-base=1024"])
    #expect(run.errors.joined().hasPrefix(message) && run.errors.joined().contains("--no-stack-first"), "\(run.errors)")
    #expect(try link(["a.o": object], ["--no-entry", "--global-base=1024", "--stack-first"]).errors == [message])
    let voice = try link(["a.o": object], ["--no-entry", "--global-base=1024"], as: "wasm-ld")
    #expect(voice.errors == [message] && voice.notes.joined().contains("--compat=19"))
  }

  @Test func reportsToAFullDevice() async throws {
    let folder = try TemporaryFolder()
    let object = try folder.write(Self.definer("run").bytes, to: "a.o")
    for words in [
      "--help", "-h", "merge --help", "diff --help", "\(object) --no-entry --print-map -o \(folder.file("o"))",
    ] {
      let run = try await execute("/bin/bash", ["-c", "\(Solder.path) \(words) > /dev/full"])
      #expect(
        run.ending == .exit(1) && run.errors.contains("cannot write to standard output"), "\(words): \(run.errors)")
    }
  }

  // MARK: Files

  @Test func bitcode() throws {
    let bitcode: [UInt8] = [0x42, 0x43, 0xC0, 0xDE, 1, 2, 3, 4]
    var archive = ArchiveBuilder()
    archive.add("lib.o", bitcode, symbols: ["lib"])
    for program in ["solder", "wasm-ld"] {
      let needed = try link(["main.o": Self.caller("lib"), "bc.a": archive], as: program)
      #expect(needed.errors.count == 1 && needed.errors[0].contains("bc.a(lib.o): LLVM bitcode"), "\(needed.errors)")
      #expect(needed.warnings.isEmpty)
      let whole = try link(
        ["main.o": Self.definer("run"), "bc.a": archive], ["--no-entry", "--whole-archive"], as: program)
      #expect(whole.errors.count == 1 && whole.errors[0].contains("LLVM bitcode"))
      // What nobody needs is in nobody's way.
      let unneeded = try link(["main.o": Self.definer("run"), "bc.a": archive], as: program)
      #expect(unneeded.bytes != nil && unneeded.warnings.isEmpty)
    }
    // Without an entry in the index nobody could need it.
    var unlisted = ArchiveBuilder()
    unlisted.add("lib.o", bitcode)
    unlisted.add("other.o", Self.definer("other"))
    let run = try link(["main.o": Self.definer("run"), "bc.a": unlisted])
    #expect(run.bytes != nil && run.warnings.joined().contains("LLVM bitcode"))
  }

  @Test(
    arguments: [
      ("int main;\n", "it looks like text"), (" ; x\n(module)", "WebAssembly text"),
      ("GROUP ( libc.a )", "linker script"),
      ("source_filename = \"a.c\"", "LLVM's text"),
    ])
  func foreignText(_ text: String, _ hint: String) throws {
    let run = try link(["a.o": text])
    #expect(run.errors[0].contains("unknown file type: ") && run.errors[0].contains(hint), "\(run.errors)")
    let voice = try link(["a.o": text], as: "wasm-ld")
    #expect(voice.errors[0].hasSuffix("a.o") && voice.notes.joined().contains(hint))
  }

  // MARK: Names

  @Test func whatIsAskedFor() throws {
    let cxx = Self.object { object in
      object.function("_Z4areai", [.i32], [.i32], [.localGet(0)])
      object.function("_ZL6helperi", [.i32], [.i32], flags: .local, [.localGet(0)])
      object.function("call", [], [.i32], flags: .exported, [.i32Const(1)])
    }
    for (word, hint) in [
      ("--export=area", "did you mean: area(int) of "),
      ("--export=helper", "defines helper(int), but it is static there"),
      ("--export=cal", "did you mean: call of"), ("--entry=clal", "did you mean: call of"),
    ] {
      let run = try link(["a.o": cxx], ["--no-entry", word])
      #expect(run.errors.count == 1 && run.errors[0].contains(hint), "\(word): \(run.errors)")
      let voice = try link(["a.o": cxx], ["--no-entry", word], as: "wasm-ld")
      #expect(voice.errors.count == 1 && !voice.errors[0].contains(">>>") && voice.notes.joined().contains(hint))
    }
  }

  @Test func entryOfALibrary() throws {
    let words = ["-shared", "--experimental-pic", "--entry=_initialize"]
    let run = try link(["a.o": Self.definer("run")], words)
    #expect(
      run.errors.joined().contains("pass --entry=__wasm_call_ctors") && !run.errors.joined().contains("--no-entry"))
    let voice = try link(["a.o": Self.definer("run")], words, as: "wasm-ld")
    #expect(voice.errors == ["entry symbol not defined (pass --no-entry to suppress): _initialize"])
  }

  @Test func kindsOfWhatIsOnlyUsed() throws {
    let data = Self.object { $0.data("counter", [1, 2, 3, 4]) }
    for (files, words) in [(["main.o", "data.o"], ["--no-entry"]), (["data.o", "main.o"], ["--no-entry"])] {
      for program in ["solder", "wasm-ld"] {
        let run = try link(["main.o": Self.caller("counter"), "data.o": data], files + words, as: program)
        let used = run.errors[0].contains("used as WASM_SYMBOL_TYPE_FUNCTION")
        #expect(used == (program == "solder") && run.errors[0].contains("defined as WASM_SYMBOL_TYPE_DATA"))
      }
    }
  }

  // MARK: Whole modules

  /// A module name that nobody was given, of which exactly one input has all that is wanted.
  @Test(arguments: [false, true]) func forgottenName(_ isObject: Bool) throws {
    let provider =
      isObject ? Self.definer("count") : Self.library { $0.function([], [.i32], export: "count", [.i32Const(1)]) }
    for order in [["a.wasm", "lib.x"], ["lib.x", "a.wasm"]] {
      let run = try link(["a.wasm": Self.importer("rt", "count"), "lib.x": provider], order)
      #expect(
        run.warnings.count == 1 && run.warnings[0].contains("import left to the host: rt.count"), "\(run.warnings)")
      #expect(run.warnings.joined().contains(#/did you mean rt=\S*lib\.x:/#))
    }
    #expect(
      try link(["a.wasm": Self.importer("rt", "count"), "lib.x": provider], ["--host-module=rt"]).warnings.isEmpty)
    #expect(
      try link(["a.wasm": Self.importer("rt", "count"), "lib.x": provider], ["--unresolved-imports=ignore"]).warnings
        .isEmpty)
    // Another signature, another module of the host, the host's system.
    for (module, result) in [("rt", WasmType.f64), ("wasi_snapshot_preview1", .i32)] {
      let run = try link(["a.wasm": Self.importer(module, "count", result), "lib.x": provider], [])
      #expect(run.bytes != nil && run.warnings.isEmpty, "\(run.warnings)")
    }
    // Two could be meant.
    var module = ModuleBuilder()
    module.function([], [.i32], export: "count", [.i32Const(2)])
    let two = try link(["a.wasm": Self.importer("rt", "count"), "lib.x": provider, "other.wasm": module], [])
    #expect(two.warnings.allSatisfy { !$0.contains("did you mean") }, "\(two.warnings)")
  }

  @Test func nearNamesOfNamedInputs() throws {
    let object = Self.definer("count")
    let library = Self.library { $0.function([], [.i32], export: "count", [.i32Const(1)]) }
    let inputs: [any InputContents] = [object, library, Self.archive("m.o", object)]
    for input in inputs {
      let run = try link(["a.wasm": Self.importer("rt", "cuont"), "rt.x": input], ["a.wasm", "rt=rt.x"])
      #expect(run.errors.count == 1 && run.errors[0].contains("did you mean: count of "), "\(run.errors)")
    }
    let hidden = Self.library { $0.function([], [.i32], name: "count", [.i32Const(1)]) }
    let run = try link(["a.wasm": Self.importer("rt", "count"), "rt.so": hidden], ["a.wasm", "rt=rt.so"])
    #expect(run.errors.joined().contains("but it is not exported"))
    // What the host may have under a name that an archive nearly has.
    let env = try link(["a.wasm": Self.importer("env", "coun"), "rt.a": Self.archive("m.o", object)], [])
    #expect(env.warnings.joined().contains("did you mean: count of an archive"))
    let libc = try link(
      ["a.wasm": Self.importer("env", "print"), "c.a": Self.archive("m.o", Self.definer("printf"))], [])
    #expect(libc.bytes != nil && libc.warnings.isEmpty)
  }

  @Test func librariesWithoutExports() throws {
    let hidden = Self.library { $0.function([], [.i32], [.i32Const(1)]) }
    let text = "exports nothing"
    #expect(try link(["a.wasm": Self.importer("env", "count"), "x.so": hidden], []).warnings.joined().contains(text))
    #expect(
      try link(["a.wasm": Self.importer("rt", "count"), "x.so": hidden], ["a.wasm", "rt=x.so"]).errors[0].contains(text)
    )
    #expect(try link(["main.o": Self.caller("count"), "x.so": hidden]).errors[0].contains(text))
    #expect(
      try link(["main.o": Self.definer("run"), "x.so": hidden], ["main.o", "--no-entry", "--dl-openable=x.so"]).warnings
        .joined().contains(text))
  }

  @Test func lostConstructors() throws {
    func library(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
      Self.library { library in
        library.function([], [.i32], export: "count", [.i32Const(1)])
        change(&library)
      }
    }
    let lost = library { $0.function([], [], name: "__wasm_call_ctors", [.i32Const(1), .drop]) }
    let kept = library {
      $0.function([], [], export: "__wasm_call_ctors", name: "__wasm_call_ctors", [.i32Const(1), .drop])
    }
    let empty = library { $0.function([], [], name: "__wasm_call_ctors", []) }
    #expect(
      try link(["main.o": Self.caller("count"), "x.so": lost]).warnings.joined().contains("constructors do not run"))
    for other in [kept, empty] { #expect(try link(["main.o": Self.caller("count"), "x.so": other]).warnings.isEmpty) }
  }

  @Test func memoriesOfTheirOwn() throws {
    func module(_ name: String, export: String?, hasHeap: Bool = false) -> ModuleBuilder {
      var module = ModuleBuilder()
      let length = module.importFunction("env", "length", [.i32], [.i32])
      module.memory(Limits(1), export: export)
      if hasHeap { module.global(.i32, [.i32Const(1024)], export: "__heap_base") }
      module.function([], [.i32], export: name, [.i32Const(16), .call(length)])
      return module
    }
    let object = Self.object { $0.function("length", [.i32], [.i32], [.localGet(0), .i32Load()]) }
    let (first, second) = (module("a", export: "memory", hasHeap: true), module("b", export: nil))
    for order in [["a.wasm", "b.wasm", "s.o"], ["s.o", "b.wasm", "a.wasm"]] {
      let run = try link(["a.wasm": first, "b.wasm": second, "s.o": object], order)
      #expect(run.warnings.count == 1 && run.warnings[0].contains("b.wasm: calls length of "), "\(run.warnings)")
      #expect(
        try link(["a.wasm": first, "b.wasm": second, "s.o": object], order + ["--no-warn-foreign-memory"]).warnings
          .isEmpty)
    }
    #expect(try link(["a.wasm": first, "s.o": object], []).warnings.isEmpty)
    // The program's memory may be the host's.
    var guest = ModuleBuilder()
    guest.importMemory("env", "memory", Limits(1))
    guest.global(.i32, [.i32Const(1024)], export: "__heap_base")
    let run = try link(["a.wasm": guest, "b.wasm": second, "s.o": object], ["--export=length"])
    #expect(run.warnings.count == 1 && run.warnings[0].contains("works in the program's memory"), "\(run.warnings)")
    // Both export it: a runtime that was linked as a program.
    let both = try link(["a.wasm": first, "b.wasm": module("b", export: "memory")], ["--unresolved-imports=ignore"])
    #expect(both.errors.contains { $0.contains("each has a memory of its own") }, "\(both.errors)")
  }

  /// An entry that a module only passes on from the host is its export, and nothing that the linker could wrap.
  @Test(arguments: ["passed", "variable", "own"]) func anEntryThatIsNoFunctionOfTheModule(_ entry: String) async throws
  {
    var module = ModuleBuilder()
    let host = module.importFunction("host", "h", [], [])
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.global(.i32, [.i32Const(5)], export: "variable")
    module.export("passed", .function, host)
    module.function([], [], export: "own", [.call(host)])
    let object = Self.object { object in
      let data = object.data("count", [0, 0, 0, 0])
      object.constructor(object.function("construct", [], [], [.address(data), .i32Const(3), .i32Store()]))
      object.function("get", [], [.i32], flags: .exported, [.address(data), .i32Load()])
    }
    for order in [["m.wasm", "o.o"], ["o.o", "m.wasm"]] {
      let run = try LinkInProcess(["m.wasm": module, "o.o": object], ["--entry=\(entry)"] + order)
      let result = try ModuleDescription(try #require(run.bytes, "\(run.errors)"))
      #expect(result.exports.contains { $0.name == entry })
    }
  }

  @Test func twoHeaps() throws {
    func module(reads: Bool) -> ModuleBuilder {
      var module = ModuleBuilder()
      let allocate = module.importFunction("env", "allocate", [], [.i32])
      module.memory(Limits(1), export: "memory")
      let base = module.global(.i32, [.i32Const(1024)], export: "__heap_base")
      module.function([], [.i32], export: "run", [.call(allocate)])
      if reads { module.function([], [.i32], export: "heap", [.globalGet(base)]) }
      return module
    }
    let allocator = Self.object { object in
      let base = object.undefinedData("__heap_base")
      object.function("allocate", [], [.i32], [.address(base)])
    }
    for order in [["a.wasm", "m.o"], ["m.o", "a.wasm"]] {
      let run = try link(["a.wasm": module(reads: true), "m.o": allocator], order)
      #expect(run.warnings.count == 1 && run.warnings[0].contains("both read __heap_base"), "\(run.warnings)")
      #expect(
        try link(["a.wasm": module(reads: true), "m.o": allocator], order + ["--no-warn-two-heaps"]).warnings.isEmpty)
    }
    #expect(try link(["a.wasm": module(reads: false), "m.o": allocator], []).warnings.isEmpty)
  }

  /// Modules that ask the linker where their heap begins, each in the one memory.
  @Test func twoHeapsThatAreAskedFor() async throws {
    func module(_ name: String, owns: Bool, data: Int32) -> ModuleBuilder {
      var module = ModuleBuilder()
      if !owns { module.importMemory("env", "memory", Limits(1)) }
      let base = module.importGlobal("env", "__heap_base", .i32)
      if owns { module.memory(Limits(1), export: "memory") }
      module.data(.at(data), [1])
      module.function([], [.i32], export: name, [.globalGet(base)])
      return module
    }
    let first = module("first", owns: true, data: 100)
    let files: KeyValuePairs<String, any InputContents> = [
      "a.wasm": first, "b.wasm": module("second", owns: false, data: 200),
    ]
    for order in [["a.wasm", "b.wasm"], ["b.wasm", "a.wasm"]] {
      let run = try link(files, order)
      #expect(run.warnings.count == 1 && run.warnings[0].contains("both read __heap_base"), "\(run.warnings)")
    }
    let result = try await linked(files, "--no-warn-two-heaps")
    #expect(try await result.call("second") == "208")
  }

  @Test func aloneAsWithOthers() throws {
    let module = Self.importer("env", "miss")
    let folder = try TemporaryFolder()
    let map = folder.file("x.map")
    #expect(try link(["a.wasm": module], ["-Map=\(map)"]).bytes != nil)
    #expect(FileManager.default.fileExists(atPath: map))
    #expect(try link(["a.wasm": module], ["-y", "run"]).notes.joined().contains("run"))
    #expect(
      try link(["a.wasm": module], ["-mwasm64"]).errors.joined().contains("is wasm32, and cannot be linked with wasm64")
    )
    #expect(
      try link(["a.wasm": module], ["--page-size=1"]).errors.joined().contains("is not the page size of the memory"))
  }

  @Test func stubs() async throws {
    let alone = try await linked(["a.wasm": Self.importer("env", "miss")], "--stub=miss=5")
    #expect(try await alone.call("run") == "5")
    for number in ["99999999999", "-2147483649", "4294967296"] {
      let run = try link(["main.o": Self.caller("miss")], ["--no-entry", "--stub=miss=\(number)"])
      #expect(run.errors.joined().contains("has no room for that"), "\(number)")
    }
    for number in ["4294967295", "-2147483648"] {
      #expect(try link(["main.o": Self.caller("miss")], ["--no-entry", "--stub=miss=\(number)"]).bytes != nil)
    }
    for word in ["--stub=", "--stub==5"] {
      #expect(
        try link(["main.o": Self.caller("miss")], ["--no-entry", word]).errors == [
          "--stub: the name of a symbol is missing"
        ])
    }
    let near = try link(["main.o": Self.caller("miss")], ["--no-entry", "--stub=mis=5"])
    #expect(near.notes.joined().contains("did you mean --stub=miss"))
  }
}
