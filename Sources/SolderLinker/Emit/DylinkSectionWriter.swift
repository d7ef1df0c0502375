import WebAssemblyFormat

/// Writes the `dylink.0` section: what the loader of a result that is linked at run time has to know
/// (tool-conventions, DynamicLinking.md, The "dylink.0" Section).
struct DylinkSectionWriter {
  let program: Program

  private enum Subsection: UInt8 {
    case memory = 1
    case needed = 2
    case exports = 3
    case imports = 4
    case runtimePath = 5
  }

  func contents() -> ByteWriter {
    var writer = ByteWriter()
    append(.memory, &writer) { writer in
      let memory = program.memory
      writer.u64(program.options.isPositionIndependent ? memory.dataEnd &- memory.dataStart : 0)
      writer.u32(memory.alignment)
      writer.count(program.indices.slots.count)
      writer.u32(0)
    }
    let needed = Array(program.resolution.neededLibraries)
    if !needed.isEmpty {
      append(.needed, &writer) { writer in
        writer.count(needed.count)
        for library in needed { writer.name(library.file.baseName) }
      }
    }
    appendExports(&writer)
    appendImports(&writer)
    let runtimePaths = program.options.runtimePaths
    if !runtimePaths.isEmpty {
      append(.runtimePath, &writer) { writer in
        writer.count(runtimePaths.count)
        for path in runtimePaths { writer.name(path) }
      }
    }
    return writer
  }

  private func append(_ subsection: Subsection, _ writer: inout ByteWriter, _ body: (inout ByteWriter) -> Void) {
    writer.byte(subsection.rawValue)
    writer.sized(body)
  }

  /// Thread-local data, whose exported value counts from `__tls_base` rather than `__memory_base`.
  private func appendExports(_ writer: inout ByteWriter) {
    let forced = Set(program.indices.addresses.exported(program.options))
    let exports = program.resolution.table.slots.filter { id in
      let symbol = program.symbol(id)
      guard symbol.kind == .data, symbol.isTLS, program.isPresent(id) else { return false }
      return symbol.isExported(program.options) || forced.contains(id) && symbol.isDefined && !symbol.isLocal
    }
    guard !exports.isEmpty else { return }
    append(.exports, &writer) { writer in
      writer.count(exports.count)
      for id in exports {
        writer.name(program.symbol(id).name)
        writer.u32(program.symbol(id).flags.rawValue)
      }
    }
  }

  /// Weak references, which the loader need not satisfy. What an archive offers and nobody asked for is none.
  private func appendImports(_ writer: inout ByteWriter) {
    let imports = program.resolution.table.slots.filter { id in
      let symbol = program.symbol(id)
      return symbol.isUndefinedWeak && symbol.has(.usedInRegularUnit) && !symbol.has(.provided) && program.isPresent(id)
    }
    guard !imports.isEmpty else { return }
    append(.imports, &writer) { writer in
      writer.count(imports.count)
      for id in imports {
        let (module, name) = program.resolution.table.importName(of: program.symbol(id))
        writer.name(module)
        writer.name(name)
        writer.u32(program.symbol(id).flags.rawValue)
      }
    }
  }
}

extension Program {
  /// Whether the result is only complete when a loader has linked it.
  var needsDynamicLinking: Bool {
    options.isPositionIndependent || options.unresolvedSymbols == .importDynamic
      || resolution.neededLibraries.contains { _ in true }
  }
}
