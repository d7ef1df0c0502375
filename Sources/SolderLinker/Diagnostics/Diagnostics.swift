import SystemPackage

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
  private struct State {
    var options = DiagnosticOptions()
    var errorCount = 0
    /// The errors that were shown.
    var errorTexts: [String] = []
    /// Whether a blank line sets the next message apart from the several lines of the one before, as in lld.
    var needsSeparator = false
  }

  /// The program's name as messages begin with it, `wasm-ld` in `wasm-ld: error: …`.
  public let program: String
  private let sink: @Sendable (Diagnostic) -> Void
  private let state = Locked(State())

  /// Creates a place for messages.
  /// - Parameters:
  ///   - program: the name that messages begin with.
  ///   - options: how messages are shown; see ``configure(_:)``.
  ///   - sink: what becomes of each message; by default, notes go to standard output and the rest to standard error.
  public init(
    program: String = "solder", options: DiagnosticOptions = DiagnosticOptions(),
    sink: @escaping @Sendable (Diagnostic) -> Void = Diagnostics.writeToStandardStreams
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

  /// The texts of the errors that were shown so far.
  var errorTexts: [String] { state.withLock { $0.errorTexts } }

  /// Whether a link may report here: what an earlier one reported would be taken for this one's.
  ///
  /// - Returns: whether there is no error yet; otherwise that is reported as well.
  func begin() -> Bool {
    guard hasErrors else { return true }
    error("these diagnostics have the errors of something else: a link needs its own", .misuse)
    return false
  }

  /// Whether errors are being suppressed, so that a pass may as well stop at once.
  public var reachedErrorLimit: Bool {
    state.withLock { $0.options.errorLimit > 0 && $0.errorCount > $0.options.errorLimit }
  }

  /// Whether ``log(_:)`` shows anything.
  public var isVerbose: Bool { state.withLock { $0.options.verbose } }

  /// Whether relocation code that has to run at start is worth a warning.
  var warnsOfStartUpCode: Bool { state.withLock { $0.options.warnsOfStartUpCode } }

  /// Whether calls into another memory are worth a warning.
  var warnsOfForeignMemory: Bool { state.withLock { $0.options.warnsOfForeignMemory } }

  /// Reports what makes the link fail.
  ///
  /// - Parameters:
  ///   - text: what is wrong; lines behind the first that begin with `>>> ` are its notes.
  ///   - code: what it is about.
  ///   - symbol: the symbol it is about, by the name that files have for it.
  ///   - files: the files it is about.
  ///   - offset: where in the first file.
  public func error(
    _ text: String, _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)? = nil, in files: [String],
    at offset: Int? = nil
  ) {
    let diagnostic = Diagnostic(.error, code, text, symbol: symbol?.description, files: files, offset: offset)
    state.withLock { reportError(diagnostic, &$0) }
  }

  /// Reports what makes the link fail.
  public func error(
    _ text: String, _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)? = nil, in files: String...,
    at offset: Int? = nil
  ) {
    error(text, code, symbol: symbol, in: files, at: offset)
  }

  /// Reports what is likely a mistake; an error under `--fatal-warnings`.
  public func warn(
    _ text: String, _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)? = nil, in files: String...
  ) {
    warn(text, code, symbol: symbol, in: files)
  }

  /// Reports what is likely a mistake; an error under `--fatal-warnings`.
  public func warn(
    _ text: String, _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)? = nil, in files: [String]
  ) {
    state.withLock { state in
      let isError = state.options.fatalWarnings
      let diagnostic = Diagnostic(
        isError ? .error : .warning, code, text, symbol: symbol?.description, files: files)
      if isError { reportError(diagnostic, &state) } else { report(diagnostic, &state) }
    }
  }

  /// Prints a line that the user asked for.
  public func message(_ text: String) {
    var diagnostic = Diagnostic(report: text)
    diagnostic.rendered = text + "\n"
    state.withLock { _ in sink(diagnostic) }
  }

  /// Adds a hint to errors that have been reported.
  func hint(_ text: String, _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)?) {
    state.withLock { report(Diagnostic(.log, code, "note: \(text)", symbol: symbol?.description), &$0) }
  }

  /// Tells what the linker is doing, under `--verbose` only.
  public func log(_ text: @autoclosure () -> String) {
    guard isVerbose else { return }
    // Evaluated before the lock is taken again: it may itself ask for the error count.
    let text = text()
    state.withLock { report(Diagnostic(.log, .report, text), &$0) }
  }

  private func reportError(_ diagnostic: Diagnostic, _ state: inout State) {
    let limit = state.options.errorLimit
    if limit <= 0 || state.errorCount < limit {
      report(diagnostic, &state)
    } else if state.errorCount == limit {
      let text = "too many errors emitted, stopping now (use -error-limit=0 to see all errors)"
      report(Diagnostic(.error, .tooManyErrors, text), &state)
    }
    state.errorCount += 1
  }

  private func report(_ diagnostic: Diagnostic, _ state: inout State) {
    let text = diagnostic.text
    if diagnostic.severity == .error { state.errorTexts.append(text) }
    var line = state.needsSeparator ? "\n" : ""
    line += "\(program): "
    let colored = Diagnostics.showsColor(state.options.color)
    switch diagnostic.severity {
    case .error: line += colored ? "\u{1B}[0;31merror: \u{1B}[0m" : "error: "
    case .warning: line += colored ? "\u{1B}[0;35mwarning: \u{1B}[0m" : "warning: "
    case .note, .log: break
    }
    line += text
    line += "\n"
    if diagnostic.severity != .log { state.needsSeparator = text.utf8.contains(UInt8(ascii: "\n")) }
    var rendered = diagnostic
    rendered.rendered = line
    sink(rendered)
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
  public static func writeToStandardStreams(_ diagnostic: Diagnostic) { _ = deliver(diagnostic) }

  /// The same.
  ///
  /// - Returns: what the system says when a report could not be written.
  package static func deliver(_ diagnostic: Diagnostic) -> String? {
    let isReport = diagnostic.severity == .note
    let error = put(diagnostic.rendered, on: isReport ? STDOUT_FILENO : STDERR_FILENO)
    return isReport ? error?.description : nil
  }

  /// Writes text that somebody asked for to standard output; that it cannot be written is an error.
  package func print(_ text: String) {
    guard let error = Diagnostics.put(text, on: STDOUT_FILENO) else { return }
    self.error("cannot write to standard output: \(error)", .cannotWrite)
  }

  /// Writes text to standard error.
  package static func writeToStandardError(_ text: String) { put(text, on: STDERR_FILENO) }

  /// - Returns: what the system says when it cannot be written.
  @discardableResult
  private static func put(_ text: String, on descriptor: Int32) -> Errno? {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, rest.count > 0 {
        let written = unsafe write(descriptor, start, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return Errno(rawValue: errno) }
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[written...])
      }
      return nil
    }
  }
}
