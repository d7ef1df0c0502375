/// What the linker found wrong with itself while it worked on the result: a question without an answer, or bytes without
/// a place. Then there is no result.
///
/// Any thread may report. Work goes on afterwards, so that whoever meets such a thing needs no way out; what it writes
/// does not matter any more.
final class InternalErrors: Sendable {
  private let texts = Locked<[String]>([])

  /// - Parameter text: what is wrong, beginning with the file that it is about.
  func report(_ text: String) {
    texts.withLock { $0.append(text) }
  }

  var isEmpty: Bool { texts.withLock { $0.isEmpty } }

  /// How many of them are told: the first says it all, and the others are likely its consequences.
  private static let most = 10

  /// Tells them, in an order that threads have no part in.
  ///
  /// - Returns: whether there are any.
  func tell(_ diagnostics: Diagnostics) -> Bool {
    let texts = texts.withLock { $0 }
    for text in Set(texts).sorted().prefix(InternalErrors.most) {
      diagnostics.error("internal error: \(text)", .internal)
    }
    return !texts.isEmpty
  }
}
