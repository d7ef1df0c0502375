import WebAssemblyFormat

/// What a run of instructions does that begins and ends with an empty stack, as far as that is known.
struct StartUpStatement {
  enum Action {
    case store(address: SymbolicValue, value: SymbolicValue, width: UInt8)
    /// `memory.fill` with zero.
    case clear(address: SymbolicValue, count: Int64)
    case set(global: GlobalIndex, value: SymbolicValue)
  }

  /// Offsets in the file.
  var range: Range<Int>
  var actions: [Action] = []
  /// Why it cannot be done at link time, if it cannot.
  var reason: KeptStartUpCode.Statement?
  /// Other places that it reads or writes, as offsets in the unit's block; `nil` for any place.
  var touched: [Range<Int64>?] = []
  var touchesEverything = false
  var readGlobals: [GlobalIndex] = []
  /// Globals that it sets, or may set, to what is not known.
  var unknownGlobals: [GlobalIndex] = []
  var readLocals: [UInt32] = []
  /// Locals that it sets, whatever happens.
  var setLocals: [UInt32] = []
  /// The function that it calls, where it does nothing else, and the offset of its index.
  var call: FunctionIndex?
  var callOffset = 0
  var lastInstruction: Int
  var lastOpcode = Opcode.nop

  init(at offset: Int) {
    range = offset..<offset
    lastInstruction = offset
  }

  /// Another one begins, in the memory of this one: there are tens of thousands.
  mutating func begin(at offset: Int) {
    range = offset..<offset
    if !actions.isEmpty { actions.removeAll(keepingCapacity: true) }
    reason = nil
    if !touched.isEmpty { touched.removeAll(keepingCapacity: true) }
    touchesEverything = false
    if !readGlobals.isEmpty { readGlobals.removeAll(keepingCapacity: true) }
    if !unknownGlobals.isEmpty { unknownGlobals.removeAll(keepingCapacity: true) }
    if !readLocals.isEmpty { readLocals.removeAll(keepingCapacity: true) }
    if !setLocals.isEmpty { setLocals.removeAll(keepingCapacity: true) }
    (call, callOffset) = (nil, 0)
    (lastInstruction, lastOpcode) = (offset, .nop)
  }

  mutating func stays(_ instruction: Instruction, _ reason: StaticString) {
    if self.reason == nil {
      self.reason = .init(offset: instruction.offset, opcode: instruction.opcode, reason: reason)
    }
  }
}

/// Goes through the body of a function, over values that are known up to where something will be placed.
struct StartUpBody {
  let function: FunctionIndex
  private let unit: ModuleDraft
  /// The memory of the program, in the unit's index space.
  private let memory: MemoryIndex?
  private var reader: InstructionReader
  /// Offset of the `end` that closes the body.
  private let end: Int
  private let start: Int
  private var locals: [SymbolicValue?]
  private var stack: [SymbolicValue?] = []
  /// Whether what follows may not be reached.
  private var mayHaveLeft = false
  private var isDone = false
  /// Statements that stay, and those that have to do with locals, in their order.
  private var statements: [(statement: Trace, isKept: Bool)] = []

  /// What is remembered of a statement.
  private struct Trace {
    var range: Range<Int>
    var readLocals: [UInt32]
    var setLocals: [UInt32]
  }

  /// - Parameter function: one that the unit defines, without parameters and results.
  init?(_ unit: ModuleDraft, _ function: FunctionIndex, _ budget: inout Int) {
    self.unit = unit
    memory = unit.libraryMemory
    self.function = function
    var code = unit.file.reader(of: unit.functions[Int(function) - unit.functionImports.count].body)
    guard let count = try? code.skipLocals(), count < 1 << 16, budget > Int(count) else { return nil }
    budget -= Int(count)
    locals = [SymbolicValue?](repeating: .number(0), count: Int(count))
    reader = InstructionReader(code)
    start = code.offset
    end = code.end - 1
    guard start <= end else { return nil }
  }

  // MARK: What stays

  mutating func keep(_ statement: StartUpStatement) { remember(statement, isKept: true) }

  mutating func remove(_ statement: StartUpStatement) {
    if !statement.setLocals.isEmpty { remember(statement, isKept: false) }
  }

  private mutating func remember(_ statement: StartUpStatement, isKept: Bool) {
    let trace = Trace(range: statement.range, readLocals: statement.readLocals, setLocals: statement.setLocals)
    statements.append((trace, isKept))
  }

  /// The runs of instructions that go, and the size of what stays. A statement that sets a local stays if another that
  /// stays reads it.
  func conclude() -> (removed: [Range<Int>], keptSize: Int) {
    var needed: Set<UInt32> = []
    var kept: [Range<Int>] = []
    for (trace, isKept) in statements.reversed() {
      guard isKept || trace.setLocals.contains(where: needed.contains) else { continue }
      needed.subtract(trace.setLocals)
      needed.formUnion(trace.readLocals)
      kept.append(trace.range)
    }
    var removed: [Range<Int>] = []
    var position = start
    for range in kept.reversed() {
      if position < range.lowerBound { removed.append(position..<range.lowerBound) }
      position = range.upperBound
    }
    if position < end { removed.append(position..<end) }
    return (removed, kept.reduce(0) { $0 + $1.count })
  }

  // MARK: Reading

  /// Reads the next statement; `false` at the end of the body.
  mutating func next(_ context: StartUpReader, _ budget: inout Int, into statement: inout StartUpStatement) -> Bool {
    guard !isDone else { return false }
    statement.begin(at: reader.reader.offset)
    while true {
      guard budget > 0, let instruction = try? reader.next() else { return rest(&statement) }
      budget -= 1
      if reader.depth == 0 {
        isDone = true
        return stack.isEmpty ? false : rest(&statement)
      }
      statement.lastInstruction = instruction.offset
      statement.lastOpcode = instruction.opcode
      guard step(instruction, &statement, context, &budget) else { return rest(&statement) }
      if stack.isEmpty {
        if mayHaveLeft { statement.stays(instruction, "code before it may have left the function") }
        statement.range = statement.range.lowerBound..<reader.reader.offset
        return true
      }
    }
  }

  /// All that is left stays, and may do anything.
  ///
  /// - Returns: `false` if nothing is left.
  private mutating func rest(_ statement: inout StartUpStatement) -> Bool {
    isDone = true
    guard statement.range.lowerBound < end else { return false }
    if statement.reason == nil {
      statement.reason = .init(
        offset: statement.lastInstruction, opcode: statement.lastOpcode, reason: "code from here on cannot be read")
    }
    statement.touchesEverything = true
    statement.actions = []
    statement.range = statement.range.lowerBound..<end
    // It may read any local.
    statement.readLocals = locals.indices.map { UInt32($0) }
    statement.setLocals = []
    return true
  }

  /// Goes over one instruction; `false` if nothing can be said of what comes then.
  private mutating func step(
    _ instruction: Instruction, _ statement: inout StartUpStatement, _ context: StartUpReader, _ budget: inout Int
  ) -> Bool {
    switch instruction.opcode {
    case .localGet:
      guard Int(instruction.first) < locals.count else { return false }
      statement.readLocals.append(UInt32(truncatingIfNeeded: instruction.first))
      stack.append(locals[Int(instruction.first)])
    case .localSet, .localTee:
      guard Int(instruction.first) < locals.count, let value = stack.popLast() else { return false }
      locals[Int(instruction.first)] = value
      statement.setLocals.append(UInt32(truncatingIfNeeded: instruction.first))
      if instruction.opcode == .localTee { stack.append(value) }
      if value == nil { statement.stays(instruction, "the value is not known") }
    case .globalGet:
      guard Int(instruction.first) < context.globals.count else { return false }
      statement.readGlobals.append(GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first)))
      stack.append(context.globals[Int(instruction.first)])
    case .globalSet:
      guard Int(instruction.first) < context.globals.count, let value = stack.popLast() else { return false }
      let global = GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first))
      guard let value else {
        statement.stays(instruction, "the value is not known")
        statement.unknownGlobals.append(global)
        break
      }
      statement.actions.append(.set(global: global, value: value))
    case let opcode where opcode.storedBytes != nil:
      guard let value = stack.popLast(), let address = stack.popLast() else { return false }
      store(instruction, address, value, &statement, context)
    case .memoryFill where UInt32(exactly: instruction.first) == memory?.rawValue:
      guard let count = stack.popLast(), let value = stack.popLast(), let address = stack.popLast() else {
        return false
      }
      fill(instruction, address, value, count, &statement, context)
    case .call: return call(instruction, &statement)
    case .block, .loop, .if, .try, .tryTable: return block(instruction, &statement, &budget)
    default: return anyOther(instruction, &statement, context)
    }
    return true
  }

  private func store(
    _ instruction: Instruction, _ address: SymbolicValue?, _ value: SymbolicValue?,
    _ statement: inout StartUpStatement, _ context: StartUpReader
  ) {
    guard let width = instruction.opcode.storedBytes else { return }
    guard instruction.memory == memory?.rawValue else { return statement.stays(instruction, "it is another memory") }
    guard let place = address?.plus(offset: instruction.first) else {
      statement.touched.append(nil)
      return statement.stays(instruction, "the place is not known")
    }
    // Of an address all bytes are stored, or none is known.
    let isWhole = instruction.opcode == .i32Store || instruction.opcode == .i64Store
    guard let value, isWhole || value.base == .number else {
      statement.touched.append(context.place(place, Int64(width)))
      return statement.stays(instruction, "the value is not known")
    }
    statement.actions.append(.store(address: place, value: value, width: width))
  }

  private func fill(
    _ instruction: Instruction, _ address: SymbolicValue?, _ value: SymbolicValue?, _ count: SymbolicValue?,
    _ statement: inout StartUpStatement, _ context: StartUpReader
  ) {
    guard let address, let count, count.base == .number, count.addend >= 0 else {
      statement.touched.append(nil)
      return statement.stays(instruction, "the place is not known")
    }
    guard value == .number(0) else {
      statement.touched.append(context.place(address, count.addend))
      return statement.stays(instruction, "the value is not zero")
    }
    statement.actions.append(.clear(address: address, count: count.addend))
  }

  private mutating func call(_ instruction: Instruction, _ statement: inout StartUpStatement) -> Bool {
    let index = Int(instruction.first)
    let imported = unit.functionImports.count
    guard index < imported + unit.functions.count else { return false }
    let type = index < imported ? unit.functionImports[index].type : unit.functions[index - imported].type
    if index >= imported, instruction.offset == statement.range.lowerBound, !mayHaveLeft,
      unit.types.isEmptyFunction(type)
    {
      statement.call = FunctionIndex(index)
      statement.callOffset = instruction.operandOffset
      return true
    }
    statement.touchesEverything = true
    statement.stays(instruction, index < imported ? "an imported function may do anything" : "it takes or gives values")
    return applySignature(type)
  }

  private mutating func applySignature(_ type: TypeIndex) -> Bool {
    guard let signature = unit.types.functionType(type) else { return false }
    return apply(pops: signature.parameters.count, pushes: signature.results.count)
  }

  private mutating func apply(pops: Int, pushes: Int) -> Bool {
    guard pops <= stack.count else { return false }
    stack.removeLast(pops)
    stack.append(contentsOf: repeatElement(nil, count: pushes))
    return true
  }

  private mutating func anyOther(
    _ instruction: Instruction, _ statement: inout StartUpStatement, _ context: StartUpReader
  ) -> Bool {
    if let result = SymbolicValue.evaluate(instruction, &stack) { return result }
    guard let effect = instruction.opcode.stackEffect else {
      guard instruction.opcode == .callIndirect else { return false }
      statement.touchesEverything = true
      statement.stays(instruction, "the function that is called is not known")
      return apply(pops: 1, pushes: 0)
        && applySignature(TypeIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first)))
    }
    if instruction.opcode == .drop { return stack.popLast() != nil }
    statement.stays(instruction, "what it does is not followed")
    if let access = instruction.opcode.memoryAccess {
      if instruction.memory == memory?.rawValue {
        let depth = stack.count - effect.pops
        guard depth >= 0 else { return false }
        let address = stack[depth]?.plus(offset: instruction.first)
        statement.touched.append(context.place(address, Int64(access)))
      }
    } else if instruction.opcode.touchesMemory {
      statement.touched.append(nil)
    }
    return apply(pops: effect.pops, pushes: effect.pushes)
  }

  // MARK: Blocks

  /// Goes over a block: it stays, and what it touches is not looked at closely.
  private mutating func block(
    _ opening: Instruction, _ statement: inout StartUpStatement, _ budget: inout Int
  ) -> Bool {
    statement.stays(opening, "whether and how often it runs is not known")
    guard let type = blockType(at: opening.operandOffset) else { return false }
    guard apply(pops: opening.opcode == .if ? 1 : 0, pushes: 0) else { return false }
    if opening.opcode == .tryTable { mayHaveLeft = true }
    while reader.depth > 1 {
      guard budget > 0, let instruction = try? reader.next() else { return false }
      budget -= 1
      guard inBlock(instruction, &statement) else { return false }
    }
    return apply(pops: type.parameters, pushes: type.results)
  }

  private mutating func inBlock(_ instruction: Instruction, _ statement: inout StartUpStatement) -> Bool {
    switch instruction.opcode {
    case .localGet, .localSet, .localTee:
      guard Int(instruction.first) < locals.count else { return false }
      // What it sets may not be set, so what was set before may still be read.
      statement.readLocals.append(UInt32(truncatingIfNeeded: instruction.first))
      if instruction.opcode != .localGet { locals[Int(instruction.first)] = nil }
    case .globalGet: statement.readGlobals.append(GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first)))
    case .globalSet:
      statement.unknownGlobals.append(GlobalIndex(rawValue: UInt32(truncatingIfNeeded: instruction.first)))
    case .block, .loop, .if, .else, .end: break
    case .br, .brIf:
      // The label of the function itself: it returns.
      if instruction.first >= Int64(reader.depth - 1) { mayHaveLeft = true }
    default:
      guard instruction.opcode.stackEffect != nil else {
        // Calls, and all that leaves a block in another way.
        if instruction.opcode != .call, instruction.opcode != .callIndirect { mayHaveLeft = true }
        statement.touchesEverything = true
        break
      }
      if instruction.opcode.touchesMemory { statement.touched.append(nil) }
    }
    return true
  }

  /// How many values a block takes and leaves.
  private func blockType(at offset: Int) -> (parameters: Int, results: Int)? {
    var type = reader.reader[offset..<reader.reader.end]
    guard let first = type.peek() else { return nil }
    if first == 0x40 { return (0, 0) }
    if first & 0xC0 == 0x40 { return (0, 1) }
    guard let index = try? type.s33(), index >= 0,
      let signature = unit.types.functionType(UInt32(truncatingIfNeeded: index))
    else { return nil }
    return (signature.parameters.count, signature.results.count)
  }
}

extension Opcode {
  /// Whether it reads or writes a memory at all.
  fileprivate var touchesMemory: Bool {
    memoryAccess != nil || (0x208...0x20B).contains(rawValue) && self != .dataDrop || self == .memoryGrow
      || (0x300...0x302).contains(rawValue)
  }

  /// How many bytes a store of integers writes, `nil` for other instructions.
  fileprivate var storedBytes: UInt8? {
    switch rawValue {
    case 0x3A, 0x3C: 1
    case 0x3B, 0x3D: 2
    case 0x36, 0x3E: 4
    case 0x37: 8
    default: nil
    }
  }

  /// The most bytes that a load or store reads or writes, `nil` for other instructions.
  fileprivate var memoryAccess: Int? {
    switch rawValue {
    case 0x2C...0x2D, 0x30...0x31, 0x3A, 0x3C: 1
    case 0x2E...0x2F, 0x32...0x33, 0x3B, 0x3D: 2
    case 0x28, 0x2A, 0x34...0x36, 0x38, 0x3E: 4
    case 0x29, 0x2B, 0x37, 0x39, 0x310...0x34E: 8
    case 0x400...0x40B, 0x454...0x45D: 16
    default: nil
    }
  }
}
