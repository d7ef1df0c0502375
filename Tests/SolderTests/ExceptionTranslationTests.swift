import Testing

/// The older instructions for exceptions, said with the newer ones (`--translate-to-exnref`). The engine of the tests has
/// the newer ones only.
@Suite struct ExceptionTranslationTests {
  /// Functions of one parameter, by name; tag 0 has a number with it, tag 1 nothing.
  private static let bodies: KeyValuePairs<String, [WasmInstruction]> = [
    "catches": [.try(.i32), .localGet(0), .throw(0), .catch(0), .i32Const(1), .i32Add, .end],
    "rethrows": [
      .try(.i32), .try(.i32), .localGet(0), .throw(0), .catchAll, .rethrow(0), .end, .catch(0), .i32Const(10), .i32Add,
      .end,
    ],
    // The outer one of two handlers' exceptions.
    "rethrowsOuter": [
      .try(.i32), .try(), .localGet(0), .throw(0), .catch(0), .drop, .try(), .throw(1), .catchAll, .rethrow(1), .end,
      .end, .i32Const(0), .catch(0), .i32Const(20), .i32Add, .end,
    ],
    // Passes by the handler between.
    "delegates": [
      .try(.i32), .try(.i32), .try(.i32), .localGet(0), .throw(0), .delegate(1), .catchAll, .i32Const(1), .end,
      .catch(0), .i32Const(30), .i32Add, .end,
    ],
    "delegatesToTheCaller": [
      .try(.i32), .try(.i32), .localGet(0), .throw(0), .delegate(1), .catchAll, .i32Const(2), .end,
    ],
    // To a block, so to what is around it.
    "delegatesToABlock": [
      .try(.i32), .block(.i32), .try(.i32), .try(.i32), .localGet(0), .throw(0), .delegate(1), .catchAll, .i32Const(2),
      .end, .end, .catch(0), .i32Const(35), .i32Add, .end,
    ],
    // To a handler, so to what is around it.
    "delegatesToAHandler": [
      .try(.i32), .try(.i32), .throw(1), .catchAll, .try(.i32), .localGet(0), .throw(0), .delegate(0), .end, .catch(0),
      .i32Const(50), .i32Add, .end,
    ],
    "delegatesTwice": [
      .try(.i32), .try(.i32), .try(.i32), .localGet(0), .throw(0), .delegate(0), .delegate(0), .catch(0), .i32Const(60),
      .i32Add, .end,
    ],
    "leaves": [
      .block(.i32), .try(), .localGet(0), .brIf(0), .i32Const(5), .br(1), .catchAll, .end, .i32Const(6), .end,
    ],
    "choosesInAHandler": [
      .block(), .block(), .try(), .throw(1), .catch(1), .localGet(0), .raw(0x0E, 2, 0, 1, 2), .end, .i32Const(100),
      .return, .end, .i32Const(200), .return, .end, .i32Const(300),
    ],
    "repeats": [
      .loop(), .try(), .localGet(1), .i32Const(1), .i32Add, .localTee(1), .localGet(0), .i32LtS, .if(), .throw(1), .end,
      .catchAll, .br(1), .end, .end, .localGet(1),
    ],
    "tellsApart": [
      .try(.i32), .localGet(0), .if(), .localGet(0), .throw(0), .end, .throw(1), .catch(0), .i32Const(3), .i32Mul,
      .catchAll, .i32Const(7), .end,
    ],
    "catchesNothing": [.try(.i32), .localGet(0), .i32Const(8), .i32Add, .end],
    // A value stays on the stack meanwhile, and the inner result is that of the outer.
    "keepsTheStack": [
      .i32Const(1000), .try(.i32), .try(.i32), .localGet(0), .throw(0), .catch(0), .end, .i32Const(1), .i32Add,
      .catchAll,
      .i32Const(0), .end, .i32Add,
    ],
  ]

  private static let results: [(call: String, argument: Int, result: String)] = [
    ("catches", 5, "6"), ("rethrows", 5, "15"), ("rethrowsOuter", 5, "25"), ("delegates", 5, "35"),
    ("callsDelegating", 5, "45"), ("delegatesToABlock", 5, "40"), ("delegatesToAHandler", 5, "55"),
    ("delegatesTwice", 5, "65"), ("leaves", 0, "5"), ("leaves", 1, "6"), ("choosesInAHandler", 0, "100"),
    ("choosesInAHandler", 1, "200"), ("choosesInAHandler", 2, "300"), ("repeats", 4, "4"), ("tellsApart", 0, "7"),
    ("tellsApart", 5, "15"), ("catchesNothing", 5, "13"), ("keepsTheStack", 5, "1006"),
  ]

  private static func module(_ dylink: Dylink? = nil, is64: Bool = false) -> ModuleBuilder {
    var module = ModuleBuilder(dylink: dylink, is64: is64)
    if dylink == nil {
      _ = (module.tag([.i32]), module.tag([]))
    } else {
      _ = (module.importTag("env", "__cpp_exception", [.i32]), module.importTag("env", "other", []))
    }
    var delegating = 0
    for (name, body) in bodies {
      let index = module.function([.i32], [.i32], locals: [.i32], export: name, body)
      if name == "delegatesToTheCaller" { delegating = index }
    }
    module.function(
      [.i32], [.i32], export: "callsDelegating",
      [.try(.i32), .localGet(0), .call(delegating), .catch(0), .i32Const(40), .i32Add, .end])
    return module
  }

  private static func expect(_ result: LinkedInProcess, _ kind: String) async throws {
    for (call, argument, expected) in results {
      #expect(try await result.call(call, argument) == expected, "\(kind): \(call)(\(argument))")
    }
  }

  @Test func aModuleAlone() async throws {
    try await Self.expect(try await linked(["m.wasm": Self.module()], "--translate-to-exnref"), "alone")
  }

  @Test(arguments: [false, true]) func modulesAndLibraries(_ is64: Bool) async throws {
    var object = ModuleBuilder(object: true, is64: is64)
    object.function("unused", [], [], [])
    let width = is64 ? "-mwasm64" : "-mwasm32"
    try await Self.expect(
      try await linked(
        ["a.o": object, "m.wasm": Self.module(is64: is64)], width, "--no-entry", "--translate-to-exnref"), "module")
    try await Self.expect(
      try await linked(
        ["a.o": object, "m.so": Self.module(Dylink(), is64: is64)], width, "--no-entry", "--export-dynamic",
        "--translate-to-exnref"), "library")
  }

  /// A tag with several values, and with one of them a reference: the types of the blocks are new types.
  @Test func severalValues() async throws {
    var module = ModuleBuilder()
    let tag = module.tag([.i32, .i32])
    module.function(
      [.i32], [.i32], locals: [.i32, .i32], export: "run",
      [
        .try(.i32), .try(.i32), .localGet(0), .i32Const(3), .throw(tag), .catch(tag), .localSet(1), .localSet(2),
        .rethrow(0), .end, .catch(tag), .i32Sub, .localGet(1), .i32Mul, .end,
      ])
    let result = try await linked(["m.wasm": module], "--translate-to-exnref")
    #expect(try await result.call("run", 10) == "21")
  }

  /// A `try` with the type of a function takes values from the stack and leaves several.
  @Test(arguments: [false, true]) func functionTypes(_ is64: Bool) async throws {
    var module = ModuleBuilder(is64: is64)
    _ = (module.tag([.i32]), module.tag([]))
    let pair = UInt8(module.type([.i32, .i32], [.i32, .i32]))
    let two = UInt8(module.type([], [.i32, .i32]))
    let bodies: KeyValuePairs<String, [WasmInstruction]> = [
      "catches": [
        .localGet(0), .i32Const(3), .raw(0x06, pair), .i32Sub, .localTee(1), .i32Const(10), .raw(0x4E), .if(),
        .localGet(1), .throw(0), .end, .localGet(1), .i32Const(5), .catch(0), .i32Const(7), .end, .i32Mul,
      ],
      "delegates": [
        .localGet(0), .i32Const(3), .raw(0x06, pair), .i32Sub, .localSet(1), .try(.i32), .localGet(1), .throw(0),
        .delegate(0), .i32Const(1), .catch(0), .i32Const(2), .end, .i32Add,
      ],
      // Two of them, so that each has variables of its own; the inner one's exception is thrown on.
      "nested": [
        .localGet(0), .i32Const(3), .raw(0x06, pair), .raw(0x06, pair), .i32Sub, .throw(0), .catch(0), .drop,
        .rethrow(0), .end, .catch(0), .i32Const(100), .end, .i32Mul,
      ],
      "catchesNothing": [.localGet(0), .i32Const(3), .raw(0x06, pair), .end, .i32Sub],
      "leavesTwo": [
        .raw(0x06, two), .localGet(0), .i32Const(2), .catchAll, .i32Const(1), .i32Const(1), .end, .i32Mul,
      ],
    ]
    for (name, body) in bodies { module.function([.i32], [.i32], locals: [.i32], export: name, body) }
    let result = try await linked(["m.wasm": module], "--translate-to-exnref")
    for (call, argument, expected) in [
      ("catches", 8, "25"), ("catches", 20, "119"), ("delegates", 8, "7"), ("nested", 8, "500"),
      ("catchesNothing", 8, "5"), ("leavesTwo", 8, "16"),
    ] {
      #expect(try await result.call(call, argument) == expected, "\(call)")
    }
  }

  // MARK: What does not go together

  /// Modules with no tag, of which nothing but an instruction says that they catch exceptions.
  @Test(arguments: [["a", "b"], ["b", "a"]], [".so", ".wasm"])
  func formsWithoutTags(_ order: [String], _ ending: String) async throws {
    func module(_ body: [WasmInstruction], export: String) -> ModuleBuilder {
      var module = ModuleBuilder(dylink: ending == ".so" ? Dylink() : nil)
      module.function([], [.i32], export: export, body)
      return module
    }
    let older: [WasmInstruction] = [.try(.i32), .i32Const(1), .catchAll, .i32Const(2), .end]
    let newer: [WasmInstruction] = [
      .block(), .tryTable(nil, [.bytes([1, 2, 0])]), .i32Const(3), .return, .end, .end, .i32Const(4),
    ]
    let files: KeyValuePairs<String, any InputContents> = [
      "a" + ending: module(older, export: "older"), "b" + ending: module(newer, export: "newer"),
    ]
    let words = ["--no-entry", "--export-dynamic"] + order.map { $0 + ending }
    let run = try LinkInProcess(files, words)
    #expect(
      run.bytes == nil && "\(run.messages)".contains("a\(ending) catches exceptions by the older"), "\(run.messages)")
    let translated = try LinkInProcess(files, words + ["--translate-to-exnref"])
    try await WebAssemblyHost.shared.validate(try #require(translated.bytes, "\(translated.messages)"))
  }

  private static func library(older: Bool, is64: Bool) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(), is64: is64)
    let tag = library.importTag("env", "__cpp_exception", [.i32])
    let body: [WasmInstruction] =
      older
      ? [.try(.i32), .i32Const(1), .throw(tag), .catch(tag), .end]
      : [
        .block(.i32), .tryTable(nil, [.bytes([1, 0]), .index(tag), .bytes([0])]), .i32Const(2), .throw(tag), .end,
        .unreachable, .end,
      ]
    library.function([], [.i32], export: older ? "older" : "newer", body)
    return library
  }

  @Test(arguments: [["a.so", "b.so"], ["b.so", "a.so"]], [false, true])
  func bothWaysAreRefused(_ order: [String], _ is64: Bool) async throws {
    let files: KeyValuePairs<String, any InputContents> = [
      "a.so": Self.library(older: true, is64: is64), "b.so": Self.library(older: false, is64: is64),
    ]
    let width = is64 ? "-mwasm64" : "-mwasm32"
    try refused(
      files, width, "--no-entry", "--export-dynamic", order[0], order[1],
      mentions: ["a.so catches exceptions by the older", "b.so by the newer", "--translate-to-exnref"])
    let result = try await linked(
      files, width, "--no-entry", "--export-dynamic", "--translate-to-exnref", order[0], order[1])
    #expect(try await result.call("older") == "1")
    #expect(try await result.call("newer") == "2")
    // What is not part of the result does no harm.
    _ = try await linked(files, width, "--no-entry", "--export=newer", order[0], order[1])
  }

  /// Labels of which the translation knows nothing mean other blocks behind it.
  @Test(
    arguments: [
      [0xFB, 0x18, 3, 0, 0x6E, 0x6E], [0xFB, 0x19, 3, 0, 0x6E, 0x6E], [0xFB, 0x25, 3, 0, 0x6E, 0x6E],
      [0xFB, 0x26, 3, 0, 0x6E, 0x6E], [0xE3, 0, 1, 0, 0, 0], [0xE4, 0, 0, 1, 0, 0, 0],
    ] as [[UInt8]])
  func otherLabelsAreRefused(_ branch: [UInt8]) throws {
    var module = ModuleBuilder()
    _ = module.tag([])
    module.function([], [], export: "f", [.block(), .try(), .raw(branch), .catchAll, .end, .end])
    try refused(["m.wasm": module], "--translate-to-exnref", mentions: ["names labels", "m.wasm"])
  }

  /// Sections that say where operands are go without a word, as of every finished module.
  @Test func placesOfOperandsGo() async throws {
    var module = Self.module()
    module.custom("reloc.CODE", [0x0A, 0])
    let result = try await linked(["m.wasm": module], "--translate-to-exnref")
    #expect(!result.module.sections.contains { $0.name == "reloc.CODE" })
  }
}
