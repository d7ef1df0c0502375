/// A member of an archive: its name and its bytes.
public struct ArchiveMember: Sendable {
  /// The member's file name; in a thin archive, a path relative to the archive.
  public let name: ByteString
  /// Offset of the member's header in the archive, which the symbol index refers to.
  public let headerOffset: Int
  /// The member's bytes; empty in a thin archive.
  public let content: ByteReader
}

/// An entry of an archive's symbol index: a name, and the header of the member that defines it.
public struct ArchiveSymbol: Sendable {
  public let name: ByteString
  public let headerOffset: Int
}

/// Reads `ar` archives: GNU and BSD long names and symbol tables, and GNU thin archives.
///
/// The format has no specification; ar(5) of GNU binutils and of BSD describe it.
public struct Archive: Sendable {
  public private(set) var members: [ArchiveMember] = []
  /// The symbol index (`/` or `/SYM64/`; BSD's `__.SYMDEF`), in its own order; `nil` when there is none.
  public private(set) var symbols: [ArchiveSymbol]?
  public let isThin: Bool

  private static let headerSize = 60

  /// Splits the archive into its members without looking into them.
  ///
  /// - Throws: ``FormatError`` when a header is damaged or a member reaches beyond the file.
  public init(_ file: ByteReader) throws(FormatError) {
    var reader = file
    guard reader.remaining >= 8 else { throw FormatError("archive is too short", at: file.offset) }
    isThin = file[file.offset + 2] == UInt8(ascii: "t")
    try reader.skip(8)
    var longNames: ByteReader?
    while reader.remaining > 0 {
      let header = reader.offset
      guard reader.remaining >= Archive.headerSize else { throw FormatError("truncated archive header", at: header) }
      let fields = try reader.slice(Archive.headerSize)
      guard file[header + 58] == 0x60, file[header + 59] == 0x0A else {
        throw FormatError("damaged archive header", at: header)
      }
      let size = try Archive.decimal(fields, at: header + 48, count: 10)
      let rawName = Archive.trimmed(file[header..<header + 16])
      let isSpecial = rawName == "/" || rawName == "//" || rawName == "/SYM64/"
      var content: ByteReader
      if isThin && !isSpecial {
        content = file[reader.offset..<reader.offset]
      } else {
        guard size <= reader.remaining else {
          throw FormatError("archive member of \(size) bytes is longer than the rest of the file", at: header)
        }
        content = try reader.slice(size)
        if size & 1 == 1, reader.remaining > 0 { try reader.skip(1) }
      }
      if rawName == "/" {
        try readSymbolIndex(content, wide: false)
      } else if rawName == "/SYM64/" {
        try readSymbolIndex(content, wide: true)
      } else if rawName == "//" {
        longNames = content
      } else {
        let name = try Archive.name(rawName, header: header, longNames: longNames, content: &content)
        if name.hasPrefix("__.SYMDEF") { continue }
        members.append(ArchiveMember(name: name, headerOffset: header, content: content))
      }
    }
  }

  private static func name(
    _ raw: ByteString, header: Int, longNames: ByteReader?, content: inout ByteReader
  ) throws(FormatError) -> ByteString {
    if raw.hasPrefix("#1/") {
      // BSD: the name stands in front of the content.
      let length = try decimal(raw.bytes, at: 3, count: raw.count - 3)
      guard length <= content.remaining else { throw FormatError("archive member's name is too long", at: header) }
      let bytes = try content.slice(length)
      var count = length
      while count > 0, bytes[bytes.offset + count - 1] == 0 { count -= 1 }
      return ByteString(bytes.prefix(count))
    }
    if raw.count > 1, raw[0] == UInt8(ascii: "/") {
      // GNU: an offset into the table of long names, whose entries end in "/\n".
      guard let table = longNames else { throw FormatError("archive has no table of long names", at: header) }
      let offset = try decimal(raw.bytes, at: 1, count: raw.count - 1)
      guard offset < table.remaining else { throw FormatError("archive member's name is out of range", at: header) }
      var name = table.dropFirst(offset).prefix { $0 != 0x0A && $0 != 0 }
      if name.last == UInt8(ascii: "/") { name = name.dropLast() }
      return ByteString(name)
    }
    let hasSlash = raw.bytes.last == UInt8(ascii: "/")
    return hasSlash ? ByteString(raw.bytes.dropLast()) : raw
  }

  private mutating func readSymbolIndex(_ content: ByteReader, wide: Bool) throws(FormatError) {
    var reader = content
    let width = wide ? 8 : 4
    func bigEndian(_ reader: inout ByteReader) throws(FormatError) -> Int {
      var value: UInt64 = 0
      for _ in 0..<width { value = value << 8 | UInt64(try reader.byte()) }
      return Int(truncatingIfNeeded: value & UInt64(Int.max))
    }
    let count = try bigEndian(&reader)
    guard count <= reader.remaining / width else {
      throw FormatError("archive's symbol index is damaged", at: content.offset)
    }
    var offsets: [Int] = []
    offsets.reserveCapacity(count)
    for _ in 0..<count { offsets.append(try bigEndian(&reader)) }
    var result: [ArchiveSymbol] = []
    result.reserveCapacity(count)
    for offset in offsets {
      let name = reader.prefix { $0 != 0 }
      guard name.count < reader.remaining else {
        throw FormatError("archive's symbol index is damaged", at: content.offset)
      }
      try reader.skip(name.count + 1)
      result.append(ArchiveSymbol(name: ByteString(name), headerOffset: offset))
    }
    symbols = result
  }

  private static func trimmed(_ field: ByteReader) -> ByteString {
    var field = field
    while field.last == 0x20 { field = field.dropLast() }
    return ByteString(field)
  }

  private static func decimal(_ bytes: ByteReader, at offset: Int, count: Int) throws(FormatError) -> Int {
    var value = 0
    for position in offset..<(offset + count) {
      let character = bytes[position]
      if character == 0x20 { break }
      guard character >= 0x30, character <= 0x39, value < 1 << 48 else {
        throw FormatError("damaged number in an archive header", at: offset)
      }
      value = value * 10 + Int(character - 0x30)
    }
    return value
  }
}
