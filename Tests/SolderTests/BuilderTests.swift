import Testing

/// The builders of `Support` themselves: what they make is valid, and linkers take it for what it is.
@Suite struct BuilderTests {
  @Test func aPlainModuleALibraryAndAnObject() async throws {
    var adder = ModuleBuilder()
    let next = adder.importFunction("env", "next", [.i32], [.i32])
    adder.memory(Limits(2), export: "memory")
    adder.global(.i32, [.i32Const(1024)], export: "__heap_base")
    adder.function([.i32], [.i32], export: "run", [.localGet(0), .call(next)])

    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    let helper = library.importFunction("env", "helper", [], [.i32])
    library.data(.active([.globalGet(base.memory)]), [1, 2, 3, 4])
    library.function(
      [.i32], [.i32], export: "next",
      [.globalGet(base.memory), .i32Load(), .localGet(0), .i32Add, .call(helper), .i32Add])

    var object = ModuleBuilder(object: true)
    let value = object.data("value", [5, 0, 0, 0])
    object.function("helper", [], [.i32], [.address(value), .i32Load()])

    for module in [adder, library, object] { try await WebAssemblyHost.shared.validate(module.bytes) }
    let result = try await linked(
      ["adder.wasm": adder, "libnext.so": library, "helper.o": object])
    #expect(try await result.call("run", 1) == "\(0x0403_0201 + 1 + 5)")
    try refused(["adder.wasm": adder, "libnext.so": library], "--fatal-warnings", mentions: ["helper", "libnext.so"])
  }

  /// Every kind of operand that objects have; wasm-ld reads the object too, and both write the same.
  @Test(arguments: [false, true]) func anObjectAsWasmLdReadsIt(is64: Bool) async throws {
    var object = ModuleBuilder(object: true, is64: is64)
    let table = object.undefinedTable()
    let missing = object.undefinedFunction("missing", [.i32], [.i32], flags: .weak)
    let host = object.undefinedFunction("host", [.i32], module: "host", importName: "show")
    let value = object.data("value", [1, 0, 0, 0])
    let text = object.data(
      ".L.str", Array("text\0".utf8), segment: ".rodata.str", alignment: 0, segmentFlags: 1, flags: .local)
    let counter = object.global("counter", .i32, isMutable: true, [.i32Const(3)])
    let type = object.type([], [.i32])
    let width = is64 ? 8 : 4
    let three = object.function("three", [], [.i32], [.i32Const(3)])
    let pointers = object.data(
      "pointers", Array(repeating: 0, count: 2 * width),
      relocations: [
        DataRelocation(is64 ? .tableIndexI64 : .tableIndexI32, at: 0, three),
        DataRelocation(is64 ? .memoryAddressI64 : .memoryAddressI32, at: width, value, addend: 2),
      ])
    let load: [WasmInstruction] = is64 ? [.i64Load()] : [.i32Load()]
    let address = is64 ? WasmInstruction.address64 : WasmInstruction.address
    var code: [WasmInstruction] = [address(pointers, 0)] + load
    code += [.callIndirect(objectType: type, table: table)]
    code += [.globalGet(counter), .i32Add, address(text, 1), .raw(0x2D, 0, 0), .i32Add, .call(missing)]
    let run = object.function("run", [], [.i32], flags: .exported, code)
    object.function("_start", flags: .exported, [.call(run), .call(host)])
    let construct = object.function("construct", [], flags: .hidden, [.i32Const(9), .globalSet(counter)])
    object.constructor(construct, priority: 7)
    object.targetFeatures(["+bulk-memory", "+mutable-globals", "+reference-types"] + (is64 ? ["+memory64"] : []))
    object.custom(".debug_info", [0, 0, 0, 0], relocations: [DataRelocation(.functionOffsetI32, at: 0, run)])

    let folder = try TemporaryFolder()
    let path = try folder.write(object.bytes, to: "main.o")
    let mode = is64 ? ["-mwasm64"] : []
    try await Differential(mode + ["--export=value", path], .release22).expectIdentical()

    var archive = ArchiveBuilder()
    archive.add("a name that is longer than it should be.o", object)
    archive.add("odd.o", ModuleBuilder(object: true, is64: is64))
    let archivePath = try folder.write(archive.bytes, to: "liball.a")
    try await Differential(mode + [archivePath], .release22).expectIdentical()
    #expect(try await require(Tool.archiver.path(), ["t", archivePath]).split(separator: "\n").count == 2)
  }
}
