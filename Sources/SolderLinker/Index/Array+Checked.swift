extension Array {
  /// The element, or `nil` beyond the end.
  subscript(checked index: Int) -> Element? { index >= 0 && index < count ? self[index] : nil }

  /// The same elements, in no more memory than they take.
  var fitted: [Element] {
    if capacity <= count + count / 8 { return self }
    var result: [Element] = []
    result.reserveCapacity(count)
    result.append(contentsOf: self)
    return result
  }
}
