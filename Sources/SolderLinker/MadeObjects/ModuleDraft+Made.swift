import WebAssemblyFormat

// What the objects have in common that the linker makes.

extension ByteWriter {
  /// Adds the type of a function.
  mutating func functionType(_ parameters: some Collection<ValueType>, _ results: some Collection<ValueType>) {
    byte(0x60)
    count(parameters.count)
    for value in parameters { valueType(value) }
    count(results.count)
    for value in results { valueType(value) }
  }
}

extension ParsedTypes {
  /// Types that the linker has written itself.
  init(made section: ByteWriter, _ arena: NameArena) {
    var reader = arena.copy(section.bytes)
    guard let types = try? ParsedTypes(section: &reader) else { preconditionFailure("the types are well-formed") }
    self = types
  }
}

extension ModuleDraft {
  /// Adds the table of functions, as a compiler's objects import it, and its symbol.
  func importFunctionTable(is64: Bool) {
    let name = ByteString("__indirect_function_table")
    var entry = Import(module: ByteString("env"), name: name, kind: .table)
    entry.elementType = 0x70
    entry.limits.is64 = is64
    tableImports = [entry]
    symbols.append(UnitSymbol(kind: .table, .imported(ImportIndex(0)), flags: .undefined, name: name))
  }

  /// Adds the one variable with an address that it imports, and its symbol.
  func importPointer(_ name: StaticString, is64: Bool) {
    let name = ByteString(name)
    globalImports = [
      Import(
        module: ByteString("env"), name: name, kind: .global,
        global: GlobalType(valueType: is64 ? 0x7E : 0x7F, isMutable: true))
    ]
    symbols.append(UnitSymbol(kind: .global, .imported(ImportIndex(0)), flags: .undefined, name: name))
  }
}
