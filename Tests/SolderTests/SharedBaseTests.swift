import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// The usual body of a library's function takes a short way through folding: it says the same as the long one.
@Suite struct SharedBaseTests {
  private static let functionCount = 40

  /// A library of random functions that keep a base in a local, most of them as compilers do, some with something in the
  /// way: blocks, further assignments, reads in front, other bases.
  private func library(_ random: inout SplitMix) -> ModuleBuilder {
    var library = ModuleBuilder(dylink: Dylink(memorySize: 64, memoryAlignment: 2))
    let base = library.importMemoryAndBases()
    let other = library.importGlobal("GOT.mem", "elsewhere", .i32, isMutable: true)
    library.global(.i32, [.i32Const(16)], export: "elsewhere")
    library.data(.active([.globalGet(base.memory)]), [UInt8](repeating: 7, count: 64))
    library.padsOperands = random.chance(50)
    for index in 0..<Self.functionCount {
      library.function(
        [.i32], [.i32], locals: [.i32, .i32, .i32], export: "f\(index)",
        body(&random, [base.memory, base.memory, base.memory, other, base.table]))
    }
    library.element(.active([.globalGet(base.table)]), functions: [0, 1, 2, 3])
    return library
  }

  private func body(_ random: inout SplitMix, _ bases: [Int]) -> [WasmInstruction] {
    var code: [WasmInstruction] = [.localGet(0)]
    let main = random.pick(bases)
    if random.chance(10) { code += [.localGet(1), .i32Add] }
    if random.chance(20) { code += [.block(), .nop, .end] }
    let isInBlock = random.chance(10)
    if isInBlock { code.append(.block()) }
    let isTee = random.chance(30)
    code.append(.globalGet(main))
    if random.chance(20) { code += number(&random) }
    if isTee {
      code.append(.localTee(1))
      if random.chance(50) { code += number(&random) }
      if random.chance(10) { code.append(.localTee(2)) }
      code += [.i32Load(), .localSet(3)]
    } else {
      code.append(.localSet(1))
    }
    if isInBlock { code.append(.end) }
    for _ in 0..<random.below(8) {
      if random.chance(25) { code += branches(&random, bases, depth: 0) }
      code += statement(&random, bases)
    }
    // Blocks to whose ends something could branch begin where the function does.
    let blocks = random.below(10) < 3 ? random.below(3) : 0
    return Array(repeating: .block(.i32), count: blocks) + code + Array(repeating: .end, count: blocks)
  }

  /// Blocks that leave nothing on the stack, in which locals are set and read or not.
  private func branches(_ random: inout SplitMix, _ bases: [Int], depth: Int) -> [WasmInstruction] {
    func part(_ random: inout SplitMix) -> [WasmInstruction] {
      var code: [WasmInstruction] = []
      for _ in 0..<random.below(4) {
        switch random.below(6) {
        case 0 where depth < 3: code += branches(&random, bases, depth: depth + 1)
        case 1: code += [.localGet(0), .brIf(random.below(depth + 1))]
        case 2: code += [.globalGet(random.pick(bases)), .localSet(random.pick([1, 2]))]
        case 3: code += [.localGet(1)] + number(&random) + [.localSet(2)]
        default: code += [.localGet(random.pick([1, 2]))] + number(&random) + [.i32Load(offset: 4), .localSet(3)]
        }
      }
      return code
    }
    switch random.below(3) {
    case 0: return [.block()] + part(&random) + [.end]
    case 1: return [.loop()] + part(&random) + [.end]
    default: return [.localGet(0), .if()] + part(&random) + (random.chance(50) ? [.else] + part(&random) : []) + [.end]
    }
  }

  /// Leaves the number on the stack one number.
  private func statement(_ random: inout SplitMix, _ bases: [Int]) -> [WasmInstruction] {
    var value: [WasmInstruction]
    switch random.below(12) {
    case 0: value = [.globalGet(random.pick(bases))]
    case 1: return [.globalGet(random.pick(bases)), .localSet(random.chance(70) ? 2 : 1)]
    case 2: value = [.localGet(2)]
    case 3: return [.localGet(1), .i32Const(4), .i32Add, .localSet(random.chance(50) ? 2 : 3)]
    case 4: value = number(first: true, &random) + [.localGet(1), .i32Add]
    case 5 where random.chance(30): value = [.raw(0x20, 0x81, 0x00)]
    default: value = [.localGet(1)]
    }
    if random.chance(60) { value += number(&random) }
    if random.chance(10) {
      value += [.i32Const(4), .i32Const(8), .localGet(0), .select, .i32Add]
    }
    if random.chance(30) {
      let index: [[WasmInstruction]] = [
        [.localGet(0), .i32Const(12), .i32And], [.localGet(3)], [.localGet(0), .i32Load8(), .i32Const(2), .i32Shl],
      ]
      value = random.chance(70) ? value + random.pick(index) + [.i32Add] : random.pick(index) + value + [.i32Add]
    } else if random.chance(30) {
      value = [.block(.i32)] + value + [.end]
    }
    return value + (random.chance(70) ? [.i32Load(offset: 4)] : []) + [.i32Xor]
  }

  private func number(first: Bool = false, _ random: inout SplitMix) -> [WasmInstruction] {
    let number = WasmInstruction.i32Const(Int32(random.pick([4, 8, 1, -4, 70, 1_000_000])))
    return first ? [number] : [number, random.chance(80) ? .i32Add : .i32Sub]
  }

  @Test func saysTheSame() throws {
    var random = SplitMix(seed: 11)
    var (edits, shortened) = (0, 0)
    for _ in 0..<120 {
      let program = try decided(["libtest.so": library(&random)], "--no-entry")
      let unit = try #require(program.resolution.units.first { $0.module.lifted?.hasSymbolicGlobals == true }).module
      var (one, two) = (Bodies(unit), Bodies(unit))
      var (three, four) = (Bodies(nil), Bodies(nil))
      scanBodies(&one, &three, &two, &four, notesPlaces: true)
      edits += one.edits.joined().count
      shortened += one.shortened
      try #require(one.edits.count == Self.functionCount)
      #expect(one.edits == one.slowEdits)
    }
    // Both are not about nothing.
    #expect(edits > 4000 && shortened > 500, "\(edits), \(shortened)")
  }
}

/// The bodies of a unit, and what is made of each by either way.
private struct Bodies: BodyVisitor {
  private let unit: InputModule?
  private let reads: [GlobalRead]
  private var next = 0
  private var uses = ReusedRow<UInt32>()
  private var short: CodeFolder?
  private var long: CodeFolder?
  private(set) var edits: [[String]] = []
  private(set) var slowEdits: [[String]] = []
  private(set) var shortened = 0

  init(_ unit: InputModule?) {
    self.unit = unit
    reads = unit.map { GlobalRead.all(of: $0, $0.lifted ?? LiftedFacts()) } ?? []
    short = unit.map { CodeFolder($0, movesAddresses: true) }
    long = unit.map { CodeFolder($0, takesShortWay: false, movesAddresses: true) }
  }

  mutating func nextBody() -> ScannedBody? {
    guard let unit, next < unit.functions.count else { return nil }
    defer { next += 1 }
    uses.removeAll()
    var reader = unit.file.reader(of: unit.functions[next].body)
    var nothing = IgnoringVisitor()
    _ = try? scanLocals(&reader, &nothing)
    return ScannedBody(reader, readableEnd: unit.file.bytes.end)
  }

  mutating func operand(_ operand: Operand) throws(FormatError) {
    if operand.opcode == .globalGet, reads[Int(operand.value)].value != .plain {
      uses.append(UInt32(operand.instruction))
    }
  }

  mutating func endBody(_ body: ScannedBody, _ places: CodePlaces) {
    func fold(_ folder: inout CodeFolder?) -> [String] {
      var relocations: [Relocation] = []
      let needsTableBlock = folder?.fold(body.reader, places, uses, &relocations, from: 0)
      for edit in relocations { Bodies.check(edit, of: body.reader) }
      return relocations.map { "\($0)" } + ["\(needsTableBlock == true)"]
    }
    edits.append(fold(&short))
    slowEdits.append(fold(&long))
    for local in [0, 1, 2, 3, 0x7F] as [UInt8] {
      for start in [0, 1, 3, places.count / 2, places.count - 1] {
        let first = (start..<max(start, places.count - 1)).first { index in
          let (opcode, number) = (body.reader[places[index]], body.reader[places[index] + 1])
          return opcode & 0xFC == 0x20 && (number == local || number >= 0x80)
        }
        #expect(places.firstAccess(to: local, from: start) == first)
      }
    }
    if short?.code.readGlobals(body.reader, places, uses) == true, short?.code.readShared(places) != nil {
      shortened += 1
    }
  }

  /// What an edit says of assignments among the instructions that give way is true.
  private static func check(_ edit: Relocation, of body: ByteReader) {
    var reader = InstructionReader(body[Int(edit.offset)..<Int(edit.end)], isInsideBlocks: true)
    var assigned: [UInt32] = []
    while !reader.reader.isAtEnd, let instruction = try? reader.next() {
      guard instruction.opcode == .localSet || instruction.opcode == .localTee else { continue }
      assigned.append(UInt32(truncatingIfNeeded: instruction.first))
    }
    if edit.assignsNothing { #expect(assigned.isEmpty) }
    if edit.encoding == .nothing, let local = edit.assignedLocal { #expect(assigned == [local]) }
  }

  mutating func fail(_ error: FormatError) { Issue.record("\(error)") }
}
