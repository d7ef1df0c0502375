import WebAssemblyFormat

// The types of what units import and define, with IDs of the link for type indices.
extension Resolver {
  /// The type of what a symbol is, or is to be imported as; `nil` for data, and where nobody says it.
  ///
  /// Elements are still counted by unit.
  func externalType(of symbol: Symbol) -> ExternalType? {
    switch symbol.kind {
    case .function: return symbol.type.map { .function($0) }
    case .tag: return symbol.type.map { .tag($0) }
    case .data, .section: return nil
    case .global, .table:
      guard let unit = units[symbol.unit] else { return nil }
      let isOwn = symbol.unit == .own
      if let index = symbol.imported.map({ Int($0) }) {
        let globals = isOwn ? own.unit.globalImports : unit.globalImports
        return externalType(of: symbol.kind == .global ? globals[index] : unit.tableImports[index], in: unit)
      }
      guard let index = symbol.definition.map({ Int($0) }) else { return nil }
      if symbol.kind == .global {
        return externalType(of: (isOwn ? own.unit.globals : unit.globals)[index], in: unit)
      }
      return externalType(of: (isOwn ? own.unit.tables : unit.tables)[index], in: unit)
    }
  }

  /// The type of the import that a unit's symbol is; `nil` where it is none.
  func importedType(of symbol: UnitSymbol, in unit: BoundModule) -> ExternalType? {
    if symbol.kind == .function { return symbol.type.map { .function(unit.typeIDs[$0]) } }
    guard let index = symbol.imported.map({ Int($0) }) else { return nil }
    return switch symbol.kind {
    case .global: externalType(of: unit.globalImports[index], in: unit)
    case .table: externalType(of: unit.tableImports[index], in: unit)
    case .tag: externalType(of: unit.tagImports[index], in: unit)
    case .function, .data, .section: nil
    }
  }

  /// The type that a unit's import asks for.
  func externalType(of entry: Import, in unit: BoundModule) -> ExternalType {
    switch entry.kind {
    case .function: preconditionFailure("an import of a function has a type of its own")
    case .tag: .tag(unit.typeIDs[entry.tagType])
    case .global:
      .global(
        unit.valueType(entry.declaration, entry.global.valueType, unit.typeIDs), isMutable: entry.global.isMutable,
        isShared: entry.global.isShared)
    case .table: .table(unit.valueType(entry.declaration, entry.elementType, unit.typeIDs), entry.limits)
    case .memory: .memory(entry.limits)
    }
  }

  private func externalType(of global: GlobalVariable, in unit: BoundModule) -> ExternalType {
    .global(
      unit.valueType(global.declaration, global.type.valueType, unit.typeIDs), isMutable: global.type.isMutable,
      isShared: global.type.isShared)
  }

  private func externalType(of table: Table, in unit: BoundModule) -> ExternalType {
    .table(unit.valueType(table.declaration, table.elementType, unit.typeIDs), table.limits)
  }

  /// A global's type as a message shows it.
  func describe(_ type: ExternalType) -> String {
    // In wasm-ld's words.
    if case .global(let type, let isMutable, isShared: false) = type {
      return (isMutable ? "var " : "const ") + types.text(of: type)
    }
    return types.text(of: type)
  }

  /// Whether a global can be an address to those that refer to data of its name: it never changes, is as wide as an
  /// address, and its value is a number that is known now.
  func isAddress(_ symbol: Symbol) -> Bool {
    guard symbol.kind == .global, symbol.unit != .own, let unit = units[symbol.unit],
      let index = symbol.definition.map({ Int($0) })
    else { return false }
    let global = unit.globals[index]
    guard unit.contracts.speaksOfAddresses, !global.type.isMutable, global.type.valueType == (is64 ? 0x7E : 0x7F) else {
      return false
    }
    // What the layout decides is a number all the same.
    var numbers = GlobalNumbers(
      module: { units[$0].module }, definition: { definition(of: $1, in: $0) }, decision: { _ in .module })
    return numbers.number(of: .init(unit: unit.index, global: index)) != nil
  }

  /// The definition of a unit's import of a global; elements are still counted by unit.
  private func definition(of index: GlobalIndex, in unit: UnitID) -> GlobalNumbers.Place? {
    guard let facts = units[unit].lifted else { return nil }
    let symbol = table.symbols[id(Int(facts.symbol(index)), of: units[unit])]
    guard symbol.kind == .global, symbol.state == .defined, symbol.unit != .own, let definition = symbol.definition
    else {
      return nil
    }
    return GlobalNumbers.Place(unit: symbol.definer, global: Int(definition))
  }
}

extension ModuleView {
  /// The value type that a declaration encodes, of which `code` is the first byte, with IDs of the link for type indices.
  /// The linker's own have no declaration.
  func valueType(_ declaration: Fragment, _ code: UInt8, _ typeIDs: Row<UnitTypes, TypeID>) -> ValueType {
    if let type = ValueType(byte: code) { return type }
    var reader = file.bytes[Int(declaration.start)..<Int(declaration.start) + Int(declaration.size)]
    // The type was read before, when the declaration was found.
    guard let type = try? reader.valueType() else { return ValueType(reference: .abstract(code), isNullable: true) }
    guard let id = type.typeIndex.flatMap({ typeIDs[checked: TypeIndex(rawValue: $0)] }) else { return type }
    return type.withTypeIndex(id.rawValue)
  }
}
