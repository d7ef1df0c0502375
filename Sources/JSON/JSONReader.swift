import WebAssemblyFormat

/// Reads JSON (RFC 8259), value by value: whoever calls knows which values it wants and steps over all others. Errors say
/// where they are.
package struct JSONReader {
  package private(set) var reader: ByteReader

  package init(_ reader: ByteReader) { self.reader = reader }

  /// How deep values may stand in each other.
  private static let mostDepth = 128

  private mutating func skipSpace() {
    while let byte = reader.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { reader.offset += 1 }
  }

  /// The next byte that is no space, which stays unread.
  package mutating func peek() -> UInt8? {
    skipSpace()
    return reader.peek()
  }

  /// Steps over a byte if it comes next.
  package mutating func skip(_ byte: Character) -> Bool {
    guard let value = byte.asciiValue, peek() == value else { return false }
    reader.offset += 1
    return true
  }

  private mutating func expect(_ byte: Character) throws(FormatError) {
    guard skip(byte) else { throw FormatError("'\(byte)' expected", at: reader.offset) }
  }

  /// Reads an object: `member` is called with each name, and has to read the value.
  package mutating func object(
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
  package mutating func array(_ element: (inout JSONReader) throws(FormatError) -> Void) throws(FormatError) {
    try expect("[")
    if skip("]") { return }
    repeat { try element(&self) } while skip(",")
    try expect("]")
  }

  /// Reads a string, or `null`.
  package mutating func optionalString() throws(FormatError) -> [UInt8]? { try null() ? nil : try string() }

  /// Reads an array like ``array(_:)``, or `null`, which has no elements.
  package mutating func optionalArray(
    _ element: (inout JSONReader) throws(FormatError) -> Void
  ) throws(FormatError) {
    if try !null() { try array(element) }
  }

  /// Steps over `null` if it comes next.
  private mutating func null() throws(FormatError) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  /// Reads a string as UTF-8.
  package mutating func string() throws(FormatError) -> [UInt8] {
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

  /// Reads a number that is whole.
  package mutating func integer(in range: ClosedRange<Int> = 0...Int(UInt32.max)) throws(FormatError) -> Int {
    skipSpace()
    let start = reader.offset
    if reader.peek() == UInt8(ascii: "-") { reader.offset += 1 }
    while let byte = reader.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { reader.offset += 1 }
    var digits = reader
    digits.offset = start
    let text = String(decoding: try digits.slice(reader.offset - start), as: UTF8.self)
    let isFraction = reader.peek().map { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") } ?? false
    guard !isFraction, let value = Int(text) else { throw FormatError("whole number expected", at: start) }
    guard range.contains(value) else { throw FormatError("\(value) is out of range", at: start) }
    return value
  }

  /// Steps over a value of any kind.
  package mutating func skipValue(depth: Int = 0) throws(FormatError) {
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
    default: try number()
    }
  }

  /// Steps over a number, whole or not. A comma behind it is none of its own.
  private mutating func number() throws(FormatError) {
    let start = reader.offset
    if reader.peek() == UInt8(ascii: "-") { reader.offset += 1 }
    try digits(from: start)
    if reader.peek() == UInt8(ascii: ".") {
      reader.offset += 1
      try digits(from: start)
    }
    guard let byte = reader.peek(), byte | 0x20 == UInt8(ascii: "e") else { return }
    reader.offset += 1
    if let sign = reader.peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { reader.offset += 1 }
    try digits(from: start)
  }

  /// Steps over one digit or several.
  private mutating func digits(from start: Int) throws(FormatError) {
    let first = reader.offset
    while let byte = reader.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { reader.offset += 1 }
    if reader.offset == first { throw FormatError("value expected", at: start) }
  }

  /// Reads a value of any kind; its numbers have to be whole.
  fileprivate mutating func value(depth: Int = 0) throws(FormatError) -> JSONValue {
    guard depth < JSONReader.mostDepth else { throw FormatError("values are nested too deep", at: reader.offset) }
    switch peek() {
    case UInt8(ascii: "{"):
      var members: [(key: String, value: JSONValue)] = []
      try object { (json, name) throws(FormatError) in
        members.append((String(decoding: name, as: UTF8.self), try json.value(depth: depth + 1)))
      }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try array { (json) throws(FormatError) in elements.append(try json.value(depth: depth + 1)) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(String(decoding: try string(), as: UTF8.self))
    case UInt8(ascii: "t"):
      try word("true")
      return .boolean(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .boolean(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    default: return .number(try integer(in: Int.min...Int.max))
    }
  }
}

extension JSONValue {
  /// The value that a text consists of.
  ///
  /// - Throws: ``FormatError`` with what is wrong, and where.
  package static func read(_ bytes: [UInt8]) throws(FormatError) -> JSONValue {
    let result = unsafe bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, FormatError> in
      guard let base = buffer.baseAddress else { return .failure(FormatError("value expected", at: 0)) }
      var json = unsafe JSONReader(ByteReader(base, 0..<buffer.count))
      do throws(FormatError) {
        let value = try json.value()
        guard json.peek() == nil else { throw FormatError("text behind the end", at: json.reader.offset) }
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
