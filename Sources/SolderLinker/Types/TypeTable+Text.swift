import WebAssemblyFormat

extension TypeTable {
  /// The type as a message shows it: a function as wasm-ld prints it, others in the text format.
  ///
  /// A type that is named in it stands there with its own definition, down to some depth: numbers of types mean nothing
  /// to a reader.
  func text(of type: TypeID) -> String { text(of: type, depth: 0) }

  /// A value type as a message shows it.
  func text(of type: ValueType) -> String { text(of: type, depth: 0) }

  private static let deepest = 2

  private func text(of type: ValueType, depth: Int) -> String {
    guard let index = type.typeIndex else { return type.description }
    let definition = depth < TypeTable.deepest ? text(of: TypeID(rawValue: index), depth: depth + 1) : "…"
    let isFunction = kind(of: TypeID(rawValue: index)) == .function && depth < TypeTable.deepest
    return "(ref \(type.isNullable ? "null " : "")\(isFunction ? "(\(definition))" : definition))"
  }

  private func text(of type: TypeID, depth: Int) -> String {
    guard kind(of: type) != .function else { return describeFunction(type, depth) }
    let definition = self[type]
    var reader = definition.bytes.bytes[(definition.compositeOffset + 1)..<definition.bytes.count]
    // The table wrote the bytes itself.
    var body = (try? composite(&reader, definition.kind, depth)) ?? ""
    if definition.isShared { body = "(shared \(body))" }
    guard definition.bytes.bytes.first == 0x50 || definition.supertype != nil else { return body }
    let isFinal = definition.bytes.bytes.first != 0x50
    let supertype =
      definition.supertype.map { " " + (depth < TypeTable.deepest ? text(of: $0, depth: depth + 1) : "…") } ?? ""
    return "(sub\(isFinal ? " final" : "")\(supertype) \(body))"
  }

  private func composite(_ reader: inout ByteReader, _ kind: TypeKind, _ depth: Int) throws(FormatError) -> String {
    switch kind {
    case .function: return ""
    case .structure:
      var fields: [String] = []
      for _ in 0..<(try reader.count()) { fields.append(" (field \(try field(&reader, depth)))") }
      return "(struct\(fields.joined()))"
    case .array: return "(array \(try field(&reader, depth)))"
    case .continuation:
      guard case .concrete(let index) = try reader.heapType() else { return "(cont)" }
      return "(cont \(text(of: TypeID(rawValue: index), depth: depth + 1)))"
    }
  }

  private func field(_ reader: inout ByteReader, _ depth: Int) throws(FormatError) -> String {
    let type = text(of: try reader.storageType(), depth: depth)
    return try reader.byte() == 1 ? "(mut \(type))" : type
  }

  private func describeFunction(_ type: TypeID, _ depth: Int) -> String {
    guard let function = functionType(of: type) else { return "" }
    let prefix = self[type].isShared ? "shared " : ""
    func list(_ types: ValueTypeList) -> String {
      types.map { text(of: $0, depth: depth) }.joined(separator: ", ")
    }
    let results = list(function.results)
    let result =
      switch function.results.count {
      case 0: "void"
      case 1: results
      default: "(\(results))"
      }
    return "\(prefix)(\(list(function.parameters))) -> \(result)"
  }
}
