import CPlatform
import Demangling
import WebAssemblyFormat

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension LinkOptions {
  /// A symbol's name as messages show it: as a person wrote it in the source, unless `--no-demangle` says otherwise.
  func displayName(of name: ByteString) -> String {
    if name == "__main_argc_argv" { return "main" }
    // `wasm-ld` leaves the names of Swift as they are.
    if demangle, !speaksLikeWasmLD, name.hasPrefix("$s") || name.hasPrefix("$S"), let shown = name.demangledSwift {
      return shown
    }
    return demangle ? name.demangled.map { String(decoding: $0, as: UTF8.self) } ?? name.description : name.description
  }
}

extension ByteString {
  /// The name as it was written in C++ or Rust; `nil` for one that is not mangled.
  var demangled: [UInt8]? {
    var output: [UInt8] = []
    return unsafe withBuffer { unsafe Demangling.demangle($0, into: &output) } ? output : nil
  }

  /// The name as it was written in Swift.
  fileprivate var demangledSwift: String? {
    let shown = unsafe withBuffer { name in
      unsafe name.withMemoryRebound(to: CChar.self) { unsafe swift_demangle($0.baseAddress, $0.count, nil, nil, 0) }
    }
    guard let shown = unsafe shown else { return nil }
    defer { unsafe free(shown) }
    return unsafe String(cString: shown)
  }
}

/// Turns symbol names into what the name section shows, one after the other, without memory of its own for each.
struct DisplayNames: ~Copyable {
  private var demangler = Demangler()
  private let isDemangling: Bool

  init(demangles: Bool) { isDemangling = demangles }

  /// Calls `body` with the bytes of the name to show, which are there as long as the call takes.
  mutating func withName<Result>(of name: ByteString, _ body: (ByteReader) -> Result) -> Result {
    // WebAssembly functions have exact signatures, so clang gives `main` another name when it takes arguments.
    if name == "__main_argc_argv" { return body(ByteString("main").bytes) }
    guard isDemangling, name.count > 2, name[0] == UInt8(ascii: "_") || name[0] == UInt8(ascii: ".") else {
      return body(name.bytes)
    }
    let shown = unsafe name.withBuffer { name in
      unsafe demangler.demangled(name).flatMap { shown in
        unsafe shown.baseAddress.map { unsafe ByteReader($0, 0..<shown.count) }
      }
    }
    return body(shown ?? name.bytes)
  }
}
