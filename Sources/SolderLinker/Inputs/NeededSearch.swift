import SystemPackage
import WebAssemblyFormat

// Shared libraries that others need.
//
// A library says by name which others it needs (tool-conventions, DynamicLinking.md). A loader looks for them in its own
// folders; here they may be on the command line already, under this or another path, or stand in the folders that `-L`
// and `--rpath-link` name, in those that the library's runtime path names (where `$ORIGIN` is the library's own folder),
// or beside the library. Each is linked once: two paths to the same bytes are one library. Two different files that both
// have the name of one that is needed leave open which of them is meant, so that is an error.

/// The shared libraries of a link so far, by what they can be known by.
struct SharedLibraries {
  private var byName: [String: [InputFile]] = [:]
  private var bySize: [Int: [InputFile]] = [:]

  /// Adds a library.
  ///
  /// - Returns: the library if the same bytes are in the link already; the name of this file then stands for them too.
  mutating func add(_ file: InputFile) -> InputFile? {
    let known = bySize[file.bytes.remaining]?.first { $0.hasSameContents(as: file) }
    let library = known ?? file
    if byName[file.baseName]?.contains(where: { $0 === library }) != true {
      byName[file.baseName, default: []].append(library)
    }
    if known == nil { bySize[file.bytes.remaining, default: []].append(file) }
    return known
  }

  /// The libraries of a name; more than one if different files have it.
  func named(_ name: String) -> [InputFile] { byName[name] ?? [] }
}

/// Where a library looks for those that it needs.
struct NeededSearch {
  /// Folders in the order in which they are searched.
  let folders: [String]

  init(neededBy file: InputFile, runtimePaths: [ByteString], _ options: LinkOptions) {
    let folder = FilePath(file.path).removingLastComponent().string
    let origin = folder.isEmpty ? "." : folder
    let own = runtimePaths.map { NeededSearch.expand($0.description, origin: origin) }
    var seen: Set<String> = []
    folders = (options.libraryPaths + options.runtimePathLinks + own + [origin]).filter { seen.insert($0).inserted }
  }

  /// `$ORIGIN` and `${ORIGIN}` are the folder of the library, as for loaders of other formats.
  private static func expand(_ path: String, origin: String) -> String {
    for variable in ["$ORIGIN", "${ORIGIN}"] where path.hasPrefix(variable) {
      return origin + path.dropFirst(variable.count)
    }
    return path
  }
}

extension DylinkSection {
  /// Reads the metadata of a shared library; nothing if it has none.
  ///
  /// - Throws: ``FormatError`` when it is damaged.
  init(of file: InputFile) throws(FormatError) {
    var sections = try SectionReader(file.bytes)
    while let section = try sections.next() {
      guard section.id == .custom else { continue }
      if section.name == "dylink.0" {
        try self.init(section.payload)
        return
      }
      if section.name == "dylink" {
        try self.init(legacy: section.payload)
        return
      }
    }
    self.init()
  }
}

extension InputFile {
  /// Whether both hold the same bytes, or are the same file.
  fileprivate func hasSameContents(as other: InputFile) -> Bool {
    bytes.remaining == other.bytes.remaining && bytes.elementsEqual(other.bytes)
  }
}
