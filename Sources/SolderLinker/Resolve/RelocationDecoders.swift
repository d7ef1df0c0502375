// Decoding relocations while names are resolved.
//
// Resolving is one thread's work. It does not come back to a unit whose symbols are all added, so others may decode the
// unit's relocations meanwhile. Whatever they do not get to is left to `ReadRelocationsPass`, and so are errors, which
// it meets again and reports in order.

/// Threads that decode the relocations of objects beside the one that resolves names.
///
/// While the threads run, the properties behind the lock are touched by its owner only; whoever made this touches them before
/// they begin and when they have ended. That is what makes sharing safe.
final class RelocationDecoders: @unchecked Sendable {
  private let keepsDiscarded: Bool
  private let lock = Lock()
  /// Signalled when there are units, and at the end.
  private let changed = Condition()
  private var units: [BoundModule] = []
  private var next = 0
  /// What was decoded, by unit.
  private var results: [UnitID: UnitRelocations] = [:]
  private var isFinished = false
  private var endThreads: () -> Void = {}

  /// Resolving names gives no more threads than these something to do.
  private static let mostThreads = 4

  /// - Parameter keepsDiscarded: whether functions of discarded COMDAT groups may be in the result.
  init(_ threads: Threads, keepsDiscarded: Bool) {
    self.keepsDiscarded = keepsDiscarded
    endThreads = threads.start(min(threads.count - 1, RelocationDecoders.mostThreads)) { self.run() }
  }

  /// Leaves a unit to these threads, whose symbols are all added.
  func add(_ unit: BoundModule) {
    lock.locked { units.append(unit) }
    changed.signal()
  }

  /// Ends the threads, whatever is left.
  ///
  /// - Returns: the relocations of the units that they got to, by unit.
  func finish() -> [UnitID: UnitRelocations] {
    lock.locked { isFinished = true }
    changed.broadcast()
    endThreads()
    endThreads = {}
    return results
  }

  private func run() {
    lock.locked {
      while !isFinished {
        if !decodeNext() { lock.wait(for: changed) }
      }
    }
  }

  /// Decodes a unit, and gives the lock away meanwhile.
  ///
  /// - Returns: `false` when there is none.
  private func decodeNext() -> Bool {
    guard next < units.count else { return false }
    let unit = units[next]
    next += 1
    lock.unlock()
    let relocations = try? RelocationReader.read(unit, keepsDiscarded: keepsDiscarded)
    lock.lock()
    results[unit.index] = relocations
    return true
  }
}
