/// Everything a link is told, with the defaults of LLVM 22's `wasm-ld`.
///
/// A few defaults depend on other options (``gcSections`` on ``output``, ``stackFirst`` on ``compatibility``): these
/// properties compute their default until they are set. What the options imply beyond that is filled in by
/// ``normalized()``, which the linker calls itself.
public struct LinkOptions: Sendable {
  /// The release of `wasm-ld` to behave like (`--compat`).
  public var compatibility = Compatibility.current

  // MARK: Inputs

  /// Files and libraries, in the order of the command line.
  public var inputs: [InputArgument] = []
  /// Folders searched for ``InputArgument/Name/library(_:)``, in this order (`-L`).
  public var libraryPaths: [String] = []
  /// Shared libraries that the program may open while it runs, beside the inputs (`--dl-openable`).
  public var openableLibraries: [InputArgument.Name] = []
  /// The program may open every shared library that is linked (`--dl-openable-all`).
  public var opensAllLibraries = false
  /// When constructors run of a library that is linked only because it may be opened (`--dl-init`).
  public var openableInitialization = OpenableInitialization.open
  /// The architecture the inputs must have (`-m`); nil takes it from the inputs.
  public var architecture: Architecture?

  // MARK: Output

  /// What is made.
  public var output = OutputKind.executable
  /// The path of the result (`-o`); empty when none was given.
  public var outputPath = ""
  /// What the program starts with; see ``entry``.
  public var entryPoint = EntryPoint.ofOutputKind
  /// The module's own name in the name section, and in the metadata of a shared library (`--soname`).
  public var soname: String?
  /// Folders to search for libraries that other libraries need, behind those of `-L` (`--rpath-link`).
  public var runtimePathLinks: [String] = []
  /// Run-time library folders recorded in a shared library's metadata (`--rpath`).
  public var runtimePaths: [String] = []
  /// How the `build_id` section is made (`--build-id`).
  public var buildID = BuildID.none
  /// The result is written although kinds or signatures of symbols differ, which becomes a warning (`--noinhibit-exec`).
  public var writesDespiteErrors = false
  /// Relocations are kept in the result (`--emit-relocs`).
  public var emitRelocations = false
  /// Operands that relocations padded to five or ten bytes are shortened (`--compress-relocations`).
  public var compressRelocations = false
  /// The effort of `-O`, 0 and up; from 2 on, tails of strings are merged.
  public var optimizationLevel = 1
  /// Which identical functions are kept once (`--icf`).
  public var identicalCodeFolding = IdenticalCodeFolding.none
  /// Debug sections are dropped (`--strip-debug`).
  public var stripDebug = false
  /// Debug sections are wanted, also where operands are shortened, with which they change (`--no-strip-debug`).
  public var keepDebug = false
  /// Where a source map of the result is written, joined from those of the inputs (`--source-map-output`).
  public var sourceMapFile: String?
  /// The URL of the map that the result names (`--source-map-url`); nil for the name of the file, if one is written.
  public var sourceMapURL: String?
  /// Files that are the source maps of inputs, by the inputs' names (`--source-map=NAME=FILE`).
  public var sourceMaps: [String: String] = [:]
  /// Names, debug sections and other custom sections are dropped (`--strip-all`).
  public var stripAll = false
  /// Custom sections that survive ``stripAll`` (`--keep-section`).
  public var keepSections: [String] = []

  // MARK: Symbols

  /// Symbols that must be defined and are exported (`--export`).
  public var exports: [String] = []
  /// Symbols that are exported when something defines them (`--export-if-defined`).
  public var exportsIfDefined: [String] = []
  /// Every defined symbol is exported (`--export-all`).
  public var exportAll = false
  /// Undefined symbols that pull in archive members (`-u`).
  public var undefinedSymbols: [String] = []
  /// Symbols whose uses go to `__wrap_NAME`, while `__real_NAME` is the original (`--wrap`).
  public var wrappedSymbols: [String] = []
  /// What an undefined symbol means at the end (`--unresolved-symbols` and its relatives).
  public var unresolvedSymbols = UnresolvedSymbols.error
  /// Undefined symbols become imports where possible (`--import-undefined`).
  public var importUndefined = false
  /// What functions give, and data holds, that nobody defines, by name (`--stub`).
  public var stubs: [String: Int64] = [:]
  /// Functions that nobody defines trap when they are called (`--stub-missing`).
  public var stubsMissing = false
  /// Files that list symbols which may stay undefined, one a line (`--allow-undefined-file`).
  public var allowUndefinedFiles: [String] = []
  /// What a whole module imports comes from the input that has the module name it states, and from no other; `env` is a
  /// module like any other. What that input lacks stays an import (the command line of `wasm-merge`).
  public var mergesModules = false
  /// What is done about a name that two parts of the link export (`--rename-export-conflicts`,
  /// `--skip-export-conflicts`).
  public var exportConflicts = ExportConflicts.error
  /// What a plain module's import means that no input provides (`--unresolved-imports`).
  public var unresolvedImports = UnresolvedImports.mistakes
  /// Modules of the host: ``unresolvedImports`` is not about imports from them (`--host-module`).
  public var hostModules: [String] = []
  /// The first of several definitions wins without an error (`--allow-multiple-definition`, `-z muldefs`).
  public var allowMultipleDefinitions = false
  /// A shared library binds its own references to its own definitions (`-Bsymbolic`).
  public var bindsSymbolsLocally = false
  /// Signatures of functions in shared libraries are compared with their uses (`--no-shlib-sigcheck` turns it off).
  public var checksSharedLibrarySignatures = true

  // MARK: Features

  /// The features the result uses; nil infers them from the inputs (`--features`).
  public var features: [String]?
  /// Features allowed beyond those inferred (`--extra-features`).
  public var extraFeatures: [String] = []
  /// Inputs must agree with the features of the result (`--check-features`).
  public var checkFeatures = true

  /// The older instructions for exceptions in libraries and whole modules give way to those of WebAssembly 3.0
  /// (`--translate-to-exnref`).
  public var translatesExceptions = false

  // MARK: Memory

  /// The memory is imported (`--import-memory`).
  public var memoryImport: MemoryImport?
  /// The memory is exported under this name (`--export-memory`).
  public var memoryExport: String?
  /// The memory is shared between threads (`--shared-memory`).
  public var sharedMemory = false
  /// Size of the stack in bytes (`-z stack-size`); a multiple of 16.
  public var stackSize: UInt64 = 65_536
  /// The address of the first static data, in bytes (`--global-base`); nil lets the layout decide.
  public var globalBase: UInt64?
  /// Smallest size of the memory in bytes (`--initial-memory`); nil takes what is needed.
  public var initialMemory: UInt64?
  /// Bytes of heap after the static data (`--initial-heap`).
  public var initialHeap: UInt64?
  /// Largest size of the memory in bytes (`--max-memory`); nil sets no maximum.
  public var maximumMemory: UInt64?
  /// The maximum of the memory is its initial size (`--no-growable-memory`).
  public var noGrowableMemory = false
  /// Bytes of a page of memory, 1 or 65536 (`--page-size`).
  public var pageSize: UInt64 = 65_536
  /// Where the static memory of a plain module ends when the module does not say (`--heap-base`), in bytes.
  public var heapBase: UInt64?

  // MARK: Table

  /// The function table is imported (`--import-table`).
  public var importTable = false
  /// The function table is exported (`--export-table`).
  public var exportTable = false
  /// Name of an exported function that runs constructors, once (`--init-export`).
  public var initExport: String?
  /// The function table has no maximum (`--growable-table`).
  public var growableTable = false
  /// The first slot given to functions (`--table-base`); nil means 1, past the null pointer.
  public var tableBase: UInt64?

  /// The first slot of the function table that the linker fills: where nothing says otherwise, the first there is, which
  /// position-independent results count from as well.
  var firstTableSlot: UInt64 { tableBase ?? 0 }

  // MARK: Reports

  /// Messages have the very words of `wasm-ld`, for whoever reads them with a program; hints come behind them.
  public var speaksLikeWasmLD = false
  /// Names in messages are demangled (`--demangle`).
  public var demangle = true
  /// Sections that were dropped are listed on standard output (`--print-gc-sections`).
  public var printGCSections = false
  /// Functions that were folded into identical ones are listed on standard output (`--print-icf-sections`).
  public var printFoldedSections = false
  /// The link map is written to this file, `-` being standard output (`-Map`, `--print-map`).
  public var mapFile: String?
  /// Why each archive member was taken is written to this file, `-` being standard output (`--why-extract`).
  public var whyExtractFile: String?
  /// What takes the space of the result is written to these files, a page for a browser if a name ends in `.html`, JSON if it
  /// ends in `.json` (`--size-report`).
  public var sizeReportFiles: [String] = []
  /// Symbols of which it is told why they are in the result (`--why-live`).
  public var whyLiveSymbols: [String] = []
  /// Symbols of which each definition and reference is reported (`--trace-symbol`).
  public var tracedSymbols: [String] = []
  /// The name of each input is printed as it is read (`--trace`).
  public var traceInputs = false
  /// An archive of the command line and the inputs is written to this file (`--reproduce`).
  public var reproduceFile: String?
  /// The command line as given, after response files: what ``reproduceFile`` records.
  public var commandLine: [CommandLineArgument] = []
  /// What `--version` prints, for the archive of ``reproduceFile``.
  public var versionText = ""
  /// The inputs are listed in this file as prerequisites of the output, in make's syntax (`--dependency-file`).
  public var dependencyFile: String?
  /// The time of each pass is written to this file in Chrome's trace format (`--time-trace`).
  public var timeTraceFile: String?
  /// A table of passes with time, items and bytes is printed (`--stats`).
  public var statistics = false
  /// How messages are shown, and when they stop the link.
  public var diagnostics = DiagnosticOptions()

  /// Number of threads (`--threads`), at least 1; nil takes one for each processor.
  public var threads: Int?

  // MARK: Defaults that depend on other options

  private var chosenGCSections: Bool?
  private var chosenMergeDataSegments: Bool?
  private var chosenExportDynamic: Bool?
  private var chosenStackFirst: Bool?

  /// The defaults, without an input or an output.
  public init() {}
}

extension LinkOptions {
  /// Sections that nothing reaches are dropped (`--gc-sections`); the default, except for relocatable output.
  public var gcSections: Bool {
    get { chosenGCSections ?? (output != .relocatable) }
    set { chosenGCSections = newValue }
  }

  /// Data segments of one kind are merged (`--merge-data-segments`); the default, except for relocatable output.
  public var mergeDataSegments: Bool {
    get { chosenMergeDataSegments ?? (output != .relocatable) }
    set { chosenMergeDataSegments = newValue }
  }

  /// Symbols of default visibility are exported (`--export-dynamic`); the default of shared libraries only.
  public var exportDynamic: Bool {
    get { chosenExportDynamic ?? contract.exportsDynamically }
    set { chosenExportDynamic = newValue }
  }

  /// The stack lies below the static data, so that its overflow traps (`--stack-first`).
  public var stackFirst: Bool {
    get { chosenStackFirst ?? compatibility.placesStackFirst }
    set { chosenStackFirst = newValue }
  }

  /// Whether ``stackFirst`` was set.
  var stackFirstIsChosen: Bool { chosenStackFirst != nil }

  /// The symbol the program starts with, nil for none.
  public var entry: String? {
    switch entryPoint {
    case .none: return nil
    case .named(let name): return name
    case .ofOutputKind:
      switch output {
      case .executable, .pie: return "_start"
      case .shared: return "__wasm_call_ctors"
      case .relocatable: return nil
      }
    }
  }

  /// Whether the command line named the entry, or said that there is none.
  public var entryIsExplicit: Bool { entryPoint != .ofOutputKind }

  /// Whether the relocations of the inputs are part of the result.
  public var keepsRelocations: Bool { contract.keepsRelocations || emitRelocations }

  /// Whether addresses in the data of the result may have to be filled in when it is loaded.
  public var relocatesDataAtRunTime: Bool { isPositionIndependent || unresolvedSymbols == .importDynamic }

  /// Whether the result is position-independent.
  public var isPositionIndependent: Bool { contract.isPositionIndependent }

  /// Whether functions of COMDAT groups that lost to another file's may be in the result.
  var keepsDiscardedFunctions: Bool { !gcSections || contract.keepsDiscardedFunctions }
}

/// What is made.
public enum OutputKind: Sendable, Equatable {
  /// A complete module.
  case executable
  /// A shared library (`-shared`).
  case shared
  /// A position-independent executable (`-pie`).
  case pie
  /// An object file (`-r`).
  case relocatable
}

/// What the program starts with.
public enum EntryPoint: Sendable, Equatable {
  /// What is usual for the kind of output: `_start`, `__wasm_call_ctors` for shared libraries.
  case ofOutputKind
  /// Nothing (`--no-entry`).
  case none
  /// This symbol, which must be defined (`--entry`).
  case named(String)
}

/// The width of addresses.
public enum Architecture: String, Sendable, Equatable {
  case wasm32
  case wasm64
}

/// An import of the memory: the module and the name in it.
public struct MemoryImport: Sendable, Equatable {
  public var module: String
  public var name: String

  /// The import that the conventions name, `env.memory`, unless told otherwise.
  public init(module: String = "env", name: String = "memory") {
    self.module = module
    self.name = name
  }
}

/// What happens when a symbol is still undefined at the end.
public enum UnresolvedSymbols: Sendable, Equatable {
  /// An error for each.
  case error
  /// A warning for each; the symbol becomes an import or a function that traps.
  case warn
  /// Nothing is said; otherwise as ``warn``.
  case ignore
  /// The symbol is imported and bound at run time.
  case importDynamic
}

/// What is done about a name that two parts of the link export.
public enum ExportConflicts: Sendable, Equatable {
  /// An error, unless both are the same thing.
  case error
  /// The first has the name, and the others are not exported.
  case skip
  /// The first has the name, and the others get a number: `NAME_1`.
  case rename
}

/// What an import of a plain module means that no input provides.
public enum UnresolvedImports: String, Sendable, Equatable {
  /// The host provides it; a warning tells where a mistake is likely.
  case mistakes
  /// The host provides it.
  case ignore
  case warn
  case error
}

/// Which identical functions are kept once.
public enum IdenticalCodeFolding: String, Sendable, Equatable {
  /// None: every function is kept.
  case none
  /// Those where neither a program nor the host can tell: pointers to different functions stay different.
  case safe
  /// All of them.
  case all
}

/// How the `build_id` section is made.
public enum BuildID: Sendable, Equatable {
  case none
  /// Eight bytes of a fast hash of the result.
  case fast
  /// Twenty bytes of a cryptographic hash of the result.
  case sha1
  /// Sixteen bytes, different for each link.
  case uuid
  /// These bytes (`--build-id=0x…`).
  case bytes([UInt8])
}

/// One argument of the command line, told apart as far as `--reproduce` needs it.
public enum CommandLineArgument: Sendable, Equatable {
  /// The path of an input.
  case input(String)
  /// The path of the output.
  case output(String)
  /// Any other option: how it was spelled, its value, and whether the two were one argument.
  case option(spelling: String, value: String?, joined: Bool)
}
