import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// The reader of each section on its own: what it finds, and that it finds every way in which one can be damaged.
@Suite struct SectionReaderTests {
  // MARK: What is read

  /// A module with every section that the format has.
  private static func everything() -> ModuleBuilder {
    var module = ModuleBuilder()
    let binary = module.type([.i32, .i32], [.i32])
    let next = module.importFunction("host", "next", [.i32], [.i32])
    module.importTable("host", "table", .funcref, Limits(2, 9))
    module.importMemory("host", "memory", Limits(1, 4))
    let limit = module.importGlobal("host", "limit", .i32)
    module.importTag("host", "event", [.i64])
    let sum = module.function([.i32, .i32], [.i32], export: "sum", [.localGet(0), .localGet(1), .i32Add])
    let run = module.function([.i32], [.i32], export: "run", [.localGet(0), .call(next), .i32Const(1), .call(sum)])
    let begin = module.function([], [], [.i32Const(3), .call(run), .drop])
    module.table(.funcref, Limits(4), export: "own_table")
    module.memory(Limits(3), export: "own_memory")
    module.global(.i64, isMutable: true, [.i64Const(-5)], export: "counter")
    module.tag([.i32, .i64], export: "own_tag")
    module.start = begin
    module.element(.at(1), functions: [sum, run])
    module.element(.passive, .funcref, [[.refFunc(sum)], [.refFunc(run)]])
    module.element(.declarative, functions: [begin])
    module.data(.active([.globalGet(limit)]), [1, 2, 3])
    module.data(.passive, [4, 5])
    module.custom("note", [7, 8, 9])
    module.functionNames = [sum: "plus"]
    module.hasDataCount = true
    _ = binary
    return module
  }

  /// Reads a module, and tells what became of it while its bytes are there.
  private func read<Result>(
    _ bytes: [UInt8], as origin: InputModule.Origin = .sharedLibrary, _ body: (ModuleDraft) throws -> Result
  ) throws -> Result {
    var writer = ByteWriter()
    writer.raw(bytes)
    let result = writer.withReader { reader -> Swift.Result<Result, any Error> in
      Swift.Result {
        let draft = ModuleDraft(origin: origin, file: InputFile(name: "module", bytes: reader))
        var module = ModuleReader(draft)
        try module.read()
        if origin == .object {
          var object = ObjectReader(draft)
          try object.read()
        }
        return try body(draft)
      }
    }
    return try result.get()
  }

  @Test func everySection() throws {
    try read(SectionReaderTests.everything().bytes) { draft in
      #expect(draft.types.count >= 4)
      #expect(draft.functionImports.map { "\($0.module).\($0.name)" } == ["host.next"])
      #expect(draft.tableImports.map(\.limits) == [.init(minimum: 2, maximum: 9)])
      #expect(draft.memoryImports.map(\.limits) == [.init(minimum: 1, maximum: 4)])
      #expect(draft.globalImports.map(\.global) == [.init(valueType: 0x7F, isMutable: false)])
      #expect(draft.tagImports.map(\.kind) == [.tag])
      #expect(draft.functions.count == 3)
      #expect(draft.tables.map(\.limits.minimum) == [4])
      #expect(draft.memories.map(\.limits.minimum) == [3])
      #expect(draft.globals.map(\.type) == [.init(valueType: 0x7E, isMutable: true)])
      #expect(draft.tags.count == 1)
      let exports = draft.exports.map { "\($0.name) \($0.kind) \($0.item.rawValue)" }
      #expect(
        exports == [
          "sum function 1", "run function 2", "own_table table 1", "own_memory memory 1", "counter global 1",
          "own_tag tag 1",
        ])
      #expect(draft.startFunction == FunctionIndex(3))
      #expect(draft.elements.map(\.table) == [TableIndex(0), nil, nil])
      #expect(draft.elements.map { $0.functions.map(\.index?.rawValue) } == [[1, 2], [1, 2], [3]])
      #expect(draft.elements.map(\.isDeclarative) == [false, false, true])
      #expect(draft.segments.map { Array($0.content) } == [[1, 2, 3], [4, 5]])
      #expect(draft.segments[1].placement == .passive)
      #expect(draft.customSections.map { "\($0.name)" } == ["note"])
      var names: [UInt32: String] = [:]
      draft.names.forEachName(of: .function) { names[$0] = "\($1)" }
      #expect(names == [1: "plus"])
    }
  }

  /// Of a finished module, the operands of declarations are edits with the raw index, each in its own bytes.
  @Test func operandsOfDeclarations() throws {
    let bytes = SectionReaderTests.everything().bytes
    try read(bytes) { draft in
      let functions = draft.relocations.filter { $0.kind == .functionIndexLEB }
      #expect(functions.map(\.target) == [1, 2, 1, 2, 3])
      for edit in functions { #expect(bytes[Int(edit.offset)] == UInt8(edit.target)) }
      let globals = draft.relocations.filter { $0.kind == .globalIndexLEB }
      #expect(globals.map(\.target) == [0])
      #expect(globals.map(\.width) == [2], "the instruction as a whole")
    }
  }

  // MARK: What is damaged

  /// A section of a file: where it begins, where its content does, and where that ends.
  private struct Section {
    var id: UInt8
    var start: Int
    var content: Int
    var end: Int
  }

  private static func sections(of bytes: [UInt8]) -> [Section] {
    var sections: [Section] = []
    var offset = 8
    while offset < bytes.count {
      var (size, shift, next) = (0, 0, offset + 1)
      repeat {
        size |= Int(bytes[next] & 0x7F) << shift
        shift += 7
        next += 1
      } while bytes[next - 1] & 0x80 != 0
      sections.append(Section(id: bytes[offset], start: offset, content: next, end: next + size))
      offset = next + size
    }
    return sections
  }

  /// The file with the content of a section replaced, and the size in front of it right.
  private static func replacing(_ section: Section, of bytes: [UInt8], with content: [UInt8]) -> [UInt8] {
    var (size, number) = ([UInt8](), content.count)
    repeat {
      size.append(UInt8(number & 0x7F) | (number > 0x7F ? 0x80 : 0))
      number >>= 7
    } while number > 0
    return Array(bytes[..<(section.start + 1)]) + size + content + Array(bytes[section.end...])
  }

  private func damage(in bytes: [UInt8], as origin: InputModule.Origin = .sharedLibrary) -> FormatError? {
    do {
      try read(bytes, as: origin) { _ in }
      return nil
    } catch {
      return error as? FormatError
    }
  }

  /// A file that ends inside of a section is damaged, and what is said of it is about a place in the file.
  @Test func everyCut() throws {
    let bytes = SectionReaderTests.everything().bytes
    let sections = SectionReaderTests.sections(of: bytes)
    let ends = Set(sections.map(\.end))
    for count in 9..<bytes.count where !ends.contains(count) {
      let error = try #require(damage(in: Array(bytes[..<count])), "a file of \(count) bytes is read")
      #expect(error.offset <= count)
    }
  }

  /// A section whose last byte is gone, or that has one too many, though its size says so.
  @Test func everySectionThatIsTooShortOrTooLong() throws {
    let bytes = SectionReaderTests.everything().bytes
    for section in SectionReaderTests.sections(of: bytes) where section.id != 0 {
      let content = Array(bytes[section.content..<section.end])
      for damaged in [Array(content.dropLast()), content + [0]] {
        let file = SectionReaderTests.replacing(section, of: bytes, with: damaged)
        #expect(damage(in: file) != nil, "section \(section.id) of \(damaged.count) bytes is read")
      }
    }
  }

  /// Counts and sizes that are larger than any file.
  @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]])
  func everyCountThatOverflows(_ count: [UInt8]) throws {
    let bytes = SectionReaderTests.everything().bytes
    for section in SectionReaderTests.sections(of: bytes) where section.id != 0 && section.id != 8 && section.id != 12 {
      let rest = Array(bytes[(section.content + 1)..<section.end])
      let file = SectionReaderTests.replacing(section, of: bytes, with: count + rest)
      #expect(damage(in: file) != nil, "section \(section.id) with a count of \(count) is read")
    }
  }

  /// No byte of a section can be another one and bring the reader down; whatever it says, it says it of the file.
  @Test func everyByteOfEverySection() throws {
    for origin in [InputModule.Origin.sharedLibrary, .object] {
      let bytes = (origin == .object ? SectionReaderTests.object() : SectionReaderTests.everything()).bytes
      for position in 8..<bytes.count {
        for replacement in [0, 0x7F, 0x80, 0xFF, bytes[position] ^ 1] as [UInt8] {
          var damaged = bytes
          damaged[position] = replacement
          if let error = damage(in: damaged, as: origin) { #expect(error.offset <= bytes.count) }
        }
      }
    }
  }

  // MARK: Objects

  private static func object() -> ModuleBuilder {
    var object = ModuleBuilder(object: true)
    let missing = object.undefinedFunction("missing", [.i32], [.i32], flags: .weak)
    let value = object.data("value", [1, 0, 0, 0], segment: ".rodata.value", alignment: 2)
    let text = object.data("text", Array("text\0".utf8), segment: ".rodata.str", alignment: 0, segmentFlags: 1)
    let construct = object.function("construct", flags: .hidden, [.address(value), .drop])
    object.function("run", [], [.i32], flags: .exported, [.address(text), .call(missing)])
    object.constructor(construct, priority: 7)
    return object
  }

  /// The `linking` section: what a symbol is, by its kind.
  @Test func linkingMetadata() throws {
    try read(SectionReaderTests.object().bytes, as: .object) { draft in
      let meanings = Dictionary(uniqueKeysWithValues: draft.symbols.map { ("\($0.name)", $0.meaning) })
      #expect(
        meanings == [
          "missing": .imported(ImportIndex(0)), "value": .defined(DefinitionIndex(0)),
          "text": .defined(DefinitionIndex(1)),
          "construct": .defined(DefinitionIndex(0)), "run": .defined(DefinitionIndex(1)),
        ])
      #expect(draft.segments.map { "\($0.name)" } == [".rodata.value", ".rodata.str"])
      #expect(draft.segments.map(\.alignment) == [2, 0])
      #expect(draft.segments[1].flags.contains(.strings))
      #expect(draft.initFunctions.map(\.priority) == [7])
      #expect(draft.functions.map { "\($0.name)" } == ["construct", "run"], "shown under the names of their symbols")
      draft.completeSymbols()
      let run = try #require(draft.symbols.first { $0.name == "run" })
      #expect(run.type == draft.functions[1].type)
    }
  }

  /// Each subsection of `linking` with a count beyond its bytes.
  @Test(arguments: [5, 6, 7, 8] as [UInt8]) func aSubsectionWithTooManyEntries(_ kind: UInt8) throws {
    let bytes = SectionReaderTests.object().bytes
    let name: [UInt8] = [7] + Array("linking".utf8)
    let section = try #require(
      SectionReaderTests.sections(of: bytes).first { $0.id == 0 && bytes[$0.content...].starts(with: name) })
    let content = name + [2, kind, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
    let error = damage(in: SectionReaderTests.replacing(section, of: bytes, with: content), as: .object)
    #expect(error != nil)
  }
}
