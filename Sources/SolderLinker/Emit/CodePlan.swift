import WebAssemblyFormat

/// The code section: how long each function becomes, and where it stands.
///
/// Operands of objects are padded, so a function of an object is copied and patched. An operand of a lifted function
/// may not have room for its new number; then the function grows, which in WebAssembly needs nothing else, since code
/// has no offsets to itself. Operands of finished modules take as few bytes as they can, and with
/// `--compress-relocations` all do.
struct CodePlan {
  /// Size in the result of each function of the result, with the number that tells its size.
  private(set) var sizes: [UInt32] = []
  /// Whether each function is copied and patched in place, since all operands have room and its size stays as written.
  private(set) var arePatched: [Bool] = []
  /// Offset of each in the payload.
  private(set) var offsets: [UInt32] = []
  /// Offset of each body, behind the number that tells its size.
  private(set) var bodyOffsets: [UInt32] = []
  /// Of ``partLength`` functions each, what changes in their bodies, if it was to be recorded.
  private(set) var changes: [[BodyChange]] = []
  /// Of each function, its first change among those of its part.
  private var firstChanges: [UInt32] = []
  private(set) var payloadSize: UInt64 = 0
  private(set) var countLength = 0

  /// What measuring a function finds out.
  private struct Measured {
    var size: UInt32
    /// Bytes of the number in front of the body that tells its size.
    var prefix: UInt32
    var isPatched: Bool
    var firstChange: UInt32 = 0
  }

  private struct Part: Sendable {
    var functions: [Measured] = []
    /// `nil` if they are not to be recorded.
    var changes: [BodyChange]?
  }

  /// How many functions of the result are measured at a time.
  static let partLength = 1024

  /// Measures all functions. Sizes do not depend on offsets in the code, so one round is enough.
  ///
  /// - Parameters:
  ///   - bodies: those of the linker's own functions.
  ///   - recordsChanges: whether somebody asks where instructions went.
  init(
    _ program: Program, _ encoder: OperandEncoder, _ bodies: [[UInt8]], recordsChanges: Bool, _ threads: Threads
  ) {
    let total = program.indices.functions.count
    let length = CodePlan.partLength
    let parts = threads.map((total + length - 1) / length) { part in
      CodePlan.measure(
        part * length..<min((part + 1) * length, total), program, encoder, bodies, recordsChanges: recordsChanges)
    }
    sizes.reserveCapacity(total)
    arePatched.reserveCapacity(total)
    offsets.reserveCapacity(total)
    bodyOffsets.reserveCapacity(total)
    countLength = LEB128.length(unsigned: UInt64(total))
    var end = UInt64(countLength)
    if recordsChanges { firstChanges.reserveCapacity(total) }
    for part in parts {
      if let recorded = part.changes {
        changes.append(recorded)
        for function in part.functions { firstChanges.append(function.firstChange) }
      }
      for function in part.functions {
        let offset = UInt32(truncatingIfNeeded: end)
        sizes.append(function.size)
        arePatched.append(function.isPatched)
        offsets.append(offset)
        bodyOffsets.append(offset &+ function.prefix)
        end += UInt64(function.size)
      }
    }
    payloadSize = end
  }

  /// Gives back the memory of the changes, when nobody asks for them any more.
  mutating func forgetChanges() { (changes, firstChanges) = ([], []) }

  /// The changes of a function among those of its part.
  @inline(__always)
  func changes(at position: Int) -> Range<Int> {
    let next = position + 1
    let isLast = next == firstChanges.count || next % CodePlan.partLength == 0
    let end = isLast ? changes[position / CodePlan.partLength].count : Int(firstChanges[next])
    return Int(firstChanges[position])..<end
  }

  /// Measures the functions at these positions of the result.
  private static func measure(
    _ positions: Range<Int>, _ program: Program, _ encoder: OperandEncoder, _ bodies: [[UInt8]], recordsChanges: Bool
  ) -> Part {
    let (references, units) = (program.indices.functions, program.resolution.units)
    let shortensSizes = program.options.compressRelocations
    var part = Part()
    var changes = GrowingRow<BodyChange>(capacity: recordsChanges ? 16 * positions.count : 0)
    part.functions.reserveCapacity(positions.count)
    var patcher = Patcher(units[.own], encoder)
    var (functions, ranges) = (units[.own].functions, units[.own].functionRelocations)
    for position in positions {
      let reference = references[position]
      let firstChange = UInt32(changes.count)
      if reference.unit != patcher.unit.index {
        patcher = Patcher(units[reference.unit], encoder)
        (functions, ranges) = (patcher.unit.functions, patcher.unit.functionRelocations)
      }
      if reference.unit == .own {
        let size = UInt32(bodies[Int(reference.index)].count)
        part.functions.append(Measured(size: size, prefix: 0, isPatched: false))
      } else {
        let index = Int(reference.index)
        part.functions.append(
          measure(
            functions[index], ranges[index], patcher, shortensSizes: shortensSizes, recordsChanges: recordsChanges,
            &changes))
      }
      part.functions[part.functions.count - 1].firstChange = firstChange
    }
    if recordsChanges { part.changes = changes.array }
    return part
  }

  @inline(__always)
  private static func measure(
    _ function: Function, _ relocations: RelocationRange, _ patcher: Patcher, shortensSizes: Bool,
    recordsChanges: Bool, _ changes: inout GrowingRow<BodyChange>
  ) -> Measured {
    let prefix = function.body.start - function.start
    let unchanged = Measured(size: prefix + function.body.size, prefix: prefix, isPatched: true)
    if !shortensSizes, !patcher.unit.contracts.mayChangeSize { return unchanged }
    let growth = patcher.growth(
      of: relocations, length: patcher.codeLength, recordsChanges: recordsChanges, &changes)
    // With compression, the number that tells the size becomes shorter too.
    if !shortensSizes, !growth.isAny { return unchanged }
    let body = Int(function.body.size) + growth.bytes
    let length = LEB128.length(unsigned: UInt64(body))
    // A body of more than 4 GiB makes the section too large in any case.
    return Measured(size: UInt32(clamping: body + length), prefix: UInt32(length), isPatched: false)
  }

  /// The size of a function's body, given its size with the number in front that tells it.
  static func bodySize(ofTotal size: Int) -> Int {
    var length = 1
    while length < 5, LEB128.length(unsigned: UInt64(max(0, size - length))) != length { length += 1 }
    return size - length
  }
}
