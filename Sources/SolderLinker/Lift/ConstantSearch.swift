import WebAssemblyFormat

/// Looks for addresses in a module's code and data: a compiler that knows an address writes it as a number, with something
/// added perhaps, or as the offset of a load or store; a pointer variable holds it.
struct ConstantSearch {
  private let addresses: Range<UInt64>
  private let module: InputModule
  /// Whether a number counts with which something is only compared, multiplied and so on.
  private let isAnyUse: Bool

  init(_ addresses: Range<UInt64>, in module: InputModule, isAnyUse: Bool = false) {
    self.addresses = addresses
    self.module = module
    self.isAnyUse = isAnyUse
  }

  /// The lowest of the addresses that words of data have, as they are aligned when the program starts.
  func lowestInData() -> UInt64? {
    let width = module.addressWidth == 64 ? 8 : 4
    return module.segments.compactMap { segment in
      let start: UInt64 = if case .absolute(let address) = segment.placement { address } else { 0 }
      guard segment.count >= width else { return nil }
      let first = segment.content.startIndex + Int((UInt64(width) - start % UInt64(width)) % UInt64(width))
      return segment.content.lowestWord(in: addresses, width: width, from: first)
    }.min()
  }

  /// The lowest of the addresses that code has.
  func lowestInCode(_ threads: Threads) -> UInt64? {
    let runs = CodeLifter.runs(of: module)
    return threads.map(runs.count) { lowest(inRun: runs[$0]) }.compactMap { $0 }.min()
  }

  private func lowest(inRun run: Range<Int>) -> UInt64? {
    let functions = module.functions
    // Short numbers are everywhere, and those from 2³¹ on have a sign.
    guard addresses.lowerBound >= 1 << 14, addresses.upperBound <= 1 << 31 else {
      return run.compactMap { self.lowest(inBody: functions[$0].body) }.min()
    }
    // Only bodies with bytes that encode one of the addresses, which most have not, are decoded.
    let (first, last) = (functions[run.lowerBound].body, functions[run.upperBound - 1].body)
    let bytes = module.file.bytes[Int(first.start)..<Int(last.start) + Int(last.size)]
    var (index, lowest, place) = (run.lowerBound, UInt64?.none, bytes.offset)
    while let found = bytes.firstNumber(in: addresses, from: place) {
      index = (index..<run.upperBound).partitionPoint { Int(functions[$0].body.start) <= found } - 1
      let body = functions[index].body
      place = max(Int(body.start) + Int(body.size), found + 1)
      // Or they tell how long a body is.
      guard place > found + 1, let number = self.lowest(inBody: body), number < lowest ?? .max else { continue }
      lowest = number
    }
    return lowest
  }

  private func lowest(inBody body: Extent) -> UInt64? {
    let range = Int(body.start)..<Int(body.start) + Int(body.size)
    var code = module.file.bytes[range]
    var lowest: UInt64?
    do {
      try code.skipLocals()
      var reader = InstructionReader(code)
      while let instruction = try reader.next() {
        if let number = number(instruction, before: range.upperBound), number < lowest ?? .max { lowest = number }
      }
    } catch {
      // What cannot be read may have any of them.
      return addresses.lowerBound
    }
    return lowest
  }

  /// The address that an instruction has as a number, if it is one of those that are looked for.
  private func number(_ instruction: Instruction, before end: Int) -> UInt64? {
    let number: UInt64
    switch instruction.opcode {
    case .i32Const, .i64Const:
      number =
        instruction.opcode == .i64Const
        ? UInt64(bitPattern: instruction.first) : UInt64(UInt32(truncatingIfNeeded: instruction.first))
      guard addresses.contains(number), instruction.end < end else { return nil }
      return !isAnyUse && Opcode(rawValue: UInt16(module.file.bytes[instruction.end])).takesNoAddress ? nil : number
    default:
      number = UInt64(bitPattern: instruction.first)
      return addresses.contains(number) && InstructionTable.shared.hasMemoryOffset(instruction.opcode) ? number : nil
    }
  }
}

extension Opcode {
  /// Whether the second operand of the instruction is no address that something is placed at: it compares (which leads to
  /// no place), multiplies, divides, or goes by bits.
  var takesNoAddress: Bool {
    switch rawValue {
    // Comparisons; then products, quotients, bits and shifts; each of 32 and 64 bits.
    case 0x46...0x4F, 0x51...0x5A, 0x6C...0x78, 0x7E...0x8A: true
    default: false
    }
  }
}
