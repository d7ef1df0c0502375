import WebAssemblyFormat

/// Lists functions that were folded into identical ones (`--print-icf-sections`), below the one that is kept, in the words
/// of lld.
struct FoldReport {
  let resolution: Resolution
  let folds: FunctionFolds
  let diagnostics: Diagnostics

  func write() {
    let all = folds.all
    var members: [FunctionID: [FunctionID]] = [:]
    for (folded, kept) in all { members[kept, default: []].append(folded) }
    let titles = titles(of: Set(all.flatMap { [$0.folded, $0.kept] }))
    for unit in resolution.inLinkOrder {
      for index in unit.functions.indices {
        let kept = unit.bases.function + index
        guard let folded = members[kept] else { continue }
        diagnostics.message("selected section \(titles[kept] ?? "")")
        for function in folded { diagnostics.message("  removing identical section \(titles[function] ?? "")") }
      }
    }
  }

  private func titles(of functions: Set<FunctionID>) -> [FunctionID: String] {
    var titles: [FunctionID: String] = [:]
    for unit in resolution.inLinkOrder {
      for (index, function) in unit.functions.enumerated() {
        let id = unit.bases.function + index
        if functions.contains(id) { titles[id] = "\(unit.file.displayName):(\(function.name))" }
      }
    }
    return titles
  }
}
