import Foundation

/// The programs and folders the benchmark uses.
struct Tools {
  let solder: String
  let wasmLD: String
  /// That one, and others that are installed under the names of their releases, with these.
  let wasmLDReleases: [(release: String, path: String)]
  let wasmMerge: String?
  let clang: String?
  /// Where wasi-libc is, and the target that names its folders there.
  let wasiSysroot: String
  let wasiTarget: String?
  let generator: String
  let measure: String
  /// Where inputs and outputs go.
  let folder: URL
  /// Arguments for solder to behave as the peer's release.
  let compatibility: [String]
  let solderVersion: String
  let wasmLDVersion: String
  /// How to run a WASI program: what stands before its file name.
  let wasiRunner: [String]?
  /// How to count the instructions that a WASI program runs: what stands before its file name.
  let instructionCounter: [String]?
  /// How to validate a module: what stands before its file name.
  let validator: [String]?

  private static let validateWithNode = """
    const bytes = require('fs').readFileSync(process.argv[1]);
    try { new WebAssembly.Module(bytes) } catch (error) { console.log(error.message); process.exit(1) }
    """
  private static let runWithNode = """
    const { WASI } = require('wasi');
    const wasi = new WASI({ version: 'preview1' });
    const bytes = require('fs').readFileSync(process.argv[1]);
    WebAssembly.instantiate(bytes, { wasi_snapshot_preview1: wasi.wasiImport })
      .then(result => wasi.start(result.instance))
      .catch(error => { console.log(error.message); process.exit(1) });
    """

  init() throws {
    let environment = ProcessInfo.processInfo.environment
    let search = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    func find(_ names: String...) -> String? {
      for name in names where !name.isEmpty {
        if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
        for folder in search where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
          return "\(folder)/\(name)"
        }
      }
      return nil
    }
    guard let solder = find(environment["SOLDER"] ?? "solder") else { throw BenchmarkError("no solder") }
    guard let wasmLD = find(environment["WASM_LD"] ?? "", "wasm-ld") else { throw BenchmarkError("no wasm-ld") }
    self.solder = solder
    self.wasmLD = wasmLD
    wasmMerge = find(environment["WASM_MERGE"] ?? "", "wasm-merge")
    clang = find(environment["CLANG"] ?? "", "clang")
    let sysroot = environment["WASI_SYSROOT"] ?? "/usr"
    wasiSysroot = sysroot
    wasiTarget = ["wasm32-wasi", "wasm32-wasip1"].first {
      FileManager.default.fileExists(atPath: "\(sysroot)/lib/\($0)/libc.a")
    }
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    generator = own.appendingPathComponent("generate-inputs").path
    measure = own.appendingPathComponent("measure").path
    folder = URL(fileURLWithPath: environment["BENCH_FOLDER"] ?? ".build/bench")

    solderVersion = try execute([solder, "--version"]).output
    wasmLDVersion = try execute([wasmLD, "--version"]).output
    let release = wasmLDVersion.split(separator: " ").dropFirst().first?.prefix { $0 != "." } ?? ""
    var releases = [(release: String(release), path: wasmLD)]
    for number in 19...30 where number != Int(release) {
      if let path = find("wasm-ld-\(number)") { releases.append(("\(number)", path)) }
    }
    wasmLDReleases = releases
    compatibility = solderVersion.hasPrefix("Solder") ? ["--compat=\(release)"] : []

    let repository = environment["BENCH_REPOSITORY"] ?? "."
    let counter = repository + "/Tests/Tools/fuel.py"
    instructionCounter = find("python3").flatMap { python in
      FileManager.default.fileExists(atPath: repository + "/.cache/python/wasmtime") ? [python, counter] : nil
    }
    if let node = find("node") {
      wasiRunner = [node, "--no-warnings", "-e", Self.runWithNode]
      validator = [node, "-e", Self.validateWithNode]
    } else if let wasmtime = find("wasmtime") {
      wasiRunner = [wasmtime, "run"]
      validator = [wasmtime, "compile", "-o", "/dev/null"]
    } else {
      wasiRunner = find("wasmkit").map { [$0, "run"] }
      validator = nil
    }
  }
}

/// Runs a command and waits for it; returns its status and what it printed.
@discardableResult
func execute(_ command: [String], in folder: URL? = nil) throws -> (status: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: command[0])
  process.arguments = Array(command.dropFirst())
  process.currentDirectoryURL = folder
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let text = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  return (process.terminationStatus, text)
}
