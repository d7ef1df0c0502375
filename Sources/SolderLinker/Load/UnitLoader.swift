import SystemPackage
import WebAssemblyFormat

/// Turns a file, or a member of an archive, into an ``InputModule`` or into a promise of one.
struct UnitLoader: Sendable {
  let diagnostics: Diagnostics
  /// Whether shared libraries are left as they are, because the result is linked at run time itself.
  let leavesLibraries: Bool
  /// Whether `env` is a module like any other to whole modules.
  let mergesModules: Bool
  /// Whether objects between `--start-lib` and `--end-lib` count as named by the command line.
  var namesLazyObjects = false
  /// Whether the older instructions for exceptions give way to the newer ones.
  var translatesExceptions = false
  /// Whether finished modules become objects.
  var makesObjects = false
  let threads: Threads
  let names: NameRegister

  /// Reads a whole module of any kind.
  ///
  /// - Throws: ``FormatError`` with what is damaged, and where.
  func read(
    _ file: InputFile, kind: FileKind, moduleName: ByteString? = nil, isNamedExplicitly: Bool = true,
    opening: Opening? = nil
  ) throws(FormatError) -> InputModule {
    let origin: InputModule.Origin =
      switch kind {
      case .sharedLibrary: leavesLibraries ? .neededLibrary : .sharedLibrary
      case .plainModule: .plainModule
      default: .object
      }
    let (file, translation) = translatesExceptions && origin.isLifted ? try translated(file, origin) : (file, nil)
    @Sendable func read() throws(FormatError) -> ModuleDraft {
      let draft = ModuleDraft(
        origin: origin, file: file, moduleName: moduleName, isNamedExplicitly: isNamedExplicitly,
        takesEnvForModule: mergesModules && origin == .plainModule, opening: opening)
      draft.translation = translation
      try self.read(draft)
      return draft
    }
    return InputModule(origin == .plainModule ? try readPlainModule(file, read) : try read())
  }

  /// The module with the newer instructions for exceptions, and where its code was.
  private func translated(
    _ file: InputFile, _ origin: InputModule.Origin
  ) throws(FormatError) -> (InputFile, CodeTranslation?) {
    let draft = ModuleDraft(origin: origin, file: file)
    var reader = ModuleReader(draft)
    try reader.read()
    var translation = ExceptionTranslation(draft)
    guard let bytes = try translation.run(threads) else { return (file, nil) }
    return (try InputFile(InputBytes(name: file.path, bytes), insteadOf: file), translation.places)
  }

  private func read(_ unit: ModuleDraft) throws(FormatError) {
    var reader = ModuleReader(unit)
    try reader.read()
    switch unit.origin {
    case .object:
      var reader = ObjectReader(unit)
      try reader.read()
    case .neededLibrary: unit.declareProvidedSymbols()
    default: try Lifter(unit, forObject: makesObjects).declare()
    }
    if unit.origin != .neededLibrary { unit.completeSymbols() }
    numberNames(of: unit)
  }

  /// Reads and lifts a plain module, while another thread finds the bodies of its functions, which that does not need:
  /// plain modules are large, and often the only large input.
  ///
  /// - Parameter read: reads and lifts it, but for the bodies.
  private func readPlainModule(
    _ file: InputFile, _ read: @Sendable () throws(FormatError) -> ModuleDraft
  ) throws(FormatError) -> ModuleDraft {
    let drafts = ParallelBuffer<ModuleDraft?>(repeating: nil, count: 1)
    let places = ParallelBuffer<[ModuleReader.BodyPlace]>(repeating: [], count: 1)
    let errors = ParallelBuffer<FormatError?>(repeating: nil, count: 2)
    threads.forEach(2) { part in
      do throws(FormatError) {
        if part == 0 { drafts[0] = try read() } else { places[0] = try ModuleReader.findBodies(in: file.bytes) }
      } catch {
        errors[part] = error
      }
    }
    let (found, read) = (places.take(), drafts.take())
    for case let error? in errors.take() { throw error }
    guard let draft = read[0] else { preconditionFailure("a module was neither read nor refused") }
    draft.functions.place(found[0])
    return draft
  }

  private func numberNames(of unit: ModuleDraft) {
    unit.nameNumbers = names.numbers(of: unit.symbols)
    unit.comdatNumbers = names.numbers(of: unit.comdats)
  }

  // MARK: Archives

  /// The members of an archive, each to be linked when a symbol of it is needed.
  ///
  /// - Throws: ``FormatError`` when a member without an entry in the index cannot be read.
  func lazyFiles(
    of archive: Archive, in file: InputFile, moduleName: ByteString?
  ) throws(FormatError) -> [LazyFile] {
    var names = MemberNames(archive)
    let silent = silent()
    var symbols: [ByteString] = []
    if let index = archive.symbols { symbols.reserveCapacity(index.count) }
    var members: [(index: Int, symbols: Range<Int>, unit: InputModule?)] = []
    members.reserveCapacity(archive.members.count)
    for (index, member) in archive.members.enumerated() {
      let first = symbols.count
      var unit: InputModule?
      if archive.symbols != nil {
        names.append(of: member, to: &symbols)
        // Who makes the index leaves out what is no object to him: a library has only exports. It is read in any case,
        // since it may be in the link in another way.
        let isUnlisted = symbols.count == first
        if archive.isThin
          ? isUnlisted : UnitLoader.isLibrary(member.content) || isUnlisted && UnitLoader.isModule(member.content),
          let read = silent.readMember(member, of: archive, in: file, moduleName: moduleName)
        {
          if isUnlisted { symbols += UnitLoader.definedNames(read) }
          if symbols.count > first { unit = read }
        }
      } else {
        guard let read = readMember(member, of: archive, in: file, moduleName: moduleName, isNeeded: false) else {
          continue
        }
        symbols += UnitLoader.definedNames(read)
        unit = read
      }
      // Bitcode is told of when something needs it.
      let isBitcode = (try? FileKind.recognise(member.content)) == .bitcode
      if !archive.isThin, !UnitLoader.isModule(member.content), !isBitcode || symbols.count == first {
        diagnostics.warn(
          "\(file.path): archive member '\(member.name)' is "
            + (isBitcode
              ? "LLVM bitcode, which cannot be linked, and the index does not say what it defines"
              : "neither Wasm object file nor LLVM bitcode"),
          .foreignFile,
          in: "\(file.path)(\(member.name))")
        continue
      }
      members.append((index, first..<symbols.count, unit))
    }
    let source = LazySource(file, archive, moduleName: moduleName, symbols: symbols, self)
    return members.map { LazyFile(source: source, member: $0.index, symbols: $0.symbols, unit: $0.unit) }
  }

  /// What an archive's symbol index says of its members, which it usually lists in their order.
  private struct MemberNames {
    private let symbols: [ArchiveSymbol]
    private var next = 0

    init(_ archive: Archive) {
      let symbols = archive.symbols ?? []
      let isOrdered = zip(symbols, symbols.dropFirst()).allSatisfy { $0.headerOffset <= $1.headerOffset }
      // A stable order, since that of a member's symbols matters.
      let order =
        isOrdered ? [] : symbols.indices.sorted { (symbols[$0].headerOffset, $0) < (symbols[$1].headerOffset, $1) }
      self.symbols = isOrdered ? symbols : order.map { symbols[$0] }
    }

    /// The names that a member defines; members are asked for in their order.
    mutating func append(of member: ArchiveMember, to names: inout [ByteString]) {
      while next < symbols.count, symbols[next].headerOffset < member.headerOffset { next += 1 }
      while next < symbols.count, symbols[next].headerOffset == member.headerOffset {
        names.append(symbols[next].name)
        next += 1
      }
    }
  }

  /// An object between `--start-lib` and `--end-lib`.
  ///
  /// - Throws: ``FormatError`` when it cannot be read.
  func lazyFile(_ file: InputFile) throws(FormatError) -> LazyFile {
    let unit = try read(file, kind: .object, isNamedExplicitly: namesLazyObjects)
    let symbols = UnitLoader.definedNames(unit)
    let source = LazySource(file, nil, moduleName: nil, symbols: symbols, self)
    return LazyFile(source: source, member: 0, symbols: symbols.indices, unit: unit)
  }

  /// The same, whose errors nobody is told of.
  func silent() -> UnitLoader {
    UnitLoader(
      diagnostics: Diagnostics(sink: { _ in }), leavesLibraries: leavesLibraries, mergesModules: mergesModules,
      translatesExceptions: translatesExceptions, makesObjects: makesObjects, threads: threads, names: names)
  }

  /// All members of an archive that is linked whole, as far as they can be read.
  func readMembers(of archive: Archive, in file: InputFile, moduleName: ByteString?) -> [InputModule] {
    let silent = silent()
    let units = threads.map(archive.members.count, batch: 4) {
      silent.readMember(
        archive.members[$0], of: archive, in: file, moduleName: moduleName, isNamedExplicitly: true)
    }
    // Those that could not be read once more, so that errors are reported in order.
    return zip(units, archive.members).compactMap { unit, member in
      unit ?? readMember(member, of: archive, in: file, moduleName: moduleName, isNamedExplicitly: true)
    }
  }

  /// Reads a member; errors go to the diagnostics.
  ///
  /// - Parameter isNeeded: whether the link is to have it.
  func readMember(
    _ member: ArchiveMember, of archive: Archive, in file: InputFile, moduleName: ByteString?,
    isNamedExplicitly: Bool = false, isNeeded: Bool = true
  ) -> InputModule? {
    let memberFile: InputFile
    if archive.isThin {
      let path = FilePath(file.path).removingLastComponent().pushing(FilePath(member.name.description)).string
      do {
        memberFile = InputFile(member: member.name.description, file: try InputFile(path: path), of: file)
      } catch {
        diagnostics.error(
          "cannot open \(path): \(error) (member of thin archive \(file.path))", .cannotOpen, in: path, file.path)
        return nil
      }
    } else {
      memberFile = InputFile(member: member.name.description, content: member.content, of: file)
    }
    do {
      let kind = try FileKind.recognise(memberFile.bytes)
      if case .foreign(let what) = kind {
        let text = "\(memberFile.displayName): \(what)"
        if kind == .bitcode, isNeeded {
          // What it defines would be missing.
          diagnostics.error(text, .foreignFile, in: memberFile.displayName)
        } else {
          diagnostics.warn(text, .foreignFile, in: memberFile.displayName)
        }
        return nil
      }
      return try read(memberFile, kind: kind, moduleName: moduleName, isNamedExplicitly: isNamedExplicitly)
    } catch {
      diagnostics.error(error, in: memberFile)
      return nil
    }
  }

  private static func definedNames(_ unit: InputModule) -> [ByteString] {
    unit.symbols.filter { !$0.isUndefined && !$0.isLocal }.map(\.name)
      + (unit.origin == .plainModule ? unit.lifted?.exportsOfImportedNames ?? [] : []).map {
        unit.symbols[Int($0)].name
      }
  }

  /// Whether it says so where a library has to, in its first section.
  private static func isLibrary(_ content: ByteReader) -> Bool {
    guard isModule(content), content.remaining > 8, content[content.offset + 8] == 0 else { return false }
    var section = content.dropFirst(9)
    guard (try? section.u32()) != nil, (try? section.byte()) != nil else { return false }
    return section.starts(with: "dylink".utf8)
  }

  private static func isModule(_ content: ByteReader) -> Bool {
    content.starts(with: [0x00, 0x61, 0x73, 0x6D])
  }
}

extension [Function] {
  /// Tells each function where its body is.
  fileprivate mutating func place(_ places: [ModuleReader.BodyPlace]) {
    for index in 0..<Swift.min(count, places.count) {
      self[index].start = places[index].start
      self[index].body.start = places[index].body
      self[index].body.size = places[index].size
    }
  }
}
