import WebAssemblyFormat

extension ByteString {
  /// Whether another name is this one but for upper and lower case, or for one letter that is missing, another or one too
  /// many.
  func isNearly(_ other: ByteString) -> Bool {
    // Asked of every name there is, so what most names fail by comes first.
    guard abs(count - other.count) <= 1 else { return false }
    func areSame(_ one: UInt8, _ two: UInt8) -> Bool {
      one == two || one ^ two == 0x20 && (0x61...0x7A).contains(one | 0x20)
    }
    let shorter = min(count, other.count)
    let prefix = (0..<shorter).first { !areSame(self[$0], other[$0]) } ?? shorter
    if prefix == count, prefix == other.count { return true }
    guard shorter > 2 else { return false }
    let rest = count == other.count ? shorter - prefix - 1 : shorter - prefix
    return (0..<rest).allSatisfy { areSame(self[count - 1 - $0], other[other.count - 1 - $0]) }
  }
}
