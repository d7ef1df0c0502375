import Testing

/// Entries that say where the lines of a function are in the program of its unit (`DW_AT_LLVM_stmt_sequence`), which is
/// written anew.
@Suite struct LineSequenceTests {
  private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// Two functions whose first operand becomes shorter, and programs of two units.
  private struct Lines {
    var bytes: [UInt8] = []
    var sequences: [Int] = []

    /// - Parameter functions: where their bodies begin in the code section.
    init(_ functions: [[Int]]) {
      for functions in functions {
        let header: [UInt8] = [1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
        var unit: [UInt8] = [4, 0] + LineSequenceTests.word(header.count) + header
        for function in functions {
          sequences.append(bytes.count + 4 + unit.count)
          unit += [0, 5, 2] + LineSequenceTests.word(function)
          // A row, advances that become shorter and longer, the end.
          unit += [1, 2, 7, 1, 2] + [0x82, 0x80, 0] + [0x14, 0, 1, 1]
        }
        bytes += LineSequenceTests.word(unit.count) + unit
      }
    }
  }

  private func linked(
    _ sequences: [Int], version: UInt8
  ) async throws -> (result: LinkedInProcess, lines: Lines) {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16, memoryAlignment: 2))
    library.padsOperands = true
    let base = library.importMemoryAndBases()
    for name in ["f", "g"] {
      library.function([], [.i32], export: name, [.globalGet(base.memory), .i32Load(), .i32Const(8), .i32Add])
    }
    let module = try ModuleDescription(library.bytes)
    let code = try #require(module.sections.first { $0.identifier == 10 })
    // The count and sizes have a byte each.
    let size = Int(library.bytes[code.contents.lowerBound + 1])
    let lines = Lines([[2, 3 + size], [3 + size]])
    let form: UInt8 = version == 3 ? 0x06 : 0x17
    library.custom(
      ".debug_abbrev",
      [1, 0x11, 1, 0x10, form, 0, 0, 2, 0x2E, 0, 0x11, 0x01, 0x12, 0x06, 0x8C, 0x7C, form, 0, 0, 0])
    var unit: [UInt8] = [version, 0, 0, 0, 0, 0, 4, 1] + Self.word(0)
    for sequence in sequences { unit += [2] + Self.word(2) + Self.word(size) + Self.word(sequence) }
    unit.append(0)
    library.custom(".debug_info", Self.word(unit.count) + unit)
    library.custom(".debug_line", lines.bytes)
    let result = try await SolderTests.linked(
      ["lib.so": library], "--no-entry", "--export=f", "--export=g", warnings: true)
    return (result, lines)
  }

  /// Where sequences begin: behind a header or the end of another.
  private func sequences(_ bytes: [UInt8]) -> [Int] {
    var (result, unit): ([Int], Int) = ([], 0)
    while unit < bytes.count {
      let end = unit + 4 + Int(bytes[unit]) + Int(bytes[unit + 1]) << 8
      var place = unit + 10 + Int(bytes[unit + 6])
      while place < end {
        result.append(place)
        while bytes[place] != 0 || bytes[place + 2] != 1 { place += length(of: bytes[place...]) }
        place += 3
      }
      unit = end
    }
    return result
  }

  /// Of an operation.
  private func length(of bytes: ArraySlice<UInt8>) -> Int {
    let operand = bytes.dropFirst()
    switch bytes.first {
    case 0: return 2 + Int(operand.first ?? 0)
    case 2: return 2 + operand.prefix { $0 >= 0x80 }.count
    default: return 1
    }
  }

  @Test(arguments: [3, 4] as [UInt8]) func sequencesOfTwoUnits(_ version: UInt8) async throws {
    let starts = Lines([[2, 3], [3]]).sequences
    let (result, lines) = try await linked([starts[2], starts[0], starts[1], 0xFFFF_FFFF], version: version)
    #expect(result.warnings == [] && lines.sequences == starts)
    let section = try #require(result.module.sections.first { $0.name == ".debug_line" })
    let information = try #require(result.module.sections.first { $0.name == ".debug_info" })
    let written = sequences(Array(result.bytes[section.contents]))
    #expect(written.count == 3 && written != starts)
    let entries = Array(result.bytes[information.contents].suffix(4 * 13 + 1))
    let values = (0..<4).map { Array(entries[13 * $0 + 9..<13 * $0 + 13]) }
    #expect(values == [written[2], written[0], written[1], 0xFFFF_FFFF].map { Self.word($0) })
  }

  /// What is no sequence's beginning would be something else in the result.
  @Test(arguments: [0, 1, 33, 0x7FFF]) func noSequence(_ offset: Int) async throws {
    let starts = Lines([[2, 3], [3]]).sequences
    let (result, _) = try await linked([starts[0], offset], version: 4)
    #expect(result.warnings.count == 1 && result.warnings[0].contains("lib.so: .debug_info: "))
    #expect(!result.module.sections.contains { $0.name.hasPrefix(".debug_") })
  }

  /// The compiler that can be asked to say it, of libraries and of objects whose operands are shortened.
  @Test(arguments: ["-gdwarf-4", "-gdwarf-5"], ["-O0", "-O2"])
  func everyFunction(_ version: String, _ level: String) async throws {
    let build = DebugInformationTests.Build(compiler: .toolchain, flags: [version, level])
    for isOfObjects in [true, false] {
      let inputs = try await build.inputs(["-mllvm", "-emit-func-debug-line-table-offsets"], asObjects: isOfObjects)
      let linked = try await LinkedDebugProgram(
        [inputs.object] + inputs.libraries,
        ["--no-entry", "--export=start", "--no-gc-sections", "--compress-relocations", "--no-strip-debug"])
      #expect(try await linked.compareLines(ofObjects: isOfObjects) > 40)
      try await linked.verify(against: inputs.libraries)
      let text = try await require(Tool.debugReader.path(), ["-v", "--debug-info", "--debug-line", linked.path])
      var (written, isFirst): (Set<Int>, Bool) = ([], false)
      for line in text.split(separator: "\n") {
        if isFirst, let operation = line.firstMatch(of: /^0x(\w+): \w\w\b/) {
          written.insert(try #require(Int(operation.1, radix: 16)))
          isFirst = false
        }
        if line.hasPrefix("debug_line[") || line.contains("DW_LNE_end_sequence") { isFirst = true }
      }
      let said = text.matches(of: /(?:stmt_sequence|unknown_3e0c).*\(0x(\w+)/).compactMap { Int($0.1, radix: 16) }
      #expect(said.count >= 5 && written.isSuperset(of: said), "\(said), \(written)")
    }
  }
}
