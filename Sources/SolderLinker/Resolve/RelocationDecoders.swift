// Decoding relocations while names are resolved.
//
// Resolving is one thread's work. It does not come back to a unit whose symbols are all added, so others may decode the
// unit's relocations meanwhile. Whatever they do not get to is left to `ReadRelocationsPass`, and so are errors, which
// it meets again and reports in order. The one rule that looks back at other units calls ``wait()`` first.

/// Threads that decode the relocations of objects beside the one that resolves names.
///
/// The properties behind the lock are touched by its owner only; that is what makes sharing safe.
final class RelocationDecoders: @unchecked Sendable {
  private let lock = Lock()
  /// Signalled when there are units, when all are decoded, and at the end.
  private let changed = Condition()
  private var units: [Unit] = []
  private var next = 0
  private var decoding = 0
  private var isFinished = false
  private var endThreads: () -> Void = {}

  /// Resolving names gives no more threads than these something to do.
  private static let mostThreads = 4

  init(_ threads: Threads) {
    endThreads = threads.start(min(threads.count - 1, RelocationDecoders.mostThreads)) { self.run() }
  }

  /// Leaves a unit to these threads, whose symbols are all added.
  func add(_ unit: Unit) {
    lock.locked { units.append(unit) }
    changed.signal()
  }

  /// Sees to it that nothing is left to decode, and nothing is being decoded.
  func wait() {
    lock.locked {
      while decodeNext() {}
      while decoding > 0 { lock.wait(for: changed) }
    }
  }

  /// Ends the threads, whatever is left.
  func finish() {
    lock.locked { isFinished = true }
    changed.broadcast()
    endThreads()
    endThreads = {}
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
    decoding += 1
    lock.unlock()
    try? unit.decodeRelocations()
    lock.lock()
    decoding -= 1
    if decoding == 0, next == units.count { changed.broadcast() }
    return true
  }
}
