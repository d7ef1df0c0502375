import WebAssemblyFormat

extension ByteString {
  /// Whether another name is this one but for upper and lower case, or for one letter that is missing, another or one too
  /// many.
  func isNearly(_ other: ByteString) -> Bool {
    func folded(_ name: ByteString) -> [UInt8] { name.bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }
    let (one, two) = (folded(self), folded(other))
    if one == two { return true }
    guard min(one.count, two.count) > 2, abs(one.count - two.count) <= 1 else { return false }
    let prefix = zip(one, two).prefix { $0 == $1 }.count
    let rest = min(one.count, two.count) - prefix
    let suffix = zip(one.reversed(), two.reversed()).prefix { $0 == $1 }.count
    return suffix >= (one.count == two.count ? rest - 1 : rest)
  }
}
