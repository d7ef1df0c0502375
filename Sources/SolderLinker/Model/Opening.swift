import WebAssemblyFormat

/// How a program comes to a shared library by opening it while it runs (`dlopen`).
struct Opening: Sendable {
  /// What the program can open it by; none of a library that others of these need.
  var names: [ByteString]
  /// Whether it is in the link for that alone. Then nobody finds what it defines but those who open it, and those whom it
  /// was linked for.
  var isOnly: Bool
  /// Whether its constructors run only then.
  var constructs: Bool
}
