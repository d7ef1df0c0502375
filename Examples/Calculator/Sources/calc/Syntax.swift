/// A value as it is written in the source.
struct Expression {
  indirect enum Kind {
    case number(Double)
    case string(String)
    case bool(Bool)
    case name(String)
    case list([Expression])
    case call(Expression, [Expression])
    case index(Expression, Expression)
    case negate(Expression)
    case not(Expression)
    case binary(BinaryOperator, Expression, Expression)
    case conditional(condition: Expression, then: Expression, otherwise: Expression)
    case function(FunctionSyntax)
  }

  var kind: Kind
  var position: Position
  /// How many expressions and statements deep this one is. The parser bounds it, so that passes that follow the tree
  /// recursively cannot overflow the stack, whatever the source is.
  var height: Int

  init(_ kind: Kind, at position: Position) {
    self.kind = kind
    self.position = position
    let below: [Expression] =
      switch kind {
      case .number, .string, .bool, .name, .function: []
      case .list(let elements): elements
      case .call(let callee, let arguments): [callee] + arguments
      case .index(let base, let index): [base, index]
      case .negate(let operand), .not(let operand): [operand]
      case .binary(_, let left, let right): [left, right]
      case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
      }
    height = (below.map(\.height).max() ?? 0) + 1
    if case .function(let function) = kind { height = function.body.height + 1 }
  }
}

/// The operators between two values, by how tightly they bind.
enum BinaryOperator: String {
  case or, and
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "%"

  /// Higher binds tighter.
  var precedence: Int {
    switch self {
    case .or: 1
    case .and: 2
    case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual: 3
    case .add, .subtract: 4
    case .multiply, .divide, .remainder: 5
    }
  }
}

/// One step of a program.
struct Statement {
  indirect enum Kind {
    case `let`(name: String, Expression)
    case assign(name: String, Expression)
    case print(Expression)
    case expression(Expression)
    case conditional(Expression, then: Block, otherwise: Block)
    case loop(Expression, Block)
    case `return`(Expression?)
    case exit(Expression)
    case function(name: String, FunctionSyntax)
  }

  var kind: Kind
  var position: Position

  /// See `Expression.height`.
  var height: Int {
    switch kind {
    case .let(_, let value), .assign(_, let value), .print(let value), .expression(let value), .exit(let value):
      value.height
    case .return(let value): value?.height ?? 0
    case .conditional(let condition, let then, let otherwise):
      max(condition.height, then.height, otherwise.height)
    case .loop(let condition, let body): max(condition.height, body.height)
    case .function(_, let function): function.body.height
    }
  }
}

/// Statements in braces.
struct Block {
  var statements: [Statement]
  /// See `Expression.height`.
  var height: Int

  init(_ statements: [Statement] = []) {
    self.statements = statements
    height = (statements.map(\.height).max() ?? 0) + 1
  }
}

/// A function, named by a statement or anonymous in an expression.
struct FunctionSyntax {
  var parameters: [(name: String, type: CalcType)]
  var result: CalcType
  var body: Block

  var signature: Signature { Signature(parameters.map(\.type), result) }
}
