import WebAssemblyFormat

/// A symbol's name as a person wrote it in the source.
func demangle(_ name: ByteString) -> String { name.description }
