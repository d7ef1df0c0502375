/// An instruction's opcode: the prefix and the number after it, folded into one small integer.
///
/// The five spaces lie one behind the other: 0x000 plain opcodes, 0x100 those after prefix 0xFB (garbage collection),
/// 0x200 after 0xFC (saturating truncation, bulk memory, wide arithmetic), 0x300 after 0xFE (threads), and
/// 0x400...0x5FF after 0xFD (vectors, with relaxed ones from 0x500 on).
@frozen
public struct Opcode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt16

  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// One past the largest ``rawValue`` of an instruction.
  @inlinable static var limit: Int { 0x600 }

  /// Stands in an ``Operand`` for the local declarations at the head of a body, which have no opcode.
  @inlinable public static var localDeclaration: Opcode { Opcode(rawValue: 0xFFFF) }
}

extension Opcode {
  @inlinable static func spaceStart(prefix: UInt8) -> UInt32? {
    switch prefix {
    case 0xFB: 0x100
    case 0xFC: 0x200
    case 0xFE: 0x300
    case 0xFD: 0x400
    default: nil
    }
  }

  /// The prefix byte, or `nil` for a plain opcode.
  public var prefix: UInt8? {
    switch rawValue >> 8 {
    case 1: 0xFB
    case 2: 0xFC
    case 3: 0xFE
    case 4, 5: 0xFD
    default: nil
    }
  }

  /// The number after the prefix, or the opcode itself where there is none.
  public var number: UInt32 { UInt32(rawValue) & (rawValue >= 0x400 ? 0x1FF : 0xFF) }

  /// Whether it writes to slots of a table that it names.
  public var changesTable: Bool {
    switch rawValue {
    // table.set, table.init, table.copy, table.fill; table.grow only adds slots.
    case 0x26, 0x20C, 0x20E, 0x211: true
    default: false
    }
  }

  /// Whether what it leaves depends on which numbers it takes, and not only on whether they are equal, or zero.
  public var computesWithNumbers: Bool {
    switch rawValue {
    // Comparisons of order, and arithmetic.
    case 0x48...0x4F, 0x53...0x5A, 0x67...0x8A: true
    default: false
    }
  }

  /// The name in the text format, `nil` for an opcode that no instruction has.
  public var mnemonic: StaticString? {
    for run in InstructionRun.all where run.first <= rawValue {
      let index = Int(rawValue - run.first)
      if index < run.mnemonics.count { return run.mnemonics[index] }
    }
    return nil
  }
}

extension Opcode: CustomStringConvertible {
  public var description: String {
    if let mnemonic { return mnemonic.description }
    let digits = String(number, radix: 16)
    return prefix.map { "0x\(String($0, radix: 16)) 0x\(digits)" } ?? "0x\(digits)"
  }
}

// The opcodes that a linker looks for by name.
extension Opcode {
  /// Whether labels are among its operands: it goes elsewhere, or says where exceptions go.
  public var namesLabels: Bool {
    switch InstructionTable.shared[self] {
    case .label, .labels, .castBranch, .tryTable, .delegate, .typeHandlers, .typeTagHandlers: true
    default: false
    }
  }

  /// Whether it calls a function in place of returning to its caller.
  public var isTailCall: Bool {
    switch rawValue {
    // return_call, return_call_indirect, return_call_ref.
    case 0x12, 0x13, 0x15: true
    default: false
    }
  }

  @inlinable public static var unreachable: Opcode { Opcode(rawValue: 0x00) }
  @inlinable public static var nop: Opcode { Opcode(rawValue: 0x01) }
  @inlinable public static var block: Opcode { Opcode(rawValue: 0x02) }
  @inlinable public static var loop: Opcode { Opcode(rawValue: 0x03) }
  @inlinable public static var `if`: Opcode { Opcode(rawValue: 0x04) }
  @inlinable public static var `else`: Opcode { Opcode(rawValue: 0x05) }
  @inlinable public static var `try`: Opcode { Opcode(rawValue: 0x06) }
  @inlinable public static var `catch`: Opcode { Opcode(rawValue: 0x07) }
  @inlinable public static var catchAll: Opcode { Opcode(rawValue: 0x19) }
  @inlinable public static var `throw`: Opcode { Opcode(rawValue: 0x08) }
  @inlinable public static var rethrow: Opcode { Opcode(rawValue: 0x09) }
  @inlinable public static var throwRef: Opcode { Opcode(rawValue: 0x0A) }
  @inlinable public static var delegate: Opcode { Opcode(rawValue: 0x18) }
  @inlinable public static var end: Opcode { Opcode(rawValue: 0x0B) }
  @inlinable public static var br: Opcode { Opcode(rawValue: 0x0C) }
  @inlinable public static var brIf: Opcode { Opcode(rawValue: 0x0D) }
  @inlinable public static var brTable: Opcode { Opcode(rawValue: 0x0E) }
  @inlinable public static var brOnNull: Opcode { Opcode(rawValue: 0xD5) }
  @inlinable public static var brOnNonNull: Opcode { Opcode(rawValue: 0xD6) }
  @inlinable public static var `return`: Opcode { Opcode(rawValue: 0x0F) }
  @inlinable public static var call: Opcode { Opcode(rawValue: 0x10) }
  @inlinable public static var callIndirect: Opcode { Opcode(rawValue: 0x11) }
  @inlinable public static var returnCall: Opcode { Opcode(rawValue: 0x12) }
  @inlinable public static var returnCallIndirect: Opcode { Opcode(rawValue: 0x13) }
  @inlinable public static var drop: Opcode { Opcode(rawValue: 0x1A) }
  @inlinable public static var tryTable: Opcode { Opcode(rawValue: 0x1F) }
  @inlinable public static var select: Opcode { Opcode(rawValue: 0x1B) }
  @inlinable public static var localGet: Opcode { Opcode(rawValue: 0x20) }
  @inlinable public static var localSet: Opcode { Opcode(rawValue: 0x21) }
  @inlinable public static var localTee: Opcode { Opcode(rawValue: 0x22) }
  @inlinable public static var globalGet: Opcode { Opcode(rawValue: 0x23) }
  @inlinable public static var globalSet: Opcode { Opcode(rawValue: 0x24) }
  @inlinable public static var tableGet: Opcode { Opcode(rawValue: 0x25) }
  @inlinable public static var tableSet: Opcode { Opcode(rawValue: 0x26) }
  @inlinable public static var i32Load: Opcode { Opcode(rawValue: 0x28) }
  @inlinable public static var i64Load: Opcode { Opcode(rawValue: 0x29) }
  @inlinable public static var i32Store: Opcode { Opcode(rawValue: 0x36) }
  @inlinable public static var i64Store: Opcode { Opcode(rawValue: 0x37) }
  @inlinable public static var memorySize: Opcode { Opcode(rawValue: 0x3F) }
  @inlinable public static var memoryGrow: Opcode { Opcode(rawValue: 0x40) }
  @inlinable public static var i32Const: Opcode { Opcode(rawValue: 0x41) }
  @inlinable public static var i64Const: Opcode { Opcode(rawValue: 0x42) }
  @inlinable public static var f32Const: Opcode { Opcode(rawValue: 0x43) }
  @inlinable public static var f64Const: Opcode { Opcode(rawValue: 0x44) }
  @inlinable public static var i32Add: Opcode { Opcode(rawValue: 0x6A) }
  @inlinable public static var i32Sub: Opcode { Opcode(rawValue: 0x6B) }
  @inlinable public static var i32Mul: Opcode { Opcode(rawValue: 0x6C) }
  @inlinable public static var i32Xor: Opcode { Opcode(rawValue: 0x73) }
  @inlinable public static var i32ShiftLeft: Opcode { Opcode(rawValue: 0x74) }
  @inlinable public static var i64Add: Opcode { Opcode(rawValue: 0x7C) }
  @inlinable public static var i64Sub: Opcode { Opcode(rawValue: 0x7D) }
  @inlinable public static var i64Mul: Opcode { Opcode(rawValue: 0x7E) }
  @inlinable public static var i64Or: Opcode { Opcode(rawValue: 0x84) }
  @inlinable public static var i64Xor: Opcode { Opcode(rawValue: 0x85) }
  @inlinable public static var i64ShiftLeft: Opcode { Opcode(rawValue: 0x86) }
  @inlinable public static var i32WrapI64: Opcode { Opcode(rawValue: 0xA7) }
  @inlinable public static var i64ExtendI32Signed: Opcode { Opcode(rawValue: 0xAC) }
  @inlinable public static var i64ExtendI32Unsigned: Opcode { Opcode(rawValue: 0xAD) }
  @inlinable public static var refNull: Opcode { Opcode(rawValue: 0xD0) }
  @inlinable public static var refFunc: Opcode { Opcode(rawValue: 0xD2) }
  @inlinable public static var memoryInit: Opcode { Opcode(rawValue: 0x208) }
  @inlinable public static var dataDrop: Opcode { Opcode(rawValue: 0x209) }
  @inlinable public static var memoryCopy: Opcode { Opcode(rawValue: 0x20A) }
  @inlinable public static var memoryFill: Opcode { Opcode(rawValue: 0x20B) }
  @inlinable public static var tableInit: Opcode { Opcode(rawValue: 0x20C) }
  @inlinable public static var tableGrow: Opcode { Opcode(rawValue: 0x20F) }
  @inlinable public static var elementDrop: Opcode { Opcode(rawValue: 0x20D) }
  @inlinable public static var v128Const: Opcode { Opcode(rawValue: 0x40C) }
}
