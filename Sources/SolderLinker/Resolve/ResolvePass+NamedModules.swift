import WebAssemblyFormat

// Imports from a module that is an input: one that was given a name (`NAME=FILE`).

/// The inputs with one module name, and what they export.
struct NamedModule {
  var units: [UnitID] = []
  /// Archives of the name, whose members are there when something asks for them.
  var archives: [LazySource] = []
  /// Exported symbols of each name, by their positions in the units, in the order of these.
  var exports: [ByteString: [(unit: UnitID, position: Int)]] = [:]

  mutating func add(_ unit: BoundModule) {
    units.append(unit.index)
    for (position, symbol) in unit.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
      exports[symbol.name, default: []].append((unit.index, position))
    }
    for position in (unit.lifted?.exportsOfImportedNames ?? []) + (unit.lifted?.privateExports ?? []) {
      exports[unit.symbols[Int(position)].name, default: []].append((unit.index, Int(position)))
    }
  }
}

extension ResolvePass {
  /// Binds undefined symbols whose import module is the name of an input (`NAME=FILE`) to that input's exports.
  mutating func bindNamedModules() {
    var named: [ByteString: NamedModule] = [:]
    for unit in resolver.units {
      if let name = unit.moduleName { named[name, default: NamedModule()].add(unit) }
    }
    for archive in resolver.namedArchives {
      // What `env` lacks may be the host's.
      if let name = archive.moduleName, name != "env" { named[name, default: NamedModule()].archives.append(archive) }
    }
    guard !named.isEmpty else { return }
    var missing = 0
    for id in resolver.table.symbols.indices {
      let symbol = resolver.table.symbols[id]
      guard symbol.isUndefined, symbol.importNames != nil else { continue }
      let (module, name) = resolver.table.importName(of: symbol)
      guard let inputs = named[module] else { continue }
      if let target = export(name, symbol.kind, of: inputs) {
        boundImports[id] = target
      } else if !symbol.isWeak, !options.importUndefined {
        let hint = missing < SymbolHints.largestCount ? hint(for: name, inputs) : nil
        reportMissing(name, "\(symbol.kind)", from: module, inputs, in: symbol.unit, hint)
        missing += 1
      }
    }
    if let inputs = named[ByteString("env")] { bindEnvironment(to: inputs) }
    warnOfUnusedNames(named)
  }

  /// Binds what whole modules import from `env` to the input of that name. Who knows names only, as objects and libraries
  /// do, takes them from all inputs, and so does a module where that input lacks one.
  private mutating func bindEnvironment(to inputs: NamedModule) {
    for unit in resolver.units where unit.contracts.keepsEntry && !inputs.units.contains(unit.index) {
      for (position, symbol) in unit.symbols.enumerated() {
        guard case .imported = symbol.meaning, !symbol.flags.contains(.explicitName),
          symbol.name != "__indirect_function_table", let target = export(symbol.name, symbol.kind, of: inputs)
        else { continue }
        resolver.symbolIDs[Int(unit.index)][position] = target
        resolver.table.symbols[target].attributes.insert(.usedInRegularUnit)
      }
    }
  }

  private mutating func export(_ name: ByteString, _ kind: SymbolKind, of inputs: NamedModule) -> SymbolID? {
    for (index, position) in inputs.exports[name] ?? [] {
      let symbol = resolver.units[index].symbols[position]
      if symbol.kind == kind || kind == .global && symbol.kind == .data {
        // The unit's own definition, even where another unit's won the name.
        return ownDefinition(position, of: resolver.units[index])
      }
    }
    return nil
  }

  private mutating func ownDefinition(_ position: Int, of unit: BoundModule) -> SymbolID {
    let id = resolver.id(position, of: unit)
    guard resolver.table.symbols[id].unit != unit.index, let facts = unit.lifted else { return id }
    let symbol = unit.symbols[position]
    if symbol.kind == .data {
      let own = Symbol(symbol, isDiscarded: false, unit: unit.index, typeIDs: unit.typeIDs)
      return resolver.table.addUnnamed(own)
    }
    // A lifted unit has a local symbol for each definition beside the exported one.
    if let aliased = symbol.aliased { return resolver.id(Int(aliased), of: unit) }
    guard let definition = symbol.definition else { return id }
    let (first, imports) =
      switch symbol.kind {
      case .global: (facts.globalSymbols, unit.globalImports.count)
      case .table: (facts.tableSymbols, unit.tableImports.count)
      case .tag: (facts.tagSymbols, unit.tagImports.count)
      default: (facts.functionSymbols, unit.functionImports.count)
      }
    return resolver.id(Int(first) + imports + Int(definition), of: unit)
  }

  // MARK: Messages

  private func reportMissing(
    _ name: ByteString, _ kind: String, from module: ByteString, _ inputs: NamedModule, in unit: UnitID?,
    _ hint: String?
  ) {
    let owner =
      inputs.units.first.map { resolver.displayName(ofUnit: $0) } ?? inputs.archives.first?.path ?? "<internal>"
    diagnostics.error(
      "\(resolver.displayName(ofUnit: unit)): undefined symbol: \(resolver.demangled(name)) "
        + "(imported from module '\(module)', which is \(owner); it exports no \(kind) of that name)\(hint.map { "\n>>> \($0)" } ?? "")",
      .undefinedSymbol, symbol: name, in: resolver.displayName(ofUnit: unit), owner)
  }

  /// What may be meant by a name that inputs do not export: something of theirs.
  private func hint(for name: ByteString, _ inputs: NamedModule) -> String? {
    let modules = inputs.units.map { resolver.units[$0].module }
    func offered(_ module: InputModule) -> some Sequence<ByteString> {
      module.symbols.lazy.filter { !$0.isLocal && !$0.isUndefined }.map(\.name)
    }
    for module in modules {
      if module.symbols.contains(where: { $0.isLocal && !$0.isUndefined && $0.name == name }) {
        return "\(module.file.displayName) defines \(resolver.demangled(name)), but it \(module.whyOutOfReach(name))"
      }
      let source = offered(module).first { SymbolHints.sourceName(of: $0) == name.description }
      if let source {
        return
          "did you mean: \(resolver.demangled(source)) of \(module.file.displayName) (declare it extern \"C\" there)"
      }
    }
    for module in modules {
      if let near = offered(module).first(where: { $0 != name && name.isLike($0) }) {
        return "did you mean: \(resolver.demangled(near)) of \(module.file.displayName)"
      }
    }
    for archive in inputs.archives {
      if let near = archive.symbols.first(where: { $0 != name && name.isLike($0) }) {
        return "did you mean: \(resolver.demangled(near)) of \(archive.path)"
      }
    }
    return modules.first(where: \.exportsNothing).map {
      "\($0.file.displayName) exports nothing (build it with -fvisibility=default)"
    }
  }

  /// Tells of an input with a name under which nobody imports anything, where a mistake is likely: somebody imports what it
  /// has, or a name that is nearly its own, from a module that is no input.
  private func warnOfUnusedNames(_ named: [ByteString: NamedModule]) {
    var unresolved: [Symbol] = []
    var used: Set<ByteString> = [ByteString("env")]
    for symbol in resolver.table.symbols.values where symbol.isUndefined && symbol.importNames != nil {
      let module = resolver.table.importName(of: symbol).module
      if named[module] != nil {
        used.insert(module)
      } else if module != "env", !module.hasPrefix("GOT."), !module.hasPrefix("wasm:") {
        // What begins with `wasm:` the engine has itself.
        unresolved.append(symbol)
      }
    }
    // Where they stand, by what they are called in their modules, and by their modules.
    var (byName, byModule): ([ByteString: [Int]], [ByteString: [Int]]) = ([:], [:])
    for (position, symbol) in unresolved.enumerated() {
      let (module, name) = resolver.table.importName(of: symbol)
      byName[name, default: []].append(position)
      byModule[module, default: []].append(position)
    }
    for unit in resolver.units {
      for entry in unit.memoryImports { used.insert(entry.module) }
      // Names of modules stand in inputs' order.
      guard let name = unit.moduleName, let inputs = named[name], inputs.units.first == unit.index, !used.contains(name)
      else { continue }
      let isThere = inputs.exports.keys.compactMap { byName[$0] }
      let isNear = byModule.filter { name.isNearly($0.key) }.map(\.value)
      let imports = (isThere + isNear).compactMap { $0.first { unresolved[$0].unit != unit.index } }
      if let symbol = imports.min().map({ unresolved[$0] }) {
        let (module, importName) = resolver.table.importName(of: symbol)
        diagnostics.warn(
          "nothing is imported from '\(name)', which is \(resolver.displayName(ofUnit: unit.index))"
            + "\n>>> \(resolver.displayName(ofUnit: symbol.unit)) imports \(module).\(importName), and no input is called "
            + "'\(module)'", .unusedModuleName, in: resolver.displayName(ofUnit: unit.index),
          resolver.displayName(ofUnit: symbol.unit))
      }
    }
  }
}
