import WebAssemblyFormat

/// What folding took from a function that a variable may have been in: a local that is not set any more, since everything
/// that read it has the constant instead, or the places of values on the stack, where one below them is gone.
///
/// A debugger that is still told to look there would show another value without saying so.
struct LostLocations: Sendable {
  private var locals: [UInt32] = []
  private var shiftsStack = false

  private var isNothing: Bool { locals.isEmpty && !shiftsStack }

  /// What a function of a finished module lost; `nil` for nothing, as of most.
  init?(_ unit: Unit, _ function: Int) {
    for index in unit.functionRelocations[function].indices {
      let edit = unit.relocations[index]
      switch edit.encoding {
      case .constant32, .constant64, .nothing:
        read(unit.file.bytes[Int(edit.offset)..<Int(edit.end)], goes: edit.encoding == .nothing)
      // `local.tee` that became `local.set`.
      case .operand: if edit.kind == .constantNumber { shiftsStack = true }
      case .globalGet32, .globalGet64: break
      }
    }
    if isNothing { return nil }
  }

  /// - Parameter goes: whether nothing comes in place of the instructions.
  private mutating func read(_ bytes: ByteReader, goes: Bool) {
    var reader = InstructionReader(bytes, isInsideBlocks: true)
    var leavesValue = false
    while !reader.reader.isAtEnd, let instruction = try? reader.next() {
      switch instruction.opcode {
      case .localSet, .localTee:
        locals.append(UInt32(truncatingIfNeeded: instruction.first))
        leavesValue = instruction.opcode == .localTee
      case .localGet, .globalGet, .i32Const, .i64Const, .i32Add, .i64Add: leavesValue = true
      default: leavesValue = false
      }
    }
    if goes, leavesValue { shiftsStack = true }
  }

  func contains(local: UInt64) -> Bool { locals.contains { UInt64($0) == local } }

  /// Whether a value on the stack may be at another place.
  var movesStack: Bool { shiftsStack }
}
