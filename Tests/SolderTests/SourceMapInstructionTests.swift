import Foundation
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// A source map in which every instruction of a library has a line of its own: what the result's map says of each of its
/// instructions is a line of an instruction that it can be.
@Suite struct SourceMapInstructionTests {
  private struct Instruction {
    var offset: Int
    var code: UInt8
    var function: Int
  }

  /// The instructions of a module, in the order of its code.
  private static func instructions(of bytes: [UInt8]) throws -> [Instruction] {
    let arena = NameArena()
    return try withExtendedLifetime(arena) {
      let code = try #require(ModuleDescription(bytes).sections.first { $0.identifier == 10 }).contents
      var reader = arena.copy(bytes)[code.lowerBound..<code.upperBound]
      var found: [Instruction] = []
      for function in 0..<Int(try reader.u32()) {
        let size = Int(try reader.u32())
        var body = try reader.slice(size)
        try body.skipLocals()
        var instructions = InstructionReader(body)
        while let instruction = try instructions.next() {
          found.append(
            Instruction(offset: instruction.offset, code: bytes[instruction.offset], function: function))
        }
      }
      return found
    }
  }

  private static func map(_ instructions: [Instruction], source: String) -> [UInt8] {
    var map = SourceMap()
    map.sources = [Array(source.utf8)]
    map.contents = [nil]
    map.segments = instructions.enumerated().map { line, instruction in
      .init(offset: UInt32(instruction.offset), position: .init(source: 0, line: line, column: 0, name: nil))
    }
    return map.text(file: source)
  }

  @Test(
    arguments: DebugInformationTests.Build.all,
    [
      ["--gc-sections"], ["--no-gc-sections"], ["--icf=all"], ["--export-all", "--no-merge-data-segments"],
      ["--strip-all"],
    ])
  func everyInstructionOfTheResult(_ build: DebugInformationTests.Build, _ options: [String]) async throws {
    let inputs = try await build.inputs()
    try await expectLines([inputs.object, "--no-entry", "--export=start"] + options, of: inputs.libraries)
  }

  /// The same of a library whose exceptions are translated.
  @Test(arguments: DebugInformationTests.Build.all, [[], ["--strip-all"]])
  func everyInstructionOfATranslatedLibrary(
    _ build: DebugInformationTests.Build, _ options: [String]
  ) async throws {
    let inputs = try await TranslatedDebugInformationTests.inputs(build)
    try await expectLines(
      [inputs.object] + TranslatedDebugInformationTests.words + options, of: [inputs.library])
  }

  private func expectLines(_ words: [String], of libraries: [String]) async throws {
    let folder = try TemporaryFolder()
    var before: [[Instruction]] = []
    var arguments = words + ["--source-map-output=" + folder.file("result.map")]
    for (number, library) in libraries.enumerated() {
      let bytes = try contents(of: library)
      before.append(try Self.instructions(of: bytes))
      let name = "library\(number).so"
      try folder.write(bytes, to: name)
      try folder.write(Self.map(before[number], source: "\(number)"), to: name + ".map")
      arguments += [folder.file(name), "--source-map=\(folder.file(name))=\(folder.file(name + ".map"))"]
    }
    let result = try await linkedHere(arguments)
    let text = try contents(of: folder.file("result.map"))
    let arena = NameArena()
    let map = try withExtendedLifetime(arena) { try SourceMap(arena.copy(text)) }
    let places = Dictionary(
      uniqueKeysWithValues: try Self.instructions(of: result.bytes).map { ($0.offset, $0) })
    var last: [Int: Int] = [:]
    var functions: Set<Int> = []
    var count = 0
    for segment in map.segments {
      guard let position = segment.position else { continue }
      let after = try #require(places[Int(segment.offset)], "\(segment) is within an instruction")
      let source = try #require(Int(String(decoding: map.sources[position.source] ?? [], as: UTF8.self)))
      let old = before[source][position.line]
      // A read of a global, or a sum that begins with one, has become a constant; what nothing takes is not left on the stack.
      let isKept =
        old.code == after.code || [0x41, 0x42].contains(after.code) && [0x20, 0x23, 0x41].contains(old.code)
        || (old.code, after.code) == (0x22, 0x21)
        // try, rethrow, delegate.
        || [(0x06, 0x02), (0x06, 0x1F), (0x09, 0x20), (0x18, 0x0B)].contains { $0 == (old.code, after.code) }
        // A handler, and what it has with it.
        || [0x07, 0x19].contains(old.code)
      #expect(isKept, "\(old) has become \(after)")
      // In the order in which they were.
      let isNew = functions.insert(after.function).inserted
      #expect(isNew || last[after.function] ?? 0 < position.line)
      last[after.function] = position.line
      count += 1
    }
    #expect(count > 80)
  }
}
