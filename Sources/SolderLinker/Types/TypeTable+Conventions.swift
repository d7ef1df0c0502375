import WebAssemblyFormat

extension TypeTable {
  /// The type of functions without parameters and results: constructors, start functions.
  var emptyFunction: TypeID {
    mutating get { intern(parameters: [], results: []) }
  }
}

extension ParsedTypes {
  /// Whether a type of the file is that of functions without parameters and results.
  func isEmptyFunction(_ index: Int) -> Bool {
    guard let type = functionType(UInt32(index)) else { return false }
    return type.parameters.isEmpty && type.results.isEmpty
  }
}
