/// A node of the syntax tree, by its place in the tree's pool. Nodes only refer to nodes made before them; the one
/// exception is a `forwardReference`, whose target is filled in later.
struct NodeID: Equatable, BitwiseCopyable {
  let index: UInt32

  /// The absence of a node; it is also the place of a placeholder, so that reading it is harmless.
  static var none: NodeID { NodeID(index: 0) }
  var isNone: Bool { index == 0 }
}

/// Consecutive nodes in the tree's pool of elements.
struct NodeList: BitwiseCopyable {
  var start: UInt32
  var count: UInt32

  static var empty: NodeList { NodeList(start: 0, count: 0) }
  var isEmpty: Bool { count == 0 }
}

/// Whether a node has a certain trait; a pack or a forward reference only knows when it is printed.
enum Answer: UInt8, BitwiseCopyable { case no, yes, unknown }

/// What `Shape` knows about.
enum Trait { case right, array, function }

/// What a declarator around the node must know: C++ writes `int (*name)[3]`, so the text of a type falls apart into
/// what stands left of the name and what stands right of it.
struct Shape: BitwiseCopyable {
  var hasRight: Answer
  var isArray: Answer
  var isFunction: Answer

  subscript(trait: Trait) -> Answer {
    switch trait {
    case .right: hasRight
    case .array: isArray
    case .function: isFunction
    }
  }

  static var plain: Shape { Shape(hasRight: .no, isArray: .no, isFunction: .no) }
  static var array: Shape { Shape(hasRight: .yes, isArray: .yes, isFunction: .no) }
  static var function: Shape { Shape(hasRight: .yes, isArray: .no, isFunction: .yes) }
  static var unknown: Shape { Shape(hasRight: .unknown, isArray: .unknown, isFunction: .unknown) }
  static func right(_ answer: Answer) -> Shape { Shape(hasRight: answer, isArray: .no, isFunction: .no) }
}

/// The precedence of C++ operators, tightest first; it decides where parentheses go.
enum Precedence: UInt8, BitwiseCopyable {
  case primary, postfix, unary, cast, memberPointer, multiplicative, additive, shift, spaceship, relational, equality
  case and, xor, or, logicalAnd, logicalOr, conditional, assignment, comma, lowest
}

/// One construct of C++.
struct Node: BitwiseCopyable {
  var kind: Kind
  var precedence = Precedence.primary
  /// Small facts of the kind: qualifiers, left or right, signed or not.
  var flags: UInt8 = 0
  /// Set while this node is being printed, to stop at a cycle through a forward reference.
  var isPrinting = false
  var shape = Shape.plain
  /// Children; which is which stands at the kind.
  var a = NodeID.none
  var b = NodeID.none
  var c = NodeID.none
  var d = NodeID.none
  var list = NodeList.empty
  var text = Text.empty

  /// A second list, kept in `c` and `d`.
  var secondList: NodeList {
    get { NodeList(start: c.index, count: d.index) }
    set {
      c = NodeID(index: newValue.start)
      d = NodeID(index: newValue.count)
    }
  }

  init(_ kind: Kind, _ a: NodeID = .none, _ b: NodeID = .none, _ c: NodeID = .none) {
    self.kind = kind
    self.a = a
    self.b = b
    self.c = c
  }

  init(_ kind: Kind, _ a: NodeID = .none, _ b: NodeID = .none, text: Text) {
    self.init(kind, a, b)
    self.text = text
  }

  init(_ kind: Kind, _ a: NodeID = .none, list: NodeList) {
    self.init(kind, a)
    self.list = list
  }

  enum Kind: UInt8, BitwiseCopyable {
    // Names. The letters are the children.
    /// Text as it stands.
    case name
    /// a with the compiler's suffix, such as `.isra.0`.
    case dotSuffix
    /// `a::b`: a member of a scope, a name in an expression, an entity inside the function a.
    case nested, scoped, local
    /// `::a`
    case global
    /// A friend b declared inside a.
    case friend
    /// Template a with arguments b.
    case templated
    case templateArguments
    /// A base name a with an ABI tag.
    case abiTag
    /// Module b inside module a (or none); `flags` is 1 for a partition.
    case module
    /// Name b of module a.
    case moduleEntity
    /// A name of `std` that has its own abbreviation; `flags` says which. The second form shows its template arguments.
    case standard, standardInstance
    /// Constructor or (`flags` 1) destructor of a.
    case constructor
    /// `~a` in an expression.
    case destructor
    /// `operator a`, `operator"" a`
    case conversionOperator, literalOperator
    case unnamedType
    /// A lambda: template parameters (second list), clauses a and b, parameters.
    case closure
    case structuredBinding
    /// The words in `text`, then a.
    case special
    /// The construction vtable for a in b.
    case constructionVTable
    /// A function: return type a, name b, parameters, attributes c, clause d.
    case encoding
    case enableIf
    /// `this a`
    case explicitObject

    // Types.
    /// a with the qualifiers in `flags`.
    case qualified
    /// a, a vendor's qualifier, and its arguments b.
    case vendorQualified
    case postfixQualified
    case elaborated
    case transformed
    case objCProtocol
    case pointer
    /// Reference to a; `flags` is 1 for an rvalue reference.
    case reference
    /// Pointer to a member of type b of class a.
    case memberPointer
    /// a[b]
    case array
    /// A function type: return type a, exception specification b, parameters.
    case function
    case noexceptSpecification, throwSpecification
    /// Vector of b elements a.
    case vector
    case pixelVector
    case binaryFloat
    /// `_BitInt(a)`; `flags` is 1 if it is signed.
    case bitInt

    // Template parameters.
    /// A made-up name: the kind of parameter is in `flags`, the number in `a`.
    case inventedParameter
    /// Argument b of the declared parameter a.
    case declaredArgument
    case typeParameter
    /// Constraint a on the name b.
    case constrainedParameter
    /// Name a of type b.
    case valueParameter
    /// Name a, parameters, clause b.
    case templateParameter
    case packParameter
    /// A pack that a parameter stands for, of which an expansion shows one element at a time.
    case parameterPack
    /// The same, as template arguments.
    case argumentPack
    case expansion
    /// Parameter number `b`, whose argument a is only known later.
    case forwardReference

    // Expressions.
    case binary, prefix, postfix, subscripted, member, conditional
    /// `text(a)`
    case enclosing
    /// `text<a>(b)`
    case cast
    case sizeofPack
    case call
    /// `new (list) a(second list)`; the flags say global and array.
    case new
    case delete
    case functionParameter
    /// `(a)(list)`
    case conversion
    case memberPointerConversion
    /// A subobject of b, of type a, at an offset.
    case subobject
    case initializerList
    /// `.a = b` or (`flags` 1) `[a] = b`
    case braced
    /// `[a ... b] = c`
    case bracedRange
    /// Pack a, initial value b; `flags` is 1 for a left fold.
    case fold
    case throwing
    case stringLiteral, lambda, enumLiteral
    /// `flags` is the type's letter.
    case integerLiteral, floatLiteral
    /// `requires (list) { second list }`
    case requires
    /// a, constraint b; `flags` is 1 for `noexcept`.
    case expressionRequirement
    case typeRequirement, nestedRequirement
    case list

    static var firstType: Kind { .qualified }
    static var firstParameter: Kind { .inventedParameter }
    static var firstExpression: Kind { .binary }
  }
}

/// The bits of `Node.flags` for types and functions.
enum Qualifier {
  static let const: UInt8 = 1
  static let volatile: UInt8 = 2
  static let restrict: UInt8 = 4
  /// `&` and `&&` after a member function.
  static let lvalue: UInt8 = 8
  static let rvalue: UInt8 = 16
}
