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
  /// The encoder's.
  private let values: [SymbolValue]
  private let typeIDs: [TypeID]
  /// The encoder's, of this unit.
  private let functionIndices: [UInt32]

  var unit: Unit { source.unit }

  init(_ unit: Unit, _ encoder: OperandEncoder) {
    source = RelocatedUnit(unit)
    self.encoder = encoder
    values = encoder.values
    typeIDs = unit.typeIDs
    functionIndices = encoder.functionIndices(of: unit)
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
      if let value = shortOperand(relocation) {
        relocation.writeShort(value, width: Int(relocation.width), to: place)
      } else {
        Patcher.write(operand(of: relocation, compress: false), at: place, width: Int(relocation.width))
      }
    }
  }

  /// How many bytes longer the operands of code become.
  func growth(of range: RelocationRange, compress: Bool) -> Int {
    var growth = 0
    for index in range.indices {
      let relocation = source.relocations[index]
      if !compress, relocation.width == 5, relocation.kind.fitsFiveBytes { continue }
      let width =
        if let value = shortOperand(relocation) {
          relocation.shortWidth(of: value, compress: compress)
        } else {
          operand(of: relocation, compress: compress).width
        }
      growth += width - Int(relocation.width)
    }
    return growth
  }

  func operand(of relocation: Relocation, compress: Bool) -> EncodedOperand {
    encoder.encode(relocation, of: source, compress: compress)
  }

  /// The operand of an instruction, if it is one of the usual kinds: 32 bits, or a number with its sign extended.
  @inline(__always)
  func shortOperand(_ relocation: Relocation) -> UInt64? {
    switch relocation.kind {
    case .functionIndexLEB:
      let target = Int(relocation.target)
      return UInt64(target < functionIndices.count ? functionIndices[target] : symbol(of: relocation).index)
    case .globalIndexLEB:
      let symbol = symbol(of: relocation)
      return symbol.kind == .global ? UInt64(symbol.index) : nil
    case .tableNumberLEB: return UInt64(symbol(of: relocation).index)
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
      if let value = shortNumber(relocation, tombstone) {
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
  private func shortNumber(_ relocation: Relocation, _ tombstone: UInt64) -> UInt32? {
    switch relocation.kind {
    case .memoryAddressI32: return address(of: relocation).map { UInt32(truncatingIfNeeded: $0) }
    case .tableIndexI32:
      let symbol = symbol(of: relocation)
      return symbol.isPresent ? symbol.slot : nil
    case .functionOffsetI32:
      let symbol = symbol(of: relocation)
      guard symbol.isDefined, !relocation.hasWideAddend else { return nil }
      if !symbol.isPresent, tombstone != 0 { return UInt32(truncatingIfNeeded: tombstone) }
      guard symbol.isPresent, let offset = encoder.bodyOffset(ofFunction: symbol.index) else { return nil }
      return offset &+ UInt32(bitPattern: relocation.storedAddend)
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
    values[Int(source.symbolIDs[Int(relocation.target)])]
  }

  /// The address that a relocation asks for; `nil` where that needs a closer look.
  @inline(__always)
  private func address(of relocation: Relocation) -> UInt64? {
    let symbol = symbol(of: relocation)
    guard symbol.kind == .data, symbol.isDefined, symbol.isPresent, !relocation.hasWideAddend else { return nil }
    return symbol.address &+ UInt64(bitPattern: Int64(relocation.storedAddend))
  }
}

extension Relocation {
  /// How many bytes an operand that ``Patcher/shortOperand(_:)`` knows takes in the result.
  @inline(__always)
  func shortWidth(of value: UInt64, compress: Bool) -> Int {
    let shortest =
      kind.isShortSigned ? LEB128.length(signed: Int64(bitPattern: value)) : LEB128.length(unsigned: value)
    return compress ? shortest : max(shortest, Int(width))
  }

  /// Writes such an operand.
  ///
  /// - Parameter width: bytes that it takes, at least as many as the number needs.
  @inline(__always)
  func writeShort(_ value: UInt64, width: Int, to place: UnsafeMutablePointer<UInt8>) {
    if width == 5 {
      LEB128.write(fiveBytes: value, to: place)
    } else if kind.isShortSigned {
      LEB128.write(signed: Int64(bitPattern: value), width: width, to: place)
    } else {
      LEB128.write(unsigned: value, width: width, to: place)
    }
  }
}

extension RelocationKind {
  /// Of the kinds that ``Patcher/shortOperand(_:)`` knows: whether the operand is a signed number.
  var isShortSigned: Bool { self == .memoryAddressSLEB || self == .tableIndexSLEB }

  /// Whether every operand of this kind has room in five bytes.
  fileprivate var fitsFiveBytes: Bool {
    switch self {
    case .functionIndexLEB, .memoryAddressLEB, .memoryAddressSLEB, .tableIndexSLEB, .typeIndexLEB: true
    default: false
    }
  }
}
