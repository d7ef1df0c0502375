import WebAssemblyFormat

// Libraries that are only opened; see `OpenedLibraries.swift`.
extension Resolver {
  /// Adds a symbol of such a library.
  ///
  /// - Returns: the symbol of the link that it is, and the lazy file to extract; `nil` if it is like others.
  mutating func addOpened(_ index: Int, of unit: BoundModule) -> SymbolID? {
    let symbol = unit.symbols[index]
    // What a library exports for the host has its name in the result as from any other library.
    if symbol.isLocal || symbol.flags.contains(.exported) { return nil }
    if symbol.isUndefined {
      guard symbol.isPlainImport, let name = unit.nameNumbers[index].index,
        opened.definition(of: name, for: unit.index) != nil
      else { return nil }
      opened.wait(index, of: unit.index)
    }
    var unnamed = Symbol(symbol, isDiscarded: false, unit: unit.index, typeIDs: unit.typeIDs)
    unnamed.attributes = [.usedInRegularUnit, .fromLibrary]
    return table.addUnnamed(unnamed)
  }
}

extension ResolvePass {
  /// Gives references of libraries that are only opened their meaning. No file is added any more.
  mutating func bindOpened() {
    if dlopen != nil { noteWhatIsShown() }
    for (unit, position) in resolver.opened.waiting { bindOpened(position, of: resolver.units[unit]) }
    for index in resolver.opened.units {
      let unit = resolver.units[index]
      for (position, symbol) in unit.symbols.enumerated() where symbol.isUndefined && !symbol.isWeak && !symbol.isLocal
      {
        bindAmongOpened(position, of: unit)
      }
    }
  }

  private mutating func bindOpened(_ position: Int, of unit: BoundModule) {
    let symbol = unit.symbols[position]
    guard let name = unit.nameNumbers[position].index,
      let place = resolver.opened.definition(of: name, for: unit.index)
    else { preconditionFailure("the reference waits for a definition") }
    let isOwn = resolver.opened.units[place.library] == unit.index
    guard let id = resolver.table.find(symbol.name), resolver.table.symbols[id].isDefined,
      !isOwn || isShown(id)
    else {
      resolver.symbolIDs[Int(unit.index)][position] = openedDefinition(place)
      return
    }
    resolver.table.symbols[id].attributes.insert(.usedInRegularUnit)
    resolver.symbolIDs[Int(unit.index)][position] = id
  }

  /// Notes the definitions of the program whose names libraries have that are there from the start. What such a library
  /// refers to, or defines as well, a program shows to all, as linkers put it into the dynamic symbols of an executable.
  private mutating func noteWhatIsShown() {
    for unit in resolver.units where unit.contracts.followsDynamicLinking && !unit.contracts.isOnlyOpened {
      for (position, stated) in unit.symbols.enumerated() where !stated.isLocal {
        guard let name = unit.nameNumbers[position].index, let id = resolver.table.find(number: name) else { continue }
        let symbol = resolver.table.symbols[id]
        guard symbol.isDefined, !symbol.isHidden, !symbol.has(.fromLibrary) else { continue }
        dlopen?.shown.insert(id)
      }
    }
  }

  /// Whether libraries see a definition of the program that they define themselves as well: one that it exports, one whose
  /// name a library has that is there from the start, or that of such a library.
  private func isShown(_ id: SymbolID) -> Bool {
    let symbol = resolver.table.symbols[id]
    return symbol.has(.fromLibrary) || dlopen?.shown.contains(id) == true || symbol.isExported(options)
      || resolver.requestedExports.contains(symbol.name)
  }

  private func openedDefinition(_ place: OpenedLibraries.Place) -> SymbolID {
    resolver.symbolIDs[Int(resolver.opened.units[place.library])][place.position]
  }

  /// What neither the program nor the library's own scope defines.
  private mutating func bindAmongOpened(_ position: Int, of unit: BoundModule) {
    let symbol = resolver.table.symbols[resolver.id(position, of: unit)]
    guard symbol.isUndefined, !symbol.has(.forceImport), unit.symbols[position].isPlainImport,
      let name = unit.nameNumbers[position].index
    else { return }
    let found = resolver.opened.allDefinitions(of: name)
    guard let place = found.first else { return }
    if found.count > 1 {
      let owners = found.map { resolver.displayName(ofUnit: resolver.opened.units[$0.library]) }
      diagnostics.error(
        "\(unit.file.displayName): \(resolver.demangled(symbol.name)) may be that of any of\n>>> "
          + owners.joined(separator: "\n>>> ") + "\n>>> link the one that is meant as an input as well",
        .ambiguousName, symbol: symbol.name, in: [unit.file.displayName] + owners)
    }
    resolver.symbolIDs[Int(unit.index)][position] = openedDefinition(place)
  }

  // MARK: The unit that finds libraries

  /// Adds the unit that defines `dlopen` and its relatives, behind all files.
  mutating func addDlopen(_ names: NameRegister) {
    guard options.opensLibraries else { return }
    let constructed = resolver.opened.units.filter { resolver.units[$0].contracts.isConstructedWhenOpened }
    let destroyed = constructed.filter { resolver.units[$0].lifted?.destructors != nil }
    let interface = DlopenFunction.interface
    func isMentioned(_ function: DlopenFunction) -> Bool {
      resolver.table.find(function.name) != nil || resolver.requestedExports.contains(function.name)
    }
    let asksForSymbols = isMentioned(.dlsym) || isMentioned(.dladdr)
    if !interface.contains(where: isMentioned), !options.openableLibraries.isEmpty {
      diagnostics.warn("--dl-openable: nothing refers to dlopen", .undefinedSymbol, symbol: "dlopen")
    }
    let maker = DlopenModule(
      groupCount: constructed.count, destructorCount: destroyed.count, is64: resolver.is64,
      isShared: options.sharedMemory, replacing: Set(interface.filter(isReplaced)), names: names, arena: self.names)
    guard let (module, _) = maker.make(DlopenContents(), targets: []) else { return }
    dlopen = DlopenPlace(
      unit: UnitID(resolver.units.count), maker: maker, destroyed: destroyed, asksForSymbols: asksForSymbols)
    resolver.add(module)
    for function in [DlopenFunction.dlopen, .dlsym] {
      guard let id = resolver.table.find(function.name), let unit = resolver.table.symbols[id].unit,
        unit != dlopen?.unit
      else { continue }
      let owner = resolver.displayName(ofUnit: unit)
      diagnostics.warn(
        "\(owner): defines \(function.name), which will not find the libraries of --dl-openable",
        .duplicateSymbol, symbol: function.name, in: owner)
    }
  }

  /// Whether a function is defined by a library that waits for a table of libraries, as that of WASI's C library does.
  private func isReplaced(_ function: DlopenFunction) -> Bool {
    guard let id = resolver.table.find(function.name), resolver.table.symbols[id].isDefined,
      resolver.table.symbols[id].has(.fromLibrary), let unit = resolver.units[resolver.table.symbols[id].unit]
    else { return false }
    return unit.exports.contains { $0.name == "__wasm_set_libraries" }
  }
}

/// The unit that finds libraries for the program.
struct DlopenPlace: Sendable {
  let unit: UnitID
  let maker: DlopenModule
  /// Libraries that are taken down only if they were opened.
  let destroyed: [UnitID]
  /// Whether anybody may ask for a symbol, or what an address is.
  let asksForSymbols: Bool
  /// What the program defines whose names libraries have that are there from the start.
  var shown: Set<SymbolID> = []
  /// What the tables have been made of.
  var contents = DlopenContents()
  var targets: [DlopenModule.Target] = []
}
