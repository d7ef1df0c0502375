// Writing expressions.
extension ItaniumDemangler {
  mutating func writeExpression(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .binary: try writeBinary(id)
    case .prefix:
      try put(node.text)
      try write(operand: node.a, of: node.precedence)
    case .postfix:
      try write(operand: node.a, of: node.precedence, strictly: true)
      try put(node.text)
    case .subscripted:
      try write(operand: node.a, of: node.precedence)
      open(UInt8(ascii: "["))
      try write(operand: node.b)
      close(UInt8(ascii: "]"))
    case .member:
      try write(operand: node.a, of: node.precedence, strictly: true)
      try put(node.text)
      try write(operand: node.b, of: node.precedence)
    case .conditional:
      try write(operand: node.a, of: node.precedence)
      try put(" ? ")
      try write(operand: node.b)
      try put(" : ")
      try write(operand: node.c, of: .assignment, strictly: true)
    case .enclosing:
      try put(node.text)
      open()
      try write(node.a)
      close()
    case .cast: try writeCast(id)
    case .sizeofPack:
      try put("sizeof...")
      open()
      try writeExpansion(of: node.a)
      close()
    case .call:
      try write(node.a)
      open()
      try write(list: node.list)
      close()
    case .new, .delete: try writeAllocation(id)
    case .fold: try writeFold(id)
    case .integerLiteral: try writeInteger(id)
    case .enumLiteral:
      open()
      try write(node.a)
      close()
      try put(signed: node.text)
    default: try writeRareExpression(id)
    }
  }

  private mutating func writeRareExpression(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .functionParameter:
      try put("fp")
      try put(node.text)
    case .conversion:
      open()
      try write(node.a)
      close()
      open()
      try write(list: node.list)
      close()
    case .memberPointerConversion:
      open()
      try write(node.a)
      close()
      open()
      try write(node.b)
      close()
    case .subobject:
      try write(node.b)
      try put(".<")
      try write(node.a)
      try put(" at offset ")
      try put(signed: node.text.isEmpty ? Text("0") : node.text)
      try put(">")
    case .initializerList:
      if !node.a.isNone { try write(node.a) }
      put(UInt8(ascii: "{"))
      try write(list: node.list)
      put(UInt8(ascii: "}"))
    case .braced, .bracedRange: try writeBraced(id)
    case .throwing:
      try put("throw ")
      try write(node.a)
    case .stringLiteral:
      try put("\"<")
      try write(node.a)
      try put(">\"")
    case .lambda:
      try put("[]")
      if self[node.a].kind == .closure { try writeClosureSignature(node.a) }
      try put("{...}")
    case .floatLiteral: try write(float: id)
    case .list: try write(list: node.list)
    default: try writeRequirement(id)
    }
  }

  private mutating func writeBinary(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    let isAmbiguous = parenthesesDepth == 0 && (node.text == ">" || node.text == ">>")
    if isAmbiguous { open() }
    let isAssignment = node.precedence == .assignment
    // Assignments group to the right, all others to the left.
    try write(operand: node.a, of: isAssignment ? .logicalOr : node.precedence, strictly: !isAssignment)
    if node.text == "," {
      try put(", ")
    } else {
      put(UInt8(ascii: " "))
      try put(node.text)
      put(UInt8(ascii: " "))
    }
    try write(operand: node.b, of: node.precedence, strictly: isAssignment)
    if isAmbiguous { close() }
  }

  private mutating func writeCast(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    try put(node.text)
    let outer = parenthesesDepth
    parenthesesDepth = 0
    put(UInt8(ascii: "<"))
    try writeLeft(node.a)  // LLVM leaves out the right half.
    put(UInt8(ascii: ">"))
    parenthesesDepth = outer
    open()
    try write(operand: node.b)
    close()
  }

  private mutating func writeAllocation(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    if node.flags & 1 != 0 { try put("::") }
    try put(node.kind == .new ? "new" : "delete")
    if node.flags & 2 != 0 { try put("[]") }
    if !node.list.isEmpty {
      open()
      try write(list: node.list)
      close()
    }
    put(UInt8(ascii: " "))
    try write(node.a)
    if node.kind == .new && !node.secondList.isEmpty {
      open()
      try write(list: node.secondList)
      close()
    }
  }

  // (... op pack), (pack op ...), (init op ... op pack), (pack op ... op init)
  private mutating func writeFold(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    let isLeft = node.flags != 0
    let hasInitial = !node.b.isNone
    open()
    if isLeft && hasInitial {
      try write(operand: node.b, of: .cast, strictly: true)
    } else if !isLeft {
      try writeFoldedPack(node.a)
    }
    if !isLeft || hasInitial { try writeSpaced(node.text) }
    try put("...")
    if isLeft || hasInitial { try writeSpaced(node.text) }
    if isLeft {
      try writeFoldedPack(node.a)
    } else if hasInitial {
      try write(operand: node.b, of: .cast, strictly: true)
    }
    close()
  }

  private mutating func writeFoldedPack(_ pack: NodeID) throws(MalformedName) {
    open()
    try writeExpansion(of: pack)
    close()
  }

  private mutating func writeSpaced(_ symbol: Text) throws(MalformedName) {
    put(UInt8(ascii: " "))
    try put(symbol)
    put(UInt8(ascii: " "))
  }

  private mutating func writeBraced(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    let value: NodeID
    if node.kind == .bracedRange {
      put(UInt8(ascii: "["))
      try write(node.a)
      try put(" ... ")
      try write(node.b)
      put(UInt8(ascii: "]"))
      value = node.c
    } else {
      put(node.flags != 0 ? UInt8(ascii: "[") : UInt8(ascii: "."))
      try write(node.a)
      if node.flags != 0 { put(UInt8(ascii: "]")) }
      value = node.b
    }
    let kind = self[value].kind
    if kind != .braced && kind != .bracedRange { try put(" = ") }
    try write(value)
  }

  /// Types with a suffix of their own follow the number, others precede it.
  private mutating func writeInteger(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    var prefix: StaticString = ""
    var suffix: StaticString = ""
    switch node.flags {
    case UInt8(ascii: "i"): break
    case UInt8(ascii: "j"): suffix = "u"
    case UInt8(ascii: "l"): suffix = "l"
    case UInt8(ascii: "m"): suffix = "ul"
    case UInt8(ascii: "x"): suffix = "ll"
    case UInt8(ascii: "y"): suffix = "ull"
    case UInt8(ascii: "w"): prefix = "(wchar_t)"
    case UInt8(ascii: "c"): prefix = "(char)"
    case UInt8(ascii: "a"): prefix = "(signed char)"
    case UInt8(ascii: "h"): prefix = "(unsigned char)"
    case UInt8(ascii: "s"): prefix = "(short)"
    case UInt8(ascii: "t"): prefix = "(unsigned short)"
    case UInt8(ascii: "n"): prefix = "(__int128)"
    default: prefix = "(unsigned __int128)"
    }
    try put(prefix)
    try put(signed: node.text)
    try put(suffix)
  }

  private mutating func writeRequirement(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .requires:
      try put("requires ")
      if !node.list.isEmpty {
        open()
        try write(list: node.list)
        close()
        put(UInt8(ascii: " "))
      }
      open(UInt8(ascii: "{"))
      let requirements = node.secondList
      for index in 0..<requirements.count { try write(elements[Int(requirements.start + index)]) }
      put(UInt8(ascii: " "))
      close(UInt8(ascii: "}"))
    case .expressionRequirement:
      put(UInt8(ascii: " "))
      let isBraced = node.flags != 0 || !node.b.isNone
      if isBraced { open(UInt8(ascii: "{")) }
      try write(node.a)
      if isBraced { close(UInt8(ascii: "}")) }
      if node.flags != 0 { try put(" noexcept") }
      if !node.b.isNone {
        try put(" -> ")
        try write(node.b)
      }
      put(UInt8(ascii: ";"))
    case .typeRequirement:
      try put(" typename ")
      try write(node.a)
      put(UInt8(ascii: ";"))
    default:  // .nestedRequirement
      try put(" requires ")
      try write(node.a)
      put(UInt8(ascii: ";"))
    }
  }
}
