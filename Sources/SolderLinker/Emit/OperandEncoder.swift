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
///
/// A class, so that the tasks of all threads count references to it and not to each of its arrays.
final class OperandEncoder: @unchecked Sendable {
  let program: Program
  let custom: CustomPlan
  /// By symbol.
  let values: [SymbolValue]
  /// The types of the result, taken out of the program for ``Patcher``.
  let types: OutputTypes
  /// Where the body of each function of the result begins in the payload of the code section, by its position among those
  /// defined; empty until the code has been measured.
  let bodyOffsets: [UInt32]
  private let importedFunctions: UInt32
  /// Of each finished module, the index in the result of each function of its index space; empty for objects.
  ///
  /// Most relocations of a large module are calls. Looking up the symbol of each, and then its value, are two looks into
  /// tables that the innermost cache cannot hold; this is one, and four bytes a function.
  private let functionIndices: [[UInt32]]

  init(_ program: Program, _ custom: CustomPlan, _ values: [SymbolValue], _ threads: Threads) {
    self.program = program
    self.custom = custom
    self.values = values
    functionIndices = program.resolution.units.map { unit in
      guard unit.lifted != nil else { return [] }
      let symbolIDs = unit.symbolIDs
      let count = min(unit.functionImports.count + unit.functions.count, symbolIDs.count)
      return threads.map(count, batch: 8192) { values[Int(symbolIDs[$0])].index }
    }
    types = program.indices.types
    bodyOffsets = []
    importedFunctions = program.indices.importCounts.functions
  }

  /// The same, knowing where the functions are.
  init(_ encoder: OperandEncoder, bodyOffsets: [UInt32]) {
    program = encoder.program
    custom = encoder.custom
    values = encoder.values
    types = encoder.types
    importedFunctions = encoder.importedFunctions
    functionIndices = encoder.functionIndices
    self.bodyOffsets = bodyOffsets
  }

  /// The indices in the result of the functions of a finished module's index space; none for an object.
  func functionIndices(of unit: Unit) -> [UInt32] { functionIndices[Int(unit.index)] }

  /// What a relocation in code writes.
  ///
  /// - Parameter compress: whether an operand may take fewer bytes than in the input.
  func encode(_ relocation: Relocation, of source: RelocatedUnit, compress: Bool) -> EncodedOperand {
    let unit = source.unit
    var operand = EncodedOperand(value: 0, form: .unsigned, opcode: nil, width: Int(relocation.width))
    switch relocation.kind {
    case .removedCall:
      operand.form = .nothing
      if compress { operand.width = -1 }
      return operand
    case .implicitMemory:
      let index = program.resolution.memories.index(of: 0, in: unit)
      let alignment = UInt64(unit.file.bytes.base[Int(relocation.offset)] & 0x3F)
      guard index != 0 else {
        operand.value = alignment
        return operand
      }
      operand.form = .memoryArgument
      operand.value = UInt64(index) << 8 | alignment | 0x40
      let shortest = 1 + LEB128.length(unsigned: UInt64(index))
      operand.width = compress ? shortest : max(shortest, operand.width)
      return operand
    case .constantMemoryAddress where values[Int(source.symbolIDs[Int(relocation.target)])].isInVariable:
      // Thread-local data has an address in each thread: the instruction stays what it was.
      operand.opcode = 0x23
      operand.value = UInt64(values[Int(source.symbolIDs[Int(relocation.target)])].addressGlobal)
    case .constantMemoryAddress, .constantTableIndex, .constantNumber, .constantTLSOffset:
      operand.opcode = relocation.isConstant64 ? 0x42 : 0x41
      setSigned(&operand, value(of: relocation, in: source), is64: relocation.isConstant64)
    case .globalIndexLEB where isConstant(relocation, source):
      let is64 = unit.globalType(relocation.target - (unit.lifted?.globalSymbols ?? 0))?.valueType == 0x7E
      operand.opcode = is64 ? 0x42 : 0x41
      setSigned(&operand, values[Int(source.symbolIDs[Int(relocation.target)])].address, is64: is64)
    case .tableIndexSLEB, .tableIndexRelativeSLEB, .memoryAddressSLEB, .memoryAddressRelativeSLEB,
      .memoryAddressTLSSLEB:
      setSigned(&operand, value(of: relocation, in: source), is64: false)
    case .tableIndexSLEB64, .tableIndexRelativeSLEB64, .memoryAddressSLEB64, .memoryAddressRelativeSLEB64,
      .memoryAddressTLSSLEB64:
      setSigned(&operand, value(of: relocation, in: source), is64: true)
    case .memoryAddressLEB64: operand.value = value(of: relocation, in: source)
    case .signedTypeIndex:
      operand.form = .signed
      operand.value = value(of: relocation, in: source)
    case .globalIndexI32, .functionIndexI32, .memoryAddressI32, .tableIndexI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressLocationRelativeI32:
      operand.form = .fixed32
      operand.value = value(of: relocation, in: source)
      return operand
    case .memoryAddressI64, .tableIndexI64, .functionOffsetI64:
      operand.form = .fixed64
      operand.value = value(of: relocation, in: source)
      return operand
    default: operand.value = value(of: relocation, in: source) & 0xFFFF_FFFF
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
  private func isConstant(_ relocation: Relocation, _ source: RelocatedUnit) -> Bool {
    guard source.unit.contracts.speaksOfAddresses else { return false }
    return values[Int(source.symbolIDs[Int(relocation.target)])].kind == .data
      && source.unit.file.bytes.base[Int(relocation.offset) - 1] == 0x23
  }

  // MARK: Values

  /// Where the body of a defined function begins in the payload of the code section; 0 for one that is not there.
  private func bodyOffset(ofSymbol id: SymbolID) -> UInt32 {
    // Not `SymbolValue.index`: references to a function that is exported may go to an import of the same name.
    let index = program.indices.functionIndices[checked: Int(program.symbol(id).element)] ?? none32
    return index == none32 ? 0 : bodyOffset(ofFunction: index) ?? 0
  }

  /// Where the body of the function with this index in the result begins; `nil` for an import.
  @inline(__always)
  func bodyOffset(ofFunction index: UInt32) -> UInt32? {
    index < importedFunctions ? nil : bodyOffsets[checked: Int(index - importedFunctions)]
  }

  /// The number that a relocation asks for. `tombstone` stands for what is not part of the result.
  func value(of relocation: Relocation, in source: RelocatedUnit, tombstone: UInt64 = 0, place: UInt64 = 0) -> UInt64 {
    let addend =
      relocation.hasWideAddend
      ? UInt64(bitPattern: source.unit.addend(of: relocation))
      : UInt64(bitPattern: Int64(relocation.storedAddend))
    switch relocation.kind {
    case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .dataIndex, .elementIndex, .constantNumber:
      return unnamedValue(of: relocation, in: source.unit, addend)
    case .constantTableIndex where relocation.target == none32:
      return UInt64(program.indices.tableBlocks[source.unit.index] ?? 0) &+ addend
    default: break
    }
    let id = source.symbolIDs[Int(relocation.target)]
    let symbol = values[Int(id)]
    guard symbol.isPresent else { return tombstone != 0 ? tombstone : addend }
    switch relocation.kind {
    case .functionIndexLEB, .functionIndexI32, .tagIndexLEB, .tableNumberLEB: return UInt64(symbol.index)
    case .globalIndexLEB, .globalIndexI32:
      return UInt64(symbol.kind == .global ? symbol.index : symbol.addressGlobal)
    case .tableIndexSLEB, .tableIndexI32, .tableIndexSLEB64, .tableIndexI64: return UInt64(symbol.slot)
    case .constantTableIndex: return UInt64(symbol.slot) &+ addend
    case .tableIndexRelativeSLEB, .tableIndexRelativeSLEB64:
      return symbol.slot == 0 ? 0 : UInt64(symbol.slot) &- (program.options.tableBase ?? 0)
    case .functionOffsetI32, .functionOffsetI64:
      guard symbol.isDefined else { return tombstone != 0 ? tombstone : addend }
      return UInt64(bodyOffset(ofSymbol: id)) &+ addend
    case .sectionOffsetI32: return custom.offset(of: addend, inSection: program.symbol(id).element)
    case .memoryAddressLocationRelativeI32: return address(symbol, id) &+ addend &- place
    default:
      guard symbol.isDefined else { return 0 }
      return address(symbol, id) &+ addend
    }
  }

  /// The address of a symbol; that of an immutable global of a plain module is its value.
  private func address(_ symbol: SymbolValue, _ id: SymbolID) -> UInt64 {
    symbol.kind == .global ? program.address(of: program.symbol(id)) : symbol.address
  }

  /// What a relocation writes that refers to no symbol.
  private func unnamedValue(of relocation: Relocation, in unit: Unit, _ addend: UInt64) -> UInt64 {
    switch relocation.kind {
    case .typeIndexLEB, .signedTypeIndex:
      UInt64(program.indices.types.index(of: unit.typeIDs[Int(relocation.target)]) ?? 0)
    case .memoryIndex: UInt64(program.resolution.memories.index(of: relocation.target, in: unit))
    case .dataIndex: UInt64(program.memory.outputSegments[Int(unit.bases.segment + relocation.target)])
    case .elementIndex: UInt64(program.indices.elementIndices[Int(unit.bases.element + relocation.target)])
    default: addend
    }
  }
}
