/// One input of the command line, with the position-dependent options that were in force where it stood.
public struct InputArgument: Sendable, Equatable {
  /// How the command line named the input.
  public enum Name: Sendable, Equatable {
    /// A path, or `NAME=PATH`: see ``InputArgument/splitModuleName(_:fileExists:)``.
    case file(String)
    /// A file that others import from under a module name, which may be empty.
    case module(String, path: String)
    /// Contents that are no file, and the module name under which others import from them, if there is one.
    case bytes(InputBytes, moduleName: String? = nil)
    /// The name of a library: of `-lNAME`, searched as `libNAME.a` and `libNAME.so` in
    /// ``LinkOptions/libraryPaths``; or, with a leading colon (`-l:FILE`), the exact name of a file there.
    case library(String)
  }

  public var name: Name
  /// All members of an archive are linked, needed or not (`--whole-archive`).
  public var wholeArchive: Bool
  /// The file is linked only when something needs it, like an archive's member (between `--start-lib` and `--end-lib`).
  public var lazy: Bool
  /// Which endings `-l` tries, and in which order.
  public var librarySearch: LibrarySearch

  public init(
    _ name: Name, wholeArchive: Bool = false, lazy: Bool = false, librarySearch: LibrarySearch = .archiveFirst
  ) {
    self.name = name
    self.wholeArchive = wholeArchive
    self.lazy = lazy
    self.librarySearch = librarySearch
  }

  /// Splits `NAME=PATH`, where NAME is the module name under which other units import from the file.
  ///
  /// A file that has the whole text as its name wins.
  /// - Parameters:
  ///   - argument: the text of ``Name/file(_:)``.
  ///   - fileExists: tells whether there is a file of this name.
  /// - Returns: the module name, nil when none was given, and the path to open.
  public static func splitModuleName(
    _ argument: String, fileExists: (String) -> Bool
  ) -> (module: String?, path: String) {
    let text = argument.utf8
    guard let equals = text.firstIndex(of: UInt8(ascii: "=")),
      text.index(after: equals) != text.endIndex,
      !fileExists(argument)
    else { return (nil, argument) }
    return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
  }
}

/// Which files `-lNAME` stands for, in each folder of ``LinkOptions/libraryPaths``.
public enum LibrarySearch: Sendable, Equatable {
  /// `libNAME.a`, then `libNAME.so`: Solder's default, since it links both statically.
  case archiveFirst
  /// `libNAME.a` only: after `-Bstatic`.
  case archiveOnly
  /// `libNAME.so`, then `libNAME.a`: after `-Bdynamic`, and the default of `-shared` and `-pie`.
  case sharedFirst

  /// The endings to try, in this order.
  public var endings: [String] {
    switch self {
    case .archiveFirst: [".a", ".so"]
    case .archiveOnly: [".a"]
    case .sharedFirst: [".so", ".a"]
    }
  }
}
