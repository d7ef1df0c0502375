import WebAssemblyFormat

extension Symbol {
  /// Whether the result exports it, if it contains it.
  func isExported(_ options: LinkOptions) -> Bool {
    // A shared library exports weak definitions in case the dynamic linker chooses them.
    isRoot(options) || options.contract.weakMayBeReplaced && isWeak && !isHidden && mayBeExported
  }

  /// Whether the result contains it because it has to export it.
  func isRoot(_ options: LinkOptions) -> Bool {
    // Of most symbols two flags tell.
    let isAskedFor = has(.forceExport) || flags.contains(.exported)
    guard isAskedFor || options.exportAll || options.exportDynamic, mayBeExported else { return false }
    return isAskedFor || options.exportAll || !isHidden
  }

  private var mayBeExported: Bool { isDefined && !isLocal && !has(.unnamed) }
}
