import Testing

/// Units whose entries are in other files say here only where their code is, and share their addresses.
@Suite struct SkeletonTests {
  private static let functions = [(start: 2, length: 7), (start: 10, length: 7)]

  /// Two functions, and skeletons of version 5 for the code of as many of them as numbers are in a row.
  private func linked(_ units: [Range<Int>]) async throws -> LinkedInProcess {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 32, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.function([], [.i32], export: "f", [.globalGet(base.memory), .i32Const(8), .i32Add])
    library.function([], [.i32], export: "g", [.globalGet(base.memory), .i32Const(4), .i32Add])
    // Where code begins and how long it is, and where the addresses begin.
    library.custom(".debug_abbrev", [1, 0x4A, 0, 0x11, 0x01, 0x12, 0x06, 0x73, 0x17, 0, 0, 0])
    var entries = DebugBytes()
    for unit in units {
      let code = Self.functions[unit]
      let (start, last) = (code[unit.lowerBound].start, code[unit.upperBound - 1])
      entries.unit(version: 5, type: 4) {
        $0.bytes += [1]
        $0.word(start)
        $0.word(last.start + last.length - start)
        $0.word(8)
      }
    }
    library.custom(".debug_info", entries.bytes)
    var addresses = DebugBytes()
    addresses.counted {
      $0.bytes += [5, 0, 4, 0]
      for address in [2, 10, 24] { $0.word(address) }
    }
    library.custom(".debug_addr", addresses.bytes)
    let result = try await SolderTests.linked(
      ["lib.so": library], "--no-entry", "--export=f", "--export=g", warnings: true)
    #expect(result.warnings.count == 1 && result.warnings.first?.contains("(-gsplit-dwarf)") == true)
    return result
  }

  private func words(_ name: String, of result: LinkedInProcess, from start: Int) throws -> [Int] {
    let section = try #require(result.module.sections.first { $0.name == name })
    let bytes = Array(result.bytes[section.contents].dropFirst(start))
    return stride(from: 0, to: bytes.count - 3, by: 4).map { index in
      (0..<4).reduce(0) { $0 | Int(bytes[index + $1]) << (8 * $1) }
    }
  }

  @Test func addressesAreOfTheCodeOfAnyUnit() async throws {
    let both = try await linked([0..<2])
    let addresses = try words(".debug_addr", of: both, from: 8)
    #expect(addresses.count == 3 && addresses[2] >= 1024, "\(addresses)")
    #expect(addresses.first == (try words(".debug_info", of: both, from: 21).first))
    for units in [[0..<1, 1..<2], [1..<2, 0..<1], [0..<2, 1..<2]] {
      #expect(try words(".debug_addr", of: try await linked(units), from: 8) == addresses)
    }
  }
}

/// Debug information that is written by hand.
struct DebugBytes {
  var bytes: [UInt8] = []

  mutating func word(_ value: Int) { bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// What begins with its length.
  mutating func counted(_ fill: (inout DebugBytes) -> Void) {
    var inner = DebugBytes()
    fill(&inner)
    word(inner.bytes.count)
    bytes += inner.bytes
  }

  /// A unit of entries, with its header.
  mutating func unit(version: UInt8, type: UInt8 = 1, abbreviations: Int = 0, _ fill: (inout DebugBytes) -> Void) {
    counted {
      $0.bytes += [version, 0]
      if version >= 5 { $0.bytes += [type, 4] }
      $0.word(abbreviations)
      if version < 5 { $0.bytes.append(4) }
      // A skeleton says which file it stands for.
      if type == 4 { $0.bytes += [UInt8](repeating: 1, count: 8) }
      fill(&$0)
    }
  }

  mutating func number(_ value: Int) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7F) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }
}
