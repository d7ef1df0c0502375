import Testing

/// One name that three files or more use with two signatures: what it means, and what is told of it, is the same in every
/// order of the command line.
@Suite struct SeveralSignatureTests {
  private typealias File = (name: String, contents: any InputContents)

  private enum Kind: String, CaseIterable {
    case object = "o"
    case library = "so"
    case module = "wasm"

    func builder() -> ModuleBuilder {
      ModuleBuilder(dylink: self == .library ? Dylink() : nil, object: self == .object)
    }
  }

  private static func zero(_ type: WasmType) -> WasmInstruction { type == .i32 ? .i32Const(0) : .i64Const(0) }

  /// Defines `f`, which takes one number and gives 6.
  private func definition(_ kind: Kind, _ type: WasmType, flags: SymbolOptions = []) -> File {
    var module = kind.builder()
    if kind == .object {
      module.function("f", [type], [.i32], flags: flags, [.i32Const(6)])
    } else {
      module.function([type], [.i32], export: "f", [.i32Const(6)])
    }
    return ("definition.\(kind.rawValue)", module)
  }

  /// Calls `f`, by an export that is called like the file.
  private func caller(_ name: String, _ kind: Kind, _ type: WasmType, flags: SymbolOptions = []) -> File {
    var module = kind.builder()
    if kind == .object {
      let callee = module.undefinedFunction("f", [type], [.i32], flags: flags)
      module.function(name, [], [.i32], flags: .exported, [Self.zero(type), .call(callee)])
    } else {
      let callee = module.importFunction("env", "f", [type], [.i32])
      module.function([], [.i32], export: name, [Self.zero(type), .call(callee)])
    }
    return ("\(name).\(kind.rawValue)", module)
  }

  private func member(_ file: File) -> File {
    var archive = ArchiveBuilder()
    if let object = file.contents as? ModuleBuilder { archive.add(file.name, object) }
    return ("member.a", archive)
  }

  private static let words = ["--no-entry", "--export-if-defined=one", "--export-if-defined=two"]

  /// Links in every order, in which the call of each export gives the same number, or traps where that is `nil`.
  private func expect(
    _ files: [File], _ results: KeyValuePairs<String, Int?>, warnings: Bool,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let inputs = try InputSet(files)
    for order in permutations(inputs.names) {
      let run = inputs.link(Self.words + order)
      #expect(run.errors == [], "\(order)", sourceLocation: sourceLocation)
      #expect(
        run.warnings.contains { $0.hasPrefix("function signature mismatch: f") } == warnings,
        "\(order): \(run.warnings)",
        sourceLocation: sourceLocation)
      for (name, result) in results {
        let transcript = try await WebAssemblyHost.shared.invoke(run.bytes ?? [], [Call(name)])
        #expect(
          transcript.contains(result.map { "\(name)() = \($0)" } ?? "\(name)() fails: "), "\(order): \(transcript)",
          sourceLocation: sourceLocation)
      }
    }
  }

  private func refuse(_ files: [File], _ mentions: [String]) throws {
    let inputs = try InputSet(files)
    for order in permutations(inputs.names) { inputs.refuse(Self.words + order, mentions) }
  }

  /// An object's definition has the name, and not a library's of another type; callers are compared with it.
  @Test func anObjectAndALibraryDefineIt() async throws {
    let definitions = [definition(.object, .i32), definition(.library, .i64)]
    for kind in Kind.allCases {
      try await expect(definitions + [caller("one", kind, .i32)], ["one": 6], warnings: false)
      let other = caller("two", kind, .i64)
      if kind == .module {
        try refuse(definitions + [other], ["function signature mismatch: f", other.name, "definition.o"])
      } else {
        try await expect(definitions + [other, caller("one", .object, .i32)], ["one": 6, "two": nil], warnings: true)
      }
    }
  }

  /// A library's has it where the object's is weak.
  @Test func aLibraryAndAWeakObjectDefineIt() async throws {
    let definitions = [definition(.object, .i32, flags: .weak), definition(.library, .i64)]
    for kind in Kind.allCases {
      try await expect(definitions + [caller("two", kind, .i64)], ["two": 6], warnings: false)
    }
    try await expect(definitions + [caller("one", .object, .i32)], ["one": nil], warnings: true)
  }

  /// What calls its own weak definition calls the one that has the name.
  @Test func aWeakDefinitionThatIsCalledWhereItIs() async throws {
    var object = ModuleBuilder(object: true)
    let own = object.function("f", [.i64], [.i32], flags: .weak, [.i32Const(3)])
    object.function("two", [], [.i32], flags: .exported, [.i64Const(0), .call(own)])
    for kind in [Kind.library, .module] {
      try await expect(
        [("two.o", object), definition(kind, .i32), caller("one", .library, .i32)], ["one": 6, "two": nil],
        warnings: true)
    }
  }

  /// The definition keeps its name in an object, too, where another one of the name only traps.
  @Test(arguments: [false, true]) func twoWeakDefinitionsInOneObject(_ isLibrary: Bool) async throws {
    var second = ModuleBuilder(object: true)
    second.function("f", [.i64], [.i32], flags: .weak, [.i32Const(9)])
    let first = try InputSet([
      definition(.object, .i32, flags: .weak), caller("one", isLibrary ? .library : .object, .i32),
      ("second.o", second),
    ])
    let run = first.link(["-r"] + first.names)
    #expect(run.errors == [])
    try await expect(
      [("joined.o", run.bytes ?? []), caller("two", .object, .i32)], ["one": 6, "two": 6], warnings: false)
  }

  /// An object and a whole module have it twice, whatever its types.
  @Test(arguments: [WasmType.i32, .i64]) func anObjectAndAModuleDefineIt(_ type: WasmType) throws {
    for kind in Kind.allCases {
      try refuse(
        [definition(.object, .i32), definition(.module, type), caller("one", kind, .i32)],
        ["duplicate symbol: f", "definition.o", "definition.wasm"])
    }
  }

  /// That a call of an object or library only traps does not let through what is an error for another one.
  @Test func aWarningHidesNoError() throws {
    for kind in Kind.allCases {
      for first in [Kind.object, .library] {
        let module = caller("two", .module, .i32)
        try refuse(
          [definition(kind, .i64), caller("one", first, .i32), module],
          ["function signature mismatch: f", module.name, "definition.\(kind.rawValue)"])
      }
    }
  }

  /// Weak references to what an archive has are compared, too, once somebody asks for the member.
  @Test(arguments: [WasmType.i32, .i64]) func weakReferencesToAMember(_ type: WasmType) async throws {
    let member = member(definition(.object, type))
    for other in Kind.allCases where other != .module {
      try await expect(
        [member, caller("one", .object, .i32, flags: .weak), caller("two", other, .i64)],
        ["one": type == .i32 ? 6 : nil, "two": type == .i64 ? 6 : nil], warnings: true)
    }
    // Nobody does.
    let inputs = try InputSet([
      member, caller("one", .object, .i32, flags: .weak), caller("two", .object, .i64, flags: .weak),
    ])
    for order in permutations(inputs.names) {
      inputs.refuse(Self.words + order, ["function signature mismatch: f", "one.o", "two.o"])
    }
  }

  /// A weak call does not take away that another call needs a definition.
  @Test func aWeakAndAStrongCallOfWhatNobodyDefines() throws {
    for kind in [Kind.object, .library] {
      let inputs = try InputSet([caller("one", .object, .i32, flags: .weak), caller("two", kind, .i64)])
      for order in permutations(inputs.names) { inputs.refuse(Self.words + order, ["two.\(kind.rawValue)"]) }
    }
  }

  /// Every whole module has an import of its own type. Objects and libraries have one for all of them, and an address
  /// that somebody only takes has none.
  @Test func importsOfOneName() async throws {
    func imports(_ files: [File]) throws -> [Int] {
      let inputs = try InputSet(files)
      return try permutations(inputs.names).map { order in
        let run = inputs.link(Self.words + order)
        #expect(run.errors == [], "\(order)")
        return try ModuleDescription(run.bytes ?? []).imports.count { $0.name == "f" }
      }
    }
    for kind in Kind.allCases {
      let counts = try imports([caller("one", kind, .i32), caller("two", .module, .i64)])
      #expect(counts == [2, 2], "\(kind)")
    }
    var pointer = ModuleBuilder(object: true)
    let slot = pointer.undefinedFunction("f", [.i64], [.i32])
    pointer.function("one", [], [.i32], flags: .exported, [.slot(slot)])
    #expect(try imports([("one.o", pointer), caller("two", .module, .i32)]) == [1, 1])
    try refuse(
      [caller("one", .library, .i32), caller("two", .library, .i64), caller("three", .module, .i64)],
      ["function signature mismatch: f", "one.so", "two.so"])
  }
}
