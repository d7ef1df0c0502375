import WebAssemblyFormat

extension IndexPass {
  /// Numbers element segments that are kept, behind the one that fills the linker's slots, and finds functions that
  /// need a declaration.
  mutating func numberElementSegments() {
    var index = UInt32(slotRuns.count)
    // An object's segments only say which functions its code points to, as its relocations do.
    for unit in resolution.inLinkOrder where unit.contracts.keepsElementSegments {
      for (position, element) in unit.elements.enumerated() where live.elements[Int(unit.bases.element) + position] {
        if case .block = element.placement, !isNamedByCode(unit, position) { continue }
        plan.elementIndices[Int(unit.bases.element) + position] = index
        plan.keptElements.append(ElementReference(unit: unit.index, index: UInt32(position)))
        index += 1
      }
    }
    var declared: Set<SymbolID> = []
    for unit in resolution.inLinkOrder {
      for symbol in unit.codeFacts.namedFunctions.sorted() {
        let id = unit.symbolIDs[Int(symbol)]
        let target = resolution.symbol(id)
        let isPresent =
          target.isDefined ? plan.functionIndices[Int(target.element)] != none32 : plan.importIndices[id] != nil
        if isPresent, slot(of: id) == noSlot, declared.insert(id).inserted { plan.declaredFunctions.append(id) }
      }
    }
  }

  /// Whether code copies from or drops an element segment that was made table slots.
  private func isNamedByCode(_ unit: Unit, _ position: Int) -> Bool {
    unit.codeFacts.namedElements.contains(UInt32(position))
  }

  /// Runs of filled slots: each becomes an active element segment.
  var slotRuns: [Range<Int>] { plan.slotRuns }
}

extension IndexPlan {
  /// Runs of slots that hold a function, each of which becomes an active element segment.
  var slotRuns: [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (index, id) in slots.enumerated() {
      if id == none32 {
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
