/// Where things are in the finished module: all that the code of a function must know of it.
protocol ModuleIndices {
  func functionIndex(_ function: FunctionReference) -> Int
  /// The index of the type, which is added to the module if it is new.
  mutating func typeIndex(_ signature: WasmSignature) -> Int
  func globalIndex(_ global: Int) -> Int
  func stringAddress(_ string: Int) -> Int
  func tableSlot(_ functionValue: Int) -> Int
  var exitFunctionIndex: Int { get }
}

/// Writes the code of one function.
struct BodyGenerator<Indices: ModuleIndices> {
  private(set) var code = ByteWriter()
  var indices: Indices

  init(indices: Indices) {
    self.indices = indices
  }

  private enum Opcode: UInt8 {
    case unreachable = 0x00
    case block = 0x02
    case loop = 0x03
    case `if` = 0x04
    case `else` = 0x05
    case end = 0x0b
    case br = 0x0c
    case brIf = 0x0d
    case `return` = 0x0f
    case call = 0x10
    case callIndirect = 0x11
    case drop = 0x1a
    case localGet = 0x20
    case localSet = 0x21
    case globalGet = 0x23
    case globalSet = 0x24
    case i32Const = 0x41
    case f64Const = 0x44
    case i32Eqz = 0x45
    case i32Eq = 0x46
    case i32Ne = 0x47
    case i32LtS = 0x48
    case i32GtS = 0x4a
    case i32LeS = 0x4c
    case i32GeS = 0x4e
    case f64Eq = 0x61
    case f64Ne = 0x62
    case f64Lt = 0x63
    case f64Gt = 0x64
    case f64Le = 0x65
    case f64Ge = 0x66
    case f64Neg = 0x9a
    case f64Add = 0xa0
    case f64Sub = 0xa1
    case f64Mul = 0xa2
    case f64Div = 0xa3
    case saturating = 0xfc
  }

  private static var emptyBlockType: UInt8 { 0x40 }

  private mutating func emit(_ opcode: Opcode) {
    code.byte(opcode.rawValue)
  }

  private mutating func emit(_ opcode: Opcode, _ index: Int) {
    code.byte(opcode.rawValue)
    code.unsigned(index)
  }

  private mutating func emitBlock(_ opcode: Opcode) {
    code.byte(opcode.rawValue)
    code.byte(Self.emptyBlockType)
  }

  mutating func constant(_ value: Int) {
    emit(.i32Const)
    code.signed(value)
  }

  mutating func setGlobal(_ index: Int) {
    emit(.globalSet, index)
  }

  mutating func call(_ function: FunctionReference) {
    emit(.call, indices.functionIndex(function))
  }

  /// Ends the function; behind a result that every path has returned, the end cannot be reached.
  mutating func end(unreachable: Bool) {
    if unreachable { emit(.unreachable) }
    emit(.end)
  }

  // MARK: Statements

  mutating func steps(_ steps: [Step]) {
    for step in steps { self.step(step) }
  }

  private mutating func step(_ step: Step) {
    switch step {
    case .store(let place, let value):
      self.value(value)
      switch place {
      case .local(let index): emit(.localSet, index)
      case .global(let index): emit(.globalSet, indices.globalIndex(index))
      }
    case .evaluate(let value):
      self.value(value)
      if value.type != .nothing { emit(.drop) }
    case .conditional(let condition, let then, let otherwise):
      value(condition)
      emitBlock(.if)
      steps(then)
      if !otherwise.isEmpty {
        emit(.else)
        steps(otherwise)
      }
      emit(.end)
    case .loop(let condition, let body):
      emitBlock(.block)
      emitBlock(.loop)
      value(condition)
      emit(.i32Eqz)
      emit(.brIf, 1)
      steps(body)
      emit(.br, 0)
      emit(.end)
      emit(.end)
    case .return(let value):
      if let value { self.value(value) }
      emit(.return)
    case .exit(let status):
      value(status)
      call(.runtime(.finish))
      emit(.saturating, 2)  // i32.trunc_sat_f64_s
      emit(.call, indices.exitFunctionIndex)
      emit(.unreachable)
    }
  }

  // MARK: Expressions

  private mutating func values(_ values: [Value]) {
    for value in values { self.value(value) }
  }

  private mutating func value(_ value: Value) {
    switch value.kind {
    case .number(let number):
      emit(.f64Const)
      code.float(number)
    case .bool(let bool):
      constant(bool ? 1 : 0)
    case .string(let index):
      constant(indices.stringAddress(index))
    case .load(.local(let index)):
      emit(.localGet, index)
    case .load(.global(let index)):
      emit(.globalGet, indices.globalIndex(index))
    case .functionValue(let index):
      constant(indices.tableSlot(index))
    case .list(let elements):
      emit(.f64Const)
      code.float(Double(elements.count))
      call(.runtime(.newList))
      for element in elements {
        self.value(element)
        call(.runtime(.push))
      }
    case .call(let function, let arguments):
      values(arguments)
      call(function)
    case .callValue(let callee, let signature, let arguments):
      values(arguments)
      self.value(callee)
      emit(.callIndirect, indices.typeIndex(signature.wasmSignature))
      code.unsigned(0)  // the table
    case .negate(let operand):
      self.value(operand)
      emit(.f64Neg)
    case .not(let operand):
      self.value(operand)
      emit(.i32Eqz)
    case .numeric(let `operator`, let left, let right):
      values([left, right])
      emit(Self.numeric(`operator`))
    case .identity(let `operator`, let left, let right):
      values([left, right])
      emit(`operator` == .equal ? .i32Eq : .i32Ne)
    case .compareWithZero(let `operator`, let operand):
      self.value(operand)
      constant(0)
      emit(Self.integerComparison(`operator`))
    case .conditional(let condition, let then, let otherwise):
      self.value(condition)
      emit(.if)
      code.byte(value.type.wasmType.rawValue)
      self.value(then)
      emit(.else)
      self.value(otherwise)
      emit(.end)
    }
  }

  private static func numeric(_ `operator`: BinaryOperator) -> Opcode {
    switch `operator` {
    case .add: .f64Add
    case .subtract: .f64Sub
    case .multiply: .f64Mul
    case .divide: .f64Div
    case .equal: .f64Eq
    case .notEqual: .f64Ne
    case .less: .f64Lt
    case .lessEqual: .f64Le
    case .greater: .f64Gt
    case .greaterEqual: .f64Ge
    case .and, .or, .remainder: preconditionFailure("the checker made \(`operator`) something else")
    }
  }

  private static func integerComparison(_ `operator`: BinaryOperator) -> Opcode {
    switch `operator` {
    case .equal: .i32Eq
    case .notEqual: .i32Ne
    case .less: .i32LtS
    case .lessEqual: .i32LeS
    case .greater: .i32GtS
    case .greaterEqual: .i32GeS
    case .add, .subtract, .multiply, .divide, .remainder, .and, .or:
      preconditionFailure("the checker made \(`operator`) something else")
    }
  }
}
