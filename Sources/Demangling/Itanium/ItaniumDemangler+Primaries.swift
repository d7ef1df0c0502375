// The smallest expressions: literals, and names whose meaning depends on template arguments.
extension ItaniumDemangler {
  // <expr-primary> ::= L <type> <value> E
  //                ::= L <string type> E  |  L <nullptr type> E  |  L <lambda type> E
  //                ::= L <mangled-name> E
  mutating func parsePrimary() throws(MalformedName) -> NodeID {
    try expect(UInt8(ascii: "L"))
    let letter = peek()
    switch letter {
    case UInt8(ascii: "w"), UInt8(ascii: "c"), UInt8(ascii: "a"), UInt8(ascii: "h"), UInt8(ascii: "s"),
      UInt8(ascii: "t"), UInt8(ascii: "i"), UInt8(ascii: "j"), UInt8(ascii: "l"), UInt8(ascii: "m"),
      UInt8(ascii: "x"), UInt8(ascii: "y"), UInt8(ascii: "n"), UInt8(ascii: "o"):
      position += 1
      var node = Node(.integerLiteral, text: parseNumber(allowNegative: true))
      node.flags = letter
      if node.text.isEmpty { throw MalformedName() }
      try expect(UInt8(ascii: "E"))
      return add(node)
    case UInt8(ascii: "f"): return try parseFloat(letter, digits: 8)
    case UInt8(ascii: "d"): return try parseFloat(letter, digits: 16)
    case UInt8(ascii: "e"): return try parseFloat(letter, digits: 20)
    case UInt8(ascii: "b"):
      if consume("b0E") { return add(word: "false") }
      try expect("b1E")
      return add(word: "true")
    case UInt8(ascii: "_"):
      try expect("_Z")
      let encoding = try parseEncoding()
      try expect(UInt8(ascii: "E"))
      return encoding
    case UInt8(ascii: "A"):
      let type = try parseType()
      try expect(UInt8(ascii: "E"))
      return add(Node(.stringLiteral, type))
    case UInt8(ascii: "D"):
      try expect("Dn")
      _ = consume(UInt8(ascii: "0"))
      try expect(UInt8(ascii: "E"))
      return add(word: "nullptr")
    case UInt8(ascii: "T"): throw MalformedName()
    case UInt8(ascii: "U"):
      guard peek(1) == UInt8(ascii: "l") else { throw MalformedName() }
      let closure = try parseUnnamedType(false)
      try expect(UInt8(ascii: "E"))
      return add(Node(.lambda, closure))
    default:
      let type = try parseType()
      let value = parseNumber(allowNegative: true)
      if value.isEmpty { throw MalformedName() }
      try expect(UInt8(ascii: "E"))
      return add(Node(.enumLiteral, type, text: value))
    }
  }

  /// A floating-point literal: its bytes, the highest first, in lowercase hexadecimal. The length of a `long double`
  /// is that of x86, as where LLVM runs on x86.
  private mutating func parseFloat(_ letter: UInt8, digits: Int) throws(MalformedName) -> NodeID {
    position += 1
    guard end - position > digits else { throw MalformedName() }
    for index in 0..<digits where hexadecimalValue(input[position + index]) == nil { throw MalformedName() }
    var node = Node(.floatLiteral, text: slice(from: position, to: position + digits))
    node.flags = letter
    position += digits
    try expect(UInt8(ascii: "E"))
    return add(node)
  }

  // <unresolved-name> ::= [gs] <base-unresolved-name>
  //                   ::= sr <unresolved-type> [<template-args>] <base-unresolved-name>
  //                   ::= srN <unresolved-type> [<template-args>] <simple-id>* E <base-unresolved-name>
  //                   ::= [gs] sr <simple-id>+ E <base-unresolved-name>
  mutating func parseUnresolvedName(_ isGlobal: Bool) throws(MalformedName) -> NodeID {
    guard consume("sr") else {
      let base = try parseBaseUnresolvedName()
      return isGlobal ? add(Node(.global, base)) : base
    }
    var scope: NodeID
    if isDigit(peek()) {
      scope = try parseSimpleName()
      if isGlobal { scope = add(Node(.global, scope)) }
      while !consume(UInt8(ascii: "E")) { scope = add(Node(.scoped, scope, try parseSimpleName())) }
    } else {
      let isNested = consume(UInt8(ascii: "N"))
      scope = try parseUnresolvedType()
      if peek() == UInt8(ascii: "I") { scope = add(Node(.templated, scope, try parseTemplateArguments())) }
      if isNested {
        while !consume(UInt8(ascii: "E")) { scope = add(Node(.scoped, scope, try parseSimpleName())) }
      }
    }
    return add(Node(.scoped, scope, try parseBaseUnresolvedName()))
  }

  // <simple-id> ::= <source-name> [<template-args>]
  private mutating func parseSimpleName() throws(MalformedName) -> NodeID {
    let name = try parseSourceName()
    guard peek() == UInt8(ascii: "I") else { return name }
    return add(Node(.templated, name, try parseTemplateArguments()))
  }

  // <unresolved-type> ::= <template-param> | <decltype> | <substitution>
  private mutating func parseUnresolvedType() throws(MalformedName) -> NodeID {
    let type: NodeID
    switch peek() {
    case UInt8(ascii: "T"): type = try parseTemplateParameter()
    case UInt8(ascii: "D"):
      guard peek(1) == UInt8(ascii: "t") || peek(1) == UInt8(ascii: "T") else { throw MalformedName() }
      type = try parseDecltype()
    default: return try parseSubstitution()
    }
    substitutions.append(type)
    return type
  }

  // <base-unresolved-name> ::= <simple-id>
  //                        ::= [on] <operator-name> [<template-args>]
  //                        ::= dn (<unresolved-type> | <simple-id>)      # destructor
  private mutating func parseBaseUnresolvedName() throws(MalformedName) -> NodeID {
    if isDigit(peek()) { return try parseSimpleName() }
    if consume("dn") {
      return add(Node(.destructor, isDigit(peek()) ? try parseSimpleName() : try parseUnresolvedType()))
    }
    _ = consume("on")
    var context = NameContext.plain
    let name = try parseOperatorName(&context)
    guard peek() == UInt8(ascii: "I") else { return name }
    return add(Node(.templated, name, try parseTemplateArguments()))
  }
}
