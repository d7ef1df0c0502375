extension ItaniumDemangler {
  // <expression> ::= <operator-name> <operands> | <expr-primary> | <template-param> | <function-param>
  //              ::= <unresolved-name> | and what parseOtherExpression lists
  mutating func parseExpression() throws(MalformedName) -> NodeID {
    try descend()
    let isGlobal = consume("gs")
    let result: NodeID
    if let found = Operator(peek(), peek(1)) {
      position += 2
      result = try parseOperands(of: found, isGlobal)
    } else if end - position < 2 {
      throw MalformedName()
    } else if peek() == UInt8(ascii: "L") {
      result = try parsePrimary()
    } else if peek() == UInt8(ascii: "T") {
      result = try parseTemplateParameter()
    } else {
      result = try parseOtherExpression(isGlobal)
    }
    depth -= 1
    return result
  }

  /// Expressions up to an `E`.
  private mutating func parseExpressionList() throws(MalformedName) -> NodeList {
    let start = pending.count
    while !consume(UInt8(ascii: "E")) { pending.append(try parseExpression()) }
    return takePending(from: start)
  }

  private mutating func parseOperands(of found: Operator, _ isGlobal: Bool) throws(MalformedName) -> NodeID {
    var node = Node(.prefix, text: found.symbol)
    node.precedence = found.precedence
    switch found.form {
    case .binary, .subscripted, .member:
      node.kind = found.form == .binary ? .binary : found.form == .member ? .member : .subscripted
      node.a = try parseExpression()
      node.b = try parseExpression()
    case .prefix:
      node.a = try parseExpression()
    case .postfix:
      node.kind = consume(UInt8(ascii: "_")) ? .prefix : .postfix
      node.a = try parseExpression()
    case .new: return try parseNew(found, isGlobal)
    case .delete:
      node.kind = .delete
      node.flags = (isGlobal ? 1 : 0) | (found.isArray ? 2 : 0)
      node.a = try parseExpression()
    case .call:
      node.kind = .call
      node.a = try parseExpression()
      node.list = try parseExpressionList()
    case .conversion: return try parseConversion(found)
    case .conditional:
      node.kind = .conditional
      node.a = try parseExpression()
      node.b = try parseExpression()
      node.c = try parseExpression()
    case .namedCast:
      node.kind = .cast
      node.a = try parseType()
      node.b = try parseExpression()
    case .ofType:
      node.kind = .enclosing
      node.a = try parseType()
    case .ofExpression:
      node.kind = .enclosing
      node.a = try parseExpression()
    case .nameOnly: throw MalformedName()
    }
    return add(node)
  }

  // [gs] (nw | na) <expression>* _ <type> [pi <expression>*] E
  private mutating func parseNew(_ found: Operator, _ isGlobal: Bool) throws(MalformedName) -> NodeID {
    var node = Node(.new)
    node.precedence = found.precedence
    node.flags = (isGlobal ? 1 : 0) | (found.isArray ? 2 : 0)
    let start = pending.count
    while !consume(UInt8(ascii: "_")) { pending.append(try parseExpression()) }
    node.list = takePending(from: start)
    node.a = try parseType()
    if consume("pi") {
      node.secondList = try parseExpressionList()
    } else {
      try expect(UInt8(ascii: "E"))
    }
    return add(node)
  }

  // cv <type> <expression>  |  cv <type> _ <expression>* E
  private mutating func parseConversion(_ found: Operator) throws(MalformedName) -> NodeID {
    let outer = acceptsTemplateArguments
    acceptsTemplateArguments = false
    var node = Node(.conversion, try parseType())
    acceptsTemplateArguments = outer
    node.precedence = found.precedence
    if consume(UInt8(ascii: "_")) {
      node.list = try parseExpressionList()
    } else {
      let start = pending.count
      // An `E` here would be a conversion of nothing.
      if peek() == UInt8(ascii: "E") { throw MalformedName() }
      pending.append(try parseExpression())
      node.list = takePending(from: start)
    }
    return add(node)
  }

  // <function-param> ::= fp [<CV-qualifiers>] [<number>] _  |  fL <number> p [<CV-qualifiers>] [<number>] _  |  fpT
  private mutating func parseFunctionParameter() throws(MalformedName) -> NodeID {
    if consume("fpT") { return add(word: "this") }
    if !consume("fp") {
      try expect("fL")
      if parseNumber().isEmpty { throw MalformedName() }
      try expect(UInt8(ascii: "p"))
    }
    _ = parseQualifiers()
    let number = parseNumber()
    try expect(UInt8(ascii: "_"))
    return add(Node(.functionParameter, text: number))
  }

  // <fold-expr> ::= (fL | fR) <binary operator> <expression> <expression>
  //             ::= (fl | fr) <binary operator> <expression>
  private mutating func parseFold() throws(MalformedName) -> NodeID {
    let direction = peek(1)
    let isLeft: Bool
    switch direction {
    case UInt8(ascii: "L"), UInt8(ascii: "l"): isLeft = true
    case UInt8(ascii: "R"), UInt8(ascii: "r"): isLeft = false
    default: throw MalformedName()
    }
    position += 2
    guard let found = Operator(peek(), peek(1)), found.isFoldable else { throw MalformedName() }
    position += 2
    var node = Node(.fold, text: found.symbol)
    node.flags = isLeft ? 1 : 0
    node.a = try parseExpression()
    if direction == UInt8(ascii: "L") || direction == UInt8(ascii: "R") {
      node.b = try parseExpression()
      if isLeft { (node.a, node.b) = (node.b, node.a) }
    }
    return add(node)
  }

  // <braced-expression> ::= <expression>
  //                     ::= di <source-name> <braced-expression>              # .name = value
  //                     ::= dx <expression> <braced-expression>               # [index] = value
  //                     ::= dX <expression> <expression> <braced-expression>  # [first ... last] = value
  private mutating func parseBraced() throws(MalformedName) -> NodeID {
    try descend()
    let result: NodeID
    if consume("di") {
      let field = try parseSourceName()
      result = add(Node(.braced, field, try parseBraced()))
    } else if consume("dx") {
      let index = try parseExpression()
      var node = Node(.braced, index, try parseBraced())
      node.flags = 1
      result = add(node)
    } else if consume("dX") {
      let first = try parseExpression()
      let last = try parseExpression()
      result = add(Node(.bracedRange, first, last, try parseBraced()))
    } else {
      result = try parseExpression()
    }
    depth -= 1
    return result
  }

  private mutating func parseBracedList() throws(MalformedName) -> NodeList {
    let start = pending.count
    while !consume(UInt8(ascii: "E")) { pending.append(try parseBraced()) }
    return takePending(from: start)
  }

  /// The expressions that are neither operators nor literals nor parameters of templates.
  private mutating func parseOtherExpression(_ isGlobal: Bool) throws(MalformedName) -> NodeID {
    switch (peek(), peek(1)) {
    case (UInt8(ascii: "f"), let next):
      let isParameter = next == UInt8(ascii: "p") || (next == UInt8(ascii: "L") && isDigit(peek(2)))
      return try isParameter ? parseFunctionParameter() : parseFold()
    case (UInt8(ascii: "i"), UInt8(ascii: "l")):
      position += 2
      return add(Node(.initializerList, list: try parseBracedList()))
    case (UInt8(ascii: "m"), UInt8(ascii: "c")): return try parseMemberPointerConversion()
    case (UInt8(ascii: "n"), UInt8(ascii: "x")):
      position += 2
      var node = Node(.enclosing, try parseExpression(), text: Text("noexcept "))
      node.precedence = .unary
      return add(node)
    case (UInt8(ascii: "r"), UInt8(ascii: "q")), (UInt8(ascii: "r"), UInt8(ascii: "Q")): return try parseRequires()
    case (UInt8(ascii: "s"), UInt8(ascii: "o")): return try parseSubobject()
    case (UInt8(ascii: "s"), UInt8(ascii: "p")):
      position += 2
      return add(Node(.expansion, try parseExpression()))
    case (UInt8(ascii: "s"), UInt8(ascii: "Z")):
      position += 2
      if peek() == UInt8(ascii: "T") { return add(Node(.sizeofPack, try parseTemplateParameter())) }
      return add(Node(.enclosing, try parseFunctionParameter(), text: Text("sizeof... ")))
    case (UInt8(ascii: "s"), UInt8(ascii: "P")):
      position += 2
      let pack = add(Node(.list, list: try parseTemplateArgumentList()))
      return add(Node(.enclosing, pack, text: Text("sizeof... ")))
    case (UInt8(ascii: "t"), UInt8(ascii: "l")):
      position += 2
      let type = try parseType()
      return add(Node(.initializerList, type, list: try parseBracedList()))
    case (UInt8(ascii: "t"), UInt8(ascii: "r")):
      position += 2
      return add(word: "throw")
    case (UInt8(ascii: "t"), UInt8(ascii: "w")):
      position += 2
      return add(Node(.throwing, try parseExpression()))
    case (UInt8(ascii: "u"), _): return try parseVendorExpression()
    default: return try parseUnresolvedName(isGlobal)
    }
  }

  // mc <type> <expression> [<offset>] E
  private mutating func parseMemberPointerConversion() throws(MalformedName) -> NodeID {
    position += 2
    let type = try parseType()
    var node = Node(.memberPointerConversion, type, try parseExpression())
    node.precedence = .unary
    _ = parseNumber(allowNegative: true)
    try expect(UInt8(ascii: "E"))
    return add(node)
  }

  // so <type> <expression> [<offset>] (_ [<number>])* [p] E
  private mutating func parseSubobject() throws(MalformedName) -> NodeID {
    position += 2
    let type = try parseType()
    var node = Node(.subobject, type, try parseExpression())
    node.text = parseNumber(allowNegative: true)
    while consume(UInt8(ascii: "_")) { _ = parseNumber() }
    _ = consume(UInt8(ascii: "p"))
    try expect(UInt8(ascii: "E"))
    return add(node)
  }

  // u <source-name> <template-arg>* E
  // u 8__uuidof t <type>  |  u 8__uuidof z <expression>
  private mutating func parseVendorExpression() throws(MalformedName) -> NodeID {
    position += 1
    let name = try parseSourceName()
    var node = Node(.call, name)
    node.precedence = .postfix
    let start = pending.count
    if self[name].text == "__uuidof", peek() == UInt8(ascii: "t") || peek() == UInt8(ascii: "z") {
      let isType = peek() == UInt8(ascii: "t")
      position += 1
      pending.append(try isType ? parseType() : parseExpression())
      node.list = takePending(from: start)
    } else {
      node.list = try parseTemplateArgumentList()
    }
    return add(node)
  }

  // rq <requirement>+ E  |  rQ <bare-function-type> _ <requirement>+ E
  // <requirement> ::= X <expression> [N] [R <type-constraint>]  |  T <type>  |  Q <expression>
  private mutating func parseRequires() throws(MalformedName) -> NodeID {
    var node = Node(.requires)
    let hasParameters = peek(1) == UInt8(ascii: "Q")
    position += 2
    let start = pending.count
    if hasParameters {
      while !consume(UInt8(ascii: "_")) { pending.append(try parseType()) }
      node.list = takePending(from: start)
    }
    repeat {
      var requirement: Node
      if consume(UInt8(ascii: "X")) {
        requirement = Node(.expressionRequirement, try parseExpression())
        requirement.flags = consume(UInt8(ascii: "N")) ? 1 : 0
        if consume(UInt8(ascii: "R")) { requirement.b = try parsePlainName() }
      } else if consume(UInt8(ascii: "T")) {
        requirement = Node(.typeRequirement, try parseType())
      } else {
        try expect(UInt8(ascii: "Q"))
        requirement = Node(.nestedRequirement, try parseExpression())
      }
      pending.append(add(requirement))
    } while !consume(UInt8(ascii: "E"))
    node.secondList = takePending(from: start)
    return add(node)
  }
}
