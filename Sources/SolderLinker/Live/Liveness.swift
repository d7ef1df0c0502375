import WebAssemblyFormat

/// What the result keeps: one flag for each element of all units, and for each symbol.
struct Liveness {
  var functions: [Bool]
  var segments: [Bool]
  var globals: [Bool]
  var tags: [Bool]
  var tables: [Bool]
  var elements: [Bool]
  /// Symbols that something live refers to.
  var referenced: [Bool]
  /// Symbols that something live refers to, and of which a reference may ask for more than their index or address.
  var unsettled: [Bool]
  /// Units of which something is live; those named on the command line are from the beginning.
  var units: [Bool]
  /// Whether constructors have to be called.
  var hasConstructors = false

  /// Whether a symbol is part of the result.
  func isLive(_ symbol: Symbol, _ id: SymbolID) -> Bool {
    guard symbol.state == .defined, symbol.element != none32 else { return isMarked(referenced, id) }
    switch symbol.kind {
    case .function: return isMarked(functions, symbol.element)
    case .data: return isMarked(segments, symbol.element)
    case .global: return isMarked(globals, symbol.element)
    case .tag: return isMarked(tags, symbol.element)
    case .table: return isMarked(tables, symbol.element)
    case .section: return true
    }
  }

  /// The linker's own elements are numbered last and may be newer than the flags: those are live.
  private func isMarked(_ flags: [Bool], _ id: UInt32) -> Bool { Int(id) >= flags.count || flags[Int(id)] }

  /// Marks a function of the linker's own, which has no relocations.
  mutating func markFunction(_ id: SymbolID, _ resolution: Resolution) {
    let symbol = resolution.symbol(id)
    referenced[Int(id)] = true
    guard symbol.state == .defined, symbol.kind == .function, !isLive(symbol, id) else { return }
    functions[Int(symbol.element)] = true
    units[Int(symbol.unit)] = true
  }

  func isFunctionLive(_ id: UInt32) -> Bool { isMarked(functions, id) }
  func isGlobalLive(_ id: UInt32) -> Bool { isMarked(globals, id) }
  func isTableLive(_ id: UInt32) -> Bool { isMarked(tables, id) }
}

extension Symbol {
  /// Whether the result exports it.
  func isExported(_ options: LinkOptions) -> Bool {
    guard isDefined, !isLocal, !has(.unnamed) else { return false }
    // A shared library exports weak definitions in case the dynamic linker chooses them.
    if options.output == .shared, isWeak, !isHidden { return true }
    if options.exportAll || options.exportDynamic && !isHidden { return true }
    return has(.forceExport) || flags.contains(.exported)
  }
}
