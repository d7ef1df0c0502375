/// What start-up code that stays for run time may touch: nothing of it may be done earlier, at link time.
struct KeptEffects {
  private var anyMemory = false
  private var anyGlobal = false
  /// Offsets in the unit's block.
  private var ranges: [Range<Int64>] = []
  private var globals: Set<GlobalIndex> = []

  /// Whether nothing stays that anybody could notice.
  var isEmpty: Bool { !anyMemory && !anyGlobal && ranges.isEmpty && globals.isEmpty }

  /// - Parameter range: offsets in the unit's block; `nil` for any place in memory.
  mutating func touchMemory(_ range: Range<Int64>?) {
    guard let range else {
      anyMemory = true
      return
    }
    // So many that looking through them would take long: all between the first and the last.
    if ranges.count == 64 {
      let first = ranges.reduce(range.lowerBound) { min($0, $1.lowerBound) }
      ranges = [first..<ranges.reduce(range.upperBound) { max($0, $1.upperBound) }]
    } else {
      ranges.append(range)
    }
  }

  mutating func touchGlobal(_ index: GlobalIndex) { globals.insert(index) }

  /// Code of which nothing is known may do anything.
  mutating func touchEverything() { (anyMemory, anyGlobal) = (true, true) }

  func touches(_ range: Range<Int64>) -> Bool { anyMemory || ranges.contains { $0.overlaps(range) } }
  func touches(global: GlobalIndex) -> Bool { anyGlobal || globals.contains(global) }
}

/// Stores that are done at link time.
///
/// No place is written by two functions, nor in part by two stores: so any function among them can run once more, whole
/// and in its place, and nothing is different afterwards.
struct PerformedStores {
  struct Store {
    /// Offset in the unit's block.
    var offset: UInt64
    var value: SymbolicValue
    var width: UInt8
    var function: FunctionIndex
  }

  private(set) var stores: [Store] = []
  /// Ranges that were cleared, which they are anyway, each with the function that does it.
  private var cleared: [(range: Range<Int64>, function: FunctionIndex)] = []
  /// One past the last byte that is written.
  private var end: UInt64 = 0
  /// The last store to each four bytes, as far as `stores` was entered. Producers write in the order of the addresses,
  /// so it is hardly ever needed.
  private var cells: [UInt64: Int] = [:]
  private var entered = 0

  /// Adds a store; `false`, and nothing is done, when it and an earlier one are not independent of each other.
  mutating func add(_ store: Store) -> Bool {
    let place = Int64(store.offset)..<Int64(store.offset) + Int64(store.width)
    if cleared.contains(where: { $0.function != store.function && $0.range.overlaps(place) }) { return false }
    if store.offset < end {
      while entered < stores.count {
        for cell in PerformedStores.cells(stores[entered]) { cells[cell] = entered }
        entered += 1
      }
      for cell in PerformedStores.cells(store) {
        guard let other = cells[cell].map({ stores[$0] }) else { continue }
        let isSame = other.offset == store.offset && other.width == store.width && other.function == store.function
        guard isSame else { return false }
      }
    }
    end = max(end, store.offset + UInt64(store.width))
    stores.append(store)
    return true
  }

  /// Notes that a range is cleared; `false` when something is stored there already.
  mutating func clear(_ range: Range<Int64>, function: FunctionIndex) -> Bool {
    guard cleared.count < 64, range.lowerBound >= Int64(end) || stores.isEmpty else { return false }
    cleared.append((range, function))
    return true
  }

  private static func cells(_ store: Store) -> ClosedRange<UInt64> {
    store.offset >> 2...(store.offset + UInt64(store.width) - 1) >> 2
  }
}
