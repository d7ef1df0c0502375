import Testing

/// What an error says beside the name of a symbol that nobody defines: who refers to it, and what may be meant.
@Suite struct SymbolHintTests {
  /// An object whose functions call `name`, each from one of its own, and that is given what else it defines.
  private func caller(_ name: String, _ count: Int = 1, _ change: (inout ModuleBuilder) -> Void = { _ in })
    -> ModuleBuilder
  {
    var object = ModuleBuilder(object: true)
    let missing = object.undefinedFunction(name, [], [.i32])
    for number in 0..<count {
      object.function("run\(number == 0 ? "" : "\(number)")", [], [.i32], [.call(missing)])
    }
    change(&object)
    return object
  }

  private func definer(_ name: String, isLocal: Bool = false) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    object.function(name, [], [.i32], flags: isLocal ? .local : [], [.i32Const(1)])
    return object
  }

  private func errors(_ files: KeyValuePairs<String, any InputContents>, _ words: [String] = []) throws -> String {
    let run = try LinkInProcess(files, ["--no-entry", "--export-all", "--no-gc-sections"] + words)
    #expect(run.bytes == nil)
    return run.errors.joined(separator: "\n")
  }

  private func errors(_ missing: String, _ defined: String) throws -> String {
    let text = try errors(["main.o": caller(missing), "lib.o": definer(defined)])
    // The same of a member that nobody needs, and in the other order.
    var archive = ArchiveBuilder()
    archive.add("lib.o", definer(defined))
    let archived = try errors(["main.o": caller(missing), "lib.a": archive])
    #expect(archived.contains("an archive") == text.contains("lib.o"))
    #expect(try errors(["lib.o": definer(defined), "main.o": caller(missing)]).count == text.count)
    return text
  }

  @Test func referrersOnce() throws {
    let two = try errors(["main.o": caller("absent", 2)])
    #expect(two.ranges(of: "undefined symbol: absent").count == 1)
    #expect(two.contains("main.o:(run)") && two.contains("main.o:(run1)") && !two.contains("more"))
    let many = try errors(["main.o": caller("absent", 6)])
    #expect(many.contains("referenced 3 more times"))
    #expect(try errors(["main.o": caller("absent", 4)]).hasSuffix("referenced 1 more time"))
  }

  @Test func otherLanguage() throws {
    #expect(try errors("add", "_Z3addii").contains(#"did you mean: add(int, int) of"#))
    #expect(try errors("add", "_Z3addii").contains(#"extern "C""#))
    #expect(try errors("_Z3addii", "add").contains("which has C linkage"))
    #expect(try errors("_Z3addii", "_Z3addil").contains("did you mean: add(int, long) of"))
    #expect(try errors("_ZN1a3addEi", "_ZN1b3addEi").contains("did you mean: b::add(int) of"))
    #expect(try errors("add", "_ZN5crate3add17h0123456789abcdefE").contains("#[no_mangle]"))
    #expect(try errors("add", "_RNvCs1234_7mycrate3add").contains("#[no_mangle]"))
  }

  @Test func nearlyRight() throws {
    for (missing, defined) in [
      ("conter", "counter"), ("Counter", "counter"), ("_start_game", "start_game"), ("start_game__", "start_game"),
      ("conuter", "counter"), ("oCunter", "counter"),
    ] {
      #expect(try errors(missing, defined).contains("did you mean: \(defined) of"), "\(missing)")
    }
    #expect(try !errors("something", "else").contains("did you mean"))
    #expect(try !errors("cuotner", "counter").contains("did you mean"))
  }

  /// Nobody means itself, or a destructor by a constructor.
  @Test func neverMeant() throws {
    let itself = try errors(["main.o": caller("rum")])
    #expect(!itself.contains("did you mean"))
    for (missing, defined) in [
      ("_ZN5ShapeD2Ev", "_ZN5ShapeC2Ev"), ("_ZN5ShapeC1Ev", "_ZN5ShapeC2Ev"), ("_ZTV5Shape", "_ZN5ShapeC2Ev"),
    ] {
      #expect(try !errors(missing, defined).contains("did you mean"), "\(missing)")
    }
    for name in ["_ZTV5Shape", "_ZTI5Shape"] {
      #expect(try errors(["main.o": caller(name)]).contains("the first virtual function of Shape"))
    }
  }

  @Test func outOfReach() throws {
    let local = try errors(["main.o": caller("helper"), "lib.o": definer("helper", isLocal: true)])
    #expect(local.contains("lib.o defines helper, but it is static there"))
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    library.function([], [.i32], name: "helper", [.i32Const(1)])
    let hidden = try errors(["main.o": caller("helper"), "libx.so": library])
    #expect(
      hidden.contains("libx.so defines helper, but it is not exported") && hidden.contains("-fvisibility=default"))
  }

  @Test(arguments: [
    ("printf", "add -lc"), ("_ZNSt3__112basic_stringE", "add -lc++"), ("__cxa_throw", "add -lc++abi"),
    ("sin", "add -lc"), ("_ZdlPvm", "add -lc++abi"), ("_ZTIi", "add -lc++abi"), ("__wasm_lpad_context", "add -lunwind"),
    ("setjmp", "add -lsetjmp"), ("dlopen", "pass --dl-openable=LIBRARY"), ("main", "no input has a function main"),
    ("__rust_alloc", "--crate-type=staticlib"), ("mmap", "add -lwasi-emulated-mman"),
    ("__muloti4", "libclang_rt.builtins.a"),
    ("__multi3", "libclang_rt.builtins.a"), ("_Unwind_RaiseException", "add -lunwind"),
  ]) func libraries(_ name: String, _ hint: String) throws {
    #expect(try errors(["main.o": caller(name)]).contains(hint))
  }

  /// What the C library has is meant before anything that is only called like it.
  @Test func libraryBeforeLikeness() throws {
    let text = try errors(["main.o": caller("abort"), "lib.o": definer("_ZN3std7process5abort17h0123456789abcdefE")])
    #expect(text.contains("add -lc") && !text.contains("did you mean"))
    let shared = try LinkInProcess(
      ["main.o": caller("malloc")], ["-shared", "--experimental-pic", "--no-entry", "--export-all"])
    #expect(shared.errors.joined().contains("--unresolved-symbols=import-dynamic"))
  }

  /// Under the name of `wasm-ld` its words stay, and hints come behind.
  @Test func likeWasmLD() throws {
    let run = try LinkInProcess(
      ["main.o": caller("add", 2), "lib.o": definer("_Z3addii")], ["--no-entry", "--export-all", "--no-gc-sections"],
      program: "wasm-ld")
    #expect(run.errors.count == 2)
    #expect(run.errors.allSatisfy { $0.hasSuffix("main.o: undefined symbol: add") })
    #expect(run.notes.count { $0.hasPrefix("note: undefined symbol add: did you mean: add(int, int)") } == 1)
  }

  @Test func swiftNames() throws {
    #expect(
      try errors(["main.o": caller("$s4main3addyS2i_SitF")]).contains(
        "undefined symbol: main.add(Swift.Int, Swift.Int) -> Swift.Int"))
  }

  // MARK: Lines

  /// The line of the call, where the compiler said so, whichever version of debug information it writes.
  @Test(arguments: ["-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5"]) func sourceLines(_ version: String)
    async throws
  {
    let source =
      "int absent(void);\n\nint twice(int x) { return 2 * x; }\nint run(int x) {\n  x += 1;\n  return absent() + x;\n}\n"
    let object = try await Toolchain.shared.compiled(
      "lines\(version)", source, Toolchain.freestanding + ["-O0", version])
    let run = LinkInProcess(arguments: [object, "--no-entry", "--export-all", "-o", "out.wasm"])
    #expect(run.errors.count == 1)
    #expect(run.errors[0].contains(#/:\(run\) at \S*\.c:6$/#), "\(run.errors)")
  }

  @Test func duplicates() throws {
    let definition = definer("run")
    func text(_ files: KeyValuePairs<String, any InputContents>, _ words: [String], _ program: String = "solder") throws
      -> LinkInProcess
    {
      try LinkInProcess(files, words, program: program)
    }
    let twice = try text(["a.o": definition], ["a.o", "a.o", "--no-entry"])
    #expect(twice.errors[0].hasSuffix("a.o is given twice"))
    let other = try text(["a.o": definition, "b.o": definition], ["--no-entry"])
    #expect(other.errors[0].hasSuffix("b.o"))
    // wasm-ld's text stays, and the hint is a line of its own.
    let voice = try text(["a.o": definition], ["a.o", "a.o", "--no-entry"], "wasm-ld")
    #expect(voice.errors[0].hasSuffix("a.o") && voice.notes.joined().contains("given twice"))
  }

  @Test func missingLibraries() throws {
    let object = definer("run")
    let nowhere = try LinkInProcess(["a.o": object], ["a.o", "--no-entry", "-lx", "-L", "/p", "-L/q"])
    #expect(nowhere.errors == ["unable to find library -lx\n>>> looked for libx.a and libx.so in /p, /q"])
    let exact = try LinkInProcess(["a.o": object], ["a.o", "--no-entry", "-l:x.o", "-L/p", "-Bstatic"])
    #expect(exact.errors == ["unable to find library -l:x.o\n>>> looked for x.o in /p"])
    let voice = try LinkInProcess(["a.o": object], ["a.o", "--no-entry", "-lx"], program: "wasm-ld")
    #expect(voice.errors == ["unable to find library -lx"] && voice.notes.joined().contains("pass -L FOLDER"))
  }

  /// What a whole module wants and nobody has is the host's, and is told of only where an input has what may be meant.
  @Test(
    arguments: [
      ("conter", "counter", false, "did you mean: counter of"), ("add", "_Z3addii", false, #"extern "C""#),
      ("helper", "helper", true, "is not exported"), ("log", "exp", false, nil), ("log", "log", false, nil),
    ] as [(String, String, Bool, String?)], [false, true])
  func whatIsLeftToTheHost(_ sample: (wanted: String, defined: String, isHidden: Bool, hint: String?), _ reversed: Bool)
    async throws
  {
    var module = ModuleBuilder()
    let wanted = module.importFunction("env", sample.wanted, [], [.i32])
    module.function([], [.i32], export: "run", [.call(wanted)])
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    library.function(
      [], [.i32], export: sample.isHidden ? nil : sample.defined, name: sample.defined, [.i32Const(1)])
    let inputs = try InputSet([("app.wasm", module), ("libx.so", library)])
    let order = reversed ? ["libx.so", "app.wasm"] : ["app.wasm", "libx.so"]
    let text = inputs.link(order).warnings.joined(separator: "\n")
    if let hint = sample.hint {
      #expect(
        text.contains("app.wasm: import left to the host: env.\(sample.wanted) (function)") && text.contains(hint))
    } else {
      #expect(text.isEmpty, "\(text)")
    }
    #expect(inputs.link(order + ["--host-module=env"]).warnings.isEmpty)
  }

  /// What others use by its right name is not what is meant.
  @Test func whatOthersUseIsNotMeant() async throws {
    var module = ModuleBuilder()
    for name in ["level1", "level2"] { module.importFunction("env", name, []) }
    var library = ModuleBuilder(dylink: Dylink(memorySize: 0, memoryAlignment: 0))
    _ = library.importMemoryAndBases()
    library.function(export: "level1", [])
    #expect(try LinkInProcess(["app.wasm": module, "libx.so": library], []).warnings == [])
  }
}
