import WebAssemblyFormat

// How a `try` is said with `try_table`, whose clauses name blocks around it to which an exception goes:
//
//     try T                       block $end T
//       body                        block $two (result U… exnref)
//     catch $one                      block $one (result V… exnref)
//       first                           try_table T (catch_ref $one $one) (catch_all_ref $two)
//     catch_all                           body
//       second                          end
//     end                               br $end
//                                     end
//                                     local.set $exception
//                                     first
//                                     br $end
//                                   end
//                                   local.set $exception
//                                   second
//                                 end
//
// `rethrow` is `throw_ref` of the local variable of the handler that it names; a clause whose exception nobody rethrows
// has no reference. `delegate` names a block outside: an exception goes on as if it was thrown there, passing by the
// handlers between. It goes to a block `$pass` right inside the `try_table` that is meant, or inside the whole body,
// which ends in `throw_ref`. Labels count the blocks that are between, so every branch is written anew.
//
// Blocks in between take nothing from the stack. So what a `try` takes waits in local variables of its own, if there are
// any.

/// Translates the body of a function.
struct TranslatedBody {
  private struct Clause {
    /// Of `catch_all`, none.
    let tag: UInt32?
    var isRethrown = false
  }

  private struct Try {
    var clauses: [Clause] = []
    /// For one that ends in `delegate`: the `try` that gets its exceptions, or the caller.
    var target: Target?
    /// Whether exceptions of others are thrown on from inside of it.
    var passes = false
  }

  private enum Target: Equatable {
    case attempt(Int)
    case caller
  }

  /// A block that is open in the original.
  private struct Frame {
    /// Its number among the body's, for a `try`.
    var attempt: Int?
    /// The clause that it is in; `nil` in its body.
    var clause: Int?
    /// How many blocks of the result it stands for, the outermost of which is left by a branch to it.
    var labels = 1
  }

  private let body: ByteReader
  private let parameterCount: Int
  private var attempts: [Try] = []
  private var callerPasses = false
  private var frames: [Frame] = []
  private var out = ByteWriter()
  /// Where the instructions went. Those that a `try` begins with are its own, and those in front of a handler and of an
  /// `end` belong to what stands in front of these.
  private(set) var places: [CodeTranslation.Place] = []
  /// How many local variables for references there are: one for each `try` that is open where one is rethrown.
  private var references = 0
  private var firstReference = 0
  /// The local variables behind them, for what a `try` takes.
  private var parameters: [ValueType] = []

  init(_ body: ByteReader, parameterCount: Int) {
    self.body = body
    self.parameterCount = parameterCount
  }

  /// - Parameter types: gets the types of blocks that the module has not.
  mutating func translate(_ types: inout BlockTypes) throws(FormatError) -> [UInt8] {
    var reader = body
    firstReference = parameterCount + Int(try reader.skipLocals())
    let code = reader.offset
    try survey(reader)
    try write(reader, &types)
    var result = ByteWriter(capacity: body.remaining * 2)
    var declarations = body
    let groups = try declarations.count()
    result.count(groups + (references > 0 ? 1 : 0) + parameters.count)
    result.raw(body[declarations.offset..<code])
    if references > 0 {
      result.count(references)
      result.byte(BlockTypes.exnref)
    }
    for type in parameters {
      result.count(1)
      result.valueType(type)
    }
    finishPlaces(behind: result.count, from: code - body.offset)
    result.raw(out)
    return result.bytes
  }

  // MARK: Places

  private mutating func note(_ instruction: Instruction) {
    places.append(
      CodeTranslation.Place(
        old: UInt32(truncatingIfNeeded: instruction.offset - body.offset), new: UInt32(truncatingIfNeeded: out.count)))
  }

  /// Counts places from the begin of the body, and adds those of the local declarations and of the end.
  ///
  /// - Parameters:
  ///   - count: how many bytes of local declarations there are.
  ///   - code: where the code begins in the original.
  private mutating func finishPlaces(behind count: Int, from code: Int) {
    let begin = UInt32(truncatingIfNeeded: count)
    for index in places.indices { places[index].new += begin }
    places.insert(CodeTranslation.Place(old: 0, new: 0), at: 0)
    if places.count > 1, places[1].old > code {
      places.insert(CodeTranslation.Place(old: UInt32(truncatingIfNeeded: code), new: begin), at: 1)
    }
    let end = UInt32(truncatingIfNeeded: body.remaining)
    places.append(CodeTranslation.Place(old: end, new: begin + UInt32(truncatingIfNeeded: out.count)))
  }

  // MARK: What there is

  /// Finds the clauses of each `try`, what is rethrown, and to whom exceptions are delegated.
  private mutating func survey(_ reader: ByteReader) throws(FormatError) {
    frames = [Frame()]
    var instructions = InstructionReader(reader)
    while let instruction = try instructions.next() {
      switch instruction.opcode {
      case .block, .loop, .if: frames.append(Frame())
      case .try:
        frames.append(Frame(attempt: attempts.count))
        attempts.append(Try())
      case .catch, .catchAll:
        let attempt = try innermost(instruction)
        frames[frames.count - 1].clause = attempts[attempt].clauses.count
        let tag = instruction.opcode == .catch ? UInt32(truncatingIfNeeded: instruction.first(in: body)) : nil
        attempts[attempt].clauses.append(Clause(tag: tag))
      case .rethrow:
        let index = try handler(instruction)
        guard let attempt = frames[index].attempt, let clause = frames[index].clause else { break }
        attempts[attempt].clauses[clause].isRethrown = true
        references = max(references, frames[...index].count { $0.attempt != nil })
      case .delegate:
        let attempt = try innermost(instruction)
        frames.removeLast()
        attempts[attempt].target = try target(instruction)
      case .end: frames.removeLast()
      case .tryTable, .throwRef:
        throw FormatError(
          "the function has both the older and the newer instructions for exceptions", at: instruction.offset)
      case .br, .brIf, .brOnNull, .brOnNonNull, .brTable: break
      case _ where instruction.opcode.namesLabels:
        throw FormatError(
          "'\(instruction.opcode)' names labels beside the older instructions for exceptions", at: instruction.offset)
      default: break
      }
    }
  }

  private func innermost(_ instruction: Instruction) throws(FormatError) -> Int {
    guard let attempt = frames.last?.attempt else { throw FormatError("not inside try", at: instruction.offset) }
    return attempt
  }

  private func frame(_ label: UInt32, _ instruction: Instruction) throws(FormatError) -> Int {
    guard Int(label) < frames.count else { throw FormatError("there is no label \(label)", at: instruction.offset) }
    return frames.count - 1 - Int(label)
  }

  /// The frame of the handler that `rethrow` names.
  private func handler(_ instruction: Instruction) throws(FormatError) -> Int {
    let index = try frame(instruction.label(in: body), instruction)
    if frames[index].clause == nil { throw FormatError("rethrow outside of a handler", at: instruction.offset) }
    return index
  }

  /// The first `try` from the label on outwards that would catch what is thrown there.
  private mutating func target(_ instruction: Instruction) throws(FormatError) -> Target {
    let first = try frame(instruction.label(in: body), instruction)
    for index in (0...first).reversed() {
      guard let attempt = frames[index].attempt, frames[index].clause == nil else { continue }
      attempts[attempt].passes = true
      return .attempt(attempt)
    }
    callerPasses = true
    return .caller
  }

  // MARK: Writing

  private mutating func write(_ reader: ByteReader, _ types: inout BlockTypes) throws(FormatError) {
    frames = [Frame()]
    if callerPasses { openPass() }
    var next = 0
    var instructions = InstructionReader(reader)
    while let instruction = try instructions.next() {
      switch instruction.opcode {
      // What stands in front of these is written first.
      case .catch, .catchAll, .delegate, .end: break
      default: note(instruction)
      }
      switch instruction.opcode {
      case .block, .loop, .if:
        frames.append(Frame())
        copy(instruction)
      case .try:
        try open(next, instruction, &types)
        next += 1
      case .catch, .catchAll: try enter(instruction)
      case .rethrow:
        let index = try frame(instruction.label(in: body), instruction)
        out.byte(0x20)
        out.count(reference(of: index))
        out.byte(0x0A)
      case .delegate:
        closeBody()
        note(instruction)
        out.byte(0x0B)
        frames.removeLast()
      case .end: close(instruction)
      case .br, .brIf, .brOnNull, .brOnNonNull:
        out.byte(UInt8(truncatingIfNeeded: instruction.opcode.rawValue))
        out.count(try depth(instruction.label(in: body), instruction))
      case .brTable: try copyTable(instruction)
      default: copy(instruction)
      }
    }
  }

  private mutating func copy(_ instruction: Instruction) { out.raw(body[instruction.offset..<instruction.end]) }

  /// The depth in the result of a label of the original.
  private func depth(_ label: UInt32, _ instruction: Instruction) throws(FormatError) -> Int {
    let index = try frame(label, instruction)
    return frames[index...].reduce(0) { $0 + $1.labels } - 1
  }

  private mutating func copyTable(_ instruction: Instruction) throws(FormatError) {
    var reader = body[instruction.operandOffset..<instruction.end]
    let count = try reader.count()
    out.byte(0x0E)
    out.count(count)
    for _ in 0...count { out.count(try depth(try reader.u32(), instruction)) }
  }

  /// The local variable with the reference to the exception of a handler.
  private func reference(of frame: Int) -> Int {
    firstReference + frames[..<frame].count { $0.attempt != nil }
  }

  private mutating func openPass() {
    out.raw([0x02, BlockTypes.exnref])
    frames[frames.count - 1].labels += 1
  }

  private mutating func open(
    _ number: Int, _ instruction: Instruction, _ types: inout BlockTypes
  ) throws(FormatError) {
    let attempt = attempts[number]
    var type = body[instruction.operandOffset..<instruction.end]
    var bytes = Array(type)
    var waiting = 0..<0
    let first = type.peek() ?? 0x40
    if first & 0xC0 != 0x40, let index = UInt32(exactly: try type.s33()) {
      let signature = try types.signature(of: TypeIndex(rawValue: index), at: instruction.offset)
      if !signature.parameters.isEmpty, !attempt.clauses.isEmpty || attempt.passes {
        bytes = types.results(Array(signature.results))
        waiting = takeParameters(Array(signature.parameters))
      }
    }
    if !attempt.clauses.isEmpty {
      out.byte(0x02)
      out.raw(bytes)
      for clause in attempt.clauses.reversed() {
        out.byte(0x02)
        out.raw(try types.exception(clause.tag, withReference: clause.isRethrown, at: instruction.offset))
      }
    }
    out.byte(0x1F)
    out.raw(bytes)
    if let target = attempt.target {
      out.raw([0x01, 0x03])
      out.count(pass(target))
    } else {
      out.count(attempt.clauses.count)
      for (index, clause) in attempt.clauses.enumerated() {
        if let tag = clause.tag {
          out.byte(clause.isRethrown ? 0x01 : 0x00)
          out.u32(tag)
        } else {
          out.byte(clause.isRethrown ? 0x03 : 0x02)
        }
        out.count(index)
      }
    }
    frames.append(Frame(attempt: number, labels: attempt.clauses.isEmpty ? 1 : attempt.clauses.count + 2))
    if attempt.passes { openPass() }
    for parameter in waiting {
      out.byte(0x20)
      out.count(parameter)
    }
  }

  /// Puts values from the stack into local variables.
  private mutating func takeParameters(_ types: [ValueType]) -> Range<Int> {
    let first = firstReference + references + parameters.count
    parameters += types
    for index in (0..<types.count).reversed() {
      out.byte(0x21)
      out.count(first + index)
    }
    return first..<first + types.count
  }

  /// The depth of the block that throws on exceptions inside of another `try`, its innermost.
  private func pass(_ target: Target) -> Int {
    var index = 0
    if case .attempt(let attempt) = target {
      guard let place = frames.lastIndex(where: { $0.attempt == attempt }) else {
        preconditionFailure("an exception is passed to a 'try' that is not around it")
      }
      index = place
    }
    return frames[(index + 1)...].reduce(0) { $0 + $1.labels }
  }

  /// Ends the inside of a `try_table`, but for its own `end`.
  private mutating func closeBody() {
    guard let attempt = frames.last?.attempt, attempts[attempt].passes else { return }
    out.raw([0x0C, 0x01, 0x0B, 0x0A])
  }

  private mutating func enter(_ instruction: Instruction) throws(FormatError) {
    let attempt = try innermost(instruction)
    let current = frames.count - 1
    let clause = frames[current].clause.map { $0 + 1 } ?? 0
    if clause == 0 {
      closeBody()
      out.byte(0x0B)
    }
    let rest = attempts[attempt].clauses.count - clause
    out.byte(0x0C)
    out.count(rest)
    out.byte(0x0B)
    note(instruction)
    frames[current].clause = clause
    frames[current].labels = rest
    guard attempts[attempt].clauses[clause].isRethrown else { return }
    out.byte(0x21)
    out.count(reference(of: current))
  }

  private mutating func close(_ instruction: Instruction) {
    let frame = frames[frames.count - 1]
    if frames.count == 1 {
      if callerPasses { out.raw([0x0F, 0x0B, 0x0A]) }
    } else if frame.attempt != nil, frame.clause == nil {
      closeBody()
    }
    note(instruction)
    out.byte(0x0B)
    frames.removeLast()
  }
}

extension Instruction {
  /// The label that it names.
  fileprivate func label(in body: ByteReader) -> UInt32 { UInt32(truncatingIfNeeded: first(in: body)) }

  /// Its first number, also where the reader only gives the extent.
  func first(in body: ByteReader) -> Int64 {
    var reader = body[operandOffset..<end]
    guard let number = try? reader.u32() else {
      preconditionFailure("an instruction that was read has no number any more")
    }
    return Int64(number)
  }
}
