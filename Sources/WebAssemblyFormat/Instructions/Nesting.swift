/// The blocks around the current instruction: how many, and what the innermost 32 are.
///
/// Two bits a block in one word, so that entering and leaving cost two shifts and no memory. What lies deeper than 32
/// reads as 0, "forgotten", and is then taken on trust: the scanner needs the depth to find the end of a body, while
/// whether an `else` stands in an `if` is checked to recognise nonsense early, not in place of a validator.
@frozen @usableFromInline
struct Nesting {
  @usableFromInline var depth: Int
  @usableFromInline var kinds: UInt64

  /// Of all blocks: nothing is known of them.
  @inlinable static var forgotten: UInt64 { 0 }
  @inlinable static var plain: UInt64 { 1 }
  @inlinable static var `if`: UInt64 { 2 }
  @inlinable static var `try`: UInt64 { 3 }

  /// The outermost level of a body or expression.
  @inlinable
  init() { self.init(depth: 1, kinds: Nesting.plain) }

  @inlinable
  init(depth: Int, kinds: UInt64) {
    self.depth = depth
    self.kinds = kinds
  }

  @inlinable
  mutating func open(_ kind: UInt64) {
    depth &+= 1
    kinds = kinds << 2 | kind
  }

  @inlinable
  mutating func close() {
    depth &-= 1
    kinds >>= 2
  }

  /// Whether the innermost block is, as far as is known, of this kind.
  @inlinable
  func isInside(_ kind: UInt64) -> Bool {
    let innermost = kinds & 3
    return innermost == kind || innermost == 0
  }
}
