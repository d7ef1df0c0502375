import SystemPackage
import WebAssemblyFormat

// The shared libraries of a link, each of which is there once: what is linked twice would have two copies of its data and
// would be set up twice. The same bytes may be named by several paths, be a member of archives, and be needed by others. A
// file counts before a member of an archive, since that is linked only where something asks for it.
extension InputLoader {
  /// Adds a library that the command line names, or finds it among those that are there, which then has the module name
  /// too.
  ///
  /// - Returns: the position among the sources of the library that is there already.
  mutating func addLibrary(_ file: InputFile, moduleName: ByteString?) -> Int? {
    guard let known = libraries.add(file), let index = sources.firstIndex(where: { $0.file === known }) else {
      return nil
    }
    guard let moduleName else { return index }
    let first = sources[index].moduleName ?? moduleName
    if first != moduleName { reportTwoNames(file, moduleName, known, first) }
    sources[index].moduleName = first
    return index
  }

  /// Finds out which members of archives are libraries that are in the link in another way.
  ///
  /// - Parameter members: by source, those of archives that are linked whole.
  mutating func knownMembers(_ members: [[InputModule]]) -> (InputModule) -> Bool {
    var known: Set<ObjectIdentifier> = []
    var moduleNames: [ObjectIdentifier: ByteString] = [:]
    for source in sources where source.kind == .sharedLibrary {
      moduleNames[ObjectIdentifier(source.file)] = source.moduleName
    }
    for unit in members.joined() + sources.flatMap({ $0.lazyFiles.compactMap(\.unit) }) where unit.origin.isLibrary {
      guard let first = libraries.add(unit.file) else {
        moduleNames[ObjectIdentifier(unit.file)] = unit.moduleName
        continue
      }
      known.insert(ObjectIdentifier(unit.file))
      let name = moduleNames[ObjectIdentifier(first)]
      if let own = unit.moduleName, own != name { reportTwoNames(unit.file, own, first, name) }
    }
    return { [known] unit in known.contains(ObjectIdentifier(unit.file)) }
  }

  /// The libraries of this name that are members of archives of the command line, each of the same bytes once.
  private mutating func members(named name: ByteString) -> [(source: Int, file: InputFile)] {
    var found: [(source: Int, file: InputFile)] = []
    for (source, member) in membersByName()[name] ?? [] {
      let file = InputFile(member: name.description, content: member.content, of: sources[source].file)
      if found.contains(where: { $0.file.hasSameContents(as: file) }) { continue }
      if case .sharedLibrary? = try? FileKind.recognise(file.bytes) { found.append((source, file)) }
    }
    return found
  }

  /// The members of all archives, made when a library needs another.
  private mutating func membersByName() -> [ByteString: [(source: Int, member: ArchiveMember)]] {
    if let known = archiveMembers { return known }
    var result: [ByteString: [(source: Int, member: ArchiveMember)]] = [:]
    for (index, source) in sources.enumerated() {
      guard let archive = source.archive, !archive.isThin else { continue }
      for member in archive.members { result[member.name, default: []].append((index, member)) }
    }
    archiveMembers = result
    return result
  }

  private func reportTwoNames(
    _ file: InputFile, _ name: ByteString, _ other: InputFile, _ otherName: ByteString?
  ) {
    diagnostics.error(
      "one library has two module names\n>>> '\(name)' is \(file.displayName)\n>>> "
        + (otherName.map { "'\($0)' is \(other.displayName)" } ?? "without a name: \(other.displayName)"),
      .ambiguousName, symbol: name, in: file.displayName, other.displayName)
  }

  /// Adds libraries that another library needs and that the command line does not name.
  ///
  /// - Parameter first: the first source that may need some.
  mutating func addNeededLibraries(of first: Int) {
    var index = first
    while index < sources.count {
      defer { index += 1 }
      let file = sources[index].file
      // Damage is reported when the file is read.
      guard sources[index].kind == .sharedLibrary, let dylink = try? DylinkSection(of: file) else { continue }
      let search = NeededSearch(neededBy: file, runtimePaths: dylink.runtimePaths, options)
      for path in search.runtimePaths where !dylink.needed.isEmpty && FilePath(path).climbsAboveRoot {
        diagnostics.error(
          "\(file.displayName): its runtime path \(path) leaves the tree of folders: it goes up further than to the root",
          .libraryNotFound, symbol: path, in: file.displayName)
      }
      for name in dylink.needed { addNeeded(name, by: file, search) }
    }
  }

  private mutating func addNeeded(_ needed: ByteString, by file: InputFile, _ search: NeededSearch) {
    let name = needed.description
    let known = libraries.named(name)
    // As it is needed, a member is linked whether something asks for what it defines or not.
    let members = members(named: needed).filter { member in
      !known.contains { $0.hasSameContents(as: member.file) }
    }
    let all = known + members.map(\.file)
    if all.count > 1 {
      let files = all.map { "\n>>> \($0.displayName)" }.joined()
      diagnostics.error(
        "\(file.displayName) needs \(name), which may be any of\(files)", .ambiguousName,
        in: [file.displayName] + all.map(\.displayName))
    }
    if !known.isEmpty { return }
    if let (index, member) = members.first {
      let source = sources[index]
      addSource(OpenedFile(member), InputArgument(source.argument.name), moduleName: source.moduleName)
      return
    }
    let isAbsolute = name.hasPrefix("/")
    guard let path = InputLoader.find(":" + name, in: isAbsolute ? [""] : search.folders, endings: []) else {
      diagnostics.warn(
        "\(file.displayName) needs \(name), which was not found"
          + (isAbsolute ? "" : " (searched \(search.folders.joined(separator: ", ")))"),
        .libraryNotFound, symbol: name, in: file.displayName)
      return
    }
    diagnostics.log("\(file.displayName) needs \(name): adding \(path)")
    let opened = Result { () throws(Errno) in try OpenedFile(path: path) }
    guard let problem = whyNoLibrary(opened) else {
      openFile(path, InputArgument(.file(path)), moduleName: nil, opened: opened)
      return
    }
    diagnostics.error(
      "\(file.displayName) needs \(name), and \(path) is no library: \(problem)", .foreignFile, symbol: name,
      in: file.displayName, path)
  }

  /// Why a file cannot be what a library needs; a whole module can.
  private func whyNoLibrary(_ opened: Result<OpenedFile, Errno>) -> String? {
    switch opened.map(\.content) {
    case .failure(let error): "\(error)"
    case .success(.failure(let error)): "\(error)"
    case .success(.success((.sharedLibrary, _))), .success(.success((.plainModule, _))): nil
    case .success(.success((.foreign(let what), _))): what
    case .success(.success((.object, _))): "an object"
    case .success(.success((.archive, _))), .success(.success((.thinArchive, _))): "an archive"
    case .success(.success((.stubLibrary, _))): "a list of stubs"
    }
  }
}

extension InputModule.Origin {
  fileprivate var isLibrary: Bool { self == .sharedLibrary || self == .neededLibrary }
}
