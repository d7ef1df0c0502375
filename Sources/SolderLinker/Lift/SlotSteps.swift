import WebAssemblyFormat

// What `SlotFolder` looks at of a body: its instructions, decoded once, each with what it does to the stack, and with the
// edits of `CodeFolder` in place of what they replace. Following them takes several rounds.

/// One instruction, or what an edit leaves of several.
struct SlotStep {
  enum Kind: UInt8 {
    /// Takes values from the stack, and leaves others of which nothing is known.
    case effect
    /// The same, and what it leaves may tell where a slot is among others.
    case arithmetic
    /// The same, and it may throw.
    case call
    /// Reads and assignments of locals.
    case get, set, tee
    case number, sum, choice, drop
    /// Changes how wide a number is.
    case conversion
    /// Opens, closes or leaves blocks.
    case control
    /// Instructions that an edit replaces by a constant; what they compute may be a slot.
    case constant, slot
    /// Instructions among those that an edit replaces: a read of the base, reads and assignments of locals, any other.
    case insideBase, insideGet, insideSet, insideOther
  }

  /// Offsets in the file: of the instruction, or of what the edit replaces.
  let start: UInt32
  var end: UInt32
  /// The local, the constant, the label; of several labels their range among ``SlotSteps/labels``.
  var number: Int64
  let opcode: Opcode
  var kind: Kind
  /// Whether the number that it leaves has 64 bits.
  var is64: Bool
  var pops: UInt32
  var pushes: UInt32

  var range: Range<Int> { Int(start)..<Int(end) }
}

/// The steps of one body after the other.
struct SlotSteps {
  private(set) var steps: [SlotStep] = []
  /// Locals to which a slot, or the base, goes right away.
  private(set) var firstLocals: [Int] = []
  private var labels: [Int] = []
  /// For each block with handlers, in the order in which they begin: where its exceptions go.
  private(set) var escapes: [Escape] = []
  /// Blocks that are open: which of those with handlers they are.
  private var open: [Int?] = []
  /// Whether a slot is on top of the stack.
  private var isSlot = false
  private let unit: InputModule
  private let facts: LiftedFacts

  /// Where exceptions go that are thrown inside of a block with handlers.
  enum Escape {
    /// To the handlers, and those that these do not catch further out.
    case further
    /// To the handlers alone, one of which catches all.
    case nowhere
    /// To where those go that are thrown in the block with a label, counted from the block around.
    case label(Int)
  }

  /// Whether `xor` only uses a slot: where an object has no other way to say it, and the block may begin at any slot, so that
  /// no bits of one slot tell of another. It makes hashes and seeds of addresses.
  ///
  /// Where the same code calls by way of slots, the number may be on its way there: then it is a sum like others.
  private let mayMixBits: Bool
  private var mixesBits = false
  private var takesFromTable = false
  /// Whether a slot of 32 bits may become one half of a number of 64 bits: as it is stored, or passed on, beside another
  /// number.
  private let mayPair: Bool

  init(_ unit: InputModule, forObject: Bool) {
    self.unit = unit
    facts = unit.lifted ?? LiftedFacts()
    mayMixBits = forObject && facts.tableAlignment == 0
    mayPair = unit.addressWidth != 64
  }

  /// The labels of a step that has several.
  func labels(of step: SlotStep) -> ArraySlice<Int> {
    let first = Int(step.number >> 32)
    return labels[first..<first + Int(step.number & 0xFFFF_FFFF)]
  }

  /// Reads a body.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - folded: the edits of the body.
  /// - Returns: `false` if it has instructions that are not followed.
  mutating func read(_ body: ByteReader, localCount: Int, _ folded: ArraySlice<Relocation>) -> Bool {
    steps.removeAll(keepingCapacity: true)
    firstLocals.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    escapes.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    isSlot = false
    (mixesBits, takesFromTable) = (false, false)
    var next = folded.startIndex
    /// Where the instructions end that an edit replaces.
    var replaced = 0
    var reader = InstructionReader(body)
    while let instruction = try? reader.next() {
      noteBlock(instruction)
      if instruction.offset < replaced {
        guard addInside(instruction, localCount) else { return false }
        continue
      }
      while next < folded.endIndex, Int(folded[next].offset) < instruction.offset { next += 1 }
      let edit = next < folded.endIndex && Int(folded[next].offset) == instruction.offset ? folded[next] : nil
      if let edit, edit.encoding != .operand, edit.encoding != .indexedSum, !edit.encoding.isGlobalGet {
        replaced = Int(edit.end)
        guard addReplaced(edit, instruction), addInside(instruction, localCount) else { return false }
        continue
      }
      guard var step = step(instruction, localCount) else { return false }
      // Where a sum is made anew, `local.tee` has become `local.set`.
      if step.kind == .tee, edit != nil { step.kind = .set }
      add(step)
    }
    if mixesBits, takesFromTable {
      for index in steps.indices where [.i32Xor, .i64Xor].contains(steps[index].opcode) {
        steps[index].kind = .arithmetic
      }
    }
    return reader.depth == 0
  }

  private mutating func add(_ step: SlotStep) {
    if isSlot, step.kind == .set || step.kind == .tee { firstLocals.append(Int(step.number)) }
    isSlot = false
    steps.append(step)
  }

  // MARK: Instructions

  private mutating func step(_ instruction: Instruction, _ localCount: Int) -> SlotStep? {
    var step = SlotStep(
      start: UInt32(truncatingIfNeeded: instruction.offset), end: UInt32(truncatingIfNeeded: instruction.end),
      number: instruction.first, opcode: instruction.opcode, kind: .effect, is64: false, pops: 0, pushes: 0)
    switch instruction.opcode {
    case .callIndirect, .returnCallIndirect, .tableGet, .tableSet: takesFromTable = true
    default: break
    }
    switch instruction.opcode {
    case .localGet, .localSet, .localTee:
      guard instruction.first < localCount else { return nil }
      step.kind = instruction.opcode == .localGet ? .get : instruction.opcode == .localSet ? .set : .tee
      return step
    case .i32Const, .i64Const:
      step.kind = .number
      step.is64 = instruction.opcode == .i64Const
      return step
    case .i32Add, .i64Add: step.kind = .sum
    case .select: step.kind = .choice
    case .drop: step.kind = .drop
    case .i32WrapI64, .i64ExtendI32Signed, .i64ExtendI32Unsigned: step.kind = .conversion
    case .call, .callIndirect: step.kind = .call
    default:
      if let effect = instruction.opcode.stackEffect {
        let isMixing = mayMixBits && (instruction.opcode == .i32Xor || instruction.opcode == .i64Xor)
        if isMixing { mixesBits = true }
        if instruction.opcode.computesWithNumbers, !isMixing, !pairs(instruction) { step.kind = .arithmetic }
        set(effect, of: &step)
        return step
      }
      return control(instruction, step)
    }
    guard let effect = unit.effect(of: instruction) else { return nil }
    set(effect, of: &step)
    return step
  }

  /// Whether an instruction makes the upper half of a number, or puts the lower half to an upper one that was made right in
  /// front.
  private func pairs(_ instruction: Instruction) -> Bool {
    guard mayPair, let last = steps.last else { return false }
    switch instruction.opcode {
    case .i64ShiftLeft: return last.kind == .number && last.number == 32
    case .i64Or: return last.opcode == .i64ShiftLeft && last.kind == .effect
    default: return false
    }
  }

  private func set(_ effect: StackEffect, of step: inout SlotStep) {
    step.pops = UInt32(truncatingIfNeeded: effect.pops)
    step.pushes = UInt32(truncatingIfNeeded: effect.pushes)
  }

  /// - Returns: `nil` if it goes elsewhere in a way that is not followed.
  private mutating func control(_ instruction: Instruction, _ plain: SlotStep) -> SlotStep? {
    var step = plain
    step.kind = .control
    switch instruction.opcode {
    case .block, .loop, .if, .try, .tryTable:
      guard let arity = unit.arity(ofBlock: instruction) else { return nil }
      set(arity, of: &step)
      guard instruction.opcode == .tryTable else { break }
      guard let labels = unit.catchLabels(of: instruction) else { return nil }
      note(labels, of: &step)
    case .else, .end, .br, .brIf, .return, .unreachable, .catchAll, .delegate, .rethrow: break
    case .brTable:
      guard let labels = labels(instruction) else { return nil }
      note(labels, of: &step)
    case .returnCall, .returnCallIndirect:
      guard let effect = unit.effect(ofCall: instruction) else { return nil }
      set(effect, of: &step)
    case .catch, .throw:
      guard let count = unit.valueCount(ofTag: instruction.first(in: unit.file.bytes)) else { return nil }
      step.pops = UInt32(truncatingIfNeeded: count)
    case .throwRef: step.pops = 1
    default: return nil
    }
    return step
  }

  private mutating func noteBlock(_ instruction: Instruction) {
    switch instruction.opcode {
    case .block, .loop, .if: open.append(nil)
    case .try, .tryTable:
      open.append(escapes.count)
      escapes.append(instruction.opcode == .tryTable && unit.catchesAll(instruction) ? .nowhere : .further)
    case .catchAll: if let last = open.last, let block = last { escapes[block] = .nowhere }
    case .delegate:
      if let last = open.popLast(), let block = last {
        escapes[block] = .label(Int(instruction.first(in: unit.file.bytes)))
      }
    case .end: _ = open.popLast()
    default: break
    }
  }

  private mutating func note(_ labels: [Int], of step: inout SlotStep) {
    step.number = Int64(self.labels.count) << 32 | Int64(labels.count)
    self.labels += labels
  }

  /// The labels of `br_table`, each once.
  private func labels(_ instruction: Instruction) -> [Int]? {
    var reader = unit.file.bytes[instruction.operandOffset..<instruction.end]
    guard let count = try? reader.u32() else { return nil }
    var labels: Set<Int> = []
    for _ in 0...count {
      guard let label = try? reader.u32() else { return nil }
      labels.insert(Int(label))
    }
    return labels.sorted()
  }

  // MARK: Edits

  /// Adds what an edit leaves of the instructions that it replaces, of which this is the first.
  private mutating func addReplaced(_ edit: Relocation, _ instruction: Instruction) -> Bool {
    guard edit.encoding.isConstant else { return true }
    isSlot = edit.isInTableBlock
    if isSlot, edit.hasWideAddend { return false }
    steps.append(
      SlotStep(
        start: edit.offset, end: UInt32(truncatingIfNeeded: edit.end), number: Int64(edit.storedAddend),
        opcode: instruction.opcode, kind: isSlot ? .slot : .constant, is64: edit.encoding.is64,
        pops: 0, pushes: 1))
    return true
  }

  private mutating func addInside(_ instruction: Instruction, _ localCount: Int) -> Bool {
    let kind: SlotStep.Kind
    switch instruction.opcode {
    case .globalGet where facts.globals[checked: Int(instruction.first)]??.base == .tableBlock: kind = .insideBase
    case .localGet: kind = .insideGet
    case .localSet, .localTee: kind = .insideSet
    default: kind = .insideOther
    }
    guard kind == .insideOther || kind == .insideBase || instruction.first < localCount else { return false }
    steps.append(
      SlotStep(
        start: UInt32(truncatingIfNeeded: instruction.offset), end: UInt32(truncatingIfNeeded: instruction.end),
        number: instruction.first, opcode: instruction.opcode, kind: kind, is64: false, pops: 0, pushes: 0))
    return true
  }
}
