// Writing the tree: the output, the order of the pieces, and lists.
//
// A node is written in two halves, what stands left and what stands right of a declared name: `int (*` and `)[3]`.
// Most nodes only have a left half.
extension ItaniumDemangler {
  /// Writes the two halves of a node.
  @inline(never)
  mutating func write(_ id: NodeID) throws(MalformedName) {
    // Half of all nodes are plain words.
    if self[id].kind == .name { return try put(self[id].text) }
    try writeLeft(id)
    if self[id].shape.hasRight != .no { try writeRight(id) }
  }

  // Not inlined, here and below: copies of it in the functions it calls would multiply the stack that nesting takes.
  @inline(never)
  mutating func writeLeft(_ id: NodeID) throws(MalformedName) {
    if self[id].kind == .name { return try put(self[id].text) }
    try enter()
    let node = self[id]
    if node.kind.rawValue < Node.Kind.firstType.rawValue {
      try writeName(id)
    } else if node.kind.rawValue < Node.Kind.firstParameter.rawValue {
      try writeType(id)
    } else if node.kind.rawValue < Node.Kind.firstExpression.rawValue {
      try writeParameter(id)
    } else {
      try writeExpression(id)
    }
    depth -= 1
  }

  @inline(never)
  mutating func writeRight(_ id: NodeID) throws(MalformedName) {
    try enter()
    let node = self[id]
    switch node.kind {
    case .encoding: try writeFunctionRight(id)
    case .qualified, .pointer, .reference, .memberPointer, .array, .function: try writeTypeRight(id)
    case .typeParameter, .templateParameter, .constrainedParameter, .valueParameter, .packParameter, .parameterPack,
      .forwardReference:
      try writeParameterRight(id)
    default: break
    }
    depth -= 1
  }

  /// Counts a nested node and the work on it.
  @inline(__always)
  private mutating func enter() throws(MalformedName) {
    depth += 1
    try burn(1)
    if depth > Limits.printDepth { throw MalformedName() }
  }

  @inline(__always)
  mutating func burn(_ amount: Int) throws(MalformedName) {
    fuel -= amount
    if fuel < 0 { throw MalformedName() }
  }

  @inline(__always)
  mutating func put(_ text: Text) throws(MalformedName) {
    try burn(text.count)
    output.append(text)
  }

  @inline(__always)
  mutating func put(_ word: StaticString) throws(MalformedName) {
    try put(Text(word))
  }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    output.append(byte)
  }

  mutating func put(number: UInt32) throws(MalformedName) {
    try burn(10)
    var divisor: UInt32 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      put(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  /// A number of the mangled name, where `n` is the minus sign.
  mutating func put(signed number: Text) throws(MalformedName) {
    if number.first == UInt8(ascii: "n") {
      put(UInt8(ascii: "-"))
      try put(number.dropping(1))
    } else {
      try put(number)
    }
  }

  mutating func open(_ bracket: UInt8 = UInt8(ascii: "(")) {
    parenthesesDepth += 1
    put(bracket)
  }

  mutating func close(_ bracket: UInt8 = UInt8(ascii: ")")) {
    parenthesesDepth -= 1
    put(bracket)
  }

  /// Writes a node as the operand of an operator, in parentheses if it binds less tightly.
  mutating func write(
    operand id: NodeID, of precedence: Precedence = .lowest, strictly: Bool = false
  ) throws(MalformedName) {
    let needsParentheses = self[id].precedence.rawValue >= precedence.rawValue + (strictly ? 1 : 0)
    if needsParentheses { open() }
    try write(id)
    if needsParentheses { close() }
  }

  /// Writes the elements with commas between those that write anything: an empty pack leaves no comma.
  mutating func write(list: NodeList) throws(MalformedName) {
    var isFirst = true
    for index in 0..<list.count {
      let beforeComma = output.count
      if !isFirst { try put(", ") }
      let afterComma = output.count
      try write(operand: elements[Int(list.start + index)], of: .comma)
      if output.count == afterComma {
        output.truncate(to: beforeComma)
      } else {
        isFirst = false
      }
    }
  }

  /// Writes the list in angle brackets.
  mutating func write(arguments list: NodeList) throws(MalformedName) {
    let outer = parenthesesDepth
    parenthesesDepth = 0
    put(UInt8(ascii: "<"))
    try write(list: list)
    put(UInt8(ascii: ">"))
    parenthesesDepth = outer
  }

  mutating func write(qualifiers: UInt8) throws(MalformedName) {
    if qualifiers & Qualifier.const != 0 { try put(" const") }
    if qualifiers & Qualifier.volatile != 0 { try put(" volatile") }
    if qualifiers & Qualifier.restrict != 0 { try put(" restrict") }
    if qualifiers & Qualifier.lvalue != 0 {
      try put(" &")
    } else if qualifiers & Qualifier.rvalue != 0 {
      try put(" &&")
    }
  }

  /// Writes a pack once for each of its elements; without a pack, `child...`.
  mutating func writeExpansion(of child: NodeID) throws(MalformedName) {
    let (outerIndex, outerCount) = (packIndex, packCount)
    packIndex = ItaniumDemangler.noPack
    packCount = ItaniumDemangler.noPack
    let start = output.count
    try write(child)
    if packCount == ItaniumDemangler.noPack {
      try put("...")
    } else if packCount == 0 {
      output.truncate(to: start)
    } else {
      let count = packCount
      var index: UInt32 = 1
      while index < count {
        try put(", ")
        packIndex = index
        try write(child)
        index += 1
      }
    }
    packIndex = outerIndex
    packCount = outerCount
  }
}

// What a declarator asks its target.
extension ItaniumDemangler {
  /// The element of a pack that is being written, or nil past its end. The first pack inside an expansion says how
  /// often the expansion repeats.
  mutating func currentElement(ofPack node: Node) -> NodeID? {
    if packCount == ItaniumDemangler.noPack {
      packCount = node.list.count
      packIndex = 0
    }
    return packIndex < node.list.count ? elements[Int(node.list.start + packIndex)] : nil
  }

  /// Whether a node has a trait. Packs and forward references pass the question on to what they stand for now.
  mutating func has(_ trait: Trait, _ id: NodeID) throws(MalformedName) -> Bool {
    let known = self[id].shape[trait]
    if known != .unknown { return known == .yes }
    depth += 1
    try burn(1)
    if depth > Limits.printDepth { throw MalformedName() }
    let node = self[id]
    var result = false
    switch node.kind {
    case .qualified, .pointer, .reference: result = try has(trait, node.a)
    case .memberPointer: result = try has(trait, node.b)
    case .parameterPack:
      if let element = currentElement(ofPack: node) { result = try has(trait, element) }
    case .forwardReference where !node.isPrinting:
      nodes[Int(id.index)].isPrinting = true
      result = try has(trait, node.a)
      nodes[Int(id.index)].isPrinting = false
    default: break
    }
    depth -= 1
    return result
  }

  /// Whether the declarator of a type needs parentheses around it, as in `int (*)[3]`.
  mutating func needsParentheses(around id: NodeID) throws(MalformedName) -> Bool {
    if try has(.array, id) { return true }
    return try has(.function, id)
  }
}
