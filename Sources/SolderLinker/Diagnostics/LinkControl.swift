import Synchronization

/// What another thread has to do with a link that runs: it sees how far the link is, and may end it.
///
/// A control serves one link. One that is cancelled before the link begins ends it at once.
public final class LinkControl: Sendable {
  private let cancelled = Atomic(false)
  /// The position of the pass that runs, or the number of passes when the link is over.
  private let position = Atomic(0)

  public init() {}

  /// Ends the link behind the pass that runs: it gives no result, leaves no file, and reports one error with the code
  /// ``Diagnostic/Code/cancelled``.
  public func cancel() { cancelled.store(true, ordering: .releasing) }

  /// Whether somebody cancelled the link.
  public var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

  /// The pass that runs, or runs next; `nil` when the link is over.
  public var pass: LinkPass? {
    let position = position.load(ordering: .relaxed)
    return position < LinkPass.allCases.count ? LinkPass.allCases[position] : nil
  }

  /// Tells which pass runs from now on.
  func begin(_ pass: LinkPass?) {
    let position = pass.flatMap { LinkPass.allCases.firstIndex(of: $0) } ?? LinkPass.allCases.count
    self.position.store(position, ordering: .relaxed)
  }
}
