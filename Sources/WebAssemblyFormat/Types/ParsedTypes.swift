/// The types of one file, as flat arrays over the file's bytes, which must outlive them.
public struct ParsedTypes: Sendable {
  /// One type.
  public struct Entry: Sendable {
    /// The definition's bytes in the file, and their hash.
    public let bytes: ByteString
    /// Offset of the definition in the file.
    public let offset: Int
    /// Index into ``ParsedTypes/groups``.
    public let group: UInt32
    /// Where in ``bytes`` the byte stands that encodes ``kind``.
    fileprivate let compositeOffset: UInt32
    public let kind: TypeKind
    /// A function type alone in its group, without supertypes and open subtyping, that names no other type and has
    /// the shortest encoding: with all of those, equal bytes are equal types.
    public let isPlain: Bool
  }

  /// A recursion group: types that may refer to each other. A type outside of one is a group by itself.
  public struct Group: Sendable {
    /// Index of its first type.
    public let first: UInt32
    /// Number of its types; may be 0.
    public let count: UInt32

    /// The indices of its types.
    public var indices: Range<UInt32> { first..<(first + count) }
  }

  public private(set) var entries: [Entry] = []
  public private(set) var groups: [Group] = []

  /// No types: of a file without a type section.
  public init() {}

  /// Reads the content of a type section up to the reader's end (WebAssembly 3.0, Binary Format, Type Section).
  ///
  /// Every type index is below the end of its group, and a supertype's below the type's own.
  ///
  /// - Throws: ``FormatError`` for anything malformed or unsupported, and for bytes behind the last type.
  public init(section reader: inout ByteReader) throws(FormatError) {
    let count = try reader.count(minimumSize: 2)
    entries.reserveCapacity(count)
    groups.reserveCapacity(count)
    var scratch = ByteWriter()
    for _ in 0..<count {
      let first = entries.count
      if reader.peek() == 0x4E {
        reader.offset += 1
        let members = try reader.count(minimumSize: 2)
        for _ in 0..<members { try entry(&reader, groupEnd: first + members, isAlone: false, &scratch) }
      } else if !plainFunction(&reader) {
        try entry(&reader, groupEnd: first + 1, isAlone: true, &scratch)
      }
      // Two bytes a type at least, so that the numbers of types and groups fit.
      groups.append(
        Group(first: UInt32(truncatingIfNeeded: first), count: UInt32(truncatingIfNeeded: entries.count - first)))
    }
    guard reader.isAtEnd else { throw FormatError("bytes behind the last type", at: reader.offset) }
  }

  public var count: Int { entries.count }

  /// The signature of a function type; `nil` for other types, and for an index that is out of range.
  public func functionType(_ index: UInt32) -> FunctionType? {
    guard Int(index) < entries.count else { return nil }
    let entry = entries[Int(index)]
    guard entry.kind == .function else { return nil }
    var reader = entry.bytes.bytes[(Int(entry.compositeOffset) + 1)..<entry.bytes.count]
    return try? FunctionType(&reader)
  }

  /// Reads the usual thing, or leaves the reader where it is.
  private mutating func plainFunction(_ reader: inout ByteReader) -> Bool {
    let start = reader.offset
    var offset = start
    guard reader.remaining >= 3, reader[offset] == 0x60 else { return false }
    offset += 1
    for _ in 0..<2 {
      guard offset < reader.end, reader[offset] < 0x80 else { return false }
      let last = offset + Int(reader[offset])
      guard last < reader.end else { return false }
      while offset < last {
        offset += 1
        guard ValueType.isSimple(reader[offset]) else { return false }
      }
      offset += 1
    }
    reader.offset = offset
    entries.append(
      Entry(
        bytes: ByteString(reader[start..<offset]), offset: start,
        group: UInt32(truncatingIfNeeded: groups.count), compositeOffset: 0, kind: .function, isPlain: true))
    return true
  }

  private mutating func entry(
    _ reader: inout ByteReader, groupEnd: Int, isAlone: Bool, _ scratch: inout ByteWriter
  ) throws(FormatError) {
    let start = reader.offset
    let own = entries.count
    var namesTypes = false
    scratch.removeAll()
    let definition = try TypeDefinition(&reader, rewritingTo: &scratch) {
      (index, offset) throws(FormatError) -> UInt32 in
      namesTypes = true
      guard index < groupEnd else { throw FormatError("type index \(index) is out of range", at: offset) }
      return index
    }
    if let supertype = definition.supertype, supertype >= own {
      throw FormatError("supertype \(supertype) is not defined before type \(own)", at: start)
    }
    let bytes = ByteString(reader[start..<reader.offset])
    let isPlain =
      isAlone && definition.kind == .function && definition.isFinal && !definition.isShared && !namesTypes
      && bytes.bytes.elementsEqual(scratch.bytes)
    entries.append(
      Entry(
        bytes: bytes, offset: start, group: UInt32(truncatingIfNeeded: groups.count),
        compositeOffset: UInt32(truncatingIfNeeded: definition.compositeOffset - start), kind: definition.kind,
        isPlain: isPlain))
  }
}
