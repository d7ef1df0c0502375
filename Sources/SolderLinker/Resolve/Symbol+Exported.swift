import WebAssemblyFormat

extension Symbol {
  /// Whether the result exports it.
  func isExported(_ options: LinkOptions) -> Bool {
    // Of most symbols two flags tell.
    let isAskedFor = has(.forceExport) || flags.contains(.exported)
    guard isAskedFor || options.exportsUnasked, isDefined, !isLocal, !has(.unnamed) else { return false }
    if isAskedFor || options.exportAll { return true }
    // A shared library exports weak definitions in case the dynamic linker chooses them.
    return !isHidden && (options.exportDynamic || options.contract.weakMayBeReplaced && isWeak)
  }
}

extension LinkOptions {
  /// Whether symbols are exported that nobody asks for by name or in the source.
  fileprivate var exportsUnasked: Bool { exportAll || exportDynamic || contract.weakMayBeReplaced }
}
