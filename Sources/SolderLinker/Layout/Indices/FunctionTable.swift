import WebAssemblyFormat

/// The table that function pointers index: which it is, how large, and what is in it.
struct FunctionTable {
  /// `nil` when nothing needs one.
  var symbol: SymbolID?
  /// Whether a file refers to it or the host gets it, rather than only function pointers needing it.
  var isAskedFor = false
  /// Whether it is in the result or imported: a plain module's, or the host's, may be known and not needed.
  var isNeeded = false
  var limits = Limits()
  /// The function in each slot, from the first that the linker fills; none for an empty slot.
  var slots: [PackedIndex<LinkSymbols>] = []
  var firstSlot = SlotIndex(0)
  /// Slot of each function: of those defined, numbered over all units, and of imported ones, by symbol.
  var functionSlots = Row<LinkFunctions, PackedIndex<OutputSlots>>()
  var importSlots: [SymbolID: SlotIndex] = [:]
  /// First slot of each library's block.
  var blocks: [UnitID: SlotIndex] = [:]

  /// The slot of a function; `nil` if it has none.
  func slot(of symbol: Symbol, _ id: SymbolID) -> SlotIndex? {
    // A missing function keeps the slot that was asked for before its first call; the stub is there.
    guard symbol.state == .defined, !symbol.has(.isStub) else { return importSlots[id] }
    guard symbol.kind == .function else { return nil }
    return functionSlots[symbol.functionID].index
  }

  /// Runs of slots that hold a function, each of which becomes an active element segment.
  var runs: [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (index, id) in slots.enumerated() {
      if id == .none {
        if let first = start { runs.append(first..<index) }
        start = nil
      } else if start == nil {
        start = index
      }
    }
    if let first = start { runs.append(first..<slots.count) }
    return runs
  }
}
