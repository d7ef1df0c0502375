/// Links as `options` say.
/// - Parameters:
///   - options: what to link, and how.
///   - diagnostics: where errors, warnings and reports go.
/// - Returns: whether the output was written.
public func link(_ options: LinkOptions, _ diagnostics: Diagnostics) -> Bool {
  diagnostics.error("linking is not there yet")
  return false
}
