import Foundation
import Testing

/// Who runs constructors, when and how often, and what runs before them.
@Suite struct StartUpTests {
  typealias File = (name: String, contents: any InputContents)

  /// A library whose constructor counts its runs and tells the host; `count1` (of library 1) gives the number.
  private func library(_ number: Int32, needs: [String] = []) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2, needed: needs))
    let note = library.importFunction("host", "note", [.i32], [])
    let base = library.importMemoryAndBases()
    library.function(
      export: "__wasm_call_ctors",
      [
        .globalGet(base.memory), .globalGet(base.memory), .i32Load(), .i32Const(1), .i32Add, .i32Store(),
        .i32Const(number), .call(note),
      ])
    library.function([], [.i32], export: "count\(number)", [.globalGet(base.memory), .i32Load()])
    return library
  }

  /// An object that exports `run`, which asks library 1, with a constructor of its own, and perhaps an entry.
  private func program(entry: String? = nil, callsConstructors: Bool = false) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let note = object.undefinedFunction("note", [.i32], module: "host", importName: "note")
    let count = object.undefinedFunction("count1", [], [.i32])
    let constructors = callsConstructors ? object.undefinedFunction("__wasm_call_ctors") : nil
    object.function("run", [], [.i32], flags: .exported, [.call(count)])
    object.constructor(object.function("construct", [], [], [.i32Const(9), .call(note)]))
    if let entry {
      let calls: [WasmInstruction] = constructors.map { [.call($0)] } ?? []
      object.function(entry, [], [], flags: .exported, calls + [.i32Const(5), .call(note)])
    }
    return object
  }

  /// A whole module that asks library 1.
  private func plainModule(entry: String? = nil) -> ModuleBuilder {
    var module = ModuleBuilder()
    let note = module.importFunction("host", "note", [.i32], [])
    let count = module.importFunction("env", "count1", [], [.i32])
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    module.function([], [.i32], export: "run", [.call(count)])
    if let entry { module.function(export: entry, [.i32Const(5), .call(note)]) }
    return module
  }

  private func transcript(_ files: [File], _ words: [String], _ calls: [Call]) async throws -> String {
    let folder = try TemporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
    let run = LinkInProcess(files.map(\.name), words + ["--no-warn-start-up-code"], in: folder.path)
    guard let bytes = run.bytes else { throw ToolFailure("\(run.words): \(run.errors)") }
    #expect(run.warnings == [])
    try await WebAssemblyHost.shared.validate(bytes)
    return try await WebAssemblyHost.shared.invoke(bytes, calls)
      .replacing("host.note(", with: "(").replacing("\n", with: " ").trimmingCharacters(in: .whitespaces)
  }

  /// What happens must not depend on the order of the files.
  private func inBothOrders(
    _ files: [File], _ words: [String], _ calls: [Call], _ expected: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    for files in [files, files.reversed()] {
      let names = files.map(\.name)
      let result = try await transcript(files, words, calls)
      #expect(result == expected, "\(names) \(words)", sourceLocation: sourceLocation)
    }
  }

  private let runs = [Call("run"), Call("run")]

  // MARK: Who calls

  @Test(arguments: [[], ["--no-gc-sections"]]) func withoutAnEntryAtInstantiation(_ more: [String]) async throws {
    let expected = "(1) (9) instantiated run() = 1 run() = 1"
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library(1))], ["--no-entry"] + more, runs, expected)
    try await inBothOrders(
      [("libone.so", library(1))], ["--no-entry", "--export=count1"] + more, [Call("count1"), Call("count1")],
      "(1) instantiated count1() = 1 count1() = 1")
    try await inBothOrders(
      [("main.wasm", plainModule()), ("libone.so", library(1))], more, runs, "(1) instantiated run() = 1 run() = 1")
  }

  /// That everything is exported does not mean that the host calls it; and if it does, that is once too many.
  @Test func exportAllCallsNobody() async throws {
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library(1))], ["--no-entry", "--export-all"],
      [Call("__wasm_call_ctors"), Call("run")], "(1) (9) instantiated __wasm_call_ctors() = None run() = 1")
  }

  @Test func aHostThatWasToldCalls() async throws {
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library(1))], ["--no-entry", "--export=__wasm_call_ctors"],
      [Call("run"), Call("__wasm_call_ctors"), Call("__wasm_call_ctors"), Call("run")],
      "instantiated run() = 0 (1) (9) __wasm_call_ctors() = None __wasm_call_ctors() = None run() = 1")
  }

  @Test(arguments: ["_start", "_initialize", "begin"]) func inFrontOfTheEntry(_ entry: String) async throws {
    let words = entry == "_start" ? [] : ["--entry=\(entry)"]
    let expected = "instantiated (1) (9) (5) \(entry)() = None (5) \(entry)() = None run() = 1"
    try await inBothOrders(
      [("main.o", program(entry: entry)), ("libone.so", library(1))], words,
      [Call(entry), Call(entry), Call("run")], expected)
    // The convention's names are entries without an option, too.
    guard entry != "begin" else { return }
    try await inBothOrders(
      [("main.o", program(entry: entry)), ("libone.so", library(1))], ["--no-entry"],
      [Call(entry), Call(entry), Call("run")], expected)
    try await inBothOrders(
      [("main.wasm", plainModule(entry: entry)), ("libone.so", library(1))], [],
      [Call(entry), Call(entry), Call("run")],
      "instantiated (1) (5) \(entry)() = None (5) \(entry)() = None run() = 1")
  }

  @Test(arguments: ["_start", "_initialize"]) func theProgramItselfCalls(_ entry: String) async throws {
    try await inBothOrders(
      [("main.o", program(entry: entry, callsConstructors: true)), ("libone.so", library(1))], ["--entry=\(entry)"],
      [Call(entry), Call("run")], "instantiated (1) (9) (5) \(entry)() = None run() = 1")
  }

  @Test func fromAnExportOnRequest() async throws {
    let calls = [Call("run"), Call("init"), Call("init"), Call("run")]
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library(1))], ["--no-entry", "--init-export=init"], calls,
      "instantiated run() = 0 (1) (9) init() = None init() = None run() = 1")
    try await inBothOrders(
      [("main.wasm", plainModule()), ("libone.so", library(1))], ["--init-export=init"], calls,
      "instantiated run() = 0 (1) init() = None init() = None run() = 1")
    // With an entry, whichever is called first.
    try await inBothOrders(
      [("main.o", program(entry: "_start")), ("libone.so", library(1))], ["--init-export=init"],
      [Call("init"), Call("_start"), Call("run")],
      "instantiated (1) (9) init() = None (5) _start() = None run() = 1")
    // A program that calls them itself, and a host that asks first.
    try await inBothOrders(
      [("main.o", program(entry: "_start", callsConstructors: true)), ("libone.so", library(1))],
      ["--init-export=init"], [Call("init"), Call("_start"), Call("run")],
      "instantiated (1) (9) init() = None (5) _start() = None run() = 1")
    // Objects alone, in place of wasm-ld's wrappers; and the name of the convention is a name like others.
    var object = ModuleBuilder(object: true)
    let note = object.undefinedFunction("note", [.i32], module: "host", importName: "note")
    object.function("run", [], [], flags: .exported, [.i32Const(5), .call(note)])
    object.constructor(object.function("construct", [], [], [.i32Const(9), .call(note)]))
    for name in ["init", "_initialize", "__wasm_call_ctors"] {
      try await inBothOrders(
        [("main.o", object)], ["--no-entry", "--init-export=\(name)"], [Call(name), Call(name), Call("run")],
        "instantiated (9) \(name)() = None \(name)() = None (5) run() = None")
    }
    try await inBothOrders(
      [("main.o", object)], ["--no-entry"], [Call("run"), Call("run")],
      "instantiated (9) (5) run() = None (9) (5) run() = None")
  }

  @Test func anExportOnRequestNeedsANameOfItsOwn() throws {
    try refused(
      ["main.o": program(), "libone.so": library(1)], "--no-entry", "--init-export=run",
      mentions: ["--init-export=run", "main.o"])
    try refused(
      ["main.wasm": plainModule(), "libone.so": library(1)], "--init-export=run",
      mentions: ["--init-export=run", "main.wasm"])
    try refused(["libone.so": library(1)], "--no-entry", "--init-export=", mentions: ["--init-export needs a name"])
    try refused(["main.o": program()], "-r", "--init-export=init", mentions: ["--init-export is for programs"])
  }

  /// Every library of wasm-ld has the function.
  @Test func emptyConstructorsAskForNothing() async throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    _ = library.importMemoryAndBases()
    library.function(export: "__wasm_call_ctors", [])
    library.function([], [.i32], export: "count1", [.i32Const(3)])
    var object = ModuleBuilder(object: true)
    let count = object.undefinedFunction("count1", [], [.i32])
    object.function("_start", [], [], [.call(count), .drop])
    object.function("run", [], [.i32], flags: .exported, [.call(count)])
    for words in [["--no-entry"], [], ["--no-entry", "--no-gc-sections"]] {
      let files: KeyValuePairs<String, any InputContents> = ["main.o": object, "libone.so": library]
      let run = try LinkInProcess(files, words)
      let module = try ModuleDescription(try #require(run.bytes))
      #expect(module.start == nil)
      #expect(!module.functionNames.contains { $0.contains("command_export") || $0.contains("__wasm_call_ctors") })
    }
  }

  /// A reactor's own `_initialize` calls its constructors; a library has both.
  @Test func aConstructorThatAnotherOneCallsRunsOnce() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    let note = library.importFunction("host", "note", [.i32], [])
    let construct = library.function(export: "__wasm_call_ctors", [.i32Const(1), .call(note)])
    library.function(export: "_initialize", [.call(construct), .i32Const(2), .call(note)])
    library.function([], [.i32], export: "count1", [.i32Const(3)])
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library)], ["--no-entry"], runs,
      "(1) (2) (9) instantiated run() = 3 run() = 3")
  }

  // MARK: In which order

  @Test func librariesBehindThoseTheyNeed() async throws {
    let files: [File] = [
      ("main.o", program()), ("libone.so", library(1, needs: ["libtwo.so"])),
      ("libtwo.so", library(2, needs: ["libthree.so"])),
      ("libthree.so", library(3)),
    ]
    try await inBothOrders(files, ["--no-entry"], runs, "(3) (2) (1) (9) instantiated run() = 1 run() = 1")
    // A circle, entered by the first; what is outside of it stays outside.
    let circle: [File] = [
      ("libone.so", library(1, needs: ["libtwo.so"])), ("libtwo.so", library(2, needs: ["libone.so", "libthree.so"])),
      ("libthree.so", library(3)),
    ]
    let exports = ["--no-entry", "--export=count1"]
    #expect(try await transcript(circle, exports, []) == "(3) (2) (1) instantiated")
    #expect(try await transcript(circle.reversed(), exports, []) == "(3) (1) (2) instantiated")
  }

  /// The start function writes where a relocation goes, and elsewhere; the constructors tell what is there.
  @Test func startFunctionThenRelocationsThenConstructors() async throws {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16, memoryAlignment: 2))
    let note = library.importFunction("host", "note", [.i32], [])
    let base = library.importMemoryAndBases().memory
    library.start = library.function(
      [], [],
      [
        .globalGet(base), .i32Const(5), .i32Store(), .globalGet(base), .i32Const(7), .i32Store(offset: 4),
      ])
    library.function(
      export: "__wasm_apply_data_relocs",
      [.globalGet(base), .globalGet(base), .i32Const(12), .i32Add, .i32Store()])
    library.function(
      export: "__wasm_call_ctors",
      [
        .globalGet(base), .i32Load(), .globalGet(base), .i32Sub, .call(note),
        .globalGet(base), .i32Load(offset: 4), .call(note),
      ])
    library.function([], [.i32], export: "count1", [.i32Const(3)])
    try await inBothOrders(
      [("main.o", program()), ("libone.so", library)], ["--no-entry"], runs,
      "(12) (7) (9) instantiated run() = 3 run() = 3")
    #expect(
      try await transcript([("libone.so", library)], ["--no-entry", "--export=count1"], [])
        == "(12) (7) instantiated")
  }

  /// A start function that uses another library finds that one relocated, whichever is named first.
  @Test func relocationsWaitOnlyForTheirOwnStartFunction() async throws {
    var first = ModuleBuilder(dylink: Dylink(memorySize: 8, memoryAlignment: 2))
    let tell = first.importFunction("host", "tell", [], [.i32])
    let own = first.importMemoryAndBases().memory
    // It cannot be read, because of the call, and stays.
    first.function(
      export: "__wasm_apply_data_relocs",
      [.globalGet(own), .globalGet(own), .call(tell), .i32Add, .i32Const(4), .i32Add, .i32Store()])
    first.function([], [.i32], export: "count1", [.globalGet(own), .i32Load(), .globalGet(own), .i32Sub])
    var second = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2, needed: ["libone.so"]))
    let note = second.importFunction("host", "note", [.i32], [])
    let count = second.importFunction("env", "count1", [], [.i32])
    _ = second.importMemoryAndBases()
    second.start = second.function([], [], [.call(count), .call(note)])
    let files: [File] = [("main.o", program()), ("libone.so", first), ("libtwo.so", second)]
    for files in [files, files.reversed()] {
      let result = try await transcript(files, ["--no-entry"], [Call("run")])
      #expect(result == "host.tell() (4) (9) instantiated run() = 4")
    }
  }

  /// An engine instantiates a module behind those that it imports from, by whatever kind of import.
  @Test(arguments: ["function", "memory", "global"]) func modulesStartBehindThoseTheyImportFrom(
    _ kind: String
  ) async throws {
    func module(_ number: Int32, from other: String?) -> ModuleBuilder {
      var module = ModuleBuilder()
      let note = module.importFunction("host", "note", [.i32], [])
      if let other {
        switch kind {
        case "function": _ = module.importFunction(other, "f\(number - 1)", [], [])
        case "memory": _ = module.importMemory(other, "m\(number - 1)", Limits(0))
        default: _ = module.importGlobal(other, "g\(number - 1)", .i32)
        }
      }
      if kind != "memory" || other == nil { module.memory(Limits(1), export: "m\(number)") }
      module.global(.i32, [.i32Const(1)], export: "g\(number)")
      module.function(export: "f\(number)", [])
      module.start = module.function([], [], [.i32Const(number), .call(note)])
      return module
    }
    let (first, second, third) = (module(1, from: nil), module(2, from: "one"), module(3, from: "two"))
    let files: [File] = [("1.wasm", first), ("2.wasm", second), ("3.wasm", third)]
    let words = ["one=1.wasm", "two=2.wasm", "three=3.wasm"]
    for words in [words, [words[2], words[1], words[0]], [words[1], words[2], words[0]]] where kind != "memory" {
      #expect(try await transcript(files, words, []) == "(1) (2) (3) instantiated", "\(words)")
    }
    let two: [File] = [("1.wasm", first), ("2.wasm", second)]
    for words in [["one=1.wasm", "two=2.wasm"], ["two=2.wasm", "one=1.wasm"]] {
      #expect(try await transcript(two, words, []) == "(1) (2) instantiated", "\(words)")
    }
  }
}
