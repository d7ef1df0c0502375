import WebAssemblyFormat

// The usual body.
//
// Most functions of a library keep the base in one local, set it once, before any block begins, and only read it from
// there on. Then nothing has to be followed: every read has what was set. So the steps are taken right from the places,
// without picking, and `CodeFolder` makes edits of them without `LocalFlow`: half the work of linking libraries was there.
// The long way says the same of these bodies, which a test compares.

extension CodeFolder {
  /// What the local is set to; `nil` if that, or what is added to it anywhere, has no place in a relocation.
  ///
  /// Mutating, so that nobody copies the folder for it.
  mutating func sharedValue(_ shared: FlowSteps.Shared) -> KnownValue? {
    guard let value = flow.known(code.steps[shared.source], 0), value.plus(shared.assignment.addend) != nil else {
      return nil
    }
    if !value.is64 { return value }
    let isKnown = code.steps.allSatisfy { $0.opcode != .localGet || value.plus($0.addend) != nil }
    return isKnown ? value : nil
  }

  /// Edits a body whose base is shared by way of one local.
  mutating func editShared(_ shared: FlowSteps.Shared, _ value: KnownValue) {
    // Few reads are cheaper as constants; a function pointer is one in any case.
    var (plainReads, chosen, access) = (0, 0, 0)
    for step in code.steps where step.opcode == .localGet && step.isPlain {
      if code.isChosenFrom(step.sum.upperBound, &chosen) { continue }
      if code.access(taking: value, in: step.sum, &access) == nil { plainReads += 1 }
    }
    let isNeeded = plainReads > 2 && value.value.base != .tableBlock
    for index in code.steps.indices {
      let step = code.steps[index]
      if step.opcode == .localGet {
        guard let known = value.plus(step.addend) else { continue }
        replace(Run(known: known, range: step.sum, isPlain: step.isPlain, isOfRemoved: !isNeeded))
      } else if let known = flow.known(step, 0) {
        let run = Run(known: known, range: step.sum, isPlain: step.isPlain)
        if index == shared.source, let sum = known.plus(shared.assignment.addend) {
          replace(edit(shared.assignment, run, sum, isNeeded: isNeeded))
        } else {
          replace(run)
        }
      } else {
        // The sum cannot be said, so it stays.
        replace(flow.known(plain: step).map { Run(known: $0, range: step.range, isPlain: true) })
      }
    }
  }
}

extension FlowSteps {
  /// The only assignment of the only local that is followed.
  struct Shared {
    /// The step whose value is assigned, a read of a global.
    let source: Int
    let assignment: FlowStep
  }

  /// Reads a body whose base is shared by way of one local, that is set once and only then read.
  ///
  /// - Returns: `nil` if it is not so; then ``read(_:)`` tells.
  mutating func readShared(_ places: CodePlaces) -> Shared? {
    guard let (local, source) = onlyAssignment else { return nil }
    do throws(FormatError) {
      let place = globalSteps[source].sum.upperBound
      guard body[place + 1] == local, var index = indexOutsideOfBlocks(of: place, places) else { return nil }
      if let first = places.firstAccess(to: local, from: 0), first < index { return nil }
      beginSteps()
      var assignment = FlowStep(body[place], place, end: place + 2, operand: 0)
      if assignment.opcode == .localTee, try !addNumbers(behind: &assignment, places, isRead: false) { return nil }
      var global = 0
      while let next = places.firstAccess(to: local, from: index + 1) {
        let place = places[next]
        guard body[place] == 0x20, body[place + 1] == local else { return nil }
        var step = FlowStep(0x20, place, end: place + 2, operand: 0)
        guard try addNumbers(behind: &step, places, isRead: true) else { return nil }
        while global < globalSteps.count, globalSteps[global].start < place {
          steps.append(globalSteps[global])
          global += 1
        }
        steps.append(step)
        index = next
      }
      appendGlobalSteps(from: global)
      orderUses()
      let sourceStart = globalSteps[source].start
      guard let index = steps.firstIndex(where: { $0.start == sourceStart }) else { return nil }
      return Shared(source: index, assignment: assignment)
    } catch {
      return nil
    }
  }

  /// The index among the places of one that no block is around; `nil` if some is.
  private mutating func indexOutsideOfBlocks(of place: Int, _ places: CodePlaces) -> Int? {
    var (depth, index) = (0, 0)
    while index < places.count, places[index] < place {
      depth += nesting(at: places[index])
      index += 1
    }
    return depth == 0 && index < places.count && places[index] == place ? index : nil
  }
}
