/// Settles names and types.
///
/// A name must be declared above its use, except that all top-level functions know each other. A function sees its
/// parameters, its own variables and the program's variables; an anonymous function cannot capture the variables of
/// the function around it, which is what lets a function value be a bare table slot.
struct Checker {
  var program = Program()
  /// The function being checked, after the ones around it.
  private(set) var frames: [Frame] = []
  private var globalNames: [String: Int] = [:]
  private(set) var functionNames: [String: Int] = [:]

  /// A function while it is being checked.
  struct Frame {
    var function: Function
    /// The variables in sight, the innermost block last.
    var scopes: [[String: Int]] = [[:]]
  }

  /// The checked form of a parsed program.
  static func check(_ syntax: Block) throws(CompileError) -> Program {
    var checker = Checker()
    try checker.declareFunctions(syntax.statements)
    checker.frames = [Frame(function: checker.program.main)]
    let steps = try checker.steps(syntax.statements)
    checker.program.main = checker.frames[0].function
    checker.program.main.body = steps
    return checker.program
  }

  private mutating func declareFunctions(_ statements: [Statement]) throws(CompileError) {
    for statement in statements {
      guard case .function(let name, let syntax) = statement.kind else { continue }
      guard functionNames[name] == nil else {
        throw CompileError("there already is a function '\(name)'", at: statement.position)
      }
      guard RuntimeFunction.byName[name] == nil else {
        throw CompileError("'\(name)' is a built-in function", at: statement.position)
      }
      functionNames[name] = program.functions.count
      program.functions.append(Function(name: name, signature: syntax.signature))
    }
  }

  // MARK: Variables

  private var isTopLevel: Bool { frames.count == 1 && frames[0].scopes.count == 1 }

  private mutating func declare(
    _ name: String, _ type: CalcType, at position: Position
  ) throws(CompileError) -> Place {
    guard functionNames[name] == nil, RuntimeFunction.byName[name] == nil else {
      throw CompileError("'\(name)' is the name of a function", at: position)
    }
    if isTopLevel {
      guard globalNames[name] == nil else {
        throw CompileError("there already is a variable '\(name)'; write '\(name) = …' to change it", at: position)
      }
      globalNames[name] = program.globals.count
      program.globals.append(Variable(name: name, type: type))
      return .global(program.globals.count - 1)
    }
    let frame = frames.count - 1
    let scope = frames[frame].scopes.count - 1
    guard frames[frame].scopes[scope][name] == nil else {
      throw CompileError("there already is a variable '\(name)'; write '\(name) = …' to change it", at: position)
    }
    let index = frames[frame].function.locals.count
    frames[frame].scopes[scope][name] = index
    frames[frame].function.locals.append(Variable(name: name, type: type))
    return .local(index)
  }

  /// The variable that `name` means here, if it is one.
  func variable(_ name: String, at position: Position) throws(CompileError) -> (place: Place, type: CalcType)? {
    for (depth, frame) in frames.enumerated().reversed() {
      guard let index = frame.scopes.lazy.reversed().compactMap({ $0[name] }).first else { continue }
      guard depth == frames.count - 1 else {
        throw CompileError("a function cannot use '\(name)', a variable of the code around it", at: position)
      }
      return (.local(index), frame.function.locals[index].type)
    }
    guard let index = globalNames[name] else { return nil }
    return (.global(index), program.globals[index].type)
  }

  // MARK: Functions

  /// Checks the body of a function and gives back its finished form.
  mutating func function(
    _ syntax: FunctionSyntax, name: String, at position: Position
  ) throws(CompileError) -> Function {
    frames.append(Frame(function: Function(name: name, signature: syntax.signature)))
    for parameter in syntax.parameters {
      _ = try declare(parameter.name, parameter.type, at: position)
    }
    let body = try block(syntax.body)
    guard syntax.result == .nothing || Checker.alwaysLeaves(body) else {
      throw CompileError("'\(name)' can end without returning a \(syntax.result.description)", at: position)
    }
    var function = frames.removeLast().function
    function.body = body
    return function
  }

  /// Whether the statement after these can never run.
  private static func alwaysLeaves(_ steps: [Step]) -> Bool {
    steps.contains { step in
      switch step {
      case .return, .exit: true
      case .conditional(_, let then, let otherwise): alwaysLeaves(then) && alwaysLeaves(otherwise)
      case .store, .evaluate, .loop: false
      }
    }
  }

  // MARK: Statements

  private mutating func block(_ block: Block) throws(CompileError) -> [Step] {
    frames[frames.count - 1].scopes.append([:])
    let steps = try steps(block.statements)
    frames[frames.count - 1].scopes.removeLast()
    return steps
  }

  private mutating func steps(_ statements: [Statement]) throws(CompileError) -> [Step] {
    var steps: [Step] = []
    for statement in statements {
      if let step = try step(statement) { steps.append(step) }
    }
    return steps
  }

  private mutating func step(_ statement: Statement) throws(CompileError) -> Step? {
    let position = statement.position
    switch statement.kind {
    case .let(let name, let expression):
      let value = try value(expression)
      guard value.type != .nothing else { throw CompileError("this gives nothing to name", at: expression.position) }
      return .store(try declare(name, value.type, at: position), value)
    case .assign(let name, let expression):
      guard let variable = try variable(name, at: position) else {
        throw CompileError("there is no variable '\(name)' here; write 'let \(name) = …'", at: position)
      }
      return .store(variable.place, try value(expression, of: variable.type))
    case .print(let expression):
      return .evaluate(try printed(expression))
    case .expression(let expression):
      return .evaluate(try value(expression))
    case .conditional(let condition, let then, let otherwise):
      return .conditional(try value(condition, of: .bool), then: try block(then), otherwise: try block(otherwise))
    case .loop(let condition, let body):
      return .loop(try value(condition, of: .bool), try block(body))
    case .return(let expression):
      return .return(try returned(expression, at: position))
    case .exit(let expression):
      program.exits = true
      return .exit(try value(expression, of: .number))
    case .function(let name, let syntax):
      guard isTopLevel, let index = functionNames[name] else {
        throw CompileError("a function with a name must stand at the top level", at: position)
      }
      program.functions[index] = try function(syntax, name: name, at: position)
      return nil
    }
  }

  private mutating func printed(_ expression: Expression) throws(CompileError) -> Value {
    let value = try value(expression)
    switch value.type {
    case .number: return call(.printNumber, [value])
    case .string: return call(.printString, [value])
    case .bool: return call(.printBool, [value])
    case .list: return call(.printList, [value])
    case .function, .nothing:
      throw CompileError("a \(value.type.description) cannot be printed", at: expression.position)
    }
  }

  private mutating func returned(_ expression: Expression?, at position: Position) throws(CompileError) -> Value? {
    guard frames.count > 1 else { throw CompileError("there is no function to return from", at: position) }
    let result = frames[frames.count - 1].function.signature.result
    guard let expression else {
      guard result == .nothing else { throw CompileError("this must return a \(result.description)", at: position) }
      return nil
    }
    guard result != .nothing else { throw CompileError("this function returns nothing", at: position) }
    return try value(expression, of: result)
  }

  // MARK: What the program needs

  /// A call of a runtime function, which the program then imports.
  mutating func call(_ function: RuntimeFunction, _ arguments: [Value]) -> Value {
    need(function)
    return Value(kind: .call(.runtime(function), arguments), type: function.signature.result)
  }

  mutating func need(_ function: RuntimeFunction) {
    if !program.runtimeFunctions.contains(function) { program.runtimeFunctions.append(function) }
  }

  /// The table slot of a function that is used as a value, as an index in `Program.functionValues`.
  mutating func functionValue(_ function: FunctionReference) -> Int {
    if case .runtime(let function) = function { need(function) }
    if let index = program.functionValues.firstIndex(of: function) { return index }
    program.functionValues.append(function)
    return program.functionValues.count - 1
  }

  /// The index of a literal in `Program.strings`.
  mutating func string(_ text: String) -> Int {
    // By bytes: `==` on strings would take two spellings of one accented letter for the same literal.
    if let index = program.strings.firstIndex(where: { $0.utf8.elementsEqual(text.utf8) }) { return index }
    program.strings.append(text)
    return program.strings.count - 1
  }
}
