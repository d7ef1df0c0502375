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
  private func mayContain(_ range: Range<Int>) -> Bool {
    let bytes = unit.file.bytes
    let low = UInt8(truncatingIfNeeded: address & 0x7F)
    for offset in range where (bytes[offset] &- low) & 0x7F <= 15 {
      var (value, shift, at) = (UInt64(0), UInt64(0), offset)
      while at < range.upperBound, shift < 64 {
        value |= UInt64(bytes[at] & 0x7F) << shift
        shift += 7
        at += 1
        if bytes[at - 1] & 0x80 == 0 { break }
      }
      // The bits behind those of the address are those of the sign.
      let bits = min(shift, unit.module.addressWidth == 64 ? 64 : 32)
      let mask = bits < 64 ? (UInt64(1) << bits) - 1 : UInt64.max
      if mask >= address, ConstantSearch.distances.contains(where: { (address &+ $0) & mask == value & mask }) {
        return true
      }
    }
    return false
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
