import WebAssemblyFormat

// What the host sees.
//
// First what whole modules export, in their order: who replaces a module by the result must find it all. Then the memory and
// the table, where they are exported; then symbols in the order of the table of symbols, as wasm-ld has it, under their
// `export_name` if they have one, data as an immutable global with its address; last what the linker itself adds. Two
// exports of one name are an error, unless an option renames or leaves out the later one. Names that start a program are
// those of their wrappers, which call constructors first. Indices are final before this pass begins.

/// What an export of the result names.
struct OutputExport {
  var name: ByteString
  var index: OutputIndex
  /// The symbol that is exported; `nil` for what a plain module exports, and for memories.
  var symbol: SymbolID?
}

/// What the result exports.
struct Exports {
  fileprivate(set) var entries: [OutputExport] = []
  /// Data symbols that are exported: each gets a global with its address.
  fileprivate(set) var addresses: [SymbolID] = []
}

/// Exports what the host sees: what plain modules export, the memory, symbols in the order of names, and what the linker
/// adds.
struct ExportPass {
  private let resolution: Resolution
  private let live: Liveness
  private let imports: Imports
  private let startUp: StartUp
  private let numbering: Numbering
  private let features: FeatureSet
  private let options: LinkOptions
  private let diagnostics: Diagnostics
  private let addresses: AddressGlobals
  private var result = Exports()
  /// Where each name stands in ``Exports/entries``.
  private var positions: [ByteString: Int] = [:]
  /// Of each entry, the unit that exports it; `nil` for what the linker adds.
  private var owners: [UnitID?] = []
  /// Of each entry, the definition if it is a function's: two that were folded into one are still two things.
  private var functions: [FunctionID?] = []
  /// All names that plain modules use, which no export takes that gets another name; made when it is needed.
  private lazy var givenNames: Set<ByteString> = Set(
    resolution.inLinkOrder.filter(\.contracts.keepsExports).flatMap { $0.exports.map(\.name) })

  init(
    _ resolution: Resolution, _ live: Liveness, _ imports: Imports,
    _ addresses: AddressGlobals, _ startUp: StartUp, _ numbering: Numbering, _ features: FeatureSet,
    options: LinkOptions, diagnostics: Diagnostics
  ) {
    self.resolution = resolution
    self.live = live
    self.imports = imports
    self.addresses = addresses
    self.startUp = startUp
    self.numbering = numbering
    self.features = features
    self.options = options
    self.diagnostics = diagnostics
  }

  /// Runs the pass.
  consuming func run(_ table: FunctionTable, _ threads: Threads) -> Exports {
    guard options.contract.exportsSymbols else { return result }
    for unit in resolution.inLinkOrder where unit.contracts.keepsExports { exportPlain(unit) }
    if let main = resolution.memories.main, let name = memoryExportName {
      add(OutputExport(name: name, index: .memory(main)), of: nil)
    }
    let isExported = exportedSymbols(threads)
    for id in resolution.table.slots where isExported[Int(id)] && !startUp.wrapped.contains(id) { export(id) }
    if let id = table.symbol, options.exportTable || options.exportAll, isOwn(id) { export(id) }
    if let id = table.symbol, options.exportTable, resolution.symbol(id).isUndefined {
      exportImport(ExportedImport(name: resolution.symbol(id).name, symbol: id))
    }
    for id in startUp.exports { export(id) }
    for entry in resolution.exportedImports { exportImport(entry) }
    return result
  }

  /// The first of `name_N`, `name_N+1`, … that nobody has, N being the number of exports so far.
  private mutating func freeName(for name: ByteString) -> ByteString {
    var number = result.entries.count
    while true {
      let candidate = resolution.synthetic.names.intern("\(name)_\(number)")
      if positions[candidate] == nil, !givenNames.contains(candidate) { return candidate }
      number += 1
    }
  }

  private func owner(_ unit: UnitID?) -> String {
    unit.map { resolution.units[$0].file.displayName } ?? "the linker"
  }

  /// A name that a library gives what it imports, where nothing defines that.
  private mutating func exportImport(_ entry: ExportedImport) {
    guard let index = index(of: entry.symbol) else {
      let symbol = resolution.symbol(entry.symbol)
      diagnostics.error(
        "undefined symbol: \(options.displayName(of: symbol.name))\n>>> exported as \(options.displayName(of: entry.name))",
        .undefinedSymbol, symbol: symbol.name)
      return
    }
    add(OutputExport(name: entry.name, index: index, symbol: entry.symbol), of: nil, function: entry.symbol)
  }

  // MARK: Conflicts

  /// Adds an export, unless its name is taken by another thing: then the options decide.
  ///
  /// - Parameters:
  ///   - unit: who exports it; `nil` where the symbol tells.
  ///   - function: the symbol, where it is a function's.
  private mutating func add(_ entry: OutputExport, of unit: Unit?, function: SymbolID? = nil) {
    let definition = function.flatMap { id in
      let symbol = resolution.symbol(id)
      return symbol.kind == .function && symbol.definition != nil ? symbol.functionID : nil
    }
    guard let position = positions[entry.name] else {
      positions[entry.name] = result.entries.count
      result.entries.append(entry)
      owners.append(unit?.index)
      functions.append(definition)
      return
    }
    let other = result.entries[position]
    if other.index == entry.index, functions[position] == definition { return }
    switch options.exportConflicts {
    case .skip: break
    case .rename:
      var renamed = entry
      renamed.name = freeName(for: entry.name)
      add(renamed, of: unit, function: function)
    case .error:
      let ownsBoth =
        entry.index.kind == .memory && other.index.kind == .memory
        ? "\n>>> each has a memory of its own, and the two share nothing: a runtime in C is linked as objects, or as a library "
          + "(-shared), and not as a program" : ""
      diagnostics.error(
        "\(owner(unit?.index)): export '\(options.displayName(of: entry.name))' (\(entry.index.kind)) has the name of "
          + "another (\(other.index.kind), of \(owner(owners[position]))): --rename-export-conflicts gives it another "
          + "name, --skip-export-conflicts keeps the first only\(ownsBoth)", .exportConflict, symbol: entry.name,
        in: owner(unit?.index), owner(owners[position]))
    }
  }

  /// The index of a global that is exported; of one that turned out to be the address of data, that of a global with the
  /// address.
  private mutating func globalIndex(of id: SymbolID) -> OutputIndex? {
    let symbol = resolution.symbol(id)
    guard symbol.kind == .data, symbol.isDefined else { return index(of: id) }
    defer { result.addresses.append(id) }
    return .global(nextAddress)
  }

  /// The index of the next global that holds an exported address.
  private var nextAddress: OutputGlobalIndex {
    imports.counts.globals + (numbering.globals.count + addresses.own.count + result.addresses.count)
  }

  /// Whether a table of the linker's is one that no file knows.
  private func isOwn(_ table: SymbolID) -> Bool {
    resolution.symbol(table).has(.unnamed) && resolution.symbol(table).unit == .own
  }

  private func exportedSymbols(_ threads: Threads) -> [Bool] {
    var isExported = resolution.symbols(threads) { [options] in $0.state == .defined && $0.isExported(options) }
    for id in addresses.exported(options) {
      let symbol = resolution.symbol(id)
      if symbol.isDefined, !symbol.isLocal, !symbol.has(.unnamed) { isExported[Int(id)] = true }
    }
    return isExported
  }

  /// The name of the memory by option, or by default, unless a module exports one already or uses the name otherwise.
  private var memoryExportName: ByteString? {
    guard let name = options.memoryExport.map({ resolution.synthetic.names.intern($0) }) else { return nil }
    let isDefault = name == "memory" && (positions[name] != nil || result.entries.contains { $0.index.kind == .memory })
    return isDefault ? nil : name
  }

  private mutating func exportPlain(_ unit: Unit) {
    guard let facts = unit.lifted else { return }
    for entry in unit.exports {
      let index: OutputIndex?
      var symbol: SymbolID?
      switch entry.item {
      case .memory(let memory): index = .memory(resolution.memories.index(of: memory, in: unit))
      case .function(let function):
        let id = startUp.replacedExports[entry.name] ?? unit.symbolIDs[facts.symbol(function)]
        index = self.index(of: id)
        symbol = id
      case .global(let global): index = globalIndex(of: unit.symbolIDs[facts.symbol(global)])
      case .table(let table): index = self.index(of: unit.symbolIDs[facts.symbol(table)])
      case .tag(let tag): index = self.index(of: unit.symbolIDs[facts.symbol(tag)])
      }
      if let index { add(OutputExport(name: entry.name, index: index), of: unit, function: symbol) }
    }
  }

  private mutating func export(_ id: SymbolID) {
    let symbol = resolution.symbol(id)
    let isOwn = symbol.has(.unnamed)
    guard symbol.state == .defined, isOwn || isPresent(symbol, id) else { return }
    var name = symbol.name
    var function = id
    let index: OutputIndex?
    let unit = resolution.units[symbol.definer]
    switch symbol.kind {
    case .function:
      name = resolution.exportName(ofFunction: symbol)
      function = startUp.replacedExports[name] ?? id
      index = function == id ? numbering.ownIndex(of: symbol) : self.index(of: function)
    case .global:
      // The linker's own variables are exported only on request: the host may not support mutable ones.
      if unit.index == .own, unit.globals[symbol.globalID - unit.bases.global].type.isMutable,
        !symbol.has(.forceExport),
        !(options.compatibility.exportsOwnMutableGlobals && features.hasMutableGlobals)
      {
        return
      }
      index = self.index(of: id)
    case .tag: index = numbering.ownIndex(of: symbol)
    case .table: index = self.index(of: id)
    case .data: index = .global(nextAddress)
    case .section: return
    }
    guard let index else { return }
    // Nobody asked for this very one.
    let isAskedFor = symbol.flags.contains(.exported) || symbol.has(.forceExport)
    if options.exportAll, !isAskedFor, positions[name] != nil { return }
    if symbol.kind == .data { result.addresses.append(id) }
    add(OutputExport(name: name, index: index, symbol: id), of: unit, function: function)
  }

  /// Whether data is in the result; everything else is if it has an index.
  private func isPresent(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    symbol.kind != .data || symbol.isAbsolute || live.isLive(symbol, id)
  }

  /// The index of a symbol's definition in the result, or of its import; `nil` if it has none.
  private func index(of id: SymbolID) -> OutputIndex? { numbering.index(of: resolution.symbol(id), id, imports) }
}
