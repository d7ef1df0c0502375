/// The type of a value in the calculator language.
indirect enum CalcType: Equatable {
  /// A 64-bit float: `f64`.
  case number
  /// The address of a length (`u32`) and its bytes: `i32`.
  case string
  /// 0 or 1: `i32`.
  case bool
  /// The address of a list of numbers that the runtime made, or 0 for an empty one: `i32`.
  case list
  /// A slot in the table: `i32`.
  case function(Signature)
  /// What a function without a result gives.
  case nothing

  /// The type as the programmer writes it.
  var description: String {
    switch self {
    case .number: "number"
    case .string: "string"
    case .bool: "bool"
    case .list: "list"
    case .function(let signature): signature.description
    case .nothing: "nothing"
    }
  }
}

/// What a function takes and gives.
struct Signature: Equatable {
  var parameters: [CalcType]
  var result: CalcType

  init(_ parameters: [CalcType], _ result: CalcType) {
    self.parameters = parameters
    self.result = result
  }

  /// The signature as the programmer writes the type of a function value.
  var description: String {
    let list = parameters.map(\.description).joined(separator: ", ")
    return result == .nothing ? "fn(\(list))" : "fn(\(list)) -> \(result.description)"
  }
}
