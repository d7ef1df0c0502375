import WebAssemblyFormat

// Functions that are written in JavaScript (emscripten's EM_JS and EM_ASM).
//
// For `EM_JS(int, f, (int a), { … })` a library has an import `env.f` and, in data that it exports as `__em_js__f`, the
// parameters and the body as text. EM_ASM calls `emscripten_asm_const_int` and its relatives with the address of such a
// text. Nobody but a host with JavaScript can do either: both stay imports, and what is wanted of the host is listed.
extension ResolvePass {
  private static let textPrefix = "__em_js__"

  /// Leaves functions that are JavaScript to the host.
  ///
  /// - Parameter undefined: what may be among them.
  mutating func importJavaScript(_ undefined: [SymbolID]) {
    var wanted: [String] = []
    for id in undefined {
      let symbol = resolver.table.symbols[id]
      guard symbol.isUndefined, symbol.kind == .function else { continue }
      let name = resolver.table.importName(of: symbol).name.description
      if let text = resolver.table.find(names.intern(Self.textPrefix + name)),
        resolver.table.symbols[text].isDefined
      {
        resolver.table.symbols[text].attributes.insert(.forceExport)
        wanted.append(self.text(resolver.table.symbols[text]).map { "\(name): \($0)" } ?? name)
      } else if symbol.importNames == nil, name.hasPrefix("emscripten_asm_const_") {
        wanted.append(name + ": what EM_ASM has as text")
      } else {
        continue
      }
      if symbol.importNames == nil { resolver.table.symbols[id].attributes.insert(.forceImport) }
    }
    if wanted.isEmpty { return }
    diagnostics.warn(
      "these functions are JavaScript, and stay imports from the host\n>>> " + wanted.joined(separator: "\n>>> "),
      .unresolvedImport)
  }

  /// The string that data begins with, where the file has it.
  private func text(_ symbol: Symbol) -> String? {
    guard symbol.kind == .data, let definition = symbol.definition, let unit = resolver.units[symbol.unit] else {
      return nil
    }
    for (index, segment) in unit.segments.enumerated() {
      let start: UInt64
      switch segment.placement {
      case .inside(let block, let offset) where Int(block) == Int(definition): start = offset
      case .free where index == Int(definition): start = 0
      default: continue
      }
      guard symbol.value >= start, symbol.value - start < UInt64(segment.count) else { continue }
      let bytes = segment.content.dropFirst(Int(symbol.value - start))
      guard let end = bytes.firstIndex(of: 0) else { return nil }
      return String(decoding: bytes[..<end], as: UTF8.self)
    }
    return nil
  }
}
