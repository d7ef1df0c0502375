import WebAssemblyFormat

/// A symbol's name as a person wrote it in the source.
func demangle(_ name: ByteString) -> String {
  // WebAssembly functions have exact signatures, so clang gives `main` another name when it takes arguments.
  name == "__main_argc_argv" ? "main" : name.description
}
