import Foundation
import Testing

/// Relocatable objects and archives link as wasm-ld links them.
@Suite struct ObjectTests {
  private static let names = ["main", "first", "second", "third"]

  private func objects(_ flags: [String] = ["-O1"], by compiler: Compiler = .debian19) async throws -> [String] {
    var objects: [String] = []
    for name in Self.names {
      objects.append(
        try await Toolchain.shared.object("objects/\(name).c", flags + ["-Wall", "-Wextra", "-Werror"], by: compiler))
    }
    return objects
  }

  /// wasi-libc in the order that gives `long double` in printf: an archive before another that has the same symbols.
  private func around(_ inputs: [String]) async throws -> [String] {
    [Toolchain.startup] + inputs
      + [Toolchain.libraries + "/libc-printscan-long-double.a", Toolchain.libc, try await Toolchain.shared.builtins()]
  }

  private func reference(_ inputs: [String], _ flags: [String] = []) async throws -> String {
    try await Toolchain.shared.wasmLink("reference.wasm", flags, around(inputs))
  }

  @Test(arguments: Variant.levels, Compiler.allCases)
  func objectsAndTheCLibrary(_ level: [String], _ compiler: Compiler) async throws {
    let inputs = try await objects(level, by: compiler)
    let result = try await linkApart(around(inputs))
    try await expectSameBehaviour(result.path, as: reference(inputs), ["one", "two"])
    #expect(result.module.imports.allSatisfy { $0.module == "wasi_snapshot_preview1" })
    #expect(result.module.export("_start") != nil)
  }

  @Test func theReferenceItselfIsRight() async throws {
    let run = try await runCommand(reference(objects()), ["one"])
    #expect(run.ending == .exit(3))
    #expect(run.output.hasPrefix("second, earliest\nfirst, early\nfirst, late\n"))
    #expect(run.output.hasSuffix("argument one\napple fig pear 2.718282\n7\nfirst, gone\n"))
  }

  @Test(arguments: [[], ["--thin"]]) func archives(_ options: [String]) async throws {
    let chain = Toolchain.shared
    let objects = try await objects()
    let unused = try await chain.object("objects/unused.c", ["-O1"])
    let members = Array(objects.dropFirst()) + [unused]
    let archive = try await chain.archive("libparts.a", members, options: options)
    let magic = String(decoding: try contents(of: archive).prefix(8), as: UTF8.self)
    #expect(magic == (options.isEmpty ? "!<arch>\n" : "!<thin>\n"))

    let result = try await linkApart(around([objects[0], archive]))
    try await expectSameBehaviour(result.path, as: reference([objects[0], archive]))
    #expect(!result.module.functionNames.contains("loud"), "the member that nothing needs was pulled")
    #expect(result.module.functionNames.contains("second"))
  }

  @Test(arguments: ["bsd", "gnu"]) func archivesOfEveryFormat(_ format: String) async throws {
    let objects = try await objects()
    let archive = try await Toolchain.shared.archive(
      "libparts.a", Array(objects.dropFirst()), options: ["--format=\(format)"])
    let result = try await linkApart(around([objects[0], archive]))
    try await expectSameBehaviour(result.path, as: reference(objects))
  }

  @Test(arguments: [[], ["--thin"]]) func anArchiveWithoutAnIndexStillHasItsMembers(_ options: [String]) async throws {
    let objects = try await objects()
    let archive = try await Toolchain.shared.archive(
      "libparts.a", Array(objects.dropFirst()), flags: "rcS", options: options)
    let result = try await linkApart(around([objects[0], archive]))
    try await expectSameBehaviour(result.path, as: reference(objects))
  }

  /// Members that will probably be needed are read ahead, by several threads; nobody may notice.
  @Test func aDamagedMemberMattersOnlyWhenItIsNeeded() async throws {
    let chain = Toolchain.shared
    let numbers = 0..<12
    let functions = numbers.map { "int f\($0)(void) { return \($0); }\n" }
    let calls = numbers.map { "  f\($0)();\n" }.joined()
    let declarations = numbers.map { "int f\($0)(void);\n" }.joined()
    let main = try await chain.compiled(
      "main", declarations + "void _start(void) {\n\(calls)}\n", Toolchain.freestanding)
    let own = try await chain.compiled("own", functions.joined(), Toolchain.freestanding)
    var members: [String] = []
    for number in numbers {
      members.append(try await chain.compiled("member\(number)", functions[number], Toolchain.freestanding))
    }
    var bytes = try contents(of: try await chain.archive("libdamaged.a", members))
    let name = Array("linking".utf8)
    for start in bytes.indices.dropLast(name.count) where bytes[start..<(start + name.count)].elementsEqual(name) {
      bytes[start + name.count] = 9  // The section's version.
    }
    let folder = try TemporaryFolder()
    let archive = try folder.write(bytes, to: "libdamaged.a")
    _ = try await link([main, own, archive], in: folder)
    let message = "unsupported version 9 of the linking section"
    let errors = try await linkFails([main, archive, "--threads=1"], mentions: [message], in: folder)
    #expect(errors.components(separatedBy: message).count == numbers.count + 1)
    #expect(try await linkFails([main, archive, "--threads=4"], mentions: [message], in: folder) == errors)
    let whole = ["--whole-archive", archive]
    let wholeErrors = try await linkFails([main] + whole + ["--threads=1"], mentions: [message], in: folder)
    #expect(try await linkFails([main] + whole + ["--threads=4"], mentions: [message], in: folder) == wholeErrors)
  }

  @Test func wholeArchive() async throws {
    let chain = Toolchain.shared
    let unused = try await chain.object("objects/unused.c", ["-O1"])
    let archive = try await chain.archive("libunused.a", [unused])
    let objects = try await objects()
    let inputs = objects + ["--whole-archive", archive, "--no-whole-archive"]
    let result = try await linkApart(around(inputs))
    let run = try await result.run()
    #expect(run.output.contains("an archive member too many\n"))
    #expect(run.ending == .exit(3))
  }

  @Test func objectsBetweenStartAndEndOfALibraryAreMembers() async throws {
    let objects = try await objects()
    let unused = try await Toolchain.shared.object("objects/unused.c", ["-O1"])
    let result = try await linkApart(
      around([objects[0], "--start-lib"] + objects.dropFirst() + [unused, "--end-lib"]))
    try await expectSameBehaviour(result.path, as: reference(objects))
    #expect(!result.module.functionNames.contains("loud"))
  }

  @Test func responseFile() async throws {
    let folder = try TemporaryFolder()
    let arguments = try await around(objects())
    let quoted = arguments.map { "'\($0)'" }.joined(separator: "\n")
    let response = try folder.write(quoted, to: "inputs.rsp")
    let result = try await linkApart(["@" + response])
    try await expectSameBehaviour(result.path, as: reference(objects()))
  }

  @Test func responseFilesNestAndQuote() async throws {
    let folder = try TemporaryFolder()
    let arguments = try await around(objects())
    try folder.write(contents(of: arguments[1]), to: "main with spaces.o")
    try folder.write("\"\(folder.file("main with spaces.o"))\"  \n --export=fir\\st", to: "inner.rsp")
    let inner = folder.file("inner.rsp")
    let rest = arguments[2...].map { $0 + "\n" }.joined()
    let outer = try folder.write("\(arguments[0]) @\(inner)\n\(rest)", to: "outer.rsp")
    let result = try await linkApart(["@\(outer)"])
    #expect(result.module.export("first") != nil)
    try await expectSameBehaviour(result.path, as: reference(objects()))
  }

  @Test func librariesByName() async throws {
    let chain = Toolchain.shared
    let objects = try await objects()
    let archive = try await chain.archive("libparts.a", Array(objects.dropFirst()))
    let folder = try TemporaryFolder()
    try folder.write(contents(of: archive), to: "libparts.a")
    let builtins = try await chain.builtins()
    for search in [["-L", folder.path], ["-L" + folder.path], ["--library-path=" + folder.path]] {
      for library in [["-lparts"], ["-l", "parts"], ["--library=parts"], ["-l:libparts.a"]] {
        let result = try await linkApart(
          [Toolchain.startup, objects[0]] + search + library
            + ["-L" + Toolchain.libraries, "-lc-printscan-long-double", "-lc", builtins])
        try await expectSameBehaviour(result.path, as: reference(objects))
      }
    }
  }

  /// In one folder `libNAME.a` comes before `libNAME.so`, until `-Bdynamic` turns the order.
  @Test func staticAndDynamicSearch() async throws {
    let chain = Toolchain.shared
    let folder = try TemporaryFolder()
    let object = try await chain.compiled(
      "main", "int which(void); int main(void) { return which(); }", Toolchain.wasi)
    let archive = try await chain.archive(
      "libwhich.a", [chain.compiled("static", "int which(void) { return 1; }", Toolchain.wasi)])
    let library = try await chain.sharedLibrary(
      "libwhich.so", [chain.compiled("dynamic", "int which(void) { return 2; }", Toolchain.wasi + libraryFlags)])
    try folder.write(contents(of: archive), to: "libwhich.a")
    try folder.write(contents(of: library), to: "libwhich.so")
    let cases: [([String], Int32)] = [
      (["-lwhich"], 1), (["-Bdynamic", "-lwhich"], 2), (["-Bdynamic", "-Bstatic", "-lwhich"], 1),
    ]
    for (options, expected) in cases {
      let result = try await linkApart(SharedProgram.command([object, "-L" + folder.path] + options))
      let run = try await result.run()
      #expect(run.ending == .exit(expected), "\(options)")
    }
    try FileManager.default.removeItem(atPath: folder.file("libwhich.a"))
    let result = try await linkApart(SharedProgram.command([object, "-L" + folder.path, "-lwhich"]))
    let run = try await result.run()
    #expect(run.ending == .exit(2), "the shared library is found when there is no archive")
  }

  @Test func undefinedSymbolsNameTheirObject() async throws {
    let objects = try await objects()
    try await linkFails(around([objects[0]]), mentions: ["main.o", "undefined symbol", "first_part"])
  }

  @Test func duplicateSymbolsNameBothObjects() async throws {
    let one = try await Toolchain.shared.compiled(
      "one", "int twin(void) { return 1; } int main(void) { return twin(); }", Toolchain.wasi)
    let other = try await Toolchain.shared.compiled("other", "int twin(void) { return 2; }", Toolchain.wasi)
    try await linkFails(
      SharedProgram.command([one, other]), mentions: ["duplicate symbol: twin", "one.o", "other.o"])
  }
}
