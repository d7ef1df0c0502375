extension Checker {
  /// Checks an expression that must have a certain type.
  mutating func value(_ expression: Expression, of type: CalcType) throws(CompileError) -> Value {
    let value = try value(expression)
    guard value.type == type else {
      throw CompileError(
        "this is a \(value.type.description) where a \(type.description) is needed", at: expression.position)
    }
    return value
  }

  mutating func value(_ expression: Expression) throws(CompileError) -> Value {
    switch expression.kind {
    case .number(let number):
      return Value(kind: .number(number), type: .number)
    case .bool(let bool):
      return Value(kind: .bool(bool), type: .bool)
    case .string(let text):
      return Value(kind: .string(string(text)), type: .string)
    case .name(let name):
      return try named(name, at: expression.position)
    case .list(let elements):
      need(.newList)
      need(.push)
      return Value(kind: .list(try values(elements, of: .number)), type: .list)
    case .call(let callee, let arguments):
      return try called(callee, arguments, at: expression.position)
    case .index(let base, let index):
      return try indexed(base, index)
    case .negate(let operand):
      return Value(kind: .negate(try value(operand, of: .number)), type: .number)
    case .not(let operand):
      return Value(kind: .not(try value(operand, of: .bool)), type: .bool)
    case .binary(let `operator`, let left, let right):
      return try binary(`operator`, left, right, at: expression.position)
    case .conditional(let condition, let then, let otherwise):
      let condition = try value(condition, of: .bool)
      let then = try value(then)
      guard then.type != .nothing else { throw CompileError("both sides must give a value", at: expression.position) }
      let otherwise = try value(otherwise, of: then.type)
      return Value(kind: .conditional(condition: condition, then: then, otherwise: otherwise), type: then.type)
    case .function(let syntax):
      let index = program.functions.count
      let name = "anonymous.\(expression.position.line).\(expression.position.column)"
      program.functions.append(Function(name: name, signature: syntax.signature))
      program.functions[index] = try function(syntax, name: name, at: expression.position)
      return Value(kind: .functionValue(functionValue(.program(index))), type: .function(syntax.signature))
    }
  }

  private mutating func values(
    _ expressions: [Expression], of type: CalcType
  ) throws(CompileError) -> [Value] {
    var values: [Value] = []
    for expression in expressions { values.append(try value(expression, of: type)) }
    return values
  }

  // MARK: Names and calls

  private mutating func named(_ name: String, at position: Position) throws(CompileError) -> Value {
    if let variable = try variable(name, at: position) {
      return Value(kind: .load(variable.place), type: variable.type)
    }
    guard let (reference, signature) = function(named: name) else {
      throw CompileError("there is no '\(name)' here", at: position)
    }
    return Value(kind: .functionValue(functionValue(reference)), type: .function(signature))
  }

  private func function(named name: String) -> (FunctionReference, Signature)? {
    if let index = functionNames[name] { return (.program(index), program.functions[index].signature) }
    return RuntimeFunction.byName[name].map { (.runtime($0), $0.signature) }
  }

  private mutating func called(
    _ callee: Expression, _ arguments: [Expression], at position: Position
  ) throws(CompileError) -> Value {
    // A function called by its name needs no table slot.
    if case .name(let name) = callee.kind, try variable(name, at: callee.position) == nil,
      let (reference, signature) = function(named: name)
    {
      if case .runtime(let function) = reference { need(function) }
      let arguments = try self.arguments(arguments, for: signature, at: position)
      return Value(kind: .call(reference, arguments), type: signature.result)
    }
    let callee = try value(callee)
    guard case .function(let signature) = callee.type else {
      throw CompileError("a \(callee.type.description) cannot be called", at: position)
    }
    let arguments = try self.arguments(arguments, for: signature, at: position)
    return Value(kind: .callValue(callee, signature, arguments), type: signature.result)
  }

  private mutating func arguments(
    _ arguments: [Expression], for signature: Signature, at position: Position
  ) throws(CompileError) -> [Value] {
    guard arguments.count == signature.parameters.count else {
      throw CompileError(
        "\(signature.description) takes \(signature.parameters.count) arguments, not \(arguments.count)", at: position)
    }
    var values: [Value] = []
    for (argument, type) in zip(arguments, signature.parameters) { values.append(try value(argument, of: type)) }
    return values
  }

  private mutating func indexed(_ base: Expression, _ index: Expression) throws(CompileError) -> Value {
    let collection = try value(base)
    let index = try value(index, of: .number)
    switch collection.type {
    case .list: return call(.element, [collection, index])
    case .string: return call(.character, [collection, index])
    default: throw CompileError("a \(collection.type.description) has no elements", at: base.position)
    }
  }

  // MARK: Operators

  private mutating func binary(
    _ `operator`: BinaryOperator, _ leftSyntax: Expression, _ rightSyntax: Expression, at position: Position
  ) throws(CompileError) -> Value {
    let left = try value(leftSyntax)
    let right = try value(rightSyntax, of: left.type)
    switch (`operator`, left.type) {
    case (.and, .bool):
      let no = Value(kind: .bool(false), type: .bool)
      return Value(kind: .conditional(condition: left, then: right, otherwise: no), type: .bool)
    case (.or, .bool):
      let yes = Value(kind: .bool(true), type: .bool)
      return Value(kind: .conditional(condition: left, then: yes, otherwise: right), type: .bool)
    case (.remainder, .number):
      return call(.remainder, [left, right])
    case (.add, .number), (.subtract, .number), (.multiply, .number), (.divide, .number):
      return Value(kind: .numeric(`operator`, left, right), type: .number)
    case (.equal, .number), (.notEqual, .number), (.less, .number), (.lessEqual, .number), (.greater, .number),
      (.greaterEqual, .number):
      return Value(kind: .numeric(`operator`, left, right), type: .bool)
    case (.add, .string):
      return call(.concatenate, [left, right])
    case (.equal, .string), (.notEqual, .string), (.less, .string), (.lessEqual, .string), (.greater, .string),
      (.greaterEqual, .string):
      return Value(kind: .compareWithZero(`operator`, call(.compareTexts, [left, right])), type: .bool)
    case (.equal, .bool), (.notEqual, .bool), (.equal, .function), (.notEqual, .function):
      return Value(kind: .identity(`operator`, left, right), type: .bool)
    default:
      throw CompileError("'\(`operator`.rawValue)' does not work on a \(left.type.description)", at: position)
    }
  }
}
