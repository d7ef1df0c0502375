import WebAssemblyFormat

/// Where a unit's definitions begin among those of all units.
struct DefinitionBases {
  var function = FunctionID(0)
  var segment = SegmentID(0)
  var global = GlobalID(0)
  var tag = TagID(0)
  var table = TableID(0)
  var element = ElementID(0)
  var custom = CustomSectionID(0)

  /// Where definitions of a kind begin.
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
    guard let definition else { preconditionFailure("a symbol without a definition has none to number") }
    return Index(rawValue: definition.rawValue)
  }
}
