import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Hands out work among the threads that mark.
///
/// At first there are the blocks of roots. A thread that finds none left waits here for another to give it some of the
/// chunks that it has found; when all of them wait, nothing is left.
final class MarkWork: @unchecked Sendable {
  /// Chunks of one unit that are to be followed.
  struct Chunks {
    var unit: UInt32
    var chunks: [UInt32]
  }

  private let nextBlock = Atomic<Int>(0)
  private let blockCount: Int
  private let waiting = Atomic<Int>(0)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Both only under the lock.
  private var offered: [Chunks] = []
  private var working = 0

  init(blockCount: Int) {
    self.blockCount = blockCount
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    changed.deallocate()
  }

  /// Whether a thread waits for work.
  var isWanted: Bool { waiting.load(ordering: .relaxed) > 0 }

  /// The next block of roots.
  func block() -> Int? {
    guard nextBlock.load(ordering: .relaxed) < blockCount else { return nil }
    let block = nextBlock.add(1, ordering: .relaxed).oldValue
    return block < blockCount ? block : nil
  }

  /// Tells that another thread works.
  func begin() { locked { working += 1 } }

  /// Gives work away.
  func offer(_ chunks: some Collection<Chunks>) {
    locked {
      offered += chunks
      pthread_cond_broadcast(changed)
    }
  }

  /// Work that another thread gave away; `nil` when no thread has any, and the caller no longer counts as working.
  func take() -> [Chunks]? {
    locked {
      working -= 1
      waiting.add(1, ordering: .relaxed)
      defer { waiting.subtract(1, ordering: .relaxed) }
      while offered.isEmpty {
        if working == 0 {
          pthread_cond_broadcast(changed)
          return nil
        }
        pthread_cond_wait(changed, mutex)
      }
      working += 1
      let count = (offered.count + 1) / 2
      let taken = Array(offered.suffix(count))
      offered.removeLast(count)
      return taken
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}
