extension Diagnostics {
  /// Reports what is wrong, and what may be done about it: as a note of the message, or in the voice of `wasm-ld`, whose
  /// messages stay as they are, as a line behind it.
  ///
  /// - Parameters:
  ///   - isError: whether the link fails.
  ///   - subject: what the line behind the message begins with.
  package func report(
    isError: Bool = true, _ message: String, hint: String?, about subject: @autoclosure () -> String,
    _ code: Diagnostic.Code, symbol: (any CustomStringConvertible)? = nil, in files: String..., as options: LinkOptions
  ) {
    var text = message
    if let hint, !options.speaksLikeWasmLD { text += "\n>>> \(hint)" }
    if isError { error(text, code, symbol: symbol, in: files) } else { warn(text, code, symbol: symbol, in: files) }
    if let hint, options.speaksLikeWasmLD { self.hint("\(subject()): \(hint)", code, symbol: symbol) }
  }
}
