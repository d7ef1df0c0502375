import Testing

/// How large tables become, and what keeps its meaning in them.
@Suite struct TableSizeTests {
  private static let source = """
    static int next(int x) { return x + 1; }
    int (*volatile pointer)(int) = next;
    __attribute__((export_name("call_pointer"))) int call_pointer(int x) { return pointer(x); }
    """
  private static let library = LiftingCase.library(
    """
    (data (global.get $mb) "\\00\\00\\00\\00") (elem (global.get $tb) $next) (type $t (func (param i32) (result i32)))
    (func $next (export "next") (type $t) (i32.add (local.get 0) (i32.const 1)))
    (func (export "call_pointer") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (global.get $tb)))
    """)

  private func object() async throws -> String {
    try await Toolchain.shared.compiled("pointer", TableSizeTests.source, Toolchain.freestanding)
  }

  private func program(_ body: String) async throws -> String {
    try await Toolchain.shared.assembled(
      "program.wasm",
      """
      (module (import "env" "call_pointer" (func $call (param i32) (result i32)))
        \(body) (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 1024))
        (func $own (result i32) (i32.const 9)) (func (export "run") (result i32) (call $call (i32.const 5))))
      """)
  }

  @Test(arguments: [
    ("0 0xffffffff", 2, UInt64(0xFFFF_FFFF)), ("0 0xfffffff0", 2, 0xFFFF_FFF1), ("4 4", 5, 5), ("4 9", 5, 10),
  ]) func theMaximum(_ limits: String, _ minimum: UInt64, _ maximum: UInt64) async throws {
    let program = try await program("(table (export \"shelf\") \(limits) funcref)")
    let object = try await object()
    for input in [object, try await Toolchain.shared.assembled("liblibrary.so", TableSizeTests.library)] {
      for order in [[program, input], [input, program]] {
        let result = try await linkedHere(order)
        let table = try #require(result.module.tables.first)
        // A library's code may ask for its block of slots in one piece.
        if input == object { #expect(table.minimum == minimum && table.maximum == maximum) }
        #expect(table.minimum >= minimum && table.maximum ?? 0 <= 0xFFFF_FFFF)
        #expect(try await WebAssemblyHost.shared.invoke(result.bytes, [Call("run")]) == "instantiated\nrun() = 6\n")
      }
    }
  }

  /// What was out of bounds stays out of bounds.
  @Test func segmentsBeyondTheTable() async throws {
    let beyond = try await program(#"(table (export "shelf") 2 9 funcref) (elem (i32.const 1) $own $own)"#)
    for order in [[beyond, try await object()], [try await object(), beyond]] {
      refusedHere(order, mentions: ["program.wasm", "element segment 0", "[1, 3)", "2 slots"])
    }
  }

  /// Of two segments for one slot the later one holds, so a pointer to the first function is another slot.
  @Test func slotsThatAreOverwritten() async throws {
    let library = LiftingCase.library(
      """
      (import "GOT.func" "first" (global $first (mut i32))) (import "GOT.func" "second" (global $second (mut i32)))
      (type $t (func (result i32)))
      (func (export "both") (result i32) (i32.add (call_indirect (type $t) (global.get $first))
        (i32.mul (i32.const 10) (call_indirect (type $t) (global.get $second)))))
      """)
    let program = """
      (module (import "env" "both" (func $both (result i32))) (table (export "t") 4 funcref) (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 64)) (elem (i32.const 2) $first) (elem (i32.const 2) $second)
        (func $first (export "first") (result i32) (i32.const 1)) (func $second (export "second") (result i32) (i32.const 2))
        (func (export "run") (result i32) (call $both)))
      """
    for order in [
      [("program.wasm", program), ("liblibrary.so", library)], [("liblibrary.so", library), ("program.wasm", program)],
    ] {
      try await LiftingCase(testDescription: "", modules: order, expected: ["run() = 21"]).check()
    }
  }

  /// Segments that only code uses keep their meaning, also where everything is kept.
  @Test func passiveAndDeclarativeSegments() async throws {
    let program = """
      (module (import "x" "nothing" (func $n)) (memory 1) (table 4 funcref)
        (elem $d declare func $f) (elem $p func $f $g) (data $pd "abc") (data $unused "zzz")
        (func $f (result i32) (i32.const 5)) (func $g (result i32) (i32.const 6))
        (func (export "zero") (result i32)
          (table.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $d) (i32.const 1))
        (func (export "gone") (table.init $d (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (export "named") (result i32)
          (table.set (i32.const 2) (ref.func $f)) (call_indirect (result i32) (i32.const 2)))
        (func (export "passive") (result i32)
          (table.init $p (i32.const 0) (i32.const 0) (i32.const 2)) (call_indirect (result i32) (i32.const 1)))
        (func (export "data") (result i32)
          (memory.init $pd (i32.const 0) (i32.const 0) (i32.const 3)) (i32.load8_u (i32.const 1))))
      """
    let other = #"(module (elem declare func $n) (data "other") (func $n (export "nothing")))"#
    let sample = LiftingCase(
      testDescription: "", modules: [("x=x.wasm", other), ("program.wasm", program)],
      calls: [Call("zero"), Call("gone"), Call("named"), Call("passive"), Call("data")],
      expected: [
        "zero() = 1", "gone() fails: undefined element: out of bounds table access", "named() = 5", "passive() = 6",
        "data() = 98",
      ])
    for options in neutralOptions { try await sample.check(options) }
  }

  /// What the linker calls or replaces has to be of the agreed type.
  @Test(arguments: [
    (#"(func (export "__wasm_call_ctors") (param i32))"#, "exports __wasm_call_ctors as (i32) -> void"),
    (#"(func (export "__wasm_call_ctors") (result i32) (i32.const 1))"#, "exports __wasm_call_ctors as () -> i32"),
    (#"(func (export "__wasm_apply_data_relocs") (param i32))"#, "exports __wasm_apply_data_relocs as (i32) -> void"),
    (#"(func (export "__wasm_init_tls"))"#, "exports __wasm_init_tls as () -> void"),
    (#"(import "env" "__memory_base" (global (mut i32)))"#, "imports env.__memory_base as mutable i32"),
    (#"(import "env" "__table_base" (global (mut i32)))"#, "imports env.__table_base as mutable i32"),
    (#"(import "env" "__memory_base" (func))"#, "imports env.__memory_base as a function"),
    (#"(import "GOT.mem" "x" (global (mut f64)))"#, "imports GOT.mem.x as mutable f64"),
    (#"(import "env" "__indirect_function_table" (table 1 externref))"#, "imports env.__indirect_function_table"),
  ]) func reservedNames(_ text: String, _ message: String) async throws {
    let library = ("libodd.so", "(module (@dylink.0 (mem-info)) \(text))")
    for program in [("program.wasm", LiftingCase.program("MEMORY")), ("libother.so", TableSizeTests.library)] {
      for order in [[library, program], [program, library]] {
        let sample = LiftingCase(testDescription: "", modules: order, expected: [])
        try await refusedHere(sample.arguments() + ["--no-entry"], mentions: ["libodd.so", message])
      }
    }
  }

  /// A pointer of a library is the function that it was taken of, whatever a module's code does to its table.
  @Test(arguments: [false, true]) func slotsThatCodeChanges(_ changes: Bool) async throws {
    var program = ModuleBuilder()
    program.memory(Limits(1), export: "memory")
    program.global(.i32, [.i32Const(1024)], export: "__heap_base")
    program.table(.funcref, Limits(4))
    let first = program.function([], [.i32], export: "first", [.i32Const(1)])
    let second = program.function([], [.i32], [.i32Const(2)])
    program.element(.at(1), functions: [first])
    program.element(.declarative, functions: [second])
    program.function([], [], export: "change", changes ? [.i32Const(1), .refFunc(second), .tableSet(0)] : [])
    var library = ModuleBuilder(dylink: Dylink())
    _ = library.importMemoryAndBases()
    let pointer = library.importGlobal("GOT.func", "first", .i32, isMutable: true)
    let type = library.type([], [.i32])
    library.function([], [.i32], export: "through", [.globalGet(pointer), .callIndirect(type: type)])
    library.function([], [.i32], export: "slot", [.globalGet(pointer)])
    for order in [["program.wasm", "library.so"], ["library.so", "program.wasm"]] {
      let result = try await linked(
        ["program.wasm": program, "library.so": library], order[0], order[1], "--export=through", "--export=slot")
      let transcript = try await result.invoke([Call("change"), Call("through"), Call("slot")])
      #expect(transcript.contains("through() = 1"))
      // Where the slot stays what it is, pointers are equal.
      #expect(transcript.contains("slot() = 1\n") == !changes)
    }
  }

  /// The host has to give what all importers ask for, be it by way of a module that passes the table on.
  @Test(arguments: [false, true]) func aTableOfTheHostSatisfiesAll(isPassedOn: Bool) async throws {
    var first = ModuleBuilder()
    let table = first.importTable("host", "table", .funcref, Limits(1, 20))
    first.export("shown", .table, table)
    var second = ModuleBuilder()
    if isPassedOn {
      second.importTable("first", "shown", .funcref, Limits(12))
    } else {
      second.importTable("host", "table", .funcref, Limits(12))
    }
    second.element(.at(11), functions: [second.function([], [], [])])
    for words in [["first=first.wasm", "second.wasm"], ["second.wasm", "first=first.wasm"]] {
      let result = try await linked(["first.wasm": first, "second.wasm": second], words[0], words[1])
      let limits = result.module.imports.compactMap(\.limits)
      #expect(limits == [.init(minimum: 12, maximum: 20)], "\(words)")
    }
  }

  @Test func aTableOfTheHostCannotSatisfyAll() throws {
    var first = ModuleBuilder()
    first.importTable("host", "table", .funcref, Limits(1, 10))
    for limits in [Limits(12), Limits(1, 10, is64: true)] {
      var second = ModuleBuilder()
      second.importTable("host", "table", .funcref, limits)
      for words in [["first=first.wasm", "second=second.wasm"], ["second=second.wasm", "first=first.wasm"]] {
        try refused(
          ["first.wasm": first, "second.wasm": second], words[0], words[1],
          mentions: ["first.wasm", "second.wasm", "1 10 funcref"])
      }
    }
  }

  /// The agreed name is the host's way to the table, whatever the module calls it.
  @Test(arguments: ["object", "library"], [false, true])
  func aModulesTableIsExported(_ kind: String, isNamed: Bool) async throws {
    var module = ModuleBuilder()
    module.table(.funcref, Limits(2, 2), export: isNamed ? "__indirect_function_table" : "shelf")
    module.memory(Limits(1), export: "memory")
    module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    var part = kind == "object" ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink(tableSize: 1))
    if kind == "object" {
      let own = part.function("own", [], [.i32], [.i32Const(7)])
      part.function("slot", [], [.i32], flags: .exported, [.slot(own)])
    } else {
      let base = part.importMemoryAndBases()
      let own = part.function([], [.i32], [.i32Const(7)])
      part.element(.active([.globalGet(base.table)]), functions: [own])
      part.function([], [.i32], export: "slot", [.globalGet(base.table)])
    }
    let inputs = try InputSet([("module.wasm", module), ("part", part)])
    for order in permutations(["module.wasm", "part"]) {
      let words = ["--no-entry", "--export=slot", "--export-table"] + order
      #expect(try await inputs.transcript(words, [Call("slot")]) == "slot() = 2")
      let result = try ModuleDescription(inputs.link(words).bytes ?? [])
      #expect(result.exports.count { $0.name == "__indirect_function_table" } == 1, "\(order)")
      #expect(result.tables.count == 1)
    }
  }

  /// With `--import-table` function pointers are in the host's table; a module keeps its own, or has the name to itself.
  @Test(arguments: ["object", "library"], [false, true])
  func theHostsTableBesideAModules(_ kind: String, isNamed: Bool) async throws {
    var module = ModuleBuilder()
    module.table(.funcref, Limits(2, 2), export: isNamed ? "__indirect_function_table" : "shelf")
    let seven = module.function([], [.i32], [.i32Const(7)])
    module.element(.at(1), functions: [seven])
    let type = module.type([], [.i32])
    module.function([], [.i32], export: "own", [.i32Const(1), .callIndirect(type: type)])
    var part = kind == "object" ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink(tableSize: 1))
    if kind == "object" {
      let eight = part.function("eight", [], [.i32], [.i32Const(8)])
      let table = part.undefinedTable()
      let type = part.type([], [.i32])
      part.function(
        "call", [], [.i32], flags: .exported, [.slot(eight), .callIndirect(objectType: type, table: table)])
    } else {
      let base = part.importMemoryAndBases()
      let eight = part.function([], [.i32], [.i32Const(8)])
      part.element(.active([.globalGet(base.table)]), functions: [eight])
      let type = part.type([], [.i32])
      part.function([], [.i32], export: "call", [.globalGet(base.table), .callIndirect(type: type)])
    }
    let inputs = try InputSet([("module.wasm", module), ("part", part)])
    for order in permutations(["module.wasm", "part"]) {
      let words = ["--no-entry", "--export=call", "--import-table"] + order
      if isNamed {
        inputs.refuse(words, ["module.wasm", "__indirect_function_table", "--import-table"])
        continue
      }
      #expect(try await inputs.transcript(words, [Call("own"), Call("call")]) == "own() = 7\ncall() = 8", "\(order)")
      let result = try ModuleDescription(inputs.link(words).bytes ?? [])
      #expect(result.imports.contains { $0.name == "__indirect_function_table" }, "\(order)")
      #expect(result.tables.count == 1)
    }
  }
}
