import Testing

/// How a test library is built: by which tools, at which level, with padded operands or without.
struct Variant: Sendable, CustomTestStringConvertible {
  let compiler: Compiler
  let level: [String]
  let isCompressed: Bool

  static let levels = [["-O0"], ["-O2"], ["-Oz"], ["-O2", "-g"]]
  static let all: [Variant] = Compiler.allCases.flatMap { compiler in
    levels.flatMap { level in
      [false, true].map { Variant(compiler: compiler, level: level, isCompressed: $0) }
    }
  }
  static let plain = Variant(compiler: .debian19, level: ["-O2"], isCompressed: false)

  var testDescription: String {
    "\(compiler.testDescription) \(level.joined(separator: " "))\(isCompressed ? " compressed" : "")"
  }

  /// Flags for wasm-ld; it compresses only what has no debugging sections.
  var linkFlags: [String] { isCompressed ? ["--compress-relocations", "--strip-debug"] : [] }
}

/// Flags for the objects of a shared library.
let libraryFlags = ["-fPIC", "-fvisibility=default"]

/// The program of `Tests/Inputs/shared`: a main object and three libraries that use each other in all directions.
struct SharedProgram: Sendable {
  let main: String
  let base: String
  let alpha: String
  let beta: String
  /// The same sources as plain objects, linked by wasm-ld.
  let reference: String

  static let warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-address", "-Wno-tautological-pointer-compare"]

  init(_ variant: Variant) async throws {
    let chain = Toolchain.shared
    let flags = Self.warnings + variant.level
    func library(_ name: String) async throws -> String {
      let object = try await chain.object("shared/\(name).c", flags + libraryFlags, by: variant.compiler)
      return try await chain.sharedLibrary("lib\(name).so", [object], variant.linkFlags, by: variant.compiler.linker)
    }
    main = try await chain.object("shared/main.c", flags, by: variant.compiler)
    base = try await library("base")
    alpha = try await library("alpha")
    beta = try await library("beta")
    // Constructors run in the order of the objects, as they have to with the libraries.
    var objects: [String] = []
    for name in ["base", "alpha", "beta"] {
      objects.append(try await chain.object("shared/\(name).c", flags, by: variant.compiler))
    }
    reference = try await chain.referenceCommand("reference.wasm", objects + [main])
  }

  var libraries: [String] { [base, alpha, beta] }

  /// What the linker needs for a WASI command around these inputs.
  static func command(_ inputs: [String]) async throws -> [String] {
    [Toolchain.startup] + inputs + [Toolchain.libc, try await Toolchain.shared.builtins()]
  }
}

/// Expects a command to print and to exit as the reference does.
func expectSameBehaviour(
  _ path: String, as reference: String, _ arguments: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let expected = try await runCommand(reference, arguments)
  let actual = try await runCommand(path, arguments)
  guard case .exit = expected.ending, !expected.output.isEmpty else { throw ToolFailure(expected) }
  #expect(actual.output == expected.output, "\(actual.errors)", sourceLocation: sourceLocation)
  #expect(actual.ending == expected.ending, "\(actual.errors)", sourceLocation: sourceLocation)
}
