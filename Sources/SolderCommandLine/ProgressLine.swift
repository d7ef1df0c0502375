import SolderLinker
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A line on a terminal that says what a link does, when it takes longer than half a second.
///
/// A thread of its own writes it, again and again in the same place; whoever writes something else takes it away first.
final class ProgressLine: Sendable {
  private struct State {
    var isShown = false
    var isOver = false
  }

  private let program: String
  private let control: LinkControl
  private let state = Mutex(State())

  /// A line for a link, if standard error is a terminal.
  init?(_ program: String, _ control: LinkControl) {
    guard isatty(STDERR_FILENO) == 1 else { return nil }
    self.program = program
    self.control = control
  }

  /// Begins to watch the link.
  func start() {
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    // The thread owns one reference to this and lets go of it at its end.
    let argument = unsafe Unmanaged.passRetained(self)
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Darwin)
          let opaque: UnsafeMutableRawPointer? = argument
        #else
          let opaque = unsafe argument
        #endif
        if let opaque = unsafe opaque { unsafe Unmanaged<ProgressLine>.fromOpaque(opaque).takeRetainedValue().watch() }
        return nil
      }, unsafe argument.toOpaque())
    guard status == 0 else { return unsafe argument.release() }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
  }

  private static let first: UInt32 = 500_000
  private static let interval: UInt32 = 100_000

  private func watch() {
    var tenths = 5
    usleep(ProgressLine.first)
    while show(tenths) {
      usleep(ProgressLine.interval)
      tenths += 1
    }
  }

  /// - Returns: whether the link goes on.
  private func show(_ tenths: Int) -> Bool {
    state.withLock { state in
      guard !state.isOver, let pass = control.pass else { return false }
      Diagnostics.writeToStandardError(
        "\r\u{1B}[K\(program): \(pass.rawValue) (\(tenths / 10).\(tenths % 10) s)")
      state.isShown = true
      return true
    }
  }

  /// Takes the line away, so that something else can be written.
  func hide() {
    state.withLock { state in
      if state.isShown { Diagnostics.writeToStandardError("\r\u{1B}[K") }
      state.isShown = false
    }
  }

  /// Takes the line away for good.
  func end() {
    state.withLock { $0.isOver = true }
    hide()
  }
}
