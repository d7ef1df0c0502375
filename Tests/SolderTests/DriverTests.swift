import Foundation
import Testing

/// Compiler drivers with solder in the place of their linker: each builds a program with its usual command line, and it runs.
///
/// For WebAssembly, clang takes the path of its linker from `-fuse-ld=`; `--ld-path=` is for other targets, and it says so.
@Suite struct DriverTests {
  /// A name by which a driver calls the linker.
  enum Name: String, CaseIterable, Sendable {
    case solder
    /// A link named so, as it replaces the original in a toolchain.
    case wasmLinker = "wasm-ld"

    /// Path of solder under this name.
    func path(in folder: TemporaryFolder) throws -> String {
      guard self == .wasmLinker else { return Solder.path }
      let path = folder.file("wasm-ld")
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: Solder.path)
      return path
    }
  }

  private static let cSource = Repository.inputs + "/objects/main.c"
  private static let cParts = ["first", "second", "third"].map { Repository.inputs + "/objects/\($0).c" }

  /// Runs a driver, and the program that it has built.
  private func build(
    _ driver: Tool, _ arguments: [String], in folder: TemporaryFolder, run programArguments: [String] = [],
    environment: [String: String] = [:]
  ) async throws -> ProcessRun {
    let run = try await execute(driver.path(), arguments, in: folder.path, environment: environment)
    guard run.succeeded else { throw ToolFailure(run) }
    try await WebAssemblyHost.shared.validate(folder.file("program.wasm"))
    return try await runCommand(folder.file("program.wasm"), programArguments)
  }

  /// The linker's mark in what it wrote: solder and wasm-ld write the same, so only a message can tell who it was.
  private func expectItIsSolder(
    _ driver: Tool, _ arguments: [String], _ name: Name, in folder: TemporaryFolder,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let run = try await execute(driver.path(), arguments, in: folder.path)
    #expect(!run.succeeded, sourceLocation: sourceLocation)
    let message = "\(name.rawValue): error: "
    #expect(
      run.errors.contains(message), "no \"\(message)\" in \(run.errors)",
      sourceLocation: sourceLocation)
    #expect(run.errors.contains("undefined symbol: missing_function"), sourceLocation: sourceLocation)
  }

  @Test(arguments: Name.allCases) func clangOfDebian(_ name: Name) async throws {
    let folder = try TemporaryFolder()
    let driver = ["--target=wasm32-wasi", "-fuse-ld=\(try name.path(in: folder))"]
    let run = try await build(
      .clang19,
      driver + ["-O1", "-o", "program.wasm", Self.cSource] + Self.cParts
        + ["-lc-printscan-long-double"], in: folder, run: ["one"])
    #expect(run.ending == .exit(3), "\(run.errors)")
    #expect(run.output.contains("argument one\napple fig pear 2.718282\n7\n"), "\(run.output)")

    let bad = try folder.write("int missing_function(void); int main(void) { return missing_function(); }", to: "bad.c")
    try await expectItIsSolder(.clang19, driver + [bad, "-o", "bad.wasm"], name, in: folder)
  }

  @Test(arguments: Name.allCases) func clangOfTheToolchain(_ name: Name) async throws {
    let folder = try TemporaryFolder()
    // It has no compiler-rt for WebAssembly of its own.
    let driver = [
      "--target=wasm32-wasi", "--sysroot=\(Toolchain.sysroot)", "-isystem", Toolchain.sysroot + "/include/wasm32-wasi",
      "-fuse-ld=\(try name.path(in: folder))", "-nodefaultlibs",
    ]
    let libraries = ["-lc-printscan-long-double", "-lc", try await Toolchain.shared.builtins()]
    let run = try await build(
      .clang, driver + ["-O1", "-o", "program.wasm", Self.cSource] + Self.cParts + libraries, in: folder, run: ["one"])
    #expect(run.ending == .exit(3), "\(run.errors)")
    #expect(run.output.contains("argument one\napple fig pear 2.718282\n7\n"), "\(run.output)")
  }

  @Test(arguments: [[], ["-g"], ["-O2", "-Wl,--strip-all"]]) func clangxx(_ flags: [String]) async throws {
    let folder = try TemporaryFolder()
    let run = try await build(
      .clangxx19,
      ["--target=wasm32-wasi", "-fuse-ld=\(Solder.path)", "-std=c++20", "-fno-exceptions", "-o", "program.wasm"]
        + flags + [Repository.inputs + "/cxx/words.cpp"], in: folder)
    #expect(run.ending == .exit(0), "\(run.errors)")
    #expect(run.output.contains(RealProgram.cxx.expectedOutput), "\(run.output)")
  }

  /// Rust 1.63 treats warnings as errors, and LLVM 16 began to warn of the metadata in Rust's libraries: wasm-ld needs
  /// `--no-fatal-warnings` just as well.
  private static let rust = ["-C", "linker-flavor=wasm-ld", "-C", "link-arg=--no-fatal-warnings"]

  @Test(arguments: [["-C", "opt-level=0", "-g"], ["-O"]]) func rustc(_ flags: [String]) async throws {
    let folder = try TemporaryFolder()
    for name in Name.allCases {
      let linker = try name.path(in: folder)
      let run = try await build(
        .rustc,
        ["--target=wasm32-wasi", "-C", "linker=\(linker)"] + Self.rust + flags
          + [Repository.inputs + "/rust/words.rs", "-o", "program.wasm"], in: folder)
      #expect(run.ending == .exit(0), "\(run.errors)")
      #expect(run.output.contains(RealProgram.rust.expectedOutput), "\(run.output)")
    }
  }

  /// A library without a standard library, whose exports the host calls.
  @Test func rustcWithoutASystem() async throws {
    let folder = try TemporaryFolder()
    let source = try folder.write(
      """
      #![no_std]
      #![crate_type = "cdylib"]
      #[panic_handler]
      fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
      #[no_mangle]
      pub extern "C" fn collatz(mut n: u32) -> u32 {
          let mut steps = 0;
          while n != 1 { n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 }; steps += 1; }
          steps
      }
      """, to: "collatz.rs")
    let linker = ["-C", "linker=\(Solder.path)", "-C", "linker-flavor=wasm-ld", "-C", "link-arg=--no-fatal-warnings"]
    let output = folder.file("collatz.wasm")
    try await require(
      Tool.rustc.path(), ["--target=wasm32-unknown-unknown", "-O", source, "-o", output] + linker, in: folder.path)
    let transcript = try await WebAssemblyHost.shared.invoke(output, [Call("collatz", 27)])
    #expect(transcript == "instantiated\ncollatz(27) = 111\n")
  }

  @Test(arguments: [["-O"], ["-Onone", "-g"]]) func swiftc(_ flags: [String]) async throws {
    let folder = try TemporaryFolder()
    let run = try await build(
      .swiftc, try await swiftArguments(linker: Solder.path) + flags + ["-o", "program.wasm"], in: folder)
    #expect(run.ending == .exit(0), "\(run.errors)")
    #expect(run.output.contains(RealProgram.embeddedSwift.expectedOutput), "\(run.output)")
  }

  private func swiftArguments(linker: String) async throws -> [String] {
    let inputs = [
      Toolchain.startup, Toolchain.libc, try await Toolchain.shared.builtins(), try Toolchain.unicodeDataTables,
    ]
    return Toolchain.embeddedSwift + [
      "-use-ld=\(linker)", "-Xclang-linker", "-nostdlib", Repository.inputs + "/swift/words.swift",
    ]
      + inputs.flatMap { ["-Xlinker", $0] }
  }
}
