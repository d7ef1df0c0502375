#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// Decoding relocations while names are resolved.
//
// Resolving is one thread's work. It does not come back to a unit whose symbols are all added, so others may decode the
// unit's relocations meanwhile. Whatever they do not get to is left to `ReadRelocationsPass`, and so are errors, which
// it meets again and reports in order. The one rule that looks back at other units calls ``wait()`` first.

/// Threads that decode the relocations of objects beside the one that resolves names.
///
/// The properties behind the lock are touched by its owner only; that is what makes sharing safe.
final class RelocationDecoders: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  /// Signalled when there are units, when all are decoded, and at the end.
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var units: [Unit] = []
  private var next = 0
  private var decoding = 0
  private var isFinished = false
  private var endThreads: () -> Void = {}

  /// Resolving names gives no more threads than these something to do.
  private static let mostThreads = 4

  init(_ threads: Threads) {
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
    endThreads = threads.start(min(threads.count - 1, RelocationDecoders.mostThreads)) { self.run() }
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Leaves a unit to these threads, whose symbols are all added.
  func add(_ unit: Unit) {
    pthread_mutex_lock(lock)
    units.append(unit)
    pthread_cond_signal(changed)
    pthread_mutex_unlock(lock)
  }

  /// Sees to it that nothing is left to decode, and nothing is being decoded.
  func wait() {
    pthread_mutex_lock(lock)
    while decodeNext() {}
    while decoding > 0 { pthread_cond_wait(changed, lock) }
    pthread_mutex_unlock(lock)
  }

  /// Ends the threads, whatever is left.
  func finish() {
    pthread_mutex_lock(lock)
    isFinished = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
    endThreads()
    endThreads = {}
  }

  private func run() {
    pthread_mutex_lock(lock)
    while !isFinished {
      if !decodeNext() { pthread_cond_wait(changed, lock) }
    }
    pthread_mutex_unlock(lock)
  }

  /// Decodes a unit, and gives the lock away meanwhile.
  ///
  /// - Returns: `false` when there is none.
  private func decodeNext() -> Bool {
    guard next < units.count else { return false }
    let unit = units[next]
    next += 1
    decoding += 1
    pthread_mutex_unlock(lock)
    try? unit.decodeRelocations()
    pthread_mutex_lock(lock)
    decoding -= 1
    if decoding == 0, next == units.count { pthread_cond_broadcast(changed) }
    return true
  }
}
