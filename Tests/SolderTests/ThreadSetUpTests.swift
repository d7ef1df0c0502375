import Testing

/// How a thread gets its copy of a library's thread-local data when tools have changed the library: what a tool like
/// `wasm-opt` inlines or removes.
@Suite struct ThreadSetUpTests {
  /// What the library has left.
  struct Shape: Sendable, CustomTestStringConvertible {
    var is64: Bool
    /// The variable that says where the copy is.
    var hasVariable: Bool
    /// What relocates the copy, in what makes it rather than in a function of its own.
    var isInlined: Bool
    /// Whether the start function copies the data of the first thread.
    var startsFirst: Bool
    /// What allocates the copy and makes it, under this name: emscripten's, in the place of an exported function.
    var allocator: String?

    var testDescription: String {
      "\(is64 ? 64 : 32) \(hasVariable ? "variable" : "") \(isInlined ? "inlined" : "") \(startsFirst ? "first" : "") \(allocator ?? "")"
    }

    static let all =
      [false, true].flatMap { wide in
        [false, true].flatMap { variable in
          [false, true].flatMap { inlined in
            [false, true].map { Shape(is64: wide, hasVariable: variable, isInlined: inlined, startsFirst: $0) }
          }
        }
      }.filter { $0.hasVariable || $0.isInlined }
      + [false, true].flatMap { wide in
        ["_emscripten_tls_init", "emscripten_tls_init"].flatMap { name in
          [false, true].map {
            Shape(is64: wide, hasVariable: $0, isInlined: true, startsFirst: !$0, allocator: name)
          }
        }
      }
  }

  /// Thread-local `count`, 5, and a pointer to `number`, 7; `use` adds to both.
  private func library(_ shape: Shape) -> ModuleBuilder {
    let (is64, width) = (shape.is64, shape.is64 ? 8 : 4)
    let address = WasmType.address(is64: is64)
    let add: WasmInstruction = is64 ? .i64Add : .i32Add
    func number(_ value: Int) -> WasmInstruction { .addressConst(Int64(value), is64: is64) }
    var dylink = Dylink(memorySize: UInt64(4 * width), memoryAlignment: 3)
    dylink.exports = [("count", 0x100)]
    var library = ModuleBuilder(dylink: dylink, is64: is64)
    library.targetFeatures(["+atomics", "+bulk-memory"])
    library.importMemory("env", "memory", Limits(1, 65536, shared: true, is64: is64))
    let allocate = library.importFunction("host", "allocate", [address], [address])
    let base = library.importGlobal("env", "__memory_base", address)
    let count = library.importGlobal("GOT.mem", "count", address, isMutable: true)
    let variable = shape.hasVariable ? library.global(address, isMutable: true, [number(0)]) : 0
    library.global(address, [number(0)], export: "count")
    let initial: [UInt8] = is64 ? [5] + Array(repeating: 0, count: 15) : [5, 0, 0, 0, 0, 0, 0, 0]
    library.data(.passive, initial)
    library.data(.passive, [7, 0, 0, 0])
    let pointer: [WasmInstruction] = [.globalGet(base), number(2 * width), add]
    let store: WasmInstruction = is64 ? .i64Store(offset: 8) : .i32Store(offset: 4)
    var code: [WasmInstruction] = shape.hasVariable ? [.localGet(0), .globalSet(variable)] : []
    code += [.localGet(0), .i32Const(0), .i32Const(Int32(2 * width)), .memoryInit(0)]
    if shape.isInlined {
      code += [.localGet(0)] + pointer + [store]
    } else {
      code.append(.call(library.function([], [], [.globalGet(variable)] + pointer + [store])))
    }
    let initialize = library.function([address], export: shape.allocator == nil ? "__wasm_init_tls" : nil, code)
    if let name = shape.allocator {
      let make: [WasmInstruction] = [number(2 * width), .call(allocate), .localTee(0), .call(initialize), .localGet(0)]
      library.function([], [address], locals: [address], export: name, make)
    }
    // The shape that wasm-ld gives it.
    var copies: [WasmInstruction] = []
    if shape.startsFirst {
      copies += [number(0), .globalGet(base), add]
      if shape.hasVariable { copies += [.localTee(1), .globalSet(variable), .localGet(1)] }
      copies += [.i32Const(0), .i32Const(Int32(2 * width)), .memoryInit(0)]
    }
    copies += [number(2 * width), .globalGet(base), add, .i32Const(0), .i32Const(4), .memoryInit(1)]
    let atomic = { (code: UInt8, align: UInt8) in WasmInstruction.raw(0xFE, code, align, 0) }
    let enter: [WasmInstruction] = [
      number(2 * width + 4), .globalGet(base), add, .localSet(0), .block(), .block(), .block(), .localGet(0),
      .i32Const(0),
      .i32Const(1), atomic(0x48, 2), .raw(0x0E, 2, 0, 1, 2), .end,
    ]
    let leave: [WasmInstruction] = [
      .localGet(0), .i32Const(2), atomic(0x17, 2), .localGet(0), .i32Const(-1), atomic(0, 2), .drop, .br(1), .end,
      .localGet(0), .i32Const(1), .i64Const(-1), atomic(1, 2), .drop, .end, .dataDrop(1),
    ]
    library.start = library.function(locals: [address, address], enter + copies + leave)
    let load: WasmInstruction = is64 ? .i64Load(offset: 8) : .i32Load(offset: 4)
    library.function(
      [.i32], [.i32], locals: [address], export: "use",
      [
        .globalGet(count), .localTee(1), .localGet(1), .i32Load(), .localGet(0), .i32Add, .i32Store(),
        .localGet(1), load, .localGet(1), load, .i32Load(), .localGet(0), .i32Add, .i32Store(),
        .localGet(1), .i32Load(), .i32Const(100), .i32Mul, .localGet(1), load, .i32Load(), .i32Add,
      ])
    if shape.hasVariable { library.function([], [address], export: "where", [.globalGet(variable)]) }
    return library
  }

  private func program(is64: Bool) -> ModuleBuilder {
    var program = ModuleBuilder(object: true, is64: is64)
    program.targetFeatures(["+atomics", "+bulk-memory"])
    let use = program.undefinedFunction("use", [.i32], [.i32])
    program.function("run", [.i32], [.i32], flags: .exported, [.localGet(0), .call(use)])
    return program
  }

  /// Each thread has its own, the first one too; for one thread alone it is data.
  @Test(arguments: Shape.all) func whatIsLeftIsEnough(_ shape: Shape) async throws {
    let wide = shape.is64 ? ["-mwasm64"] : []
    let inputs = try InputSet([("main.o", program(is64: shape.is64)), ("libuse.so", library(shape))])
    let threads = ["--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--export=__wasm_init_tls"]
    for order in permutations(["main.o", "libuse.so"]) + [["--no-gc-sections", "main.o", "libuse.so"]] {
      let run = inputs.link(wide + threads + ["--no-entry"] + order)
      let bytes = try #require(run.bytes, "\(run.errors)")
      let calls = [
        Call("run", 1), Call("run", 1), Call("__wasm_init_tls", 900_000), Call("run", 2),
        Call("__wasm_init_tls", 910_000), Call("run", 0),
      ]
      #expect(
        try await WebAssemblyHost.shared.invoke(bytes, calls) == """
          instantiated
          run(1) = 608
          run(1) = 709
          __wasm_init_tls(900000) = None
          run(2) = 711
          __wasm_init_tls(910000) = None
          run(0) = 511

          """, "\(order)")
      let alone = inputs.link(wide + ["--no-entry"] + order)
      let result = try #require(alone.bytes, "\(alone.errors)")
      #expect(
        try await WebAssemblyHost.shared.invoke(result, [Call("run", 1), Call("run", 1)])
          == "instantiated\nrun(1) = 608\nrun(1) = 709\n", "\(order)")
    }
  }

  /// A library that has nothing but thread-local data, and nothing that gives the first thread its copy.
  private func lone(_ name: String, _ value: UInt8, startsThreads: Bool = false, is64: Bool) -> ModuleBuilder {
    let address = WasmType.address(is64: is64)
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2), is64: is64)
    library.targetFeatures(["+atomics", "+bulk-memory"])
    library.importMemory("env", "memory", Limits(1, 65536, shared: true, is64: is64))
    let variable = library.global(address, isMutable: true, [.addressConst(0, is64: is64)])
    library.data(.passive, [value, 0, 0, 0])
    let initialize = library.function(
      [address], export: "__wasm_init_tls",
      [.localGet(0), .globalSet(variable), .localGet(0), .i32Const(0), .i32Const(4), .memoryInit(0)])
    if startsThreads { library.function([address], export: "start", [.localGet(0), .call(initialize)]) }
    library.function([], [.i32], export: name, [.globalGet(variable), .i32Load()])
    library.function([], [address], export: "of_" + name, [.globalGet(variable)])
    return library
  }

  /// The first thread's copies are in the libraries' blocks, also where no code names those.
  @Test(arguments: [false, true], [false, true]) func nothingButThreadLocalData(_ is64: Bool, _ threads: Bool)
    async throws
  {
    let address = WasmType.address(is64: is64)
    var program = ModuleBuilder(object: true, is64: is64)
    program.targetFeatures(["+atomics", "+bulk-memory"])
    let values = ["first", "second"].map { program.undefinedFunction($0, [], [.i32]) }
    let places = ["of_first", "of_second"].map { program.undefinedFunction($0, [], [address]) }
    program.function(
      "run", [], [.i32], flags: .exported, [.call(values[0]), .i32Const(100), .i32Mul, .call(values[1]), .i32Add])
    let less: WasmInstruction = is64 ? .raw(0x54) : .raw(0x49)
    program.function(
      "low", [], [.i32], flags: .exported,
      places.flatMap { [.call($0), .addressConst(1024, is64: is64), less] } + [.raw(0x72)])
    let inputs = try InputSet([
      ("main.o", program), ("libfirst.so", lone("first", 5, is64: is64)),
      ("libsecond.so", lone("second", 7, is64: is64)),
    ])
    let options = (is64 ? ["-mwasm64"] : []) + (threads ? ["--shared-memory", "--max-memory=1048576"] : [])
    for order in permutations(["main.o", "libfirst.so", "libsecond.so"]) {
      let run = inputs.link(options + ["--no-entry"] + order)
      let bytes = try #require(run.bytes, "\(run.errors)")
      #expect(
        try await WebAssemblyHost.shared.invoke(bytes, [Call("run"), Call("low")])
          == "instantiated\nrun() = 507\nlow() = 0\n", "\(order)")
    }
  }

  // MARK: Beside a whole module

  private enum Owner: String, CaseIterable { case object, caller, member, library }

  /// Has thread-local data; as `caller` it gives threads their copies itself.
  private func owner(_ kind: Owner, is64: Bool) -> (name: String, contents: any InputContents) {
    if kind == .library { return ("part.so", lone("first", 5, is64: is64)) }
    let address = WasmType.address(is64: is64)
    var object = ModuleBuilder(object: true, is64: is64)
    object.targetFeatures(["+atomics", "+bulk-memory"])
    let initialize = kind == .caller ? object.undefinedFunction("__wasm_init_tls", [address], []) : nil
    let base = object.undefinedGlobal("__tls_base", address, isMutable: true)
    let variable = object.data("variable", [5, 0, 0, 0], segment: ".tdata.variable", segmentFlags: 2, flags: .tls)
    object.function(
      "first", [], [.i32],
      [
        .globalGet(base), .constant(is64 ? .memoryAddressTLSSLEB64 : .memoryAddressTLSSLEB, variable),
        is64 ? .i64Add : .i32Add, .i32Load(),
      ])
    if let initialize { object.function("begin", [address], [], flags: .exported, [.localGet(0), .call(initialize)]) }
    guard kind == .member else { return ("part.o", object) }
    var archive = ArchiveBuilder()
    archive.add("part.o", object)
    return ("part.a", archive)
  }

  /// Was linked for threads, and may have a function for its own data that the host calls.
  private func module(exportsSetUp: Bool, is64: Bool) -> ModuleBuilder {
    let address = WasmType.address(is64: is64)
    var module = ModuleBuilder(is64: is64)
    let first = module.importFunction("env", "first", [], [.i32])
    module.memory(Limits(16, 16, shared: true, is64: is64), export: "memory")
    module.global(address, [.addressConst(1024, is64: is64)], export: "__heap_base")
    module.function([address], export: exportsSetUp ? "__wasm_init_tls" : "other", [])
    module.function([], [.i32], export: "run", [.call(first)])
    return module
  }

  /// A whole module sets up its own thread-local data only, so somebody else has to do it for that of others.
  @Test(arguments: Owner.allCases, [false, true])
  private func besideAWholeModule(_ kind: Owner, is64: Bool) async throws {
    let name = "__wasm_init_tls"
    let part = owner(kind, is64: is64)
    let inputs = try InputSet([
      ("own.wasm", module(exportsSetUp: true, is64: is64)), ("other.wasm", module(exportsSetUp: false, is64: is64)),
      part,
    ])
    let options = ["--shared-memory", "--max-memory=1048576"] + (is64 ? ["-mwasm64"] : [])
    func transcript(_ words: [String], _ call: String) async throws -> String {
      let run = inputs.link(options + words)
      let bytes = try #require(run.bytes, "\(words): \(run.errors)")
      let export = try #require(ModuleDescription(bytes).exports.first { $0.name.hasPrefix(call) }?.name, "\(words)")
      let calls = [Call(export, 900_000), Call("run"), Call(export, 910_000), Call("run")]
      return try await WebAssemblyHost.shared.invoke(bytes, calls)
    }
    func expected(_ call: String) -> String {
      "instantiated\n\(call)(900000) = None\nrun() = 5\n\(call)(910000) = None\nrun() = 5\n"
    }
    for order in permutations(["own.wasm", part.name]) {
      for words in [[], ["--export-all"], ["--no-gc-sections"], ["--export=\(name)", "--skip-export-conflicts"]] {
        inputs.refuse(
          options + words + order, ["own.wasm", part.name, "exports a \(name)", "--rename-export-conflicts"])
      }
      let renamed = try await transcript(["--export=\(name)", "--rename-export-conflicts"] + order, name + "_")
      #expect(renamed.hasSuffix("run() = 5\n") && renamed.contains("900000) = None\nrun() = 5\n"), "\(renamed)")
    }
    for order in permutations(["other.wasm", part.name]) {
      #expect(try await transcript(["--export=\(name)"] + order, name) == expected(name))
      if kind == .caller {
        #expect(try await transcript(order, "begin") == expected("begin"))
      } else {
        inputs.refuse(options + order, ["other.wasm", part.name, "--export=\(name)"])
      }
    }
  }

  /// A library whose code makes the blocks of threads makes its own.
  @Test(arguments: Owner.allCases, [false, true])
  private func besideALibraryThatStartsThreads(_ kind: Owner, _ is64: Bool) throws {
    let part = owner(kind, is64: is64)
    for calls in [true, false] {
      let starter = lone("started", 7, startsThreads: calls, is64: is64)
      var user = ModuleBuilder(object: true, is64: is64)
      user.targetFeatures(["+atomics", "+bulk-memory"])
      let (first, started) = (
        user.undefinedFunction("first", [], [.i32]), user.undefinedFunction("started", [], [.i32])
      )
      user.function("run", [], [.i32], flags: .exported, [.call(first), .call(started), .i32Add])
      let inputs = try InputSet([part, ("starter.so", starter), ("user.o", user)])
      let options =
        ["--no-entry", "--shared-memory", "--max-memory=1048576"] + (is64 ? ["-mwasm64"] : [])
        + (calls ? ["--export=start"] : [])
      for order in permutations([part.name, "starter.so", "user.o"]) {
        if calls, kind != .caller {
          inputs.refuse(options + order, ["starter.so", part.name, "--export=__wasm_init_tls"])
          #expect(inputs.link(options + order + ["--export=__wasm_init_tls"]).errors == [])
        } else {
          #expect(inputs.link(options + order).errors == [])
        }
      }
    }
  }
}
