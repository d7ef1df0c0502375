import WebAssemblyFormat

/// Puts what `dladdr` looks an address up in into the order of addresses, now that these are known.
///
/// Nothing else changes: the unit is made again with the same tables but for one, which has the same size as before.
struct DlopenOrderPass {
  private var resolution: Resolution
  private let live: Liveness
  private let values: [SymbolValue]

  /// An entry of the tables that has an address.
  private struct Entry {
    let number: Int
    let value: UInt64
    let isProgram: Bool
  }

  init(_ resolution: consuming Resolution, _ live: Liveness, _ values: [SymbolValue]) {
    self.resolution = resolution
    self.live = live
    self.values = values
  }

  consuming func run() -> Resolution {
    guard let place = resolution.dlopen else { return resolution }
    let unit = resolution.units[place.unit]
    guard live.segments[unit.bases.segment + DlopenSymbols.addressesSegment] else { return resolution }
    let order = order(unit, place)
    guard let (module, relocations) = place.maker.make(place.contents, targets: place.targets, order: order) else {
      preconditionFailure("tables that were made once can be made again")
    }
    resolution.replace(place.unit, by: module, relocations, targets: [])
    return resolution
  }

  private func order(_ unit: Unit, _ place: DlopenPlace) -> DlopenOrder {
    let libraries = place.contents.libraries
    // Names of libraries come first, then what the program shows.
    let behindProgram = libraries.reduce(0) { $0 + $1.names.count } + (libraries.first?.exports.count ?? 0)
    let segment = DlopenSymbols.entriesSegment
    let firstBlock = Int(unit.segments[segment].size) / DlopenTables.entrySize - libraries.count
    var (functions, data, blocks): ([Entry], [Entry], [Entry]) = ([], [], [])
    for relocation in unit.relocations[unit.segmentRelocations[segment].indices] {
      let number = Int(relocation.offset) / DlopenTables.entrySize
      let isFunction = relocation.kind == .tableIndexI32
      let value = values[Int(unit.symbolIDs[relocation.namedSymbol])]
      // What is weak and missing is null, and null is nobody's address.
      let entry = Entry(
        number: number, value: isFunction ? UInt64(value.slot?.rawValue ?? 0) : value.address ?? 0,
        isProgram: number < behindProgram)
      if isFunction {
        functions.append(entry)
      } else if number < firstBlock {
        data.append(entry)
      } else {
        blocks.append(entry)
      }
    }
    return DlopenOrder(functions: sorted(functions), data: sorted(data), blocks: sorted(blocks))
  }

  /// By address. Of names for the same, the last is what `dladdr` finds: what a library defines is the library's, though the
  /// program shows it as well; then the first in the tables.
  private func sorted(_ entries: [Entry]) -> [Int] {
    entries.sorted { first, second in
      if first.value != second.value { return first.value < second.value }
      if first.isProgram != second.isProgram { return first.isProgram }
      return first.number > second.number
    }.map(\.number)
  }
}
