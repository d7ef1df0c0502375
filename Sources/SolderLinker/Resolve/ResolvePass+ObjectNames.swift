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
