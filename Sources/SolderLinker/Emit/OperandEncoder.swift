import WebAssemblyFormat

// How an edit becomes bytes.
//
// Three questions: which number, in which form, in how many bytes. In wasm-ld each relocation kind answers all three where
// it is applied, once for code, once for data, and once more where operands are compressed; answers that are given in
// several places disagree sooner or later. Here each is answered once, in this file, and everybody else only asks.
//
//  - The number follows from what the symbol is in the result (``SymbolValue``): an index, an address, a slot, a place in
//    code. Null is a number where C has a null pointer (what is weak and missing, a function that is only pointed to), and
//    in debug information, about what was dropped. Everything else without a number is an internal error.
//  - The form follows from the kind: LEB128 with or without a sign, or four or eight bytes. Addresses of 32 bits are
//    signed where `i32.const` takes them, so that 0x80000000 and more are negative numbers. An edit may replace a whole
//    instruction: `global.get` of what turned out to be an address becomes a constant.
//  - The length is that of what it replaces, as long as whatever stands behind must not move: objects pad operands to five
//    or ten bytes for this. Code of finished modules may move, since nothing in it counts bytes; there the shortest form is
//    written, and the place of the function follows from measuring all of its edits first.

/// Decides what every edit writes: which value, in which form, in how many bytes; see the comment at the head of the file.
///
/// Code, data, custom sections and constant expressions, patched in place or written anew: all come here, and what they
/// write is a ``Replacement``. ``Patcher`` knows a short way for the usual ones, which gives the same.
///
/// A class, so that the tasks of all threads count references to it and not to each of its arrays.
final class OperandEncoder: Sendable {
  let program: Program
  let custom: CustomPlan
  /// By symbol.
  let values: [SymbolValue]
  /// The types of the result, taken out of the program for ``Patcher``.
  let types: OutputTypes
  /// Where the body of each function of the result begins in the payload of the code section, by its position among those
  /// defined; empty until the code has been measured.
  let bodyOffsets: [UInt32]
  private let importedFunctions: OutputFunctionIndex
  /// Of each finished module, the index in the result of each function of its index space; empty for objects.
  ///
  /// Most relocations of a large module are calls. Looking up the symbol of each, and then its value, are two looks into
  /// tables that the innermost cache cannot hold; this is one, and four bytes a function.
  private let functionIndices: [[PackedIndex<OutputFunctions>]]

  init(_ program: Program, _ custom: CustomPlan, _ threads: Threads) {
    self.program = program
    self.custom = custom
    let values = program.values
    self.values = values
    functionIndices = program.resolution.units.map { unit in
      guard unit.contracts.isRecovered else { return [] }
      let symbolIDs = unit.symbolIDs
      let count = min(unit.functionImports.count + unit.functions.count, symbolIDs.count)
      return threads.map(count, batch: 8192) { PackedIndex(values[Int(symbolIDs[SymbolIndex($0)])].function) }
    }
    types = program.indices.types
    bodyOffsets = []
    importedFunctions = program.indices.importCounts.functions
  }

  /// The same, knowing where custom sections go.
  init(_ encoder: OperandEncoder, _ custom: CustomPlan) {
    program = encoder.program
    self.custom = custom
    values = encoder.values
    types = encoder.types
    importedFunctions = encoder.importedFunctions
    functionIndices = encoder.functionIndices
    bodyOffsets = encoder.bodyOffsets
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

  /// The indices in the result of the functions of a finished module's index space, as far as they are there; nothing for
  /// an object.
  func functionIndices(of unit: Unit) -> [PackedIndex<OutputFunctions>] { functionIndices[Int(unit.index)] }

  // MARK: Bytes

  /// What an edit writes.
  ///
  /// - Parameters:
  ///   - length: how long it is made.
  ///   - tombstone: what is written about things that are not part of the result; `nil` where what
  ///     is written lives, and so does all that it refers to.
  ///   - place: the address of the bytes, for numbers that count from there.
  func replacement(
    for edit: Relocation, of source: RelocatedUnit, length: OperandLength, tombstone: Tombstone? = nil,
    place: UInt64 = 0
  ) -> Replacement {
    let width = edit.width(length)
    switch edit.encoding {
    case .operand:
      let value = value(of: edit, in: source, tombstone: tombstone, place: place)
      return operand(edit, value, of: source, atLeast: width)
    case .globalGet32, .globalGet64:
      let id = source.symbolIDs[edit.namedSymbol]
      switch values[Int(id)].answer {
      case .address, .threadLocalOffset, .undefined:
        return .constant(
          program.address(of: id), is64: edit.encoding == .globalGet64, atLeast: edit.constantWidth(length))
      case .absent, .function, .global, .tag, .table, .section: break
      }
      let value = value(of: edit, in: source)
      return .number(value, .unsigned, opcode: 0x23, atLeast: width)
    case .constant32 where edit.kind == .constantMemoryAddress, .constant64 where edit.kind == .constantMemoryAddress:
      let (id, is64) = (source.symbolIDs[edit.namedSymbol], edit.encoding == .constant64)
      // A thread's copy has its address in a variable, to which code adds as it did.
      if let global = program.variable(withAddressOf: id, for: source.unit) {
        return .read(global, plus: source.unit.addend(of: edit), is64: is64, length, width)
      }
      if let base = program.threadLocalBase(of: id, for: source.unit) {
        let offset = program.threadLocalOffset(of: id) &+ UInt64(bitPattern: source.unit.addend(of: edit))
        return .threadLocal(base, plus: offset, is64: is64)
      }
      guard case .threadLocalOffset = values[Int(id)].answer else { fallthrough }
      let address = program.fixedAddress(of: id) &+ UInt64(bitPattern: source.unit.addend(of: edit))
      return .constant(address, is64: is64, atLeast: width)
    case .constant32, .constant64:
      let value = value(of: edit, in: source)
      return .constant(value, is64: edit.encoding == .constant64, atLeast: width)
    case .nothing: return Replacement(form: .nothing, length: width)
    case .indexedBase32, .indexedBase64, .indexedSum, .indexedOffset:
      return indexedAccess(edit, of: source, length: length)
    }
  }

  /// What becomes of a part of an access to memory with an index.
  private func indexedAccess(_ edit: Relocation, of source: RelocatedUnit, length: OperandLength) -> Replacement {
    let address = addressInOffset(edit, of: source, length)
    switch edit.encoding {
    case .indexedOffset:
      let value = address.map { $0 &+ UInt64(bitPattern: source.unit.addend(of: edit)) }
      return .number(
        value ?? source.unit.file.bytes.unsignedNumber(in: Int(edit.offset)..<Int(edit.end)), .unsigned,
        atLeast: edit.width(length))
    case .indexedSum where address == nil:
      return Replacement(form: .nothing, opcode: source.unit.file.bytes[Int(edit.offset)], length: 1)
    case _ where address == nil:
      var base = edit
      base.encoding = .constant(is64: edit.encoding.is64)
      return replacement(for: base, of: source, length: length)
    case _ where edit.isProvisional: return .constant(0, is64: edit.encoding.is64, atLeast: 0)
    default: return Replacement(form: .nothing, length: 0)
    }
  }

  /// The address that accesses take into their offsets; `nil` where it stays a constant that an index is added to, as it is
  /// not known yet, or so high that a sum might wrap around. All edits of an access get the same answer.
  private func addressInOffset(
    _ edit: Relocation, of source: RelocatedUnit, _ length: OperandLength
  ) -> UInt64? {
    guard length == .shortest, case .address(let address) = values[Int(source.symbolIDs[edit.namedSymbol])].answer,
      address < IndexedAccess.addressLimit
    else { return nil }
    return address
  }

  private func operand(
    _ edit: Relocation, _ value: UInt64, of source: RelocatedUnit, atLeast width: Int
  ) -> Replacement {
    switch edit.kind {
    case .implicitMemory: return memoryArgument(edit, of: source.unit, atLeast: width)
    case .tableIndexSLEB, .tableIndexRelativeSLEB, .memoryAddressSLEB, .memoryAddressRelativeSLEB,
      .memoryAddressTLSSLEB:
      return .number(Replacement.signed(value, is64: false), .signed, atLeast: width)
    case .tableIndexSLEB64, .tableIndexRelativeSLEB64, .memoryAddressSLEB64, .memoryAddressRelativeSLEB64,
      .memoryAddressTLSSLEB64, .signedTypeIndex:
      return .number(value, .signed, atLeast: width)
    case .memoryAddressLEB64: return .number(value, .unsigned, atLeast: width)
    case .globalIndexI32, .functionIndexI32, .memoryAddressI32, .tableIndexI32, .functionOffsetI32, .sectionOffsetI32,
      .memoryAddressLocationRelativeI32:
      return Replacement(form: .fixed32, value: value, length: Int(edit.width))
    case .memoryAddressI64, .tableIndexI64, .functionOffsetI64:
      return Replacement(form: .fixed64, value: value, length: Int(edit.width))
    default: return .number(value & 0xFFFF_FFFF, .unsigned, atLeast: width)
    }
  }

  /// An access to memory 0 of the unit, which does not name it, and which of the result it is.
  private func memoryArgument(_ edit: Relocation, of unit: Unit, atLeast width: Int) -> Replacement {
    let alignment = UInt64(UInt32(bitPattern: edit.storedAddend) & 0x3F)
    let index = UInt64(program.resolution.memories.index(of: .first, in: unit).rawValue)
    guard index != 0 else { return .number(alignment, .unsigned, atLeast: width) }
    let shortest = 1 + LEB128.length(unsigned: index)
    return Replacement(
      form: .memoryArgument, value: index << 8 | alignment | 0x40,
      length: max(shortest, width))
  }

  // MARK: Values

  /// Where the body of the function with this index in the result begins; `nil` for an import.
  @inline(__always)
  func bodyOffset(ofFunction index: OutputFunctionIndex) -> UInt32? {
    index < importedFunctions ? nil : bodyOffsets[checked: index - importedFunctions]
  }

  /// The number that an edit asks for.
  ///
  /// - Parameters:
  ///   - tombstone: what stands for things that are not part of the result; `nil` if there cannot be any.
  ///   - place: the address of the bytes, for numbers that count from there.
  func value(
    of edit: Relocation, in source: RelocatedUnit, tombstone: Tombstone? = nil, place: UInt64 = 0
  ) -> UInt64 {
    let addend =
      edit.hasWideAddend
      ? UInt64(bitPattern: source.unit.addend(of: edit)) : UInt64(bitPattern: Int64(edit.storedAddend))
    switch edit.kind {
    case .typeIndexLEB, .signedTypeIndex: return UInt64(program.index(ofType: edit.type, of: source.unit))
    case .memoryIndex: return UInt64(program.resolution.memories.index(of: edit.memory, in: source.unit).rawValue)
    case .dataIndex:
      return UInt64(program.index(ofSegment: SegmentIndex(rawValue: edit.target), of: source.unit).rawValue)
    case .elementIndex:
      return UInt64(program.index(ofElementSegment: ElementIndex(rawValue: edit.target), of: source.unit).rawValue)
    case .constantNumber: return addend
    // Written as what they are, without a number.
    case .implicitMemory, .removedCall: return 0
    case _ where edit.isInTableBlock:
      return UInt64(program.tableBlock(of: source.unit).rawValue) &+ addend
    default: break
    }
    let id = source.symbolIDs[edit.namedSymbol]
    let value = values[Int(id)]
    if let tombstone, !value.isPresent { return tombstone.value != 0 ? tombstone.value : addend }
    switch edit.kind {
    case .functionIndexLEB, .functionIndexI32, .tagIndexLEB, .tableNumberLEB: return UInt64(program.index(of: id))
    case .globalIndexLEB, .globalIndexI32:
      if case .global(let index) = value.answer { return UInt64(index.rawValue) }
      if let base = program.threadLocalBase(of: id, for: source.unit) { return UInt64(base.rawValue) }
      // Nor a global that holds an address.
      if let tombstone, value.addressGlobal == nil { return tombstone.value != 0 ? tombstone.value : addend }
      return UInt64(program.addressGlobal(of: id).rawValue)
    case .tableIndexSLEB, .tableIndexI32, .tableIndexSLEB64, .tableIndexI64, .constantTableIndex,
      .tableIndexRelativeSLEB, .tableIndexRelativeSLEB64:
      return slot(edit, id, isInLiving: tombstone == nil) &+ addend
    case .functionOffsetI32, .functionOffsetI64:
      let symbol = program.symbol(id)
      if let tombstone, tombstone.coversFolded, symbol.isDefined, program.indices.folds.contains(symbol.functionID) {
        return tombstone.value
      }
      if let offset = bodyOffset(of: symbol) { return UInt64(offset) &+ addend }
      return tombstone.flatMap { $0.value == 0 ? nil : $0.value } ?? addend
    case .sectionOffsetI32: return custom.offset(of: addend, inSection: program.symbol(id).customSectionID)
    case .memoryAddressLocationRelativeI32: return program.address(of: id) &+ addend &- place
    case .memoryAddressTLSSLEB, .memoryAddressTLSSLEB64:
      return program.threadLocalOffset(of: id) &+ addend
    default:
      // Null stays null; but what a finished module adds to it is a number.
      if case .undefined = value.answer { return source.unit.contracts.isRecovered ? addend : 0 }
      return program.address(of: id) &+ addend
    }
  }

  /// A function pointer, counted from the base of the table where the edit says so.
  private func slot(_ edit: Relocation, _ id: SymbolID, isInLiving: Bool) -> UInt64 {
    // Debug information gives no function a slot: what has none there is null, as in wasm-ld.
    let slot = values[Int(id)].slot?.rawValue ?? (isInLiving ? program.slot(of: id) : 0)
    let isRelative = edit.kind == .tableIndexRelativeSLEB || edit.kind == .tableIndexRelativeSLEB64
    // Null is null from wherever one counts.
    return isRelative && slot != 0 ? UInt64(slot) &- program.options.firstTableSlot : UInt64(slot)
  }

  /// Where the body of a function begins in the payload of the code section; `nil` for one that is not defined.
  private func bodyOffset(of symbol: Symbol) -> UInt32? {
    guard symbol.isDefined else { return nil }
    // Not the symbol's value: references to a function that is exported may go to an import of the same name.
    let index = program.indices.functionIndices[checked: symbol.functionID]?.index
    return index.flatMap { bodyOffset(ofFunction: $0) }
  }
}
