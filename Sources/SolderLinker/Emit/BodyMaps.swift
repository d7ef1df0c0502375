/// Where the instructions of all functions went, for debug information and everything else that tells places in code.
struct BodyMaps: Sendable {
  private let program: Program
  private let code: CodePlan
  /// By position in the result.
  private let maps: [OffsetMap]

  /// - Parameter units: those whose code is asked about, by index; the others' bodies are taken for unchanged.
  init(_ program: Program, _ encoder: OperandEncoder, _ code: CodePlan, of units: [Bool], _ threads: Threads) {
    self.program = program
    self.code = code
    maps = threads.map(program.indices.functions.count, batch: 64) { position in
      units[Int(program.indices.functions[position].unit)]
        ? code.offsetMap(ofFunctionAt: position, program, encoder) : OffsetMap()
    }
  }

  /// The position of a function among those of the result; `nil` for one that is not there, or under another's name.
  func position(of function: FunctionID) -> Int? {
    guard !program.indices.folds.contains(function), let index = program.indices.functionIndices[function].index,
      index >= program.indices.importCounts.functions
    else { return nil }
    return index - program.indices.importCounts.functions
  }

  /// Where a place in a body is in the result; offsets count from the first byte of the body, or of its size where they
  /// are negative.
  func offset(of offset: Int, inFunctionAt position: Int?) -> Int {
    guard let position else { return offset }
    if offset < 0 { return sizeOffset(ofFunctionAt: position) }
    return Int(maps[position].position(of: BodyMaps.plausible(offset)))
  }

  /// Where the number that tells a body's size is, from the body's first byte.
  private func sizeOffset(ofFunctionAt position: Int) -> Int {
    Int(code.offsets[position]) - Int(code.bodyOffsets[position])
  }

  /// No body is as long as this; what claims to be behind it is not to be believed.
  private static func plausible(_ offset: Int) -> UInt32 { UInt32(min(offset, 1 << 30)) }

  /// Answers about places in one function that mostly come in order.
  struct Cursor {
    private var map: OffsetMap.Cursor
    private let sizeOffset: Int
    private let isThere: Bool

    fileprivate init(_ map: OffsetMap, sizeOffset: Int, isThere: Bool) {
      self.map = OffsetMap.Cursor(map)
      self.sizeOffset = sizeOffset
      self.isThere = isThere
    }

    /// As ``BodyMaps/offset(of:inFunctionAt:)`` says.
    mutating func offset(of offset: Int) -> Int {
      guard isThere else { return offset }
      return offset < 0 ? sizeOffset : Int(map.position(of: BodyMaps.plausible(offset)))
    }
  }

  /// A cursor in a function, or in one that is not there.
  func cursor(inFunctionAt position: Int?) -> Cursor {
    guard let position else { return Cursor(OffsetMap(), sizeOffset: 0, isThere: false) }
    return Cursor(maps[position], sizeOffset: sizeOffset(ofFunctionAt: position), isThere: true)
  }

  /// Where the body of a function begins in the payload of the code section.
  func start(ofFunctionAt position: Int) -> Int { Int(code.bodyOffsets[position]) }
}
