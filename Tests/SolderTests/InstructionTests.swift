import Testing
import WebAssemblyFormat

/// An operand that is expected, relative to the start of its instruction.
private struct Expected: Equatable {
  let kind: OperandKind
  let at: Int
  let length: Int
  let value: UInt32

  init(_ kind: OperandKind, _ at: Int, _ length: Int, _ value: UInt32) {
    self.kind = kind
    self.at = at
    self.length = length
    self.value = value
  }
}

/// One instruction, what the scanner is to report of it, and how it changes the nesting.
private struct Sample {
  let name: String
  let bytes: [UInt8]
  let operands: [Expected]
  /// The number of a constant, which the reader decodes.
  let constant: Int64?

  init(_ name: String, _ bytes: [UInt8], _ operands: [Expected] = [], constant: Int64? = nil) {
    self.name = name
    self.bytes = bytes
    self.operands = operands
    self.constant = constant
  }
}

private let samples: [Sample] = [
  Sample("nop", [0x01]),
  Sample("local.get", [0x20, 0xE5, 0x8E, 0x26]),
  Sample("br_if", [0x0D, 0x00]),
  Sample("br_table", [0x0E, 0x03, 0x00, 0x81, 0x00, 0x02, 0x01]),
  Sample("call", [0x10, 0x05], [Expected(.function, 1, 1, 5)]),
  Sample("call", [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [Expected(.function, 1, 5, .max)]),
  Sample("call", [0x10, 0x87, 0x80, 0x80, 0x80, 0x00], [Expected(.function, 1, 5, 7)]),
  Sample("call_indirect", [0x11, 0x03, 0x80, 0x00], [Expected(.type, 1, 1, 3), Expected(.table, 2, 2, 0)]),
  Sample("return_call", [0x12, 0x80, 0x01], [Expected(.function, 1, 2, 128)]),
  Sample("return_call_ref", [0x15, 0x04], [Expected(.type, 1, 1, 4)]),
  Sample("throw", [0x08, 0x02], [Expected(.tag, 1, 1, 2)]),
  Sample("select", [0x1C, 0x02, 0x7F, 0x63, 0x85, 0x00], [Expected(.signedType, 4, 2, 5)]),
  Sample("global.get", [0x23, 0x9A, 0x80, 0x80, 0x80, 0x00], [Expected(.global, 1, 5, 26)]),
  Sample("global.set", [0x24, 0xE4, 0x00], [Expected(.global, 1, 2, 100)]),
  Sample("table.set", [0x26, 0x01], [Expected(.table, 1, 1, 1)]),
  Sample("i32.load", [0x28, 0x02, 0x90, 0x80, 0x80, 0x80, 0x00], [Expected(.implicitMemory, 1, 1, 2)]),
  Sample("i64.store", [0x37, 0x83, 0x00, 0x10], [Expected(.implicitMemory, 1, 2, 3)]),
  Sample(
    "i64.load", [0x29, 0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    [Expected(.implicitMemory, 1, 1, 3)]),
  Sample("i32.load8_u", [0x2D, 0x40, 0x02, 0x08], [Expected(.memory, 2, 1, 2)]),
  Sample("memory.grow", [0x40, 0x01], [Expected(.memory, 1, 1, 1)]),
  Sample("i32.const", [0x41, 0x7F], constant: -1),
  Sample("i32.const", [0x41, 0x80, 0x80, 0x80, 0x80, 0x78], constant: Int64(Int32.min)),
  Sample("i32.const", [0x41, 0xE4, 0x80, 0x80, 0x80, 0x00], constant: 100),
  Sample("i64.const", [0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7F], constant: .min),
  Sample("i64.const", [0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], constant: 1 << 42),
  Sample("f32.const", [0x43, 0x23, 0x00, 0x10, 0x0B]),
  Sample("f64.const", [0x44, 0x23, 0x00, 0x10, 0x0B, 0x0B, 0x0B, 0x0B, 0x0B]),
  Sample("i32.add", [0x6A]),
  Sample("ref.null", [0xD0, 0x70]),
  Sample("ref.null", [0xD0, 0x80, 0x01], [Expected(.signedType, 1, 2, 128)]),
  Sample("ref.func", [0xD2, 0x09], [Expected(.function, 1, 1, 9)]),
  Sample("br_on_non_null", [0xD6, 0x00]),
  Sample("cont.bind", [0xE1, 0x01, 0x02], [Expected(.type, 1, 1, 1), Expected(.type, 2, 1, 2)]),
  Sample("suspend", [0xE2, 0x03], [Expected(.tag, 1, 1, 3)]),
  Sample(
    "resume", [0xE3, 0x01, 0x02, 0x00, 0x05, 0x00, 0x01, 0x06],
    [Expected(.type, 1, 1, 1), Expected(.tag, 4, 1, 5), Expected(.tag, 7, 1, 6)]),
  Sample(
    "resume_throw", [0xE4, 0x01, 0x02, 0x01, 0x01, 0x06],
    [Expected(.type, 1, 1, 1), Expected(.tag, 2, 1, 2), Expected(.tag, 5, 1, 6)]),
  Sample("switch", [0xE6, 0x01, 0x02], [Expected(.type, 1, 1, 1), Expected(.tag, 2, 1, 2)]),
  Sample("struct.get", [0xFB, 0x02, 0x07, 0x01], [Expected(.type, 2, 1, 7)]),
  Sample("array.new_fixed", [0xFB, 0x08, 0x07, 0x80, 0x01], [Expected(.type, 2, 1, 7)]),
  Sample("array.new_data", [0xFB, 0x09, 0x07, 0x01], [Expected(.type, 2, 1, 7), Expected(.data, 3, 1, 1)]),
  Sample("array.init_elem", [0xFB, 0x13, 0x07, 0x01], [Expected(.type, 2, 1, 7), Expected(.element, 3, 1, 1)]),
  Sample("array.copy", [0xFB, 0x11, 0x07, 0x08], [Expected(.type, 2, 1, 7), Expected(.type, 3, 1, 8)]),
  Sample("ref.cast null", [0xFB, 0x17, 0x04], [Expected(.signedType, 2, 1, 4)]),
  Sample("br_on_cast", [0xFB, 0x18, 0x03, 0x00, 0x6E, 0x05], [Expected(.signedType, 5, 1, 5)]),
  Sample("i32.trunc_sat_f32_s", [0xFC, 0x80, 0x00]),
  Sample("memory.init", [0xFC, 0x08, 0x03, 0x00], [Expected(.data, 2, 1, 3), Expected(.memory, 3, 1, 0)]),
  Sample("data.drop", [0xFC, 0x09, 0x03], [Expected(.data, 2, 1, 3)]),
  Sample("memory.copy", [0xFC, 0x0A, 0x01, 0x02], [Expected(.memory, 2, 1, 1), Expected(.memory, 3, 1, 2)]),
  Sample("memory.fill", [0xFC, 0x0B, 0x00], [Expected(.memory, 2, 1, 0)]),
  Sample("table.init", [0xFC, 0x0C, 0x03, 0x01], [Expected(.element, 2, 1, 3), Expected(.table, 3, 1, 1)]),
  Sample("elem.drop", [0xFC, 0x0D, 0x03], [Expected(.element, 2, 1, 3)]),
  Sample("table.copy", [0xFC, 0x0E, 0x03, 0x01], [Expected(.table, 2, 1, 3), Expected(.table, 3, 1, 1)]),
  Sample("table.fill", [0xFC, 0x11, 0x02], [Expected(.table, 2, 1, 2)]),
  Sample("i64.mul_wide_u", [0xFC, 0x16]),
  Sample("v128.load", [0xFD, 0x00, 0x04, 0x10], [Expected(.implicitMemory, 2, 1, 4)]),
  Sample("v128.const", [0xFD, 0x0C] + Array(repeating: 0x0B, count: 16)),
  Sample("i8x16.shuffle", [0xFD, 0x0D] + Array(repeating: 0x10, count: 16)),
  Sample("i8x16.extract_lane_s", [0xFD, 0x15, 0x0B]),
  Sample("v128.load8_lane", [0xFD, 0x54, 0x40, 0x01, 0x10, 0x0B], [Expected(.memory, 3, 1, 1)]),
  Sample("i64x2.add", [0xFD, 0xCE, 0x01]),
  Sample("i8x16.relaxed_swizzle", [0xFD, 0x80, 0x02]),
  Sample("i32x4.relaxed_dot_i8x16_i7x16_add_s", [0xFD, 0x93, 0x02]),
  Sample("atomic.fence", [0xFE, 0x03, 0x00]),
  Sample("i32.atomic.rmw.add", [0xFE, 0x1E, 0x02, 0x08], [Expected(.implicitMemory, 2, 1, 2)]),
  Sample("i64.atomic.rmw32.cmpxchg_u", [0xFE, 0x4E, 0x42, 0x01, 0x08], [Expected(.memory, 3, 1, 1)]),
  // Blocks, each with its end.
  Sample("block", [0x02, 0x40, 0x0B]),
  Sample("loop", [0x03, 0x7F, 0x0B]),
  Sample("block", [0x02, 0x83, 0x00, 0x0B], [Expected(.signedType, 1, 2, 3)]),
  Sample("block", [0x02, 0x63, 0x05, 0x0B], [Expected(.signedType, 2, 1, 5)]),
  Sample("block", [0x02, 0x64, 0x70, 0x0B]),
  Sample("if", [0x04, 0x40, 0x05, 0x0B]),
  Sample("if", [0x04, 0x7F, 0x0B]),
  Sample("try", [0x06, 0x40, 0x07, 0x03, 0x19, 0x09, 0x00, 0x0B], []),
  Sample("try", [0x06, 0x40, 0x18, 0x00]),
  Sample(
    "try_table", [0x1F, 0x40, 0x04, 0x00, 0x05, 0x00, 0x01, 0x06, 0x00, 0x02, 0x00, 0x03, 0x00, 0x0B],
    [Expected(.tag, 4, 1, 5), Expected(.tag, 7, 1, 6)]),
]

private struct Recorder: OperandVisitor {
  static var wantsImplicitMemory: Bool { true }
  var operands: [Operand] = []

  mutating func operand(_ operand: Operand) throws(FormatError) { operands.append(operand) }
}

private struct Quiet: OperandVisitor {
  var operands: [Operand] = []

  mutating func operand(_ operand: Operand) throws(FormatError) { operands.append(operand) }
}

/// Wants the operands of bodies, each as an element of ``found``.
private struct BodyRecorder<V: OperandVisitor>: BodyVisitor {
  static var wantsImplicitMemory: Bool { V.wantsImplicitMemory }
  var bodies: ArraySlice<ScannedBody>
  var found: [(operands: [Operand], error: FormatError?)] = []

  mutating func nextBody() -> ScannedBody? {
    guard let body = bodies.popFirst() else { return nil }
    found.append(([], nil))
    return body
  }

  mutating func fail(_ error: FormatError) { found[found.count - 1].error = error }

  mutating func operand(_ operand: Operand) throws(FormatError) { found[found.count - 1].operands.append(operand) }
}

private func scan<V: OperandVisitor>(_ bytes: [UInt8], _ visitor: V) throws(FormatError) -> (V, end: Int) {
  var visitor = visitor
  let end = try reading(bytes) { file throws(FormatError) in
    var reader = file
    try scanInstructions(&reader, &visitor)
    return reader.offset
  }
  return (visitor, end)
}

/// Scans the bytes as a body: three times in each of four rows, once as the end of a file and twice with other bytes
/// behind. All must find the same.
private func scanAsBody<V: OperandVisitor>(
  _ bytes: [UInt8], _: V.Type
) throws -> (operands: [Operand], error: FormatError?) {
  try reading(bytes + Array(repeating: 0x0B, count: 20), count: bytes.count) { reader throws in
    let ends = [bytes.count, bytes.count + 20, bytes.count + 7]
    func row(_ first: Int) -> BodyRecorder<V> {
      BodyRecorder(bodies: (0..<3).map { ScannedBody(reader, readableEnd: ends[(first + $0) % 3]) }[...])
    }
    var rows = (row(0), row(1), row(2), row(1))
    scanBodies(&rows.0, &rows.1, &rows.2, &rows.3)
    let found = rows.0.found + rows.1.found + rows.2.found + rows.3.found
    #expect(found.count == 12)
    for one in found.dropFirst() {
      #expect((one.error == nil) == (found[0].error == nil))
      if one.error == nil { #expect(one.operands.map(\.offset) == found[0].operands.map(\.offset)) }
    }
    return found[0]
  }
}

private func instructions(_ bytes: [UInt8]) throws -> [Instruction] {
  try reading(bytes) { file in
    var result: [Instruction] = []
    var reader = InstructionReader(file)
    while let instruction = try reader.next() { result.append(instruction) }
    return result
  }
}

/// The tag that the sample with `catch` names, which is not its first instruction.
private func expectedOperands(_ sample: Sample) -> [Expected] {
  sample.bytes.starts(with: [0x06, 0x40, 0x07]) ? [Expected(.tag, 3, 1, 3)] : sample.operands
}

@Suite struct InstructionTests {
  @Test(arguments: samples.indices) func oneInstruction(_ index: Int) throws {
    let sample = samples[index]
    for padding in 0..<9 {
      let bytes = sample.bytes + Array(repeating: 0x01, count: padding) + [0x0B]
      let (recorder, end) = try scan(bytes, Recorder())
      #expect(end == bytes.count)
      let found = recorder.operands.map { Expected($0.kind, $0.offset, $0.length, $0.value) }
      #expect(found == expectedOperands(sample), "\(sample.name)")
      let body = try scanAsBody(bytes, Recorder.self)
      #expect(body.error == nil)
      #expect(body.operands.map { Expected($0.kind, $0.offset, $0.length, $0.value) } == found, "\(sample.name)")
      #expect(body.operands.map(\.opcode) == recorder.operands.map(\.opcode))
      let quiet = try scan(bytes, Quiet()).0.operands
      #expect(quiet.map(\.offset) == recorder.operands.filter { $0.kind != .implicitMemory }.map(\.offset))
      let read = try instructions(bytes)
      #expect(read.first?.opcode.description == sample.name)
      #expect(read.last?.end == bytes.count)
      if let constant = sample.constant { #expect(read.first?.first == constant) }
    }
  }

  @Test func whatNamesLabels() {
    let names = (0..<0x600).map { Opcode(rawValue: $0) }.filter(\.namesLabels).compactMap { $0.mnemonic?.description }
    #expect(
      names == [
        "rethrow", "br", "br_if", "br_table", "delegate", "try_table", "br_on_null", "br_on_non_null", "resume",
        "resume_throw", "resume_throw_ref", "br_on_cast", "br_on_cast_fail", "br_on_cast_desc_eq",
        "br_on_cast_desc_eq_fail",
      ])
  }

  @Test(arguments: samples.indices) func truncated(_ index: Int) {
    let bytes = samples[index].bytes
    for length in 0..<bytes.count {
      #expect(throws: FormatError.self) { try scan(Array(bytes.prefix(length)), Recorder()) }
      #expect(throws: FormatError.self) { try scan(Array(bytes.prefix(length)), Quiet()) }
      #expect(throws: FormatError.self) { try instructions(Array(bytes.prefix(length))) }
      if length > 0 { #expect(throws: Never.self) { try truncatedBody(Array(bytes.prefix(length))) } }
    }
  }

  private func truncatedBody(_ bytes: [UInt8]) throws {
    #expect(try scanAsBody(bytes, Recorder.self).error != nil)
    #expect(try scanAsBody(bytes, Quiet.self).error != nil)
  }

  @Test func sequences() throws {
    var random = SplitMix(seed: 7)
    for _ in 0..<500 {
      var bytes: [UInt8] = []
      var expected: [Expected] = []
      var open = 0
      for _ in 0..<Int.random(in: 1...60, using: &random) {
        if open > 0, Bool.random(using: &random) {
          bytes.append(0x0B)
          open -= 1
        } else if Int.random(in: 0..<5, using: &random) == 0 {
          bytes += [[0x02, 0x40], [0x03, 0x7E], [0x04, 0x40]].randomElement(using: &random) ?? []
          open += 1
        }
        let sample = samples[Int.random(in: samples.indices, using: &random)]
        expected += expectedOperands(sample).map { Expected($0.kind, $0.at + bytes.count, $0.length, $0.value) }
        bytes += sample.bytes
      }
      bytes += Array(repeating: 0x0B, count: open + 1)
      let (recorder, end) = try scan(bytes + [0x00, 0x00], Recorder())
      #expect(end == bytes.count)
      #expect(recorder.operands.map { Expected($0.kind, $0.offset, $0.length, $0.value) } == expected)
      #expect(try instructions(bytes).last?.end == bytes.count)
      let body = try scanAsBody(bytes, Recorder.self)
      #expect(body.error == nil)
      #expect(body.operands.map { Expected($0.kind, $0.offset, $0.length, $0.value) } == expected)
      #expect(try scanAsBody(bytes + [0x01], Recorder.self).error != nil)
    }
  }

  /// More operands than there is room for at a time.
  @Test func longBody() throws {
    let bytes = Array(repeating: [0x10, 0x05] as [UInt8], count: 20_000).joined() + [0x0B]
    let body = try scanAsBody(Array(bytes), Quiet.self)
    #expect(body.error == nil)
    #expect(body.operands.map(\.offset) == (0..<20_000).map { 2 * $0 + 1 })
  }

  @Test func deepNesting() throws {
    let depth = 100_000
    let bytes =
      Array(repeating: [0x04, 0x40] as [UInt8], count: depth).joined() + Array(repeating: 0x0B, count: depth + 1)
    #expect(try scan(Array(bytes), Quiet()).end == bytes.count)
    #expect(try scanAsBody(Array(bytes), Quiet.self).error == nil)
  }

  @Test(
    arguments: [
      ([0x16, 0x0B], "unknown instruction 0x16"), ([0xFF, 0x0B], "unknown instruction 0xff"),
      ([0xFC, 0x17, 0x0B], "unknown instruction 0xfc 0x17"),
      ([0xFD, 0x9A, 0x01, 0x0B], "unknown instruction 0xfd 0x9a"),
      ([0xFD, 0x80, 0x04, 0x0B], "unknown instruction 0xfd 0x200"),
      ([0xFB, 0x80, 0x02, 0x0B], "unknown instruction 0xfb 0x100"),
      ([0x05, 0x0B], "else without if"), ([0x02, 0x40, 0x05, 0x0B, 0x0B], "else without if"),
      ([0x04, 0x40, 0x05, 0x05, 0x0B, 0x0B], "else without if"), ([0x18, 0x00, 0x0B], "delegate without try"),
      ([0x07, 0x00, 0x0B], "catch without try"), ([0x01, 0x01], "code ends without end"),
      ([0x28, 0x80, 0x01, 0x00, 0x0B], "malformed alignment of a memory access"),
      ([0x23, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0x0B], "LEB128 number does not fit into 32 bits"),
      ([0x23, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0B], "LEB128 number does not fit into 32 bits"),
      ([0x02, 0x65, 0x0B, 0x0B], "unknown type 0xb"),
      ([0x1F, 0x40, 0x01, 0x04, 0x00, 0x0B, 0x0B], "unknown catch clause 0x4"),
      ([0x0E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x0B], "count 4294967295 is larger than the rest of the section"),
    ] as [([UInt8], String)])
  func malformed(_ bytes: [UInt8], _ message: String) {
    for padding in [0, 8] {
      // Instructions in front shift the offsets; nothing may depend on the place.
      let shifted = Array(repeating: 0x01, count: padding) + bytes
      #expect { try scan(shifted, Recorder()) } throws: { ($0 as? FormatError)?.message == message }
      #expect(throws: Never.self) { try malformedBody(shifted, message) }
    }
  }

  /// Bodies are taken at their word about which block they are in.
  private func malformedBody(_ bytes: [UInt8], _ message: String) throws {
    if message.contains("without"), !message.hasSuffix("end") { return }
    #expect(try scanAsBody(bytes, Recorder.self).error?.message == message)
  }

  @Test func errorOffset() {
    #expect(throws: FormatError("unknown instruction 0x16", at: 3)) {
      try scan([0x20, 0x00, 0x1A, 0x16, 0x0B], Quiet())
    }
  }

  @Test func locals() throws {
    // 2 x i32, 1 x (ref null 5), 128 x (ref func).
    let bytes: [UInt8] = [0x03, 0x02, 0x7F, 0x01, 0x63, 0x05, 0x80, 0x01, 0x64, 0x70, 0x0B]
    try reading(bytes) { file throws in
      var reader = file
      var recorder = Recorder()
      #expect(try scanLocals(&reader, &recorder) == 131)
      #expect(reader.offset == 10)
      #expect(recorder.operands.map(\.offset) == [5])
      #expect(recorder.operands.map(\.kind) == [.signedType])
      #expect(recorder.operands.first?.opcode == .localDeclaration)
    }
    let tooMany: [UInt8] = [0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 0x01, 0x7F, 0x0B]
    reading(tooMany) { file in
      var reader = file
      var recorder = Recorder()
      #expect(throws: FormatError("too many locals", at: 7)) { try scanLocals(&reader, &recorder) }
    }
  }

  @Test func decodedNumbers() throws {
    let read = try instructions([
      0x23, 0x81, 0x00, 0x41, 0x78, 0x6A, 0x36, 0x42, 0x03, 0x90, 0x01, 0xFC, 0x08, 0x02, 0x01, 0x0B,
    ])
    #expect(read.map(\.opcode) == [.globalGet, .i32Const, .i32Add, .i32Store, .memoryInit, .end])
    #expect(read.map(\.first) == [1, -8, 0, 144, 2, 0])
    #expect(read.map(\.second) == [0, 0, 0, 2, 1, 0])
    #expect(read.map(\.memory) == [0, 0, 0, 3, 0, 0])
    #expect(read.map(\.offset) == [0, 3, 5, 6, 11, 15])
    #expect(read[0].operandOffset == 1 && read[0].operandLength == 2)
    #expect(read[4].operandOffset == 13 && read[4].operandLength == 1)
  }

  private func wellFormedBody(_ bytes: [UInt8]) throws {
    #expect(
      try scanAsBody(bytes, Recorder.self).operands.map(\.offset) == scan(bytes, Recorder()).0.operands.map(\.offset))
    #expect(try scanAsBody(bytes, Recorder.self).error == nil)
  }

  @Test func anyBytes() {
    var random = SplitMix(seed: 1)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let scanned = try? scan(bytes, Recorder()).end
      let quiet = try? scan(bytes, Quiet()).end
      let read = try? instructions(bytes).last?.end
      // The reader is stricter about numbers.
      if let read { #expect(scanned == read) }
      if scanned == bytes.count, !bytes.isEmpty { #expect(throws: Never.self) { try wellFormedBody(bytes) } }
      if let scanned { #expect(quiet == scanned) }
    }
  }
}

@Suite struct WritingTests {
  @Test func leb128() throws {
    var random = SplitMix(seed: 3)
    var values: [UInt64] = [0, 1, 63, 64, 127, 128, 16383, 16384, .max]
    for shift in 0..<64 { values += [1 << UInt64(shift), (1 << UInt64(shift)) - 1, random.next() >> UInt64(shift)] }
    for value in values {
      var writer = ByteWriter()
      writer.u64(value)
      #expect(writer.count == LEB128.length(unsigned: value))
      for signed in [Int64(bitPattern: value), -Int64(truncatingIfNeeded: value & (.max >> 1))] {
        let start = writer.count
        writer.s64(signed)
        #expect(writer.count - start == LEB128.length(signed: signed))
      }
      writer.u64(value, width: 10)
      writer.u64(0, width: 10)
      writer.patch(at: writer.count - 10, signed: Int64(bitPattern: value), width: 10)
      try reading(writer.bytes) { file throws in
        var reader = file
        #expect(try reader.u64() == value)
        #expect(try reader.s64() == Int64(bitPattern: value))
        #expect(try reader.s64() == -Int64(truncatingIfNeeded: value & (.max >> 1)))
        #expect(try reader.u64() == value)
        #expect(try reader.s64() == Int64(bitPattern: value))
        #expect(reader.isAtEnd)
      }
    }
  }

  @Test func nesting() {
    var writer = ByteWriter()
    writer.byte(0x0A)
    writer.sized { writer in
      writer.name("é")
      writer.sized { writer in
        for _ in 0..<200 { writer.byte(7) }
      }
      writer.fixed32(0x0102_0304)
    }
    #expect(Array(writer.bytes.prefix(9)) == [0x0A, 0xD1, 0x01, 0x02, 0xC3, 0xA9, 0xC8, 0x01, 0x07])
    #expect(Array(writer.bytes.suffix(4)) == [4, 3, 2, 1])
    writer.patch(at: writer.count - 4, fixed32: 0x0506_0708)
    #expect(Array(writer.bytes.suffix(4)) == [8, 7, 6, 5])
  }
}
