extension LinkOptions {
  /// The name under which memory is imported and exported.
  public static let memoryName = "memory"

  /// The same options with what they imply filled in; doing it twice changes nothing.
  ///
  /// Position-independent and relocatable output import the table, a shared library imports its memory, other modules
  /// export it unless told otherwise; static addresses begin at 1024 where nothing lies below, table slots at 1.
  public func normalized() -> LinkOptions {
    var options = self
    if output != .executable { options.importTable = true }
    // What is linked again is folded then.
    if output == .relocatable { options.identicalCodeFolding = .none }
    if !isPositionIndependent {
      options.tableBase = tableBase ?? 1
      // 1024 leaves room for a null pointer's fields; with the stack there is no need, and an object has no addresses.
      if globalBase == nil && output != .relocatable && !stackFirst { options.globalBase = 1024 }
    }
    if contract.importsMemory && memoryImport == nil { options.memoryImport = MemoryImport() }
    if options.memoryImport == nil && memoryExport == nil { options.memoryExport = LinkOptions.memoryName }
    if mergesModules { options.importUndefined = true }
    // The table of functions may be asked for by its name, like everything.
    let table = "__indirect_function_table"
    if !options.importTable, exports.contains(table) || exportsIfDefined.contains(table) {
      options.exportTable = true
      options.exports.removeAll { $0 == table }
      options.exportsIfDefined.removeAll { $0 == table }
    }
    return options
  }
}

extension LinkOptions {
  /// Whether thread-local data is known by its offset from `__tls_base`.
  var offsetsThreadLocals: Bool { sharedMemory || compatibility.countsFromTLSBase }
}
