import WebAssemblyFormat

extension TypeTable {
  /// The type as a message shows it: a function as wasm-ld prints it, others in the text format.
  ///
  /// A type that is named in it stands there with its own definition, down to some depth: numbers of types mean nothing
  /// to a reader.
  public func describe(_ type: TypeID) -> String { describe(type, depth: 0) }

  /// A value type as a message shows it.
  public func describe(_ type: ValueType) -> String { describe(type, depth: 0) }

  private static let deepest = 2

  private func describe(_ type: ValueType, depth: Int) -> String {
    guard let index = type.typeIndex else { return type.description }
    let definition = depth < TypeTable.deepest ? describe(TypeID(rawValue: index), depth: depth + 1) : "…"
    let isFunction = kind(of: TypeID(rawValue: index)) == .function && depth < TypeTable.deepest
    return "(ref \(type.isNullable ? "null " : "")\(isFunction ? "(\(definition))" : definition))"
  }

  private func describe(_ type: TypeID, depth: Int) -> String {
    guard kind(of: type) != .function else { return describeFunction(type, depth) }
    let definition = self[type]
    var reader = ByteReader(definition.bytes.start, (definition.compositeOffset + 1)..<definition.bytes.count)
    // The table wrote the bytes itself.
    let text = (try? composite(&reader, definition.kind, depth)) ?? ""
    guard definition.bytes.bytes.first == 0x50 || definition.supertype != nil else { return text }
    let isFinal = definition.bytes.bytes.first != 0x50
    let supertype =
      definition.supertype.map { " " + (depth < TypeTable.deepest ? describe($0, depth: depth + 1) : "…") } ?? ""
    return "(sub\(isFinal ? " final" : "")\(supertype) \(text))"
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
      return "(cont \(describe(TypeID(rawValue: index), depth: depth + 1)))"
    }
  }

  private func field(_ reader: inout ByteReader, _ depth: Int) throws(FormatError) -> String {
    let type = describe(try reader.storageType(), depth: depth)
    return try reader.byte() == 1 ? "(mut \(type))" : type
  }

  private func describeFunction(_ type: TypeID, _ depth: Int) -> String {
    guard let function = functionType(of: type) else { return "" }
    func list(_ types: ValueTypeList) -> String {
      types.map { describe($0, depth: depth) }.joined(separator: ", ")
    }
    let results = list(function.results)
    let result =
      switch function.results.count {
      case 0: "void"
      case 1: results
      default: "(\(results))"
      }
    return "(\(list(function.parameters))) -> \(result)"
  }
}
