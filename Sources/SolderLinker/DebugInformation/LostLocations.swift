import WebAssemblyFormat

// Variables in places that folding took away.
//
// Debug information says that a variable is in a local, or in a place on the stack. Folding leaves out assignments of locals
// that nothing reads any more, since what read them has a constant instead; and where it moves an addition into a choice,
// there is one value less on the stack until then. A debugger that is still told to look there would show another value
// without saying so: the variable was optimised away.
//
// Compilers use one local for many variables, one after the other. What a range of code has in a local is what was assigned
// last in front of it: the location is lost if that assignment is.

/// What folding took from a function that a variable may have been in.
struct LostLocations: Sendable {
  /// Assignments that are gone: the local, and where the next instruction is, by offset in the body.
  private var assignments: [(local: UInt32, end: UInt32)] = []
  /// By offset in the body: where there is one value less on the stack from then on, and where no more.
  private var stack: [(offset: UInt32, change: Int)] = []
  private let body: ByteReader

  /// The most instructions that are looked at for an assignment.
  private static let mostInstructions = 4096

  /// What a function of a finished module lost; `nil` for nothing, as of most.
  init?(_ unit: Unit, _ function: Int) {
    let place = unit.functions[function].body
    body = unit.file.reader(of: place).asFile
    let (start, relocations) = (place.start, unit.relocations)
    for index in unit.functionRelocations[function].indices {
      let edit = relocations[index]
      switch edit.encoding {
      case .constant32, .constant64, .nothing:
        read(edit.offset - start..<edit.end - start, goes: edit.encoding == .nothing)
      // `local.tee` that became `local.set`.
      case .operand: if edit.kind == .constantNumber { stack.append((edit.end - start, 1)) }
      case .globalGet32, .globalGet64: break
      }
    }
    if assignments.isEmpty, stack.isEmpty { return nil }
  }

  /// - Parameter goes: whether nothing comes in place of the instructions.
  private mutating func read(_ range: Range<UInt32>, goes: Bool) {
    let bytes = body[Int(range.lowerBound)..<Int(range.upperBound)]
    // What is neither `local.set` nor `local.tee` is told by its bytes.
    if !goes, !bytes.contains(where: { $0 == Opcode.localSet.rawValue || $0 == Opcode.localTee.rawValue }) { return }
    var reader = InstructionReader(bytes, isInsideBlocks: true)
    var (count, last): (Int, Opcode?) = (0, nil)
    while !reader.reader.isAtEnd, let instruction = try? reader.next() {
      (count, last) = (count + 1, instruction.opcode)
      if instruction.opcode == .localSet || instruction.opcode == .localTee {
        assignments.append((UInt32(truncatingIfNeeded: instruction.first), UInt32(instruction.end)))
      }
    }
    guard goes, let last else { return }
    switch last {
    case .i32Add where count == 1, .i64Add where count == 1: stack.append((range.upperBound, -1))
    case .localGet, .globalGet, .localTee, .i32Const, .i64Const, .i32Add, .i64Add: stack.append((range.upperBound, 1))
    default: break
    }
  }

  /// Whether what a local had is lost.
  ///
  /// - Parameter offset: where the range begins in which it is asked for, in the body; `nil` for the whole function.
  func loses(local: UInt64, from offset: Int?) -> Bool {
    guard let offset else { return assignments.contains { UInt64($0.local) == local } }
    guard let assignment = assignments.last(where: { UInt64($0.local) == local && Int($0.end) <= offset }) else {
      return false
    }
    // Whether it was assigned once more in between.
    guard offset <= body.end else { return true }
    var reader = InstructionReader(body[Int(assignment.end)..<offset], isInsideBlocks: true)
    for _ in 0..<LostLocations.mostInstructions {
      guard !reader.reader.isAtEnd, let instruction = try? reader.next() else { return true }
      if instruction.opcode == .localSet || instruction.opcode == .localTee, UInt64(instruction.first) == local {
        return false
      }
    }
    return true
  }

  /// Whether values on the stack are not where they were.
  func movesStack(at offset: Int?) -> Bool {
    guard let offset else { return !stack.isEmpty }
    return stack.reduce(0) { $0 + (Int($1.offset) <= offset ? $1.change : 0) } > 0
  }
}
