import WebAssemblyFormat

/// Fills the tables in which a program finds the libraries that it opens, and their symbols; `Docs/Dlopen.md` has the
/// contract.
///
/// Afterwards the unit of `dlopen` is an object like others, and what can be asked for is live because its tables refer to
/// it.
struct DlopenPass {
  private var resolution: Resolution
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  /// The libraries of the link in the order in which they start.
  private let libraries: [[Unit]]
  private let needs: [UnitID: [UnitID]]
  private var contents = DlopenContents()
  /// What the tables name, behind the unit's own symbols.
  private var targets: [SymbolID] = []
  private var targetIndices: [SymbolID: SymbolIndex] = [:]
  /// The record of each library, and the group that constructs it.
  private var records: [UnitID: Int] = [:]
  private var groups: [UnitID: Int] = [:]
  private var firstTarget = SymbolIndex(0)

  init(_ resolution: consuming Resolution, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    self.options = options
    self.diagnostics = diagnostics
    if resolution.dlopen != nil {
      (libraries, needs) = resolution.libraryGroups()
    } else {
      (libraries, needs) = ([], [:])
    }
    self.resolution = resolution
  }

  /// Runs the pass; errors are in the diagnostics.
  consuming func run() -> Resolution {
    guard let place = resolution.dlopen else { return resolution }
    firstTarget = SymbolIndex(place.maker.symbols.count)
    addGroups()
    addLibraries(place)
    for (index, unit) in place.destroyed.enumerated() { addDestructors(of: unit, index, place) }
    let contents = contents
    let named = targets.map { DlopenModule.Target(name: resolution.symbol($0).name, kind: resolution.symbol($0).kind) }
    guard let (module, relocations) = place.maker.make(contents, targets: named) else {
      diagnostics.error("--dl-openable: the names of symbols are longer than 1 GiB", .commandLine)
      return resolution
    }
    resolution.replace(place.unit, by: module, relocations, targets: targets)
    resolution.dlopen?.contents = contents
    resolution.dlopen?.targets = named
    return resolution
  }

  /// The number of a symbol of another unit among the symbols of this one.
  private mutating func target(_ id: SymbolID) -> SymbolIndex {
    if let known = targetIndices[id] { return known }
    let index = firstTarget + targets.count
    targets.append(id)
    targetIndices[id] = index
    return index
  }

  // MARK: Constructors

  /// Libraries that need each other are constructed together, behind those that they need; see `LibraryOrder.swift`.
  private mutating func addGroups() {
    for members in libraries {
      let opened = members.filter(\.contracts.isConstructedWhenOpened)
      if opened.isEmpty { continue }
      var constructors: [(function: SymbolIndex, results: Int)] = []
      for unit in opened {
        for function in unit.lifted?.constructors ?? [] where !unit.codeFacts.removedFunctions.contains(function) {
          let id = unit.id(of: function)
          let results = resolution.symbol(id).type.flatMap { resolution.types.functionType(of: $0)?.results.count } ?? 0
          constructors.append((target(id), results))
        }
      }
      let needed = Set(opened.flatMap { needs[$0.index] ?? [] }.compactMap { groups[$0] }).sorted()
      if constructors.isEmpty, needed.isEmpty, opened.allSatisfy({ $0.lifted?.destructors == nil }) { continue }
      for unit in opened { groups[unit.index] = contents.groups.count }
      contents.groups.append(DlopenContents.Group(needs: needed, constructors: constructors))
    }
  }

  private mutating func addDestructors(of unit: UnitID, _ index: Int, _ place: DlopenPlace) {
    guard let function = resolution.units[unit].lifted?.destructors, let group = groups[unit] else {
      preconditionFailure("a library that is taken down is constructed")
    }
    contents.destructors.append((target(resolution.units[unit].id(of: function)), group))
    let dlopen = resolution.units[place.unit]
    resolution.guardedDestructors[unit] = dlopen.symbolIDs[place.maker.symbols.destroying(index)]
  }

  // MARK: Libraries

  private mutating func addLibraries(_ place: DlopenPlace) {
    let openable = resolution.inLinkOrder.filter { $0.module.opening.map { !$0.names.isEmpty } ?? false }
    let order = openable.filter { !$0.contracts.isOnlyOpened } + openable.filter(\.contracts.isOnlyOpened)
    for (index, unit) in order.enumerated() { records[unit.index] = index + 1 }
    contents.linkedCount = 1 + order.count { !$0.contracts.isOnlyOpened }
    let names = self.names(of: order)
    contents.libraries.append(
      DlopenContents.Library(
        name: programName, names: [], exports: place.asksForSymbols ? programExports() : [], scope: [0]))
    for (index, unit) in order.enumerated() {
      var library = DlopenContents.Library(
        name: names[index][0], names: names[index], exports: place.asksForSymbols ? exports(of: unit) : [])
      library.scope = scope(of: unit)
      library.group = groups[unit.index]
      if let block = unit.lifted?.memoryBlock, unit.segments[Int(block.segment)].size > 0 {
        library.block = target(unit.symbolIDs[block.symbol])
        library.blockSize = unit.segments[Int(block.segment)].size
      }
      contents.libraries.append(library)
    }
  }

  private var programName: ByteString {
    let name = options.soname ?? options.outputPath.split(separator: "/").last.map(String.init) ?? ""
    return resolution.synthetic.names.intern(name)
  }

  /// What each library can be opened by: its name or file name, and the name that its name section has, where that is
  /// nobody else's.
  private func names(of units: [Unit]) -> [[ByteString]] {
    var result = units.map { $0.module.opening?.names ?? [] }
    let taken = Set(result.joined())
    var count: [ByteString: Int] = [:]
    let own = units.map(\.names.moduleName)
    for name in own { if let name { count[name, default: 0] += 1 } }
    for (index, name) in own.enumerated() {
      if let name, !name.isEmpty, count[name] == 1, !taken.contains(name) { result[index].append(name) }
    }
    return result
  }

  /// The records of a library and of those it needs, directly or not; nearest first.
  private func scope(of unit: Unit) -> [Int] {
    unit.index.withAllNeeded { needs[$0] ?? [] }.compactMap { records[$0] }
  }

  // MARK: Symbols

  /// What the result exports is what a program shows to those who ask for everything, and what libraries that are there from
  /// the start have names for.
  private mutating func programExports() -> [DlopenContents.Export] {
    var result: [DlopenContents.Export] = []
    var seen: Set<ByteString> = []
    for id in resolution.table.slots {
      let symbol = resolution.symbol(id)
      let isShown = symbol.isExported(options) || resolution.dlopen?.shown.contains(id) == true
      guard isShown, symbol.state != .alias, symbol.unit != .own,
        symbol.unit != resolution.dlopen?.unit
      else { continue }
      let name = symbol.kind == .function && symbol.state == .defined ? resolution.exportName(of: id) : symbol.name
      guard seen.insert(name).inserted, let export = export(name, id) else { continue }
      result.append(export)
    }
    // Names for what the host gives.
    for passed in resolution.exportedImports where seen.insert(passed.name).inserted {
      if let export = export(passed.name, passed.symbol) { result.append(export) }
    }
    return result
  }

  private mutating func exports(of unit: Unit) -> [DlopenContents.Export] {
    var result: [DlopenContents.Export] = []
    for (position, symbol) in unit.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
      let id = ownDefinition(SymbolIndex(position), symbol, of: unit)
      if let export = export(symbol.name, id) { result.append(export) }
    }
    return result
  }

  /// The library's own definition, even where another unit's won the name.
  private mutating func ownDefinition(_ position: SymbolIndex, _ stated: UnitSymbol, of unit: Unit) -> SymbolID {
    let id = unit.symbolIDs[position]
    guard resolution.symbol(id).unit != unit.index, let definition = stated.definition, let facts = unit.lifted else {
      return id
    }
    switch stated.kind {
    case .function:
      return unit.symbolIDs[facts.functionSymbols + unit.functionImports.count + definition.rawValue]
    case .data:
      var own = Symbol(stated, isDiscarded: false, unit: unit.index, typeIDs: unit.typeIDs)
      own.meaning = .defined(definition + unit.bases.segment.rawValue)
      return resolution.table.addUnnamed(own)
    default: return id
    }
  }

  /// - Returns: `nil` for a name that no string of C can be.
  private mutating func export(_ name: ByteString, _ id: SymbolID) -> DlopenContents.Export? {
    if name.bytes.contains(0) { return nil }
    let symbol = resolution.symbol(id)
    switch symbol.kind {
    case .function, .data:
      // What is weak and missing is null.
      if symbol.has(.isStub) || symbol.isUndefinedWeak {
        return DlopenContents.Export(name: name, kind: .function, target: nil)
      }
      if symbol.isTLS {
        return DlopenContents.Export(name: name, kind: .threadLocal, target: target(id))
      }
      return DlopenContents.Export(name: name, kind: symbol.kind == .data ? .data : .function, target: target(id))
    default: return DlopenContents.Export(name: name, kind: .other, target: nil)
    }
  }
}
