extension ItaniumDemangler {
  // <template-args> ::= I <template-arg>* [Q <requires-clause expression>] E
  /// `tagged` arguments belong to the name of an encoding: `T_` in its types means the first of them.
  mutating func parseTemplateArguments(tagged: Bool = false) throws(MalformedName) -> NodeID {
    try expect(UInt8(ascii: "I"))
    let list = tagged ? templates.startArguments() : -1
    let start = pending.count
    while !consume(UInt8(ascii: "E")) {
      let argument = try parseTemplateArgument()
      pending.append(argument)
      if tagged { try templates.append(meaning(ofArgument: argument), to: list) }
      if consume(UInt8(ascii: "Q")) {
        _ = try parseConstraint()  // LLVM does not show it.
        try expect(UInt8(ascii: "E"))
        break
      }
    }
    return add(Node(.templateArguments, list: takePending(from: start)))
  }

  /// What a parameter with this argument stands for in a type.
  private mutating func meaning(ofArgument argument: NodeID) -> NodeID {
    let node = self[argument]
    switch node.kind {
    case .declaredArgument: return node.b
    case .argumentPack:
      var pack = Node(.parameterPack, list: node.list)
      pack.shape = shape(ofPack: node.list)
      return add(pack)
    default: return argument
    }
  }

  /// A pack has a trait for sure only if no element can have it.
  private func shape(ofPack list: NodeList) -> Shape {
    var shape = Shape.plain
    for index in 0..<list.count {
      let element = self[elements[Int(list.start + index)]].shape
      if element.hasRight != .no { shape.hasRight = .unknown }
      if element.isArray != .no { shape.isArray = .unknown }
      if element.isFunction != .no { shape.isFunction = .unknown }
    }
    return shape
  }

  /// Arguments up to an `E`.
  mutating func parseTemplateArgumentList() throws(MalformedName) -> NodeList {
    let start = pending.count
    while !consume(UInt8(ascii: "E")) { pending.append(try parseTemplateArgument()) }
    return takePending(from: start)
  }

  // <template-arg> ::= <type>
  //                ::= X <expression> E
  //                ::= <expr-primary>
  //                ::= J <template-arg>* E             # argument pack
  //                ::= LZ <encoding> E                 # from old compilers
  //                ::= <template-param-decl> <template-arg>
  mutating func parseTemplateArgument() throws(MalformedName) -> NodeID {
    try descend()
    let result: NodeID
    switch peek() {
    case UInt8(ascii: "X"):
      position += 1
      result = try parseExpression()
      try expect(UInt8(ascii: "E"))
    case UInt8(ascii: "J"):
      position += 1
      result = add(Node(.argumentPack, list: try parseTemplateArgumentList()))
    case UInt8(ascii: "L") where peek(1) == UInt8(ascii: "Z"):
      position += 2
      result = try parseEncoding()
      try expect(UInt8(ascii: "E"))
    case UInt8(ascii: "L"):
      result = try parsePrimary()
    case UInt8(ascii: "T") where isAtParameterDeclaration:
      let parameter = try parseParameterDeclaration(for: -1)
      let argument = try parseTemplateArgument()
      result = add(Node(.declaredArgument, parameter, argument))
    default:
      result = try parseType()
    }
    depth -= 1
    return result
  }

  // <template-param> ::= T [<number>] _
  //                  ::= TL <level> _ [<number>] _
  mutating func parseTemplateParameter() throws(MalformedName) -> NodeID {
    let start = position
    try expect(UInt8(ascii: "T"))
    var level: UInt64 = 0
    if consume(UInt8(ascii: "L")) {
      level = try parseOffsetNumber()
      try expect(UInt8(ascii: "_"))
    }
    var index: UInt64 = 0
    if !consume(UInt8(ascii: "_")) {
      index = try parseOffsetNumber()
      try expect(UInt8(ascii: "_"))
    }
    // A constraint may use the parameters of every level around it, which LLVM does not follow.
    if isInConstraint { return add(Node(.name, text: slice(from: start, to: position - 1))) }
    if permitsForwardReferences && level == 0 {
      var reference = Node(.forwardReference, .none, NodeID(index: UInt32(clamping: index)))
      reference.shape = .unknown
      let id = add(reference)
      forwardReferences.append(id)
      return id
    }
    if let parameter = templates.parameter(level: level, index: index) { return parameter }
    // In a generic lambda, an unknown parameter is an `auto` (5.1.8).
    let levelCount = templates.levelCount
    guard lambdaLevel >= 0, UInt64(lambdaLevel) == level, lambdaLevel <= levelCount else { throw MalformedName() }
    if lambdaLevel == levelCount { templates.addAutoLevel() }
    return add(word: "auto")
  }

  /// A number in which 0 means the second.
  private mutating func parseOffsetNumber() throws(MalformedName) -> UInt64 {
    guard let number = parsePositiveInteger() else { throw MalformedName() }
    return number &+ 1
  }

  var isAtParameterDeclaration: Bool {
    guard peek() == UInt8(ascii: "T") else { return false }
    switch peek(1) {
    case UInt8(ascii: "y"), UInt8(ascii: "p"), UInt8(ascii: "t"), UInt8(ascii: "n"), UInt8(ascii: "k"): return true
    default: return false
    }
  }

  // <template-param-decl> ::= Ty                                            # type
  //                       ::= Tk <concept name>                             # constrained type
  //                       ::= Tn <type>                                     # value
  //                       ::= Tt <template-param-decl>* [Q <expression>] E  # template
  //                       ::= Tp <template-param-decl>                      # pack
  /// Enters the parameter in the list `list`, unless that is -1.
  mutating func parseParameterDeclaration(for list: Int) throws(MalformedName) -> NodeID {
    try descend()
    let result: NodeID
    if consume("Ty") {
      var node = Node(.typeParameter, try inventParameter(.types, for: list))
      node.shape = .right(.yes)
      result = add(node)
    } else if consume("Tk") {
      let constraint = try parsePlainName()
      var node = Node(.constrainedParameter, constraint, try inventParameter(.types, for: list))
      node.shape = .right(.yes)
      result = add(node)
    } else if consume("Tn") {
      let name = try inventParameter(.values, for: list)
      var node = Node(.valueParameter, name, try parseType())
      node.shape = .right(.yes)
      result = add(node)
    } else if consume("Tt") {
      result = try parseTemplateTemplateParameter(for: list)
    } else if consume("Tp") {
      var node = Node(.packParameter, try parseParameterDeclaration(for: list))
      node.shape = .right(.yes)
      result = add(node)
    } else {
      throw MalformedName()
    }
    depth -= 1
    return result
  }

  private mutating func parseTemplateTemplateParameter(for list: Int) throws(MalformedName) -> NodeID {
    var node = Node(.templateParameter, try inventParameter(.templates, for: list))
    node.shape = .right(.yes)
    let start = pending.count
    let (scope, inner) = templates.enterLevel()
    while !consume(UInt8(ascii: "E")) {
      pending.append(try parseParameterDeclaration(for: inner))
      if consume(UInt8(ascii: "Q")) {
        node.b = try parseConstraint()
        try expect(UInt8(ascii: "E"))
        break
      }
    }
    templates.leaveLevel(scope)
    node.list = takePending(from: start)
    return add(node)
  }

  /// The kinds of template parameter, as numbered in an `inventedParameter` node.
  enum ParameterKind: UInt8 { case types, values, templates }

  private mutating func inventParameter(
    _ kind: ParameterKind, for list: Int
  ) throws(MalformedName) -> NodeID {
    var node = Node(.inventedParameter)
    node.flags = kind.rawValue
    switch kind {
    case .types:
      node.a = NodeID(index: inventedNames.types)
      inventedNames.types += 1
    case .values:
      node.a = NodeID(index: inventedNames.values)
      inventedNames.values += 1
    case .templates:
      node.a = NodeID(index: inventedNames.templates)
      inventedNames.templates += 1
    }
    let id = add(node)
    if list >= 0 { try templates.append(id, to: list) }
    return id
  }

  /// An expression in a `requires` clause.
  mutating func parseConstraint() throws(MalformedName) -> NodeID {
    let outer = isInConstraint
    isInConstraint = true
    let expression = try parseExpression()
    isInConstraint = outer
    return expression
  }

  // <substitution> ::= S_  |  S <seq-id> _
  //                ::= Sa | Sb | Ss | Si | So | Sd      # abbreviations for names in std, possibly with ABI tags
  // St is left to the callers.
  mutating func parseSubstitution() throws(MalformedName) -> NodeID {
    try expect(UInt8(ascii: "S"))
    if let abbreviation = StandardName(rawValue: peek()) {
      position += 1
      var node = Node(.standard)
      node.flags = abbreviation.rawValue
      let name = add(node)
      let tagged = try parseABITags(name)
      if tagged != name { substitutions.append(tagged) }
      return tagged
    }
    var index: UInt64 = 0
    if !consume(UInt8(ascii: "_")) {
      guard let sequence = parseSequence() else { throw MalformedName() }
      index = sequence &+ 1
      try expect(UInt8(ascii: "_"))
    }
    guard index < UInt64(substitutions.count) else { throw MalformedName() }
    return substitutions[Int(index)]
  }

  // <seq-id> ::= [0-9A-Z]+, a number to base 36
  mutating func parseSequence() -> UInt64? {
    var value: UInt64 = 0
    let start = position
    while true {
      let byte = peek()
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value &* 36 &+ UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = value &* 36 &+ UInt64(byte - UInt8(ascii: "A") + 10)
      default: return position == start ? nil : value
      }
      position += 1
    }
  }
}

/// The names in `std` with an abbreviation of their own (5.1.10), by its letter.
enum StandardName: UInt8 {
  case allocator = 0x61
  case basicString = 0x62
  case string = 0x73
  case istream = 0x69
  case ostream = 0x6F
  case iostream = 0x64

  /// The name of the class template.
  var template: StaticString {
    switch self {
    case .allocator: "allocator"
    case .basicString, .string: "basic_string"
    case .istream: "basic_istream"
    case .ostream: "basic_ostream"
    case .iostream: "basic_iostream"
    }
  }

  /// The name of the class, where the abbreviation includes template arguments.
  var name: StaticString {
    switch self {
    case .allocator: "allocator"
    case .basicString: "basic_string"
    case .string: "string"
    case .istream: "istream"
    case .ostream: "ostream"
    case .iostream: "iostream"
    }
  }

  /// Those template arguments.
  var arguments: StaticString {
    switch self {
    case .allocator, .basicString: ""
    case .string: "<char, std::char_traits<char>, std::allocator<char>>"
    case .istream, .ostream, .iostream: "<char, std::char_traits<char>>"
    }
  }
}
