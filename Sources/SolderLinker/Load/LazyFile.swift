import WebAssemblyFormat

/// A file that is linked only when a symbol of it is needed: a member of an archive, or an object between `--start-lib`
/// and `--end-lib`.
struct LazyFile {
  let source: LazySource
  /// Index of the member in the archive; 0 for an object.
  let member: Int
  /// The names it defines, as positions in ``LazySource/symbols``.
  let symbols: Range<Int>
  /// What the file says, where it was read already.
  var unit: InputModule?

  /// Reads the file, unless that was done; errors go to the diagnostics.
  func load() -> InputModule? { unit ?? source.read(member) }

  var displayName: String { source.displayName(member) }
}

/// Where lazy files come from.
///
/// An archive may have ten thousand members of which few are needed, so all that they define lies in two flat arrays.
final class LazySource: Sendable {
  let symbols: [ByteString]
  /// The numbers of the symbols' names.
  let nameNumbers: [NameNumber]
  private let file: InputFile
  /// `nil` for an object, which is read at once.
  private let archive: Archive?
  /// The module name under which others import from the archive.
  let moduleName: ByteString?
  private let loader: UnitLoader

  init(_ file: InputFile, _ archive: Archive?, moduleName: ByteString?, symbols: [ByteString], _ loader: UnitLoader) {
    self.file = file
    self.archive = archive
    self.moduleName = moduleName
    self.symbols = symbols
    self.loader = loader
    nameNumbers = loader.names.numbers(of: symbols)
  }

  /// Reads a member of the archive; what is wrong with it goes to the diagnostics unless `isSilent`.
  func read(_ member: Int, isSilent: Bool = false) -> InputModule? {
    guard let archive else { return nil }
    let loader = isSilent ? self.loader.silent() : self.loader
    return loader.readMember(archive.members[member], of: archive, in: file, moduleName: moduleName)
  }

  /// The archive, or the object.
  var path: String { file.path }

  func displayName(_ member: Int) -> String {
    archive.map { "\(file.path)(\($0.members[member].name))" } ?? file.displayName
  }
}
