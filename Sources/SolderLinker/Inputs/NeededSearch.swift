import SystemPackage
import WebAssemblyFormat

// Shared libraries that others need.
//
// A library says by name which others it needs (tool-conventions, DynamicLinking.md). A loader looks for them in its own
// folders; here they may be on the command line already, under this or another path, or stand in the folders that `-L`
// and `--rpath-link` name, in those that the library's runtime path names (where `$ORIGIN` is the library's own folder),
// or beside the library. Two different files that both have the name of one that is needed leave open which of them is
// meant, so that is an error.

/// The shared libraries of a link so far, by what they can be known by.
struct SharedLibraries {
  private var byName: [String: [InputFile]] = [:]
  /// The first library of each size. Only where there are more, their contents are looked at.
  private var firstOfSize: [Int: InputFile] = [:]
  private var byHash: [UInt64: [InputFile]] = [:]

  /// Adds a library.
  ///
  /// - Returns: the library if the same bytes are in the link already; the name of this file then stands for them too.
  mutating func add(_ file: InputFile) -> InputFile? {
    let known = same(as: file)
    let library = known ?? file
    if byName[file.baseName]?.contains(where: { $0 === library }) != true {
      byName[file.baseName, default: []].append(library)
    }
    return known
  }

  /// The library in the link with the bytes of a file, which is remembered if there is none.
  private mutating func same(as file: InputFile) -> InputFile? {
    guard let first = firstOfSize[file.bytes.remaining] else {
      firstOfSize[file.bytes.remaining] = file
      return nil
    }
    if first.hasSameContents(as: file) { return first }
    let hash = XXH3.hash(Array(file.bytes)[...])
    if let known = byHash[hash]?.first(where: { $0.hasSameContents(as: file) }) { return known }
    byHash[hash, default: []].append(file)
    return nil
  }

  /// The libraries of a name, which may be a path; more than one if different files have it.
  func named(_ name: String) -> [InputFile] { byName[name.lastPathComponent] ?? [] }
}

extension String {
  /// What stands behind the last `/` of a path that does not end in one.
  var lastPathComponent: String {
    utf8.contains(UInt8(ascii: "/")) ? FilePath(self).lastComponent?.string ?? self : self
  }
}

extension InputFile {
  /// The last component of the path, or the name of the member.
  var baseName: String { (member ?? path).lastPathComponent }
}

/// Where a library looks for those that it needs.
struct NeededSearch {
  /// Folders in the order in which they are searched.
  let folders: [String]
  /// Those among them that the library names.
  let runtimePaths: [String]

  init(neededBy file: InputFile, runtimePaths: [ByteString], _ options: LinkOptions) {
    let folder = FilePath(file.path).removingLastComponent().string
    let origin = folder.isEmpty ? "." : folder
    // Each may be several, as a DT_RUNPATH is.
    let own = runtimePaths.flatMap { $0.description.split(separator: ":") }.map {
      NeededSearch.expand(String($0), origin: origin)
    }
    self.runtimePaths = own
    var seen: Set<String> = []
    folders = (options.libraryPaths + options.runtimePathLinks + own + [origin]).filter { seen.insert($0).inserted }
  }

  /// `$ORIGIN` and `${ORIGIN}` are the folder of the library, as for loaders of other formats.
  private static func expand(_ path: String, origin: String) -> String {
    if path.hasPrefix("${ORIGIN}") { return origin + path.dropFirst("${ORIGIN}".count) }
    guard path.hasPrefix("$ORIGIN") else { return path }
    // A name ends where no letter, digit or underscore follows.
    let rest = path.dropFirst("$ORIGIN".count)
    return rest.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" } == true ? path : origin + rest
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
  func hasSameContents(as other: InputFile) -> Bool {
    bytes.remaining == other.bytes.remaining && bytes.elementsEqual(other.bytes)
  }
}
