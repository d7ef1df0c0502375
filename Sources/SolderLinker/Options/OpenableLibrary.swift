/// A shared library that the program may open while it runs (`--dl-openable`).
public struct OpenableLibrary: Sendable, Equatable {
  /// The file; a module name (`NAME=FILE`) is the name by which the program opens it.
  public var file: InputArgument.Name

  public init(_ file: InputArgument.Name) { self.file = file }
}

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
