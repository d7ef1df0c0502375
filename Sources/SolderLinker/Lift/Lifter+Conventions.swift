import WebAssemblyFormat

// Names that the conventions give a meaning (tool-conventions, Linking.md and DynamicLinking.md), where a file uses them
// in another way.
extension Lifter {
  /// Checks that a module is the library that it looks like, and that what a library exports for its own start-up can be
  /// called.
  func checkConventions() throws(FormatError) {
    if unit.origin == .plainModule { return try checkIsNoLibrary() }
    for export in unit.exports where export.kind == .function {
      guard let parameters = Lifter.parameters(ofStartUp: export.name) else { continue }
      let index = Int(export.index)
      let type =
        index < unit.functionImports.count
        ? unit.functionImports[index].type : unit.functions[index - unit.functionImports.count].type
      guard let signature = unit.types.functionType(type),
        !signature.results.isEmpty || signature.parameters.count != parameters
      else { continue }
      throw FormatError(
        "export '\(export.name)' is a function of type \(signature), but the name stands for one of type "
          + (parameters == 0 ? "() -> void" : "(i32) -> void") + " in libraries", at: unit.file.bytes.end)
    }
  }

  /// The number of parameters of a function that sets a library up; `nil` for any other.
  private static func parameters(ofStartUp name: ByteString) -> Int? {
    switch name.description {
    case "__wasm_call_ctors", "__wasm_apply_data_relocs", "__wasm_apply_global_relocs", "__wasm_apply_relocs",
      "__wasm_apply_tls_relocs", "__wasm_apply_global_tls_relocs":
      0
    case "__wasm_init_tls": 1
    default: nil
    }
  }

  /// A library without its `dylink.0` section does not say any more how much memory it needs: taken for a plain module it
  /// would have its data at address 0.
  private func checkIsNoLibrary() throws(FormatError) {
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
  var isLinkersOwn: Bool {
    hasPrefix("__wasm_") || self == "__tls_base" || self == "__tls_size" || self == "__tls_align"
  }
}

/// Which exports of a library are `export_name`s: interfaces to the host, rather than symbols for other libraries.
///
/// wasm-ld gives both the same form, but for the name section, which has the functions' own names: a symbol is exported
/// under that, an `export_name` is another one. So is the alias of a function whose own name is not visible; but that is
/// mostly weak, and then imported too, or stands for a name that is reserved to the implementation (`__lseek`).
struct ExportNames {
  private var names: Set<ByteString> = []

  init(_ unit: ModuleDraft, _ imported: [ByteString: UInt32]) {
    guard unit.origin == .sharedLibrary else { return }
    let imports = unit.functionImports.count
    var candidates: [Export] = []
    for export in unit.exports where export.kind == .function && Int(export.index) >= imports {
      let own = unit.functions[Int(export.index) - imports].name
      guard !own.isEmpty, own != export.name, imported[export.name] == nil,
        !ExportNames.isMangled(export.name, own: own)
      else { continue }
      if !ExportNames.isIdentifier(export.name) || !ExportNames.isReserved(own) { candidates.append(export) }
    }
    guard !candidates.isEmpty else { return }
    // A function that is exported under its own name too has an alias.
    var exportedAsThemselves: Set<UInt32> = []
    for export in unit.exports where export.kind == .function && Int(export.index) >= imports {
      if unit.functions[Int(export.index) - imports].name == export.name { exportedAsThemselves.insert(export.index) }
    }
    names = Set(
      candidates.filter { !exportedAsThemselves.contains($0.index) || !ExportNames.isIdentifier($0.name) }.map(\.name))
  }

  func contains(_ export: Export) -> Bool { !names.isEmpty && export.kind == .function && names.contains(export.name) }

  /// The name section has mangled names as people write them.
  private static func isMangled(_ name: ByteString, own: ByteString) -> Bool {
    guard name.hasPrefix("_"), !isIdentifier(own) else { return false }
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
