import WebAssemblyFormat

/// A memory that threads share, with a result that was not said to be for threads, or the other way round.
///
/// Each thread instantiates the result. What whole modules do then to a memory that they share is their own affair; but data
/// that the linker places would be set up again by every thread, and constructors would run again, unless
/// `--shared-memory` has that done once. And a whole module whose memory is its own counts on being alone there: its data
/// segments would undo, for every thread once more, what others did.
struct SharedMemoryCheck {
  let resolution: Resolution
  let memory: MemoryPlan
  let start: StartOrder
  let options: LinkOptions
  let diagnostics: Diagnostics

  func run() {
    guard let main = resolution.memories.mainMemory else { return }
    if options.sharedMemory {
      let modules = main.users.map { resolution.units[$0.unit] }.filter(\.contracts.keepsMemory)
      guard let unit = modules.first, main.limits?.isShared != true else { return }
      diagnostics.error(
        "\(unit.file.displayName): --shared-memory needs a memory that threads share, and that of the module is not",
        .threads,
        in: unit.file.displayName)
      return
    }
    guard main.limits?.isShared == true else { return }
    let owner = main.owner(among: resolution.units, where: \.isShared)
    func report(_ unit: Unit, _ what: String) {
      diagnostics.error(
        "\(unit.file.displayName): \(what), and each thread that instantiates the result would do so again, as the memory of "
          + "\(owner) is shared (pass --shared-memory, with objects that are built with -matomics -mbulk-memory)",
        .threads, in: unit.file.displayName)
    }
    for segment in memory.segments where segment.isPlaced && segment.size > 0 {
      guard let unit = segment.pieces.first.map({ resolution.units[$0.unit] }), !unit.contracts.keepsMemory else {
        continue
      }
      return report(unit, "data segment \(segment.name) has to be set up")
    }
    let functions = start.inEachInstance + (start.runsConstructors ? start.constructors : [])
    if let unit = functions.first.flatMap({ resolution.units[resolution.symbol($0).unit] }) {
      report(unit, "constructors or relocations have to run at instantiation")
    }
  }
}
