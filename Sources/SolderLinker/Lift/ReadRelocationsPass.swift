import WebAssemblyFormat

/// Decodes the relocations of all units in the link: those of objects one task a unit; those in the code of finished
/// modules were mostly found while names were resolved, and are joined here.
struct ReadRelocationsPass {
  private let resolution: Resolution
  private let units: [Unit]
  private let diagnostics: Diagnostics
  private let threads: Threads

  init(_ resolution: Resolution, _ diagnostics: Diagnostics, _ threads: Threads) {
    self.resolution = resolution
    units = Array(resolution.inLinkOrder)
    self.diagnostics = diagnostics
    self.threads = threads
  }

  /// - Parameter ahead: what was found before it was known which units are in the link.
  func run(_ ahead: CodeLifter) {
    decodeObjects()
    let memories = resolution.memories
    func found(_ unit: Unit, _ lifter: CodeLifter) -> [(functions: Range<Int>, result: CodeLifter.Result)]? {
      lifter.found(in: unit, movesMemory: memories.movesFirstMemory(of: unit.index))
    }
    let finished = units.filter(\.isLifted).map { ($0, found($0, ahead)) }
    // Members of archives, and modules whose memory turned out to be another than was taken for granted.
    let late = CodeLifter(
      finished.filter { $1 == nil }.map { ($0.0, memories.movesFirstMemory(of: $0.0.index)) })
    if !late.isEmpty { threads.forEach(threads.count) { _ in late.work() } }
    for (unit, runs) in finished {
      LiftedRelocations(unit, runs ?? found(unit, late) ?? [], diagnostics).join(threads)
    }
  }

  private func decodeObjects() {
    let errors = ParallelBuffer<FormatError?>(repeating: nil, count: units.count)
    threads.forEach(units.count) { index in
      do throws(FormatError) {
        try units[index].decodeRelocations()
      } catch {
        errors[index] = error
      }
    }
    for (unit, error) in zip(units, errors.take()) {
      if let error { diagnostics.error(error, in: unit.file) }
    }
  }
}
