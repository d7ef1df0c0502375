import SolderCommandLine
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// Debug information of libraries is written as the numbers that it is, where the result has no relocations: the same as
/// relocations say.
@Suite struct DebugNumberTests {
  /// The sections that are written anew, as bytes, and how many relocations they have.
  private func sections(_ program: Program, keepsRelocations: Bool) -> (bytes: [String: [UInt8]], relocations: Int) {
    let threads = Threads(1)
    var options = program.options
    options.emitRelocations = keepsRelocations
    let asked = Program(
      resolution: program.resolution, live: program.live, memory: program.memory, indices: program.indices,
      values: program.values, features: program.features, options: options, is64: program.is64)
    let first = OperandEncoder(program, CustomPlan(), threads)
    let code = CodePlan(
      program, first, SyntheticCode(program: program).bodies(), recordsChanges: true, threads)
    let diagnostics = Diagnostics { Issue.record("\($0.text)") }
    let rewritten = DebugInformationPass(asked, diagnostics, threads).run(code)
    let custom = CustomPlan(program.resolution, rewritten, program.options, threads)
    let encoder = OperandEncoder(OperandEncoder(first, custom), bodyOffsets: code.bodyOffsets)
    var (bytes, relocations): ([String: [UInt8]], Int) = ([:], 0)
    for output in custom.outputs {
      for piece in output.pieces {
        for chunk in rewritten[piece.unit.bases.custom + piece.index]?.chunks ?? [] {
          relocations += chunk.relocations.count
          var written = [UInt8](repeating: 0, count: chunk.count)
          unsafe written.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            let room = unsafe OutputRoom(start, count: buffer.count)
            #expect(chunk.write(to: room, of: piece.unit, encoder, output.tombstone))
          }
          bytes[output.name.description, default: []] += written
        }
      }
    }
    return (bytes, relocations)
  }

  @Test(arguments: DebugInformationTests.Build.all, [[], ["--icf=all"], ["-O2"]])
  func sameAsRelocations(_ build: DebugInformationTests.Build, _ words: [String]) async throws {
    let inputs = try await build.inputs()
    // What is not needed is dropped.
    let program = try decided([inputs.object] + inputs.libraries + ["--no-entry", "--export=start"] + words)
    let (numbers, relocations) = (sections(program, keepsRelocations: false), sections(program, keepsRelocations: true))
    #expect(numbers.bytes == relocations.bytes)
    #expect(numbers.bytes[".debug_info"] != nil && numbers.relocations < relocations.relocations)
  }
}
