import Foundation
import Testing

/// Destructors of a program and of libraries that have some of their own: all, once, in the reverse order of construction.
@Suite struct DestructorTests {
  /// A library that tells of its constructors, as its number, and of its destructors, as 100 more.
  private func library(_ number: Int32, needs: [String] = [], is64: Bool = false) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(needed: needs), is64: is64)
    let note = library.importFunction("host", "note", [.i32], [])
    library.function(export: "__wasm_call_ctors", [.i32Const(number), .call(note)])
    library.function(export: "__wasm_call_dtors", [.i32Const(100 + number), .call(note)])
    library.function([], [.i32], export: "value\(number)", [.i32Const(number)])
    return library
  }

  /// How a program comes to its end.
  enum Entry: String, CaseIterable { case ownStartUp, wrapped, reactor, none }

  private func program(_ entry: Entry, uses: [Int32], is64: Bool = false) -> ModuleBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let note = object.undefinedFunction("note", [.i32], module: "host", importName: "note")
    let values = uses.map { object.undefinedFunction("value\($0)", [], [.i32]) }
    let uses = values.flatMap { [WasmInstruction.call($0), .drop] }
    let main: [WasmInstruction] = uses + [.i32Const(50), .call(note)]
    switch entry {
    case .ownStartUp:
      let constructors = object.undefinedFunction("__wasm_call_ctors")
      let destructors = object.undefinedFunction("__wasm_call_dtors")
      object.function("_start", flags: .exported, [.call(constructors)] + main + [.call(destructors)])
    case .wrapped: object.function("_start", flags: .exported, main)
    case .reactor: object.function("_initialize", flags: .exported, main)
    case .none: object.function("run", flags: .exported, main)
    }
    object.constructor(object.function("construct", [], [], flags: .local, [.i32Const(9), .call(note)]))
    return object
  }

  /// A member of a C library with the program's own destructors.
  private func libc(is64: Bool = false) -> ArchiveBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let note = object.undefinedFunction("note", [.i32], module: "host", importName: "note")
    object.function("__wasm_call_dtors", [], [], [.i32Const(109), .call(note)])
    var archive = ArchiveBuilder()
    archive.add("dtors.o", object)
    return archive
  }

  /// What the host is told, from instantiation on.
  private func notes(_ inputs: InputSet, _ words: [String], _ calls: [Call]) async throws -> String {
    let run = inputs.link(words)
    guard let bytes = run.bytes else { throw ToolFailure("\(words): \(run.errors)") }
    #expect(run.warnings == [])
    return try await WebAssemblyHost.shared.invoke(bytes, calls).split(separator: "\n")
      .filter { $0.hasPrefix("host.note(") }.map { $0.dropFirst("host.note(".count).prefix { $0 != ")" } }
      .joined(separator: " ")
  }

  /// The program's first, then those of a library before those of what it needs; it does not matter who is named first.
  @Test(arguments: [false, true], [Entry.ownStartUp, .wrapped]) func aCommand(is64: Bool, _ entry: Entry) async throws {
    let inputs = try InputSet([
      ("main.o", program(entry, uses: [1, 2], is64: is64)), ("libc.a", libc(is64: is64)),
      ("libone.so", library(1, needs: ["libtwo.so"], is64: is64)), ("libtwo.so", library(2, is64: is64)),
    ])
    let words = is64 ? ["-mwasm64"] : []
    for order in permutations(["main.o", "libc.a", "libone.so", "libtwo.so"]) {
      let told = try await notes(inputs, words + order, [Call("_start")])
      #expect(told == "2 1 9 50 109 101 102", "\(order)")
    }
    // Without destructors of the program's own.
    for order in permutations(["main.o", "libone.so", "libtwo.so"]) {
      let told = try await notes(inputs, words + order, [Call("_start")])
      #expect(told == "2 1 9 50 101 102", "\(order)")
      #expect(
        try await notes(inputs, words + ["--no-gc-sections"] + order, [Call("_start")])
          == "2 1 9 50 101 102", "\(order)")
    }
    // A whole module beside them has the name for itself.
    var module = ModuleBuilder(is64: is64)
    module.function(export: "__wasm_call_dtors", [])
    let more = try InputSet([
      ("main.o", program(entry, uses: [1], is64: is64)), ("libone.so", library(1, is64: is64)), ("m.wasm", module),
    ])
    for order in permutations(["main.o", "libone.so", "m.wasm"]) {
      #expect(try await notes(more, words + order, [Call("_start")]) == "1 9 50 101", "\(order)")
    }
  }

  /// Nobody calls them where the program does not end; a host may.
  @Test(arguments: [Entry.reactor, .none]) func noCommand(_ entry: Entry) async throws {
    let inputs = try InputSet([
      ("main.o", program(entry, uses: [1])), ("libc.a", libc()), ("libone.so", library(1)),
    ])
    let call = Call(entry == .none ? "run" : "_initialize")
    for order in permutations(["main.o", "libone.so", "libc.a"]) {
      for begin in [[], entry == .none ? ["--init-export=begin"] : []] {
        let calls = (begin.isEmpty ? [] : [Call("begin")]) + [call]
        let words = ["--no-entry"] + begin + order
        #expect(try await notes(inputs, words, calls) == "1 9 50", "\(words)")
        let told = try await notes(inputs, ["--export=__wasm_call_dtors"] + words, calls + [Call("__wasm_call_dtors")])
        #expect(told == "1 9 50 109 101", "\(words)")
      }
    }
  }

  /// A library that passes on the program's has none; a library's call is of all.
  @Test func aLibraryThatImportsThem() async throws {
    var exits = ModuleBuilder(dylink: Dylink())
    let destructors = exits.importFunction("env", "__wasm_call_dtors")
    exits.export("__wasm_call_dtors", .function, destructors)
    exits.function([], [.i32], export: "value2", [.call(destructors), .i32Const(0)])
    let inputs = try InputSet([
      ("main.o", program(.none, uses: [1, 2])), ("libc.a", libc()), ("libone.so", library(1)), ("exits.so", exits),
    ])
    for order in permutations(["main.o", "exits.so", "libone.so", "libc.a"]) {
      let told = try await notes(inputs, ["--no-entry"] + order, [Call("run")])
      #expect(told == "1 9 109 101 50", "\(order)")
    }
  }

  /// An object has room for one function.
  @Test func ofAnObject() async throws {
    let inputs = try InputSet([("libone.so", library(1)), ("libtwo.so", library(2))])
    inputs.refuse(["-r", "libone.so", "libtwo.so"], ["__wasm_call_dtors", "libone.so", "libtwo.so"])
    let object = try #require(inputs.link(["-r", "libone.so"]).bytes)
    for entry in [Entry.ownStartUp, .wrapped] {
      let files = try InputSet([
        ("main.o", program(entry, uses: [1, 2])), ("one.o", object), ("libtwo.so", library(2)),
      ])
      for order in permutations(["main.o", "one.o", "libtwo.so"]) {
        // The object's are the program's own.
        #expect(try await notes(files, order, [Call("_start")]) == "2 1 9 50 101 102", "\(order)")
      }
    }
  }

  @Test(arguments: ["object", "library"]) func ofAnotherType(_ kind: String) throws {
    var part = kind == "object" ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink())
    if kind == "object" {
      part.function("__wasm_call_dtors", [.i32], [], [])
    } else {
      part.function([.i32], export: "__wasm_call_dtors", [])
    }
    let inputs = try InputSet([
      ("main.o", program(.wrapped, uses: [1])), ("libone.so", library(1)), ("part", part),
    ])
    for order in permutations(["main.o", "libone.so", "part"]) { inputs.refuse(order, ["__wasm_call_dtors"]) }
  }
}
