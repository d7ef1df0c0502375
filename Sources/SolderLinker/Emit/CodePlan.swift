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
  private(set) var payloadSize: UInt64 = 0
  private(set) var countLength = 0

  /// Measures all functions. Sizes do not depend on offsets in the code, so one round is enough.
  init(_ program: Program, _ encoder: OperandEncoder, _ bodies: [[UInt8]], _ threads: Threads) {
    let functions = program.indices.functions
    let compress = program.options.compressRelocations
    let measured: [(size: UInt32, isPatched: Bool)] = threads.map(functions.count, batch: 512) { index in
      let reference = functions[index]
      let unit = program.resolution.units[Int(reference.unit)]
      if unit.index == 0 { return (UInt32(bodies[Int(reference.index)].count), false) }
      return CodePlan.size(unit.functions[Int(reference.index)], of: unit, encoder, compress: compress)
    }
    sizes = measured.map(\.size)
    arePatched = measured.map(\.isPatched)
    countLength = LEB128.length(unsigned: UInt64(functions.count))
    payloadSize = UInt64(countLength)
    offsets.reserveCapacity(sizes.count)
    for size in sizes {
      offsets.append(UInt32(truncatingIfNeeded: payloadSize))
      payloadSize += UInt64(size)
    }
  }

  private static func size(
    _ function: Function, of unit: Unit, _ encoder: OperandEncoder, compress: Bool
  ) -> (size: UInt32, isPatched: Bool) {
    let prefix = function.body.start - function.start
    if !compress, !unit.mayChangeSize { return (prefix + function.body.size, true) }
    let body = bodySize(function, of: unit, encoder, compress: compress)
    // Without compression no operand becomes shorter: if the sum has not changed, none has.
    if !compress, body == Int(function.body.size) { return (prefix + function.body.size, true) }
    return (UInt32(body + LEB128.length(unsigned: UInt64(body))), false)
  }

  /// The size of a function's body, given its size with the number in front that tells it.
  static func bodySize(ofTotal size: Int) -> Int {
    var length = 1
    while length < 5, LEB128.length(unsigned: UInt64(max(0, size - length))) != length { length += 1 }
    return size - length
  }

  private static func bodySize(
    _ function: Function, of unit: Unit, _ encoder: OperandEncoder, compress: Bool
  ) -> Int {
    var size = Int(function.body.size)
    let source = RelocatedUnit(unit)
    for index in function.body.relocations.indices {
      let relocation = source.relocations[index]
      let operand = encoder.encode(relocation, of: source, compress: compress)
      size += operand.width - Int(relocation.width)
    }
    return size
  }
}

/// Writes fragments with their operands replaced.
struct FragmentWriter {
  private let target: UnsafeMutablePointer<UInt8>
  var position = 0

  init(_ target: UnsafeMutablePointer<UInt8>) { self.target = target }

  mutating func write(_ fragment: Fragment, _ source: RelocatedUnit, _ encoder: OperandEncoder, compress: Bool) {
    let base = source.unit.file.bytes.base
    var copied = Int(fragment.start)
    for index in fragment.relocations.indices {
      let relocation = source.relocations[index]
      let operand = encoder.encode(relocation, of: source, compress: compress)
      let replacesOpcode = operand.opcode != nil || operand.form == .nothing
      let start = Int(relocation.offset) - (replacesOpcode ? 1 : 0)
      (target + position).update(from: base + copied, count: start - copied)
      position += start - copied
      write(operand)
      copied = Int(relocation.offset) + Int(relocation.width)
    }
    let rest = Int(fragment.start) + Int(fragment.size) - copied
    (target + position).update(from: base + copied, count: rest)
    position += rest
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
