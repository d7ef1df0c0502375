import Testing

/// Libraries with several slots of one function, written as objects: what any linker makes of these has as many pointers,
/// each of which calls the function.
@Suite struct LiftedSlotTests {
  private static let slotCount = 6

  /// A function of its own, one that it exports and one that it imports, each in two slots; `pointers` holds all six.
  private func library(is64: Bool) -> ModuleBuilder {
    let pointer = WasmType.address(is64: is64)
    var library = ModuleBuilder(
      dylink: Dylink(memorySize: 48, memoryAlignment: 3, tableSize: Self.slotCount), is64: is64)
    let other = library.importFunction("env", "other", [.i64, .f32, .i32], [.i32])
    let base = library.importMemoryAndBases()
    let (add, store): (WasmInstruction, WasmInstruction) =
      is64 ? (.i64Add, .i64Store()) : (.i32Add, .i32Store())
    func sum(_ base: Int, _ number: Int) -> [WasmInstruction] {
      [.globalGet(base), .addressConst(Int64(number), is64: is64), add]
    }
    let seven = library.function([.i64, .f32, .i32], [.i32], name: "seven", [.localGet(2), .i32Const(7), .i32Add])
    let eight = library.function(
      [.i64, .f32, .i32], [.i32], export: "eight", name: "eight",
      [.localGet(0), .i32WrapI64, .localGet(2), .i32Mul, .i32Const(8), .i32Add])
    library.function(
      export: "__wasm_apply_data_relocs",
      (0..<Self.slotCount).flatMap { sum(base.memory, (is64 ? 8 : 4) * $0) + sum(base.table, $0) + [store] })
    for slot in 0..<Self.slotCount {
      library.function([], [pointer], export: "slot\(slot)", name: "slot\(slot)", sum(base.table, slot))
    }
    library.global(pointer, [.addressConst(0, is64: is64)], export: "pointers")
    library.element(.active([.globalGet(base.table)]), functions: [seven, other, eight, eight, seven, other])
    library.data(.active([.globalGet(base.memory)]), Array(repeating: 0, count: 48))
    return library
  }

  /// For each slot: what calling its pointer gives; whether code and data mean the same pointer; how many others of them
  /// are equal; whether it is the address of the exported function, that of the imported one.
  private func main(is64: Bool) -> ModuleBuilder {
    let pointer = WasmType.address(is64: is64)
    var main = ModuleBuilder(object: true, is64: is64)
    let type = main.type([.i64, .f32, .i32], [.i32])
    let table = main.undefinedTable()
    let pointers = main.undefinedData("pointers")
    let eight = main.undefinedFunction("eight", [.i64, .f32, .i32], [.i32])
    let slots = (0..<Self.slotCount).map { main.undefinedFunction("slot\($0)", [], [pointer]) }
    let other = main.function("other", [.i64, .f32, .i32], [.i32], [.localGet(2), .i32Const(100), .i32Mul])
    let equal: WasmInstruction = is64 ? .i64Eq : .i32Eq
    func load(_ slot: Int) -> [WasmInstruction] {
      is64 ? [.address64(pointers, Int64(8 * slot)), .i64Load()] : [.address(pointers, Int64(4 * slot)), .i32Load()]
    }
    func address(_ function: ObjectSymbol) -> WasmInstruction {
      .constant(is64 ? .tableIndexSLEB64 : .tableIndexSLEB, function)
    }
    for slot in 0..<Self.slotCount {
      main.function(
        "call\(slot)", [], [.i32], flags: .exported,
        [.i64Const(3), .f32Const(0.5), .i32Const(5)] + load(slot)
          + [.callIndirect(objectType: type, table: table)])
      main.function(
        "other\(slot)", [], [.i32], flags: .exported,
        [.i32Const(0)]
          + (0..<Self.slotCount).filter { $0 != slot }.flatMap { load(slot) + load($0) + [equal, .i32Add] })
      for (name, code) in [
        ("code", [WasmInstruction.call(slots[slot])]), ("isEight", [address(eight)]), ("isOther", [address(other)]),
      ] {
        main.function("\(name)\(slot)", [], [.i32], flags: .exported, load(slot) + code + [equal])
      }
    }
    return main
  }

  private static let calls = (0..<slotCount).flatMap { slot in
    ["call", "other", "code", "isEight", "isOther"].map { Call("\($0)\(slot)") }
  }

  private func expect(_ result: [UInt8], _ comment: String) async throws {
    let text = try await WebAssemblyHost.shared.invoke(result, Self.calls)
    for (slot, value) in [12, 500, 23, 23, 12, 500].enumerated() {
      for expected in [
        "call\(slot)() = \(value)", "other\(slot)() = 0", "code\(slot)() = 1",
        "isEight\(slot)() = \(slot == 2 ? 1 : 0)",
        "isOther\(slot)() = \(slot == 1 ? 1 : 0)",
      ] {
        #expect(text.contains(expected + "\n"), "\(comment)")
      }
    }
  }

  @Test(arguments: [false, true]) func eachSlotIsAPointer(is64: Bool) async throws {
    let mode = is64 ? ["-mwasm64"] : []
    let direct = try LinkInProcess(
      ["main.o": main(is64: is64), "lib.so": library(is64: is64)], ["--no-entry"] + mode)
    try await expect(try #require(direct.bytes, "\(direct.errors)"), "the library itself")
    let run = try LinkInProcess(["libslots.so": library(is64: is64)], ["-r"] + mode)
    let lifted = try #require(run.bytes, "\(run.errors)")
    #expect(run.warnings == [])
    let imports = try ModuleDescription(lifted).imports.map(\.name)
    #expect(Set(imports) == ["__indirect_function_table", "other"] && imports.count == 2)
    for options in [[], ["--icf=safe"], ["--no-gc-sections"]] {
      let own = try LinkInProcess(
        ["main.o": main(is64: is64), "lifted.o": lifted], ["--no-entry"] + options + mode)
      try await expect(try #require(own.bytes, "\(own.errors)"), "\(options)")
    }
    let folder = try TemporaryFolder()
    let inputs = [try folder.write(main(is64: is64).bytes, to: "main.o"), try folder.write(lifted, to: "lifted.o")]
    for reference in Reference.allCases where !is64 || reference != .release19 {
      for options in [[], ["--no-gc-sections"], ["-O2", "--strip-all"]] {
        let output = folder.file("result.wasm")
        try await require(reference.linker.path(), ["--no-entry"] + options + mode + inputs + ["-o", output])
        try await expect(try contents(of: output), "\(reference) \(options)")
      }
    }
  }

  /// An object that takes the address of a function with further slots, in one object with the library; and a second
  /// library that has the same.
  @Test func severalFilesTogether() async throws {
    var second = ModuleBuilder(dylink: Dylink(tableSize: 2))
    let base = second.importMemoryAndBases()
    let nine = second.function([], [.i32], name: "seven", [.i32Const(9)])
    second.function(
      [], [.i32], export: "differ", name: "differ",
      [.globalGet(base.table), .globalGet(base.table), .i32Const(1), .i32Add, .i32Ne])
    second.element(.active([.globalGet(base.table)]), functions: [nine, nine])
    var user = ModuleBuilder(object: true)
    let differ = user.undefinedFunction("differ", [], [.i32])
    user.function("ask", [], [.i32], flags: .exported, [.call(differ)])
    let joined = try await linked(
      ["libsecond.so": second, "main.o": main(is64: false), "user.o": user, "libslots.so": library(is64: false)], "-r")
    let result = try await linked(["joined.o": joined.bytes], "--no-entry")
    try await expect(result.bytes, "joined")
    #expect(try await result.call("ask") == "1")
  }

  /// Code that goes on by way of such slots for as long as it likes, and needs no more stack than in the library.
  @Test(arguments: [true, false]) func tailCallsStayTailCalls(_ isTail: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(tableSize: 2))
    let base = library.importMemoryAndBases()
    let type = library.type([.i32], [.i32])
    let call: [WasmInstruction] = isTail ? [.returnCallIndirect(type: type)] : [.callIndirect(type: type)]
    let count = library.function(
      [.i32], [.i32], export: "count", name: "count",
      [.localGet(0), .i32Eqz, .if(), .i32Const(42), .return, .end, .localGet(0), .i32Const(1), .i32Sub]
        + [.globalGet(base.table), .i32Const(1), .i32Add] + call)
    library.element(.active([.globalGet(base.table)]), functions: [count, count])
    let lifted = try await linked(["libcount.so": library], "-r")
    #expect(lifted.bytes.contains(0x12) || !isTail)
    let result = try await linked(["lifted.o": lifted.bytes], "--no-entry", "--export=count")
    #expect(try await result.call("count", isTail ? 10_000_000 : 100) == "42")
    let object = try TemporaryFolder().write(lifted.bytes, to: "count.o")
    #expect(try await require(Tool.disassembler.path(), ["-d", object]).contains("return_call") == isTail)
  }

  /// A byte of a library each, of which nobody would make a function.
  @Test func tooManySlots() throws {
    var library = ModuleBuilder(dylink: Dylink(tableSize: 70_000))
    let base = library.importMemoryAndBases()
    let function = library.function([], [.i32], export: "f", [.i32Const(1)])
    library.element(.active([.globalGet(base.table)]), functions: Array(repeating: function, count: 70_000))
    try refused(["libslots.so": library], "-r", mentions: ["libslots.so", "65536 slots of the function table"])
  }

  /// What an object has no function of has no further slot either.
  @Test func typesThatObjectsDoNotHave() async throws {
    let library = try await Toolchain.shared.assembled(
      "libtypes.so",
      LiftingCase.library(
        """
        (type $pair (struct (field i32))) (func $f (param (ref null $pair)))
        (elem (table $table) (global.get $tb) func $f $f)
        (func (export "g") (result i32) (i32.add (global.get $tb) (i32.const 1)))
        """, table: "2 0"))
    let lifted = LinkInProcess(arguments: ["-r", library])
    #expect(lifted.errors.contains { $0.contains("function 'f' has the type") }, "\(lifted.errors)")
  }
}
