import WebAssemblyFormat

// Stand-ins for what nobody defines (`--stub`, `--stub-missing`).
extension ResolvePass {
  /// Defines what the command line has a number for, and functions that are missing where they may be. No file is added any
  /// more, and what libraries share is defined.
  mutating func addStubs(_ register: NameRegister) {
    let maker = StubModule(names: register, arena: names)
    var unused = 0
    let wanted = options.stubs.sorted { $0.key < $1.key }.compactMap { name, number -> StubModule.Stub? in
      guard let id = resolver.table.find(names.intern(name)) else {
        tellOfUnusedStub(name, isLookedFor: unused < SymbolHints.largestCount)
        unused += 1
        return nil
      }
      let symbol = resolver.table.symbols[id]
      if symbol.isDefined { return nil }
      checkNumber(number, symbol)
      return stub(id, .value(number))
    }
    if !wanted.isEmpty { resolver.add(maker.make(wanted, is64: resolver.is64)) }
    guard options.stubsMissing else { return }
    let missing = resolver.table.slots.compactMap { id -> StubModule.Stub? in
      let symbol = resolver.table.symbols[id]
      guard symbol.isUndefined, symbol.kind == .function, !symbol.isWeak, symbol.has(.usedInRegularUnit),
        !symbol.has(.mayImport), !symbol.has(.forceImport), symbol.importNames == nil, boundImports[id] == nil
      else { return nil }
      return stub(id, .trap)
    }
    if missing.isEmpty { return }
    stubs = UnitID(resolver.units.count)
    resolver.add(maker.make(missing, is64: resolver.is64))
  }

  /// Tells of a stub whose name nobody says: it is likely another one that is missing.
  ///
  /// - Parameter isLookedFor: whether the name is worth looking through all others.
  private func tellOfUnusedStub(_ name: String, isLookedFor: Bool) {
    let wanted = names.intern(name)
    let near =
      !isLookedFor
      ? nil
      : resolver.table.slots.lazy.map { resolver.table.symbols[$0] }.first { symbol in
        symbol.isUndefined && symbol.unit != nil && wanted.isLike(symbol.name)
      }
    let hint = near.map { "\n>>> did you mean --stub=\(resolver.demangled($0.name))" } ?? ""
    diagnostics.hint("--stub=\(name): nothing refers to a symbol of that name\(hint)", .commandLine, symbol: name)
  }

  /// Refuses a number that the function's result has no room for.
  private func checkNumber(_ number: Int64, _ symbol: Symbol) {
    guard symbol.kind == .function, let type = symbol.type.flatMap({ resolver.types.functionType(of: $0) }),
      Array(type.results).first == .i32, !(Int64(Int32.min)...Int64(UInt32.max)).contains(number)
    else { return }
    diagnostics.error(
      "--stub=\(symbol.name)=\(number): the function's result is an i32, which has no room for that", .commandLine,
      symbol: symbol.name, in: resolver.displayName(ofUnit: symbol.unit))
  }

  /// The stand-in for a symbol; `nil` where its type cannot be said in another unit.
  private mutating func stub(_ id: SymbolID, _ body: StubModule.Body) -> StubModule.Stub? {
    let symbol = resolver.table.symbols[id]
    switch symbol.kind {
    case .function:
      // Of a function that is only pointed to, nobody says the type.
      let known = symbol.type ?? resolver.types.emptyFunction
      guard resolver.types[known].isPlain, let type = resolver.types.functionType(of: known) else { return nil }
      return StubModule.Stub(name: symbol.name, body: body, type: type)
    case .data: return StubModule.Stub(name: symbol.name, body: body, type: nil)
    default: return nil
    }
  }
}
