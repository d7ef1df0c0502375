import Testing

/// What relocates a thread's copy of a library's thread-local data is done at link time, where that can be known.
@Suite struct ThreadLocalRelocationTests {
  private static let flags = Toolchain.freestanding + ["-pthread", "-matomics", "-mbulk-memory"]
  private static let options = ["--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--no-entry"]

  @Test(arguments: [Tool.wasmLinker19, .wasmLinker, .wasmLinker22], [[], ["--export=__wasm_init_tls"]])
  func addressesInThreadLocalData(_ linker: Tool, _ options: [String]) async throws {
    let object = try await Toolchain.shared.compiled(
      "pointers",
      """
      extern int other; int function(void);
      static int mine[4] = { 1, 2, 3, 4 };
      _Thread_local int count = 5;
      _Thread_local int *inside = &mine[2], *outside = &other;
      _Thread_local int (*call)(void) = function;
      int use(void) { return (*inside)++ + *outside * 10 + call() * 100 + count++ * 1000; }
      void change(void) { inside = mine; outside = mine + 3; }
      """, Self.flags + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary(
      "libpointers.so", [object], ["--shared-memory"] + options, by: linker)
    let main = try await Toolchain.shared.compiled(
      "main",
      """
      int other = 6; int function(void) { return 7; } int use(void); void change(void);
      _Thread_local int own = 1;
      __attribute__((export_name("use"))) int use_(void) { return use() + own * 10000; }
      __attribute__((export_name("change"))) void change_(void) { change(); }
      """, Self.flags)
    let calls = [
      Call("use"), Call("change"), Call("use"), Call("__wasm_init_tls", 900_032), Call("use"),
      Call("__wasm_init_tls", 800_000), Call("use"),
    ]
    for inputs in [[main, library], [library, main]] {
      let result = try await linkedHere(Self.options + inputs + ["--export=__wasm_init_tls"])
      #expect(result.module.functionNames.filter { $0.hasPrefix("__wasm_apply_tls") } == [])
      #expect(
        try await WebAssemblyHost.shared.invoke(result.bytes, calls) == """
          instantiated
          use() = 15763
          change() = None
          use() = 16741
          __wasm_init_tls(900032) = None
          use() = 15764
          __wasm_init_tls(800000) = None
          use() = 15765

          """)
    }
  }

  /// A threaded library whose relocation function has this body, over twelve bytes of thread-local data.
  private static func library(_ relocate: (_ base: Int, _ memoryBase: Int) -> [WasmInstruction]) -> ModuleBuilder {
    var (library, base, memoryBase, _) = ModuleBuilder.threadedLibrary(relocate)
    library.function([], [.i32], export: "place", [.globalGet(memoryBase)])
    library.function([], [.i32], export: "copy", [.globalGet(base)])
    return library
  }

  private static let program: ModuleBuilder = {
    var object = ModuleBuilder(object: true)
    object.targetFeatures(["+atomics", "+bulk-memory", "+mutable-globals"])
    let names = ["look", "place", "copy"]
    let imports = names.map { object.undefinedFunction($0, $0 == "look" ? [.i32] : [], [.i32]) }
    for (name, function) in zip(names, imports) {
      object.function(
        name + "_", name == "look" ? [.i32] : [], [.i32], flags: .exported,
        name == "look" ? [.localGet(0), .call(function)] : [.call(function)])
    }
    return object
  }()

  /// Reads the three words of a thread's data, as offsets from the library's data or from the thread's own.
  private func words(_ library: ModuleBuilder, isDone: Bool) async throws -> [String] {
    let result = try await linked(
      ["run.o": Self.program, "libtls.so": library], "--shared-memory", "--max-memory=1048576",
      "--initial-memory=1048576", "--no-entry", "--export=__wasm_init_tls")
    #expect(result.module.functionNames.contains("__wasm_apply_tls_relocs") != isDone)
    let transcript = try await result.invoke(
      [
        Call("__wasm_init_tls", 900_000), Call("place_"), Call("copy_"), Call("look_", 0), Call("look_", 4),
        Call("look_", 8),
      ])
    let values = transcript.split(separator: "\n").dropFirst(2).compactMap {
      $0.split(separator: " ").last.flatMap { Int($0) }
    }
    let (place, copy) = (values[0], values[1])
    return values.dropFirst(2).map {
      $0 - copy >= 0 && $0 - copy < 100
        ? "copy+\($0 - copy)" : $0 - place >= 0 && $0 - place < 100 ? "data+\($0 - place)" : "\($0)"
    }
  }

  @Test func numbersAndAddresses() async throws {
    let library = Self.library { base, memory in
      [
        .globalGet(base), .i32Const(4), .i32Add, .globalGet(memory), .i32Const(20), .i32Add, .i32Store(),
        .globalGet(base), .i32Const(77), .i32Store(offset: 8),
      ]
    }
    #expect(try await words(library, isDone: true) == ["1", "data+20", "77"])
  }

  /// What is another address in each thread, what is stored elsewhere, twice in one place or beyond the data, and what
  /// branches: all of the function stays.
  @Test(arguments: 0..<5) func whatIsNotKnown(_ number: Int) async throws {
    let library = Self.library { base, memory in
      let address: [WasmInstruction] = [
        .globalGet(base), .globalGet(memory), .i32Const(20), .i32Add, .i32Store(offset: 4),
      ]
      return address
        + [
          [.globalGet(base), .globalGet(base), .i32Const(4), .i32Add, .i32Store()],
          [.globalGet(memory), .i32Const(5), .i32Store()],
          [.globalGet(base), .i32Const(5), .i32Store(offset: 6, align: 1)],
          [.globalGet(base), .i32Const(5), .i32Store(offset: 10, align: 1)],
          [.globalGet(base), .i32Load(), .if(), .globalGet(base), .i32Const(9), .i32Store(), .end],
        ][number]
    }
    let expected = [
      ["copy+4", "data+20", "3"], ["1", "data+20", "3"], nil, nil, ["9", "data+20", "3"],
    ][number]
    let words = try await words(library, isDone: false)
    if let expected { #expect(words == expected) }
  }
}
