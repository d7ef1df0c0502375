import WebAssemblyFormat

/// The code section: how long each function becomes, and where it stands.
///
/// Operands of objects are padded, so a function of an object is copied and patched. An operand of a lifted function
/// may not have room for its new number; then the function grows, which in WebAssembly needs nothing else, since code
/// has no offsets to itself. With `--compress-relocations` every operand takes as few bytes as it can.
struct CodePlan {
  /// Size in the result of each function of the result, with the number that tells its size.
  private(set) var sizes: [UInt32] = []
  /// Whether each function is copied and patched in place, since all operands have room and its size stays as written.
  private(set) var arePatched: [Bool] = []
  /// Offset of each in the payload.
  private(set) var offsets: [UInt32] = []
  /// Offset of each body, behind the number that tells its size as the input has it.
  private(set) var bodyOffsets: [UInt32] = []
  private(set) var payloadSize: UInt64 = 0
  private(set) var countLength = 0

  /// What measuring a function finds out.
  private struct Measured {
    var size: UInt32
    /// Bytes of the number in front of the body that tells its size, in the input.
    var prefix: UInt32
    var isPatched: Bool
  }

  /// Measures all functions. Sizes do not depend on offsets in the code, so one round is enough.
  init(_ program: Program, _ encoder: OperandEncoder, _ bodies: [[UInt8]], _ threads: Threads) {
    let total = program.indices.functions.count
    let batch = 1024
    let parts = threads.map((total + batch - 1) / batch) { part in
      CodePlan.measure(part * batch..<min((part + 1) * batch, total), program, encoder, bodies)
    }
    sizes.reserveCapacity(total)
    arePatched.reserveCapacity(total)
    offsets.reserveCapacity(total)
    bodyOffsets.reserveCapacity(total)
    countLength = LEB128.length(unsigned: UInt64(total))
    var end = UInt64(countLength)
    for part in parts {
      for function in part {
        let offset = UInt32(truncatingIfNeeded: end)
        sizes.append(function.size)
        arePatched.append(function.isPatched)
        offsets.append(offset)
        bodyOffsets.append(offset &+ function.prefix)
        end += UInt64(function.size)
      }
    }
    payloadSize = end
  }

  /// Measures the functions at these positions of the result.
  private static func measure(
    _ positions: Range<Int>, _ program: Program, _ encoder: OperandEncoder, _ bodies: [[UInt8]]
  ) -> [Measured] {
    let (references, units) = (program.indices.functions, program.resolution.units)
    let compress = program.options.compressRelocations
    var result: [Measured] = []
    result.reserveCapacity(positions.count)
    var patcher = Patcher(units[0], encoder)
    var (functions, ranges) = (units[0].functions, units[0].functionRelocations)
    for position in positions {
      let reference = references[position]
      if reference.unit != patcher.unit.index {
        patcher = Patcher(units[Int(reference.unit)], encoder)
        (functions, ranges) = (patcher.unit.functions, patcher.unit.functionRelocations)
      }
      if reference.unit == 0 {
        let size = UInt32(bodies[Int(reference.index)].count)
        result.append(Measured(size: size, prefix: 0, isPatched: false))
      } else {
        let index = Int(reference.index)
        result.append(measure(functions[index], ranges[index], patcher, compress: compress))
      }
    }
    return result
  }

  @inline(__always)
  private static func measure(
    _ function: Function, _ relocations: RelocationRange, _ patcher: Patcher, compress: Bool
  ) -> Measured {
    let prefix = function.body.start - function.start
    let unchanged = Measured(size: prefix + function.body.size, prefix: prefix, isPatched: true)
    if !compress, !patcher.unit.contracts.mayChangeSize { return unchanged }
    let growth = patcher.growth(of: relocations, compress: compress)
    // Without compression no operand becomes shorter: if the sum has not changed, none has.
    if !compress, growth == 0 { return unchanged }
    let body = Int(function.body.size) + growth
    return Measured(size: UInt32(body + LEB128.length(unsigned: UInt64(body))), prefix: prefix, isPatched: false)
  }

  /// The size of a function's body, given its size with the number in front that tells it.
  static func bodySize(ofTotal size: Int) -> Int {
    var length = 1
    while length < 5, LEB128.length(unsigned: UInt64(max(0, size - length))) != length { length += 1 }
    return size - length
  }
}

/// Writes fragments with their operands replaced.
struct FragmentWriter {
  private let target: UnsafeMutablePointer<UInt8>
  var position = 0

  init(_ target: UnsafeMutablePointer<UInt8>) { self.target = target }

  mutating func write(_ fragment: Fragment, _ patcher: Patcher, compress: Bool) {
    let base = patcher.unit.file.bytes.base
    var copied = Int(fragment.start)
    for index in fragment.relocations.indices {
      let relocation = patcher.source.relocations[index]
      let offset = Int(relocation.offset)
      if let value = patcher.shortOperand(relocation) {
        copy(base + copied, count: offset - copied)
        let width = relocation.shortWidth(of: value, compress: compress)
        relocation.writeShort(value, width: width, to: target + position)
        position += width
      } else {
        let operand = patcher.operand(of: relocation, compress: compress)
        let replacesOpcode = operand.opcode != nil || operand.form == .nothing
        copy(base + copied, count: offset - (replacesOpcode ? 1 : 0) - copied)
        write(operand)
      }
      copied = offset + Int(relocation.width)
    }
    copy(base + copied, count: Int(fragment.start) + Int(fragment.size) - copied)
  }

  @inline(__always)
  private mutating func copy(_ source: UnsafePointer<UInt8>, count: Int) {
    (target + position).update(from: source, count: count)
    position += count
  }

  private mutating func write(_ operand: EncodedOperand) {
    if let opcode = operand.opcode {
      target[position] = opcode
      position += 1
    }
    let place = target + position
    switch operand.form {
    case .unsigned: LEB128.write(unsigned: operand.value, width: operand.width, to: place)
    case .signed: LEB128.write(signed: Int64(bitPattern: operand.value), width: operand.width, to: place)
    case .fixed32:
      UnsafeMutableRawPointer(place).storeBytes(
        of: UInt32(truncatingIfNeeded: operand.value).littleEndian, as: UInt32.self)
    case .fixed64: UnsafeMutableRawPointer(place).storeBytes(of: operand.value.littleEndian, as: UInt64.self)
    case .memoryArgument:
      place[0] = UInt8(truncatingIfNeeded: operand.value)
      LEB128.write(unsigned: operand.value >> 8, width: operand.width - 1, to: place + 1)
    case .nothing:
      place.update(repeating: 0x01, count: operand.width + 1)
      position += 1
    }
    position += operand.width
  }
}
