/// How the value of an attribute is written (DWARF 5, 7.5.6; the rest are GNU's for split units of DWARF 4, and one of LLVM's).
public enum DwarfForm: UInt16, Sendable {
  case address = 0x01
  case block2 = 0x03
  case block4 = 0x04
  case data2 = 0x05
  case data4 = 0x06
  case data8 = 0x07
  case string = 0x08
  case block = 0x09
  case block1 = 0x0A
  case data1 = 0x0B
  case flag = 0x0C
  case signedData = 0x0D
  case stringOffset = 0x0E
  case unsignedData = 0x0F
  case referenceAddress = 0x10
  case reference1 = 0x11
  case reference2 = 0x12
  case reference4 = 0x13
  case reference8 = 0x14
  case referenceUnsigned = 0x15
  case indirect = 0x16
  case sectionOffset = 0x17
  case expression = 0x18
  case flagPresent = 0x19
  case stringIndex = 0x1A
  case addressIndex = 0x1B
  case supplementaryReference4 = 0x1C
  case supplementaryString = 0x1D
  case data16 = 0x1E
  case lineStringOffset = 0x1F
  case signature8 = 0x20
  case implicitConstant = 0x21
  case locationListIndex = 0x22
  case rangeListIndex = 0x23
  case supplementaryReference8 = 0x24
  case stringIndex1 = 0x25
  case stringIndex2 = 0x26
  case stringIndex3 = 0x27
  case stringIndex4 = 0x28
  case addressIndex1 = 0x29
  case addressIndex2 = 0x2A
  case addressIndex3 = 0x2B
  case addressIndex4 = 0x2C
  case gnuAddressIndex = 0x1F01
  case gnuStringIndex = 0x1F02
  case gnuAlternateReference = 0x1F20
  case gnuAlternateString = 0x1F21
  /// The index of an address, and four bytes that tell how far behind that.
  case addressSum = 0x2001

  /// How a form lays out its bytes.
  public enum Layout: Sendable, Equatable {
    case bytes(Int)
    /// An address of the unit.
    case address
    /// An offset into a section: four or eight bytes.
    case offset
    /// A LEB128 number.
    case number
    case string
    /// A length of so many bytes, or in LEB128 for 0, and as many bytes as that says.
    case block(lengthWidth: Int)
    /// A LEB128 number and four bytes.
    case sum
    /// The form is written in front of the value.
    case indirect
  }

  /// How its bytes are laid out.
  public var layout: Layout {
    switch self {
    case .address: .address
    case .block2: .block(lengthWidth: 2)
    case .block4: .block(lengthWidth: 4)
    case .block, .expression: .block(lengthWidth: 0)
    case .block1: .block(lengthWidth: 1)
    case .data1, .flag, .reference1, .stringIndex1, .addressIndex1: .bytes(1)
    case .data2, .reference2, .stringIndex2, .addressIndex2: .bytes(2)
    case .stringIndex3, .addressIndex3: .bytes(3)
    case .data4, .reference4, .supplementaryReference4, .stringIndex4, .addressIndex4: .bytes(4)
    case .data8, .reference8, .signature8, .supplementaryReference8: .bytes(8)
    case .data16: .bytes(16)
    case .flagPresent, .implicitConstant: .bytes(0)
    case .string: .string
    case .signedData, .unsignedData, .referenceUnsigned, .stringIndex, .addressIndex, .locationListIndex,
      .rangeListIndex, .gnuAddressIndex, .gnuStringIndex:
      .number
    case .stringOffset, .lineStringOffset, .sectionOffset, .supplementaryString, .gnuAlternateReference,
      .gnuAlternateString, .referenceAddress:
      .offset
    case .addressSum: .sum
    case .indirect: .indirect
    }
  }

  /// Whether the value is an index of an address in `.debug_addr`.
  public var isAddressIndex: Bool {
    switch self {
    case .addressIndex, .addressIndex1, .addressIndex2, .addressIndex3, .addressIndex4, .gnuAddressIndex: true
    default: false
    }
  }
}
