import SolderLinker
import Testing

/// The short way through resolving names decides as the rules do: random sets of objects, archives, libraries and modules,
/// linked with the short way and, by tracing a name that nobody has, without it.
@Suite struct PlainSymbolTests {
  @Test(arguments: 0..<8) func theShortWayDecidesAsTheRulesDo(_ seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed) &* 7919 &+ 5)
    var refused = 0
    for round in 0..<60 {
      let count = 2 + Int(random.next() % 4)
      let files = (0..<count).map { Self.file($0, &random) }
      let inputs = try InputSet(files)
      let words = ["--no-entry", "--export-dynamic"] + (random.next() % 2 == 0 ? ["--allow-undefined"] : [])
      let short = inputs.link(words)
      let full = inputs.link(words + ["--trace-symbol=nobody has this name"])
      #expect(short.bytes == full.bytes, "seed \(seed), round \(round)")
      let told = full.messages.map(\.text).filter { !$0.hasPrefix("--trace-symbol: no input") }
      #expect(short.messages.map(\.text) == told, "seed \(seed), round \(round)")
      if short.bytes == nil { refused += 1 }
    }
    #expect(refused < 60)
  }

  /// Names that files share, mostly but not always as things of one kind and type.
  private static func file(_ number: Int, _ random: inout SplitMix) -> (name: String, contents: any InputContents) {
    func pick(_ count: UInt64) -> Int { Int(random.next() % count) }
    let kind = pick(6)
    guard kind < 4 else {
      var module = kind == 4 ? ModuleBuilder(dylink: Dylink(memorySize: 16)) : ModuleBuilder()
      for name in ["a", "b"] where pick(3) == 0 {
        let function = module.importFunction("env", name, [.i32], [])
        if pick(3) == 0 { module.export("\(name)\(number)", .function, function) }
      }
      for name in ["c", "d", "e"] where pick(3) == 0 { module.function([.i32], [], export: name, []) }
      module.function([], [], export: "run\(number)", [])
      return ("\(number).\(kind == 4 ? "so" : "wasm")", module)
    }
    var object = ModuleBuilder(object: true)
    var callees: [ObjectSymbol] = []
    let names = ["a", "b", "c", "d", "e"]
    var undefined: Set<String> = []
    for name in names where pick(2) == 0 {
      undefined.insert(name)
      let type: [WasmType] = pick(12) == 0 ? [.i64] : [.i32]
      callees.append(object.undefinedFunction(name, type, [], flags: pick(3) == 0 ? .weak : []))
    }
    var data: [ObjectSymbol] = []
    for name in ["x", "y"] where pick(3) == 0 {
      data.append(object.undefinedData(name, flags: pick(3) == 0 ? .weak : []))
    }
    for name in names where !undefined.contains(name) && pick(3) == 0 {
      object.function(name, [.i32], [], flags: pick(2) == 0 ? .weak : [], [])
    }
    if data.isEmpty, pick(2) == 0 {
      object.data("x", [1, 2, 3, UInt8(number)], flags: pick(2) == 0 ? .weak : [])
    }
    object.function("local", [], [], flags: .local, [])
    object.function(
      "run\(number)", [], [], flags: .exported,
      callees.flatMap { [WasmInstruction.i32Const(1), .call($0)] } + data.flatMap { [.address($0), .drop] })
    guard kind == 3 else { return ("\(number).o", object) }
    var archive = ArchiveBuilder()
    archive.add("\(number).o", object)
    return ("\(number).a", archive)
  }
}
