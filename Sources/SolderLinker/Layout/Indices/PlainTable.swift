import WebAssemblyFormat

// A plain module's table that becomes that of the whole program: what is in it, and how large it may become.
//
// It keeps what it has; the linker's slots follow, and make it larger. By as many its maximum rises, so that the module
// can still add as many as before, but not above what there are numbers for, nor above the maximum that another module
// imports it with. Of a table of the host no more can be asked for than the import's maximum says.
struct PlainTable {
  private let resolution: Resolution
  private let segments: SegmentOrder
  private let id: SymbolID
  private let symbol: Symbol
  /// The module whose table it is, or who imports it from the host.
  private let owner: Unit
  /// What that module declares.
  let declared: Limits

  /// - Returns: `nil` for a table that the linker makes.
  init?(_ resolution: Resolution, _ id: SymbolID, _ segments: SegmentOrder) {
    let symbol = resolution.symbol(id)
    guard symbol.unit != .own, let owner = resolution.units[symbol.unit], owner.contracts.keepsSlots else { return nil }
    self.resolution = resolution
    self.segments = segments
    self.id = id
    self.symbol = symbol
    self.owner = owner
    if let imported = symbol.imported {
      declared = owner.tableImports[Int(imported)].limits
    } else if symbol.definition != nil {
      declared = owner.tables[symbol.tableID - owner.bases.table].limits
    } else {
      return nil
    }
  }

  // MARK: What is in it

  /// The slots that the owner gives functions, as long as no code may give them others. Of several segments for one slot the
  /// last holds, in the order in which an engine would start the modules.
  var filledSlots: [(slot: SlotIndex, function: SymbolID)] {
    var filled: [(slot: SlotIndex, function: SymbolID)] = []
    var last: [SlotIndex: SymbolID] = [:]  // `nil` for a slot that is null in the end.
    var isChanged = false
    forEachUse { unit, table in
      isChanged = isChanged || unit.codeFacts.changedTables.contains(table)
      guard let facts = unit.lifted else { return }
      for (index, element) in unit.elements.enumerated() where element.table == table {
        guard case .absolute(let start) = element.placement else { continue }
        let isLate = segments.lateElements.contains(unit.bases.element + index)
        for (position, function) in element.functions.enumerated() {
          // Slot 0 is the null pointer of C.
          guard let number = UInt32(exactly: start + UInt64(position)), number > 0, number < .max else { continue }
          let slot = SlotIndex(rawValue: number)
          last[slot] = function.index.map { unit.symbolIDs[facts.symbol($0)] }
          if let id = last[slot], unit === owner, !isLate { filled.append((slot, id)) }
        }
      }
    }
    return isChanged ? [] : filled.filter { last[$0.slot] == $0.function }
  }

  /// Finished modules that have the table in their index space, and its index there.
  private func forEachUse(_ use: (Unit, TableIndex) -> Void) {
    for unit in segments.units where unit.contracts.keepsPlaces {
      guard let facts = unit.lifted else { continue }
      for index in (0..<unit.tableImports.count + unit.tables.count).lazy.map({ TableIndex($0) }) {
        let own = unit.symbolIDs[facts.symbol(index)]
        let other = resolution.symbol(own)
        let isSame =
          symbol.definition != nil && other.kind == .table && other.definition == symbol.definition
        if own == id || isSame { use(unit, index) }
      }
    }
  }

  // MARK: How large it is

  /// Its limits when the linker adds slots.
  ///
  /// - Parameters:
  ///   - count: of the slots that were added.
  ///   - end: one past the last of them.
  func limits(with count: Int, end: UInt64, _ diagnostics: Diagnostics) -> Limits {
    guard count > 0 else { return declared }
    var limits = declared
    limits.minimum = max(declared.minimum, end)
    let bound = symbol.isDefined ? largestForImporters : declared.maximum.map { (owner, $0) }
    if let (importer, maximum) = bound, maximum < end {
      diagnostics.error(
        "\(importer.file.displayName): imports a table of at most \(maximum) slots, but \(end) are needed (let the import "
          + "have a larger maximum)", .table, in: importer.file.displayName)
    }
    guard symbol.isDefined else { return limits }
    if let maximum = declared.maximum {
      let most = declared.is64 ? UInt64.max : UInt64(UInt32.max)
      let wanted = min(maximum.saturatingSum(UInt64(count)), bound?.maximum ?? most, most)
      limits.maximum = max(limits.minimum, maximum, wanted)
    }
    checkElements(diagnostics)
    return limits
  }

  /// The smallest maximum that a module imports the table with.
  private var largestForImporters: (importer: Unit, maximum: UInt64)? {
    var smallest: (importer: Unit, maximum: UInt64)?
    forEachUse { unit, index in
      guard unit !== owner, unit.contracts.keepsSlots, Int(index) < unit.tableImports.count,
        let maximum = unit.tableImports[Int(index)].limits.maximum, maximum < smallest?.maximum ?? .max
      else { return }
      smallest = (unit, maximum)
    }
    return smallest
  }

  /// A segment beyond its table makes the module fail to start; a table that became larger must not hide that.
  private func checkElements(_ diagnostics: Diagnostics) {
    var values = KnownGlobals(resolution)
    forEachUse { unit, index in
      for (position, element) in unit.elements.enumerated() where element.table == index {
        guard let offset = element.offset, let value = values.address(offset, in: unit) else { continue }
        let start = declared.is64 ? value : value & 0xFFFF_FFFF
        let end = start.saturatingSum(UInt64(element.count))
        if end > declared.minimum {
          diagnostics.error(
            "\(unit.file.displayName): element segment \(position) at [\(start), \(end)) lies beyond its table, which has "
              + "\(declared.minimum) slots: it could not start (let the table have more)", .table,
            in: unit.file.displayName)
        }
      }
    }
  }
}
