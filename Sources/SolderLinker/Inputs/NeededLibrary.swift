import WebAssemblyFormat

// Shared libraries beside a result that is itself linked at run time.
//
// An ordinary link takes a shared library apart and links it like an object. A position-independent result (`-shared`,
// `-pie`) leaves it alone, as wasm-ld always does: the library is recorded as needed, what it exports is known to exist
// and is imported, and the dynamic linker brings the two together.

extension ModuleDraft {
  /// Makes what a shared library exports its symbols: functions, and data by way of the globals that hold addresses.
  ///
  /// Each is undefined as far as this link goes, and known to be provided by the library.
  func declareProvidedSymbols() {
    var flags: [ByteString: SymbolFlags] = [:]
    for entry in dylink?.exportFlags ?? [] { flags[entry.name] = entry.flags }
    for export in exports {
      // Every library has these for itself.
      if export.name == "__wasm_apply_data_relocs" || export.name == "__wasm_call_ctors" { continue }
      if export.name.hasPrefix("__start_") || export.name.hasPrefix("__stop_") { continue }
      let (kind, meaning): (SymbolKind, Meaning)
      switch export.item {
      case .function(let index) where Int(index) >= functionImports.count:
        (kind, meaning) = (.function, .defined(DefinitionIndex(Int(index) - functionImports.count)))
      case .global: (kind, meaning) = (.data, .absolute)
      default: continue
      }
      symbols.append(
        UnitSymbol(
          kind: kind, meaning, flags: flags[export.name] ?? [], name: export.name))
    }
  }
}
