/// Splits source text into tokens.
///
/// A line break ends a statement, except between `(` and `)` or `[` and `]`; braces inside of those bring it back, so
/// that an anonymous function with a block can be an argument.
struct Lexer {
  private let bytes: [UInt8]
  private var offset = 0
  private var line = 1
  private var lineStart = 0
  private var tokens: [Token] = []
  private var openBrackets: [Symbol] = []

  /// The tokens of `source`; the last one is always `.end`.
  static func tokens(of source: String) throws(CompileError) -> [Token] {
    var lexer = Lexer(source)
    try lexer.run()
    return lexer.tokens
  }

  private init(_ source: String) {
    bytes = Array(source.utf8)
  }

  private var position: Position { Position(line: line, column: offset - lineStart + 1) }

  private func peek(_ ahead: Int = 0) -> UInt8? {
    offset + ahead < bytes.count ? bytes[offset + ahead] : nil
  }

  private mutating func run() throws(CompileError) {
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\n"):
        if openBrackets.last != .leftParen && openBrackets.last != .leftBracket {
          tokens.append(Token(kind: .newline, position: position))
        }
        offset += 1
        line += 1
        lineStart = offset
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        offset += 1
      case UInt8(ascii: "#"):
        while let next = peek(), next != UInt8(ascii: "\n") { offset += 1 }
      case UInt8(ascii: "\""):
        try string()
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        try number()
      case _ where Lexer.startsName(byte):
        name()
      default:
        try symbol()
      }
    }
    tokens.append(Token(kind: .newline, position: position))
    tokens.append(Token(kind: .end, position: position))
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func startsName(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte < 0x80 || byte == UInt8(ascii: "_")
  }

  private mutating func name() {
    let start = position
    let first = offset
    while let byte = peek(), Lexer.startsName(byte) || Lexer.isDigit(byte) { offset += 1 }
    let text = String(decoding: bytes[first..<offset], as: UTF8.self)
    let kind = Keyword(rawValue: text).map(Token.Kind.keyword) ?? .name(text)
    tokens.append(Token(kind: kind, position: start))
  }

  private mutating func number() throws(CompileError) {
    let start = position
    let first = offset
    skipDigits()
    if peek() == UInt8(ascii: "."), let next = peek(1), Lexer.isDigit(next) {
      offset += 1
      skipDigits()
    }
    if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
      skipDigits()
    }
    let text = String(decoding: bytes[first..<offset], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      throw CompileError("'\(text)' is not a number this language can hold", at: start)
    }
    tokens.append(Token(kind: .number(value), position: start))
  }

  private mutating func skipDigits() {
    while let byte = peek(), Lexer.isDigit(byte) { offset += 1 }
  }

  private mutating func string() throws(CompileError) {
    let start = position
    var text: [UInt8] = []
    offset += 1
    while true {
      guard let byte = peek(), byte != UInt8(ascii: "\n") else {
        throw CompileError("the string that starts here has no closing quote on this line", at: start)
      }
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        tokens.append(Token(kind: .string(String(decoding: text, as: UTF8.self)), position: start))
        return
      case UInt8(ascii: "\\"):
        text.append(try escape())
      default:
        text.append(byte)
      }
    }
  }

  /// The byte that the letter after a backslash stands for.
  private mutating func escape() throws(CompileError) -> UInt8 {
    let escaped: UInt8
    switch peek() {
    case UInt8(ascii: "n"): escaped = UInt8(ascii: "\n")
    case UInt8(ascii: "t"): escaped = UInt8(ascii: "\t")
    case UInt8(ascii: "\""): escaped = UInt8(ascii: "\"")
    case UInt8(ascii: "\\"): escaped = UInt8(ascii: "\\")
    default: throw CompileError("a backslash must be followed by n, t, \" or another backslash", at: position)
    }
    offset += 1
    return escaped
  }

  private mutating func symbol() throws(CompileError) {
    let start = position
    // Two-byte symbols come first in `Symbol`, so the longest match is the first one.
    guard let symbol = Symbol.allCases.first(where: { bytes[offset...].starts(with: $0.rawValue.utf8) }) else {
      throw CompileError("unexpected character", at: start)
    }
    switch symbol {
    case .leftParen, .leftBracket, .leftBrace: openBrackets.append(symbol)
    // Whether brackets match is the parser's business.
    case .rightParen, .rightBracket, .rightBrace: _ = openBrackets.popLast()
    default: break
    }
    offset += symbol.rawValue.utf8.count
    tokens.append(Token(kind: .symbol(symbol), position: start))
  }
}
