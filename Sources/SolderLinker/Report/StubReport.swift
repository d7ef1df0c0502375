/// Lists the functions that are missing and that something may call (`--stub-missing`).
struct StubReport {
  let resolution: Resolution
  let live: Liveness
  let options: LinkOptions
  let diagnostics: Diagnostics

  func write() {
    guard let unit = resolution.stubs.map({ resolution.units[$0] }) else { return }
    let missing = unit.symbols.enumerated().filter { index, symbol in
      symbol.definition.map { live.functions[unit.bases.function + Int($0)] } ?? false
    }.map { options.displayName(of: $0.element.name) }
    if missing.isEmpty { return }
    diagnostics.warn(
      "--stub-missing: nobody defines these functions, which trap when they are called: "
        + missing.joined(separator: ", "), .undefinedSymbol)
  }
}
