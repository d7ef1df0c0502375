/// The metadata of a shared library: sections `dylink.0` and, before 2021, `dylink`
/// (tool-conventions, DynamicLinking.md).
public struct DylinkSection: Sendable {
  /// Bytes of memory to reserve at `__memory_base`.
  public var memorySize: UInt64 = 0
  /// Log2 of the alignment of that memory, in bytes.
  public var memoryAlignment: UInt32 = 0
  /// Slots to reserve in the function table at `__table_base`.
  public var tableSize: UInt32 = 0
  /// Log2 of the alignment of those slots.
  public var tableAlignment: UInt32 = 0
  /// Whether the section has memory information at all.
  public var hasMemoryInformation = false
  /// Names of the libraries that this one depends on.
  public var needed: [ByteString] = []
  /// Folders in which it looks for those.
  public var runtimePaths: [ByteString] = []
  /// Flags of exports that need some: thread-local or weak ones.
  public var exportFlags: [(name: ByteString, flags: SymbolFlags)] = []
  /// Flags of imports that need some: weak ones.
  public var importFlags: [(module: ByteString, name: ByteString, flags: SymbolFlags)] = []

  public init() {}

  /// Reads the payload of section `dylink.0`. Unknown subsections are skipped.
  ///
  /// - Throws: ``FormatError`` when it is damaged.
  public init(_ payload: ByteReader) throws(FormatError) {
    var reader = payload
    while !reader.isAtEnd {
      let kind = try reader.byte()
      var content = try reader.slice(Int(try reader.u32()))
      switch kind {
      case 1: try readMemoryInformation(&content)
      case 2: try readNeeded(&content)
      case 3:
        for _ in 0..<(try content.count(minimumSize: 2)) {
          exportFlags.append((try content.name(), SymbolFlags(rawValue: try content.u32())))
        }
      case 4:
        for _ in 0..<(try content.count(minimumSize: 3)) {
          importFlags.append((try content.name(), try content.name(), SymbolFlags(rawValue: try content.u32())))
        }
      case 5: for _ in 0..<(try content.count()) { runtimePaths.append(try content.name()) }
      default: break
      }
    }
  }

  /// Reads the payload of the older section `dylink`, which has no subsections.
  ///
  /// - Throws: ``FormatError`` when it is damaged.
  public init(legacy payload: ByteReader) throws(FormatError) {
    var reader = payload
    try readMemoryInformation(&reader)
    if !reader.isAtEnd { try readNeeded(&reader) }
  }

  private mutating func readMemoryInformation(_ reader: inout ByteReader) throws(FormatError) {
    memorySize = UInt64(try reader.u32())
    memoryAlignment = try DylinkSection.alignment(&reader)
    tableSize = try reader.u32()
    tableAlignment = try DylinkSection.alignment(&reader)
    hasMemoryInformation = true
  }

  private mutating func readNeeded(_ reader: inout ByteReader) throws(FormatError) {
    for _ in 0..<(try reader.count()) { needed.append(try reader.name()) }
  }

  private static func alignment(_ reader: inout ByteReader) throws(FormatError) -> UInt32 {
    let start = reader.offset
    let value = try reader.u32()
    guard value < 32 else { throw FormatError("alignment of 2^\(value) is too large", at: start) }
    return value
  }
}
