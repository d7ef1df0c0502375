import Foundation
import Testing

/// Real libraries, lifted to objects and linked by every linker there is: the programs print what those of the original
/// objects print, and are as small.
@Suite struct LiftedProgramTests {
  enum Library: String, Sendable, CaseIterable {
    case sqlite, zlib, cxx

    /// The objects of the library, position-independent or not.
    func objects(_ flags: [String]) async throws -> [String] {
      switch self {
      case .sqlite:
        [try await Toolchain.shared.object(Repository.cache + "/sqlite/sqlite3.c", Self.sqliteFlags + flags)]
      case .zlib: try await RealProgram.zlibObjects(["-O2"] + flags)
      case .cxx: [try await RealProgram.cxxObject(["-O2", "-Dmain=words_main"] + flags)]
      }
    }

    /// The program that uses it.
    func main() async throws -> [String] {
      switch self {
      case .sqlite: [try await Toolchain.shared.object("sqlite/main.c", Self.sqliteFlags + ["-Wall"])]
      case .zlib:
        [
          try await Toolchain.shared.object(
            "zlib/main.c", ["-I", RealProgram.zlibFolder, "-DHAVE_UNISTD_H", "-Wno-deprecated-non-prototype", "-O2"])
        ]
      case .cxx:
        [
          try await Toolchain.shared.compiled(
            "entry", "int words_main(); int main() { return words_main(); }", Toolchain.wasi + ["-x", "c++"])
        ]
      }
    }

    /// What stands behind it on the command line.
    func others() async throws -> [String] {
      let libc = [Toolchain.libc, try await Toolchain.shared.builtins()]
      return (self == .cxx ? ["/libc++.a", "/libc++abi.a"].map { Toolchain.libraries + $0 } : []) + libc
    }

    /// How much larger than that of objects the program may be. Data of a library that is one block lives as a whole, and
    /// of zlib's tables the program does not use all.
    var growth: Double { self == .zlib ? 1.04 : 1.02 }

    private static let sqliteFlags = [
      "-I", Repository.cache + "/sqlite", "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0",
      "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-O2",
    ]
  }

  static let linkFlags = [[], ["--compress-relocations", "--strip-debug"]]

  @Test(arguments: Library.allCases, linkFlags) func linkedByAnybody(_ library: Library, _ flags: [String]) async throws
  {
    let shared = try await Toolchain.shared.sharedLibrary("lib\(library).so", library.objects(libraryFlags), flags)
    let folder = try TemporaryFolder()
    let lifted = folder.file("lifted.o")
    let run = try await execute(Solder.path, ["-r", shared, "-o", lifted])
    #expect(run.succeeded && run.errors == "", "\(run.errors)")
    try await expectReadable(lifted)

    let (main, others, objects) = (try await library.main(), try await library.others(), try await library.objects([]))
    let words = ["--strip-all"]
    for reference in Reference.allCases {
      let expected = try await Toolchain.shared.wasmLink(
        "reference.wasm", words, [Toolchain.startup] + main + objects + others, by: reference.linker)
      let result = folder.file("result-\(reference.rawValue).wasm")
      try await require(
        reference.linker.path(), words + [Toolchain.startup] + main + [lifted] + others + ["-o", result])
      try await expectSameBehaviour(result, as: expected)
      let (size, original) = (try contents(of: result).count, try contents(of: expected).count)
      #expect(
        Double(size) <= library.growth * Double(original), "\(library) \(reference): \(size) and not \(original) bytes")
    }

    let own = try await linkApart(words + [Toolchain.startup] + main + [lifted] + others)
    let direct = try await linkApart(words + [Toolchain.startup] + main + [shared] + others)
    let (ownRun, directRun) = (try await runCommand(own.path), try await runCommand(direct.path))
    #expect(ownRun.output == directRun.output && ownRun.ending == directRun.ending)
    #expect(own.module.definedFunctionCount == direct.module.definedFunctionCount)
  }

  /// LLVM's own tools take the object for one, with a relocation for every place that has one.
  private func expectReadable(_ object: String) async throws {
    let symbols = try await require(Tool.symbols.path(), [object])
    #expect(symbols.split(separator: "\n").count > 10)
    let relocations = try await require(Tool.disassembler.path(), ["-r", object])
    #expect(relocations.contains("R_WASM_FUNCTION_INDEX_LEB") && relocations.contains("R_WASM_MEMORY_ADDR_SLEB"))
    #expect(!relocations.contains("_REL_"))
  }
}
