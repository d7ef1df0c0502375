/// A list of value types that stays in the bytes that encode it.
public struct ValueTypeList: Sequence, Sendable {
  /// Number of types.
  public let count: Int
  private let types: ByteReader

  /// Reads a list of value types: their number, and them.
  ///
  /// - Throws: ``FormatError`` when one of them is none.
  public init(_ reader: inout ByteReader) throws(FormatError) {
    count = try reader.count()
    let start = reader.offset
    for _ in 0..<count { _ = try reader.valueType() }
    types = reader[start..<reader.offset]
  }

  public var isEmpty: Bool { count == 0 }
  public var underestimatedCount: Int { count }

  public func makeIterator() -> Iterator { Iterator(reader: types) }

  public struct Iterator: IteratorProtocol {
    fileprivate var reader: ByteReader

    public mutating func next() -> ValueType? {
      // The bytes were read once without an error.
      reader.isAtEnd ? nil : try? reader.valueType()
    }
  }
}

/// A function type: a view of the bytes that encode it, which must outlive it.
///
/// Two are equal when they have equal parameters and results, type indices compared as numbers; between files that
/// only means the same for types that name no other.
public struct FunctionType: Sendable {
  public let parameters: ValueTypeList
  public let results: ValueTypeList

  /// Reads the parameters and the results, behind the byte 0x60.
  public init(_ reader: inout ByteReader) throws(FormatError) {
    parameters = try ValueTypeList(&reader)
    results = try ValueTypeList(&reader)
  }
}

extension FunctionType: Equatable {
  public static func == (left: FunctionType, right: FunctionType) -> Bool {
    left.parameters.count == right.parameters.count && left.results.count == right.results.count
      && left.parameters.elementsEqual(right.parameters) && left.results.elementsEqual(right.results)
  }
}

extension FunctionType: CustomStringConvertible {
  /// The signature as wasm-ld prints it, `(i32, i64) -> void`; several results stand in parentheses.
  public var description: String {
    let resultList = FunctionType.list(results)
    let result =
      switch results.count {
      case 0: "void"
      case 1: resultList
      default: "(\(resultList))"
      }
    return "(\(FunctionType.list(parameters))) -> \(result)"
  }

  private static func list(_ types: ValueTypeList) -> String {
    types.map(\.description).joined(separator: ", ")
  }
}
