import WebAssemblyFormat

/// What the entries, lists and expressions of one unit of debug information rely on.
struct UnitContext: Sendable {
  let header: DwarfUnitHeader
  /// Where code of the unit begins, from which offsets in lists count; `nil` for 0, and for what is not there.
  var base: CodePlace?
  /// The same as a number.
  var baseAddress: UInt64 = 0
  /// Where its addresses begin in `.debug_addr`, and its lists in the sections of those.
  var addressBase: UInt64
  var rangeListsBase: UInt64 = 12
  var locationListsBase: UInt64 = 12
  /// Where its lists of ranges begin that entries in another file refer to (version 4).
  var splitRangesBase: UInt64?
  /// Whether its entries are in another file.
  var isSkeleton: Bool
  /// The addresses of its code, where that is in one piece.
  var range: Range<UInt64>?

  /// Reads what the first entry of a unit says.
  ///
  /// - Throws: ``FormatError`` for what is damaged.
  init(
    _ header: DwarfUnitHeader, _ content: DebugContent, _ abbreviations: DwarfAbbreviations,
    _ code: inout CodeCursor
  ) throws(FormatError) {
    self.header = header
    addressBase = header.version >= 5 ? 8 : 0
    isSkeleton = header.isSkeleton
    var reader = content.bytes[header.firstEntry..<header.end]
    guard !reader.isAtEnd, let index = abbreviations.index(of: try reader.u64()) else { return }
    var low: CodeSum?
    var length: UInt64?
    for attribute in abbreviations.attributes[abbreviations.abbreviations[index].attributes] {
      var value = reader
      try reader.skip(attribute.form, of: header)
      switch attribute.name {
      case DwarfAttribute.lowPC: low = try CodeSum(attribute.form, &value, header)
      case DwarfAttribute.addressBase, DwarfAttribute.gnuAddressBase:
        addressBase = try value.fixed(header.offsetSize)
      case DwarfAttribute.gnuRangesBase where header.version < 5:
        let relocation = code.file.relocation(in: content, at: value.offset)
        let offset = try value.fixed(header.offsetSize)
        splitRangesBase = relocation.map { UInt64(bitPattern: code.file.unit.addend(of: $0)) } ?? offset
      case DwarfAttribute.rangeListsBase: rangeListsBase = try value.fixed(header.offsetSize)
      case DwarfAttribute.locationListsBase: locationListsBase = try value.fixed(header.offsetSize)
      case DwarfAttribute.highPC:
        guard case .bytes(let width) = attribute.form.layout, width > 0 else { break }
        length = try value.fixed(width)
      case DwarfAttribute.gnuUnitName where header.version < 5: isSkeleton = true
      default: break
      }
    }
    defer {
      if let length { range = baseAddress..<max(baseAddress, baseAddress &+ length) }
    }
    switch low?.address {
    case nil: return
    case .number(let value, let offset): (base, baseAddress) = (code.place(in: content, at: offset, value), value)
    case .index(let index, let offset):
      guard let entry = try address(index, &code, at: offset) else { return }
      (base, baseAddress) = (entry.place, entry.value)
    }
    if let distance = low?.distance?.value {
      (base, baseAddress) = (base.flatMap { code.place(behind: $0, distance) }, baseAddress &+ distance)
    }
  }

  /// An entry of the unit's addresses.
  struct Address {
    /// Where it is in `.debug_addr`.
    var offset: Int
    var value: UInt64
    /// What it is, if it is an address of code.
    var place: CodePlace?
  }

  /// The address with an index; `nil` without such a section.
  ///
  /// - Throws: ``FormatError`` when the section has no such address.
  func address(
    _ index: UInt64, _ code: inout CodeCursor, at offset: Int, _ edge: CodePlace.Edge = .begin, near: CodePlace? = nil
  ) throws(FormatError) -> Address? {
    guard let content = code.file[.addresses] else { return nil }
    let (size, count) = (UInt64(header.addressSize), UInt64(content.bytes.count))
    guard addressBase <= count, index < (count - addressBase) / size else {
      throw FormatError("there is no address \(index) in .debug_addr", at: offset)
    }
    let start = Int(addressBase + index * size)
    var reader = try content.bytes.part(from: UInt64(start))
    let value = try reader.fixed(header.addressSize)
    return Address(offset: start, value: value, place: code.place(in: content, at: start, value, edge, near: near))
  }

  /// Where the list with an index begins in a section of lists; `nil` without such a section.
  ///
  /// - Throws: ``FormatError`` when the unit has no such list.
  func list(
    _ index: UInt64, of section: DebugSection, _ file: DebugFile, at offset: Int
  ) throws(FormatError) -> UInt64? {
    guard let content = file[section] else { return nil }
    let base = section == .rangeLists ? rangeListsBase : locationListsBase
    let (size, count) = (UInt64(header.offsetSize), UInt64(content.bytes.count))
    guard base <= count, index < (count - base) / size else {
      throw FormatError("there is no list \(index) in \(section.name)", at: offset)
    }
    var reader = try content.bytes.part(from: base + index * size)
    return base &+ (try reader.fixed(header.offsetSize))
  }
}

/// A use of `.debug_addr`, whose entries do not say what they are addresses of.
struct AddressUse {
  /// In this order, of several uses the first one counts.
  enum Meaning: UInt8 { case code, codeEnd, data, threadLocal }

  var offset: Int
  var width: Int
  var meaning: Meaning
}

/// A sequence of lines that an entry refers to.
struct SequenceReference {
  /// Where it begins in `.debug_line`.
  var offset: UInt64
  /// Where that is written.
  var place: Int
}

/// A list of ranges or of locations that an entry refers to.
struct ListReference {
  let section: DebugSection
  private let packedOffset: UInt32
  private let packedUnit: UInt32

  /// Where it begins, or beyond all sections.
  var offset: Int { Int(packedOffset) }
  /// Which unit's it is, among those of the file.
  var unit: Int { Int(packedUnit) }

  init(section: DebugSection, offset: UInt64, unit: Int) {
    self.section = section
    packedOffset = UInt32(clamping: offset)
    packedUnit = UInt32(unit)
  }
}
