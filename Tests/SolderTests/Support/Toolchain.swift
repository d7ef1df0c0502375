import Foundation

/// Compiles and links test inputs with LLVM. Every result is cached under a key of the tool, the flags and the bytes of
/// the inputs, in memory and in `.cache/tests`, so that tests share libraries and run in any order.
actor Toolchain {
  static let shared = Toolchain()

  /// wasi-libc as Debian lays it out; another place (wasi-sdk's sysroot has the same layout) in `WASI_SYSROOT`.
  static let sysroot = ProcessInfo.processInfo.environment["WASI_SYSROOT"] ?? "/usr"
  static let libraries = sysroot + "/lib/wasm32-wasi"
  static let startup = libraries + "/crt1-command.o"
  static let libc = libraries + "/libc.a"

  /// Flags of clang for a program without a C library.
  static let freestanding = ["--target=wasm32-unknown-unknown", "-ffreestanding", "-O1"]
  /// Flags of clang for a program with wasi-libc.
  static let wasi = [
    "--target=wasm32-wasi", "--sysroot=\(sysroot)", "-isystem", sysroot + "/include/wasm32-wasi", "-O1",
  ]

  private var artifacts: [String: Task<String, any Error>] = [:]
  /// Fingerprints of files, which do not change while tests run.
  private var fingerprints: [String: UInt64] = [:]

  /// Path of the compiler's builtins for wasm32.
  func builtins() async throws -> String {
    if let path = ProcessInfo.processInfo.environment["WASI_BUILTINS"] { return path }
    let resources = try await require(Tool.clang19.path(), ["--print-resource-dir"])
    return resources.trimmingCharacters(in: .whitespacesAndNewlines) + "/lib/wasi/libclang_rt.builtins-wasm32.a"
  }

  /// Compiles a C or C++ source of `Tests/Inputs` for WASI.
  ///
  /// - Parameter source: path relative to `Tests/Inputs`, or absolute.
  func object(_ source: String, _ flags: [String] = [], by compiler: Compiler = .debian19) async throws -> String {
    let path = source.hasPrefix("/") ? source : Repository.inputs + "/" + source
    let folder = URL(filePath: path).deletingLastPathComponent().path
    let headers = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".h") }.sorted()
    var arguments = ["-I", folder]
    if flags.contains(where: { $0.hasPrefix("--target=") }) {
      arguments += flags
    } else {
      // The C headers stand after the folders of C++ that flags may name.
      arguments += ["--target=wasm32-wasi", "--sysroot=\(Self.sysroot)"] + flags
      arguments += ["-isystem", Self.sysroot + "/include/wasm32-wasi"]
    }
    return try await artifact(
      name: URL(filePath: path).deletingPathExtension().lastPathComponent + ".o", tool: compiler.clang.path(),
      arguments: arguments, inputs: [path] + headers.map { folder + "/" + $0 }
    ) { [arguments] output in
      try await require(compiler.clang.path(), arguments + ["-c", path, "-o", output])
    }
  }

  /// Compiles a C source that stands in the test itself to `name.o`.
  func compiled(
    _ name: String, _ source: String, _ flags: [String], by compiler: Compiler = .debian19
  ) async throws -> String {
    try await artifact(name: name + ".o", tool: compiler.clang.path(), arguments: flags + [source], inputs: []) {
      output in
      try source.write(toFile: output + ".c", atomically: true, encoding: .utf8)
      try await require(compiler.clang.path(), flags + ["-c", output + ".c", "-o", output])
    }
  }

  /// Links objects to a shared library with wasm-ld.
  ///
  /// - Parameter needed: libraries that the result names in its `needed` list.
  func sharedLibrary(
    _ name: String, _ objects: [String], needed: [String] = [], _ flags: [String] = [], by linker: Tool = .wasmLinker19
  ) async throws -> String {
    try await wasmLink(
      name, ["-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"] + flags, objects + needed,
      by: linker)
  }

  /// Links anything with wasm-ld: the reference for what solder does.
  func wasmLink(_ name: String, _ flags: [String], _ inputs: [String], by linker: Tool = .wasmLinker19) async throws
    -> String
  {
    try await artifact(name: name, tool: linker.path(), arguments: flags, inputs: inputs) { output in
      try await require(linker.path(), flags + inputs + ["-o", output])
    }
  }

  /// Links objects to a WASI command with wasm-ld and wasi-libc.
  func referenceCommand(_ name: String, _ objects: [String], _ flags: [String] = [], by linker: Tool = .wasmLinker19)
    async throws
    -> String
  {
    try await wasmLink(name, flags, [Self.startup] + objects + [Self.libc, builtins()], by: linker)
  }

  /// Makes an archive; a thin one names its members by path.
  func archive(_ name: String, _ members: [String], flags: String = "rcs", options: [String] = []) async throws
    -> String
  {
    try await artifact(name: name, tool: Tool.archiver.path(), arguments: [flags] + options, inputs: members) {
      output in
      try await require(Tool.archiver.path(), options + [flags, output] + members)
    }
  }

  /// Assembles a module from text.
  func assembled(_ name: String, _ text: String) async throws -> String {
    try await artifact(
      name: name, tool: Repository.root + "/Tests/Tools/webassembly-host.py", arguments: [text], inputs: []
    ) {
      try await WebAssemblyHost.shared.assemble(text, to: $0)
    }
  }

  /// The file that `make` writes for these inputs, made at most once.
  func artifact(
    name: String, tool: String, arguments: [String], inputs: [String],
    make: @escaping @Sendable (_ output: String) async throws -> Void
  ) async throws -> String {
    var key = Fingerprint()
    let status = try FileManager.default.attributesOfItem(atPath: URL(filePath: tool).resolvingSymlinksInPath().path)
    key.add("\(name) \(tool) \(status[.size] ?? 0) \(status[.modificationDate] ?? 0)")
    for argument in arguments { key.add(argument) }
    for input in inputs {
      key.add(input)
      key.add(String(try fingerprint(of: input)))
    }
    let folder = Repository.cache + "/tests/" + String(key.value, radix: 16)
    let path = folder + "/" + name
    if let task = artifacts[path] { return try await task.value }
    let task = Task {
      if FileManager.default.fileExists(atPath: path) { return path }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let unfinished = folder + "/\(ProcessInfo.processInfo.processIdentifier)-" + name
      try await make(unfinished)
      guard unsafe rename(unfinished, path) == 0 else { throw ToolFailure("cannot rename \(unfinished)") }
      return path
    }
    artifacts[path] = task
    return try await task.value
  }

  private func fingerprint(of path: String) throws -> UInt64 {
    if let known = fingerprints[path] { return known }
    var fingerprint = Fingerprint()
    fingerprint.add(try contents(of: path))
    fingerprints[path] = fingerprint.value
    return fingerprint.value
  }
}
