import Synchronization
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// What edits write: every kind in its form and width, and the short way like the full one.
@Suite struct OperandEncoderTests {
  /// Symbols of every kind: defined, dropped, imported, missing and weak.
  private func object(is64: Bool) -> ModuleBuilder {
    var object = ModuleBuilder(object: true, is64: is64)
    let table = object.undefinedTable()
    let weak = object.undefinedFunction("weak", [.i32], [.i32], flags: .weak)
    let host = object.undefinedFunction("host", [.i32], module: "host", importName: "show")
    let nowhere = object.undefinedData("nowhere", flags: .weak)
    let value = object.data("value", Array(repeating: 1, count: 300))
    let counter = object.global("counter", .i32, isMutable: true, [.i32Const(3)])
    let type = object.type([], [.i32])
    let functions = (0..<200).map { object.function("f\($0)", [], [.i32], [.i32Const(Int32($0))]) }
    object.function("dropped", [.f64], [], [.call(host)])
    object.data("dropped_data", [1])
    let width = is64 ? 8 : 4
    let slot: RelocationType = is64 ? .tableIndexI64 : .tableIndexI32
    let pointers = object.data(
      "pointers", Array(repeating: 0, count: 4 * width),
      relocations: [
        DataRelocation(slot, at: 0, functions[7]), DataRelocation(slot, at: width, functions[150]),
        DataRelocation(slot, at: 2 * width, weak),
        DataRelocation(is64 ? .memoryAddressI64 : .memoryAddressI32, at: 3 * width, nowhere, addend: 3),
      ])
    let address = is64 ? WasmInstruction.address64 : WasmInstruction.address
    var code = functions.flatMap { [WasmInstruction.call($0), .drop] }
    code += [address(pointers, 0), .drop, address(value, 0), .drop, .globalGet(counter), .call(host)]
    code += [.i32Const(1), .call(weak), .drop] + (is64 ? [.i64Const(0)] : [.i32Const(0)])
    code += [.callIndirect(objectType: type, table: table), .drop]
    object.function("_start", flags: .exported, code)
    return object
  }

  /// A library, whose code names functions and globals by number.
  private func library(is64: Bool) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 16), is64: is64)
    let other = library.importFunction("env", "f7", [], [.i32])
    let base = library.importMemoryAndBases().memory
    let value = library.importGlobal("GOT.mem", "value", is64 ? .i64 : .i32, isMutable: true)
    library.data(.active([.globalGet(base)]), Array(repeating: 1, count: 16))
    let counter = library.global(.i32, isMutable: true, [.i32Const(0)], export: "library_counter")
    library.function([], [], [.call(other), .globalSet(counter), .globalGet(base), .drop, .globalGet(value), .drop])
    for number in 0..<200 { library.function([], [.i32], export: "l\(number)", [.call(max(0, number - 1))]) }
    return library
  }

  private func program(withLibrary is64: Bool) throws -> Program {
    let width = is64 ? ["-mwasm64"] : []
    let folder = try TemporaryFolder()
    let inputs = [
      try folder.write(object(is64: is64).fileBytes, to: "input.o"),
      try folder.write(library(is64: is64).fileBytes, to: "library.so"),
    ]
    return try decided(width + ["--no-gc-sections"] + inputs)
  }

  private func program(is64: Bool) throws -> Program {
    try is64 ? decided(["input.o": object(is64: true)], "-mwasm64") : decided(["input.o": object(is64: false)])
  }

  /// The places of function bodies are known only when code has been measured.
  private func encoder(_ program: Program) -> OperandEncoder {
    let encoder = OperandEncoder(program, CustomPlan(), Threads(1))
    let count = UInt32(program.indices.functions.count)
    return OperandEncoder(encoder, bodyOffsets: (0..<count).map { 40 + 1000 * $0 })
  }

  /// An edit of any kind that the symbol of a unit can have.
  private func edit(of unit: Unit, _ random: inout SplitMix) -> Relocation {
    var kinds: [RelocationType] = []
    let target = UInt32(random.below(unit.symbols.count))
    switch unit.symbols[Int(target)].kind {
    case .function:
      kinds = [
        .functionIndexLEB, .functionIndexI32, .tableIndexSLEB, .tableIndexI32, .tableIndexRelativeSLEB,
        .tableIndexSLEB64,
        .tableIndexI64, .functionOffsetI32, .functionOffsetI64, .tableIndexRelativeSLEB64,
      ]
    case .data:
      kinds = [
        .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .memoryAddressRelativeSLEB, .memoryAddressLEB64,
        .memoryAddressSLEB64, .memoryAddressI64, .memoryAddressRelativeSLEB64, .memoryAddressTLSSLEB,
        .memoryAddressLocationRelativeI32, .memoryAddressTLSSLEB64,
      ]
    case .global: kinds = [.globalIndexLEB, .globalIndexI32]
    case .tag: kinds = [.tagIndexLEB]
    case .table: kinds = [.tableNumberLEB]
    case .section: kinds = [.sectionOffsetI32]
    }
    let kind = random.pick(kinds)
    var edit = Relocation(
      RelocationKind(rawValue: kind.rawValue)!, at: UInt32(random.below(1000)), width: UInt8(kind.width), target: target
    )
    if kind.hasAddend { edit.storedAddend = random.chance(50) ? 0 : Int32(random.below(2000) - 1000) }
    // In lifted code operands are of any width, and `global.get` is edited as a whole.
    if kind.width == 5, random.chance(50) { edit.width = UInt8(1 + random.below(5)) }
    if kind == .globalIndexLEB, random.chance(50) {
      edit.encoding = .globalGet32
      edit.width += 1
    }
    // A sum becomes one constant.
    if kind == .memoryAddressSLEB, random.chance(50) {
      (edit.kind, edit.encoding) = (.constantMemoryAddress, random.chance(80) ? .constant32 : .constant64)
      edit.width = UInt8(2 + random.below(12))
    }
    return edit
  }

  private func bytes(_ length: Int, _ write: (OutputRoom) -> Bool) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0xEE, count: length)
    return writing(&bytes, 0..<length, write) ? bytes : nil
  }

  @Test(arguments: ["input.o", "library.so"], [false, true])
  func theShortWayWritesTheSame(_ name: String, is64: Bool) throws {
    let program = try name == "input.o" ? program(is64: is64) : program(withLibrary: is64)
    let encoder = encoder(program)
    let unit = try #require(program.resolution.inLinkOrder.first { $0.file.displayName.hasSuffix(name) })
    let patcher = Patcher(unit, encoder)
    var random = SplitMix(seed: is64 ? 64 : 32)
    var (operands, numbers) = (0, 0)
    var sections = Patcher.SectionPlaces()
    for _ in 0..<20_000 {
      let edit = edit(of: unit, &random)
      // Code keeps what it names alive, so nothing there is about what was dropped.
      let isPresent = program.values[Int(unit.symbolIDs[edit.namedSymbol])].isPresent
      if isPresent, let value = patcher.shortOperand(edit) {
        operands += 1
        for length in [OperandLength.asWritten, .shortest, .patchable] {
          let full = encoder.replacement(for: edit, of: patcher.source, length: length)
          let width = edit.shortWidth(of: value, length)
          let written = bytes(full.length) { full.write(to: $0, at: 0) }
          #expect(bytes(width) { edit.writeShort(value, width: width, to: $0, at: 0) } == written, "\(edit)")
          let ahead = bytes(width + 20) { edit.writeShort(value, width: width, to: $0, at: 0, isAhead: true) }
          #expect(ahead?.prefix(width) == written?[...], "\(edit)")
        }
      }
      let tombstone = random.pick([nil, 0, UInt64(bitPattern: -1), UInt64(bitPattern: -2)]).map { Tombstone(value: $0) }
      if isPresent || tombstone != nil, let number = patcher.shortNumber(edit, tombstone, &sections) {
        numbers += 1
        let full = encoder.replacement(for: edit, of: patcher.source, length: .asWritten, tombstone: tombstone)
        #expect(full.form == .fixed32 && full.length == 4, "\(edit)")
        #expect(UInt32(truncatingIfNeeded: full.value) == number, "\(edit) \(String(describing: tombstone))")
      }
    }
    #expect(operands > 1000 && numbers > 500)
    #expect(program.errors.isEmpty)
  }

  @Test(arguments: [false, true]) func everyKindHasItsFormAndWidth(is64: Bool) throws {
    let program = try program(is64: is64)
    let encoder = encoder(program)
    let unit = try #require(program.resolution.inLinkOrder.first { $0.file.displayName.hasSuffix("input.o") })
    let source = RelocatedUnit(unit)
    func symbol(_ name: StaticString) throws -> UInt32 {
      UInt32(try #require(unit.symbols.firstIndex { $0.name == name }))
    }
    let value = try symbol("value")
    let address = try #require(program.values[Int(unit.symbolIDs[SymbolIndex(rawValue: value)])].address)
    let function = try #require(program.values[Int(unit.symbolIDs[SymbolIndex(rawValue: try symbol("f150"))])].function)
    let slot = try #require(program.values[Int(unit.symbolIDs[SymbolIndex(rawValue: try symbol("f150"))])].slot)
    let body = UInt64(encoder.bodyOffset(ofFunction: function) ?? 0)
    for type in RelocationType.allCases where type != .sectionOffsetI32 && type != .tagIndexLEB && type != .typeIndexLEB
    {
      let kind = try #require(RelocationKind(rawValue: type.rawValue))
      let (target, expected): (UInt32, UInt64) =
        switch type {
        case .functionIndexLEB, .functionIndexI32: (try symbol("f150"), UInt64(function.rawValue))
        case .functionOffsetI32, .functionOffsetI64: (try symbol("f150"), body &- 5)
        case .globalIndexLEB, .globalIndexI32: (try symbol("counter"), 1)
        case .tableNumberLEB: (try symbol("__indirect_function_table"), 0)
        case .memoryAddressLocationRelativeI32: (value, address &- 5 &- 77)
        case _ where kind.isTableIndex && kind.isRelativeToBase:
          (try symbol("f150"), UInt64(slot.rawValue) - (program.options.tableBase ?? 0))
        case _ where kind.isTableIndex: (try symbol("f150"), UInt64(slot.rawValue))
        default: (value, address &- 5)
        }
      var edit = Relocation(kind, at: 0, width: UInt8(type.width), target: target)
      if type.hasAddend { edit.storedAddend = -5 }
      let replacement = encoder.replacement(for: edit, of: source, length: .asWritten, place: 77)
      #expect(replacement.length == type.width, "\(type)")
      let form: Replacement.Form =
        type.width == 4 ? .fixed32 : type.width == 8 ? .fixed64 : type.isSigned ? .signed : .unsigned
      #expect(replacement.form == form, "\(type)")
      #expect(replacement.opcode == nil)
      let mask: UInt64 = type.width == 4 || type.width == 5 ? 0xFFFF_FFFF : .max
      #expect(replacement.value & mask == expected & mask, "\(type)")
    }
    #expect(program.errors.isEmpty)
  }

  @Test func otherEncodings() throws {
    let program = try program(is64: false)
    let encoder = encoder(program)
    let unit = try #require(program.resolution.inLinkOrder.first { $0.file.displayName.hasSuffix("input.o") })
    let source = RelocatedUnit(unit)
    let value = UInt32(try #require(unit.symbols.firstIndex { $0.name == "value" }))
    let address = try #require(program.values[Int(unit.symbolIDs[SymbolIndex(rawValue: value)])].address)
    // A run of instructions becomes one constant, of the width that the type allows.
    var edit = Relocation(.constantMemoryAddress, at: 0, width: 12, target: value, encoding: .constant32)
    edit.storedAddend = 300
    let constant = encoder.replacement(for: edit, of: source, length: .asWritten)
    #expect(constant == Replacement(form: .signed, value: address + 300, opcode: 0x41, length: 6))
    let shortest = encoder.replacement(for: edit, of: source, length: .shortest)
    #expect(shortest.length == 1 + LEB128.length(signed: Int64(address + 300)))
    // What reads a global that turned out to be an address becomes the address.
    let read = Relocation(.globalIndexLEB, at: 0, width: 6, target: value, encoding: .globalGet64)
    let folded = encoder.replacement(for: read, of: source, length: .asWritten)
    #expect(folded == Replacement(form: .signed, value: address, opcode: 0x42, length: 6))
    // What is superfluous leaves no instruction, or those that do nothing.
    let removed = Relocation(.removedCall, at: 0, width: 6, target: value, encoding: .nothing)
    #expect(encoder.replacement(for: removed, of: source, length: .asWritten) == Replacement(form: .nothing, length: 6))
    #expect(encoder.replacement(for: removed, of: source, length: .shortest) == Replacement(form: .nothing, length: 0))
  }

  @Test func noAnswerIsAnErrorWithNames() throws {
    let program = try program(is64: false)
    let encoder = encoder(program)
    let unit = try #require(program.resolution.inLinkOrder.first { $0.file.displayName.hasSuffix("input.o") })
    let dropped = UInt32(try #require(unit.symbols.firstIndex { $0.name == "dropped" }))
    let call = Relocation(.functionIndexLEB, at: 0, width: 5, target: dropped)
    _ = encoder.replacement(for: call, of: RelocatedUnit(unit), length: .asWritten)
    let messages = Mutex<[String]>([])
    #expect(program.errors.tell(Diagnostics { message in messages.withLock { $0.append(message.text) } }))
    let text = messages.withLock { $0.joined() }
    #expect(text.contains("input.o") && text.contains("'dropped' has no index in the result"))
    // Debug information may speak of it.
    let offset = Relocation(.functionOffsetI32, at: 0, width: 4, target: dropped)
    let tombstone = encoder.replacement(
      for: offset, of: RelocatedUnit(unit), length: .asWritten, tombstone: Tombstone(value: .max))
    #expect(tombstone.value == .max)
  }

  @Test func aValueIsSixteenBytes() {
    #expect(MemoryLayout<SymbolValue>.stride == 16)
    #expect(MemoryLayout<Relocation>.stride == 16)
  }
}
