import WebAssemblyFormat

extension Resolver {
  /// Reports two definitions of a name, and what is likely meant instead.
  func reportDuplicate(_ existing: Symbol, _ new: Symbol, of unit: BoundModule) {
    let name = demangled(existing.name)
    let (first, second) = (displayName(ofUnit: existing.unit), unit.file.displayName)
    diagnostics.report(
      isError: !options.writesDespiteErrors,
      "duplicate symbol: \(name)\n>>> defined in \(first)\n>>> defined in \(second)",
      hint: duplicateHint(existing, new, of: unit), about: "duplicate symbol \(name)", .duplicateSymbol,
      symbol: existing.name, in: first, second, as: options)
  }

  private func duplicateHint(_ existing: Symbol, _ new: Symbol, of unit: BoundModule) -> String? {
    guard let other = units[existing.unit] else { return nil }
    let file = unit.file.displayName
    if other.index == .own {
      if existing.name == "__stack_pointer", let type = externalType(of: new), let wanted = externalType(of: existing) {
        return "\(file) has \(describe(type)) of that name, and a stack that all share needs \(describe(wanted)) "
          + "(make it that, or give it another name)"
      }
      return "the linker defines that name itself (give it another name in \(file))"
    }
    if other.file.path == unit.file.path, other.file.member == unit.file.member { return "\(file) is given twice" }
    switch (other.contracts.keepsMemory, unit.contracts.keepsMemory) {
    case (true, true):
      return "both are whole modules: written NAME=FILE, one keeps its names to itself"
    case (true, false): return programHint(existing.name, other.file.displayName)
    case (false, true): return programHint(existing.name, file)
    case (false, false): return nil
    }
  }

  /// A program that was given where a library is meant.
  private func programHint(_ name: ByteString, _ file: String) -> String? {
    guard name == "_start" || name == "_initialize" || name == "__wasm_call_ctors" || name == "__stack_pointer" else {
      return nil
    }
    return "\(file) is a whole program and no library (link its objects, or make it with -shared)"
  }
}
