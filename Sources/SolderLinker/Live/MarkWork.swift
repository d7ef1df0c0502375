import Synchronization

/// Hands out work among the threads that mark.
///
/// At first there are the blocks of roots. A thread that finds none left waits here for another to give it some of the
/// definitions that it has found; when all of them wait, nothing is left.
final class MarkWork: @unchecked Sendable {
  /// Definitions of one unit that are to be followed.
  struct Definitions {
    var unit: UnitID
    var definitions: [UInt32]
  }

  private let nextBlock = Atomic<Int>(0)
  private let blockCount: Int
  private let waiting = Atomic<Int>(0)
  private let lock = Lock()
  private let changed = Condition()
  // Both only under the lock.
  private var offered: [Definitions] = []
  private var working = 0

  init(blockCount: Int) { self.blockCount = blockCount }

  /// Whether a thread waits for work.
  var isWanted: Bool { waiting.load(ordering: .relaxed) > 0 }

  /// The next block of roots.
  func block() -> Int? {
    guard nextBlock.load(ordering: .relaxed) < blockCount else { return nil }
    let block = nextBlock.add(1, ordering: .relaxed).oldValue
    return block < blockCount ? block : nil
  }

  /// Tells that another thread works.
  func begin() { lock.locked { working += 1 } }

  /// Gives work away.
  func offer(_ definitions: some Collection<Definitions>) {
    lock.locked {
      offered += definitions
      changed.broadcast()
    }
  }

  /// Work that another thread gave away; `nil` when no thread has any, and the caller no longer counts as working.
  func take() -> [Definitions]? {
    lock.locked {
      working -= 1
      waiting.add(1, ordering: .relaxed)
      defer { waiting.subtract(1, ordering: .relaxed) }
      while offered.isEmpty {
        if working == 0 {
          changed.broadcast()
          return nil
        }
        lock.wait(for: changed)
      }
      working += 1
      let count = (offered.count + 1) / 2
      let taken = Array(offered.suffix(count))
      offered.removeLast(count)
      return taken
    }
  }
}
