import WebAssemblyFormat

// What an object cannot say.
//
// An object speaks of everything by symbols, and the next link places, numbers and orders it all. A finished module may
// rely on more than there is a symbol for: on addresses of its own, on memories and segments by number, on slots of the
// table that follow each other, on code that runs before anything else. Writing it as an object would lose that without a
// word, so each such thing is an error here, and the first of each file is told with its place.
//
//  - Memory: an object has the program's and no other, and its data moves. A module with data at fixed addresses, or with
//    a memory of its own, or with static memory that nobody says is empty, cannot become one.
//  - Tables: which function has which slot follows from relocations. Element segments with a place of their own, and code
//    that computes with slots, have no form. Tables themselves have symbols.
//  - Globals: they have symbols, but their initial values no relocations: only numbers will do.
//  - Start-up: constructors have a form. A start function, and relocation code that could not be read, have none. Nor has
//    what sets up thread-local data, which is the next linker's: all of it has to be known.
//  - Code: operands about data and element segments and further memories have no relocations, nor has `ref.func` the
//    declaration that it needs; types other than plain functions have no place in a type section of wasm-ld's.
//  - Names: a symbol is defined or not. One that is another name of what nobody defines has no form.

/// Checks that all of a recovered unit can be written as an object, where one is asked for.
struct ObjectFormatCheck {
  private let resolution: Resolution
  private let live: Liveness
  private let options: LinkOptions
  private let diagnostics: Diagnostics

  init(_ resolution: Resolution, _ live: Liveness, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    self.resolution = resolution
    self.live = live
    self.options = options
    self.diagnostics = diagnostics
  }

  /// Runs the pass; errors are in the diagnostics.
  func run() {
    guard options.contract.isObject else { return }
    for unit in resolution.inLinkOrder where unit.contracts.isRecovered {
      guard let facts = unit.lifted, let problem = problem(unit, facts) else { continue }
      diagnostics.error(
        "\(unit.file.displayName): cannot be written as an object: \(problem)", .objectFormat, in: unit.file.displayName
      )
    }
    for symbol in resolution.table.symbols.values {
      guard case .alias(let target) = symbol.meaning else { continue }
      let unit = resolution.units[symbol.definer]
      let end = resolution.symbol(unit.symbolIDs[target])
      diagnostics.error(
        "\(unit.file.displayName): cannot be written as an object: it exports '\(options.displayName(of: symbol.name))', "
          + "which is another name for what it imports as '\(options.displayName(of: end.name))'", .objectFormat,
        symbol: symbol.name, in: unit.file.displayName)
    }
  }

  private func problem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    startUpProblem(unit, facts) ?? threadLocalProblem(unit, facts) ?? memoryProblem(unit) ?? dataProblem(unit, facts)
      ?? tableProblem(unit)
      ?? globalProblem(unit, facts) ?? exportProblem(unit, facts) ?? typeProblem(unit) ?? codeProblem(unit)
      ?? slotProblem(unit)
  }

  // MARK: Start-up

  private func startUpProblem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    let functions = facts.relocationFunctions + (unit.startFunction.map { [$0] } ?? [])
    guard let function = functions.first else { return nil }
    let kept = facts.keptStartUpCode.first { $0.function == function } ?? facts.keptStartUpCode.first
    let name = kept?.name ?? unit.symbols[Int(facts.symbol(function))].name
    let head = "\(name.isEmpty ? "function \(function.rawValue)" : "'\(name)'") runs at start"
    guard let statement = kept?.statements.first else { return "\(head), before any constructor" }
    return "\(head), and its \(statement.opcode) \(place(statement.offset, in: unit)) cannot be done at link time: "
      + "\(statement.reason)"
  }

  private func threadLocalProblem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    for function in facts.threadSetUp where !unit.codeFacts.removedFunctions.contains(function) {
      let what = "\(functionName(function, unit)), which sets up its thread-local data alone"
      guard let user = unit.functions.indices.first(where: { callOffset(in: $0, of: function, unit) != nil }),
        let offset = callOffset(in: user, of: function, unit)
      else { return "something takes \(what)" }
      return "\(name("function", user, unit.functions[user].name)) calls \(what), \(place(offset, in: unit))"
    }
    guard let data = facts.threadLocal, data.symbol != nil else { return nil }
    guard let kept = facts.unsaidThreadLocal, let statement = kept.statements.first else {
      return facts.threadLocalObstacle.map { text(of: $0, data, unit) }
    }
    return "\(functionName(kept.function, unit)) sets up its thread-local data, and its \(statement.opcode) "
      + "\(place(statement.offset, in: unit)) cannot be done at link time: \(statement.reason)"
  }

  private func text(of obstacle: ThreadLocalObstacle, _ data: ThreadLocalFacts, _ unit: Unit) -> String {
    let setUp = data.initialize.map { functionName($0, unit) } ?? "what sets up the first thread"
    switch obstacle {
    case .unknownRelocation:
      return "nothing says what relocates its thread-local data (link the library with --export=__wasm_init_tls)"
    case .copy: return "\(setUp) does not copy all of its thread-local data, as it is, to where a thread has it"
    case .more: return "\(setUp) does more with thread-local data than to copy and to relocate it"
    case .relocation(let function):
      return "\(functionName(function, unit)), which relocates its thread-local data, runs at another time as well"
    case .firstThread: return "start-up code stores into the thread-local data of the first thread alone"
    }
  }

  private func functionName(_ function: FunctionIndex, _ unit: Unit) -> String {
    let exported = unit.exports.first { $0.function == function }?.name
    let index = Int(function) - unit.functionImports.count
    if index >= 0, !unit.functions[index].name.isEmpty { return "'\(unit.functions[index].name)'" }
    return exported.map { "'\($0)'" } ?? "function \(function.rawValue)"
  }

  private func callOffset(in index: Int, of function: FunctionIndex, _ unit: Unit) -> Int? {
    let symbol = unit.lifted?.symbol(function)
    return unit.functionRelocations[index].indices.first {
      unit.relocations[$0].kind == .functionIndexLEB && unit.relocations[$0].symbol == symbol
    }.map { Int(unit.relocations[$0].offset) }
  }

  // MARK: Memory

  private func memoryProblem(_ unit: Unit) -> String? {
    let memories = resolution.memories
    for (index, memory) in memories.indices(in: unit).enumerated() where memory != memories.main {
      let name =
        unit.memoryImports[checked: index].map { "memory \($0.module).\($0.name), which is" } ?? "memory \(index),"
      return "it uses \(name) another one than the program's"
    }
    if unit.memories.isEmpty, !unit.contracts.keepsMemory || unit.memoryImports.isEmpty { return nil }
    if !unit.memories.isEmpty, !unit.contracts.keepsMemory { return "it has a memory of its own" }
    let end = options.heapBase ?? unit.lifted?.memory.heapBase?.address
    if end == 0 { return nil }
    return "its static memory\(end.map { ", which ends at \($0)," } ?? "") stays where it is, and an object's moves "
      + "(if it has none, let it say so with an immutable global __heap_base of 0, or pass --heap-base=0)"
  }

  private func dataProblem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    var pieces: [(start: UInt64, end: UInt64, index: Int)] = []
    for (index, segment) in unit.segments.enumerated() where live.segments[unit.bases.segment + index] {
      let name = "data segment \(segment.name.isEmpty ? "\(index)" : "'\(segment.name)'")"
      switch segment.placement {
      case .free: break
      case .inside(_, let offset): pieces.append((offset, offset &+ UInt64(segment.count), index))
      case .absolute(let address): return "\(name) is at the fixed address \(address)"
      case .passive: return "\(name) is passive: only code says where it goes"
      case .kept: return "nobody knows where \(name) goes"
      }
    }
    pieces.sort { ($0.start, $0.index) < ($1.start, $1.index) }
    for (piece, next) in zip(pieces, pieces.dropFirst()) where piece.end > next.start {
      return "data segments \(piece.index) and \(next.index) overlap"
    }
    for symbol in unit.symbols where symbol.kind == .data && !symbol.isUndefined {
      guard let segment = symbol.definition, symbol.offset > unit.segments[Int(segment)].size else { continue }
      return "the address of '\(options.displayName(of: symbol.name))' is outside of its data"
    }
    return nil
  }

  // MARK: Tables and globals

  private func tableProblem(_ unit: Unit) -> String? {
    if unit.codeFacts.changesTableBlock(of: unit.module) {
      return
        "code writes to slots of the function table (table.set, table.init, table.copy, table.fill), some of which are "
        + "its own functions'"
    }
    if unit.lifted?.functionBlock.hasTooManyForwarders == true {
      return "more than \(FunctionBlock.mostForwarders) slots of the function table repeat functions of others"
    }
    for (index, element) in unit.elements.enumerated() {
      switch element.placement {
      case .block: continue
      case .absolute(let slot): return "element segment \(index) fills slots from \(slot) on"
      case .kept:
        // A declaration follows from what it declares.
        if element.isDeclarative { continue }
        return "element segment \(index) has a place of its own"
      }
    }
    for (index, table) in unit.tables.enumerated() where live.tables[unit.bases.table + index] {
      if table.initializer != nil { return "\(name("table", index, table.name)) has an initial element" }
      if table.elementType != 0x70, table.elementType != 0x6F {
        return "\(name("table", index, table.name)) holds neither functions nor external references"
      }
    }
    return nil
  }

  private func globalProblem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    if facts.ownsStackPointer { return "it brings the __stack_pointer of the program" }
    for (index, global) in unit.globals.enumerated() where live.globals[unit.bases.global + index] {
      let edits = unit.relocations[global.initializer.relocations.indices]
      if edits.contains(where: { $0.kind == .constantMemoryAddress || $0.kind == .constantTableIndex }) {
        return "the initial value of \(name("global", index, global.name)) is an address"
      }
      var reader = InstructionReader(
        unit.file.reader(of: Extent(start: global.initializer.start, size: global.initializer.size)))
      while let instruction = try? reader.next() {
        // What is known gives way to a number.
        let isReplaced = edits.contains { edit in
          (edit.encoding.isConstant || edit.encoding == .nothing)
            && Int(edit.offset)..<Int(edit.end) ~= instruction.offset
        }
        if isReplaced { continue }
        switch instruction.opcode {
        case .i32Const, .i64Const, .f32Const, .f64Const, .end, .i32Add, .i32Sub, .i64Add, .i64Sub: continue
        default: return "the initial value of \(name("global", index, global.name)) is no number"
        }
      }
    }
    return nil
  }

  private func name(_ what: String, _ index: Int, _ name: ByteString) -> String {
    "\(what) \(name.isEmpty ? "\(index)" : "'\(name)'")"
  }

  // MARK: Names

  private func exportProblem(_ unit: Unit, _ facts: LiftedFacts) -> String? {
    for (index, symbol) in unit.symbols.enumerated() where symbol.isUndefined && symbol.isWeak {
      let (id, isVariable) = (unit.symbolIDs[SymbolIndex(index)], symbol.kind != .function && symbol.kind != .data)
      if isVariable, resolution.symbol(id).isUndefined, live.isLive(resolution.symbol(id), id) {
        return
          "it need not have the \(symbol.kind) '\(symbol.name)' that it imports, which only functions and data can say"
      }
    }
    if !facts.isThreaded, let flags = unit.dylink?.exportFlags.first(where: { $0.flags.contains(.tls) }) {
      return
        "it exports thread-local '\(options.displayName(of: flags.name))' for one thread, which others would count "
        + "from __tls_base"
    }
    guard unit.contracts.keepsExports else { return nil }
    if let symbol = (facts.exportsOfImportedNames + facts.privateExports).first {
      return "it exports '\(unit.symbols[Int(symbol)].name)', which as the name of a symbol means something else"
    }
    for (index, symbol) in unit.symbols.enumerated() where !symbol.isLocal && !symbol.isUndefined {
      let target = resolution.symbol(unit.symbolIDs[SymbolIndex(index)])
      if target.isDefined, target.unit == unit.index { continue }
      return "it exports '\(options.displayName(of: symbol.name))', which it does not define"
    }
    return nil
  }

  private func typeProblem(_ unit: Unit) -> String? {
    func check(_ type: TypeIndex, _ what: @autoclosure () -> String) -> String? {
      let id = unit.typeIDs[type]
      return resolution.types.isPlainForObjects(id) ? nil : "\(what()) has the type \(resolution.types.text(of: id))"
    }
    for entry in unit.functionImports {
      if let problem = check(entry.type, "the import \(entry.module).\(entry.name)") { return problem }
    }
    for (index, function) in unit.functions.enumerated() where live.functions[unit.bases.function + index] {
      if let problem = check(function.type, name("function", index, function.name)) { return problem }
    }
    for (index, tag) in unit.tags.enumerated() {
      if let problem = check(tag.type, name("tag", index, tag.name)) { return problem }
    }
    return nil
  }

  // MARK: Code

  private func codeProblem(_ unit: Unit) -> String? {
    for (index, function) in unit.functions.enumerated() where live.functions[unit.bases.function + index] {
      for position in unit.functionRelocations[index].indices {
        if let problem = problem(of: unit.relocations[position], in: unit) {
          return "\(name("function", index, function.name)) \(problem)"
        }
      }
    }
    for (index, segment) in unit.segments.enumerated() where live.segments[unit.bases.segment + index] {
      for position in unit.segmentRelocations[index].indices {
        let edit = unit.relocations[position]
        let symbol = resolution.symbol(unit.symbolIDs[edit.namedSymbol])
        guard edit.kind.isTableIndex ? symbol.kind == .function : symbol.kind == .data else {
          return
            "\(name("data segment", index, segment.name)) takes the address of '\(symbol.name)', which is no data, "
            + place(Int(edit.offset))
        }
        if symbol.kind == .data, symbol.isTLS {
          return
            "\(name("data segment", index, segment.name)) takes the address of thread-local "
            + "'\(options.displayName(of: symbol.name))' " + place(Int(edit.offset))
        }
        if case .none(let what) = edit.objectForm(symbol.kind, .address) {
          return "\(name("data segment", index, segment.name)) \(what) \(place(Int(edit.offset)))"
        }
      }
    }
    return nil
  }

  private func slotProblem(_ unit: Unit) -> String? {
    guard unit.codeFacts.computesSlots(of: unit.module), let place = unit.codeFacts.computedSlot else { return nil }
    let function = name("function", place.function, unit.functions[place.function].name)
    return "\(function) computes which slot of the function table it takes \(self.place(place.offset, in: unit))"
  }

  private func problem(of edit: Relocation, in unit: Unit) -> String? {
    var place: String { self.place(Int(edit.offset), in: unit) }
    if edit.kind == .typeIndexLEB || edit.kind == .signedTypeIndex {
      let type = unit.typeIDs[edit.type]
      if !resolution.types.isPlainForObjects(type) {
        return "names the type \(resolution.types.text(of: type)) \(place)"
      }
    }
    if edit.kind == .functionIndexLEB, unit.file.bytes[Int(edit.offset) - 1] == Opcode.refFunc.rawValue {
      return "takes a reference to a function, which needs a declaration, \(place)"
    }
    let id = edit.symbol.map { unit.symbolIDs[$0] }
    let symbol = id.map { resolution.symbol($0) }
    if let id, let symbol, symbol.kind == .global, symbol.isUndefined, !live.isLive(symbol, id) {
      return "uses '\(symbol.name)', which is a constant of the link, as a variable \(place)"
    }
    switch edit.objectForm(symbol?.kind, resolution.access(to: symbol, by: unit, options)) {
    case .final, .relocation, .threadLocalSum: return nil
    case .none(let what): return "\(what) \(place)"
    }
  }

  private func place(_ offset: Int) -> String { "at offset 0x\(String(offset, radix: 16))" }

  /// Where an instruction is, and the line of the source where debug information says so.
  private func place(_ offset: Int, in unit: Unit) -> String {
    place(offset) + SourceLines.suffix(ofInstruction: offset, in: unit)
  }
}

extension TypeTable {
  /// Whether a type is a function of types that every linker of objects knows.
  fileprivate func isPlainForObjects(_ type: TypeID) -> Bool {
    guard kind(of: type) == .function, memberCount(ofGroupOf: type) == 1, supertype(of: type) == nil,
      self[type].compositeOffset == 0, let function = functionType(of: type)
    else { return false }
    let known: Set<ValueType> = [.i32, .i64, .f32, .f64, .v128, .funcref, .externref, .exnref]
    return function.parameters.allSatisfy(known.contains) && function.results.allSatisfy(known.contains)
  }
}
