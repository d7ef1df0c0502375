import WebAssemblyFormat

extension Symbol {
  /// Whether the result exports it, if it contains it.
  func isExported(_ options: LinkOptions) -> Bool {
    isRoot(options)
      // A shared library exports weak definitions in case the dynamic linker chooses them.
      || options.contract.weakMayBeReplaced && isWeak && !isHidden && isDefined && !has(.unnamed) && !isLocal
  }

  /// Whether the result contains it because it has to export it.
  func isRoot(_ options: LinkOptions) -> Bool {
    guard isDefined, !isLocal, !has(.unnamed) else { return false }
    if options.exportAll || options.exportDynamic && !isHidden { return true }
    return has(.forceExport) || flags.contains(.exported)
  }
}
