/// One message of a link: what happened, to which symbol, in which files.
///
/// ``text`` is what a person reads; everything else is for programs. ``rendered`` is the text as a terminal shows it.
public struct Diagnostic: Sendable, Equatable {
  /// What kind of message it is.
  public enum Severity: String, Sendable, Equatable {
    case error
    case warning
    /// A report that was asked for, such as the lines of `--trace`; standard output by default.
    case note
    /// A line of `--verbose`, or a hint; standard error by default.
    case log
  }

  /// Whether the link fails.
  public let severity: Severity
  /// What it is about. The same mistake always has the same code, whatever the words are.
  public let code: Code
  /// The first line: what is wrong.
  public let message: String
  /// What else there is to say: who refers to a symbol, which definitions there are, what may be meant.
  public let notes: [String]
  /// The symbol, import or export it is about, by the name that files have for it.
  public let symbol: String?
  /// The files it is about, `libc.a(printf.o)` for a member of an archive.
  public let files: [String]
  /// Where in the first file something is damaged, in bytes from its beginning.
  public let offset: Int?
  /// What a terminal shows: with the program's name, the severity, colours, and the final line break.
  public internal(set) var rendered = ""

  /// What separates ``message`` and ``notes`` in ``text``.
  private static let separator = "\n>>> "

  /// - Parameters:
  ///   - severity: what kind of message it is.
  ///   - code: what it is about.
  ///   - text: what is wrong; lines behind the first that begin with `>>> ` are its notes.
  ///   - symbol: the name of a symbol, as files have it.
  ///   - files: the files it is about.
  ///   - offset: a place in the first file.
  public init(
    _ severity: Severity, _ code: Code, _ text: String, symbol: String? = nil, files: [String] = [], offset: Int? = nil
  ) {
    let lines = Diagnostic.lines(of: text)
    self.severity = severity
    self.code = code
    message = lines[0]
    notes = Array(lines.dropFirst())
    self.symbol = symbol
    self.files = files
    self.offset = offset
  }

  /// A report, which is one text however many lines it has.
  init(report text: String) {
    severity = .note
    code = .report
    message = text
    notes = []
    symbol = nil
    files = []
    offset = nil
  }

  /// Message and notes as a person reads them, without the program's name.
  public var text: String { ([message] + notes).joined(separator: Diagnostic.separator) }

  /// Divides a text at its notes; there is always a first line.
  private static func lines(of text: String) -> [String] {
    guard text.utf8.contains(UInt8(ascii: "\n")) else { return [text] }
    var lines: [String] = []
    var line: [UInt8] = []
    var rest = Array(text.utf8)[...]
    let separator = Array(Diagnostic.separator.utf8)
    while let byte = rest.first {
      if byte == separator[0], rest.starts(with: separator) {
        lines.append(String(decoding: line, as: UTF8.self))
        line.removeAll()
        rest = rest.dropFirst(separator.count)
      } else {
        line.append(byte)
        rest = rest.dropFirst()
      }
    }
    return lines + [String(decoding: line, as: UTF8.self)]
  }
}
