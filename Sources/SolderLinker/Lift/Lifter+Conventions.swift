import WebAssemblyFormat

// Names that the conventions give a meaning (tool-conventions, Linking.md and DynamicLinking.md), where a file uses them
// in another way.
extension Lifter {
  /// A library without its `dylink.0` section does not say any more how much memory it needs: taken for a plain module it
  /// would have its data at address 0.
  func checkIsNoLibrary() throws(FormatError) {
    guard unit.origin == .plainModule else { return }
    for entry in unit.globalImports {
      let isBase =
        entry.module == "env"
        && ["__memory_base", "__table_base", "__memory_base32", "__table_base32"].contains {
          entry.name == ByteString($0)
        }
      guard isBase || entry.module == "GOT.mem" || entry.module == "GOT.func" else { continue }
      throw FormatError(
        "imports \(entry.module).\(entry.name) as a shared library does, but has no dylink.0 section, which says how much "
          + "memory it needs; a tool that removes custom sections has removed it (link the file as it was before)",
        at: unit.file.bytes.end)
    }
  }
}

extension ByteString {
  /// Whether a name is one that the linker defines for objects. A plain module, which was linked before, means something
  /// of its own by it.
  ///
  /// - Parameter sharesStack: whether everybody uses the module's stack.
  func isLinkersOwn(sharesStack: Bool) -> Bool {
    guard hasPrefix("__") else { return false }
    return hasPrefix("__wasm_")
      || [
        "__tls_base", "__tls_size", "__tls_align", "__memory_base", "__table_base", "__data_end", "__global_base",
        "__dso_handle",
      ].contains { self == $0 }
      || !sharesStack && (self == "__stack_low" || self == "__stack_high")
  }
}

/// Which exports of a library are `export_name`s: interfaces to the host, rather than symbols for other libraries.
///
/// wasm-ld gives both the same form, but for the name section, which has the functions' own names: a symbol is exported
/// under that, an `export_name` is another one. So is the alias of a function whose own name is not visible; but that is
/// mostly weak, and then imported too, or stands for a name that is reserved to the implementation (`__lseek`); where it is
/// neither, it is exported, too.
struct ExportNames {
  private var names: Set<ByteString> = []

  init(_ unit: ModuleDraft, _ imported: [ByteString: FunctionIndex]) {
    guard unit.origin == .sharedLibrary else { return }
    let imports = unit.functionImports.count
    var candidates: [Export] = []
    for export in unit.exports {
      guard let index = export.function, Int(index) >= imports else { continue }
      let own = unit.functions[Int(index) - imports].name
      // Where functions have no names, only what can be no symbol of a compiler is known to be none.
      if own.isEmpty, ExportNames.isIdentifier(export.name) { continue }
      guard own != export.name, imported[export.name] == nil, !ExportNames.isMangled(export.name, own: own) else {
        continue
      }
      if !ExportNames.isIdentifier(export.name) || !ExportNames.isReserved(own) { candidates.append(export) }
    }
    guard !candidates.isEmpty else { return }
    // A function that is exported under its own name too has an alias.
    var exportedAsThemselves: Set<UnitIndex> = []
    for export in unit.exports {
      guard let index = export.function, Int(index) >= imports else { continue }
      if unit.functions[Int(index) - imports].name == export.name { exportedAsThemselves.insert(export.item) }
    }
    names = Set(
      candidates.filter { !exportedAsThemselves.contains($0.item) || !ExportNames.isIdentifier($0.name) }.map(\.name))
  }

  func contains(_ export: Export) -> Bool { !names.isEmpty && export.kind == .function && names.contains(export.name) }

  /// The name section has mangled names as people write them.
  private static func isMangled(_ name: ByteString, own: ByteString) -> Bool {
    guard name.hasPrefix("_"), !own.isEmpty, !isIdentifier(own) else { return false }
    let letters = name.bytes.drop { $0 == 0x5F }
    return letters.first == 0x5A || letters.first == 0x52 || letters.first == 0x44  // Z, R, D
  }

  private static func isReserved(_ name: ByteString) -> Bool {
    name.hasPrefix("__") && !name.hasPrefix("__wasm_export_")
  }

  private static func isIdentifier(_ name: ByteString) -> Bool {
    name.bytes.allSatisfy {
      $0 == 0x5F || $0 == 0x24 || $0 == 0x2E || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
        || (0x61...0x7A).contains($0)
    }
  }
}
