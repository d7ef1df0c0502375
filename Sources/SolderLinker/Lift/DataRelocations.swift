import WebAssemblyFormat

/// Makes relocations of a library's data from the stores that its start-up code does.
struct DataRelocations {
  private typealias Store = PerformedStores.Store

  private let unit: ModuleDraft
  private let facts: LiftedFacts
  private let block: SegmentIndex

  /// - Returns: `nil` for a module without a block of memory.
  init?(_ unit: ModuleDraft, _ facts: LiftedFacts) {
    guard let block = facts.memoryBlock else { return nil }
    self.unit = unit
    self.facts = facts
    self.block = block.segment
  }

  /// - Parameter stores: in the order in which they are done, none of which overlaps another in part.
  func add(_ stores: [PerformedStores.Store]) {
    guard !stores.isEmpty else { return }
    let last = lastInEachPlace(stores)
    addSegmentsForUninitialised(last)
    attach(last)
  }

  /// Adds stores to a segment that is not a piece of the block, counted from its first byte; none overlaps another.
  func add(_ stores: [PerformedStores.Store], to segment: Int) {
    guard !stores.isEmpty else { return }
    let missing = unit.segments.count - unit.declaredRelocations.segments.count
    unit.declaredRelocations.segments += Array(repeating: RelocationRange(), count: max(0, missing))
    attach(stores.sorted { $0.offset < $1.offset }[...], to: segment, from: 0)
  }

  /// The last store to each place, in the order of the places.
  private func lastInEachPlace(_ stores: [Store]) -> [Store] {
    // Producers write them in the order of their addresses.
    if zip(stores, stores.dropFirst()).allSatisfy({ $0.offset < $1.offset }) { return stores }
    let sorted = stores.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
    var last: [Store] = []
    for (_, store) in sorted {
      if last.last?.offset == store.offset { last.removeLast() }
      last.append(store)
    }
    return last
  }

  /// Relocated places that no segment initialises get zero bytes of their own: never more than they need, since the
  /// bytes around them may belong to a piece.
  private func addSegmentsForUninitialised(_ stores: [Store]) {
    let pieces = unit.pieces(ofBlock: block)
    var next = 0
    var run: (start: UInt64, end: UInt64)?
    func finish() {
      guard let (start, end) = run else { return }
      var segment = Segment(
        name: ByteString(".data"), size: end - start, content: unit.arena.zeros(Int(end - start)))
      segment.placement = .inside(segment: block, offset: start)
      unit.segments.append(segment)
      run = nil
    }
    for store in stores {
      let end = store.offset + UInt64(store.width)
      // The first piece that ends behind the run, or else behind the place.
      while next < pieces.count, pieces[next].end <= run?.end ?? store.offset { next += 1 }
      if let current = run, store.offset <= current.end + 64, next == pieces.count || pieces[next].start >= end {
        run = (current.start, max(current.end, end))
        continue
      }
      while next < pieces.count, pieces[next].end <= store.offset { next += 1 }
      if next < pieces.count, pieces[next].start <= store.offset, end <= pieces[next].end { continue }
      finish()
      run = (store.offset, end)
    }
    finish()
  }

  private func attach(_ stores: [Store]) {
    unit.declaredRelocations.segments = Array(repeating: RelocationRange(), count: unit.segments.count)
    var next = 0
    for piece in unit.pieces(ofBlock: block) {
      while next < stores.count, stores[next].offset < piece.start { next += 1 }
      let first = next
      while next < stores.count, stores[next].offset + UInt64(stores[next].width) <= piece.end { next += 1 }
      attach(stores[first..<next], to: piece.segment, from: piece.start)
    }
  }

  /// Gives a segment, which begins at `start`, its relocations.
  private func attach(_ stores: ArraySlice<Store>, to segment: Int, from start: UInt64) {
    let first = UInt32(unit.relocations.count)
    var numbers: [Store] = []
    for store in stores {
      if let relocation = relocation(store, from: start) {
        unit.relocations.append(relocation)
      } else {
        numbers.append(store)
      }
    }
    unit.declaredRelocations.segments[segment] = RelocationRange(start: first, end: UInt32(unit.relocations.count))
    write(numbers, to: segment, from: start)
  }

  /// Plain numbers become data. The file is as it is, so the segment gets bytes of its own.
  private func write(_ stores: [Store], to segment: Int, from start: UInt64) {
    guard !stores.isEmpty else { return }
    var bytes = Array(unit.segments[segment].content)
    for store in stores {
      for position in 0..<Int(store.width) {
        // Little endian, as all of WebAssembly's memory.
        bytes[Int(store.offset - start) + position] = UInt8(
          truncatingIfNeeded: store.value.addend >> Int64(8 * position))
      }
    }
    unit.segments[segment].content = unit.arena.copy(bytes)
  }

  /// What a store becomes; `nil` for a plain number.
  private func relocation(_ store: Store, from start: UInt64) -> Relocation? {
    let isWide = store.width == 8
    let kind: RelocationKind
    var target: SymbolIndex?
    var addend = store.value.addend
    switch store.value.base {
    case .memory(let symbol): (kind, target) = (isWide ? .memoryAddressI64 : .memoryAddressI32, symbol)
    case .slot(let symbol): (kind, target) = (isWide ? .tableIndexI64 : .tableIndexI32, symbol)
    case .tableBlock:
      kind = isWide ? .tableIndexI64 : .tableIndexI32
      target = facts.symbol(atSlot: addend)
      // Otherwise it counts from the block.
      if target != nil { addend = 0 }
    case .number: return nil
    }
    var relocation = Relocation(
      kind, at: UInt32(store.offset - start), width: store.width,
      target: target?.rawValue ?? Relocation.noTarget)
    unit.setAddend(addend, of: &relocation)
    return relocation
  }
}

extension ModuleDraft {
  /// Pieces of a block that hold bytes, by their offset.
  func pieces(ofBlock block: SegmentIndex) -> [(start: UInt64, end: UInt64, segment: Int)] {
    var result: [(start: UInt64, end: UInt64, segment: Int)] = []
    for (index, segment) in segments.enumerated() where segment.count > 0 {
      if case .inside(block, let offset) = segment.placement {
        result.append((offset, offset + UInt64(segment.count), index))
      }
    }
    return result.sorted { ($0.start, $0.segment) < ($1.start, $1.segment) }
  }
}
