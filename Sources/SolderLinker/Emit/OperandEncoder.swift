import WebAssemblyFormat

/// Decides what every edit writes: which value, in which form, in how many bytes.
///
/// Code, data, custom sections and constant expressions, patched in place or written anew: all come here, and what they
/// write is a ``Replacement``. ``Patcher`` knows a short way for the usual ones, which gives the same.
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
      guard unit.isLifted else { return [] }
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

  // MARK: Bytes

  /// What an edit writes.
  ///
  /// - Parameters:
  ///   - compress: whether it may be shorter than what it replaces.
  ///   - tombstone: what is written about things that are not part of the result; 0 for the addend.
  ///   - place: the address of the bytes, for numbers that count from there.
  func replacement(
    for edit: Relocation, of source: RelocatedUnit, compress: Bool, tombstone: UInt64 = 0, place: UInt64 = 0
  ) -> Replacement {
    let width = Int(edit.width)
    switch edit.encoding {
    case .operand:
      let value = value(of: edit, in: source, tombstone: tombstone, place: place)
      return operand(edit, value, of: source, compress: compress)
    case .globalGet32, .globalGet64:
      let symbol = values[Int(source.symbolIDs[Int(edit.target)])]
      if symbol.kind == .data {
        return .constant(symbol.address, is64: edit.encoding == .globalGet64, replacing: width, compress: compress)
      }
      let value = value(of: edit, in: source)
      return .number(value, .unsigned, opcode: 0x23, replacing: width, compress: compress)
    case .constant32, .constant64:
      let value = value(of: edit, in: source)
      return .constant(value, is64: edit.encoding == .constant64, replacing: width, compress: compress)
    case .nothing: return Replacement(form: .nothing, length: compress ? 0 : width)
    }
  }

  private func operand(
    _ edit: Relocation, _ value: UInt64, of source: RelocatedUnit, compress: Bool
  ) -> Replacement {
    let width = Int(edit.width)
    switch edit.kind {
    case .implicitMemory: return memoryArgument(edit, of: source.unit, compress: compress)
    case .tableIndexSLEB, .tableIndexRelativeSLEB, .memoryAddressSLEB, .memoryAddressRelativeSLEB,
      .memoryAddressTLSSLEB:
      return .number(Replacement.signed(value, is64: false), .signed, replacing: width, compress: compress)
    case .tableIndexSLEB64, .tableIndexRelativeSLEB64, .memoryAddressSLEB64, .memoryAddressRelativeSLEB64,
      .memoryAddressTLSSLEB64, .signedTypeIndex:
      return .number(value, .signed, replacing: width, compress: compress)
    case .memoryAddressLEB64: return .number(value, .unsigned, replacing: width, compress: compress)
    case .globalIndexI32, .functionIndexI32, .memoryAddressI32, .tableIndexI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressLocationRelativeI32:
      return Replacement(form: .fixed32, value: value, length: width)
    case .memoryAddressI64, .tableIndexI64, .functionOffsetI64:
      return Replacement(form: .fixed64, value: value, length: width)
    default: return .number(value & 0xFFFF_FFFF, .unsigned, replacing: width, compress: compress)
    }
  }

  /// An access to memory 0 of the unit, which does not name it, and which of the result it is.
  private func memoryArgument(_ edit: Relocation, of unit: Unit, compress: Bool) -> Replacement {
    let alignment = UInt64(UInt32(bitPattern: edit.storedAddend) & 0x3F)
    let index = UInt64(program.indices.memoryIndices[unit.index]?.first ?? 0)
    guard index != 0 else { return .number(alignment, .unsigned, replacing: Int(edit.width), compress: compress) }
    let shortest = 1 + LEB128.length(unsigned: index)
    return Replacement(
      form: .memoryArgument, value: index << 8 | alignment | 0x40,
      length: compress ? shortest : max(shortest, Int(edit.width)))
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
    case .typeIndexLEB, .signedTypeIndex, .memoryIndex, .dataIndex, .elementIndex, .constantNumber, .implicitMemory,
      .removedCall:
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
    case .memoryIndex: UInt64(program.indices.memoryIndices[unit.index]?[Int(relocation.target)] ?? 0)
    case .dataIndex: UInt64(program.memory.outputSegments[Int(unit.bases.segment + relocation.target)])
    case .elementIndex: UInt64(program.indices.elementIndices[Int(unit.bases.element + relocation.target)])
    default: addend
    }
  }
}
