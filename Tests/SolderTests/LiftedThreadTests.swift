import Foundation
import Testing

/// Shared libraries made for shared memory, with thread-local data.
@Suite struct LiftedThreadTests {
  private static let flags = Toolchain.freestanding + ["-pthread", "-matomics", "-mbulk-memory"]

  private func library(_ linker: Tool, _ options: [String]) async throws -> String {
    let object = try await Toolchain.shared.compiled(
      "counters",
      """
      _Thread_local int counter = 5;
      _Thread_local int zeros[4];
      _Thread_local int *pointer;
      static _Thread_local int hidden = 7;
      int ordinary = 11;
      int *address(int i) { return i == 0 ? &counter : i == 1 ? &zeros[2] : &hidden; }
      int bump(int n) {
        counter += n; zeros[2] += n; hidden++; ordinary++; pointer = &counter;
        return counter * 10000 + zeros[2] * 100 + hidden;
      }
      int through(void) { return *pointer * 100 + ordinary; }
      """, Self.flags + libraryFlags)
    return try await Toolchain.shared.sharedLibrary(
      "libcounters.so", [object], ["--shared-memory"] + options, by: linker)
  }

  private func program() async throws -> String {
    try await Toolchain.shared.compiled(
      "main",
      """
      int bump(int); int through(void); int *address(int);
      static _Thread_local int mine = 3;
      __attribute__((export_name("run"))) int run(int n) { return mine += n; }
      __attribute__((export_name("bumped"))) int bumped(int n) { return bump(n); }
      __attribute__((export_name("pointed"))) int pointed(void) { return through(); }
      __attribute__((export_name("is_inside"))) int is_inside(int i) {
        unsigned offset = (char *)address(i) - (char *)__builtin_wasm_tls_base();
        return offset >= sizeof mine && offset < __builtin_wasm_tls_size();
      }
      """, Self.flags)
  }

  private static let options = ["--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--no-entry"]

  /// Another block is what another thread sees.
  @Test(
    arguments: [Tool.wasmLinker19, .wasmLinker, .wasmLinker22],
    [[], ["--export=__wasm_init_tls"], ["--strip-all", "--export=__wasm_init_tls"]])
  func eachThreadHasItsOwn(_ linker: Tool, _ options: [String]) async throws {
    let inputs = [try await program(), try await library(linker, options), "--export=__wasm_init_tls"]
    let calls = [
      Call("run", 1), Call("bumped", 2), Call("pointed"), Call("bumped", 1), Call("__wasm_init_tls", 900_032),
      Call("run", 10), Call("bumped", 20), Call("pointed"), Call("is_inside", 0), Call("is_inside", 1),
      Call("is_inside", 2), Call("__wasm_init_tls", 800_000), Call("bumped", 2),
    ]
    let expected = """
      instantiated
      run(1) = 4
      bumped(2) = 70208
      pointed() = 712
      bumped(1) = 80309
      __wasm_init_tls(900032) = None
      run(10) = 13
      bumped(20) = 252008
      pointed() = 2514
      is_inside(0) = 1
      is_inside(1) = 1
      is_inside(2) = 1
      __wasm_init_tls(800000) = None
      bumped(2) = 70208

      """
    for more in [[], ["--no-gc-sections"], ["--strip-all"]] {
      let result = try await linkedHere(Self.options + inputs + more)
      #expect(try await WebAssemblyHost.shared.invoke(result.bytes, calls) == expected, "\(more)")
    }
  }

  /// Nothing says whether something relocates a thread's copy.
  @Test func withoutAWayToSetItUpItIsRefused() async throws {
    let inputs = [try await program(), try await library(.wasmLinker19, ["--strip-all"])]
    refusedHere(
      Self.options + inputs, mentions: ["libcounters.so: has thread-local data", "--export=__wasm_init_tls"])
  }

  /// The program has no thread-local data; the result's `__wasm_init_tls` is about the library's.
  @Test(arguments: ["wasm32-unknown-unknown", "wasm32-unknown-emscripten"])
  func aProgramWithoutItsOwn(_ target: String) async throws {
    let flags = Self.flags + ["--target=\(target)"]
    let object = try await Toolchain.shared.compiled(
      "own", "_Thread_local int own = 5; int get(void) { return own; } int set(int v) { return own = v; }",
      flags + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary(
      "libown.so", [object], ["--shared-memory"], by: .wasmLinker22)
    let main = try await Toolchain.shared.compiled(
      "main",
      """
      int get(void), set(int); void __wasm_init_tls(void *);
      __attribute__((export_name("begin"))) int begin(int at) { __wasm_init_tls((void *)at); return get(); }
      __attribute__((export_name("set"))) int set_(int v) { return set(v); }
      __attribute__((export_name("get"))) int get_(void) { return get(); }
      """, flags)
    let result = try await linkedHere(Self.options + [main, library])
    let calls = [
      Call("get"), Call("set", 7), Call("begin", 900_000), Call("set", 8), Call("begin", 910_000), Call("get"),
    ]
    #expect(
      try await WebAssemblyHost.shared.invoke(result.bytes, calls) == """
        instantiated
        get() = 5
        set(7) = 7
        begin(900000) = 5
        set(8) = 8
        begin(910000) = 5
        get() = 5

        """)
  }

  /// Emscripten's target finds every variable by the global offset table, whose entries are this thread's.
  @Test func anotherUnitsByTheOffsetTable() async throws {
    let flags = Self.flags + ["--target=wasm32-unknown-emscripten"] + libraryFlags
    let owner = try await Toolchain.shared.compiled(
      "owner", "_Thread_local int pad, first = 1; int *mine(void) { return &first; }", flags)
    let user = try await Toolchain.shared.compiled(
      "user", "extern _Thread_local int first; int *theirs(void) { return &first; }", flags)
    let main = try await Toolchain.shared.compiled(
      "main",
      """
      extern _Thread_local int first; _Thread_local int own = 3;
      int *mine(void), *theirs(void); void __wasm_init_tls(void *);
      __attribute__((export_name("begin"))) void begin(int at) { __wasm_init_tls((void *)at); }
      __attribute__((export_name("look"))) int look(void) {
        return (mine() == &first) * 1000 + (theirs() == &first) * 100 + own++ * 10 + first++;
      }
      """, flags)
    var libraries: [String] = []
    for (name, object) in [("libowner.so", owner), ("libuser.so", user)] {
      libraries.append(
        try await Toolchain.shared.sharedLibrary(name, [object], ["--shared-memory"], by: .wasmLinker22))
    }
    let calls = [
      Call("look"), Call("begin", 900_000), Call("look"), Call("look"), Call("begin", 910_000), Call("look"),
    ]
    for units in [
      [libraries[0], libraries[1]], [libraries[1], libraries[0]], [libraries[0], user], [owner, libraries[1]],
    ] {
      for inputs in [[main] + units, units + [main]] {
        let result = try await linkedHere(Self.options + inputs)
        #expect(
          try await WebAssemblyHost.shared.invoke(result.bytes, calls) == """
            instantiated
            look() = 1131
            begin(900000) = None
            look() = 1131
            look() = 1142
            begin(910000) = None
            look() = 1131

            """, "\(inputs)")
      }
    }
  }

  /// A library that was not made for threads: its data must not be copied again by every thread, and it is nobody's
  /// business that it has no thread-local data.
  @Test func whatThreadsShareIsSetUpOnce() async throws {
    let object = try await Toolchain.shared.compiled(
      "shared", "int value = 7; int *pointer = &value; int *get(void) { return pointer; }", Self.flags + libraryFlags)
    for options in [[], ["--shared-memory"]] {
      let library = try await Toolchain.shared.sharedLibrary("libshared.so", [object], options, by: .wasmLinker19)
      let main = try await Toolchain.shared.compiled(
        "main", #"int *get(void); __attribute__((export_name("run"))) int run(void) { return ++*get(); }"#, Self.flags)
      let result = try await linkedHere(Self.options + [main, library])
      #expect(
        try await WebAssemblyHost.shared.invoke(result.bytes, [Call("run"), Call("run")])
          == "instantiated\nrun() = 8\nrun() = 9\n")
      let data = try #require(result.module.sections.first { $0.identifier == 11 })
      // Its first segment, and so all of them in this order, is passive.
      #expect(result.bytes[data.contents.lowerBound + 1] == 1)
    }
  }

  /// What sets up the data becomes the result's own; it is not there to be called once more. Only a changed library does
  /// so: here the call of an import becomes one of the start function.
  @Test(arguments: [[], ["--export=__wasm_init_tls"]])
  func codeThatSetsUpTheDataASecondTimeIsRefused(_ options: [String]) async throws {
    let object = try await Toolchain.shared.compiled(
      "again", "void other(void); int value = 7; int *pointer = &value; int again(void) { other(); return *pointer; }",
      Self.flags + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary(
      "libagain.so", [object], ["--shared-memory"] + options, by: .wasmLinker22)
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: library)))
    let start = try #require(try ModuleDescription(bytes).sections.first { $0.identifier == 8 })
    let call = try #require(bytes.firstRange(of: [0x10, 0x80, 0x80, 0x80, 0x80, 0x00]))
    #expect(start.contents.count == 1)
    bytes[call.lowerBound + 1] = bytes[start.contents.lowerBound] | 0x80
    let changed = try TemporaryFolder().file("libchanged.so")
    try Data(bytes).write(to: URL(filePath: changed))
    let main = try await Toolchain.shared.compiled(
      "main", #"int again(void); __attribute__((export_name("run"))) int run(void) { return again(); }"#, Self.flags)
    for inputs in [[main, changed], [changed, main]] {
      refusedHere(
        Self.options + inputs, mentions: ["libchanged.so", "sets up the data of the first thread", "a second time"])
    }
  }

  // MARK: Libraries for one thread

  private static let ofOneThread = """
    int before = 9;
    _Thread_local int own = 5;
    static _Thread_local int hidden = 7;
    _Thread_local int zero;
    int get(void) { return own * 100 + hidden * 10 + zero; }
    int *address(void) { return &own; }
    """
  private static let userOfOneThread = """
    extern _Thread_local int own;
    int get(void), *address(void);
    __attribute__((export_name("run"))) int run(void) { own++; return get() * 10 + (address() == &own); }
    __attribute__((export_name("shown"))) int shown(void) { return get(); }
    """

  /// Its thread-local data is data as any other, by whatever model its code finds it; every release of wasm-ld leaves out
  /// where the block is.
  @Test(
    arguments: [Tool.wasmLinker19, .wasmLinker, .wasmLinker22],
    [
      ["unknown"], ["unknown", "--strip-all"], ["unknown", "--export-all"], ["unknown", "--export=__tls_base"],
      ["emscripten"], ["emscripten", "-Bsymbolic"],
    ])
  func aLibraryForOneThread(_ linker: Tool, _ options: [String]) async throws {
    let chain = Toolchain.shared
    let flags = [
      "--target=wasm32-unknown-\(options[0])", "-ffreestanding", "-O1", "-matomics", "-mbulk-memory", "-pthread",
    ]
    let object = try await chain.compiled("own", Self.ofOneThread, flags + libraryFlags)
    let library = try await chain.sharedLibrary("libown.so", [object], Array(options.dropFirst()), by: linker)
    let main = try await chain.compiled("main", Self.userOfOneThread, flags)
    for inputs in [[main, library], [library, main]] {
      let result = try await linkedHere(["--no-entry"] + inputs)
      #expect(try await result.invoke([Call("shown"), Call("run")]) == "instantiated\nshown() = 570\nrun() = 6701\n")
    }
    // An object that counts from `__tls_base` could not find what is no thread-local data to any linker.
    refusedHere(["-r", library], mentions: ["libown.so", "'own'", "for one thread"])
  }

  /// Threads would all have one variable.
  @Test func aLibraryForOneThreadIsNoneForSeveral() async throws {
    let chain = Toolchain.shared
    let object = try await chain.compiled("own", Self.ofOneThread, Self.flags + libraryFlags)
    let library = try await chain.sharedLibrary("libown.so", [object])
    let main = try await chain.compiled(
      "shown", #"int get(void); __attribute__((export_name("shown"))) int shown(void) { return get(); }"#, Self.flags)
    for inputs in [[main, library], [library, main]] {
      refusedHere(Self.options + inputs, mentions: ["libown.so", "thread-local 'own'", "--shared-memory"])
    }
  }

  /// Code that counts from the program's own block cannot find what a library has in its.
  @Test func anObjectThatCountsFromItsOwnBlockIsRefused() async throws {
    let owner = try await Toolchain.shared.compiled(
      "owner", "_Thread_local int first = 1; int *mine(void) { return &first; }", Self.flags + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary(
      "libowner.so", [owner], ["--shared-memory"], by: .wasmLinker22)
    let main = try await Toolchain.shared.compiled(
      "main",
      #"extern _Thread_local int first; __attribute__((export_name("look"))) int look(void) { return first; }"#,
      Self.flags)
    for inputs in [[main, library], [library, main]] {
      refusedHere(Self.options + inputs, mentions: ["R_WASM_MEMORY_ADDR_TLS_SLEB", "`first`", "libowner.so"])
    }
  }

  /// Whoever is first copies ordinary data, which is the linker's business as with objects.
  @Test(arguments: Reference.allCases) func ordinaryData(_ reference: Reference) async throws {
    let chain = Toolchain.shared
    let object = try await chain.compiled(
      "ordinary",
      """
      int ordinary = 11, zeros[100];
      static int *pointer = &ordinary;
      const char *text = "abc";
      int bump(int n) { ordinary += n; zeros[3]++; return *pointer * 100 + zeros[3] * 10 + text[1] - 'a'; }
      """, Self.flags + libraryFlags)
    let main = try await chain.compiled(
      "main", "int bump(int); __attribute__((export_name(\"run\"))) int run(int n) { return bump(n); }", Self.flags)
    let folder = try TemporaryFolder()
    let lifted = folder.file("ordinary.o")
    for options in [[], ["-Bsymbolic"], ["--strip-all"]] {
      let library = try await chain.sharedLibrary(
        "libordinary.so", [object], ["--shared-memory"] + options, by: reference.linker)
      try await require(Solder.path, ["-r", library, "-o", lifted])
      let output = folder.file("result.wasm")
      try await require(reference.linker.path(), Self.options + [main, lifted, "-o", output])
      let results = [
        try await linkedHere(Self.options + [main, library]).bytes,
        try await linkedHere(Self.options + [lifted, main]).bytes,
        try contents(of: output),
      ]
      for result in results {
        let transcript = try await WebAssemblyHost.shared.invoke(result, [Call("run", 1), Call("run", 2)])
        #expect(transcript == "instantiated\nrun(1) = 1211\nrun(2) = 1421\n", "\(options)")
      }
    }
  }
}
