/// What a unit of `.debug_info` or `.debug_types` begins with (DWARF 5, 7.5.1). Offsets count from the section.
public struct DwarfUnitHeader: Sendable {
  /// Where the unit begins and ends, and where its first entry is.
  public let start: Int
  public let end: Int
  public let firstEntry: Int
  public let version: Int
  /// Bytes of an offset into a section: 4 or 8.
  public let offsetSize: Int
  /// Bytes of an address: 4 or 8.
  public let addressSize: Int
  /// Offset of its abbreviations in `.debug_abbrev`, and where that is written.
  public let abbreviations: UInt64
  public let abbreviationsField: Int
  /// Whether the rest of the unit is in another file.
  public let isSkeleton: Bool

  /// Reads a header; the reader stands behind the unit afterwards.
  ///
  /// - Parameter isTypes: whether the section is `.debug_types`.
  /// - Throws: ``FormatError`` for what is damaged, and for versions that are not known.
  public init(_ reader: inout ByteReader, isTypes: Bool) throws(FormatError) {
    start = reader.offset
    (end, offsetSize) = try reader.unitEnd()
    var header = reader[reader.offset..<end]
    version = Int(try header.fixed(2))
    guard (2...5).contains(version), !isTypes || version == 4 else {
      throw FormatError("unknown version \(version) of a unit", at: header.offset - 2)
    }
    var kind: UInt8 = 1
    var size: UInt8 = 0
    if version == 5 {
      kind = try header.byte()
      size = try header.byte()
    }
    abbreviationsField = header.offset
    abbreviations = try header.fixed(offsetSize)
    if version < 5 { size = try header.byte() }
    addressSize = Int(size)
    guard addressSize == 4 || addressSize == 8 else {
      throw FormatError("addresses of \(addressSize) bytes", at: header.offset - 1)
    }
    isSkeleton = kind == 4
    switch kind {
    case 1, 3: if isTypes { try header.skip(8 + offsetSize) }
    case 2, 6: try header.skip(8 + offsetSize)
    case 4, 5: try header.skip(8)
    default: throw FormatError("unknown kind \(kind) of a unit", at: start)
    }
    firstEntry = header.offset
    reader.offset = end
  }
}
