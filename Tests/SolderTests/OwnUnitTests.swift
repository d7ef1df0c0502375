import Testing

/// What the linker adds of its own: all of it is declared before anything is marked, and in the result only if a later
/// pass asks for it, at the place where wasm-ld has it.
@Suite struct OwnUnitTests {
  private static let keepsAll = [[], ["--no-gc-sections"]]

  /// An object whose code calls missing functions, and takes the address of one before or after its call.
  private func missing(addressFirst: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    _ = object.undefinedTable()
    let one = object.undefinedFunction("one", [.i32], [.i32])
    let two = object.undefinedFunction("two")
    let three = object.undefinedFunction("three", [.i32], [.i32])
    let unused = object.undefinedFunction("unused", [.i64])
    let address: [WasmInstruction] = [.slot(three), .drop]
    let call: [WasmInstruction] = [.i32Const(1), .call(three), .drop]
    let calls: [WasmInstruction] = [.call(two), .i32Const(1), .call(one), .drop]
    object.function("_start", flags: [], calls + (addressFirst ? address + call : call + address))
    object.function("dead", flags: .hidden, [.i64Const(0), .call(unused)])
    return object
  }

  /// One stub for each signature that live code calls, in the order of the calls.
  @Test(arguments: [true, false], keepsAll) func missingFunctionsTrap(addressFirst: Bool, words: [String]) async throws
  {
    let object = missing(addressFirst: addressFirst)
    let run = try LinkInProcess(["main.o": object], ["--unresolved-symbols=ignore-all"] + words)
    let module = try ModuleDescription(try #require(run.bytes))
    #expect(module.imports == [])
    let dead = words.isEmpty ? 0 : 1
    #expect(module.functionNames.filter { $0 == "undefined_stub" }.count == 2 + dead)
    let path = try TemporaryFolder().write(object.bytes, to: "main.o")
    try await Differential(["--unresolved-symbols=ignore-all"] + words + [path], .release22).expectIdentical()
  }

  /// Where everything is kept and everything exported, what nobody needs is still not made.
  @Test func nothingThatNobodyNeeds() async throws {
    var object = ModuleBuilder(object: true)
    object.function("_start", flags: [], [.nop])
    let result = try await linked(["main.o": object], "--no-gc-sections", "--export-all")
    #expect(result.module.functionNames == ["__wasm_call_ctors", "_start"])
    #expect(result.module.tables.isEmpty)
  }

  /// Wrappers follow all other functions, in the order of names, and take the place of what they wrap.
  @Test(arguments: keepsAll) func wrappersAreTheLastFunctions(words: [String]) async throws {
    var object = ModuleBuilder(object: true)
    let counter = object.global("counter", .i32, isMutable: true, [.i32Const(0)])
    object.function("first", [], [.i32], flags: .exported, [.globalGet(counter)])
    let construct = object.function(
      "construct", flags: .hidden, [.globalGet(counter), .i32Const(5), .i32Add, .globalSet(counter)])
    object.function("second", [.i32], [.i32], flags: .exported, [.localGet(0), .globalGet(counter), .i32Add])
    object.constructor(construct)
    let run = try LinkInProcess(["main.o": object], ["--no-entry"] + words)
    let module = try ModuleDescription(try #require(run.bytes))
    #expect(
      module.functionNames == [
        "__wasm_call_ctors", "first", "construct", "second", "first.command_export", "second.command_export",
      ])
    #expect(module.exports.map(\.description) == ["memory (memory 0)", "first (function 4)", "second (function 5)"])
    let result = try await linked(["main.o": object], "--no-entry")
    #expect(try await result.call("second", 2) == "7")
  }

  /// A program that calls the constructors itself, and one without any, has no wrapper.
  @Test(arguments: [true, false]) func noWrapperThatIsNotNeeded(callsConstructors: Bool) async throws {
    var object = ModuleBuilder(object: true)
    let call = callsConstructors ? object.undefinedFunction("__wasm_call_ctors") : nil
    object.function("first", flags: .exported, call.map { [.call($0)] } ?? [.nop])
    if callsConstructors { object.constructor(object.function("construct", flags: .hidden, [.nop])) }
    let result = try await linked(["main.o": object], "--no-entry")
    #expect(!result.module.functionNames.contains { $0.hasSuffix("command_export") })
  }

  private static let tableOptions = [
    [], ["--export-table"], ["--import-table"], ["--export-all"], ["--growable-table"], ["--no-gc-sections"],
  ]

  /// An object that takes the address of a function, or not, and knows the table by its name, or not.
  private func pointing(takesAddress: Bool, isNamed: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let table = isNamed ? object.undefinedTable(flags: takesAddress ? .noStrip : []) : nil
    let type = object.type([], [])
    let target = object.function("target", flags: .hidden, [.nop])
    object.function("_start", flags: [], takesAddress ? [.slot(target), .drop] : [.nop])
    if let table {
      object.function("indirect", flags: .hidden, [.i32Const(1), .callIndirect(objectType: type, table: table)])
    }
    return object
  }

  /// The table is there when a function pointer needs it, or the host asks for it.
  @Test(arguments: [true, false], tableOptions) func theTable(takesAddress: Bool, words: [String]) async throws {
    let path = try TemporaryFolder().write(pointing(takesAddress: takesAddress, isNamed: true).bytes, to: "main.o")
    try await Differential(words + [path], .release22).expectIdentical()
  }

  /// Whether a file knows the name of the table makes no difference (wasm-ld ends with a signal here).
  @Test(arguments: [true, false], tableOptions) func aTableWithoutAName(takesAddress: Bool, words: [String])
    async throws
  {
    let run = try LinkInProcess(["main.o": pointing(takesAddress: takesAddress, isNamed: false)], words)
    let bytes = try #require(run.bytes)
    try await WebAssemblyHost.shared.validate(bytes)
    let module = try ModuleDescription(bytes)
    let isImported = words == ["--import-table"]
    let hasTable = takesAddress || words == ["--export-table"]
    #expect(module.tables.count == (hasTable && !isImported ? 1 : 0))
    #expect(module.imports.contains { $0.kind == .table } == (takesAddress && isImported))
    #expect(
      module.exports.contains { $0.kind == .table }
        == (words == ["--export-table"] || takesAddress && words == ["--export-all"]))
  }

  /// Bounds of segments that only an export asks for, in the order of the segments.
  @Test(arguments: [["--export-all"], ["--export=__stop_one", "--export=__start_two", "--export=__start_one"]])
  func boundsOfSegments(words: [String]) async throws {
    var object = ModuleBuilder(object: true)
    let two = object.data("b", [1, 2, 3, 4], segment: "two")
    let one = object.data("a", [1, 2, 3, 4], segment: "one")
    object.data("c", [1, 2, 3, 4], segment: "dead")
    object.function("_start", flags: [], [.address(two), .drop, .address(one), .drop])
    let path = try TemporaryFolder().write(object.bytes, to: "main.o")
    try await Differential(words + [path], .release22).expectIdentical()
  }
}
