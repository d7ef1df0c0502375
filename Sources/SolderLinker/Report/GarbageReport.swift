import WebAssemblyFormat

/// Lists what garbage collection dropped (`--print-gc-sections`), in the order of the link and in wasm-ld's words.
struct GarbageReport {
  let resolution: Resolution
  let own: OwnUnit
  let live: Liveness
  let diagnostics: Diagnostics

  func write() {
    for unit in resolution.inLinkOrder {
      list(unit.functions, unit, from: unit.bases.function, live.functions, \.name)
      list(unit.segments, unit, from: unit.bases.segment, live.segments, \.name)
      list(unit.globals, unit, from: unit.bases.global, live.globals, \.name)
      list(unit.tags, unit, from: unit.bases.tag, live.tags, \.name)
      list(unit.tables, unit, from: unit.bases.table, live.tables, \.name)
    }
    let unit = resolution.units[.own]
    for index in 0..<Int(own.firstFunction) where !live.functions[unit.bases.function + index] {
      report(resolution.synthetic.symbolNames[UInt32(index)] ?? unit.functions[index].name, of: unit)
    }
    list(unit.globals, unit, from: unit.bases.global, live.globals, \.name)
  }

  private func list<Space, Element>(
    _ elements: [Element], _ unit: Unit, from base: Index<Space>, _ flags: Row<Space, Bool>,
    _ name: (Element) -> ByteString
  ) {
    for (index, element) in elements.enumerated() where !flags[base + index] { report(name(element), of: unit) }
  }

  private func report(_ name: ByteString, of unit: Unit) {
    diagnostics.message("removing unused section \(unit.file.displayName):(\(name))")
  }
}
