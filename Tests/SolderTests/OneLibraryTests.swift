import Foundation
import Testing

/// A library is in a link once, however it comes there: its data is there once, and its constructors run once.
@Suite struct OneLibraryTests {
  private static let counted = """
    (module (@dylink.0 (mem-info (memory 4 2)))
      (import "env" "memory" (memory 0)) (import "env" "__memory_base" (global $base i32))
      (import "env" "count" (func $count))
      (data (global.get $base) "\\07\\00\\00\\00")
      (func (export "__wasm_call_ctors") (call $count))
      (func (export "get") (result i32) (i32.load (global.get $base))))
    """
  /// Needs the library by name and by nothing else.
  private static let needing = """
    (module (@dylink.0 (mem-info) (needed "libcounted.so")) (func (export "other") (result i32) (i32.const 1)))
    """
  private static let named = """
    (module (import "a" "get" (func $get (result i32))) (func (export "named") (result i32) (call $get)))
    """

  private let folder: TemporaryFolder
  private let main: String

  init() async throws {
    folder = try TemporaryFolder()
    let files = [
      ("libcounted.so", Self.counted), ("copy.so", Self.counted), ("libneeding.so", Self.needing),
      ("named.wasm", Self.named),
    ]
    for (name, text) in files {
      let assembled = try await Toolchain.shared.assembled(name + ".wasm", text)
      try Data(contents(of: assembled)).write(to: URL(filePath: folder.file(name)))
    }
    main = try await Toolchain.shared.compiled(
      "main",
      """
      static int times; void count(void) { times++; } int get(void), other(void) __attribute__((weak));
      __attribute__((export_name("run"))) int run(void) { return times * 10 + get(); }
      __attribute__((export_name("more"))) int more(void) { return other(); }
      """, Toolchain.freestanding)
    for name in ["libx.a", "liby.a"] {
      let archive = try await Toolchain.shared.archive(name, [folder.file("libcounted.so")])
      try Data(contents(of: archive)).write(to: URL(filePath: folder.file(name)))
    }
  }

  /// A file by its name in the folder, perhaps with a module name.
  private func word(_ word: String) -> String {
    if word.hasPrefix("-") { return word }
    guard let equal = word.firstIndex(of: "=") else { return folder.file(word) }
    return word[...equal] + folder.file(String(word[word.index(after: equal)...]))
  }

  private func run(_ words: [String], _ calls: [Call], _ results: String) async throws {
    let result = try await linkedHere(["--no-entry"] + words)
    #expect(try await result.invoke(calls) == "instantiated\n" + results, "\(words)")
  }

  @Test(arguments: [
    ["libcounted.so", "copy.so"], ["libcounted.so", "libx.a"], ["libx.a", "liby.a"],
    ["libx.a", "libcounted.so", "copy.so"],
    ["--whole-archive", "libx.a", "--no-whole-archive", "libcounted.so"],
    ["--whole-archive", "libx.a", "--no-whole-archive", "liby.a"], ["--whole-archive", "libx.a", "liby.a"],
    ["libx.a", "--whole-archive", "liby.a"],
  ]) func isLinkedOnce(_ words: [String]) async throws {
    let files = words.map(word)
    for inputs in [[main] + files, files + [main]] { try await run(inputs, [Call("run")], "run() = 17\n") }
    if words.count == 2 { try await run(files.reversed() + [main], [Call("run")], "run() = 17\n") }
  }

  /// The name of one that is needed may be that of a member, which is linked then though nothing asks for what it defines.
  @Test func aMemberIsNeededByItsName() async throws {
    let user = try await Toolchain.shared.compiled(
      "user",
      """
      static int times; void count(void) { times++; } int other(void);
      __attribute__((export_name("run"))) int run(void) { return times * 10 + other(); }
      """, Toolchain.freestanding)
    let alone = try TemporaryFolder()
    for name in ["libneeding.so", "libx.a"] {
      try FileManager.default.copyItem(atPath: folder.file(name), toPath: alone.file(name))
    }
    for inputs in permutations([user, alone.file("libneeding.so"), alone.file("libx.a")]) {
      try await run(inputs, [Call("run")], "run() = 11\n")
    }
    // The file that would be found beside is the same.
    for inputs in permutations([main, folder.file("libneeding.so"), folder.file("libx.a")]) {
      try await run(inputs, [Call("run"), Call("more")], "run() = 17\nmore() = 1\n")
    }
  }

  /// Libraries of one name that differ, files or members of archives, in any order: nobody knows which is needed.
  @Test func isOneOfSeveral() async throws {
    let other = try await Toolchain.shared.assembled(
      "other.wasm", #"(module (@dylink.0 (mem-info)) (func (export "get") (result i32) (i32.const 1)))"#)
    let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
    try Data(contents(of: other)).write(to: URL(filePath: first.file("libcounted.so")))
    for name in ["libz.a", "libw.a"] {
      let archive = try await Toolchain.shared.archive(name, [first.file("libcounted.so")])
      try Data(contents(of: archive)).write(to: URL(filePath: first.file(name)))
    }
    // Alone, so that none is found beside it.
    try FileManager.default.copyItem(atPath: folder.file("libneeding.so"), toPath: second.file("libneeding.so"))
    let needing = second.file("libneeding.so")
    let x = (file: folder.file("libx.a"), name: "libx.a(libcounted.so)")
    let z = (file: first.file("libz.a"), name: "libz.a(libcounted.so)")
    let file = (file: folder.file("libcounted.so"), name: folder.file("libcounted.so"))
    let otherFile = (file: first.file("libcounted.so"), name: first.file("libcounted.so"))
    for pair in [[x, z], [file, z], [x, otherFile], [file, otherFile]] {
      for words in permutations([main, needing] + pair.map(\.file)) {
        refusedHere(
          ["--no-entry"] + words,
          mentions: ["libneeding.so needs libcounted.so, which may be any of"] + pair.map(\.name))
      }
    }
    // The same bytes twice are one.
    for words in permutations([main, needing, z.file, first.file("libw.a")]) {
      try await run(words, [Call("run")], "run() = 1\n")
    }
  }

  @Test func hasTheModuleNameThatAnyPlaceGivesIt() async throws {
    for words in permutations(["a=libcounted.so", "copy.so", "named.wasm"])
      + permutations(["a=libcounted.so", "libx.a", "named.wasm"])
      + permutations(["a=libx.a", "a=libcounted.so", "named.wasm"])
    {
      try await run([main] + words.map(word), [Call("run"), Call("named")], "run() = 17\nnamed() = 7\n")
    }
  }

  @Test(arguments: [
    ["a=libcounted.so", "b=copy.so"], ["a=libcounted.so", "b=libx.a"], ["libcounted.so", "a=libx.a"],
  ])
  func hasOneModuleName(_ words: [String]) {
    for inputs in [words, words.reversed()] {
      refusedHere(
        ["--no-entry", main] + inputs.map(word),
        mentions: [
          "one library has two module names", "libcounted.so", words[1].hasSuffix("libx.a") ? "libx.a(" : "copy.so",
        ])
    }
  }
}
