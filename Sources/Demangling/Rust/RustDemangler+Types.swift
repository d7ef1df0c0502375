extension RustDemangler {
  // <type> = <basic-type>
  //        | <path>
  //        | "A" <type> <const>            # [T; N]
  //        | "S" <type>                    # [T]
  //        | "T" {<type>} "E"              # (T1, T2)
  //        | "R" [<lifetime>] <type>       # &T
  //        | "Q" [<lifetime>] <type>       # &mut T
  //        | "P" <type>                    # *const T
  //        | "O" <type>                    # *mut T
  //        | "F" <fn-sig>                  # fn(T) -> U
  //        | "D" <dyn-bounds> <lifetime>   # dyn Trait<Item = T> + 'a
  //        | <backref>
  mutating func readType() throws(MalformedName) {
    try enter()
    let letter = try next()
    if let word = RustDemangler.basicType(letter) {
      try put(word)
      depth -= 1
      return
    }
    switch letter {
    case UInt8(ascii: "A"):
      try put("[")
      try readType()
      try put("; ")
      try readConstant()
      try put("]")
    case UInt8(ascii: "S"):
      try put("[")
      try readType()
      try put("]")
    case UInt8(ascii: "T"): try readTuple()
    case UInt8(ascii: "R"), UInt8(ascii: "Q"):
      try put("&")
      if consume(UInt8(ascii: "L")) {
        let lifetime = try readNumber()
        if lifetime != 0 {
          try put(lifetime: lifetime)
          try put(" ")
        }
      }
      if letter == UInt8(ascii: "Q") { try put("mut ") }
      try readType()
    case UInt8(ascii: "P"):
      try put("*const ")
      try readType()
    case UInt8(ascii: "O"):
      try put("*mut ")
      try readType()
    case UInt8(ascii: "F"): try readFunctionSignature()
    case UInt8(ascii: "D"): try readTraitObject()
    case UInt8(ascii: "B"):
      if let outer = try enterBackReference() {
        try readType()
        position = outer
      }
    default:
      position -= 1
      _ = try readPath(isInType: true)
    }
    depth -= 1
  }

  private static func basicType(_ letter: UInt8) -> StaticString? {
    switch letter {
    case UInt8(ascii: "a"): "i8"
    case UInt8(ascii: "b"): "bool"
    case UInt8(ascii: "c"): "char"
    case UInt8(ascii: "d"): "f64"
    case UInt8(ascii: "e"): "str"
    case UInt8(ascii: "f"): "f32"
    case UInt8(ascii: "h"): "u8"
    case UInt8(ascii: "i"): "isize"
    case UInt8(ascii: "j"): "usize"
    case UInt8(ascii: "l"): "i32"
    case UInt8(ascii: "m"): "u32"
    case UInt8(ascii: "n"): "i128"
    case UInt8(ascii: "o"): "u128"
    case UInt8(ascii: "p"): "_"
    case UInt8(ascii: "s"): "i16"
    case UInt8(ascii: "t"): "u16"
    case UInt8(ascii: "u"): "()"
    case UInt8(ascii: "v"): "..."
    case UInt8(ascii: "x"): "i64"
    case UInt8(ascii: "y"): "u64"
    case UInt8(ascii: "z"): "!"
    default: nil
    }
  }

  private mutating func readTuple() throws(MalformedName) {
    try put("(")
    var count = 0
    while !consume(UInt8(ascii: "E")) {
      if count > 0 { try put(", ") }
      count += 1
      try readType()
    }
    try put(count == 1 ? ",)" : ")")
  }

  // <fn-sig> = [<binder>] ["U"] ["K" <abi>] {<type>} "E" <type>
  // <abi> = "C" | <undisambiguated-identifier>
  private mutating func readFunctionSignature() throws(MalformedName) {
    let outer = boundLifetimes
    try readBinder()
    if consume(UInt8(ascii: "U")) { try put("unsafe ") }
    if consume(UInt8(ascii: "K")) {
      try put("extern \"")
      if consume(UInt8(ascii: "C")) {
        try put("C")
      } else {
        let identifier = try readIdentifier()
        if identifier.isPunycode { throw MalformedName() }
        for index in 0..<identifier.text.count {
          let byte = identifier.text[index]
          try put(byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte)
        }
      }
      try put("\" ")
    }
    try put("fn(")
    var isFirst = true
    while !consume(UInt8(ascii: "E")) {
      if !isFirst { try put(", ") }
      isFirst = false
      try readType()
    }
    try put(")")
    if !consume(UInt8(ascii: "u")) {
      try put(" -> ")
      try readType()
    }
    boundLifetimes = outer
  }

  // "D" <dyn-bounds> <lifetime>
  // <dyn-bounds> = [<binder>] {<dyn-trait>} "E"
  private mutating func readTraitObject() throws(MalformedName) {
    let outer = boundLifetimes
    try put("dyn ")
    try readBinder()
    var isFirst = true
    while !consume(UInt8(ascii: "E")) {
      if !isFirst { try put(" + ") }
      isFirst = false
      try readBound()
    }
    boundLifetimes = outer
    guard consume(UInt8(ascii: "L")) else { throw MalformedName() }
    let lifetime = try readNumber()
    if lifetime != 0 {
      try put(" + ")
      try put(lifetime: lifetime)
    }
  }

  // <dyn-trait> = <path> {"p" <undisambiguated-identifier> <type>}
  private mutating func readBound() throws(MalformedName) {
    var isOpen = try readPath(isInType: true, leavesOpen: true)
    while consume(UInt8(ascii: "p")) {
      try put(isOpen ? ", " : "<")
      isOpen = true
      try put(try readIdentifier().text)
      try put(" = ")
      try readType()
    }
    if isOpen { try put(">") }
  }

  // <binder> = "G" <base-62-number>
  private mutating func readBinder() throws(MalformedName) {
    let count = try readOptionalNumber(after: UInt8(ascii: "G"))
    if count == 0 { return }
    // Each lifetime is used later, which takes at least a byte.
    guard count < UInt64(end) &- boundLifetimes else { throw MalformedName() }
    try put("for<")
    for index in 0..<count {
      boundLifetimes += 1
      if index > 0 { try put(", ") }
      try put(lifetime: 1)
    }
    try put("> ")
  }

  // <const> = <basic-type> <const-data> | "p" | <backref>
  mutating func readConstant() throws(MalformedName) {
    try enter()
    switch try next() {
    case UInt8(ascii: "a"), UInt8(ascii: "s"), UInt8(ascii: "l"), UInt8(ascii: "x"), UInt8(ascii: "n"),
      UInt8(ascii: "i"), UInt8(ascii: "h"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "y"),
      UInt8(ascii: "o"), UInt8(ascii: "j"):
      try readIntegerConstant()
    case UInt8(ascii: "b"):
      let digits = try readHexadecimal().digits
      guard digits == "0" || digits == "1" else { throw MalformedName() }
      try put(digits == "0" ? "false" : "true")
    case UInt8(ascii: "c"): try readCharacterConstant()
    case UInt8(ascii: "p"): try put("_")
    case UInt8(ascii: "B"):
      if let outer = try enterBackReference() {
        try readConstant()
        position = outer
      }
    default: throw MalformedName()
    }
    depth -= 1
  }

  // <const-data> = ["n"] <hex-number>
  private mutating func readIntegerConstant() throws(MalformedName) {
    if consume(UInt8(ascii: "n")) { try put("-") }
    let (value, digits) = try readHexadecimal()
    if digits.count <= 16 {
      try put(number: value)
    } else {
      try put("0x")
      try put(digits)
    }
  }

  private mutating func readCharacterConstant() throws(MalformedName) {
    let (value, digits) = try readHexadecimal()
    guard digits.count <= 6 else { throw MalformedName() }
    try put("'")
    switch value {
    case 0x09: try put("\\t")
    case 0x0D: try put("\\r")
    case 0x0A: try put("\\n")
    case 0x5C: try put("\\\\")
    case 0x27: try put("\\'")
    case 0x20...0x7E: try put(UInt8(value))
    default:
      try put("\\u{")
      try put(digits)
      try put("}")
    }
    try put("'")
  }

  // <hex-number> = "0_" | <1-9a-f> {<0-9a-f>} "_"
  /// The value is only right for up to 16 digits.
  private mutating func readHexadecimal() throws(MalformedName) -> (value: UInt64, digits: Text) {
    let start = position
    var value: UInt64 = 0
    guard hexadecimalValue(peek()) != nil else { throw MalformedName() }
    if consume(UInt8(ascii: "0")) {
      guard consume(UInt8(ascii: "_")) else { throw MalformedName() }
    } else {
      while !consume(UInt8(ascii: "_")) {
        guard let digit = hexadecimalValue(try next()) else { throw MalformedName() }
        value = value << 4 | UInt64(digit)
      }
    }
    return (value, input[start..<position - 1])
  }
}
