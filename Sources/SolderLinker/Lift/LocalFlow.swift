import WebAssemblyFormat

// What a local holds where it is read: the second step of folding, see `CodeFolder.swift`.
//
// Each instruction that sets a local is a *site*; which sites reach a read is a set of bits, found in one pass over the
// structured code: where paths meet, the sets unite; at the head of a loop, all sites inside are added, and at a handler
// all sites of what it guards, as nobody knows how far that came. If all sites that reach a read set the same known
// value, the read is that value.

/// Instructions right behind each other that leave one known value.
struct KnownRun {
  var value: SymbolicValue
  var is64: Bool
  /// The first and the last of its steps.
  var first: Int
  var last: Int
  /// The sites that reach it, if it is nothing but a read of a local.
  var read: (slot: Int, sites: UInt64)?

  var isSymbolic: Bool { value.base != .number }
}

/// The runs that are on top of the stack, right behind each other.
struct KnownRuns {
  private(set) var runs: [KnownRun] = []
  private let globals: [SymbolicValue?]
  private let isWide: [Bool]

  /// - Parameters:
  ///   - globals: what is known of each global of the index space.
  ///   - isWide: whether each is one of 64 bits.
  init(globals: [SymbolicValue?], isWide: [Bool]) {
    self.globals = globals
    self.isWide = isWide
  }

  var isEmpty: Bool { runs.isEmpty }

  mutating func push(_ run: KnownRun) { runs.append(run) }
  mutating func pop() -> KnownRun? { runs.popLast() }
  mutating func removeAll() { runs.removeAll(keepingCapacity: true) }

  /// The topmost also comprises a step that leaves its value where it is.
  mutating func extend(to index: Int) {
    runs[runs.count - 1].last = index
    runs[runs.count - 1].read = nil
  }

  /// Goes on over a step that only computes; `false` if it is another.
  mutating func compute(_ step: FlowStep, _ index: Int, in steps: [FlowStep]) -> Bool {
    if step.isNumber {
      push(KnownRun(value: .number(step.number), is64: step.opcode == .i64Const, first: index, last: index))
      return true
    }
    if step.opcode == .globalGet, let value = globals[Int(step.number)] {
      push(KnownRun(value: value, is64: isWide[Int(step.number)], first: index, last: index))
      return true
    }
    guard step.isSumOrDifference, runs.count >= 2 else { return false }
    let (left, right) = (runs[runs.count - 2], runs[runs.count - 1])
    guard left.isSymbolic || right.isSymbolic,
      let sum = step.isSum ? left.value + right.value : left.value - right.value,
      step.end - Int(steps[left.first].start) <= FlowStep.longestRun
    else { return false }
    let value = left.is64 ? sum : sum.narrowed
    guard Int32(exactly: value.addend) != nil else { return false }
    runs.removeLast(2)
    push(KnownRun(value: value, is64: left.is64, first: left.first, last: index))
    return true
  }
}

/// Follows the locals of one body after the other.
struct LocalFlow {
  /// A local that is followed.
  private struct Local {
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

  private var locals: [Local] = []
  /// Of each site that has a bit: what it sets, if that is known.
  private var values: [(value: SymbolicValue, is64: Bool)?] = []
  /// For each read of a local that is followed, in order: the sites that reach it.
  private(set) var reads: [UInt64] = []
  private var runs: KnownRuns
  /// For each local, the sites that reach the current step.
  private var state: [UInt64] = []
  private var frames: [Frame] = []
  /// For each open block, two sets for each local: what reaches its end, and what reaches its beginning, or its handlers.
  private var frameSites: [UInt64] = []

  init(_ runs: KnownRuns) { self.runs = runs }

  /// Whether a site must stay, since something reads what it sets.
  func isNeeded(_ site: FlowSteps.Site) -> Bool {
    site.bit == FlowSteps.other || locals[site.slot].needed & site.bit != 0
  }

  /// Whether some site of a set may go.
  func isAnyRemovable(_ slot: Int, _ sites: UInt64) -> Bool { sites & ~locals[slot].needed != 0 }

  /// What a site sets.
  func value(of site: FlowSteps.Site) -> (value: SymbolicValue, is64: Bool)? {
    site.index < FlowSteps.mostSites ? values[site.slot << 6 + site.index] : nil
  }

  /// What all sites of a set have set a local to.
  func known(_ slot: Int, _ sites: UInt64) -> (value: SymbolicValue, is64: Bool)? {
    guard sites != 0, sites & FlowSteps.other == 0 else { return nil }
    var result: (value: SymbolicValue, is64: Bool)?
    var left = sites
    while left != 0 {
      guard let value = values[slot << 6 + left.trailingZeroBitCount] else { return nil }
      if let result, result.value != value.value { return nil }
      result = value
      left &= left - 1
    }
    return result
  }

  // MARK: Following

  /// Follows the locals through a body.
  ///
  /// - Returns: `false` if it is not understood.
  mutating func follow(_ code: FlowSteps) -> Bool {
    reads.removeAll(keepingCapacity: true)
    runs.removeAll()
    locals.removeAll(keepingCapacity: true)
    if code.localCount == 0 { return true }
    locals.append(contentsOf: repeatElement(Local(), count: code.localCount))
    while values.count < code.localCount << 6 { values.append(nil) }
    state.removeAll(keepingCapacity: true)
    state.append(contentsOf: repeatElement(FlowSteps.other, count: code.localCount))
    frames.removeAll(keepingCapacity: true)
    frameSites.removeAll(keepingCapacity: true)
    for site in code.sites where site.index < FlowSteps.mostSites { values[site.slot << 6 + site.index] = nil }
    var (next, region) = (0, 0)
    for index in code.steps.indices {
      let step = code.steps[index]
      if !step.isAdjacent { noteLoneReads() }
      switch step.opcode {
      case .localGet:
        let sites = state[Int(step.slot)]
        reads.append(sites)
        read(Int(step.slot), sites, at: index)
      case .localSet, .localTee:
        let site = code.sites[next]
        next += 1
        if let top = runs.runs.last, top.isSymbolic, Int32(exactly: top.value.addend) != nil,
          site.index < FlowSteps.mostSites
        {
          values[site.slot << 6 + site.index] = (top.value, top.is64)
        }
        state[site.slot] = site.bit
        if step.opcode == .localTee, !runs.isEmpty {
          runs.extend(to: index)
        } else {
          _ = runs.pop()
          noteLoneReads()
        }
      default:
        if runs.compute(step, index, in: code.steps) { break }
        noteLoneReads()
        guard control(step, isLast: index == code.steps.count - 1, code, &region) else { return false }
      }
    }
    noteLoneReads()
    // Few reads are cheaper as constants, if the site can go.
    for slot in locals.indices where locals[slot].needed != 0 || locals[slot].loneReads > 2 {
      locals[slot].needed |= locals[slot].loneSites
    }
    return true
  }

  /// A read of a local: a run if it is known, and else a reason for its sites to stay.
  private mutating func read(_ slot: Int, _ sites: UInt64, at index: Int) {
    guard let (value, is64) = known(slot, sites) else {
      locals[slot].needed |= sites
      return noteLoneReads()
    }
    runs.push(KnownRun(value: value, is64: is64, first: index, last: index, read: (slot, sites)))
  }

  /// Runs end here. Those that are only a read of a local need it.
  private mutating func noteLoneReads() {
    if runs.isEmpty { return }
    for run in runs.runs {
      guard let (slot, sites) = run.read, run.value.base != .tableBlock else { continue }
      locals[slot].loneReads += 1
      locals[slot].loneSites |= sites
    }
    runs.removeAll()
  }

  // MARK: Blocks

  /// Follows an instruction that goes elsewhere; `false` if it does so in a way that is not followed.
  private mutating func control(_ step: FlowStep, isLast: Bool, _ code: FlowSteps, _ region: inout Int) -> Bool {
    switch step.opcode {
    case .block, .if: open(step.opcode)
    case .loop, .try, .tryTable:
      // What is known inside is known of every round, or wherever it is left.
      let before = step.opcode == .loop ? [] : state
      for site in code.sites[code.regions[region]] { state[site.slot] |= site.bit }
      region += 1
      if step.opcode == .tryTable {
        for frame in frames.indices { join(frame) }
      }
      open(step.opcode)
      if step.opcode != .loop { state = before }
    case .else, .catch, .catchAll:
      guard let innermost = frames.indices.last else { return false }
      join(innermost)
      frames[innermost].hasElse = true
      for slot in state.indices { state[slot] = frameSites[(2 * innermost + 1) * state.count + slot] }
    case .end, .delegate: return close() || isLast
    case .br:
      jump(step.number)
      goNowhere()
    case .brIf, .brOnNull, .brOnNonNull: jump(step.number)
    case .brTable:
      guard jumpToAll(behind: Int(step.start), code.body) else { return false }
      goNowhere()
    // Computes, with something that is not known.
    case .i32Add, .i64Add, .i32Sub, .i64Sub: break
    // Unreachable, throw, return, tail calls.
    default: goNowhere()
    }
    return true
  }

  private mutating func open(_ opcode: Opcode) {
    frames.append(Frame(opcode: opcode))
    frameSites.append(contentsOf: repeatElement(0, count: state.count))
    frameSites.append(contentsOf: state)
  }

  /// - Returns: `false` if no block is open.
  private mutating func close() -> Bool {
    guard let frame = frames.popLast() else { return false }
    let joined = 2 * frames.count * state.count
    for slot in state.indices {
      state[slot] |= frameSites[joined + slot]
      if frame.opcode == .if, !frame.hasElse { state[slot] |= frameSites[joined + state.count + slot] }
    }
    frameSites.removeLast(2 * state.count)
    return true
  }

  /// Adds the current sites to what reaches the end of a block.
  private mutating func join(_ frame: Int) {
    for slot in state.indices { frameSites[2 * frame * state.count + slot] |= state[slot] }
  }

  private mutating func jump(_ label: Int64) {
    // The outermost label is the function's: it returns.
    if label < frames.count { join(frames.count - 1 - Int(label)) }
  }

  private mutating func jumpToAll(behind start: Int, _ body: ByteReader) -> Bool {
    var reader = body
    reader.offset = start + 1
    do throws(FormatError) {
      for _ in 0...(try reader.u32()) { jump(Int64(try reader.u32())) }
      return true
    } catch {
      return false
    }
  }

  private mutating func goNowhere() {
    for slot in state.indices { state[slot] = 0 }
  }
}
