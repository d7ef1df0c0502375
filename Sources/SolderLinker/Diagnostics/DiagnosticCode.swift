extension Diagnostic {
  /// What a message is about, by a name that stays the same from release to release.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    private init(_ name: String) { rawValue = name }

    public var description: String { rawValue }

    // MARK: Before the link

    /// Options that are unknown, lack a value, or exclude each other.
    public static let commandLine = Code("command-line")
    /// A file that cannot be opened or read.
    public static let cannotOpen = Code("cannot-open")
    /// A result or a report that cannot be written.
    public static let cannotWrite = Code("cannot-write")
    /// A library of `-l`, or one that another library needs, is in none of the folders.
    public static let libraryNotFound = Code("library-not-found")
    /// A file of another format: bitcode, a component, text, another system's object.
    public static let foreignFile = Code("foreign-file")
    /// A damaged file; ``Diagnostic/offset`` says where.
    public static let malformedInput = Code("malformed-input")
    /// Files for 32 and for 64 bits in one link.
    public static let addressWidth = Code("address-width")

    // MARK: Names

    /// A name that is used and that nobody defines.
    public static let undefinedSymbol = Code("undefined-symbol")
    /// A name that two files define.
    public static let duplicateSymbol = Code("duplicate-symbol")
    /// A function that is called or imported with another signature than it has.
    public static let signatureMismatch = Code("signature-mismatch")
    /// A name that stands for two kinds of things, or for things of two types.
    public static let typeMismatch = Code("type-mismatch")
    /// A name that could mean one of several things.
    public static let ambiguousName = Code("ambiguous-name")
    /// An import that is, over other modules, an import of itself.
    public static let circularImport = Code("circular-import")
    /// A name that files import from two modules, or under two names.
    public static let importConflict = Code("import-conflict")
    /// Two exports of one name.
    public static let exportConflict = Code("export-conflict")
    /// An import of a whole module that no input provides.
    public static let unresolvedImport = Code("unresolved-import")
    /// A module name that was given to an input and that nothing imports from.
    public static let unusedModuleName = Code("unused-module-name")
    /// There is no entry function.
    public static let missingEntry = Code("missing-entry")
    /// A name that has a meaning of its own is used for something else.
    public static let reservedSymbol = Code("reserved-symbol")

    // MARK: The result

    /// A reference that cannot be what the result needs, as without `-fPIC`.
    public static let relocation = Code("relocation")
    /// Features of WebAssembly that inputs or options forbid, or lack.
    public static let features = Code("features")
    /// Sizes and places in memory.
    public static let memory = Code("memory")
    /// Sizes and slots of tables.
    public static let table = Code("table")
    /// What runs before the program, and in which order.
    public static let startUp = Code("start-up")
    /// Memory that threads share, and thread-local data.
    public static let threads = Code("threads")
    /// What the format of the result has no room for or cannot say.
    public static let objectFormat = Code("object-format")
    /// Debug information that cannot be read, and so is left out.
    public static let debugInformation = Code("debug-information")

    // MARK: The linker

    /// The link was cancelled.
    public static let cancelled = Code("cancelled")
    /// There are more errors than are shown.
    public static let tooManyErrors = Code("too-many-errors")
    /// The library was not used as it has to be.
    public static let misuse = Code("misuse")
    /// The linker found something wrong with itself. Please report it.
    public static let `internal` = Code("internal")
    /// Lines that were asked for, and those of `--verbose`.
    public static let report = Code("report")
  }
}
