import Foundation
import Testing

/// Data that a whole module gives as a global whose value another module knows, and data that a library passes on.
@Suite struct AddressChainTests {
  /// A module with data at 1024, whose address it exports as `at`.
  private func bottom(is64: Bool) -> ModuleBuilder {
    var module = ModuleBuilder()
    module.memory(Limits(2, is64: is64), export: "memory")
    module.global(.address(is64: is64), [.addressConst(4096, is64: is64)], export: "__heap_base")
    module.global(.address(is64: is64), [.addressConst(1024, is64: is64)], export: "at")
    module.data(is64 ? .at64(1028) : .at(1028), [42, 0, 0, 0])
    return module
  }

  /// Exports `TO` as what it imports as `FROM`, or as two more.
  private func link(_ from: String, _ to: String, is64: Bool, isSum: Bool) -> ModuleBuilder {
    var module = ModuleBuilder()
    let global = module.importGlobal("env", from, .address(is64: is64))
    let value: [WasmInstruction] =
      [.globalGet(global)] + (isSum ? [.addressConst(2, is64: is64), is64 ? .i64Add : .i32Add] : [])
    module.global(.address(is64: is64), value, export: to)
    return module
  }

  private func user(_ kind: String, is64: Bool) -> ModuleBuilder {
    if kind == "object" {
      var object = ModuleBuilder(object: true, is64: is64)
      let datum = object.undefinedData("datum")
      object.function("run", [], [.i32], flags: .exported, [is64 ? .address64(datum) : .address(datum), .i32Load()])
      return object
    }
    var library = ModuleBuilder(dylink: Dylink(memorySize: 8, memoryAlignment: 3), is64: is64)
    let base = library.importMemoryAndBases()
    let got = library.importGlobal("GOT.mem", "datum", .address(is64: is64), isMutable: true)
    if kind == "library" {
      library.function([], [.i32], export: "run", [.globalGet(got), .i32Load()])
    } else {
      library.function(
        export: "__wasm_apply_data_relocs",
        [.globalGet(base.memory), .globalGet(got), is64 ? .i64Store() : .i32Store()])
      library.function(
        [], [.i32], export: "run", [.globalGet(base.memory), is64 ? .i64Load() : .i32Load(), .i32Load()])
    }
    return library
  }

  @Test(arguments: ["object", "library", "data"], [false, true]) func chains(_ kind: String, is64: Bool) async throws {
    let inputs = try InputSet([
      ("bottom.wasm", bottom(is64: is64)), ("1.wasm", link("at", "next", is64: is64, isSum: true)),
      ("2.wasm", link("next", "last", is64: is64, isSum: false)),
      ("3.wasm", link("last", "datum", is64: is64, isSum: true)), ("user", user(kind, is64: is64)),
    ])
    for order in permutations(["bottom.wasm", "1.wasm", "2.wasm", "3.wasm", "user"]) {
      let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=run"] + order
      #expect(try await inputs.transcript(words, [Call("run")]) == "run() = 42", "\(order)")
    }
  }

  /// Fifty more globals, in one module that a segment's place depends on: what is there is known, however long the way is.
  @Test func aLongChain() throws {
    var chain = ModuleBuilder()
    var last = chain.importGlobal("env", "at", .i32)
    for number in 0..<50 {
      last = chain.global(.i32, [.globalGet(last), .i32Const(1), .i32Add], export: number == 49 ? "end" : nil)
    }
    var data = ModuleBuilder()
    data.importMemory("env", "memory", Limits(1))
    let offset = data.importGlobal("env", "end", .i32)
    data.data(.active([.globalGet(offset)]), [1, 2, 3, 4])
    var other = ModuleBuilder()
    other.importMemory("env", "memory", Limits(1))
    other.data(.at(1076), [9])
    let inputs = try InputSet([
      ("bottom.wasm", bottom(is64: false)), ("chain.wasm", chain), ("data.wasm", data), ("other.wasm", other),
    ])
    for order in permutations(["bottom.wasm", "chain.wasm", "data.wasm", "other.wasm"]) {
      inputs.refuse(order, ["overlap", "data.wasm", "other.wasm", "[1074, 1078)"])
    }
  }

  /// What depends on the heap base moves with it.
  @Test func theHeapBaseUnderAnotherName() async throws {
    var object = ModuleBuilder(object: true)
    let heap = object.undefinedData("datum")
    let large = object.data("large", Array(repeating: 1, count: 100))
    object.function("run", [], [.i32], flags: .exported, [.address(heap), .address(large), .i32Sub])
    let inputs = try InputSet([
      ("bottom.wasm", bottom(is64: false)), ("1.wasm", link("__heap_base", "datum", is64: false, isSum: true)),
      ("main.o", object),
    ])
    for order in permutations(["bottom.wasm", "1.wasm", "main.o"]) {
      let transcript = try await inputs.transcript(
        ["--no-entry", "-z", "stack-size=0"] + order, [Call("run"), Call("run")])
      let distance = try #require(Int(transcript.split(separator: " ").last ?? ""))
      #expect(distance >= 102 && distance < 200, "\(order): \(transcript)")
    }
  }

  /// A value that changes, or that the host decides, is no address; nor is a function.
  @Test(arguments: ["variable", "host", "host's own", "function"], ["object", "library", "data"])
  func noAddress(_ what: String, _ kind: String) throws {
    var module = ModuleBuilder()
    switch what {
    case "variable": module.global(.i32, isMutable: true, [.i32Const(1024)], export: "datum")
    case "host": module.global(.i32, [.globalGet(module.importGlobal("host", "x", .i32))], export: "datum")
    case "host's own": module.export("datum", .global, module.importGlobal("host", "x", .i32))
    default: module.export("datum", .function, module.importFunction("host", "f"))
    }
    var memory = ModuleBuilder()
    memory.memory(Limits(2), export: "memory")
    memory.global(.i32, [.i32Const(4096)], export: "__heap_base")
    let inputs = try InputSet([("m.wasm", memory), ("other.wasm", module), ("user", user(kind, is64: false))])
    for order in permutations(["m.wasm", "other.wasm", "user"]) {
      inputs.refuse(["--no-entry", "--export=run"] + order, ["datum", "other.wasm", "user"])
    }
  }

  /// An address of a module in another memory than the program's would be one of something else.
  @Test(arguments: ["object", "library", "data"], [false, true])
  func anAddressInAnotherMemory(_ kind: String, sharesMemory: Bool) async throws {
    var module = ModuleBuilder()
    let program = sharesMemory ? module.importMemory("env", "memory", Limits(1)) : -1
    let own = module.memory(Limits(1))
    module.global(.i32, [.i32Const(1024)], export: "datum")
    module.data(.at(1024, memory: sharesMemory ? program : own), [42])
    var other = ModuleBuilder()
    other.memory(Limits(1), export: "memory")
    other.global(.i32, [.i32Const(2048)], export: "__heap_base")
    let inputs = try InputSet([("module.wasm", module), ("other.wasm", other), ("user", user(kind, is64: false))])
    for order in permutations(["module.wasm", "other.wasm", "user"]) {
      let words = ["--no-entry", "--export=run"] + order
      if sharesMemory {
        #expect(try await inputs.transcript(words, [Call("run")]) == "run() = 42", "\(order)")
      } else {
        inputs.refuse(words, ["datum", "module.wasm", "user", "memory"])
      }
    }
  }

  /// And so would data of a library be for such a module.
  @Test(arguments: ["object", "library"]) func dataForAnotherMemory(_ kind: String) throws {
    var module = ModuleBuilder()
    let address = module.importGlobal("env", "datum", .i32)
    module.memory(Limits(1), export: "own")
    module.function([], [.i32], export: "run", [.globalGet(address), .i32Load()])
    var other = ModuleBuilder()
    other.memory(Limits(1), export: "memory")
    other.global(.i32, [.i32Const(2048)], export: "__heap_base")
    var part = kind == "object" ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink(memorySize: 4))
    if kind == "object" {
      part.data("datum", [1, 0, 0, 0])
    } else {
      _ = part.importMemoryAndBases()
      part.global(.i32, [.i32Const(0)], export: "datum")
    }
    let inputs = try InputSet([("module.wasm", module), ("other.wasm", other), ("part", part)])
    for order in permutations(["module.wasm", "other.wasm", "part"]) {
      inputs.refuse(["--no-entry"] + order, ["datum", "module.wasm", "part", "memory"])
    }
  }

  // MARK: Libraries that pass on data

  @Test(arguments: ["object", "member", "library"], [false, true])
  func aLibraryExportsTheDataThatItImports(_ kind: String, is64: Bool) async throws {
    var again = ModuleBuilder(dylink: Dylink(), is64: is64)
    let got = again.importGlobal("GOT.mem", "value", .address(is64: is64), isMutable: true)
    again.export("datum", .global, got)
    var files: [(String, any InputContents)] = [("again.so", again), ("main.o", user("object", is64: is64))]
    if kind == "library" {
      var library = ModuleBuilder(dylink: Dylink(memorySize: 8, memoryAlignment: 2), is64: is64)
      let base = library.importMemoryAndBases()
      library.data(.active([.globalGet(base.memory)]), [1, 0, 0, 0, 42, 0, 0, 0])
      library.global(.address(is64: is64), [.addressConst(4, is64: is64)], export: "value")
      files.append(("value", library))
    } else {
      var object = ModuleBuilder(object: true, is64: is64)
      let segment = object.objectSegment(".data.value", [1, 0, 0, 0, 42, 0, 0, 0])
      object.dataSymbol("value", segment: segment, offset: 4, size: 4)
      var archive = ArchiveBuilder()
      archive.add("value.o", object)
      if kind == "object" { files.append(("value", object)) } else { files.append(("value", archive)) }
    }
    let inputs = try InputSet(files)
    for order in permutations(["again.so", "main.o", "value"]) {
      let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=datum"] + order
      #expect(try await inputs.transcript(words, [Call("run")]) == "run() = 42", "\(order)")
      let exports = try ModuleDescription(inputs.link(words).bytes ?? []).exports.map(\.name)
      #expect(exports.contains("datum"), "\(order)")
    }
  }

  /// What it only counts from there has no place of its own.
  @Test(arguments: [false, true]) func aLibraryExportsAnAddressBesideTheDataThatItImports(is64: Bool) throws {
    let address = WasmType.address(is64: is64)
    var again = ModuleBuilder(dylink: Dylink(), is64: is64)
    let got = again.importGlobal("GOT.mem", "value", address)
    again.global(
      address, [.globalGet(got), .addressConst(4, is64: is64), is64 ? .i64Add : .i32Add], export: "datum")
    var object = ModuleBuilder(object: true, is64: is64)
    let segment = object.objectSegment(".data.value", [1, 0, 0, 0, 42, 0, 0, 0])
    object.dataSymbol("value", segment: segment, size: 8)
    let inputs = try InputSet([
      ("again.so", again), ("main.o", user("object", is64: is64)), ("value.o", object),
    ])
    for order in permutations(["again.so", "main.o", "value.o"]) {
      inputs.refuse(
        (is64 ? ["-mwasm64"] : []) + ["--no-entry"] + order,
        ["again.so", "main.o", "datum", "beside value", "export it there"])
    }
  }

  @Test func aLibraryExportsAnAddressOfAFunction() throws {
    var again = ModuleBuilder(dylink: Dylink())
    again.export("datum", .global, again.importGlobal("GOT.func", "f", .i32, isMutable: true))
    let inputs = try InputSet([("again.so", again), ("main.o", user("object", is64: false))])
    for order in permutations(["again.so", "main.o"]) {
      inputs.refuse(["--no-entry"] + order, ["again.so", "GOT.func.f", "datum"])
    }
  }
}
