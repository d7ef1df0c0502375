import WebAssemblyFormat

/// The numbers that immutable globals hold, where the initial value of one may read another one, which another module
/// defines.
///
/// Each is worked out once and without recursion: modules can make a chain of any length, and a circle, which holds nothing.
struct GlobalNumbers {
  /// A global that a unit defines.
  struct Place: Hashable {
    let unit: UnitID
    /// Its number among those that the unit defines.
    let global: Int
  }

  /// Who decides what a global holds.
  enum Decision {
    case module
    case layout(UInt64)
    /// It is not known yet.
    case nobody
  }

  private let module: (UnitID) -> InputModule
  /// The definition of an import.
  private let definition: (UnitID, GlobalIndex) -> Place?
  private let decision: (Place) -> Decision
  private var values: [Place: Int64?] = [:]

  init(
    module: @escaping (UnitID) -> InputModule, definition: @escaping (UnitID, GlobalIndex) -> Place?,
    decision: @escaping (Place) -> Decision
  ) {
    self.module = module
    self.definition = definition
    self.decision = decision
  }

  /// The number that a global holds; `nil` if it is a variable, the host decides it, or it is not known.
  mutating func number(of place: Place) -> UInt64? {
    var waiting = [place]
    var isWaiting: Set<Place> = [place]
    while let next = waiting.last {
      let (value, missing) = value(of: next)
      if let missing, isWaiting.insert(missing).inserted {
        waiting.append(missing)
      } else {
        values[next] = .some(value)
        waiting.removeLast()
      }
    }
    return (values[place] ?? nil).map { UInt64(bitPattern: $0) }
  }

  /// The value of a constant expression of a unit.
  mutating func number(of expression: Fragment, in unit: UnitID) -> UInt64? {
    while true {
      let (value, missing) = value(of: expression, in: unit)
      guard let missing else { return value.map { UInt64(bitPattern: $0) } }
      _ = number(of: missing)
    }
  }

  /// The value of a global, or a global that has to be known for that.
  private func value(of place: Place) -> (Int64?, missing: Place?) {
    if let known = values[place] { return (known, nil) }
    let global = module(place.unit).globals[place.global]
    guard !global.type.isMutable else { return (nil, nil) }
    switch decision(place) {
    case .layout(let address): return (Int64(bitPattern: address), nil)
    case .nobody: return (nil, nil)
    case .module: return value(of: global.initializer, in: place.unit)
    }
  }

  private func value(of expression: Fragment, in unit: UnitID) -> (Int64?, missing: Place?) {
    var missing: Place?
    let module = module(unit)
    let value = SymbolicEvaluator.value(of: expression, in: module.file) { index in
      let defined = Int(index) - module.globalImports.count
      guard
        let place = defined < 0
          ? definition(unit, index)
          : module.globals.indices.contains(defined) ? Place(unit: unit, global: defined) : nil
      else { return nil }
      guard let known = values[place] else {
        missing = place
        return nil
      }
      return known.map { .number($0) }
    }
    if missing != nil { return (nil, missing) }
    guard let value, value.base == .number else { return (nil, nil) }
    return (value.addend, nil)
  }
}
