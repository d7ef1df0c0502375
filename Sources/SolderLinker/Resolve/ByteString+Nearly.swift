import WebAssemblyFormat

extension ByteString {
  /// Whether another name may be meant: it is nearly this one, or has other underscores around it.
  func isLike(_ other: ByteString) -> Bool {
    if isNearly(other) { return true }
    let bare = withoutUnderscores
    return !bare.isEmpty && other.withoutUnderscores.elementsEqual(bare)
  }

  /// Whether another name is this one but for upper and lower case, or for one letter that is missing, another, one too
  /// many, or in the place of its neighbour.
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
    func endsAgree(_ rest: Int) -> Bool {
      (0..<rest).allSatisfy { areSame(self[count - 1 - $0], other[other.count - 1 - $0]) }
    }
    guard count == other.count else { return endsAgree(shorter - prefix) }
    if endsAgree(count - prefix - 1) { return true }
    return prefix + 1 < count && areSame(self[prefix], other[prefix + 1]) && areSame(self[prefix + 1], other[prefix])
      && endsAgree(count - prefix - 2)
  }

  private var withoutUnderscores: ByteReader {
    var bytes = bytes.drop { $0 == UInt8(ascii: "_") }
    while bytes.last == UInt8(ascii: "_") { bytes = bytes.dropLast() }
    return bytes
  }
}
