/// A heap type: one of the fixed ones, or a type of the type section (WebAssembly 3.0, Binary Format, Heap Types; the
/// shared-everything threads and custom descriptors proposals).
public enum HeapType: Hashable, Sendable {
  /// The byte that encodes it, 0x68...0x75.
  case abstract(UInt8)
  /// A type index; in types that belong to a whole link, whatever names a type there.
  case concrete(UInt32)
  /// A fixed one of what threads may share.
  case sharedAbstract(UInt8)
  /// A type index: that very type, and none of its subtypes.
  case exact(UInt32)
}

/// The type of a value, local, global, parameter or table element, or the storage type of a field.
///
/// Equal values are equal types: the two encodings of a nullable reference to a fixed heap type (`funcref` and
/// `(ref null func)`) are one here.
@frozen
public struct ValueType: Hashable, Sendable {
  /// The first byte of the shortest encoding.
  public let code: UInt8
  /// Of a reference with a first byte 0x63, 0x64 or 0x65: 0 for a type index, ``exactPrefix`` for an exact one, else the byte of
  /// a fixed heap type, with the highest bit set when it is shared.
  @usableFromInline let heapCode: UInt8
  /// Of a reference to a type of the type section, its index; otherwise 0.
  @usableFromInline let index: UInt32

  @usableFromInline
  init(code: UInt8, heapCode: UInt8 = 0, index: UInt32 = 0) {
    self.code = code
    self.heapCode = heapCode
    self.index = index
  }

  /// The type that one byte encodes; `nil` where more than one byte is needed, or the byte encodes no type.
  public init?(byte: UInt8) {
    guard ValueType.isSimple(byte) else { return nil }
    self.init(code: byte)
  }

  /// A reference type.
  public init(reference heapType: HeapType, isNullable: Bool) {
    switch heapType {
    case .abstract(let byte):
      self = isNullable ? ValueType(code: byte) : ValueType(code: 0x64, heapCode: byte)
    case .concrete(let index): self.init(code: isNullable ? 0x63 : 0x64, index: index)
    case .sharedAbstract(let byte):
      self.init(code: isNullable ? ValueType.sharedPrefix : 0x64, heapCode: byte | 0x80)
    case .exact(let index):
      self.init(code: isNullable ? 0x63 : 0x64, heapCode: ValueType.exactPrefix, index: index)
    }
  }

  /// Stands in front of a fixed heap type that is shared.
  @usableFromInline static let sharedPrefix: UInt8 = 0x65
  /// Stands in front of a type index that is exact.
  @usableFromInline static let exactPrefix: UInt8 = 0x62

  public static let i32 = ValueType(code: 0x7F)
  public static let i64 = ValueType(code: 0x7E)
  public static let f32 = ValueType(code: 0x7D)
  public static let f64 = ValueType(code: 0x7C)
  public static let v128 = ValueType(code: 0x7B)
  public static let funcref = ValueType(code: 0x70)
  public static let externref = ValueType(code: 0x6F)
  public static let exnref = ValueType(code: 0x69)

  /// Whether one byte encodes it and it names no type.
  @inlinable
  static func isSimple(_ byte: UInt8) -> Bool {
    (0x68...0x75).contains(byte) || (0x7B...0x7F).contains(byte)
  }

  public var isReference: Bool { code < 0x76 }
  public var isNullable: Bool { isReference && code != 0x64 }

  /// What a reference refers to; `nil` for other types.
  public var heapType: HeapType? {
    switch code {
    case 0x63, 0x64, ValueType.sharedPrefix:
      switch heapCode {
      case 0: .concrete(index)
      case ValueType.exactPrefix: .exact(index)
      case 0x80...: .sharedAbstract(heapCode & 0x7F)
      default: .abstract(heapCode)
      }
    default: isReference ? .abstract(code) : nil
    }
  }

  /// The type index that it names, if it names one.
  public var typeIndex: UInt32? {
    (code == 0x63 || code == 0x64) && (heapCode == 0 || heapCode == ValueType.exactPrefix) ? index : nil
  }

  /// The same type with another type index; itself where it names none.
  public func withTypeIndex(_ newIndex: UInt32) -> ValueType {
    typeIndex == nil ? self : ValueType(code: code, heapCode: heapCode, index: newIndex)
  }
}

extension ValueType: CustomStringConvertible {
  /// The type in the text format.
  public var description: String {
    switch code {
    case 0x7F: "i32"
    case 0x7E: "i64"
    case 0x7D: "f32"
    case 0x7C: "f64"
    case 0x7B: "v128"
    case 0x78: "i8"
    case 0x77: "i16"
    case 0x63, ValueType.sharedPrefix: "(ref null \(heapText))"
    case 0x64: "(ref \(heapText))"
    case 0x71...0x75, 0x68: ValueType.shorthand(code)
    default: "\(ValueType.heapName(code))ref"
    }
  }

  private var heapText: String {
    switch heapType {
    case .exact(let index): "(exact \(index))"
    case .sharedAbstract(let byte): "(shared \(ValueType.heapName(byte)))"
    case .abstract(let byte): ValueType.heapName(byte)
    case .concrete, nil: "\(index)"
    }
  }

  private static func heapName(_ byte: UInt8) -> String {
    switch byte {
    case 0x75: "nocont"
    case 0x74: "noexn"
    case 0x73: "nofunc"
    case 0x72: "noextern"
    case 0x71: "none"
    case 0x70: "func"
    case 0x6F: "extern"
    case 0x6E: "any"
    case 0x6D: "eq"
    case 0x6C: "i31"
    case 0x6B: "struct"
    case 0x6A: "array"
    case 0x69: "exn"
    default: "cont"
    }
  }

  private static func shorthand(_ byte: UInt8) -> String {
    switch byte {
    case 0x75: "nullcontref"
    case 0x74: "nullexnref"
    case 0x73: "nullfuncref"
    case 0x72: "nullexternref"
    case 0x71: "nullref"
    default: "contref"
    }
  }
}

extension ByteReader {
  /// Reads a value type (WebAssembly 3.0, Binary Format, Value Types).
  public mutating func valueType() throws(FormatError) -> ValueType {
    let start = offset
    let code = try byte()
    if ValueType.isSimple(code) { return ValueType(code: code) }
    if code == ValueType.sharedPrefix {
      return ValueType(reference: .sharedAbstract(try abstractHeapType()), isNullable: true)
    }
    guard code == 0x63 || code == 0x64 else {
      throw OperandCursor.unknownType(code, at: start)
    }
    return ValueType(reference: try heapType(), isNullable: code == 0x63)
  }

  /// Reads the type of a field: a value type, `i8` or `i16`.
  public mutating func storageType() throws(FormatError) -> ValueType {
    if let code = peek(), code == 0x77 || code == 0x78 {
      offset += 1
      return ValueType(code: code)
    }
    return try valueType()
  }

  /// Reads a heap type.
  public mutating func heapType() throws(FormatError) -> HeapType {
    let start = offset
    let value = try s33()
    if value >= 0 { return .concrete(UInt32(truncatingIfNeeded: value)) }
    guard offset - start == 1 else { throw OperandCursor.unknownType(self[start], at: start) }
    switch self[start] {
    case 0x68...0x75: return .abstract(self[start])
    case ValueType.sharedPrefix: return .sharedAbstract(try abstractHeapType())
    case ValueType.exactPrefix: return .exact(try u32())
    case let byte: throw OperandCursor.unknownType(byte, at: start)
    }
  }

  private mutating func abstractHeapType() throws(FormatError) -> UInt8 {
    let start = offset
    let code = try byte()
    guard (0x68...0x75).contains(code) else { throw OperandCursor.unknownType(code, at: start) }
    return code
  }
}

extension ByteWriter {
  /// Writes a value or storage type in its shortest encoding.
  public mutating func valueType(_ type: ValueType) {
    byte(type.code)
    guard (0x63...0x65).contains(type.code) else { return }
    switch type.heapType {
    case .exact(let index):
      byte(ValueType.exactPrefix)
      u32(index)
    case .sharedAbstract(let code):
      if !type.isNullable { byte(ValueType.sharedPrefix) }
      byte(code)
    case .abstract(let code): byte(code)
    case .concrete, nil: s33(Int64(type.index))
    }
  }
}
