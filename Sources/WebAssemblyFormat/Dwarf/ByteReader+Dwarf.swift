extension ByteReader {
  /// Reads a little-endian number of up to eight bytes.
  @inlinable @inline(__always)
  public mutating func fixed(_ width: Int) throws(FormatError) -> UInt64 {
    width == 4 ? UInt64(try fixed32()) : try fixedSlow(width)
  }

  @usableFromInline
  mutating func fixedSlow(_ width: Int) throws(FormatError) -> UInt64 {
    if width == 8 { return try fixed64() }
    if width == 2 { return UInt64(try fixed16()) }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(try byte()) << UInt64(8 * index) }
    return value
  }

  /// Steps over a string and the null byte behind it.
  @inlinable
  public mutating func skipString() throws(FormatError) {
    while try byte() != 0 {}
  }

  /// Steps over a LEB128 number of any width that the format allows.
  @inlinable @inline(__always)
  public mutating func skipNumber() throws(FormatError) {
    if shortNumber() == nil { try skipLEB(atMost: 10) }
  }

  /// Reads the length that a unit begins with, which also tells how many bytes offsets take in it (DWARF 5, 7.4).
  ///
  /// - Returns: the offset of the unit's end, and 4 or 8.
  public mutating func unitEnd() throws(FormatError) -> (end: Int, offsetSize: Int) {
    let start = offset
    var length = UInt64(try fixed32())
    var offsetSize = 4
    if length == 0xFFFF_FFFF {
      length = try fixed64()
      offsetSize = 8
    } else if length >= 0xFFFF_FFF0 {
      throw FormatError("reserved length of a unit", at: start)
    }
    guard length <= UInt64(remaining) else { throw FormatError("unit reaches beyond its section", at: start) }
    return (offset + Int(length), offsetSize)
  }

  /// The reader, at another offset and up to another end.
  ///
  /// - Throws: ``FormatError`` when that is not in what can be read.
  public func part(from start: UInt64, to limit: Int? = nil) throws(FormatError) -> ByteReader {
    guard let start = Int(exactly: start), start <= limit ?? end, limit ?? end <= end else {
      throw FormatError("offset \(start) is beyond the section", at: end)
    }
    return self[start..<(limit ?? end)]
  }
}
