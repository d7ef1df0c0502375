/// A position in one space of the link or of a unit, which cannot be taken for a position in another.
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
}

extension Int {
  /// The position that an index stands for.
  @inline(__always)
  init<Space>(_ index: Index<Space>) { self = Int(index.rawValue) }
}

/// An index or none, in four bytes: an optional takes twice the room, and some tables have a million.
struct PackedIndex<Space>: Equatable, Sendable {
  private let rawValue: UInt32

  static var none: PackedIndex { PackedIndex(nil) }

  @inline(__always)
  init(_ index: Index<Space>?) { rawValue = index?.rawValue ?? none32 }

  @inline(__always)
  var index: Index<Space>? { rawValue == none32 ? nil : Index(rawValue: rawValue) }
}

/// Symbols of the link, in ``SymbolTable/symbols``.
enum LinkSymbols {}

/// Index of a symbol in the link's ``SymbolTable``.
typealias SymbolID = Index<LinkSymbols>

/// Units of the link, in the order in which names were resolved.
enum LinkUnits {}

/// Index of a unit in the link.
typealias UnitID = Index<LinkUnits>

extension UnitID {
  /// The linker's own unit, which comes first.
  static var own: UnitID { UnitID(rawValue: 0) }
}

extension Array where Element: ModuleView {
  /// The unit at its place among all units.
  @inline(__always)
  subscript(unit: UnitID) -> Element {
    get { self[Int(unit)] }
    set { self[Int(unit)] = newValue }
  }

  /// The same, where there may be none.
  subscript(unit: UnitID?) -> Element? { unit.map { self[Int($0)] } }
}
