import WebAssemblyFormat

// Folding position independence away.
//
// Code of a shared library computes every address of its own data from `__memory_base`, and every function pointer from
// `__table_base`: `global.get base; i32.const k; i32.add`, or, where several computations share the base, by way of a
// local. When the library is linked, bases are constants, and so are those sums; static code would have the constant and
// no local. Giving `global.get` alone the constant leaves the addition, the local and its assignment behind.
//
// Two questions have to be answered. What does an instruction put on the stack? That is only asked of instructions that
// stand right behind each other: a row of them that does nothing but compute one known value is a *run*, and gives way to
// one constant. Anything else ends it. And what does a local hold where it is read? Each instruction that sets it is a
// *site*; which sites reach a read is a set of bits, found in one pass over the structured code: where paths meet, the
// sets unite; at the head of a loop, all sites inside are added, and at a handler all sites of what it guards, as nobody
// knows how far that came. If all sites that reach a read set the same known value, the read is that value. A site goes,
// with the run in front of it, if no read is left that it reaches.
//
// What is not understood stays as it is: a local that some path sets to something else, a base that is passed on, a
// function with instructions that jump in unusual ways. A read of a base that nothing is added to stays a read of the
// local, which is shorter than a constant, unless there are so few that the local can go.
//
// Slots of the table are addressed in the same way, and there is one question more: `base + k` that is used as it is
// names one function, wherever that has its slot. If the code goes on computing with it, the slots around it are meant as
// well, and the block has to stay in one piece.

/// Folds constants of the link in the body of one function after the other.
struct CodeFolder {
  /// One instruction.
  private struct Step {
    var opcode: Opcode
    /// Offsets in the file.
    var start: Int
    var end: Int
    var first: Int64

    var isSumOrDifference: Bool {
      opcode == .i32Add || opcode == .i64Add || opcode == .i32Sub || opcode == .i64Sub
    }
    var isNumber: Bool { opcode == .i32Const || opcode == .i64Const }
  }

  /// Instructions right behind each other that leave one known value.
  private struct Run {
    var value: SymbolicValue
    var is64: Bool
    /// The first and the last of its steps.
    var first: Int
    var last: Int
    /// The sites that reach it, if it is nothing but a read of a local.
    var read: (slot: Int, sites: UInt64)?

    var isSymbolic: Bool { value.base != .number }
  }

  /// A local that is followed.
  private struct Local {
    /// Of each site, in the order of the code: what it sets, if that is known.
    var values: [(value: SymbolicValue, is64: Bool)?] = []
    /// Sites that must stay.
    var needed: UInt64 = 0
    /// Reads of it that no run swallows, and the sites that reach them.
    var loneReads = 0
    var loneSites: UInt64 = 0
  }

  /// A block that is open.
  private struct Frame {
    var opcode: Opcode
    var hasElse = false
  }

  /// Blocks that are open, each with two sets of sites for each local, in one array for all.
  private struct Frames {
    let locals: Int
    var frames: [Frame] = []
    private var sites: [UInt64] = []

    init(locals: Int) { self.locals = locals }

    /// - Parameter entry: what reaches the beginning of the block; of one with handlers, also what reaches those.
    mutating func open(_ opcode: Opcode, entry: [UInt64]) {
      frames.append(Frame(opcode: opcode))
      sites += repeatElement(0, count: locals)
      sites += entry
    }

    mutating func close() -> Frame? { frames.popLast() }

    /// Forgets the sites of the block that was closed last.
    mutating func drop() { sites.removeLast(2 * locals) }

    /// Adds what reaches the end of a block.
    mutating func join(_ state: [UInt64], to frame: Int) {
      for slot in 0..<locals { sites[2 * locals * frame + slot] |= state[slot] }
    }

    func joined(_ frame: Int, _ slot: Int) -> UInt64 { sites[2 * locals * frame + slot] }
    func entry(_ frame: Int, _ slot: Int) -> UInt64 { sites[2 * locals * frame + locals + slot] }
  }

  /// The bit that stands for parameters, the zero that a local begins with, and sites beyond those that have bits.
  private static let other: UInt64 = 1 << 63
  private static let mostLocals = 32

  private let unit: InputModule
  private let facts: LiftedFacts
  private let isWide: [Bool]
  private var steps: [Step] = []
  private var setters: [Int] = []
  /// By the local's index: its place in `locals`.
  private var slots: [UInt8] = []
  private var locals: [Local] = []
  /// By the number of the setter: its local's slot and its bit.
  private var sites: [(slot: Int, bit: UInt64, index: Int)?] = []
  /// For each loop and each block with handlers, in the order in which they begin: the setters inside.
  private var regions: [Range<Int>] = []
  /// For each read of a local that is followed, in order: the sites that reach it.
  private var reads: [UInt64] = []
  private var runs: [Run] = []
  private var edits: [(range: Range<Int>, relocation: Relocation)] = []
  private(set) var needsTableBlock = false

  init(_ unit: InputModule) {
    facts = unit.lifted ?? LiftedFacts()
    self.unit = unit
    isWide = (0..<facts.globals.count).map { unit.globalType(UInt32($0))?.valueType == 0x7E }
  }

  /// Folds one body.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - relocations: the last of them, from `first` on, are those of the body.
  mutating func fold(_ body: ByteReader, _ relocations: inout [Relocation], from first: Int) {
    needsTableBlock = false
    edits.removeAll(keepingCapacity: true)
    guard decode(body), analyse() else {
      needsTableBlock = relocations[first...].contains { $0.kind == .constantTableIndex && $0.target == none32 }
      return
    }
    emit()
    guard !edits.isEmpty else { return }
    var merged: [Relocation] = []
    merged.reserveCapacity(relocations.count - first + edits.count)
    var next = 0
    for relocation in relocations[first...] {
      while next < edits.count, edits[next].range.upperBound <= Int(relocation.offset) {
        merged.append(edits[next].relocation)
        next += 1
      }
      if next < edits.count, edits[next].range.contains(Int(relocation.offset)) { continue }
      merged.append(relocation)
    }
    merged += edits[next...].map(\.relocation)
    relocations.removeLast(relocations.count - first)
    relocations += merged
  }

  // MARK: What there is

  private mutating func decode(_ body: ByteReader) -> Bool {
    steps.removeAll(keepingCapacity: true)
    setters.removeAll(keepingCapacity: true)
    var reader = InstructionReader(body)
    while let instruction = try? reader.next() {
      if instruction.opcode == .localSet || instruction.opcode == .localTee { setters.append(steps.count) }
      steps.append(
        Step(
          opcode: instruction.opcode, start: instruction.offset, end: reader.reader.offset, first: instruction.first))
    }
    return reader.depth == 0
  }

  /// The known value of a global that a step reads.
  private func global(_ step: Step) -> (value: SymbolicValue, is64: Bool)? {
    guard step.opcode == .globalGet, Int(step.first) < facts.globals.count,
      let value = facts.globals[Int(step.first)]
    else { return nil }
    return (value, isWide[Int(step.first)])
  }

  private func slot(_ local: Int64) -> Int? {
    guard local < slots.count, slots[Int(local)] != .max else { return nil }
    return Int(slots[Int(local)])
  }

  /// Finds the locals that are set to something known, as far as one can tell from the instructions in front.
  private mutating func findLocals() {
    for local in slots.indices { slots[local] = .max }
    locals.removeAll(keepingCapacity: true)
    for setter in setters where setter > 0 {
      let local = steps[setter].first
      guard local < 4096, slot(local) == nil, locals.count < CodeFolder.mostLocals, mayBeKnown(setter) else { continue }
      while slots.count <= Int(local) { slots.append(.max) }
      slots[Int(local)] = UInt8(locals.count)
      locals.append(Local())
    }
    sites.removeAll(keepingCapacity: true)
    for setter in setters {
      guard let slot = slot(steps[setter].first) else {
        sites.append(nil)
        continue
      }
      let index = locals[slot].values.count
      sites.append((slot, index < 63 ? 1 << UInt64(index) : CodeFolder.other, index))
      locals[slot].values.append(nil)
    }
  }

  private func mayBeKnown(_ setter: Int) -> Bool {
    func isBase(_ step: Step) -> Bool {
      if let global = global(step) { return global.value.base != .number }
      return (step.opcode == .localGet || step.opcode == .localTee) && slot(step.first) != nil
    }
    if isBase(steps[setter - 1]) { return true }
    guard steps[setter - 1].isSumOrDifference, setter >= 3 else { return false }
    let (left, right) = (steps[setter - 3], steps[setter - 2])
    return isBase(left) && right.isNumber || left.isNumber && isBase(right)
  }

  // MARK: Which sites reach which reads

  private mutating func analyse() -> Bool {
    findLocals()
    reads.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
    if locals.isEmpty { return true }
    guard findRegions() else { return false }
    var state = [UInt64](repeating: CodeFolder.other, count: locals.count)
    var frames = Frames(locals: locals.count)
    var (setter, region) = (0, 0)
    for index in steps.indices {
      let step = steps[index]
      switch step.opcode {
      case .localGet:
        guard let slot = slot(step.first) else {
          noteLoneReads()
          break
        }
        reads.append(state[slot])
        read(slot, state[slot], at: index)
      case .localSet, .localTee:
        if let site = sites[setter] {
          if let top = runs.last, top.isSymbolic { locals[site.slot].values[site.index] = (top.value, top.is64) }
          state[site.slot] = site.bit
        }
        setter += 1
        if step.opcode == .localTee, sites[setter - 1] != nil, !runs.isEmpty {
          runs[runs.count - 1].last = index
          runs[runs.count - 1].read = nil
        } else {
          if !runs.isEmpty, sites[setter - 1] != nil { runs.removeLast() }
          noteLoneReads()
        }
      default:
        if compute(index) { break }
        noteLoneReads()
        guard control(step, index, &state, &frames, &region) else { return false }
      }
    }
    // Few reads are cheaper as constants, if the site can go.
    for slot in locals.indices where locals[slot].needed != 0 || locals[slot].loneReads > 2 {
      locals[slot].needed |= locals[slot].loneSites
    }
    return true
  }

  /// A read of a local that is followed: a run if it is known, and else a reason for its sites to stay.
  private mutating func read(_ slot: Int, _ sites: UInt64, at index: Int) {
    guard let (value, is64) = known(slot, sites) else {
      locals[slot].needed |= sites
      return noteLoneReads()
    }
    runs.append(Run(value: value, is64: is64, first: index, last: index, read: (slot, sites)))
  }

  /// What all sites of a set have set the local to.
  private func known(_ slot: Int, _ sites: UInt64) -> (value: SymbolicValue, is64: Bool)? {
    guard sites != 0, sites & CodeFolder.other == 0 else { return nil }
    var result: (value: SymbolicValue, is64: Bool)?
    var left = sites
    while left != 0 {
      guard let value = locals[slot].values[left.trailingZeroBitCount] else { return nil }
      if let result, result.value != value.value { return nil }
      result = value
      left &= left - 1
    }
    return result.flatMap { Int32(exactly: $0.value.addend) == nil ? nil : $0 }
  }

  /// Runs end here. Those that are only a read of a local need it.
  private mutating func noteLoneReads() {
    for run in runs {
      guard let (slot, sites) = run.read, run.value.base != .tableBlock else { continue }
      locals[slot].loneReads += 1
      locals[slot].loneSites |= sites
    }
    runs.removeAll(keepingCapacity: true)
  }

  /// Goes on with the runs over an instruction that only computes; `false` if it is another.
  private mutating func compute(_ index: Int) -> Bool {
    let step = steps[index]
    if step.isNumber {
      runs.append(
        Run(value: .number(step.first), is64: step.opcode == .i64Const, first: index, last: index))
      return true
    }
    if let (value, is64) = global(step) {
      runs.append(Run(value: value, is64: is64, first: index, last: index))
      return true
    }
    guard step.isSumOrDifference, runs.count >= 2 else { return false }
    let (left, right) = (runs[runs.count - 2], runs[runs.count - 1])
    let isSum = step.opcode == .i32Add || step.opcode == .i64Add
    guard left.isSymbolic || right.isSymbolic, let sum = isSum ? left.value + right.value : left.value - right.value,
      steps[index].end - steps[left.first].start <= 255
    else { return false }
    let value = left.is64 ? sum : sum.narrowed
    guard Int32(exactly: value.addend) != nil else { return false }
    runs.removeLast(2)
    runs.append(Run(value: value, is64: left.is64, first: left.first, last: index))
    return true
  }

  // MARK: Blocks

  private mutating func findRegions() -> Bool {
    regions.removeAll(keepingCapacity: true)
    var open: [Int?] = []
    var (setter, work) = (0, 0)
    for index in steps.indices {
      switch steps[index].opcode {
      case .block, .if: open.append(nil)
      case .loop, .try, .tryTable:
        open.append(regions.count)
        regions.append(setter..<setter)
      case .end, .delegate:
        if let region = open.popLast() ?? nil {
          regions[region] = regions[region].lowerBound..<setter
          work += regions[region].count + 8 * open.count
        }
      default: break
      }
      if setter < setters.count, setters[setter] == index { setter += 1 }
    }
    return work <= 64 * steps.count + 10_000
  }

  private func addSites(of region: Range<Int>, to state: inout [UInt64]) {
    for setter in region {
      if let site = sites[setter] { state[site.slot] |= site.bit }
    }
  }

  /// Follows an instruction that goes elsewhere; `false` if it does so in a way that is not followed.
  private func control(
    _ step: Step, _ index: Int, _ state: inout [UInt64], _ frames: inout Frames, _ region: inout Int
  ) -> Bool {
    let innermost = frames.frames.count - 1
    func nowhere() { for slot in state.indices { state[slot] = 0 } }
    func jump(_ label: Int64) {
      // The outermost label is the function's: it returns.
      if label <= innermost { frames.join(state, to: innermost - Int(label)) }
    }
    switch step.opcode {
    case .block, .if: frames.open(step.opcode, entry: state)
    case .loop, .try, .tryTable:
      var entry = state
      addSites(of: regions[region], to: &entry)
      region += 1
      if step.opcode == .loop { state = entry }
      if step.opcode == .tryTable {
        for frame in frames.frames.indices { frames.join(entry, to: frame) }
      }
      frames.open(step.opcode, entry: entry)
    case .else, .catch, .catchAll:
      guard innermost >= 0 else { return false }
      frames.join(state, to: innermost)
      frames.frames[innermost].hasElse = true
      for slot in state.indices { state[slot] = frames.entry(innermost, slot) }
    case .end, .delegate:
      guard let frame = frames.close() else { return index == steps.count - 1 }
      for slot in state.indices {
        state[slot] |= frames.joined(innermost, slot)
        if frame.opcode == .if, !frame.hasElse { state[slot] |= frames.entry(innermost, slot) }
      }
      frames.drop()
    case .br:
      jump(step.first)
      nowhere()
    case .brIf, .brOnNull, .brOnNonNull: jump(step.first)
    case .brTable:
      guard let labels = labels(step) else { return false }
      for label in labels { jump(label) }
      nowhere()
    default:
      switch step.opcode.rawValue {
      // unreachable, throw, rethrow, throw_ref, return, return_call, return_call_indirect, return_call_ref.
      case 0x00, 0x08...0x0A, 0x0F, 0x12, 0x13, 0x15: nowhere()
      // br_on_cast, br_on_cast_fail, and stack switching.
      case 0x118...0x119, 0xE0...0xE6: return false
      default: break
      }
    }
    return true
  }

  private func labels(_ step: Step) -> Set<Int64>? {
    var reader = unit.file.bytes[step.start + 1..<step.end]
    var labels: Set<Int64> = []
    while !reader.isAtEnd {
      guard let label = try? reader.u32() else { return nil }
      labels.insert(Int64(label))
    }
    return labels
  }

  // MARK: Edits

  private mutating func emit() {
    runs.removeAll(keepingCapacity: true)
    var (setter, read) = (0, 0)
    for index in steps.indices {
      let step = steps[index]
      switch step.opcode {
      case .localGet:
        guard let slot = slot(step.first) else {
          flush()
          break
        }
        let sites = reads[read]
        read += 1
        if let (value, is64) = known(slot, sites) {
          runs.append(Run(value: value, is64: is64, first: index, last: index, read: (slot, sites)))
        } else {
          flush()
        }
      case .localSet, .localTee:
        let site = sites[setter]
        setter += 1
        guard let site, site.bit != CodeFolder.other, locals[site.slot].needed & site.bit == 0,
          locals[site.slot].values[site.index] != nil, let top = runs.last, top.isSymbolic,
          step.end - steps[top.first].start <= 255
        else {
          flush()
          break
        }
        if step.opcode == .localTee {
          runs[runs.count - 1].last = index
        } else {
          runs.removeLast()
          flush()
          edits.append(
            (
              steps[top.first].start..<step.end,
              Relocation(
                .removedCall, at: UInt32(truncatingIfNeeded: steps[top.first].start),
                width: UInt8(truncatingIfNeeded: step.end - steps[top.first].start), target: none32, encoding: .nothing)
            ))
        }
      default:
        if !compute(index) { flush() }
      }
    }
  }

  /// Runs end here, and become constants.
  private mutating func flush() {
    for run in runs where run.isSymbolic { replace(run) }
    runs.removeAll(keepingCapacity: true)
  }

  private mutating func replace(_ run: Run) {
    var value = run.value
    let isOneStep = run.first == run.last
    if value.base == .tableBlock {
      if isOneStep, run.read == nil {
        // The base itself.
        needsTableBlock = true
        return
      }
      if let symbol = facts.symbol(atSlot: value.addend), isUsedAsItIs(behind: run.last) {
        value = SymbolicValue(base: .slot(symbol: symbol), addend: 0)
      } else {
        needsTableBlock = true
      }
    } else if isOneStep {
      guard let (slot, sites) = run.read, sites & ~locals[slot].needed != 0 else { return }
    }
    let (start, end) = (steps[run.first].start, steps[run.last].end)
    var relocation = Relocation(
      .constantNumber, at: UInt32(truncatingIfNeeded: start), width: UInt8(truncatingIfNeeded: end - start),
      target: none32, encoding: .constant(is64: run.is64))
    _ = relocation.become(value, is64: run.is64)
    edits.append((start..<end, relocation))
  }

  /// Whether a slot of the table on top of the stack behind a step is used for what it is: the slot of one function. A
  /// compiler may go on computing with it (`slot + number` in a table of its own), which needs the neighbours in their
  /// places.
  ///
  /// Follows the stack as far as it is plain to see, which is not into blocks.
  private func isUsedAsItIs(behind last: Int) -> Bool {
    var above = 0
    for step in steps[(last + 1)...].prefix(64) {
      if step.opcode == .return || step.start == steps[steps.count - 1].start { return true }
      // The value is that of a block, then.
      if step.opcode == .end { continue }
      guard let effect = effect(of: step) else { return false }
      guard above < effect.pops else {
        above += effect.pushes - effect.pops
        continue
      }
      switch step.opcode {
      case .i64ExtendI32Signed, .i64ExtendI32Unsigned, .i32WrapI64: break
      case .select where above < 2: above = 0
      // Stays somewhere, or is computed with.
      case .localSet, .localTee: return false
      default:
        let isArithmetic =
          (0x67...0x78).contains(step.opcode.rawValue) || (0x79...0x8A).contains(step.opcode.rawValue)
        return !isArithmetic
      }
    }
    return false
  }

  /// What an instruction takes from the stack and leaves there; `nil` for those that may go elsewhere.
  private func effect(of step: Step) -> StackEffect? {
    if let effect = step.opcode.stackEffect { return effect }
    let imported = unit.functionImports.count
    let type: UInt32
    switch step.opcode {
    case .call:
      guard step.first < imported + unit.functions.count else { return nil }
      let index = Int(step.first)
      type = index < imported ? unit.functionImports[index].type : unit.functions[index - imported].type
    case .callIndirect: type = UInt32(truncatingIfNeeded: step.first)
    default: return nil
    }
    guard let signature = unit.types.functionType(type) else { return nil }
    let index = step.opcode == .callIndirect ? 1 : 0
    return StackEffect(signature.parameters.count + index, signature.results.count)
  }
}
