/// What the rules of a function's name report to the rule of the function.
struct NameContext {
  /// Whether the name is that of an encoding; then its template arguments are what `T_` means.
  let isEncoding: Bool
  /// Constructors, destructors and conversion operators have no return type.
  var hasNoReturnType = false
  var endsWithTemplateArguments = false
  /// `Qualifier` bits of a member function.
  var qualifiers: UInt8 = 0
  var hasExplicitObject = false

  static var plain: NameContext { NameContext(isEncoding: false) }
}

extension ItaniumDemangler {
  // <encoding> ::= <function name> <bare-function-type> [Q <requires-clause expression>]
  //            ::= <data name>
  //            ::= <special-name>
  mutating func parseEncoding() throws(MalformedName) -> NodeID {
    try descend()
    let scope = templates.enterEncoding()
    let result: NodeID
    if peek() == UInt8(ascii: "T") || peek() == UInt8(ascii: "G") {
      result = try parseSpecialName()
    } else {
      var context = NameContext(isEncoding: true)
      let firstReference = forwardReferences.count
      let name = try parseName(&context)
      try resolveForwardReferences(from: firstReference)
      result = isAtEndOfEncoding ? name : try parseFunction(name, context)
    }
    templates.leaveEncoding(scope)
    depth -= 1
    return result
  }

  /// What can follow an encoding; no type starts so.
  private var isAtEndOfEncoding: Bool {
    switch peek() {
    case UInt8(ascii: "E"), UInt8(ascii: "."), UInt8(ascii: "_"): true
    default: position == end
    }
  }

  /// Gives the conversion operator in an encoding's name the arguments it mentioned before they came.
  private mutating func resolveForwardReferences(from first: Int) throws(MalformedName) {
    for index in first..<max(first, forwardReferences.count) {
      let reference = Int(forwardReferences[index].index)
      guard let target = templates.parameter(level: 0, index: UInt64(nodes[reference].b.index)) else {
        throw MalformedName()
      }
      nodes[reference].a = target
    }
    forwardReferences.truncate(to: first)
  }

  private mutating func parseFunction(_ name: NodeID, _ context: NameContext) throws(MalformedName) -> NodeID {
    var function = Node(.encoding, .none, name)
    function.shape = .function
    function.flags = context.qualifiers

    if consume("Ua9enable_ifI") {
      function.c = add(Node(.enableIf, list: try parseTemplateArgumentList()))
    }
    if context.endsWithTemplateArguments && !context.hasNoReturnType { function.a = try parseType() }
    if !consume(UInt8(ascii: "v")) {
      let start = pending.count
      repeat {
        var type = try parseType()
        if context.hasExplicitObject && pending.count == start { type = add(Node(.explicitObject, type)) }
        pending.append(type)
      } while !isAtEndOfEncoding && peek() != UInt8(ascii: "Q")
      function.list = takePending(from: start)
    }
    if consume(UInt8(ascii: "Q")) { function.d = try parseConstraint() }
    return add(function)
  }

  // <special-name> ::= T … | G …
  private mutating func parseSpecialName() throws(MalformedName) -> NodeID {
    let first = peek()
    let second = peek(1)
    if first == UInt8(ascii: "G") {
      position += min(2, end - position)
      return try parseGlobalSpecialName(second)
    }
    switch second {
    case UInt8(ascii: "A"):
      position += 2
      return add(Node(.special, try parseTemplateArgument(), text: Text("template parameter object for ")))
    case UInt8(ascii: "V"): return try parseSpecialType("vtable for ")
    case UInt8(ascii: "T"): return try parseSpecialType("VTT for ")
    case UInt8(ascii: "I"): return try parseSpecialType("typeinfo for ")
    case UInt8(ascii: "S"): return try parseSpecialType("typeinfo name for ")
    case UInt8(ascii: "c"):
      position += 2
      try skipCallOffset()
      try skipCallOffset()
      return add(Node(.special, try parseEncoding(), text: Text("covariant return thunk to ")))
    case UInt8(ascii: "C"):
      position += 2
      let derived = try parseType()
      if parseNumber(allowNegative: true).isEmpty { throw MalformedName() }
      try expect(UInt8(ascii: "_"))
      let base = try parseType()
      return add(Node(.constructionVTable, base, derived))
    case UInt8(ascii: "W"):
      position += 2
      return add(Node(.special, try parsePlainName(), text: Text("thread-local wrapper routine for ")))
    case UInt8(ascii: "H"):
      position += 2
      return add(Node(.special, try parsePlainName(), text: Text("thread-local initialization routine for ")))
    default:
      position += 1
      let isVirtual = second == UInt8(ascii: "v")
      try skipCallOffset()
      let words: StaticString = isVirtual ? "virtual thunk to " : "non-virtual thunk to "
      return add(Node(.special, try parseEncoding(), text: Text(words)))
    }
  }

  private mutating func parseSpecialType(_ words: StaticString) throws(MalformedName) -> NodeID {
    position += 2
    return add(Node(.special, try parseType(), text: Text(words)))
  }

  // GV <object name>                   # guard variable
  // GR <object name> [<seq-id>] _      # temporary bound to a reference
  // GI <module name>                   # module initializer
  private mutating func parseGlobalSpecialName(_ kind: UInt8) throws(MalformedName) -> NodeID {
    switch kind {
    case UInt8(ascii: "V"):
      return add(Node(.special, try parsePlainName(), text: Text("guard variable for ")))
    case UInt8(ascii: "R"):
      let name = try parsePlainName()
      let hasSequence = parseSequence() != nil
      if !consume(UInt8(ascii: "_")) && hasSequence { throw MalformedName() }
      return add(Node(.special, name, text: Text("reference temporary for ")))
    case UInt8(ascii: "I"):
      let module = try parseModule(.none)
      if module.isNone { throw MalformedName() }
      return add(Node(.special, module, text: Text("initializer for module ")))
    default:
      throw MalformedName()
    }
  }

  // <call-offset> ::= h <number> _  |  v <number> _ <number> _
  private mutating func skipCallOffset() throws(MalformedName) {
    let isVirtual = peek() == UInt8(ascii: "v")
    guard isVirtual || peek() == UInt8(ascii: "h") else { throw MalformedName() }
    position += 1
    for _ in 0..<(isVirtual ? 2 : 1) {
      if parseNumber(allowNegative: true).isEmpty { throw MalformedName() }
      try expect(UInt8(ascii: "_"))
    }
  }
}
