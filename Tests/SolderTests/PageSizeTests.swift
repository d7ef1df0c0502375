import Testing

/// Pages of one byte (custom page sizes proposal) in a memory that several files share.
@Suite struct PageSizeTests {
  private static func owner(_ limits: Limits, heapBase: Int32 = 16) -> ModuleBuilder {
    var module = ModuleBuilder()
    module.memory(limits, export: "memory")
    module.global(.i32, [.i32Const(heapBase)], export: "__heap_base")
    return module
  }

  /// A library with data, whose function `use` has this code.
  private static func library(pageSize: Int? = nil, _ code: [WasmInstruction]) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    library.importMemory("env", "memory", Limits(0, pageSize: pageSize))
    let base = library.importGlobal("env", "__memory_base", .i32)
    library.data(.active([.globalGet(base)]), [7, 0, 0, 0])
    library.function([], [.i32], export: "use", [.globalGet(base), .drop] + code)
    return library
  }

  private static func object(_ code: [WasmInstruction]) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let datum = object.data("datum", [7, 0, 0, 0])
    object.function("use", [], [.i32], flags: .exported, [.address(datum), .drop] + code)
    return object
  }

  private static let words = ["--no-entry", "--export=use"]

  /// Code that counts pages is for pages of one size; code that does not is for any.
  @Test func codeThatCountsPages() async throws {
    let count: [WasmInstruction] = [.memorySize()]
    let grow: [WasmInstruction] = [.i32Const(1), .memoryGrow()]
    let plain: [WasmInstruction] = [.i32Const(3)]
    for (name, make) in [
      ("use.so", { Self.library($0) }), ("use.o", { Self.object($0) }),
    ] as [(String, ([WasmInstruction]) -> ModuleBuilder)] {
      for code in [count, grow] {
        let files = try InputSet([("owner.wasm", Self.owner(Limits(100, pageSize: 0))), (name, make(code))])
        for order in permutations(files.names) {
          files.refuse(Self.words + order, [name, "use", "65536 bytes", "have 1 "])
        }
      }
      let files = try InputSet([("owner.wasm", Self.owner(Limits(100, pageSize: 0))), (name, make(plain))])
      for order in permutations(files.names) {
        #expect(try await files.transcript(Self.words + order, [Call("use")]) == "use() = 3")
      }
    }
    // An object's pages are those of the option.
    let files = try InputSet([("owner.wasm", Self.owner(Limits(100, pageSize: 0))), ("use.o", Self.object(count))])
    for order in permutations(files.names) {
      #expect(
        try await files.transcript(Self.words + ["--page-size=1"] + order, [Call("use")]) == "use() = 116")
    }
  }

  @Test func aLibraryThatCountsBytes() async throws {
    let files = try InputSet([
      ("use.so", Self.library(pageSize: 0, [.memorySize()])), ("other.wasm", Self.owner(Limits(1))),
    ])
    for order in [["use.so"], ["use.so", "other.wasm"], ["other.wasm", "use.so"]] {
      files.refuse(Self.words + order, ["use.so", "use", "1 bytes", "have 65536 "])
    }
    #expect(
      try await files.transcript(Self.words + ["--page-size=1", "use.so"], [Call("use")]).hasPrefix("use() = "))
  }

  /// There is one page less than bytes that have an address: their number has 32 bits.
  @Test func theLargestMemory() async throws {
    for (minimum, fits) in [(UInt64(4_294_967_200), true), (4_294_967_295, false)] {
      let files = try InputSet([
        ("owner.wasm", Self.owner(Limits(minimum, pageSize: 0), heapBase: Int32(truncatingIfNeeded: minimum))),
        ("use.so", Self.library([.i32Const(3)])),
      ])
      for order in permutations(files.names) {
        if fits {
          _ = try await files.transcript(Self.words + order, [])
        } else {
          files.refuse(Self.words + order, ["memory of", "only 4294967295 bytes can be addressed"])
        }
      }
    }
    let object = try InputSet([("use.o", Self.object([.i32Const(3)]))])
    object.refuse(
      Self.words + ["--page-size=1", "--max-memory=4294967296", "use.o"], ["cannot be greater than 4294967295"])
  }
}
