import Testing

/// `dlsym` of thread-local data: the copy of the thread that asks, as a loader gives it.
@Suite struct DlopenThreadLocalTests {
  private static func compiled(_ name: String, _ source: String, is64: Bool, _ flags: [String]) async throws -> String {
    try await Toolchain.shared.compiled(
      name, source,
      Toolchain.freestanding + [is64 ? "--target=wasm64-unknown-unknown" : "--target=wasm32-unknown-unknown"]
        + ["-pthread", "-matomics", "-mbulk-memory"] + flags)
  }

  private static func inputs(is64: Bool, _ options: [String]) async throws -> [String] {
    let library = try await compiled(
      "own",
      "_Thread_local int first = 1, own = 7; void *where(void) { return &own; } int next(void) { return ++own; }",
      is64: is64, libraryFlags)
    let program = try await compiled(
      "main",
      """
      void *dlopen(const char *, int), *dlsym(void *, const char *);
      _Thread_local int other = 2, mine = 5;
      static void *library(void) { return dlopen("libown.so", 2); }
      static int *ask(int which) { return which ? dlsym(library(), "own") : dlsym(0, "mine"); }
      __attribute__((export_name("is_own"))) int is_own(int which) {
        void *(*where)(void) = (void *(*)(void))dlsym(library(), "where");
        return ask(which) == (which ? where() : &mine);
      }
      __attribute__((export_name("ask_for"))) int ask_for(int which) { return *ask(which); }
      __attribute__((export_name("add"))) int add(int which, int n) { return *ask(which) += n; }
      __attribute__((export_name("step"))) int step(void) {
        return ++mine * 100 + ((int (*)(void))dlsym(library(), "next"))();
      }
      """, is64: is64, ["-fvisibility=default"])
    let width = is64 ? ["-mwasm64"] : []
    let shared = try await Toolchain.shared.sharedLibrary(
      "libown.so", [library], width + ["--shared-memory", "--export=__wasm_init_tls"])
    return width + [program, "--dl-openable=" + shared, "--no-entry", "--export=mine"] + options
  }

  /// Another block is what another thread sees.
  @Test(arguments: [false, true]) func eachThreadFindsItsOwn(_ is64: Bool) async throws {
    let shared = [
      "--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--export=__wasm_init_tls",
    ]
    let calls = [
      Call("is_own", 0), Call("is_own", 1), Call("ask_for", 0), Call("ask_for", 1), Call("add", 0, 10),
      Call("add", 1, 20), Call("step"), Call("__wasm_init_tls", 900_032), Call("is_own", 1), Call("is_own", 0),
      Call("ask_for", 0), Call("ask_for", 1), Call("step"), Call("add", 1, 1),
    ]
    let expected = """
      instantiated
      is_own(0) = 1
      is_own(1) = 1
      ask_for(0) = 5
      ask_for(1) = 7
      add(0, 10) = 15
      add(1, 20) = 27
      step() = 1628
      __wasm_init_tls(900032) = None
      is_own(1) = 1
      is_own(0) = 1
      ask_for(0) = 5
      ask_for(1) = 7
      step() = 608
      add(1, 1) = 9

      """
    for options in [[], ["--no-gc-sections"], ["--strip-all"], ["--dl-init=start"]] {
      let result = try await linkedHere(Self.inputs(is64: is64, shared + options))
      #expect(try await WebAssemblyHost.shared.invoke(result.bytes, calls) == expected, "\(options)")
    }
  }

  /// A library that was made for threads, in a program for one.
  @Test(arguments: [false, true]) func aProgramForOneThread(_ is64: Bool) async throws {
    let calls = [Call("is_own", 0), Call("is_own", 1), Call("add", 0, 10), Call("add", 1, 20), Call("step")]
    let result = try await linkedHere(Self.inputs(is64: is64, []))
    #expect(
      try await WebAssemblyHost.shared.invoke(result.bytes, calls) == """
        instantiated
        is_own(0) = 1
        is_own(1) = 1
        add(0, 10) = 15
        add(1, 20) = 27
        step() = 1628

        """)
  }
}
