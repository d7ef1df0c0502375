import WebAssemblyFormat

/// How wide the addresses of a link are, and who asks for it.
struct AddressWidth {
  private(set) var is64 = false
  /// A file, or the command line.
  private var decider = "a link without -mwasm64"

  init() {}

  /// The first finished module that says how wide addresses are decides, or else the first object, unless the command line
  /// did; all others must agree, unless there are only whole modules, each of which keeps its memories.
  ///
  /// Only the first that does not agree is reported: everything would be wrong where `-m` is missing.
  init(of inputs: Inputs, _ options: LinkOptions, _ diagnostics: Diagnostics) {
    var isDecided = false
    if let architecture = options.architecture {
      (is64, decider, isDecided) = (architecture == .wasm64, "the command line (-m)", true)
    }
    func decide(_ unit: InputModule, _ width: Int) {
      guard !isDecided else { return }
      (is64, decider, isDecided) = (width == 64, unit.file.displayName, true)
    }
    for unit in inputs.units where unit.origin != .object { unit.addressWidth.map { decide(unit, $0) } }
    // What `-m` asks for holds for modules that are apart as well.
    let isShared =
      options.architecture != nil || !inputs.lazyFiles.isEmpty || inputs.units.contains { $0.origin != .plainModule }
    for unit in inputs.units {
      guard let width = unit.addressWidth else { continue }
      // Like wasm-ld, do not take an object's word for it.
      if !isDecided, width == 64 {
        diagnostics.error(AddressWidth.isWide(unit), .addressWidth, in: unit.file.displayName)
        return
      }
      decide(unit, width)
      if isShared, !check(unit, diagnostics) { return }
    }
    for unit in inputs.units { checkTable(of: unit, diagnostics) }
  }

  /// Whether the addresses of a unit are as wide as those of the link; an error that says so if they are not.
  func check(_ unit: InputModule, _ diagnostics: Diagnostics) -> Bool {
    guard let width = unit.addressWidth, (width == 64) != is64 else { return true }
    diagnostics.error(mismatch(unit), .addressWidth, in: unit.file.displayName)
    return false
  }

  private func mismatch(_ unit: InputModule) -> String {
    if unit.origin == .object, decider.hasPrefix("the command line") {
      return is64
        ? "\(unit.file.displayName): wasm32 object file can't be linked in wasm64 mode" : AddressWidth.isWide(unit)
    }
    let (own, others) = is64 ? ("wasm32", "wasm64") : ("wasm64", "wasm32")
    return "\(unit.file.displayName): is \(own), and cannot be linked with \(others), which \(decider) asks for"
  }

  private static func isWide(_ unit: InputModule) -> String {
    "\(unit.file.displayName): must specify -mwasm64 to process wasm64 object files"
  }

  /// Libraries for wasm64 may have function pointers of 32 bits in calls: those of releases before LLVM 19.
  func checkTable(of unit: InputModule, _ diagnostics: Diagnostics) {
    guard unit.origin == .sharedLibrary,
      let table = unit.tableImports.first(where: { $0.name == "__indirect_function_table" }), table.limits.is64 != is64
    else { return }
    diagnostics.error(
      "\(unit.file.displayName): needs a function table with indices of \(is64 ? 32 : 64) bits, but that of the result "
        + "has \(is64 ? 64 : 32)" + (is64 ? " (link it with LLVM 19 or later)" : ""),
      .addressWidth, in: unit.file.displayName)
  }
}
