import SystemPackage
import WebAssemblyFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Opens what the command line names, finds out what it is, and reads it: one task a file.
struct InputLoader {
  /// A file to read, with what the command line said about it.
  struct Source: Sendable {
    var file: InputFile
    var kind: FileKind
    var argument: InputArgument
    var moduleName: ByteString?
    var archive: Archive?
    /// How the program can open it.
    var opening: Opening?
    /// What reading it gave.
    var unit: InputModule?
    var lazyFiles: [LazyFile] = []
  }

  let options: LinkOptions
  let diagnostics: Diagnostics
  let threads: Threads
  let names: NameArena
  private let register = NameRegister()
  var sources: [Source] = []
  /// Whether what is added is there for the program to open, and for nothing else.
  var isOpening = false
  var libraries = SharedLibraries()
  /// The members of the archives of the command line, by name; made when it is needed.
  var archiveMembers: [ByteString: [(source: Int, member: ArchiveMember)]]?
  private var openedPaths: [String] = []
  private var openedFiles: [InputFile] = []

  init(options: LinkOptions, diagnostics: Diagnostics, threads: Threads, names: NameArena) {
    self.options = options
    self.diagnostics = diagnostics
    self.threads = threads
    self.names = names
  }

  /// Reads all inputs; errors are in the diagnostics.
  mutating func load() -> Inputs {
    let inputs = options.inputs
    let files = threads.map(inputs.count, batch: 8) { InputLoader.open(inputs[$0]) }
    for (argument, file) in zip(inputs, files) { open(argument, file) }
    if options.contract.bringsNeededLibraries { addNeededLibraries(of: 0) }
    if options.opensLibraries { addOpenableLibraries() }
    guard !diagnostics.hasErrors else {
      var inputs = Inputs(names: register)
      inputs.paths = openedPaths
      inputs.files = openedFiles
      return inputs
    }
    readInParallel()
    var result = collect()
    result.paths = openedPaths + result.paths
    result.files = openedFiles
    if result.order.isEmpty, result.stubLibraries.isEmpty, !diagnostics.hasErrors {
      diagnostics.error("no input files", .commandLine)
    }
    result.width = AddressWidth(of: result, options, diagnostics)
    if !diagnostics.hasErrors { readAhead(&result) }
    return result
  }

  /// Adds a library that the program may open, or finds it among those that are there.
  ///
  /// - Returns: its position among the sources, and what it can be opened by: the same bytes may be there already from
  ///   another path.
  mutating func addOpenable(_ library: InputArgument.Name) -> (source: Int, name: String)? {
    let argument = InputArgument(library)
    guard let (path, name) = locate(argument) else { return nil }
    return openFile(path, argument, moduleName: nil, opened: InputLoader.open(argument)).map {
      ($0, name ?? path.lastPathComponent)
    }
  }

  // MARK: Finding files

  /// A file that was opened, and what it is.
  struct OpenedFile {
    var file: InputFile
    var content: Result<(kind: FileKind, archive: Archive?), FormatError>

    init(path: String) throws(Errno) { self.init(try InputFile(path: path)) }

    init(_ file: InputFile) {
      self.file = file
      let bytes = file.bytes
      content = Result { () throws(FormatError) in
        let kind = try FileKind.recognise(bytes)
        return (kind, kind == .archive || kind == .thinArchive ? try Archive(bytes) : nil)
      }
    }
  }

  /// Opens a file that is named by its path.
  private static func open(_ argument: InputArgument) -> Result<OpenedFile, Errno>? {
    let path: String
    switch argument.name {
    case .file(let text): path = InputArgument.splitModuleName(text, fileExists: exists).path
    case .module(_, let file): path = file
    case .bytes(let contents, _): return Result { () throws(Errno) in OpenedFile(try InputFile(contents)) }
    case .library: return nil
    }
    return Result { () throws(Errno) in try OpenedFile(path: path) }
  }

  private mutating func open(_ argument: InputArgument, _ file: Result<OpenedFile, Errno>?) {
    guard let (path, name) = locate(argument) else { return }
    openFile(path, argument, moduleName: name.map { names.intern($0) }, opened: file)
  }

  /// The path of what an argument names, and the module name that it gives it; `nil` for a library that is nowhere, which is
  /// reported.
  private func locate(_ argument: InputArgument) -> (path: String, name: String?)? {
    switch argument.name {
    case .file(let text):
      let (module, path) = InputArgument.splitModuleName(text, fileExists: InputLoader.exists)
      return (path, module)
    case .module(let name, let path): return (path, name)
    case .bytes(let contents, let module): return (contents.name, module)
    case .library(let name):
      if let path = InputLoader.find(name, in: options.libraryPaths, endings: argument.librarySearch.endings) {
        return (path, nil)
      }
      reportMissing(library: name, argument.librarySearch)
      return nil
    }
  }

  /// - Returns: the position of the file among the sources; `nil` if it is none, which has been reported.
  @discardableResult
  mutating func openFile(
    _ path: String, _ argument: InputArgument, moduleName: ByteString?, opened: Result<OpenedFile, Errno>? = nil
  ) -> Int? {
    diagnostics.log("Loading: \(path)")
    let file: OpenedFile
    do {
      file = try opened?.get() ?? OpenedFile(path: path)
    } catch {
      diagnostics.error("cannot open \(path): \(error)", .cannotOpen, in: path)
      return nil
    }
    if file.file.isFile { openedPaths.append(path) }
    openedFiles.append(file.file)
    return addSource(file, argument, moduleName: moduleName)
  }

  @discardableResult
  mutating func addSource(_ opened: OpenedFile, _ argument: InputArgument, moduleName: ByteString?) -> Int? {
    let file = opened.file
    do {
      let (kind, archive) = try opened.content.get()
      switch kind {
      case .foreign(let what):
        if what == "unknown file type" {
          diagnostics.report(
            "unknown file type: \(file.displayName)", hint: FileKind.guess(file.bytes), about: file.displayName,
            .foreignFile,
            in: file.displayName, as: options)
        } else {
          diagnostics.error("\(file.displayName): \(what)", .foreignFile, in: file.displayName)
        }
        return nil
      case .sharedLibrary:
        if let known = addLibrary(file, moduleName: moduleName) { return known }
      default: break
      }
      var source = Source(file: file, kind: kind, argument: argument, moduleName: moduleName)
      source.archive = archive
      if isOpening {
        source.opening = Opening(names: [], isOnly: true, constructs: options.openableInitialization == .open)
      }
      sources.append(source)
      return sources.count - 1
    } catch {
      diagnostics.error(error, in: file)
      return nil
    }
  }

  /// Reports a library that is nowhere, with the places where it was looked for.
  private func reportMissing(library name: String, _ search: LibrarySearch) {
    let files = name.hasPrefix(":") ? [String(name.dropFirst())] : search.endings.map { "lib\(name)\($0)" }
    let folders = options.libraryPaths
    let hint =
      folders.isEmpty
      ? "there is no folder to look for \(files.joined(separator: " or ")) (pass -L FOLDER)"
      : "looked for \(files.joined(separator: " and ")) in \(folders.joined(separator: ", "))"
    diagnostics.report(
      "unable to find library -l\(name)",
      hint: hint + (InputLoader.bareName(of: name).map { "; did you mean -l\($0)" } ?? ""),
      about: "-l\(name)", .libraryNotFound, symbol: name, as: options)
  }

  /// The name of a library that was given as that of its file: `c` of `libc`, `libc.a`, `c.a`.
  private static func bareName(of name: String) -> String? {
    var bare = name[...]
    if bare.hasPrefix("lib"), bare.count > 3 { bare = bare.dropFirst(3) }
    if let ending = [".a", ".so"].first(where: bare.hasSuffix) { bare = bare.dropLast(ending.count) }
    return bare == name || bare.isEmpty || name.hasPrefix(":") ? nil : String(bare)
  }

  static func find(_ name: String, in folders: [String], endings: [String]) -> String? {
    for folder in folders {
      if name.hasPrefix(":") {
        let path = folder + "/" + name.dropFirst()
        if exists(path) { return path }
        continue
      }
      for ending in endings {
        let path = "\(folder)/lib\(name)\(ending)"
        if exists(path) { return path }
      }
    }
    return nil
  }

  private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  // MARK: Reading

  private var unitLoader: UnitLoader {
    UnitLoader(
      diagnostics: diagnostics, leavesLibraries: options.isPositionIndependent, mergesModules: options.mergesModules,
      namesLazyObjects: options.compatibility.countsLazyObjectsAsNamed,
      translatesExceptions: options.translatesExceptions, makesObjects: options.contract.isObject, threads: threads,
      names: register)
  }

  private mutating func readInParallel() {
    let sources = self.sources
    let results = ParallelBuffer<(unit: InputModule?, lazyFiles: [LazyFile], error: FormatError?)>(
      repeating: (nil, [], nil), count: sources.count)
    let loader = unitLoader
    threads.forEach(sources.count) { index in
      let source = sources[index]
      do throws(FormatError) {
        if let archive = source.archive {
          if !source.argument.wholeArchive {
            let lazy = try loader.lazyFiles(of: archive, in: source.file, moduleName: source.moduleName)
            results[index] = (nil, lazy, nil)
          }
        } else if source.argument.lazy, source.kind == .object {
          results[index] = (nil, [try loader.lazyFile(source.file)], nil)
        } else if source.kind != .stubLibrary {
          let unit = try loader.read(
            source.file, kind: source.kind, moduleName: source.moduleName, opening: source.opening)
          results[index] = (unit, [], nil)
        }
      } catch {
        results[index] = (nil, [], error)
      }
    }
    for (index, result) in results.take().enumerated() {
      self.sources[index].unit = result.unit
      self.sources[index].lazyFiles = result.lazyFiles
      if let error = result.error { diagnostics.error(error, in: sources[index].file) }
    }
  }

  private mutating func collect() -> Inputs {
    var inputs = Inputs(names: register)
    let members = sources.map { source in
      source.archive.map { source.argument.wholeArchive ? wholeArchive($0, source) : [] } ?? []
    }
    let isKnown = knownMembers(members)
    for (source, members) in zip(sources, members) {
      if let unit = source.unit {
        add(unit, to: &inputs)
      } else if source.kind == .stubLibrary {
        inputs.stubLibraries.append(StubLibrary(source.file))
      }
      if source.kind == .thinArchive {
        let folder = FilePath(source.file.path).removingLastComponent()
        inputs.paths += source.archive?.members.map { folder.pushing(FilePath($0.name.description)).string } ?? []
      }
      if source.archive != nil, source.file.isFile {
        var list = FilePath(source.file.path)
        list.extension = "imports"
        if InputLoader.exists(list.string) { inputs.importLists.append(list.string) }
      }
      for unit in members where !isKnown(unit) { add(unit, to: &inputs) }
      for file in source.lazyFiles where file.unit.map(isKnown) != true {
        inputs.symbolCount += file.symbols.count
        inputs.order.append(.lazy(inputs.lazyFiles.count))
        inputs.lazyFiles.append(file)
      }
    }
    return inputs
  }

  private func add(_ unit: InputModule, to inputs: inout Inputs) {
    inputs.symbolCount += unit.symbols.count
    inputs.order.append(.unit(inputs.units.count))
    inputs.units.append(unit)
  }

  private func wholeArchive(_ archive: Archive, _ source: Source) -> [InputModule] {
    unitLoader.readMembers(of: archive, in: source.file, moduleName: source.moduleName)
  }

  private func readAhead(_ inputs: inout Inputs) {
    let roots =
      options.undefinedSymbols + options.exports + options.exportsIfDefined + (options.entry.map { [$0] } ?? [])
    ReadAhead.run(&inputs, roots: roots.map { names.intern($0) }, threads)
  }
}
