import Testing

/// SQLite as a shared library runs a real session, and prints what the same program prints that wasm-ld links.
@Suite struct SQLiteTests {
  private static let flags =
    [
      "-I", Repository.cache + "/sqlite", "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0",
      "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-O2",
    ]

  private func source() throws -> String {
    let path = Repository.cache + "/sqlite/sqlite3.c"
    guard (try? contents(of: path).count) ?? 0 > 1 << 20 else {
      throw ToolFailure("there is no \(path); run Scripts/prerequisites")
    }
    return path
  }

  private func main() async throws -> String {
    try await Toolchain.shared.object("sqlite/main.c", Self.flags + ["-Wall"])
  }

  private func library(_ linkFlags: [String] = []) async throws -> String {
    let object = try await Toolchain.shared.object(source(), Self.flags + libraryFlags)
    return try await Toolchain.shared.sharedLibrary("libsqlite3.so", [object], linkFlags)
  }

  private func reference() async throws -> String {
    try await Toolchain.shared.referenceCommand(
      "reference.wasm", [main(), Toolchain.shared.object(source(), Self.flags)])
  }

  @Test func theReferenceItselfIsRight() async throws {
    let run = try await runCommand(reference())
    #expect(run.ending == .exit(0))
    #expect(run.output.hasPrefix("SQLite 3."))
    let counts = "count=10000, sum=12501250.0, mean=1250.125, first=item 00001, last=item 10006\n"
    #expect(run.output.split(separator: counts, omittingEmptySubsequences: false).count == 3, "\(run.output)")
    #expect(run.output.contains("integrity_check=ok"))
    #expect(run.output.hasSuffix("file system: 1 reads, 1 writes, 1 syncs\n"))
  }

  @Test(arguments: [[], ["--compress-relocations", "--strip-debug"]])
  func aSessionWithTheSharedLibrary(_ linkFlags: [String]) async throws {
    let result = try await linkApart(SharedProgram.command([main(), library(linkFlags)]))
    try await expectSameBehaviour(result.path, as: reference())
    #expect(!result.module.functionNames.contains { $0.hasPrefix("__wasm_apply_") })
  }

  @Test func aSessionWithTheSharedLibraryInAnotherRuntime() async throws {
    let result = try await linkApart(SharedProgram.command([main(), library()]))
    let expected = try await runCommand(reference())
    let actual = try await WebAssemblyHost.shared.run(result.path, [])
    #expect(actual.output == expected.output, "\(actual.errors)")
  }

  @Test func theReferenceAsAPlainModule() async throws {
    let reference = try await reference()
    let result = try await linkApart([reference])
    try await expectSameBehaviour(result.path, as: reference)
  }
}
