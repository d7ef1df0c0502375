/// Reads a name mangled by the rules of the Itanium C++ ABI (chapter 5.1) into a tree, and writes the tree as LLVM does.
///
/// Two steps are needed because a name is not written in the order in which it is read: a return type stands behind
/// the function's name, a declarator wraps around what it declares, and a conversion operator may mention template
/// arguments that only come later. Each rule of the grammar is one function here; its comment quotes the rule where
/// the code does not show it.
///
/// The reading gives up at the first mistake, so there is nothing to undo: everything is reset before the next name.
struct ItaniumDemangler: ~Copyable {
  // What is read.
  var input = Text.empty
  var position = 0
  var end = 0

  // The tree. Node 0 and element 0 are placeholders.
  var nodes = Pool<Node>(capacity: 256)
  var elements = Pool<NodeID>(capacity: 256)

  // The state of reading.
  /// Components that `S_`, `S0_`, … stand for, in the order they came.
  var substitutions = Pool<NodeID>(capacity: 64)
  /// The children of lists under construction, the innermost list last.
  var pending = Pool<NodeID>(capacity: 64)
  var templates = TemplateScopes()
  /// Forward references whose argument is not yet known.
  var forwardReferences = Pool<NodeID>(capacity: 8)
  /// Counters for invented parameter names: types, values, templates.
  var inventedNames: (types: UInt32, values: UInt32, templates: UInt32) = (0, 0, 0)
  /// False inside a conversion operator's type, whose arguments belong to the operator.
  var acceptsTemplateArguments = true
  /// True inside a conversion operator's type, which may name arguments that follow.
  var permitsForwardReferences = false
  var isInConstraint = false
  /// The level at which an unknown template parameter means `auto`, or -1.
  var lambdaLevel = -1

  // The state of writing.
  var output = Pool<UInt8>(capacity: 1024)
  /// The element of the pack that is being expanded and the number of elements; `noPack` outside.
  var packIndex = ItaniumDemangler.noPack
  var packCount = ItaniumDemangler.noPack
  /// Zero directly inside template arguments, where `>` needs parentheses.
  var parenthesesDepth = 1

  var depth = 0
  var fuel = 0

  static var noPack: UInt32 { .max }

  /// The readable form of `name`, valid until the next call, or nil.
  mutating func demangle(_ name: Text) -> Text? {
    reset(to: name)
    do throws(MalformedName) {
      let root = try parseMangledName()
      depth = 0
      try write(root)
    } catch {
      return nil
    }
    return output.text
  }

  private mutating func reset(to name: Text) {
    input = name
    position = 0
    end = name.count
    nodes.removeAll()
    nodes.append(Node(.name))
    elements.removeAll()
    substitutions.removeAll()
    pending.removeAll()
    templates.removeAll()
    forwardReferences.removeAll()
    inventedNames = (0, 0, 0)
    acceptsTemplateArguments = true
    permitsForwardReferences = false
    isInConstraint = false
    lambdaLevel = -1
    output.removeAll()
    packIndex = ItaniumDemangler.noPack
    packCount = ItaniumDemangler.noPack
    parenthesesDepth = 1
    depth = 0
    fuel = Limits.fuel(forLength: name.count)
  }

  // <mangled-name> ::= _Z <encoding> [. <suffix>]
  //                ::= ___Z <encoding> _block_invoke [_] [<number>] [. <suffix>]
  private mutating func parseMangledName() throws(MalformedName) -> NodeID {
    if consume("_Z") {
      var root = try parseEncoding()
      if peek() == UInt8(ascii: ".") {
        root = add(Node(.dotSuffix, root, text: slice(from: position, to: end)))
        position = end
      }
      guard position == end else { throw MalformedName() }
      return root
    }
    try expect("___Z")
    let root = try parseEncoding()
    try expect("_block_invoke")
    let needsNumber = consume(UInt8(ascii: "_"))
    if parseNumber().isEmpty && needsNumber { throw MalformedName() }
    guard position == end || peek() == UInt8(ascii: ".") else { throw MalformedName() }
    return add(Node(.special, root, text: Text("invocation function for block in ")))
  }
}

// Building blocks of the rules.
extension ItaniumDemangler {
  /// The byte `distance` places ahead, or 0 at the end.
  @inline(__always)
  func peek(_ distance: Int = 0) -> UInt8 {
    position + distance < end ? input[position + distance] : 0
  }

  @inline(__always)
  mutating func consume(_ byte: UInt8) -> Bool {
    guard position < end, input[position] == byte else { return false }
    position += 1
    return true
  }

  @inline(__always)
  mutating func consume(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard end - position >= length else { return false }
    for index in 0..<length where input[position + index] != Text(word)[index] { return false }
    position += length
    return true
  }

  @inline(__always)
  mutating func expect(_ byte: UInt8) throws(MalformedName) {
    if !consume(byte) { throw MalformedName() }
  }

  @inline(__always)
  mutating func expect(_ word: StaticString) throws(MalformedName) {
    if !consume(word) { throw MalformedName() }
  }

  func slice(from start: Int, to limit: Int) -> Text { input[start..<limit] }

  @inline(__always)
  mutating func add(_ node: Node) -> NodeID {
    let index = nodes.count
    nodes.append(node)
    return NodeID(index: UInt32(truncatingIfNeeded: index))
  }

  mutating func add(word: StaticString) -> NodeID { add(Node(.name, text: Text(word))) }

  subscript(id: NodeID) -> Node { nodes[Int(id.index)] }

  /// Makes a list of the pending children from `start` on.
  mutating func takePending(from start: Int) -> NodeList {
    let first = elements.count
    for index in start..<max(start, pending.count) { elements.append(pending[index]) }
    pending.truncate(to: start)
    return NodeList(start: UInt32(truncatingIfNeeded: first), count: UInt32(truncatingIfNeeded: elements.count - first))
  }

  /// Counts a nested rule; the caller counts down when the rule is done.
  @inline(__always)
  mutating func descend() throws(MalformedName) {
    depth += 1
    if depth > Limits.parseDepth { throw MalformedName() }
  }

  // <number> ::= [n] <non-negative decimal integer>
  // Without digits the result is empty, although the `n` is gone: LLVM does so too.
  mutating func parseNumber(allowNegative: Bool = false) -> Text {
    let start = position
    if allowNegative { _ = consume(UInt8(ascii: "n")) }
    guard isDigit(peek()) else { return .empty }
    while isDigit(peek()) { position += 1 }
    return slice(from: start, to: position)
  }

  /// A decimal number; one that does not fit wraps around, like LLVM's, and then fails as a length or an index.
  mutating func parsePositiveInteger() -> UInt64? {
    guard isDigit(peek()) else { return nil }
    var value: UInt64 = 0
    while isDigit(peek()) {
      value = value &* 10 &+ UInt64(input[position] - UInt8(ascii: "0"))
      position += 1
    }
    return value
  }

  // <source-name> ::= <positive length number> <identifier>
  mutating func parseIdentifier() throws(MalformedName) -> Text {
    guard let length = parsePositiveInteger(), length > 0, length <= UInt64(end - position) else {
      throw MalformedName()
    }
    let start = position
    position += Int(length)
    return slice(from: start, to: position)
  }

  mutating func parseSourceName() throws(MalformedName) -> NodeID {
    let identifier = try parseIdentifier()
    if identifier.first == UInt8(ascii: "_"), identifier.hasPrefix("_GLOBAL__N") {
      return add(word: "(anonymous namespace)")
    }
    return add(Node(.name, text: identifier))
  }

  // <CV-qualifiers> ::= [r] [V] [K]
  mutating func parseQualifiers() -> UInt8 {
    var qualifiers: UInt8 = 0
    if consume(UInt8(ascii: "r")) { qualifiers |= Qualifier.restrict }
    if consume(UInt8(ascii: "V")) { qualifiers |= Qualifier.volatile }
    if consume(UInt8(ascii: "K")) { qualifiers |= Qualifier.const }
    return qualifiers
  }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
