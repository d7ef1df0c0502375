import Testing

/// `.debug_aranges` says of numbers neither whether they are of code or of data.
@Suite struct AddressRangeTests {
  /// Code that reaches over the numbers at which the data is.
  private static let source: String = {
    let sums = (0..<120).map { "many[\($0)] += other(x + \($0));" }.joined(separator: " ")
    return """
      int other(int); int many[400]; int few[3] = {1, 2, 3};
      int first(int x) { \(sums) return few[x & 1]; }
      int second(int x) { return other(x) * 3 + few[1]; }
      """
  }()

  private func ranges(_ path: String, _ option: String) async throws -> [String] {
    let text = try await require(Tool.debugReader.path(), [option, path])
    return text.matches(of: /(?m)^ *(\[0x\w+, 0x\w+\))/).map { String($0.1) }
  }

  @Test(arguments: ["-gdwarf-4", "-gdwarf-5"], ["-O0", "-O1"])
  func dataStaysAndCodeMoves(_ version: String, _ level: String) async throws {
    let chain = Toolchain.shared
    let flags = Toolchain.freestanding + [version, level]
    let part = try await chain.compiled("ranges", Self.source, flags + ["-gdwarf-aranges"])
    let folder = try TemporaryFolder()
    let program = folder.file("program.wasm")
    try await require(
      Tool.wasmLinker19.path(),
      [
        "--no-entry", "--allow-undefined", "--export=first", "--export=second", "--export=__heap_base",
        "--export=__stack_pointer", part, "-o", program,
      ])
    let before = try await ranges(program, "--debug-aranges")
    #expect(before.count == 4)
    let text = "int other(int x) { return x; }"
    let object = try await chain.compiled("other", text, Toolchain.freestanding)
    let shared = try await chain.compiled("other", text, Toolchain.freestanding + libraryFlags)
    let library = try await chain.sharedLibrary("libother.so", [shared])
    for input in [object, library] {
      for order in [[program, input], [input, program]] {
        let result = try folder.write(try await linkedHere(order).bytes, to: "result.wasm")
        let after = try await ranges(result, "--debug-aranges")
        let code = try await ranges(result, "--debug-info").prefix(2)
        // Data comes first.
        #expect(after.prefix(2) == before.prefix(2), "\(order)")
        #expect(after.suffix(2) == code && after.suffix(2) != before.suffix(2), "\(order)")
      }
    }
  }
}
