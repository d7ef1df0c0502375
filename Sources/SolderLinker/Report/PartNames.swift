import WebAssemblyFormat

// What reports call a part of a unit: its name, or else its kind and its number in the file.

extension Unit {
  func reportName(ofFunction index: Int) -> String {
    name(functions[index].name, "function", functionImports.count + index)
  }

  func reportName(ofSegment index: Int) -> String { name(segments[index].name, "data", index) }

  func reportName(ofGlobal index: Int) -> String { name(globals[index].name, "global", globalImports.count + index) }

  func reportName(ofTag index: Int) -> String { name(tags[index].name, "tag", tagImports.count + index) }

  func reportName(ofTable index: Int) -> String { name(tables[index].name, "table", tableImports.count + index) }

  private func name(_ name: ByteString, _ kind: StaticString, _ number: Int) -> String {
    name.isEmpty ? "\(kind) \(number)" : name.description
  }
}
