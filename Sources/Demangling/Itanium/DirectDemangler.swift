// Most names of C++ need no tree.
//
// A tree is there for declarators that wrap around names, for packs that repeat, and for arguments that come later than
// their use. Nearly all functions of real programs have none of these: their readable form is made of pieces of the
// mangled name and of itself, one behind the other, and only a return type has to be moved to the front. Such names are
// written here while they are read, in a third of the time; a substitution is a range of what was written. Everything
// else is left to ``ItaniumDemangler``, which knows the whole grammar, and whose result for these names is the same.
struct DirectDemangler: ~Copyable {
  /// A piece of the output that substitutions or template parameters may ask for again.
  /// Not private, which the compiler (Swift 6.3, unoptimized) fails on.
  struct Piece: BitwiseCopyable {
    var start: UInt32
    var count: UInt32 = 0
    /// The last source name of a scope, from `start` on: what its constructors are called.
    var baseStart: UInt32 = 0
    var baseCount: UInt32 = 0
    /// How many nodes the tree would nest.
    var nesting: UInt32 = 1
    var isReference = false
    var isTemplated = false
    var isPack = false
  }

  private var input = Text.empty
  private var position = 0
  private var end = 0
  private var depth = 0
  private var output = Pool<UInt8>(capacity: 1024)
  private var arranged = Pool<UInt8>(capacity: 1024)
  private var substitutions = Pool<Piece>(capacity: 64)
  /// What `T_`, `T0_`, … stand for: the arguments of the function's name.
  private var arguments = Pool<Piece>(capacity: 16)

  /// What these names may ask for stays far below the limits of the tree, so that both refuse the same names.
  private static var nestingLimit: UInt32 { 60 }
  private static var depthLimit: Int { 40 }
  private var outputLimit: Int { 512 + 4 * end }

  /// The readable form of a name that starts with `_Z`, valid until the next call; nil if it has to be looked at closely.
  mutating func demangle(_ name: Text) -> Text? {
    input = name
    position = 2
    end = name.count
    depth = 0
    output.removeAll()
    substitutions.removeAll()
    arguments.removeAll()
    do throws(MalformedName) {
      return try readFunction()
    } catch {
      return nil
    }
  }

  private mutating func readFunction() throws(MalformedName) -> Text {
    var context = NameContext(isEncoding: true)
    _ = try readName(&context)
    guard position < end else { return output.text }
    let nameEnd = output.count
    if context.endsWithTemplateArguments && !context.hasNoReturnType { _ = try readType() }
    let returnEnd = output.count
    output.append(UInt8(ascii: "("))
    if consume(UInt8(ascii: "v")) {
      guard position == end else { throw MalformedName() }
    } else {
      _ = try readType()
      while position < end {
        output.append(Text(", "))
        _ = try readType()
      }
    }
    output.append(UInt8(ascii: ")"))
    if context.qualifiers & Qualifier.const != 0 { output.append(Text(" const")) }
    guard returnEnd > nameEnd else { return output.text }
    let text = output.text
    arranged.removeAll()
    arranged.append(text[nameEnd..<returnEnd])
    arranged.append(UInt8(ascii: " "))
    arranged.append(text[0..<nameEnd])
    arranged.append(text.dropping(returnEnd))
    return arranged.text
  }

  // MARK: Names

  private mutating func readName(_ context: inout NameContext) throws(MalformedName) -> Piece {
    if peek() == UInt8(ascii: "N") { return try readNestedName(&context) }
    var piece = Piece(start: UInt32(output.count))
    var isSubstitution = false
    if consume(UInt8(ascii: "S")) {
      if consume(UInt8(ascii: "t")) {
        output.append(Text("std"))
        piece.nesting += 1
        try readUnqualifiedName(&piece, isInScope: true, &context)
      } else {
        piece = try readSubstitution()
        isSubstitution = true
        guard peek() == UInt8(ascii: "I") else { throw MalformedName() }
      }
    } else {
      try readUnqualifiedName(&piece, isInScope: false, &context)
    }
    if peek() == UInt8(ascii: "I") {
      if !isSubstitution { substitutions.append(piece) }
      try readTemplateArguments(of: &piece, isTagged: context.isEncoding)
      context.endsWithTemplateArguments = true
    }
    return piece
  }

  private mutating func readNestedName(_ context: inout NameContext) throws(MalformedName) -> Piece {
    position += 1
    if consume(UInt8(ascii: "K")) { context.qualifiers = Qualifier.const }
    var piece = Piece(start: UInt32(output.count))
    var isFirst = true
    var isEntered = false
    while !consume(UInt8(ascii: "E")) {
      context.endsWithTemplateArguments = false
      isEntered = true
      if isFirst, consume(UInt8(ascii: "S")) {
        isEntered = false
        if consume(UInt8(ascii: "t")) {
          output.append(Text("std"))
          finish(&piece)
        } else {
          piece = try readSubstitution()
        }
      } else if !isFirst, peek() == UInt8(ascii: "I") {
        guard !piece.isTemplated else { throw MalformedName() }
        try readTemplateArguments(of: &piece, isTagged: context.isEncoding)
        context.endsWithTemplateArguments = true
        substitutions.append(piece)
      } else {
        // More qualifiers than `const` could stand in front of the first.
        guard !isFirst || isDigit(peek()) || peek() == UInt8(ascii: "L") else { throw MalformedName() }
        try readUnqualifiedName(&piece, isInScope: !isFirst, &context)
        substitutions.append(piece)
      }
      isFirst = false
    }
    // The whole name is entered where it turns out to be a type.
    guard isEntered else { throw MalformedName() }
    substitutions.truncate(to: substitutions.count - 1)
    return piece
  }

  /// A source name, a constructor or an operator, behind its scope if it has one.
  private mutating func readUnqualifiedName(
    _ piece: inout Piece, isInScope: Bool, _ context: inout NameContext
  ) throws(MalformedName) {
    if isInScope { output.append(Text("::")) }
    _ = consume(UInt8(ascii: "L"))
    let letter = peek()
    if letter == UInt8(ascii: "C") || letter == UInt8(ascii: "D") {
      guard isInScope, piece.baseCount > 0 else { throw MalformedName() }
      try readConstructor(of: piece)
      piece.baseCount = 0
      context.hasNoReturnType = true
    } else if isDigit(letter), letter != UInt8(ascii: "0") {
      piece.baseStart = UInt32(output.count) - piece.start
      try readSourceName()
      piece.baseCount = UInt32(output.count) - piece.start - piece.baseStart
    } else if let found = Operator(letter, peek(1)), found.form != .conversion, found.canNameFunction {
      position += 2
      output.append(found.name)
      piece.baseCount = 0
    } else {
      throw MalformedName()
    }
    while consume(UInt8(ascii: "B")) {
      output.append(Text("[abi:"))
      output.append(try readIdentifier())
      output.append(UInt8(ascii: "]"))
      piece.nesting += 1
    }
    piece.isTemplated = false
    piece.nesting += 1
    finish(&piece)
    guard piece.nesting < DirectDemangler.nestingLimit else { throw MalformedName() }
  }

  private mutating func readConstructor(of scope: Piece) throws(MalformedName) {
    let isDestructor = peek() == UInt8(ascii: "D")
    switch (isDestructor, peek(1)) {
    case (false, UInt8(ascii: "1")...UInt8(ascii: "5")): break
    case (true, UInt8(ascii: "0")...UInt8(ascii: "2")), (true, UInt8(ascii: "4")...UInt8(ascii: "5")): break
    default: throw MalformedName()
    }
    position += 2
    if isDestructor { output.append(UInt8(ascii: "~")) }
    output.appendCopy(from: Int(scope.start + scope.baseStart), count: Int(scope.baseCount))
  }

  private mutating func readSourceName() throws(MalformedName) {
    let identifier = try readIdentifier()
    let isAnonymous = identifier.first == UInt8(ascii: "_") && identifier.hasPrefix("_GLOBAL__N")
    output.append(isAnonymous ? Text("(anonymous namespace)") : identifier)
  }

  private mutating func readIdentifier() throws(MalformedName) -> Text {
    var length = 0
    while isDigit(peek()), length < end {
      length = length * 10 + Int(input[position] - UInt8(ascii: "0"))
      position += 1
    }
    guard length > 0, length <= end - position else { throw MalformedName() }
    defer { position += length }
    return input[position..<position + length]
  }

  // MARK: Template arguments and what stands for pieces

  private mutating func readTemplateArguments(of piece: inout Piece, isTagged: Bool) throws(MalformedName) {
    position += 1
    if isTagged { arguments.removeAll() }
    output.append(UInt8(ascii: "<"))
    var isFirst = true
    while !consume(UInt8(ascii: "E")) {
      let argument = try readListed(&isFirst)
      if isTagged { arguments.append(argument) }
      piece.nesting = max(piece.nesting, argument.nesting)
    }
    output.append(UInt8(ascii: ">"))
    piece.isTemplated = true
    piece.nesting += 2
    finish(&piece)
    guard piece.nesting < DirectDemangler.nestingLimit else { throw MalformedName() }
  }

  /// One argument, behind a comma unless it is the first or nothing: an empty pack leaves no comma.
  private mutating func readListed(_ isFirst: inout Bool) throws(MalformedName) -> Piece {
    let beforeComma = output.count
    if !isFirst { output.append(Text(", ")) }
    let afterComma = output.count
    let argument = try readArgument()
    if output.count == afterComma {
      output.truncate(to: beforeComma)
    } else {
      isFirst = false
    }
    return argument
  }

  private mutating func readArgument() throws(MalformedName) -> Piece {
    guard consume(UInt8(ascii: "J")) else { return try readType() }
    depth += 1
    guard depth < DirectDemangler.depthLimit else { throw MalformedName() }
    var pack = Piece(start: UInt32(output.count))
    pack.isPack = true
    var isFirst = true
    while !consume(UInt8(ascii: "E")) {
      pack.nesting = max(pack.nesting, try readListed(&isFirst).nesting + 1)
    }
    depth -= 1
    return pack
  }

  /// Behind an `S`.
  private mutating func readSubstitution() throws(MalformedName) -> Piece {
    if let name = StandardName(rawValue: peek()) {
      position += 1
      guard peek() != UInt8(ascii: "B") else { throw MalformedName() }
      var piece = Piece(start: UInt32(output.count))
      output.append(Text("std::"))
      output.append(Text(name.name))
      finish(&piece)
      return piece
    }
    let index = try readSequence()
    guard index < substitutions.count else { throw MalformedName() }
    return try repeated(substitutions[index])
  }

  /// A number to base 36, behind which there is an underscore; one more than its value, as none means the first.
  private mutating func readSequence() throws(MalformedName) -> Int {
    var value = 0
    let start = position
    while !consume(UInt8(ascii: "_")) {
      let byte = peek()
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value * 36 + Int(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = value * 36 + Int(byte - UInt8(ascii: "A") + 10)
      default: throw MalformedName()
      }
      position += 1
      guard value < end else { throw MalformedName() }
    }
    return position - start > 1 ? value + 1 : 0
  }

  /// Writes once more what was written before.
  private mutating func repeated(_ piece: Piece) throws(MalformedName) -> Piece {
    guard !piece.isPack, output.count < outputLimit else { throw MalformedName() }
    var copy = piece
    copy.start = UInt32(output.count)
    output.appendCopy(from: Int(piece.start), count: Int(piece.count))
    return copy
  }

  // MARK: Types

  private mutating func readType() throws(MalformedName) -> Piece {
    let letter = peek()
    var piece = Piece(start: UInt32(output.count))
    if let word = ItaniumDemangler.builtinType(letter) {
      position += 1
      output.append(Text(word))
      finish(&piece)
      return piece
    }
    depth += 1
    guard depth < DirectDemangler.depthLimit else { throw MalformedName() }
    switch letter {
    case UInt8(ascii: "P"): piece = try readPointer("*")
    case UInt8(ascii: "R"): piece = try readPointer("&")
    case UInt8(ascii: "O"): piece = try readPointer("&&")
    case UInt8(ascii: "K"):
      guard peek(1) != UInt8(ascii: "F"), peek(1) != UInt8(ascii: "D") else { throw MalformedName() }
      piece = try readPointer(" const")
    case UInt8(ascii: "T"): piece = try readParameter()
    case UInt8(ascii: "S") where peek(1) != UInt8(ascii: "t"):
      position += 1
      piece = try readSubstitution()
      guard peek() == UInt8(ascii: "I") else {
        depth -= 1
        return piece
      }
      try readTemplateArguments(of: &piece, isTagged: false)
    default:
      guard letter == UInt8(ascii: "N") || letter == UInt8(ascii: "S") || isDigit(letter) else { throw MalformedName() }
      var context = NameContext.plain
      piece = try readName(&context)
    }
    depth -= 1
    substitutions.append(piece)
    return piece
  }

  /// A type with something behind it. References to references are one, which takes a closer look.
  private mutating func readPointer(_ suffix: StaticString) throws(MalformedName) -> Piece {
    position += 1
    var piece = try readType()
    let isReference = Text(suffix).first == UInt8(ascii: "&")
    guard !(isReference && piece.isReference) else { throw MalformedName() }
    output.append(Text(suffix))
    // A qualified reference still is one, to those that refer to it.
    if Text(suffix).first == UInt8(ascii: "*") { piece.isReference = false }
    if isReference { piece.isReference = true }
    piece.nesting += 1
    finish(&piece)
    guard piece.nesting < DirectDemangler.nestingLimit else { throw MalformedName() }
    return piece
  }

  /// A template parameter, which is no template itself.
  private mutating func readParameter() throws(MalformedName) -> Piece {
    position += 1
    var index = 0
    if !consume(UInt8(ascii: "_")) {
      while isDigit(peek()), index < end {
        index = index * 10 + Int(input[position] - UInt8(ascii: "0"))
        position += 1
      }
      index += 1
      guard isDigit(input[position - 1]), consume(UInt8(ascii: "_")) else { throw MalformedName() }
    }
    guard peek() != UInt8(ascii: "I") else { throw MalformedName() }
    guard index < arguments.count else { throw MalformedName() }
    return try repeated(arguments[index])
  }

  // MARK: Parts

  /// Everything from the piece's start on belongs to it.
  @inline(__always)
  private func finish(_ piece: inout Piece) { piece.count = UInt32(output.count) - piece.start }

  @inline(__always)
  private func peek(_ distance: Int = 0) -> UInt8 {
    position + distance < end ? input[position + distance] : 0
  }

  @inline(__always)
  private mutating func consume(_ byte: UInt8) -> Bool {
    guard position < end, input[position] == byte else { return false }
    position += 1
    return true
  }
}
