// Floating-point literals in the C notation `0x1.8p+1`, to the letter what glibc's `printf` makes of `%a` and `%La`.
extension ItaniumDemangler {
  mutating func write(float id: NodeID) throws(MalformedName) {
    let node = self[id]
    switch node.flags {
    case UInt8(ascii: "f"):
      // printf only knows doubles; the suffix comes from LLVM.
      try write(double: Double(Float(bitPattern: UInt32(truncatingIfNeeded: value(ofDigits: node.text)))))
      put(UInt8(ascii: "f"))
    case UInt8(ascii: "d"):
      try write(double: Double(bitPattern: value(ofDigits: node.text)))
    default:
      let head = UInt16(truncatingIfNeeded: value(ofDigits: node.text[0..<4]))
      try write(extendedHead: head, significand: value(ofDigits: node.text.dropping(4)))
      put(UInt8(ascii: "L"))
    }
  }

  private func value(ofDigits digits: Text) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<digits.count { value = value << 4 | UInt64(hexadecimalValue(digits[index]) ?? 0) }
    return value
  }

  private mutating func write(double: Double) throws(MalformedName) {
    if double.sign == .minus { put(UInt8(ascii: "-")) }
    let exponent = Int(double.exponentBitPattern)
    if exponent == 0x7FF {
      try put(double.isNaN ? "nan" : "inf")
    } else if double.isZero {
      try put("0x0p+0")
    } else {
      // 52 bits behind the point; a denormal number keeps its leading zero.
      let leading: UInt8 = exponent == 0 ? 0 : 1
      try write(leading: leading, fraction: double.significandBitPattern << 12, exponent: max(exponent, 1) - 1023)
    }
  }

  /// The 80 bits of x86's `long double`: its significand has no hidden bit, and glibc shows its highest four bits in
  /// front of the point.
  private mutating func write(extendedHead head: UInt16, significand: UInt64) throws(MalformedName) {
    if head >> 15 != 0 { put(UInt8(ascii: "-")) }
    let exponent = Int(head & 0x7FFF)
    let isInvalid = exponent != 0 && significand >> 63 == 0
    if exponent == 0x7FFF || isInvalid {
      try put(significand << 1 == 0 && !isInvalid ? "inf" : "nan")
    } else if exponent == 0 && significand == 0 {
      try put("0x0p+0")
    } else {
      try write(
        leading: UInt8(significand >> 60), fraction: significand << 4, exponent: max(exponent, 1) - 16383 - 3)
    }
  }

  private mutating func write(leading: UInt8, fraction: UInt64, exponent: Int) throws(MalformedName) {
    try put("0x")
    put(hexadecimalDigit(leading))
    var rest = fraction
    if rest != 0 { put(UInt8(ascii: ".")) }
    while rest != 0 {
      put(hexadecimalDigit(UInt8(rest >> 60)))
      rest <<= 4
    }
    try put(exponent < 0 ? "p-" : "p+")
    try put(number: UInt32(exponent.magnitude))
  }

  private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

/// The value of a lowercase hexadecimal digit, or nil.
func hexadecimalValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  default: nil
  }
}
