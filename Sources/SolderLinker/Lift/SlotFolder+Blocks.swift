import WebAssemblyFormat

// How values come from one block to another; see `SlotFolder.swift`.
extension SlotFolder {
  /// Follows a step that opens, closes or leaves blocks; `false` if it does so in a way that is not followed.
  mutating func control(_ step: SlotStep) -> Bool {
    let label = Int(truncatingIfNeeded: step.number)
    switch step.opcode {
    case .block, .loop, .if, .try, .tryTable: return open(step)
    case .else:
      guard let frame = frames.last, frame.hasEntry else { return false }
      endPart(frame)
      frames[frames.count - 1].hasEntry = false
      replaceLocals(frame.firstJoined + locals.count)
      isReachable = true
    case .catch, .catchAll:
      guard let frame = frames.last, frame.opcode == .try else { return false }
      endPart(frame)
      // What a handler throws is no business of its own block.
      if guarded.last == frames.count - 1 { guarded.removeLast() }
      for _ in 0..<step.pops { stack.append(.unknown) }
      isReachable = frame.isHandled
      if isReachable { replaceLocals(frame.firstJoined + locals.count) }
    case .delegate:
      guard frames.last?.opcode == .try else { return false }
      close()
    case .end:
      if frames.isEmpty { leave() } else { close() }
    case .br:
      jump(label)
      isReachable = false
    case .brIf:
      use(pop())
      jump(label)
    case .brTable:
      use(pop())
      for label in code.labels(of: step) { jump(label) }
      isReachable = false
    case .return: leave()
    case .throw, .throwRef, .rethrow:
      for _ in 0..<step.pops { use(pop()) }
      throwException()
      isReachable = false
    default:
      // Tail calls, unreachable.
      for _ in 0..<step.pops { use(pop()) }
      isReachable = false
    }
    return true
  }

  /// What is on top of the stack goes to the caller.
  private mutating func leave() {
    useResults()
    isReachable = false
  }

  private mutating func useResults() {
    for value in stack.suffix(resultCount) { use(value) }
  }

  // MARK: Blocks

  private mutating func open(_ step: SlotStep) -> Bool {
    let isLoop = step.opcode == .loop
    if step.opcode == .if {
      use(pop())
      // It would begin twice with its parameters, which nobody writes.
      if step.pops > 0 { return false }
    }
    frameCount += 1
    var frame = Frame(
      number: frameCount, opcode: step.opcode, height: 0, firstValue: values.count, labelCount: Int(step.pushes),
      resultCount: Int(step.pushes), firstJoined: joined.count)
    if step.opcode == .tryTable {
      frame.targets = code.labels(of: step).filter { $0 < frames.count }.map { frames.count - 1 - $0 }
      for target in frame.targets {
        for value in 0..<frames[target].labelCount { bring(.unknown, to: frames[target].firstValue + value) }
      }
    }
    let parameters = takeParameters(Int(step.pops), isLoop: isLoop)
    frame.height = stack.count
    if isLoop {
      frame.labelCount = parameters.count
      for value in parameters { values.append(value) }
    }
    for _ in 0..<step.pushes { values.append(nil) }
    openLocals(&frame)
    if step.opcode == .try || step.opcode == .tryTable {
      guarded.append(frames.count)
      frame.escape = code.escapes[guardedCount]
      guardedCount += 1
    }
    if step.opcode == .try {
      frameCount += 1
      frame.handlers = frameCount
    }
    frames.append(frame)
    stack += parameters
    return true
  }

  private mutating func takeParameters(_ count: Int, isLoop: Bool) -> [Value] {
    if count == 0 { return [] }
    var parameters: [Value] = []
    for _ in 0..<count {
      let value = pop()
      keep(value)
      parameters.append(value)
    }
    parameters.reverse()
    if !isLoop { return parameters }
    // Each round may bring others along.
    return parameters.map { value in
      let parameter = classes.phi(isRead: true)
      classes.add(known(value), to: parameter)
      return .known(parameter)
    }
  }

  private mutating func openLocals(_ frame: inout Frame) {
    if frame.opcode == .loop {
      frame.isJoined = true
      budget -= locals.count
      for slot in locals.indices { locals[slot] = .known(classes.phi(of: known(locals[slot]))) }
      changes += 1
    }
    for value in locals { joined.append(value) }
    frame.hasEntry = frame.opcode == .if
    if frame.opcode == .if || frame.opcode == .try { for value in locals { joined.append(value) } }
  }

  /// Ends a part of a block behind which another one follows.
  private mutating func endPart(_ frame: Frame) {
    fallOut(frames.count - 1)
    stack.removeLast(max(0, stack.count - frame.height))
  }

  private mutating func close() {
    let last = frames.count - 1
    fallOut(last)
    if frames[last].hasEntry { join(at: last, from: frames[last].firstJoined + locals.count) }
    let frame = frames.removeLast()
    if guarded.last == last { guarded.removeLast() }
    stack.removeLast(max(0, stack.count - frame.height))
    for value in values[values.count - frame.resultCount..<values.count] { stack.append(value ?? .unknown) }
    values.removeLast(values.count - frame.firstValue)
    // A loop's label is its beginning: its end is only reached from inside.
    if frame.opcode != .loop {
      isReachable = frame.isJoined
      if isReachable { replaceLocals(frame.firstJoined) }
    }
    joined.removeLast(joined.count - frame.firstJoined)
  }

  /// The values that fall out of a block's end become its results.
  private mutating func fallOut(_ frame: Int) {
    guard isReachable else { return }
    let isLoop = frames[frame].opcode == .loop
    bringTop(frames[frame].resultCount, to: frames[frame].firstValue + (isLoop ? frames[frame].labelCount : 0))
    if !isLoop { join(at: frame) }
  }

  private mutating func jump(_ label: Int) {
    guard isReachable else { return }
    guard label < frames.count else {
      // The function's own: it returns.
      return useResults()
    }
    let frame = frames.count - 1 - label
    bringTop(frames[frame].labelCount, to: frames[frame].firstValue)
    join(at: frame)
  }

  // MARK: Results

  /// Brings what is on top of the stack to a label, or to results.
  private mutating func bringTop(_ count: Int, to first: Int) {
    for index in 0..<min(count, stack.count) {
      let place = stack.count - 1 - index
      // It may stay there as well, and is one value all the same.
      if case .number = stack[place] { stack[place] = .known(known(stack[place])) }
      bring(stack[place], to: first + count - 1 - index)
    }
  }

  private mutating func bring(_ value: Value, to index: Int) {
    if case .known(let value) = value { classes.read(value) }
    let either = values[index].map { self.either($0, value) } ?? value
    keep(either)
    values[index] = either
  }

  // MARK: Locals

  /// Has a path meet the others at a label: with the locals here, or with those from an index on among ``joined``.
  private mutating func join(at frame: Int, from source: Int? = nil) {
    let (first, isFirst) = (frames[frame].firstJoined, !frames[frame].isJoined)
    meet(first, isFirst: isFirst, number: frames[frame].opcode == .loop ? nil : frames[frame].number, from: source)
    frames[frame].isJoined = true
  }

  /// The locals where a path meets others.
  ///
  /// - Parameter number: of the place, where joins are made as paths come; `nil` where all of them exist.
  private mutating func meet(_ first: Int, isFirst: Bool, number: Int?, from source: Int?) {
    budget -= locals.count
    for slot in locals.indices {
      let value = source.map { joined[$0 + slot] } ?? locals[slot]
      let other = joined[first + slot]
      if isFirst {
        joined[first + slot] = value
      } else if value != other {
        var place = known(other)
        if let number, !classes.isJoin(place, of: number) { place = classes.phi(of: place, frame: number) }
        classes.add(known(value), to: place)
        joined[first + slot] = .known(place)
      }
    }
  }

  // MARK: Exceptions

  /// Something may be thrown here: it goes to the handlers of the blocks around, up to one that catches all.
  mutating func throwException() {
    guard isReachable else { return }
    var reach = frames.count
    for frame in guarded.reversed() where frame < reach {
      handleException(in: frame)
      switch frames[frame].escape {
      case .further: continue
      case .nowhere: return
      // Out of all blocks it goes to the caller.
      case .label(let label): reach = frame - label
      }
    }
  }

  private mutating func handleException(in frame: Int) {
    if frames[frame].seen != changes {
      for target in frames[frame].targets { join(at: target) }
      if let number = frames[frame].handlers {
        let first = frames[frame].firstJoined + locals.count
        meet(first, isFirst: !frames[frame].isHandled, number: number, from: nil)
        frames[frame].isHandled = true
      }
      frames[frame].seen = changes
    }
  }
}
