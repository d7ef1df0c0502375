import WebAssemblyFormat

/// Decodes the relocations of all units in the link: those of objects one task a unit, those in the code of finished
/// modules one task a run of functions.
struct ReadRelocationsPass {
  private let resolution: Resolution
  private let diagnostics: Diagnostics
  private let threads: Threads

  init(_ resolution: Resolution, _ diagnostics: Diagnostics, _ threads: Threads) {
    self.resolution = resolution
    self.diagnostics = diagnostics
    self.threads = threads
  }

  func run() {
    let units = Array(resolution.inLinkOrder)
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
    let owner = resolution.memoryOwner
    let tasks = CodeLifter.tasks(for: units, memoryOwner: owner)
    CodeLifter.join(tasks, CodeLifter.run(tasks, threads), diagnostics, threads)
  }
}
