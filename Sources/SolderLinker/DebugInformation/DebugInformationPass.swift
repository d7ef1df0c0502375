import WebAssemblyFormat

// Debug information of code that changes.
//
// An object's debug information has relocations, and its code keeps its length, so that its sections are copied and
// patched like data. Neither holds of a finished module: its addresses are numbers, and operands of its code take as many
// bytes as they need, so that every distance in a function may become another one. The same is true of distances in an
// object's code where `--compress-relocations` shortens operands. What to do is described in `Docs/DebugInformation.md`:
// this pass reads the sections, finds every address, offset and distance in them, and writes those sections that are not
// true any more anew, with the relocations that an object would have had. From there on they go the way of an object's.

/// Brings the debug information of units whose code is not copied as it is to the code of the result.
struct DebugInformationPass {
  private let program: Program
  private let encoder: OperandEncoder
  private let code: CodePlan
  private let diagnostics: Diagnostics
  private let threads: Threads

  init(
    _ program: Program, _ encoder: OperandEncoder, _ code: CodePlan, _ diagnostics: Diagnostics, _ threads: Threads
  ) {
    self.program = program
    self.encoder = encoder
    self.code = code
    self.diagnostics = diagnostics
    self.threads = threads
  }

  /// - Returns: the sections that are written anew, and which units' debug information is left out.
  func run() -> RewrittenSections {
    let (options, units) = (program.options, program.resolution.units)
    let count = units.reduce(0) { $0 + $1.customSections.count }
    if options.stripDebug || options.stripAll { return RewrittenSections(count: count) }
    let changed = program.resolution.inLinkOrder.filter { unit in
      (unit.contracts.mayChangeSize || options.compressRelocations)
        && unit.customSections.contains { $0.name.hasPrefix(".debug_") }
    }
    if changed.isEmpty { return RewrittenSections(count: count) }
    var isAsked = [Bool](repeating: false, count: units.count)
    for unit in changed { isAsked[Int(unit.index)] = true }
    let maps = BodyMaps(program, encoder, code, of: isAsked, threads)
    var sections = RewrittenSections(count: count)
    for unit in changed {
      let reader = DebugReader(DebugFile(unit, program, maps), threads)
      do throws(DebugReader.Failure) {
        for (index, section) in try reader.read() { sections.add(section, for: unit.bases.custom + index) }
      } catch {
        sections.leaveOutDebugInformation(of: unit.index)
        diagnostics.warn(
          "\(unit.file.displayName): \(error.section.name): \(error.error.message) (at offset \(error.error.offset)); "
            + "the debug information of this file is left out", .debugInformation, in: unit.file.displayName)
      }
    }
    return sections
  }
}
