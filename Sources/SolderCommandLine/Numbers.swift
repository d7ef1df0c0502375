/// A decimal number that may be negative: what wasm-ld reads sizes and levels as.
func decimalNumber(_ text: some StringProtocol) -> Int64? {
  guard !text.hasPrefix("+") else { return nil }
  return Int64(text, radix: 10)
}

/// A number whose beginning tells its base, as LLVM's numbers do: `0x`, `0b`, `0o` or just `0` for octal.
func prefixedNumber(_ text: some StringProtocol) -> UInt64? {
  func digits(after prefix: Int, _ radix: Int) -> UInt64? {
    let digits = text.dropFirst(prefix)
    guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
    return UInt64(digits, radix: radix)
  }
  switch text.prefix(2).lowercased() {
  case "0x": return digits(after: 2, 16)
  case "0b": return digits(after: 2, 2)
  case "0o": return digits(after: 2, 8)
  case let start where start.utf8.count == 2 && start.hasPrefix("0") && start.utf8.last.map(isDigit) == true:
    return digits(after: 1, 8)
  default: return digits(after: 0, 10)
  }
}

private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

/// Why text is not hexadecimal: the two digits, or the last one, that are not.
struct HexadecimalFailure: Error {
  var digits: String
}

/// The bytes that pairs of hexadecimal digits stand for; an odd last digit stands alone.
func hexadecimalBytes(_ text: some StringProtocol) throws(HexadecimalFailure) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Substring(text)
  while !rest.isEmpty {
    let pair = rest.prefix(2)
    guard pair.utf8.first != UInt8(ascii: "+"), pair.utf8.first != UInt8(ascii: "-"), let byte = UInt8(pair, radix: 16)
    else { throw HexadecimalFailure(digits: String(pair)) }
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}
