import WebAssemblyFormat

// What units define, in one row for all units of the link.
//
// A unit counts its own functions, segments, … from 0; ``DefinitionBases`` say where they begin among those of all units.
// What a pass finds out about each is a ``Row``, which only takes the indices of its kind.

/// Functions that units define, of all units in one row.
enum LinkFunctions {}
/// Data segments of all units in one row.
enum LinkSegments {}
/// Globals that units define, of all units in one row.
enum LinkGlobals {}
/// Tags that units define, of all units in one row.
enum LinkTags {}
/// Tables that units define, of all units in one row.
enum LinkTables {}
/// Element segments of all units in one row.
enum LinkElements {}
/// Custom sections of all units in one row.
enum LinkCustomSections {}

/// Index of a function that a unit defines, among those of all units.
typealias FunctionID = Index<LinkFunctions>
/// Index of a data segment among those of all units.
typealias SegmentID = Index<LinkSegments>
/// Index of a global that a unit defines, among those of all units.
typealias GlobalID = Index<LinkGlobals>
/// Index of a tag that a unit defines, among those of all units.
typealias TagID = Index<LinkTags>
/// Index of a table that a unit defines, among those of all units.
typealias TableID = Index<LinkTables>
/// Index of an element segment among those of all units.
typealias ElementID = Index<LinkElements>
/// Index of a custom section among those of all units.
typealias CustomSectionID = Index<LinkCustomSections>

extension Index {
  /// The index of what stands `offset` places behind another.
  @inline(__always)
  static func + (base: Index, offset: Int) -> Index { Index(Int(base) + offset) }

  @inline(__always)
  static func + (base: Index, offset: UInt32) -> Index { Index(rawValue: base.rawValue + offset) }

  /// How many places an index stands behind another, as a unit's definition behind the unit's first.
  @inline(__always)
  static func - (index: Index, base: Index) -> Int { Int(index) - Int(base) }
}

/// A value for everything in a space.
struct Row<Space, Value> {
  private(set) var values: [Value]

  init(_ values: [Value] = []) { self.values = values }

  init(repeating value: Value, count: Int) { values = Array(repeating: value, count: count) }

  var count: Int { values.count }

  @inline(__always)
  subscript(index: Index<Space>) -> Value {
    get { values[Int(index)] }
    _modify { yield &values[Int(index)] }
  }

  /// The value at an index that may lie beyond the space.
  subscript(checked index: Index<Space>) -> Value? { values[checked: Int(index)] }

  /// Gives everything a new value.
  mutating func replaceAll(_ replacement: (Value) -> Value) {
    for position in values.indices { values[position] = replacement(values[position]) }
  }
}

extension Row: Sendable where Value: Sendable {}

/// Where a unit's definitions begin among those of all units.
struct DefinitionBases {
  var function = FunctionID(0)
  var segment = SegmentID(0)
  var global = GlobalID(0)
  var tag = TagID(0)
  var table = TableID(0)
  var element = ElementID(0)
  var custom = CustomSectionID(0)

  func base(of kind: SymbolKind) -> UInt32 {
    switch kind {
    case .function: function.rawValue
    case .data: segment.rawValue
    case .global: global.rawValue
    case .section: custom.rawValue
    case .tag: tag.rawValue
    case .table: table.rawValue
    }
  }
}

// What a defined symbol is, when the definitions of all units have been numbered.
extension Symbol {
  @inline(__always)
  var functionID: FunctionID { id(.function) }
  @inline(__always)
  var segmentID: SegmentID { id(.data) }
  @inline(__always)
  var globalID: GlobalID { id(.global) }
  @inline(__always)
  var tagID: TagID { id(.tag) }
  @inline(__always)
  var tableID: TableID { id(.table) }
  @inline(__always)
  var customSectionID: CustomSectionID { id(.section) }

  @inline(__always)
  private func id<Space>(_ expected: SymbolKind) -> Index<Space> {
    assert(kind == expected)
    return Index(rawValue: definition)
  }
}
