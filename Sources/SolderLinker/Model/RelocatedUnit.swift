/// A unit whose relocations are being followed or applied, with the arrays that every relocation looks into taken out of
/// the object: reaching into an object costs a check for overlapping accesses each time.
struct RelocatedUnit {
  let unit: Unit
  let relocations: [Relocation]
  let symbolIDs: Row<UnitSymbols, SymbolID>

  init(_ unit: Unit) {
    self.unit = unit
    relocations = unit.relocations
    symbolIDs = unit.symbolIDs
  }

  /// A unit with relocations that it did not come with; none of them has an addend of more than 32 bits.
  init(_ unit: Unit, _ relocations: [Relocation]) {
    self.unit = unit
    self.relocations = relocations
    symbolIDs = unit.symbolIDs
  }
}
