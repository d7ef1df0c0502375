import WebAssemblyFormat

/// Stand-ins for what nobody defines (`--stub`, `--stub-missing`), as an object that the linker makes: a definition in
/// any file takes its place.
struct StubModule {
  enum Body {
    /// A function that gives this number, as its first result; data that holds it.
    case value(Int64)
    /// A function that traps.
    case trap
  }

  struct Stub {
    let name: ByteString
    let body: Body
    /// Of a function.
    let type: FunctionType?
  }

  /// Bytes of data: enough for whatever is one number, pointers among them.
  static let dataSize = 16

  let names: NameRegister
  let arena: NameArena

  /// - Parameter stubs: none has a type that names other types.
  func make(_ stubs: [Stub], is64: Bool) -> InputModule {
    var code = ObjectCode(is64: is64)
    var types = ByteWriter()
    types.count(stubs.count { $0.type != nil })
    var functions: [Stub] = []
    for stub in stubs {
      guard let type = stub.type else { continue }
      types.functionType(Array(type.parameters), Array(type.results))
      functions.append(stub)
      code.begin()
      switch stub.body {
      case .trap: code.trap()
      case .value(let number): code.results(type.results, number)
      }
      code.finish()
    }
    let draft = ModuleDraft(origin: .object, file: InputFile(name: "<stub>", bytes: arena.copy(code.bytes)))
    draft.types = ParsedTypes(made: types, arena)
    let flags: SymbolFlags = [.bindingWeak, .visibilityHidden]
    for (index, stub) in functions.enumerated() {
      var name = stub.name
      // What a trace of calls shows.
      if case .trap = stub.body { name = arena.intern("missing:\(stub.name)") }
      draft.functions.append(code.function(index, type: TypeIndex(index), name: name))
      draft.symbols.append(
        UnitSymbol(kind: .function, .defined(DefinitionIndex(index)), flags: flags, name: stub.name))
    }
    for stub in stubs where stub.type == nil {
      let index = DefinitionIndex(draft.segments.count)
      draft.segments.append(data(stub))
      var symbol = UnitSymbol(kind: .data, .defined(index), flags: flags, name: stub.name)
      symbol.size = UInt64(Self.dataSize)
      draft.symbols.append(symbol)
    }
    draft.completeSymbols()
    draft.nameNumbers = names.numbers(of: draft.symbols)
    return InputModule(draft)
  }

  private func data(_ stub: Stub) -> Segment {
    guard case .value(let number) = stub.body, number != 0 else {
      return Segment(
        name: arena.intern(".bss.\(stub.name)"), alignment: 4, size: UInt64(Self.dataSize), content: InputFile.nothing)
    }
    var bytes = ByteWriter()
    bytes.fixed64(UInt64(bitPattern: number))
    return Segment(
      name: arena.intern(".data.\(stub.name)"), alignment: 4, size: UInt64(Self.dataSize),
      content: arena.copy(bytes.bytes))
  }
}

extension ObjectCode {
  /// Pushes a number as the first of some results, and nothing as the others.
  mutating func results(_ types: ValueTypeList, _ number: Int64) {
    for (index, type) in types.enumerated() { constant(type, index == 0 ? number : 0) }
  }
}
