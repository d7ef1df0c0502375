/// What a function of a finished module may do, with everything that it calls directly; see `FunctionEffects+Reading.swift`.
///
/// Unknown is the safe case: code that leaves the module, or calls by way of a table, may do anything.
struct FunctionEffects: OptionSet {
  var rawValue: UInt8
  static let readsMemory = FunctionEffects(rawValue: 1 << 0)
  static let writesMemory = FunctionEffects(rawValue: 1 << 1)
  static let setsVariables = FunctionEffects(rawValue: 1 << 2)
  /// It calls what is not known.
  static let leaves = FunctionEffects(rawValue: 1 << 3)
}
