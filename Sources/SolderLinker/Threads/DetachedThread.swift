#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A thread that nobody waits for.
package final class DetachedThread: Sendable {
  private let work: @Sendable () -> Void

  private init(_ work: @escaping @Sendable () -> Void) { self.work = work }

  /// Starts a thread.
  ///
  /// - Returns: whether the system has another one.
  package static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    // The thread owns one reference to what it does and lets go of it at its end.
    let argument = unsafe Unmanaged.passRetained(DetachedThread(work))
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Darwin)
          let opaque: UnsafeMutableRawPointer? = argument
        #else
          let opaque = unsafe argument
        #endif
        if let opaque = unsafe opaque {
          unsafe Unmanaged<DetachedThread>.fromOpaque(opaque).takeRetainedValue().work()
        }
        return nil
      }, unsafe argument.toOpaque())
    guard status == 0 else {
      unsafe argument.release()
      return false
    }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
    return true
  }
}
