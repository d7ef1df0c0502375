import SolderLinker
import Synchronization
import Testing

@testable import SolderCommandLine

/// The outcome of reading a command line: the options or the text, and all messages.
private struct Outcome {
  var options: LinkOptions?
  var text: String?
  var messages: [Diagnostic]

  var errors: [String] { messages.filter { $0.severity == .error }.map(\.text) }
  var warnings: [String] { messages.filter { $0.severity == .warning }.map(\.text) }
}

private final class Collector: Sendable {
  let messages = Mutex<[Diagnostic]>([])
}

private func readLine(_ arguments: [String]) -> Outcome {
  let collector = Collector()
  let diagnostics = Diagnostics(program: "wasm-ld") { message in collector.messages.withLock { $0.append(message) } }
  let request = readCommandLine(arguments, program: "wasm-ld", diagnostics: diagnostics)
  let messages = collector.messages.withLock { $0 }
  return switch request {
  case .link(let options, let text): Outcome(options: options, text: text, messages: messages)
  case .print(let text): Outcome(options: nil, text: text, messages: messages)
  case nil: Outcome(options: nil, text: nil, messages: messages)
  }
}

/// Reads a command line that also names an input and an output.
private func read(_ arguments: String...) -> Outcome { readLine(arguments + ["a.o", "-o", "out"]) }

private func link(_ arguments: String..., location: SourceLocation = #_sourceLocation) throws -> LinkOptions {
  let outcome = readLine(arguments + ["a.o", "-o", "out"])
  #expect(outcome.errors.isEmpty, sourceLocation: location)
  return try #require(outcome.options, sourceLocation: location)
}

@Suite struct SpellingTests {
  @Test func valuesJoinedAndSeparate() throws {
    #expect(try link("--export=f", "--export", "g", "-export=h", "-export", "i").exports == ["f", "g", "h", "i"])
    #expect(try link("-Lx", "-L", "y", "--library-path=z", "-library-path", "w").libraryPaths == ["x", "y", "z", "w"])
    #expect(try link("-uf", "-u", "g", "--undefined=h").undefinedSymbols == ["f", "g", "h"])
    #expect(try link("-ef").entry == "f")
    #expect(try link("-e", "f").entry == "f")
    #expect(try link("-entry=f").entry == "f")
    #expect(try link("-mwasm64").architecture == .wasm64)
    #expect(try link("-m", "wasm32").architecture == .wasm32)
    #expect(try link("-O2").optimizationLevel == 2)
    #expect(try link("-O", "0").optimizationLevel == 0)
    #expect(try link("-zstack-size=32").stackSize == 32)
    #expect(try link("-z", "stack-size=0x40").stackSize == 64)
    #expect(readLine(["a.o", "-oother"]).options?.outputPath == "other")
  }

  @Test func flagsOfOtherSystems() throws {
    _ = try link("--as-needed", "--no-as-needed", "--no-undefined")
    #expect(!readLine(["--help"]).text!.contains("as-needed"))
  }

  @Test func longestNameWins() throws {
    // Two dashes are asked of --export-all: with one, it is -e and a value, as in wasm-ld.
    let options = try link("-export-all")
    #expect(!options.exportAll)
    #expect(options.entry == "xport-all")
    #expect(readLine(["a.o", "-output"]).options?.outputPath == "utput")
    #expect(try link("-mllvm", "-x").architecture == nil)
    #expect(try link("--lto-O3", "--lto-CGO2", "--lto-partitions=2").inputs.count == 1)
  }

  @Test func separateValuesMayBeginWithDashes() throws {
    #expect(try link("--export", "--gc-sections").exports == ["--gc-sections"])
  }

  @Test func aliases() throws {
    #expect(try link("-s").stripAll)
    #expect(try link("-S").stripDebug)
    #expect(try link("-M").mapFile == "-")
    #expect(try link("-E").exportDynamic)
    #expect(try link("-t").traceInputs)
    #expect(try link("-yf", "-y", "g", "--trace-symbol=h").tracedSymbols == ["f", "g", "h"])
    #expect(try link("-z", "muldefs").allowMultipleDefinitions)
    #expect(readLine(["-r", "a.o", "-o", "out"]).options?.output == .relocatable)
  }

  @Test func lastOfAPairWins() throws {
    #expect(try !link("--gc-sections", "--no-gc-sections").gcSections)
    #expect(try link("--no-gc-sections", "-gc-sections").gcSections)
    #expect(try !link("--no-demangle").demangle)
    #expect(try link("--no-entry").entry == nil)
    #expect(try link("--no-entry", "--entry=f").entry == "f")
  }

  @Test func allOptionsOfWasmLdAreKnown() throws {
    let table = OptionTable()
    for name in wasmLdOptions {
      #expect(table.match(name) != nil, "\(name)")
    }
  }

  @Test func spellingsAreUnique() {
    var seen: Set<String> = []
    for option in OptionTable().options {
      for spelling in option.spellings {
        #expect(seen.insert("\(spelling.name) \(spelling.dashes)").inserted, "\(spelling.name)")
      }
    }
  }
}

@Suite struct PositionTests {
  @Test func inputsKeepTheStateWhereTheyStand() throws {
    let options = try link(
      "-lx", "--whole-archive", "b.a", "--no-whole-archive", "--start-lib", "c.o", "--end-lib", "-Bstatic", "-l", "y",
      "-Bdynamic", "--library=:z.so")
    #expect(
      options.inputs == [
        InputArgument(.library("x")),
        InputArgument(.file("b.a"), wholeArchive: true),
        InputArgument(.file("c.o"), lazy: true),
        InputArgument(.library("y"), librarySearch: .archiveOnly),
        InputArgument(.library(":z.so"), librarySearch: .sharedFirst),
        InputArgument(.file("a.o"), librarySearch: .sharedFirst),
      ])
  }

  @Test func positionIndependentOutputPrefersSharedLibraries() {
    let options = readLine(["-lx", "-shared", "-o", "out"]).options
    #expect(options?.inputs == [InputArgument(.library("x"), librarySearch: .sharedFirst)])
    #expect(LibrarySearch.archiveFirst.endings == [".a", ".so"])
  }

  @Test func startLibMustBeBalanced() {
    #expect(read("--start-lib", "--start-lib").errors == ["nested --start-lib"])
    #expect(read("--end-lib").errors == ["stray --end-lib"])
  }

  @Test func moduleNames() {
    func split(_ text: String, existing: String...) -> [String?] {
      let (module, path) = InputArgument.splitModuleName(text) { existing.contains($0) }
      return [module, path]
    }
    #expect(split("env=lib.so") == ["env", "lib.so"])
    #expect(split("wasi/x=d/lib=1.so") == ["wasi/x", "d/lib=1.so"])
    #expect(split("env=lib.so", existing: "env=lib.so") == [nil, "env=lib.so"])
    #expect(split("=lib.so") == ["", "lib.so"])
    #expect(split("lib=") == [nil, "lib="])
    #expect(split("lib.so") == [nil, "lib.so"])
  }
}

@Suite struct ResponseFileTests {
  private func expand(
    _ arguments: String..., quoting: ResponseFileQuoting = .posix, files: [String: String]
  ) throws -> [String] {
    try ResponseFileExpansion.expand(arguments, quoting: quoting) { files[$0].map { Array($0.utf8) } }
  }

  @Test func posixQuoting() throws {
    let text = #"a "b c" 'd "e' f\ g "h\"i" "" "# + "\n\tj\r\nk'l'm"
    #expect(
      try expand("@r", "z", files: ["r": text]) == ["a", "b c", "d \"e", "f g", "h\"i", "", "j", "klm", "z"])
  }

  @Test func windowsQuoting() throws {
    let text = #"C:\dir\a.o "b c" d\"e f\\"g h" "i""j" '\\srv\x' """#
    #expect(
      try expand("@r", quoting: .windows, files: ["r": text])
        == [#"C:\dir\a.o"#, "b c", "d\"e", #"f\g h"#, "i\"j", #"'\\srv\x'"#, ""])
  }

  @Test func nestedAndMissing() throws {
    let files = ["r": "a @s b", "s": "c\n@t", "t": "d"]
    #expect(try expand("@r", "@missing", "@t", files: files) == ["a", "c", "d", "b", "@missing", "d"])
  }

  @Test func loopsEnd() {
    #expect(throws: ResponseFileExpansion.Failure.self) { try expand("@r", files: ["r": "a @s", "s": "@r"]) }
    // No loop, but each level doubles.
    var files = ["0": "x"]
    for level in 1...60 { files["\(level)"] = "@\(level - 1) @\(level - 1)" }
    #expect(throws: ResponseFileExpansion.Failure.self) { try expand("@60", files: files) }
  }

  @Test func byteOrderMarks() throws {
    #expect(try expand("@r", files: ["r": "\u{FEFF}a b"]) == ["a", "b"])
    let utf16: [UInt8] = [0xFF, 0xFE, 0x61, 0, 0x20, 0, 0xFC, 0, 0x62]
    #expect(try ResponseFileExpansion.expand(["@r"], quoting: .posix) { _ in utf16 } == ["a", "ü"])
  }

  @Test func unknownQuoting() {
    #expect(read("--rsp-quoting=x").errors == ["invalid response file quoting: x"])
    #expect(read("--rsp-quoting", "windows").errors == [])
  }
}

@Suite struct UnknownOptionTests {
  @Test func suggestions() {
    #expect(read("--stack-frist").errors == ["unknown argument: --stack-frist, did you mean '--stack-first'"])
    #expect(read("--growable-tble").errors == ["unknown argument: --growable-tble, did you mean '--growable-table'"])
    #expect(read("--exprt=f").errors == ["unknown argument: --exprt=f, did you mean '--export='"])
    #expect(read("--nothing-like-it").errors == ["unknown argument: --nothing-like-it"])
    #expect(read("--").errors == ["unknown argument: --"])
    #expect(read("-f").errors == ["unknown argument: -f"])
  }

  @Test func distances() {
    func distance(_ left: String, _ right: String) -> Int {
      editDistance(Array(left.utf8), Array(right.utf8), limit: 10)
    }
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("frist", "first") == 1)
    #expect(distance("", "abc") == 3)
    #expect(distance("same", "same") == 0)
  }

  @Test func missingValues() {
    #expect(readLine(["a.o", "-o"]).errors == ["-o: missing argument"])
    #expect(readLine(["a.o", "--export"]).errors == ["--export: missing argument"])
  }
}

@Suite struct DefaultTests {
  @Test func defaultsOfReleases() throws {
    #expect(try link().stackFirst)
    #expect(try link("--compat=22").stackFirst)
    #expect(try !link("--compat=21").stackFirst)
    #expect(try !link("--compat=19").stackFirst)
    #expect(try link("--compat=19", "--stack-first").stackFirst)
    #expect(try !link("--no-stack-first").stackFirst)
    #expect(try link("--import-memory=m").memoryImport == MemoryImport(module: "env", name: "m"))
    #expect(try link("--import-memory=m", "--compat=21").memoryImport == MemoryImport(module: "m", name: ""))
    #expect(try link("--import-memory=m,a,b").memoryImport == MemoryImport(module: "m", name: "a,b"))
    #expect(read("--compat=20").errors == ["unknown --compat value: 20 (known are 19, 21, 22)"])
  }

  @Test func defaultsOfOutputKinds() throws {
    let executable = try link()
    #expect(executable.entry == "_start" && !executable.entryIsExplicit)
    #expect(executable.gcSections && executable.mergeDataSegments && !executable.exportDynamic)
    #expect(executable.stackSize == 65_536 && executable.pageSize == 65_536 && executable.optimizationLevel == 1)
    let shared = try link("-shared")
    #expect(shared.entry == "__wasm_call_ctors" && shared.exportDynamic)
    #expect(try !link("-shared", "--no-export-dynamic").exportDynamic)
    let object = try link("-r")
    #expect(object.entry == nil && !object.gcSections && !object.mergeDataSegments)
  }

  @Test func whatOptionsImply() throws {
    let executable = try link().normalized()
    #expect(executable.memoryExport == "memory" && executable.memoryImport == nil && !executable.importTable)
    #expect(executable.tableBase == 1 && executable.globalBase == nil)
    #expect(try link("--no-stack-first").normalized().globalBase == 1024)
    #expect(try link("--import-memory").normalized().memoryExport == nil)
    let both = try link("--import-memory", "--export-memory=m").normalized()
    #expect(both.memoryImport == MemoryImport() && both.memoryExport == "m")
    let shared = try link("-shared").normalized()
    #expect(shared.importTable && shared.memoryImport == MemoryImport() && shared.memoryExport == nil)
    #expect(shared.tableBase == nil && shared.globalBase == nil)
    #expect(try link("-r").normalized().importTable)
  }

  @Test func unresolvedSymbols() throws {
    #expect(try link().unresolvedSymbols == .error)
    #expect(try link("--warn-unresolved-symbols").unresolvedSymbols == .warn)
    #expect(try link("--unresolved-symbols=ignore-all").unresolvedSymbols == .ignore)
    #expect(try link("--unresolved-symbols=report-all", "--warn-unresolved-symbols").unresolvedSymbols == .warn)
    let undefined = try link("--allow-undefined", "--unresolved-symbols=report-all")
    #expect(undefined.unresolvedSymbols == .ignore && undefined.importUndefined)
  }
}

@Suite struct NumberTests {
  @Test func prefixes() {
    #expect(prefixedNumber("10") == 10)
    #expect(prefixedNumber("0x10") == 16)
    #expect(prefixedNumber("0XfF") == 255)
    #expect(prefixedNumber("010") == 8)
    #expect(prefixedNumber("0b11") == 3)
    #expect(prefixedNumber("0o17") == 15)
    #expect(prefixedNumber("0") == 0)
    #expect(prefixedNumber("18446744073709551615") == .max)
    for wrong in ["", "-1", "+1", "0x", "1x", "0x-1", "18446744073709551616", "٣", "08"] {
      #expect(prefixedNumber(wrong) == nil, "\(wrong)")
    }
  }

  @Test func sizes() throws {
    #expect(try link("--initial-memory=131072").initialMemory == 131_072)
    #expect(try link("--max-memory=0").maximumMemory == nil)
    #expect(try link("--heap-base=0x1000").heapBase == 4096)
    #expect(
      read("--initial-memory=0x10").errors == ["--initial-memory=0x10: number expected, but got '0x10'"])
    #expect(read("-i").errors == ["-i: number expected, but got ''"])
    #expect(read("-O3x").errors == ["-O3x: number expected, but got '3x'"])
    #expect(read("-z", "stack-size=abc").errors == ["invalid stack-size: abc"])
    #expect(read("-z", "abc").warnings == ["unknown -z value: abc"])
    #expect(read("-threads", "0").errors == ["-threads: expected a positive integer, but got '0'"])
    #expect(read("--threads=x").errors == ["--threads: expected a positive integer, but got 'x'"])
    #expect(read("--page-size=7").errors == ["--page_size=N must be either 1 or 65536"])
  }

  @Test func buildIDs() throws {
    #expect(try link("--build-id").buildID == .fast)
    #expect(try link("--build-id=tree").buildID == .sha1)
    #expect(try link("--build-id=0xABCDE").buildID == .bytes([0xAB, 0xCD, 0xE]))
    #expect(read("--build-id=0x1gz").errors == ["not a hexadecimal value: 1g"])
    #expect(read("--build-id=x").errors == ["unknown --build-id style: x"])
  }
}

@Suite struct OptionCheckTests {
  @Test func exclusions() {
    #expect(read("-shared", "-pie", "--experimental-pic").errors == ["-shared and -pie may not be used together"])
    #expect(read("--export-table", "-pie").errors == ["-shared/-pie is incompatible with --export-table"])
    #expect(
      read("--import-table", "--export-table").errors
        == ["--import-table and --export-table may not be used together"])
    #expect(
      read("-r", "--gc-sections", "-uf").errors
        == ["-r and --gc-sections may not be used together", "-r -and --undefined may not be used together"])
    #expect(read("-r", "--entry=f").errors == ["entry point specified for relocatable output file"])
    #expect(
      read("--max-memory=65536", "--no-growable-memory").errors
        == ["--max-memory is incompatible with --no-growable-memory"])
    #expect(read("-Bsymbolic").warnings == ["-Bsymbolic is only meaningful when combined with -shared"])
    #expect(read("-shared").warnings == ["creating shared libraries, with -shared, is not yet stable"])
    #expect(read("-m", "x86").errors == ["invalid target architecture: x86"])
  }

  @Test func nothingToLink() {
    #expect(readLine([]).errors == ["no input files"])
    #expect(readLine(["a.o"]).errors == ["no output file specified"])
  }

  @Test func versionAndHelp() {
    #expect(readLine(["--version"]).text == "Solder 0.2.0 (compatible with LLD 22)\n")
    #expect(readLine(["-v", "--compat=19"]).text == "Solder 0.2.0 (compatible with LLD 19)\n")
    let both = read("-v")
    #expect(both.text?.contains("LLD") == true && both.options != nil)
    #expect(read("-v", "--compat=19").options == nil)
    // Which options exclude each other comes behind the version, and from LLVM 21 on in front of it.
    for word in ["-v", "--version"] {
      let excluded = [word, "-shared", "--export-table", "a.o"]
      #expect(readLine(excluded + ["--compat=19"]).errors == [])
      let later = readLine(excluded)
      #expect(later.errors == ["-shared/-pie is incompatible with --export-table"])
      #expect(later.text?.contains("LLD") == true && later.options == nil)
    }
    let help = readLine(["-help"]).text ?? ""
    #expect(help.contains("--stack-first") && !help.contains("--completions"))
    #expect(help.utf8.split(separator: 10).allSatisfy { $0.count <= 100 })
    #expect(readLine(["--help-man"]).text?.contains(".SH OPTIONS") == true)
    for shell in ["bash", "zsh", "fish"] {
      #expect(readLine(["--completions=\(shell)"]).text?.contains("stack-first") == true)
    }
  }

  @Test func reproducedCommandLine() throws {
    #expect(
      try link("--export=f", "-z", "stack-size=64", "--reproduce=x.tar", "-s").commandLine == [
        .option(spelling: "--export=", value: "f", joined: true),
        .option(spelling: "-z", value: "stack-size=64", joined: false),
        .option(spelling: "-s", value: nil, joined: false),
        .input("a.o"), .output("out"),
      ])
  }
}

@Suite struct DiagnosticsTests {
  private func collect(_ options: DiagnosticOptions, _ body: (Diagnostics) -> Void) -> [String] {
    let collector = Collector()
    body(
      Diagnostics(program: "ld", options: options) { message in collector.messages.withLock { $0.append(message) } })
    return collector.messages.withLock { $0.map(\.rendered) }
  }

  @Test func limits() {
    var options = DiagnosticOptions()
    options.errorLimit = 2
    options.color = .never
    let lines = collect(options) { diagnostics in
      for number in 1...5 { diagnostics.error("\(number)", .internal) }
      #expect(diagnostics.errorCount == 5 && diagnostics.reachedErrorLimit)
    }
    #expect(
      lines == [
        "ld: error: 1\n", "ld: error: 2\n",
        "ld: error: too many errors emitted, stopping now (use -error-limit=0 to see all errors)\n",
      ])
  }

  @Test func severities() {
    var options = DiagnosticOptions()
    options.color = .always
    let lines = collect(options) { diagnostics in
      diagnostics.warn("a\n>>> b", .memory)
      diagnostics.error("c", .memory)
      diagnostics.message("d")
      diagnostics.log("not shown")
      options.fatalWarnings = true
      options.verbose = true
      options.color = .never
      diagnostics.configure(options)
      diagnostics.warn("e", .memory)
      diagnostics.log("f")
    }
    #expect(
      lines == [
        "ld: \u{1B}[0;35mwarning: \u{1B}[0ma\n>>> b\n", "\nld: \u{1B}[0;31merror: \u{1B}[0mc\n", "d\n",
        "ld: error: e\n", "ld: f\n",
      ])
  }

  /// The last limit counts; one that is no number is the usual one.
  @Test func limitThatIsNoNumber() {
    #expect(
      read("--error-limit=1", "--error-limit=x", "--table-base=x").errors == [
        "--error-limit=x: number expected, but got 'x'", "--table-base=x: number expected, but got 'x'",
      ])
  }

  @Test func allUnknownOptionsAreReportedWhateverTheLimit() {
    #expect(read("--error-limit=1", "-f", "-g").errors == ["unknown argument: -f", "unknown argument: -g"])
    #expect(read("--fatal-warnings", "-z", "x").errors == ["unknown -z value: x"])
  }

  @Test func programNames() {
    #expect(programName("/usr/bin/wasm-ld") == "wasm-ld")
    #expect(programName("solder.exe") == "solder")
  }
}
