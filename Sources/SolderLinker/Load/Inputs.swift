import WebAssemblyFormat

/// Everything the command line named, read as far as name resolution needs it.
struct Inputs {
  enum Entry {
    /// Index into ``units``: linked in any case.
    case unit(Int)
    /// Index into ``lazyFiles``: linked when needed.
    case lazy(Int)
  }

  /// The names of all of them.
  let names: NameRegister
  var units: [InputModule] = []
  var lazyFiles: [LazyFile] = []
  var stubLibraries: [StubLibrary] = []
  /// Units and lazy files in the order of the command line.
  var order: [Entry] = []
  var width = AddressWidth()
  /// An estimate of how many symbols there will be.
  var symbolCount = 0
  /// Files beside archives that list what the archives leave to the host.
  var importLists: [String] = []
  /// Paths of all files that were opened, for `--dependency-file` and `--reproduce`.
  var paths: [String] = []
  /// The files that the command line named, for whoever asks to which of them an address belongs.
  var files: [InputFile] = []

  init(names: NameRegister) { self.names = names }

  /// Size of the units; what lazy files hold is not known yet.
  var bytes: Int { units.reduce(0) { $0 + $1.file.bytes.remaining } }
}

extension Diagnostics {
  /// Reports that a file is damaged, with the place.
  func error(_ error: FormatError, in file: InputFile) {
    let section = SectionReader.nameOfSection(at: error.offset, in: file.bytes).map { ", in section \($0)" } ?? ""
    self.error(
      "\(file.displayName): \(error.message) (at offset 0x\(String(error.offset, radix: 16))\(section))",
      .malformedInput,
      in: file.displayName, at: error.offset)
  }
}
