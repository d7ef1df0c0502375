import SizeReport
import WebAssemblyFormat

/// Why symbols are in the result (`--why-live`): the shortest chain of references from a root to each.
struct WhyLive {
  let program: Program
  let builder: SizeReportBuilder
  let diagnostics: Diagnostics

  func write(_ names: [String]) {
    guard !names.isEmpty else { return }
    let symbols = symbols(named: Set(names))
    for name in names { write(name, symbols[name] ?? []) }
  }

  private func write(_ name: String, _ symbols: [SymbolID]) {
    if symbols.isEmpty { return diagnostics.message("--why-live: no input has a symbol '\(name)'") }
    var isLive = false
    var written: Set<Int> = []
    for id in symbols {
      guard let (item, isReferrer) = builder.item(of: id) else { continue }
      isLive = true
      guard written.insert(item).inserted else { continue }
      write(item, import: isReferrer ? program.symbol(id).name : nil)
    }
    if !isLive { diagnostics.message("'\(name)' is not in the result: nothing that is in it refers to it") }
  }

  /// Everything of each name, as files have it or as it was written in the source.
  private func symbols(named names: Set<String>) -> [String: [SymbolID]] {
    var found: [String: [SymbolID]] = [:]
    var seen: Set<SymbolID> = []
    for unit in program.resolution.units {
      for id in unit.symbolIDs.values where seen.insert(id).inserted {
        let symbol = program.symbol(id).name
        for name in Set([symbol.description, program.options.displayName(of: symbol)]) where names.contains(name) {
          found[name, default: []].append(id)
        }
      }
    }
    return found
  }

  private func write(_ item: Int, import name: ByteString?) {
    let report = builder.report
    var lines: [String] = []
    for step in report.chain(to: item) {
      let entry = report.items[step]
      let unit = entry.unit.map { report.units[$0].displayName } ?? "the linker"
      let place = "\(entry.name) in \(unit)"
      if case .root(let why) = entry.reason {
        lines.append("\(place): \(why)")
      } else {
        lines.append("  refers to \(place)")
      }
    }
    if let name { lines.append("  refers to \(program.options.displayName(of: name)), which the host provides") }
    diagnostics.message(lines.joined(separator: "\n"))
  }
}
