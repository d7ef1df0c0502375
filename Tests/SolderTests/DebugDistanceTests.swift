import Testing

/// Distances in code that no code has: a warning, or nothing that changes.
@Suite struct DebugDistanceTests {
  static let distances: [UInt64] = [
    1, 6, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFE0, 0x7FFF_FFFF_FFFF_FFFE, 0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF,
  ]

  private func linked(_ sections: KeyValuePairs<String, [UInt8]>) async throws -> LinkedInProcess {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.function([], [.i32], export: "f", [.globalGet(base.memory), .i32Const(8), .i32Add])
    library.function([], [.i32], export: "g", [.globalGet(base.memory), .i32Const(4), .i32Add])
    for (name, bytes) in sections { library.custom(name, bytes) }
    return try await SolderTests.linked(
      ["lib.so": library], "--no-entry", "--export=f", "--export=g", warnings: true)
  }

  private func number(_ value: UInt64, width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  private func leb128(_ value: UInt64) -> [UInt8] {
    if value < 0x80 { return [UInt8(value)] }
    return [UInt8(value & 0x7F) | 0x80] + leb128(value >> 7)
  }

  @Test(arguments: distances)
  func advancesOfLinePrograms(_ advance: UInt64) async throws {
    let isKept = advance <= 0xFFFF_FFFF
    let header: [UInt8] = [1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    // The address, two advances with a row behind each, the end.
    let advances: [UInt8] = [2] + leb128(advance) + [0x20]
    var program: [UInt8] = [0, 5, 2]
    program += number(3, width: 4) + advances + advances
    program += [0, 1, 1]
    var unit = number(4, width: 2) + number(UInt64(header.count), width: 4)
    unit += header + program
    let result = try await linked([".debug_line": number(UInt64(unit.count), width: 4) + unit])
    #expect(result.module.sections.contains { $0.name == ".debug_line" } == isKept)
    #expect(result.warnings.count == (isKept ? 0 : 1))
    if !isKept {
      let warning = result.warnings.first ?? ""
      #expect(warning.contains("lib.so") && warning.contains(".debug_line") && warning.contains("\(advance) bytes"))
    }
  }

  @Test(arguments: distances.filter { $0 > 0xFFFF_FFFF })
  func lengthsOfFunctions(_ length: UInt64) async throws {
    // A unit, and a function: where it begins, and how long it is in eight bytes.
    let abbreviations: [UInt8] = [1, 0x11, 1, 0, 0, 2, 0x2E, 0, 0x11, 0x01, 0x12, 0x07, 0, 0, 0]
    var unit = number(4, width: 2) + number(0, width: 4)
    unit += [4, 1, 2]
    unit += number(3, width: 4) + number(length, width: 8)
    unit.append(0)
    let result = try await linked([
      ".debug_abbrev": abbreviations, ".debug_info": number(UInt64(unit.count), width: 4) + unit,
    ])
    let section = try #require(result.module.sections.first { $0.name == ".debug_info" })
    #expect(result.bytes[section.contents].suffix(9).prefix(8).elementsEqual(number(length, width: 8)))
    #expect(result.warnings.isEmpty)
  }
}
