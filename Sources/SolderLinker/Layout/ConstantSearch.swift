import WebAssemblyFormat

/// Looks for an address in a module's code and data: a compiler that knows an address writes it as a number, rounded up
/// perhaps, or as the offset of a load or store; a pointer variable holds it.
struct ConstantSearch {
  private let address: UInt64
  private let unit: Unit

  init(_ address: UInt64, _ unit: Unit) {
    self.address = address
    self.unit = unit
  }

  var isFound: Bool { isInData || isInCode }

  /// What rounding up by adding makes of it.
  private static let distances: Set<UInt64> = [0, 3, 7, 8, 15]

  private func matches(_ value: Int64) -> Bool {
    let value = unit.module.addressWidth == 64 ? UInt64(bitPattern: value) : UInt64(UInt32(truncatingIfNeeded: value))
    return value >= address && ConstantSearch.distances.contains(value - address)
  }

  // MARK: Data

  private var isInData: Bool {
    let width = unit.module.addressWidth == 64 ? 8 : 4
    return unit.segments.contains { segment in
      guard case .absolute(let start) = segment.placement, segment.count >= width else { return false }
      let content = segment.content
      let first = Int((UInt64(width) - start % UInt64(width)) % UInt64(width))
      return stride(from: first, through: segment.count - width, by: width).contains { offset in
        var word = content.dropFirst(offset)
        return width == 8 ? (try? word.fixed64()) == address : (try? word.fixed32()).map(UInt64.init) == address
      }
    }
  }

  // MARK: Code

  private var isInCode: Bool {
    unit.functions.contains { function in
      let range = Int(function.body.start)..<Int(function.body.start) + Int(function.body.size)
      return mayContain(range) && contains(range)
    }
  }

  /// Whether the bytes of the number occur at all, whatever they mean there: nearly all functions end here.
  ///
  /// A number from 2¹⁴ on has three bytes or more, whose low seven bits are known up to what rounding adds: a place where
  /// these do not fit needs no closer look.
  private func mayContain(_ range: Range<Int>) -> Bool {
    guard address >= 1 << 14 else { return range.contains { isNumber(at: $0, before: range.upperBound) } }
    // In two ways: where rounding carries over, the second and third groups differ.
    let (plain, carried) = (ConstantSearch.groups(of: address), ConstantSearch.groups(of: address &+ 15))
    let found = unsafe unit.file.bytes[range].withContiguousStorageIfAvailable { code in
      guard code.count >= 3 else { return false }
      // Few bytes are like the third, so that is the one to begin with.
      for offset in 0..<code.count - 2 {
        let third = unsafe code[offset + 2] & 0x7F
        guard third == plain.third || third == carried.third else { continue }
        let (first, second) = unsafe (code[offset], code[offset + 1] & 0x7F)
        guard second == plain.second || second == carried.second, (first &- plain.first) & 0x7F <= 15 else { continue }
        if isNumber(at: range.lowerBound + offset, before: range.upperBound) { return true }
      }
      return false
    }
    return found ?? true
  }

  /// The low seven bits of each of the first three bytes that encode a number.
  private static func groups(of number: UInt64) -> (first: UInt8, second: UInt8, third: UInt8) {
    (
      UInt8(truncatingIfNeeded: number & 0x7F), UInt8(truncatingIfNeeded: number >> 7 & 0x7F),
      UInt8(truncatingIfNeeded: number >> 14 & 0x7F)
    )
  }

  /// Whether the number is what bytes at an offset encode.
  private func isNumber(at offset: Int, before end: Int) -> Bool {
    let bytes = unit.file.bytes
    guard (bytes[offset] &- UInt8(truncatingIfNeeded: address & 0x7F)) & 0x7F <= 15 else { return false }
    var (value, shift, at) = (UInt64(0), UInt64(0), offset)
    while at < end, shift < 64 {
      value |= UInt64(bytes[at] & 0x7F) << shift
      shift += 7
      at += 1
      if bytes[at - 1] & 0x80 == 0 { break }
    }
    // The bits behind those of the address are those of the sign.
    let bits = min(shift, unit.module.addressWidth == 64 ? 64 : 32)
    let mask = bits < 64 ? (UInt64(1) << bits) - 1 : UInt64.max
    return mask >= address && ConstantSearch.distances.contains { (address &+ $0) & mask == value & mask }
  }

  private func contains(_ range: Range<Int>) -> Bool {
    var code = unit.file.bytes[range]
    var nothing = IgnoringVisitor()
    guard (try? scanLocals(&code, &nothing)) != nil else { return true }
    var reader = InstructionReader(code)
    while let instruction = try? reader.next() {
      switch instruction.opcode {
      case .i32Const, .i64Const:
        // That something is compared with it places nothing there.
        if matches(instruction.first), !isComparison(at: instruction.end, range) { return true }
      default:
        if instruction.opcode.isMemoryAccess, matches(instruction.first) { return true }
      }
    }
    return false
  }

  private func isComparison(at offset: Int, _ range: Range<Int>) -> Bool {
    guard offset < range.upperBound else { return false }
    let opcode = unit.file.bytes[offset]
    return opcode >= 0x46 && opcode <= 0x4F || opcode >= 0x51 && opcode <= 0x5A
  }
}

extension Opcode {
  /// Whether it is a load or store of the first edition of the specification.
  fileprivate var isMemoryAccess: Bool { rawValue >= 0x28 && rawValue <= 0x3E }
}
