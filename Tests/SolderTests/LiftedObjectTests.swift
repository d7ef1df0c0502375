import Foundation
import Testing

/// Libraries and plain modules written as objects with `-r`: what any linker makes of these does what linking the library
/// itself does, and what no object can say is refused with its place.
@Suite struct LiftedObjectTests {
  /// Links an object with a main object by wasm-ld.
  private func linked(
    by reference: Reference, _ main: ModuleBuilder, _ lifted: [UInt8], _ words: [String] = []
  ) async throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let inputs = [try folder.write(main.bytes, to: "main.o"), try folder.write(lifted, to: "lifted.o")]
    let output = folder.file("result.wasm")
    try await require(reference.linker.path(), ["--no-entry"] + words + inputs + ["-o", output])
    return try contents(of: output)
  }

  /// Symbols as `llvm-nm` prints them, without their places.
  private func symbols(_ object: [UInt8]) async throws -> Set<String> {
    let path = try TemporaryFolder().write(object, to: "object.o")
    let text = try await require(Tool.symbols.path(), [path])
    return Set(
      text.split(separator: "\n").map { $0.split(separator: " ").suffix(2).joined(separator: " ") })
  }

  // MARK: Everything at once

  /// Data with relocations, a constructor, functions by table and by GOT, imports of all kinds, a private variable.
  private func library(is64: Bool) -> ModuleBuilder {
    let pointer = WasmType.address(is64: is64)
    var library = ModuleBuilder(
      dylink: Dylink(
        memorySize: 48, memoryAlignment: 3, tableSize: 1, imports: [("env", "maybe", 1), ("GOT.func", "maybe", 1)]),
      is64: is64)
    let helper = library.importFunction("env", "helper", [.i32], [.i32])
    let show = library.importFunction("host", "show", [.i32])
    let otherShow = library.importFunction("other", "show", [.i32])
    let base = library.importMemoryAndBases()
    let counter = library.importGlobal("GOT.mem", "counter", pointer, isMutable: true)
    let callback = library.importGlobal("GOT.func", "callback", pointer, isMutable: true)
    let maybe = library.importGlobal("GOT.func", "maybe", pointer, isMutable: true)
    let calls = library.global(.i32, isMutable: true, [.i32Const(100)], name: "calls")
    let unary = library.type([.i32], [.i32])
    let add: WasmInstruction = is64 ? .i64Add : .i32Add
    let storePointer: WasmInstruction = is64 ? .i64Store() : .i32Store()
    let loadPointer: WasmInstruction = is64 ? .i64Load() : .i32Load()
    func address(_ offset: Int64) -> [WasmInstruction] {
      [.globalGet(base.memory), .addressConst(offset, is64: is64), add]
    }
    let twice = library.function([.i32], [.i32], name: "twice", [.localGet(0), .i32Const(2), .i32Mul])
    library.function(
      export: "__wasm_apply_data_relocs",
      address(0) + address(16) + [storePointer] + address(8)
        + [.globalGet(base.table), .addressConst(0, is64: is64), add, storePointer])
    library.function(export: "__wasm_call_ctors", name: "__wasm_call_ctors", address(24) + [.i32Const(5), .i32Store()])
    let unused = library.function([], [.i32], export: "unused", name: "unused", [.globalGet(calls)])
    let run: [WasmInstruction] =
      [.globalGet(calls), .i32Const(1), .i32Add, .globalSet(calls), .localGet(0), .call(show), .localGet(0)]
      + [.call(otherShow), .globalGet(counter), .globalGet(counter), .i32Load(), .localGet(0), .i32Add, .i32Store()]
      + address(0) + [loadPointer, .i32Load(), .localGet(0)] + address(8)
      + [loadPointer, .callIndirect(type: unary), .i32Add, .localGet(0), .call(helper), .i32Add] + address(24)
      + [.i32Load(), .i32Add, .globalGet(maybe), is64 ? .i64Eqz : .i32Eqz, .i32Const(100), .i32Mul, .i32Add]
      + [.localGet(0), .globalGet(callback), .callIndirect(type: unary), .i32Add, .call(unused), .i32Add]
    library.function([.i32], [.i32], export: "run", name: "run", run)
    library.global(pointer, [.addressConst(16, is64: is64)], export: "seven")
    library.element(.active([.globalGet(base.table)]), functions: [twice])
    library.data(.active([.globalGet(base.memory)]), Array(repeating: 0, count: 16) + [7, 0, 0, 0])
    return library
  }

  private func main(is64: Bool) -> ModuleBuilder {
    var main = ModuleBuilder(object: true, is64: is64)
    let run = main.undefinedFunction("run", [.i32], [.i32])
    let seven = main.undefinedData("seven")
    let counter = main.data("counter", [40, 0, 0, 0])
    main.function("helper", [.i32], [.i32], [.localGet(0), .i32Const(10), .i32Mul])
    main.function("callback", [.i32], [.i32], [.localGet(0), .i32Const(1000), .i32Add])
    let (at, load) = (is64 ? WasmInstruction.address64 : WasmInstruction.address, WasmInstruction.i32Load())
    main.function(
      "go", [.i32], [.i32], flags: .exported,
      [
        .localGet(0), .call(run), at(counter, 0), load, .i32Add, at(seven, 0), load, .i32Const(10_000), .i32Mul,
        .i32Add,
      ])
    return main
  }

  @Test(arguments: [false, true]) func anyLinkerMakesTheSameOfIt(is64: Bool) async throws {
    let mode = is64 ? ["-mwasm64"] : []
    let run = try LinkInProcess(["libeverything.so": library(is64: is64)], ["-r"] + mode)
    let lifted = try #require(run.bytes, "\(run.errors)")
    #expect(run.warnings == [])
    let calls = [Call("go", 3), Call("go", 4)]
    let direct = try LinkInProcess(
      ["main.o": main(is64: is64), "lib.so": library(is64: is64)], ["--no-entry"] + mode)
    let expected = try await WebAssemblyHost.shared.invoke(try #require(direct.bytes, "\(direct.errors)"), calls)
    #expect(expected.contains("go(3) = 71295\n") && expected.contains("host.show(3)"))
    #expect(expected.contains("go(4) = 71313\n") && expected.contains("other.show(4)"))
    let own = try LinkInProcess(["main.o": main(is64: is64), "lifted.o": lifted], ["--no-entry"] + mode)
    #expect(try await WebAssemblyHost.shared.invoke(try #require(own.bytes, "\(own.errors)"), calls) == expected)
    for reference in Reference.allCases where !is64 || reference != .release19 {
      let result = try await linked(by: reference, main(is64: is64), lifted, mode)
      #expect(try await WebAssemblyHost.shared.invoke(result, calls) == expected, "\(reference)")
    }
  }

  @Test func symbolsHaveTheirKindsAndBindings() async throws {
    let lifted = try await SolderTests.linked(["libeverything.so": library(is64: false)], "-r")
    let symbols = try await symbols(lifted.bytes)
    let expected: Set<String> = [
      "T run", "T unused", "t twice", "t __wasm_call_ctors", "D seven", "d .data", "d calls", "U helper", "U host.show",
      "U other.show", "U counter", "U callback", "w maybe", "U __indirect_function_table",
    ]
    #expect(symbols.subtracting(expected).subtracting(["t unused"]) == [])
    #expect(expected.subtracting(symbols) == [])
    #expect(!lifted.module.imports.contains { $0.name.hasSuffix("_base") || $0.module.hasPrefix("GOT") })
  }

  @Test func anObjectOfAnObjectIsTheSame() async throws {
    var library = library(is64: false)
    library.targetFeatures(["+mutable-globals"])
    let once = try await SolderTests.linked(["libeverything.so": library], "-r", "--strip-all")
    let twice = try await SolderTests.linked(["lifted.o": once.bytes], "-r", "--strip-all")
    #expect(once.bytes == twice.bytes)
  }

  @Test func severalFilesTogether() async throws {
    var second = ModuleBuilder(dylink: Dylink(needed: ["libeverything.so"]))
    let run = second.importFunction("env", "run", [.i32], [.i32])
    second.function([.i32], [.i32], export: "again", name: "again", [.localGet(0), .call(run)])
    var user = ModuleBuilder(object: true)
    let again = user.undefinedFunction("again", [.i32], [.i32])
    user.function("twice_again", [.i32], [.i32], flags: .exported, [.localGet(0), .call(again)])
    let joined = try await SolderTests.linked(
      [
        "user.o": user, "main.o": main(is64: false), "libsecond.so": second,
        "libeverything.so": library(is64: false),
      ], "-r")
    let result = try await SolderTests.linked(["joined.o": joined.bytes], "--no-entry")
    #expect(try await result.call("twice_again", 3) == "1252")
  }

  // MARK: Names

  @Test func weakDefinitionsGiveWay() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    let imported = library.importFunction("env", "choose", [], [.i32])
    library.function([], [.i32], export: "choose", name: "choose", [.i32Const(1)])
    library.function([], [.i32], export: "ask", name: "ask", [.call(imported)])
    let lifted = try await SolderTests.linked(["libweak.so": library], "-r")
    #expect(try await symbols(lifted.bytes) == ["W choose", "T ask"])
    var main = ModuleBuilder(object: true)
    let ask = main.undefinedFunction("ask", [], [.i32])
    main.function("go", [], [.i32], flags: .exported, [.call(ask)])
    var other = main
    other.function("choose", [], [.i32], [.i32Const(2)])
    for reference in Reference.allCases {
      let alone = try await linked(by: reference, main, lifted.bytes)
      #expect(try await WebAssemblyHost.shared.invoke(alone, [Call("go")]) == "instantiated\ngo() = 1\n")
      let both = try await linked(by: reference, other, lifted.bytes)
      #expect(try await WebAssemblyHost.shared.invoke(both, [Call("go")]) == "instantiated\ngo() = 2\n")
    }
  }

  @Test func whatIsMeantForTheHostIsExported() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    library.function([], [.i32], export: "for-the-host", name: "inner", [.i32Const(9)])
    let lifted = try await SolderTests.linked(["libexport.so": library], "-r")
    for reference in Reference.allCases {
      let result = try await linked(by: reference, ModuleBuilder(object: true), lifted.bytes)
      #expect(try ModuleDescription(result).export("for-the-host") != nil)
    }
  }

  /// `wasm-ld -r` forgets those of objects.
  @Test(arguments: [["a.o", "b.so"], ["b.so", "a.o"]]) func whatObjectsExport(_ order: [String]) async throws {
    var object = ModuleBuilder(object: true)
    let own = object.function("own", [], [.i32], flags: .exported, exportName: "of-the-object", [.i32Const(5)])
    object.function("caller", [], [.i32], flags: .exported, [.call(own)])
    var library = ModuleBuilder(dylink: Dylink())
    library.function([], [.i32], export: "of-the-library", name: "inner", [.i32Const(9)])
    let joined = try await SolderTests.linked(["a.o": object, "b.so": library], "-r", order[0], order[1])
    for reference in Reference.allCases {
      let result = try await linked(by: reference, ModuleBuilder(object: true), joined.bytes)
      let exports = try ModuleDescription(result).exports.map(\.name)
      #expect(Set(exports) == ["memory", "of-the-object", "of-the-library", "caller"])
      #expect(
        try await WebAssemblyHost.shared.invoke(result, [Call("of-the-object"), Call("caller")])
          == "instantiated\nof-the-object() = 5\ncaller() = 5\n")
    }
    object.function("of-the-object", [], [], [])
    try refused(
      ["a.o": object, "b.so": library], "-r", order[0], order[1], mentions: ["a.o", "'own' as 'of-the-object'"])
  }

  @Test func tagsAndTables() async throws {
    var library = ModuleBuilder(dylink: Dylink())
    let tag = library.tag([.i32], export: "failure")
    let table = library.table(.externref, Limits(4))
    library.function([], [.i32], export: "size", name: "size", [.tableSize(table)])
    library.function([.i32], [], export: "fail", name: "fail", [.localGet(0), .throw(tag)])
    let lifted = try await SolderTests.linked(["libtags.so": library], "-r")
    var main = ModuleBuilder(object: true)
    let size = main.undefinedFunction("size", [], [.i32])
    let fail = main.undefinedFunction("fail", [.i32])
    main.function("go", [], [.i32], flags: .exported, [.call(size)])
    main.function("throws", flags: .exported, [.i32Const(1), .call(fail)])
    for reference in Reference.allCases {
      let result = try await linked(by: reference, main, lifted.bytes)
      #expect(try await WebAssemblyHost.shared.invoke(result, [Call("go")]) == "instantiated\ngo() = 4\n")
    }
  }

  @Test func constructorsRunBehindThoseOfTheImplementation() async throws {
    func appending(_ digit: Int32, to digits: ObjectSymbol) -> [WasmInstruction] {
      [.address(digits), .address(digits), .i32Load(), .i32Const(10), .i32Mul, .i32Const(digit), .i32Add, .i32Store()]
    }
    var library = ModuleBuilder(dylink: Dylink())
    _ = library.importMemoryAndBases()
    let digits = library.importGlobal("GOT.mem", "digits", .i32, isMutable: true)
    library.function(
      export: "__wasm_call_ctors",
      [.globalGet(digits), .globalGet(digits), .i32Load(), .i32Const(10), .i32Mul, .i32Const(2), .i32Add, .i32Store()])
    var main = ModuleBuilder(object: true)
    let place = main.data("digits", [0, 0, 0, 0])
    main.constructor(main.function("late", [], [], appending(3, to: place)))
    main.constructor(main.function("early", [], [], appending(1, to: place)), priority: 50)
    main.function("go", [], [.i32], flags: .exported, [.address(place), .i32Load()])
    let lifted = try await SolderTests.linked(["libconstructor.so": library], "-r")
    for reference in Reference.allCases {
      let result = try await linked(by: reference, main, lifted.bytes)
      #expect(try await WebAssemblyHost.shared.invoke(result, [Call("go")]) == "instantiated\ngo() = 123\n")
    }
    let own = try await SolderTests.linked(["main.o": main, "lifted.o": lifted.bytes], "--no-entry")
    #expect(try await own.call("go") == "123")
  }
}
