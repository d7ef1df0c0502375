/// The value types of WebAssembly that the compiler uses, with their encodings.
enum WasmType: UInt8 {
  case i32 = 0x7f
  case f64 = 0x7c
}

/// A function type of WebAssembly.
struct WasmSignature: Hashable {
  var parameters: [WasmType]
  var results: [WasmType]
}

extension CalcType {
  /// How a value of this type is held.
  ///
  /// - Precondition: not `.nothing`, which the checker never lets become a value.
  var wasmType: WasmType { self == .number ? .f64 : .i32 }
}

extension Signature {
  /// The function type that both the compiler and C give to such a function.
  var wasmSignature: WasmSignature {
    WasmSignature(parameters: parameters.map(\.wasmType), results: result == .nothing ? [] : [result.wasmType])
  }
}
