import Testing

/// Constant expressions that read what another module defines (`Emit/ConstantGlobals.swift`): the result has the constant,
/// which every engine takes, in place of a `global.get`, which only newer ones do.
@Suite struct ConstantGlobalTests {
  private static let vector = WasmInstruction.raw([0xFD, 0x0C] + [UInt8](1...16))
  private static let lanes = WasmInstruction.raw([0xFD, 0x15, 2])  // i8x16.extract_lane_s 2

  /// Exports a global of each kind of constant, and `run` to see that the table is right.
  private func definer() -> ModuleBuilder {
    var module = ModuleBuilder()
    let seven = module.function([], [.i32], [.i32Const(7)])
    module.global(.i32, [.i32Const(100)], export: "base")
    module.global(.i64, [.i64Const(-5)], export: "long")
    module.global(.f32, [.f32Const(0.5)], export: "single")
    module.global(.f64, [.f64Const(1.5)], export: "ratio")
    module.global(.v128, [Self.vector], export: "vector")
    module.global(.funcref, [.refNull(.funcref)], export: "null")
    module.global(.funcref, [.refFunc(seven)], export: "seven")
    module.memory(Limits(1), export: "memory")
    module.table(.funcref, Limits(200), export: "table")
    return module
  }

  /// Reads them in globals, segments and elements.
  private func user(_ module: String) -> ModuleBuilder {
    var user = ModuleBuilder()
    let base = user.importGlobal(module, "base", .i32)
    let long = user.importGlobal(module, "long", .i64)
    let single = user.importGlobal(module, "single", .f32)
    let ratio = user.importGlobal(module, "ratio", .f64)
    let vector = user.importGlobal(module, "vector", .v128)
    let null = user.importGlobal(module, "null", .funcref)
    let seven = user.importGlobal(module, "seven", .funcref)
    user.importMemory(module, "memory", Limits(1))
    user.importTable(module, "table", .funcref, Limits(200))
    user.data(.active([.globalGet(base)]), [97])
    user.element(.active([.globalGet(base)]), .funcref, [[.globalGet(seven)], [.globalGet(null)]])
    func reader(_ name: String, _ type: WasmType, _ global: Int) {
      let copy = user.global(type, [.globalGet(global)])
      user.function([], [type], export: name, [.globalGet(copy)])
    }
    reader("itsLong", .i64, long)
    reader("itsSingle", .f32, single)
    reader("itsRatio", .f64, ratio)
    let copy = user.global(.v128, [.globalGet(vector)])
    user.function([], [.i32], export: "lane", [.globalGet(copy), Self.lanes])
    let place = user.global(.i32, [.globalGet(base)])
    user.function([], [.i32], export: "load", [.globalGet(place), .i32Load8()])
    let type = user.type([], [.i32])
    user.function([], [.i32], export: "pick", [.i32Const(100), .callIndirect(type: type)])
    user.function([], [.i32], export: "isNull", [.i32Const(101), .tableGet(0), .raw(0xD1)])
    return user
  }

  private func expectNoGlobalReads(_ result: LinkedInProcess) {
    for section in result.module.sections where [6, 9].contains(section.identifier) {
      #expect(!result.bytes[section.contents].contains(0x23), "section \(section.identifier)")
    }
    for section in result.module.sections where section.identifier == 11 {
      #expect(!result.bytes[section.contents].starts(with: [1, 0, 0x23]))
    }
  }

  @Test(arguments: [false, true]) func everyKindOfConstant(_ userFirst: Bool) async throws {
    let (definer, user) = (definer(), user("d"))
    let result =
      userFirst
      ? try await linked(["u.wasm": user, "d.wasm": definer], "u.wasm", "d=d.wasm")
      : try await linked(["d.wasm": definer, "u.wasm": user], "d=d.wasm", "u.wasm")
    expectNoGlobalReads(result)
    let calls = ["itsLong", "itsSingle", "itsRatio", "lane", "load", "pick", "isNull"].map { Call($0) }
    let transcript = try await result.invoke(calls)
    for line in [
      "itsLong() = -5", "itsSingle() = 0.5", "itsRatio() = 1.5", "lane() = 3", "load() = 97", "pick() = 7",
      "isNull() = 1",
    ] {
      #expect(transcript.contains(line), "\(transcript)")
    }
  }

  /// Through a module that only passes them on, by a re-export and by a copy; and sums.
  @Test(arguments: 0..<6) func chains(_ order: Int) async throws {
    var first = ModuleBuilder()
    first.global(.i32, [.i32Const(40)], export: "base")
    first.memory(Limits(1), export: "memory")
    var second = ModuleBuilder()
    let base = second.importGlobal("first", "base", .i32)
    second.export("again", .global, base)
    second.global(.i32, [.globalGet(base)], export: "copy")
    second.global(.i32, [.globalGet(base), .i32Const(2), .i32Add], export: "sum")
    var third = ModuleBuilder()
    let again = third.importGlobal("second", "again", .i32)
    let copy = third.importGlobal("second", "copy", .i32)
    let sum = third.importGlobal("second", "sum", .i32)
    third.importMemory("first", "memory", Limits(1))
    third.data(.active([.globalGet(again)]), [1])
    third.data(.active([.globalGet(sum)]), [2])
    let total = third.global(.i32, [.globalGet(copy)])
    third.function(
      [], [.i32], export: "run",
      [.i32Const(40), .i32Load8(), .i32Const(42), .i32Load8(), .i32Add, .globalGet(total), .i32Add])
    var words = ["first=first.wasm", "second=second.wasm", "third=third.wasm"]
    words.swapAt(0, order % 3)
    if order >= 3 { words.swapAt(1, 2) }
    let result = try await linked(
      ["first.wasm": first, "second.wasm": second, "third.wasm": third], words[0], words[1], words[2])
    for section in result.module.sections where section.identifier == 11 {
      #expect(!result.bytes[section.contents].contains(0x23))
    }
    #expect(try await result.call("run") == "43")
  }

  /// What the host gives, and what changes, is read and not folded.
  @Test func othersStay() async throws {
    var definer = ModuleBuilder()
    let host = definer.importGlobal("host", "g", .i32)
    definer.export("host", .global, host)
    definer.global(.i32, isMutable: true, [.i32Const(3)], export: "variable")
    var user = ModuleBuilder()
    let fromHost = user.importGlobal("d", "host", .i32)
    let variable = user.importGlobal("d", "variable", .i32, isMutable: true)
    let copy = user.global(.i32, [.globalGet(fromHost)])
    user.function([], [.i32], export: "run", [.globalGet(copy), .globalGet(variable), .i32Add])
    let result = try await linked(["d.wasm": definer, "u.wasm": user], "d=d.wasm", "u.wasm")
    let globals = try #require(result.module.sections.first { $0.identifier == 6 })
    #expect(result.bytes[globals.contents].contains(0x23))
    #expect(result.module.imports.map(\.description) == ["host.g (global)"])
  }

  /// Sums of sums, each of which reads the one before twice, take no more time than there are globals.
  @Test func doublingChain() async throws {
    var definer = ModuleBuilder()
    var last = definer.global(.i32, [.i32Const(1)])
    for _ in 0..<2000 { last = definer.global(.i32, [.globalGet(last), .globalGet(last), .i32Add]) }
    definer.export("end", .global, last)
    definer.memory(Limits(1), export: "memory")
    var user = ModuleBuilder()
    let end = user.importGlobal("d", "end", .i32)
    user.importMemory("d", "memory", Limits(1))
    user.data(.active([.globalGet(end)]), [5])
    user.function([], [.i32], export: "run", [.i32Const(0), .i32Load8()])
    let result = try await linked(["d.wasm": definer, "u.wasm": user], "d=d.wasm", "u.wasm")
    #expect(try await result.call("run") == "5")
  }

  /// A constant is also what the host gives, by way of a global of another module.
  @Test(arguments: [false, true]) func whatTheHostGives(_ userFirst: Bool) async throws {
    var definer = ModuleBuilder()
    let host = definer.importGlobal("host", "place", .i32)
    definer.global(.i32, [.globalGet(host)], export: "base")
    var user = ModuleBuilder()
    let base = user.importGlobal("d", "base", .i32)
    user.memory(Limits(1), export: "memory")
    user.data(.active([.globalGet(base)]), [97])
    let result =
      userFirst
      ? try await linked(["u.wasm": user, "d.wasm": definer], "u.wasm", "d=d.wasm")
      : try await linked(["d.wasm": definer, "u.wasm": user], "d=d.wasm", "u.wasm")
    let data = try #require(result.module.sections.first { $0.identifier == 11 })
    // The import has index 0, the global that is defined 1.
    #expect(result.bytes[data.contents].starts(with: [1, 0, 0x23, 0, 0x0B]))
  }

  /// A table stands in front of all globals: what it begins with is worked out in its place, unless it has an identity.
  @Test(arguments: [false, true]) func whatATableBeginsWith(_ userFirst: Bool) async throws {
    let module = { (_ isObject: Bool) in
      var definer = ModuleBuilder()
      let box = definer.type(raw: [0x5F, 1, 0x7F, 0])
      let type = isObject ? WasmType.reference(box) : WasmType(bytes: [0x6C])
      definer.global(type, [.i32Const(9), isObject ? .raw([0xFB, 0, UInt8(box)]) : .raw([0xFB, 0x1C])], export: "it")
      var user = ModuleBuilder()
      let same = user.type(raw: [0x5F, 1, 0x7F, 0])
      let global = user.importGlobal("d", "it", isObject ? .reference(same) : WasmType(bytes: [0x6C]))
      user.table(isObject ? .reference(same) : WasmType(bytes: [0x6C]), Limits(1), initial: [.globalGet(global)])
      user.function(
        [], [.i32], export: "run",
        [.i32Const(0), .tableGet(0), isObject ? .raw([0xFB, 2, UInt8(same), 0]) : .raw([0xFB, 0x1D])])
      return (definer, user)
    }
    let words = userFirst ? ["u.wasm", "d=d.wasm"] : ["d=d.wasm", "u.wasm"]
    let (definer, user) = module(false)
    let result = try await linked(["u.wasm": user, "d.wasm": definer], words[0], words[1])
    #expect(try await result.call("run") == "9")
    let (objects, reader) = module(true)
    try refused(
      ["u.wasm": reader, "d.wasm": objects], words[0], words[1],
      mentions: ["u.wasm: table 0 begins with", "'it' of ", "d.wasm holds", "element segment"])
  }
}
