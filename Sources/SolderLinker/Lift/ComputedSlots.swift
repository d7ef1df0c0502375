import WebAssemblyFormat

// Slots that code computes.
//
// A function's pointer is stored, passed on, compared, and in the end called; nobody adds to it. That is why slots that leave
// a function are taken for pointers (`CodeFolder`), each of one function wherever that has its slot. Code that goes through a
// table of functions by their order does add, and often in another function than the one that has the address: `slot + i`
// of a parameter, a pointer that a loop counts up. There it shows where the slot is used: what `call_indirect` takes was
// computed right in front of it, or went to the local that it reads. Where that is seen, the slots of the library keep
// their order, as a loader would have put them.
//
// What was assigned to a local is looked for by the order of the code. The last assignment in front of the call counts if
// the block that it stands in is still open there: what a branch leads around may not have come. If there is none since the
// head of a loop around the call, those that the loop itself has behind it count as well, if the loop begins anew in front of
// the next one. Compilers keep many things in one local, so what is not seen in this way is taken for a pointer.

/// Finds calls of slots that were computed, in one body.
struct ComputedSlots {
  /// A block, or a part of one that ends with `else` or a handler.
  private struct Block {
    let begin: Int
    var end = 0
    let isLoop: Bool
    /// The block around it.
    let outer: Int?
    /// Instructions that may begin it anew, of a loop.
    var branches: [Int] = []
  }

  /// Where a local is assigned, and the block that this stands in.
  private struct Assignment {
    let place: Int
    let block: Int?
  }

  private var code: [Instruction] = []
  private let edits: ArraySlice<Relocation>
  /// By local, where it is assigned.
  private var assignments: [Int64: [Assignment]] = [:]
  private var blocks: [Block] = []
  /// By instruction that takes a slot, the block that it is in.
  private var innermost: [Int: Int] = [:]
  /// Assignments and blocks that are looked at, so that no input takes forever. What is not looked at may be computed.
  private var budget = 1_000_000

  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - edits: those of the body, in order; what they replace is known.
  init(_ body: ByteReader, _ edits: ArraySlice<Relocation>) {
    self.edits = edits
    var reader = InstructionReader(body)
    while let instruction = try? reader.next() { code.append(instruction) }
  }

  /// The first instruction that takes a slot from a table by what was computed.
  ///
  /// - Parameter followsLocals: whether assignments of locals are looked for.
  mutating func first(followsLocals: Bool) -> Int? {
    if followsLocals { findAssignments() }
    for index in code.indices.dropFirst() where code[index].opcode.takesSlot {
      if isComputed(from: index, followsLocals: followsLocals) { return code[index].offset }
    }
    return nil
  }

  private mutating func findAssignments() {
    var block: Int?
    func close(_ index: Int, _ blocks: inout [Block]) {
      guard let closed = block else { return }
      blocks[closed].end = index
      block = blocks[closed].outer
    }
    for (index, instruction) in code.enumerated() {
      switch instruction.opcode {
      case .loop, .block, .if, .try, .tryTable, .else, .catch, .catchAll:
        if [.else, .catch, .catchAll].contains(instruction.opcode) { close(index, &blocks) }
        blocks.append(Block(begin: index, isLoop: instruction.opcode == .loop, outer: block))
        block = blocks.count - 1
      case .end, .delegate: close(index, &blocks)
      case .br, .brIf: noteBranch(index, from: block, to: instruction.first)
      case .localSet, .localTee:
        assignments[instruction.first, default: []].append(Assignment(place: index, block: block))
      case _ where instruction.opcode.takesSlot: innermost[index] = block
      default: break
      }
      if instruction.opcode.mayBranchAnywhere { noteBranch(index, from: block, to: nil) }
    }
  }

  /// Notes an instruction that may begin loops anew: that of a label, or all that are around it.
  private mutating func noteBranch(_ index: Int, from block: Int?, to label: Int64?) {
    var (block, depth) = (block, Int64(0))
    while let current = block, label == nil || depth <= label! {
      budget -= 1
      if budget < 0 { return }
      if blocks[current].isLoop, label == nil || depth == label { blocks[current].branches.append(index) }
      (block, depth) = (blocks[current].outer, depth + 1)
    }
  }

  /// Whether the value is computed that stands on the stack in front of an instruction, as those right there show.
  private mutating func isComputed(from use: Int, followsLocals: Bool) -> Bool {
    var index = use - 1
    while index >= 0 {
      let instruction = code[index]
      if isReplaced(instruction) { return false }
      switch instruction.opcode {
      case .localTee: index -= 1
      case _ where instruction.opcode.changesWidth: index -= 1
      case .localGet: return followsLocals && isComputed(local: instruction.first, at: use)
      default: return instruction.opcode.computesWithNumbers
      }
    }
    return false
  }

  /// Whether folding knows what an instruction does.
  private func isReplaced(_ instruction: Instruction) -> Bool {
    let next = edits.indices.partitionPoint { edits[$0].offset <= instruction.offset }
    guard next > edits.startIndex else { return false }
    return edits[next - 1].encoding != .operand && instruction.offset < edits[next - 1].end
  }

  private mutating func isComputed(local: Int64, at use: Int) -> Bool {
    guard let found = assignments[local] else { return false }
    let next = found.indices.partitionPoint { found[$0].place < use }
    let last = next > 0 ? found[next - 1] : nil
    var block = innermost[use]
    while let current = block {
      budget -= 1
      if budget < 0 { return true }
      if let last, last.place > blocks[current].begin { break }
      if blocks[current].isLoop {
        let behind = found[next...].prefix { $0.place < blocks[current].end }
        budget -= behind.count
        if budget < 0 { return true }
        let own = behind.filter { $0.block == current }
        for (index, assignment) in own.enumerated() {
          let end = own[checked: index + 1]?.place ?? blocks[current].end
          let branches = blocks[current].branches
          let first = branches.indices.partitionPoint { branches[$0] < assignment.place }
          guard let branch = branches[checked: first], branch < end else { continue }
          if isComputed(from: assignment.place, followsLocals: false) { return true }
        }
      }
      block = blocks[current].outer
    }
    guard let last else { return false }
    if let block = last.block, blocks[block].end < use { return false }
    return isComputed(from: last.place, followsLocals: false)
  }
}

extension Opcode {
  /// Whether it takes a slot of a table from the stack, on top of which that is.
  var takesSlot: Bool { self == .callIndirect || self == .returnCallIndirect || self == .tableGet }

  /// Whether it goes to one of several labels, or to one that is not looked at.
  fileprivate var mayBranchAnywhere: Bool {
    switch self {
    // One label, which is looked at, or none that code goes to by branching.
    case .br, .brIf, .rethrow, .delegate: false
    default: namesLabels
    }
  }

  /// Whether it makes a number of another width of one, and nothing else.
  var changesWidth: Bool { self == .i32WrapI64 || self == .i64ExtendI32Signed || self == .i64ExtendI32Unsigned }
}
