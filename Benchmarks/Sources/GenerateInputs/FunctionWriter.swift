/// What a function may use.
struct Scope {
  var random: Random
  /// Functions it has to call, so that they are reached.
  var required: [FunctionReference] = []
  var pool: [FunctionReference] = []
  /// Functions whose address it may take.
  var pointed: [FunctionReference] = []
  /// Tables of four function pointers, and where they start.
  var functionTables: [(DataReference, Int)] = []
  var pointerTables: [DataReference] = []
  /// Tables of words and the exponents of their sizes.
  var words: [(DataReference, Int)] = []
  var writableWords: [(DataReference, Int)] = []
  var literals: [Int] = []
  var isShort = false
}

/// Writes the body of one function. Results never depend on addresses, so that two linkers' results compute the same.
struct FunctionWriter {
  private let unit: Unit
  private let builder: ObjectBuilder
  private var scope: Scope
  private var parameters: [ValueType] = []
  /// Numbers of the locals that hold values.
  private var values: [Int] = []
  private var extraLocals: Int
  private var loopDepth = 0
  private var line: Int
  private var memoryBaseLocal: Int?

  private static let operators: [UInt8] = [0x6a, 0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x76, 0x77]
  private static let comparisons: [UInt8] = [0x46, 0x47, 0x48, 0x4a, 0x4c, 0x4e]

  init(_ unit: Unit, _ scope: Scope, locals: Int = 0) {
    self.unit = unit
    self.scope = scope
    extraLocals = locals
    builder = unit.builder
    line = 10 + builder.functions.count * 25
  }

  mutating func write(_ reference: FunctionReference) {
    let signature = signatures[unit.program.signature(reference)]
    parameters = signature.parameters
    values = parameters.indices.filter { parameters[$0] == .i32 }
    // Five locals at least: two loop counters, the stack frame, the fuel, the memory base.
    let valueLocals = 2 + scope.random.below(4)
    values += (0..<valueLocals).map { parameters.count + 5 + $0 }
    extraLocals = 5 + valueLocals

    let isLeaf = scope.required.isEmpty && scope.random.chance(percent: 40)
    var statements = scope.isShort ? 1 + scope.random.below(5) : 2 + scope.random.below(9)
    if !isLeaf, !scope.isShort, scope.random.chance(percent: 12) { statements += scope.random.below(30) }
    if isLeaf {
      scope.pool = []
      scope.pointed = []
      scope.functionTables = []
    } else {
      spendFuel(signature)
    }
    mark()
    if builder.style == .positionIndependent {
      let local = parameters.count + 4
      builder.global(Opcode.globalGet, builder.memoryBase)
      builder.op(Opcode.localSet, local)
      memoryBaseLocal = local
    }
    let hasFrame = scope.random.chance(percent: 25)
    if hasFrame { enterFrame() }
    var remaining = scope.required
    for position in 0..<statements {
      statement(depth: 0)
      // Spread over the function.
      while remaining.count > (statements - position - 1) * scope.required.count / statements {
        call(remaining.removeLast())
      }
    }
    if hasFrame { leaveFrame() }
    mark()
    for result in signature.results {
      expression(depth: 1)
      convert(to: result)
    }
    end(unit.symbol(reference))
  }

  /// Ends the function and declares the locals that were used.
  mutating func end(_ symbol: Int) {
    builder.op(Opcode.end)
    var locals = ByteWriter()
    locals.unsigned(extraLocals > 0 ? 1 : 0)
    if extraLocals > 0 {
      locals.unsigned(extraLocals)
      locals.byte(ValueType.i32.rawValue)
    }
    builder.endFunction(symbol, locals: locals)
  }

  private mutating func mark() {
    line += 1 + scope.random.below(3)
    builder.bodyLines.append(LineMark(offset: builder.body.count, line: line))
  }

  // MARK: Frame and fuel

  private var frame: Int { parameters.count + 2 }

  private mutating func spendFuel(_ signature: Signature) {
    let fuel = unit.symbol(.fuel)
    let local = parameters.count + 3
    builder.access(Opcode.i32Load, alignment: 2, fuel)
    builder.op(Opcode.localTee, local)
    builder.op(Opcode.i32Equals0)
    builder.op(Opcode.if)
    builder.op(Opcode.emptyBlock)
    for result in signature.results {
      builder.const32(0)
      convert(to: result)
    }
    builder.op(Opcode.return)
    builder.op(Opcode.end)
    builder.access(
      Opcode.i32Store, alignment: 2, fuel,
      value: {
        builder.op(Opcode.localGet, local)
        builder.const32(1)
        builder.op(Opcode.i32Subtract)
      })
  }

  private mutating func enterFrame() {
    builder.global(Opcode.globalGet, builder.stackPointer)
    builder.const32(32)
    builder.op(Opcode.i32Subtract)
    builder.op(Opcode.localTee, frame)
    builder.global(Opcode.globalSet, builder.stackPointer)
    builder.op(Opcode.localGet, frame)
    expression(depth: 1)
    builder.memory(Opcode.i32Store, alignment: 2, offset: 12)
  }

  private mutating func leaveFrame() {
    builder.op(Opcode.localGet, frame)
    builder.memory(Opcode.i32Load, alignment: 2, offset: 12)
    builder.op(Opcode.localSet, scope.random.element(of: values))
    builder.op(Opcode.localGet, frame)
    builder.const32(32)
    builder.op(Opcode.i32Add)
    builder.global(Opcode.globalSet, builder.stackPointer)
  }

  // MARK: Statements

  private mutating func statement(depth: Int) {
    mark()
    switch scope.random.below(20) {
    case 0...3: assign { $0.expression(depth: 2) }
    case 4...6: load()
    case 7...8: store()
    case 9...11:
      if scope.pool.isEmpty { load() } else { call(scope.random.element(of: scope.pool)) }
    case 12: callThroughPointer()
    case 13: loadThroughPointer()
    case 14: loadFromLiteral()
    case 15...16 where depth < 3: conditional(depth: depth)
    case 17 where loopDepth < 2 && depth < 3: loop(depth: depth)
    case 18 where depth < 3: choice(depth: depth)
    default: arithmetic()
    }
  }

  private mutating func assign(_ push: (inout FunctionWriter) -> Void) {
    push(&self)
    builder.op(Opcode.localSet, scope.random.element(of: values))
  }

  /// Pushes the offset of a word in a table of `1 << log` words.
  private mutating func wordOffset(log: Int) {
    value()
    builder.const32((1 << log) - 1)
    builder.op(Opcode.i32And)
    builder.const32(2)
    builder.op(Opcode.i32ShiftLeft)
  }

  private mutating func load() {
    let (reference, log) = scope.random.element(of: scope.words + scope.writableWords)
    let symbol = unit.symbol(reference)
    assign { writer in
      if log > 0, writer.scope.random.chance(percent: 50) {
        writer.builder.access(
          Opcode.i32Load, alignment: 2, symbol, memoryBaseLocal: writer.memoryBaseLocal,
          indexed: true, index: { writer.wordOffset(log: log) })
      } else {
        let addend = 4 * writer.scope.random.below(1 << log)
        writer.builder.access(
          Opcode.i32Load, alignment: 2, symbol, addend: addend, memoryBaseLocal: writer.memoryBaseLocal)
      }
      writer.value()
      writer.builder.op(Opcode.i32Add)
    }
  }

  private mutating func store() {
    guard !scope.writableWords.isEmpty else { return arithmetic() }
    let (reference, log) = scope.random.element(of: scope.writableWords)
    let symbol = unit.symbol(reference)
    if scope.random.chance(percent: 50) {
      builder.dataAddress(symbol, memoryBaseLocal: memoryBaseLocal)
      wordOffset(log: log)
      builder.op(Opcode.i32Add)
      expression(depth: 1)
      builder.memory(Opcode.i32Store, alignment: 2)
    } else {
      let addend = 4 * scope.random.below(1 << log)
      builder.dataAddress(symbol, addend: addend, memoryBaseLocal: memoryBaseLocal)
      expression(depth: 1)
      builder.memory(Opcode.i32Store, alignment: 2)
    }
  }

  private mutating func call(_ reference: FunctionReference) {
    let signature = signatures[unit.program.signature(reference)]
    for parameter in signature.parameters {
      value()
      convert(to: parameter)
    }
    builder.call(unit.symbol(reference))
    use(signature.results)
  }

  private mutating func callThroughPointer() {
    guard !scope.pointed.isEmpty else { return arithmetic() }
    value()
    value()
    if scope.functionTables.isEmpty || scope.random.chance(percent: 30) {
      builder.functionAddress(unit.symbol(scope.random.element(of: scope.pointed)))
    } else {
      let (reference, start) = scope.random.element(of: scope.functionTables)
      builder.access(
        Opcode.i32Load, alignment: 2, unit.symbol(reference), addend: start, memoryBaseLocal: memoryBaseLocal,
        indexed: true, index: { wordOffset(log: 2) })
    }
    builder.callIndirect(signature: 0)
    use(signatures[0].results)
  }

  private mutating func loadThroughPointer() {
    guard !scope.pointerTables.isEmpty else { return arithmetic() }
    let symbol = unit.symbol(scope.random.element(of: scope.pointerTables))
    assign { writer in
      writer.builder.access(
        Opcode.i32Load, alignment: 2, symbol, memoryBaseLocal: writer.memoryBaseLocal,
        indexed: true, index: { writer.wordOffset(log: 2) })
      writer.builder.memory(Opcode.i32Load, alignment: 2)
    }
  }

  private mutating func loadFromLiteral() {
    guard !scope.literals.isEmpty else { return arithmetic() }
    let symbol = scope.random.element(of: scope.literals)
    assign { writer in
      writer.builder.dataAddress(symbol, memoryBaseLocal: writer.memoryBaseLocal)
      writer.builder.memory(Opcode.i32Load8, alignment: 0)
      writer.value()
      writer.builder.op(Opcode.i32Xor)
    }
  }

  private mutating func arithmetic() {
    assign { $0.expression(depth: 3) }
  }

  private mutating func conditional(depth: Int) {
    expression(depth: 1)
    builder.op(Opcode.if)
    builder.op(Opcode.emptyBlock)
    for _ in 0...scope.random.below(3) { statement(depth: depth + 1) }
    if scope.random.chance(percent: 40) {
      builder.op(Opcode.else)
      for _ in 0...scope.random.below(2) { statement(depth: depth + 1) }
    }
    builder.op(Opcode.end)
  }

  private mutating func loop(depth: Int) {
    let counter = parameters.count + loopDepth
    loopDepth += 1
    builder.const32(2 + scope.random.below(5))
    builder.op(Opcode.localSet, counter)
    builder.op(Opcode.loop)
    builder.op(Opcode.emptyBlock)
    for _ in 0...scope.random.below(3) { statement(depth: depth + 1) }
    builder.op(Opcode.localGet, counter)
    builder.const32(1)
    builder.op(Opcode.i32Subtract)
    builder.op(Opcode.localTee, counter)
    builder.op(Opcode.branchIf, 0)
    builder.op(Opcode.end)
    loopDepth -= 1
  }

  private mutating func choice(depth: Int) {
    let cases = 2 + scope.random.below(4)
    for _ in 0...cases {
      builder.op(Opcode.block)
      builder.op(Opcode.emptyBlock)
    }
    value()
    builder.op(Opcode.branchTable, cases)
    for label in 0...cases { builder.body.unsigned(label) }
    for _ in 0...cases {
      builder.op(Opcode.end)
      if scope.random.chance(percent: 70) { statement(depth: depth + 1) }
    }
  }

  // MARK: Values

  /// Pushes an i32.
  private mutating func value() {
    if scope.random.chance(percent: 75) {
      builder.op(Opcode.localGet, scope.random.element(of: values))
    } else {
      builder.const32(scope.random.below(scope.random.chance(percent: 80) ? 64 : 1 << 24))
    }
  }

  private mutating func expression(depth: Int) {
    guard depth > 0 else { return value() }
    switch scope.random.below(10) {
    case 0: value()
    case 1:
      expression(depth: depth - 1)
      value()
      builder.op(scope.random.element(of: Self.comparisons))
    case 2:
      // Through 64 bits.
      value()
      builder.op(Opcode.i64ExtendI32)
      builder.op(Opcode.i64Const)
      builder.body.signed(Int64(scope.random.below(1 << 31)) << Int64(scope.random.below(32)))
      builder.op(Opcode.i64Multiply)
      builder.op(Opcode.i32WrapI64)
    case 3:
      // Through a floating-point number.
      value()
      builder.op(Opcode.f64ConvertI32)
      builder.op(Opcode.f64Const)
      let bits = (Double(scope.random.below(1000)) / 8 + 0.5).bitPattern
      builder.body.little32(UInt32(truncatingIfNeeded: bits))
      builder.body.little32(UInt32(bits >> 32))
      builder.op(scope.random.chance(percent: 50) ? Opcode.f64Multiply : Opcode.f64Add)
      truncate(0x02)
    default:
      expression(depth: depth - 1)
      value()
      builder.op(scope.random.element(of: Self.operators))
    }
  }

  /// `i32.trunc_sat_…_s`, which accepts every number.
  private func truncate(_ opcode: UInt8) {
    builder.op(0xfc)
    builder.op(opcode)
  }

  private func convert(to type: ValueType) {
    switch type {
    case .i32: break
    case .i64: builder.op(Opcode.i64ExtendI32)
    case .f32: builder.op(Opcode.f32ConvertI32)
    case .f64: builder.op(Opcode.f64ConvertI32)
    }
  }

  /// Takes the results of a call.
  private mutating func use(_ results: [ValueType]) {
    guard let result = results.first else { return }
    switch result {
    case .i32: break
    case .i64: builder.op(Opcode.i32WrapI64)
    case .f32: truncate(0x00)
    case .f64: truncate(0x02)
    }
    value()
    builder.op(Opcode.i32Xor)
    builder.op(Opcode.localSet, scope.random.element(of: values))
  }
}
