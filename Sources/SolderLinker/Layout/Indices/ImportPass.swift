import WebAssemblyFormat

/// An import of the result.
struct OutputImport {
  var module: ByteString
  var name: ByteString
  var kind: ExternalKind
  /// The symbol that became an import.
  var symbol: SymbolID
}

/// What the result imports.
struct Imports {
  fileprivate(set) var entries: [OutputImport] = []
  /// Index of each import, by symbol.
  fileprivate(set) var indices: [SymbolID: OutputIndex] = [:]
  /// Index of each imported global that holds an address, by symbol.
  fileprivate(set) var addressGlobals: [SymbolID: OutputGlobalIndex] = [:]
  fileprivate(set) var counts = Counts()

  /// How many of each kind there are, and so the index of what the result defines first.
  struct Counts {
    fileprivate(set) var functions = OutputFunctionIndex(0)
    fileprivate(set) var tables = OutputTableIndex(0)
    fileprivate(set) var globals = OutputGlobalIndex(0)
    fileprivate(set) var tags = OutputTagIndex(0)
  }

  /// What whole modules leave to the host.
  func leftToHost(_ resolution: Resolution) -> [OutputImport] {
    entries.filter { resolution.units[resolution.symbol($0.symbol).unit]?.contracts.leavesUndefinedToHost == true }
  }
}

/// Imports what is left undefined and the host may provide, in the order of names; one import for all who mean the same.
struct ImportPass {
  private let resolution: Resolution
  private let own: OwnUnit
  private let rule: ImportRule
  private let options: LinkOptions
  private let threads: Threads
  private var imports = Imports()
  /// Imports by what the host sees of them: several symbols may be one import.
  private var added: [Key: OutputIndex] = [:]

  private struct Key: Hashable {
    var module: ByteString
    var name: ByteString
    var kind: SymbolKind
    var type: TypeID?
    var valueType: ValueType?
    var flags: UInt8 = 0
    var isExact = false
  }

  init(_ resolution: Resolution, _ own: OwnUnit, _ rule: ImportRule, _ options: LinkOptions, _ threads: Threads) {
    self.resolution = resolution
    self.own = own
    self.rule = rule
    self.options = options
    self.threads = threads
  }

  /// Runs the pass.
  consuming func run(_ table: FunctionTable, _ addresses: AddressGlobals) -> Imports {
    if table.isAskedFor { add(table) }
    addSymbols()
    // Relocations may be the first to show that the table is needed.
    if table.isNeeded { add(table) }
    for id in addresses.imported { imports.addressGlobals[id] = next(\.globals) }
    return imports
  }

  private mutating func add(_ table: FunctionTable) {
    guard let id = table.symbol, rule.imports(resolution.symbol(id), id) else { return }
    add(id)
    // A module may have it as the import of a module named `env`; how large it is the function table's symbol says.
    let index = imports.indices[id]
    for position in imports.entries.indices where imports.entries[position].kind == .table {
      if imports.indices[imports.entries[position].symbol] == index { imports.entries[position].symbol = id }
    }
  }

  private mutating func addSymbols() {
    let canOverride = options.contract.weakMayBeReplaced
    let candidates = resolution.symbols(threads) { $0.kind != .data && ($0.isUndefined || canOverride && $0.isWeak) }
    for id in resolution.table.slots where candidates[Int(id)] && rule.imports(id) { add(id) }
    for id in resolution.table.symbols.indices where candidates[Int(id)] {
      let symbol = resolution.symbol(id)
      if symbol.has(.unnamed), symbol.isUndefined, rule.imports(id) { add(id) }
    }
  }

  private mutating func add(_ id: SymbolID) {
    guard imports.indices[id] == nil else { return }
    let symbol = resolution.symbol(id)
    let (module, name) = resolution.table.importName(of: symbol)
    let key = key(module, name, symbol)
    if let index = added[key] {
      imports.indices[id] = index
      return
    }
    let index: OutputIndex
    switch symbol.kind {
    case .function: index = .function(next(\.functions))
    case .global: index = .global(next(\.globals))
    case .tag: index = .tag(next(\.tags))
    case .table: index = .table(next(\.tables))
    case .data, .section: return
    }
    added[key] = index
    imports.indices[id] = index
    imports.entries.append(OutputImport(module: module, name: name, kind: index.kind, symbol: id))
  }

  private mutating func next<Space>(_ count: WritableKeyPath<Imports.Counts, Index<Space>>) -> Index<Space> {
    let index = imports.counts[keyPath: count]
    imports.counts[keyPath: count] = index + 1
    return index
  }

  private func key(_ module: ByteString, _ name: ByteString, _ symbol: Symbol) -> Key {
    var key = Key(module: module, name: name, kind: symbol.kind, type: symbol.type)
    key.isExact = symbol.has(.exactType)
    // One that no unit imports is the linker's.
    if symbol.kind == .table { key.valueType = .funcref }
    guard let imported = symbol.imported else { return key }
    let unit = resolution.units[symbol.definer]
    switch symbol.kind {
    case .global:
      let entry = unit.globalImports[Int(imported)]
      key.flags = entry.global.flags
      key.valueType = unit.valueType(entry.declaration, entry.global.valueType, unit.typeIDs)
    case .table:
      let entry = unit.tableImports[Int(imported)]
      key.valueType = unit.valueType(entry.declaration, entry.elementType, unit.typeIDs)
    default: break
    }
    return key
  }
}

extension Resolution {
  /// For each symbol, whether it is of some kind. Most loops over all symbols want few of them, and looking for these
  /// on all threads keeps symbols of a hundred bytes out of the loop.
  func symbols(_ threads: Threads, where predicate: @Sendable (Symbol) -> Bool) -> [Bool] {
    let symbols = table.symbols.values
    return threads.map(symbols.count, batch: 4096) { predicate(symbols[$0]) }
  }
}
