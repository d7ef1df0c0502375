import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a link's errors, warnings and reports go.
///
/// Any thread may report. Each message reaches the sink whole and alone: the lock is held while the sink runs, so a
/// sink must not report again.
public final class Diagnostics: Sendable {
  /// What kind of message it is.
  public enum Severity: Sendable, Equatable {
    case error
    case warning
    /// A report that was asked for, such as the lines of `--trace`; standard output by default.
    case note
    /// A line of `--verbose`, or a hint; standard error by default.
    case log
  }

  /// One message, as the sink gets it.
  public struct Message: Sendable, Equatable {
    public let severity: Severity
    /// What was reported, possibly of several lines, without the program's name.
    public let text: String
    /// What a terminal shows: with the program's name, the severity, colours, and the final line break.
    public let rendered: String

    public init(severity: Severity, text: String, rendered: String) {
      self.severity = severity
      self.text = text
      self.rendered = rendered
    }
  }

  private struct State {
    var options = DiagnosticOptions()
    var errorCount = 0
    /// Whether a blank line sets the next message apart from the several lines of the one before, as in lld.
    var needsSeparator = false
  }

  /// The program's name as messages begin with it, `wasm-ld` in `wasm-ld: error: …`.
  public let program: String
  private let sink: @Sendable (Message) -> Void
  private let state = Mutex(State())

  /// Creates a place for messages.
  /// - Parameters:
  ///   - program: the name that messages begin with.
  ///   - options: how messages are shown; see ``configure(_:)``.
  ///   - sink: what becomes of each message; by default, notes go to standard output and the rest to standard error.
  public init(
    program: String = "solder", options: DiagnosticOptions = DiagnosticOptions(),
    sink: @escaping @Sendable (Message) -> Void = Diagnostics.writeToStandardStreams
  ) {
    self.program = program
    self.sink = sink
    configure(options)
  }

  /// Sets how messages are shown from now on.
  public func configure(_ options: DiagnosticOptions) {
    state.withLock { $0.options = options }
  }

  /// The number of errors so far, those beyond the limit included.
  public var errorCount: Int { state.withLock { $0.errorCount } }

  /// Whether there was an error.
  public var hasErrors: Bool { errorCount > 0 }

  /// Whether errors are being suppressed, so that a pass may as well stop at once.
  public var reachedErrorLimit: Bool {
    state.withLock { $0.options.errorLimit > 0 && $0.errorCount > $0.options.errorLimit }
  }

  /// Whether ``log(_:)`` shows anything.
  public var isVerbose: Bool { state.withLock { $0.options.verbose } }

  /// Whether relocation code that has to run at start is worth a warning.
  var warnsOfStartUpCode: Bool { state.withLock { $0.options.warnsOfStartUpCode } }

  /// Reports what makes the link fail; `text` may have several lines.
  public func error(_ text: String) {
    state.withLock { reportError(text, &$0) }
  }

  /// Reports what is likely a mistake; an error under `--fatal-warnings`.
  public func warn(_ text: String) {
    state.withLock { state in
      if state.options.fatalWarnings {
        reportError(text, &state)
      } else {
        report(.warning, text, &state)
      }
    }
  }

  /// Prints a line that the user asked for.
  public func message(_ text: String) {
    state.withLock { _ in sink(Message(severity: .note, text: text, rendered: text + "\n")) }
  }

  /// Adds a hint to errors that have been reported.
  func hint(_ text: String) {
    state.withLock { report(.log, "note: \(text)", &$0) }
  }

  /// Tells what the linker is doing, under `--verbose` only.
  public func log(_ text: @autoclosure () -> String) {
    guard isVerbose else { return }
    // Evaluated before the lock is taken again: it may itself ask for the error count.
    let text = text()
    state.withLock { report(.log, text, &$0) }
  }

  private func reportError(_ text: String, _ state: inout State) {
    let limit = state.options.errorLimit
    if limit <= 0 || state.errorCount < limit {
      report(.error, text, &state)
    } else if state.errorCount == limit {
      report(.error, "too many errors emitted, stopping now (use -error-limit=0 to see all errors)", &state)
    }
    state.errorCount += 1
  }

  private func report(_ severity: Severity, _ text: String, _ state: inout State) {
    var line = state.needsSeparator ? "\n" : ""
    line += "\(program): "
    let colored = Diagnostics.showsColor(state.options.color)
    switch severity {
    case .error: line += colored ? "\u{1B}[0;31merror: \u{1B}[0m" : "error: "
    case .warning: line += colored ? "\u{1B}[0;35mwarning: \u{1B}[0m" : "warning: "
    case .note, .log: break
    }
    line += text
    line += "\n"
    if severity != .log { state.needsSeparator = text.utf8.contains(UInt8(ascii: "\n")) }
    sink(Message(severity: severity, text: text, rendered: line))
  }

  private static func showsColor(_ color: DiagnosticOptions.Color) -> Bool {
    switch color {
    case .always: true
    case .never: false
    case .automatic: isatty(STDERR_FILENO) == 1
    }
  }

  /// Writes notes to standard output and everything else to standard error, each message in one go.
  @Sendable
  public static func writeToStandardStreams(_ message: Message) {
    let descriptor = message.severity == .note ? STDOUT_FILENO : STDERR_FILENO
    var text = message.rendered
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, rest.count > 0 {
        let written = unsafe write(descriptor, start, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }
}
