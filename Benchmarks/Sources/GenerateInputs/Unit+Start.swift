/// The start of a program: it runs constructors, calls some functions with a little fuel each, and prints a checksum of
/// their results through WASI.
extension Unit {
  private static let fuelOfRoot = 600

  /// The object with `_start` for the program made of the first `count` files.
  static func mainObject(_ program: Program, count: Int) -> [UInt8] {
    var unit = Unit(program, file: program.files, style: .absolute)
    unit.writeStart(roots: program.roots(count: count))
    return unit.builder.object()
  }

  /// A whole program: file 0 with the start, as a module or, for reference, as an object.
  static func wholeProgram(_ program: Program, style: Style) -> [UInt8] {
    var unit = Unit(program, file: 0, style: style)
    unit.writeFile()
    unit.writeStart(roots: program.roots(count: 1))
    return style == .module ? unit.builder.module(start: unit.startSymbol) : unit.builder.object()
  }

  var startSymbol: Int { namedSymbol(3, "_start", plainSignature, .hidden) }

  /// WASI's `fd_write`, under the name that wasi-libc gives it.
  var writeImportSymbol: Int {
    let module = "wasi_snapshot_preview1"
    return namedSymbol(
      4, "__imported_\(module)_fd_write", 8, [.undefined, .explicitName], module: module)
  }

  private mutating func writeStart(roots: [FunctionReference]) {
    if !program.hasWholeProgram { defineFuel("bench_fuel") }
    if program.templates > 0 { defineTypeVtable() }
    let (buffer, vector, written) = defineOutput()
    var writer = FunctionWriter(self, Scope(random: Random(0)), locals: 3)
    if builder.style == .module {
      builder.call(constructorSymbol)
    } else {
      builder.call(namedSymbol(5, "__wasm_call_ctors", plainSignature, [.undefined]))
    }
    for (position, root) in roots.enumerated() {
      builder.access(
        Opcode.i32Store, alignment: 2, symbol(.fuel), value: { builder.const32(Self.fuelOfRoot) })
      if program.hasWholeProgram {
        builder.const32(Self.fuelOfRoot)
        builder.call(refillSymbol)
      }
      builder.const32(position)
      builder.const32(3)
      builder.call(symbol(root))
      builder.op(Opcode.localGet, 0)
      builder.const32(5)
      builder.op(Opcode.i32RotateLeft)
      builder.op(Opcode.i32Xor)
      builder.op(Opcode.localSet, 0)
    }
    writeHexadecimal(into: buffer)
    builder.const32(1)
    builder.dataAddress(vector)
    builder.const32(1)
    builder.dataAddress(written)
    builder.call(writeImportSymbol)
    builder.op(Opcode.drop)
    writer.end(startSymbol)
  }

  /// Writes local 0 as eight digits.
  private func writeHexadecimal(into buffer: Int) {
    let greater: UInt8 = 0x4b
    let multiply: UInt8 = 0x6c
    builder.op(Opcode.loop)
    builder.op(Opcode.emptyBlock)
    builder.dataAddress(buffer)
    builder.op(Opcode.localGet, 1)
    builder.op(Opcode.i32Add)
    builder.op(Opcode.localGet, 0)
    builder.const32(28)
    builder.op(Opcode.localGet, 1)
    builder.const32(2)
    builder.op(Opcode.i32ShiftLeft)
    builder.op(Opcode.i32Subtract)
    builder.op(Opcode.i32ShiftRightUnsigned)
    builder.const32(15)
    builder.op(Opcode.i32And)
    builder.op(Opcode.localTee, 2)
    builder.const32(48)
    builder.op(Opcode.i32Add)
    builder.op(Opcode.localGet, 2)
    builder.const32(9)
    builder.op(greater)
    builder.const32(39)
    builder.op(multiply)
    builder.op(Opcode.i32Add)
    builder.memory(Opcode.i32Store8, alignment: 0)
    builder.op(Opcode.localGet, 1)
    builder.const32(1)
    builder.op(Opcode.i32Add)
    builder.op(Opcode.localTee, 1)
    builder.const32(8)
    builder.op(Opcode.i32LessUnsigned)
    builder.op(Opcode.branchIf, 0)
    builder.op(Opcode.end)
  }

  /// The virtual function table of the C++ runtime that every type description points to.
  private func defineTypeVtable() {
    var segment = Segment(name: ".data.rel.ro._ZTVN10__cxxabiv117__class_type_infoE", alignment: 2)
    for _ in 0..<4 { segment.contents.little32(0) }
    let symbol = symbol(.typeVtable)
    builder.symbols[symbol].flags = .hidden
    builder.addSegment(segment, defining: symbol)
  }

  private func defineOutput() -> (buffer: Int, vector: Int, written: Int) {
    func add(_ number: Int, _ name: String, _ fill: (inout Segment) -> Void) -> Int {
      let symbol = builder.symbol(12 << 56 | UInt64(number)) {
        Symbol(kind: .data(segment: nil, offset: 0, size: 0), name: name, flags: .local)
      }
      var segment = Segment(name: ".data.\(name)", alignment: 2)
      fill(&segment)
      builder.addSegment(segment, defining: symbol)
      return symbol
    }
    let buffer = add(0, "checksum_text") { $0.contents.append("00000000\n".utf8) }
    let vector = add(1, "checksum_vector") { segment in
      segment.contents.little32(0)
      segment.contents.little32(9)
      segment.relocations = [Relocation(type: .memoryAddressI32, offset: 0, index: buffer)]
    }
    let written = add(2, "checksum_written") { $0.contents.little32(0) }
    return (buffer, vector, written)
  }
}

extension Program {
  /// The functions that the start calls: with them every live function of the first `count` files is reached.
  func roots(count: Int) -> [FunctionReference] {
    let wanted = 48
    if hasWholeProgram {
      let step = max(1, liveFunctions(in: 0) / 5 / wanted)
      return [.function(file: 0, 0)]
        + Swift.stride(from: 0, to: liveFunctions(in: 0) / 5, by: step).map { .function(file: 0, 5 * $0 + 3) }
        .filter { if case .function(_, let function) = $0 { function < liveFunctions(in: 0) } else { false } }
    }
    let blocks = Swift.stride(from: 0, to: count, by: block)
    let spread = (0..<wanted).map { $0 * count / wanted / self.stride * self.stride }
    return Set(Array(blocks) + spread).sorted().map { .function(file: $0, 0) }
  }
}
