#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A lock whose owner can wait for a ``Condition``, which `Mutex` of the standard library does not offer.
///
/// The system's lock lives and stays in its place as long as this does.
@safe
final class Lock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() { unsafe pthread_mutex_init(mutex, nil) }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  func lock() { unsafe pthread_mutex_lock(mutex) }

  /// - Returns: whether the caller has the lock now; another thread may have it.
  func lockIfAvailable() -> Bool { unsafe pthread_mutex_trylock(mutex) == 0 }

  func unlock() { unsafe pthread_mutex_unlock(mutex) }

  func locked<Result>(_ body: () -> Result) -> Result {
    lock()
    defer { unlock() }
    return body()
  }

  /// Gives the lock away until the condition is signalled, or for no reason; so it must be looked at again.
  func wait(for condition: Condition) { unsafe pthread_cond_wait(condition.condition, mutex) }
}

/// Something that threads wait for, which lives and stays in its place as long as this does.
@safe
final class Condition: @unchecked Sendable {
  fileprivate let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() { unsafe pthread_cond_init(condition, nil) }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe condition.deallocate()
  }

  /// Wakes one of those that wait.
  func signal() { unsafe pthread_cond_signal(condition) }

  /// Wakes all that wait.
  func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
