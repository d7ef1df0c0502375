import WebAssemblyFormat

// Variables in places that folding took away.
//
// Debug information says that a variable is in a local, or in a place on the stack. Folding leaves out assignments of locals
// that nothing reads any more, since what read them has a constant instead; and where it moves an addition into a choice,
// there is one value less on the stack until then. A debugger that is still told to look there would show another value
// without saying so: the variable was optimised away.
//
// Compilers use one local for many variables, one after the other. What a range of code has in a local is what was assigned
// last in front of it: the location is lost if that assignment is. Where a variable has one location all through a block,
// it may be assigned within, too.

/// For which code of a function a location holds, by offsets in the body.
enum LocationExtent {
  /// From here on, up to where it is assigned the next time.
  case from(Int)
  /// All through a block.
  case scope(Range<Int>)
  /// All through the function, or parts of it that are not known.
  case function
}

/// What folding took from the functions of a finished module that variables may have been in.
struct LostLocations: Sendable {
  /// An assignment that is gone: the local, and where the next instruction is, by offset in the body.
  fileprivate struct Assignment {
    var local: UInt32
    var end: UInt32
  }

  /// By offset in the body: how many values less are on the stack from then on, or are something else.
  fileprivate struct StackChange {
    var offset: UInt32
    var total: Int32
  }

  /// What some neighbouring functions lost, one behind the other.
  struct Part: Sendable {
    fileprivate var assignments: [Assignment] = []
    fileprivate var stack: [StackChange] = []
    fileprivate var ends: [End] = []
    /// Of the function that is read, so far.
    private var total: Int32 = 0
  }

  /// Where what a function lost ends, and which locals are among that: a bit for those with the same last digits.
  fileprivate struct End {
    var assignments: UInt32
    var stack: UInt32
    var locals: UInt32

    static func bit(of local: UInt64) -> UInt32 { 1 &<< UInt32(truncatingIfNeeded: local & 31) }
  }

  private let unit: Unit
  private let assignments: [Assignment]
  private let stack: [StackChange]
  /// By function.
  private let ends: [End]

  /// How many functions a part has.
  static let partLength = 256
  /// The most instructions that are looked at for an assignment.
  private static let mostInstructions = 4096

  /// - Parameter parts: of the whole unit; none of one of which nothing is lost.
  init(_ unit: Unit, _ parts: ArraySlice<Part>) {
    self.unit = unit
    assignments = parts.flatMap(\.assignments)
    stack = parts.flatMap(\.stack)
    var ends: [End] = []
    ends.reserveCapacity(parts.reduce(0) { $0 + $1.ends.count })
    var base = End(assignments: 0, stack: 0, locals: 0)
    for part in parts {
      for end in part.ends {
        ends.append(
          End(
            assignments: base.assignments + end.assignments, stack: base.stack + end.stack, locals: end.locals))
      }
      base = ends.last ?? base
    }
    self.ends = ends
  }

  // MARK: Answers

  // By indices: a slice of an array counts a reference, which all threads share.

  /// Where what a function lost begins and ends.
  @inline(__always)
  private func bounds(of function: Int) -> (assignments: Range<Int>, stack: Range<Int>) {
    guard function < ends.count else { return (0..<0, 0..<0) }
    let end = ends[function]
    let begin = function > 0 ? ends[function - 1] : End(assignments: 0, stack: 0, locals: 0)
    return (Int(begin.assignments)..<Int(end.assignments), Int(begin.stack)..<Int(end.stack))
  }

  /// Whether a function lost anything that a variable may have been in.
  @inline(__always)
  func isAny(in function: Int) -> Bool {
    let (assignments, stack) = bounds(of: function)
    return !assignments.isEmpty || !stack.isEmpty
  }

  /// Whether a function may have lost what a local had, which few did.
  @inline(__always)
  func mayLose(local: UInt64, in function: Int) -> Bool {
    function < ends.count && ends[function].locals & End.bit(of: local) != 0
  }

  /// Where an extent begins and ends, if it is not the function; where that was translated before, there are the
  /// instructions that folding took.
  private func bounds(of extent: LocationExtent, in function: Int) -> (begin: Int, end: Int)? {
    func newOffset(of offset: Int) -> Int {
      // No body is as long as this.
      let offset = min(offset, 1 << 30)
      return unit.module.translation?.newOffset(of: offset, in: function) ?? offset
    }
    switch extent {
    case .from(let offset):
      let begin = newOffset(of: offset)
      return (begin, begin)
    case .scope(let range): return (newOffset(of: range.lowerBound), newOffset(of: range.upperBound))
    case .function: return nil
    }
  }

  /// Whether what a local had is lost.
  func loses(local: UInt64, _ extent: LocationExtent, in function: Int) -> Bool {
    let range = bounds(of: function).assignments
    guard range.contains(where: { UInt64(assignments[$0].local) == local }) else { return false }
    guard let (offset, scopeEnd) = bounds(of: extent, in: function) else { return true }
    let isInside = range.contains {
      UInt64(assignments[$0].local) == local && Int(assignments[$0].end) > offset && Int(assignments[$0].end) < scopeEnd
    }
    if isInside { return true }
    let last = range.last { UInt64(assignments[$0].local) == local && Int(assignments[$0].end) <= offset }
    guard let last else { return false }
    // Whether it was assigned once more in between.
    let body = unit.file.reader(of: unit.functions[function].body).asFile
    guard offset <= body.end else { return true }
    var reader = InstructionReader(body[Int(assignments[last].end)..<offset], isInsideBlocks: true)
    for _ in 0..<LostLocations.mostInstructions {
      guard !reader.reader.isAtEnd, let instruction = try? reader.next() else { return true }
      if instruction.opcode == .localSet || instruction.opcode == .localTee, UInt64(instruction.first) == local {
        return false
      }
    }
    return true
  }

  /// Whether values on the stack are not where they were.
  func movesStack(_ extent: LocationExtent, in function: Int) -> Bool {
    let range = bounds(of: function).stack
    guard let (offset, scopeEnd) = bounds(of: extent, in: function) else { return !range.isEmpty }
    let next = range.partitionPoint { Int(stack[$0].offset) <= offset }
    if next < range.upperBound, Int(stack[next].offset) < scopeEnd { return true }
    return next > range.lowerBound && stack[next - 1].total > 0
  }
}

extension LostLocations.Part {
  /// What some functions of a finished module lost.
  init(_ unit: Unit, _ functions: Range<Int>) {
    let (relocations, bytes) = (unit.relocations, unit.file.bytes)
    ends.reserveCapacity(functions.count)
    for function in functions {
      total = 0
      let start = unit.functions[function].body.start
      for index in unit.functionRelocations[function].indices {
        let edit = relocations[index]
        switch edit.encoding {
        case .constant32, .constant64, .nothing, .indexedBase32, .indexedBase64:
          let range = Int(edit.offset)..<Int(edit.end)
          // From the address on up to the access, what is on the stack is something else.
          if edit.isProvisional || edit.encoding.isIndexedBase {
            let change: Int32 = edit.encoding == .nothing ? -1 : 1
            moveStack(at: edit.end - start, by: change)
          }
          let goes = edit.encoding == .nothing && !edit.isProvisional
          if edit.assignsNothing {
            assert(InstructionReader.assigned(in: bytes[range]).isEmpty)
            if !goes { break }
          }
          if edit.encoding == .nothing, let local = edit.assignedLocal {
            assert(InstructionReader.assigned(in: bytes[range]) == [UInt64(local)])
            assignments.append(LostLocations.Assignment(local: local, end: edit.end - start))
            break
          }
          read(bytes, range, goes: goes, from: start)
        // `local.tee` that became `local.set`.
        case .operand:
          if edit.kind == .constantNumber {
            moveStack(at: edit.end - start, by: 1)
          }
        case .indexedOffset: moveStack(at: edit.end - start, by: -1)
        case .globalGet32, .globalGet64, .indexedSum: break
        }
      }
      let own = Int(ends.last?.assignments ?? 0)..<assignments.count
      let locals = own.reduce(0) { $0 | LostLocations.End.bit(of: UInt64(assignments[$1].local)) }
      ends.append(
        LostLocations.End(
          assignments: UInt32(assignments.count), stack: UInt32(stack.count), locals: locals))
    }
  }

  private mutating func moveStack(at offset: UInt32, by change: Int32) {
    total += change
    stack.append(LostLocations.StackChange(offset: offset, total: total))
  }

  /// - Parameter goes: whether nothing comes in place of the instructions.
  private mutating func read(_ file: ByteReader, _ range: Range<Int>, goes: Bool, from start: UInt32) {
    // What is neither `local.set` nor `local.tee` is told by its bytes.
    if !goes, !file[range].contains(0x21, or: 0x22) { return }
    // Up to the end of the file, so that numbers are read by a short way.
    var reader = InstructionReader(file[range.lowerBound..<file.end], isInsideBlocks: true)
    var (count, last): (Int, Opcode?) = (0, nil)
    while reader.reader.offset < range.upperBound, let instruction = try? reader.next() {
      (count, last) = (count + 1, instruction.opcode)
      if instruction.opcode == .localSet || instruction.opcode == .localTee {
        assignments.append(
          LostLocations.Assignment(
            local: UInt32(truncatingIfNeeded: instruction.first), end: UInt32(instruction.end) - start))
      }
    }
    guard goes, let last else { return }
    let change: Int32
    switch last {
    case .i32Add where count == 1, .i64Add where count == 1: change = -1
    // A number and its addition.
    case .i32Add where count == 2, .i64Add where count == 2: return
    case .localGet, .globalGet, .localTee, .i32Const, .i64Const, .i32Add, .i64Add: change = 1
    default: return
    }
    moveStack(at: UInt32(range.upperBound) - start, by: change)
  }
}

extension InstructionReader {
  /// The locals that instructions assign.
  fileprivate static func assigned(in bytes: ByteReader) -> [UInt64] {
    var reader = InstructionReader(bytes, isInsideBlocks: true)
    var locals: [UInt64] = []
    while !reader.reader.isAtEnd, let instruction = try? reader.next() {
      if instruction.opcode == .localSet || instruction.opcode == .localTee {
        locals.append(UInt64(bitPattern: instruction.first))
      }
    }
    return locals
  }
}
