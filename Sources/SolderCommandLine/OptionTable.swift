import SolderLinker

/// All options of Solder, in one table that drives parsing, the help, the manual page and completions.
struct OptionTable {
  private(set) var options: [Option] = []
  /// For each name without dashes, the options that are written so.
  private var spellings: [Substring: [(option: Int, spelling: Option.Spelling)]] = [:]
  /// Length of the longest name that takes its value without a `=`.
  private var longestJoinedName = 0

  /// - Parameter isOfWasmLD: whether there are only the options that `wasm-ld` might have: none that other linkers know by
  ///   names which it refuses.
  init(isOfWasmLD: Bool = false) {
    addGeneral()
    addInputs()
    addOutput(isOfWasmLD: isOfWasmLD)
    addSymbols()
    addUnresolved()
    addMemory()
    addTable()
    addSections()
    addFeatures()
    addReports()
    addDiagnostics()
    addLinkTimeOptimization()
    if !isOfWasmLD { addCustomary() }
  }

  private var group = Option.Group.general

  private mutating func add(
    _ spellings: [Option.Spelling], _ value: Option.Value, _ help: String, stage: Option.Stage = .ordinary,
    effect: @escaping Option.Effect
  ) {
    for spelling in spellings {
      self.spellings[spelling.name[...], default: []].append((options.count, spelling))
      if spelling.form != .flag && spelling.form != .separate && !spelling.name.hasSuffix("=") {
        longestJoinedName = max(longestJoinedName, spelling.name.utf8.count)
      }
    }
    options.append(
      Option(spellings: spellings, value: value, help: help, group: group, stage: stage, effect: effect))
  }

  /// Adds an option without a value; `aliases` hold their dashes.
  private mutating func flag(
    _ name: String, dashes: Option.Dashes = .oneOrTwo, aliases: [String] = [], _ help: String,
    stage: Option.Stage = .ordinary, effect: @escaping (inout OptionReader) -> Void
  ) {
    var spellings = [Option.Spelling(name: name, form: .flag, dashes: dashes)]
    spellings += aliases.map { alias in
      alias.hasPrefix("--")
        ? Option.Spelling(name: String(alias.dropFirst(2)), form: .flag, dashes: .oneOrTwo)
        : Option.Spelling(name: String(alias.dropFirst()), form: .flag, dashes: .one)
    }
    add(spellings, .none, help, stage: stage) { reader, _ in effect(&reader) }
  }

  /// Adds an option and its opposite.
  private mutating func pair(
    _ name: String, dashes: Option.Dashes = .oneOrTwo, aliases: [String] = [], _ help: String, _ opposite: String,
    stage: Option.Stage = .ordinary, _ path: WritableKeyPath<OptionReader, Bool>
  ) {
    flag(name, dashes: dashes, aliases: aliases, help, stage: stage) { $0[keyPath: path] = true }
    flag("no-" + name, dashes: dashes, opposite, stage: stage) { $0[keyPath: path] = false }
  }

  /// Adds an option written `--name=VALUE` or `--name VALUE`, and with `short` also `-xVALUE` and `-x VALUE`.
  private mutating func value(
    _ name: String, dashes: Option.Dashes = .oneOrTwo, short: String? = nil, _ value: Option.Value, _ help: String,
    stage: Option.Stage = .ordinary, effect: @escaping Option.Effect
  ) {
    var spellings = [
      Option.Spelling(name: name + "=", form: .joined, dashes: dashes),
      Option.Spelling(name: name, form: .separate, dashes: dashes),
    ]
    if let short { spellings.append(Option.Spelling(name: short, form: .joinedOrSeparate, dashes: .one)) }
    add(spellings, value, help, stage: stage, effect: effect)
  }

  /// Adds an option of which wasm-ld takes only one argument that begins with `name`, usually ending in `=`.
  private mutating func joined(
    _ name: String, dashes: Option.Dashes = .two, _ value: Option.Value, _ help: String,
    stage: Option.Stage = .ordinary, effect: @escaping Option.Effect
  ) {
    add([Option.Spelling(name: name, form: .joined, dashes: dashes)], value, help, stage: stage, effect: effect)
  }

  /// Adds an option of one letter, whose value follows at once or as the next argument.
  private mutating func letter(
    _ name: String, long: String? = nil, _ value: Option.Value, _ help: String, stage: Option.Stage = .ordinary,
    effect: @escaping Option.Effect
  ) {
    var spellings = [Option.Spelling(name: name, form: .joinedOrSeparate, dashes: .one)]
    if let long {
      spellings.append(Option.Spelling(name: long + "=", form: .joined, dashes: .oneOrTwo))
      spellings.append(Option.Spelling(name: long, form: .separate, dashes: .oneOrTwo))
    }
    add(spellings, value, help, stage: stage, effect: effect)
  }
}

// MARK: The options

extension OptionTable {
  private mutating func addGeneral() {
    group = .general
    flag("help", "Print this help and exit") { $0.request = .help(hidden: false) }
    flag("version", "Print the version and exit") { $0.printsVersion = true }
    flag("v", dashes: .one, aliases: ["-V"], "Print the version, and go on if there are inputs") {
      $0.printsVersionFirst = true
    }
    joined(
      "compat=", .choices(["19", "21", "22"]), "Behave like this release of LLVM's wasm-ld (default: 22)",
      stage: .early
    ) { $0.setCompatibility($1) }
    value("threads", .text("N"), "Use N threads; 1 turns threads off (default: one for each processor)") {
      $0.setThreads($1)
    }
    value("rsp-quoting", .choices(["posix", "windows"]), "Quoting in response files", stage: .early) { _, _ in }
    add([Option.Spelling(name: "flavor", form: .separate, dashes: .one)], .text("flavor"), "", stage: .early) {
      $0.checkFlavor($1)
    }
    flag("help-man", dashes: .two, "") { $0.request = .manual }
    joined("completions=", .choices(["bash", "zsh", "fish"]), "") { $0.setCompletions($1) }
  }

  /// What other linkers have, and `wasm-ld` has not.
  private mutating func addCustomary() {
    group = .general
    flag("h", dashes: .one, "") { $0.request = .help(hidden: false) }
    flag("help-hidden", "") { $0.request = .help(hidden: true) }
    // Archives are looked through in any order, as often as needed.
    for name in ["start-group", "end-group"] { flag(name, dashes: .two, "") { _ in } }
  }

  private mutating func addInputs() {
    group = .inputs
    letter("l", long: "library", .text("name"), "Link libname.a or libname.so; -l:file takes an exact name") {
      $0.addInput(.library($1.value))
    }
    letter("L", long: "library-path", .directory("dir"), "Search this folder for libraries") {
      $0.options.libraryPaths.append($1.value)
    }
    flag("Bstatic", aliases: ["--dn", "--non_shared", "--static"], "From here on, -l takes archives only") {
      $0.librarySearch = .archiveOnly
    }
    flag("Bdynamic", aliases: ["--call_shared", "--dy"], "From here on, -l prefers shared libraries to archives") {
      $0.librarySearch = .sharedFirst
    }
    flag("whole-archive", "From here on, link all members of archives") { $0.wholeArchive = true }
    flag("no-whole-archive", "From here on, link needed members of archives only (default)") { $0.wholeArchive = false }
    flag("start-lib", "From here on, treat objects as if they were members of an archive") { $0.startLibrary() }
    flag("end-lib", "End what --start-lib began") { $0.endLibrary() }
    letter("m", .choices(["wasm32", "wasm64"]), "Require inputs of this address width") { $0.setArchitecture($1) }
    joined(
      "heap-base=", .text("address"),
      "Where the static memory of a plain module ends, when the module does not say so itself"
    ) { $0.setHeapBase($1) }
    value(
      "dl-openable", dashes: .two, .file("[name=]file"),
      "Link this shared library in whole, for dlopen to find by its file name, or as name"
    ) { $0.options.openableLibraries.append(.file($1.value)) }
    flag("dl-openable-all", dashes: .two, "Let dlopen find every shared library that is linked") {
      $0.options.opensAllLibraries = true
    }
    joined(
      "dl-init=", .choices(["open", "start"]),
      "When constructors run of a library that is only to be opened: at the first dlopen (default), or at start"
    ) { $0.setOpenableInitialization($1) }
    // What build systems pass to linkers of other systems, and what holds here anyway.
    for name in ["as-needed", "no-as-needed", "no-undefined"] { flag(name, dashes: .two, "") { _ in } }
    flag("no-shlib-sigcheck", dashes: .two, "Do not compare signatures of functions in shared libraries") {
      $0.options.checksSharedLibrarySignatures = false
    }
  }

  private mutating func addOutput(isOfWasmLD: Bool) {
    group = .output
    letter("o", .file("path"), "Write the output to this file") { $0.options.outputPath = $1.value }
    if !isOfWasmLD { value("output", dashes: .two, .file("path"), "") { $0.options.outputPath = $1.value } }
    flag("shared", "Make a shared library", stage: .early) { $0.shared = true }
    pair(
      "pie", "Make a position-independent executable", "Do not make a position-independent executable (default)",
      stage: .early, \.pie)
    flag("relocatable", aliases: ["-r"], "Make an object file", stage: .early) { $0.relocatable = true }
    flag("experimental-pic", dashes: .two, "Do not warn that position-independent output is not stable yet") {
      $0.experimentalPIC = true
    }
    value("soname", .text("name"), "Set the module name in the name section") { $0.options.soname = $1.value }
    value("rpath", .directory("dir"), "Record a run-time library folder in a shared library") {
      $0.options.runtimePaths.append($1.value)
    }
    value("rpath-link", .directory("dir"), "Look here for libraries that other libraries need") {
      $0.options.runtimePathLinks.append($1.value)
    }
    joined(
      "build-id=", dashes: .oneOrTwo, .choices(["fast", "sha1", "uuid", "none", "0x<hexstring>"]),
      "Write a build ID, made in this way"
    ) { $0.setBuildID($1) }
    flag("build-id", "Alias for --build-id=fast") { $0.options.buildID = .fast }
    flag("emit-relocs", "Keep relocations in the output") { $0.options.emitRelocations = true }
    flag("noinhibit-exec", "Write the output although kinds or signatures of symbols differ") {
      $0.options.writesDespiteErrors = true
    }
    flag("strip-all", aliases: ["-s"], "Strip all symbols and debugging information") { $0.options.stripAll = true }
    flag("strip-debug", aliases: ["-S"], "Strip debugging information") { $0.options.stripDebug = true }
    flag("no-strip-debug", "Keep debugging information, which --compress-relocations otherwise wants stripped") {
      $0.options.stripDebug = false
      $0.options.keepDebug = true
    }
    value("source-map-output", dashes: .two, .file("file"), "Write the source maps of the inputs, joined, to this file")
    {
      $0.options.sourceMapFile = $1.value
    }
    value("source-map-url", dashes: .two, .text("url"), "Name the source map so in the result") {
      $0.options.sourceMapURL = $1.value
    }
    value("source-map", dashes: .two, .text("name=file"), "Take this file for the source map of the input of this name")
    {
      $0.addSourceMap($1.value)
    }
    value("keep-section", .text("name"), "Keep this custom section in spite of --strip-all") {
      $0.options.keepSections.append($1.value)
    }
  }

  private mutating func addSymbols() {
    group = .symbols
    value("entry", short: "e", .text("symbol"), "Start with this symbol (default: _start)") {
      $0.options.entryPoint = $1.value.isEmpty ? .none : .named($1.value)
    }
    flag("no-entry", dashes: .two, "Make a module without an entry point") { $0.options.entryPoint = .none }
    value("init-export", .text("name"), "Export a function that runs constructors, once") {
      $0.options.initExport = $1.value
    }
    value("export", .text("symbol"), "Export this symbol, which must be defined") {
      $0.options.exports.append($1.value)
    }
    value("export-if-defined", .text("symbol"), "Export this symbol if it is defined") {
      $0.options.exportsIfDefined.append($1.value)
    }
    flag("export-all", dashes: .two, "Export all symbols (normally with --no-gc-sections)") {
      $0.options.exportAll = true
    }
    pair(
      "export-dynamic", aliases: ["-E"], "Export symbols of default visibility",
      "Export only what is asked for (default)", \.options.exportDynamic)
    value("undefined", short: "u", .text("symbol"), "Link what defines this symbol, even if nothing refers to it") {
      $0.options.undefinedSymbols.append($1.value)
    }
    value("wrap", .text("symbol"), "Let uses of the symbol go to __wrap_symbol, and __real_symbol to the symbol") {
      $0.options.wrappedSymbols.append($1.value)
    }
    flag("Bsymbolic", "Bind references of a shared library to its own definitions") {
      $0.options.bindsSymbolsLocally = true
    }
    pair(
      "allow-multiple-definition", "Take the first of several definitions",
      "Report several definitions as an error (default)", \.options.allowMultipleDefinitions)
    flag(
      "rename-export-conflicts", aliases: ["-rec"], "Give a second export of one name another name: name_1 and so on"
    ) { $0.options.exportConflicts = .rename }
    flag("skip-export-conflicts", aliases: ["-sec"], "Keep only the first of several exports of one name") {
      $0.options.exportConflicts = .skip
    }
    pair("demangle", "Demangle symbol names (default)", "Do not demangle symbol names", \.options.demangle)
  }

  private mutating func addUnresolved() {
    flag("allow-undefined", "Alias for --import-undefined and --unresolved-symbols=ignore-all") {
      $0.allowUndefined = true
    }
    add(
      [
        Option.Spelling(name: "allow-undefined-file=", form: .joined, dashes: .oneOrTwo),
        Option.Spelling(name: "allow-undefined-file", form: .separate, dashes: .one),
      ], .file("file"), "Allow the symbols listed in this file to be undefined"
    ) { $0.options.allowUndefinedFiles.append($1.value) }
    value(
      "stub", dashes: .two, .text("symbol[=number]"),
      "Where nobody defines this symbol: a function that gives the number, or data that holds it (default: 0)"
    ) { $0.addStub($1) }
    flag("stub-missing", dashes: .two, "Let calls of functions that nobody defines trap, and list these functions") {
      $0.options.stubsMissing = true
    }
    flag("import-undefined", "Turn undefined symbols into imports where possible") { $0.options.importUndefined = true }
    value(
      "unresolved-symbols", .choices(["report-all", "ignore-all", "import-dynamic"]),
      "What to do about undefined symbols (default: report-all)"
    ) { $0.setUnresolvedSymbols($1) }
    value(
      "unresolved-imports", .choices(["ignore", "mistakes", "warn", "error"]),
      "What to do about imports of plain modules that no input provides (default: warn of likely mistakes)"
    ) { $0.setUnresolvedImports($1) }
    value("host-module", .text("name"), "The host provides this module: its imports are not unresolved") {
      $0.options.hostModules.append($1.value)
    }
    flag("error-unresolved-symbols", "Report undefined symbols as errors (default)") { $0.unresolvedAreErrors = true }
    flag("warn-unresolved-symbols", "Report undefined symbols as warnings") { $0.unresolvedAreErrors = false }
  }

  private mutating func addMemory() {
    group = .memory
    joined("import-memory=", .text("module,name"), "Import the memory from this module under this name") {
      $0.setMemoryImport($1)
    }
    flag("import-memory", dashes: .two, "Import the memory as env.memory") { $0.importsDefaultMemory = true }
    joined("export-memory=", .text("name"), "Export the memory under this name") {
      $0.options.memoryExport = $1.value
    }
    flag("export-memory", dashes: .two, "Export the memory as memory (default, unless it is imported)") {
      $0.exportsDefaultMemory = true
    }
    flag("shared-memory", dashes: .two, "Share the memory between threads") { $0.options.sharedMemory = true }
    joined("initial-memory=", .text("bytes"), "Initial size of the memory") {
      $0.setNumber(\.initialMemory, $1)
    }
    // wasm-ld has a short form that cannot take the number it needs.
    flag("i", dashes: .one, "") { $0.reportMissingNumber("-i") }
    joined("initial-heap=", .text("bytes"), "Initial size of the heap") { $0.setNumber(\.initialHeap, $1) }
    joined("max-memory=", .text("bytes"), "Maximum size of the memory") { $0.setNumber(\.maximumMemory, $1) }
    flag("no-growable-memory", dashes: .two, "Make the initial size of the memory its maximum") {
      $0.options.noGrowableMemory = true
    }
    joined("global-base=", .text("address"), "Address of the first static data") {
      $0.setNumber(\.globalBase, $1)
    }
    joined("page-size=", .choices(["1", "65536"]), "Bytes of a page of memory (default: 65536)") {
      $0.setPageSize($1)
    }
    pair(
      "stack-first", "Place the stack below the static data (default since LLVM 22)",
      "Place the stack above the static data (default before LLVM 22)", \.options.stackFirst)
    letter("z", .text("key[=value]"), "Extensions: stack-size=<bytes>, muldefs") { $0.setExtension($1) }
  }

  private mutating func addTable() {
    group = .table
    flag("import-table", dashes: .two, "Import the function table") { $0.options.importTable = true }
    flag("export-table", dashes: .two, "Export the function table") { $0.options.exportTable = true }
    flag("growable-table", dashes: .two, "Let the function table grow") { $0.options.growableTable = true }
    joined("table-base=", .text("slot"), "First slot given to functions (default: 1)") {
      $0.setNumber(\.tableBase, $1)
    }
  }

  private mutating func addSections() {
    group = .sections
    pair(
      "gc-sections", "Drop sections that nothing reaches (default)", "Keep sections that nothing reaches",
      \.options.gcSections)
    pair(
      "print-gc-sections", "List dropped sections", "Do not list dropped sections (default)",
      \.options.printGCSections)
    joined(
      "icf=", dashes: .oneOrTwo, .choices(["none", "safe", "all"]),
      "Keep identical functions once: none (default), those that nobody can tell apart, or all"
    ) { $0.setIdenticalCodeFolding($1) }
    pair(
      "print-icf-sections", "List identical functions that were folded",
      "Do not list identical functions that were folded (default)", \.options.printFoldedSections)
    pair(
      "merge-data-segments", dashes: .two, "Merge data segments of one kind (default)", "Do not merge data segments",
      \.options.mergeDataSegments)
    flag("compress-relocations", "Shorten the operands that relocations padded") {
      $0.options.compressRelocations = true
    }
    letter("O", .text("level"), "Optimise the size of the output (default: 1)") { $0.setOptimizationLevel($1) }
  }

  private mutating func addFeatures() {
    group = .features
    joined(
      "features=", dashes: .oneOrTwo, .text("list"), "Features used, separated by commas (default: those of the inputs)"
    ) {
      $0.options.features = OptionReader.list($1.value)
    }
    joined("extra-features=", dashes: .oneOrTwo, .text("list"), "Features used beyond those of the inputs") {
      $0.options.extraFeatures = OptionReader.list($1.value)
    }
    pair(
      "check-features", dashes: .two, "Check that the features of inputs agree (default)",
      "Do not check that the features of inputs agree", \.options.checkFeatures)
    flag(
      "translate-to-exnref", dashes: .two,
      "In libraries and whole modules, replace the older instructions for exceptions by those of WebAssembly 3.0"
    ) { $0.options.translatesExceptions = true }
  }

  private mutating func addReports() {
    group = .reports
    value("Map", .file("file"), "Write a link map to this file") { $0.options.mapFile = $1.value }
    value(
      "size-report", dashes: .two, .file("file"),
      "Write what takes the space to this file: a page (.html) or JSON (.json)"
    ) {
      $0.setSizeReport($1)
    }
    value("why-live", dashes: .two, .text("symbol"), "Print the chain of references that keeps this symbol") {
      $0.addWhyLive($1)
    }
    flag("print-map", aliases: ["-M"], "Print a link map") { $0.printsMap = true }
    flag("trace", aliases: ["-t"], "Print the names of the inputs") { $0.options.traceInputs = true }
    value("trace-symbol", short: "y", .text("symbol"), "Print where this symbol is defined and referred to") {
      $0.options.tracedSymbols.append($1.value)
    }
    joined("why-extract=", .file("file"), "Write to this file why archive members are linked") {
      $0.options.whyExtractFile = $1.value
    }
    joined("dependency-file=", .file("file"), "Write the inputs to this file as a rule for make") {
      $0.options.dependencyFile = $1.value
    }
    value("reproduce", dashes: .two, .file("file"), "Pack the command line and the inputs into this tar file") {
      $0.options.reproduceFile = $1.value
    }
    joined("time-trace=", .file("file"), "Write the time of each pass to this file, in Chrome's trace format") {
      $0.options.timeTraceFile = $1.value
    }
    flag("stats", dashes: .two, "Print the time, items and bytes of each pass") { $0.options.statistics = true }
    flag("verbose", "Tell what is being done", stage: .early) { $0.options.diagnostics.verbose = true }
  }

  private mutating func addDiagnostics() {
    joined(
      "color-diagnostics=", dashes: .oneOrTwo, .choices(["auto", "always", "never"]),
      "Use colours in messages (default: auto)", stage: .appearance
    ) { $0.setColor($1) }
    flag("color-diagnostics", "Alias for --color-diagnostics=always", stage: .appearance) {
      $0.options.diagnostics.color = .always
    }
    flag("no-color-diagnostics", "Alias for --color-diagnostics=never", stage: .appearance) {
      $0.options.diagnostics.color = .never
    }
    value(
      "error-limit", dashes: .two, .text("N"), "Show at most N errors, 0 for all of them (default: 20)", stage: .early
    ) {
      $0.setErrorLimit($1)
    }
    pair(
      "fatal-warnings", "Treat warnings as errors", "Do not treat warnings as errors (default)", stage: .early,
      \.options.diagnostics.fatalWarnings)
    pair(
      "warn-start-up-code", "Warn when relocation code of a shared library has to run at start (default)",
      "Do not warn of relocation code that runs at start", stage: .early, \.options.diagnostics.warnsOfStartUpCode)
    pair(
      "warn-two-heaps", "Warn when a whole module and another input both read __heap_base (default)",
      "Do not warn of inputs that both read __heap_base", stage: .early, \.options.diagnostics.warnsOfTwoHeaps)
    pair(
      "warn-foreign-memory", "Warn when a module with its own memory calls what works in the program's (default)",
      "Do not warn of calls into another memory", stage: .early, \.options.diagnostics.warnsOfForeignMemory)
  }

  private mutating func addLinkTimeOptimization() {
    group = .lto
    value("mllvm", .text("option"), "Option for LLVM") { _, _ in }
    joined("lto-O", .text("level"), "Optimisation level") { $0.checkLTOLevel($1) }
    joined("lto-CGO", .text("level"), "Code generation level") { $0.checkLTOCodeLevel($1) }
    joined("lto-partitions=", .text("N"), "Number of code generation partitions") { $0.setLTOPartitions($1) }
    joined("lto-obj-path=", .file("path"), "") { _, _ in }
    flag("lto-debug-pass-manager", dashes: .two, "Debug the pass manager") { _ in }
    flag("disable-verify", "") { _ in }
    flag("save-temps", "Keep intermediate results") { _ in }
    joined("thinlto-cache-dir=", .directory("dir"), "Folder of cached objects") { _, _ in }
    value("thinlto-cache-policy", dashes: .two, .text("policy"), "Policy of the cache") { _, _ in }
    joined("thinlto-jobs=", .text("N"), "Number of jobs (default: that of --threads)") { $0.setLTOJobs($1) }
    flag("thinlto-emit-imports-files", dashes: .two, "") { _ in }
    flag("thinlto-emit-index-files", dashes: .two, "") { _ in }
    flag("thinlto-index-only", dashes: .two, "") { _ in }
    joined("thinlto-index-only=", .file("file"), "") { _, _ in }
    joined("thinlto-object-suffix-replace=", .text("old;new"), "") { _, _ in }
    joined("thinlto-prefix-replace=", .text("old;new"), "") { _, _ in }
  }
}

// MARK: Looking up

extension OptionTable {
  /// What an argument begins with: an option, in the form it takes here.
  struct Match {
    var option: Int
    var form: Option.Form
    /// The name with its dashes.
    var spelling: String
    /// The rest of the argument, when the value is joined to the name.
    var value: String
  }

  /// Finds the option that `argument` is or begins with; of several, the one with the longest name.
  func match(_ argument: String) -> Match? {
    guard argument.hasPrefix("-") else { return nil }
    let dashes = argument.hasPrefix("--") ? 2 : 1
    let body = argument.dropFirst(dashes)
    guard !body.isEmpty else { return nil }
    if let found = match(body[...], whole: true, dashes, argument) { return found }
    if let equals = body.utf8.firstIndex(of: UInt8(ascii: "=")),
      let found = match(body[...equals], whole: false, dashes, argument)
    {
      return found
    }
    var end = body.utf8.index(body.startIndex, offsetBy: longestJoinedName, limitedBy: body.endIndex) ?? body.endIndex
    while end > body.startIndex {
      if end < body.endIndex, let found = match(body[..<end], whole: false, dashes, argument) { return found }
      end = body.utf8.index(before: end)
    }
    return nil
  }

  private func match(_ name: Substring, whole: Bool, _ dashes: Int, _ argument: String) -> Match? {
    for (option, spelling) in spellings[name] ?? [] {
      guard spelling.dashes == .oneOrTwo || (spelling.dashes == .one) == (dashes == 1) else { continue }
      guard whole || spelling.form == .joined || spelling.form == .joinedOrSeparate else { continue }
      return Match(
        option: option, form: spelling.form, spelling: String(argument[..<name.endIndex]),
        value: String(argument[name.endIndex...]))
    }
    return nil
  }
}
