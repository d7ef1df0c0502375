import Testing

@testable import SolderLinker

/// Index spaces of the result, and indices themselves.
@Suite struct NumberingTests {
  @Test func anIndexOrNoneInFourBytes() {
    #expect(MemoryLayout<PackedIndex<OutputFunctions>>.size == 4)
    #expect(PackedIndex<OutputFunctions>.none.index == nil)
    #expect(PackedIndex(OutputFunctionIndex(0)).index == OutputFunctionIndex(0))
    #expect(PackedIndex(OutputFunctionIndex(Int(UInt32.max) - 1)).index?.rawValue == UInt32.max - 1)
  }

  /// Symbols, relocations and values of symbols are as small as the tables that hold a million of them want them.
  @Test func sizes() {
    #expect(MemoryLayout<Symbol>.stride == 56)
    #expect(MemoryLayout<Relocation>.stride == 16)
    #expect(MemoryLayout<SymbolValue>.stride == 16)
  }

  @Test func aRowTakesIndicesOfItsKind() {
    var row = Row<LinkFunctions, Int>(repeating: 1, count: 2)
    row[FunctionID(1)] = 5
    #expect(row.append(7) == FunctionID(2))
    #expect(row.values == [1, 5, 7])
    #expect(row[checked: FunctionID(3)] == nil)
    row.replaceAll { $0 * 2 }
    #expect(row[FunctionID(2)] == 14)
  }

  private func program(_ words: String) throws -> Program {
    var object = ModuleBuilder(object: true)
    let host = object.undefinedFunction("host", [.i32], module: "host", importName: "show")
    let limit = object.undefinedGlobal("limit", .i32, module: "host", flags: .explicitName)
    let counter = object.global("counter", .i32, isMutable: true, [.i32Const(3)])
    let unused = object.function("unused", [], [.i32], [.i32Const(1)])
    let helper = object.function("helper", [], [.i32], [.globalGet(counter)])
    object.function("_start", flags: .exported, [.call(helper), .call(host), .globalGet(limit), .drop])
    _ = unused
    return try decided(["a.o": object], words)
  }

  /// Imports stand first, what is defined follows in the order of the link, and what marking left out has no index.
  @Test func importsComeFirst() throws {
    let program = try program("--no-demangle")
    let indices = program.indices
    #expect(indices.importCounts.functions == OutputFunctionIndex(1))
    #expect(indices.importCounts.globals == OutputGlobalIndex(1))
    let unit = try #require(program.resolution.inLinkOrder.first { _ in true })
    #expect(indices.functionIndices[unit.bases.function] == .none, "unused")
    #expect(indices.functionIndices[unit.bases.function + 1].index == OutputFunctionIndex(1))
    #expect(indices.functionIndices[unit.bases.function + 2].index == OutputFunctionIndex(2))
    #expect(indices.functions.map(\.index) == [1, 2])
  }

  /// Without garbage collection everything has one.
  @Test func everythingIsNumbered() throws {
    let program = try program("--no-gc-sections")
    let unit = try #require(program.resolution.inLinkOrder.first { _ in true })
    let all = unit.functions.indices.map { program.indices.functionIndices[unit.bases.function + $0].index }
    let first = try #require(all.first ?? nil)
    #expect(all == (0..<3).map { first + $0 })
  }

  /// An import, a definition and what is missing: each symbol is one thing in the result, and says so itself.
  @Test func whatSymbolsAre() throws {
    let program = try program("--no-demangle")
    func answer(_ name: StaticString) throws -> SymbolValue.Answer {
      program.values[Int(try #require(program.resolution.table.find(name)))].answer
    }
    guard case .function(let host) = try answer("host") else { return #expect(Bool(false), "host is no function") }
    #expect(host.index == OutputFunctionIndex(0) && host.slot == nil)
    #expect(try answer("limit") == .global(OutputGlobalIndex(0)))
    #expect(try answer("unused") == .absent)
  }
}
