import SolderLinker

/// Turns the arguments of a command line, one after the other, into link options.
struct OptionReader {
  /// What the command line asks for instead of a link.
  enum Request: Equatable {
    /// - Parameter hidden: whether options are listed that are only there for others' sake.
    case help(hidden: Bool)
    case manual
    case completions(Shell)
  }

  let diagnostics: Diagnostics
  var options = LinkOptions()
  var request: Request?
  /// `--version`: the version, and nothing else.
  var printsVersion = false
  /// `-v`: the version, then the link, if there is something to link.
  var printsVersionFirst = false

  // The state that inputs take along from where they stand.
  var wholeArchive = false
  var librarySearch: LibrarySearch?
  private var inLibrary = false

  // What only makes sense together with other options.
  var shared = false
  var pie = false
  var relocatable = false
  var experimentalPIC = false
  var importsDefaultMemory = false
  var exportsDefaultMemory = false
  var printsMap = false
  var allowUndefined = false
  var unresolvedAreErrors = true
  private var unresolvedSymbols: UnresolvedSymbols?
  private(set) var ltoPartitions: Int64 = 1
  private(set) var ltoJobs = ""

  init(diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
  }

  /// Reads all arguments, reporting what is wrong with each.
  mutating func read(_ arguments: [ParsedArgument], _ table: OptionTable) {
    let arguments = OptionReader.withLastMarked(arguments, table)
    apply(arguments, table, .appearance)
    diagnostics.configure(options.diagnostics)
    reportUnreadable(arguments, table)
    apply(arguments, table, .early)
    options.output = relocatable ? .relocatable : shared ? .shared : pie ? .pie : .executable
    diagnostics.configure(options.diagnostics)
    apply(arguments, table, .ordinary)
    finish()
  }

  /// The arguments, each of which knows whether another one about the same follows.
  private static func withLastMarked(_ arguments: [ParsedArgument], _ table: OptionTable) -> [ParsedArgument] {
    var seen: Set<Substring> = []
    var result = arguments
    for index in result.indices.reversed() {
      guard case .option(let option) = result[index].kind else { continue }
      result[index].isLast = seen.insert(table.options[option].subject).inserted
    }
    return result
  }

  /// Reports arguments that the table does not know; before the error limit is, so that none of them is left out.
  private func reportUnreadable(_ arguments: [ParsedArgument], _ table: OptionTable) {
    if let last = arguments.last, case .incomplete = last.kind {
      diagnostics.error("\(last.text): missing argument")
    }
    for argument in arguments {
      guard case .unknown = argument.kind else { continue }
      let suggestion = table.suggestion(for: argument.text).map { ", did you mean '\($0)'" } ?? ""
      diagnostics.error("unknown argument: \(argument.text)\(suggestion)")
    }
  }

  private mutating func apply(_ arguments: [ParsedArgument], _ table: OptionTable, _ stage: Option.Stage) {
    for argument in arguments {
      switch argument.kind {
      case .option(let index):
        let option = table.options[index]
        if option.stage == stage { option.effect(&self, argument) }
        if stage == .ordinary { record(argument) }
      case .input where stage == .ordinary:
        addInput(.file(argument.value))
        options.commandLine.append(.input(argument.value))
      case .module(let path) where stage == .ordinary:
        addInput(.module(argument.value, path: path))
        options.commandLine.append(.input("\(argument.value)=\(path)"))
      case .input, .module, .unknown, .incomplete: break
      }
    }
  }

  /// Remembers an option for `--reproduce`.
  private mutating func record(_ argument: ParsedArgument) {
    switch argument.spelling {
    case "--reproduce", "--reproduce=": break
    case "-o", "--output", "--output=": options.commandLine.append(.output(argument.value))
    default:
      options.commandLine.append(
        .option(
          spelling: argument.spelling, value: argument.form == .flag ? nil : argument.value,
          joined: argument.form == .joined))
    }
  }

  /// Settles what several options decide together.
  private mutating func finish() {
    if importsDefaultMemory && options.memoryImport == nil { options.memoryImport = MemoryImport() }
    if exportsDefaultMemory && options.memoryExport == nil { options.memoryExport = LinkOptions.memoryName }
    if printsMap { options.mapFile = "-" }
    options.unresolvedSymbols = unresolvedSymbols ?? (unresolvedAreErrors ? .error : .warn)
    if allowUndefined {
      options.importUndefined = true
      options.unresolvedSymbols = .ignore
    }
  }
}

// MARK: Inputs

extension OptionReader {
  mutating func addInput(_ name: InputArgument.Name) {
    let usual: LibrarySearch = options.isPositionIndependent ? .sharedFirst : .archiveFirst
    options.inputs.append(
      InputArgument(name, wholeArchive: wholeArchive, lazy: inLibrary, librarySearch: librarySearch ?? usual))
  }

  mutating func startLibrary() {
    if inLibrary { diagnostics.error("nested --start-lib") }
    inLibrary = true
  }

  mutating func endLibrary() {
    if !inLibrary { diagnostics.error("stray --end-lib") }
    inLibrary = false
  }
}

// MARK: Values

extension OptionReader {
  /// Reports a wrong value. As for wasm-ld, only the last argument counts of an option that has one value.
  private func reject(_ argument: ParsedArgument, _ message: String) {
    if argument.isLast { diagnostics.error(message) }
  }

  /// A number in decimal, nil after an error.
  private func number(_ argument: ParsedArgument) -> Int64? {
    if let number = decimalNumber(argument.value) { return number }
    reject(argument, "\(argument.text): number expected, but got '\(argument.value)'")
    return nil
  }

  /// Sets an address or a size. Zero means that nothing was asked for, and a negative number, like in wasm-ld, is one
  /// beyond any memory: the layout reports it.
  mutating func setNumber(_ path: WritableKeyPath<LinkOptions, UInt64?>, _ argument: ParsedArgument) {
    guard let number = number(argument) else { return }
    options[keyPath: path] = number == 0 ? nil : UInt64(bitPattern: number)
  }

  func reportMissingNumber(_ spelling: String) {
    diagnostics.error("\(spelling): number expected, but got ''")
  }

  /// The words between commas.
  static func list(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) }
  }

  mutating func setCompatibility(_ argument: ParsedArgument) {
    guard let number = Int(argument.value), let release = Compatibility(rawValue: number) else {
      let known = Compatibility.allCases.map { String($0.rawValue) }.joined(separator: ", ")
      reject(argument, "unknown --compat value: \(argument.value) (known are \(known))")
      return
    }
    options.compatibility = release
  }

  mutating func setOpenableInitialization(_ argument: ParsedArgument) {
    guard let value = OpenableInitialization(rawValue: argument.value) else {
      return reject(argument, "unknown --dl-init value: \(argument.value) (known are open, start)")
    }
    options.openableInitialization = value
  }

  func checkFlavor(_ argument: ParsedArgument) {
    // What rustc and others pass to a linker that may be the many-headed lld.
    if argument.value != "wasm" && argument.value != "ld-wasm" && argument.value != "wasm-ld" {
      diagnostics.error("unknown flavor: \(argument.value)")
    }
  }

  mutating func setCompletions(_ argument: ParsedArgument) {
    guard let shell = Shell(rawValue: argument.value) else {
      diagnostics.error("unknown --completions value: \(argument.value)")
      return
    }
    request = .completions(shell)
  }

  mutating func setThreads(_ argument: ParsedArgument) {
    guard let number = prefixedNumber(argument.value), number > 0, number <= UInt32.max else {
      let name = argument.spelling.hasSuffix("=") ? String(argument.spelling.dropLast()) : argument.spelling
      reject(argument, "\(name): expected a positive integer, but got '\(argument.value)'")
      return
    }
    options.threads = Int(number)
  }

  mutating func setErrorLimit(_ argument: ParsedArgument) {
    guard let number = number(argument) else {
      options.diagnostics.errorLimit = DiagnosticOptions().errorLimit
      return
    }
    // A negative limit is one that is never reached.
    options.diagnostics.errorLimit = number < 0 ? .max : Int(clamping: number)
  }

  mutating func setColor(_ argument: ParsedArgument) {
    switch argument.value {
    case "always": options.diagnostics.color = .always
    case "never": options.diagnostics.color = .never
    case "auto": options.diagnostics.color = .automatic
    default: reject(argument, "unknown option: --color-diagnostics=\(argument.value)")
    }
  }

  mutating func setArchitecture(_ argument: ParsedArgument) {
    guard let architecture = Architecture(rawValue: argument.value) else {
      reject(argument, "invalid target architecture: \(argument.value)")
      return
    }
    options.architecture = architecture
  }

  mutating func setHeapBase(_ argument: ParsedArgument) {
    guard let address = prefixedNumber(argument.value) else {
      reject(argument, "\(argument.text): number expected, but got '\(argument.value)'")
      return
    }
    options.heapBase = address
  }

  mutating func setPageSize(_ argument: ParsedArgument) {
    let size = number(argument)
    if size != 1 && size != 65_536 {
      reject(argument, "--page_size=N must be either 1 or 65536")
    } else if let size {
      options.pageSize = UInt64(size)
    }
  }

  mutating func setOptimizationLevel(_ argument: ParsedArgument) {
    guard let level = number(argument) else { return }
    options.optimizationLevel = Int(clamping: level)
  }

  mutating func setMemoryImport(_ argument: ParsedArgument) {
    let value = argument.value
    if let comma = value.firstIndex(of: ",") {
      options.memoryImport = MemoryImport(
        module: String(value[..<comma]), name: String(value[value.index(after: comma)...]))
    } else if options.compatibility.importMemoryNamesField {
      options.memoryImport = MemoryImport(name: value)
    } else {
      options.memoryImport = MemoryImport(module: value, name: "")
    }
  }

  mutating func setSizeReport(_ argument: ParsedArgument) {
    guard argument.value.hasSuffix(".html") || argument.value.hasSuffix(".json") else {
      diagnostics.error(
        "--size-report: the name of a file that ends in .html or .json expected, but got '\(argument.value)'")
      return
    }
    // One of each form.
    options.sizeReportFiles.removeAll { $0.hasSuffix(".json") == argument.value.hasSuffix(".json") }
    options.sizeReportFiles.append(argument.value)
  }

  mutating func addWhyLive(_ argument: ParsedArgument) {
    guard !argument.value.isEmpty else { return diagnostics.error("--why-live: the name of a symbol is missing") }
    options.whyLiveSymbols.append(argument.value)
  }

  mutating func setUnresolvedSymbols(_ argument: ParsedArgument) {
    switch argument.value {
    case "ignore-all": unresolvedSymbols = .ignore
    case "import-dynamic": unresolvedSymbols = .importDynamic
    case "report-all": unresolvedSymbols = nil
    default: reject(argument, "unknown --unresolved-symbols value: \(argument.value)")
    }
  }

  mutating func addStub(_ argument: ParsedArgument) {
    guard let first = argument.value.first, first != "=" else {
      return diagnostics.error("--stub: the name of a symbol is missing")
    }
    guard let equals = argument.value.lastIndex(of: "=") else {
      options.stubs[argument.value] = 0
      return
    }
    let text = argument.value[argument.value.index(after: equals)...]
    guard
      let number = decimalNumber(String(text)) ?? prefixedNumber(String(text)).map({ Int64(bitPattern: UInt64($0)) })
    else {
      diagnostics.error("\(argument.text): number expected, but got '\(text)'")
      return
    }
    options.stubs[String(argument.value[..<equals])] = number
  }

  mutating func setUnresolvedImports(_ argument: ParsedArgument) {
    guard let choice = UnresolvedImports(rawValue: argument.value) else {
      reject(
        argument, "unknown --unresolved-imports value: \(argument.value) (known are ignore, mistakes, warn, error)")
      return
    }
    options.unresolvedImports = choice
  }

  mutating func setIdenticalCodeFolding(_ argument: ParsedArgument) {
    guard let folding = IdenticalCodeFolding(rawValue: argument.value) else {
      reject(argument, "unknown --icf value: \(argument.value)")
      return
    }
    options.identicalCodeFolding = folding
  }

  /// `NAME=FILE`.
  mutating func addSourceMap(_ value: String) {
    guard let equals = value.firstIndex(of: "="), equals > value.startIndex else {
      return diagnostics.error("--source-map: NAME=FILE expected, and not \(value)")
    }
    options.sourceMaps[String(value[..<equals])] = String(value[value.index(after: equals)...])
  }

  mutating func setBuildID(_ argument: ParsedArgument) {
    switch argument.value {
    case "fast": options.buildID = .fast
    // The hashes of lld are all computed as trees, so that this is another name for one of them.
    case "sha1", "tree": options.buildID = .sha1
    case "uuid": options.buildID = .uuid
    case "none": options.buildID = .none
    case let style where style.hasPrefix("0x"):
      do throws(HexadecimalFailure) {
        options.buildID = .bytes(try hexadecimalBytes(style.dropFirst(2)))
      } catch {
        reject(argument, "not a hexadecimal value: \(error.digits)")
      }
    default: reject(argument, "unknown --build-id style: \(argument.value)")
    }
  }

  /// Reads a `-z` option.
  mutating func setExtension(_ argument: ParsedArgument) {
    if argument.value == "muldefs" {
      options.allowMultipleDefinitions = true
    } else if argument.value.hasPrefix("stack-size=") {
      let size = argument.value.dropFirst("stack-size=".utf8.count)
      guard let number = prefixedNumber(size) else {
        diagnostics.error("invalid stack-size: \(size)")
        return
      }
      options.stackSize = number
    } else {
      let key = String(argument.value.prefix { $0 != "=" })
      let near = ["muldefs", "stack-size="].first { near in
        editDistance(Array(key.utf8), Array(near.utf8.filter { $0 != UInt8(ascii: "=") }), limit: 2) <= 2
      }
      diagnostics.report(
        isError: false, "unknown -z value: \(argument.value)", hint: near.map { "did you mean '-z \($0)'" },
        about: "-z \(key)", .commandLine, as: options)
    }
  }
}

// MARK: Link-time optimisation

extension OptionReader {
  mutating func checkLTOLevel(_ argument: ParsedArgument) {
    guard let level = number(argument) else { return }
    if !(0...3 ~= level) { reject(argument, "invalid optimization level for LTO: \(level)") }
  }

  mutating func checkLTOCodeLevel(_ argument: ParsedArgument) {
    guard let level = number(argument) else { return }
    if !(0...3 ~= level) { reject(argument, "invalid codegen optimization level for LTO: \(level)") }
  }

  mutating func setLTOPartitions(_ argument: ParsedArgument) {
    if let partitions = number(argument) { ltoPartitions = partitions }
  }

  mutating func setLTOJobs(_ argument: ParsedArgument) {
    ltoJobs = argument.value
  }
}
