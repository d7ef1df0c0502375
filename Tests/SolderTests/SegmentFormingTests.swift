import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// Decisions of the layout: which segments the result has, in which order, and where each begins.
@Suite struct SegmentFormingTests {
  private func object(_ segments: [(name: String, bytes: [UInt8], alignment: Int)]) -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    var code: [WasmInstruction] = []
    for (index, segment) in segments.enumerated() {
      let symbol = object.data("d\(index)", segment.bytes, segment: segment.name, alignment: segment.alignment)
      code += [.address(symbol), .drop]
    }
    object.function("_start", flags: .exported, code)
    return object
  }

  private func texts(_ program: Program) -> [String] { program.memory.segments.map { "\($0.name) \($0.size)" } }

  /// Kinds follow each other as in wasm-ld, whatever the order in the file; data that is zero is numbered behind all others.
  @Test func kindsInOrder() throws {
    let file = object([
      (".bss.z", [0, 0, 0, 0], 2), (".custom", [9], 0), (".data.a", [1, 2], 0), (".rodata.r", [3], 0),
      (".data.b", [4], 0),
    ])
    #expect(texts(try decided(["a.o": file])) == [".rodata 1", ".data 3", ".custom 1", ".bss 4"])
  }

  /// Pieces of one segment come in the order of the link, each at a multiple of its alignment; the segment has the strictest.
  @Test(arguments: [0, 1, 2, 4]) func alignmentOfPieces(_ alignment: Int) throws {
    let first = object([(".data.a", [1], 0)])
    var second = ModuleBuilder(object: true)
    second.data("e", [2, 2, 2], segment: ".data.e", alignment: alignment, flags: .noStrip)
    let program = try decided(["a.o": first, "b.o": second])
    let segment = try #require(program.memory.segments.first { $0.name == ByteString(".data") })
    let offset = UInt64(1 << alignment)
    #expect(segment.pieces.map(\.offset) == [0, offset])
    #expect(segment.size == offset + 3)
    #expect(segment.alignment == UInt32(alignment))
    #expect(segment.address % (1 << UInt64(alignment)) == 0)
  }

  /// Nothing lies at address 0, segments do not overlap, and stack and heap begin at multiples of 16.
  @Test(arguments: ["--stack-first", "--no-stack-first", "--global-base=131072", "-zstack-size=32"])
  func whatLiesWhere(_ option: String) throws {
    let file = object([(".data.a", [1, 2, 3], 0), (".rodata.b", [1], 3), (".bss.c", [0, 0], 1)])
    let program = try decided(["a.o": file], option)
    let memory = program.memory
    #expect(memory.dataStart > 0)
    var end = memory.dataStart
    for segment in memory.segments {
      #expect(segment.address >= end)
      end = segment.address + segment.size
    }
    #expect(end <= memory.dataEnd)
    #expect(memory.stackPointer % 16 == 0 && memory.heapBase % 16 == 0)
    #expect(memory.stackLow < memory.stackPointer)
    let isStackFirst = memory.stackPointer <= memory.dataStart
    #expect(isStackFirst || memory.stackLow >= memory.dataEnd)
    #expect(memory.heapBase >= max(memory.dataEnd, memory.stackPointer))
  }

  /// Equal strings of several files are one, and a string that another one ends in is part of that.
  @Test func stringsAreMerged() throws {
    var first = ModuleBuilder(object: true)
    let long = first.data("long", Array("hello\0".utf8), segment: ".rodata.str", alignment: 0, segmentFlags: 1)
    first.function("_start", flags: .exported, [.address(long), .drop])
    var second = ModuleBuilder(object: true)
    second.data("end", Array("llo\0".utf8), segment: ".rodata.str", alignment: 0, segmentFlags: 1, flags: .noStrip)
    second.data("same", Array("hello\0".utf8), segment: ".rodata.str", alignment: 0, segmentFlags: 1, flags: .noStrip)
    let program = try decided(["a.o": first, "b.o": second])
    func address(_ name: StaticString) throws -> UInt64 {
      program.address(of: try #require(program.resolution.table.find(name)))
    }
    #expect(texts(program) == [".rodata 6"])
    #expect(try address("same") == address("long"))
    #expect(try address("end") == address("long") + 2)
  }

  /// A segment that nothing refers to is in no segment of the result, and asking for its place is an error with a name.
  @Test func whatIsDroppedHasNoPlace() throws {
    var file = ModuleBuilder(object: true)
    let used = file.data("used", [1])
    file.data("unused", [2])
    file.function("_start", flags: .exported, [.address(used), .drop])
    let program = try decided(["a.o": file])
    let unit = try #require(program.resolution.inLinkOrder.first { _ in true })
    let unused = unit.bases.segment + 1
    #expect(program.memory.outputSegments[unused] == .none)
    #expect(program.errors.isEmpty)
    _ = program.index(ofSegment: SegmentIndex(1), of: unit)
    #expect(!program.errors.isEmpty)
  }
}
