import WebAssemblyFormat

/// What relocations in custom sections write about code and data that is not part of the result.
struct Tombstone: Equatable {
  /// An address that no range of code has; 0 for the addend instead.
  var value: UInt64 = 0
  /// Whether a folded function counts as gone. What is said of it would be said of the identical one, of which it is not
  /// true.
  var coversFolded = false
}

extension Tombstone {
  init(inSection name: ByteString, _ options: LinkOptions) {
    let isDebug = name.hasPrefix(".debug_")
    if name == ".debug_ranges" || name == ".debug_loc" {
      value = UInt64(bitPattern: -2)
    } else if isDebug || name.hasPrefix("llvm.func_attr.") {
      value = UInt64(bitPattern: -1)
    }
    // Line numbers stay, for breakpoints in either function.
    coversFolded = options.identicalCodeFolding != .none && isDebug && name != ".debug_line"
  }
}
