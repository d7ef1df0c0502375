import Testing

/// Lists of ranges that only entries in another file refer to (`-gsplit-dwarf` with version 4), which says where they begin.
@Suite struct SplitRangesTests {
  private static let source = """
    int other(int);
    static inline int inner(int a) {
      int s = a;
      for (int i = 0; i < a; i++) { if (s & 1) s += other(s); else s ^= i; }
      return s;
    }
    int FIRST(int x) { int y = other(x) + 1; int z = inner(y), w = inner(z); return z + w + other(z) + x; }
    int SECOND(int x) {
      int y = other(x) + 1;
      if (y > 3) { int q = other(y); y += q; if (q > 9) return 7; y *= inner(q); }
      return y;
    }
    """
  private static let main = """
    int f(int), g(int), h(int), i(int);
    int other(int x) { return x * 3; }
    int run(void) { return f(2) + g(4) + h(5) + i(6); }
    """

  enum Way: CaseIterable { case libraries, oneLibrary, object, objects }

  /// The ranges of a program.
  private func ranges(_ way: Way, _ compiler: Compiler, _ flags: [String]) async throws -> Set<String> {
    let chain = Toolchain.shared
    let common = ["--target=wasm32-unknown-unknown", "-O2"]
    let main = try await chain.compiled("main", Self.main, common, by: compiler)
    var objects: [String] = []
    for (name, first, second) in [("one", "f", "g"), ("two", "h", "i")] {
      let names = ["-DFIRST=" + first, "-DSECOND=" + second]
      let more = (way == .objects ? [] : libraryFlags) + ["-gdwarf-4"] + names + flags
      objects.append(try await chain.compiled(name, Self.source, common + more, by: compiler))
    }
    func library(_ objects: [String]) async throws -> String {
      try await chain.sharedLibrary(
        "lib.so", objects, ["--export-all", "--unresolved-symbols=import-dynamic"], by: compiler.linker)
    }
    let folder = try TemporaryFolder()
    let output = folder.file("result.wasm")
    let options = ["--no-entry", "--export=run", "-o", output, main]
    switch way {
    case .libraries: try await require(Solder.path, options + [library([objects[0]]), library([objects[1]])])
    case .oneLibrary: try await require(Solder.path, options + [library(objects)])
    case .object:
      try await require(Solder.path, ["-r", library(objects), "-o", folder.file("lifted.o")])
      try await require(compiler.linker.path(), options + [folder.file("lifted.o")])
    case .objects: try await require(Solder.path, options + objects + ["--compress-relocations", "--no-strip-debug"])
    }
    let text = try await require(Tool.debugReader.path(), ["--debug-ranges", output])
    return Set(text.matches(of: /(?m)^\w{8} (\w{8} \w{8})$/).map { String($0.1) })
  }

  @Test(arguments: Compiler.allCases, Way.allCases)
  func asOfOneFile(_ compiler: Compiler, _ way: Way) async throws {
    for flags in [[], ["-fdebug-ranges-base-address"]] {
      let expected = try await ranges(way, compiler, flags)
      #expect(expected.count >= 10)
      #expect(try await ranges(way, compiler, flags + ["-gsplit-dwarf"]) == expected)
    }
  }
}
