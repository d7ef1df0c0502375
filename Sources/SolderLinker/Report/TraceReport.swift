import WebAssemblyFormat

/// Tells of names given with `--trace-symbol` that no file has: there is nothing else to be told about them.
enum TraceReport {
  static func write(_ bindings: Bindings, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    guard !options.speaksLikeWasmLD else { return }
    for name in options.tracedSymbols {
      let id = bindings.table.find(bindings.own.names.intern(name))
      let symbol = id.map { bindings.table.symbols[$0] }
      let isKnown = symbol.map { $0.hasKind || $0.state == .lazy } ?? false
      if !isKnown { diagnostics.message("--trace-symbol: no input has a symbol '\(name)'") }
    }
  }
}
