import Testing

/// Segments of several whole modules are written in the order, and between the start functions, as when an engine
/// instantiates the modules one by one.
@Suite struct SegmentOrderTests {
  typealias File = (name: String, contents: ModuleBuilder)

  private let bulkMemory = "--extra-features=bulk-memory"

  /// What instantiating and calling `run` gives, which must not depend on the order of the files.
  private func inAllOrders(_ files: [File], _ words: [String] = [], gives expected: String) async throws {
    for order in [files, files.reversed(), Array(files.dropFirst() + files.prefix(1))] {
      let folder = try TemporaryFolder()
      for file in order { try folder.write(file.contents.bytes, to: file.name) }
      let named = order.map { "\($0.name.prefix { $0 != "." })=\($0.name)" }
      let run = LinkInProcess(order.map(\.name), words + named, in: folder.path)
      guard let bytes = run.bytes else { throw ToolFailure("\(run.words): \(run.errors)") }
      try await WebAssemblyHost.shared.validate(bytes)
      let transcript = try await WebAssemblyHost.shared.invoke(bytes, [Call("run")])
      #expect(transcript.replacing("\n", with: " ") == expected + " ", "\(named)")
    }
  }

  /// Memory and table of their own, shown to others, and `run` that tells what is at 8 or in slot 2.
  private func owner(is64: Bool = false, readsTable: Bool = false) -> ModuleBuilder {
    var owner = ModuleBuilder()
    var limits = Limits(1)
    limits.is64 = is64
    owner.memory(limits, export: "memory")
    owner.table(.funcref, Limits(5), export: "table")
    let type = owner.type([], [.i32])
    owner.function(
      [], [.i32], export: "run",
      readsTable
        ? [.i32Const(2), .callIndirect(type: type)] : [.addressConst(8, is64: is64), .i32Load()])
    return owner
  }

  private func user(
    is64: Bool = false, _ make: (inout ModuleBuilder) -> Void
  ) -> ModuleBuilder {
    var user = ModuleBuilder()
    var limits = Limits(0)
    limits.is64 = is64
    user.importMemory("a", "memory", limits)
    user.importTable("a", "table", .funcref, Limits(0))
    make(&user)
    return user
  }

  /// A module whose start function copies what is at 16 to 8.
  private func copier(is64: Bool = false) -> ModuleBuilder {
    user(is64: is64) { module in
      module.start = module.function(
        [], [],
        [
          .addressConst(8, is64: is64), .addressConst(16, is64: is64), .i32Load(), .i32Const(100), .i32Add, .i32Store(),
        ])
    }
  }

  // MARK: Order

  @Test func laterModuleWritesOverEarlier() async throws {
    var first = owner()
    let place = first.importGlobal("host", "place", .i32)
    first.data(.active([.globalGet(place), .i32Const(1), .i32Add]), [1, 1, 1, 1])
    let second = user { $0.data(.at(9), [2]) }
    try await inAllOrders([("a.wasm", first), ("b.wasm", second)], gives: "instantiated run() = \(0x0101_0201)")
  }

  @Test func laterModuleFillsSlotOfEarlier() async throws {
    var first = owner(readsTable: true)
    first.element(.at(2), functions: [first.function([], [.i32], [.i32Const(1)])])
    let second = user { module in
      module.element(.at(2), functions: [module.function([], [.i32], [.i32Const(2)])])
    }
    try await inAllOrders([("a.wasm", first), ("b.wasm", second)], gives: "instantiated run() = 2")
  }

  // MARK: Start functions in between

  @Test(arguments: [false, true]) func startSeesNoDataOfLaterModules(is64: Bool) async throws {
    let late = user(is64: is64) { module in
      module.importGlobal("b", "wait", .i32)
      module.data(.active([.addressConst(16, is64: is64)]), [5, 0, 0, 0])
    }
    var copier = copier(is64: is64)
    copier.global(.i32, [.i32Const(0)], export: "wait")
    try await inAllOrders(
      [("a.wasm", owner(is64: is64)), ("b.wasm", copier), ("c.wasm", late)], [bulkMemory],
      gives: "instantiated run() = 100")
  }

  @Test(arguments: [false, true]) func startSeesDataOfEarlierModules(is64: Bool) async throws {
    var first = owner(is64: is64)
    first.data(.active([.addressConst(16, is64: is64)]), [5, 0, 0, 0])
    try await inAllOrders([("a.wasm", first), ("b.wasm", copier(is64: is64))], gives: "instantiated run() = 105")
  }

  @Test func startWritesWhatLaterModulesWriteOver() async throws {
    var late = user { $0.data(.at(8), [7]) }
    late.importGlobal("b", "wait", .i32)
    var copier = copier()
    copier.global(.i32, [.i32Const(0)], export: "wait")
    try await inAllOrders(
      [("a.wasm", owner()), ("b.wasm", copier), ("c.wasm", late)], [bulkMemory], gives: "instantiated run() = 7")
  }

  @Test func startSeesNoElementsOfLaterModules() async throws {
    var first = owner(readsTable: true)
    first.element(.at(2), functions: [first.function([], [.i32], [.i32Const(1)])])
    // Moves slot 2 to 3, and what is then in slot 3 to 2.
    var mover = user { module in
      module.start = module.function(
        [], [],
        [
          .i32Const(2), .i32Const(3), .tableGet(0), .tableSet(0),
        ])
    }
    mover.global(.i32, [.i32Const(0)], export: "wait")
    var late = user { module in
      let function = module.function([], [.i32], [.i32Const(3)])
      module.element(.at(3), functions: [function])
      let type = module.type([], [.i32])
      module.function([], [.i32], export: "third", [.i32Const(3), .callIndirect(type: type)])
    }
    late.importGlobal("b", "wait", .i32)
    let files: [File] = [("a.wasm", first), ("b.wasm", mover), ("c.wasm", late)]
    try await inAllOrders(files, [bulkMemory], gives: "instantiated run() fails: uninitialized element")
  }

  /// A memory that a start function made larger takes what lies behind its first pages.
  @Test func startEnlargesMemory() async throws {
    let grower = user { module in
      module.start = module.function([], [], [.i32Const(1), .memoryGrow(), .drop])
      module.global(.i32, [.i32Const(0)], export: "wait")
    }
    var late = user { $0.data(.at(65536), [7]) }
    late.importGlobal("b", "wait", .i32)
    late.function([], [.i32], export: "there", [.i32Const(65536), .i32Load()])
    let files: [File] = [("a.wasm", owner()), ("b.wasm", grower), ("c.wasm", late)]
    try await inAllOrders(files, [bulkMemory], gives: "instantiated run() = 0")
  }

  /// The host has seen what start functions did by then.
  @Test func trapsWhereTheEngineWould() async throws {
    let caller = user { module in
      let note = module.importFunction("host", "note", [.i32], [])
      module.start = module.function([], [], [.i32Const(1), .call(note)])
      module.global(.i32, [.i32Const(0)], export: "wait")
    }
    var late = user { $0.data(.at(65536), [7]) }
    late.importGlobal("b", "wait", .i32)
    let files: [File] = [("a.wasm", owner()), ("b.wasm", caller), ("c.wasm", late)]
    try await inAllOrders(
      files, [bulkMemory], gives: "host.note(1) instantiation fails: out of bounds memory access")
  }

  /// What follows in the same memory is late as well: in the same module, and in one that comes after it.
  @Test func nothingOvertakesALateSegment() async throws {
    var starter = ModuleBuilder()
    starter.start = starter.function([], [], [])
    starter.global(.i32, [.i32Const(0)], export: "wait")
    var first = owner()
    first.importGlobal("b", "wait", .i32)
    let place = first.importGlobal("host", "place", .i32)
    first.data(.active([.globalGet(place), .i32Const(1), .i32Add]), [1, 1, 1, 1])
    first.data(.at(9), [2])
    let second = user { $0.data(.at(10), [3]) }
    try await inAllOrders(
      [("a.wasm", first), ("b.wasm", starter), ("c.wasm", second)], [bulkMemory],
      gives: "instantiated run() = \(0x0103_0201)")
  }

  /// A module that is only imported from by way of a memory that it passes on starts first all the same.
  @Test func whoPassesAMemoryOnStartsFirst() async throws {
    var first = ModuleBuilder()
    let memory = first.importMemory("host", "memory", Limits(1))
    first.export("passed", .memory, memory)
    let place = first.importGlobal("host", "place", .i32)
    first.data(.active([.globalGet(place), .i32Const(1), .i32Add]), [1, 1, 1, 1])
    var second = ModuleBuilder()
    second.importMemory("env", "passed", Limits(1))
    second.data(.at(9), [2])
    second.function([], [.i32], export: "run", [.i32Const(8), .i32Load()])
    for words in [["first.wasm", "second=second.wasm"], ["second=second.wasm", "first.wasm"]] {
      let result = try await linked(["first.wasm": first, "second.wasm": second], words[0], words[1])
      #expect(try await result.call("run") == "\(0x0101_0201)", "\(words)")
    }
  }

  // MARK: What needs none of this

  /// Modules that write to memory of their own are as they were, and need no bulk memory.
  @Test func modulesOfTheirOwnStayActive() async throws {
    func module(_ value: UInt8, imports other: String?) -> ModuleBuilder {
      var module = ModuleBuilder()
      if let other { module.importGlobal(other, "shown4", .i32) }
      module.memory(Limits(1))
      module.global(.i32, [.i32Const(1)], export: "shown\(value)")
      module.data(.at(8), [value])
      module.start = module.function(
        [], [], [.i32Const(8), .i32Const(8), .i32Load(), .i32Const(1), .i32Add, .i32Store()])
      module.function([], [.i32], export: "run\(value)", [.i32Const(8), .i32Load()])
      return module
    }
    for words in [["a=a.wasm", "b=b.wasm"], ["b=b.wasm", "a=a.wasm"]] {
      let result = try await linked(
        ["a.wasm": module(4, imports: nil), "b.wasm": module(6, imports: "a")], words[0], words[1])
      #expect(try await result.call("run4") == "5")
      #expect(try await result.call("run6") == "7")
      #expect(!result.module.sections.contains { $0.identifier == 12 })
    }
  }

  // MARK: Refused

  @Test func needsBulkMemory() throws {
    var late = user { $0.data(.at(16), [5]) }
    late.importGlobal("b", "wait", .i32)
    var copier = copier()
    copier.global(.i32, [.i32Const(0)], export: "wait")
    for words in [["a=a.wasm", "b=b.wasm", "c=c.wasm"], ["c=c.wasm", "b=b.wasm", "a=a.wasm"]] {
      try refused(
        ["a.wasm": owner(), "b.wasm": copier, "c.wasm": late], words[0], words[1], words[2],
        mentions: ["c.wasm: data segment 0", "b.wasm", "bulk-memory"])
    }
  }

  /// Constructors of a library run before all start functions, and must not find a module without its data.
  @Test func libraryUsesWhatIsLate() throws {
    var late = user { $0.data(.at(16), [5]) }
    late.importGlobal("b", "wait", .i32)
    late.function([], [.i32], export: "five", [.i32Const(16), .i32Load()])
    var copier = copier()
    copier.global(.i32, [.i32Const(0)], export: "wait")
    var library = ModuleBuilder(dylink: Dylink())
    let five = library.importFunction("env", "five", [], [.i32])
    library.function(export: "__wasm_call_ctors", [.call(five), .drop])
    for words in [["a=a.wasm", "b=b.wasm", "c.wasm", "l.so"], ["l.so", "c.wasm", "b=b.wasm", "a=a.wasm"]] {
      try refused(
        ["a.wasm": owner(), "b.wasm": copier, "c.wasm": late, "l.so": library], words[0], words[1], words[2], words[3],
        bulkMemory, mentions: ["l.so", "'five' of", "c.wasm"])
    }
  }
}
