import Foundation
import Testing

/// Real programs linked by wasm-ld and by solder with the same command line: the results are the same byte for byte.
@Suite struct DifferentialTests {
  /// A link whose result differs from wasm-ld's, in one section and for a reason.
  struct KnownDifference: Sendable {
    let reference: Reference
    let section: String
    /// Tells the command lines that it concerns.
    let concerns: @Sendable (RealProgram, [String]) -> Bool
    let reason: String
  }

  static let knownDifferences: [KnownDifference] = []

  struct Link: Sendable, CustomTestStringConvertible {
    let program: RealProgram
    let build: Build
    let options: [String]
    let reference: Reference

    var testDescription: String {
      "\(program), \(build), \(options.joined(separator: " ")), \(reference)"
    }
  }

  /// Links with both, compares, and runs what solder made when it is a command and `runs` says so.
  private func compare(_ link: Link, runs: Bool) async throws {
    let inputs = try await link.program.inputs(link.build)
    let pair = try await Differential(link.options + inputs, link.reference)
    let known = Self.knownDifferences.first {
      $0.reference == link.reference && $0.concerns(link.program, link.options)
    }
    try pair.expectIdentical(except: known?.section)
    guard runs || known != nil else { return }
    let run = try await runCommand(pair.ownPath, link.program.arguments)
    #expect(run.ending == .exit(0), "\(run.errors)")
    #expect(run.output.contains(link.program.expectedOutput), "\(run.output)\(run.errors)")
  }

  static let builds = RealProgram.allCases.flatMap { program in
    Build.all.flatMap { build in
      Reference.allCases.map { Link(program: program, build: build, options: [], reference: $0) }
    }
  }

  @Test(arguments: builds) func everyBuild(_ link: Link) async throws { try await compare(link, runs: true) }

  /// Options after which the result is still a command, whatever else changes.
  static let optionsOfCommands: [[String]] = [
    ["--no-gc-sections"], ["--print-gc-sections", "-Map=result.map"], ["--export-all"], ["--export-dynamic"],
    ["-O0"], ["-O2"], ["--strip-debug", "--compress-relocations"], ["--strip-all", "-O2", "--compress-relocations"],
    ["--no-demangle"], ["--no-merge-data-segments"], ["--stack-first", "-z", "stack-size=131072"],
    ["--emit-relocs"], ["--export-table", "--build-id"], ["--growable-table", "--build-id=sha1"],
    ["--initial-memory=33554432", "--max-memory=67108864", "--table-base=16"], ["--why-extract=-", "--trace"],
  ]

  /// Options after which it needs a host of its own.
  static let optionsOfOthers: [[String]] = [
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
    try await compare(link, runs: link.reference == .release22)
  }

  @Test(arguments: links(optionsOfOthers)) func everyOtherOption(_ link: Link) async throws {
    try await compare(link, runs: false)
  }
}
