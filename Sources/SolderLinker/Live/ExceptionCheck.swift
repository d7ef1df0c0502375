import WebAssemblyFormat

/// Refuses a result that catches exceptions in two ways, which no engine takes.
struct ExceptionCheck {
  let resolution: Resolution
  let live: Liveness
  let options: LinkOptions
  let diagnostics: Diagnostics

  /// Runs the check; an error is in the diagnostics.
  func run() {
    guard options.checkFeatures else { return }
    var first: (form: ExceptionForm, unit: Unit)?
    for unit in resolution.inLinkOrder {
      let form = unit.exceptionForm { live.functions[unit.bases.function + $0] }
      guard let form else { continue }
      guard let other = first else {
        first = (form, unit)
        continue
      }
      if other.form == form { continue }
      let (older, newer) = form == .legacy ? (unit, other.unit) : (other.unit, unit)
      diagnostics.error(
        "\(older.file.displayName) catches exceptions by the older instructions (try, catch), and "
          + "\(newer.file.displayName) by the newer ones (try_table)\n>>> engines do not take a module that has both: "
          + (older.contracts.hasRelocationSections
            ? "compile the former with -mllvm -wasm-use-legacy-eh=false" : "pass --translate-to-exnref"),
        .features, in: older.file.displayName, newer.file.displayName)
      return
    }
  }
}
