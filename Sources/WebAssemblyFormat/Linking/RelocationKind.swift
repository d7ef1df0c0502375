/// What a relocation writes and where it comes from.
///
/// The first 27 are those of relocatable objects (tool-conventions, Linking.md, Relocation Sections), with their
/// numbers. Those from 0x80 on are found by lifting finished modules: places in code that no compiler recorded.
@frozen
public enum RelocationKind: UInt8, Sendable {
  case functionIndexLEB = 0
  case tableIndexSLEB = 1
  case tableIndexI32 = 2
  case memoryAddressLEB = 3
  case memoryAddressSLEB = 4
  case memoryAddressI32 = 5
  case typeIndexLEB = 6
  case globalIndexLEB = 7
  case functionOffsetI32 = 8
  case sectionOffsetI32 = 9
  case tagIndexLEB = 10
  case memoryAddressRelativeSLEB = 11
  case tableIndexRelativeSLEB = 12
  case globalIndexI32 = 13
  case memoryAddressLEB64 = 14
  case memoryAddressSLEB64 = 15
  case memoryAddressI64 = 16
  case memoryAddressRelativeSLEB64 = 17
  case tableIndexSLEB64 = 18
  case tableIndexI64 = 19
  case tableNumberLEB = 20
  case memoryAddressTLSSLEB = 21
  case functionOffsetI64 = 22
  case memoryAddressLocationRelativeI32 = 23
  case tableIndexRelativeSLEB64 = 24
  case memoryAddressTLSSLEB64 = 25
  case functionIndexI32 = 26

  /// A type index encoded as a signed 33-bit number: a block type or a heap type.
  case signedTypeIndex = 0x80
  /// An explicit memory index.
  case memoryIndex = 0x81
  /// The alignment field of a memory access, which speaks of memory 0 without naming it.
  case implicitMemory = 0x82
  /// The index of a data segment.
  case dataIndex = 0x83
  /// The index of an element segment.
  case elementIndex = 0x84
  /// `global.get` of something that is a constant after linking: an address in memory.
  case constantMemoryAddress = 0x85
  /// `global.get` of something that is a constant after linking: a slot of the function table.
  case constantTableIndex = 0x86
  /// `global.get` of something that is a constant after linking: an offset from `__tls_base`.
  case constantTLSOffset = 0x87
  /// `global.get` of something that is a constant after linking: a plain number, the addend.
  case constantNumber = 0x88
  /// A call of a function that linking has made superfluous: the whole instruction becomes `nop`s.
  case removedCall = 0x89

  /// Whether an entry of a relocation section of this kind carries an addend.
  @inlinable public var hasAddend: Bool {
    switch self {
    case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressRelativeSLEB, .memoryAddressLEB64, .memoryAddressSLEB64, .memoryAddressI64,
      .memoryAddressRelativeSLEB64, .memoryAddressTLSSLEB, .functionOffsetI64, .memoryAddressLocationRelativeI32,
      .memoryAddressTLSSLEB64:
      true
    default: false
    }
  }

  /// Bytes that the operand takes in an object: five or ten for padded LEB128, four or eight for fixed width.
  @inlinable public var width: Int {
    switch self {
    case .memoryAddressLEB64, .memoryAddressSLEB64, .memoryAddressRelativeSLEB64, .tableIndexSLEB64,
      .tableIndexRelativeSLEB64, .memoryAddressTLSSLEB64:
      10
    case .tableIndexI32, .memoryAddressI32, .functionOffsetI32, .sectionOffsetI32, .globalIndexI32,
      .memoryAddressLocationRelativeI32, .functionIndexI32:
      4
    case .memoryAddressI64, .tableIndexI64, .functionOffsetI64: 8
    default: 5
    }
  }

  /// Whether the value is a slot of the indirect function table.
  @inlinable public var isTableIndex: Bool {
    switch self {
    case .tableIndexSLEB, .tableIndexI32, .tableIndexRelativeSLEB, .tableIndexSLEB64, .tableIndexI64,
      .tableIndexRelativeSLEB64, .constantTableIndex:
      true
    default: false
    }
  }

  /// Whether the value counts from `__memory_base` or `__table_base`.
  @inlinable public var isRelativeToBase: Bool {
    switch self {
    case .memoryAddressRelativeSLEB, .memoryAddressRelativeSLEB64, .tableIndexRelativeSLEB, .tableIndexRelativeSLEB64:
      true
    default: false
    }
  }

  /// The name that the conventions give it, as messages print it (`R_WASM_…`); lifted kinds have none.
  public var conventionalName: String {
    RelocationKind.conventionalNames[Int(rawValue) & 0x7f]
  }

  private static let conventionalNames: [String] = {
    var names = [
      "R_WASM_FUNCTION_INDEX_LEB", "R_WASM_TABLE_INDEX_SLEB", "R_WASM_TABLE_INDEX_I32", "R_WASM_MEMORY_ADDR_LEB",
      "R_WASM_MEMORY_ADDR_SLEB", "R_WASM_MEMORY_ADDR_I32", "R_WASM_TYPE_INDEX_LEB", "R_WASM_GLOBAL_INDEX_LEB",
      "R_WASM_FUNCTION_OFFSET_I32", "R_WASM_SECTION_OFFSET_I32", "R_WASM_TAG_INDEX_LEB",
      "R_WASM_MEMORY_ADDR_REL_SLEB", "R_WASM_TABLE_INDEX_REL_SLEB", "R_WASM_GLOBAL_INDEX_I32",
      "R_WASM_MEMORY_ADDR_LEB64", "R_WASM_MEMORY_ADDR_SLEB64", "R_WASM_MEMORY_ADDR_I64",
      "R_WASM_MEMORY_ADDR_REL_SLEB64", "R_WASM_TABLE_INDEX_SLEB64", "R_WASM_TABLE_INDEX_I64",
      "R_WASM_TABLE_NUMBER_LEB", "R_WASM_MEMORY_ADDR_TLS_SLEB", "R_WASM_FUNCTION_OFFSET_I64",
      "R_WASM_MEMORY_ADDR_LOCREL_I32", "R_WASM_TABLE_INDEX_REL_SLEB64", "R_WASM_MEMORY_ADDR_TLS_SLEB64",
      "R_WASM_FUNCTION_INDEX_I32",
    ]
    while names.count < 128 { names.append("operand of an instruction") }
    return names
  }()
}
