import WebAssemblyFormat

/// Writes what the relocations of one unit ask for over bytes that were copied into the result.
///
/// A link has a million relocations, nearly all of a few kinds: an operand of five bytes in code, a number of four in data,
/// about a symbol that is there. Those take a short way here, with one look at the symbol and one or two stores;
/// everything else goes through ``OperandEncoder``, which knows all the rules. A patcher serves all chunks of a unit that
/// follow each other, so that its arrays are taken out of the object once.
struct Patcher {
  let source: RelocatedUnit
  private let encoder: OperandEncoder
  private let typeIDs: [TypeID]
  private let isLifted: Bool

  init(_ unit: Unit, _ encoder: OperandEncoder) {
    source = RelocatedUnit(unit)
    self.encoder = encoder
    typeIDs = unit.typeIDs
    isLifted = unit.isLifted
  }

  // MARK: Code

  /// Patches code whose operands keep their width.
  ///
  /// - Parameters:
  ///   - start: offset in the file of what was copied.
  ///   - target: where it was copied to.
  func patchCode(_ range: RelocationRange, from start: UInt32, at target: UnsafeMutablePointer<UInt8>) {
    for index in range.indices {
      let relocation = source.relocations[index]
      let place = target + Int(relocation.offset &- start)
      if relocation.width == 5, let value = shortOperand(relocation) {
        LEB128.write(fiveBytes: value, to: place)
      } else {
        let operand = encoder.encode(relocation, of: source, compress: false)
        Patcher.write(operand, at: place, width: Int(relocation.width))
      }
    }
  }

  /// The operand of an instruction, if it is one of the usual kinds: 32 bits, or a number with its sign extended.
  @inline(__always)
  func shortOperand(_ relocation: Relocation) -> UInt64? {
    switch relocation.kind {
    case .functionIndexLEB: return UInt64(symbol(of: relocation).index)
    case .globalIndexLEB:
      let symbol = symbol(of: relocation)
      return isLifted || symbol.kind != .global ? nil : UInt64(symbol.index)
    case .memoryAddressLEB: return address(of: relocation).map { UInt64(UInt32(truncatingIfNeeded: $0)) }
    case .memoryAddressSLEB: return address(of: relocation).map(Patcher.extended)
    case .tableIndexSLEB: return Patcher.extended(UInt64(symbol(of: relocation).slot))
    case .typeIndexLEB: return encoder.types.index(of: typeIDs[Int(relocation.target)]).map { UInt64($0) }
    default: return nil
    }
  }

  /// A number of 32 bits with its sign.
  @inline(__always)
  private static func extended(_ value: UInt64) -> UInt64 {
    UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
  }

  private static func write(_ operand: EncodedOperand, at target: UnsafeMutablePointer<UInt8>, width: Int) {
    if let opcode = operand.opcode { (target - 1).pointee = opcode }
    switch operand.form {
    case .unsigned: LEB128.write(unsigned: operand.value, width: width, to: target)
    case .signed: LEB128.write(signed: Int64(bitPattern: operand.value), width: width, to: target)
    case .fixed32:
      UnsafeMutableRawPointer(target).storeBytes(
        of: UInt32(truncatingIfNeeded: operand.value).littleEndian, as: UInt32.self)
    case .fixed64: UnsafeMutableRawPointer(target).storeBytes(of: operand.value.littleEndian, as: UInt64.self)
    case .nothing: (target - 1).update(repeating: 0x01, count: width + 1)
    case .memoryArgument:
      target.pointee = UInt8(truncatingIfNeeded: operand.value)
      LEB128.write(unsigned: operand.value >> 8, width: width - 1, to: target + 1)
    }
  }

  // MARK: Data

  /// Patches a chunk of data, or a custom section.
  ///
  /// - Parameters:
  ///   - target: where the chunk was copied to.
  ///   - address: of the chunk's first byte in memory, for relocations that count from where they are.
  ///   - tombstone: what is written about things that are not part of the result; 0 for the addend.
  func patchData(
    _ range: RelocationRange, at target: UnsafeMutablePointer<UInt8>, address: UInt64 = 0, tombstone: UInt64 = 0
  ) {
    for index in range.indices {
      let relocation = source.relocations[index]
      let place = target + Int(relocation.offset)
      if let value = shortNumber(relocation) {
        UnsafeMutableRawPointer(place).storeBytes(of: value.littleEndian, as: UInt32.self)
      } else {
        let value = encoder.value(
          of: relocation, in: source, tombstone: tombstone, place: address &+ UInt64(relocation.offset))
        Patcher.write(value, relocation, to: place)
      }
    }
  }

  /// The number that a relocation in data asks for, if it is one of the usual kinds, all of four bytes.
  @inline(__always)
  private func shortNumber(_ relocation: Relocation) -> UInt32? {
    switch relocation.kind {
    case .memoryAddressI32: return address(of: relocation).map { UInt32(truncatingIfNeeded: $0) }
    case .tableIndexI32:
      let symbol = symbol(of: relocation)
      return symbol.isPresent ? symbol.slot : nil
    default: return nil
    }
  }

  /// Writes an operand of data or of a custom section, whose width never changes.
  private static func write(_ value: UInt64, _ relocation: Relocation, to target: UnsafeMutablePointer<UInt8>) {
    switch relocation.width {
    case 4:
      UnsafeMutableRawPointer(target).storeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, as: UInt32.self)
    case 8: UnsafeMutableRawPointer(target).storeBytes(of: value.littleEndian, as: UInt64.self)
    case 10: LEB128.write(unsigned: value, width: 10, to: target)
    default: LEB128.write(fiveBytes: value & 0xFFFF_FFFF, to: target)
    }
  }

  // MARK: Symbols

  @inline(__always)
  private func symbol(of relocation: Relocation) -> SymbolValue {
    encoder.values[Int(source.symbolIDs[Int(relocation.target)])]
  }

  /// The address that a relocation asks for; `nil` where that needs a closer look.
  @inline(__always)
  private func address(of relocation: Relocation) -> UInt64? {
    let symbol = symbol(of: relocation)
    guard symbol.kind == .data, symbol.isDefined, symbol.isPresent, !relocation.hasWideAddend else { return nil }
    return symbol.address &+ UInt64(bitPattern: Int64(relocation.storedAddend))
  }
}
