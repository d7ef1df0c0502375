// Identifiers outside ASCII, in Punycode (RFC 3492) with `_` in place of `-`.
extension RustDemangler {
  mutating func put(_ identifier: RustIdentifier) throws(MalformedName) {
    guard isWriting else { return }
    guard identifier.isPunycode else { return try put(identifier.text) }
    scalars.removeAll()
    try decode(identifier.text)
    for index in 0..<scalars.count { try put(scalar: scalars[index]) }
  }

  /// RFC 3492, 6.2.
  private mutating func decode(_ text: Text) throws(MalformedName) {
    var place = 0
    if let delimiter = (0..<text.count).last(where: { text[$0] == UInt8(ascii: "_") }) {
      for index in 0..<delimiter { scalars.append(UInt32(text[index])) }
      place = delimiter + 1
    }
    var scalar = 0x80
    var insertion = 0
    var bias = 72
    var isFirst = true
    while place < text.count {
      let distance = try readDelta(text, &place, bias, from: insertion)
      let length = scalars.count + 1
      bias = adapt(distance - insertion, length, isFirst)
      isFirst = false
      let (next, overflow) = scalar.addingReportingOverflow(distance / length)
      guard !overflow, next <= 0x10FFFF, !(0xD800...0xDFFF).contains(next) else { throw MalformedName() }
      scalar = next
      insertion = distance % length
      // Each insertion moves what follows: long names of that kind would take quadratic time.
      fuel -= 1 + (length - insertion) / 64
      if fuel < 0 { throw MalformedName() }
      scalars.insert(UInt32(scalar), at: insertion)
      insertion += 1
    }
  }

  /// One generalized variable-length integer (RFC 3492, 3.3), added to `start`.
  private func readDelta(
    _ text: Text, _ place: inout Int, _ bias: Int, from start: Int
  ) throws(MalformedName) -> Int {
    var sum = start
    var weight = 1
    var threshold = 36
    while place < text.count {
      let digit: Int
      switch text[place] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = Int(text[place] - UInt8(ascii: "a"))
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int(text[place] - UInt8(ascii: "0")) + 26
      default: throw MalformedName()
      }
      place += 1
      let (product, overflow) = digit.multipliedReportingOverflow(by: weight)
      let (next, carry) = sum.addingReportingOverflow(product)
      if overflow || carry { throw MalformedName() }
      sum = next
      let limit = min(max(threshold - bias, 1), 26)
      if digit < limit { return sum }
      let (heavier, tooHeavy) = weight.multipliedReportingOverflow(by: 36 - limit)
      if tooHeavy { throw MalformedName() }
      weight = heavier
      threshold += 36
    }
    throw MalformedName()
  }

  /// RFC 3492, 6.1.
  private func adapt(_ distance: Int, _ length: Int, _ isFirst: Bool) -> Int {
    var delta = isFirst ? distance / 700 : distance / 2
    delta += delta / length
    var bias = 0
    while delta > 455 {
      delta /= 35
      bias += 36
    }
    return bias + 36 * delta / (delta + 38)
  }

  private mutating func put(scalar: UInt32) throws(MalformedName) {
    func continuation(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift) & 0x3F }
    switch scalar {
    case 0..<0x80: try put(UInt8(scalar))
    case 0x80..<0x800:
      try put(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
      try put(continuation(0))
    case 0x800..<0x1_0000:
      try put(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
      try put(continuation(6))
      try put(continuation(0))
    default:
      try put(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
      try put(continuation(12))
      try put(continuation(6))
      try put(continuation(0))
    }
  }
}
