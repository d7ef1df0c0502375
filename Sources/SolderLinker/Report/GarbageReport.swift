import WebAssemblyFormat

/// Lists what garbage collection dropped (`--print-gc-sections`), in the order of the link and in wasm-ld's words, with the
/// bytes that are saved unless somebody counts on the very words.
struct GarbageReport {
  let resolution: Resolution
  let own: OwnUnit
  let live: Liveness
  let options: LinkOptions
  let diagnostics: Diagnostics

  func write() {
    for unit in resolution.inLinkOrder {
      for (index, function) in unit.functions.enumerated() where !live.functions[unit.bases.function + index] {
        let size = UInt64(function.body.size) + UInt64(function.body.start - function.start)
        report(unit.reportName(ofFunction: index), size: size, of: unit)
      }
      for (index, segment) in unit.segments.enumerated() where !live.segments[unit.bases.segment + index] {
        report(unit.reportName(ofSegment: index), size: segment.size, of: unit)
      }
      listGlobals(of: unit)
      for index in unit.tags.indices where !live.tags[unit.bases.tag + index] {
        report(unit.reportName(ofTag: index), of: unit)
      }
      for index in unit.tables.indices where !live.tables[unit.bases.table + index] {
        report(unit.reportName(ofTable: index), of: unit)
      }
    }
    let unit = resolution.units[.own]
    for index in 0..<Int(own.firstFunction) where !live.functions[unit.bases.function + index] {
      let stub = resolution.synthetic.symbolNames[UInt32(index)]
      report(stub?.description ?? unit.reportName(ofFunction: index), of: unit)
    }
    listGlobals(of: unit)
  }

  private func listGlobals(of unit: Unit) {
    for index in unit.globals.indices where !live.globals[unit.bases.global + index] {
      report(unit.reportName(ofGlobal: index), of: unit)
    }
  }

  private func report(_ name: String, size: UInt64? = nil, of unit: Unit) {
    let bytes = options.speaksLikeWasmLD ? "" : size.map { ", \($0) \($0 == 1 ? "byte" : "bytes")" } ?? ""
    diagnostics.message("removing unused section \(unit.file.displayName):(\(name))\(bytes)")
  }
}
