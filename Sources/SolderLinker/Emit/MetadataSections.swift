import WebAssemblyFormat

/// Custom sections that the linker joins: which tools made the program, and which features it uses.
struct MetadataSections {
  let program: Program

  /// The `producers` section (tool-conventions, ProducersSection.md): each tool once, the first version wins.
  func producers() -> ByteWriter {
    let fields: [StaticString] = ["language", "processed-by", "sdk"]
    var values: [[(name: ByteString, version: ByteString)]] = [[], [], []]
    for unit in program.resolution.inLinkOrder {
      guard var reader = unit.producers else { continue }
      try? read(&reader) { field, name, version in
        guard let index = fields.firstIndex(where: { field == $0 }) else { return }
        if !values[index].contains(where: { $0.name == name }) { values[index].append((name, version)) }
      }
    }
    var writer = ByteWriter()
    let present = values.count { !$0.isEmpty }
    guard present > 0 else { return writer }
    writer.count(present)
    for (field, entries) in zip(fields, values) where !entries.isEmpty {
      writer.name(ByteString(field))
      writer.count(entries.count)
      for entry in entries {
        writer.name(entry.name)
        writer.name(entry.version)
      }
    }
    return writer
  }

  private func read(
    _ reader: inout ByteReader, _ body: (ByteString, ByteString, ByteString) -> Void
  ) throws(FormatError) {
    for _ in 0..<(try reader.count(minimumSize: 2)) {
      let field = try reader.name()
      for _ in 0..<(try reader.count(minimumSize: 2)) { body(field, try reader.name(), try reader.name()) }
    }
  }

  /// The `target_features` section (tool-conventions, Linking.md).
  func targetFeatures() -> ByteWriter {
    var writer = ByteWriter()
    let names = program.features.allowed
    guard !names.isEmpty else { return writer }
    writer.count(names.count)
    for name in names {
      writer.byte(UInt8(ascii: "+"))
      writer.name(name)
    }
    return writer
  }
}
