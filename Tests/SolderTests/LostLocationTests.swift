import Testing

/// Of a variable that is in a local, debug information says so as long as what gives the local its value is still there.
@Suite struct LostLocationTests {
  /// Where a variable is declared that is in a local all through what is around it. Numbers are of bytes in the body.
  indirect enum Place: Sendable, CustomTestStringConvertible {
    case function
    case block(Range<Int>, Form, Place?)

    /// How the block tells its code.
    enum Form: CaseIterable { case length, lengthFirst, end, ranges }

    var testDescription: String {
      switch self {
      case .function: "in the function"
      case .block(let code, let form, let inner): "in \(code), \(form), \(inner?.testDescription ?? "")"
      }
    }
  }

  struct Sample: Sendable, CustomTestStringConvertible {
    var testDescription: String { "\(place.testDescription), \(isOnStack ? "value" : "local") \(local)" }
    let place: Place
    /// Or the value on the stack.
    let local: UInt8
    let isOnStack: Bool
    let isIndexed: Bool
    let isLost: Bool

    init(_ place: Place, local: UInt8 = 1, isOnStack: Bool = false, isIndexed: Bool = false, isLost: Bool) {
      (self.place, self.local, self.isOnStack, self.isLost) = (place, local, isOnStack, isLost)
      self.isIndexed = isIndexed
    }

    /// Where the variable is.
    var location: [UInt8] { [0xED, isOnStack ? 2 : 0, local, 0x9F] }
  }

  // The number behind a line is that of its first byte.
  private static func code(_ base: Int) -> [WasmInstruction] {
    [
      .globalGet(base),  // 3
      // Nothing reads it any more when the sum is known.
      .localSet(1),  // 5
      .localGet(1), .i32Const(8), .i32Add, .i32Load(), .drop,  // 7
      .localGet(0),  // 16
      .localSet(1),  // 18
      .localGet(1),  // 20
      .i32Const(1), .i32Add,  // 22
    ]
  }
  private static let end = 26

  /// Addresses that go into offsets, or take a number.
  private static func accesses(_ base: Int) -> [WasmInstruction] {
    [
      .globalGet(base),  // 3
      .localGet(0), .i32Add,  // 5
      .i32Const(4), .i32Add,  // 8
      .i32Load(),  // 11
      .globalGet(base), .i32Const(8), .i32Add,  // 14
      .i32Load(),  // 19
      .i32Add, .i32Const(0), .i32Add,  // 22
    ]
  }

  /// An address with an index that goes into an offset.
  private static func indexed(_ base: Int) -> [WasmInstruction] {
    [
      .globalGet(base),  // 3
      .localGet(0), .i32Const(7), .i32And,  // 5
      .i32Add,  // 10
      .i32Load(),  // 11
      .localGet(0), .i32Const(0), .i32And, .i32Add,  // 14
      .i32Const(0), .i32Add, .i32Const(0), .i32Add,  // 20
    ]
  }

  static let indexedSamples: [Sample] = [
    (3..<5, false), (5..<10, true), (10..<11, true), (11..<14, true), (11..<20, true), (14..<20, false),
  ].map { Sample(.block($0.0, .length, nil), local: 0, isOnStack: true, isIndexed: true, isLost: $0.1) }

  /// Of the lowest value on the stack.
  static let stackSamples: [Sample] = [
    (3..<5, false), (5..<11, true), (8..<11, true), (11..<14, false), (14..<19, false), (19..<22, true),
    (22..<25, false),
  ].map { Sample(.block($0.0, .length, nil), local: 0, isOnStack: true, isLost: $0.1) }

  static let samples: [Sample] =
    [Place.Form.length, .lengthFirst, .end].flatMap { form in
      [
        // Behind the assignment that stays.
        Sample(.block(20..<25, form, nil), isLost: false), Sample(.block(22..<24, form, nil), isLost: false),
        // Behind the one that is gone, or around it.
        Sample(.block(7..<16, form, nil), isLost: true), Sample(.block(16..<25, form, nil), isLost: true),
        Sample(.block(3..<16, form, nil), isLost: true), Sample(.block(3..<25, form, nil), isLost: true),
        // Up to it.
        Sample(.block(3..<7, form, nil), isLost: false),
        // Only the innermost block counts, and that not behind its end.
        Sample(.block(3..<25, form, .block(20..<25, form, nil)), isLost: false),
        Sample(.block(20..<25, form, .block(7..<16, form, nil)), isLost: true),
        Sample(.block(3..<25, form, nil), local: 0, isLost: false),
      ]
    } + [
      Sample(.function, isLost: true), Sample(.function, local: 0, isLost: false),
      // A divided block may be anywhere.
      Sample(.block(20..<25, .ranges, nil), isLost: true),
      Sample(.block(20..<25, .ranges, .block(20..<25, .length, nil)), isLost: false),
      Sample(.block(20..<25, .length, .block(20..<25, .ranges, nil)), isLost: true),
    ]

  /// What is told of one function at byte 2 of the code section.
  private struct Information {
    static let abbreviations: [UInt8] = [
      1, 0x11, 1, 0, 0,  // a unit
      2, 0x2E, 1, 0x11, 0x01, 0x12, 0x06, 0, 0,  // a function: beginning, length
      3, 0x0B, 1, 0x11, 0x01, 0x12, 0x06, 0, 0,  // blocks: beginning, length
      4, 0x0B, 1, 0x12, 0x06, 0x11, 0x01, 0, 0,  // the other way round
      5, 0x0B, 1, 0x11, 0x01, 0x12, 0x01, 0, 0,  // beginning, end
      6, 0x0B, 1, 0x55, 0x17, 0, 0,  // ranges
      7, 0x34, 0, 0x02, 0x18, 0, 0,  // a variable: location
      8, 0x0A, 0, 0x11, 0x01, 0, 0,  // a label: beginning
      0,
    ]
    private(set) var bytes: [UInt8] = []
    private(set) var ranges: [UInt8] = []
    /// Where the location is.
    private(set) var location = 0

    init(_ sample: Sample) {
      bytes = [0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 2] + Self.word(2) + Self.word(end)
      // Blocks that are over do not count.
      add(.block(20..<25, .length, nil), nil)
      add(.block(7..<16, .ranges, nil), nil)
      add(sample.place, sample.location)
      bytes += [0, 0]
      bytes.replaceSubrange(0..<4, with: Self.word(bytes.count - 4))
    }

    private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private mutating func add(_ place: Place, _ variable: [UInt8]?) {
      guard case .block(let code, let form, let inner) = place else {
        addVariable(variable)
        return
      }
      let (begin, end, count) = (Self.word(code.lowerBound + 2), Self.word(code.upperBound + 2), Self.word(code.count))
      switch form {
      case .length: bytes += [3] + begin + count
      case .lengthFirst: bytes += [4] + count + begin
      case .end: bytes += [5] + begin + end
      case .ranges:
        bytes += [6] + Self.word(ranges.count)
        ranges += begin + end + Self.word(0) + Self.word(0)
      }
      bytes += [8] + begin
      if let inner { add(inner, variable) } else { addVariable(variable) }
      bytes.append(0)
    }

    private mutating func addVariable(_ variable: [UInt8]?) {
      guard let variable else { return }
      location = bytes.count + 2
      bytes += [7, 4] + variable
    }
  }

  @Test(arguments: samples + stackSamples + indexedSamples) func oneLocation(_ sample: Sample) async throws {
    let information = Information(sample)
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    library.data(.active([.globalGet(base.memory)]), [UInt8](repeating: 7, count: 16))
    library.function(
      [.i32], [.i32], locals: [.i32], export: "f",
      sample.isIndexed
        ? Self.indexed(base.memory) : sample.isOnStack ? Self.accesses(base.memory) : Self.code(base.memory))
    library.custom(".debug_abbrev", Information.abbreviations)
    library.custom(".debug_info", information.bytes)
    library.custom(".debug_ranges", information.ranges)
    let result = try await linked(["lib.so": library], "--no-entry", "--export=f", "-O2")
    let section = try #require(result.module.sections.first { $0.name == ".debug_info" })
    let bytes = Array(result.bytes[section.contents].suffix(information.bytes.count))
    let location = bytes[information.location...].prefix(4)
    #expect(location.elementsEqual(sample.isLost ? [0x93, 8, 0x96, 0x96] : sample.location))
    #expect(try await result.call("f", 6) == (sample.isIndexed ? "117901063" : sample.isOnStack ? "235802126" : "7"))
  }
}
