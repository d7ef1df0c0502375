/// A value that one thread at a time has.
///
/// As `Mutex` of the standard library, but with the system's lock: who hands the value on to whom is seen by the thread
/// sanitizer, which does not see what a lock made of system calls does.
///
/// The value is only touched by whoever has the lock.
final class Locked<Value>: @unchecked Sendable {
  private let lock = Lock()
  private var value: Value

  init(_ value: sending Value) { self.value = value }

  func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }

  /// - Returns: `nil`, and nothing was called, if another thread has the value.
  func withLockIfAvailable<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard lock.lockIfAvailable() else { return nil }
    defer { lock.unlock() }
    return try body(&value)
  }
}
