import Foundation
import Testing

/// Files in a folder, to be linked in this process in any order.
struct InputSet {
  private let folder: TemporaryFolder
  let names: [String]

  init(_ files: [(name: String, contents: any InputContents)]) throws {
    folder = try TemporaryFolder()
    for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
    names = files.map(\.name)
  }

  func link(_ words: [String]) -> LinkInProcess { LinkInProcess(names, words, in: folder.path) }

  /// Links, which has to succeed with a valid result, and calls exports; the transcript without its first line.
  func transcript(_ words: [String], _ calls: [Call], warns: Bool = false) async throws -> String {
    let run = link(words)
    guard let bytes = run.bytes else { throw ToolFailure("\(run.words): \(run.errors.joined(separator: "\n"))") }
    #expect(run.warnings.isEmpty != warns, "\(run.words): \(run.warnings)")
    try await WebAssemblyHost.shared.validate(bytes)
    return try await WebAssemblyHost.shared.invoke(bytes, calls).split(separator: "\n").dropFirst()
      .joined(separator: "\n")
  }

  /// Links, which has to fail, and expects all of `mentions` in the messages.
  func refuse(_ words: [String], _ mentions: [String]) {
    let run = link(words)
    let errors = run.errors.joined(separator: "\n")
    #expect(run.bytes == nil, "it links: \(run.words)")
    for text in mentions { #expect(errors.contains(text), "no \"\(text)\" in: \(errors), \(run.words)") }
  }
}

/// All orders of some things.
func permutations<Element>(_ all: [Element]) -> [[Element]] {
  guard all.count > 1 else { return [all] }
  return all.indices.flatMap { index in
    var rest = all
    let first = rest.remove(at: index)
    return permutations(rest).map { [first] + $0 }
  }
}

/// A name is followed to its end, through any number of units and in any order.
@Suite struct NameBindingTests {
  /// Defines a function, a global, a table and a tag.
  private static var bottom: ModuleBuilder {
    var module = ModuleBuilder()
    module.function([], [.i32], export: "nine", [.i32Const(9)])
    module.global(.i32, [.i32Const(4)], export: "four")
    module.table(.funcref, Limits(3), export: "shelf")
    module.tag([.i32], export: "thrown")
    return module
  }

  /// Exports them again under other names.
  private static func middle(_ module: String, names: [String] = ["nine", "four", "shelf", "thrown"], _ suffix: String)
    -> ModuleBuilder
  {
    var middle = ModuleBuilder()
    middle.export("f" + suffix, .function, middle.importFunction(module, names[0], [], [.i32]))
    middle.export("g" + suffix, .global, middle.importGlobal(module, names[1], .i32))
    middle.export("t" + suffix, .table, middle.importTable(module, names[2], .funcref, Limits(1)))
    middle.export("e" + suffix, .tag, middle.importTag(module, names[3], [.i32]))
    return middle
  }

  /// Uses them in code, in an element segment, in an initialiser, and as its start function's.
  private static func top(_ module: String) -> ModuleBuilder {
    var top = ModuleBuilder()
    let other = top.importFunction(module, "f2", [], [.i32])
    let four = top.importGlobal(module, "g2", .i32)
    let table = top.importTable(module, "t2", .funcref, Limits(1))
    let tag = top.importTag(module, "e2", [.i32])
    let stray = top.function([.i64], [], [])
    let copy = top.global(.i32, [.globalGet(four)])
    let state = top.global(.i32, isMutable: true, [.i32Const(0)])
    let type = top.type([], [.i32])
    top.element(.active([.i32Const(2)], memory: table), functions: [other])
    top.start = top.function([], [], [.call(other), .globalSet(state)])
    top.function([], [], export: "stray", [.i64Const(1), .call(stray)])
    top.function(
      [], [.i32], export: "run",
      [
        .call(other), .globalGet(copy), .i32Add, .globalGet(state), .i32Add, .i32Const(2),
        .callIndirect(type: type, table: table), .i32Add,
      ])
    top.function([], [.i32], export: "size", [.tableSize(table)])
    top.function(
      [], [.i32], export: "caught",
      [
        .block(.i32), .tryTable(nil, [.bytes([1, 0]), .index(tag), .bytes([0])]), .i32Const(5), .throw(tag), .end,
        .i32Const(0), .end,
      ])
    return top
  }

  private static let calls = [Call("run"), Call("stray"), Call("size"), Call("caught")]
  private static let results = "run() = 31\nstray() = None\nsize() = 3\ncaught() = 5"

  @Test func reexportsOfModulesInEveryOrder() async throws {
    let inputs = try InputSet([
      ("bottom.wasm", Self.bottom), ("middle.wasm", Self.middle("bottom", "1")),
      ("upper.wasm", Self.middle("middle", names: ["f1", "g1", "t1", "e1"], "2")),
      ("top.wasm", Self.top("upper")),
    ])
    for order in permutations(["bottom", "middle", "upper", "top"]) {
      let words = order.map { "\($0)=\($0).wasm" }
      let transcript = try await inputs.transcript(words, Self.calls)
      #expect(transcript == Self.results, "\(order)")
      #expect(try ModuleDescription(inputs.link(words).bytes ?? []).imports.isEmpty, "\(order)")
    }
  }

  /// The end of the chain is an object, a member of an archive, a library, another plain module, or the host.
  @Test(arguments: ["object", "member", "library", "module", "host"], [false, true])
  func ends(_ kind: String, is64: Bool) async throws {
    var middle = ModuleBuilder()
    middle.export("again", .function, middle.importFunction("env", "nine", [], [.i32]))
    var top = ModuleBuilder()
    let again = top.importFunction("middle", "again", [], [.i32])
    top.function([], [.i32], export: "run", [.call(again)])
    top.export("once more", .function, again)
    var files: [(String, any InputContents)] = [("middle.wasm", middle), ("top.wasm", top)]
    var end = "end"
    switch kind {
    case "object", "member":
      var object = ModuleBuilder(object: true, is64: is64)
      object.function("nine", [], [.i32], [.i32Const(9)])
      var archive = ArchiveBuilder()
      archive.add("nine.o", object)
      files.append(kind == "object" ? (end, object) : (end, archive))
    case "library":
      var library = ModuleBuilder(dylink: Dylink(), is64: is64)
      _ = library.importMemoryAndBases()
      library.function([], [.i32], export: "nine", [.i32Const(9)])
      files.append((end, library))
    case "module":
      var module = ModuleBuilder()
      module.function([], [.i32], export: "nine", [.i32Const(9)])
      files.append((end, module))
    default: end = ""
    }
    let inputs = try InputSet(files)
    let words = ["middle=middle.wasm", "top=top.wasm"] + (end.isEmpty ? [] : [end])
    for order in permutations(words) {
      let transcript = try await inputs.transcript(
        (is64 ? ["-mwasm64"] : []) + order, [Call("run"), Call("once more"), Call("again")])
      let host = "env.nine()\n"
      let expected =
        kind == "host"
        ? "\(host)run() = 0\n\(host)once more() = 0\n\(host)again() = 0" : "run() = 9\nonce more() = 9\nagain() = 9"
      #expect(transcript == expected, "\(order)")
    }
  }

  @Test func aCycleIsPrinted() throws {
    func link(_ name: String, _ other: String, _ kind: ModuleBuilder.Kind) -> ModuleBuilder {
      var module = ModuleBuilder()
      let index =
        switch kind {
        case .function: module.importFunction(other, "of_\(other)")
        case .global: module.importGlobal(other, "of_\(other)", .i32)
        case .table: module.importTable(other, "of_\(other)", .funcref, Limits(1))
        default: module.importTag(other, "of_\(other)", [])
        }
      module.export("of_\(name)", kind, index)
      return module
    }
    for kind in [ModuleBuilder.Kind.function, .global, .table, .tag] {
      let inputs = try InputSet([
        ("a.wasm", link("a", "b", kind)), ("b.wasm", link("b", "c", kind)), ("c.wasm", link("c", "a", kind)),
      ])
      for order in permutations(["a=a.wasm", "b=b.wasm", "c=c.wasm"]) {
        inputs.refuse(order, ["is defined as an import of itself", "a.of_a", "b.of_b", "c.of_c", "a.wasm", "b.wasm"])
      }
    }
  }

  // MARK: Libraries that export what they import

  private static func renaming(is64: Bool) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    library.export("renamed", .function, library.importFunction("env", "given", [], [.i32]))
    library.function([], [.i32], export: "own", [.i32Const(3)])
    return library
  }

  private static func user(definesGiven: Bool, is64: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let renamed = object.undefinedFunction("renamed", [], [.i32])
    let own = object.undefinedFunction("own", [], [.i32])
    if definesGiven { object.function("given", [], [.i32], [.i32Const(5)]) }
    object.function("run", [], [.i32], flags: .exported, [.call(renamed), .i32Const(10), .i32Mul, .call(own), .i32Add])
    return object
  }

  @Test(arguments: ["--export=renamed", "--export-dynamic", "--export-all"], [false, true])
  func aLibraryExportsWhatItImports(_ option: String, is64: Bool) async throws {
    let inputs = try InputSet([
      ("main.o", Self.user(definesGiven: true, is64: is64)), ("again.so", Self.renaming(is64: is64)),
    ])
    for order in [["main.o", "again.so"], ["again.so", "main.o"]] {
      let transcript = try await inputs.transcript(
        (is64 ? ["-mwasm64"] : []) + ["--no-entry", option] + order, [Call("run"), Call("renamed")])
      #expect(transcript == "run() = 53\nrenamed() = 5")
      let exports = try ModuleDescription(
        inputs.link((is64 ? ["-mwasm64"] : []) + ["--no-entry", option] + order).bytes ?? []
      ).exports.map(\.name)
      #expect(exports.contains("given") == (option != "--export=renamed"))
    }
  }

  @Test(arguments: [false, true]) func aLibraryExportsWhatTheHostGives(is64: Bool) async throws {
    let inputs = try InputSet([
      ("main.o", Self.user(definesGiven: false, is64: is64)), ("again.so", Self.renaming(is64: is64)),
    ])
    for order in [["main.o", "again.so"], ["again.so", "main.o"]] {
      let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=renamed"] + order
      let transcript = try await inputs.transcript(words + ["--import-undefined"], [Call("run"), Call("renamed")])
      #expect(transcript == "env.given()\nrun() = 3\nenv.given()\nrenamed() = 0")
      inputs.refuse(words, ["undefined symbol: given"])
    }
    // Nobody but the host calls it.
    let alone = try InputSet([("again.so", Self.renaming(is64: is64))])
    let words = (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--export=renamed"]
    #expect(
      try await alone.transcript(words + ["--import-undefined"], [Call("renamed")]) == "env.given()\nrenamed() = 0")
    alone.refuse(words, ["undefined symbol: given", "renamed"])
  }

  /// Data under another name, and at some distance from it.
  @Test(arguments: [false, true]) func aLibraryExportsDataOfOthers(is64: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let got = library.importGlobal("GOT.mem", "datum", .address(is64: is64), isMutable: true)
    library.function([], [.address(is64: is64)], export: "address", [.globalGet(got)])
    var object = ModuleBuilder(object: true, is64: is64)
    let address = object.undefinedFunction("address", [], [.address(is64: is64)])
    let datum = object.data("datum", [1, 0, 0, 0, 2, 0, 0, 0])
    object.function(
      "run", [], [.i32], flags: .exported,
      [.call(address), is64 ? .address64(datum) : .address(datum), is64 ? .i64Eq : .i32Eq])
    let inputs = try InputSet([("main.o", object), ("lib.so", library)])
    for order in [["main.o", "lib.so"], ["lib.so", "main.o"]] {
      #expect(
        try await inputs.transcript((is64 ? ["-mwasm64"] : []) + ["--no-entry"] + order, [Call("run")]) == "run() = 1")
    }
  }

  /// A library with a name gives those who name it its own data, even where another library's has the plain name.
  @Test func aNamedLibraryGivesItsOwnData() async throws {
    func library(_ value: UInt8) -> ModuleBuilder {
      var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
      let base = library.importMemoryAndBases()
      library.data(.active([.globalGet(base.memory)]), [value, 0, 0, 0])
      library.global(.i32, [.i32Const(0)], export: "datum")
      return library
    }
    var object = ModuleBuilder(object: true)
    let datum = object.undefinedData("datum")
    object.function("plain", [], [.i32], flags: .exported, [.address(datum), .i32Load()])
    var program = ModuleBuilder()
    program.importMemory("env", "memory", Limits(1))
    let named = program.importGlobal("second", "datum", .i32)
    program.global(.i32, [.i32Const(1024)], export: "__heap_base")
    program.function([], [.i32], export: "named", [.globalGet(named), .i32Load()])
    let inputs = try InputSet([
      ("main.o", object), ("first.so", library(1)), ("second.so", library(2)), ("program.wasm", program),
    ])
    for order in permutations(["main.o", "first.so", "second=second.so", "program.wasm"]) {
      let wins = order.firstIndex(of: "first.so")! < order.firstIndex(of: "second=second.so")! ? 1 : 2
      let transcript = try await inputs.transcript(["--no-entry"] + order, [Call("plain"), Call("named")])
      #expect(transcript == "plain() = \(wins)\nnamed() = 2", "\(order)")
    }
  }

  /// What makes an archive's index leaves out libraries, which are members as any other.
  @Test(arguments: [true, false], [true, false]) func aLibraryInAnArchive(hasIndex: Bool, isFirst: Bool) async throws {
    var object = ModuleBuilder(object: true)
    object.function("other", [], [.i32], [.i32Const(1)])
    var library = ModuleBuilder(dylink: Dylink())
    library.function([], [.i32], export: "value", name: "value", [.i32Const(7)])
    var archive = ArchiveBuilder()
    archive.hasIndex = hasIndex
    archive.add("other.o", object)
    archive.add("libvalue.so", library)
    var main = ModuleBuilder(object: true)
    let value = main.undefinedFunction("value", [], [.i32])
    main.function("run", [], [.i32], flags: .exported, [.call(value)])
    let inputs = try InputSet([("main.o", main), ("libx.a", archive)])
    let names = isFirst ? ["libx.a", "main.o"] : ["main.o", "libx.a"]
    #expect(try await inputs.transcript(["--no-entry"] + names, [Call("run")]) == "run() = 7")
  }

  /// An archive with a name gives what is imported from it, and a member that this member imports from it.
  @Test(arguments: ["module", "object", "library"]) func anArchiveWithAName(_ kind: String) async throws {
    var first = ModuleBuilder(object: true)
    let other = first.undefinedFunction("second", [], [.i32], module: "runtime", importName: "second")
    first.function("nine", [], [.i32], [.call(other), .i32Const(4), .i32Add])
    var second = ModuleBuilder(object: true)
    second.function("second", [], [.i32], [.i32Const(5)])
    var unused = ModuleBuilder(object: true)
    unused.function("unused", [], [.i32], [.call(unused.undefinedFunction("missing", [], [.i32]))])
    var archive = ArchiveBuilder()
    for (name, object) in [("unused.o", unused), ("second.o", second), ("first.o", first)] { archive.add(name, object) }
    var user: ModuleBuilder
    if kind == "object" {
      user = ModuleBuilder(object: true)
      let nine = user.undefinedFunction("mine", [], [.i32], module: "runtime", importName: "nine")
      user.function("run", [], [.i32], flags: .exported, [.call(nine)])
    } else {
      user = ModuleBuilder(dylink: kind == "library" ? Dylink() : nil)
      let nine = user.importFunction("runtime", "nine", [], [.i32])
      user.function([], [.i32], export: "run", [.call(nine)])
    }
    let inputs = try InputSet([("user", user), ("libruntime.a", archive)])
    for order in permutations(["user", "runtime=libruntime.a"]) {
      let transcript = try await inputs.transcript(["--no-entry", "--export=run"] + order, [Call("run")])
      #expect(transcript == "run() = 9", "\(order)")
    }
  }

  // MARK: What the command line asks for

  /// A name has no kind until something defines it.
  @Test(arguments: ["--export=value", "--export-if-defined=value", "-u=value", "--undefined=other"], [false, true])
  func dataInArchives(_ option: String, is64: Bool) async throws {
    var main = ModuleBuilder(object: true, is64: is64)
    main.function("run", [], [.i32], flags: .exported, [.i32Const(1)])
    var member = ModuleBuilder(object: true, is64: is64)
    let segment = member.objectSegment(".data.value", [3, 0, 0, 0, 4, 0, 0, 0])
    let value = member.dataSymbol("value", segment: segment, size: 4)
    member.dataSymbol("other", segment: segment, offset: 4, size: 4)
    member.function("read", [], [.i32], [is64 ? .address64(value) : .address(value), .i32Load()])
    var archive = ArchiveBuilder()
    archive.add("value.o", member)
    let inputs = try InputSet([("main.o", main), ("libvalue.a", archive)])
    let wide = is64 ? ["-mwasm64"] : []
    let words = option.hasPrefix("-u=") ? ["-u", "value"] : [option]
    for order in [["main.o", "libvalue.a"], ["libvalue.a", "main.o"], ["libvalue.a"]] {
      let transcript = try await inputs.transcript(
        wide + ["--no-entry", "--export=read"] + words + order, [Call("read")])
      #expect(transcript == "read() = 3")
      let exports = try ModuleDescription(inputs.link(wide + ["--no-entry"] + words + order).bytes ?? []).exports.map(
        \.name)
      #expect(exports.contains("value") == option.hasPrefix("--export"))
    }
  }

  /// An import needs a signature, which somebody has to say.
  @Test(arguments: [false, true]) func theAddressOfAFunctionThatNobodyDescribes(is64: Bool) async throws {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let got = library.importGlobal("GOT.func", "described", .address(is64: is64), isMutable: true)
    library.function([], [.address(is64: is64)], export: "pointer", [.globalGet(got)])
    var object = ModuleBuilder(object: true, is64: is64)
    let pointer = object.undefinedFunction("pointer", [], [.address(is64: is64)])
    object.function("run", [], [.address(is64: is64)], flags: .exported, [.call(pointer)])
    var caller = ModuleBuilder(object: true, is64: is64)
    let described = caller.undefinedFunction("described", [.i64])
    caller.function("call", flags: .exported, [.i64Const(6), .call(described)])
    let inputs = try InputSet([("main.o", object), ("lib.so", library), ("caller.o", caller)])
    for order in permutations(["main.o", "lib.so"]) {
      for option in ["--allow-undefined", "--import-undefined"] {
        inputs.refuse(
          (is64 ? ["-mwasm64"] : []) + ["--no-entry", option] + order, ["described", "lib.so", "signature"])
      }
      inputs.refuse((is64 ? ["-mwasm64"] : []) + ["--no-entry"] + order, ["undefined symbol: described"])
    }
    for order in permutations(["main.o", "lib.so", "caller.o"]) {
      let transcript = try await inputs.transcript(
        (is64 ? ["-mwasm64"] : []) + ["--no-entry", "--import-undefined"] + order, [Call("run"), Call("call")])
      #expect(transcript == "run() = 1\nenv.described(6)\ncall() = None")
    }
  }

  /// What an input of that name does not have stays an import of it, if that is wanted.
  @Test func importsOfANamedInputThatItDoesNotHave() async throws {
    var program = ModuleBuilder()
    let missing = program.importFunction("runtime", "missing", [], [.i32])
    let present = program.importFunction("runtime", "present", [], [.i32])
    program.function([], [.i32], export: "run", [.call(missing), .call(present), .i32Add])
    var object = ModuleBuilder(object: true)
    object.function("present", [], [.i32], [.i32Const(2)])
    var library = ModuleBuilder(dylink: Dylink())
    library.function([], [.i32], export: "present", [.i32Const(2)])
    var module = ModuleBuilder()
    module.function([], [.i32], export: "present", [.i32Const(2)])
    let inputs = try InputSet([
      ("program.wasm", program), ("part.o", object), ("part.so", library), ("part.wasm", module),
    ])
    for part in ["part.o", "part.so", "part.wasm"] {
      for order in permutations(["program.wasm", "runtime=\(part)"]) {
        inputs.refuse(["--no-entry"] + order, ["missing", "runtime", part, "program.wasm"])
        let transcript = try await inputs.transcript(["--no-entry", "--import-undefined"] + order, [Call("run")])
        #expect(transcript == "runtime.missing()\nrun() = 2")
      }
    }
  }

  /// A library that exports what it imports, under the same name, defines nothing.
  @Test func aLibraryThatPassesOnANameDefinesNothing() async throws {
    var passer = ModuleBuilder(dylink: Dylink())
    let f = passer.importFunction("env", "f", [], [.i32])
    passer.export("f", .function, f)
    passer.function([], [.i32], export: "run", [.call(f)])
    var definer = ModuleBuilder(dylink: Dylink())
    definer.function([], [.i32], export: "f", [.i32Const(5)])
    let files = try InputSet([("passer.so", passer), ("definer.so", definer)])
    for order in permutations(files.names) {
      #expect(try await files.transcript(["--no-entry", "--export=run"] + order, [Call("run")]) == "run() = 5")
    }
    let run = files.link(["--no-entry", "--export=run", "passer.so"])
    #expect(run.errors.contains { $0.hasPrefix("undefined symbol: f") && !$0.contains("defines f") }, "\(run.errors)")
    // Its address, the same.
    var pointer = ModuleBuilder(dylink: Dylink())
    pointer.export("q", .global, pointer.importGlobal("GOT.mem", "q", .i32, isMutable: true))
    try refused(["pointer.so": pointer], "--no-entry", "--export=q", mentions: ["q"])
    var data = ModuleBuilder(dylink: Dylink(memorySize: 8))
    data.global(.i32, [.i32Const(4)], export: "q")
    _ = try await linked(["pointer.so": pointer, "data.so": data], "--no-entry", "--export=q")
  }
}
