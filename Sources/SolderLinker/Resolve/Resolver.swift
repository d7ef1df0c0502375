import WebAssemblyFormat

// Deciding what each name stands for.
//
// Files are added in the order of the command line, symbol by symbol, and the first reference to a lazy file (a member
// of an archive) adds that file at once, before the next symbol is looked at. This is how wasm-ld does it, and the
// order of files, of functions and of data in the result follows from it. Where wasm-ld recurses, a stack of half-added
// files is kept here instead, since a chain of archive members can be longer than a thread's stack.

/// Why a lazy file was extracted, for `--why-extract`.
struct Extraction {
  let referrer: String
  let file: String
  /// The symbol's name, as references have it.
  let name: ByteString
}

/// The state of name resolution; see the comment at the head of the file.
struct Resolver {
  let options: LinkOptions
  let diagnostics: Diagnostics
  private let width: AddressWidth
  /// Whether a file was found whose addresses are of another width: as with wasm-ld, nothing that follows means anything.
  private(set) var isOver = false
  /// Whether addresses have 64 bits.
  var is64: Bool { width.is64 }
  var table: SymbolTable
  var types: TypeTable
  /// All units, in the order in which they were begun; the first is the linker's own.
  var units: [BoundModule]
  /// For each unit, the symbol of the link that each of its symbols is, as far as they have been added.
  var symbolIDs: [[SymbolID]] = []
  /// What the linker itself defines.
  var own: SyntheticFunctions
  /// For each object that was asked about, which of its symbols its calls name.
  private var directlyCalled: [UnitID: [Bool]] = [:]
  /// Indices of the units in the order of the link.
  var linkOrder: [UnitID] = []
  private let lazyFiles: Row<LinkLazyFiles, LazyFile>
  private var extracted: Row<LinkLazyFiles, Bool>
  /// Who decodes relocations of units that are complete, while files are added.
  var decoders: RelocationDecoders?
  /// Names that the command line wants exported.
  var requestedExports: Set<ByteString> = []
  /// Whether a plain module brings the stack pointer that everybody shares.
  var hasOwnStackPointer = false
  /// Libraries that are there for the program to open.
  var opened = OpenedLibraries([])
  var extractions: [Extraction] = []
  /// For each name that made a file be extracted, the file (with `--why-extract`).
  private var awaited: [SymbolID: LazyFileID] = [:]
  /// Units whose symbols are being added, and the next symbol of each; the innermost is last.
  private var begunUnits: [(unit: UnitID, next: Int, reason: Extraction?)] = []

  init(options: LinkOptions, diagnostics: Diagnostics, names: NameArena, inputs: Inputs) {
    self.options = options
    self.diagnostics = diagnostics
    width = inputs.width
    table = SymbolTable(
      names: inputs.names, expectedNames: inputs.names.numberLimit, expectedSymbols: inputs.symbolCount)
    types = TypeTable()
    lazyFiles = Row(inputs.lazyFiles)
    extracted = Row(repeating: false, count: lazyFiles.count)
    own = SyntheticFunctions(names: names)
    units = [BoundModule(own.module(), index: .own, typeIDs: Row(), discardedComdats: [])]
    symbolIDs = [[]]
  }

  /// The symbol of the link that a unit's symbol is.
  func id(_ symbol: Int, of unit: BoundModule) -> SymbolID { symbolIDs[Int(unit.index)][symbol] }

  // MARK: Adding files

  /// Adds a unit, and the lazy files that its undefined symbols need.
  mutating func add(_ unit: InputModule) {
    begin(unit)
    finishBegunUnits()
  }

  /// Adds the names of a lazy file; it is extracted at once when one of them is already missing.
  mutating func addLazy(_ index: LazyFileID) {
    let source = lazyFiles[index].source
    for position in lazyFiles[index].symbols {
      let number = source.nameNumbers[position]
      if table.addLazy(source.symbols[position], number: number, file: index) { continue }
      let (id, isNew) = table.insert(
        source.symbols[position], number: number, kind: .function, flags: [], unit: nil)
      let existing = table.symbols[id]
      guard isNew || existing.isUndefined && !existing.has(.provided) else { continue }
      if isNew || existing.isWeak {
        // A weak reference alone is not worth extracting the file for.
        table.symbols[id].meaning = .lazy(index)
        table.symbols[id].flags = isNew ? [] : .bindingWeak
        if existing.has(.traced) {
          diagnostics.message("\(lazyFiles[index].displayName): lazy definition of \(existing.name)")
        }
      } else {
        extract(index, for: id, referrer: displayName(ofUnit: existing.unit))
        finishBegunUnits()
        return
      }
    }
  }

  /// Refers to a name from the command line; a lazy file that defines it is extracted.
  ///
  /// - Returns: the symbol, if the name occurs at all.
  mutating func reference(_ name: ByteString, from referrer: String) -> SymbolID? {
    guard let id = table.find(name) else { return nil }
    table.symbols[id].attributes.insert(.usedInRegularUnit)
    if let file = table.symbols[id].lazyFile {
      extract(file, for: id, referrer: referrer)
      finishBegunUnits()
    }
    return table.find(name)
  }

  /// Goes on adding symbols until every unit that was begun is complete.
  private mutating func finishBegunUnits() {
    while let (index, next, reason) = begunUnits.last {
      let unit = units[index]
      if next == unit.symbols.count {
        begunUnits.removeLast()
        // As in wasm-ld, behind what was extracted on its behalf.
        if let reason { extractions.append(reason) }
        if !unit.contracts.isLoadedAtRunTime { linkOrder.append(index) }
        if unit.contracts.hasRelocationSections { decoders?.add(unit) }
        continue
      }
      let plain = addPlainSymbols(of: unit, from: next)
      begunUnits[begunUnits.count - 1].next = plain
      guard plain < unit.symbols.count else { continue }
      let next = plain
      begunUnits[begunUnits.count - 1].next += 1
      let (id, needed) = resolve(next, of: unit)
      symbolIDs[Int(index)].append(id)
      if let needed {
        // wasm-ld tells of references to functions, not of those to data.
        let isTold = unit.symbols[next].kind == .function
        extract(needed, for: id, referrer: unit.file.displayName, isTold: isTold)
      } else if options.whyExtractFile != nil {
        tellOfAwaited(id, unit.symbols[next], in: unit)
      }
    }
  }

  /// For `wasm-ld`, a name for which a file is being added stays lazy until the file defines it: it tells of every
  /// reference to it.
  private mutating func tellOfAwaited(_ id: SymbolID, _ symbol: UnitSymbol, in unit: BoundModule) {
    guard symbol.kind == .function, symbol.isUndefined, !symbol.isWeak, table.symbols[id].isUndefined,
      let file = awaited[id]
    else { return }
    extractions.append(
      Extraction(referrer: unit.file.displayName, file: lazyFiles[file].displayName, name: symbol.name))
  }

  /// What was recovered from a finished module is no relocation of a finished result, and a plain module stands where it
  /// stands.
  private func checkKind(_ unit: InputModule) {
    guard unit.contracts.keepsPlaces else { return }
    let kind = unit.contracts.kindName
    if options.keepsRelocations, !options.contract.isObject {
      diagnostics.error(
        "\(unit.file.displayName): \(kind) has no relocations to keep (--emit-relocs takes objects)", .objectFormat,
        in: unit.file.displayName)
    } else if options.isPositionIndependent {
      diagnostics.error(
        "\(unit.file.displayName): \(kind) has fixed addresses (-shared and -pie take objects and shared libraries)",
        .objectFormat, in: unit.file.displayName)
    }
  }

  private mutating func begin(_ module: InputModule, because reason: Extraction? = nil) {
    checkKind(module)
    if options.traceInputs, !module.contracts.isLoadedAtRunTime { diagnostics.message(module.file.displayName) }
    let typeIDs: Row<UnitTypes, TypeID>
    do {
      typeIDs = Row(try types.intern(module.types))
    } catch {
      diagnostics.error(error, in: module.file)
      return
    }
    let index = UnitID(units.count)
    let discardedComdats = module.comdatNumbers.map { !table.addComdat($0) }
    units.append(BoundModule(module, index: index, typeIDs: typeIDs, discardedComdats: discardedComdats))
    symbolIDs.append([])
    symbolIDs[Int(index)].reserveCapacity(module.symbols.count)
    if module.contracts.isOnlyOpened { opened.begin(index) }
    begunUnits.append((index, 0, reason))
  }

  /// Whether a call instruction names the function symbol `index`, so that its signature matters.
  ///
  /// Only asked when signatures disagree, which is rare: relocations may have to be decoded for it.
  mutating func callsDirectly(_ index: Int, of unit: BoundModule) -> Bool {
    if !unit.contracts.hasRelocationSections { return !unit.symbols[index].isAddressOnly }
    if let called = directlyCalled[unit.index] { return called[index] }
    let called = RelocationReader.directlyCalled(in: unit.module)
    directlyCalled[unit.index] = called
    return called[index]
  }

  /// Whether a lazy file is in the link, or about to be.
  func isExtracted(_ file: LazyFileID) -> Bool { extracted[file] }

  /// Reads a lazy file that joins the link.
  private mutating func load(_ file: LazyFileID) -> InputModule? {
    guard !isOver, let unit = lazyFiles[file].load() else { return nil }
    guard width.check(unit, diagnostics) else {
      isOver = true
      return nil
    }
    width.checkTable(of: unit, diagnostics)
    return unit
  }

  private mutating func extract(_ file: LazyFileID, for symbol: SymbolID, referrer: String, isTold: Bool = true) {
    let isTold = isTold && options.whyExtractFile != nil
    let name = table.symbols[symbol].name
    if extracted[file] {
      // It is being added and has not defined the name yet; wasm-ld tells of that too.
      if isTold {
        extractions.append(Extraction(referrer: referrer, file: lazyFiles[file].displayName, name: name))
      }
      return
    }
    extracted[file] = true
    guard let unit = load(file) else { return }
    if options.whyExtractFile != nil { awaited[symbol] = file }
    // The name is undefined until the file, which is about to be added, defines it.
    table.symbols[symbol].meaning = .undefined
    begin(
      unit, because: isTold ? Extraction(referrer: referrer, file: unit.file.displayName, name: name) : nil)
  }

  /// Adds members of archives with a module name (`NAME=ARCHIVE`) that define what is imported from that module.
  mutating func extractNamedMembers() {
    var members: [ByteString: [ByteString: LazyFileID]] = [:]
    for (index, file) in lazyFiles.values.enumerated() {
      guard let module = file.source.moduleName else { continue }
      for position in file.symbols {
        let name = file.source.symbols[position]
        if members[module]?[name] == nil { members[module, default: [:]][name] = LazyFileID(index) }
      }
    }
    guard !members.isEmpty else { return }
    // What is added may import in turn.
    var next = 0
    while next < table.symbols.count {
      let id = SymbolID(next)
      let symbol = table.symbols[id]
      next += 1
      guard symbol.isUndefined, !symbol.isWeak, symbol.importNames != nil else { continue }
      let (module, name) = table.importName(of: symbol)
      guard let file = members[module]?[name], !extracted[file], let unit = load(file) else { continue }
      extracted[file] = true
      // The file is about to define its names.
      if let named = table.find(name), table.symbols[named].lazyFile == file {
        table.symbols[named].meaning = .undefined
      }
      let referrer = displayName(ofUnit: symbol.unit)
      begin(
        unit,
        because: Extraction(referrer: referrer, file: unit.file.displayName, name: table.symbols[id].name))
      finishBegunUnits()
    }
  }

  /// Archives with a module name, each once.
  var namedArchives: [LazySource] {
    var archives: [LazySource] = []
    for file in lazyFiles.values where file.source.moduleName != nil && archives.last !== file.source {
      archives.append(file.source)
    }
    return archives
  }

  /// The file of a unit, as messages name it.
  func displayName(ofUnit index: UnitID?) -> String {
    index == .own ? "<internal>" : units[index]?.file.displayName ?? "<internal>"
  }
}
