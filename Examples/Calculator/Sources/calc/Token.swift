/// The words that cannot be names.
enum Keyword: String, CaseIterable {
  case fn, `let`, print, `if`, then, `else`, `while`, `return`, exit, and, or, not, `true`, `false`
}

/// Operators and punctuation.
enum Symbol: String, CaseIterable {
  case arrow = "->"
  case equalEqual = "=="
  case notEqual = "!="
  case lessEqual = "<="
  case greaterEqual = ">="
  case less = "<"
  case greater = ">"
  case equal = "="
  case plus = "+"
  case minus = "-"
  case star = "*"
  case slash = "/"
  case percent = "%"
  case comma = ","
  case colon = ":"
  case leftParen = "("
  case rightParen = ")"
  case leftBracket = "["
  case rightBracket = "]"
  case leftBrace = "{"
  case rightBrace = "}"
}

/// One word of the program.
struct Token: Equatable {
  enum Kind: Equatable {
    case number(Double)
    case string(String)
    case name(String)
    case keyword(Keyword)
    case symbol(Symbol)
    /// Ends a statement; the lexer leaves it out inside parentheses and brackets.
    case newline
    case end
  }

  var kind: Kind
  var position: Position

  /// The token as an error message names it.
  var description: String {
    switch kind {
    case .number(let value): "number \(value)"
    case .string: "a string"
    case .name(let name): "'\(name)'"
    case .keyword(let keyword): "'\(keyword.rawValue)'"
    case .symbol(let symbol): "'\(symbol.rawValue)'"
    case .newline: "the end of the line"
    case .end: "the end of the file"
    }
  }
}
