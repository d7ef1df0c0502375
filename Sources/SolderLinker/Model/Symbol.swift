import WebAssemblyFormat

/// A name of the link, and what it stands for so far.
struct Symbol {
  enum State: UInt8 {
    /// Nothing defines it yet.
    case undefined
    case defined
    /// A lazy file would define it.
    case lazy
    /// It stands for another symbol of its unit.
    case alias
  }

  struct Attributes: OptionSet {
    var rawValue: UInt16
    /// An object, library or module mentions it (rather than only the command line or a lazy file).
    static let usedInRegularUnit = Attributes(rawValue: 1 << 0)
    static let traced = Attributes(rawValue: 1 << 1)
    static let forceExport = Attributes(rawValue: 1 << 2)
    static let forceImport = Attributes(rawValue: 1 << 3)
    /// A function that only traps, in place of one that is missing: it has no address.
    static let isStub = Attributes(rawValue: 1 << 4)
    /// Live although no bytes of a unit define it.
    static let referenced = Attributes(rawValue: 1 << 5)
    /// Defined by a shared library: gives way to a definition in an object or plain module.
    static let fromLibrary = Attributes(rawValue: 1 << 6)
    /// One of several symbols of a name that differ in signature.
    static let isVariant = Attributes(rawValue: 1 << 7)
    /// A plain module refers to it, and so leaves it to the host when nothing defines it.
    static let mayImport = Attributes(rawValue: 1 << 8)
    /// It has no name in the link's name space: a local symbol, or an import from the host by module and name.
    static let unnamed = Attributes(rawValue: 1 << 9)
    /// Undefined here, and defined by a shared library that the result needs at run time.
    static let provided = Attributes(rawValue: 1 << 10)
    /// Defined, and imported as well: at run time another module's definition may win.
    static let preemptible = Attributes(rawValue: 1 << 11)
    /// Another name for what an element's unit calls otherwise.
    static let isAlias = Attributes(rawValue: 1 << 12)
    /// A function that is imported with this very type, and no subtype of it (custom descriptors).
    static let exactType = Attributes(rawValue: 1 << 13)
    /// A member that is no part of the link defines it; only weak references name it.
    static let offered = Attributes(rawValue: 1 << 14)
    /// What it means was decided when references of objects had been compared with something else, or with nothing.
    static let decidedLate = Attributes(rawValue: 1 << 15)
  }

  // In this order there is no room lost between them: a link has hundreds of thousands of symbols.
  var name: ByteString
  /// Data: offset in its segment, or the absolute address.
  var value: UInt64 = 0
  /// Data: size in bytes.
  var size: UInt64 = 0
  var flags: SymbolFlags
  private var packedUnit: PackedIndex<LinkUnits>
  private var packedType = PackedIndex<LinkTypes>.none
  private var packedImportNames = PackedIndex<LinkImportNames>.none
  var meaning: Meaning
  var kind: SymbolKind
  var attributes: Attributes = []

  init(name: ByteString, kind: SymbolKind, _ meaning: Meaning, flags: SymbolFlags, unit: UnitID?) {
    self.name = name
    self.kind = kind
    self.meaning = meaning
    self.flags = flags
    packedUnit = PackedIndex(unit)
  }

  @inline(__always)
  var state: State {
    switch meaning {
    case .undefined, .imported: .undefined
    case .lazy: .lazy
    case .alias: .alias
    case .absolute, .defined: .defined
    }
  }

  /// The definition, counted by unit or over all units; `nil` for data at an absolute address, and for what is not
  /// defined.
  @inline(__always)
  var definition: DefinitionIndex? { if case .defined(let index) = meaning { index } else { nil } }

  /// The import that it is in ``unit``, among those of its kind; `nil` where the unit has none, and for what is defined.
  @inline(__always)
  var imported: ImportIndex? { if case .imported(let index) = meaning { index } else { nil } }

  /// The lazy file that would define it.
  var lazyFile: LazyFileID? { if case .lazy(let file) = meaning { file } else { nil } }

  /// The unit that defines it, or else the first that mentions it; none for the command line.
  var unit: UnitID? {
    get { packedUnit.index }
    set { packedUnit = PackedIndex(newValue) }
  }

  /// The unit that a symbol with a definition belongs to.
  var definer: UnitID {
    guard let unit else { preconditionFailure("a definition is in a unit") }
    return unit
  }

  /// Type of a function or tag.
  var type: TypeID? {
    get { packedType.index }
    set { packedType = PackedIndex(newValue) }
  }

  /// The module and name of its import, where they differ from `env` and its own name.
  var importNames: ImportNamesID? {
    get { packedImportNames.index }
    set { packedImportNames = PackedIndex(newValue) }
  }

  /// Whether the host can give it: not data, and not a function of which nobody says the signature, because everybody
  /// only takes its address.
  var canBeImported: Bool { kind != .data && (kind != .function || type != nil) }
  @inline(__always)
  var isDefined: Bool { state == .defined || state == .alias }
  @inline(__always)
  var isUndefined: Bool { state == .undefined }
  var isWeak: Bool { flags.contains(.bindingWeak) }
  var isLocal: Bool { flags.contains(.bindingLocal) }
  var isHidden: Bool { flags.contains(.visibilityHidden) }
  var isTLS: Bool { flags.contains(.tls) }
  /// Whether it is known what kind of thing it is: a definition or a reference in a file says so; the command line and a
  /// lazy file do not.
  var hasKind: Bool { unit != nil || isDefined }
  var isUndefinedWeak: Bool { state == .undefined && isWeak }
  /// Data at an address that no segment decides.
  var isAbsolute: Bool { meaning == .absolute }

  func has(_ attribute: Attributes) -> Bool { attributes.contains(attribute) }
}

/// The module and name under which an undefined symbol is imported, where they differ from `env` and its own name.
struct ImportNames {
  var module: ByteString?
  var name: ByteString?
}
