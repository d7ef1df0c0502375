import Foundation
import SolderCommandLine
import SolderLinker
import Synchronization
import Testing

/// The linker as a library: options in; bytes, or a file, and diagnostics out.
@Suite struct LibraryTests {
  private static func object(_ change: (inout ModuleBuilder) -> Void) -> [UInt8] {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object.bytes
  }

  private static let answer = object { $0.function("answer", [], [.i32], flags: .exported, [.i32Const(42)]) }

  private func options(_ inputs: [InputArgument.Name]) -> LinkOptions {
    var options = LinkOptions()
    options.inputs = inputs.map { InputArgument($0) }
    options.entryPoint = .none
    options.threads = 1
    return options
  }

  private func collect(_ body: (Diagnostics) -> Void) -> [Diagnostic] {
    let messages = Mutex<[Diagnostic]>([])
    body(Diagnostics(sink: { message in messages.withLock { $0.append(message) } }))
    return messages.withLock { $0 }
  }

  // MARK: Inputs and results

  @Test func bytesInAndOut() async throws {
    let input = InputBytes(name: "answer.o", Self.answer)
    let bytes = try #require(linkToBytes(options([.bytes(input)]), Diagnostics()))
    #expect(try await WebAssemblyHost.shared.invoke(bytes, [Call("answer")]) == "instantiated\nanswer() = 42\n")
    // The same of a file.
    let folder = try TemporaryFolder()
    try folder.write(Self.answer, to: "answer.o")
    #expect(linkToBytes(options([.file(folder.file("answer.o"))]), Diagnostics()) == bytes)
  }

  @Test func bytesAreSharedBetweenLinks() async throws {
    let input = InputBytes(name: "answer.o", Self.answer)
    let options = options([.bytes(input)])
    let results = await withTaskGroup(of: [UInt8]?.self) { group in
      for _ in 0..<8 { group.addTask { linkToBytes(options, Diagnostics()) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(results).count == 1 && results[0] != nil)
    // Twice in one link it is two definitions.
    let twice = collect { #expect(linkToBytes(self.options([.bytes(input), .bytes(input)]), $0) == nil) }
    #expect(twice.map(\.code) == [.duplicateSymbol])
  }

  @Test func bytesWithAModuleName() throws {
    var module = ModuleBuilder()
    let imported = module.importFunction("runtime", "answer", [], [.i32])
    module.function([], [.i32], export: "run", [.call(imported)])
    var runtime = ModuleBuilder()
    runtime.function([], [.i32], export: "answer", [.i32Const(1)])
    let inputs: [InputArgument.Name] = [
      .bytes(InputBytes(name: "main.wasm", module.bytes)),
      .bytes(InputBytes(name: "r.wasm", runtime.bytes), moduleName: "runtime"),
    ]
    for inputs in [inputs, inputs.reversed()] {
      let result = try #require(linkInMemory(options(inputs), Diagnostics()))
      #expect(result.imports == [])
    }
  }

  @Test func bytesThatAreNothing() {
    let empty = collect {
      #expect(linkToBytes(options([.bytes(InputBytes(name: "empty.o", []))]), $0) == nil)
    }
    #expect(empty.count == 1 && empty[0].text.contains("empty.o"))
    let damaged = collect {
      let bytes = Array(Self.answer.dropLast(3))
      #expect(linkToBytes(options([.bytes(InputBytes(name: "half.o", bytes))]), $0) == nil)
    }
    #expect(damaged.first?.code == .malformedInput && damaged.first?.files == ["half.o"])
    #expect(damaged.first?.offset != nil)
  }

  @Test func whatTheResultSays() throws {
    let object = Self.object { object in
      let data = object.data("greeting", [1, 2, 3, 4])
      let host = object.undefinedFunction("host")
      object.function("run", [], [.i32], flags: .exported, [.call(host), .address(data)])
    }
    let folder = try TemporaryFolder()
    var options = options([.bytes(InputBytes(name: "a.o", object))])
    options.outputPath = folder.file("out.wasm")
    options.importUndefined = true
    let result = try #require(link(options, Diagnostics()))
    let file = try Data(contentsOf: URL(filePath: options.outputPath))
    #expect(result.path == options.outputPath && result.bytes == nil && result.size == file.count)
    #expect(result.imports.map { "\($0.module).\($0.name) \($0.kind)" } == ["env.host function"])
    #expect(result.exports.map(\.name) == ["memory", "run"])
    #expect(result.exports.map(\.kind) == [.memory, .function])
    #expect(result.sections.first?.offset == 8 && result.sections.contains { $0.name == "CODE" })
    #expect(result.sections.reduce(8) { $0 + $1.size } == file.count)
    let greeting = try #require(result.symbols.first { $0.name == "greeting" })
    #expect(greeting.size == 4 && greeting.file == "a.o")
    if case .address(let address) = greeting.place { #expect(address >= 1024) } else { Issue.record("no address") }
    let run = try #require(result.symbols.first { $0.name == "run" })
    #expect(run.place == .function(index: 1, slot: nil) && run.size > 4)
    #expect(result.times.map(\.pass).first == .readInputs && result.times.map(\.pass).last == .write)
    #expect(result.map?.contains("a.o:(run)") == true)
  }

  @Test func aModuleThatIsAlone() throws {
    var module = ModuleBuilder()
    _ = module.importFunction("env", "f", [], [])
    module.memory(Limits(1), export: "memory")
    let bytes = module.bytes
    var options = options([.bytes(InputBytes(name: "alone.wasm", bytes))])
    options.entryPoint = .ofOutputKind
    let result = try #require(linkInMemory(options, Diagnostics()))
    #expect(result.bytes == bytes)
    #expect(result.imports.map(\.name) == ["f"] && result.exports.map(\.name) == ["memory"])
    #expect(result.sections.reduce(8) { $0 + $1.size } == result.size)
  }

  // MARK: Diagnostics

  @Test func diagnosticsAreValues() throws {
    let missing = collect { #expect(linkToBytes(options([.file("/nowhere/missing.o")]), $0) == nil) }
    #expect(missing.map(\.severity) == [.error] && missing.map(\.code) == [.cannotOpen])
    #expect(missing.first?.files == ["/nowhere/missing.o"])
    let caller = Self.object { object in
      let absent = object.undefinedFunction("_Z6absentv")
      object.function("run", [], [], flags: .exported, [.call(absent)])
    }
    let undefined = collect {
      #expect(linkToBytes(options([.bytes(InputBytes(name: "a.o", caller))]), $0) == nil)
    }
    let error = try #require(undefined.first)
    #expect(error.code == .undefinedSymbol && error.symbol == "_Z6absentv" && error.files == ["a.o"])
    #expect(error.message == "undefined symbol: absent()" && error.notes == ["referenced by a.o:(run)"])
    #expect(error.text == "undefined symbol: absent()\n>>> referenced by a.o:(run)")
    #expect(error.rendered.hasSuffix("error: " + error.text + "\n"))
  }

  @Test func diagnosticsAreForOneLink() {
    let messages = collect { diagnostics in
      #expect(linkToBytes(options([.file("/nowhere/missing.o")]), diagnostics) == nil)
      #expect(linkToBytes(options([.bytes(InputBytes(name: "answer.o", Self.answer))]), diagnostics) == nil)
    }
    #expect(messages.map(\.code) == [.cannotOpen, .misuse])
  }

  @Test func warningsDoNotEndDiagnostics() {
    let messages = collect { diagnostics in
      let options = options([.bytes(InputBytes(name: "answer.o", Self.answer))])
      diagnostics.warn("something", .memory)
      #expect(linkToBytes(options, diagnostics) != nil && linkToBytes(options, diagnostics) != nil)
    }
    #expect(messages.map(\.severity) == [.warning])
  }

  // MARK: Control

  @Test func cancelledBeforehand() throws {
    let folder = try TemporaryFolder()
    var options = options([.bytes(InputBytes(name: "answer.o", Self.answer))])
    options.outputPath = folder.file("out.wasm")
    let messages = collect { diagnostics in
      let control = LinkControl()
      #expect(control.pass == .readInputs && !control.isCancelled)
      control.cancel()
      #expect(link(options, diagnostics, control: control) == nil && control.pass == nil)
    }
    #expect(messages.map(\.code) == [.cancelled])
    #expect(!FileManager.default.fileExists(atPath: options.outputPath))
  }

  @Test func controlIsOverWhenTheLinkIs() {
    let control = LinkControl()
    let options = options([.bytes(InputBytes(name: "answer.o", Self.answer))])
    #expect(linkInMemory(options, Diagnostics(), control: control) != nil)
    #expect(control.pass == nil && !control.isCancelled)
  }

  // MARK: The command line, the tutorial

  @Test func commandLineAsOptions() throws {
    let request = readCommandLine(["--no-entry", "a.o", "-o", "b.wasm"], diagnostics: Diagnostics())
    guard case .link(let options, nil) = try #require(request) else { throw ToolFailure("no link") }
    #expect(options.inputs == [InputArgument(.file("a.o"))] && options.outputPath == "b.wasm")
  }

  @Test func tutorial() {
    let program = linkProgram([("answer.o", Self.answer)])
    #expect(program.module != nil && program.exports.contains("answer") && program.messages == [])
    #expect(linkProgram([("nothing", [])]).module == nil)
  }
}
