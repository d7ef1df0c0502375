import Testing

/// Exceptions of C++ that are thrown in a library that the program has opened and caught in the program, and the other way
/// round, with the instructions of WebAssembly 3.0 and with the older ones.
@Suite struct DlopenExceptionTests {
  private static func object(_ name: String, isOlder: Bool, _ flags: [String]) async throws -> String {
    try await Toolchain.shared.object(
      "exceptions/\(name).cc",
      Toolchain.freestanding + ["-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=\(isOlder)"] + flags,
      by: .toolchain)
  }

  /// - Parameter isShown: whether the program exports what it has, the types among it.
  private static func inputs(isOlder: Bool, isShown: Bool, _ linker: Tool) async throws -> [String] {
    let plugin = try await Toolchain.shared.sharedLibrary(
      "plugin.so", [object("plugin", isOlder: isOlder, libraryFlags)], by: linker)
    let program = try await [
      object("main", isOlder: isOlder, ["-fvisibility=default"]), object("runtime", isOlder: isOlder, []),
    ]
    return ["--no-entry", isShown ? "--export-dynamic" : "--export=back", "--dl-openable=plugin.so=" + plugin] + program
  }

  @Test(arguments: [Tool.wasmLinker19, .wasmLinker, .wasmLinker22], [false, true])
  func bothWays(_ linker: Tool, _ isOlder: Bool) async throws {
    let calls = ["ask_raises", "ask_catches"].flatMap { name in [0, 1, 2, 7].map { Call(name, $0) } }
    for isShown in [true, false] {
      // Types that are not shown are one in the program and another in the library.
      let expected = isShown ? [0, 1010, 2020, 7, 0, 103, 2004, 7] : [0, 3000, 3000, 7, 0, 1003, 2004, 7]
      let inputs = try await Self.inputs(isOlder: isOlder, isShown: isShown, linker)
      for options in [[], ["--no-gc-sections"], ["-O2", "--strip-debug", "--compress-relocations"], ["--strip-all"]] {
        let run = LinkInProcess(arguments: inputs + options)
        var bytes = try #require(run.bytes, "\(run.messages)")
        if isOlder {
          // The engine has no older instructions.
          let folder = try TemporaryFolder()
          try folder.write(bytes, to: "older.wasm")
          bytes = try await linkedHere(["--no-entry", "--translate-to-exnref", folder.file("older.wasm")]).bytes
        }
        let lines = zip(calls, expected).map { "\($0.name)(\($0.arguments[0])) = \($1)\n" }
        #expect(
          try await WebAssemblyHost.shared.invoke(bytes, calls) == "instantiated\n" + lines.joined(),
          "\(isShown) \(options)")
      }
    }
  }
}
