import WebAssemblyFormat

extension NumberingPass {
  /// Numbers element segments that are kept, behind the one that fills the linker's slots, and finds functions that
  /// need a declaration.
  mutating func numberElementSegments() {
    var index = OutputElementIndex(table.runs.count)
    // An object's segments only say which functions its code points to, as its relocations do.
    for unit in startUp.order.segments.units where unit.contracts.keepsElementSegments {
      for (position, element) in unit.elements.enumerated() where live.elements[unit.bases.element + position] {
        if case .block = element.placement, !isNamedByCode(unit, position) { continue }
        result.elementIndices[unit.bases.element + position] = PackedIndex(index)
        result.keptElements.append(DefinitionReference(unit: unit.index, index: UInt32(position)))
        index = index + 1
      }
    }
    var declared: Set<SymbolID> = []
    for unit in resolution.inLinkOrder {
      for symbol in unit.codeFacts.namedFunctions.sorted() {
        let id = unit.symbolIDs[symbol]
        let target = resolution.symbol(id)
        let isPresent =
          target.isDefined ? result.functionIndices[target.functionID] != .none : imports.indices[id] != nil
        if isPresent, table.slot(of: target, id) == nil, declared.insert(id).inserted {
          result.declaredFunctions.append(id)
        }
      }
    }
  }

  /// Whether code copies from or drops an element segment that was made table slots.
  private func isNamedByCode(_ unit: Unit, _ position: Int) -> Bool {
    unit.codeFacts.namedElements.contains(ElementIndex(position))
  }
}
