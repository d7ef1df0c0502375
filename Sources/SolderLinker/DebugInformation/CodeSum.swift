import WebAssemblyFormat

/// An address of code as an attribute says it: in full, or as another one and how far behind that.
///
/// LLVM says most addresses of a function in the second way if it is asked to have few of them
/// (`-minimize-addr-in-v5`), in a form of its own or as an expression.
struct CodeSum {
  enum Address {
    case number(UInt64, offset: Int)
    case index(UInt64, offset: Int)
  }

  /// A number of bytes, in LEB128 for width 0; with no byte of its own where the operation is the number.
  struct Distance {
    var offset: Int
    var end: Int
    var width: Int
    var value: UInt64
  }

  let address: Address
  let distance: Distance?

  /// Reads the value of an attribute; `nil` for a form that says no address.
  ///
  /// - Throws: ``FormatError`` for what is damaged, and for an expression that is something else.
  init?(_ form: DwarfForm, _ reader: inout ByteReader, _ header: DwarfUnitHeader) throws(FormatError) {
    let start = reader.offset
    var distance: Distance?
    switch form.layout {
    case .address: address = .number(try reader.fixed(header.addressSize), offset: start)
    case .number where form.isAddressIndex: address = .index(try reader.u64(), offset: start)
    case .bytes(let width) where form.isAddressIndex: address = .index(try reader.fixed(width), offset: start)
    case .sum:
      address = .index(try reader.u64(), offset: start)
      let offset = reader.offset
      distance = Distance(offset: offset, end: offset + 4, width: 4, value: try reader.fixed(4))
    case .block(let width):
      let length = width == 0 ? try reader.u64() : try reader.fixed(width)
      (address, distance) = try CodeSum.read(try reader.slice(Int(clamping: length)), header)
    default: return nil
    }
    self.distance = distance
  }

  /// Reads an expression.
  private static func read(
    _ expression: ByteReader, _ header: DwarfUnitHeader
  ) throws(FormatError) -> (Address, Distance?) {
    var reader = expression
    var address: Address?
    var (number, distance): (Distance?, Distance?)
    while !reader.isAtEnd {
      let at = reader.offset
      let operation = try reader.byte()
      let start = reader.offset
      var isKnown = true
      switch operation {
      case 0x96: continue
      case 0x03 where address == nil: address = .number(try reader.fixed(header.addressSize), offset: start)
      case 0xA1 where address == nil, 0xFB where address == nil: address = .index(try reader.u64(), offset: start)
      case 0x08 where number == nil, 0x0A where number == nil, 0x0C where number == nil, 0x0E where number == nil:
        let width = 1 << Int((operation - 0x08) / 2)
        number = Distance(offset: start, end: start + width, width: width, value: try reader.fixed(width))
      case 0x10 where number == nil:
        let value = try reader.u64()
        number = Distance(offset: start, end: reader.offset, width: 0, value: value)
      case 0x30...0x4F where number == nil:
        number = Distance(offset: start, end: start, width: 0, value: UInt64(operation - 0x30))
      case 0x22:
        isKnown = address != nil && number != nil && distance == nil
        (distance, number) = (number, nil)
      case 0x23:
        isKnown = address != nil && number == nil && distance == nil
        let value = try reader.u64()
        distance = Distance(offset: start, end: reader.offset, width: 0, value: value)
      default: isKnown = false
      }
      if !isKnown { throw FormatError("an expression is no address of code that can be followed", at: at) }
    }
    guard let address, number == nil else {
      throw FormatError("an expression is no address of code that can be followed", at: expression.offset)
    }
    return (address, distance)
  }
}
