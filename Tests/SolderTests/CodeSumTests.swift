import Testing

/// Addresses of code that are said as another one and a distance, which is another distance in the result.
@Suite struct CodeSumTests {
  /// A way to say the sum of the unit's first address and a distance.
  enum Form: CaseIterable {
    case sum, index, indexFirst, gnuIndex, address, short, uleb, plusNumber, literal, difference

    /// The form of the attribute, in LEB128.
    var code: [UInt8] { self == .sum ? [0x81, 0x40] : self == .short ? [0x0A] : [0x18] }

    /// - Parameter address: the one that something is added to.
    func value(_ distance: UInt8, behind address: UInt8) -> [UInt8] {
      let expression: [UInt8]
      switch self {
      case .sum: return [0, distance, 0, 0, 0]
      case .index: expression = [0xA1, 0, 0x0C, distance, 0, 0, 0, 0x22]
      case .indexFirst: expression = [0x0A, distance, 0, 0xA1, 0, 0x22]
      case .gnuIndex: expression = [0xFB, 0, 0x0E, distance, 0, 0, 0, 0, 0, 0, 0, 0x22]
      case .address: expression = [0x03, address, 0, 0, 0, 0x08, distance, 0x22]
      case .short: expression = [0xA1, 0, 0x08, distance, 0x22, 0x96]
      case .uleb: expression = [0xA1, 0, 0x10, distance, 0x22]
      case .plusNumber: expression = [0xA1, 0, 0x23, distance]
      case .literal: expression = [0xA1, 0, 0x30 + distance, 0x22]
      case .difference: expression = [0xA1, 0, 0x08, distance, 0x1C]
      }
      return [UInt8(expression.count)] + expression
    }
  }

  /// A function whose first operand becomes shorter, and at 12 a branch.
  private static func library() -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 4, memoryAlignment: 2))
    library.padsOperands = true
    let base = library.importMemoryAndBases()
    library.function(
      [.i32], [.i32], export: "f",
      [
        .globalGet(base.memory), .i32Load(), .localGet(0), .if(.i32), .i32Const(1), .else, .i32Const(2), .end,
        .i32Add,
      ])
    return library
  }

  private static let branch: UInt8 = 12

  private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// Two blocks: behind the branch, and from the first instruction to the branch.
  private static func entries(_ form: Form, _ branch: UInt8, of function: UInt8) -> [UInt8] {
    var entries: [UInt8] = [1] + word(8) + [2, 0] + word(Int(branch) + 3)
    entries += [3] + form.value(branch, behind: function) + word(2) + form.value(branch, behind: function)
    return entries + [3] + form.value(1, behind: function) + word(Int(branch) - 1) + form.value(1, behind: function)
  }

  @Test(arguments: Form.allCases) func distances(_ form: Form) async throws {
    var library = Self.library()
    // A unit, a function, blocks: where it begins, how long it is, where a call returns to.
    library.custom(
      ".debug_abbrev",
      [1, 0x11, 1, 0x73, 0x17, 0, 0, 2, 0x2E, 1, 0x11, 0x1B, 0x12, 0x06, 0, 0, 3, 0x0B, 0, 0x11] + form.code
        + [0x12, 0x06, 0x7D] + form.code + [0, 0, 0])
    let entries = Self.entries(form, Self.branch, of: 2) + [0, 0]
    library.custom(".debug_info", Self.word(8 + entries.count) + [5, 0, 1, 4, 0, 0, 0, 0] + entries)
    library.custom(".debug_addr", Self.word(8) + [5, 0, 4, 0] + Self.word(2))
    let isKnown = form != .literal && form != .difference
    let result = try await linked(["lib.so": library], "--no-entry", "--export=f", warnings: !isKnown)
    guard isKnown else {
      // No room, or no sum.
      #expect(result.warnings.count == 1 && result.warnings[0].contains("lib.so: .debug_info: "))
      #expect(!result.module.sections.contains { $0.name == ".debug_info" })
      return
    }
    let code = try #require(result.module.sections.first { $0.identifier == 10 })
    let information = try #require(result.module.sections.first { $0.name == ".debug_info" })
    let addresses = try #require(result.module.sections.first { $0.name == ".debug_addr" })
    let function = try #require(result.bytes[addresses.contents].dropFirst(8).first)
    let body = result.bytes[code.contents].dropFirst(Int(function))
    let branch = try #require(body.indices.first { body[$0...].starts(with: [0x04, 0x7F]) }) - body.startIndex
    #expect(branch < Int(Self.branch))
    let bytes = Array(result.bytes[information.contents].suffix(entries.count))
    #expect(bytes == Self.entries(form, UInt8(branch), of: function) + [0, 0])
  }

  /// Where code begins and ends and calls return to, from the reader's text, which does not work expressions out.
  private static func places(ofExpressions text: String) throws -> [String] {
    // One table for each unit.
    var tables: [[Int]] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("Addrs:") { tables.append([]) }
      guard let value = line.wholeMatch(of: /0x(\w{8})/), !tables.isEmpty else { continue }
      tables[tables.count - 1].append(Int(value.1, radix: 16) ?? 0)
    }
    func number(_ text: Substring?) throws -> Int { try #require(text.flatMap { Int($0, radix: 16) }) }
    var (unit, low, places): (Int, Int, [String]) = (-1, 0, [])
    for line in text.split(separator: "\n") {
      if line.contains("DW_TAG_compile_unit") { unit += 1 }
      guard line.contains(/DW_AT_(low|high|call_return|call)_pc/) else { continue }
      var place: Int
      if let sum = line.firstMatch(of: /DW_OP_addrx 0x(\w+), DW_OP_const4u 0x(\w+), DW_OP_plus/) {
        place = try tables[unit][number(sum.1)] + number(sum.2)
        if line.contains("low_pc") { low = place }
      } else {
        place = try number(line.firstMatch(of: /\(0x(\w+)\)/)?.1)
        // Behind what is no address to the reader, a length stays one.
        if line.contains("low_pc") { low = 0 }
        if line.contains("high_pc") { place += low }
      }
      let digits = String(place, radix: 16)
      places.append("0x" + String(repeating: "0", count: 8 - digits.count) + digits)
    }
    return places
  }

  /// What LLVM writes if it is asked for few addresses says the same as what it writes otherwise: of libraries, and of objects
  /// whose operands are shortened.
  @Test(arguments: Compiler.allCases, ["Form", "Expressions"])
  func fewAddresses(_ compiler: Compiler, _ way: String) async throws {
    let build = DebugInformationTests.Build(compiler: compiler, flags: ["-gdwarf-5", "-O2"])
    func places(_ way: String, _ options: [String], ofObjects: Bool) async throws -> [String] {
      let inputs = try await build.inputs(["-mllvm", "-minimize-addr-in-v5=" + way], asObjects: ofObjects)
      let linked = try await LinkedDebugProgram(
        [inputs.object] + inputs.libraries, ["--no-entry", "--export=start", "--no-gc-sections"] + options)
      #expect(try await linked.compareLines(ofObjects: ofObjects) > 40)
      try await linked.verify(against: inputs.libraries)
      let text = try await require(Tool.debugReader.path(), ["--debug-info", "--debug-addr", linked.path])
      guard way == "Expressions" else {
        return text.matches(of: /DW_AT_(low_pc|high_pc|call_return_pc|call_pc)\t\((0x\w+)\)/).map { String($0.2) }
      }
      return try Self.places(ofExpressions: text)
    }
    let kinds = [(false, []), (false, ["-O2"]), (true, ["--compress-relocations", "--no-strip-debug"])]
    for (isOfObjects, options) in kinds {
      let expected = try await places("Disabled", options, ofObjects: isOfObjects)
      #expect(expected.count > 20)
      #expect(try await places(way, options, ofObjects: isOfObjects) == expected)
    }
  }
}
