import Testing

/// Thread-local data of libraries, in objects: the next linker sets it up, in a program whose threads it then serves.
@Suite struct LiftedThreadLocalObjectTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    let target: String
    var options: [String] = []
    var testDescription: String { ([target] + options).joined(separator: " ") }
    var flags: [String] {
      ["--target=\(target)", "-ffreestanding", "-O1", "-pthread", "-matomics", "-mbulk-memory"]
    }
    var width: [String] { target.hasPrefix("wasm64") ? ["-mwasm64"] : [] }
  }

  private static let shapes = [
    Shape(target: "wasm32-unknown-unknown"),
    Shape(target: "wasm32-unknown-unknown", options: ["--export=__wasm_init_tls"]),
    Shape(target: "wasm32-unknown-unknown", options: ["--strip-all", "--export=__wasm_init_tls"]),
    Shape(target: "wasm32-unknown-emscripten"),
    Shape(target: "wasm32-unknown-emscripten", options: ["-Bsymbolic"]),
    Shape(target: "wasm32-unknown-emscripten", options: ["-Bsymbolic", "--export=__wasm_init_tls"]),
    Shape(target: "wasm64-unknown-unknown"),
    Shape(target: "wasm64-unknown-emscripten", options: ["-Bsymbolic"]),
  ]

  private static let source = """
    _Thread_local int counter = 5;
    _Thread_local int zeros[4];
    _Thread_local int *pointer;
    static _Thread_local int hidden = 7;
    int ordinary = 11;
    _Thread_local int *toOrdinary = &ordinary;
    int *address(int i) { return i == 0 ? &counter : i == 1 ? &zeros[2] : &hidden; }
    int bump(int n) {
      counter += n; zeros[2] += n; hidden++; ordinary++; pointer = &counter;
      return counter * 10000 + zeros[2] * 100 + hidden;
    }
    int through(void) { return *pointer * 100 + *toOrdinary; }
    """
  private static let main = """
    int bump(int); int through(void); int *address(int);
    static _Thread_local int mine = 3;
    __attribute__((export_name("begin"))) int begin(int n) { return mine += n; }
    __attribute__((export_name("bumped"))) int bumped(int n) { return bump(n); }
    __attribute__((export_name("pointed"))) int pointed(void) { return through(); }
    #ifdef THREADS
    __attribute__((export_name("is_inside"))) int is_inside(int i) {
      return (unsigned long)((char *)address(i) - (char *)__builtin_wasm_tls_base()) < __builtin_wasm_tls_size();
    }
    #endif
    """

  /// A library as an object, linked by its own release and here, alone and joined with the program's.
  @Test(arguments: Reference.allCases, shapes) func likeItsObject(_ reference: Reference, _ shape: Shape) async throws {
    let chain = Toolchain.shared
    let object = try await chain.compiled("counters", Self.source, shape.flags + libraryFlags)
    let library = try await chain.sharedLibrary(
      "libcounters.so", [object], ["--shared-memory"] + shape.width + shape.options, by: reference.linker)
    let folder = try TemporaryFolder()
    let lifted = folder.file("counters.o")
    try await require(Solder.path, ["-r", library, "-o", lifted])
    // Without shared memory, release 19 counts what objects count from `__tls_base` from the beginning of all data.
    for isShared in reference == .release19 ? [true] : [true, false] {
      let main = try await chain.compiled("main", Self.main, shape.flags + (isShared ? ["-DTHREADS"] : []))
      let options =
        ["--no-entry"] + shape.width
        + (isShared
          ? ["--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--export=__wasm_init_tls"] : [])
      var calls = [Call("begin", 1), Call("bumped", 2), Call("pointed"), Call("bumped", 1)]
      var expected = "instantiated\nbegin(1) = 4\nbumped(2) = 70208\npointed() = 712\nbumped(1) = 80309\n"
      if isShared {
        calls += [
          Call("__wasm_init_tls", 900_032), Call("begin", 10), Call("bumped", 20), Call("pointed"),
          Call("is_inside", 0),
          Call("is_inside", 1), Call("is_inside", 2),
        ]
        expected +=
          "__wasm_init_tls(900032) = None\nbegin(10) = 13\nbumped(20) = 252008\npointed() = 2514\n"
          + "is_inside(0) = 1\nis_inside(1) = 1\nis_inside(2) = 1\n"
      }
      let joined = folder.file("joined.o")
      try await require(Solder.path, ["-r", main, library, "-o", joined])
      for inputs in [[main, lifted], [lifted, main], [joined]] {
        let output = folder.file("result.wasm")
        try await require(reference.linker.path(), options + inputs + ["-o", output])
        for result in [try contents(of: output), try await linkedHere(options + inputs).bytes] {
          #expect(try await WebAssemblyHost.shared.invoke(result, calls) == expected, "\(inputs)")
        }
      }
    }
    // The library's own way to set it up is gone, under whatever name.
    let symbols = try await require(Tool.symbols.path(), [lifted])
    #expect(symbols.contains("U __tls_base"))
    #expect(!symbols.contains("init_tls") && !symbols.contains("__wasm_apply"))
  }

  /// At the same moment.
  @Test(arguments: Reference.allCases) func inThreads(_ reference: Reference) async throws {
    let shape = Shape(target: "wasm32-unknown-emscripten", options: ["--export=__wasm_init_tls"])
    let chain = Toolchain.shared
    let source = """
      _Thread_local int counter; static _Thread_local int *place = 0; int total, *shown = &total;
      int count(int n) {
        for (int i = 0; i < n; i++) { place = &counter; ++*place; __atomic_fetch_add(shown, 1, 5); }
        return counter;
      }
      """
    let main = try await chain.compiled(
      "main",
      """
      int count(int); static _Thread_local int calls;
      __attribute__((import_module("host"), import_name("show"))) void show(int);
      __attribute__((export_name("run"))) void run(void) { while (calls < 3) show(count(1000 * ++calls)); }
      """, shape.flags)
    let object = try await chain.compiled("count", source, shape.flags + libraryFlags)
    let library = try await chain.sharedLibrary(
      "libcount.so", [object], ["--shared-memory"] + shape.options, by: reference.linker)
    let folder = try TemporaryFolder()
    let (lifted, output) = (folder.file("count.o"), folder.file("result.wasm"))
    try await require(Solder.path, ["-r", library, "-o", lifted])
    for linker in [try reference.linker.path(), Solder.path] {
      try await require(
        linker,
        [
          "--no-entry", "--shared-memory", "--import-memory", "--max-memory=1048576", "--initial-memory=1048576",
          "--export=__wasm_init_tls", main, lifted, "-o", output,
        ])
      let run = try await execute(
        Tool.python.path(), [Repository.root + "/Tests/Tools/run_threads.py", output, "4"],
        environment: WebAssemblyHost.environment)
      #expect(run.output == String(repeating: "1000 3000 6000\n", count: 4), "\(run.errors)")
    }
  }

  /// A threaded library whose thread-local data is relocated by this, and which has these functions on top.
  private func library(
    _ relocate: (_ base: Int, _ memoryBase: Int) -> [WasmInstruction],
    more: (_ base: Int, _ initialize: Int) -> [WasmInstruction] = { _, _ in [] },
    setUp: ((_ base: Int, _ apply: Int) -> [WasmInstruction])? = nil
  ) -> ModuleBuilder {
    var (library, base, _, initialize) = ModuleBuilder.threadedLibrary(relocate, setUp: setUp)
    library.function([.i32], [], export: "more", more(base, initialize))
    return library
  }

  @Test func whatIsRelocatedInEachCopy() async throws {
    let library = library { base, memory in
      [.globalGet(base), .globalGet(memory), .i32Const(20), .i32Add, .i32Store(offset: 4)]
    }
    let result = try await linked(["libtls.so": library], "-r")
    let folder = try TemporaryFolder()
    let path = try folder.write(result.bytes, to: "tls.o")
    let relocations = try await require(Tool.disassembler.path(), ["-r", path])
    #expect(relocations.contains("R_WASM_MEMORY_ADDR_I32"))
    #expect(relocations.contains("R_WASM_MEMORY_ADDR_TLS_SLEB"))
    #expect(relocations.contains("R_WASM_GLOBAL_INDEX_LEB"))
  }

  /// What is another address in each thread, what is stored elsewhere or beyond the data, what branches.
  @Test(arguments: 0..<4) func whatCannotBeRelocated(_ number: Int) throws {
    let library = library { base, memory in
      [
        [.globalGet(base), .globalGet(base), .i32Store()],
        [.globalGet(memory), .i32Const(5), .i32Store()],
        [.globalGet(base), .i32Const(5), .i32Store(offset: 10, align: 1)],
        [.globalGet(base), .i32Load(), .if(), .globalGet(base), .i32Const(9), .i32Store(), .end],
      ][number]
    }
    try refused(["libtls.so": library], "-r", mentions: ["libtls.so", "'__wasm_apply_tls_relocs'", "at offset 0x"])
  }

  /// A thread's copy that is not the whole segment, in its block, with the variable's address: the next linker's is.
  @Test(arguments: 0..<8) func aCopyThatNoOtherLinkerMakes(_ number: Int) throws {
    let library = library(
      { _, _ in [] },
      setUp: { base, apply in
        let set: [WasmInstruction] = [.localGet(0), .globalSet(base)]
        let call: [WasmInstruction] = [.call(apply)]
        func copy(from source: Int32 = 0, _ count: Int32 = 12) -> [WasmInstruction] {
          [.localGet(0), .i32Const(source), .i32Const(count), .memoryInit(0)]
        }
        return [
          set + copy(4) + call, set + copy(from: 4, 8) + call,
          set + [.localGet(0), .i32Const(16), .i32Add, .i32Const(0), .i32Const(12), .memoryInit(0)] + call,
          [.localGet(0), .i32Const(4), .i32Add, .globalSet(base)] + copy() + call, copy() + call,
          set + call + copy(), set + copy() + copy(4) + call, copy() + call + set,
        ][number]
      })
    try refused(
      ["libtls.so": library], "-r",
      mentions: [
        "libtls.so", "'__wasm_init_tls' does \(number == 6 ? "more with" : "not copy all of its") thread-local data",
      ])
  }

  /// Code that gives a thread its copy knows of the library's data only, and would do so with everybody's variable.
  @Test func whatIsSetUpByOtherCode() throws {
    let calls = library({ _, _ in [] }, more: { _, initialize in [.localGet(0), .call(initialize)] })
    try refused(
      ["libtls.so": calls], "-r", mentions: ["libtls.so", "function 'more' calls '__wasm_init_tls'", "at offset 0x"])
    let sets = library({ _, _ in [] }, more: { base, _ in [.localGet(0), .globalSet(base)] })
    try refused(["libtls.so": sets], "-r", mentions: ["libtls.so", "'__tls_base'"])
  }

  /// An object with thread-local data says that it was made for threads, whatever is left of what the library says.
  @Test(arguments: Reference.allCases) func aStrippedLibrary(_ reference: Reference) async throws {
    let (library, _, _, _) = ModuleBuilder.threadedLibrary { _, _ in [] }
    let lifted = try await linked(["libtls.so": library], "-r")
    var main = ModuleBuilder(object: true)
    let look = main.undefinedFunction("look", [.i32], [.i32])
    main.function("run", [], [.i32], flags: .exported, [.i32Const(4), .call(look)])
    let folder = try TemporaryFolder()
    let inputs = [try folder.write(main.bytes, to: "main.o"), try folder.write(lifted.bytes, to: "tls.o")]
    let result = folder.file("result.wasm")
    try await require(reference.linker.path(), ["--no-entry"] + inputs + ["-o", result])
    // Release 19 counts from the beginning of all data.
    let ofReference = reference == .release19 ? [] : [try contents(of: result)]
    for bytes in ofReference + [try await linkedHere(["--no-entry"] + inputs).bytes] {
      #expect(try await WebAssemblyHost.shared.invoke(bytes, [Call("run")]) == "instantiated\nrun() = 2\n")
    }
    _ = try await linked(["tls.o": lifted.bytes], "-r")
  }
}
