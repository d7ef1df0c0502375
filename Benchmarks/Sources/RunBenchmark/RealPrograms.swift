import Foundation

// Real programs from shared libraries: SQLite, zlib and a C++ program, each compared in size with what wasm-ld makes of the
// same sources as objects; and CPython from stock libraries.

extension Cases {
  /// Sources and libraries that `Scripts/prerequisites` brought, and those of the tests.
  private struct Sources {
    let repository: String
    let builtins: String
    let clang: String
    let target: String

    init?(_ tools: Tools) {
      let environment = ProcessInfo.processInfo.environment
      guard let repository = environment["BENCH_REPOSITORY"], let builtins = environment["WASI_BUILTINS"],
        let clang = tools.clang, let target = tools.wasiTarget,
        FileManager.default.fileExists(atPath: "\(repository)/.cache/sqlite/sqlite3.c"),
        FileManager.default.fileExists(atPath: "\(repository)/.cache/cpython/3.11")
      else { return nil }
      (self.repository, self.builtins, self.clang, self.target) = (repository, builtins, clang, target)
    }

    var cache: String { repository + "/.cache" }
    var inputs: String { repository + "/Tests/Inputs" }
  }

  /// A program that is linked from libraries.
  private struct Program {
    var title: String
    /// A source with the name of its object, and flags.
    var main: (source: String, flags: [String])
    /// For each library the sources that it is made of.
    var libraries: [(name: String, parts: [(source: String, object: String, flags: [String])])]
    /// More archives of the C and C++ libraries.
    var archives: [String] = []
  }

  private func programs(_ sources: Sources) -> [Program] {
    let system = [
      "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_GETPID", "-DSQLITE_OS_OTHER=1",
      "-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL",
    ]
    let zlib = ["-I\(sources.cache)/zlib", "-DHAVE_UNISTD_H", "-Wno-deprecated-non-prototype"]
    let cxx = [
      "-nostdinc++", "-isystem", "\(tools.wasiSysroot)/include/\(sources.target)/c++/v1", "-std=c++20",
      "-fno-exceptions",
    ]
    let files = (try? FileManager.default.contentsOfDirectory(atPath: sources.cache + "/zlib")) ?? []
    return [
      Program(
        title: "SQLite", main: (sources.inputs + "/sqlite/main.c", ["-I\(sources.cache)/sqlite"]),
        libraries: [("libsqlite.so", [(sources.cache + "/sqlite/sqlite3.c", "sqlite3", system)])],
        archives: ["signal", "getpid", "process-clocks"].map { "libwasi-emulated-\($0).a" }),
      Program(
        title: "zlib", main: (sources.inputs + "/zlib/main.c", zlib),
        libraries: [
          (
            "libz.so",
            files.filter { $0.hasSuffix(".c") }.sorted().map {
              ("\(sources.cache)/zlib/\($0)", "z-" + $0.dropLast(2), zlib)
            }
          )
        ]),
      Program(
        title: "C++", main: (sources.inputs + "/cxx/places.cpp", cxx),
        libraries: ["first", "second"].map { name in
          (
            "lib\(name).so",
            [
              (
                sources.inputs + "/cxx/places.cpp", "cxx-" + name,
                cxx + ["-DNAME=\(name)", "-DSTART=\(name.utf8.count)"]
              )
            ]
          )
        },
        archives: ["libc++.a", "libc++abi.a"]),
    ]
  }

  /// Sizes of programs from libraries against those from objects, with three sets of options, and once with identical
  /// functions folded.
  func librarySizes() -> [Benchmark] {
    guard let sources = Sources(tools) else { return [] }
    let styles: [(name: String, flags: [String], own: [String])] = [
      ("", [], []),
      (", -O2 --compress-relocations", ["-O2", "--compress-relocations", "--strip-debug"], []),
      (", stripped", ["--strip-all"], []),
      (", --icf=safe", [], ["--icf=safe"]),
    ]
    return programs(sources).flatMap { program in
      styles.filter { !options.isQuick || $0.name.isEmpty }.map { style in
        let libraries = "\(tools.wasiSysroot)/lib/\(sources.target)/"
        let rest = (program.archives + ["libc.a"]).map { libraries + $0 } + [sources.builtins]
        let first = [libraries + "crt1-command.o", program.title + "-main.o"]
        let objects = program.libraries.flatMap { $0.parts.map { $0.object + ".o" } }
        let names = program.libraries.map(\.name)
        var benchmark = Benchmark(
          number: 10, title: program.title + " from libraries" + style.name, folder: "programs",
          prepare: { folder in try prepare(program, sources, in: folder) },
          contestants: [solder(first + names + rest + style.flags + style.own)],
          reference: [tools.wasmLD] + first + objects + rest + style.flags)
        benchmark.sizeTarget = SizeTarget(
          title: program.title + style.name, against: "wasm-ld, objects: code and data", must: 1.0, aim: 1.0)
        benchmark.comparesRunTime = !options.isQuick && style.own.isEmpty
        return benchmark
      }
    }
  }

  /// The libraries lifted to objects, which wasm-ld links in place of the objects that they were made of.
  func liftedSizes() -> [Benchmark] {
    guard let sources = Sources(tools) else { return [] }
    return programs(sources).flatMap { program in
      tools.wasmLDReleases.prefix(options.isQuick ? 1 : .max).map { release, linker in
        let libraries = "\(tools.wasiSysroot)/lib/\(sources.target)/"
        let rest = (program.archives + ["libc.a"]).map { libraries + $0 } + [sources.builtins]
        let first = [libraries + "crt1-command.o", program.title + "-main.o"]
        // Libraries that were linked one by one have inline functions twice, so all of them become one object.
        let lifted = program.title + "-lifted.o"
        var benchmark = Benchmark(
          number: 12, title: "\(program.title) lifted, linked by wasm-ld \(release)", folder: "programs",
          prepare: { folder in
            try prepare(program, sources, in: folder)
            try run([tools.solder, "-r"] + program.libraries.map(\.name) + ["-o", lifted], in: folder)
          },
          contestants: [
            Contestant(
              name: "wasm-ld, of lifted", command: [linker] + first + [lifted] + rest, folder: "solder")
          ],
          reference: [linker] + first + program.libraries.flatMap { $0.parts.map { $0.object + ".o" } } + rest)
        benchmark.sizeTarget = SizeTarget(
          title: "\(program.title) lifted", against: "wasm-ld \(release), objects: code and data", must: 1.02, aim: 1.0)
        return benchmark
      }
    }
  }

  private func prepare(_ program: Program, _ sources: Sources, in folder: URL) throws {
    func compile(_ source: String, _ object: String, _ flags: [String]) throws {
      let path = folder.appendingPathComponent(object)
      if let made = try? path.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate,
        let written = try? URL(fileURLWithPath: source).resourceValues(forKeys: [.contentModificationDateKey])
          .contentModificationDate, made > written
      {
        return
      }
      try run(
        [sources.clang, "--target=\(sources.target)", "--sysroot=\(tools.wasiSysroot)", "-O2"] + flags
          + ["-isystem", "\(tools.wasiSysroot)/include/\(sources.target)", "-c", source, "-o", object], in: folder)
    }
    try compile(program.main.source, program.title + "-main.o", program.main.flags)
    for library in program.libraries {
      for part in library.parts {
        try compile(part.source, part.object + ".o", part.flags)
        try compile(part.source, part.object + ".pic.o", part.flags + ["-fPIC", "-fvisibility=default"])
      }
      try run(shared(library.parts.map { $0.object + ".pic.o" }, library.name), in: folder)
    }
  }

  // MARK: CPython

  /// CPython of which nothing is left to do at start, against copying its libraries.
  func python() -> Benchmark? {
    guard let sources = Sources(tools) else { return nil }
    let libraries = ["libpython.so", "libc.so", "libwasi-emulated-signal.so"].map {
      "\(sources.cache)/cpython/3.11/\($0)"
    }
    let system = "\(tools.wasiSysroot)/lib/\(sources.target)/"
    let inputs =
      [system + "crt1-command.o", "main.o"] + libraries
      + ["libwasi-emulated-getpid.a", "libwasi-emulated-process-clocks.a", "libc.a"].map { system + $0 }
    var benchmark = Benchmark(
      number: 11, title: "CPython", folder: "cpython",
      prepare: { folder in
        try run(
          [
            sources.clang, "--target=\(sources.target)", "--sysroot=\(tools.wasiSysroot)", "-O2", "-c",
            sources.inputs + "/cpython/main.c", "-o", "main.o",
          ], in: folder)
      },
      contestants: [solder(inputs + ["-z", "stack-size=8388608"]), cat(["main.o"] + libraries)],
      targets: [wall("CPython", against: Benchmark.cat, must: 3, aim: 2)])
    benchmark.sizeTarget = SizeTarget(
      title: "CPython", against: "its libraries: code and data", must: 1.0, aim: 1.0, inputs: libraries)
    benchmark.leavesNothingForStart = true
    return benchmark
  }
}

/// A ratio of sizes of code and data to reach.
struct SizeTarget {
  var title: String
  var against: String
  var must: Double
  var aim: Double
  /// What to compare with; none for the reference.
  var inputs: [String] = []
}
