import WebAssemblyFormat

// What emscripten's JavaScript does for code that was compiled for exceptions and `longjmp` without WebAssembly's own, as
// an object that the linker makes.
//
// Such code makes a call that may be left by a jump through `invoke_SIG(function, arguments…)`: it calls the function, and
// when a jump comes it puts the stack pointer back, notes that in `__THREW__` by `setThrew(1, 0)`, and returns. Who jumps
// (`emscripten_longjmp` of the C library) notes in `__THREW__` what it is about and calls `_emscripten_throw_longjmp`. In
// JavaScript that is an exception; here it is one of WebAssembly's, with a tag that nobody else has, so that every other
// exception passes through, as it does there.
//
// As with the unit of `dlopen`, the module is made twice: which instructions catch an exception (`try`, or the newer
// `try_table`) is known when all code has been read.

/// Makes the module.
struct TrampolineModule {
  /// A call that may be left by a jump.
  struct Invoke {
    let name: ByteString
    /// Of the trampoline: the slot of the function, its parameters, its results.
    let parameters: [ValueType]
    let result: ValueType?

    var results: [ValueType] { result.map { [$0] } ?? [] }
  }

  let invokes: [Invoke]
  let is64: Bool
  let names: NameRegister
  let arena: NameArena

  static let throwName = ByteString("_emscripten_throw_longjmp")
  private static let setThrew = ByteString("setThrew")
  private static let setTemporary = ByteString("setTempRet0")
  private static let getTemporary = ByteString("getTempRet0")
  private static let threw = ByteString("__THREW__")
  private static let threwValue = ByteString("__threwValue")

  /// What code refers to of all this, beside the calls.
  static let helpers = [throwName, setThrew, setTemporary, getTemporary, threw, threwValue]

  // The symbols, in their order: functions, data, then what is somebody else's, and the tag.
  private var functionNames: [ByteString] {
    invokes.map(\.name) + [Self.throwName, Self.setThrew, Self.setTemporary, Self.getTemporary]
  }
  private var setThrewSymbol: SymbolIndex { SymbolIndex(invokes.count + 1) }
  private var firstData: SymbolIndex { SymbolIndex(invokes.count + 4) }
  private var threwSymbol: SymbolIndex { firstData }
  private var threwValueSymbol: SymbolIndex { firstData + 1 }
  private var temporarySymbol: SymbolIndex { firstData + 2 }
  private var tableSymbol: SymbolIndex { firstData + 3 }
  private var stackPointer: SymbolIndex { firstData + 4 }
  private var tagSymbol: SymbolIndex { firstData + 5 }

  // The types, in their order: of what each trampoline calls, of each trampoline, of the other functions.
  private var throwType: TypeIndex { TypeIndex(2 * invokes.count) }

  private var pointer: ValueType { is64 ? .i64 : .i32 }

  func make(catching form: ExceptionForm) -> (module: InputModule, relocations: UnitRelocations) {
    var code = ObjectCode(is64: is64)
    for (index, invoke) in invokes.enumerated() { write(invoke, calling: TypeIndex(index), form, &code) }
    code.begin()
    code.raise(tagSymbol)
    code.finish()
    writeSetThrew(&code)
    code.begin()
    code.address(temporarySymbol)
    code.get(0)
    code.store()
    code.finish()
    code.begin()
    code.address(temporarySymbol)
    code.load()
    code.finish()
    let draft = ModuleDraft(origin: .object, file: InputFile(name: "<emscripten>", bytes: arena.copy(code.bytes)))
    draft.types = types()
    for (index, name) in functionNames.enumerated() {
      draft.functions.append(code.function(index, type: TypeIndex(invokes.count + index), name: name))
    }
    for (name, alignment) in [(".bss.__THREW__", 3), (".bss.__threwValue", 2), (".bss.tempRet0", 2)]
      as [(StaticString, UInt32)]
    {
      draft.segments.append(
        Segment(name: ByteString(name), alignment: alignment, size: 1 << UInt64(alignment), content: InputFile.nothing))
    }
    draft.tags = [Tag(type: throwType, name: ByteString("__emscripten_longjmp"))]
    declare(draft)
    let module = InputModule(draft)
    var relocations = UnitRelocations(declaredBy: module)
    relocations.entries = code.relocations
    relocations.functions = code.ranges
    return (module, relocations)
  }

  // MARK: Code

  private func write(_ invoke: Invoke, calling type: TypeIndex, _ form: ExceptionForm, _ code: inout ObjectCode) {
    let stack = invoke.parameters.count
    code.begin(locals: [.pointer])
    code.getGlobal(stackPointer)
    code.set(stack)
    switch form {
    case .legacy: code.tryCalling(invoke.result)
    case .standard:
      code.block(invoke.result)
      code.block()
      code.tryTable(invoke.result, catching: tagSymbol, at: 0)
    }
    for parameter in 1..<max(1, stack) { code.get(parameter) }
    code.get(0)
    code.callIndirect(type, tableSymbol)
    switch form {
    case .legacy: code.catching(tagSymbol)
    case .standard:
      code.end()
      code.branch(1)
      code.end()
    }
    code.get(stack)
    code.setGlobal(stackPointer)
    code.pointer(1)
    code.int(0)
    code.call(setThrewSymbol)
    if let result = invoke.result { code.constant(result, 0) }
    code.end()
    code.finish()
  }

  /// setThrew(threw, value): what was noted first stays.
  private func writeSetThrew(_ code: inout ObjectCode) {
    code.begin()
    code.address(threwSymbol)
    code.loadPointer()
    code.pointers(.isZero)
    code.ifTrue()
    code.address(threwSymbol)
    code.get(0)
    code.storePointer(0)
    code.address(threwValueSymbol)
    code.get(1)
    code.store()
    code.end()
    code.finish()
  }

  private func types() -> ParsedTypes {
    var section = ByteWriter()
    section.count(2 * invokes.count + 4)
    for invoke in invokes { section.functionType(invoke.parameters.dropFirst(), invoke.results) }
    for invoke in invokes { section.functionType(invoke.parameters, invoke.results) }
    section.functionType([], [])
    section.functionType([pointer, .i32], [])
    section.functionType([.i32], [])
    section.functionType([], [.i32])
    return ParsedTypes(made: section, arena)
  }

  private func declare(_ draft: ModuleDraft) {
    // Whoever else defines one keeps it.
    let flags: SymbolFlags = [.visibilityHidden, .bindingWeak]
    for (index, name) in functionNames.enumerated() {
      draft.symbols.append(
        UnitSymbol(kind: .function, .defined(DefinitionIndex(index)), flags: flags, name: name))
    }
    for (index, name) in [Self.threw, Self.threwValue, ByteString("tempRet0")].enumerated() {
      var symbol = UnitSymbol(
        kind: .data, .defined(DefinitionIndex(index)), flags: index < 2 ? flags : .bindingLocal, name: name)
      symbol.size = draft.segments[index].size
      draft.symbols.append(symbol)
    }
    draft.importFunctionTable(is64: is64)
    draft.importPointer("__stack_pointer", is64: is64)
    draft.symbols.append(
      UnitSymbol(kind: .tag, .defined(DefinitionIndex(0)), flags: .bindingLocal, name: draft.tags[0].name))
    precondition(SymbolIndex(draft.symbols.count) == tagSymbol + 1, "the symbols are those that the code names")
    draft.completeSymbols()
    draft.nameNumbers = names.numbers(of: draft.symbols)
  }
}

extension TrampolineModule.Invoke {
  /// - Returns: `nil` if the name and the type are not as emscripten has them: `invoke_`, a letter for the result, one for
  ///   each parameter.
  init?(_ name: ByteString, _ type: FunctionType, is64: Bool) {
    let (parameters, results) = (Array(type.parameters), Array(type.results))
    guard name.hasPrefix("invoke_"), results.count <= 1, let slot = parameters.first,
      slot == (is64 ? ValueType.i64 : .i32)
    else { return nil }
    let letters = Array(name.bytes.dropFirst(7))
    func fits(_ letter: UInt8, _ type: ValueType) -> Bool {
      switch type {
      case .i32: letter == UInt8(ascii: "i") || letter == UInt8(ascii: "p") && !is64
      case .i64: letter == UInt8(ascii: "j") || letter == UInt8(ascii: "p") && is64
      case .f32: letter == UInt8(ascii: "f")
      case .f64: letter == UInt8(ascii: "d")
      case .v128: letter == UInt8(ascii: "V")
      default: false
      }
    }
    guard letters.count == parameters.count else { return nil }
    if let result = results.first {
      guard fits(letters[0], result) else { return nil }
    } else {
      guard letters[0] == UInt8(ascii: "v") else { return nil }
    }
    guard zip(letters.dropFirst(), parameters.dropFirst()).allSatisfy(fits) else { return nil }
    self.init(name: name, parameters: parameters, result: results.first)
  }
}
