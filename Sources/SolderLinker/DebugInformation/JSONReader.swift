import WebAssemblyFormat

/// Reads JSON (RFC 8259), value by value: whoever calls knows which values it wants and steps over all others.
struct JSONReader {
  private(set) var reader: ByteReader

  init(_ reader: ByteReader) { self.reader = reader }

  /// How deep values may stand in each other.
  private static let mostDepth = 128

  private mutating func skipSpace() {
    while let byte = reader.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { reader.offset += 1 }
  }

  /// The next byte that is no space, which stays unread.
  mutating func peek() -> UInt8? {
    skipSpace()
    return reader.peek()
  }

  /// Steps over a byte if it comes next.
  mutating func skip(_ byte: Character) -> Bool {
    guard let value = byte.asciiValue, peek() == value else { return false }
    reader.offset += 1
    return true
  }

  private mutating func expect(_ byte: Character) throws(FormatError) {
    guard skip(byte) else { throw FormatError("'\(byte)' expected", at: reader.offset) }
  }

  /// Reads an object: `member` is called with each name, and has to read the value.
  mutating func object(
    _ member: (inout JSONReader, [UInt8]) throws(FormatError) -> Void
  ) throws(FormatError) {
    try expect("{")
    if skip("}") { return }
    repeat {
      let name = try string()
      try expect(":")
      try member(&self, name)
    } while skip(",")
    try expect("}")
  }

  /// Reads an array: `element` has to read each value.
  mutating func array(_ element: (inout JSONReader) throws(FormatError) -> Void) throws(FormatError) {
    try expect("[")
    if skip("]") { return }
    repeat { try element(&self) } while skip(",")
    try expect("]")
  }

  /// Reads a string, or `null`.
  mutating func optionalString() throws(FormatError) -> [UInt8]? {
    if peek() == UInt8(ascii: "n") {
      try word("null")
      return nil
    }
    return try string()
  }

  /// Reads a string as UTF-8.
  mutating func string() throws(FormatError) -> [UInt8] {
    try expect("\"")
    var result: [UInt8] = []
    while true {
      let at = reader.offset
      let byte = try reader.byte()
      switch byte {
      case UInt8(ascii: "\""): return result
      case UInt8(ascii: "\\"): try escape(&result)
      case 0..<0x20: throw FormatError("control character in a string", at: at)
      default: result.append(byte)
      }
    }
  }

  private mutating func escape(_ result: inout [UInt8]) throws(FormatError) {
    let at = reader.offset
    switch try reader.byte() {
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800, reader.remaining >= 6, reader[reader.offset] == UInt8(ascii: "\\"),
        reader[reader.offset + 1] == UInt8(ascii: "u")
      {
        var ahead = self
        ahead.reader.offset += 2
        let low = try ahead.hexadecimal()
        if low & 0xFC00 == 0xDC00 {
          self = ahead
          code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
        }
      }
      // Half a pair is no character.
      result += Array(String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
    case let byte where byte == 0x22 || byte == 0x5C || byte == 0x2F: result.append(byte)
    default: throw FormatError("unknown escape in a string", at: at)
    }
  }

  private mutating func hexadecimal() throws(FormatError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let at = reader.offset
      guard let digit = Character(Unicode.Scalar(try reader.byte())).hexDigitValue else {
        throw FormatError("hexadecimal digit expected", at: at)
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private mutating func word(_ word: StaticString) throws(FormatError) {
    let at = reader.offset
    guard ByteString(try reader.slice(word.utf8CodeUnitCount)) == word else {
      throw FormatError("\(word) expected", at: at)
    }
  }

  /// Reads a number that is an integer.
  mutating func integer() throws(FormatError) -> Int {
    let at = reader.offset
    var value = 0
    var digits = 0
    skipSpace()
    while let byte = reader.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 10 {
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      digits += 1
      reader.offset += 1
    }
    guard digits > 0 else { throw FormatError("number expected", at: at) }
    return value
  }

  /// Steps over a value of any kind.
  mutating func skipValue(depth: Int = 0) throws(FormatError) {
    guard depth < JSONReader.mostDepth else { throw FormatError("values are nested too deep", at: reader.offset) }
    switch peek() {
    case UInt8(ascii: "{"):
      try object { (json, _) throws(FormatError) in try json.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try array { (json) throws(FormatError) in try json.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default:
      let start = reader.offset
      while let byte = reader.peek(), (0x2B...0x39).contains(byte) || byte | 0x20 == 0x65 { reader.offset += 1 }
      if reader.offset == start { throw FormatError("value expected", at: start) }
    }
  }
}
