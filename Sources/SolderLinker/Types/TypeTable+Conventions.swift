import WebAssemblyFormat

extension TypeTable {
  /// The type of functions without parameters and results: constructors, start functions.
  var emptyFunction: TypeID {
    mutating get { intern(parameters: [], results: []) }
  }
}

extension ParsedTypes {
  /// The signature of a function type of the file; `nil` for other types, and beyond the last.
  func functionType(_ index: TypeIndex) -> FunctionType? { functionType(index.rawValue) }

  /// Whether a type of the file is that of functions without parameters and results.
  func isEmptyFunction(_ index: TypeIndex) -> Bool {
    guard let type = functionType(index) else { return false }
    return type.parameters.isEmpty && type.results.isEmpty
  }
}
