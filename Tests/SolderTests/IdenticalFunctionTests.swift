import Testing

@testable import SolderLinker

/// Functions that do the same are kept once with `--icf`: whatever kind of unit they come from, however they call each
/// other, and only if really everything is the same.
@Suite struct IdenticalFunctionTests {
  // MARK: What is folded

  /// `helper(x) = x * 3 + 5`, and what calls it.
  private static let body: [WasmInstruction] = [
    .localGet(0), .i32Const(3), .i32Mul, .i32Const(5), .i32Add,
  ]

  private enum Owner: String, CaseIterable { case object, library, module }

  /// A unit whose function `name` calls a private copy of a helper.
  private static func unit(_ owner: Owner, _ name: String) -> any InputContents {
    switch owner {
    case .object:
      var object = ModuleBuilder(object: true)
      let helper = object.function("helper", [.i32], [.i32], flags: .local, body)
      object.function(name, [.i32], [.i32], [.localGet(0), .call(helper)])
      return object
    case .library, .module:
      var module = owner == .library ? ModuleBuilder(dylink: Dylink()) : ModuleBuilder()
      // Another number of functions before it, so that the operands are not the same bytes.
      for value in 0..<Int32(name.utf8.count) { module.function([], [], [.i32Const(value * 100), .drop]) }
      let helper = module.function([.i32], [.i32], name: "helper", body)
      module.function([.i32], [.i32], export: name, name: name, [.localGet(0), .call(helper)])
      return module
    }
  }

  private static let program: ModuleBuilder = {
    var object = ModuleBuilder(object: true)
    let one = object.undefinedFunction("one", [.i32], [.i32])
    let two = object.undefinedFunction("second", [.i32], [.i32])
    object.function(
      "run", [.i32], [.i32], flags: .exported,
      [.localGet(0), .call(one), .localGet(0), .call(two), .i32Const(1000), .i32Mul, .i32Add])
    return object
  }()

  @Test(arguments: Owner.allCases, Owner.allCases) private func kinds(_ first: Owner, _ second: Owner) async throws {
    // Two plain modules cannot have one memory, and need none here.
    let files: KeyValuePairs<String, any InputContents> = [
      "run.o": Self.program, "one.\(first)": Self.unit(first, "one"), "two.\(second)": Self.unit(second, "second"),
    ]
    let plain = try await linked(files, "--no-entry")
    #expect(plain.module.functionNames.count { $0 == "helper" } == 2)
    for mode in ["safe", "all"] {
      let folded = try await linked(files, "--no-entry", "--icf=\(mode)")
      #expect(folded.module.functionNames.count { $0 == "helper" } == 1, "\(mode)")
      #expect(try await folded.call("run", 7) == plain.call("run", 7))
      // What a plain module exports stays for the host, and with `safe` a function for itself.
      let isKept = mode == "safe" && (first == .module || second == .module)
      #expect(folded.module.functionNames.contains("second") == isKept)
      #expect(folded.module.definedFunctionCount < plain.module.definedFunctionCount)
    }
  }

  @Test func nothingChangesWithoutIt() async throws {
    let files: KeyValuePairs<String, any InputContents> = [
      "run.o": Self.program, "one.o": Self.unit(.object, "one"), "two.o": Self.unit(.object, "second"),
    ]
    #expect(try await linked(files, "--no-entry").bytes == linked(files, "--no-entry", "--icf=none").bytes)
  }

  /// Functions that call each other in chains of some length, at whose ends is the same, or is not.
  @Test(arguments: [1, 2, 17], [true, false]) func chains(_ length: Int, _ isSame: Bool) async throws {
    var object = ModuleBuilder(object: true)
    var heads: [ObjectSymbol] = []
    for chain in 0..<3 {
      let end: Int32 = isSame ? 1 : Int32(chain)
      var next = object.function("end\(chain)", [], [.i32], [.i32Const(end)])
      for link in 0..<length {
        next = object.function("link\(chain).\(link)", [], [.i32], [.call(next), .i32Const(Int32(link + 2)), .i32Add])
      }
      heads.append(next)
    }
    object.function(
      "run", [], [.i32], flags: .exported,
      [
        .call(heads[0]), .call(heads[1]), .i32Const(16), .i32Shl, .i32Add, .call(heads[2]), .i32Const(24), .i32Shl,
        .i32Add,
      ])
    let plain = try await linked(["a.o": object], "--no-entry")
    let folded = try await linked(["a.o": object], "--no-entry", "--icf=safe")
    #expect(folded.module.definedFunctionCount == plain.module.definedFunctionCount - (isSame ? 2 * (length + 1) : 0))
    #expect(try await folded.call("run") == plain.call("run"))
  }

  /// Cycles: two functions that call each other, and a function that calls itself, which does the same.
  @Test func recursion() async throws {
    func cycle(_ object: inout ModuleBuilder, _ names: [String], step: Int32) -> ObjectSymbol {
      let first = UInt32(object.linking?.symbols.count ?? 0)
      var symbols: [ObjectSymbol] = []
      for index in names.indices {
        let next = ObjectSymbol(index: first + UInt32((index + 1) % names.count))
        symbols.append(
          object.function(
            names[index], [.i32], [.i32],
            [
              .localGet(0), .i32Eqz, .if(.i32), .i32Const(0), .else, .localGet(0), .i32Const(1), .i32Sub, .call(next),
              .i32Const(step), .i32Add, .end,
            ]))
      }
      return symbols[0]
    }
    var one = ModuleBuilder(object: true)
    let pair = cycle(&one, ["even", "odd"], step: 3)
    let itself = cycle(&one, ["loop"], step: 3)
    let other = cycle(&one, ["x", "y", "z"], step: 4)
    one.function(
      "run", [.i32], [.i32], flags: .exported,
      [
        .localGet(0), .call(pair), .localGet(0), .call(itself), .i32Add, .i32Const(1000), .i32Mul, .localGet(0),
        .call(other), .i32Add,
      ])
    let plain = try await linked(["a.o": one], "--no-entry")
    let folded = try await linked(["a.o": one], "--no-entry", "--icf=safe")
    #expect(folded.module.functionNames.sorted() == ["even", "run", "x"])
    #expect(try await folded.call("run", 5) == plain.call("run", 5))
  }

  /// What differs in one thing is not folded: the type, the locals, an address, an addend, a global, what is called.
  @Test(arguments: [false, true]) func differences(_ is64: Bool) async throws {
    var object = ModuleBuilder(object: true, is64: is64)
    let address = WasmType.address(is64: is64)
    let data = object.data("data", [1, 2, 3, 4, 5, 6, 7, 8], segment: ".data.data")
    let more = object.data("more", [1, 2, 3, 4, 5, 6, 7, 8], segment: ".data.more")
    let stack = object.undefinedGlobal("__stack_pointer", address, isMutable: true)
    let host = object.undefinedFunction("host", [], [], module: "host", importName: "host")
    let guest = object.undefinedFunction("guest", [], [], module: "host", importName: "guest")
    func place(_ symbol: ObjectSymbol, _ addend: Int64 = 0) -> WasmInstruction {
      is64 ? .address64(symbol, addend) : .address(symbol, addend)
    }
    var functions: [ObjectSymbol] = []
    func add(_ code: WasmInstruction..., locals: [WasmType] = [], parameters: [WasmType] = []) {
      functions.append(object.function("f\(functions.count)", parameters, [], locals: locals, code))
    }
    // Two of each.
    for _ in 0..<2 {
      add(place(data), .drop)
      add(place(data, 4), .drop)
      add(place(more), .drop)
      add(.globalGet(stack), .drop)
      add(.call(host))
      add(.call(guest))
      add(.call(host), locals: [.i64])
      add(.call(host), parameters: [.i32])
    }
    var calls: [WasmInstruction] = []
    for (index, function) in functions.enumerated() {
      calls += (index % 8 == 7 ? [.i32Const(1)] : []) + [.call(function)]
    }
    object.function("run", [], [], flags: .exported, calls)
    let folded = try await linked(["a.o": object], "--no-entry", "--icf=all", is64 ? "-mwasm64" : "-mwasm32")
    #expect(folded.module.definedFunctionCount == 9)
    #expect(folded.module.functionNames.filter { $0.hasPrefix("f") } == (0..<8).map { "f\($0)" })
  }

  /// What each unit imports from the host by module and name is one import, and so the same in all of them.
  @Test func importsFromTheHost() async throws {
    var files: [any InputContents] = []
    for (index, name) in ["one", "second"].enumerated() {
      var library = ModuleBuilder(dylink: Dylink())
      for number in 0..<index { library.importFunction("other", "f\(number)", [.i32], [.i32]) }
      let host = library.importFunction("host", "value", [.i32], [.i32])
      let other = library.importFunction("host", "other", [.i32], [.i32])
      library.function([.i32], [.i32], export: name, name: name, [.localGet(0), .call(host), .call(other)])
      files.append(library)
    }
    let result = try await linked(
      ["run.o": Self.program, "one.so": files[0], "two.so": files[1]], "--no-entry", "--icf=safe")
    #expect(result.module.functionNames.contains("one") && !result.module.functionNames.contains("second"))
    #expect(try await result.call("run", 1) == "0")
  }

  // MARK: Pointers

  /// Pointers to three functions of which two do the same, by way of data and code: `run(0)` to `run(2)` are pointers as
  /// data has them, `run(3)` to `run(5)` as code has them, `call(n)` calls by pointer.
  private static func pointers(_ owner: Owner) -> any InputContents {
    let values: [Int32] = [7, 7, 9]
    if owner == .object {
      var object = ModuleBuilder(object: true)
      let table = object.undefinedTable()
      let functions = values.enumerated().map { object.function("f\($0)", [], [.i32], [.i32Const($1)]) }
      let data = object.data(
        "pointers", Array(repeating: 0, count: 12),
        relocations: functions.enumerated().map { DataRelocation(.tableIndexI32, at: $0 * 4, $1) })
      let type = object.type([], [.i32])
      object.function(
        "data", [.i32], [.i32], flags: .exported,
        [.localGet(0), .i32Const(2), .i32Shl, .access(0x28, align: 2, at: data)])
      for (index, function) in functions.enumerated() {
        object.function("code\(index)", [], [.i32], flags: .exported, [.slot(function)])
      }
      object.function(
        "call", [.i32], [.i32], flags: .exported,
        [
          .localGet(0), .i32Const(2), .i32Shl, .access(0x28, align: 2, at: data),
          .callIndirect(objectType: type, table: table),
        ])
      return object
    }
    var module: ModuleBuilder
    var base: [WasmInstruction] = []
    var tableBase: [WasmInstruction] = [.i32Const(1)]
    if owner == .library {
      module = ModuleBuilder(
        dylink: Dylink(memorySize: 12, memoryAlignment: 2, tableSize: 3, tableAlignment: 0))
      let bases = module.importMemoryAndBases()
      base = [.globalGet(bases.memory), .i32Add]
      tableBase = [.globalGet(bases.table)]
    } else {
      module = ModuleBuilder()
      module.table(.funcref, Limits(4, 4))
      module.memory(Limits(1), export: "memory")
    }
    let functions = values.enumerated().map { module.function([], [.i32], name: "f\($0)", [.i32Const($1)]) }
    module.element(.active(tableBase), functions: functions)
    let type = module.type([], [.i32])
    let load: [WasmInstruction] = [.localGet(0), .i32Const(2), .i32Shl] + base + [.i32Load()]
    // A plain module has them in memory as numbers; a library computes them.
    module.function([.i32], [.i32], export: "data", owner == .library ? [.localGet(0)] + tableBase + [.i32Add] : load)
    for index in functions.indices {
      module.function([], [.i32], export: "code\(index)", tableBase + [.i32Const(Int32(index)), .i32Add])
    }
    module.function(
      [.i32], [.i32], export: "call",
      (owner == .library ? [.localGet(0)] + tableBase + [.i32Add] : load) + [.callIndirect(type: type)])
    if owner == .module {
      module.data(.at(0), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])
      module.global(.i32, [.i32Const(1024)], export: "__heap_base")
    }
    return module
  }

  @Test(arguments: Owner.allCases, ["none", "safe", "all"]) private func pointers(_ owner: Owner, _ mode: String)
    async throws
  {
    let files: KeyValuePairs<String, any InputContents> = [
      "p.\(owner)": Self.pointers(owner), "run.o": Self.program, "one.o": Self.unit(.object, "one"),
      "two.o": Self.unit(.object, "second"),
    ]
    let result = try await linked(files, "--no-entry", "--export-all", "--icf=\(mode)")
    let data = try await [result.call("data", 0), result.call("data", 1), result.call("data", 2)]
    let code = try await [result.call("code0"), result.call("code1"), result.call("code2")]
    #expect(data == code)
    #expect(data[0] != data[2] && data[1] != data[2])
    // A slot that code computes stays.
    #expect((data[0] == data[1]) == (mode == "all" && owner == .object))
    for index in 0..<3 { #expect(try await result.call("call", index) == ["7", "7", "9"][index]) }
  }

  /// A function that points to one of two identical ones is no other than one that points to the other, unless pointers to
  /// them are the same.
  @Test(arguments: ["safe", "all"]) func whoPointsToThem(_ mode: String) async throws {
    var object = ModuleBuilder(object: true)
    _ = object.undefinedTable()
    let one = object.function("one", [], [.i32], [.i32Const(7)])
    let two = object.function("two", [], [.i32], [.i32Const(7)])
    let pointOne = object.function("pointOne", [], [.i32], [.slot(one)])
    let pointTwo = object.function("pointTwo", [], [.i32], [.slot(two)])
    object.function("run", [], [.i32], flags: .exported, [.call(pointOne), .call(pointTwo), .i32Eq])
    let result = try await linked(["a.o": object], "--no-entry", "--icf=\(mode)")
    #expect(try await result.call("run") == (mode == "safe" ? "0" : "1"))
    #expect(
      result.module.functionNames
        == (mode == "safe" ? ["one", "pointOne", "pointTwo", "run"] : ["one", "pointOne", "run"]))
  }

  // MARK: What the host sees

  @Test(arguments: ["safe", "all"]) func exports(_ mode: String) async throws {
    var object = ModuleBuilder(object: true)
    object.function("first", [], [.i32], flags: .exported, [.i32Const(7)])
    object.function("second", [], [.i32], flags: .exported, exportName: "other", [.i32Const(7)])
    object.function("third", [], [.i32], flags: .exported, [.i32Const(7)])
    let result = try await linked(["a.o": object], "--no-entry", "--icf=\(mode)")
    for name in ["first", "other", "third"] { #expect(try await result.call(name) == "7") }
    let indices = Set(["first", "other", "third"].compactMap { result.module.export($0)?.index })
    #expect(indices.count == (mode == "safe" ? 3 : 1))
  }

  /// A loader gives the functions that a library exports their slots, each its own.
  @Test(arguments: ["-shared", "-pie"]) func positionIndependent(_ kind: String) async throws {
    var object = ModuleBuilder(object: true)
    for index in 0..<2 {
      let helper = object.function("helper\(index)", [], [.i32], flags: .hidden, [.i32Const(7)])
      object.function("get\(index)", [], [.i32], flags: .exported, [.call(helper)])
    }
    object.function("_start", [], [], [])
    let result = try await linked(["a.o": object], kind, "--experimental-pic", "--icf=safe")
    #expect(result.module.functionNames.filter { $0.hasPrefix("helper") } == ["helper0"])
    #expect(result.module.functionNames.filter { $0.hasPrefix("get") } == ["get0", "get1"])
  }

  /// Constructors that do the same run as often as before.
  @Test func constructors() async throws {
    var files: [ModuleBuilder] = []
    for index in 0..<3 {
      var object = ModuleBuilder(object: true)
      let count = object.undefinedData("count")
      let initialize = object.function(
        "initialize\(index)", [], [],
        [
          .i32Const(0), .i32Const(0), .access(0x28, align: 2, at: count), .i32Const(5), .i32Add,
          .access(0x36, align: 2, at: count),
        ])
      object.constructor(initialize)
      if index == 0 {
        object.linking?.symbols[0].flags = []
      }
      files.append(object)
    }
    var program = ModuleBuilder(object: true)
    let count = program.data("count", [0, 0, 0, 0])
    program.function("run", [], [.i32], flags: .exported, [.i32Const(0), .access(0x28, align: 2, at: count)])
    files[0].linking?.symbols[0].flags = .undefined
    let result = try await linked(
      ["run.o": program, "a.o": files[0], "b.o": files[1], "c.o": files[2]], "--no-entry", "--icf=safe")
    #expect(try await result.call("run") == "15")
    #expect(result.module.functionNames.count { $0.hasPrefix("initialize") } == 1)
  }

  // MARK: Reports, options

  @Test func report() async throws {
    let run = try LinkInProcess(
      ["run.o": Self.program, "one.o": Self.unit(.object, "one"), "two.o": Self.unit(.object, "second")],
      ["--no-entry", "--icf=all", "--print-icf-sections", "--Map=-"])
    let text = run.notes.joined(separator: "\n")
    #expect(text.contains(/selected section .*one\.o:\(helper\)\n  removing identical section .*two\.o:\(helper\)/))
    #expect(text.contains(/selected section .*one\.o:\(one\)\n  removing identical section .*two\.o:\(second\)/))
  }

  @Test func options() throws {
    try refused(["run.o": Self.program], "--icf=some", mentions: ["unknown --icf value: some"])
    try refused(["run.o": Self.program], "-r", "--icf=safe", mentions: ["-r and --icf may not be used together"])
    let run = try LinkInProcess(["run.o": Self.program], ["-r", "--icf=all", "--icf=none"])
    #expect(run.errors == [])
  }

  /// Debug information about a folded function is that of one that is gone; line numbers stay.
  @Test(arguments: [".debug_info", ".debug_ranges", ".debug_line", "other"]) func debugInformation(_ section: String)
    async throws
  {
    var object = ModuleBuilder(object: true)
    let one = object.function("one", [], [.i32], flags: .local, [.i32Const(7)])
    let two = object.function("two", [], [.i32], flags: .local, [.i32Const(7)])
    object.function("run", [], [.i32], flags: .exported, [.call(one), .call(two), .i32Add])
    object.custom(
      section, Array(repeating: 0, count: 8),
      relocations: [
        DataRelocation(.functionOffsetI32, at: 0, one, addend: 1),
        DataRelocation(.functionOffsetI32, at: 4, two, addend: 1),
      ])
    func offsets(_ words: String) async throws -> [UInt32] {
      let result = try await linked(["a.o": object], "--no-entry", words)
      let custom = try #require(result.module.customSections.first { $0.name == section })
      let bytes = result.bytes[custom.contents]
      return [bytes.prefix(4), bytes.suffix(4)].map { $0.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    }
    let plain = try await offsets("--icf=none")
    #expect(plain[0] > 1 && plain[1] > plain[0])
    let folded = try await offsets("--icf=safe")
    #expect(folded[0] == plain[0])
    switch section {
    case ".debug_info": #expect(folded[1] == UInt32.max)
    case ".debug_ranges": #expect(folded[1] == UInt32.max - 1)
    default: #expect(folded[1] == folded[0])
    }
  }

  // MARK: Random graphs

  /// The classes are those that asking again and again for all elements finds.
  @Test func partitionIsTheCoarsest() {
    var random = SplitMix(seed: 11)
    for round in 0..<400 {
      let count = 1 + random.below(40)
      let kinds = (0..<count).map { _ in random.below(3) }
      let degree = (0..<3).map { _ in random.below(4) }
      var edges = Partition.Edges()
      let targets = kinds.map { kind in (0..<degree[kind]).map { _ in random.below(count) } }
      for list in targets {
        edges.targets += list.map { UInt32($0) }
        edges.starts.append(UInt32(edges.targets.count))
      }
      let groups = Dictionary(grouping: 0..<count) { kinds[$0] }.sorted { $0.key < $1.key }
      var partition = Partition(groups.map { $0.value.map { UInt32($0) } }, count: count)
      partition.refine(by: edges)
      var classes = kinds
      while true {
        var numbers: [[Int]: Int] = [:]
        let next = (0..<count).map { element in
          let key = [classes[element]] + targets[element].map { classes[$0] }
          let number = numbers.count
          if let known = numbers[key] { return known }
          numbers[key] = number
          return number
        }
        let isStable = Set(next).count == Set(classes).count
        classes = next
        if isStable { break }
      }
      for one in 0..<count {
        for other in 0..<one {
          let isSame = partition.numbers[one] == partition.numbers[other]
          #expect(isSame == (classes[one] == classes[other]), "round \(round): \(one), \(other)")
        }
        #expect(partition.members(of: Int(partition.numbers[one])).contains(UInt32(one)))
      }
    }
  }

  /// Random functions that call each other in several units: the same with and without folding, and with any number of
  /// threads.
  @Test(arguments: 0..<24) func randomPrograms(_ seed: Int) async throws {
    var random = SplitMix(seed: UInt64(seed))
    var files: [(String, any InputContents)] = []
    let units = 2 + random.below(3)
    let count = 12
    var program = ModuleBuilder(object: true)
    var sum: [WasmInstruction] = [.i32Const(0)]
    for unit in 0..<units {
      let owner: Owner = random.chance(50) ? .object : .library
      var module = owner == .object ? ModuleBuilder(object: true) : ModuleBuilder(dylink: Dylink())
      var indices: [Int] = []
      var symbols: [ObjectSymbol] = []
      for index in 0..<count {
        // Calls only go down, so that every call ends.
        func call() -> WasmInstruction {
          let target = random.below(index)
          return owner == .object ? .call(symbols[target]) : .call(indices[target])
        }
        var code: [WasmInstruction] = [.localGet(0), .i32Const(Int32(random.below(2))), .i32Add]
        if index > 0, random.chance(70) { code.append(call()) }
        if index > 0, random.chance(30) { code.append(call()) }
        let name = "f\(unit).\(index)"
        if owner == .object {
          symbols.append(module.function(name, [.i32], [.i32], code))
        } else {
          indices.append(module.function([.i32], [.i32], export: name, name: name, code))
        }
        if random.chance(60) {
          let function = program.undefinedFunction(name, [.i32], [.i32])
          sum += [.localGet(0), .call(function), .i32Const(Int32(index + 1)), .i32Mul, .i32Add]
        }
      }
      files.append(("unit\(unit)", module))
    }
    program.function("run", [.i32], [.i32], flags: .exported, sum)
    let folder = try TemporaryFolder()
    for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
    try folder.write(program.bytes, to: "run.o")
    let names = ["run.o"] + files.map(\.0)
    let plain = try #require(LinkInProcess(names, ["--no-entry"], in: folder.path).bytes)
    let host = WebAssemblyHost.shared
    let expected = try await host.invoke(plain, [Call("run", 3)])
    for mode in ["safe", "all"] {
      let folded = try #require(LinkInProcess(names, ["--no-entry", "--icf=\(mode)"], in: folder.path).bytes)
      #expect(folded.count < plain.count)
      #expect(try await host.invoke(folded, [Call("run", 3)]) == expected)
      let parallel = LinkInProcess(names, ["--no-entry", "--icf=\(mode)", "--threads=4"], in: folder.path)
      #expect(parallel.bytes == folded)
    }
  }
}
