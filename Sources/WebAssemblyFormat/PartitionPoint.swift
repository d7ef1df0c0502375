extension Range where Bound: FixedWidthInteger {
  /// The first number of the range that does not satisfy a predicate which all in front of it satisfy and none behind it does;
  /// the range's end if all satisfy it. Takes as many steps as the range's length has bits.
  @inlinable
  @inline(__always)
  public func partitionPoint(where isInFront: (Bound) -> Bool) -> Bound {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if isInFront(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
