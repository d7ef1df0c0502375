/// An operator of C++ and how an expression encodes it (Itanium C++ ABI, 5.1.3 and 5.1.6).
struct Operator {
  /// What follows the code in an expression. Named operators come first: only they have a function name.
  enum Form: UInt8 {
    case prefix, postfix, binary, subscripted, member, new, delete, call, conversion, conditional
    /// Only the name of a function, never in an expression.
    case nameOnly
    case namedCast, ofType, ofExpression
  }

  let form: Form
  let precedence: Precedence
  /// The name of the function, or for a form without one the symbol itself.
  let name: Text
  /// `new[]`, `delete[]`
  let isArray: Bool

  var hasFunctionName: Bool { form.rawValue <= Form.nameOnly.rawValue }

  /// The spelling in an expression.
  var symbol: Text {
    guard hasFunctionName else { return name }
    let symbol = name.dropping(8)
    return symbol.first == UInt8(ascii: " ") ? symbol.dropping(1) : symbol
  }

  private init(_ form: Form, _ precedence: Precedence, _ name: StaticString, isArray: Bool = false) {
    self.form = form
    self.precedence = precedence
    self.name = Text(name)
    self.isArray = isArray
  }

  /// The operator with the two-letter code `first` `second`, or nil.
  init?(_ first: UInt8, _ second: UInt8) {
    guard let found = Operator.named(UInt16(first) << 8 | UInt16(second)) else { return nil }
    self = found
  }

  // One line an operator: the table is long because C++ is.
  private static func named(_ code: UInt16) -> Operator? {
    switch code {
    case 0x614E: Operator(.binary, .assignment, "operator&=")  // aN
    case 0x6153: Operator(.binary, .assignment, "operator=")  // aS
    case 0x6161: Operator(.binary, .logicalAnd, "operator&&")  // aa
    case 0x6164: Operator(.prefix, .unary, "operator&")  // ad
    case 0x616E: Operator(.binary, .and, "operator&")  // an
    case 0x6174: Operator(.ofType, .unary, "alignof ")  // at
    case 0x6177: Operator(.nameOnly, .primary, "operator co_await")  // aw
    case 0x617A: Operator(.ofExpression, .unary, "alignof ")  // az
    case 0x6363: Operator(.namedCast, .postfix, "const_cast")  // cc
    case 0x636C: Operator(.call, .postfix, "operator()")  // cl
    case 0x636D: Operator(.binary, .comma, "operator,")  // cm
    case 0x636F: Operator(.prefix, .unary, "operator~")  // co
    case 0x6376: Operator(.conversion, .cast, "operator")  // cv
    case 0x6456: Operator(.binary, .assignment, "operator/=")  // dV
    case 0x6461: Operator(.delete, .unary, "operator delete[]", isArray: true)  // da
    case 0x6463: Operator(.namedCast, .postfix, "dynamic_cast")  // dc
    case 0x6465: Operator(.prefix, .unary, "operator*")  // de
    case 0x646C: Operator(.delete, .unary, "operator delete")  // dl
    case 0x6473: Operator(.member, .memberPointer, "operator.*")  // ds
    case 0x6474: Operator(.member, .postfix, "operator.")  // dt
    case 0x6476: Operator(.binary, .assignment, "operator/")  // dv, with the precedence LLVM gives it
    case 0x654F: Operator(.binary, .assignment, "operator^=")  // eO
    case 0x656F: Operator(.binary, .xor, "operator^")  // eo
    case 0x6571: Operator(.binary, .equality, "operator==")  // eq
    case 0x6765: Operator(.binary, .relational, "operator>=")  // ge
    case 0x6774: Operator(.binary, .relational, "operator>")  // gt
    case 0x6978: Operator(.subscripted, .postfix, "operator[]")  // ix
    case 0x6C53: Operator(.binary, .assignment, "operator<<=")  // lS
    case 0x6C65: Operator(.binary, .relational, "operator<=")  // le
    case 0x6C73: Operator(.binary, .shift, "operator<<")  // ls
    case 0x6C74: Operator(.binary, .relational, "operator<")  // lt
    case 0x6D49: Operator(.binary, .assignment, "operator-=")  // mI
    case 0x6D4C: Operator(.binary, .assignment, "operator*=")  // mL
    case 0x6D69: Operator(.binary, .additive, "operator-")  // mi
    case 0x6D6C: Operator(.binary, .multiplicative, "operator*")  // ml
    case 0x6D6D: Operator(.postfix, .postfix, "operator--")  // mm
    case 0x6E61: Operator(.new, .unary, "operator new[]", isArray: true)  // na
    case 0x6E65: Operator(.binary, .equality, "operator!=")  // ne
    case 0x6E67: Operator(.prefix, .unary, "operator-")  // ng
    case 0x6E74: Operator(.prefix, .unary, "operator!")  // nt
    case 0x6E77: Operator(.new, .unary, "operator new")  // nw
    case 0x6F52: Operator(.binary, .assignment, "operator|=")  // oR
    case 0x6F6F: Operator(.binary, .logicalOr, "operator||")  // oo
    case 0x6F72: Operator(.binary, .or, "operator|")  // or
    case 0x704C: Operator(.binary, .assignment, "operator+=")  // pL
    case 0x706C: Operator(.binary, .additive, "operator+")  // pl
    case 0x706D: Operator(.member, .memberPointer, "operator->*")  // pm
    case 0x7070: Operator(.postfix, .postfix, "operator++")  // pp
    case 0x7073: Operator(.prefix, .unary, "operator+")  // ps
    case 0x7074: Operator(.member, .postfix, "operator->")  // pt
    case 0x7175: Operator(.conditional, .conditional, "operator?")  // qu
    case 0x724D: Operator(.binary, .assignment, "operator%=")  // rM
    case 0x7253: Operator(.binary, .assignment, "operator>>=")  // rS
    case 0x7263: Operator(.namedCast, .postfix, "reinterpret_cast")  // rc
    case 0x726D: Operator(.binary, .multiplicative, "operator%")  // rm
    case 0x7273: Operator(.binary, .shift, "operator>>")  // rs
    case 0x7363: Operator(.namedCast, .postfix, "static_cast")  // sc
    case 0x7373: Operator(.binary, .spaceship, "operator<=>")  // ss
    case 0x7374: Operator(.ofType, .unary, "sizeof ")  // st
    case 0x737A: Operator(.ofExpression, .unary, "sizeof ")  // sz
    case 0x7465: Operator(.ofExpression, .postfix, "typeid ")  // te
    case 0x7469: Operator(.ofType, .postfix, "typeid ")  // ti
    default: nil
    }
  }

  /// Whether a fold expression may use it.
  var isFoldable: Bool { form == .binary || (form == .member && name.last == UInt8(ascii: "*")) }

  /// Whether a function may be called `operator` and this: of the member accesses, LLVM only accepts `->`.
  var canNameFunction: Bool {
    hasFunctionName && (form != .member || (precedence == .postfix && name == "operator->"))
  }
}
