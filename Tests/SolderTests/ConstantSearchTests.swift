import Testing

@testable import SolderLinker

/// Only bodies with bytes of an address are decoded in the search for one: to the same effect as if all were.
@Suite struct ConstantSearchTests {
  /// A module with many functions, and the numbers in them; few are near the addresses.
  private func module(
    _ addresses: Range<UInt64>, _ random: inout SplitMix
  ) -> (module: ModuleBuilder, numbers: [UInt64]) {
    var (module, numbers) = (ModuleBuilder(), [UInt64]())
    module.memory(Limits(1), export: "memory")
    let functions = random.below(3000)
    for _ in 0..<functions {
      var code: [WasmInstruction] = []
      for _ in 0..<random.below(12) {
        let isNear = random.below(functions) < 2
        let number = isNear ? addresses.lowerBound - 4096 + UInt64(random.below(12288)) : UInt64(random.below(1 << 14))
        numbers.append(number)
        switch random.below(4) {
        case 0: code += [.i32Const(0), .i32Load(offset: number)]
        case 1: code += [.i64Const(Int64(number))]
        default: code += [.i32Const(Int32(number), width: random.below(2) * 5)]
        }
        code.append(.drop)
      }
      module.function([], [], code)
    }
    return (module, numbers)
  }

  @Test(arguments: [1 << 14, 0x1F_F000, 1 << 21, 50_000_000] as [UInt64]) func inManyFunctions(_ start: UInt64) throws {
    var random = SplitMix(seed: start)
    let addresses = start..<start + 4096
    for _ in 0..<12 {
      let (module, numbers) = module(addresses, &random)
      var other = ModuleBuilder()
      other.memory(Limits(1))
      let program = try decided(["many.wasm": module, "other.wasm": other], "--no-entry")
      let unit = try #require(program.resolution.units.first { $0.file.displayName.hasSuffix("many.wasm") })
      let found = ConstantSearch(addresses, in: unit.module).lowestInCode(Threads(2))
      #expect(found == numbers.filter(addresses.contains).min())
    }
  }
}
