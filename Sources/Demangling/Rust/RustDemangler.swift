/// Writes names of Rust's mangling scheme, version 0 (RFC 2603), as LLVM does: without the crates' hashes, with `_` for
/// placeholders.
///
/// These names are written in the order in which they are read, so one pass does both. Parts that are read but not
/// shown, such as the path of an `impl`, pass with `isWriting` off.
struct RustDemangler: ~Copyable {
  var input = Text.empty
  var position = 0
  var end = 0
  var isWriting = true
  /// Lifetimes bound by the `for<…>` around.
  var boundLifetimes: UInt64 = 0
  var depth = 0
  var fuel = 0
  var output = Pool<UInt8>(capacity: 1024)
  /// Scratch space for identifiers outside ASCII.
  var scalars = Pool<UInt32>(capacity: 64)

  /// The readable form of `name`, valid until the next call, or nil.
  mutating func demangle(_ name: Text) -> Text? {
    // Positions in a name count from behind the `_R`; a dot starts a suffix of the compiler's.
    let body = name.dropping(2)
    input = body
    position = 0
    end = body.index(of: UInt8(ascii: "."))
    isWriting = true
    boundLifetimes = 0
    depth = 0
    fuel = Limits.fuel(forLength: name.count)
    output.removeAll()
    do throws(MalformedName) {
      try readSymbol(suffix: body.dropping(end))
    } catch {
      return nil
    }
    return output.text
  }

  // <symbol-name> = "_R" <path> [<instantiating-crate>]
  private mutating func readSymbol(suffix: Text) throws(MalformedName) {
    _ = try readPath(isInType: false)
    if position != end {
      isWriting = false
      _ = try readPath(isInType: false)
      isWriting = true
    }
    guard position == end else { throw MalformedName() }
    if !suffix.isEmpty {
      try put(" (")
      try put(suffix)
      try put(")")
    }
  }

  // <path> = "C" <identifier>                 # crate root
  //        | "M" <impl-path> <type>           # <T>
  //        | "X" <impl-path> <type> <path>    # <T as Trait>, an impl
  //        | "Y" <type> <path>                # <T as Trait>
  //        | "N" <namespace> <path> <identifier>
  //        | "I" <path> {<generic-arg>} "E"
  //        | <backref>
  /// With `leavesOpen`, generic arguments stay without their `>`; the result says whether there are any.
  mutating func readPath(isInType: Bool, leavesOpen: Bool = false) throws(MalformedName) -> Bool {
    try enter()
    var isOpen = false
    switch try next() {
    case UInt8(ascii: "C"):
      _ = try readOptionalNumber(after: UInt8(ascii: "s"))
      try put(try readIdentifier())
    case UInt8(ascii: "M"):
      try skipImplPath(isInType)
      try put("<")
      try readType()
      try put(">")
    case UInt8(ascii: "X"):
      try skipImplPath(isInType)
      try readTrait()
    case UInt8(ascii: "Y"):
      try readTrait()
    case UInt8(ascii: "N"):
      try readNestedPath(isInType)
    case UInt8(ascii: "I"):
      _ = try readPath(isInType: isInType)
      try put(isInType ? "<" : "::<")
      var isFirst = true
      while !consume(UInt8(ascii: "E")) {
        if !isFirst { try put(", ") }
        isFirst = false
        try readGenericArgument()
      }
      isOpen = leavesOpen
      if !isOpen { try put(">") }
    case UInt8(ascii: "B"):
      if let outer = try enterBackReference() {
        isOpen = try readPath(isInType: isInType, leavesOpen: leavesOpen)
        position = outer
      }
    default: throw MalformedName()
    }
    depth -= 1
    return isOpen
  }

  private mutating func readTrait() throws(MalformedName) {
    try put("<")
    try readType()
    try put(" as ")
    _ = try readPath(isInType: true)
    try put(">")
  }

  // <impl-path> = [<disambiguator>] <path>
  private mutating func skipImplPath(_ isInType: Bool) throws(MalformedName) {
    let outer = isWriting
    isWriting = false
    _ = try readOptionalNumber(after: UInt8(ascii: "s"))
    _ = try readPath(isInType: isInType)
    isWriting = outer
  }

  // <namespace> = "C"  # closure  | "S"  # shim  | <A-Z>  # special  | <a-z>  # internal, not shown
  private mutating func readNestedPath(_ isInType: Bool) throws(MalformedName) {
    let namespace = try next()
    let isSpecial = namespace >= UInt8(ascii: "A") && namespace <= UInt8(ascii: "Z")
    guard isSpecial || (namespace >= UInt8(ascii: "a") && namespace <= UInt8(ascii: "z")) else {
      throw MalformedName()
    }
    _ = try readPath(isInType: isInType)
    let disambiguator = try readOptionalNumber(after: UInt8(ascii: "s"))
    let identifier = try readIdentifier()
    guard isSpecial else {
      if !identifier.text.isEmpty {
        try put("::")
        try put(identifier)
      }
      return
    }
    try put("::{")
    switch namespace {
    case UInt8(ascii: "C"): try put("closure")
    case UInt8(ascii: "S"): try put("shim")
    default: try put(namespace)
    }
    if !identifier.text.isEmpty {
      try put(":")
      try put(identifier)
    }
    try put("#")
    try put(number: disambiguator)
    try put("}")
  }

  // <generic-arg> = <lifetime> | <type> | "K" <const>
  private mutating func readGenericArgument() throws(MalformedName) {
    if consume(UInt8(ascii: "L")) {
      try put(lifetime: try readNumber())
    } else if consume(UInt8(ascii: "K")) {
      try readConstant()
    } else {
      try readType()
    }
  }

  // <backref> = "B" <base-62-number>, a position before this one
  /// Moves to where the reference points and returns the position to go back to, or nil if nothing is to be written.
  mutating func enterBackReference() throws(MalformedName) -> Int? {
    let target = try readNumber()
    guard target < UInt64(position) else { throw MalformedName() }
    guard isWriting else { return nil }
    let outer = position
    position = Int(target)
    return outer
  }
}

// Building blocks of the rules.
extension RustDemangler {
  /// Counts a nested rule; the caller counts down when the rule is done.
  mutating func enter() throws(MalformedName) {
    depth += 1
    fuel -= 1
    if depth > Limits.rustDepth || fuel < 0 { throw MalformedName() }
  }

  func peek() -> UInt8 { position < end ? input[position] : 0 }

  mutating func next() throws(MalformedName) -> UInt8 {
    guard position < end else { throw MalformedName() }
    position += 1
    return input[position - 1]
  }

  mutating func consume(_ byte: UInt8) -> Bool {
    guard position < end, input[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func put(_ byte: UInt8) throws(MalformedName) {
    guard isWriting else { return }
    fuel -= 1
    if fuel < 0 { throw MalformedName() }
    output.append(byte)
  }

  mutating func put(_ text: Text) throws(MalformedName) {
    guard isWriting else { return }
    fuel -= text.count
    if fuel < 0 { throw MalformedName() }
    output.append(text)
  }

  mutating func put(_ word: StaticString) throws(MalformedName) { try put(Text(word)) }

  mutating func put(number: UInt64) throws(MalformedName) {
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      try put(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }

  /// Lifetimes count from the innermost binder outwards, from 1; 0 is an erased one.
  mutating func put(lifetime index: UInt64) throws(MalformedName) {
    if index == 0 { return try put("'_") }
    guard index <= boundLifetimes else { throw MalformedName() }
    let place = boundLifetimes - index
    try put("'")
    if place < 26 {
      try put(UInt8(ascii: "a") + UInt8(place))
    } else {
      try put("z")
      try put(number: place - 26 + 1)
    }
  }

  /// A base-62 number after `tag`, plus 1; 0 without the tag.
  mutating func readOptionalNumber(after tag: UInt8) throws(MalformedName) -> UInt64 {
    guard consume(tag) else { return 0 }
    return try increment(try readNumber())
  }

  // <base-62-number> = {<0-9a-zA-Z>} "_", where "_" is 0, "0_" is 1, and so on
  mutating func readNumber() throws(MalformedName) -> UInt64 {
    if consume(UInt8(ascii: "_")) { return 0 }
    var value: UInt64 = 0
    while true {
      let digit: UInt64
      switch try next() {
      case UInt8(ascii: "_"): return try increment(value)
      case let byte where isDigit(byte): digit = UInt64(byte - UInt8(ascii: "0"))
      case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"):
        digit = UInt64(byte - UInt8(ascii: "a")) + 10
      case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"):
        digit = UInt64(byte - UInt8(ascii: "A")) + 36
      default: throw MalformedName()
      }
      value = try extend(value, by: digit, base: 62)
    }
  }

  private func increment(_ value: UInt64) throws(MalformedName) -> UInt64 {
    if value == .max { throw MalformedName() }
    return value + 1
  }

  private func extend(_ value: UInt64, by digit: UInt64, base: UInt64) throws(MalformedName) -> UInt64 {
    let (product, overflow) = value.multipliedReportingOverflow(by: base)
    let (sum, carry) = product.addingReportingOverflow(digit)
    if overflow || carry { throw MalformedName() }
    return sum
  }

  // <decimal-number> = "0" | <1-9> {<0-9>}
  private mutating func readDecimal() throws(MalformedName) -> UInt64 {
    guard isDigit(peek()) else { throw MalformedName() }
    if consume(UInt8(ascii: "0")) { return 0 }
    var value: UInt64 = 0
    while isDigit(peek()) { value = try extend(value, by: UInt64(try next() - UInt8(ascii: "0")), base: 10) }
    return value
  }

  // <undisambiguated-identifier> = ["u"] <decimal-number> ["_"] <bytes>
  mutating func readIdentifier() throws(MalformedName) -> RustIdentifier {
    let isPunycode = consume(UInt8(ascii: "u"))
    let length = try readDecimal()
    _ = consume(UInt8(ascii: "_"))
    guard length <= UInt64(end - position) else { throw MalformedName() }
    let text = input[position..<position + Int(length)]
    for index in 0..<text.count where !isIdentifierByte(text[index]) { throw MalformedName() }
    position += text.count
    return RustIdentifier(text: text, isPunycode: isPunycode)
  }

  private func isIdentifierByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

/// An identifier as the name has it.
struct RustIdentifier {
  let text: Text
  /// Whether it stands for characters outside ASCII.
  let isPunycode: Bool
}
