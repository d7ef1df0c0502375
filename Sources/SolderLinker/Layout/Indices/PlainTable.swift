import WebAssemblyFormat

// What finished modules have in the table that function pointers index, and how large it may become.
//
// A whole module knows the slots of its functions by number: in a table of its own, which becomes that of the whole
// program, or in the host's, which it imports as `env.__indirect_function_table`. It keeps what it has, and the linker's
// slots come behind: behind what every such module says that the table has, and behind all that their segments fill, as a
// table of the host may be larger than its importers say. A library may fill slots by number as well, if its makers did
// not keep to the convention; nobody else's may be the same.
//
// A table that a module defines becomes larger by the linker's slots. By as many its maximum rises, so that the module can
// still add as many as before, but not above what there are numbers for, nor above the maximum that another module
// imports it with. Of a table of the host no more can be asked for than the imports' maxima say.
struct PlainTable {
  private let resolution: Resolution
  private let order: SegmentOrder
  private let symbol: Symbol
  /// Finished modules that have the table in their index space, in the order in which they start, and its index there.
  private let users: [(unit: Unit, index: TableIndex)]
  /// What whole modules say that it is: the one that defines it, or all who import it from the host.
  let declared: Limits?
  private var segments: [FilledSlots] = []

  /// An active segment of a finished module, other than for slots that the linker gives it.
  private struct FilledSlots {
    let unit: Unit
    /// Index of the segment in the unit.
    let position: Int
    /// `nil` where only the host knows.
    let range: Range<UInt64>?

    var element: ElementSegment { unit.elements[position] }
  }

  init(_ resolution: Resolution, _ id: SymbolID, _ order: SegmentOrder) {
    self.resolution = resolution
    self.order = order
    symbol = resolution.symbol(id)
    users = PlainTable.users(of: symbol, resolution, order)
    if symbol.isDefined {
      let owner: Unit = resolution.units[symbol.definer]
      declared = owner.contracts.keepsSlots ? owner.tables[symbol.tableID - owner.bases.table].limits : nil
    } else {
      // What they import was made what all of them ask for.
      declared = users.first { $0.unit.contracts.keepsSlots }.map { $0.unit.tableImports[Int($0.index)].limits }
    }
    findSegments()
  }

  /// Finished modules that have the table: the same definition, or the same import from the host.
  private static func users(
    of symbol: Symbol, _ resolution: Resolution, _ order: SegmentOrder
  ) -> [(unit: Unit, index: TableIndex)] {
    func isSame(_ other: Symbol) -> Bool {
      guard other.kind == .table, other.isDefined == symbol.isDefined else { return false }
      if symbol.isDefined { return other.definition == symbol.definition }
      return resolution.table.importName(of: other) == resolution.table.importName(of: symbol)
    }
    var users: [(unit: Unit, index: TableIndex)] = []
    for unit in order.units where unit.contracts.keepsPlaces {
      guard let facts = unit.lifted else { continue }
      for index in (0..<unit.tableImports.count + unit.tables.count).lazy.map({ TableIndex($0) })
      where isSame(resolution.symbol(unit.symbolIDs[facts.symbol(index)])) {
        users.append((unit, index))
      }
    }
    return users
  }

  // MARK: What is in it

  private mutating func findSegments() {
    var values = KnownGlobals(resolution)
    for (unit, index) in users {
      for (position, element) in unit.elements.enumerated() where element.table == index && element.count > 0 {
        guard let offset = element.offset, !unit.isInTableBlock(offset) else { continue }
        let range = values.address(offset, in: unit).map { value in
          let start = unit.tableLimits(index).is64 ? value : value & 0xFFFF_FFFF
          return start..<start.saturatingSum(UInt64(element.count))
        }
        segments.append(FilledSlots(unit: unit, position: position, range: range))
      }
    }
  }

  /// Whether code of a finished module adds slots to it.
  var isGrown: Bool {
    users.contains { $0.unit.codeFacts.grownTables.contains($0.index) }
  }

  /// One past the last slot that is not the linker's; 0 if there is none.
  var end: UInt64 { segments.reduce(declared?.minimum ?? 0) { max($0, $1.range?.upperBound ?? 0) } }

  /// The slots that whole modules give functions in their table, or in the host's, as long as no code may give them others.
  /// Of several segments for one slot the last holds, in the order in which an engine would start the modules.
  var filledSlots: [(slot: SlotIndex, function: SymbolID)] {
    guard declared != nil, segments.allSatisfy({ $0.range != nil }),
      !users.contains(where: { $0.unit.codeFacts.changedTables.contains($0.index) })
    else { return [] }
    var filled: [(slot: SlotIndex, function: SymbolID)] = []
    var last: [SlotIndex: SymbolID] = [:]  // `nil` for a slot that is null in the end, or no function by name.
    for segment in segments {
      guard let range = segment.range, let facts = segment.unit.lifted else { continue }
      let (unit, element) = (segment.unit, segment.element)
      let isOwners = unit.contracts.keepsSlots && (symbol.isUndefined || symbol.unit == unit.index)
      let isLate = order.lateElements.contains(unit.bases.element + segment.position)
      for position in 0..<Int(element.count) {
        // Slot 0 is the null pointer of C.
        let (number, isTooLarge) = range.lowerBound.addingReportingOverflow(UInt64(position))
        guard !isTooLarge, let number = UInt32(exactly: number), number > 0, number < .max else { continue }
        let slot = SlotIndex(rawValue: number)
        last[slot] = (element.functions[checked: position]?.index).map { unit.symbolIDs[facts.symbol($0)] }
        if let id = last[slot], isOwners, !isLate { filled.append((slot, id)) }
      }
    }
    return filled.filter { last[$0.slot] == $0.function }
  }

  // MARK: How large it is

  /// The limits that whole modules want, when the linker adds slots.
  ///
  /// - Parameters:
  ///   - declared: what they say that the table is.
  ///   - count: of the slots that were added.
  ///   - end: one past the last of them.
  func limits(_ declared: Limits, with count: Int, end: UInt64, _ diagnostics: Diagnostics) -> Limits {
    guard count > 0 else { return declared }
    var limits = declared
    limits.minimum = max(declared.minimum, end)
    let bound = largestForImporters
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
    return limits
  }

  /// The smallest maximum that a module imports the table with.
  private var largestForImporters: (importer: Unit, maximum: UInt64)? {
    var smallest: (importer: Unit, maximum: UInt64)?
    for (unit, index) in users where unit.contracts.keepsSlots && Int(index) < unit.tableImports.count {
      guard let maximum = unit.module.tableImports[Int(index)].limits.maximum, maximum < smallest?.maximum ?? .max
      else { continue }
      smallest = (unit, maximum)
    }
    return smallest
  }

  // MARK: Checks

  /// Refuses what slots of the linker's could not stand beside.
  func checkBesideSlots(is64: Bool, _ diagnostics: Diagnostics) {
    checkType(is64: is64, diagnostics)
    for segment in segments {
      let name = segment.unit.file.displayName
      guard let range = segment.range else {
        // In a table that a module defines, its segments are inside of what it says that there is.
        if symbol.isDefined, declared != nil { continue }
        diagnostics.error(
          "\(name): element segment \(segment.position) begins at a slot of \(symbol.name) that only the host knows, which "
            + "may be one of the functions that others point to (let it begin at a constant, or at __table_base in a "
            + "shared library)", .table, symbol: symbol.name, in: name)
        continue
      }
      // It makes the module fail to start; a table that became larger must not hide that.
      if symbol.isDefined, let declared, range.upperBound > declared.minimum {
        diagnostics.error(
          "\(name): element segment \(segment.position) at [\(range.lowerBound), \(range.upperBound)) lies beyond its "
            + "table, which has \(declared.minimum) slots: it could not start (let the table have more)", .table,
          in: name)
      }
    }
  }

  /// Function pointers index a table of functions, by numbers as wide as addresses.
  private func checkType(is64: Bool, _ diagnostics: Diagnostics) {
    for (unit, index) in users where symbol.isUndefined && unit.contracts.keepsSlots {
      let entry = unit.module.tableImports[Int(index)]
      let type = unit.valueType(entry.declaration, entry.elementType, unit.typeIDs)
      if type == .funcref, entry.limits.is64 == is64 { continue }
      diagnostics.error(
        "\(unit.file.displayName): imports \(entry.module).\(entry.name) as "
          + "\(resolution.types.text(of: .table(type, entry.limits))), but function pointers of others need it to be a "
          + "table of funcref with \(is64 ? 64 : 32)-bit indices", .table, symbol: entry.name,
        in: unit.file.displayName)
    }
  }

  /// Refuses slots that a library fills by number and another module fills too, or has for its own.
  func checkLibraries(_ diagnostics: Diagnostics) {
    guard segments.contains(where: { !$0.unit.contracts.keepsSlots }) else { return }
    let sorted = segments.compactMap { segment in segment.range.map { (segment, $0) } }
      .sorted { $0.1.lowerBound < $1.1.lowerBound }
    guard var (furthest, other) = sorted.first else { return }
    for (segment, range) in sorted.dropFirst() {
      let isLibrarys = !segment.unit.contracts.keepsSlots || !furthest.unit.contracts.keepsSlots
      if range.lowerBound < other.upperBound, segment.unit !== furthest.unit, isLibrarys {
        let names = (segment.unit.file.displayName, furthest.unit.file.displayName)
        diagnostics.error(
          "\(names.0): element segment \(segment.position) at [\(range.lowerBound), \(range.upperBound)) fills the same slots "
            + "as that of \(names.1) at [\(other.lowerBound), \(other.upperBound)) (let the library's begin at __table_base)",
          .table, in: names.0, names.1)
      }
      if range.upperBound > other.upperBound { (furthest, other) = (segment, range) }
    }
  }
}

extension Unit {
  /// Whether a segment of a library begins in its block of slots, which the linker places.
  fileprivate func isInTableBlock(_ offset: Fragment) -> Bool {
    SymbolicEvaluator(file, globals: lifted?.globals ?? []).value(of: offset)?.base == .tableBlock
  }

  fileprivate func tableLimits(_ index: TableIndex) -> Limits {
    let imported = tableImports.count
    return Int(index) < imported ? tableImports[Int(index)].limits : tables[Int(index) - imported].limits
  }
}
