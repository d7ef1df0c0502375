// Writing names and functions.
extension ItaniumDemangler {
  mutating func writeName(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .nested, .scoped, .local:
      try write(node.a)
      try put("::")
      try write(node.b)
    case .templated:
      try write(node.a)
      try write(node.b)
    case .templateArguments: try write(arguments: node.list)
    case .abiTag:
      try writeLeft(node.a)
      try put("[abi:")
      try put(node.text)
      try put("]")
    case .encoding: try writeFunctionLeft(id)
    case .standard, .standardInstance: try writeStandard(id)
    case .constructor:
      if node.flags != 0 { put(UInt8(ascii: "~")) }
      try put(try baseName(of: node.a))
    case .closure:
      try put("'lambda")
      try put(node.text)
      put(UInt8(ascii: "'"))
      try writeClosureSignature(id)
    case .special:
      try put(node.text)
      try write(node.a)
    default: try writeRareName(id)
    }
  }

  private mutating func writeRareName(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.kind {
    case .dotSuffix:
      try write(node.a)
      try put(" (")
      try put(node.text)
      try put(")")
    case .global:
      try put("::")
      try write(node.a)
    case .friend:
      try write(node.a)
      try put("::friend ")
      try write(node.b)
    case .module:
      if !node.a.isNone { try write(node.a) }
      if node.flags != 0 {
        put(UInt8(ascii: ":"))
      } else if !node.a.isNone {
        put(UInt8(ascii: "."))
      }
      try write(node.b)
    case .moduleEntity:
      try write(node.b)
      put(UInt8(ascii: "@"))
      try write(node.a)
    case .destructor:
      put(UInt8(ascii: "~"))
      try writeLeft(node.a)
    case .conversionOperator:
      try put("operator ")
      try write(node.a)
    case .literalOperator:
      try put("operator\"\" ")
      try write(node.a)
    case .unnamedType:
      try put("'unnamed")
      try put(node.text)
      put(UInt8(ascii: "'"))
    case .structuredBinding:
      open(UInt8(ascii: "["))
      try write(list: node.list)
      close(UInt8(ascii: "]"))
    case .constructionVTable:
      try put("construction vtable for ")
      try write(node.a)
      try put("-in-")
      try write(node.b)
    case .enableIf:
      try put(" [enable_if:")
      try write(list: node.list)
      put(UInt8(ascii: "]"))
    case .explicitObject:
      try put("this ")
      try write(node.a)
    default: try put(node.text)  // .name
    }
  }

  private mutating func writeStandard(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    guard let name = StandardName(rawValue: node.flags) else { return }
    try put("std::")
    if node.kind == .standard {
      try put(name.name)
    } else {
      try put(name.template)
      try put(name.arguments)
    }
  }

  /// The last part of a name without template arguments: what its constructors are called.
  private mutating func baseName(of start: NodeID) throws(MalformedName) -> Text {
    var id = start
    while true {
      try burn(1)
      let node = self[id]
      switch node.kind {
      case .name: return node.text
      case .abiTag, .templated, .global: id = node.a
      case .nested, .scoped, .friend, .moduleEntity: id = node.b
      case .standard: return StandardName(rawValue: node.flags).map { Text($0.name) } ?? .empty
      case .standardInstance: return StandardName(rawValue: node.flags).map { Text($0.template) } ?? .empty
      default: return .empty
      }
    }
  }

  private mutating func writeFunctionLeft(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    if !node.a.isNone {
      try writeLeft(node.a)
      if try !has(.right, node.a) { put(UInt8(ascii: " ")) }
    }
    try write(node.b)
  }

  mutating func writeFunctionRight(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    open()
    try write(list: node.list)
    close()
    if !node.a.isNone { try writeRight(node.a) }
    try write(qualifiers: node.flags)
    if !node.c.isNone { try write(node.c) }
    try write(clause: node.d)
  }

  /// Writes a `requires` clause, if there is one.
  mutating func write(clause: NodeID) throws(MalformedName) {
    if clause.isNone { return }
    try put(" requires ")
    try write(clause)
  }

  /// What stands behind `'lambda'`, or between `[]` and `{...}`.
  mutating func writeClosureSignature(_ id: NodeID) throws(MalformedName) {
    let node = self[id]
    if !node.secondList.isEmpty { try write(arguments: node.secondList) }
    if !node.a.isNone {
      try write(clause: node.a)
      put(UInt8(ascii: " "))
    }
    open()
    try write(list: node.list)
    close()
    try write(clause: node.b)
  }
}
