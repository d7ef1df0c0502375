/// The abbreviations of a unit: which attributes the entries have that begin with a number (DWARF 5, 7.5.3).
public struct DwarfAbbreviations: Sendable {
  /// An attribute, and how its value is written.
  public struct Attribute: Sendable {
    public let name: UInt16
    public let form: DwarfForm
    /// The value of one that has no bytes in entries.
    public let constant: Int64
  }

  public struct Abbreviation: Sendable {
    public let tag: UInt16
    /// Whether entries follow that are below, up to an entry with number 0.
    public let hasChildren: Bool
    /// Its attributes among all.
    public let attributes: Range<Int>
  }

  public private(set) var attributes: [Attribute] = []
  public private(set) var abbreviations: [Abbreviation] = []
  /// By number less one, where numbers are in order from 1 on, as compilers have them; the others by number.
  private var inOrder = 0
  private var others: [UInt64: Int] = [:]

  /// More attributes than an entry can have: some two hundred are known, and some take no bytes in it.
  private static let mostAttributes = 1000

  /// Reads a table of abbreviations, up to its end.
  ///
  /// - Throws: ``FormatError`` for what is damaged, for forms that are not known, and for more than a thousand attributes.
  public init(_ reader: ByteReader) throws(FormatError) {
    var reader = reader
    while true {
      let code = try reader.u64()
      if code == 0 { return }
      let tag = try DwarfAbbreviations.number(&reader)
      let hasChildren = try reader.byte() != 0
      let first = attributes.count
      while let attribute = try DwarfAbbreviations.attribute(&reader) {
        attributes.append(attribute)
        guard attributes.count - first <= DwarfAbbreviations.mostAttributes else {
          throw FormatError("abbreviation \(code) has too many attributes", at: reader.offset)
        }
      }
      if code == UInt64(abbreviations.count) + 1, inOrder == abbreviations.count {
        inOrder += 1
      } else {
        others[code] = abbreviations.count
      }
      abbreviations.append(
        Abbreviation(tag: tag, hasChildren: hasChildren, attributes: first..<attributes.count))
    }
  }

  private static func number(_ reader: inout ByteReader) throws(FormatError) -> UInt16 {
    let at = reader.offset
    guard let number = UInt16(exactly: try reader.u64()) else { throw FormatError("number is too large", at: at) }
    return number
  }

  private static func attribute(_ reader: inout ByteReader) throws(FormatError) -> Attribute? {
    let name = try number(&reader)
    let at = reader.offset
    let code = try number(&reader)
    if name == 0, code == 0 { return nil }
    guard let form = DwarfForm(rawValue: code) else { throw FormatError("unknown form \(code)", at: at) }
    return Attribute(name: name, form: form, constant: form == .implicitConstant ? try reader.s64() : 0)
  }

  /// The place among ``abbreviations`` of the one with a number; `nil` if there is none.
  @inlinable
  public func index(of code: UInt64) -> Int? {
    code &- 1 < UInt64(ordered) ? Int(code &- 1) : unordered(code)
  }

  @usableFromInline var ordered: Int { inOrder }
  @usableFromInline func unordered(_ code: UInt64) -> Int? { others[code] }
}

extension ByteReader {
  /// Steps over the value of an attribute.
  ///
  /// - Throws: ``FormatError`` when it is not there.
  public mutating func skip(_ form: DwarfForm, of unit: DwarfUnitHeader) throws(FormatError) {
    switch form.layout {
    case .bytes(let count): try skip(count)
    case .address: try skip(unit.addressSize)
    case .offset: try skip(form == .referenceAddress && unit.version == 2 ? unit.addressSize : unit.offsetSize)
    case .number: try skipNumber()
    case .sum:
      try skipNumber()
      try skip(4)
    case .string: try skipString()
    case .block(let width):
      let length = width == 0 ? try u64() : try fixed(width)
      try skip(Int(clamping: length))
    case .indirect:
      let at = offset
      // Once: forms that name each other have no end.
      guard let form = DwarfForm(rawValue: UInt16(clamping: try u64())), form != .indirect, form != .implicitConstant
      else { throw FormatError("unknown form", at: at) }
      try skip(form, of: unit)
    }
  }
}
