import Foundation

/// How the objects of a program are compiled.
struct Build: Sendable, Hashable, CustomStringConvertible {
  let isOptimized: Bool
  let hasDebugInformation: Bool

  static let all = [
    Build(isOptimized: false, hasDebugInformation: false), Build(isOptimized: false, hasDebugInformation: true),
    Build(isOptimized: true, hasDebugInformation: false), Build(isOptimized: true, hasDebugInformation: true),
  ]
  static let optimized = Build(isOptimized: true, hasDebugInformation: false)

  var description: String { (isOptimized ? "-O2" : "-O0") + (hasDebugInformation ? " -g" : "") }
  var clangFlags: [String] { [isOptimized ? "-O2" : "-O0"] + (hasDebugInformation ? ["-g"] : []) }
}

/// Programs of some size in every language that ends in a WebAssembly linker, each a WASI command.
enum RealProgram: String, Sendable, CaseIterable, CustomStringConvertible {
  /// SQLite's own shell, with the file system in memory of `sqlite/main.c`.
  case sqliteShell = "SQLite's shell"
  case cxx = "C++"
  /// A small program and zlib as an archive, all of whose members come along or few.
  case zlib
  /// A static library with all of Rust's standard library in it.
  case rust = "Rust"
  case embeddedSwift = "Embedded Swift"

  var description: String { rawValue }

  /// Arguments of the program in a run.
  var arguments: [String] {
    guard self == .sqliteShell else { return [] }
    return [
      ":memory:",
      """
      CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL);
      INSERT INTO item (name, price) VALUES ('pear', 1.5), ('apple', 2.25), ('fig', 0.75);
      SELECT group_concat(name, ' '), sum(price) FROM (SELECT * FROM item ORDER BY name);
      SELECT json_group_array(upper(name)) FROM item WHERE price > 1;
      SELECT printf('%.3f', avg(price) OVER (ORDER BY id)) FROM item;
      """,
    ]
  }

  /// A part of what it prints.
  var expectedOutput: String {
    switch self {
    case .sqliteShell: "apple fig pear|4.5\n[\"PEAR\",\"APPLE\"]\n1.500\n1.875\n1.500\n"
    case .cxx: "3 parts: objects = main.o, util.o\n"
    case .zlib: "strategy 4: ok\ngzip: ok\n"
    case .rust:
      "{\"AND\": 2, \"ARCHIVE\": 1, \"LINKER\": 1, \"LOADER\": 1, \"THE\": 3}\nErr(ParseIntError { kind: InvalidDigit })\n[7, 8]\n"
    case .embeddedSwift: "sum: 46\nlargest: 25\n"
    }
  }

  /// Everything that stands on the linker's command line beside options: start file, objects, archives.
  func inputs(_ build: Build) async throws -> [String] {
    let builtins = try await Toolchain.shared.builtins()
    let libc = [Toolchain.libc, builtins]
    return switch self {
    case .sqliteShell:
      [Toolchain.startup] + (try await sqliteObjects(build))
        + ["signal", "process-clocks", "getpid"].map { Toolchain.libraries + "/libwasi-emulated-\($0).a" } + libc
    case .cxx:
      [Toolchain.startup, try await Self.cxxObject(build.clangFlags), Toolchain.libraries + "/libc++.a"]
        + [Toolchain.libraries + "/libc++abi.a"] + libc
    case .zlib:
      [Toolchain.startup, try await zlibMain(build), try await zlibArchive(build)] + libc
    case .rust: [Toolchain.startup, try await rustLibrary(build)] + libc
    case .embeddedSwift:
      [Toolchain.startup, try await swiftObject(build)] + libc + [try Toolchain.unicodeDataTables]
    }
  }

  private func sqliteObjects(_ build: Build) async throws -> [String] {
    let emulated = ["-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_GETPID"]
    let system = [
      "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL",
    ]
    let shell = [
      "-DSQLITE_OMIT_POPEN", "-DSQLITE_NOHAVE_SYSTEM", "-Dchmod(path,mode)=0", "-I",
      Repository.inputs + "/sqlite/shell",
    ]
    let folder = Repository.cache + "/sqlite"
    async let library = Toolchain.shared.object(folder + "/sqlite3.c", system + build.clangFlags)
    async let main = Toolchain.shared.object(folder + "/shell.c", system + emulated + shell + build.clangFlags)
    // Its file system is what the shell uses.
    async let files = Toolchain.shared.object(
      "sqlite/main.c", ["-Dmain=session_main", "-I", folder] + build.clangFlags)
    return try await [main, files, library]
  }

  /// The C++ program as an object.
  static func cxxObject(_ flags: [String]) async throws -> String {
    let library = ["-nostdinc++", "-isystem", Toolchain.sysroot + "/include/wasm32-wasi/c++/v1", "-fno-exceptions"]
    return try await Toolchain.shared.object("cxx/words.cpp", library + ["-std=c++20"] + flags)
  }

  static let zlibFolder = Repository.cache + "/zlib"
  private static let zlibFlags = ["-I", zlibFolder, "-DHAVE_UNISTD_H", "-Wno-deprecated-non-prototype"]

  private func zlibMain(_ build: Build) async throws -> String {
    try await Toolchain.shared.object("zlib/main.c", Self.zlibFlags + build.clangFlags)
  }

  /// zlib's own objects.
  static func zlibObjects(_ flags: [String]) async throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: zlibFolder) else {
      throw ToolFailure("there is no \(zlibFolder); run Scripts/prerequisites")
    }
    var objects: [String] = []
    for name in names.filter({ $0.hasSuffix(".c") }).sorted() {
      objects.append(try await Toolchain.shared.object(zlibFolder + "/" + name, zlibFlags + flags))
    }
    return objects
  }

  private func zlibArchive(_ build: Build) async throws -> String {
    try await Toolchain.shared.archive("libz.a", Self.zlibObjects(build.clangFlags))
  }

  private func rustLibrary(_ build: Build) async throws -> String {
    let source = Repository.inputs + "/rust/words.rs"
    let flags =
      ["--target=wasm32-wasi", "--crate-type=staticlib", "--cfg", "feature=\"library\""]
      + ["-Copt-level=\(build.isOptimized ? 2 : 0)"] + (build.hasDebugInformation ? ["-g"] : [])
    return try await Toolchain.shared.artifact(
      name: "libwords.a", tool: Tool.rustc.path(), arguments: flags, inputs: [source]
    ) { output in
      try await require(Tool.rustc.path(), flags + [source, "-o", output])
    }
  }

  private func swiftObject(_ build: Build) async throws -> String {
    let source = Repository.inputs + "/swift/words.swift"
    let flags =
      Toolchain.embeddedSwift + [build.isOptimized ? "-O" : "-Onone"] + (build.hasDebugInformation ? ["-g"] : [])
    return try await Toolchain.shared.artifact(
      name: "words.o", tool: Tool.swiftc.path(), arguments: flags, inputs: [source]
    ) { output in
      try await require(Tool.swiftc.path(), flags + ["-c", source, "-o", output])
    }
  }
}

extension Toolchain {
  /// Flags of swiftc for a program on top of wasi-libc.
  static let embeddedSwift = [
    "-target", "wasm32-unknown-none-wasm", "-enable-experimental-feature", "Embedded",
    "-enable-experimental-feature", "Extern", "-wmo", "-parse-as-library", "-disable-stack-protector",
  ]

  /// What strings of Embedded Swift need to compare by canonical equivalence.
  static var unicodeDataTables: String {
    get throws {
      URL(filePath: try Tool.swiftc.path()).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/lib/swift/embedded/wasm32-unknown-none-wasm/libswiftUnicodeDataTables.a"
    }
  }
}
