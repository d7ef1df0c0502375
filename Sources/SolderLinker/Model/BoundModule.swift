import WebAssemblyFormat

/// A module that has been taken into the link, while names are resolved.
final class BoundModule: Sendable, ModuleView {
  let module: InputModule
  /// Index among the units.
  let index: UnitID
  /// For each type, its index among all types of the link.
  let typeIDs: Row<UnitTypes, TypeID>
  /// For each COMDAT group, whether another unit's group of that name was chosen instead.
  let discardedComdats: [Bool]

  init(_ module: InputModule, index: UnitID, typeIDs: Row<UnitTypes, TypeID>, discardedComdats: [Bool]) {
    self.module = module
    self.index = index
    self.typeIDs = typeIDs
    self.discardedComdats = discardedComdats
  }

  func isDiscarded(comdat: PackedIndex<UnitComdats>) -> Bool {
    comdat.index.map { discardedComdats[Int($0)] } ?? false
  }
}
