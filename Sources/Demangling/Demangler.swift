/// Shows mangled C++ and Rust names as their author wrote them, in LLVM's wording.
///
/// A linker's name section and messages show what `llvm::demangle` makes of a symbol, so this follows LLVM 19 to the
/// byte, also where the text is odd (`'lambda'(auto)`, the hash at the end of Rust's older names):
///
/// - `_Z…`: the mangling of the Itanium C++ ABI, chapter 5.1, with what clang and gcc add to it. Rust's older scheme is
///   a subset of it.
/// - `_R…`: Rust's symbol name mangling, version 0 (RFC 2603).
/// - `___Z…_block_invoke`: the functions behind Apple's blocks.
///
/// One more underscore in front is ignored, a dot in front is kept. All other names are not mangled. The manglings of
/// Microsoft and of D, which LLVM also knows, are not understood: no WebAssembly compiler of C++ uses the first.
///
/// A demangler keeps its memory from name to name; use one for each thread. Any bytes are a valid argument. Work and
/// output are bounded by the length of the name, nesting by a constant: a name beyond those limits (compilers make
/// none) counts as not mangled.
public struct Demangler: ~Copyable {
  private var direct = DirectDemangler()
  private var itanium = ItaniumDemangler()
  private var rust = RustDemangler()
  /// Of a name with a dot in front, the dot and the readable form.
  private var dotted = Pool<UInt8>(capacity: 64)

  /// A demangler that has seen no name yet.
  public init() {}

  /// The readable form of `name`, in memory of the demangler: valid until the next call and as long as the demangler is.
  ///
  /// - Returns: nil if `name` is not mangled.
  /// - Complexity: O(*n*) in the length of the name, with a large factor for hostile names.
  public mutating func demangled(_ name: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
    guard let start = name.baseAddress, name.count >= 2, name.count <= Limits.nameLength else { return nil }
    guard let result = unsafe demangled(Text(start: start, count: name.count)) else { return nil }
    return unsafe UnsafeBufferPointer(start: result.start, count: result.count)
  }

  private mutating func demangled(_ name: Text) -> Text? {
    if name.first == UInt8(ascii: ".") { return demangled(dotted: name) }
    guard name.first == UInt8(ascii: "_") else { return nil }
    return demangled(encoded: name) ?? demangled(encoded: name.dropping(1))
  }

  /// Appends the readable form of `name` to `output`.
  ///
  /// - Returns: false if `name` is not mangled; then `output` is as it was.
  /// - Complexity: O(*n*) in the length of the name, with a large factor for hostile names.
  public mutating func demangle(_ name: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) -> Bool {
    guard let result = unsafe demangled(name) else { return false }
    unsafe output.append(contentsOf: result)
    return true
  }

  private mutating func demangled(dotted name: Text) -> Text? {
    guard let result = demangled(encoded: name.dropping(1)) else { return nil }
    dotted.removeAll()
    dotted.append(name.first)
    dotted.append(result)
    return dotted.text
  }

  /// Demangles a name that starts with the mark of its scheme.
  private mutating func demangled(encoded name: Text) -> Text? {
    guard name.first == UInt8(ascii: "_"), name.count >= 2 else { return nil }
    let result: Text?
    switch name[1] {
    case UInt8(ascii: "Z"): result = direct.demangle(name) ?? itanium.demangle(name)
    case UInt8(ascii: "_"): result = name.hasPrefix("___Z") ? itanium.demangle(name) : nil
    case UInt8(ascii: "R"): result = rust.demangle(name)
    default: result = nil
    }
    // LLVM passes the result on as a C string.
    guard let result else { return nil }
    return result[0..<result.indexOfZero]
  }
}

/// Appends the readable form of the mangled name `bytes` to `output`.
///
/// For more than a few names, keep a ``Demangler``, which does not ask for memory each time.
///
/// - Returns: false if `bytes` is not a mangled name; then `output` is as it was.
public func demangle(_ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) -> Bool {
  var demangler = Demangler()
  return unsafe demangler.demangle(bytes, into: &output)
}

/// How much a name may ask for.
enum Limits {
  /// The longest name looked at, in bytes.
  static let nameLength = 1 << 20
  /// Nested grammar rules while reading. Of 125,000 names from large C++ programs the deepest needs 43. An optimized
  /// build gets by with 128 KB of stack, all that a thread has where the C library is musl.
  static let parseDepth = 200
  /// Nested nodes while writing.
  static let printDepth = 200
  /// Nested rules in a Rust name: LLVM's own limit.
  static let rustDepth = 500

  /// Steps and bytes of output for a name of `length` bytes. Real names stay below 25 for each of their bytes.
  static func fuel(forLength length: Int) -> Int { 4096 + 64 * length }
}

/// The name breaks the rules of its scheme, or asks for more than its ``Limits`` allow.
struct MalformedName: Error {}
