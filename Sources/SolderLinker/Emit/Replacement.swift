import WebAssemblyFormat

/// The bytes that an edit puts in place of others: what ``OperandEncoder`` decides, and all that anybody writes.
struct Replacement: Equatable {
  enum Form: UInt8 {
    case unsigned
    case signed
    case fixed32
    case fixed64
    /// An alignment field with bit 6 set, followed by a memory index: `value` holds both.
    case memoryArgument
    /// `nop`s.
    case nothing
  }

  var form: Form
  var value: UInt64 = 0
  /// The opcode in front of the operand, when the whole instruction is replaced.
  var opcode: UInt8?
  /// A number that two more instructions add to what an instruction leaves; `nil` if there are none.
  var added: Added?
  /// How many bytes it is, with the opcode.
  var length: Int

  struct Added: Equatable {
    let number: Int64
    let is64: Bool
    /// How many bytes the number takes.
    let width: Int

    /// - Parameter width: bytes that the number takes at least.
    init(number: Int64, is64: Bool, atLeast width: Int = 0) {
      (self.number, self.is64) = (number, is64)
      self.width = max(width, LEB128.length(signed: number))
    }
  }

  /// A number in LEB128.
  ///
  /// - Parameters:
  ///   - width: bytes to take at least, with the opcode: 0 for as few as possible.
  ///   - longest: the most that the format allows for the number, and so the most that padding makes of it.
  static func number(
    _ value: UInt64, _ form: Form, opcode: UInt8? = nil, atLeast width: Int, longest: Int = .max
  ) -> Replacement {
    let shortest =
      form == .signed ? LEB128.length(signed: Int64(bitPattern: value)) : LEB128.length(unsigned: value)
    let before = opcode == nil ? 0 : 1
    let length = max(shortest, min(width - before, longest))
    return Replacement(form: form, value: value, opcode: opcode, length: before + length)
  }

  /// `i32.const` or `i64.const`.
  static func constant(_ value: UInt64, is64: Bool, atLeast width: Int) -> Replacement {
    number(
      signed(value, is64: is64), .signed, opcode: is64 ? 0x42 : 0x41, atLeast: width,
      longest: is64 ? 10 : 5)
  }

  /// `global.get` of an address, and what is added to it.
  ///
  /// - Parameter width: bytes that the first instruction takes at least, or all of them if they are as long as what was
  ///   written.
  static func read(
    _ global: OutputGlobalIndex, plus addend: Int64, is64: Bool, _ length: OperandLength, _ width: Int
  ) -> Replacement {
    let tail = addend == 0 ? 0 : 2 + LEB128.length(signed: addend)
    let leading = length == .asWritten ? width - tail : width
    var result = number(UInt64(global.rawValue), .unsigned, opcode: 0x23, atLeast: leading, longest: 5)
    guard addend != 0 else { return result }
    result.added = Added(number: addend, is64: is64)
    result.length += tail
    return result
  }

  /// `global.get __tls_base`, and a number that is added to it, both as long as a linker may need to write others.
  static func threadLocal(_ base: OutputGlobalIndex, plus offset: UInt64, is64: Bool) -> Replacement {
    var result = number(
      UInt64(base.rawValue), .unsigned, opcode: 0x23, atLeast: 1 + RelocationKind.globalIndexLEB.width)
    let kind: RelocationKind = is64 ? .memoryAddressTLSSLEB64 : .memoryAddressTLSSLEB
    let added = Added(number: Int64(bitPattern: signed(offset, is64: is64)), is64: is64, atLeast: kind.width)
    result.added = added
    result.length += 2 + added.width
    return result
  }

  /// The number as a signed one of 32 bits is written, or of 64.
  static func signed(_ value: UInt64, is64: Bool) -> UInt64 {
    is64 ? value : UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
  }

  /// Writes it.
  ///
  /// - Returns: `false` when there is no room for it, or not enough for its number.
  func write(to room: OutputRoom, at offset: Int) -> Bool {
    var (offset, width) = (offset, length)
    if let added {
      let count = added.width
      width -= 2 + count
      let place = offset + width
      guard width > 0, room.write(added.is64 ? 0x42 : 0x41, at: place),
        room.write(signed: added.number, width: count, at: place + 1),
        room.write(added.is64 ? 0x7C : 0x6A, at: place + 1 + count)
      else { return false }
    }
    if let opcode {
      guard room.write(opcode, at: offset) else { return false }
      (offset, width) = (offset + 1, width - 1)
    }
    switch form {
    case .unsigned: return room.write(unsigned: value, width: width, at: offset)
    case .signed: return room.write(signed: Int64(bitPattern: value), width: width, at: offset)
    case .fixed32: return width == 4 && room.write(fixed32: UInt32(truncatingIfNeeded: value), at: offset)
    case .fixed64: return width == 8 && room.write(fixed64: value, at: offset)
    case .memoryArgument:
      return room.write(UInt8(truncatingIfNeeded: value), at: offset)
        && room.write(unsigned: value >> 8, width: width - 1, at: offset + 1)
    case .nothing: return room.fill(width, with: 0x01, at: offset)
    }
  }
}
