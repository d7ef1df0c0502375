/// One instruction, as tests write code: `[.localGet(0), .i32Const(1), .i32Add, .end]` without the last `end`, which
/// ``ModuleBuilder`` adds.
///
/// Operands are indices (`Int`) in modules, and symbols (``ObjectSymbol``) in objects, where each becomes a relocation.
struct WasmInstruction: Sendable {
  enum Part: Sendable {
    case bytes([UInt8])
    /// An index, which a builder that pads operands writes in five bytes.
    case index(Int)
    /// A relocated operand: type of the relocation, symbol or type, addend.
    case relocated(RelocationType, UInt32, Int64)
  }

  var parts: [Part]

  init(_ parts: Part...) { self.parts = parts }

  /// Bytes as they are: one instruction or many.
  static func raw(_ bytes: UInt8...) -> WasmInstruction { WasmInstruction(.bytes(bytes)) }
  static func raw(_ bytes: [UInt8]) -> WasmInstruction { WasmInstruction(.bytes(bytes)) }

  private static func opcode(_ code: UInt8, unsigned operands: Int...) -> WasmInstruction {
    var bytes = [code]
    for operand in operands { bytes.unsigned(operand) }
    return raw(bytes)
  }

  /// An instruction with a prefix, its number and the parts behind it.
  private static func prefixed(_ prefix: UInt8, _ number: Int, _ parts: Part...) -> WasmInstruction {
    var bytes = [prefix]
    bytes.unsigned(number)
    var result = WasmInstruction(.bytes(bytes))
    result.parts += parts
    return result
  }

  // MARK: Control

  static let unreachable = raw(0x00)
  static let nop = raw(0x01)
  static let `else` = raw(0x05)
  static let end = raw(0x0B)
  static let `return` = raw(0x0F)
  static let drop = raw(0x1A)
  static let select = raw(0x1B)
  static func block(_ result: WasmType? = nil) -> WasmInstruction { raw([0x02] + (result?.bytes ?? [0x40])) }
  static func loop(_ result: WasmType? = nil) -> WasmInstruction { raw([0x03] + (result?.bytes ?? [0x40])) }
  static func `if`(_ result: WasmType? = nil) -> WasmInstruction { raw([0x04] + (result?.bytes ?? [0x40])) }
  /// `try_table` with clauses given as bytes, their number in front.
  static func tryTable(_ result: WasmType? = nil, _ clauses: [Part]) -> WasmInstruction {
    var instruction = raw([0x1F] + (result?.bytes ?? [0x40]))
    instruction.parts += clauses
    return instruction
  }
  // The older instructions for exceptions.
  static func `try`(_ result: WasmType? = nil) -> WasmInstruction { raw([0x06] + (result?.bytes ?? [0x40])) }
  static func `catch`(_ tag: Int) -> WasmInstruction { WasmInstruction(.bytes([0x07]), .index(tag)) }
  static let catchAll = raw(0x19)
  static func rethrow(_ depth: Int) -> WasmInstruction { opcode(0x09, unsigned: depth) }
  static func delegate(_ depth: Int) -> WasmInstruction { opcode(0x18, unsigned: depth) }
  static func br(_ depth: Int) -> WasmInstruction { opcode(0x0C, unsigned: depth) }
  static func brIf(_ depth: Int) -> WasmInstruction { opcode(0x0D, unsigned: depth) }
  static func `throw`(_ tag: Int) -> WasmInstruction { WasmInstruction(.bytes([0x08]), .index(tag)) }
  static func `throw`(_ tag: ObjectSymbol) -> WasmInstruction {
    WasmInstruction(.bytes([0x08]), .relocated(.tagIndexLEB, tag.index, 0))
  }
  static func call(_ function: Int) -> WasmInstruction { WasmInstruction(.bytes([0x10]), .index(function)) }
  static func call(_ function: ObjectSymbol) -> WasmInstruction {
    WasmInstruction(.bytes([0x10]), .relocated(.functionIndexLEB, function.index, 0))
  }
  static func callIndirect(type: Int, table: Int = 0) -> WasmInstruction {
    WasmInstruction(.bytes([0x11]), .index(type), .index(table))
  }
  /// As compilers write it for an object with reference types; without `table` the byte of older objects.
  static func callIndirect(objectType type: Int, table: ObjectSymbol?) -> WasmInstruction {
    WasmInstruction(
      .bytes([0x11]), .relocated(.typeIndexLEB, UInt32(type), 0),
      table.map { .relocated(.tableNumberLEB, $0.index, 0) } ?? .bytes([0]))
  }
  static func returnCall(_ function: Int) -> WasmInstruction { WasmInstruction(.bytes([0x12]), .index(function)) }
  static func returnCallIndirect(type: Int, table: Int = 0) -> WasmInstruction {
    WasmInstruction(.bytes([0x13]), .index(type), .index(table))
  }
  static func callRef(_ type: Int) -> WasmInstruction { WasmInstruction(.bytes([0x14]), .index(type)) }

  // MARK: Variables

  static func localGet(_ local: Int) -> WasmInstruction { opcode(0x20, unsigned: local) }
  static func localSet(_ local: Int) -> WasmInstruction { opcode(0x21, unsigned: local) }
  static func localTee(_ local: Int) -> WasmInstruction { opcode(0x22, unsigned: local) }
  static func globalGet(_ global: Int) -> WasmInstruction { WasmInstruction(.bytes([0x23]), .index(global)) }
  static func globalSet(_ global: Int) -> WasmInstruction { WasmInstruction(.bytes([0x24]), .index(global)) }
  static func globalGet(_ global: ObjectSymbol) -> WasmInstruction {
    WasmInstruction(.bytes([0x23]), .relocated(.globalIndexLEB, global.index, 0))
  }
  static func globalSet(_ global: ObjectSymbol) -> WasmInstruction {
    WasmInstruction(.bytes([0x24]), .relocated(.globalIndexLEB, global.index, 0))
  }

  // MARK: Tables

  static func tableGet(_ table: Int) -> WasmInstruction { WasmInstruction(.bytes([0x25]), .index(table)) }
  static func tableSet(_ table: Int) -> WasmInstruction { WasmInstruction(.bytes([0x26]), .index(table)) }
  static func tableInit(_ segment: Int, table: Int = 0) -> WasmInstruction {
    prefixed(0xFC, 12, .index(segment), .index(table))
  }
  static func elemDrop(_ segment: Int) -> WasmInstruction { prefixed(0xFC, 13, .index(segment)) }
  static func tableCopy(to: Int = 0, from: Int = 0) -> WasmInstruction { prefixed(0xFC, 14, .index(to), .index(from)) }
  static func tableGrow(_ table: Int) -> WasmInstruction { prefixed(0xFC, 15, .index(table)) }
  static func tableSize(_ table: Int) -> WasmInstruction { prefixed(0xFC, 16, .index(table)) }
  static func tableFill(_ table: Int) -> WasmInstruction { prefixed(0xFC, 17, .index(table)) }

  // MARK: References

  static func refNull(_ type: WasmType) -> WasmInstruction { raw([0xD0] + type.heapType) }
  static let refIsNull = raw(0xD1)
  static func refFunc(_ function: Int) -> WasmInstruction { WasmInstruction(.bytes([0xD2]), .index(function)) }

  // MARK: Memory

  private static func access(_ code: UInt8, _ offset: UInt64, _ align: Int, _ memory: Int) -> WasmInstruction {
    var bytes = [code]
    bytes.unsigned(memory == 0 ? align : align | 0x40)
    var rest: [UInt8] = []
    rest.unsigned(offset)
    return memory == 0
      ? WasmInstruction(.bytes(bytes + rest)) : WasmInstruction(.bytes(bytes), .index(memory), .bytes(rest))
  }
  static func i32Load(offset: UInt64 = 0, align: Int = 2, memory: Int = 0) -> WasmInstruction {
    access(0x28, offset, align, memory)
  }
  static func i64Load(offset: UInt64 = 0, align: Int = 3, memory: Int = 0) -> WasmInstruction {
    access(0x29, offset, align, memory)
  }
  static func i32Load8(offset: UInt64 = 0, memory: Int = 0) -> WasmInstruction { access(0x2D, offset, 0, memory) }
  static func i32Store(offset: UInt64 = 0, align: Int = 2, memory: Int = 0) -> WasmInstruction {
    access(0x36, offset, align, memory)
  }
  static func i64Store(offset: UInt64 = 0, align: Int = 3, memory: Int = 0) -> WasmInstruction {
    access(0x37, offset, align, memory)
  }
  static func i32Store8(offset: UInt64 = 0, memory: Int = 0) -> WasmInstruction { access(0x3A, offset, 0, memory) }
  /// A load (0x28 to 0x35) or store (0x36 to 0x3E) whose offset is the address of a symbol.
  static func access(_ code: UInt8, align: Int, at data: ObjectSymbol, _ addend: Int64 = 0, is64: Bool = false)
    -> WasmInstruction
  {
    WasmInstruction(
      .bytes([code, UInt8(align)]), .relocated(is64 ? .memoryAddressLEB64 : .memoryAddressLEB, data.index, addend))
  }
  static func memorySize(_ memory: Int = 0) -> WasmInstruction { WasmInstruction(.bytes([0x3F]), .index(memory)) }
  static func memoryGrow(_ memory: Int = 0) -> WasmInstruction { WasmInstruction(.bytes([0x40]), .index(memory)) }
  static func memoryInit(_ segment: Int, memory: Int = 0) -> WasmInstruction {
    prefixed(0xFC, 8, .index(segment), .index(memory))
  }
  static func dataDrop(_ segment: Int) -> WasmInstruction { prefixed(0xFC, 9, .index(segment)) }
  static func memoryCopy(to: Int = 0, from: Int = 0) -> WasmInstruction { prefixed(0xFC, 10, .index(to), .index(from)) }
  static func memoryFill(_ memory: Int = 0) -> WasmInstruction { prefixed(0xFC, 11, .index(memory)) }

  // MARK: Numbers

  static func i32Const(_ value: Int32, width: Int = 0) -> WasmInstruction {
    var bytes: [UInt8] = [0x41]
    bytes.signed(Int64(value), width: width)
    return raw(bytes)
  }
  static func i64Const(_ value: Int64, width: Int = 0) -> WasmInstruction {
    var bytes: [UInt8] = [0x42]
    bytes.signed(value, width: width)
    return raw(bytes)
  }
  /// A constant of the width of an address.
  static func addressConst(_ value: Int64, is64: Bool) -> WasmInstruction {
    is64 ? i64Const(value) : i32Const(Int32(truncatingIfNeeded: value))
  }
  static func f32Const(_ value: Float) -> WasmInstruction {
    var bytes: [UInt8] = [0x43]
    bytes.fixed(UInt64(value.bitPattern), width: 4)
    return raw(bytes)
  }
  static func f64Const(_ value: Double) -> WasmInstruction {
    var bytes: [UInt8] = [0x44]
    bytes.fixed(value.bitPattern, width: 8)
    return raw(bytes)
  }
  /// A constant that is the value of a symbol: an address, a slot, an offset, as the type of the relocation says.
  static func constant(_ type: RelocationType, _ symbol: ObjectSymbol, _ addend: Int64 = 0) -> WasmInstruction {
    WasmInstruction(.bytes([type.width == 10 ? 0x42 : 0x41]), .relocated(type, symbol.index, addend))
  }
  /// `i32.const` of the address of data.
  static func address(_ data: ObjectSymbol, _ addend: Int64 = 0) -> WasmInstruction {
    constant(.memoryAddressSLEB, data, addend)
  }
  /// `i64.const` of the address of data.
  static func address64(_ data: ObjectSymbol, _ addend: Int64 = 0) -> WasmInstruction {
    constant(.memoryAddressSLEB64, data, addend)
  }
  /// `i32.const` of the table slot of a function.
  static func slot(_ function: ObjectSymbol) -> WasmInstruction { constant(.tableIndexSLEB, function) }

  static let i32Eqz = raw(0x45)
  static let i32Eq = raw(0x46)
  static let i32Ne = raw(0x47)
  static let i32LtS = raw(0x48)
  static let i32LtU = raw(0x49)
  static let i32GtU = raw(0x4B)
  static let i32GeU = raw(0x4F)
  static let i64Eqz = raw(0x50)
  static let i64Eq = raw(0x51)
  static let i32Add = raw(0x6A)
  static let i32Sub = raw(0x6B)
  static let i32Mul = raw(0x6C)
  static let i32And = raw(0x71)
  static let i32Or = raw(0x72)
  static let i32Xor = raw(0x73)
  static let i32Shl = raw(0x74)
  static let i32ShrU = raw(0x76)
  static let i64Add = raw(0x7C)
  static let i64Sub = raw(0x7D)
  static let i64Mul = raw(0x7E)
  static let i64And = raw(0x83)
  static let i64Or = raw(0x84)
  static let i64Xor = raw(0x85)
  static let f32Add = raw(0x92)
  static let f64Add = raw(0xA0)
  static let i32WrapI64 = raw(0xA7)
  static let i64ExtendI32S = raw(0xAC)
  static let i64ExtendI32U = raw(0xAD)
  static let i32ReinterpretF32 = raw(0xBC)
  static let i64ReinterpretF64 = raw(0xBD)
}

/// A value type by its bytes.
struct WasmType: Hashable, Sendable {
  let bytes: [UInt8]

  static let i32 = WasmType(bytes: [0x7F])
  static let i64 = WasmType(bytes: [0x7E])
  static let f32 = WasmType(bytes: [0x7D])
  static let f64 = WasmType(bytes: [0x7C])
  static let v128 = WasmType(bytes: [0x7B])
  static let funcref = WasmType(bytes: [0x70])
  static let externref = WasmType(bytes: [0x6F])
  static let anyref = WasmType(bytes: [0x6E])
  static let eqref = WasmType(bytes: [0x6D])
  static let exnref = WasmType(bytes: [0x69])
  /// A reference to a value of the type with this index.
  static func reference(_ type: Int, isNullable: Bool = true) -> WasmType {
    var bytes: [UInt8] = [isNullable ? 0x63 : 0x64]
    bytes.signed(Int64(type))
    return WasmType(bytes: bytes)
  }
  /// The address type of memories and tables.
  static func address(is64: Bool) -> WasmType { is64 ? i64 : i32 }

  /// What stands in `ref.null` for a reference type.
  var heapType: [UInt8] { bytes.count > 1 ? Array(bytes.dropFirst()) : bytes }
}

/// The types of relocations in objects (tool-conventions, Linking.md, Relocation Sections).
enum RelocationType: UInt8, Sendable, CaseIterable {
  case functionIndexLEB, tableIndexSLEB, tableIndexI32, memoryAddressLEB, memoryAddressSLEB, memoryAddressI32
  case typeIndexLEB, globalIndexLEB, functionOffsetI32, sectionOffsetI32, tagIndexLEB, memoryAddressRelativeSLEB
  case tableIndexRelativeSLEB, globalIndexI32, memoryAddressLEB64, memoryAddressSLEB64, memoryAddressI64
  case memoryAddressRelativeSLEB64, tableIndexSLEB64, tableIndexI64, tableNumberLEB, memoryAddressTLSSLEB
  case functionOffsetI64, memoryAddressLocationRelativeI32, tableIndexRelativeSLEB64, memoryAddressTLSSLEB64
  case functionIndexI32

  /// Bytes of the operand.
  var width: Int {
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

  var isSigned: Bool {
    switch self {
    case .tableIndexSLEB, .memoryAddressSLEB, .memoryAddressRelativeSLEB, .tableIndexRelativeSLEB,
      .memoryAddressSLEB64, .memoryAddressRelativeSLEB64, .tableIndexSLEB64, .memoryAddressTLSSLEB,
      .tableIndexRelativeSLEB64, .memoryAddressTLSSLEB64:
      true
    default: false
    }
  }

  var hasAddend: Bool {
    switch self {
    case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressRelativeSLEB, .memoryAddressLEB64, .memoryAddressSLEB64, .memoryAddressI64,
      .memoryAddressRelativeSLEB64, .memoryAddressTLSSLEB, .functionOffsetI64, .memoryAddressLocationRelativeI32,
      .memoryAddressTLSSLEB64:
      true
    default: false
    }
  }
}

/// A symbol of an object's symbol table, by its index there.
struct ObjectSymbol: Hashable, Sendable { let index: UInt32 }
