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
  private let diagnostics: Diagnostics
  private let threads: Threads
  /// The units with debug information whose code changes, and those with annotations of their code.
  private let changed: [Unit]
  private let annotated: [Unit]

  init(_ program: Program, _ diagnostics: Diagnostics, _ threads: Threads) {
    self.program = program
    self.diagnostics = diagnostics
    self.threads = threads
    let options = program.options
    let keepsDebugInformation = !options.stripDebug && !options.stripAll
    changed = program.resolution.inLinkOrder.filter { unit in
      keepsDebugInformation && (unit.contracts.mayChangeSize || options.compressRelocations)
        && unit.hasSection { $0.hasPrefix(".debug_") }
    }
    // An object that is linked again says of its own functions what it says.
    annotated = program.resolution.inLinkOrder.filter { unit in
      !options.contract.isObject && unit.hasSection { $0.hasPrefix(CodeAnnotations.prefix) }
    }
  }

  /// Whether it has to know where instructions went.
  var asksForPlaces: Bool { !changed.isEmpty || !annotated.isEmpty }

  /// - Parameter code: which has recorded changes, if this asks for places.
  /// - Returns: the sections that are written anew or made, and which units' debug information is left out.
  func run(_ code: CodePlan) -> RewrittenSections {
    let (options, units) = (program.options, program.resolution.units)
    var sections = RewrittenSections(count: units.reduce(0) { $0 + $1.customSections.count })
    if !asksForPlaces { return sections }
    // What an object says of code may be about the code of another, whose group was chosen.
    var isAsked = [Bool](repeating: options.compressRelocations && !changed.isEmpty, count: units.count)
    for unit in changed + annotated { isAsked[Int(unit.index)] = true }
    let maps = BodyMaps(program, code, of: isAsked, threads)
    if !annotated.isEmpty { sections.annotations = CodeAnnotations(program, maps, diagnostics).sections() }
    rewrite(changed, maps, &sections)
    return sections
  }

  private func rewrite(_ units: [Unit], _ maps: BodyMaps, _ sections: inout RewrittenSections) {
    let lost = lostLocations(of: units)
    var files: [DebugFile] = []
    for (unit, lost) in zip(units, lost) {
      guard let bodies = maps.bodies(of: unit) else { continue }
      files.append(DebugFile(unit, program, maps, bodies, lost))
    }
    var reader = DebugReader(files, threads)
    for (number, (file, result)) in zip(files, reader.run()).enumerated() {
      for (index, section) in file.unit.customSections.enumerated() where DebugSection.isUnknown(section.name) {
        sections.omit(file.unit.bases.custom + index)
      }
      switch result {
      case .success(let rewritten):
        for (index, section) in rewritten { sections.add(section, for: file.unit.bases.custom + index) }
        if reader.hasSkeletons(number) { tellOfOtherFiles(file.unit) }
      case .failure(let failure): leaveOut(file.unit, failure, &sections)
      }
    }
  }

  /// What entries in other files say is about the code and data of the input, and nobody reads them.
  private func tellOfOtherFiles(_ unit: Unit) {
    diagnostics.warn(
      "\(unit.file.displayName): some of its debug information is in other files (-gsplit-dwarf); lines are right, but what "
        + "those files say of addresses of data and of distances in code is no more; compile without -gsplit-dwarf to have it",
      .debugInformation, in: unit.file.displayName)
  }

  private func leaveOut(_ unit: Unit, _ failure: DebugReading.Failure, _ sections: inout RewrittenSections) {
    sections.leaveOutDebugInformation(of: unit.index)
    diagnostics.warn(
      "\(unit.file.displayName): \(failure.section.name): \(failure.error.message) (at offset "
        + "\(failure.error.offset)); the debug information of this file is left out", .debugInformation,
      in: unit.file.displayName)
  }

  /// What folding took from the functions of each unit.
  private func lostLocations(of units: [Unit]) -> [LostLocations] {
    let counts = units.map { $0.contracts.isRecovered ? $0.functions.count : 0 }
    let parts = threads.mapRuns(of: counts, length: LostLocations.partLength) { LostLocations.Part(units[$0], $1) }
    return zip(units, parts).map { LostLocations($0, $1) }
  }
}

extension Unit {
  fileprivate func hasSection(_ isMeant: (ByteString) -> Bool) -> Bool { customSections.contains { isMeant($0.name) } }
}
