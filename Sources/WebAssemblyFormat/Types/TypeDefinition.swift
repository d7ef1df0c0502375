/// What a type of the type section defines (WebAssembly 3.0, Binary Format, Composite Types).
public enum TypeKind: UInt8, Sendable {
  case function = 0x60
  case structure = 0x5F
  case array = 0x5E
  case continuation = 0x5D
}

/// One definition of the type section, supertypes and all, while it is being read or rewritten.
///
/// The one place that knows how a definition is laid out. It reads, hands every type index to a closure, and writes
/// the definition in its shortest encoding with the indices that the closure returns.
public struct TypeDefinition: Sendable {
  public let kind: TypeKind
  public let isFinal: Bool
  /// Whether threads may share its values (shared-everything threads).
  public let isShared: Bool
  /// The declared supertype, as the type index before mapping.
  public let supertype: UInt32?
  /// Offset of the byte that encodes ``kind``.
  public let compositeOffset: Int
  /// Number of bytes written before that byte was written again.
  public let rewrittenOffset: Int

  /// Reads one definition.
  ///
  /// - Parameters:
  ///   - writer: Gets the definition with mapped indices.
  ///   - map: From a type index and its offset to the index to write.
  /// - Throws: ``FormatError`` for an unknown or malformed definition.
  public init(
    _ reader: inout ByteReader, rewritingTo writer: inout ByteWriter,
    map: (_ index: UInt32, _ offset: Int) throws(FormatError) -> UInt32
  ) throws(FormatError) {
    let writtenBefore = writer.count
    var isFinal = true
    var supertype: UInt32?
    if let first = reader.peek(), first == 0x50 || first == 0x4F {
      isFinal = first == 0x4F
      reader.offset += 1
      let start = reader.offset
      let count = try reader.count()
      guard count <= 1 else { throw FormatError("type with \(count) supertypes", at: start) }
      if count == 1 {
        let place = reader.offset
        let index = try reader.u32()
        supertype = index
        writer.byte(first)
        writer.byte(1)
        writer.u32(try map(index, place))
      } else if !isFinal {
        writer.byte(first)
        writer.byte(0)
      }
    }
    self.isFinal = isFinal
    self.supertype = supertype
    isShared = reader.peek() == ValueType.sharedPrefix
    if isShared { writer.byte(try reader.byte()) }
    // What it describes, and what describes it (custom descriptors).
    for prefix in [0x4C, 0x4D] as [UInt8] where reader.peek() == prefix {
      writer.byte(try reader.byte())
      let place = reader.offset
      writer.u32(try map(try reader.u32(), place))
    }
    compositeOffset = reader.offset
    let code = try reader.byte()
    guard let kind = TypeKind(rawValue: code) else {
      throw FormatError("unknown type definition 0x\(String(code, radix: 16))", at: compositeOffset)
    }
    self.kind = kind
    rewrittenOffset = writer.count - writtenBefore
    writer.byte(code)
    switch kind {
    case .function:
      try TypeDefinition.valueTypes(&reader, &writer, map)
      try TypeDefinition.valueTypes(&reader, &writer, map)
    case .structure:
      let count = try reader.count(minimumSize: 2)
      writer.count(count)
      for _ in 0..<count { try TypeDefinition.field(&reader, &writer, map) }
    case .array: try TypeDefinition.field(&reader, &writer, map)
    case .continuation:
      let start = reader.offset
      guard case .concrete(let index) = try reader.heapType() else {
        throw FormatError("continuation of something that is no type index", at: start)
      }
      writer.s33(Int64(try map(index, start)))
    }
  }

  private typealias Map = (UInt32, Int) throws(FormatError) -> UInt32

  private static func valueTypes(
    _ reader: inout ByteReader, _ writer: inout ByteWriter, _ map: Map
  ) throws(FormatError) {
    let count = try reader.count()
    writer.count(count)
    for _ in 0..<count {
      let start = reader.offset
      writer.valueType(try mapped(try reader.valueType(), at: start, map))
    }
  }

  private static func field(
    _ reader: inout ByteReader, _ writer: inout ByteWriter, _ map: Map
  ) throws(FormatError) {
    let start = reader.offset
    writer.valueType(try mapped(try reader.storageType(), at: start, map))
    let mutability = try reader.byte()
    guard mutability < 2 else { throw FormatError("malformed mutability", at: reader.offset - 1) }
    writer.byte(mutability)
  }

  private static func mapped(_ type: ValueType, at start: Int, _ map: Map) throws(FormatError) -> ValueType {
    guard let index = type.typeIndex else { return type }
    return type.withTypeIndex(try map(index, start + 1))
  }
}
