/// When the constructors of a library run that is linked only because the program may open it (`--dl-init`).
public enum OpenableInitialization: String, Sendable, Equatable {
  /// When it is opened for the first time.
  case open
  /// Before the program starts, as those of all other libraries.
  case start
}

extension LinkOptions {
  /// Whether the program may open libraries, so that the linker has something to find them by.
  package var opensLibraries: Bool { opensAllLibraries || !openableLibraries.isEmpty }
}
