// Sums of addresses come from files, and saturate: whatever is too large is reported when the size of a memory is set.
extension UInt64 {
  /// The next multiple of a power of two.
  func aligned(to alignment: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(alignment - 1)
    return overflow ? ~(alignment - 1) : sum & ~(alignment - 1)
  }

  func saturatingSum(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  func saturatingProduct(_ other: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
