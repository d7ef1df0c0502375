import Testing

/// A table of functions that whole modules import from the host, under the agreed name: function pointers of everybody
/// are in it, and the slots of one are not those of another.
@Suite struct HostTableTests {
  private static let name = "__indirect_function_table"

  /// Has two functions in the host's table, as programs of `wasm-ld --import-table` do, and calls its own by number and
  /// another's by its pointer.
  private func program(
    is64: Bool = false, limits: Limits? = nil, at slot: Int = 1, module: String = "env", _ prefix: String = ""
  ) -> ModuleBuilder {
    let address = WasmType.address(is64: is64)
    var program = ModuleBuilder(is64: is64)
    let pointer = program.importFunction("env", "pointer", [], [address])
    program.importTable(module, HostTableTests.name, .funcref, limits ?? Limits(UInt64(slot) + 2, is64: is64))
    let ten = program.function([], [.i32], [.i32Const(10)])
    let twenty = program.function([], [.i32], export: prefix + "twenty", [.i32Const(20)])
    program.element(is64 ? .at64(Int64(slot)) : .at(Int32(slot)), functions: [ten, twenty])
    let type = program.type([], [.i32])
    let last: WasmInstruction = is64 ? .i64Const(Int64(slot) + 1) : .i32Const(Int32(slot) + 1)
    program.function([], [.i32], export: prefix + "own", [last, .callIndirect(type: type)])
    program.function([], [.i32], export: prefix + "theirs", [.call(pointer), .callIndirect(type: type)])
    return program
  }

  private enum Part: String, CaseIterable { case object, member, library, libraryWithBlock }

  /// Gives a pointer to a function of its own, which returns 7.
  private func part(_ kind: Part, is64: Bool = false) -> (name: String, contents: any InputContents) {
    let address = WasmType.address(is64: is64)
    switch kind {
    case .object, .member:
      var object = ModuleBuilder(object: true, is64: is64)
      let seven = object.function("seven", [], [.i32], [.i32Const(7)])
      object.function("pointer", [], [address], [is64 ? .constant(.tableIndexSLEB64, seven) : .slot(seven)])
      if kind == .object { return ("part.o", object) }
      var archive = ArchiveBuilder()
      archive.add("part.o", object)
      return ("part.a", archive)
    case .library, .libraryWithBlock:
      var library = ModuleBuilder(dylink: Dylink(tableSize: 1), is64: is64)
      let base = library.importMemoryAndBases()
      let seven = library.function([], [.i32], [.i32Const(7)])
      library.element(.active([.globalGet(base.table)]), functions: [seven])
      library.function([], [address], export: "pointer", [.globalGet(base.table)])
      if kind == .libraryWithBlock {
        library.function([], [.i32], export: "block", [.globalGet(base.table), is64 ? .i64Eqz : .i32Eqz])
      }
      return ("part.so", library)
    }
  }

  private func tables(_ bytes: [UInt8]?) throws -> (imported: [Limits], defined: Int) {
    let module = try ModuleDescription(bytes ?? [])
    return (
      module.imports.filter { $0.name == HostTableTests.name }.compactMap(\.limits).map {
        Limits($0.minimum, $0.maximum)
      },
      module.tables.count
    )
  }

  @Test(arguments: Part.allCases, [false, true]) private func besideEveryKind(_ kind: Part, is64: Bool) async throws {
    let part = part(kind, is64: is64)
    let inputs = try InputSet([("program.wasm", program(is64: is64)), part])
    for order in permutations(["program.wasm", part.name]) {
      for options in [
        [], ["--import-table"], ["--export-table"], ["--growable-table"], ["--table-base=2"], ["--no-gc-sections"],
        ["--icf=all"],
      ] {
        let words = ["--no-entry"] + (is64 ? ["-mwasm64"] : []) + options + order
        #expect(
          try await inputs.transcript(words, [Call("own"), Call("theirs")]) == "own() = 20\ntheirs() = 7", "\(words)")
        let bytes = inputs.link(words).bytes
        let tables = try tables(bytes)
        #expect(tables.imported.count == 1 && tables.imported[0].minimum >= 4 && tables.defined == 0, "\(words)")
        let exports = try ModuleDescription(bytes ?? []).exports.count { $0.name == HostTableTests.name }
        #expect(exports == (options == ["--export-table"] ? 1 : 0), "\(words)")
      }
    }
  }

  /// The linker's slots are behind what all modules have there, and behind what their segments fill, whatever they say of
  /// its size.
  @Test(arguments: Part.allCases) private func besideSeveralModules(_ kind: Part) async throws {
    let part = part(kind)
    let inputs = try InputSet([
      ("one.wasm", program(limits: Limits(3), at: 1, "one")), ("two.wasm", program(limits: Limits(0), at: 5, "two")),
      part,
    ])
    let calls = ["oneown", "onetheirs", "twoown", "twotheirs"]
    for order in permutations(["one.wasm", "two.wasm", part.name]) {
      let words = ["--no-entry"] + order
      #expect(
        try await inputs.transcript(words, calls.map { Call($0) })
          == "oneown() = 20\nonetheirs() = 7\ntwoown() = 20\ntwotheirs() = 7", "\(order)")
      #expect(try tables(inputs.link(words).bytes).imported.map(\.minimum) == [8], "\(order)")
    }
  }

  /// A module's pointer to its own function is the slot that it has there.
  @Test func addressesOfItsFunctions() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    _ = library.importMemoryAndBases()
    let twenty = library.importGlobal("GOT.func", "twenty", .i32, isMutable: true)
    library.function([], [.i32], export: "pointer", [.globalGet(twenty)])
    let inputs = try InputSet([("program.wasm", program()), ("library.so", library)])
    for order in permutations(["program.wasm", "library.so"]) {
      let words = ["--no-entry", "--export=pointer"] + order
      #expect(try await inputs.transcript(words, [Call("pointer"), Call("theirs")]) == "pointer() = 2\ntheirs() = 20")
    }
  }

  @Test(arguments: Part.allCases) private func theMaximum(_ kind: Part) throws {
    let part = part(kind)
    for (maximum, fits) in [(UInt64(4), true), (3, false)] {
      let inputs = try InputSet([
        ("program.wasm", program(limits: Limits(3, maximum))), ("other.wasm", program()), part,
      ])
      for order in permutations(["program.wasm", part.name]) {
        let words = ["--no-entry"] + order
        if fits {
          let limits = try tables(inputs.link(words).bytes).imported
          #expect(limits.map(\.minimum) == [4] && limits.map(\.maximum) == [4])
        } else {
          inputs.refuse(words, ["program.wasm", "at most 3 slots", "4 are needed"])
        }
      }
    }
  }

  /// A module's own table that nobody was to see is not what another one imports from the host.
  @Test(arguments: [[], ["part.o"], ["part.so"]]) func besideATableOfAModule(_ parts: [String]) async throws {
    var owner = ModuleBuilder()
    owner.table(.funcref, Limits(4), export: "shelf")
    let thirty = owner.function([], [.i32], [.i32Const(30)])
    owner.element(.at(1), functions: [thirty, thirty])
    let type = owner.type([], [.i32])
    owner.function([], [.i32], export: "thirty", [.i32Const(2), .callIndirect(type: type)])
    let inputs = try InputSet([
      ("owner.wasm", owner), ("program.wasm", program()), part(.object), part(.library),
    ])
    for order in permutations(["owner.wasm", "program.wasm"] + parts) {
      for options in [[], ["--export-table"]] where !(parts.isEmpty && !options.isEmpty) {
        let words = ["--no-entry"] + options + order
        let calls = [Call("own"), Call("thirty")] + (parts.isEmpty ? [] : [Call("theirs")])
        let wanted = "own() = 20\nthirty() = 30" + (parts.isEmpty ? "" : "\ntheirs() = 7")
        #expect(try await inputs.transcript(words, calls) == wanted, "\(words)")
        let tables = try tables(inputs.link(words).bytes)
        #expect(tables.imported.count == 1 && tables.defined == 1, "\(words)")
      }
    }
  }

  /// An object that calls the function to which `pointer` points.
  private var caller: ModuleBuilder {
    var caller = ModuleBuilder(object: true)
    let pointer = caller.undefinedFunction("pointer", [], [.i32])
    let type = caller.type([], [.i32])
    let table = caller.undefinedTable()
    caller.function(
      "call", [], [.i32], flags: .exported, [.call(pointer), .callIndirect(objectType: type, table: table)])
    return caller
  }

  /// A module that names what its `env` is may have the same table of the host.
  @Test(arguments: Part.allCases) private func ofAModuleWhoseEnvironmentIsAFile(_ kind: Part) async throws {
    var environment = ModuleBuilder()
    environment.function([], [.i32], export: "pointer", [.i32Const(2)])
    let part = part(kind)
    let inputs = try InputSet([
      ("environment.wasm", environment), ("program.wasm", program()), ("caller.o", caller), part,
    ])
    for order in permutations(["env=environment.wasm", "program.wasm", "caller.o", part.name]) {
      let words = ["--no-entry", "--import-table", "--allow-multiple-definition"] + order
      let tables = try tables(inputs.link(words).bytes)
      #expect(tables.imported.count == 1 && tables.imported[0].minimum >= 3, "\(words)")
    }
  }

  // MARK: What is refused

  @Test(arguments: Part.allCases) private func aSegmentWhoseSlotOnlyTheHostKnows(_ kind: Part) throws {
    var module = ModuleBuilder()
    let pointer = module.importFunction("env", "pointer", [], [.i32])
    module.importTable("env", HostTableTests.name, .funcref, Limits(9))
    let first = module.importGlobal("host", "first", .i32)
    module.element(.active([.globalGet(first)]), functions: [pointer])
    let part = part(kind)
    let inputs = try InputSet([("module.wasm", module), part])
    for order in permutations(["module.wasm", part.name]) {
      inputs.refuse(
        ["--no-entry"] + order, ["module.wasm", "element segment 0", HostTableTests.name, "only the host knows"])
    }
  }

  @Test(arguments: Part.allCases, [(WasmType.externref, false), (.funcref, true)])
  private func aTableOfAnotherType(_ kind: Part, _ type: (WasmType, Bool)) throws {
    var module = ModuleBuilder()
    module.importFunction("env", "pointer", [], [.i32])
    let table = module.importTable("env", HostTableTests.name, type.0, Limits(1, is64: type.1))
    module.export("shown", .table, table)
    module.function([], [.i32], export: "call", [.call(0)])
    let part = part(kind)
    let inputs = try InputSet([("module.wasm", module), part])
    for order in permutations(["module.wasm", part.name]) {
      inputs.refuse(["--no-entry"] + order, ["module.wasm", HostTableTests.name, "funcref"])
    }
  }

  // MARK: Libraries that know slots by number

  private func odd(_ function: Int32, at slot: Int32 = 1) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink())
    library.importTable("env", HostTableTests.name, .funcref, Limits(2))
    let own = library.function([], [.i32], [.i32Const(function)])
    library.element(.at(slot), functions: [own])
    let type = library.type([], [.i32])
    library.function([], [.i32], export: "odd\(function)", [.i32Const(slot), .callIndirect(type: type)])
    return library
  }

  @Test(arguments: Part.allCases) private func aLibraryWithSlotsByNumber(_ kind: Part) async throws {
    let part = part(kind)
    let inputs = try InputSet([("odd.so", odd(3)), ("even.so", odd(4, at: 2)), ("caller.o", caller), part])
    for order in permutations(["odd.so", "even.so", part.name]) {
      let words = ["--no-entry", "--export=odd3", "--export=odd4", "caller.o"] + order
      #expect(
        try await inputs.transcript(words, [Call("odd3"), Call("odd4"), Call("call")])
          == "odd3() = 3\nodd4() = 4\ncall() = 7", "\(order)")
    }
    #expect(try await inputs.transcript(["--no-entry", "--export=odd4", "even.so"], [Call("odd4")]) == "odd4() = 4")
  }

  @Test(arguments: [("program.wasm", "[1, 3)"), ("own.wasm", "[0, 2)"), ("other.so", "[1, 2)")])
  func slotsByNumberOfTwo(_ other: String, _ range: String) throws {
    var own = ModuleBuilder()
    own.table(.funcref, Limits(4))
    let function = own.function([], [.i32], [.i32Const(30)])
    own.element(.at(0), functions: [function, function])
    let inputs = try InputSet([
      ("odd.so", odd(3)), ("program.wasm", program()), ("own.wasm", own), ("other.so", odd(4)),
    ])
    for order in permutations(["odd.so", other]) {
      inputs.refuse(["--no-entry", "--export=odd3", "--export=odd4"] + order, ["odd.so", other, "[1, 2)", range])
    }
  }
}
