import WebAssemblyFormat

// What a local holds where it is read: the second step of folding, see `CodeFolder.swift`.
//
// Each instruction that sets a local is a *site*; which sites reach a read is a set of bits, found in one pass over the
// structured code: where paths meet, the sets unite; at the head of a loop, all sites inside are added, and at a handler
// all sites of what it guards, as nobody knows how far that came. If all sites that reach a read set the same known
// value, the read is that value.

/// A value that is known at link time.
struct KnownValue {
  let value: SymbolicValue
  let is64: Bool

  /// - Returns: `nil` if it has no place in a relocation.
  func plus(_ addend: Int32) -> KnownValue? {
    let (sum, overflow) = value.addend.addingReportingOverflow(Int64(addend))
    let narrow = is64 && !overflow ? Int32(exactly: sum) : is64 ? nil : Int32(truncatingIfNeeded: sum)
    return narrow.map { KnownValue(value: SymbolicValue(base: value.base, addend: Int64($0)), is64: is64) }
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
    /// Whether another part may begin with what reaches the beginning, and whether one did.
    var hasOtherPart: Bool
    var hasElse = false
    /// Whether a path has come to its end, and the state that came last.
    var isJoined = false
    var seen = 0
  }

  private let globals: [KnownValue?]
  private var locals: [Local] = []
  /// Of each site that has a bit: what it sets, if that is known.
  private var values: [KnownValue?] = []
  /// For each read of a local that is followed, in order: the sites that reach it.
  private(set) var reads: [UInt64] = []
  /// For each local, the sites that reach the current step; none at all where no path comes.
  private var state: [UInt64] = []
  private var isReached = true
  /// Counts up when the state changes. Most blocks open and close, and most branches go, without a change.
  private var version = 0
  private var frames: [Frame] = []
  /// For each open block, two sets for each local: what reaches its end, if any path does, and what reaches its beginning,
  /// or its handlers, if it has another part. There is room for more blocks than are open.
  private var frameSites: [UInt64] = []

  /// - Parameter globals: what is known of each global of the index space.
  init(globals: [KnownValue?]) { self.globals = globals }

  /// Whether a site must stay, since something reads what it sets, or since that is not known.
  func isNeeded(_ site: FlowSteps.Site) -> Bool { value(of: site) == nil || locals[site.slot].needed & site.bits != 0 }

  /// Whether some site of a set may go.
  func isAnyRemovable(_ slot: Int, _ sites: UInt64) -> Bool { sites & ~locals[slot].needed != 0 }

  /// What a site sets.
  private func value(of site: FlowSteps.Site) -> KnownValue? {
    site.isFollowed ? values[site.slot << 6 + site.index] : nil
  }

  /// What a step leaves, if that is known.
  ///
  /// - Parameter sites: those that reach it, if it reads a local.
  func known(_ step: FlowStep, _ sites: UInt64) -> KnownValue? {
    let value = step.opcode == .globalGet ? globals[Int(step.operand)] : known(step.slot, sites)
    return value?.plus(step.addend)
  }

  /// What a read of a global leaves before anything is added to it.
  func known(plain step: FlowStep) -> KnownValue? { globals[Int(step.operand)] }

  /// What all sites of a set have set a local to.
  private func known(_ slot: Int, _ sites: UInt64) -> KnownValue? {
    guard sites != 0, sites & FlowSteps.other == 0 else { return nil }
    var result: KnownValue?
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
    locals.removeAll(keepingCapacity: true)
    if code.localCount == 0 { return true }
    begin(code)
    var (next, region, choice, access) = (0, 0, 0, 0)
    /// What is on top of the stack, and where that ends; and where it is nothing but a read, of what.
    var (top, end): (KnownValue?, Int) = (nil, 0)
    var lone: (slot: Int, sites: UInt64)?
    for step in code.steps {
      switch step.opcode {
      case .globalGet:
        note(lone)
        (top, end, lone) = (known(step, 0), step.sum.upperBound, nil)
      case .localGet:
        note(lone)
        let sites = isReached ? state[step.slot] : 0
        reads.append(sites)
        (top, end, lone) = (known(step, sites), step.sum.upperBound, nil)
        guard let top else {
          locals[step.slot].needed |= sites
          break
        }
        if step.isPlain, !code.isChosenFrom(step.sum.upperBound, &choice),
          code.access(taking: top, in: step.sum, &access) == nil
        {
          lone = (step.slot, sites)
        }
      case .localSet, .localTee:
        let site = code.sites[next]
        next += 1
        if !isReached { beginState(with: 0) }
        state[site.slot] = site.bits
        version += 1
        if end != step.range.lowerBound {
          note(lone)
          top = nil
        }
        if let top, site.isFollowed { values[site.slot << 6 + site.index] = top }
        lone = nil
        top = step.opcode == .localTee ? top?.plus(step.addend) : nil
        end = step.sum.upperBound
      default:
        note(lone)
        (top, lone) = (nil, nil)
        guard control(step, isLast: step.range.upperBound == code.body.end, code, &region) else { return false }
      }
    }
    note(lone)
    // Few reads are cheaper as constants, if the site can go.
    for slot in locals.indices where locals[slot].needed != 0 || locals[slot].loneReads > 2 {
      locals[slot].needed |= locals[slot].loneSites
    }
    return true
  }

  private mutating func begin(_ code: FlowSteps) {
    // Mostly it is one.
    for _ in 0..<code.localCount { locals.append(Local()) }
    state.removeAll(keepingCapacity: true)
    for _ in 0..<code.localCount { state.append(0) }
    beginState(with: FlowSteps.other)
    while values.count < code.localCount << 6 { values.append(nil) }
    for site in code.sites where site.isFollowed { values[site.slot << 6 + site.index] = nil }
    frames.removeAll(keepingCapacity: true)
  }

  private mutating func beginState(with sites: UInt64) {
    for slot in state.indices { state[slot] = sites }
    isReached = true
    version += 1
  }

  /// A read needs the local, if nothing is added to it and it does not go to another local.
  private mutating func note(_ read: (slot: Int, sites: UInt64)?) {
    guard let (slot, sites) = read else { return }
    // A function pointer is a constant in any case.
    if case .tableBlock? = known(slot, sites)?.value.base { return }
    locals[slot].loneReads += 1
    locals[slot].loneSites |= sites
  }

  // MARK: Blocks

  /// Follows an instruction that goes elsewhere; `false` if it does so in a way that is not followed.
  private mutating func control(_ step: FlowStep, isLast: Bool, _ code: FlowSteps, _ region: inout Int) -> Bool {
    switch step.opcode {
    case .block: open(step.opcode)
    case .if: open(step.opcode, hasOtherPart: true)
    case .loop:
      // What is known inside is known of every round.
      reach(code.regions[region], of: code)
      region += 1
      open(step.opcode)
    case .try, .tryTable:
      // What is known in a handler is known wherever it is left.
      let before = (state, isReached)
      reach(code.regions[region], of: code)
      region += 1
      if step.opcode == .tryTable {
        for frame in frames.indices { join(frame) }
      }
      open(step.opcode, hasOtherPart: true)
      (state, isReached) = before
      version += 1
    case .else, .catch, .catchAll:
      guard let innermost = frames.indices.last, frames[innermost].hasOtherPart else { return false }
      join(innermost)
      frames[innermost].hasElse = true
      let entry = (2 * innermost + 1) * state.count
      for slot in state.indices { state[slot] = frameSites[entry + slot] }
      isReached = true
      version += 1
    case .end, .delegate: return close() || isLast
    case .br:
      jump(step.operand)
      goNowhere()
    case .brIf, .brOnNull, .brOnNonNull: jump(step.operand)
    case .brTable:
      guard jumpToAll(behind: step.range.lowerBound, code.body) else { return false }
      goNowhere()
    // Unreachable, throw, return, tail calls; but not the instructions of garbage collection.
    default: if step.opcode.rawValue != 0xFB { goNowhere() }
    }
    return true
  }

  /// Sites may reach this place.
  private mutating func reach(_ sites: Range<Int>, of code: FlowSteps) {
    if sites.isEmpty { return }
    if !isReached { beginState(with: 0) }
    for site in code.sites[sites] { state[site.slot] |= site.bits }
    version += 1
  }

  /// - Parameter hasOtherPart: whether another part may begin with what reaches the beginning.
  private mutating func open(_ opcode: Opcode, hasOtherPart: Bool = false) {
    frames.append(Frame(opcode: opcode, hasOtherPart: hasOtherPart))
    let end = 2 * frames.count * state.count
    while frameSites.count < end { frameSites.append(0) }
    guard hasOtherPart else { return }
    for slot in state.indices { frameSites[end - state.count + slot] = isReached ? state[slot] : 0 }
  }

  /// - Returns: `false` if no block is open.
  private mutating func close() -> Bool {
    guard let frame = frames.popLast() else { return false }
    let joined = 2 * frames.count * state.count
    if frame.isJoined { meet(joined) }
    if frame.opcode == .if, !frame.hasElse { meet(joined + state.count) }
    return true
  }

  /// Adds sites of a block to those that reach the current step.
  private mutating func meet(_ first: Int) {
    if !isReached { beginState(with: 0) }
    var isChanged = false
    for slot in state.indices {
      let sites = state[slot] | frameSites[first + slot]
      if sites != state[slot] { (state[slot], isChanged) = (sites, true) }
    }
    if isChanged { version += 1 }
  }

  /// Adds the current sites to what reaches the end of a block.
  private mutating func join(_ frame: Int) {
    guard isReached, frames[frame].seen != version else { return }
    let first = 2 * frame * state.count
    if frames[frame].isJoined {
      for slot in state.indices { frameSites[first + slot] |= state[slot] }
    } else {
      for slot in state.indices { frameSites[first + slot] = state[slot] }
    }
    (frames[frame].isJoined, frames[frame].seen) = (true, version)
  }

  private mutating func jump(_ label: UInt32) {
    // The outermost label is the function's: it returns.
    if label < frames.count { join(frames.count - 1 - Int(label)) }
  }

  private mutating func jumpToAll(behind start: Int, _ body: ByteReader) -> Bool {
    var reader = body
    reader.offset = start + 1
    do throws(FormatError) {
      for _ in 0...(try reader.u32()) { jump(try reader.u32()) }
      return true
    } catch {
      return false
    }
  }

  private mutating func goNowhere() { isReached = false }
}
