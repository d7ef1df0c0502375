import WebAssemblyFormat

// What a shared library exports or imports under a name that the conventions give a meaning has to be of the type that
// the conventions say (tool-conventions, DynamicLinking.md): the linker calls the one and replaces the other, and neither
// would be the same with another type.
struct ConventionCheck {
  private let types: TypeTable
  private let is64: Bool
  private let diagnostics: Diagnostics

  init(_ types: TypeTable, is64: Bool, _ diagnostics: Diagnostics) {
    self.types = types
    self.is64 = is64
    self.diagnostics = diagnostics
  }

  func check(_ unit: BoundModule) {
    guard unit.contracts.followsDynamicLinking else { return }
    for export in unit.exports {
      if let function = export.function { check(function, exportedAs: export.name, of: unit) }
      if let entry = unit.globalImports[checked: export.global.map { Int($0) } ?? unit.globalImports.count],
        entry.module == "GOT.func"
      {
        report(unit, "exports its import \(entry.module).\(entry.name) as \(export.name)", "an export of the function")
      }
    }
    for entry in unit.functionImports where entry.module == "env" && ConventionCheck.isReserved(entry.name) {
      report(unit, "imports \(entry.module).\(entry.name) as a function", "a \(ConventionCheck.kind(of: entry.name))")
    }
    for entry in unit.globalImports { check(entry, of: unit) }
    checkMemory(of: unit)
    for entry in unit.tableImports where entry.module == "env" && entry.name == "__indirect_function_table" {
      guard entry.elementType != 0x70 else { continue }
      report(unit, "imports \(entry.module).\(entry.name) with elements of another type", "a table of funcref")
    }
  }

  /// A library's block lies in `env.memory`: in another memory its base would be any address.
  private func checkMemory(of unit: BoundModule) {
    guard unit.contracts.programMemory == nil, !unit.memoryImports.isEmpty || !unit.memories.isEmpty,
      let size = unit.dylink?.memorySize, size > 0,
      unit.globalImports.contains(where: { $0.module == "env" && $0.name == "__memory_base" })
    else { return }
    // A position-independent program has, which is none to be loaded into another.
    let other =
      unit.memoryImports.first.map { "imports the memory \($0.module).\($0.name)" }
      ?? "has a memory of its own (link it with -shared, or with --import-memory)"
    report(unit, "\(other) for its \(size) bytes at env.__memory_base", "env.memory")
  }

  // MARK: Exports

  private func check(_ function: FunctionIndex, exportedAs name: ByteString, of unit: BoundModule) {
    guard let wanted = wantedType(of: name) else { return }
    let imported = unit.functionImports.count
    let index = Int(function)
    let type = index < imported ? unit.functionImports[index].type : unit.functions[index - imported].type
    let text = types.describe(unit.typeIDs[type])
    if text != wanted { report(unit, "exports \(name) as \(text)", wanted) }
  }

  private func wantedType(of name: ByteString) -> String? {
    if name == "__wasm_init_tls" { return is64 ? "(i64) -> void" : "(i32) -> void" }
    let isPlain =
      name == "__wasm_call_ctors" || name == "__wasm_call_dtors" || name == "__post_instantiate"
      || name == "_initialize"
      || name == "__wasm_apply_data_relocs" || name == "__wasm_apply_relocs" || name == "__wasm_apply_global_relocs"
      || name == "__wasm_apply_tls_relocs" || name == "__wasm_apply_global_tls_relocs"
    return isPlain ? "() -> void" : nil
  }

  // MARK: Imports

  private static func isReserved(_ name: ByteString) -> Bool {
    name == "__memory_base" || name == "__table_base" || name == "__stack_pointer" || name == "memory"
      || name == "__indirect_function_table"
  }

  private static func kind(of name: ByteString) -> String {
    name == "memory" ? "memory" : name == "__indirect_function_table" ? "table" : "global"
  }

  private func check(_ entry: Import, of unit: BoundModule) {
    let pointer: UInt8 = is64 ? 0x7E : 0x7F
    let isAddress = entry.module == "GOT.mem" || entry.module == "GOT.func"
    let isBase = entry.module == "env" && (entry.name == "__memory_base" || entry.name == "__table_base")
    guard isAddress || isBase else { return }
    // Before tables had 64-bit indices, their base had 32 bits beside addresses of 64.
    let isOldTableBase = is64 && entry.name == "__table_base" && entry.global.valueType == 0x7F
    if entry.global.valueType == pointer || isOldTableBase, isAddress || !entry.global.isMutable { return }
    let names: [UInt8: String] = [0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"]
    let type = names[entry.global.valueType] ?? "global of another type"
    report(
      unit, "imports \(entry.module).\(entry.name) as \(entry.global.isMutable ? "mutable " : "")\(type)",
      "\(isBase ? "immutable " : "")\(is64 ? "i64" : "i32")")
  }

  private func report(_ unit: BoundModule, _ what: String, _ wanted: String) {
    diagnostics.error(
      "\(unit.file.displayName): \(what), which has to be \(wanted) in a shared library", .typeMismatch,
      in: unit.file.displayName)
  }
}
