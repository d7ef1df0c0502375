import Foundation
import Testing

/// Real programs linked by wasm-ld and by solder with the same command line: the results are the same byte for byte.
@Suite struct DifferentialTests {
  /// A link whose result differs from wasm-ld's, in some sections and for a reason.
  struct KnownDifference: Sendable {
    let reason: String
    /// Tells the links that it concerns.
    let concerns: @Sendable (Link) -> Bool
    /// Tells the only sections that may differ.
    let covers: @Sendable (_ section: String) -> Bool
  }

  static let knownDifferences = [
    KnownDifference(
      reason: "LLVM 20 changed how two names of C++20 demangle; solder has the text of LLVM 19 for every release",
      concerns: {
        $0.program == .cxx && !$0.build.isOptimized && $0.reference != .release19 && $0.options.isEmpty
      },
      covers: { $0 == "name" }),
    KnownDifference(
      reason: "--relocatable, --emit-relocs: wasm-ld forgets the flag by which segments are retained; solder keeps it",
      concerns: {
        $0.program == .embeddedSwift && !$0.options.filter { ["--relocatable", "--emit-relocs"].contains($0) }.isEmpty
      },
      covers: { $0 == "linking" }),
  ]

  struct Link: Sendable, CustomTestStringConvertible {
    let program: RealProgram
    let build: Build
    let options: [String]
    let reference: Reference

    var testDescription: String {
      "\(program), \(build), \(options.joined(separator: " ")), \(reference)"
    }
  }

  /// Links with both and compares. What solder made is run, as far as it is a command: for every build, and with
  /// options for one reference or where a difference is known.
  private func compare(_ link: Link, isCommand: Bool) async throws {
    let inputs = try await link.program.inputs(link.build)
    let pair = try await Differential(link.options + inputs, link.reference)
    let known = Self.knownDifferences.first { $0.concerns(link) }
    try pair.expectIdentical(except: known?.covers)
    guard isCommand, link.options.isEmpty || link.reference == .release22 || known != nil else { return }
    let run = try await runCommand(pair.ownPath, link.program.arguments)
    #expect(run.ending == .exit(0), "\(run.errors)")
    #expect(run.output.contains(link.program.expectedOutput), "\(run.output)\(run.errors)")
  }

  static let builds = RealProgram.allCases.flatMap { program in
    Build.all.flatMap { build in
      Reference.allCases.map { Link(program: program, build: build, options: [], reference: $0) }
    }
  }

  @Test(arguments: builds) func everyBuild(_ link: Link) async throws { try await compare(link, isCommand: true) }

  /// Options after which the result is still a command, whatever else changes.
  static let optionsOfCommands: [[String]] = [
    ["--no-gc-sections"], ["--print-gc-sections", "-Map=result.map"], ["--export-dynamic"],
    ["-O0"], ["-O2"], ["--strip-debug", "--compress-relocations"], ["--strip-all", "-O2", "--compress-relocations"],
    ["--no-demangle"], ["--no-merge-data-segments"], ["--stack-first", "-z", "stack-size=131072"],
    ["--emit-relocs"], ["--export-table", "--build-id"], ["--growable-table", "--build-id=sha1"],
    ["--initial-memory=33554432", "--max-memory=67108864", "--table-base=16"], ["--why-extract=why.txt", "--trace"],
  ]

  /// Options after which it needs a host of its own, if only one that calls the constructors.
  static let optionsOfOthers: [[String]] = [
    ["--export-all"],
    ["--import-memory", "--export-memory=memory"], ["--import-table"], ["--relocatable"],
    ["--relocatable", "--strip-debug"], ["--no-entry", "--export=malloc", "--undefined=free"],
    ["--import-memory", "--shared-memory", "--max-memory=67108864", "--no-check-features"],
    ["--shared-memory", "--max-memory=67108864", "--no-check-features", "--export-all"],
  ]

  static func links(_ options: [[String]]) -> [Link] {
    let build = Build(isOptimized: true, hasDebugInformation: true)
    return RealProgram.allCases.flatMap { program in
      options.flatMap { options in
        Reference.allCases.map { Link(program: program, build: build, options: options, reference: $0) }
      }
    }
  }

  @Test(arguments: links(optionsOfCommands)) func everyOptionOfACommand(_ link: Link) async throws {
    try await compare(link, isCommand: true)
  }

  @Test(arguments: links(optionsOfOthers)) func everyOtherOption(_ link: Link) async throws {
    try await compare(link, isCommand: false)
  }

  // MARK: Threads and position-independent code

  /// Two objects without a C library, with atomics, thread-local storage and a constructor.
  private func threadObjects(_ flags: [String]) async throws -> [String] {
    var objects: [String] = []
    for name in ["main", "worker"] {
      objects.append(
        try await Toolchain.shared.object(
          "threads/\(name).c", Toolchain.freestanding + ["-g"] + flags))
    }
    return objects
  }

  static let atomics = ["-pthread", "-matomics", "-mbulk-memory"]
  static let sharedMemory = ["--shared-memory", "--max-memory=1048576"]
  static let threadOptions: [[String]] = [
    sharedMemory + ["-Map=result.map"], sharedMemory + ["--import-memory"], sharedMemory + ["--export-all"],
    sharedMemory + ["--no-gc-sections"], sharedMemory + ["--export=__wasm_init_tls", "--export=__tls_size"],
    sharedMemory + ["--compress-relocations", "--strip-all"], sharedMemory + ["--export-dynamic"],
    ["--no-check-features", "-Map=result.map"], ["--no-check-features", "--export-all"], ["--relocatable"],
  ]

  @Test(arguments: threadOptions, Reference.allCases)
  func sharedMemoryAndThreadLocalStorage(_ options: [String], _ reference: Reference) async throws {
    // wasm-ld 19 itself crashes.
    if reference == .release19, options.contains("--compress-relocations") { return }
    let inputs = try await threadObjects(Self.atomics)
    let pair = try await Differential(options + ["--allow-undefined"] + inputs, reference)
    try pair.expectIdentical()
    guard !options.contains("--relocatable") else { return }
    try await WebAssemblyHost.shared.validate(pair.ownPath)
  }

  static let independentOptions: [[String]] = [
    ["-shared"], ["-shared", "--strip-debug", "--compress-relocations"], ["-shared", "-Bsymbolic"], ["-pie"],
    ["-pie", "--export-all"], ["-shared"] + sharedMemory, ["-pie"] + sharedMemory, ["--no-gc-sections", "-shared"],
  ]

  /// Without shared memory the compiler lowers thread-local data to ordinary data.
  @Test(arguments: independentOptions, Reference.allCases)
  func positionIndependentCode(_ options: [String], _ reference: Reference) async throws {
    let isShared = options.contains("--shared-memory")
    let inputs = try await threadObjects(["-fPIC", "-fvisibility=default"] + (isShared ? Self.atomics : []))
    let more = ["--experimental-pic", "--unresolved-symbols=import-dynamic"]
    let pair = try await Differential(options + more + inputs, reference)
    try pair.expectIdentical()
  }

  /// All with -O0: behind thread-local data of one thread, wasm-ld counts merged strings twice.
  static let independentOptionsOfOneThread: [[String]] = [
    ["-shared"], ["-shared", "-Bsymbolic"], ["-pie"], ["-pie", "--export-all"], ["--no-gc-sections", "-shared"],
    ["-shared", "--extra-features=extended-const"], ["-pie", "--extra-features=extended-const"], ["--no-entry"],
  ]

  /// Thread-local data stays such for one thread, and is relocated where all data is: by code, in the global offset table,
  /// and in that of a static program.
  @Test(arguments: independentOptionsOfOneThread, Reference.allCases)
  func threadLocalStorageOfOneThread(_ options: [String], _ reference: Reference) async throws {
    let inputs = try await threadObjects(["-fPIC", "-fvisibility=default"] + Self.atomics)
    let more = ["--experimental-pic", "--unresolved-symbols=import-dynamic"]
    let pair = try await Differential(["-O0"] + options + more + inputs, reference)
    try pair.expectIdentical()
  }

  @Test(arguments: Reference.allCases, [["-O0"], ["-O2", "-g"]])
  func librariesOfRealPrograms(_ reference: Reference, _ level: [String]) async throws {
    let options = ["-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"]
    let flags = level + libraryFlags
    try await Differential(options + [RealProgram.cxxObject(flags)], reference).expectIdentical {
      $0 == "name" && reference != .release19 && level == ["-O0"]
    }
    try await Differential(options + RealProgram.zlibObjects(flags), reference).expectIdentical()
  }
}
