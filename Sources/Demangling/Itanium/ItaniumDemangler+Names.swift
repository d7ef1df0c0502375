extension ItaniumDemangler {
  /// A name that is not that of an encoding.
  mutating func parsePlainName() throws(MalformedName) -> NodeID {
    var context = NameContext.plain
    return try parseName(&context)
  }

  // <name> ::= <nested-name> | <local-name>
  //        ::= <unscoped-template-name> <template-args>
  //        ::= <unscoped-name>
  mutating func parseName(_ context: inout NameContext) throws(MalformedName) -> NodeID {
    try descend()
    let result: NodeID
    switch peek() {
    case UInt8(ascii: "N"): result = try parseNestedName(&context)
    case UInt8(ascii: "Z"): result = try parseLocalName(&context)
    default:
      let (name, isSubstitution) = try parseUnscopedName(&context, acceptsSubstitution: true)
      if peek() == UInt8(ascii: "I") {
        if !isSubstitution { substitutions.append(name) }
        let arguments = try parseTemplateArguments(tagged: context.isEncoding)
        context.endsWithTemplateArguments = true
        result = add(Node(.templated, name, arguments))
      } else if isSubstitution {
        throw MalformedName()  // A substitution alone is a type, not a name.
      } else {
        result = name
      }
    }
    depth -= 1
    return result
  }

  // <local-name> ::= Z <function encoding> E <entity name> [<discriminator>]
  //              ::= Z <function encoding> E s [<discriminator>]
  //              ::= Z <function encoding> E d [<parameter number>] _ <entity name>
  private mutating func parseLocalName(_ context: inout NameContext) throws(MalformedName) -> NodeID {
    position += 1
    let function = try parseEncoding()
    try expect(UInt8(ascii: "E"))
    if consume(UInt8(ascii: "s")) {
      skipDiscriminator()
      let literal = add(word: "string literal")
      return add(Node(.local, function, literal))
    }
    // The template parameters of the entity have nothing to do with those around it.
    let scope = templates.enterEncoding()
    let entity: NodeID
    if consume(UInt8(ascii: "d")) {
      _ = parseNumber(allowNegative: true)
      try expect(UInt8(ascii: "_"))
      entity = try parseName(&context)
    } else {
      entity = try parseName(&context)
      skipDiscriminator()
    }
    templates.leaveEncoding(scope)
    return add(Node(.local, function, entity))
  }

  // <discriminator> ::= _ <digit>  |  __ <number> _
  // and, from old compilers, digits at the very end.
  private mutating func skipDiscriminator() {
    var next = position
    if peek() == UInt8(ascii: "_") {
      if isDigit(peek(1)) {
        position += 2
      } else if peek(1) == UInt8(ascii: "_") {
        next += 2
        while next < end, isDigit(input[next]) { next += 1 }
        if next < end, input[next] == UInt8(ascii: "_") { position = next + 1 }
      }
    } else {
      while next < end, isDigit(input[next]) { next += 1 }
      if next == end { position = end }
    }
  }

  // <unscoped-name> ::= <unqualified-name>
  //                 ::= St <unqualified-name>
  //                 ::= <substitution>            # where the caller accepts it
  mutating func parseUnscopedName(
    _ context: inout NameContext, acceptsSubstitution: Bool
  ) throws(MalformedName) -> (name: NodeID, isSubstitution: Bool) {
    let isStandard = consume("St")
    let scope: NodeID = isStandard ? add(word: "std") : .none
    var module = NodeID.none
    if peek() == UInt8(ascii: "S") {
      let substitution = try parseSubstitution()
      if self[substitution].kind == .module {
        module = substitution
      } else if acceptsSubstitution && !isStandard {
        return (substitution, true)
      } else {
        throw MalformedName()
      }
    }
    return (try parseUnqualifiedName(&context, scope: scope, module: module), false)
  }

  // <unqualified-name> ::= [<module-name>] [F] [L] <operator-name> [<abi-tags>]
  //                    ::= [<module-name>] <ctor-dtor-name> [<abi-tags>]
  //                    ::= [<module-name>] [F] [L] <source-name> [<abi-tags>]
  //                    ::= [<module-name>] [L] <unnamed-type-name> [<abi-tags>]
  //                    ::= [<module-name>] [L] DC <source-name>+ E
  mutating func parseUnqualifiedName(
    _ context: inout NameContext, scope outer: NodeID, module substituted: NodeID
  ) throws(MalformedName) -> NodeID {
    var scope = outer
    let module = try parseModule(substituted)
    let isFriend = !scope.isNone && consume(UInt8(ascii: "F"))
    _ = consume(UInt8(ascii: "L"))

    var name: NodeID
    switch peek() {
    case UInt8(ascii: "1")...UInt8(ascii: "9"): name = try parseSourceName()
    case UInt8(ascii: "U"): name = try parseUnnamedType(context.isEncoding)
    case UInt8(ascii: "D") where consume("DC"):
      let start = pending.count
      repeat { pending.append(try parseSourceName()) } while !consume(UInt8(ascii: "E"))
      name = add(Node(.structuredBinding, list: takePending(from: start)))
    case UInt8(ascii: "C"), UInt8(ascii: "D"):
      guard !scope.isNone, module.isNone else { throw MalformedName() }
      name = try parseConstructor(&scope, &context)
    default: name = try parseOperatorName(&context)
    }

    if !module.isNone { name = add(Node(.moduleEntity, module, name)) }
    name = try parseABITags(name)
    if scope.isNone { return name }
    return add(Node(isFriend ? .friend : .nested, scope, name))
  }

  // <module-name> ::= <module-subname>+  |  <substitution>, read by the caller
  // <module-subname> ::= W [P] <source-name>
  @inline(__always)
  mutating func parseModule(_ substituted: NodeID) throws(MalformedName) -> NodeID {
    peek() == UInt8(ascii: "W") ? try parseModuleNames(substituted) : substituted
  }

  private mutating func parseModuleNames(_ substituted: NodeID) throws(MalformedName) -> NodeID {
    var module = substituted
    while consume(UInt8(ascii: "W")) {
      let isPartition = consume(UInt8(ascii: "P"))
      var node = Node(.module, module, try parseSourceName())
      node.flags = isPartition ? 1 : 0
      module = add(node)
      substitutions.append(module)
    }
    return module
  }

  // <abi-tags> ::= (B <source-name>)*
  @inline(__always)
  mutating func parseABITags(_ base: NodeID) throws(MalformedName) -> NodeID {
    peek() == UInt8(ascii: "B") ? try parsePresentABITags(base) : base
  }

  private mutating func parsePresentABITags(_ base: NodeID) throws(MalformedName) -> NodeID {
    var result = base
    while consume(UInt8(ascii: "B")) {
      var node = Node(.abiTag, result, text: try parseIdentifier())
      node.shape = self[result].shape
      result = add(node)
    }
    return result
  }

  // <unnamed-type-name> ::= Ut [<number>] _
  //                     ::= Ul <lambda-sig> E [<number>] _
  //                     ::= Ub [<number>] _        # Apple's blocks
  mutating func parseUnnamedType(_ isEncoding: Bool) throws(MalformedName) -> NodeID {
    if isEncoding { templates.clearLevels() }
    if consume("Ut") {
      let number = parseNumber()
      try expect(UInt8(ascii: "_"))
      return add(Node(.unnamedType, text: number))
    }
    if consume("Ul") { return try parseClosure() }
    try expect("Ub")
    _ = parseNumber()
    try expect(UInt8(ascii: "_"))
    return add(word: "'block-literal'")
  }

  // <lambda-sig> ::= <template-param-decl>* [Q <expression>] <parameter type>+ [Q <expression>]
  private mutating func parseClosure() throws(MalformedName) -> NodeID {
    var closure = Node(.closure)
    let outerLevel = lambdaLevel
    lambdaLevel = templates.levelCount
    let (scope, list) = templates.enterLevel()

    let start = pending.count
    while isAtParameterDeclaration { pending.append(try parseParameterDeclaration(for: list)) }
    closure.secondList = takePending(from: start)
    // Whether a lambda without template parameters has a level shows in its parameters: the first `auto` adds it.
    if closure.secondList.isEmpty { templates.dropLevel() }
    if consume(UInt8(ascii: "Q")) { closure.a = try parseConstraint() }
    if !consume(UInt8(ascii: "v")) {
      repeat {
        pending.append(try parseType())
      } while peek() != UInt8(ascii: "E") && peek() != UInt8(ascii: "Q")
    }
    closure.list = takePending(from: start)
    if consume(UInt8(ascii: "Q")) { closure.b = try parseConstraint() }
    try expect(UInt8(ascii: "E"))
    closure.text = parseNumber()
    try expect(UInt8(ascii: "_"))

    templates.leaveLevel(scope)
    lambdaLevel = outerLevel
    return add(closure)
  }

  // <operator-name> ::= <two letters>  |  cv <type>  |  li <source-name>  |  v <digit> <source-name>
  mutating func parseOperatorName(_ context: inout NameContext) throws(MalformedName) -> NodeID {
    if let found = Operator(peek(), peek(1)) {
      position += 2
      if found.form == .conversion { return try parseConversionOperator(&context) }
      guard found.canNameFunction else { throw MalformedName() }
      return add(Node(.name, text: found.name))
    }
    if consume("li") { return add(Node(.literalOperator, try parseSourceName())) }
    try expect(UInt8(ascii: "v"))
    guard isDigit(peek()) else { throw MalformedName() }
    position += 1
    return add(Node(.conversionOperator, try parseSourceName()))
  }

  private mutating func parseConversionOperator(_ context: inout NameContext) throws(MalformedName) -> NodeID {
    let (outerAccepts, outerPermits) = (acceptsTemplateArguments, permitsForwardReferences)
    acceptsTemplateArguments = false
    permitsForwardReferences = outerPermits || context.isEncoding
    let type = try parseType()
    acceptsTemplateArguments = outerAccepts
    permitsForwardReferences = outerPermits
    context.hasNoReturnType = true
    return add(Node(.conversionOperator, type))
  }

  // <ctor-dtor-name> ::= C [I] (1-5) [<base name>]  |  D (0 1 2 4 5)
  private mutating func parseConstructor(
    _ scope: inout NodeID, _ context: inout NameContext
  ) throws(MalformedName) -> NodeID {
    if self[scope].kind == .standard {
      // Shown with its template arguments: std::basic_string<…>::basic_string
      var instance = Node(.standardInstance)
      instance.flags = self[scope].flags
      scope = add(instance)
    }
    var node = Node(.constructor, scope)
    if consume(UInt8(ascii: "C")) {
      let isInherited = consume(UInt8(ascii: "I"))
      guard case UInt8(ascii: "1")...UInt8(ascii: "5") = peek() else { throw MalformedName() }
      position += 1
      context.hasNoReturnType = true
      if isInherited { _ = try parseName(&context) }
    } else {
      switch peek(1) {
      case UInt8(ascii: "0")...UInt8(ascii: "2"), UInt8(ascii: "4"), UInt8(ascii: "5"): position += 2
      default: throw MalformedName()
      }
      context.hasNoReturnType = true
      node.flags = 1
    }
    return add(node)
  }

  // <nested-name> ::= N [H | [<CV-qualifiers>] [<ref-qualifier>]] <prefix> <unqualified-name> E
  //               ::= N [H | [<CV-qualifiers>] [<ref-qualifier>]] <template-prefix> <template-args> E
  private mutating func parseNestedName(_ context: inout NameContext) throws(MalformedName) -> NodeID {
    position += 1
    if consume(UInt8(ascii: "H")) {
      context.hasExplicitObject = true
    } else {
      context.qualifiers = parseQualifiers()
      if consume(UInt8(ascii: "O")) {
        context.qualifiers |= Qualifier.rvalue
      } else if consume(UInt8(ascii: "R")) {
        context.qualifiers |= Qualifier.lvalue
      }
    }
    var result = NodeID.none
    while !consume(UInt8(ascii: "E")) {
      context.endsWithTemplateArguments = false
      let (next, isSubstitution) = try parseNestedPart(of: result, &context)
      result = next
      if isSubstitution { continue }
      substitutions.append(result)
      _ = consume(UInt8(ascii: "M"))  // Old compilers mark a data member's scope so.
    }
    // The whole name is entered as a substitution where it turns out to be a type.
    guard !result.isNone, substitutions.count > 0 else { throw MalformedName() }
    substitutions.truncate(to: substitutions.count - 1)
    return result
  }

  /// One more part of a nested name after `prefix`.
  private mutating func parseNestedPart(
    of prefix: NodeID, _ context: inout NameContext
  ) throws(MalformedName) -> (name: NodeID, isSubstitution: Bool) {
    switch peek() {
    case UInt8(ascii: "T"):
      guard prefix.isNone else { throw MalformedName() }
      return (try parseTemplateParameter(), false)
    case UInt8(ascii: "I"):
      guard !prefix.isNone else { throw MalformedName() }
      let arguments = try parseTemplateArguments(tagged: context.isEncoding)
      guard self[prefix].kind != .templated else { throw MalformedName() }
      context.endsWithTemplateArguments = true
      return (add(Node(.templated, prefix, arguments)), false)
    case UInt8(ascii: "D") where peek(1) == UInt8(ascii: "t") || peek(1) == UInt8(ascii: "T"):
      guard prefix.isNone else { throw MalformedName() }
      return (try parseDecltype(), false)
    case UInt8(ascii: "S"):
      let substitution = consume("St") ? add(word: "std") : try parseSubstitution()
      if self[substitution].kind == .module {
        return (try parseUnqualifiedName(&context, scope: prefix, module: substitution), false)
      }
      guard prefix.isNone else { throw MalformedName() }
      return (substitution, true)
    default:
      return (try parseUnqualifiedName(&context, scope: prefix, module: .none), false)
    }
  }
}
