// Writing types and template parameters.
extension ItaniumDemangler {
  mutating func writeType(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .qualified:
      try writeLeft(node.a)
      try write(qualifiers: node.flags)
    case .pointer: try writePointerLeft(id)
    case .reference:
      if node.isPrinting { return }
      nodes[Int(id.index)].isPrinting = true
      if let (target, isRvalue) = try collapse(id) {
        try writeLeft(target)
        try writeDeclaratorOpening(around: target)
        try put(isRvalue ? "&&" : "&")
      }
      nodes[Int(id.index)].isPrinting = false
    case .memberPointer:
      try writeLeft(node.b)
      put(try needsParentheses(around: node.b) ? UInt8(ascii: "(") : UInt8(ascii: " "))
      try write(node.a)
      try put("::*")
    case .array: try writeLeft(node.a)
    case .function:
      try writeLeft(node.a)
      put(UInt8(ascii: " "))
    case .postfixQualified:
      try writeLeft(node.a)
      try put(node.text)
    case .elaborated:
      try put(node.text)
      put(UInt8(ascii: " "))
      try write(node.a)
    case .vendorQualified:
      try write(node.a)
      put(UInt8(ascii: " "))
      try put(node.text)
      if !node.b.isNone { try write(node.b) }
    default: try writeRareType(id)
    }
  }

  private mutating func writeRareType(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .transformed:
      try put(node.text)
      put(UInt8(ascii: "("))
      try write(node.a)
      put(UInt8(ascii: ")"))
    case .objCProtocol:
      try write(node.a)
      put(UInt8(ascii: "<"))
      try put(node.text)
      put(UInt8(ascii: ">"))
    case .noexceptSpecification:
      try put("noexcept")
      open()
      try write(operand: node.a)
      close()
    case .throwSpecification:
      try put("throw")
      open()
      try write(list: node.list)
      close()
    case .vector:
      try write(node.a)
      try put(" vector[")
      if !node.b.isNone { try write(node.b) }
      put(UInt8(ascii: "]"))
    case .pixelVector:
      try put("pixel vector[")
      try write(node.a)
      put(UInt8(ascii: "]"))
    case .binaryFloat:
      try put("_Float")
      try write(node.a)
    case .bitInt:
      if node.flags == 0 { try put("unsigned ") }
      try put("_BitInt")
      open()
      try write(operand: node.a)
      close()
    default: break
    }
  }

  mutating func writeTypeRight(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .qualified: try writeRight(node.a)
    case .pointer:
      if isObjectWithProtocol(node.a) { return }
      try writeDeclaratorClosing(around: node.a)
    case .reference:
      if node.isPrinting { return }
      nodes[Int(id.index)].isPrinting = true
      if let (target, _) = try collapse(id) { try writeDeclaratorClosing(around: target) }
      nodes[Int(id.index)].isPrinting = false
    case .memberPointer: try writeDeclaratorClosing(around: node.b)
    case .array:
      if output.last != UInt8(ascii: "]") { put(UInt8(ascii: " ")) }
      put(UInt8(ascii: "["))
      if !node.b.isNone { try write(node.b) }
      put(UInt8(ascii: "]"))
      try writeRight(node.a)
    default:  // .function
      open()
      try write(list: node.list)
      close()
      try writeRight(node.a)
      try write(qualifiers: node.flags)
      if !node.b.isNone {
        put(UInt8(ascii: " "))
        try write(node.b)
      }
    }
  }

  private mutating func writeDeclaratorOpening(around target: NodeID) throws(MalformedName) {
    if try has(.array, target) {
      try put(" (")
    } else if try has(.function, target) {
      put(UInt8(ascii: "("))
    }
  }

  private mutating func writeDeclaratorClosing(around target: NodeID) throws(MalformedName) {
    if try needsParentheses(around: target) { put(UInt8(ascii: ")")) }
    try writeRight(target)
  }

  private mutating func writePointerLeft(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    if isObjectWithProtocol(node.a) {
      try put("id<")
      try put(self[node.a].text)
      put(UInt8(ascii: ">"))
      return
    }
    try writeLeft(node.a)
    try writeDeclaratorOpening(around: node.a)
    put(UInt8(ascii: "*"))
  }

  /// Objective-C writes a pointer to `objc_object<Protocol>` as `id<Protocol>`.
  private func isObjectWithProtocol(_ id: NodeID) -> Bool {
    let node = self[id]
    guard node.kind == .objCProtocol else { return false }
    let object = self[node.a]
    return object.kind == .name && object.text == "objc_object"
  }

  /// Follows references to references: what they refer to and what kind of reference that makes (`&& &` is `&`).
  /// Nil when they only refer to each other, which template arguments can bring about.
  private mutating func collapse(_ id: NodeID) throws(MalformedName) -> (target: NodeID, isRvalue: Bool)? {
    let node = self[id]
    var target = node.a
    var isRvalue = node.flags != 0
    let start = pending.count
    defer { pending.truncate(to: start) }
    while true {
      try burn(1)
      let syntax = self[try syntaxNode(target)]
      guard syntax.kind == .reference else { return (target, isRvalue) }
      target = syntax.a
      isRvalue = isRvalue && syntax.flags != 0
      // Go on at full pace and compare with what comes at half the pace: in a cycle, the two meet.
      pending.append(target)
      let steps = pending.count - start
      if steps > 1, target == pending[start + (steps - 1) / 2] { return nil }
    }
  }

  /// What a pack or a forward reference stands for now.
  private mutating func syntaxNode(_ start: NodeID) throws(MalformedName) -> NodeID {
    let node = self[start]
    switch node.kind {
    case .parameterPack:
      guard let element = currentElement(ofPack: node) else { return start }
      return try nestedSyntaxNode(element)
    case .forwardReference:
      if node.isPrinting { return start }
      nodes[Int(start.index)].isPrinting = true
      let result = try nestedSyntaxNode(node.a)
      nodes[Int(start.index)].isPrinting = false
      return result
    default: return start
    }
  }

  private mutating func nestedSyntaxNode(_ id: NodeID) throws(MalformedName) -> NodeID {
    depth += 1
    try burn(1)
    if depth > Limits.printDepth { throw MalformedName() }
    let result = try syntaxNode(id)
    depth -= 1
    return result
  }

  mutating func writeParameter(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .inventedParameter:
      switch ParameterKind(rawValue: node.flags) {
      case .values: try put("$N")
      case .templates: try put("$TT")
      default: try put("$T")
      }
      if node.a.index > 0 { try put(number: node.a.index - 1) }
    case .declaredArgument: try write(node.b)
    case .typeParameter: try put("typename ")
    case .constrainedParameter:
      try write(node.a)
      put(UInt8(ascii: " "))
    case .valueParameter:
      try writeLeft(node.b)
      if try !has(.right, node.b) { put(UInt8(ascii: " ")) }
    case .templateParameter:
      try put("template")
      try write(arguments: node.list)
      try put(" typename ")
    case .packParameter:
      try writeLeft(node.a)
      try put("...")
    case .parameterPack:
      if let element = currentElement(ofPack: node) { try writeLeft(element) }
    case .argumentPack: try write(list: node.list)
    case .expansion: try writeExpansion(of: node.a)
    default:  // .forwardReference
      if node.isPrinting { return }
      nodes[Int(id.index)].isPrinting = true
      try writeLeft(node.a)
      nodes[Int(id.index)].isPrinting = false
    }
  }

  mutating func writeParameterRight(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .typeParameter: try write(node.a)
    case .constrainedParameter: try write(node.b)
    case .templateParameter:
      try write(node.a)
      try write(clause: node.b)
    case .valueParameter:
      try write(node.a)
      try writeRight(node.b)
    case .packParameter: try writeRight(node.a)
    case .parameterPack:
      if let element = currentElement(ofPack: node) { try writeRight(element) }
    default:  // .forwardReference
      if node.isPrinting { return }
      nodes[Int(id.index)].isPrinting = true
      try writeRight(node.a)
      nodes[Int(id.index)].isPrinting = false
    }
  }
}
