extension ItaniumDemangler {
  // <type> ::= <builtin-type> | <qualified-type> | <function-type> | <class-enum-type> | <array-type>
  //        ::= <pointer-to-member-type> | <template-param> | <template-template-param> <template-args>
  //        ::= <decltype> | P <type> | R <type> | O <type> | C <type> | G <type> | <substitution>
  mutating func parseType() throws(MalformedName) -> NodeID {
    if let word = ItaniumDemangler.builtinType(peek()) {
      position += 1
      return add(word: word)
    }
    try descend()
    let (type, isSubstitutable) = try parseCompoundType()
    // Builtin types and what came from the table are not entered in it.
    if isSubstitutable { substitutions.append(type) }
    depth -= 1
    return type
  }

  // <builtin-type>, those of one letter
  static func builtinType(_ letter: UInt8) -> StaticString? {
    switch letter {
    case UInt8(ascii: "v"): "void"
    case UInt8(ascii: "w"): "wchar_t"
    case UInt8(ascii: "b"): "bool"
    case UInt8(ascii: "c"): "char"
    case UInt8(ascii: "a"): "signed char"
    case UInt8(ascii: "h"): "unsigned char"
    case UInt8(ascii: "s"): "short"
    case UInt8(ascii: "t"): "unsigned short"
    case UInt8(ascii: "i"): "int"
    case UInt8(ascii: "j"): "unsigned int"
    case UInt8(ascii: "l"): "long"
    case UInt8(ascii: "m"): "unsigned long"
    case UInt8(ascii: "x"): "long long"
    case UInt8(ascii: "y"): "unsigned long long"
    case UInt8(ascii: "n"): "__int128"
    case UInt8(ascii: "o"): "unsigned __int128"
    case UInt8(ascii: "f"): "float"
    case UInt8(ascii: "d"): "double"
    case UInt8(ascii: "e"): "long double"
    case UInt8(ascii: "g"): "__float128"
    case UInt8(ascii: "z"): "..."
    default: nil
    }
  }

  private mutating func parseCompoundType() throws(MalformedName) -> (type: NodeID, isSubstitutable: Bool) {
    switch peek() {
    case UInt8(ascii: "r"), UInt8(ascii: "V"), UInt8(ascii: "K"):
      return (try isAtQualifiedFunction ? parseFunctionType() : parseQualifiedType(), true)
    case UInt8(ascii: "U"): return (try parseQualifiedType(), true)
    case UInt8(ascii: "u"): return (try parseVendorType(), true)
    case UInt8(ascii: "D"): return try parseTwoLetterType()
    case UInt8(ascii: "F"): return (try parseFunctionType(), true)
    case UInt8(ascii: "A"): return (try parseArrayType(), true)
    case UInt8(ascii: "M"):
      position += 1
      let classType = try parseType()
      let memberType = try parseType()
      var node = Node(.memberPointer, classType, memberType)
      node.shape = .right(self[memberType].shape.hasRight)
      return (add(node), true)
    case UInt8(ascii: "T"): return (try parseParameterType(), true)
    case UInt8(ascii: "P"): return (try parsePointer(.pointer, flags: 0), true)
    case UInt8(ascii: "R"): return (try parsePointer(.reference, flags: 0), true)
    case UInt8(ascii: "O"): return (try parsePointer(.reference, flags: 1), true)
    case UInt8(ascii: "C"):
      position += 1
      return (add(Node(.postfixQualified, try parseType(), text: Text(" complex"))), true)
    case UInt8(ascii: "G"):
      position += 1
      return (add(Node(.postfixQualified, try parseType(), text: Text(" imaginary"))), true)
    case UInt8(ascii: "S") where peek(1) != UInt8(ascii: "t"): return try parseSubstitutedType()
    default: return (try parseClassType(), true)
    }
  }

  private mutating func parsePointer(_ kind: Node.Kind, flags: UInt8) throws(MalformedName) -> NodeID {
    position += 1
    let target = try parseType()
    var node = Node(kind, target)
    node.flags = flags
    node.shape = .right(self[target].shape.hasRight)
    return add(node)
  }

  /// A template parameter, perhaps with template arguments, or an elaborated type.
  private mutating func parseParameterType() throws(MalformedName) -> NodeID {
    switch peek(1) {
    case UInt8(ascii: "s"), UInt8(ascii: "u"), UInt8(ascii: "e"): return try parseClassType()
    default: break
    }
    let parameter = try parseTemplateParameter()
    guard acceptsTemplateArguments, peek() == UInt8(ascii: "I") else { return parameter }
    // The parameter is a template, and as such substitutable on its own, but LLVM does not enter it.
    return add(Node(.templated, parameter, try parseTemplateArguments()))
  }

  /// A type that starts with a substitution or a name in a module.
  private mutating func parseSubstitutedType() throws(MalformedName) -> (type: NodeID, isSubstitutable: Bool) {
    var context = NameContext.plain
    let (name, isSubstitution) = try parseUnscopedName(&context, acceptsSubstitution: true)
    guard peek() == UInt8(ascii: "I"), acceptsTemplateArguments || !isSubstitution else {
      return (name, !isSubstitution)
    }
    if !isSubstitution { substitutions.append(name) }
    return (add(Node(.templated, name, try parseTemplateArguments())), true)
  }

  // <class-enum-type> ::= [Ts | Tu | Te] <name>
  private mutating func parseClassType() throws(MalformedName) -> NodeID {
    var keyword: StaticString = ""
    if consume("Ts") {
      keyword = "struct"
    } else if consume("Tu") {
      keyword = "union"
    } else if consume("Te") {
      keyword = "enum"
    }
    let name = try parsePlainName()
    return keyword.utf8CodeUnitCount == 0 ? name : add(Node(.elaborated, name, text: Text(keyword)))
  }

  // <builtin-type> ::= u <source-name> [I <type> E]
  private mutating func parseVendorType() throws(MalformedName) -> NodeID {
    position += 1
    let name = try parseIdentifier()
    guard consume(UInt8(ascii: "I")) else { return add(Node(.name, text: name)) }
    let argument = try parseType()
    try expect(UInt8(ascii: "E"))
    return add(Node(.transformed, argument, text: name))
  }

  /// Types that start with D. Only the builtin ones are not substitutable.
  private mutating func parseTwoLetterType() throws(MalformedName) -> (type: NodeID, isSubstitutable: Bool) {
    let letter = peek(1)
    if let word = ItaniumDemangler.twoLetterType(letter) {
      position += 2
      return (add(word: word), false)
    }
    switch letter {
    case UInt8(ascii: "F"):  // DF <number> _
      position += 2
      let width = add(Node(.name, text: parseNumber()))
      try expect(UInt8(ascii: "_"))
      return (add(Node(.binaryFloat, width)), false)
    case UInt8(ascii: "B"), UInt8(ascii: "U"):  // DB/DU (<number> | <expression>) _
      position += 2
      var node = Node(.bitInt, isDigit(peek()) ? add(Node(.name, text: parseNumber())) : try parseExpression())
      node.flags = letter == UInt8(ascii: "B") ? 1 : 0
      try expect(UInt8(ascii: "_"))
      return (add(node), false)
    case UInt8(ascii: "k"), UInt8(ascii: "K"):  // Dk/DK <type-constraint>
      position += 2
      let suffix: StaticString = letter == UInt8(ascii: "k") ? " auto" : " decltype(auto)"
      return (add(Node(.postfixQualified, try parsePlainName(), text: Text(suffix))), false)
    case UInt8(ascii: "t"), UInt8(ascii: "T"): return (try parseDecltype(), true)
    case UInt8(ascii: "v"): return (try parseVectorType(), true)
    case UInt8(ascii: "p"):  // Dp <type>
      position += 2
      return (add(Node(.expansion, try parseType())), true)
    case UInt8(ascii: "o"), UInt8(ascii: "O"), UInt8(ascii: "w"), UInt8(ascii: "x"):
      return (try parseFunctionType(), true)
    default: throw MalformedName()
    }
  }

  private static func twoLetterType(_ letter: UInt8) -> StaticString? {
    switch letter {
    case UInt8(ascii: "d"): "decimal64"
    case UInt8(ascii: "e"): "decimal128"
    case UInt8(ascii: "f"): "decimal32"
    case UInt8(ascii: "h"): "half"
    case UInt8(ascii: "i"): "char32_t"
    case UInt8(ascii: "s"): "char16_t"
    case UInt8(ascii: "u"): "char8_t"
    case UInt8(ascii: "a"): "auto"
    case UInt8(ascii: "c"): "decltype(auto)"
    case UInt8(ascii: "n"): "std::nullptr_t"
    default: nil
    }
  }

  // <decltype> ::= Dt <expression> E  |  DT <expression> E
  mutating func parseDecltype() throws(MalformedName) -> NodeID {
    position += min(2, end - position)
    let expression = try parseExpression()
    try expect(UInt8(ascii: "E"))
    return add(Node(.enclosing, expression, text: Text("decltype")))
  }

  /// Whether the qualifiers here belong to a member function's type.
  private var isAtQualifiedFunction: Bool {
    var next = 0
    if peek(next) == UInt8(ascii: "r") { next += 1 }
    if peek(next) == UInt8(ascii: "V") { next += 1 }
    if peek(next) == UInt8(ascii: "K") { next += 1 }
    if peek(next) == UInt8(ascii: "F") { return true }
    guard peek(next) == UInt8(ascii: "D") else { return false }
    switch peek(next + 1) {
    case UInt8(ascii: "o"), UInt8(ascii: "O"), UInt8(ascii: "w"), UInt8(ascii: "x"): return true
    default: return false
    }
  }

  // <qualified-type> ::= (U <source-name> [<template-args>])* <CV-qualifiers> <type>
  private mutating func parseQualifiedType() throws(MalformedName) -> NodeID {
    guard consume(UInt8(ascii: "U")) else {
      let qualifiers = parseQualifiers()
      let type = try parseType()
      if qualifiers == 0 { return type }
      var node = Node(.qualified, type)
      node.flags = qualifiers
      node.shape = self[type].shape
      return add(node)
    }
    try descend()
    let qualifier = try parseIdentifier()
    let result: NodeID
    if qualifier.hasPrefix("objcproto") {
      let `protocol` = try protocolName(qualifier)
      result = add(Node(.objCProtocol, try parseQualifiedType(), text: `protocol`))
    } else {
      let arguments = peek() == UInt8(ascii: "I") ? try parseTemplateArguments() : .none
      result = add(Node(.vendorQualified, try parseQualifiedType(), arguments, text: qualifier))
    }
    depth -= 1
    return result
  }

  /// The source name inside the qualifier `objcproto<source name>`.
  private mutating func protocolName(_ qualifier: Text) throws(MalformedName) -> Text {
    let (outerPosition, outerEnd) = (position, end)
    end = position
    position -= qualifier.dropping(9).count
    let name = try parseIdentifier()
    position = outerPosition
    end = outerEnd
    return name
  }

  // <function-type> ::= [<CV-qualifiers>] [<exception-spec>] [Dx] F [Y] <bare-function-type> [<ref-qualifier>] E
  // <exception-spec> ::= Do  |  DO <expression> E  |  Dw <type>+ E
  private mutating func parseFunctionType() throws(MalformedName) -> NodeID {
    var node = Node(.function)
    node.shape = .function
    node.flags = parseQualifiers()
    if consume("Do") {
      node.b = add(word: "noexcept")
    } else if consume("DO") {
      let expression = try parseExpression()
      try expect(UInt8(ascii: "E"))
      node.b = add(Node(.noexceptSpecification, expression))
    } else if consume("Dw") {
      let start = pending.count
      while !consume(UInt8(ascii: "E")) { pending.append(try parseType()) }
      node.b = add(Node(.throwSpecification, list: takePending(from: start)))
    }
    _ = consume("Dx")
    try expect(UInt8(ascii: "F"))
    _ = consume(UInt8(ascii: "Y"))
    node.a = try parseType()
    let start = pending.count
    while !consume(UInt8(ascii: "E")) {
      if consume(UInt8(ascii: "v")) { continue }
      if consume("RE") {
        node.flags |= Qualifier.lvalue
        break
      }
      if consume("OE") {
        node.flags |= Qualifier.rvalue
        break
      }
      pending.append(try parseType())
    }
    node.list = takePending(from: start)
    return add(node)
  }

  // <vector-type> ::= Dv <number> _ (p | <type>)
  //               ::= Dv [<expression>] _ <type>
  private mutating func parseVectorType() throws(MalformedName) -> NodeID {
    position += 2
    var dimension = NodeID.none
    if case UInt8(ascii: "1")...UInt8(ascii: "9") = peek() {
      dimension = add(Node(.name, text: parseNumber()))
      try expect(UInt8(ascii: "_"))
      if consume(UInt8(ascii: "p")) { return add(Node(.pixelVector, dimension)) }
    } else if !consume(UInt8(ascii: "_")) {
      dimension = try parseExpression()
      try expect(UInt8(ascii: "_"))
    }
    return add(Node(.vector, try parseType(), dimension))
  }

  // <array-type> ::= A <number> _ <type>
  //              ::= A [<expression>] _ <type>
  private mutating func parseArrayType() throws(MalformedName) -> NodeID {
    position += 1
    var dimension = NodeID.none
    if isDigit(peek()) {
      dimension = add(Node(.name, text: parseNumber()))
      try expect(UInt8(ascii: "_"))
    } else if !consume(UInt8(ascii: "_")) {
      dimension = try parseExpression()
      try expect(UInt8(ascii: "_"))
    }
    var node = Node(.array, try parseType(), dimension)
    node.shape = .array
    return add(node)
  }
}
