import Foundation
import SolderLinker
import Testing

/// Rules in which random command lines differed from `wasm-ld`, each on its own.
@Suite struct WasmLdRuleTests {
  private static func object(_ change: (inout ModuleBuilder) -> Void) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    change(&object)
    return object
  }

  private static let nothing = object { $0.function("run", [], [.i32], flags: .exported, [.i32Const(7)]) }

  /// Nothing can stand for a global or a table that is missing, whatever is allowed to be.
  @Test(arguments: ["ignore-all", "warn"]) func indispensable(_ policy: String) throws {
    let option = policy == "warn" ? "--warn-unresolved-symbols" : "--unresolved-symbols=\(policy)"
    let object = Self.object { object in
      let global = object.undefinedGlobal("some_global", .i32)
      object.function("run", [], [.i32], flags: .exported, [.globalGet(global)])
    }
    try refused(
      ["main.o": object], "--no-entry", option,
      mentions: ["undefined symbol: some_global", "a global has to be defined"])
  }

  /// A missing function that is pointed to and called is a trap.
  @Test func missingFunctionTraps() async throws {
    let object = Self.object { object in
      let missing = object.undefinedFunction("nowhere", [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.slot(missing)])
      object.function("call", [], [.i32], flags: .exported, [.call(missing)])
    }
    let result = try await linked(["main.o": object], "--no-entry", "--unresolved-symbols=ignore-all")
    let transcript = try await result.call("call")
    #expect(transcript.contains("unreachable"), "\(transcript)")
  }

  @Test func runtimePathsAreRecorded() async throws {
    let result = try await linked(
      ["main.o": Self.nothing], "--no-entry", "-shared", "--experimental-pic", "--rpath=$ORIGIN", "--rpath=/lib")
    let section = try #require(result.module.customSections.first { $0.name == "dylink.0" })
    // Subsection 5: its size, two names with their lengths.
    let paths = [5, 14, 2, 7] + Array("$ORIGIN".utf8) + [4] + Array("/lib".utf8)
    #expect(result.bytes[section.contents].suffix(paths.count) == paths[...])
  }

  /// Of an option with one value only the last argument counts, also where an earlier one is wrong.
  @Test(arguments: [
    ("--max-memory=many", "--max-memory=1048576"), ("--unresolved-symbols=wrong", "--unresolved-symbols=ignore-all"),
    ("-melf", "-mwasm32"), ("--build-id=0xzz", "--build-id=none"), ("--threads=0", "--threads=1"),
    ("--build-id=0xzz", "--build-id"), ("--color-diagnostics=maybe", "--no-color-diagnostics"),
  ]) func lastValueCounts(_ wrong: String, _ right: String) async throws {
    _ = try await linked(["main.o": Self.nothing], "--no-entry", wrong, right)
    #expect(try LinkInProcess(["main.o": Self.nothing], ["--no-entry", right, wrong]).bytes == nil)
  }

  /// What is too large is compared with other limits all the same, and what wraps around is small.
  @Test(arguments: [
    (["--initial-memory=-1", "--max-memory=65536"], ["initial memory must be", "initial memory too large"]),
    (
      ["--initial-memory=99999999999", "--max-memory=65536"],
      ["initial memory must be", "initial memory too large", "maximum memory too small, 100000006144 bytes"]
    ),
    (["--initial-heap=-65536", "--initial-memory=131072"], ["initial heap too large"]),
  ]) func memoriesThatAreTooLarge(_ options: [String], _ errors: [String]) throws {
    let link = try LinkInProcess(["main.o": Self.nothing], ["--no-entry"] + options)
    #expect(link.errors.count == errors.count, "\(link.errors)")
    for (text, error) in zip(link.errors, errors) { #expect(text.contains(error)) }
  }

  @Test func archivesAndTheLinkerAreTraced() async throws {
    let caller = Self.object { object in
      let callee = object.undefinedFunction("callee", [], [.i32], flags: .weak)
      object.function("run", [], [.i32], flags: .exported, [.call(callee)])
    }
    let member = Self.object { $0.function("callee", [], [.i32], [.i32Const(1)]) }
    var archive = ArchiveBuilder()
    archive.add("member.o", member)
    let run = try LinkInProcess(
      ["main.o": caller, "lib.a": archive],
      ["--no-entry", "-ycallee", "-y__wasm_call_ctors"], program: "wasm-ld")
    let notes = run.notes.joined(separator: "\n")
    #expect(notes.contains("lib.a(member.o): lazy definition of callee"), "\(notes)")
    #expect(notes.contains("<internal>: definition of undefined_weak:callee"), "\(notes)")
    #expect(notes.contains("<internal>: definition of __wasm_call_ctors"), "\(notes)")
  }

  /// What a library provides that the result is to be loaded with comes before what a member of an archive would define, in
  /// both orders, unless that was asked for already; and it is traced.
  @Test(arguments: ["-shared", "-pie"]) func aLibraryProvidesWhatAnArchiveWouldDefine(_ mode: String) async throws {
    let caller = Self.object { object in
      let callee = object.undefinedFunction("callee", [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.call(callee)])
    }
    var archive = ArchiveBuilder()
    archive.add("member.o", Self.object { $0.function("callee", [], [.i32], [.i32Const(1)]) })
    var library = ModuleBuilder()
    library.dylink = Dylink()
    library.function([], [.i32], export: "callee", [.i32Const(2)])
    let (main, member, shared): (any InputContents, any InputContents, any InputContents) = (caller, archive, library)
    for (files, isProvided) in [
      (["lib.a": member, "lib.so": shared, "main.o": main], true),
      (["lib.so": shared, "lib.a": member, "main.o": main], true),
      (["main.o": main, "lib.so": shared, "lib.a": member], true),
      (["main.o": main, "lib.a": member, "lib.so": shared], false),
    ] as [(KeyValuePairs<String, any InputContents>, Bool)] {
      let run = try LinkInProcess(files, ["--no-entry", mode, "--experimental-pic", "-ycallee"], program: "wasm-ld")
      let module = try ModuleDescription(try #require(run.bytes, "\(run.errors)"))
      #expect(module.imports.contains { $0.name == "callee" } == isProvided)
      #expect(run.notes.contains { $0.hasSuffix("lib.so: definition of callee") } == isProvided, "\(run.notes)")
    }
  }

  /// A name that only a needed library has may be asked to be exported, and is not.
  @Test(arguments: ["callee", "datum"]) func exportOfWhatALibraryProvides(_ name: String) async throws {
    let caller = Self.object { object in
      let callee = object.undefinedFunction("callee", [], [.i32])
      object.function("run", [], [.i32], flags: .exported, [.call(callee)])
    }
    var library = ModuleBuilder()
    library.dylink = Dylink()
    library.function([], [.i32], export: "callee", [.i32Const(2)])
    library.global(.i32, [.i32Const(0)], export: "datum")
    func link(_ options: String...) throws -> LinkInProcess {
      try LinkInProcess(
        ["lib.so": library, "main.o": caller], ["--no-entry", "-shared", "--experimental-pic"] + options,
        program: "wasm-ld")
    }
    let (run, plain) = (try link("--export=\(name)"), try link())
    #expect(run.bytes != nil && run.bytes == plain.bytes, "\(run.errors)")
    #expect(try link("--export=nowhere").errors == ["symbol exported via --export not found: nowhere"])
  }

  /// An object that is linked when needed runs its constructors only if something of it is used; for LLVM 19 one that the
  /// command line names always does.
  @Test(arguments: [Compatibility.llvm19, .llvm21, .llvm22]) func constructorsOfLazyObjects(
    _ release: Compatibility
  ) throws {
    let member = Self.object { object in
      object.function("wanted", [], [], [])
      object.constructor(object.function("construct", [], [], [.i32Const(0), .drop]))
    }
    var archive = ArchiveBuilder()
    archive.add("lazy.o", member)
    func keepsConstructor(_ contents: any InputContents, _ words: String...) throws -> Bool {
      let options = ["-u", "wanted", "--no-entry", "--compat=\(release.rawValue)"]
      let run = try LinkInProcess(["lazy": contents], words + options, program: "wasm-ld")
      return try ModuleDescription(try #require(run.bytes, "\(run.errors)")).functionNames.contains("construct")
    }
    #expect(try keepsConstructor(member, "lazy"))
    #expect(try keepsConstructor(member, "--start-lib", "lazy", "--end-lib") == (release == .llvm19))
    #expect(try !keepsConstructor(archive, "lazy"))
  }

  /// Members are explained by the names of references, also where one of two signatures has to give way.
  @Test func explanationsUseTheNamesOfReferences() throws {
    let caller = Self.object { object in
      let callee = object.undefinedFunction("callee", [.i32], [])
      object.function("run", [], [], flags: .exported, [.i32Const(1), .call(callee)])
    }
    var archive = ArchiveBuilder()
    archive.add("member.o", Self.object { $0.function("callee", [], [.i32], [.i32Const(1)]) })
    let run = try LinkInProcess(
      ["main.o": caller, "lib.a": archive], ["--no-entry", "--why-extract=-"], program: "wasm-ld")
    #expect(run.notes.contains { $0.contains("lib.a(member.o)\tcallee") }, "\(run.notes)")
  }

  /// Data that a member offers to a weak reference is not there, and is not imported either.
  @Test func whatIsOfferedIsNotImported() async throws {
    let object = Self.object { object in
      let data = object.undefinedData("offered", flags: .weak)
      object.function("address", [], [.i32], flags: .exported, [.address(data)])
    }
    var archive = ArchiveBuilder()
    archive.add("member.o", Self.object { _ = $0.data("offered", [1]) })
    let options = ["--no-entry", "--unresolved-symbols=import-dynamic"]
    let run = try LinkInProcess(["main.o": object, "lib.a": archive], options, program: "wasm-ld")
    #expect(run.errors.isEmpty)
    let alone = try LinkInProcess(["main.o": object], options, program: "wasm-ld")
    #expect(alone.errors.contains { $0.contains("recompile with -fPIC") }, "\(alone.errors)")
  }

  /// Who wraps `__wasm_call_ctors` calls it: exports get no wrappers.
  @Test func constructorsThatAreWrapped() async throws {
    let object = Self.object { object in
      let constructor = object.function("construct", [], [], [])
      object.constructor(constructor)
      object.function("run", [], [.i32], flags: .exported, [.i32Const(7)])
    }
    func functions(_ options: String...) throws -> Int {
      let run = try LinkInProcess(["main.o": object], ["--no-entry"] + options, program: "wasm-ld")
      return try ModuleDescription(try #require(run.bytes, "\(run.errors)")).definedFunctionCount
    }
    #expect(try functions() == functions("--wrap=__wasm_call_ctors") + 1)
  }

  /// Exports get wrappers beside constructors, and so does what relocates data of a program that imports addresses.
  @Test(arguments: [Compatibility.llvm19, .llvm21, .llvm22])
  func dataRelocationsAreWrapped(_ release: Compatibility) async throws {
    func functions(_ constructs: Bool, _ relocates: Bool) throws -> [String: Int] {
      let object = Self.object { object in
        let data = object.undefinedData("elsewhere", flags: .weak)
        let pointer = object.data(
          "pointer", [0, 0, 0, 0], relocations: relocates ? [DataRelocation(.memoryAddressI32, at: 0, data)] : [])
        let constructor = object.function("construct", [], [], [])
        if constructs { object.constructor(constructor) }
        object.function("run", [], [.i32], flags: .exported, [.address(pointer), .i32Load()])
      }
      let run = try LinkInProcess(
        ["main.o": object],
        ["--no-entry", "--unresolved-symbols=import-dynamic", "--compat=\(release.rawValue)"], program: "wasm-ld")
      let module = try ModuleDescription(try #require(run.bytes, "\(run.errors)"))
      return Dictionary(
        uniqueKeysWithValues: module.exports.filter { $0.kind == .function }.map { ($0.name, Int($0.index)) })
    }
    // Behind the constructors' caller come the linker's own functions, the object's, and wrappers in the order of names.
    let relocate = "__wasm_apply_data_relocs"
    let first = release == .llvm19
    #expect(try functions(true, true) == (first ? [relocate: 4, "run": 5] : ["run": 4, relocate: 5]))
    #expect(try functions(false, true) == [relocate: 0, "run": 1])
    #expect(try functions(true, false) == (first ? [relocate: 4, "run": 5] : ["run": 3]))
  }

  /// What a file of names allows to be missing has address 0, or is imported.
  @Test func dataThatIsAllowedToBeMissing() async throws {
    let folder = try TemporaryFolder()
    let names = folder.file("names")
    try "elsewhere\n".write(toFile: names, atomically: true, encoding: .utf8)
    let object = Self.object { object in
      let data = object.undefinedData("elsewhere")
      object.function("run", [], [.i32], flags: .exported, [.address(data)])
    }
    var library = ModuleBuilder(dylink: Dylink())
    let place = library.importGlobal("GOT.mem", "elsewhere", .i32, isMutable: true)
    library.function([], [.i32], export: "run", [.globalGet(place)])
    for (name, file) in [("main.o", object), ("main.so", library)] {
      let result = try await linked([name: file], "--no-entry", "--export=run", "--allow-undefined-file=\(names)")
      #expect(try await result.call("run") == "0")
      try refused([name: file], "--no-entry", "--export=run", mentions: ["undefined symbol: elsewhere"])
    }
  }

  /// That all symbols are exported is no reason to leave out one that asks for it.
  @Test func everythingAndAName() throws {
    let object = Self.object { object in
      object.function("run", [], [.i32], flags: .exported, exportName: "wanted", [.i32Const(7)])
      object.function("other", [], [.i32], [.i32Const(8)])
    }
    for all in [[], ["--export-all"]] {
      let run = try LinkInProcess(["main.o": object], ["--no-entry", "--export-memory=wanted"] + all)
      #expect(run.errors.count == 1 && run.errors[0].contains("'wanted'"), "\(run.errors)")
    }
    #expect(
      try LinkInProcess(["main.o": object], ["--no-entry", "--export-memory=other", "--export-all"]).errors == [])
  }

  /// The table of functions is exported by its name like anything else.
  @Test(arguments: ["--export", "--export-if-defined"]) func theTableByName(_ option: String) throws {
    let object = Self.object { object in
      let callee = object.function("callee", [], [.i32], [.i32Const(7)])
      object.function("run", [], [.i32], flags: .exported, [.slot(callee)])
    }
    func exports(_ words: [String]) throws -> [String] {
      let run = try LinkInProcess(["main.o": object], ["--no-entry"] + words, program: "wasm-ld")
      return try ModuleDescription(try #require(run.bytes, "\(run.errors)")).exports.map(\.name)
    }
    #expect(try exports(["\(option)=__indirect_function_table"]).contains("__indirect_function_table"))
    #expect(try !exports([]).contains("__indirect_function_table"))
  }

  /// Traces are of names as files have them.
  @Test func tracedNamesAreNotDemangled() throws {
    let object = Self.object { _ = $0.data("_ZN1N1dE", [1]) }
    let run = try LinkInProcess(["main.o": object], ["--no-entry", "-y_ZN1N1dE"], program: "wasm-ld")
    #expect(run.notes.contains { $0.hasSuffix("main.o: definition of _ZN1N1dE") }, "\(run.notes)")
  }

  /// A shared memory has a maximum, whatever else is asked for.
  @Test(arguments: [["-shared", "--experimental-pic"], ["--global-base=0", "--stack-first", "-zstack-size=0"]])
  func sharedMemoryHasAMaximum(_ options: [String]) throws {
    var object = Self.nothing
    object.targetFeatures(["+atomics", "+bulk-memory"])
    let run = try LinkInProcess(
      ["main.o": object], ["--no-entry", "--shared-memory", "--no-growable-memory"] + options, program: "wasm-ld")
    let module = try ModuleDescription(try #require(run.bytes, "\(run.errors)"))
    let memory = try #require(module.memories.first ?? module.imports.first { $0.kind == .memory }?.limits)
    #expect(memory.isShared && memory.minimum == 0 && memory.maximum == (options.count == 2 ? 65536 : 0))
  }

  /// The end of the data is the size of a memory whose pages are bytes; it is aligned for a heap that somebody asks for.
  @Test func memoryWithoutAHeap() async throws {
    func size(_ asksForHeap: Bool) async throws -> UInt64 {
      let object = Self.object { object in
        _ = object.data("bytes", [1, 2, 3], flags: .exported)
        if asksForHeap {
          let heap = object.undefinedData("__heap_base")
          object.function("heap", [], [.i32], flags: .exported, [.address(heap)])
        }
      }
      let result = try await linked(["main.o": object], "--no-entry", "--page-size=1")
      return try #require(result.module.memories.first).minimum
    }
    #expect(try await size(false) % 16 == 3)
    #expect(try await size(true) % 16 == 0)
  }
}
