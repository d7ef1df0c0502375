import WebAssemblyFormat

/// How an operand will be written: the number, its form, and how many bytes it replaces.
struct EncodedOperand {
  enum Form: UInt8 {
    case unsigned
    case signed
    case fixed32
    case fixed64
    /// An alignment field with bit 6 set, followed by a memory index: `value` holds both.
    case memoryArgument
    /// `nop`s in place of the instruction.
    case nothing
  }

  var value: UInt64
  var form: Form
  /// The opcode in front of the operand, when it changes too.
  var opcode: UInt8?
  /// Bytes that it takes in the result, without the opcode.
  var width: Int
}

/// Decides what every relocation writes.
struct OperandEncoder: @unchecked Sendable {
  let program: Program
  let custom: CustomPlan
  /// Where each function begins in the payload of the code section, numbered over all units.
  let functionOffsets: [UInt32]

  /// What a relocation in code writes.
  ///
  /// - Parameter compress: whether an operand may take fewer bytes than in the input.
  func encode(_ relocation: Relocation, of unit: Unit, compress: Bool) -> EncodedOperand {
    var operand = EncodedOperand(value: 0, form: .unsigned, opcode: nil, width: Int(relocation.width))
    switch relocation.kind {
    case .removedCall:
      operand.form = .nothing
      if compress { operand.width = -1 }
      return operand
    case .implicitMemory:
      let index = program.indices.memoryIndices[unit.index]?.first ?? 0
      let alignment = UInt64(unit.file.bytes.base[Int(relocation.offset)] & 0x3F)
      guard index != 0 else {
        operand.value = alignment
        return operand
      }
      operand.form = .memoryArgument
      operand.value = UInt64(index) << 8 | alignment | 0x40
      operand.width = 1 + LEB128.length(unsigned: UInt64(index))
      return operand
    case .constantMemoryAddress, .constantTableIndex, .constantNumber, .constantTLSOffset:
      operand.opcode = relocation.isConstant64 ? 0x42 : 0x41
      setSigned(&operand, value(of: relocation, in: unit), is64: relocation.isConstant64)
    case .globalIndexLEB where isConstant(relocation, unit):
      let is64 = unit.globalType(relocation.target - (unit.lifted?.globalSymbols ?? 0))?.valueType == 0x7E
      operand.opcode = is64 ? 0x42 : 0x41
      setSigned(&operand, program.address(of: program.symbol(unit.symbolIDs[Int(relocation.target)])), is64: is64)
    case .tableIndexSLEB, .tableIndexRelativeSLEB, .memoryAddressSLEB, .memoryAddressRelativeSLEB,
      .memoryAddressTLSSLEB:
      setSigned(&operand, value(of: relocation, in: unit), is64: false)
    case .tableIndexSLEB64, .tableIndexRelativeSLEB64, .memoryAddressSLEB64, .memoryAddressRelativeSLEB64,
      .memoryAddressTLSSLEB64:
      setSigned(&operand, value(of: relocation, in: unit), is64: true)
    case .memoryAddressLEB64: operand.value = value(of: relocation, in: unit)
    case .signedTypeIndex:
      operand.form = .signed
      operand.value = value(of: relocation, in: unit)
    case .globalIndexI32, .functionIndexI32, .memoryAddressI32, .tableIndexI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressLocationRelativeI32:
      operand.form = .fixed32
      operand.value = value(of: relocation, in: unit)
      return operand
    case .memoryAddressI64, .tableIndexI64, .functionOffsetI64:
      operand.form = .fixed64
      operand.value = value(of: relocation, in: unit)
      return operand
    default: operand.value = value(of: relocation, in: unit) & 0xFFFF_FFFF
    }
    let shortest =
      operand.form == .signed
      ? LEB128.length(signed: Int64(bitPattern: operand.value)) : LEB128.length(unsigned: operand.value)
    operand.width = compress ? shortest : max(shortest, operand.width)
    return operand
  }

  private func setSigned(_ operand: inout EncodedOperand, _ value: UInt64, is64: Bool) {
    operand.form = .signed
    operand.value = is64 ? value : UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
  }

  /// Whether a lifted `global.get` reads what turned out to be an address.
  private func isConstant(_ relocation: Relocation, _ unit: Unit) -> Bool {
    guard unit.isLifted else { return false }
    return program.symbol(unit.symbolIDs[Int(relocation.target)]).kind == .data
      && unit.file.bytes.base[Int(relocation.offset) - 1] == 0x23
  }

  // MARK: Values

  /// The number that a relocation asks for. `tombstone` stands for what is not part of the result.
  func value(of relocation: Relocation, in unit: Unit, tombstone: UInt64 = 0, place: UInt64 = 0) -> UInt64 {
    let addend = UInt64(bitPattern: unit.addend(of: relocation))
    switch relocation.kind {
    case .typeIndexLEB, .signedTypeIndex:
      return UInt64(program.indices.types.index(of: unit.typeIDs[Int(relocation.target)]) ?? 0)
    case .memoryIndex:
      return UInt64(program.indices.memoryIndices[unit.index]?[Int(relocation.target)] ?? 0)
    case .dataIndex: return UInt64(program.memory.outputSegments[Int(unit.bases.segment + relocation.target)])
    case .elementIndex: return UInt64(program.indices.elementIndices[Int(unit.bases.element + relocation.target)])
    case .constantNumber: return addend
    case .constantTableIndex where relocation.target == none32:
      return UInt64(program.indices.tableBlocks[unit.index] ?? 0) &+ addend
    default: break
    }
    let id = unit.symbolIDs[Int(relocation.target)]
    let symbol = program.symbol(id)
    if symbol.kind != .section, !program.isLive(symbol, id) { return tombstone != 0 ? tombstone : addend }
    switch relocation.kind {
    case .functionIndexLEB, .functionIndexI32, .tagIndexLEB, .tableNumberLEB:
      let index = program.index(of: id)
      return index == none32 ? 0 : UInt64(index)
    case .globalIndexLEB, .globalIndexI32:
      if symbol.kind == .global {
        let index = program.index(of: id)
        return index == none32 ? 0 : UInt64(index)
      }
      return UInt64(program.indices.addressGlobalIndices[id] ?? 0)
    case .tableIndexSLEB, .tableIndexI32, .tableIndexSLEB64, .tableIndexI64, .constantTableIndex:
      return UInt64(program.slot(of: id)) &+ (relocation.kind == .constantTableIndex ? addend : 0)
    case .tableIndexRelativeSLEB, .tableIndexRelativeSLEB64:
      return UInt64(program.slot(of: id)) &- (program.options.tableBase ?? 0)
    case .functionOffsetI32, .functionOffsetI64:
      guard symbol.isDefined else { return tombstone != 0 ? tombstone : addend }
      return functionOffset(symbol) &+ addend
    case .sectionOffsetI32: return custom.offset(of: addend, inSection: symbol.element)
    case .memoryAddressLocationRelativeI32: return program.address(of: symbol) &+ addend &- place
    case .memoryAddressTLSSLEB, .memoryAddressTLSSLEB64:
      guard symbol.isDefined else { return 0 }
      let address = program.address(of: symbol) &+ addend
      let isAddress =
        symbol.isTLS && !program.options.sharedMemory && program.options.compatibility.countsFromThreadBase
      return isAddress ? address &- program.memory.tlsAddress : address
    default:
      guard symbol.isDefined else { return 0 }
      return program.address(of: symbol) &+ addend
    }
  }

  /// Offset in the code section's payload of a function's first byte behind its size.
  private func functionOffset(_ symbol: Symbol) -> UInt64 {
    let unit = program.resolution.units[Int(symbol.unit)]
    let function = unit.functions[Int(symbol.element - unit.bases.function)]
    let start = UInt64(functionOffsets[Int(symbol.element)])
    return start + UInt64(function.body.start - function.start)
  }
}
