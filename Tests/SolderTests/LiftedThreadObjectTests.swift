import Testing

/// Thread-local data that another unit defines, which a library finds by the global offset table: what is added to its
/// address, and what an object of the library says of it.
@Suite struct LiftedThreadObjectTests {
  private static let threads = [
    "--shared-memory", "--max-memory=1048576", "--initial-memory=1048576", "--no-entry",
  ]
  private static let flags = [
    "--target=wasm32-unknown-emscripten", "-ffreestanding", "-O1", "-pthread", "-matomics", "-mbulk-memory",
  ]
  private static let owner =
    "_Thread_local int pad, list[4] = { 5, 6, 7, 8 }; __attribute__((noinline)) int touch(int *p) { return ++*p; }"
  /// Adds to addresses, where it also uses data of its own; chooses between two.
  private static let user = """
    extern _Thread_local int list[4]; int touch(int *);
    static int own[4] = { 1, 2, 3, 4 };
    int use(int x) { return touch(&list[2]) * 100 + touch(x > 1 ? &list[3] : &list[1]) * 10 + touch(&own[x]); }
    """
  private static let main = """
    int use(int); void __wasm_init_tls(void *); _Thread_local int mine = 3;
    __attribute__((export_name("begin"))) void begin(int at) { __wasm_init_tls((void *)at); }
    __attribute__((export_name("run"))) int run(int x) { return use(x) * 10 + mine++; }
    """
  private static let calls = [
    Call("begin", 900_000), Call("run", 1), Call("run", 2), Call("begin", 910_000), Call("run", 1),
  ]
  private static let transcript = """
    instantiated
    begin(900000) = None
    run(1) = 8733
    run(2) = 9944
    begin(910000) = None
    run(1) = 8743

    """

  private func object(_ name: String, _ source: String, _ more: [String] = []) async throws -> String {
    try await Toolchain.shared.compiled(name, source, Self.flags + more)
  }

  /// In a program, and by way of an object of the library, whichever linker makes the program of it.
  @Test(arguments: [Reference.release21, .release22]) func sums(_ reference: Reference) async throws {
    let main = try await object("main", Self.main)
    let owner = try await object("owner", Self.owner, libraryFlags)
    let user = try await object("user", Self.user, libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary(
      "libuser.so", [user], ["--shared-memory"], by: reference.linker)
    let owners = try await Toolchain.shared.sharedLibrary(
      "libowner.so", [owner], ["--shared-memory", "--export=__wasm_init_tls"], by: reference.linker)
    let folder = try TemporaryFolder()
    let (lifted, joined, output) = (folder.file("user.o"), folder.file("all.o"), folder.file("result.wasm"))
    try await require(Solder.path, ["-r", library, "-o", lifted])
    try await require(Solder.path, ["-r", main, library, owner, "-o", joined])
    for inputs in [
      [main, owner, library], [library, owners, main], [main, lifted, owner], [owners, main, lifted], [joined],
    ] {
      let result = try await linkedHere(Self.threads + inputs)
      #expect(try await WebAssemblyHost.shared.invoke(result.bytes, Self.calls) == Self.transcript, "\(inputs)")
      if inputs.contains(where: { $0.hasSuffix(".so") }) { continue }
      try await require(reference.linker.path(), Self.threads + inputs + ["-o", output])
      #expect(
        try await WebAssemblyHost.shared.invoke(try contents(of: output), Self.calls) == Self.transcript, "\(inputs)")
    }
  }

  /// Without threads it has one address, wherever it is defined; an object cannot know that.
  @Test func forOneThread() async throws {
    let main = try await object(
      "main", "int use(int); __attribute__((export_name(\"run\"))) int run(int x) { return use(x); }")
    let owner = try await object("owner", Self.owner, libraryFlags)
    let user = try await object("user", Self.user, libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary("libuser.so", [user], by: .wasmLinker22)
    let lifted = try TemporaryFolder().file("user.o")
    try await require(Solder.path, ["-r", library, "-o", lifted])
    for inputs in [[main, owner, library], [library, owner, main], [main, lifted, owner], [owner, lifted, main]] {
      let result = try await linkedHere(["--no-entry"] + inputs)
      #expect(
        try await result.invoke([Call("run", 1), Call("run", 2)]) == "instantiated\nrun(1) = 873\nrun(2) = 994\n")
    }
  }

  /// Code that never runs in threads needs no variable for addresses.
  @Test func withoutAtomicsItIsAnAddress() async throws {
    let flags = Toolchain.freestanding + libraryFlags
    let user = try await Toolchain.shared.compiled("user", "extern int a[4]; int *use(void) { return &a[2]; }", flags)
    let library = try await Toolchain.shared.sharedLibrary("libuser.so", [user])
    let lifted = try TemporaryFolder().file("user.o")
    try await require(Solder.path, ["-r", library, "-o", lifted])
    let text = try await require(Tool.disassembler.path(), ["-dr", lifted])
    #expect(text.contains("R_WASM_MEMORY_ADDR_SLEB\ta+8"))
    #expect(!text.contains("R_WASM_GLOBAL_INDEX_LEB"))
  }

  /// An object counts from `__tls_base`, and a library for one thread has its data among all other.
  @Test(arguments: [["-O1"], ["-O0"]]) func anObjectCountsFromTheBase(_ more: [String]) async throws {
    let flags = ["--target=wasm32-unknown-unknown", "-ffreestanding", "-matomics", "-mbulk-memory"] + more
    let owner = try await Toolchain.shared.compiled(
      "owner", "int before = 4; _Thread_local int shown = 5; int get(void) { return shown; }", flags + libraryFlags)
    let library = try await Toolchain.shared.sharedLibrary("libowner.so", [owner], by: .wasmLinker22)
    for own in ["", "static _Thread_local int own = 3;"] {
      let main = try await Toolchain.shared.compiled(
        "main",
        """
        extern _Thread_local int shown; int get(void); \(own)
        __attribute__((export_name("run"))) int run(int x) { shown += x; \(own.isEmpty ? "" : "own++;") return get(); }
        """, flags)
      for inputs in [[main, library], [library, main]] {
        let result = try await linkedHere(["--no-entry"] + inputs)
        #expect(try await result.call("run", 2) == "7", "\(inputs)")
      }
      refusedHere(["-r", main, library], mentions: ["libowner.so", "'shown'", "one thread"])
    }
  }
}
