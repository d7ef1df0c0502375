import WebAssemblyFormat

extension Symbol {
  /// Whether the result exports it.
  func isExported(_ options: LinkOptions) -> Bool {
    guard isDefined, !isLocal, !has(.unnamed) else { return false }
    // A shared library exports weak definitions in case the dynamic linker chooses them.
    if options.contract.weakMayBeReplaced, isWeak, !isHidden { return true }
    if options.exportAll || options.exportDynamic && !isHidden { return true }
    return has(.forceExport) || flags.contains(.exported)
  }
}
