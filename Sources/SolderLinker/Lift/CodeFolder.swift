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
// one constant. Anything else ends it. And what does a local hold where it is read? `LocalFlow` knows, of what
// `FlowSteps` has picked out. An assignment of a local goes, with the run in front of it, if no read is left that it
// reaches.
//
// What is not understood stays as it is: a local that some path sets to something else, a base that is passed on, a
// function with instructions that jump in unusual ways. A read of a base that nothing is added to stays a read of the
// local, which is shorter than a constant, unless there are so few that the local can go.
//
// Slots of the table are addressed in the same way, and there is one question more: `base + k` that is used as it is
// names one function, wherever that has its slot. If the code goes on computing with it, the slots around it are meant as
// well, and the block has to stay in one piece; unless `SlotFolder`, which sees more, finds otherwise.

/// Folds constants of the link in the body of one function after the other.
struct CodeFolder {
  private let unit: InputModule
  private let facts: LiftedFacts
  var code: FlowSteps
  private(set) var flow: LocalFlow
  /// The edits of the body, in its order.
  private var edits = ReusedRow<Relocation>()
  private var indices: IndexFlow
  /// The next choice and the next access, and edits that stand further behind, of which the last comes first.
  private var choice = 0
  private var nextAccess = 0
  private var following: [Relocation] = []
  private var needsTableBlock = false
  private let takesShortWay: Bool

  /// - Parameters:
  ///   - takesShortWay: whether the usual bodies are edited without following anything, to the same effect.
  ///   - movesAddresses: whether addresses may go into the offsets of accesses.
  init(_ unit: InputModule, takesShortWay: Bool = true, movesAddresses: Bool) {
    self.takesShortWay = takesShortWay
    let facts = unit.lifted ?? LiftedFacts()
    self.unit = unit
    self.facts = facts
    code = FlowSteps(unit, globals: facts.globals, notesAccesses: movesAddresses)
    indices = IndexFlow(unit)
    flow = LocalFlow(
      globals: facts.globals.indices.map { index in
        facts.globals[index].map { value in
          KnownValue(value: value, is64: unit.globalType(GlobalIndex(index))?.valueType == 0x7E)
        }
      })
  }

  /// Folds one body.
  ///
  /// - Parameters:
  ///   - body: stands behind the local declarations.
  ///   - places: where its instructions are.
  ///   - uses: where it reads globals of known values to which numbers are added, or which go to a local.
  ///   - relocations: the last of them, from `first` on, are those of the body.
  /// - Returns: whether the block of table slots has to stay in one piece, as far as is seen here.
  mutating func fold(
    _ body: ByteReader, _ places: CodePlaces, _ uses: ReusedRow<UInt32>, _ relocations: inout [Relocation],
    from first: Int
  ) -> Bool {
    needsTableBlock = false
    edits.removeAll()
    guard code.readGlobals(body, places, uses), edit(places) else {
      return relocations[first...].contains { $0.isInTableBlock }
    }
    if !edits.isEmpty { merge(into: &relocations, from: first) }
    return needsTableBlock
  }

  /// Puts the edits among the relocations, in place of those that they comprise.
  private mutating func merge(into relocations: inout [Relocation], from first: Int) {
    // From the back, so that nothing is moved twice.
    var next = relocations.count
    edits.append(to: &relocations)
    var place = relocations.count
    var row = relocations.mutableSpan
    for index in stride(from: edits.count - 1, through: 0, by: -1) {
      let edit = edits[index]
      while next > first, row[next - 1].offset >= edit.offset {
        next -= 1
        if row[next].offset < edit.end { continue }
        place -= 1
        row[place] = row[next]
      }
      place -= 1
      row[place] = edit
    }
    if next < place { relocations.removeSubrange(next..<place) }
  }

  // MARK: Edits

  /// A known value on top of the stack, and the instructions that put it there.
  struct Run {
    var known: KnownValue
    var range: Range<Int>
    /// Whether it is one instruction that reads a global, or a local.
    var isPlain: Bool
    /// Of a read of a local, whether some assignment that reaches it goes.
    var isOfRemoved: Bool?
    /// Whether an assignment is among them.
    var assigns = false
  }

  /// - Returns: `false` if the body has instructions that are not followed.
  private mutating func edit(_ places: CodePlaces) -> Bool {
    (choice, nextAccess) = (0, 0)
    if code.localCount == 0 {
      if code.hasOpenAccesses { indices.settle(&code, places) }
      editSteps()
    } else if takesShortWay, let shared = code.readShared(places), let value = sharedValue(shared) {
      if code.hasOpenAccesses { indices.settle(&code, places) }
      editShared(shared, value)
    } else {
      guard code.read(places) else { return false }
      if code.hasOpenAccesses { indices.settle(&code, places) }
      guard flow.follow(code) else { return false }
      editSteps()
    }
    appendFollowing(before: .max)
    return true
  }

  private mutating func editSteps() {
    var (site, read) = (0, 0)
    var top: Run?
    for step in code.steps {
      switch step.opcode {
      case .localGet, .globalGet:
        replace(top)
        top = nil
        var sites: UInt64 = 0
        if step.opcode == .localGet {
          sites = flow.reads[read]
          read += 1
        }
        if let known = flow.known(step, sites) {
          top = Run(
            known: known, range: step.sum, isPlain: step.isPlain,
            isOfRemoved: step.opcode == .localGet ? flow.isAnyRemovable(step.slot, sites) : nil)
        } else if step.opcode == .globalGet {
          // The sum cannot be said, so it stays.
          replace(flow.known(plain: step).map { Run(known: $0, range: step.range, isPlain: true) })
        }
      case .localSet, .localTee:
        let isNeeded = flow.isNeeded(code.sites[site])
        site += 1
        guard let run = top, run.range.upperBound == step.range.lowerBound, let sum = run.known.plus(step.addend) else {
          replace(top)
          top = nil
          break
        }
        top = edit(step, run, sum, isNeeded: isNeeded)
      default:
        replace(top)
        top = nil
      }
    }
    replace(top)
  }

  /// Edits an assignment of a run.
  ///
  /// - Parameter sum: the run, and what is added behind the assignment if that leaves it on the stack.
  /// - Returns: what is on the stack then.
  mutating func edit(_ assignment: FlowStep, _ run: Run, _ sum: KnownValue, isNeeded: Bool) -> Run? {
    let isTee = assignment.opcode == .localTee
    let range = run.range.lowerBound..<assignment.sum.upperBound
    guard !isNeeded, range.count <= FlowStep.longest else {
      replace(run)
      return isTee ? rest(of: assignment, sum) : nil
    }
    if isTee { return Run(known: sum, range: range, isPlain: false, assigns: true) }
    // An assignment goes, with what it sets, if nothing reads it.
    append(run.assigns ? .removal(of: range) : .removal(of: range, assigning: code.local(of: assignment)))
    return nil
  }

  /// Adds an edit, behind those in front of it.
  private mutating func append(_ edit: Relocation) {
    if !following.isEmpty { appendFollowing(before: edit.offset) }
    edits.append(edit)
  }

  private mutating func appendFollowing(before offset: UInt32) {
    while let last = following.last, last.offset < offset { edits.append(following.removeLast()) }
  }

  /// Adds an edit further behind, once those in front of it were added.
  private mutating func follow(with edit: Relocation) {
    var index = following.endIndex
    if index == 0 { return following.append(edit) }
    while index > 0, following[index - 1].offset < edit.offset { index -= 1 }
    following.insert(edit, at: index)
  }

  private func constant(_ known: KnownValue, at range: Range<Int>, assigns: Bool = false) -> Relocation {
    var relocation = Relocation(
      .constantNumber, at: UInt32(truncatingIfNeeded: range.lowerBound), width: UInt8(truncatingIfNeeded: range.count),
      encoding: .constant(is64: known.is64))
    _ = relocation.become(known.value, is64: known.is64)
    relocation.assignsNothing = !assigns
    return relocation
  }

  /// What is added to what a local is set to, which must stay: the local is set alone, and the sum is a run of its own.
  private mutating func rest(of tee: FlowStep, _ sum: KnownValue) -> Run? {
    guard sum.value.base != .tableBlock else { return nil }
    let set = Relocation.setAlone(at: tee.range.lowerBound)
    let rest = tee.range.upperBound..<tee.sum.upperBound
    if rest.isEmpty {
      _ = distribute(sum, endingAt: rest.lowerBound, set)
      return nil
    }
    // A small number and an addition are as short as a constant.
    guard rest.count > 4 else { return nil }
    append(set)
    return Run(known: sum, range: rest, isPlain: false)
  }

  /// A choice between two numbers that is added to a value becomes one between two sums; `false` if it cannot.
  ///
  /// - Parameter edit: leaves nothing of the value on the stack.
  private mutating func distribute(_ known: KnownValue, endingAt end: Int, _ edit: Relocation) -> Bool {
    guard known.value.base != .tableBlock, code.isChosenFrom(end, &choice) else { return false }
    let chosen = code.choices[choice]
    guard let first = known.plus(chosen.numbers.0), let second = known.plus(chosen.numbers.1) else { return false }
    append(edit)
    append(constant(first, at: chosen.ranges.0))
    append(constant(second, at: chosen.ranges.1))
    follow(with: .removal(of: chosen.addition..<chosen.addition + 1))
    return true
  }

  /// An address goes into the offset of an access to which an index is added, and takes the number that is added to the
  /// sum; `false` if there is neither, or the address may not.
  private mutating func moveIntoOffset(_ run: Run) -> Bool {
    guard let (access, sum, offset) = code.access(taking: run.known, in: run.range, &nextAccess),
      !following.contains(where: { Int($0.offset) == access.firstEdited })
    else { return false }
    var base = constant(sum, at: run.range, assigns: true)
    if let offset, let operand = access.operand {
      follow(with: part(of: base, .indexedOffset, at: operand, offset))
      follow(with: part(of: base, .indexedSum, at: access.addition..<access.addition + 1, base.storedAddend))
      base.encoding = .indexedBase(is64: run.known.is64)
    } else {
      base.assignsNothing = !run.assigns
      base.isProvisional = true
    }
    if let more = access.more {
      var removal = Relocation.removal(of: more.range)
      removal.assignsNothing = true
      removal.isProvisional = base.isProvisional
      follow(with: removal)
    }
    append(base)
    return true
  }

  /// An address goes into the offset of an access without an index; `false` if it is not used for one, or may not.
  private mutating func moveIntoPlainOffset(_ run: Run) -> Bool {
    guard code.notesAccesses, case .memory = run.known.value.base, run.known.value.addend >= 0,
      let operand = code.operand(behind: run.range.upperBound),
      case let offset = code.body.unsignedNumber(in: operand), offset < IndexedAccess.addressLimit,
      let sum = Int32(exactly: run.known.value.addend + Int64(offset))
    else { return false }
    var base = constant(run.known, at: run.range, assigns: run.assigns)
    base.isProvisional = true
    follow(with: part(of: base, .indexedOffset, at: operand, sum))
    base.encoding = .indexedBase(is64: run.known.is64)
    append(base)
    return true
  }

  /// An edit of an access that the edit of its address is one of.
  private func part(
    of base: Relocation, _ encoding: Relocation.Encoding, at range: Range<Int>, _ addend: Int32
  ) -> Relocation {
    var edit = base
    (edit.offset, edit.width) = (UInt32(truncatingIfNeeded: range.lowerBound), UInt8(truncatingIfNeeded: range.count))
    (edit.encoding, edit.storedAddend) = (encoding, addend)
    return edit
  }

  /// A run becomes a constant.
  mutating func replace(_ run: Run?) {
    guard let run else { return }
    if !code.choices.isEmpty, distribute(run.known, endingAt: run.range.upperBound, .removal(of: run.range)) { return }
    if !code.accesses.isEmpty, moveIntoOffset(run) { return }
    var value = run.known.value
    if value.base == .tableBlock {
      if run.isPlain, run.isOfRemoved == nil {
        // The base itself.
        needsTableBlock = true
        return
      }
      if let symbol = facts.symbol(atSlot: value.addend), isUsedAsItIs(behind: run.range.upperBound) {
        value = SymbolicValue(base: .slot(symbol: symbol), addend: 0)
      } else {
        needsTableBlock = true
      }
    } else if run.isPlain, run.isOfRemoved != true {
      return
    }
    if moveIntoPlainOffset(run) { return }
    append(constant(KnownValue(value: value, is64: run.known.is64), at: run.range, assigns: run.assigns))
  }

  /// Whether a slot of the table on top of the stack is used for what it is: the slot of one function. A
  /// compiler may go on computing with it (`slot + number` in a table of its own), which needs the neighbours in their
  /// places.
  ///
  /// Follows the stack as far as it is plain to see, which is not into blocks.
  private func isUsedAsItIs(behind offset: Int) -> Bool {
    var rest = code.body
    rest.offset = offset
    var reader = InstructionReader(rest, isInsideBlocks: true)
    var above = 0
    for _ in 0..<64 {
      guard let step = try? reader.next() else { return false }
      if step.opcode == .return || step.end == rest.end { return true }
      // The value is that of a block, then.
      if step.opcode == .end { continue }
      guard let effect = unit.effect(of: step) else { return false }
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
        return !step.opcode.computesWithNumbers
      }
    }
    return false
  }
}
