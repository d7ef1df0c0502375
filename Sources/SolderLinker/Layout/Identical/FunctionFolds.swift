/// Functions that are not in the result because an identical one is, which stands for all of them.
struct FunctionFolds: Sendable {
  /// The function that stands for each function, none where it stands for itself; empty if there are none at all.
  private let kept: Row<LinkFunctions, PackedIndex<LinkFunctions>>
  /// Whether pointers to folded functions become pointers to the one that is kept, as far as they can.
  private let sharesSlots: Bool

  /// Nothing is folded.
  init() {
    kept = Row()
    sharesSlots = false
  }

  init(_ kept: Row<LinkFunctions, PackedIndex<LinkFunctions>>, sharesSlots: Bool) {
    self.kept = kept
    self.sharesSlots = sharesSlots
  }

  @inline(__always)
  var isEmpty: Bool { kept.count == 0 }

  /// The function that is kept in place of another; `nil` for one that is not folded.
  @inline(__always)
  func replacement(of function: FunctionID) -> FunctionID? { isEmpty ? nil : kept[function].index }

  /// Whether a function is not in the result because an identical one is.
  @inline(__always)
  func contains(_ function: FunctionID) -> Bool { replacement(of: function) != nil }

  /// The function whose slot a pointer to a function gets, if it gets a new one.
  func pointerTarget(of function: FunctionID) -> FunctionID {
    sharesSlots ? replacement(of: function) ?? function : function
  }

  /// Every function that is not in the result, with the one that is, in order.
  var all: [(folded: FunctionID, kept: FunctionID)] {
    kept.values.indices.compactMap { position in
      kept.values[position].index.map { (FunctionID(position), $0) }
    }
  }
}
