import SolderLinker
import Synchronization
import Testing

/// The linker as a library: options in, bytes or diagnostics out, and no file.
@Suite struct LibraryTests {
  private func options(_ inputs: [String]) -> LinkOptions {
    var options = LinkOptions()
    options.inputs = inputs.map { InputArgument(.file($0)) }
    options.entryPoint = .none
    options.exports = ["answer"]
    return options
  }

  @Test func bytesOut() async throws {
    let object = try await Toolchain.shared.compiled(
      "answer", "int answer(void) { return 42; }", Toolchain.freestanding)
    let bytes = try #require(linkToBytes(options([object]), Diagnostics()))
    let folder = try TemporaryFolder()
    try folder.write(bytes, to: "answer.wasm")
    let transcript = try await WebAssemblyHost.shared.invoke(folder.path + "/answer.wasm", [Call("answer")])
    #expect(transcript == "instantiated\nanswer() = 42\n")
  }

  @Test func diagnosticsOut() {
    let messages = Mutex<[Diagnostics.Message]>([])
    let diagnostics = Diagnostics(sink: { message in messages.withLock { $0.append(message) } })
    #expect(linkToBytes(options(["/nowhere/missing.o"]), diagnostics) == nil)
    let reported = messages.withLock { $0 }
    #expect(reported.map(\.severity) == [.error])
    #expect(reported.first?.text.contains("cannot open /nowhere/missing.o") == true)
  }
}
