import WebAssemblyFormat

/// Looks for an address in a module's code and data: a compiler that knows an address writes it as a number, rounded up
/// perhaps, or as the offset of a load or store; a pointer variable holds it.
///
/// Code is searched run by run, while it is scanned for operands.
struct ConstantSearch {
  private let address: UInt64
  private let module: InputModule

  init(_ address: UInt64, in module: InputModule) {
    self.address = address
    self.module = module
  }

  private func matches(_ value: Int64) -> Bool {
    let value = module.addressWidth == 64 ? UInt64(bitPattern: value) : UInt64(UInt32(truncatingIfNeeded: value))
    return value >= address && StaticMemory.roundings.contains(value - address)
  }

  // MARK: Data

  var isInData: Bool {
    let width = module.addressWidth == 64 ? 8 : 4
    return module.segments.contains { segment in
      // What is written when the program starts is aligned as it stands in the file.
      let start: UInt64 = if case .absolute(let address) = segment.placement { address } else { 0 }
      guard segment.count >= width else { return false }
      let first = segment.content.startIndex + Int((UInt64(width) - start % UInt64(width)) % UInt64(width))
      return StaticMemory.roundings.contains {
        segment.content.contains(word: address &+ $0, width: width, from: first)
      }
    }
  }

  // MARK: Code

  /// Whether some functions have it, which lie behind each other in the file.
  func isInCode(of functions: Range<Int>) -> Bool {
    guard let last = functions.last else { return false }
    let code = module.file.bytes[range(of: functions.lowerBound).lowerBound..<range(of: last).upperBound]
    // Short numbers are everywhere.
    guard address >= 1 << 14 else { return functions.contains { mayContain(range(of: $0)) && contains(range(of: $0)) } }
    // A number from 2¹⁴ on has three groups of seven bits or more. These are known but for what rounding adds, which is
    // at most 15: where that carries over, the second and third are others.
    let (plain, carried) = (ConstantSearch.groups(of: address), ConstantSearch.groups(of: address &+ 15))
    return isInCode(code, plain, functions)
      || (plain.second, plain.third) != (carried.second, carried.third) && isInCode(code, carried, functions)
  }

  private func isInCode(
    _ code: ByteReader, _ groups: (first: UInt8, second: UInt8, third: UInt8), _ functions: Range<Int>
  ) -> Bool {
    var from = code.startIndex + 1
    while let place = code.firstOffset(ofGroups: groups.second, groups.third, from: from) {
      from = place + 1
      guard isNumber(at: place - 1, before: code.endIndex), let index = function(at: place, among: functions) else {
        continue
      }
      if contains(range(of: index)) { return true }
      from = range(of: index).upperBound
    }
    return false
  }

  private func range(of function: Int) -> Range<Int> {
    let body = module.functions[function].body
    return Int(body.start)..<Int(body.start) + Int(body.size)
  }

  private func function(at offset: Int, among functions: Range<Int>) -> Int? {
    let next = functions.partitionPoint { range(of: $0).lowerBound <= offset }
    return next > functions.lowerBound && range(of: next - 1).contains(offset) ? next - 1 : nil
  }

  private func mayContain(_ range: Range<Int>) -> Bool {
    range.contains { isNumber(at: $0, before: range.upperBound) }
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
    let bytes = module.file.bytes
    guard (bytes[offset] &- UInt8(truncatingIfNeeded: address & 0x7F)) & 0x7F <= 15 else { return false }
    var (value, shift, at) = (UInt64(0), UInt64(0), offset)
    while at < end, shift < 64 {
      value |= UInt64(bytes[at] & 0x7F) << shift
      shift += 7
      at += 1
      if bytes[at - 1] & 0x80 == 0 { break }
    }
    // The bits behind those of the address are those of the sign.
    let bits = min(shift, module.addressWidth == 64 ? 64 : 32)
    let mask = bits < 64 ? (UInt64(1) << bits) - 1 : UInt64.max
    return mask >= address && StaticMemory.roundings.contains { (address &+ $0) & mask == value & mask }
  }

  private func contains(_ range: Range<Int>) -> Bool {
    var code = module.file.bytes[range]
    guard (try? code.skipLocals()) != nil else { return true }
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
    let opcode = module.file.bytes[offset]
    return opcode >= 0x46 && opcode <= 0x4F || opcode >= 0x51 && opcode <= 0x5A
  }
}

extension Opcode {
  /// Whether it is a load or store of the first edition of the specification.
  fileprivate var isMemoryAccess: Bool { rawValue >= 0x28 && rawValue <= 0x3E }
}
