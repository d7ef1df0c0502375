import SolderLinker

/// One option of the command line: how it is written, what it says of itself, and what it does.
struct Option {
  /// How a name takes its value.
  enum Form: Equatable {
    /// No value: `--export-all`.
    case flag
    /// The value follows in the same argument: `--max-memory=N`, where the `=` belongs to the name.
    case joined
    /// The value is the next argument: `--export NAME`.
    case separate
    /// Either: `-lNAME` and `-l NAME`.
    case joinedOrSeparate
  }

  /// How many dashes may stand before a name. Newer options take only two, which keeps them apart from short ones:
  /// `-export-all` is `-e xport-all`.
  enum Dashes {
    case one
    case two
    case oneOrTwo
  }

  /// One way to write the option.
  struct Spelling {
    var name: String
    var form: Form
    var dashes: Dashes

    /// As one types it, with two dashes where that is allowed.
    var typed: String { (dashes == .one ? "-" : "--") + name }
  }

  /// What the value is, for the help and for completions.
  enum Value {
    case none
    case text(String)
    case file(String)
    case directory(String)
    case choices([String])

    /// As the help shows it, nil where there is no value.
    var placeholder: String? {
      switch self {
      case .none: nil
      case .text(let name), .file(let name), .directory(let name): "<\(name)>"
      case .choices(let choices): "[\(choices.joined(separator: "|"))]"
      }
    }
  }

  /// The heading under which the help shows an option.
  enum Group: String, CaseIterable {
    case general = "General"
    case inputs = "Inputs and libraries"
    case output = "Output"
    case symbols = "Symbols, imports and exports"
    case memory = "Memory and stack"
    case table = "Function table"
    case sections = "Sections and optimisation"
    case features = "Features"
    case reports = "Reports and diagnostics"
    case lto = "Link-time optimisation (accepted, without effect)"
  }

  /// When an option is read. What others depend on comes first, wherever it stands.
  enum Stage {
    /// What messages look like, even those about the command line itself.
    case appearance
    case early
    case ordinary
  }

  typealias Effect = (inout OptionReader, ParsedArgument) -> Void

  /// The first spelling is the one the help leads with.
  var spellings: [Spelling]
  var value: Value
  /// What the option does, in a sentence without a final full stop; empty hides it from the help.
  var help: String
  var group: Group
  var stage: Stage
  var effect: Effect

  var isHidden: Bool { help.isEmpty }

  /// What the option is about: the same for `--build-id`, `--build-id=` and, were there one, `--no-build-id`, of which the
  /// last one holds.
  var subject: Substring {
    let name = spellings[0].name.prefix { $0 != "=" }
    return name.hasPrefix("no-") ? name.dropFirst("no-".count) : name
  }
}

/// An argument after the table has told what it is.
struct ParsedArgument {
  enum Kind {
    /// The option at this index of the table.
    case option(Int)
    case input
    /// An input that others import from under the name in ``value``.
    case module(path: String)
    case unknown
    /// An option whose value is missing.
    case incomplete
  }

  var kind: Kind
  /// The argument as it stood on the command line, without a value that followed separately.
  var text: String
  /// The option's name with its dashes, and the `=` that belongs to it.
  var spelling: String
  var value: String
  /// How the value was given.
  var form: Option.Form
  /// Whether no later argument is about the same (``Option/subject``).
  var isLast = true
}
