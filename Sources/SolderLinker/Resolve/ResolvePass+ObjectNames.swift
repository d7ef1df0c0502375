import WebAssemblyFormat

// What an object has to say of a name although nobody said it to the linker.
extension ResolvePass {
  /// Gives names to what finished modules import, and types to what they only point to.
  ///
  /// An import from the host is known by module and name, and an object's symbols need names on top. `module.name` is no
  /// name of C, and the same in every object, where it means the same import.
  ///
  /// A function that is only pointed to may have any signature: whoever calls or defines it decides.
  mutating func completeForObject() {
    guard options.contract.isObject else { return }
    var names: [ObjectImport: ByteString] = [:]
    var used: Set<ByteString> = []
    for index in resolver.table.symbols.indices {
      let symbol = resolver.table.symbols[index]
      guard symbol.isUndefined else { continue }
      if symbol.kind == .function, symbol.type == nil, symbol.has(.usedInRegularUnit) {
        resolver.table.symbols[index].type = resolver.types.emptyFunction
      }
      guard symbol.has(.unnamed), let importNames = symbol.importNames else { continue }
      let (module, name) = resolver.table.importName(of: symbol)
      let key = ObjectImport(module: module, name: name, kind: symbol.kind, type: symbol.type)
      let unique = names[key] ?? uniqueName("\(module).\(name)", &used)
      names[key] = unique
      resolver.table.importNames[importNames].name = name
      resolver.table.symbols[index].name = unique
      resolver.table.symbols[index].flags.remove(.bindingLocal)
      resolver.table.symbols[index].flags.insert(.explicitName)
    }
    // wasm-ld forgets them where it writes objects.
    if resolver.units.contains(where: \.contracts.isRecovered) { nameExports() }
  }

  /// Makes symbols of the `export_name`s of objects, as those of finished modules are.
  private mutating func nameExports() {
    for unit in resolver.units where unit.contracts.hasRelocationSections && !unit.exportNames.isEmpty {
      for (position, stated) in unit.symbols.enumerated() where stated.kind == .function {
        guard let index = stated.definition, let name = unit.exportNames[Int(index)], name != stated.name else {
          continue
        }
        let id = resolver.id(position, of: unit)
        var symbol = resolver.table.symbols[id]
        guard symbol.flags.contains(.exported), symbol.unit == unit.index, symbol.definition == index else { continue }
        if let other = resolver.table.find(name), resolver.table.symbols[other].has(.usedInRegularUnit) {
          diagnostics.error(
            "\(unit.file.displayName): cannot be written as an object: it exports '\(symbol.name)' as '\(name)', which is a "
              + "symbol of \(resolver.displayName(ofUnit: resolver.table.symbols[other].unit))", .objectFormat,
            symbol: symbol.name, in: unit.file.displayName)
          continue
        }
        resolver.table.symbols[id].flags.remove(.exported)
        let (export, _) = resolver.table.insert(name, kind: .function, flags: [], unit: unit.index)
        symbol.name = name
        symbol.flags = .exported
        symbol.attributes.formUnion([.isAlias, .usedInRegularUnit])
        resolver.table.symbols[export] = symbol
      }
    }
  }

  private struct ObjectImport: Hashable {
    let module: ByteString
    let name: ByteString
    let kind: SymbolKind
    let type: TypeID?
  }

  private func uniqueName(_ text: String, _ used: inout Set<ByteString>) -> ByteString {
    var text = text
    while true {
      let name = names.intern(text)
      if resolver.table.find(name) == nil, used.insert(name).inserted { return name }
      text += "."
    }
  }
}
