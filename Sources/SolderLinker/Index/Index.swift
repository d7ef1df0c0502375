/// A position in one space of the link, of a unit or of the result, which cannot be taken for a position in another.
///
/// There is no number that means "none": where there may be none, the index is an optional, or in large tables a
/// ``PackedIndex``.
struct Index<Space>: Hashable, Comparable, Sendable {
  let rawValue: UInt32

  @inline(__always)
  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The index of a position, which has to fit: counts of what files declare do, as files have fewer bytes.
  @inline(__always)
  init(_ position: Int) { rawValue = UInt32(position) }

  @inline(__always)
  static func < (left: Index, right: Index) -> Bool { left.rawValue < right.rawValue }

  /// The index of what stands `offset` places behind another.
  @inline(__always)
  static func + (base: Index, offset: Int) -> Index { Index(Int(base) + offset) }

  @inline(__always)
  static func + (base: Index, offset: UInt32) -> Index { Index(rawValue: base.rawValue + offset) }

  /// How many places an index stands behind another, as a unit's definition behind the unit's first.
  @inline(__always)
  static func - (index: Index, base: Index) -> Int { Int(index) - Int(base) }
}

extension Int {
  /// The position that an index stands for.
  @inline(__always)
  init<Space>(_ index: Index<Space>) { self = Int(index.rawValue) }
}

/// An index or none, in four bytes: an optional takes twice the room, and some tables have a million.
struct PackedIndex<Space>: Hashable, Sendable {
  /// The index, or `UInt32.max`, which no index is: nothing that is counted fills a file that 32 bits can address.
  private let rawValue: UInt32

  static var none: PackedIndex { PackedIndex(nil) }

  @inline(__always)
  init(_ index: Index<Space>?) { rawValue = index?.rawValue ?? .max }

  @inline(__always)
  var index: Index<Space>? { rawValue == .max ? nil : Index(rawValue: rawValue) }
}

/// A value for everything in a space.
struct Row<Space, Value> {
  private(set) var values: [Value]

  init(_ values: [Value] = []) { self.values = values }

  init(repeating value: Value, count: Int) { values = Array(repeating: value, count: count) }

  var count: Int { values.count }

  /// Of all values, in order.
  var indices: LazyMapSequence<Range<Int>, Index<Space>> { values.indices.lazy.map { Index($0) } }

  mutating func reserveCapacity(_ count: Int) { values.reserveCapacity(count) }

  /// Adds a value behind all others.
  ///
  /// - Returns: its index.
  @discardableResult
  mutating func append(_ value: Value) -> Index<Space> {
    values.append(value)
    return Index(values.count - 1)
  }

  @inline(__always)
  subscript(index: Index<Space>) -> Value {
    get { values[Int(index)] }
    _modify { yield &values[Int(index)] }
  }

  /// The value at an index that may lie beyond the space.
  subscript(checked index: Index<Space>) -> Value? { Int(index) < values.count ? values[Int(index)] : nil }

  /// Gives everything a new value.
  mutating func replaceAll(_ replacement: (Value) -> Value) {
    for position in values.indices { values[position] = replacement(values[position]) }
  }
}

extension Row: Sendable where Value: Sendable {}
