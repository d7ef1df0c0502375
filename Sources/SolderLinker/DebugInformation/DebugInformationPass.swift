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

  /// - Returns: the sections that are written anew or made, and which units' debug information is left out.
  func run() -> RewrittenSections {
    let (options, units) = (program.options, program.resolution.units)
    var sections = RewrittenSections(count: units.reduce(0) { $0 + $1.customSections.count })
    let keepsDebugInformation = !options.stripDebug && !options.stripAll
    let changed = program.resolution.inLinkOrder.filter { unit in
      keepsDebugInformation && (unit.contracts.mayChangeSize || options.compressRelocations)
        && unit.hasSection { $0.hasPrefix(".debug_") }
    }
    // An object that is linked again says of its own functions what it says.
    let annotated = program.resolution.inLinkOrder.filter { unit in
      !options.contract.isObject && unit.hasSection { $0.hasPrefix(CodeAnnotations.prefix) }
    }
    if changed.isEmpty, annotated.isEmpty { return sections }
    var isAsked = [Bool](repeating: false, count: units.count)
    for unit in changed + annotated { isAsked[Int(unit.index)] = true }
    let maps = BodyMaps(program, encoder, code, of: isAsked, threads)
    if !annotated.isEmpty { sections.annotations = CodeAnnotations(program, maps, diagnostics).sections() }
    for unit in changed { rewrite(unit, maps, &sections) }
    return sections
  }

  private func rewrite(_ unit: Unit, _ maps: BodyMaps, _ sections: inout RewrittenSections) {
    for (index, section) in unit.customSections.enumerated() where DebugSection.isUnknown(section.name) {
      sections.omit(unit.bases.custom + index)
    }
    let reader = DebugReader(DebugFile(unit, program, maps, threads), threads)
    do throws(DebugReader.Failure) {
      for (index, section) in try reader.read() { sections.add(section, for: unit.bases.custom + index) }
    } catch {
      sections.leaveOutDebugInformation(of: unit.index)
      diagnostics.warn(
        "\(unit.file.displayName): \(error.section.name): \(error.error.message) (at offset \(error.error.offset)); "
          + "the debug information of this file is left out", .debugInformation, in: unit.file.displayName)
    }
  }
}

extension Unit {
  fileprivate func hasSection(_ isMeant: (ByteString) -> Bool) -> Bool { customSections.contains { isMeant($0.name) } }
}
