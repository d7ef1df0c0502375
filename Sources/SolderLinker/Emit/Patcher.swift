import WebAssemblyFormat

/// Writes what the relocations of one unit ask for over bytes that were copied into the result.
///
/// A link has a million relocations, nearly all of a few kinds: an operand of five bytes in code, a number of four in data,
/// about a symbol that is there. Those take a short way here, with one look at the symbol and one or two stores;
/// everything else goes through ``OperandEncoder``, which knows all the rules, and says the same of those. A patcher
/// serves all fragments of a unit that follow each other, so that its arrays are taken out of the object once.
struct Patcher {
  let source: RelocatedUnit
  private let encoder: OperandEncoder
  /// The encoder's.
  private let values: [SymbolValue]
  private let typeIDs: Row<UnitTypes, TypeID>
  /// The encoder's, of this unit.
  private let functionIndices: [PackedIndex<OutputFunctions>]

  var unit: Unit { source.unit }

  /// How long edits of code are made. Nothing of a finished module wants its operands padded, unless they are to be
  /// patched once more.
  let codeLength: OperandLength

  init(_ unit: Unit, _ encoder: OperandEncoder) { self.init(RelocatedUnit(unit), encoder) }

  init(_ source: RelocatedUnit, _ encoder: OperandEncoder) {
    let unit = source.unit
    let options = encoder.program.options
    if unit.contracts.mayChangeSize, options.contract.keepsRelocations {
      codeLength = .patchable
    } else if options.compressRelocations || unit.contracts.mayChangeSize && !options.emitRelocations {
      codeLength = .shortest
    } else {
      codeLength = .asWritten
    }
    self.source = source
    self.encoder = encoder
    values = encoder.values
    typeIDs = unit.typeIDs
    functionIndices = encoder.functionIndices(of: unit)
  }

  // MARK: Code

  /// Patches code whose edits all keep their length.
  ///
  /// - Parameters:
  ///   - start: offset in the file of what was copied.
  ///   - room: where it was copied to.
  func patchCode(_ range: RelocationRange, from start: UInt32, in room: OutputRoom) {
    for index in range.indices {
      let relocation = source.relocations[index]
      let place = Int(relocation.offset) - Int(start)
      let isWritten: Bool
      if let value = shortOperand(relocation) {
        if relocation.width == 5, relocation.encoding == .operand {
          isWritten = room.write(fiveBytes: value, at: place)
        } else {
          let width = relocation.shortWidth(of: value, .asWritten)
          isWritten = width == relocation.width && relocation.writeShort(value, width: width, to: room, at: place)
        }
      } else {
        isWritten = write(replacement(for: relocation, length: .asWritten), for: relocation, to: room, at: place)
      }
      if !isWritten { reportMisfit(relocation) }
    }
  }

  /// Writes what does not change the length of anything.
  private func write(
    _ replacement: Replacement, for relocation: Relocation, to room: OutputRoom, at place: Int
  ) -> Bool {
    replacement.length == Int(relocation.width) && replacement.write(to: room, at: place)
  }

  private func reportMisfit(_ relocation: Relocation) {
    encoder.program.errors.report(
      "\(unit.file.displayName): what replaces \(relocation.width) bytes at \(relocation.offset) "
        + "(\(relocation.kind.conventionalName)) does not fit there")
  }

  /// What the edits of a fragment do to its length.
  struct Growth: Equatable {
    /// How many bytes longer it becomes.
    var bytes = 0
    /// Whether any edit writes another number of bytes than it replaces.
    var isAny = false
  }

  func growth(of range: RelocationRange, length: OperandLength) -> Growth {
    var changes = GrowingRow<BodyChange>(capacity: 0)
    return growth(of: range, length: length, recordsChanges: false, &changes)
  }

  /// The same, with the places where instructions change or move, if they are to be recorded.
  func growth(
    of range: RelocationRange, length: OperandLength, recordsChanges: Bool, _ changes: inout GrowingRow<BodyChange>
  ) -> Growth {
    var growth = Growth()
    for index in range.indices {
      let relocation = source.relocations[index]
      let new = replacementLength(of: relocation, length)
      if new != Int(relocation.width) {
        growth.bytes += new - Int(relocation.width)
        growth.isAny = true
      } else if relocation.encoding == .operand {
        continue
      }
      // What takes the place of several instructions may be as long as they were.
      if recordsChanges {
        changes.append(BodyChange(start: relocation.offset, end: relocation.end, growth: Int32(clamping: growth.bytes)))
      }
    }
    return growth
  }

  /// How many bytes come in the place of a relocation's.
  @inline(__always)
  private func replacementLength(of relocation: Relocation, _ length: OperandLength) -> Int {
    if length != .shortest, relocation.width == 5, relocation.kind.fitsFiveBytes { return 5 }
    if let value = shortOperand(relocation) { return relocation.shortWidth(of: value, length) }
    return replacement(for: relocation, length: length).length
  }

  func replacement(for relocation: Relocation, length: OperandLength) -> Replacement {
    encoder.replacement(for: relocation, of: source, length: length)
  }

  /// The operand of an instruction, if it is one of the usual kinds: 32 bits, or a number with its sign extended.
  @inline(__always)
  func shortOperand(_ relocation: Relocation) -> UInt64? {
    switch relocation.kind {
    case .functionIndexLEB:
      let target = Int(relocation.target)
      guard target < functionIndices.count else { return value(of: relocation).function.map { UInt64($0.rawValue) } }
      return functionIndices[target].index.map { UInt64($0.rawValue) }
    case .globalIndexLEB:
      if case .global(let index) = value(of: relocation).answer { return UInt64(index.rawValue) }
      return nil
    case .tableNumberLEB:
      if case .table(let index) = value(of: relocation).answer { return UInt64(index.rawValue) }
      return nil
    case .memoryAddressLEB: return address(of: relocation).map { UInt64(UInt32(truncatingIfNeeded: $0)) }
    case .memoryAddressSLEB: return address(of: relocation).map(Patcher.extended)
    case .tableIndexSLEB: return value(of: relocation).slot.map { Patcher.extended(UInt64($0.rawValue)) }
    case .constantMemoryAddress:
      guard codeLength != .patchable, case .address(let address) = value(of: relocation).answer,
        !relocation.hasWideAddend
      else { return nil }
      let sum = address &+ UInt64(bitPattern: Int64(relocation.storedAddend))
      if relocation.encoding == .constant32 { return Patcher.extended(sum) }
      // Where the address goes into the offset, that is written, and nothing of the rest.
      guard relocation.encoding.isIndexed, codeLength == .shortest, address < IndexedAccess.addressLimit else {
        return nil
      }
      return relocation.isProvisional && relocation.encoding.isIndexedBase ? nil : sum
    case .typeIndexLEB: return encoder.types.index(of: typeIDs[relocation.type]).map { UInt64($0) }
    default: return nil
    }
  }

  /// A number of 32 bits with its sign.
  @inline(__always)
  private static func extended(_ value: UInt64) -> UInt64 {
    UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
  }

  // MARK: Data

  /// Patches the data of a segment, or a custom section.
  ///
  /// - Parameters:
  ///   - room: where the bytes were copied to.
  ///   - start: offset of the first of them.
  ///   - address: of offset 0 in memory, for relocations that count from where they are.
  ///   - tombstone: what is written about things that are not part of the result; `nil` for data, which
  ///     refers to nothing of the kind.
  func patchData(
    _ range: RelocationRange, in room: OutputRoom, from start: Int = 0, address: UInt64 = 0,
    tombstone: Tombstone? = nil
  ) {
    var sections = SectionPlaces()
    for index in range.indices {
      let relocation = source.relocations[index]
      let place = Int(relocation.offset) - start
      let isWritten: Bool
      if let value = shortNumber(relocation, tombstone, &sections) {
        isWritten = room.write(fixed32: value, at: place)
      } else {
        let replacement = encoder.replacement(
          for: relocation, of: source, length: .asWritten, tombstone: tombstone,
          place: address &+ UInt64(relocation.offset))
        isWritten = write(replacement, for: relocation, to: room, at: place)
      }
      if !isWritten { reportMisfit(relocation) }
    }
  }

  /// Patches offsets into another section of the file: what `patchData` does, for many of them that are not relocations.
  ///
  /// - Parameter bytes: those that were copied into the room.
  func patch(_ references: SectionChunk.References, of bytes: ByteReader, in room: OutputRoom) {
    let id = source.symbolIDs[references.target]
    let isWritten: Bool
    // It is the same section, and has gone to the same place, for all of them.
    switch encoder.custom.place(ofSection: encoder.program.symbol(id).customSectionID) {
    case .strings(let place): isWritten = move(references.places, of: bytes, in: room) { place.offset(of: $0) }
    case let place: isWritten = move(references.places, of: bytes, in: room) { place.offset(of: $0) }
    }
    if !isWritten {
      encoder.program.errors.report("\(unit.file.displayName): an offset into another section does not fit there")
    }
  }

  @inline(__always)
  private func move(
    _ places: [UInt32], of bytes: ByteReader, in room: OutputRoom, _ moved: (UInt64) -> UInt64
  ) -> Bool {
    var isWritten = true
    for place in places {
      guard let offset = bytes.fixed32(at: bytes.offset &+ Int(place)) else { return false }
      isWritten =
        room.write(fixed32: UInt32(truncatingIfNeeded: moved(UInt64(offset))), at: Int(place)) && isWritten
    }
    return isWritten
  }

  /// Where the sections went that references of one section go to, nearly all of them to one or two.
  struct SectionPlaces {
    fileprivate var known: [(target: UInt32, place: CustomPlan.Place)] = []
  }

  /// The number that a relocation in data asks for, if it is one of the usual kinds, all of four bytes.
  @inline(__always)
  func shortNumber(
    _ relocation: Relocation, _ tombstone: Tombstone?, _ sections: inout SectionPlaces
  ) -> UInt32? {
    switch relocation.kind {
    case .sectionOffsetI32:
      guard !relocation.hasWideAddend else { return nil }
      let addend = UInt64(bitPattern: Int64(relocation.storedAddend))
      for index in sections.known.indices where sections.known[index].target == relocation.target {
        return UInt32(truncatingIfNeeded: sections.known[index].place.offset(of: addend))
      }
      guard case .section = value(of: relocation).answer else { return nil }
      let section = encoder.program.symbol(source.symbolIDs[relocation.namedSymbol]).customSectionID
      let place = encoder.custom.place(ofSection: section)
      sections.known.append((relocation.target, place))
      return UInt32(truncatingIfNeeded: place.offset(of: addend))
    case .memoryAddressI32: return address(of: relocation).map { UInt32(truncatingIfNeeded: $0) }
    case .tableIndexI32:
      guard !relocation.hasWideAddend, relocation.hasTarget else { return nil }
      return (value(of: relocation).slot?.rawValue).map { $0 &+ UInt32(bitPattern: relocation.storedAddend) }
    case .functionOffsetI32:
      switch value(of: relocation).answer {
      case .absent:
        guard let tombstone, tombstone.value != 0 else { return nil }
        return UInt32(truncatingIfNeeded: tombstone.value)
      case .function(let function):
        guard let index = function.index, let offset = encoder.bodyOffset(ofFunction: index),
          !relocation.hasWideAddend, tombstone?.coversFolded != true
        else { return nil }
        return offset &+ UInt32(bitPattern: relocation.storedAddend)
      case .undefined, .address, .threadLocalOffset, .global, .tag, .table, .section: return nil
      }
    default: return nil
    }
  }

  // MARK: Symbols

  @inline(__always)
  private func value(of relocation: Relocation) -> SymbolValue {
    values[Int(source.symbolIDs[relocation.namedSymbol])]
  }

  /// The address that a relocation asks for; `nil` where that needs a closer look.
  @inline(__always)
  private func address(of relocation: Relocation) -> UInt64? {
    guard let address = value(of: relocation).address, !relocation.hasWideAddend else { return nil }
    return address &+ UInt64(bitPattern: Int64(relocation.storedAddend))
  }
}

extension Relocation {
  /// Whether such an operand is a signed number.
  @inline(__always)
  private var isShortSigned: Bool { kind.isShortSigned && encoding != .indexedOffset }

  /// The opcode in front of an operand that ``Patcher/shortOperand(_:)`` knows, if it is written too.
  @inline(__always)
  private var shortOpcode: UInt8? {
    switch encoding {
    case .constant32: 0x41
    case .globalGet32, .globalGet64: 0x23
    case .constant64, .operand, .nothing, .indexedBase32, .indexedBase64, .indexedSum, .indexedOffset: nil
    }
  }

  /// How many bytes such an operand takes in the result, with the opcode.
  @inline(__always)
  func shortWidth(of value: UInt64, _ length: OperandLength) -> Int {
    if encoding.isIndexed, encoding != .indexedOffset { return 0 }
    let opcode = shortOpcode == nil ? 0 : 1
    let shortest =
      isShortSigned ? LEB128.length(signed: Int64(bitPattern: value)) : LEB128.length(unsigned: value)
    switch length {
    case .shortest: return opcode + shortest
    case .asWritten:
      return opcode + max(shortest, encoding == .constant32 ? min(Int(width) - 1, 5) : Int(width) - opcode)
    // All of these kinds have five bytes.
    case .patchable: return opcode + 5
    }
  }

  /// Writes such an operand.
  ///
  /// - Parameters:
  ///   - width: bytes that it takes, with the opcode.
  ///   - isAhead: whether what lies behind it is not written yet.
  /// - Returns: `false` when they do not fit, or the number does not fit into them.
  @inline(__always)
  func writeShort(_ value: UInt64, width: Int, to room: OutputRoom, at place: Int, isAhead: Bool = false) -> Bool {
    if width == 0 { return true }
    var (width, place) = (width, place)
    if let shortOpcode {
      guard room.write(shortOpcode, at: place) else { return false }
      (width, place) = (width - 1, place + 1)
    }
    if isAhead { return room.write(ahead: value, isSigned: isShortSigned, width: width, at: place) }
    if width == 5 { return room.write(fiveBytes: value, at: place) }
    return isShortSigned
      ? room.write(signed: Int64(bitPattern: value), width: width, at: place)
      : room.write(unsigned: value, width: width, at: place)
  }
}

extension RelocationKind {
  /// Of the kinds that ``Patcher/shortOperand(_:)`` knows: whether the operand is a signed number.
  var isShortSigned: Bool {
    self == .memoryAddressSLEB || self == .tableIndexSLEB || self == .constantMemoryAddress
  }

  /// Whether every operand of this kind has room in five bytes.
  fileprivate var fitsFiveBytes: Bool {
    switch self {
    case .functionIndexLEB, .memoryAddressLEB, .memoryAddressSLEB, .tableIndexSLEB, .typeIndexLEB: true
    default: false
    }
  }
}
