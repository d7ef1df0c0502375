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
      let result = try await link(Self.options + inputs + more)
      #expect(try await WebAssemblyHost.shared.invoke(result.path, calls) == expected, "\(more)")
    }
  }

  /// Nothing says whether something relocates a thread's copy.
  @Test func withoutAWayToSetItUpItIsRefused() async throws {
    let inputs = [try await program(), try await library(.wasmLinker19, ["--strip-all"])]
    try await linkFails(
      Self.options + inputs, mentions: ["libcounters.so: has thread-local data", "--export=__wasm_init_tls"])
  }
}
