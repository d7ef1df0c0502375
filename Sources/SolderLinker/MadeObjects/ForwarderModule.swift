import WebAssemblyFormat

// Functions that stand in for others in further slots of the table, as an object that the linker makes.
//
// A library may fill several slots with one function (wasm-opt leaves that behind, where it has made one function of equal
// ones), and each is a pointer of its own: a loader keeps them apart, and programs compare pointers. In an object a slot is
// what a symbol has, and it has one. So the first slot is the function's, and each further one that of a function which
// calls it.
//
// As with other such units, the module is made twice: whether the calls have to be tail calls is known when the library's
// code has been read. With plain ones, code that goes on by way of such slots for as long as it likes would need a stack
// that grows.

/// Makes the module.
struct ForwarderModule {
  struct Forwarder {
    let name: ByteString
    let type: FunctionType
    /// The library whose slot it has.
    let unit: UnitID
  }

  /// None has a type that names other types.
  let forwarders: [Forwarder]
  let is64: Bool
  let names: NameRegister
  let arena: NameArena

  /// The symbol of what a forwarder calls. Those of the forwarders are in front.
  func target(of forwarder: Int) -> SymbolIndex { SymbolIndex(forwarders.count + forwarder) }

  /// - Parameter tailCalling: the libraries whose code has tail calls.
  func make(tailCalling: Set<UnitID> = []) -> (module: InputModule, relocations: UnitRelocations) {
    var code = ObjectCode(is64: is64)
    var types = ByteWriter()
    types.count(forwarders.count)
    for (index, forwarder) in forwarders.enumerated() {
      let parameters = Array(forwarder.type.parameters)
      types.functionType(parameters, Array(forwarder.type.results))
      code.begin()
      for parameter in parameters.indices { code.get(parameter) }
      code.call(target(of: index), isTail: tailCalling.contains(forwarder.unit))
      code.finish()
    }
    let draft = ModuleDraft(origin: .object, file: InputFile(name: "<slots>", bytes: arena.copy(code.bytes)))
    draft.types = ParsedTypes(made: types, arena)
    for (index, forwarder) in forwarders.enumerated() {
      draft.functions.append(code.function(index, type: TypeIndex(index), name: forwarder.name))
      draft.symbols.append(
        UnitSymbol(kind: .function, .defined(DefinitionIndex(index)), flags: .bindingLocal, name: forwarder.name))
    }
    for forwarder in forwarders {
      draft.symbols.append(
        UnitSymbol(kind: .function, .undefined, flags: [.bindingLocal, .undefined], name: forwarder.name))
    }
    draft.completeSymbols()
    draft.nameNumbers = names.numbers(of: draft.symbols)
    let module = InputModule(draft)
    var relocations = UnitRelocations(declaredBy: module)
    relocations.entries = code.relocations
    relocations.functions = code.ranges
    return (module, relocations)
  }
}
