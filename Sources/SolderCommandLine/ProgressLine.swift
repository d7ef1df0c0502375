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

  /// Begins to watch the link; where there is no thread for that, there is no line.
  func start() { _ = DetachedThread.start { self.watch() } }

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

  /// Takes the line away, and writes something else before it can come again.
  func hide(while write: () -> Void = {}) {
    state.withLock { state in
      if state.isShown { Diagnostics.writeToStandardError("\r\u{1B}[K") }
      state.isShown = false
      write()
    }
  }

  /// Takes the line away for good.
  func end() {
    state.withLock { $0.isOver = true }
    hide()
  }
}
