import SolderLinker

extension Diagnostics {
  /// Reports a mistake in the command line.
  func error(_ text: String) { error(text, .commandLine) }

  /// Warns of a likely mistake in the command line.
  func warn(_ text: String) { warn(text, .commandLine) }
}
