/// Turns tokens into statements by recursive descent.
struct Parser {
  /// Deeper source is refused; keeps this parser and the passes after it from overflowing the stack.
  static let maximumDepth = 200
  static let maximumHeight = 800

  private let tokens: [Token]
  private var index = 0
  private var depth = 0

  /// The statements of a whole program.
  static func parse(_ tokens: [Token]) throws(CompileError) -> Block {
    var parser = Parser(tokens: tokens)
    return Block(try parser.statements(until: .end))
  }

  private init(tokens: [Token]) {
    self.tokens = tokens
  }

  // MARK: Tokens

  private var token: Token { tokens[index] }

  /// Steps to the next token; never past `.end`.
  private mutating func advance() {
    if index + 1 < tokens.count { index += 1 }
  }

  private mutating func take(_ kind: Token.Kind) -> Bool {
    guard token.kind == kind else { return false }
    advance()
    return true
  }

  private mutating func take(_ symbol: Symbol) -> Bool { take(.symbol(symbol)) }

  private mutating func expect(_ symbol: Symbol) throws(CompileError) {
    guard take(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
  }

  private mutating func expectName() throws(CompileError) -> String {
    guard case .name(let name) = token.kind else { throw unexpected("a name") }
    advance()
    return name
  }

  private mutating func skipNewlines() {
    while take(.newline) {}
  }

  private func unexpected(_ wanted: String) -> CompileError {
    CompileError("expected \(wanted), found \(token.description)", at: token.position)
  }

  private mutating func nested<Result>(
    _ parse: (inout Parser) throws(CompileError) -> Result
  ) throws(CompileError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Parser.maximumDepth else {
      throw CompileError("the program is nested too deeply here", at: token.position)
    }
    return try parse(&self)
  }

  private func make(_ kind: Expression.Kind, at position: Position) throws(CompileError) -> Expression {
    let expression = Expression(kind, at: position)
    guard expression.height <= Parser.maximumHeight else {
      throw CompileError("this expression is too long; give parts of it names", at: position)
    }
    return expression
  }

  // MARK: Statements

  private mutating func statements(until end: Token.Kind) throws(CompileError) -> [Statement] {
    var statements: [Statement] = []
    skipNewlines()
    while token.kind != end {
      let position = token.position
      statements.append(Statement(kind: try statement(), position: position))
      if token.kind == end { break }
      guard take(.newline) else { throw unexpected("the end of the statement") }
      skipNewlines()
    }
    return statements
  }

  private mutating func block() throws(CompileError) -> Block {
    try nested { (parser) throws(CompileError) in
      try parser.expect(.leftBrace)
      let statements = try parser.statements(until: .symbol(.rightBrace))
      try parser.expect(.rightBrace)
      return Block(statements)
    }
  }

  private mutating func statement() throws(CompileError) -> Statement.Kind {
    switch token.kind {
    case .keyword(.let):
      advance()
      let name = try expectName()
      try expect(.equal)
      return .let(name: name, try expression())
    case .keyword(.print):
      advance()
      return .print(try expression())
    case .keyword(.exit):
      advance()
      return .exit(try expression())
    case .keyword(.return):
      advance()
      if token.kind == .newline || token.kind == .symbol(.rightBrace) { return .return(nil) }
      return .return(try expression())
    case .keyword(.while):
      advance()
      return .loop(try expression(), try block())
    case .keyword(.if):
      return try conditionalStatement()
    case .keyword(.fn):
      if case .name(let name) = tokens[min(index + 1, tokens.count - 1)].kind {
        advance()
        advance()
        return .function(name: name, try function())
      }
      return .expression(try expression())
    case .name(let name) where tokens[min(index + 1, tokens.count - 1)].kind == .symbol(.equal):
      advance()
      advance()
      return .assign(name: name, try expression())
    default:
      return .expression(try expression())
    }
  }

  private mutating func conditionalStatement() throws(CompileError) -> Statement.Kind {
    try nested { (parser) throws(CompileError) in
      parser.advance()
      let condition = try parser.expression()
      let then = try parser.block()
      // `else` may stand on the line after the brace.
      let afterBlock = parser.index
      parser.skipNewlines()
      guard parser.take(.keyword(.else)) else {
        parser.index = afterBlock
        return .conditional(condition, then: then, otherwise: Block())
      }
      if parser.token.kind == .keyword(.if) {
        let position = parser.token.position
        let next = Statement(kind: try parser.conditionalStatement(), position: position)
        return .conditional(condition, then: then, otherwise: Block([next]))
      }
      return .conditional(condition, then: then, otherwise: try parser.block())
    }
  }

  // MARK: Functions and types

  /// What follows `fn` and the name: `(a: number) -> number = …` or `(a: number) -> number { … }`.
  private mutating func function() throws(CompileError) -> FunctionSyntax {
    var parameters: [(name: String, type: CalcType)] = []
    try expect(.leftParen)
    while token.kind != .symbol(.rightParen) {
      let name = try expectName()
      try expect(.colon)
      parameters.append((name, try type()))
      guard take(.comma) else { break }
    }
    try expect(.rightParen)
    let result = take(.arrow) ? try type() : .nothing
    let position = token.position
    guard take(.equal) else {
      return FunctionSyntax(parameters: parameters, result: result, body: try block())
    }
    let value = try expression()
    let kind: Statement.Kind = result == .nothing ? .expression(value) : .return(value)
    return FunctionSyntax(
      parameters: parameters, result: result, body: Block([Statement(kind: kind, position: position)]))
  }

  private mutating func type() throws(CompileError) -> CalcType {
    if take(.keyword(.fn)) {
      return try nested { (parser) throws(CompileError) in
        var parameters: [CalcType] = []
        try parser.expect(.leftParen)
        while parser.token.kind != .symbol(.rightParen) {
          parameters.append(try parser.type())
          guard parser.take(.comma) else { break }
        }
        try parser.expect(.rightParen)
        return .function(Signature(parameters, parser.take(.arrow) ? try parser.type() : .nothing))
      }
    }
    let position = token.position
    switch try expectName() {
    case "number": return .number
    case "string": return .string
    case "bool": return .bool
    case "list": return .list
    case let name:
      throw CompileError("there is no type '\(name)' (number, string, bool, list, fn(…) -> …)", at: position)
    }
  }

  // MARK: Expressions

  private mutating func expression() throws(CompileError) -> Expression {
    try binary(tighterThan: 0)
  }

  private var binaryOperator: BinaryOperator? {
    switch token.kind {
    case .keyword(let keyword): BinaryOperator(rawValue: keyword.rawValue)
    case .symbol(let symbol): BinaryOperator(rawValue: symbol.rawValue)
    default: nil
    }
  }

  private mutating func binary(tighterThan precedence: Int) throws(CompileError) -> Expression {
    var left = try nested { (parser) throws(CompileError) in try parser.unary() }
    while let `operator` = binaryOperator, `operator`.precedence > precedence {
      let position = token.position
      advance()
      skipNewlines()
      let right = try nested { (parser) throws(CompileError) in
        try parser.binary(tighterThan: `operator`.precedence)
      }
      left = try make(.binary(`operator`, left, right), at: position)
    }
    return left
  }

  private mutating func unary() throws(CompileError) -> Expression {
    let position = token.position
    if take(.symbol(.minus)) {
      let operand = try nested { (parser) throws(CompileError) in try parser.unary() }
      return try make(.negate(operand), at: position)
    }
    if take(.keyword(.not)) {
      // `not a == b` is `not (a == b)`.
      let operand = try nested { (parser) throws(CompileError) in
        try parser.binary(tighterThan: BinaryOperator.and.precedence)
      }
      return try make(.not(operand), at: position)
    }
    return try postfix()
  }

  private mutating func postfix() throws(CompileError) -> Expression {
    var base = try primary()
    while true {
      let position = token.position
      if take(.leftParen) {
        base = try make(.call(base, try expressions(until: .rightParen)), at: position)
      } else if take(.leftBracket) {
        let index = try expression()
        try expect(.rightBracket)
        base = try make(.index(base, index), at: position)
      } else {
        return base
      }
    }
  }

  /// Expressions with commas between them, and the bracket that ends them.
  private mutating func expressions(until end: Symbol) throws(CompileError) -> [Expression] {
    var expressions: [Expression] = []
    while token.kind != .symbol(end) {
      expressions.append(try expression())
      guard take(.comma) else { break }
    }
    try expect(end)
    return expressions
  }

  private mutating func primary() throws(CompileError) -> Expression {
    let start = token
    switch start.kind {
    case .number(let value):
      advance()
      return try make(.number(value), at: start.position)
    case .string(let text):
      advance()
      return try make(.string(text), at: start.position)
    case .name(let name):
      advance()
      return try make(.name(name), at: start.position)
    case .keyword(.true), .keyword(.false):
      advance()
      return try make(.bool(start.kind == .keyword(.true)), at: start.position)
    case .keyword(.fn):
      advance()
      return try make(.function(try function()), at: start.position)
    case .keyword(.if):
      advance()
      let condition = try expression()
      guard take(.keyword(.then)) else { throw unexpected("'then'") }
      let then = try expression()
      guard take(.keyword(.else)) else { throw unexpected("'else'") }
      return try make(.conditional(condition: condition, then: then, otherwise: try expression()), at: start.position)
    case .symbol(.leftParen):
      advance()
      let inner = try expression()
      try expect(.rightParen)
      return inner
    case .symbol(.leftBracket):
      advance()
      return try make(.list(try expressions(until: .rightBracket)), at: start.position)
    default:
      throw unexpected("a value")
    }
  }
}
