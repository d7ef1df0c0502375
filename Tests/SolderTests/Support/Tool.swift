import Foundation
import Testing

/// The programs that the tests call. A missing one is an error, never a skipped test.
enum Tool: String, CaseIterable, Sendable {
  /// The Swift toolchain in use, with its clang and wasm-ld.
  case swift
  case swiftc
  case clang
  case clangxx = "clang++"
  case wasmLinker = "wasm-ld"
  case archiver = "llvm-ar"
  case wasmkit
  /// Older LLVM and the newest linker, of Debian.
  case clang19 = "clang-19"
  case clangxx19 = "clang++-19"
  case wasmLinker19 = "wasm-ld-19"
  case wasmLinker22 = "wasm-ld-22"
  /// What objects say, as LLVM reads them.
  case symbols = "llvm-nm-19"
  case disassembler = "llvm-objdump-19"
  case debugReader = "llvm-dwarfdump-19"
  case debugger = "gdb"
  case python = "python3"
  /// The one that has Rust's standard library for WASI.
  case rustc

  /// Path of the program.
  ///
  /// - Throws: a ``ToolFailure`` that says how to get it.
  func path() throws -> String {
    guard let path = Self.paths[self] else {
      throw ToolFailure("\(rawValue) is not installed; run Scripts/prerequisites")
    }
    return path
  }

  private static let paths: [Tool: String] = {
    let environment = ProcessInfo.processInfo.environment
    let search = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    func find(_ name: String, in folders: [String]) -> String? {
      folders.map { $0 + "/" + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
    // Tools of the toolchain stand beside the compiler that runs these tests.
    let beside = find("swift", in: search)
      .map { URL(filePath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path }
    var paths: [Tool: String] = [:]
    for tool in allCases { paths[tool] = find(tool.rawValue, in: (beside.map { [$0] } ?? []) + search) }
    // rustup's rustc, which may stand first, keeps its libraries elsewhere and has not those of this target.
    paths[.rustc] = find(
      "rustc", in: search.filter { FileManager.default.fileExists(atPath: $0 + "/../lib/rustlib/wasm32-wasi") })
    return paths
  }()
}

/// The two compilers, each with its own linker for the making of shared libraries.
enum Compiler: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case toolchain, debian19

  var clang: Tool { self == .toolchain ? .clang : .clang19 }
  var linker: Tool { self == .toolchain ? .wasmLinker : .wasmLinker19 }
  var testDescription: String { self == .toolchain ? "clang of the toolchain" : "clang 19" }
}
